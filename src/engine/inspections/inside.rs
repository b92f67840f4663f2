//! What happens to one image between the layers, and which images a filter looks for.
use super::{Inspection, PartialFinding, Subject};
use crate::{
    data::Dataset,
    engine::model::Model,
    inside::{FeatureMaps, Filters, Inside, StrongImage, Strongest},
    models::{MapInfo, ReceptiveField},
    ops,
    protocol::Finding,
    sample::Sample,
    shape::ImageShape,
};
use anyhow::{Context as _, Result};
use candle_core::Tensor;
use std::sync::Arc;

/// Images looked at at once.
const PORTION: usize = 64;
/// Training images that are looked at, at most, evenly drawn.
const MOST: usize = 10_000;
/// The strongest that are kept.
const KEPT: usize = 9;

/// The filters of the first convolution, and the feature maps of one image.
///
/// # Errors
/// Where the image has other bytes than its shape says.
pub fn look(model: &Model, image: &Sample) -> Result<Inside> {
    let image = model.batch(&model.fitted(std::slice::from_ref(image))?, &[0])?.inputs;
    let maps = ops::on_pool(|| model.maps(&image))?;
    let layer = |(map, info): (&Tensor, &MapInfo)| -> Result<FeatureMaps> {
        let (_, height, width, _) = map.dims4()?;
        let values = map.permute((0, 3, 1, 2))?.flatten_all()?.to_vec1()?;
        Ok(FeatureMaps { name: info.name.clone(), height, width, values })
    };
    let layers = maps.iter().zip(model.map_infos()).map(layer).collect::<Result<_>>()?;
    let filters = model.map_infos().first().map(|first| filters(model, &first.name)).transpose()?;
    Ok(Inside { filters, layers })
}

fn filters(model: &Model, layer: &str) -> Result<Filters> {
    let wanted = format!("encoder.{layer}.weight");
    let found = model.vars.all().find(|(name, _)| *name == wanted);
    let (_, weight) = found.with_context(|| format!("there is no weight {wanted}"))?;
    let (height, width, channels, _) = weight.dims4()?;
    let values = weight.permute((3, 0, 1, 2))?.flatten_all()?.to_vec1()?;
    Ok(Filters { shape: ImageShape::new(height, width, channels), values })
}

/// Begins to look for the training images that a filter answers to most.
///
/// # Errors
/// Where there is no such filter.
pub fn begin(subject: Subject, layer: usize, filter: usize) -> Result<Box<dyn Inspection>> {
    let Subject { model, dataset, .. } = subject;
    let map = model.map_infos().get(layer).filter(|map| filter < map.filters);
    let field = map.context("The network has no such filter")?.field;
    let every = dataset.train.len().div_ceil(MOST).max(1);
    let images = (0..dataset.train.len()).step_by(every).collect();
    let shape = model.image_shape()?;
    let found = Strongest {
        layer,
        filter,
        looked_at: 0,
        shape,
        images: vec![],
        class_names: model.class_names().to_vec(),
    };
    Ok(Box::new(Searching { model, dataset, images, field, found }))
}

struct Searching {
    model: Arc<Model>,
    dataset: Arc<Dataset>,
    images: Vec<usize>,
    field: ReceptiveField,
    found: Strongest,
}

impl Inspection for Searching {
    fn advance(&mut self) -> Result<PartialFinding> {
        let done = self.found.looked_at;
        let portion = &self.images[done..(done + PORTION).min(self.images.len())];
        let batch = self.model.batch(&self.dataset.train, portion)?;
        let maps = ops::on_pool(|| self.model.maps(&batch.inputs))?;
        let map = maps[self.found.layer].narrow(3, self.found.filter, 1)?.squeeze(3)?;
        for (image, map) in portion.iter().zip(map.to_vec3::<f32>()?) {
            let strong = self.strong(*image, &map)?;
            self.found.images.extend(strong);
        }
        self.found.looked_at += portion.len();
        // ties go to the first image, so that the answer is the same each time
        self.found.images.sort_by(|a, b| b.activation.total_cmp(&a.activation).then(a.image.cmp(&b.image)));
        self.found.images.truncate(KEPT);
        let share_done = self.found.looked_at as f32 / self.images.len().max(1) as f32;
        Ok(PartialFinding { share_done, finding: Some(Finding::Strongest(Arc::new(self.found.clone()))) })
    }
}

impl Searching {
    /// An image, unless it is weaker than all that are kept or the filter does not answer to it at all.
    fn strong(&self, image: usize, map: &[Vec<f32>]) -> Result<Option<StrongImage>> {
        let places = map.iter().enumerate().flat_map(|(row, line)| {
            line.iter().enumerate().map(move |(column, activation)| (*activation, row, column))
        });
        let strongest = places.max_by(|a, b| a.0.total_cmp(&b.0));
        let Some((activation, row, column)) = strongest.filter(|(activation, ..)| *activation > 0.0) else {
            return Ok(None);
        };
        let weakest = self.found.images.get(KEPT - 1).map_or(f32::NEG_INFINITY, |kept| kept.activation);
        if activation <= weakest {
            return Ok(None);
        }
        Ok(Some(StrongImage {
            image: image as u32,
            label: self.dataset.train.labels()[image],
            activation,
            window: self.field.at(row, column),
            pixels: self.dataset.train.image(image)?.into_owned(),
        }))
    }
}
