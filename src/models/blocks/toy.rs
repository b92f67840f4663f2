//! A toy block for the tests: one more kind of block is a file such as this and a word in `blocks!`.
use super::{Block, Module, Step, row};
use crate::{
    models::{Builder, Flow, Layout, Pass},
    ops,
    protocol::LayerInfo,
    shape::Shape,
};
use anyhow::{Result, bail};
use candle_core::Tensor;

/// A vector for each token: from (length) to (length, features).
#[derive(Clone, Copy, Debug)]
pub struct Vectors {
    /// Numbers in each vector.
    pub features: usize,
}

impl Vectors {
    /// Length and vocabulary.
    fn tokens(&self, input: Flow) -> Result<(usize, usize)> {
        match input.shape {
            Shape::Tokens { length, vocabulary } => Ok((length, vocabulary)),
            other => bail!("{self:?} cannot follow {other:?}"),
        }
    }
}

impl Block for Vectors {
    fn output(&self, input: Flow) -> Result<Flow> {
        let (length, _) = self.tokens(input)?;
        Ok(Flow::of(Shape::Sequence { length, features: self.features }))
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        let (_, vocabulary) = self.tokens(input)?;
        let parameters = (vocabulary * self.features) as u64;
        Ok(vec![LayerInfo { parameters, ..row(name, "Vectors".into(), self.output(input)?) }])
    }

    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>> {
        let (_, vocabulary) = self.tokens(input)?;
        let table = at.weight("weight", &[vocabulary, self.features], self.features, Layout::Same)?;
        Ok(vec![Step::new(Built { table, stage: at.stage() }, self.output(input)?)])
    }
}

struct Built {
    /// (vocabulary, features)
    table: Tensor,
    stage: Option<usize>,
}

impl Module for Built {
    fn forward(&self, x: &Tensor, pass: &Pass<'_>) -> candle_core::Result<Tensor> {
        ops::embedding(x, &pass.of_stage(self.stage).weight(&self.table))
    }
}
