//! The shape of one example, and of what flows through a network for it.
use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The shape of one example as a network takes it or passes it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// (height, width, channels)
    Image(ImageShape),
    /// `length` tokens, each a number below `vocabulary`.
    Tokens {
        /// Tokens of one example.
        length: usize,
        /// Number of different tokens.
        vocabulary: usize,
    },
    /// (length, features)
    Sequence {
        /// Positions of one example.
        length: usize,
        /// Numbers at each position.
        features: usize,
    },
    /// (features)
    Features(usize),
}

impl Shape {
    /// Numbers of one example.
    pub fn len(self) -> usize {
        match self {
            Shape::Image(image) => image.len(),
            Shape::Tokens { length, .. } => length,
            Shape::Sequence { length, features } => length * features,
            Shape::Features(features) => features,
        }
    }

    /// Whether an example has no numbers.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The shape of an image.
    ///
    /// # Errors
    /// Where it is none.
    pub fn image(self) -> Result<ImageShape> {
        match self {
            Shape::Image(image) => Ok(image),
            Shape::Tokens { .. } => bail!("This works with images, and these are texts"),
            _ => bail!("This works with images, and these are features"),
        }
    }

    /// The lengths of its dimensions, outermost first.
    pub fn dims(self) -> Vec<usize> {
        match self {
            Shape::Image(ImageShape { height, width, channels }) => vec![height, width, channels],
            Shape::Tokens { length, .. } => vec![length],
            Shape::Sequence { length, features } => vec![length, features],
            Shape::Features(features) => vec![features],
        }
    }
}

/// "28 by 28 pixels in 3 channels", as messages have it.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Image(ImageShape { height, width, channels }) => {
                write!(
                    f,
                    "{width} by {height} pixels in {channels} channel{}",
                    if *channels == 1 { "" } else { "s" }
                )
            }
            Shape::Tokens { length, vocabulary } => {
                write!(f, "{length} tokens of a vocabulary of {vocabulary}")
            }
            Shape::Sequence { length, features } => write!(f, "{length} times {features} features"),
            Shape::Features(features) => write!(f, "{features} features"),
        }
    }
}

impl From<ImageShape> for Shape {
    fn from(shape: ImageShape) -> Self {
        Shape::Image(shape)
    }
}

/// Height and width in pixels, and channels of each pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImageShape {
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// 1 for grey, 3 for red, green and blue; any number inside a network.
    pub channels: usize,
}

impl ImageShape {
    /// In the order in which images are stored.
    pub const fn new(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels }
    }

    /// Numbers of an image, one byte each where it is stored.
    pub fn len(self) -> usize {
        self.height * self.width * self.channels
    }

    /// Whether an image has no pixels.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}
