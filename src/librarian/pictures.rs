//! Images of a data set, small and many or large and one.
use crate::{
    data::{Dataset, Draw, augment::Augmentation, edits, thumbnails},
    protocol::{
        data::ExampleId,
        visual::{Altered, Enlarged, Thumbnails},
    },
    rng::rng,
    sample::Image,
    spec::Values,
};
use anyhow::{Context as _, Result, ensure};
use rand::RngExt as _;
use std::{borrow::Cow, sync::Arc};

/// The longest side of a small picture, in pixels.
pub const SIDE: usize = 64;
/// Test images with longer sides are made smaller, in pixels.
const LARGEST: usize = 512;
/// Epochs in which an augmented image is shown.
const LOOKS: u64 = 9;

/// Pictures of some images, at most `side` pixels wide and high.
///
/// # Errors
/// Where an image is not there, or not any more.
pub fn sheet(dataset: &Dataset, request: u64, images: &[ExampleId], side: usize) -> Result<Thumbnails> {
    let shape = dataset.info.shape.image()?;
    let small = thumbnails::small_shape(shape, side);
    let mut pixels = Vec::with_capacity(images.len() * small.len());
    for image in images {
        pixels.extend(thumbnails::small(&one(dataset, *image)?.0, shape, side));
    }
    Ok(Thumbnails { request, shape: small, pixels: Arc::new(pixels) })
}

/// A test image and the name of its class. Each turn gives another.
///
/// # Errors
/// Where the data set has no test images.
pub fn test_image(dataset: &Dataset, turn: u64) -> Result<(Image, String)> {
    ensure!(!dataset.test.is_empty(), "This data set has no test images");
    let index = rng(0, "test image", turn).random_range(0..dataset.test.len()) as u32;
    let (pixels, label) = one(dataset, ExampleId { is_test: true, index })?;
    let shape = dataset.info.shape.image()?;
    let pixels = thumbnails::small(&pixels, shape, LARGEST);
    let image = Image { shape: thumbnails::small_shape(shape, LARGEST), pixels };
    Ok((image, dataset.info.class_names[usize::from(label)].clone()))
}

/// One image in full size, and the name that corrections use for it.
///
/// # Errors
/// Where it is not there, or not any more.
pub fn enlarge(dataset: &Dataset, request: u64, image: ExampleId) -> Result<Enlarged> {
    let (pixels, label) = one(dataset, image)?;
    let key = edits::key(&pixels, &dataset.info.class_names[usize::from(label)], image.is_test);
    let pixels = Arc::new(pixels.into_owned());
    Ok(Enlarged { request, image, shape: dataset.info.shape.image()?, pixels, key })
}

/// A training image, unchanged and as augmented in the first epochs of a run with that seed. Each turn shows another
/// image.
///
/// # Errors
/// Where it is not there any more.
pub fn alter(
    dataset: &Dataset,
    request: u64,
    turn: u64,
    seed: u64,
    augmentation: &Values,
) -> Result<Altered> {
    let (train, shape) = (&dataset.train, dataset.info.shape.image()?);
    let image = rng(0, "altered image", turn).random_range(0..train.len());
    let draws: Vec<_> = (0..LOOKS).map(|epoch| Draw { example: image, epoch }).collect();
    let looks = train.gather_views(&draws, shape, &Augmentation::new(augmentation), seed, 1)?.inputs;
    let mut pixels = train.image(image)?.into_owned();
    pixels.extend(looks.floats()?.into_iter().map(|number| (number * 255.0).round() as u8));
    Ok(Altered { request, shape, pixels: Arc::new(pixels) })
}

/// An image and its label.
fn one(dataset: &Dataset, image: ExampleId) -> Result<(Cow<'_, [u8]>, u16)> {
    let part = if image.is_test { &dataset.test } else { &dataset.train };
    let index = image.index as usize;
    let label = *part.labels().get(index).context("The data set has no such image any more")?;
    Ok((part.image(index)?, label))
}
