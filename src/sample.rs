//! What people show a network, and what it shows them.
use crate::shape::ImageShape;
use anyhow::{Result, bail};

/// The kinds of data that networks learn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modality {
    /// Greyscale or colour images.
    Images,
    /// Texts, as sequences of tokens.
    Text,
    /// Recorded sound.
    Sound,
}

/// Something of one's own that is shown to a network.
#[derive(Clone, Debug, PartialEq)]
pub enum Sample {
    /// A drawing or a photograph.
    Image(Image),
    /// A text as it was typed.
    Text(String),
}

/// An image, which a network sees at the size and in the channels that it has learnt from.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// 1 or 3 channels.
    pub shape: ImageShape,
    /// Row by row; of a drawing, 0 for paper and 255 for ink.
    pub pixels: Vec<u8>,
}

impl Modality {
    /// Every kind: what components serve that work with any data.
    pub const ALL: &[Self] = &[Modality::Images, Modality::Text, Modality::Sound];

    /// Its name within a sentence.
    pub fn label(self) -> &'static str {
        match self {
            Modality::Images => "images",
            Modality::Text => "text",
            Modality::Sound => "sound",
        }
    }
}

impl Sample {
    /// The kind of data that it is.
    pub fn modality(&self) -> Modality {
        match self {
            Sample::Image(_) => Modality::Images,
            Sample::Text(_) => Modality::Text,
        }
    }

    /// The image.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn image(&self) -> Result<&Image> {
        match self {
            Sample::Image(image) => Ok(image),
            other => bail!("This network looks at images, and was shown {}", other.modality().label()),
        }
    }
}

impl From<Image> for Sample {
    fn from(image: Image) -> Self {
        Sample::Image(image)
    }
}

impl Image {
    /// A framed drawing, 28 by 28.
    pub fn drawing(framed: Vec<u8>) -> Self {
        Self { shape: ImageShape::new(28, 28, 1), pixels: framed }
    }
}
