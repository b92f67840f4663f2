//! Linear layers.
use super::{Block, Module, Step, activated, row};
use crate::{
    models::{Builder, Flow, Initial, LayerShape, Layout, Pass},
    ops::{self, Activation},
    protocol::LayerInfo,
    shape::Shape,
};
use anyhow::{Result, bail};
use candle_core::Tensor;

/// Every feature that comes out is a weighted sum of all that go in, and a bias: from (features in) to (features), and
/// for each place of a sequence alike, from (length, features in) to (length, features).
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    /// That come out.
    pub features: usize,
    /// Applied to the sums.
    pub activation: Activation,
    /// What its weights begin as.
    pub initial: Initial,
}

impl Linear {
    /// Begun as PyTorch begins them.
    pub fn new(features: usize, activation: Activation) -> Self {
        Self { features, activation, initial: Initial::Uniform }
    }

    /// Places, and the features of each that go in.
    fn input(&self, input: Flow) -> Result<(usize, usize)> {
        match input.shape {
            Shape::Features(features) => Ok((1, features)),
            Shape::Sequence { length, features } => Ok((length, features)),
            other => bail!("{self:?} cannot follow {other:?}"),
        }
    }
}

impl Block for Linear {
    fn output(&self, input: Flow) -> Result<Flow> {
        let (length, _) = self.input(input)?;
        let features = self.features;
        Ok(match input.shape {
            Shape::Sequence { .. } => Flow { shape: Shape::Sequence { length, features }, ..input },
            _ => Flow::of(Shape::Features(features)),
        })
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        let (places, inputs) = self.input(input)?;
        let weights = inputs * self.features;
        Ok(vec![LayerInfo {
            parameters: (weights + self.features) as u64,
            flops: (2 * weights * places) as u64,
            ..row(name, activated("Linear".into(), self.activation), self.output(input)?)
        }])
    }

    fn stages(&self) -> usize {
        1
    }

    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>> {
        let (_, inputs) = self.input(input)?;
        let stage = at.begin_stage();
        let layer = LayerShape {
            dims: &[inputs, self.features],
            fan_in: inputs,
            fan_out: self.features,
            layout: Layout::Linear { flattened: input.flattened.filter(|_| !input.has_places()) },
            biases: Some(self.features),
        };
        let (weight, bias) = at.layer(self.initial, layer)?;
        let built = Built { weight, bias, activation: self.activation, stage };
        Ok(vec![Step::new(built, self.output(input)?)])
    }
}

struct Built {
    /// (in, out)
    weight: Tensor,
    /// (out)
    bias: Option<Tensor>,
    activation: Activation,
    stage: Option<usize>,
}

impl Module for Built {
    fn forward(&self, x: &Tensor, pass: &Pass<'_>) -> candle_core::Result<Tensor> {
        let pass = pass.of_stage(self.stage);
        let bias = self.bias.as_ref().map(|bias| pass.weight(bias));
        ops::linear(x, &pass.weight(&self.weight), bias.as_ref(), self.activation)
    }
}
