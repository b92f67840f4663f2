//! Max pooling of images.
use super::{Block, Module, Step, row};
use crate::{
    models::{Builder, Flow, Pass},
    ops,
    protocol::LayerInfo,
    shape::ImageShape,
};
use anyhow::{Result, ensure};
use candle_core::Tensor;

/// The maximum of each square of `size` by `size` pixels, side by side.
#[derive(Clone, Copy, Debug)]
pub struct MaxPooling {
    pub size: usize,
}

impl Block for MaxPooling {
    fn output(&self, input: Flow) -> Result<Flow> {
        let image = input.image(self)?;
        let (height, width) = (image.height / self.size, image.width / self.size);
        ensure!(
            height > 0 && width > 0,
            "The images are too small for this network: nothing is left to pool"
        );
        let shape = ImageShape { height, width, ..image };
        Ok(Flow { field: input.field.through(self.size, self.size, 0), ..Flow::of(shape.into()) })
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        Ok(vec![row(name, format!("Max pooling {0}×{0}", self.size), self.output(input)?)])
    }

    fn build(&self, input: Flow, _: &mut Builder<'_>) -> Result<Vec<Step>> {
        Ok(vec![Step::new(*self, self.output(input)?)])
    }
}

impl Module for MaxPooling {
    fn forward(&self, x: &Tensor, _: &Pass<'_>) -> candle_core::Result<Tensor> {
        ops::max_pool2d(x, self.size)
    }

    fn max_pooling(&self) -> Option<usize> {
        Some(self.size)
    }
}
