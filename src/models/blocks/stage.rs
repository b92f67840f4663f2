//! Blocks that are frozen together.
use super::{Block, Sequence, Step};
use crate::{
    models::{Builder, Flow},
    protocol::LayerInfo,
};
use anyhow::Result;

/// A group of blocks that counts as one stage, such as what a residual network calls `layer1`.
#[derive(Debug)]
pub struct Stage(pub Sequence);

impl Block for Stage {
    fn output(&self, input: Flow) -> Result<Flow> {
        self.0.output(input)
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        self.0.describe(input, name)
    }

    fn stages(&self) -> usize {
        1
    }

    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>> {
        at.as_stage(|at| self.0.build(input, at))
    }
}
