//! Global average pooling.
use super::{Block, Module, Step, row};
use crate::{
    models::{Builder, Flow, Pass},
    ops,
    protocol::LayerInfo,
    shape::Shape,
};
use anyhow::{Result, bail};
use candle_core::Tensor;

/// The mean of each feature over all places: from images (height, width, channels) to (channels), from sequences
/// (length, features) to (features).
///
/// Lin, Chen and Yan, "Network in network", 2014, section 3.2.
#[derive(Clone, Copy, Debug)]
pub struct GlobalAveragePooling;

impl Block for GlobalAveragePooling {
    fn output(&self, input: Flow) -> Result<Flow> {
        let features = match input.shape {
            Shape::Image(image) => image.channels,
            Shape::Sequence { features, .. } => features,
            other => bail!("{self:?} cannot follow {other:?}"),
        };
        Ok(Flow::of(Shape::Features(features)))
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        Ok(vec![row(name, "Global average pooling".into(), self.output(input)?)])
    }

    fn build(&self, input: Flow, _: &mut Builder<'_>) -> Result<Vec<Step>> {
        Ok(vec![Step::new(*self, self.output(input)?)])
    }
}

impl Module for GlobalAveragePooling {
    fn forward(&self, x: &Tensor, _: &Pass<'_>) -> candle_core::Result<Tensor> {
        match x.dims() {
            // a sequence is an image one pixel wide
            &[batch, length, features] => {
                ops::global_avg_pool2d(&ops::reshape(x, (batch, length, 1, features))?)
            }
            _ => ops::global_avg_pool2d(x),
        }
    }
}
