//! From an embedding back to an image, for objectives that paint.
use crate::{
    data::ImageShape,
    models::Vars,
    ops::{self, Activation, ConvShape, Sink},
};
use anyhow::Result;
use candle_core::{Tensor, Var};

/// Channels of the small image that an embedding is turned into, and of the one twice as large.
const CHANNELS: [usize; 2] = [64, 32];
/// How often that image is doubled.
const ENLARGEMENT: usize = 4;

/// Linear layers, the last to an image of a quarter of the size, then twice: doubled, and convolved.
pub struct Decoder {
    image: ImageShape,
    /// Weight and bias of each linear layer.
    linear: Vec<[Tensor; 2]>,
    /// Weight and bias of each convolution.
    conv: [[Tensor; 2]; 2],
    sink: Sink,
}

impl Decoder {
    /// Makes the weights, named `objective.decoder.*`, for images of a shape from so many features, through hidden
    /// layers of so many more.
    ///
    /// # Errors
    /// Where the names are taken.
    pub fn new(features: usize, hidden: &[usize], image: ImageShape, vars: &mut Vars) -> Result<Self> {
        let (height, width) = small(image);
        let mut layer = |name: &str, shape: &[usize], fan_in: usize| -> Result<[Tensor; 2]> {
            let outputs = shape[shape.len() - 1];
            Ok([
                vars.weight(&format!("objective.decoder.{name}.weight"), shape, fan_in)?,
                vars.weight(&format!("objective.decoder.{name}.bias"), &[outputs], fan_in)?,
            ])
        };
        let [first, second] = CHANNELS;
        let (mut linear, mut features) = (vec![], features);
        for (index, outputs) in hidden.iter().enumerate() {
            linear.push(layer(&format!("hidden{index}"), &[features, *outputs], features)?);
            features = *outputs;
        }
        linear.push(layer("small", &[features, height * width * first], features)?);
        let conv = [
            layer("middle", &[3, 3, first, second], 9 * first)?,
            layer("large", &[3, 3, second, image.channels], 9 * second)?,
        ];
        Ok(Self { image, linear, conv, sink: vars.sink().clone() })
    }

    /// A copy whose weights, named `objective.average.*`, are not trained: they [`follow`](Self::follow).
    ///
    /// # Errors
    /// Where the names are taken.
    pub fn follower(&self, vars: &mut Vars) -> Result<Self> {
        let mut copied = 0;
        let mut copy = |leader: &Tensor| -> Result<Tensor> {
            let var = vars.buffer(&format!("objective.average.{copied}"), leader.dims(), 0.0)?;
            copied += 1;
            var.set(&leader.detach())?;
            Ok(var.as_tensor().clone())
        };
        let mut both = |[weight, bias]: &[Tensor; 2]| Ok([copy(weight)?, copy(bias)?]);
        let linear = self.linear.iter().map(&mut both).collect::<Result<_>>()?;
        let conv = [both(&self.conv[0])?, both(&self.conv[1])?];
        Ok(Self { image: self.image, linear, conv, sink: self.sink.clone() })
    }

    /// Moves all weights by a share of the way to those of another decoder.
    ///
    /// # Errors
    /// candle's own.
    pub fn follow(&self, leader: &Decoder, share: f64) -> Result<()> {
        for (own, theirs) in self.weights().zip(leader.weights()) {
            let moved = ((own.detach() * (1.0 - share))? + (theirs.detach() * share)?)?;
            Var::from_tensor(own)?.set(&moved)?;
        }
        Ok(())
    }

    fn weights(&self) -> impl Iterator<Item = &Tensor> {
        self.linear.iter().chain(&self.conv).flatten()
    }

    /// (batch, features) to (batch, height, width, channels): the logit of each pixel.
    ///
    /// # Errors
    /// Where there are not so many features.
    pub fn forward(&self, embedding: &Tensor) -> Result<Tensor> {
        let conv = ConvShape { stride: 1, padding: 1 };
        let (batch, (height, width)) = (embedding.dim(0)?, small(self.image));
        let [middle, large] = &self.conv;
        let painted = ops::chain(embedding, &self.sink, |x| {
            let x = self
                .linear
                .iter()
                .try_fold(x.clone(), |x, [weight, bias]| ops::linear(&x, weight, bias, Activation::Relu))?;
            let x = ops::upsample_nearest2d(&ops::reshape(&x, (batch, height, width, CHANNELS[0]))?, 2)?;
            let x = ops::conv2d(&x, &middle[0], &middle[1], conv, Activation::Relu)?;
            let x = ops::upsample_nearest2d(&x, 2)?;
            ops::conv2d(&x, &large[0], &large[1], conv, Activation::None)
        })?;
        // Sides that are no multiple of four come out a little too long.
        Ok(painted.narrow(1, 0, self.image.height)?.narrow(2, 0, self.image.width)?)
    }

    /// As [`forward`](Self::forward), pixels from 0 to 1, without gradients.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn paint(&self, embedding: &Tensor) -> Result<Tensor> {
        Ok(ops::activate(&self.forward(embedding)?.detach(), Activation::Sigmoid)?)
    }
}

/// Height and width of the image that is doubled.
fn small(image: ImageShape) -> (usize, usize) {
    (image.height.div_ceil(ENLARGEMENT), image.width.div_ceil(ENLARGEMENT))
}
