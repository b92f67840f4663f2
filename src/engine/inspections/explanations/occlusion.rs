//! Occlusion: a patch is laid over each place in turn, and what the class loses by it is shared out among the pixels beneath
//! (Zeiler and Fergus, "Visualizing and understanding convolutional networks", 2014, section 4.2).
use super::{Explained, ExplanationEntry};
use crate::{shape::ImageShape, spec::ComponentInfo};
use anyhow::Result;
use candle_core::Tensor;

pub const ENTRY: ExplanationEntry = ExplanationEntry {
    info: ComponentInfo {
        id: "occlusion",
        label: "Occlusion",
        help: "A small patch is laid over each place of the image in turn: how much does the network's belief in the class drop? It takes many looks, but needs no gradients, so that it also works where they mislead.",
        params: &[],
    },
    explain,
    is_expected: true,
};

/// Patches to a side, about; each pixel lies beneath three patches in each direction.
const ACROSS: usize = 14;
const OVERLAP: usize = 3;
/// Images looked at at once.
const PORTION: usize = 64;

fn explain(explained: &Explained) -> Result<Option<Vec<f32>>> {
    let shape = explained.model.image_shape()?;
    let image = explained.image.flatten_all()?.to_vec1::<f32>()?;
    let cover = cover(&image, shape);
    let mut values = vec![0.0; shape.height * shape.width];
    let whole = explained.outputs(&explained.image)?[0];
    // what hides nothing changes nothing
    let patches: Vec<(Vec<usize>, Vec<f32>)> = patches(shape)
        .into_iter()
        .map(|patch| (hide(&image, &cover, &patch), patch))
        .filter(|(hidden, _)| *hidden != image)
        .map(|(hidden, patch)| (patch, hidden))
        .collect();
    for portion in patches.chunks(PORTION) {
        let images: Vec<f32> = portion.iter().flat_map(|(_, hidden)| hidden).copied().collect();
        let shape = (portion.len(), shape.height, shape.width, shape.channels);
        let images = Tensor::from_vec(images, shape, explained.image.device())?;
        for ((patch, _), output) in portion.iter().zip(explained.outputs(&images)?) {
            // every pixel lies beneath as many patches as any other
            let share = (whole - output) / (OVERLAP * OVERLAP) as f32;
            patch.iter().for_each(|pixel| values[*pixel] += share);
        }
    }
    Ok(Some(values))
}

/// What a patch shows, one number a channel: paper where there is one channel, else the mean of the image.
pub(super) fn cover(image: &[f32], shape: ImageShape) -> Vec<f32> {
    let pixels = (shape.height * shape.width) as f32;
    let mean = |channel| image.iter().skip(channel).step_by(shape.channels).sum::<f32>() / pixels;
    if shape.channels == 1 { vec![0.0] } else { (0..shape.channels).map(mean).collect() }
}

/// The pixels beneath each patch; some reach beyond the edges.
fn patches(shape: ImageShape) -> Vec<Vec<usize>> {
    let stride = (shape.height.max(shape.width) / ACROSS).max(1);
    let starts = |length: usize| (0..length.div_ceil(stride) + OVERLAP - 1).map(move |at| at * stride);
    let span = |start: usize, length: usize| {
        let begin = (start + stride).saturating_sub(OVERLAP * stride);
        begin..(start + stride).min(length)
    };
    let patch = |top: usize, left: usize| {
        let rows = span(top, shape.height);
        rows.flat_map(|row| span(left, shape.width).map(move |column| row * shape.width + column)).collect()
    };
    starts(shape.height)
        .flat_map(|top| starts(shape.width).map(move |left| (top, left)))
        .map(|(top, left)| patch(top, left))
        .collect()
}

/// The image with a patch over it.
pub(super) fn hide(image: &[f32], cover: &[f32], patch: &[usize]) -> Vec<f32> {
    let mut hidden = image.to_vec();
    for pixel in patch {
        hidden[pixel * cover.len()..][..cover.len()].copy_from_slice(cover);
    }
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_lies_beneath_as_many_patches() {
        for (height, width) in [(28, 28), (64, 50), (5, 9), (31, 100)] {
            let mut beneath = vec![0; height * width];
            let patches = patches(ImageShape { height, width, channels: 1 });
            patches.iter().flatten().for_each(|pixel| beneath[*pixel] += 1);
            assert!(
                beneath.iter().all(|count| *count == OVERLAP * OVERLAP),
                "{height} × {width}: {beneath:?}"
            );
            assert!(patches.len() < 600, "{}", patches.len());
        }
    }
}
