//! Grad-CAM: the last feature map, its channels weighed by the mean of their gradients; what is left above 0 speaks for
//! the class (Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization", 2017).
use super::{Explained, ExplanationEntry};
use crate::{shape::ImageShape, spec::ComponentInfo};
use anyhow::{Context as _, Result};
use candle_core::Tensor;
use image::{
    ImageBuffer, Luma,
    imageops::{FilterType, resize},
};

pub const ENTRY: ExplanationEntry = ExplanationEntry {
    info: ComponentInfo {
        id: "grad_cam",
        label: "Grad-CAM",
        help: "Where the last convolution finds the strokes and corners that the class is recognised by. It shows regions rather than pixels, and only what speaks for the class.",
        params: &[],
    },
    explain,
    is_expected: true,
};

fn explain(explained: &Explained) -> Result<Option<Vec<f32>>> {
    let shape = explained.model.image_shape()?;
    heat(explained)?.map(|heat| stretch(&heat, shape)).transpose()
}

/// (map height, map width): what the places of the last feature map say for the class.
pub(super) fn heat(explained: &Explained) -> Result<Option<Tensor>> {
    let model = &explained.model;
    let Some(map) = model.last_map(&explained.image)? else { return Ok(None) };
    let gradients = explained.gradients_by(&map, |map| model.logits_of_map(map))?;
    let weights = gradients.mean_keepdim((1, 2))?;
    Ok(Some(map.broadcast_mul(&weights)?.sum(3)?.relu()?.squeeze(0)?))
}

/// A heat map as large as the image.
pub(super) fn stretch(heat: &Tensor, image: ImageShape) -> Result<Vec<f32>> {
    let (height, width) = heat.dims2()?;
    let mut numbers = heat.flatten_all()?.to_vec1::<f32>()?;
    // resizing keeps numbers between 0 and 1
    let hottest = numbers.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    numbers.iter_mut().for_each(|number| *number /= hottest);
    let map = ImageBuffer::<Luma<f32>, _>::from_raw(width as u32, height as u32, numbers);
    let map = map.context("a feature map has another shape than it says")?;
    let stretched = resize(&map, image.width as u32, image.height as u32, FilterType::Triangle);
    Ok(stretched.into_raw().into_iter().map(|number| number * hottest).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn a_heat_map_is_stretched_between_its_places() -> Result<()> {
        let heat = Tensor::new(&[[0f32, 4.0]], &Device::Cpu)?;
        let stretched = stretch(&heat, ImageShape { height: 1, width: 4, channels: 1 })?;
        assert_eq!(stretched, [0.0, 1.0, 3.0, 4.0]);
        Ok(())
    }
}
