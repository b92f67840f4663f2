//! Images brought to one size, and to grey or colour.
use super::{Dataset, DatasetInfo, Examples, ImageShape};
use crate::spec::{Choice, Param, ParamKind};
use anyhow::{Context as _, Result};
use image::{DynamicImage, GrayImage, RgbImage, imageops::FilterType};
use rayon::prelude::*;

/// Common to every data set.
pub const IMAGE_SIZE: Param = Param {
    key: "image_size",
    label: "Image size",
    unit: "px",
    help: "Images are scaled and cropped to squares of this side, as a pretrained encoder may need it. 0 leaves images as they are where all have one size of at most 128 pixels, and makes squares of 64 of them otherwise.",
    kind: ParamKind::Integer { min: 0, max: 512 },
    default: 0.0,
    live: false,
};

/// Common to every data set.
pub const CHANNELS: Param = Param {
    key: "channels",
    label: "Channels",
    unit: "",
    help: "1 makes images grey, 3 makes them coloured, 0 leaves them as most of them are.",
    kind: ParamKind::Integer { min: 0, max: 3 },
    ..IMAGE_SIZE
};

/// The shape that a choice asks for, of images that have `own`.
pub fn wanted(choice: &Choice, own: ImageShape) -> ImageShape {
    let [height, width] = match choice.get(&IMAGE_SIZE) as usize {
        0 => [own.height, own.width],
        side => [side; 2],
    };
    let channels = match choice.get(&CHANNELS) as usize {
        0 => own.channels,
        1 => 1,
        _ => 3,
    };
    ImageShape { height, width, channels }
}

/// Scaled until it fills the shape, the middle of it; what is transparent is white. (height, width, channels)
pub fn fitted(image: DynamicImage, shape: ImageShape) -> Vec<u8> {
    let (width, height) = (shape.width as u32, shape.height as u32);
    let image = if image.color().has_alpha() { on_white(image).into() } else { image };
    let image = if (image.width(), image.height()) == (width, height) {
        image
    } else {
        image.resize_to_fill(width, height, FilterType::Triangle)
    };
    if shape.channels == 3 { image.into_rgb8().into_raw() } else { image.into_luma8().into_raw() }
}

/// In colour; what is transparent is white.
pub fn on_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let mut flat = RgbImage::new(image.width(), image.height());
    for (pixel, out) in image.into_rgba8().pixels().zip(flat.pixels_mut()) {
        let alpha = u32::from(pixel[3]);
        out.0 = std::array::from_fn(|at| ((u32::from(pixel[at]) * alpha + 255 * (255 - alpha)) / 255) as u8);
    }
    flat
}

impl ImageShape {
    /// Bytes as an image of this shape; none where there are too few.
    pub fn image(self, bytes: &[u8]) -> Option<DynamicImage> {
        let (width, height) = (self.width as u32, self.height as u32);
        match self.channels {
            3 => RgbImage::from_raw(width, height, bytes.to_vec()).map(DynamicImage::from),
            _ => GrayImage::from_raw(width, height, bytes.to_vec()).map(DynamicImage::from),
        }
    }
}

impl Dataset {
    /// Its images at a shape.
    ///
    /// # Errors
    /// Where an image is on disk and cannot be read.
    pub(super) fn fitted(self, shape: ImageShape) -> Result<Self> {
        let own = self.info.shape;
        if own == shape {
            return Ok(self);
        }
        let fit = |examples: Examples| -> Result<Examples> {
            let one = |index| -> Result<Vec<u8>> {
                let image = own.image(&examples.image(index)?).context("An image is cut short")?;
                Ok(fitted(image, shape))
            };
            let pixels: Vec<Vec<u8>> = (0..examples.len()).into_par_iter().map(one).collect::<Result<_>>()?;
            Ok(Examples { as_read: examples.as_read, ..Examples::new(pixels.concat(), examples.labels) })
        };
        let info = DatasetInfo { shape, ..self.info };
        Ok(Self { info, train: fit(self.train)?, test: fit(self.test)?, notes: self.notes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    #[test]
    fn any_data_set_is_brought_to_another_shape() {
        let values = [("image_size".into(), 32.0), ("channels".into(), 3.0)].into();
        let choice = Choice { values, ..Choice::new("mnist") };
        let shape = ImageShape { height: 32, width: 32, channels: 3 };
        assert_eq!(data::peek(&choice).unwrap().shape, shape);
        let load = |choice: &Choice| data::load(choice, std::path::Path::new("")).unwrap();
        let (set, plain) = (load(&choice), load(&Choice::new("mnist")));
        assert_eq!((set.info.shape, set.train.len()), (shape, 60_000));
        assert_eq!(set.train.labels, plain.train.labels);
        let (large, small) = (set.train.image(0).unwrap(), plain.train.image(0).unwrap());
        assert!(large.chunks(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]));
        // the same amount of ink, spread over more pixels
        let mean = |bytes: &[u8]| bytes.iter().map(|byte| f64::from(*byte)).sum::<f64>() / bytes.len() as f64;
        assert!((mean(&large) - mean(&small)).abs() < 1.0, "{} {}", mean(&large), mean(&small));
    }
}
