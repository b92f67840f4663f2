//! A model with its weights, and how it is scored on a whole split.
use super::devices;
use crate::{
    data::{Dataset, DatasetInfo, Examples, ImageShape},
    metrics::{ACCURACY, LOSS, Point, Split},
    models::{self, Network, Pass, Vars},
    objectives::{self, Batch, Objective},
    ops,
    spec::RunSpec,
};
use anyhow::{Result, ensure};
use candle_core::Tensor;
use std::{collections::BTreeMap, sync::Arc};

/// A network, its head and their weights.
pub struct Model {
    pub vars: Vars,
    pub objective: Box<dyn Objective>,
    shape: ImageShape,
}

impl Model {
    /// Builds what `spec` describes, its weights drawn from its seed.
    ///
    /// # Errors
    /// Where a component is unknown or the layers do not fit the images.
    pub fn build(spec: &RunSpec, data: &DatasetInfo) -> Result<Self> {
        let mut vars = Vars::new(spec.seed, devices::open(&spec.device.id)?);
        let encoder = Network::build(&models::layers(&spec.encoder)?, data.shape, "encoder", &mut vars)?;
        let objective =
            (objectives::find(&spec.objective.id)?.build)(&spec.objective, encoder, data, &mut vars)?;
        Ok(Self { vars, objective, shape: data.shape })
    }

    /// Images and labels as tensors.
    ///
    /// # Errors
    /// Where they have another shape than the model was made for.
    pub fn batch(&self, examples: &Examples, indices: &[usize]) -> Result<Batch> {
        let ImageShape { height, width, channels } = self.shape;
        let (pixels, labels) = examples.gather(indices);
        let (count, device) = (indices.len(), self.vars.device());
        Ok(Batch {
            images: Tensor::from_vec(pixels, (count, height, width, channels), device)?,
            labels: Tensor::from_vec(labels, count, device)?,
        })
    }

    /// The probability of each class for one image of 28 by 28 bytes, row by row, 255 for ink.
    ///
    /// # Errors
    /// Where the model was made for other images.
    pub fn predict(&self, pixels: &[u8]) -> Result<Vec<f32>> {
        let ImageShape { height, width, channels } = self.shape;
        ensure!(
            pixels.len() == self.shape.len(),
            "This network looks at images of {width} by {height} pixels in {channels} channels: it cannot score this one"
        );
        let examples = Examples { pixels: pixels.to_vec(), labels: vec![0] };
        let probabilities = ops::on_pool(|| self.objective.predict(&self.batch(&examples, &[0])?.images))?;
        Ok(probabilities.squeeze(0)?.to_vec1()?)
    }
}

/// A split on its way through a model, one batch per call.
pub struct Scoring {
    split: Split,
    dataset: Arc<Dataset>,
    indices: Vec<usize>,
    done: usize,
    /// Sums over the images done, by metric.
    sums: BTreeMap<&'static str, f64>,
}

impl Scoring {
    /// Small enough that a drawing waits for less than a frame or two.
    const BATCH_SIZE: usize = 128;

    pub fn new(split: Split, dataset: Arc<Dataset>, indices: Vec<usize>) -> Self {
        Self { split, dataset, indices, done: 0, sums: BTreeMap::new() }
    }

    /// Scores one batch; says whether it was the last.
    ///
    /// # Errors
    /// Where the images do not fit the model.
    pub fn advance(&mut self, model: &Model) -> Result<bool> {
        let end = (self.done + Self::BATCH_SIZE).min(self.indices.len());
        let chosen = &self.indices[self.done..end];
        if !chosen.is_empty() {
            let examples = if self.split == Split::Test { &self.dataset.test } else { &self.dataset.train };
            let loss =
                ops::on_pool(|| model.objective.loss(&model.batch(examples, chosen)?, &Pass::Evaluation))?;
            let mean = f64::from(loss.loss.to_scalar::<f32>()?);
            for (metric, mean) in loss.metrics.into_iter().chain([(LOSS, mean)]) {
                *self.sums.entry(metric).or_default() += mean * chosen.len() as f64;
            }
        }
        self.done = end;
        Ok(end == self.indices.len())
    }

    pub fn split(&self) -> Split {
        self.split
    }

    pub fn images(&self) -> usize {
        self.indices.len()
    }

    /// The mean of a metric over the images done.
    pub fn mean(&self, metric: &'static str) -> f64 {
        self.sums.get(metric).map_or(f64::NAN, |sum| sum / self.done.max(1) as f64)
    }

    /// The means as points of a step: the loss first, then accuracy and what else there is.
    pub fn points(&self, step: u64) -> Vec<Point> {
        let others = self.sums.keys().filter(|metric| ![LOSS, ACCURACY].contains(metric));
        let metrics = [LOSS, ACCURACY].iter().filter(|metric| self.sums.contains_key(*metric)).chain(others);
        metrics.map(|metric| Point { step, split: self.split, metric, value: self.mean(metric) }).collect()
    }
}
