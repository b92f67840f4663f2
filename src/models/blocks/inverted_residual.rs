//! Blocks that widen, look at each channel by itself, and narrow again.
use super::{
    BatchNormalization, Block, Convolution, DepthwiseConvolution, Padding, Residual, Sequence, Step,
};
use crate::{
    models::{Builder, Flow, Initial},
    ops::Activation,
    protocol::LayerInfo,
};
use anyhow::Result;

/// A convolution of single pixels to `expansion` times the channels, one of each channel by itself, and one of single pixels
/// to `channels`; what goes in is added where it has the same shape.
///
/// Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", 2018, section 3.3.
#[derive(Clone, Copy, Debug)]
pub struct InvertedResidual {
    /// Channels in the middle for each that goes in. Where it is 1, the first convolution is left out.
    pub expansion: usize,
    /// That come out.
    pub channels: usize,
    /// The side of the filters in the middle, in pixels.
    pub kernel: usize,
    /// In pixels.
    pub stride: usize,
    /// Around the image, in the middle.
    pub padding: Padding,
    /// Of the normalisations.
    pub epsilon: f64,
    /// Of each convolution and its normalisation, in order: two where the first convolution is left out.
    pub names: &'static [[&'static str; 2]],
}

impl InvertedResidual {
    /// As the blocks that it is made of, for images of so many channels.
    fn parts(&self, inputs: usize) -> Box<dyn Block> {
        let Self { expansion, channels, kernel, stride, padding, epsilon, names } = *self;
        let mut names = names.iter();
        let mut add = |body: Sequence, block: Box<dyn Block>, activation| {
            let [own, norm] = names.next().unwrap_or(&["", ""]);
            body.named(own, block).named(norm, BatchNormalization { epsilon, activation })
        };
        let pointwise = |channels| {
            let initial = Initial::He;
            Box::new(Convolution { has_bias: false, initial, ..Convolution::new(channels, 1) })
        };
        let mut body = Sequence::new();
        if expansion > 1 {
            body = add(body, pointwise(inputs * expansion), Activation::Relu6);
        }
        body = add(body, Box::new(DepthwiseConvolution { kernel, stride, padding }), Activation::Relu6);
        body = add(body, pointwise(channels), Activation::None);
        if stride == 1 && inputs == channels {
            Box::new(Residual { body, shortcut: Sequence::new(), activation: Activation::None })
        } else {
            Box::new(body)
        }
    }
}

impl Block for InvertedResidual {
    fn output(&self, input: Flow) -> Result<Flow> {
        self.parts(input.image(self)?.channels).output(input)
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        self.parts(input.image(self)?.channels).describe(input, name)
    }

    fn stages(&self) -> usize {
        self.parts(1).stages()
    }

    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>> {
        self.parts(input.image(self)?.channels).build(input, at)
    }
}
