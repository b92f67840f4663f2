//! Convolution of images.
use super::{Affine, Block, Module, Step, activated, row};
use crate::{
    models::{Builder, Flow, Initial, LayerShape, Layout, Pass},
    ops::{self, Activation, ConvShape, PoolShape},
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
    /// Zeros around the image.
    pub padding: Padding,
    /// Whether a number is added to each channel, which a normalisation behind it makes needless.
    pub has_bias: bool,
    /// Applied to the sums.
    pub activation: Activation,
    /// What its weights begin as.
    pub initial: Initial,
}

/// Zeros around an image.
#[derive(Clone, Copy, Debug)]
pub enum Padding {
    /// As many pixels on each side.
    Around(usize),
    /// As many as make a convolution with a stride of 1 keep the size; where they are odd, one more at the bottom and on the
    /// right (TensorFlow's SAME).
    Same,
}

impl Padding {
    /// Zeros before and after a side of so many pixels.
    fn of(self, length: usize, kernel: usize, stride: usize) -> (usize, usize) {
        match self {
            Padding::Around(pixels) => (pixels, pixels),
            Padding::Same => {
                let windows = length.div_ceil(stride);
                let pixels = ((windows - 1) * stride + kernel).saturating_sub(length);
                (pixels / 2, pixels.div_ceil(2))
            }
        }
    }
}

impl Convolution {
    /// With a bias, and nothing around the image.
    pub fn new(channels: usize, kernel: usize) -> Self {
        let (activation, initial) = (Activation::None, Initial::Uniform);
        let padding = Padding::Around(0);
        Self { channels, kernel, stride: 1, padding, has_bias: true, activation, initial }
    }

    /// How its windows move over an image.
    pub(super) fn shape(&self, image: ImageShape) -> ConvShape {
        ConvShape { stride: self.stride, padding: self.padding(image) }
    }

    fn padding(&self, image: ImageShape) -> ops::Padding {
        let of = |length| self.padding.of(length, self.kernel, self.stride);
        let ((top, bottom), (left, right)) = (of(image.height), of(image.width));
        ops::Padding { top, left, bottom, right }
    }
}

impl Block for Convolution {
    fn output(&self, input: Flow) -> Result<Flow> {
        let Self { channels, kernel, stride, .. } = *self;
        let image = input.image(self)?;
        let padding = self.padding(image);
        let side = |length: usize, padding: usize| {
            let room = length + padding;
            ensure!(
                room >= kernel,
                "The images are too small for this network: {length} pixels are left where {kernel} are needed"
            );
            Ok((room - kernel) / stride + 1)
        };
        let height = side(image.height, padding.top + padding.bottom)?;
        let width = side(image.width, padding.left + padding.right)?;
        let shape = ImageShape { height, width, channels };
        let field = input.field.through(kernel, stride, padding.top);
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
        let Self { channels, kernel, has_bias, activation, initial, .. } = *self;
        let (from, output) = (input.image(self)?, self.output(input)?);
        let stage = at.begin_stage();
        at.add_map(channels, output.field);
        let dims = [kernel, kernel, from.channels, channels];
        let layer = LayerShape {
            dims: &dims,
            fan_in: kernel * kernel * from.channels,
            fan_out: kernel * kernel * channels,
            layout: Layout::Convolution,
            biases: has_bias.then_some(channels),
        };
        let (weight, bias) = at.layer(initial, layer)?;
        let shape = self.shape(from);
        let built = Built { weight, bias, shape, activation, stage };
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

    /// A convolution with a bias is followed by its normalisation as older versions did it, to the same bits.
    fn forward_affine(
        &self,
        x: &Tensor,
        pass: &Pass<'_>,
        affine: &Affine,
    ) -> candle_core::Result<Option<Tensor>> {
        let is_plain = self.bias.is_none() && self.activation == Activation::None;
        if !is_plain || !matches!(pass.of_stage(self.stage), Pass::Evaluation) {
            return Ok(None);
        }
        let weight = self.weight.detach().broadcast_mul(&affine.scale)?;
        ops::conv2d(x, &weight, Some(&affine.shift), self.shape, affine.activation).map(Some)
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
