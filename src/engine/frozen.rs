//! What frozen stages make of the examples of a run: it never changes, so it is computed once.
use super::model::Model;
use crate::{
    data::{Dataset, Partition},
    objectives::{Batch, OUTSIDERS},
    ops,
    spec::{FREEZE_STAGES, RunSpec, UNFREEZE_EVERY},
};
use anyhow::{Context as _, Result};
use candle_core::Tensor;

/// Examples that are looked at together, always the same ones: whether a run is resumed in between makes no difference.
const PORTION: usize = 16;
/// Bytes that are kept, at most. It does not depend on the memory that is free, so that a run has the same bits on any machine.
const MOST: u64 = 512 << 20;

/// The values after the frozen stages, for the examples that a run trains on and is validated on.
pub struct FrozenFeatures {
    stages: usize,
    /// Places in the training part, ascending.
    examples: Vec<usize>,
    /// Of one example.
    shape: Vec<usize>,
    /// Those of all examples so far, one after another.
    values: Vec<f32>,
}

impl FrozenFeatures {
    /// Nothing is computed yet. None where these values change, by alterations of the examples or as stages are thawed, or
    /// would take too much memory.
    ///
    /// # Errors
    /// Where a component is unknown.
    pub fn new(spec: &RunSpec, model: &Model, partition: &Partition) -> Result<Option<Self>> {
        let stages = (spec.training(&FREEZE_STAGES) as usize).min(model.stages());
        let is_steady = spec.training(&UNFREEZE_EVERY) == 0.0
            && spec.objective.get(&OUTSIDERS) == 0.0
            && model.preparation.augmentation.is_none()
            && model.objective.takes_features();
        let Some(shape) = model.shape_after(stages).filter(|_| is_steady && stages > 0) else {
            return Ok(None);
        };
        let mut examples = [&partition.train[..], &partition.validation].concat();
        examples.sort_unstable();
        examples.dedup();
        let bytes = 4 * (examples.len() * shape.len()) as u64;
        Ok((bytes <= MOST).then(|| Self { stages, examples, shape: shape.dims(), values: vec![] }))
    }

    fn len(&self) -> usize {
        self.shape.iter().product()
    }

    fn done(&self) -> usize {
        self.values.len() / self.len().max(1)
    }

    /// Whether nothing is left to compute.
    pub fn is_complete(&self) -> bool {
        self.done() == self.examples.len()
    }

    /// What is being done, examples done, and examples in all.
    pub fn progress(&self) -> (&'static str, usize, usize) {
        ("Computing frozen features", self.done(), self.examples.len())
    }

    /// Computes the next few.
    ///
    /// # Errors
    /// Where an example cannot be read any more.
    pub fn advance(&mut self, model: &Model, dataset: &Dataset) -> Result<()> {
        let done = self.done();
        let next = &self.examples[done..(done + PORTION).min(self.examples.len())];
        let batch = model.batch(&dataset.train, next)?;
        let values = ops::on_pool(|| model.first_stages(&batch.inputs, self.stages))?;
        self.values.extend(values.flatten_all()?.to_vec1::<f32>()?);
        Ok(())
    }

    /// The values of some examples in place of their inputs.
    ///
    /// # Errors
    /// Where an example is not of the run.
    pub fn batch(&self, model: &Model, dataset: &Dataset, examples: &[usize]) -> Result<Batch> {
        let len = self.len();
        let mut values = Vec::with_capacity(examples.len() * len);
        let mut labels = Vec::with_capacity(examples.len());
        for example in examples {
            let place =
                self.examples.binary_search(example).ok().context("There are no features of an example")?;
            values.extend_from_slice(&self.values[place * len..][..len]);
            labels.push(u32::from(dataset.train.labels()[*example]));
        }
        let device = model.vars.device();
        Ok(Batch {
            inputs: Tensor::from_vec(values, [&[examples.len()], &self.shape[..]].concat(), device)?,
            labels: Some(Tensor::new(labels, device)?),
            class_weights: None,
            outsiders: None,
            stages_done: self.stages,
        })
    }
}

#[cfg(test)]
mod tests;
