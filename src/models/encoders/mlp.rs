//! A multilayer perceptron: every pixel connected to every hidden unit, with no idea of neighbourhood.
use super::EncoderEntry;
use crate::{
    models::{
        INPUTS,
        blocks::{Dropout, Flatten, Linear, Sequence},
    },
    ops::{Activation, DropoutUnit},
    sample::Modality,
    spec::{ComponentInfo, Param, ParamKind},
};

/// Linear layers of one width, with dropout.
pub const ENTRY: EncoderEntry = EncoderEntry {
    info: ComponentInfo {
        id: "mlp",
        label: "Multilayer perceptron",
        help: "Layers in which everything is connected to everything: fast, and a yardstick for networks that know about images.",
        params: &[HIDDEN_SIZE, DEPTH, DROPOUT, INPUTS],
    },
    serves: &[Modality::Images],
    blocks: |choice| {
        let features = choice.get(&HIDDEN_SIZE) as usize;
        let depth = choice.get(&DEPTH) as usize;
        (1..=depth).fold(Sequence::new().then(Flatten), |layers, number| {
            layers
                .named(&format!("fc{number}"), Linear::new(features, Activation::Relu))
                .then(Dropout { param: DROPOUT, unit: DropoutUnit::Elements })
        })
    },
};

const HIDDEN_SIZE: Param = Param {
    key: "hidden_size",
    label: "Hidden units",
    unit: "per layer",
    help: "How many features each layer computes.",
    kind: ParamKind::Integer { min: 1, max: 4096 },
    default: 256.0,
    live: false,
};

const DEPTH: Param = Param {
    key: "depth",
    label: "Hidden layers",
    unit: "",
    help: "How many layers lie between the image and the embedding's end.",
    kind: ParamKind::Integer { min: 1, max: 8 },
    default: 2.0,
    live: false,
};

const DROPOUT: Param = Param {
    key: "dropout",
    label: "Dropout",
    unit: "",
    help: "The share of hidden units that are switched off at random in each training step, so that no single one is relied on.",
    kind: ParamKind::Float { min: 0.0, max: 0.95, logarithmic: false },
    default: 0.2,
    live: true,
};
