//! Blocks that follow each other.
use super::{Block, Step};
use crate::{
    models::{Builder, Flow, builder::nested},
    protocol::LayerInfo,
};
use anyhow::Result;

/// One block after another, each with a name, which is empty where its variables, if it has any, are to be named as if they
/// were the sequence's own.
#[derive(Debug, Default)]
pub struct Sequence(Vec<(String, Box<dyn Block>)>);

impl Sequence {
    /// Without any block: the identity.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a block without a name.
    pub fn then(self, block: impl Block + 'static) -> Self {
        self.named("", block)
    }

    /// Adds a block whose variables are named `NAME.weight` and so on.
    pub fn named(mut self, name: &str, block: impl Block + 'static) -> Self {
        self.0.push((name.into(), Box::new(block)));
        self
    }
}

impl Block for Sequence {
    fn output(&self, input: Flow) -> Result<Flow> {
        self.0.iter().try_fold(input, |flow, (_, block)| block.output(flow))
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        let (mut rows, mut flow) = (vec![], input);
        for (own, block) in &self.0 {
            rows.extend(block.describe(flow, &nested(name, own))?);
            flow = block.output(flow)?;
        }
        Ok(rows)
    }

    fn stages(&self) -> usize {
        self.0.iter().map(|(_, block)| block.stages()).sum()
    }

    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>> {
        let (mut steps, mut flow) = (vec![], input);
        for (position, (name, block)) in self.0.iter().enumerate() {
            let mut own = at.child(position, name, &**block, flow)?;
            own.iter_mut().for_each(|step| step.stage = step.stage.or(at.stage()));
            steps.extend(own);
            flow = block.output(flow)?;
        }
        Ok(steps)
    }
}
