//! Images brought to one size, and to grey or colour.
use super::{Dataset, Examples, files::too_many, memory, pixels::Stream, watch::Watch};
use crate::{
    shape::ImageShape,
    spec::{Choice, Param, ParamKind},
};
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
    /// Its images at a shape: in memory, or made when they are asked for where that is too many.
    ///
    /// # Errors
    /// Where an image is on disk and cannot be read, or memory is short.
    pub(super) fn fitted(mut self, shape: ImageShape, watch: &Watch) -> Result<Self> {
        let own = self.info.shape.image()?;
        if own == shape {
            return Ok(self);
        }
        let images = self.train.len() + self.test.len();
        let bytes = images as u64 * shape.len() as u64;
        if bytes > memory::MOST {
            self.notes.remarks.push(too_many(images, bytes));
            let bound = memory::MOST.min(memory::room()) as usize;
            let bounds = [self.train.len(), self.test.len()].map(|part| bound / images.max(1) * part);
            self.train = self.train.fitted_later(own, shape, bounds[0]);
            self.test = self.test.fitted_later(own, shape, bounds[1]);
        } else {
            memory::ensure_room(&format!("{images} images of {0} by {0} pixels", shape.width), bytes)?;
            watch.expect("Preparing images", images);
            self.train = self.train.fitted_now(own, shape, watch)?;
            self.test = self.test.fitted_now(own, shape, watch)?;
        }
        self.info.shape = shape.into();
        Ok(self)
    }
}

impl Examples {
    pub(super) fn fitted_now(self, own: ImageShape, shape: ImageShape, watch: &Watch) -> Result<Self> {
        let mut pixels = vec![0; self.len() * shape.len()];
        let one = |(index, out): (usize, &mut [u8])| -> Result<()> {
            out.copy_from_slice(&self.fitted_image(index, own, shape)?);
            Ok(watch.did(1)?)
        };
        pixels.par_chunks_exact_mut(shape.len()).enumerate().try_for_each(one)?;
        Ok(Self { targets: self.targets, as_read: self.as_read, ..Self::unlabelled(pixels, shape.len()) })
    }

    fn fitted_later(self, own: ImageShape, shape: ImageShape, bound: usize) -> Self {
        let (labels, as_read) = (self.labels().to_vec(), self.as_read.clone());
        let read = move |index: usize| self.fitted_image(index, own, shape);
        Self { as_read, ..Self::streamed(Stream::new(labels.len(), bound, read), labels, shape.len()) }
    }

    fn fitted_image(&self, index: usize, own: ImageShape, shape: ImageShape) -> Result<Vec<u8>> {
        Ok(fitted(own.image(&self.image(index)?).context("An image is cut short")?, shape))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    #[test]
    fn too_many_pixels_are_made_when_they_are_asked_for() {
        let values = [("image_size".into(), 512.0)].into();
        let choice = Choice { values, ..Choice::new("mnist") };
        let load = |choice: &Choice, watch: &Watch| data::load(choice, std::path::Path::new(""), watch);
        let set = load(&choice, &Watch::default()).unwrap();
        assert_eq!((set.train.len(), set.train.image(7).unwrap().len()), (60_000, 512 * 512));
        assert!(
            set.notes.remarks.concat().contains("70000 images would take 17.1 GiB of memory"),
            "{:?}",
            set.notes
        );
        let watch = Watch::default();
        watch.stop();
        let smaller = Choice { values: [("image_size".into(), 29.0)].into(), ..choice };
        assert!(load(&smaller, &watch).unwrap_err().is::<crate::data::watch::Stopped>());
    }

    #[test]
    fn any_data_set_is_brought_to_another_shape() {
        let values = [("image_size".into(), 32.0), ("channels".into(), 3.0)].into();
        let choice = Choice { values, ..Choice::new("mnist") };
        let shape = ImageShape { height: 32, width: 32, channels: 3 };
        assert_eq!(data::peek(&choice, &Watch::default()).unwrap().shape, shape.into());
        let load = |choice: &Choice| data::load(choice, std::path::Path::new(""), &Watch::default()).unwrap();
        let (set, plain) = (load(&choice), load(&Choice::new("mnist")));
        assert_eq!((set.info.shape, set.train.len()), (shape.into(), 60_000));
        assert_eq!(set.train.labels(), plain.train.labels());
        let (large, small) = (set.train.image(0).unwrap(), plain.train.image(0).unwrap());
        assert!(large.chunks(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]));
        // the same amount of ink, spread over more pixels
        let mean = |bytes: &[u8]| bytes.iter().map(|byte| f64::from(*byte)).sum::<f64>() / bytes.len() as f64;
        assert!((mean(&large) - mean(&small)).abs() < 1.0, "{} {}", mean(&large), mean(&small));
    }
}
