//! AdamW (Loshchilov and Hutter 2019): Adam with weight decay apart from the gradient.
use super::{
    LEARNING_RATE, OptimizerEntry, WEIGHT_DECAY,
    adam::{BETA1, BETA2, STATE, step},
};
use crate::spec::{ComponentInfo, Param};

pub const ENTRY: OptimizerEntry = OptimizerEntry {
    info: ComponentInfo {
        id: "adamw",
        label: "AdamW",
        help: "Adam with weight decay that acts on the weights themselves, the same for all of them.",
        params: &[LEARNING_RATE, Param { default: 0.01, ..WEIGHT_DECAY }, BETA1, BETA2],
    },
    state: STATE,
    update: |slot, gradient, update| step(slot, gradient, update, true),
};
