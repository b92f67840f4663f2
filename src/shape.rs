//! The shape of one example, and of what flows through a network for it.

/// The shape of one example as a network takes it or passes it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// (height, width, channels)
    Image(ImageShape),
    /// `length` tokens, each a number below `vocabulary`.
    Tokens { length: usize, vocabulary: usize },
    /// (length, features)
    Sequence { length: usize, features: usize },
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

    pub fn is_empty(self) -> bool {
        self.len() == 0
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

impl From<ImageShape> for Shape {
    fn from(shape: ImageShape) -> Self {
        Shape::Image(shape)
    }
}

/// Height and width in pixels, and channels of each pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageShape {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl ImageShape {
    pub const fn new(height: usize, width: usize, channels: usize) -> Self {
        Self { height, width, channels }
    }

    /// Numbers of an image, one byte each where it is stored.
    pub fn len(self) -> usize {
        self.height * self.width * self.channels
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}
