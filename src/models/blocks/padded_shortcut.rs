//! The shortcut of a residual block that has no weights.
use super::{Block, Module, Step, row};
use crate::{
    models::{Builder, Flow, Pass},
    ops,
    protocol::LayerInfo,
    shape::ImageShape,
};
use anyhow::{Result, ensure};
use candle_core::Tensor;

/// Every `stride`-th pixel, with channels of zeros on both sides of its own.
///
/// He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2016, option A in section 3.3.
#[derive(Clone, Copy, Debug)]
pub struct PaddedShortcut {
    /// That come out.
    pub channels: usize,
    /// In pixels.
    pub stride: usize,
}

impl Block for PaddedShortcut {
    fn output(&self, input: Flow) -> Result<Flow> {
        let image = input.image(self)?;
        ensure!(self.channels >= image.channels, "{self:?} cannot follow {} channels", image.channels);
        let [height, width] = [image.height, image.width].map(|side| side.div_ceil(self.stride));
        let shape = ImageShape { height, width, channels: self.channels };
        Ok(Flow { field: input.field.through(1, self.stride, 0), ..Flow::of(shape.into()) })
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        Ok(vec![row(name, "Padded shortcut".into(), self.output(input)?)])
    }

    fn build(&self, input: Flow, _: &mut Builder<'_>) -> Result<Vec<Step>> {
        Ok(vec![Step::new(*self, self.output(input)?)])
    }
}

impl Module for PaddedShortcut {
    fn forward(&self, x: &Tensor, _: &Pass<'_>) -> candle_core::Result<Tensor> {
        ops::subsample_and_pad(x, self.stride, self.channels)
    }
}
