//! Stochastic gradient descent with momentum, as in PyTorch.
use super::{LEARNING_RATE, OptimizerEntry, WEIGHT_DECAY};
use crate::{
    ops,
    spec::{ComponentInfo, Param, ParamKind},
};

pub const ENTRY: OptimizerEntry = OptimizerEntry {
    info: ComponentInfo {
        id: "sgd",
        label: "SGD with momentum",
        help: "Follows the gradient downhill, with some of the last step's speed: plain, and sensitive to the learning rate.",
        params: &[Param { default: 0.05, ..LEARNING_RATE }, WEIGHT_DECAY, MOMENTUM],
    },
    state: &["velocity"],
    update: |slot, gradient, update| {
        let step = ops::SgdStep {
            learning_rate: update.learning_rate,
            momentum: update.choice.get(&MOMENTUM),
            weight_decay: update.weight_decay,
            first: update.step == 1,
            grad_scale: update.grad_scale,
        };
        ops::sgd(&slot.var, gradient, &mut slot.state[0], step)
    },
};

const MOMENTUM: Param = Param {
    key: "momentum",
    label: "Momentum",
    unit: "",
    help: "How much of the last step's speed is kept: like a ball that rolls on.",
    kind: ParamKind::Float { min: 0.0, max: 0.999, logarithmic: false },
    default: 0.9,
    live: false,
};
