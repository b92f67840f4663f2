//! What a forward pass is for.
use crate::spec::LiveParams;
use candle_core::Tensor;
use std::sync::{Mutex, PoisonError};

/// Whether a forward pass trains, and with what.
#[derive(Clone, Copy)]
pub enum Pass<'a> {
    /// No dropout.
    Evaluation,
    /// As an evaluation, and the feature maps are kept.
    Recording(&'a Maps),
    /// Dropout is on, and batch normalisation uses the statistics of the batch.
    Training {
        /// Of the run; dropout masks are drawn from it.
        seed: u64,
        /// Batches done before; with the seed it decides the masks.
        step: u64,
        /// The hyperparameters that may change while a run trains.
        live: &'a LiveParams,
        /// Convolutions and linear layers of the encoder, from the first, that stay as they are, with all that lies
        /// between them.
        frozen_stages: usize,
        /// Running statistics, gradients, or both.
        changes: Changes,
    },
}

/// What a batch may leave behind in the network that it trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes {
    /// Weights have gradients, and running statistics move.
    All,
    /// Weights have gradients; the inputs are not data whose statistics should be kept.
    Weights,
    /// The network is held as it is, and a gradient passes through it to its inputs.
    Nothing,
}

/// What a pass leaves to be looked at, in order.
#[derive(Default)]
pub struct Maps {
    maps: Mutex<Vec<Tensor>>,
    attention: Mutex<Vec<Tensor>>,
}

impl Maps {
    /// Feature maps, one for each convolution, and one of all heads for each attention: (batch, height, width, channels).
    pub fn into_maps(self) -> Vec<Tensor> {
        self.maps.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// How much each token attends to each: (batch, heads, tokens, tokens), one for each attention.
    pub fn into_attention(self) -> Vec<Tensor> {
        self.attention.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The same, but for what it changes; an evaluation changes nothing anyway.
    pub fn changing(self, what: Changes) -> Self {
        match self {
            Pass::Training { seed, step, live, frozen_stages, .. } => {
                Pass::Training { seed, step, live, frozen_stages, changes: what }
            }
            other => other,
        }
    }

    /// As a module of a stage takes it: one that is frozen is evaluated. A module without a stage is never frozen.
    pub fn of_stage(self, stage: Option<usize>) -> Self {
        match (self, stage) {
            (Pass::Training { frozen_stages, .. }, Some(stage)) if stage < frozen_stages => Pass::Evaluation,
            _ => self,
        }
    }

    /// A weight as the pass uses it: one that nothing will ask a gradient of keeps no inputs alive.
    pub fn weight(&self, tensor: &Tensor) -> Tensor {
        match self {
            Pass::Training { changes: Changes::All | Changes::Weights, .. } => tensor.clone(),
            _ => tensor.detach(),
        }
    }

    /// Whether feature maps are kept.
    pub fn records(&self) -> bool {
        matches!(self, Pass::Recording(_))
    }

    /// Keeps the feature maps that a convolution made, where the pass records them.
    pub fn record_map(&self, map: &Tensor) {
        if let Pass::Recording(maps) = self {
            maps.maps.lock().unwrap_or_else(PoisonError::into_inner).push(map.clone());
        }
    }

    /// Keeps how much each token attends to each, where the pass records it.
    pub fn record_attention(&self, attention: Tensor) {
        if let Pass::Recording(maps) = self {
            maps.attention.lock().unwrap_or_else(PoisonError::into_inner).push(attention);
        }
    }

    /// Keeps what was made of feature maps in their place.
    pub fn refine_map(&self, map: &Tensor, refined: &Tensor) {
        if let Pass::Recording(maps) = self {
            let mut maps = maps.maps.lock().unwrap_or_else(PoisonError::into_inner);
            maps.iter_mut().filter(|kept| kept.id() == map.id()).for_each(|kept| kept.clone_from(refined));
        }
    }
}
