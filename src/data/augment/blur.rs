//! Out of focus: a Gaussian blur.
use super::{Alter, AugmentEntry, range};
use crate::{
    shape::ImageShape,
    spec::{ComponentInfo, Param},
};

pub(crate) const RANGE: Param = range(
    "blur",
    "Blur",
    "px",
    8.0,
    "Training images are blurred by a Gaussian whose standard deviation is up to this many pixels, as if out of focus.",
);

pub(crate) const ENTRY: AugmentEntry = AugmentEntry {
    info: ComponentInfo { id: RANGE.key, label: RANGE.label, help: RANGE.help, params: &[RANGE] },
    alter: Alter::Pixels(|range, dice, shape, image| blur(image, shape, dice.up_to(range))),
};

/// Standard deviations beyond which weights are left out.
const REACH: f32 = 3.0;

fn blur(image: &mut [f32], shape: ImageShape, deviation: f32) {
    let weights = weights(deviation);
    let ImageShape { height, width, channels } = shape;
    let rows = image.to_vec();
    spread(&rows, image, &weights, width, channels);
    // a whole row is what one pixel is to a line
    let columns = image.to_vec();
    spread(&columns, image, &weights, height, width * channels);
}

/// Of a pixel and those on one side, so that those on both sides add up to 1.
fn weights(deviation: f32) -> Vec<f32> {
    let reach = (REACH * deviation).ceil() as usize;
    let deviation = deviation.max(1e-3);
    let bell = |at: usize| (-0.5 * (at as f32 / deviation).powi(2)).exp();
    let weights: Vec<f32> = (0..=reach).map(bell).collect();
    let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// Blurs lines of `length` times `numbers` numbers along their length; beyond the ends it goes on as the ends are.
fn spread(image: &[f32], out: &mut [f32], weights: &[f32], length: usize, numbers: usize) {
    let line = length * numbers;
    for (image, out) in image.chunks_exact(line).zip(out.chunks_exact_mut(line)) {
        for (at, out) in out.chunks_exact_mut(numbers).enumerate() {
            let part = |at: usize| &image[at.min(length - 1) * numbers..][..numbers];
            out.iter_mut().zip(part(at)).for_each(|(out, own)| *out = own * weights[0]);
            for (away, weight) in weights.iter().enumerate().skip(1) {
                let (before, after) = (part(at.saturating_sub(away)), part(at + away));
                for ((out, before), after) in out.iter_mut().zip(before).zip(after) {
                    *out += (before + after) * weight;
                }
            }
            out.iter_mut().for_each(|out| *out = out.min(1.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_becomes_a_bell() {
        // exp(−k²/2) for k = 0 to 3, over their sum on both sides
        let bell = weights(1.0);
        let sum = 1.0 + 2.0 * (0.606_531 + 0.135_335 + 0.011_109);
        let wanted = [1.0, 0.606_531, 0.135_335, 0.011_109].map(|weight: f32| weight / sum);
        assert!(
            bell.len() == 4 && bell.iter().zip(wanted).all(|(bell, wanted)| (bell - wanted).abs() < 1e-6)
        );
        let shape = ImageShape { height: 9, width: 9, channels: 1 };
        let mut image = vec![0.0; 81];
        image[4 * 9 + 4] = 1.0;
        blur(&mut image, shape, 1.0);
        for (y, x) in [(4, 4), (4, 5), (3, 4), (2, 6), (0, 4)] {
            let wanted = |at: usize| bell.get(at.abs_diff(4)).copied().unwrap_or_default();
            assert!((image[y * 9 + x] - wanted(y) * wanted(x)).abs() < 1e-6, "{y} {x}");
        }
        assert!((image.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn an_even_image_stays_and_channels_are_apart() {
        let mut image: Vec<f32> = (0..5 * 4).flat_map(|_| [0.2, 0.5, 1.0]).collect();
        let before = image.clone();
        blur(&mut image, ImageShape { height: 5, width: 4, channels: 3 }, 8.0);
        assert!(image.iter().zip(before).all(|(after, before)| (after - before).abs() < 1e-5));
    }
}
