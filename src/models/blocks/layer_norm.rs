//! Layer normalisation.
use super::{Block, Module, Step, row};
use crate::{
    models::{Builder, Flow, Pass},
    ops,
    protocol::LayerInfo,
    shape::Shape,
};
use anyhow::{Result, bail};
use candle_core::Tensor;

/// The features of each token to mean 0 and variance 1, then scaled and shifted as it learns to.
///
/// Ba, Kiros and Hinton, "Layer normalization", 2016.
#[derive(Clone, Copy, Debug)]
pub struct LayerNormalization {
    /// Added to a variance.
    pub epsilon: f64,
}

impl LayerNormalization {
    fn features(&self, input: Flow) -> Result<usize> {
        match input.shape {
            Shape::Sequence { features, .. } | Shape::Features(features) => Ok(features),
            other => bail!("{self:?} cannot follow {other:?}"),
        }
    }
}

impl Block for LayerNormalization {
    fn output(&self, input: Flow) -> Result<Flow> {
        self.features(input)?;
        Ok(input)
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        let (parameters, flops) = (2 * self.features(input)? as u64, 2 * input.shape.len() as u64);
        let row = row(name, "Layer normalisation".into(), self.output(input)?);
        Ok(vec![LayerInfo { parameters, flops, ..row }])
    }

    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>> {
        let features = self.features(input)?;
        let built = Built {
            weight: at.constant("weight", &[features], 1.0)?,
            bias: at.constant("bias", &[features], 0.0)?,
            epsilon: self.epsilon,
            stage: at.stage(),
        };
        Ok(vec![Step::new(built, self.output(input)?)])
    }
}

struct Built {
    /// (features)
    weight: Tensor,
    /// (features)
    bias: Tensor,
    epsilon: f64,
    stage: Option<usize>,
}

impl Module for Built {
    fn forward(&self, x: &Tensor, pass: &Pass<'_>) -> candle_core::Result<Tensor> {
        let pass = pass.of_stage(self.stage);
        ops::layer_norm(x, &pass.weight(&self.weight), &pass.weight(&self.bias), self.epsilon)
    }
}
