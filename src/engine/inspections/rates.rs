//! A learning-rate range test, in a copy of a run that is thrown away: one portion is one step of training.
use super::{Inspection, PartialFinding};
use crate::{
    engine::{divergence::Diverged, optimizers::LEARNING_RATE, trainer::Trainer},
    protocol::Finding,
    rates::{RateTest, tried},
    spec::{Choice, RunSpec, Section},
};
use anyhow::Result;
use std::collections::VecDeque;

struct Rates {
    trainer: Trainer,
    waiting: VecDeque<f64>,
    test: RateTest,
}

/// The spec of a copy in which every step has exactly the rate that is tried.
pub fn spec_of_copy(spec: &RunSpec) -> RunSpec {
    RunSpec { schedule: Choice::new("constant"), changes: vec![], ..spec.clone() }
}

/// Begins with the next step of a copy, whose spec is [`spec_of_copy`].
pub fn begin(mut trainer: Trainer) -> Box<dyn Inspection> {
    (trainer.state.validated, trainer.state.trained) = (true, false);
    Box::new(Rates { trainer, waiting: tried().into(), test: RateTest::default() })
}

impl Inspection for Rates {
    fn advance(&mut self) -> Result<PartialFinding> {
        if let Some(rate) = self.waiting.front().copied()
            && let Some(loss) = self.step(rate)?
        {
            self.waiting.pop_front();
            self.test.add(rate, loss);
            if self.test.has_blown_up() {
                self.waiting.clear();
            }
        }
        if self.waiting.is_empty() {
            self.test.conclude();
        }
        let (done, waiting) = (self.test.points.len() as f32, self.waiting.len() as f32);
        Ok(PartialFinding {
            share_done: if waiting == 0.0 { 1.0 } else { done / (done + waiting) },
            finding: Some(Finding::LearningRates(self.test.clone().into())),
        })
    }
}

impl Rates {
    /// The loss before a step with this rate is done; none where something else came first, such as labels that spread.
    fn step(&mut self, rate: f64) -> Result<Option<f64>> {
        let before = self.trainer.state.step;
        self.trainer.live.set(Section::Optimizer, &LEARNING_RATE, rate);
        match self.trainer.advance() {
            Err(error) if error.is::<Diverged>() => return Ok(Some(f64::INFINITY)),
            advanced => advanced?,
        };
        (self.trainer.state.validated, self.trainer.state.trained) = (true, false);
        Ok((self.trainer.state.step > before).then_some(self.trainer.losses.newest))
    }
}
