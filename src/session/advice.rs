//! What a run's curves ask for: each measured, with what it rests on.
use super::Run;
use crate::metrics::{GRADIENT_NORM, LOSS, Split};

/// What is the matter with a run, by its curves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Advice {
    /// The training loss has risen far above where it was.
    Diverging {
        /// Its lowest mean over some steps.
        lowest: f64,
        /// Its mean over the last steps.
        now: f64,
        /// The step of the best validation before it rose, whose checkpoint is kept.
        best: u64,
    },
    /// The gradient is so small that nothing changes.
    Vanishing {
        /// The mean of its norm over the last steps.
        norm: f64,
    },
    /// The loss hardly falls.
    TooSlow {
        /// Its mean over the first steps.
        first: f64,
        /// Its mean over the last steps.
        now: f64,
    },
    /// Neither loss has changed for a while, long before the end.
    Plateau {
        /// The step since which they have not.
        since: u64,
        /// The mean validation loss since then.
        validation: f64,
        /// The step of the best validation, whose checkpoint is kept.
        best: u64,
    },
    /// The validation loss rises while the training loss falls.
    Overfitting {
        /// The step of the best validation, whose checkpoint is kept.
        best: u64,
        /// The validation loss there, and now.
        validation: [f64; 2],
        /// The training loss there, and now.
        train: [f64; 2],
    },
}

/// Points that are averaged, so that noise is no news.
const AROUND: usize = 20;
/// Validations since the best one, before it counts as the best.
const PATIENCE: usize = 4;
/// The loss has risen to so many times what it was at its lowest.
const DIVERGED: f64 = 4.0;
/// The share by which a loss has to change to have changed.
const CHANGE: f64 = 0.1;
/// A loss that has fallen by less than this share in so many steps does not fall.
const SLOW: f64 = 0.02;
const SLOW_STEPS: usize = 300;
/// Validations that have to be alike for a plateau, and how far apart the highest and the lowest of them may be, as a share.
const ALIKE: usize = 6;
const APART: f64 = 0.02;
/// A training loss of less than this share of the first one is low enough.
const LOW: f64 = 0.05;
/// Later than after this share of its steps a run may stand still.
const LATE: f64 = 0.8;
/// A gradient that is shorter than this moves nothing.
const LEAST_GRADIENT: f64 = 1e-6;

/// What is the most important thing to know about a run; nothing where all is well, or only a sketch of its curves is known.
pub fn advice(run: &Run) -> Option<Advice> {
    if run.is_sketch {
        return None;
    }
    let losses = run.curve(LOSS, Split::Train);
    let (first, now) = (mean(losses.get(..AROUND)?), mean(&losses[losses.len() - AROUND..]));
    let best = run.best(LOSS, Split::Validation);
    if let Some([step, _]) = best
        && let Some(lowest) = lowest(losses)
        && now > DIVERGED * lowest.max(0.25 * first)
    {
        return Some(Advice::Diverging { lowest, now, best: step as u64 });
    }
    let gradients = run.curve(GRADIENT_NORM, Split::Train);
    let norm = mean(&gradients[gradients.len().saturating_sub(AROUND)..]);
    if gradients.len() >= AROUND && norm < LEAST_GRADIENT && now > SLOW {
        return Some(Advice::Vanishing { norm });
    }
    if (SLOW_STEPS..4 * SLOW_STEPS).contains(&losses.len()) && now > (1.0 - SLOW) * first && first > SLOW {
        return Some(Advice::TooSlow { first, now });
    }
    let best = best?;
    overfitting(run, losses, best).or_else(|| plateau(run, losses, first, best[0] as u64))
}

fn plateau(run: &Run, losses: &[[f64; 2]], first: f64, best: u64) -> Option<Advice> {
    let validated = run.curve(LOSS, Split::Validation);
    let latest = &validated[validated.len().checked_sub(ALIKE)?..];
    let values = latest.iter().map(|point| point[1]);
    let (low, high) = (values.clone().fold(f64::INFINITY, f64::min), values.fold(0.0, f64::max));
    let since = losses.partition_point(|point| point[0] <= latest[0][0]);
    // as many steps before as after the middle: a slope shows in the difference
    let (before, after) = losses[since..].split_at((losses.len() - since) / 2);
    let has_fallen = mean(after) < (1.0 - CHANGE) * mean(before);
    let is_late = run.progress.step as f64 > LATE * run.progress.steps as f64;
    let is_still = high < (1.0 + APART) * low && before.len() >= AROUND && !has_fallen && !is_late;
    (is_still && mean(after) > LOW * first).then_some(Advice::Plateau {
        since: latest[0][0] as u64,
        validation: mean(latest),
        best,
    })
}

