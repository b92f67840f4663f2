//! Max pooling of images.
use super::{Block, Module, Step, row};
use crate::{
    models::{Builder, Flow, Pass},
    ops::{self, PoolShape},
    protocol::LayerInfo,
    shape::ImageShape,
};
use anyhow::{Context as _, Result};
use candle_core::Tensor;

/// The maximum of each square window.
#[derive(Clone, Copy, Debug)]
pub struct MaxPooling(pub PoolShape);

impl Block for MaxPooling {
    fn output(&self, input: Flow) -> Result<Flow> {
        let (image, PoolShape { size, stride, padding }) = (input.image(self)?, self.0);
        let side = |length: usize| {
            let room = (length + 2 * padding).checked_sub(size);
            let room = room.context("The images are too small for this network: nothing is left to pool")?;
            anyhow::Ok(room / stride + 1)
        };
        let shape = ImageShape { height: side(image.height)?, width: side(image.width)?, ..image };
        Ok(Flow { field: input.field.through(size, stride, padding), ..Flow::of(shape.into()) })
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        Ok(vec![row(name, format!("Max pooling {0}×{0}", self.0.size), self.output(input)?)])
    }

    fn build(&self, input: Flow, _: &mut Builder<'_>) -> Result<Vec<Step>> {
        Ok(vec![Step::new(*self, self.output(input)?)])
    }
}

/// As [`MaxPooling`], but an image smaller than a window is left as it is.
#[derive(Clone, Copy, Debug)]
pub struct MaxPoolingWhereItFits(pub PoolShape);

impl MaxPoolingWhereItFits {
    fn fitting(&self, input: Flow) -> Result<Option<MaxPooling>> {
        let image = input.image(self)?;
        Ok((image.height.min(image.width) >= self.0.size).then_some(MaxPooling(self.0)))
    }
}

impl Block for MaxPoolingWhereItFits {
    fn output(&self, input: Flow) -> Result<Flow> {
        self.fitting(input)?.map_or(Ok(input), |pooling| pooling.output(input))
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        self.fitting(input)?.map_or(Ok(vec![]), |pooling| pooling.describe(input, name))
    }

    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>> {
        self.fitting(input)?.map_or(Ok(vec![]), |pooling| pooling.build(input, at))
    }
}

impl Module for MaxPooling {
    fn forward(&self, x: &Tensor, _: &Pass<'_>) -> candle_core::Result<Tensor> {
        ops::max_pool2d(x, self.0)
    }

    fn max_pooling(&self) -> Option<PoolShape> {
        Some(self.0)
    }
}
