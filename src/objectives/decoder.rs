//! From an embedding back to an image, for objectives that paint.
use crate::{
    data::ImageShape,
    models::Vars,
    ops::{self, Activation, ConvShape, Sink},
};
use anyhow::Result;
use candle_core::Tensor;

/// Channels of the small image that an embedding is turned into, and of the one twice as large.
const CHANNELS: [usize; 2] = [64, 32];
/// How often that image is doubled.
const ENLARGEMENT: usize = 4;

/// A linear layer to an image of a quarter of the size, then twice: doubled, and convolved.
pub struct Decoder {
    image: ImageShape,
    /// Weight and bias of each layer.
    small: [Tensor; 2],
    middle: [Tensor; 2],
    large: [Tensor; 2],
    sink: Sink,
}

impl Decoder {
    /// Makes the weights, named `objective.decoder.*`, for images of a shape from so many features.
    ///
    /// # Errors
    /// Where the names are taken.
    pub fn new(features: usize, image: ImageShape, vars: &mut Vars) -> Result<Self> {
        let (height, width) = small(image);
        let mut layer = |name: &str, shape: &[usize], fan_in: usize| -> Result<[Tensor; 2]> {
            let outputs = shape[shape.len() - 1];
            Ok([
                vars.weight(&format!("objective.decoder.{name}.weight"), shape, fan_in)?,
                vars.weight(&format!("objective.decoder.{name}.bias"), &[outputs], fan_in)?,
            ])
        };
        let [first, second] = CHANNELS;
        Ok(Self {
            image,
            small: layer("small", &[features, height * width * first], features)?,
            middle: layer("middle", &[3, 3, first, second], 9 * first)?,
            large: layer("large", &[3, 3, second, image.channels], 9 * second)?,
            sink: vars.sink().clone(),
        })
    }

    /// (batch, features) to (batch, height, width, channels): the logit of each pixel.
    ///
    /// # Errors
    /// Where there are not so many features.
    pub fn forward(&self, embedding: &Tensor) -> Result<Tensor> {
        let conv = ConvShape { stride: 1, padding: 1 };
        let (batch, (height, width)) = (embedding.dim(0)?, small(self.image));
        let painted = ops::chain(embedding, &self.sink, |x| {
            let x = ops::linear(x, &self.small[0], &self.small[1], Activation::Relu)?;
            let x = ops::upsample_nearest2d(&ops::reshape(&x, (batch, height, width, CHANNELS[0]))?, 2)?;
            let x = ops::conv2d(&x, &self.middle[0], &self.middle[1], conv, Activation::Relu)?;
            let x = ops::upsample_nearest2d(&x, 2)?;
            ops::conv2d(&x, &self.large[0], &self.large[1], conv, Activation::None)
        })?;
        // Sides that are no multiple of four come out a little too long.
        Ok(painted.narrow(1, 0, self.image.height)?.narrow(2, 0, self.image.width)?)
    }
}

/// Height and width of the image that is doubled.
fn small(image: ImageShape) -> (usize, usize) {
    (image.height.div_ceil(ENLARGEMENT), image.width.div_ceil(ENLARGEMENT))
}
