//! An encoder made for pretraining: three convolutions of few operations, normalised, and an embedding of 128 numbers.
use super::EncoderEntry;
use crate::{
    models::{
        INPUTS,
        blocks::{BatchNormalization, Convolution, Dropout, Flatten, Linear, MaxPooling, Padding, Sequence},
    },
    ops::{Activation, DropoutUnit, PoolShape},
    sample::Modality,
    spec::{ComponentInfo, Param, ParamKind},
};

/// Convolutions with batch normalisation, two poolings, and an embedding of 128 numbers.
pub const ENTRY: EncoderEntry = EncoderEntry {
    info: ComponentInfo {
        id: "compact_cnn",
        label: "Compact CNN",
        help: "A network that is quick to pretrain and whose features transfer well: it halves the image twice, then sums it up in 128 numbers.",
        params: &[DROPOUT, INPUTS],
    },
    serves: &[Modality::Images],
    blocks: |_| {
        let convolution = |channels, stride| Convolution {
            stride,
            padding: Padding::Around(1),
            ..Convolution::new(channels, 3)
        };
        let norm = BatchNormalization::new(Activation::Relu);
        Sequence::new()
            .named("conv1", convolution(32, 2))
            .named("norm1", norm)
            .named("conv2", convolution(64, 2))
            .named("norm2", norm)
            .named("conv3", convolution(128, 1))
            .named("norm3", norm)
            .then(MaxPooling(PoolShape::side_by_side(2)))
            .then(Flatten)
            .named("fc", Linear::new(128, Activation::Relu))
            .then(Dropout { param: DROPOUT, unit: DropoutUnit::Elements })
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
