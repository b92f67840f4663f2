//! Objectives: what a network is asked to minimise. Each owns its head; the encoder is shared.
use crate::{
    data::DatasetInfo,
    models::{Network, Pass, Vars},
    protocol::{Caption, Similarities},
    registry,
    sample::Modality,
    spec::{Choice, ComponentInfo, LiveParams},
};
use anyhow::{Context as _, Result};
use candle_core::Tensor;
use std::sync::Arc;

mod decoder;
pub use classify::OUTSIDERS;

registry!("objective", ObjectiveEntry: classify, rotation, autoencoder, masked, variational, contrastive, adversarial);

/// A kind of objective.
pub struct ObjectiveEntry {
    /// Its name, help and hyperparameters.
    pub info: ComponentInfo,
    /// The kinds of data that it can learn from.
    pub serves: &'static [Modality],
    /// Whether it learns from labels; otherwise it may look at every training example.
    pub needs_labels: bool,
    /// The identifier of its main metric, which is measured on validation examples at least.
    pub headline: &'static str,
    /// Values of the augmentation that it cannot do without; none where examples may stay as they are.
    pub augmentation: &'static [(&'static str, f64)],
    /// Makes the head, its variables named `objective.*`, over an encoder.
    pub build: Build,
}

/// Puts an objective's head over an encoder.
pub type Build = fn(&Choice, Arc<Network>, &DatasetInfo, &mut Vars) -> Result<Box<dyn Objective>>;

/// An encoder with a head and a loss.
pub trait Objective: Send + Sync {
    /// The loss of a batch, and what else is measured along the way.
    ///
    /// # Errors
    /// Where the batch does not fit the network.
    fn loss(&self, batch: &Batch, pass: &Pass<'_>) -> Result<Loss>;

    /// Changes state that no gradient trains, as an average of weights, before the loss of each training step is
    /// computed. Steps count from 0.
    ///
    /// # Errors
    /// candle's own.
    fn before_step(&self, _step: u64) -> Result<()> {
        Ok(())
    }

    /// Views of each example in a batch: all examples in one view, then all in the next.
    fn views(&self) -> usize {
        1
    }

    /// Whether its loss can be computed from what the first stages of the encoder made of a batch.
    fn takes_features(&self) -> bool {
        false
    }

    /// Images that show its work on a batch: a strip for each step.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    fn looks(&self, batch: &Batch, live: &LiveParams) -> Result<Looks>;

    /// (batch, embed_dim) to (batch, classes): logits. None where it learns
    /// without labels.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    fn logits(&self, _embeddings: &Tensor) -> Result<Option<Tensor>> {
        Ok(None)
    }

    /// (batch, embed_dim) to (batch): the log odds that an input is of none of the classes. None where the network has seen
    /// no such examples.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    fn strangeness(&self, _embeddings: &Tensor) -> Result<Option<Tensor>> {
        Ok(None)
    }

    /// (batch, height, width, channels) to (batch, classes): probabilities. None where it learns without labels.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    fn predict(&self, _inputs: &Tensor) -> Result<Option<Tensor>> {
        Ok(None)
    }

    /// (count, height, width, channels), from 0 to 1: generated images, from latents that depend on the seed alone. None
    /// where it cannot generate.
    ///
    /// # Errors
    /// candle's own.
    fn sample(&self, _count: usize, _seed: u64) -> Result<Option<Tensor>> {
        Ok(None)
    }
}

/// The examples of one step.
pub struct Batch {
    /// (batch, height, width, channels) from 0 to 1, or (batch, length) of tokens as u32.
    pub inputs: Tensor,
    /// (batch), u32; none where nothing is known of the examples.
    pub labels: Option<Tensor>,
    /// The weight of each class in the loss; none where all weigh the same.
    pub class_weights: Option<Arc<[f32]>>,
    /// (outsiders, height, width, channels): further images, which are of none of the classes.
    pub outsiders: Option<Tensor>,
    /// The first stages of the encoder that the inputs have gone through already: 0 where these are the examples themselves.
    pub stages_done: usize,
}

impl Batch {
    /// (batch), u32.
    ///
    /// # Errors
    /// Where nothing is known of the examples.
    pub fn labels(&self) -> Result<&Tensor> {
        self.labels.as_ref().context("Examples without labels cannot be learnt from by their labels")
    }
}

/// What an objective shows of its work.
pub struct Looks {
    /// One for each step of its work.
    pub strips: Vec<TensorStrip>,
    /// Where views of examples are compared.
    pub similarities: Option<Similarities>,
}

/// Images that belong together, as tensors.
pub struct TensorStrip {
    /// The title above the images.
    pub name: &'static str,
    /// One sentence on what the images show.
    pub help: &'static str,
    /// (images, height, width, channels), from 0 to 1.
    pub images: Tensor,
    /// One for each image, or none at all.
    pub captions: Vec<Caption>,
}

impl TensorStrip {
    /// Without captions.
    pub fn new(name: &'static str, help: &'static str, images: Tensor) -> Self {
        Self { name, help, images, captions: vec![] }
    }
}

impl From<Vec<TensorStrip>> for Looks {
    fn from(strips: Vec<TensorStrip>) -> Self {
        Self { strips, similarities: None }
    }
}

/// The loss of a batch, and what else was measured.
pub struct Loss {
    /// A scalar, the mean over the batch.
    pub loss: Tensor,
    /// Further metrics by their identifiers, each a mean over the batch.
    pub metrics: Vec<(&'static str, f64)>,
}
