//! Dropout.
use super::{Block, Module, Step, row};
use crate::{
    models::{Builder, Flow, Pass},
    ops::{self, DropoutUnit},
    protocol::LayerInfo,
    rng,
    spec::{Param, Section},
};
use anyhow::Result;
use candle_core::Tensor;

/// Switches units off at random while training.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// Its probability: live, and one of the encoder's.
    pub param: Param,
    /// Single values, or whole channels.
    pub unit: DropoutUnit,
}

impl Block for Dropout {
    fn output(&self, input: Flow) -> Result<Flow> {
        if self.unit == DropoutUnit::Channels {
            input.image(self)?;
        }
        Ok(input)
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        let kind = match self.unit {
            DropoutUnit::Channels => "Dropout of channels",
            DropoutUnit::Elements => "Dropout",
        };
        Ok(vec![row(name, kind.into(), self.output(input)?)])
    }

    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>> {
        let (purpose, stage) = (format!("dropout {}", at.position()), at.stage());
        Ok(vec![Step::new(Built { dropout: *self, purpose, stage }, self.output(input)?)])
    }
}

struct Built {
    dropout: Dropout,
    /// Names its own random numbers.
    purpose: String,
    stage: Option<usize>,
}

impl Module for Built {
    fn forward(&self, x: &Tensor, pass: &Pass<'_>) -> candle_core::Result<Tensor> {
        let Pass::Training { seed, step, live, .. } = pass.of_stage(self.stage) else {
            return Ok(x.clone());
        };
        let probability = live.get(Section::Encoder, &self.dropout.param);
        ops::dropout(x, probability, self.dropout.unit, rng::key(seed, &self.purpose, step))
    }
}
