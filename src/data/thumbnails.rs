//! Small versions of images, by averaging.
use crate::shape::ImageShape;
use image::{DynamicImage, GrayImage, RgbImage, imageops::thumbnail};

/// The shape of an image that is shown at most `side` pixels wide and high; of other than three channels, one is shown.
pub fn small_shape(shape: ImageShape, side: usize) -> ImageShape {
    let channels = if shape.channels == 3 { 3 } else { 1 };
    let longest = shape.height.max(shape.width).max(1);
    if longest <= side {
        return ImageShape { channels, ..shape };
    }
    let scaled = |length: usize| (length * side).div_ceil(longest);
    ImageShape { height: scaled(shape.height), width: scaled(shape.width), channels }
}

/// An image at most `side` pixels wide and high, in the shape that [`small_shape`] says.
pub fn small(pixels: &[u8], shape: ImageShape, side: usize) -> Vec<u8> {
    let to = small_shape(shape, side);
    let shown: Vec<u8> = if shape.channels == 3 {
        pixels.to_vec()
    } else {
        pixels.iter().step_by(shape.channels.max(1)).copied().collect()
    };
    if (to.height, to.width) == (shape.height, shape.width) {
        return shown;
    }
    let size = [shape.width, shape.height, to.width, to.height].map(|length| length as u32);
    match to.channels {
        3 => RgbImage::from_raw(size[0], size[1], shown)
            .map_or(vec![], |image| thumbnail(&image, size[2], size[3]).into_raw()),
        _ => GrayImage::from_raw(size[0], size[1], shown)
            .map_or(vec![], |image| thumbnail(&image, size[2], size[3]).into_raw()),
    }
}

/// An image in greys, `width` by `height` pixels, for an image of any shape.
pub fn grey(pixels: &[u8], shape: ImageShape, width: usize, height: usize) -> Vec<u8> {
    let size = [shape.width as u32, shape.height as u32];
    let image = match shape.channels {
        3 => RgbImage::from_raw(size[0], size[1], pixels.to_vec()).map(DynamicImage::ImageRgb8),
        _ => {
            let first = pixels.iter().step_by(shape.channels.max(1)).copied().collect();
            GrayImage::from_raw(size[0], size[1], first).map(DynamicImage::ImageLuma8)
        }
    };
    let grey = image.map_or_else(|| GrayImage::new(size[0], size[1]), |image| image.to_luma8());
    thumbnail(&grey, width as u32, height as u32).into_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_images_shrink_and_small_ones_stay() {
        let shape = |height, width, channels| ImageShape { height, width, channels };
        assert_eq!(small_shape(shape(28, 28, 1), 64), shape(28, 28, 1));
        assert_eq!(small_shape(shape(100, 200, 3), 64), shape(32, 64, 3));
        assert_eq!(small(&[1, 2, 3, 4], shape(2, 2, 1), 2), [1, 2, 3, 4]);
        assert_eq!(small(&[1, 9, 2, 9], shape(1, 2, 2), 2), [1, 2]);
        assert_eq!(small(&[0, 100, 100, 200], shape(2, 2, 1), 1), [100]);
        assert_eq!(small(&vec![7; 200 * 100 * 3], shape(100, 200, 3), 64), vec![7; 32 * 64 * 3]);
        assert_eq!(grey(&[50; 3 * 16], shape(4, 4, 3), 2, 3), [50; 6]);
    }
}
