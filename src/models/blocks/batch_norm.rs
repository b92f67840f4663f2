//! Batch normalisation with its weights and running statistics.
use super::{Affine, Block, Module, Step, activated, row};
use crate::{
    models::{Builder, Changes, Flow, Pass},
    ops::{self, Activation},
    protocol::LayerInfo,
};
use anyhow::Result;
use candle_core::{Tensor, Var};

/// What is added to a variance, PyTorch's default.
pub const EPSILON: f64 = 1e-5;
/// How far running statistics move towards a batch's, PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// Each channel to mean 0 and variance 1 over the batch, then scaled and shifted as it learns to; outside training by the
/// mean and variance that training came by.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormalization {
    /// Added to a variance.
    pub epsilon: f64,
    /// Applied to the scaled and shifted values.
    pub activation: Activation,
}

impl BatchNormalization {
    /// With PyTorch's ε.
    pub fn new(activation: Activation) -> Self {
        Self { epsilon: EPSILON, activation }
    }
}

impl Block for BatchNormalization {
    fn output(&self, input: Flow) -> Result<Flow> {
        input.image(self)?;
        Ok(input)
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        let image = input.image(self)?;
        Ok(vec![LayerInfo {
            parameters: 2 * image.channels as u64,
            flops: 2 * image.len() as u64,
            ..row(name, activated("Batch normalisation".into(), self.activation), self.output(input)?)
        }])
    }

    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>> {
        let norm = BatchNorm::new(input.image(self)?.channels, self.epsilon, at)?;
        let built = Built { norm, activation: self.activation, stage: at.stage() };
        Ok(vec![Step::new(built, self.output(input)?)])
    }
}

struct Built {
    norm: BatchNorm,
    activation: Activation,
    stage: Option<usize>,
}

impl Module for Built {
    fn forward(&self, x: &Tensor, pass: &Pass<'_>) -> candle_core::Result<Tensor> {
        let y = self.norm.forward(x, &pass.of_stage(self.stage), self.activation)?;
        pass.refine_map(x, &y);
        Ok(y)
    }

    fn affine(&self, pass: &Pass<'_>) -> candle_core::Result<Option<Affine>> {
        match pass.of_stage(self.stage) {
            Pass::Evaluation => self.norm.affine(self.activation).map(Some),
            _ => Ok(None),
        }
    }
}

/// The weights and running statistics of a normalisation.
#[derive(Clone)]
pub struct BatchNorm {
    weight: Tensor,
    bias: Tensor,
    running_mean: Var,
    running_variance: Var,
    /// Added to a variance.
    epsilon: f64,
}

impl BatchNorm {
    /// Makes the weights and statistics.
    ///
    /// # Errors
    /// Where their names are taken.
    pub fn new(channels: usize, epsilon: f64, at: &mut Builder<'_>) -> Result<Self> {
        let shape = &[channels];
        Ok(Self {
            weight: at.constant("weight", shape, 1.0)?,
            bias: at.constant("bias", shape, 0.0)?,
            running_mean: at.buffer("running_mean", shape, 0.0)?,
            running_variance: at.buffer("running_var", shape, 1.0)?,
            epsilon,
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
            epsilon: self.epsilon,
        })
    }

    /// Scale, shift, running mean and running variance, (channels) each.
    pub fn numbers(&self) -> [&Tensor; 4] {
        [&self.weight, &self.bias, self.running_mean.as_tensor(), self.running_variance.as_tensor()]
    }

    /// What normalisation by the running statistics multiplies and adds.
    fn affine(&self, activation: Activation) -> candle_core::Result<Affine> {
        let [weight, bias, mean, variance] = self.numbers().map(Tensor::detach);
        let scale = (weight / (variance + self.epsilon)?.sqrt()?)?;
        let shift = (bias - (mean * &scale)?)?;
        Ok(Affine { scale, shift, activation })
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
            return ops::batch_norm_running(x, &weight, &bias, running.each_ref(), self.epsilon, activation);
        };
        let (y, batch) = ops::batch_norm(x, &weight, &bias, self.epsilon, activation)?;
        if *changes == Changes::All {
            batch.update(&self.running_mean, &self.running_variance, MOMENTUM)?;
        }
        Ok(y)
    }
}
