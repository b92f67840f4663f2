//! What flows from block to block.
use crate::shape::{ImageShape, Shape};
use anyhow::{Result, bail};
use std::fmt::Debug;

/// What one block hands to the next, of one example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Of one example.
    pub shape: Shape,
    /// What each place of an image depends on.
    pub field: ReceptiveField,
    /// Whether these are feature maps: a convolution's, normalised and activated where they are, and not yet pooled.
    pub is_map: bool,
    /// The images that features are, one number after another (PyTorch's have their channels first), or tokens, one place
    /// after another.
    pub flattened: Option<ImageShape>,
}

impl Flow {
    /// As it goes into a network.
    pub fn of(shape: Shape) -> Self {
        Self { shape, field: ReceptiveField::PIXEL, is_map: false, flattened: None }
    }

    /// The shape of an image, for a block that takes nothing else.
    ///
    /// # Errors
    /// Where it is none.
    pub fn image(&self, block: &dyn Debug) -> Result<ImageShape> {
        match self.shape {
            Shape::Image(image) => Ok(image),
            other => bail!("{block:?} cannot follow {other:?}"),
        }
    }

    /// Whether it has places, whose features may differ: pixels or tokens.
    pub fn has_places(&self) -> bool {
        !matches!(self.shape, Shape::Features(_))
    }
}

/// The pixels of the image that a place depends on (Araujo, Norris and Sim, "Computing receptive fields of convolutional
/// neural networks", 2019). All numbers are alike in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceptiveField {
    /// Pixels that a place depends on.
    size: usize,
    /// Pixels from one place to the next.
    stride: usize,
    /// The first pixel that the first place depends on; padding lies before 0.
    start: i32,
}

impl ReceptiveField {
    /// A pixel of the image itself.
    const PIXEL: Self = Self { size: 1, stride: 1, start: 0 };

    /// That of a window over places such as this one.
    pub fn through(self, kernel: usize, stride: usize, padding: usize) -> Self {
        Self {
            size: self.size + (kernel - 1) * self.stride,
            stride: self.stride * stride,
            start: self.start - (padding * self.stride) as i32,
        }
    }

    /// That of a place which depends on what two others do.
    pub fn union(self, other: Self) -> Self {
        let end = |field: &Self| field.start + field.size as i32;
        let start = self.start.min(other.start);
        let size = (end(&self).max(end(&other)) - start) as usize;
        Self { size, stride: self.stride.max(other.stride), start }
    }

    /// What a place depends on: top, left, and the length of a side, in pixels.
    pub fn at(&self, row: usize, column: usize) -> [i32; 3] {
        let first = |place: usize| self.start + (place * self.stride) as i32;
        [first(row), first(column), self.size as i32]
    }
}

/// The feature maps of a convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct MapInfo {
    /// The name of the convolution.
    pub name: String,
    /// Its output channels: maps for each image.
    pub filters: usize,
    /// Of one place of a map.
    pub field: ReceptiveField,
}
