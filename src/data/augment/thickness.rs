//! Strokes thicker or thinner.
use super::{Alter, AugmentEntry, range};
use crate::{
    shape::ImageShape,
    spec::{ComponentInfo, Param},
};

pub(crate) const RANGE: Param = range(
    "thickness",
    "Thickness",
    "",
    1.0,
    "Strokes are made thicker or thinner; 1 is up to a pixel on either side.",
);

pub(crate) const ENTRY: AugmentEntry = AugmentEntry {
    info: ComponentInfo { id: RANGE.key, label: RANGE.label, help: RANGE.help, params: &[RANGE] },
    alter: Alter::Pixels(|range, dice, shape, image| thicken(image, shape, dice.within(range))),
};

/// Each pixel on its way, by the size of `share`, to the largest of itself and its four neighbours, or, where that is
/// negative, to the smallest.
fn thicken(image: &mut [f32], shape: ImageShape, share: f32) {
    let ImageShape { height, width, channels } = shape;
    let pick = if share > 0.0 { f32::max } else { f32::min };
    let before = image.to_vec();
    let row = |y: usize| &before[y * width * channels..][..width * channels];
    for (y, out) in image.chunks_exact_mut(width * channels).enumerate() {
        let (above, own, below) = (row(y.saturating_sub(1)), row(y), row((y + 1).min(height - 1)));
        for (at, out) in out.iter_mut().enumerate() {
            let left = if at < channels { at } else { at - channels };
            let right = if at + channels < own.len() { at + channels } else { at };
            let most = pick(own[at], pick(pick(own[left], own[right]), pick(above[at], below[at])));
            *out = own[at] + (most - own[at]) * share.abs();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strokes_grow_to_all_sides() {
        let shape = ImageShape { height: 3, width: 3, channels: 1 };
        let mut image = [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        thicken(&mut image, shape, 0.5);
        assert_eq!(image, [0.0, 0.5, 0.0, 0.5, 1.0, 0.5, 0.0, 0.5, 0.0]);
        thicken(&mut image, shape, -1.0);
        assert_eq!(image, [0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0]);
    }
}
