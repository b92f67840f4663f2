//! Schedules: the share of the learning rate that a step uses, as a pure function of the step.
use crate::{
    registry,
    spec::{Choice, ComponentInfo, Param, ParamKind},
};

registry!("schedule", ScheduleEntry: constant, cosine, one_cycle, step);

/// A kind of schedule.
pub struct ScheduleEntry {
    pub info: ComponentInfo,
    pub factor: fn(&Choice, Position) -> f64,
}

/// Where a run is; steps count from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    pub step: u64,
    pub steps: u64,
    pub steps_per_epoch: u64,
}

pub const WARMUP_STEPS: Param = Param {
    key: "warmup_steps",
    label: "Warm-up",
    unit: "steps",
    help: "The learning rate rises in a straight line over these first steps, while the first gradients are still wild.",
    kind: ParamKind::Integer { min: 0, max: 100_000 },
    default: 0.0,
    live: false,
};

/// Rises to 1 over the warm-up; then `after` of the share of the remaining steps that is done, from 0 to 1.
fn warmed_up(choice: &Choice, position: Position, after: impl Fn(f64) -> f64) -> f64 {
    let warmup = choice.get(&WARMUP_STEPS) as u64;
    if position.step < warmup {
        return (position.step + 1) as f64 / warmup as f64;
    }
    let rest = position.steps.saturating_sub(warmup).max(1);
    after((position.step - warmup) as f64 / rest as f64)
}

/// Half a cosine from `from` to `to` while `share` goes from 0 to 1.
fn cosine_between(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) * (1.0 + (std::f64::consts::PI * share.clamp(0.0, 1.0)).cos()) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(id: &str, values: &[(&str, f64)], steps: u64) -> Vec<f64> {
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
        let choice = Choice { values, ..Choice::new(id) };
        let entry = find(id).unwrap();
        (0..steps).map(|step| (entry.factor)(&choice, Position { step, steps, steps_per_epoch: 2 })).collect()
    }

    fn close(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?} {expected:?}");
    }

    #[test]
    fn every_schedule_stays_within_0_and_1() {
        for entry in ALL {
            let factors = factors(entry.info.id, &[], 50);
            assert!(
                factors.iter().all(|factor| (0.0..=1.0).contains(factor)),
                "{} {factors:?}",
                entry.info.id
            );
        }
    }

    #[test]
    fn shapes_are_the_textbook_ones() {
        close(&factors("constant", &[("warmup_steps", 4.0)], 6), &[0.25, 0.5, 0.75, 1.0, 1.0, 1.0]);
        let half = 0.5 * (1.0 + (0.25 * std::f64::consts::PI).cos());
        close(&factors("cosine", &[], 4), &[1.0, half, 0.5, 1.0 - half]);
        close(
            &factors("step", &[("every_epochs", 2.0), ("decay", 0.1)], 9),
            &[1.0, 1.0, 1.0, 1.0, 0.1, 0.1, 0.1, 0.1, 0.01],
        );
    }

    #[test]
    fn one_cycle_is_pytorchs() {
        // torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1, total_steps=11): its formula, by hand: up from 1/25
        // over steps 0 to 2.3 (0.3 × 11 − 1), down to 1/250,000 at step 10.
        let found = factors("one_cycle", &[], 11);
        let anneal = |from: f64, to: f64, share: f64| {
            to + (from - to) / 2.0 * (1.0 + (std::f64::consts::PI * share).cos())
        };
        close(
            &[found[0], found[1], found[5], found[10]],
            &[0.04, anneal(0.04, 1.0, 1.0 / 2.3), anneal(1.0, 4e-6, (5.0 - 2.3) / 7.7), 4e-6],
        );
    }
}
