//! The gradient noise scale of a copy of a run: one portion is the gradient of one batch. No weight is changed.
use super::{Inspection, PartialFinding};
use crate::{engine::trainer::Trainer, noise::Gradients, protocol::Finding, spec::BATCH_SIZE};
use anyhow::Result;

/// Batches that are looked at.
const BATCHES: usize = 48;

struct Noise {
    trainer: Trainer,
    found: Gradients,
    sum: Vec<f32>,
}

/// Begins with the batch of the next step.
pub fn begin(trainer: Trainer) -> Box<dyn Inspection> {
    let batch_size = trainer.spec.training(&BATCH_SIZE) as usize;
    let found = Gradients { batch_size, ..Gradients::default() };
    Box::new(Noise { trainer, found, sum: vec![] })
}

impl Inspection for Noise {
    fn advance(&mut self) -> Result<PartialFinding> {
        let gradient = self.trainer.next_gradient()?;
        self.sum.resize(gradient.len(), 0.0);
        self.sum.iter_mut().zip(&gradient).for_each(|(sum, gradient)| *sum += gradient);
        self.found.batches += 1;
        self.found.squares += length_squared(&gradient);
        let is_done = self.found.batches == BATCHES;
        let finding = is_done.then(|| {
            self.found.square_of_sum = length_squared(&self.sum);
            Finding::NoiseScale(self.found.noise_scale().into())
        });
        Ok(PartialFinding { share_done: self.found.batches as f32 / BATCHES as f32, finding })
    }
}

fn length_squared(numbers: &[f32]) -> f64 {
    numbers.iter().map(|number| f64::from(*number).powi(2)).sum()
}
