//! Layers as plain data: what each does to a shape, and what it costs.
use crate::{
    ops::{Activation, DropoutUnit},
    protocol::LayerInfo,
    shape::{ImageShape, Shape},
    spec::Param,
};
use anyhow::{Result, bail, ensure};

/// One step of a network.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// `channels` square filters over the image.
    Conv {
        name: &'static str,
        channels: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
        activation: Activation,
    },
    /// The maximum of each square of `size` by `size` pixels.
    MaxPool {
        size: usize,
    },
    /// Each channel to mean 0 and variance 1 over the batch, then scaled and shifted as it learns to; outside training
    /// by the mean and variance that training came by.
    BatchNorm {
        name: &'static str,
        activation: Activation,
    },
    /// Switches features off at random while training; `param` is live and belongs to the encoder.
    Dropout {
        param: Param,
        unit: DropoutUnit,
    },
    /// From (height, width, channels) to (features).
    Flatten,
    Linear {
        name: &'static str,
        features: usize,
        activation: Activation,
    },
}

/// The layer that a classifier puts on top of an encoder.
pub(super) fn head(classes: usize) -> Layer {
    Layer::Linear { name: "head", features: classes, activation: Activation::None }
}

impl Layer {
    /// The shape that comes out.
    ///
    /// # Errors
    /// Where the layer does not fit what goes in.
    pub fn output(&self, input: Shape) -> Result<Shape> {
        Ok(match (self, input) {
            (Layer::Dropout { unit: DropoutUnit::Elements, .. }, _) => input,
            (Layer::Conv { channels, kernel, stride, padding, .. }, Shape::Image(image)) => {
                let side = |length: usize| {
                    let room = length + 2 * padding;
                    ensure!(
                        room >= *kernel,
                        "The images are too small for this network: {length} pixels are left where {kernel} are needed"
                    );
                    Ok((room - kernel) / stride + 1)
                };
                Shape::Image(ImageShape {
                    height: side(image.height)?,
                    width: side(image.width)?,
                    channels: *channels,
                })
            }
            (Layer::MaxPool { size }, Shape::Image(image)) => {
                let (height, width) = (image.height / size, image.width / size);
                ensure!(
                    height > 0 && width > 0,
                    "The images are too small for this network: nothing is left to pool"
                );
                Shape::Image(ImageShape { height, width, ..image })
            }
            (
                Layer::Dropout { unit: DropoutUnit::Channels, .. } | Layer::BatchNorm { .. },
                Shape::Image(_),
            ) => input,
            (Layer::Flatten, Shape::Image(image)) => Shape::Features(image.len()),
            (Layer::Linear { features, .. }, Shape::Features(_)) => Shape::Features(*features),
            _ => bail!("{self:?} cannot follow {input:?}"),
        })
    }

    /// A row of the model's summary.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    pub fn describe(&self, input: Shape) -> Result<LayerInfo> {
        let output = self.output(input)?;
        let (weights, biases, uses) = match (self, input, output) {
            (Layer::Conv { kernel, channels, .. }, Shape::Image(from), Shape::Image(to)) => {
                (kernel * kernel * from.channels * channels, *channels, to.height * to.width)
            }
            (Layer::Linear { features, .. }, Shape::Features(from), _) => (from * features, *features, 1),
            (Layer::BatchNorm { .. }, Shape::Image(image), _) => {
                (image.channels, image.channels, image.height * image.width)
            }
            _ => (0, 0, 0),
        };
        Ok(LayerInfo {
            name: self.name().into(),
            kind: self.kind(),
            output_shape: output.dims(),
            parameters: (weights + biases) as u64,
            flops: (2 * weights * uses) as u64,
        })
    }

    /// As in the names of its weights; empty for a layer without any.
    pub fn name(&self) -> &'static str {
        match self {
            Layer::Conv { name, .. } | Layer::BatchNorm { name, .. } | Layer::Linear { name, .. } => name,
            _ => "",
        }
    }

    fn kind(&self) -> String {
        let activated = |name: String, activation: &Activation| match activation {
            Activation::None => name,
            other => format!("{name}, {}", other.label()),
        };
        match self {
            Layer::Conv { kernel, activation, .. } => {
                activated(format!("Convolution {kernel}×{kernel}"), activation)
            }
            Layer::MaxPool { size } => format!("Max pooling {size}×{size}"),
            Layer::BatchNorm { activation, .. } => activated("Batch normalisation".into(), activation),
            Layer::Dropout { unit: DropoutUnit::Channels, .. } => "Dropout of channels".into(),
            Layer::Dropout { unit: DropoutUnit::Elements, .. } => "Dropout".into(),
            Layer::Flatten => "Flatten".into(),
            Layer::Linear { activation, .. } => activated("Linear".into(), activation),
        }
    }
}
