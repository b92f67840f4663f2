//! Runs as a table: what can be said of each, in which columns they differ, in which order they stand, and which of them a
//! person asks for. Plain data, which both faces show.
use crate::{
    metrics::{self, MetricInfo},
    protocol::{Marks, Phase, Progress, RunId},
    spec::{Catalog, RunSpec},
};

mod field;
mod filter;
mod group;
mod settings;
mod sorting;
pub use field::{Field, Measured, Value, differing, short, written};
pub use filter::Filter;
pub use group::Group;
pub use settings::{Setting, settings};
pub use sorting::{Sorting, sorted};

/// A run, as a table sees it.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// What its components are and have.
    pub catalog: &'a Catalog,
    /// The name of its folder.
    pub id: &'a RunId,
    /// Everything that determines it, but live changes.
    pub spec: &'a RunSpec,
    /// Where it stands.
    pub phase: &'a Phase,
    /// What a person says of it.
    pub marks: &'a Marks,
    /// How far it is.
    pub progress: Progress,
    /// When it was made, in seconds since 1970, where that is known better than by the minute in its identifier.
    pub created: Option<f64>,
    /// What its objective is judged by.
    pub headline: &'static MetricInfo,
    /// What was measured on other examples than those that it is fitted to, by metric.
    pub figures: Vec<Figures>,
}

/// What was measured of one metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// The metric.
    pub metric: &'static MetricInfo,
    /// The step and the value of its best validation.
    pub best: Option<(u64, f64)>,
    /// The step and the value of its latest validation.
    pub latest: Option<(u64, f64)>,
    /// Its latest value on the test examples, which nobody should choose by.
    pub test: Option<f64>,
}

impl Figures {
    /// Of a metric that has not been measured yet.
    pub fn none(metric: &'static MetricInfo) -> Self {
        Self { metric, best: None, latest: None, test: None }
    }

    /// Takes in a validation that is later than all before.
    pub fn validated(&mut self, step: u64, value: f64) {
        self.latest = Some((step, value));
        let is_better = |best: f64| if self.metric.higher_is_better { value > best } else { value < best };
        if value.is_finite() && self.best.is_none_or(|(_, best)| is_better(best)) {
            self.best = Some((step, value));
        }
    }
}

impl Row<'_> {
    /// What was measured of a metric.
    pub fn figures(&self, metric: &str) -> Option<&Figures> {
        self.figures.iter().find(|figures| figures.metric.id == metric)
    }

    /// The minute in which it was made, as its identifier has it: "2026-11-23-1405".
    pub fn minute(&self) -> &str {
        self.id.get(..15).unwrap_or(self.id)
    }
}

/// The name of a phase in filters and lists. A run in another program's hands trains, too.
pub fn state(phase: &Phase) -> &'static str {
    match phase {
        Phase::Running | Phase::Elsewhere => "running",
        Phase::Paused => "paused",
        Phase::Stopped => "stopped",
        Phase::Finished => "finished",
        Phase::Failed(_) => "failed",
    }
}

/// "1 h 05 min", "3 min 20 s" or "12 s".
pub fn duration(secs: f64) -> String {
    let secs = secs.round().max(0.0) as u64;
    match secs {
        0..60 => format!("{secs} s"),
        60..3600 => format!("{} min {:02} s", secs / 60, secs % 60),
        _ => format!("{} h {:02} min", secs / 3600, secs / 60 % 60),
    }
}

/// The metrics that a table can show: those that are measured in validation.
fn figures_known() -> impl Iterator<Item = &'static MetricInfo> {
    let of_training = [metrics::LEARNING_RATE, metrics::GRADIENT_NORM];
    metrics::ALL.iter().filter(move |metric| !of_training.contains(&metric.id))
}

#[cfg(test)]
mod tests;