fn overfitting(run: &Run, losses: &[[f64; 2]], [best, then]: [f64; 2]) -> Option<Advice> {
    let validated = run.curve(LOSS, Split::Validation);
    let since = &validated[validated.partition_point(|point| point[0] <= best)..];
    let at = losses.partition_point(|point| point[0] <= best);
    let train = [mean(&losses[at.saturating_sub(AROUND)..at]), mean(&losses[losses.len() - AROUND..])];
    let latest = &since[since.len().checked_sub(PATIENCE)?..];
    let now = mean(latest);
    let is_worse = latest.iter().all(|point| point[1] > then) && now > (1.0 + CHANGE) * then;
    let is_fitted = train[1] < (1.0 - CHANGE) * train[0];
    (is_worse && is_fitted).then_some(Advice::Overfitting {
        best: best as u64,
        validation: [then, now],
        train,
    })
}

/// The lowest mean of [`AROUND`] points in a row.
fn lowest(points: &[[f64; 2]]) -> Option<f64> {
    points.chunks_exact(AROUND).map(mean).filter(|mean| mean.is_finite()).min_by(f64::total_cmp)
}

fn mean(points: &[[f64; 2]]) -> f64 {
    points.iter().map(|point| point[1]).sum::<f64>() / points.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        metrics::Point,
        protocol::{Event, Phase, Progress, RunInfo},
        session::{State, catalog},
        spec::RunSpec,
    };

    /// A run of 1,000 steps with such losses and gradients, validated every 50.
    fn run(train: impl Fn(f64) -> f64, validation: impl Fn(f64) -> f64, gradient: f64) -> Run {
        let mut state = State::default();
        let spec = RunSpec::default();
        state.apply(Event::Run(Box::new(RunInfo {
            marks: Default::default(),
            id: "a".into(),
            folder: "/a".into(),
            live: catalog().live_params(&spec),
            spec,
            phase: Phase::Running,
            remedy: None,
            saved: None,
            checkpoints: vec![],
            is_sketch: false,
            learns_from_drawings: true,
            changes: vec![],
            progress: Progress { step: 1000, steps: 5000, ..Progress::default() },
            timing: vec![],
            class_names: [].into(),
        })));
        let mut points = vec![];
        for step in 1..=1000u64 {
            let at = step as f64 / 1000.0;
            let noise = 1.0 + 0.2 * (step as f64 * 1.7).sin();
            let mut add = |split, metric, value| points.push(Point { step, split, metric, value });
            add(Split::Train, LOSS, train(at) * noise);
            add(Split::Train, GRADIENT_NORM, gradient);
            if step % 50 == 0 {
                add(Split::Validation, LOSS, validation(at));
            }
        }
        state.apply(Event::Points("a".into(), points));
        state.runs.remove("a").unwrap()
    }

    fn falling(at: f64) -> f64 {
        2.3 * (-6.0 * at).exp() + 0.05
    }

    #[test]
    fn a_run_that_learns_needs_no_advice() {
        assert_eq!(advice(&run(falling, falling, 1.0)), None);
        assert_eq!(advice(&run(falling, |at| falling(at).max(0.1), 1.0)), None, "it is low enough");
        let mut late = run(|at| falling(at).max(0.5), |at| falling(at).max(0.5), 1.0);
        late.progress.steps = 1100;
        assert_eq!(advice(&late), None, "it ends soon");
    }

    #[test]
    fn each_trouble_is_found_where_it_is() {
        let overfitting = advice(&run(falling, |at| falling(at) + (at - 0.3).max(0.0), 1.0));
        assert!(matches!(overfitting, Some(Advice::Overfitting { best: 300..=450, .. })), "{overfitting:?}");
        let diverging = advice(&run(|at| if at > 0.8 { 9.0 } else { falling(at) }, falling, 1.0));
        assert!(matches!(diverging, Some(Advice::Diverging { now: 8.0..10.0, .. })), "{diverging:?}");
        let still = advice(&run(|at| falling(at).max(0.5), |at| falling(at).max(0.5), 1.0));
        assert!(matches!(still, Some(Advice::Plateau { since: 750, .. })), "{still:?}");
        assert!(matches!(advice(&run(|_| 2.3, |_| 2.3, 1.0)), Some(Advice::TooSlow { .. })));
        assert!(matches!(advice(&run(|_| 2.3, |_| 2.3, 1e-9)), Some(Advice::Vanishing { .. })));
    }

    #[test]
    fn nothing_is_said_of_few_points() {
        let mut run = run(falling, falling, 1.0);
        run.curves.values_mut().for_each(|curve| curve.truncate(AROUND - 1));
        assert_eq!(advice(&run), None);
    }
}
