//! The same learning rate throughout.
use super::{ScheduleEntry, WARMUP_STEPS, warmed_up};
use crate::spec::ComponentInfo;

pub const ENTRY: ScheduleEntry = ScheduleEntry {
    info: ComponentInfo {
        id: "constant",
        label: "Constant",
        help: "The same learning rate throughout: the easiest to steer by hand.",
        params: &[WARMUP_STEPS],
    },
    factor: |choice, position| warmed_up(choice, position, |_| 1.0),
};
