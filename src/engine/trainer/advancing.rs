//! Long batches let other work run between their layers, and can be interrupted there.
use super::{Labels, Trainer};
use crate::{metrics::Point, ops};
use anyhow::Result;
use std::time::{Duration, Instant};

/// What a call of [`Trainer::advance`] did.
pub enum Advance {
    /// A portion of the unlabelled examples was looked at; points once they have labels.
    Labelled {
        /// How many labels there are, and how many are right.
        points: Vec<Point>,
    },
    /// One batch was trained.
    Trained {
        /// Every training metric of the batch.
        points: Vec<Point>,
        /// The size of the batch.
        examples: usize,
    },
    /// One batch was scored, and more are to come.
    Scored,
    /// All validation examples have been scored.
    Validated {
        /// Means over all of them.
        points: Vec<Point>,
        /// Whether to go on.
        verdict: Verdict,
    },
    /// All test examples have been scored: nothing is left to do.
    Finished {
        /// Means over all of them.
        points: Vec<Point>,
    },
    /// It was interrupted, and has changed nothing.
    Interrupted,
}

/// What a validation means for the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Better than at any validation before.
    Best,
    /// Patience is not used up yet.
    NotBest,
    /// Training ends early, and the best weights should come back.
    OutOfPatience,
}

/// A batch that takes longer keeps a drawing waiting for too long.
pub const LONG: Duration = Duration::from_millis(250);

impl Trainer {
    /// Does one batch of training or of scoring.
    ///
    /// # Errors
    /// Where the run has diverged.
    pub fn advance(&mut self) -> Result<Advance> {
        let began = Instant::now();
        // Labels that spread are not where they were when a portion of them ends early.
        let makes_way = self.takes_long() && !matches!(self.labels, Labels::Spreading(_));
        let advanced = match makes_way {
            true => self.advance_and_make_way(),
            false => ops::on_pool(|| self.advance_here()),
        };
        // an interruption that came too late is not for the next batch
        self.interrupt.take();
        match advanced {
            Ok(Advance::Interrupted) => {}
            Ok(Advance::Trained { .. }) => self.took[0] = began.elapsed(),
            _ => self.took[1] = began.elapsed(),
        }
        advanced
    }

    /// Whether batches take so long that they should make way. Before there was one, nothing is known.
    pub fn takes_long(&self) -> bool {
        self.took.iter().any(|took| *took >= LONG)
    }

    /// Weights change only once all layers are done; what changes with each of them is put back after an interruption.
    fn advance_and_make_way(&mut self) -> Result<Advance> {
        let (buffers, interrupt) = (self.model.vars.buffers()?, self.interrupt.clone());
        let advanced = ops::on_pool(|| interrupt.within(|| self.advance_here()));
        let is_interrupted = interrupt.take();
        if advanced.is_err() && is_interrupted {
            self.model.vars.put_back(&buffers)?;
            return Ok(Advance::Interrupted);
        }
        advanced
    }
}
