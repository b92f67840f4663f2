//! An encoder made for pretraining: three convolutions of few operations, normalised, and an embedding of 128 numbers.
use super::{EncoderEntry, Layer};
use crate::{
    ops::{Activation, DropoutUnit},
    spec::{ComponentInfo, Param, ParamKind},
};

pub const ENTRY: EncoderEntry = EncoderEntry {
    info: ComponentInfo {
        id: "compact_cnn",
        label: "Compact CNN",
        help: "A network that is quick to pretrain and whose features transfer well: it halves the image twice, then sums it up in 128 numbers.",
        params: &[DROPOUT],
    },
    layers: |_| {
        let conv = |name, norm, channels, stride| {
            let activation = Activation::None;
            [
                Layer::Conv { name, channels, kernel: 3, stride, padding: 1, activation },
                Layer::BatchNorm { name: norm, activation: Activation::Relu },
            ]
        };
        let stages =
            [conv("conv1", "norm1", 32, 2), conv("conv2", "norm2", 64, 2), conv("conv3", "norm3", 128, 1)];
        let embedding = [
            Layer::MaxPool { size: 2 },
            Layer::Flatten,
            Layer::Linear { name: "fc", features: 128, activation: Activation::Relu },
            Layer::Dropout { param: DROPOUT, unit: DropoutUnit::Elements },
        ];
        stages.into_iter().flatten().chain(embedding).collect()
    },
};

const DROPOUT: Param = Param {
    key: "dropout",
    label: "Dropout",
    unit: "",
    help: "The share of the 128 numbers that are switched off at random in each training step. Higher fights overfitting, and slows learning.",
    kind: ParamKind::Float { min: 0.0, max: 0.95, logarithmic: false },
    default: 0.0,
    live: true,
};
