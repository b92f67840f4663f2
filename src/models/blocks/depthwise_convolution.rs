//! Convolution of each channel by itself.
use super::{Affine, Block, Convolution, Module, Padding, Step, row};
use crate::{
    models::{Builder, Flow, Initial, LayerShape, Layout, Pass},
    ops::{self, Activation, ConvShape},
    protocol::LayerInfo,
};
use anyhow::Result;
use candle_core::Tensor;

/// One square filter for each channel; no bias, as a normalisation follows.
///
/// Chollet, "Xception: deep learning with depthwise separable convolutions", 2017.
#[derive(Clone, Copy, Debug)]
pub struct DepthwiseConvolution {
    /// The side of a filter, in pixels.
    pub kernel: usize,
    /// In pixels.
    pub stride: usize,
    /// Zeros around the image.
    pub padding: Padding,
}

impl DepthwiseConvolution {
    /// The convolution whose windows move alike.
    fn windows(&self, channels: usize) -> Convolution {
        let Self { kernel, stride, padding } = *self;
        Convolution { stride, padding, has_bias: false, ..Convolution::new(channels, kernel) }
    }
}

impl Block for DepthwiseConvolution {
    fn output(&self, input: Flow) -> Result<Flow> {
        self.windows(input.image(self)?.channels).output(input)
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        let output = self.output(input)?;
        let to = output.image(self)?;
        let weights = self.kernel * self.kernel * to.channels;
        let kind = format!("Depthwise convolution {0}×{0}", self.kernel);
        Ok(vec![LayerInfo {
            parameters: weights as u64,
            flops: (2 * weights * to.height * to.width) as u64,
            ..row(name, kind, output)
        }])
    }

    fn stages(&self) -> usize {
        1
    }

    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>> {
        let (image, output, kernel) = (input.image(self)?, self.output(input)?, self.kernel);
        let (channels, taps, stage) = (image.channels, kernel * kernel, at.begin_stage());
        at.add_map(channels, output.field);
        let layer = LayerShape {
            dims: &[kernel, kernel, channels],
            fan_in: taps,
            fan_out: taps,
            layout: Layout::Depthwise,
            biases: None,
        };
        let (weight, _) = at.layer(Initial::He, layer)?;
        let built = Built { weight, shape: self.windows(channels).shape(image), stage };
        Ok(vec![Step::new(built, output)])
    }
}

struct Built {
    /// (height, width, channels)
    weight: Tensor,
    shape: ConvShape,
    stage: Option<usize>,
}

impl Module for Built {
    fn forward(&self, x: &Tensor, pass: &Pass<'_>) -> candle_core::Result<Tensor> {
        let weight = pass.of_stage(self.stage).weight(&self.weight);
        let y = ops::depthwise_conv2d(x, &weight, None, self.shape, Activation::None)?;
        pass.record_map(&y);
        Ok(y)
    }

    fn forward_affine(
        &self,
        x: &Tensor,
        pass: &Pass<'_>,
        affine: &Affine,
    ) -> candle_core::Result<Option<Tensor>> {
        if !matches!(pass.of_stage(self.stage), Pass::Evaluation) {
            return Ok(None);
        }
        let weight = self.weight.detach().broadcast_mul(&affine.scale)?;
        ops::depthwise_conv2d(x, &weight, Some(&affine.shift), self.shape, affine.activation).map(Some)
    }
}
