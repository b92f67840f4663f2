//! Images that a run's network generates from noise.
use super::resumption::newest_model;
use crate::{data::watch::Watch, ops, rng, runs::RunFolder, shape::ImageShape, spec::Catalog};
use anyhow::{Context as _, Result};

/// Images generated in one batch.
const BLOCK: usize = 100;

/// One image after another, (height, width, channels) bytes each.
pub struct Samples {
    /// The step whose weights generated them.
    pub step: u64,
    /// Of one image.
    pub shape: ImageShape,
    /// (images, height, width, channels), 0 to 255.
    pub pixels: Vec<u8>,
    /// What was wrong with newer checkpoints.
    pub passed_over: Option<String>,
}

/// Generates `count` images with the newest weights of a run, from latents drawn by the seed. `show` is told how many are
/// done.
///
/// # Errors
/// Where the run cannot be read, or its objective generates no images from noise.
pub fn paint(
    folder: &RunFolder,
    catalog: &Catalog,
    count: usize,
    seed: u64,
    mut show: impl FnMut(usize),
) -> Result<Samples> {
    let shape = folder.dataset_info(&folder.spec(catalog)?, &Watch::default())?.shape.image()?;
    let newest = newest_model(folder, catalog, &Watch::default())?;
    let mut pixels = Vec::with_capacity(count.min(BLOCK) * shape.len());
    for done in (0..count).step_by(BLOCK) {
        let images = ops::on_pool(|| {
            newest.loaded.objective.sample(BLOCK.min(count - done), rng::key(seed, "samples", done as u64))
        })?;
        let images = images.context(
            "The run generates no images from noise: choose one whose objective is variational or adversarial",
        )?;
        pixels.extend(super::preview::bytes(&images)?);
        show(pixels.len() / shape.len());
    }
    Ok(Samples { step: newest.state.step, shape, pixels, passed_over: newest.passed_over })
}
