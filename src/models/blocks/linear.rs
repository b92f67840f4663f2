//! Linear layers.
use super::{Block, Module, Step, activated, row};
use crate::{
    models::{Builder, Flow, Layout, Pass},
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
}

impl Linear {
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
        Ok(Flow::of(match input.shape {
            Shape::Sequence { .. } => Shape::Sequence { length, features },
            _ => Shape::Features(features),
        }))
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
        let layout = Layout::Linear { flattened: input.flattened };
        let built = Built {
            weight: at.weight("weight", &[inputs, self.features], inputs, layout)?,
            bias: at.weight("bias", &[self.features], inputs, Layout::Same)?,
            activation: self.activation,
            stage,
        };
        Ok(vec![Step::new(built, self.output(input)?)])
    }
}

struct Built {
    /// (in, out)
    weight: Tensor,
    /// (out)
    bias: Tensor,
    activation: Activation,
    stage: Option<usize>,
}

impl Module for Built {
    fn forward(&self, x: &Tensor, pass: &Pass<'_>) -> candle_core::Result<Tensor> {
        let pass = pass.of_stage(self.stage);
        ops::linear(x, &pass.weight(&self.weight), Some(&pass.weight(&self.bias)), self.activation)
    }
}
