//! What an objective shows of its work, as bytes for the faces.
use super::model::Model;
use crate::{
    data::Examples,
    objectives::{self, Looks},
    ops,
    protocol::{Preview, Strip},
    sample::Sample,
    shape::ImageShape,
    spec::LiveParams,
};
use anyhow::Result;
use candle_core::{DType, Tensor};
use std::collections::HashMap;

/// Validation images that are looked at: the first row is shown, the others only counted.
pub const IMAGES: usize = 40;
/// Images of a strip that are shown.
const ROW: usize = 10;
/// Images that are painted from noise.
const SAMPLES: usize = 20;

/// The first images of each class in turn, so that a row shows as many classes as it can.
pub fn choose(labels: &[u16], validation: &[usize]) -> Vec<usize> {
    let mut seen: HashMap<u16, u32> = HashMap::new();
    let mut ranked: Vec<(u32, u16, usize)> = validation
        .iter()
        .map(|index| {
            let label = labels[*index];
            let seen = seen.entry(label).or_default();
            *seen += 1;
            (*seen, label, *index)
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().take(IMAGES).map(|(_, _, index)| index).collect()
}

/// What a model makes of some images, the first of them replaced by drawings, and what it paints by itself.
///
/// # Errors
/// Where the images do not fit the model.
pub fn show(model: &Model, live: &LiveParams, examples: &Examples, drawings: &[Sample]) -> Result<Preview> {
    let mut images = examples.bytes(&(0..examples.len()).collect::<Vec<_>>())?;
    let places = images.chunks_exact_mut(model.shape().len().max(1));
    for (place, drawing) in places.zip(drawings) {
        place.copy_from_slice(&model.fitted(std::slice::from_ref(drawing))?.image(0)?);
    }
    let examples = Examples::images(images, examples.labels().to_vec());
    let (Looks { strips, similarities }, samples) = ops::on_pool(|| -> Result<_> {
        Ok((model.looks(&examples, live)?, model.objective.sample(SAMPLES, 0)?))
    })?;
    let mut shown = strips.iter().map(|strip| to_bytes(strip, ROW)).collect::<Result<Vec<_>>>()?;
    if let Some(images) = samples {
        let help = "Painted from noise alone, always the same noise: watch it turn into digits.";
        shown.push(to_bytes(&objectives::TensorStrip::new("Samples", help, images), SAMPLES)?);
    }
    Ok(Preview { strips: shown, similarities })
}

/// What a model makes of one image.
///
/// # Errors
/// Where the image does not fit the model.
pub fn of_one(model: &Model, live: &LiveParams, image: &Examples) -> Result<Vec<Strip>> {
    let looks = ops::on_pool(|| model.looks(image, live))?;
    looks.strips.iter().map(|strip| to_bytes(strip, ROW)).collect()
}

/// The first images of a strip.
pub fn to_bytes(strip: &objectives::TensorStrip, most: usize) -> Result<Strip> {
    let (images, height, width, channels) = strip.images.dims4()?;
    let shown = images.min(most);
    Ok(Strip {
        name: strip.name,
        help: strip.help,
        shape: ImageShape::new(height, width, channels),
        pixels: bytes(&strip.images.narrow(0, 0, shown)?)?,
        captions: strip.captions.iter().take(shown).cloned().collect(),
    })
}

/// Images of numbers from 0 to 1 as bytes, one after another.
///
/// # Errors
/// candle's own.
pub fn bytes(images: &Tensor) -> Result<Vec<u8>> {
    let scaled = ((images.clamp(0f32, 1f32)? * 255.0)? + 0.5)?.to_dtype(DType::U8)?;
    Ok(scaled.flatten_all()?.to_vec1()?)
}

/// Images as a strip.
pub fn strip_of(name: &'static str, help: &'static str, shape: ImageShape, pixels: Vec<u8>) -> Strip {
    Strip { name, help, shape, pixels, captions: vec![] }
}
