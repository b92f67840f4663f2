//! Convolution of images.
use super::{Block, Module, Step, activated, row};
use crate::{
    models::{Builder, Flow, Layout, Pass},
    ops::{self, Activation, ConvShape, Padding, PoolShape},
    protocol::LayerInfo,
    shape::ImageShape,
};
use anyhow::{Result, ensure};
use candle_core::Tensor;

/// `channels` square filters over the image.
#[derive(Clone, Copy, Debug)]
pub struct Convolution {
    /// Filters, each of which makes one channel.
    pub channels: usize,
    /// The side of a filter, in pixels.
    pub kernel: usize,
    /// In pixels.
    pub stride: usize,
    /// Zeros on each side.
    pub padding: usize,
    /// Whether a number is added to each channel, which a normalisation behind it makes needless.
    pub has_bias: bool,
    /// Applied to the sums.
    pub activation: Activation,
}

impl Block for Convolution {
    fn output(&self, input: Flow) -> Result<Flow> {
        let Self { channels, kernel, stride, padding, .. } = *self;
        let image = input.image(self)?;
        let side = |length: usize| {
            let room = length + 2 * padding;
            ensure!(
                room >= kernel,
                "The images are too small for this network: {length} pixels are left where {kernel} are needed"
            );
            Ok((room - kernel) / stride + 1)
        };
        let shape = ImageShape { height: side(image.height)?, width: side(image.width)?, channels };
        let field = input.field.through(kernel, stride, padding);
        Ok(Flow { field, is_map: true, ..Flow::of(shape.into()) })
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        let (from, output) = (input.image(self)?, self.output(input)?);
        let to = output.image(self)?;
        let weights = self.kernel * self.kernel * from.channels * self.channels;
        let kind = activated(format!("Convolution {0}×{0}", self.kernel), self.activation);
        Ok(vec![LayerInfo {
            parameters: (weights + if self.has_bias { self.channels } else { 0 }) as u64,
            flops: (2 * weights * to.height * to.width) as u64,
            ..row(name, kind, output)
        }])
    }

    fn stages(&self) -> usize {
        1
    }

    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>> {
        let Self { channels, kernel, stride, padding, has_bias, activation } = *self;
        let (from, output) = (input.image(self)?, self.output(input)?);
        let fan_in = kernel * kernel * from.channels;
        let stage = at.begin_stage();
        at.add_map(channels, output.field);
        let dims = [kernel, kernel, from.channels, channels];
        let built = Built {
            weight: at.weight("weight", &dims, fan_in, Layout::Convolution)?,
            bias: has_bias.then(|| at.weight("bias", &[channels], fan_in, Layout::Same)).transpose()?,
            shape: ConvShape { stride, padding: Padding::all(padding) },
            activation,
            stage,
        };
        Ok(vec![Step::new(built, output)])
    }
}

struct Built {
    /// (height, width, in, out)
    weight: Tensor,
    /// (out)
    bias: Option<Tensor>,
    shape: ConvShape,
    activation: Activation,
    stage: Option<usize>,
}

impl Built {
    /// Weight and bias as a pass uses them.
    fn weights(&self, pass: &Pass<'_>) -> (Tensor, Option<Tensor>) {
        let pass = pass.of_stage(self.stage);
        (pass.weight(&self.weight), self.bias.as_ref().map(|bias| pass.weight(bias)))
    }
}

impl Module for Built {
    fn forward(&self, x: &Tensor, pass: &Pass<'_>) -> candle_core::Result<Tensor> {
        let (weight, bias) = self.weights(pass);
        let y = ops::conv2d(x, &weight, bias.as_ref(), self.shape, self.activation)?;
        pass.record_map(&y);
        Ok(y)
    }

    fn forward_pooled(
        &self,
        x: &Tensor,
        pass: &Pass<'_>,
        pool: PoolShape,
    ) -> candle_core::Result<Option<Tensor>> {
        let (weight, bias) = self.weights(pass);
        ops::conv2d_max_pool2d(x, &weight, bias.as_ref(), self.shape, self.activation, pool).map(Some)
    }
}
