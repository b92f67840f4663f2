//! Up, then down to almost nothing (Smith and Topin 2018), with the numbers of PyTorch's OneCycleLR.
use super::{ScheduleEntry, cosine_between};
use crate::spec::{ComponentInfo, Param, ParamKind};

pub const ENTRY: ScheduleEntry = ScheduleEntry {
    info: ComponentInfo {
        id: "one_cycle",
        label: "One cycle",
        help: "The learning rate rises to its full size and falls to almost nothing: often the fastest way to a good result.",
        params: &[WARMUP_SHARE],
    },
    factor: |choice, position| {
        const START: f64 = 1.0 / 25.0;
        const END: f64 = START / 1e4;
        let peak = (choice.get(&WARMUP_SHARE) * position.steps as f64 - 1.0).max(0.0);
        let (step, last) = (position.step as f64, position.steps as f64 - 1.0);
        if step < peak {
            cosine_between(START, 1.0, step / peak)
        } else {
            cosine_between(1.0, END, (step - peak) / (last - peak).max(1.0))
        }
    },
};

const WARMUP_SHARE: Param = Param {
    key: "warmup_share",
    label: "Rising part",
    unit: "of the run",
    help: "The share of the run in which the learning rate rises.",
    kind: ParamKind::Float { min: 0.0, max: 0.9, logarithmic: false },
    default: 0.3,
    live: false,
};
