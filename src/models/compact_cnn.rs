//! An encoder made for pretraining: three convolutions of few operations, normalised, and an embedding of 128 numbers.
use super::{EncoderEntry, Layer};
use crate::{ops::Activation, spec::ComponentInfo};

pub const ENTRY: EncoderEntry = EncoderEntry {
    info: ComponentInfo {
        id: "compact_cnn",
        label: "Compact CNN",
        help: "A network that is quick to pretrain and whose features transfer well: it halves the image twice, then sums it up in 128 numbers.",
        params: &[],
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
        ];
        stages.into_iter().flatten().chain(embedding).collect()
    },
};
