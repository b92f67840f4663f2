//! What the runs of a sweep have measured, of the runs as the faces see them.
use super::{Run, State};
use crate::{
    experiment::{Cell, Ended, Found, Observed},
    protocol::{ComparisonInfo, Phase},
};

impl State {
    /// What is known of a sweep's runs.
    pub fn found(&self, of: &ComparisonInfo) -> Found {
        let observed = |run: &Run| Observed {
            steps: run.progress.steps,
            step: run.progress.step,
            curve: run.curve(of.experiment.metric.id, of.experiment.split).to_vec(),
            ended: match run.phase {
                Phase::Finished => Some(Ended::Finished),
                Phase::Failed(_) => Some(Ended::Failed),
                _ => None,
            },
            secs: run.progress.elapsed_secs,
        };
        let races = self.entrants.of(&of.id).filter(|(cell, _)| matches!(cell, Cell::Arm { .. }));
        races.filter_map(|(cell, run)| Some((cell, observed(self.runs.get(run)?)))).collect()
    }
}
