//! A picture that the user opens: as it is, and as a drawing.
use super::{
    drawing::{self, Found},
    files::open_picture,
};
use crate::{errors::At as _, shape::ImageShape};
use anyhow::Result;
use image::DynamicImage;
use std::path::Path;

/// The longer side in pixels of the scaled copy that is kept: more than any network uses.
const SIDE: u32 = 512;
/// Difference between the largest and smallest of red, green and blue from which a pixel counts as coloured.
const COLOURED: u8 = 40;

/// An opened picture, scaled down to what a network can use.
pub struct Picture {
    /// Height, width and channels.
    pub shape: ImageShape,
    /// Row by row.
    pub pixels: Vec<u8>,
    /// The digits on it, in the order in which they are read; none where there is no ink.
    pub digits: Vec<Found>,
    /// Most of it has a colour, so that it is hardly a drawing.
    pub is_coloured: bool,
}

/// Opens a PNG, JPEG, WebP, BMP or TIFF file.
///
/// # Errors
/// Where the file cannot be read, is no picture, or is blank.
pub fn open(path: &Path) -> Result<Picture> {
    let picture = open_picture(path)?;
    let digits = drawing::of(&picture);
    let mut opened = Picture::new(picture);
    opened.digits = if opened.is_coloured { digits.unwrap_or_default() } else { digits.at(path)? };
    Ok(opened)
}

impl Picture {
    fn new(picture: DynamicImage) -> Self {
        let is_large = picture.width().max(picture.height()) > SIDE;
        let small = if is_large { picture.thumbnail(SIDE, SIDE) } else { picture };
        let small = super::fitting::on_white(small);
        let coloured = small.pixels().filter(|pixel| spread(pixel.0) > COLOURED).count();
        let shape = ImageShape::new(small.height() as usize, small.width() as usize, 3);
        let is_coloured = 2 * coloured > shape.height * shape.width;
        Self { shape, pixels: small.into_raw(), digits: vec![], is_coloured }
    }
}

/// How far the largest part of a colour is from the smallest.
fn spread(parts: [u8; 3]) -> u8 {
    let [low, high] = [parts.iter().min(), parts.iter().max()].map(|part| part.copied().unwrap_or_default());
    high - low
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    #[test]
    fn a_drawing_in_blue_ink_is_no_photograph_and_a_meadow_is() {
        let folder = tempfile::tempdir().unwrap();
        let opened = |picture: RgbImage| {
            let path = folder.path().join("picture.png");
            picture.save(&path).unwrap();
            open(&path)
        };
        let mut blue = RgbImage::from_pixel(600, 300, Rgb([250, 250, 240]));
        (100..200).for_each(|x| blue.put_pixel(x, 50, Rgb([20, 20, 180])));
        let drawing = opened(blue).unwrap();
        assert_eq!(
            (drawing.shape, drawing.is_coloured, drawing.digits.len()),
            (ImageShape::new(256, 512, 3), false, 1)
        );
        let meadow = opened(RgbImage::from_pixel(20, 30, Rgb([40, 160, 30]))).unwrap();
        assert_eq!(
            (meadow.shape, meadow.is_coloured, meadow.digits.len()),
            (ImageShape::new(30, 20, 3), true, 0)
        );
        let blank = opened(RgbImage::from_pixel(20, 30, Rgb([255; 3])));
        assert!(blank.is_err_and(|error| format!("{error:#}").contains("no ink")));
    }
}
