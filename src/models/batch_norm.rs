//! Batch normalisation with its weights and running statistics.
use super::{Changes, Pass, Vars};
use crate::ops::{self, Activation};
use anyhow::Result;
use candle_core::{Tensor, Var};

/// As PyTorch's defaults: what is added to a variance, and how far running statistics move towards a batch's.
const EPSILON: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;

/// Each channel to mean 0 and variance 1 over the batch, then scaled and shifted as it learns to.
#[derive(Clone)]
pub struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    running_mean: Var,
    running_variance: Var,
}

impl BatchNorm {
    /// Makes the weights, named `NAME.weight` and so on.
    ///
    /// # Errors
    /// Where the names are taken.
    pub fn new(name: &str, channels: usize, vars: &mut Vars) -> Result<Self> {
        let shape = &[channels];
        Ok(Self {
            weight: vars.constant(&format!("{name}.weight"), shape, 1.0)?,
            bias: vars.constant(&format!("{name}.bias"), shape, 0.0)?,
            running_mean: vars.buffer(&format!("{name}.running_mean"), shape, 0.0)?,
            running_variance: vars.buffer(&format!("{name}.running_var"), shape, 1.0)?,
        })
    }

    /// One whose numbers, in the order of [`numbers`](Self::numbers), are all made by `make`.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn copy(&self, mut make: impl FnMut(&Tensor) -> Result<Var>) -> Result<Self> {
        let [weight, bias, running_mean, running_variance] = self.numbers();
        Ok(Self {
            weight: make(weight)?.as_tensor().clone(),
            bias: make(bias)?.as_tensor().clone(),
            running_mean: make(running_mean)?,
            running_variance: make(running_variance)?,
        })
    }

    /// Scale, shift, running mean and running variance, (channels) each.
    pub fn numbers(&self) -> [&Tensor; 4] {
        [&self.weight, &self.bias, self.running_mean.as_tensor(), self.running_variance.as_tensor()]
    }

    /// x (batch, …, channels), normalised by itself while training, else by the running statistics; then the activation.
    ///
    /// # Errors
    /// Where x has other channels.
    pub fn forward(
        &self,
        x: &Tensor,
        pass: &Pass<'_>,
        activation: Activation,
    ) -> candle_core::Result<Tensor> {
        let [weight, bias] = [&self.weight, &self.bias].map(|tensor| pass.weight(tensor));
        let Pass::Training { changes, .. } = pass else {
            let running = [&self.running_mean, &self.running_variance].map(|var| var.as_tensor().detach());
            return ops::batch_norm_running(x, &weight, &bias, running.each_ref(), EPSILON, activation);
        };
        let (y, batch) = ops::batch_norm(x, &weight, &bias, EPSILON, activation)?;
        if *changes == Changes::All {
            batch.update(&self.running_mean, &self.running_variance, MOMENTUM)?;
        }
        Ok(y)
    }
}
