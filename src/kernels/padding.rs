//! How many zeros lie around an image.

/// Zeros beyond each side of an image, in pixels. Sides may differ: TensorFlow's SAME puts the odd pixel at the bottom and
/// at the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Padding {
    /// Above the first row.
    pub top: usize,
    /// Before the first column.
    pub left: usize,
    /// Below the last row.
    pub bottom: usize,
    /// After the last column.
    pub right: usize,
}

impl Padding {
    /// As much on all sides.
    pub const fn all(pixels: usize) -> Self {
        Padding { top: pixels, left: pixels, bottom: pixels, right: pixels }
    }

    /// Rows of the image and of the padding, for an image of `height` rows.
    pub fn rows(&self, height: usize) -> usize {
        self.top + height + self.bottom
    }

    /// Columns of the image and of the padding, for an image of `width` columns.
    pub fn columns(&self, width: usize) -> usize {
        self.left + width + self.right
    }

    /// Whether every window of (height, width) pixels sees a row and a column that are not zeros, if the image has any.
    pub fn is_within(&self, height: usize, width: usize) -> bool {
        self.top.max(self.bottom) < height && self.left.max(self.right) < width
    }
}
