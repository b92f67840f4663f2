//! Half a cosine from 1 down to a floor (Loshchilov and Hutter 2017, without restarts).
use super::{ScheduleEntry, WARMUP_STEPS, cosine_between, warmed_up};
use crate::spec::{ComponentInfo, Param, ParamKind};

pub const ENTRY: ScheduleEntry = ScheduleEntry {
    info: ComponentInfo {
        id: "cosine",
        label: "Cosine",
        help: "The learning rate falls along half a cosine: bold at first, careful at the end.",
        params: &[WARMUP_STEPS, FLOOR],
    },
    factor: |choice, position| {
        warmed_up(choice, position, |share| cosine_between(1.0, choice.get(&FLOOR), share))
    },
};

const FLOOR: Param = Param {
    key: "floor",
    label: "Floor",
    unit: "of the learning rate",
    help: "The share of the learning rate that is left at the end.",
    kind: ParamKind::Float { min: 0.0, max: 1.0, logarithmic: false },
    default: 0.0,
    live: false,
};
