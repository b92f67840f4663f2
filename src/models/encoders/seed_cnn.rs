//! The reference network: two convolutions, a pooling, and a hidden layer of 128, as in PyTorch's MNIST example.
use super::EncoderEntry;
use crate::{
    models::{
        INPUTS,
        blocks::{Convolution, Dropout, Flatten, Linear, MaxPooling, Sequence},
    },
    ops::{Activation, DropoutUnit, PoolShape},
    sample::Modality,
    spec::{ComponentInfo, Param, ParamKind},
};

/// Two convolutions, a pooling and a linear layer.
pub const ENTRY: EncoderEntry = EncoderEntry {
    info: ComponentInfo {
        id: "seed_cnn",
        label: "Seed CNN",
        help: "A small convolutional network: it looks for strokes and corners wherever they are in the image.",
        params: &[CONV_DROPOUT, DENSE_DROPOUT, INPUTS],
    },
    serves: &[Modality::Images],
    blocks: |_| {
        let convolution =
            |channels| Convolution { activation: Activation::Relu, ..Convolution::new(channels, 3) };
        Sequence::new()
            .named("conv1", convolution(32))
            .named("conv2", convolution(64))
            .then(MaxPooling(PoolShape::side_by_side(2)))
            .then(Dropout { param: CONV_DROPOUT, unit: DropoutUnit::Channels })
            .then(Flatten)
            .named("fc1", Linear::new(128, Activation::Relu))
            .then(Dropout { param: DENSE_DROPOUT, unit: DropoutUnit::Elements })
    },
};

const CONV_DROPOUT: Param = Param {
    key: "conv_dropout",
    label: "Conv dropout",
    unit: "",
    help: "The share of feature maps that are switched off at random in each training step, so that no single one is relied on.",
    kind: ParamKind::Float { min: 0.0, max: 0.95, logarithmic: false },
    default: 0.25,
    live: true,
};

const DENSE_DROPOUT: Param = Param {
    key: "dense_dropout",
    label: "Dense dropout",
    help: "The share of hidden units that are switched off at random in each training step. Higher fights overfitting, and slows learning.",
    default: 0.5,
    ..CONV_DROPOUT
};
