//! From an embedding back to an image, for objectives that paint.
use crate::{
    models::{BATCH_NORM_EPSILON, BatchNorm, Builder, Pass, Vars},
    ops::{self, Activation, ConvShape, Padding, Sink},
    shape::ImageShape,
};
use anyhow::Result;
use candle_core::{Tensor, Var};

/// Channels of the small image that an embedding is turned into, and of the one twice as large.
const CHANNELS: [usize; 2] = [64, 32];
/// How often that image is doubled.
const ENLARGEMENT: usize = 4;
const CONV: ConvShape = ConvShape { stride: 1, padding: Padding::all(1) };

/// A linear layer to an image of a quarter of the size, then twice: doubled, and convolved.
pub struct Decoder {
    image: ImageShape,
    /// Weight and bias of each layer.
    layers: [[Tensor; 2]; 3],
    /// After each layer but the last, where there is any.
    norms: Option<[BatchNorm; 2]>,
    sink: Sink,
}

impl Decoder {
    /// Makes the weights, named `objective.decoder.*`, for images of a shape from a number of features.
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
        let layers = [
            layer("small", &[features, height * width * first], features)?,
            layer("middle", &[3, 3, first, second], 9 * first)?,
            layer("large", &[3, 3, second, image.channels], 9 * second)?,
        ];
        Ok(Self { image, layers, norms: None, sink: vars.sink().clone() })
    }

    /// The same with batch normalisation, without which a generator soon paints the same image from all noise.
    ///
    /// # Errors
    /// Where the names are taken.
    pub fn normalized(features: usize, image: ImageShape, vars: &mut Vars) -> Result<Self> {
        let decoder = Self::new(features, image, vars)?;
        let mut norm = |index: usize| {
            let at = &mut Builder::head(&format!("decoder.norm{index}"), vars);
            BatchNorm::new(CHANNELS[index], BATCH_NORM_EPSILON, at)
        };
        Ok(Self { norms: Some([norm(0)?, norm(1)?]), ..decoder })
    }

    /// A copy whose numbers, named `objective.average.*`, are not trained: they [`follow`](Self::follow).
    ///
    /// # Errors
    /// Where the names are taken.
    pub fn follower(&self, vars: &mut Vars) -> Result<Self> {
        let mut copied = 0;
        let mut copy = |leader: &Tensor| -> Result<Var> {
            let var = vars.buffer(&format!("objective.average.{copied}"), leader.dims(), 0.0)?;
            copied += 1;
            var.set(&leader.detach())?;
            Ok(var)
        };
        let mut layer = |at: usize| -> Result<[Tensor; 2]> {
            let [weight, bias] = &self.layers[at];
            Ok([copy(weight)?.as_tensor().clone(), copy(bias)?.as_tensor().clone()])
        };
        let layers = [layer(0)?, layer(1)?, layer(2)?];
        let norms = match &self.norms {
            Some([first, second]) => Some([first.copy(&mut copy)?, second.copy(&mut copy)?]),
            None => None,
        };
        Ok(Self { image: self.image, layers, norms, sink: self.sink.clone() })
    }

    /// Moves all numbers by a share of the way to those of another decoder.
    ///
    /// # Errors
    /// candle's own.
    pub fn follow(&self, leader: &Decoder, share: f64) -> Result<()> {
        for (own, theirs) in self.numbers().zip(leader.numbers()) {
            let moved = ((own.detach() * (1.0 - share))? + (theirs.detach() * share)?)?;
            Var::from_tensor(own)?.set(&moved)?;
        }
        Ok(())
    }

    fn numbers(&self) -> impl Iterator<Item = &Tensor> {
        let norms = self.norms.iter().flatten().flat_map(BatchNorm::numbers);
        self.layers.as_flattened().iter().chain(norms)
    }

    /// (batch, features) to (batch, height, width, channels): the logit of each pixel.
    ///
    /// # Errors
    /// Where the number of features differs.
    pub fn forward(&self, embedding: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        let (batch, (height, width)) = (embedding.dim(0)?, small(self.image));
        let layers = self.layers.each_ref().map(|layer| layer.each_ref().map(|tensor| pass.weight(tensor)));
        let [small, middle, large] = &layers;
        let (inner, norms) = match &self.norms {
            Some(norms) => (Activation::None, Some(norms)),
            None => (Activation::Relu, None),
        };
        let normalized = |x: Tensor, at: usize| match norms {
            Some(norms) => norms[at].forward(&x, pass, Activation::Relu),
            None => Ok(x),
        };
        let painted = ops::chain(embedding, &self.sink, |x| {
            let x = ops::linear(x, &small[0], Some(&small[1]), inner)?;
            let x = normalized(ops::reshape(&x, (batch, height, width, CHANNELS[0]))?, 0)?;
            let x = ops::upsample_nearest2d(&x, 2)?;
            let x = normalized(ops::conv2d(&x, &middle[0], Some(&middle[1]), CONV, inner)?, 1)?;
            let x = ops::upsample_nearest2d(&x, 2)?;
            ops::conv2d(&x, &large[0], Some(&large[1]), CONV, Activation::None)
        })?;
        // Sides that are no multiple of four come out a little too long.
        Ok(painted.narrow(1, 0, self.image.height)?.narrow(2, 0, self.image.width)?)
    }

    /// As [`forward`](Self::forward), pixels from 0 to 1, without gradients.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn paint(&self, embedding: &Tensor) -> Result<Tensor> {
        Ok(ops::activate(&self.forward(embedding, &Pass::Evaluation)?.detach(), Activation::Sigmoid)?)
    }
}

/// Height and width of the image that is doubled.
fn small(image: ImageShape) -> (usize, usize) {
    (image.height.div_ceil(ENLARGEMENT), image.width.div_ceil(ENLARGEMENT))
}
