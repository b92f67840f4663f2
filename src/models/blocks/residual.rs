//! Residual blocks: two ways through, added up.
use super::{Block, Module, Sequence, Step, activated, row, run};
use crate::{
    models::{Builder, Flow, Pass},
    ops::{self, Activation},
    protocol::LayerInfo,
};
use anyhow::{Result, ensure};
use candle_core::Tensor;

/// activation(body(x) + shortcut(x)).
///
/// He et al., "Deep residual learning for image recognition", 2016, equations 1 and 2.
#[derive(Debug)]
pub struct Residual {
    /// The layers whose output is added to x.
    pub body: Sequence,
    /// What brings x to the shape that the body gives it; empty where that is the shape of x, which is added as it is.
    pub shortcut: Sequence,
    /// Applied to the sum.
    pub activation: Activation,
}

impl Block for Residual {
    /// The shape of the body's output. A place depends on what it depends on by either way.
    fn output(&self, input: Flow) -> Result<Flow> {
        let (body, shortcut) = (self.body.output(input)?, self.shortcut.output(input)?);
        let are_alike = (body.shape, body.flattened) == (shortcut.shape, shortcut.flattened);
        ensure!(are_alike, "{self:?} cannot add {:?} to {:?}", shortcut.shape, body.shape);
        Ok(Flow { field: body.field.union(shortcut.field), ..body })
    }

    /// The rows of the body, those of the shortcut, and the sum.
    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        let output = self.output(input)?;
        let sum = activated("Sum with the shortcut".into(), self.activation);
        let mut rows = self.body.describe(input, name)?;
        rows.extend(self.shortcut.describe(input, name)?);
        rows.push(LayerInfo { flops: output.shape.len() as u64, ..row(name, sum, output) });
        Ok(rows)
    }

    fn stages(&self) -> usize {
        self.body.stages() + self.shortcut.stages()
    }

    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>> {
        let built = Built {
            body: at.child(0, "", &self.body, input)?,
            shortcut: at.child(1, "", &self.shortcut, input)?,
            activation: self.activation,
        };
        Ok(vec![Step::new(built, self.output(input)?)])
    }
}

struct Built {
    body: Vec<Step>,
    shortcut: Vec<Step>,
    activation: Activation,
}

impl Module for Built {
    fn forward(&self, x: &Tensor, pass: &Pass<'_>) -> candle_core::Result<Tensor> {
        let (body, shortcut) = (run(&self.body, x, pass)?, run(&self.shortcut, x, pass)?);
        let y = ops::add(&body, &shortcut, self.activation)?;
        pass.refine_map(&body, &y);
        Ok(y)
    }
}

#[cfg(test)]
mod tests;
