//! Adam (Kingma and Ba 2015), weight decay added to the gradient, as in PyTorch.
use super::{LEARNING_RATE, OptimizerEntry, Slot, Update, WEIGHT_DECAY};
use crate::{
    ops,
    spec::{ComponentInfo, Param, ParamKind},
};
use candle_core::{Result, Tensor};

pub const ENTRY: OptimizerEntry = OptimizerEntry {
    info: ComponentInfo {
        id: "adam",
        label: "Adam",
        help: "Gives every weight a step size of its own, from the mean and spread of its recent gradients: works well untuned.",
        params: &[LEARNING_RATE, WEIGHT_DECAY, BETA1, BETA2],
    },
    state: STATE,
    update: |slot, gradient, update| step(slot, gradient, update, false),
};

pub const STATE: &[&str] = &["first_moment", "second_moment"];

pub const BETA1: Param = Param {
    key: "beta1",
    label: "Beta 1",
    unit: "",
    help: "How slowly the mean of the gradients forgets.",
    kind: ParamKind::Float { min: 0.0, max: 0.9999, logarithmic: false },
    default: 0.9,
    live: false,
};

pub const BETA2: Param = Param {
    key: "beta2",
    label: "Beta 2",
    help: "How slowly the spread of the gradients forgets.",
    default: 0.999,
    ..BETA1
};

/// Added to the square root, as PyTorch's default.
const EPSILON: f64 = 1e-8;

pub fn step(slot: &mut Slot, gradient: &Tensor, update: &Update<'_>, decoupled: bool) -> Result<()> {
    let [first_moment, second_moment] = &mut slot.state[..] else { unreachable!("STATE has two names") };
    let step = ops::AdamStep {
        learning_rate: update.learning_rate,
        beta1: update.choice.get(&BETA1),
        beta2: update.choice.get(&BETA2),
        epsilon: EPSILON,
        weight_decay: update.weight_decay,
        decoupled,
        step: update.step,
        grad_scale: update.grad_scale,
    };
    ops::adam(&slot.var, gradient, first_moment, second_moment, step)
}
