//! A cut every few epochs.
use super::{ScheduleEntry, WARMUP_STEPS, warmed_up};
use crate::spec::{ComponentInfo, Param, ParamKind};

pub const ENTRY: ScheduleEntry = ScheduleEntry {
    info: ComponentInfo {
        id: "step",
        label: "Steps",
        help: "The learning rate is cut every few epochs.",
        params: &[WARMUP_STEPS, EVERY_EPOCHS, DECAY],
    },
    factor: |choice, position| {
        let epoch = position.step / position.steps_per_epoch.max(1);
        let cuts = epoch / choice.get(&EVERY_EPOCHS) as u64;
        warmed_up(choice, position, |_| choice.get(&DECAY).powi(cuts.min(1000) as i32))
    },
};

const EVERY_EPOCHS: Param = Param {
    key: "every_epochs",
    label: "Cut every",
    unit: "epochs",
    help: "How many epochs lie between two cuts.",
    kind: ParamKind::Integer { min: 1, max: 1000 },
    default: 3.0,
    live: false,
};

const DECAY: Param = Param {
    key: "decay",
    label: "Cut to",
    unit: "of the learning rate",
    help: "The share of the learning rate that a cut leaves.",
    kind: ParamKind::Float { min: 0.01, max: 1.0, logarithmic: true },
    default: 0.3,
    live: false,
};
