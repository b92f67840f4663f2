//! From images to features.
use super::{Block, Module, Step, row};
use crate::{
    models::{Builder, Flow, Pass},
    ops,
    protocol::LayerInfo,
    shape::Shape,
};
use anyhow::Result;
use candle_core::Tensor;

/// From (height, width, channels) to (height · width · channels).
#[derive(Clone, Copy, Debug)]
pub struct Flatten;

impl Block for Flatten {
    fn output(&self, input: Flow) -> Result<Flow> {
        let image = input.image(self)?;
        Ok(Flow { flattened: Some(image), ..Flow::of(Shape::Features(image.len())) })
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        Ok(vec![row(name, "Flatten".into(), self.output(input)?)])
    }

    fn build(&self, input: Flow, _: &mut Builder<'_>) -> Result<Vec<Step>> {
        Ok(vec![Step::new(*self, self.output(input)?)])
    }
}

impl Module for Flatten {
    fn forward(&self, x: &Tensor, _: &Pass<'_>) -> candle_core::Result<Tensor> {
        ops::reshape(x, (x.dim(0)?, x.elem_count() / x.dim(0)?.max(1)))
    }
}
