//! Another light: brightness, contrast and saturation, as torchvision defines them.
use super::dice::Dice;
use super::{Alter, AugmentEntry, range};
use crate::{
    shape::ImageShape,
    spec::{ComponentInfo, Param},
};

pub(crate) const RANGE: Param = range(
    "colour_jitter",
    "Colour jitter",
    "",
    1.0,
    "Brightness, contrast and, in colour, saturation of the training images are changed by up to this share, either way.",
);

pub(crate) const ENTRY: AugmentEntry = AugmentEntry {
    info: ComponentInfo { id: RANGE.key, label: RANGE.label, help: RANGE.help, params: &[RANGE] },
    alter: Alter::Pixels(jitter),
};

/// What a colour is worth as a grey (ITU-R BT.601).
pub const GREY: [f32; 3] = [0.299, 0.587, 0.114];

fn jitter(range: f32, dice: &mut Dice, shape: ImageShape, image: &mut [f32]) {
    let [brightness, contrast, saturation] = [0; 3].map(|_| 1.0 + dice.within(range));
    image.iter_mut().for_each(|number| *number = (*number * brightness).min(1.0));
    stretch(image, shape, contrast);
    if shape.channels == 3 {
        saturate(image, saturation);
    }
}

/// Every number's distance from the mean of the greys, `factor` times as far.
fn stretch(image: &mut [f32], shape: ImageShape, factor: f32) {
    let sum: f32 = image.chunks_exact(shape.channels).map(grey).sum();
    let mean = sum / (shape.height * shape.width) as f32;
    image.iter_mut().for_each(|number| *number = away(mean, *number, factor));
}

/// Every colour's distance from the grey that is as bright, `factor` times as far.
fn saturate(image: &mut [f32], factor: f32) {
    for pixel in image.chunks_exact_mut(GREY.len()) {
        let grey = grey(pixel);
        pixel.iter_mut().for_each(|number| *number = away(grey, *number, factor));
    }
}

fn away(from: f32, number: f32, factor: f32) -> f32 {
    (from + (number - from) * factor).clamp(0.0, 1.0)
}

/// A pixel as a grey.
pub fn grey(pixel: &[f32]) -> f32 {
    if pixel.len() != GREY.len() {
        return pixel.iter().sum::<f32>() / pixel.len() as f32;
    }
    pixel.iter().zip(GREY).map(|(number, weight)| number * weight).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_about_the_mean_and_saturation_about_the_grey() {
        let shape = ImageShape { height: 1, width: 2, channels: 1 };
        let mut image = [0.2, 0.6];
        stretch(&mut image, shape, 0.5);
        assert!((image[0] - 0.3).abs() < 1e-6 && (image[1] - 0.5).abs() < 1e-6, "{image:?}");
        stretch(&mut image, shape, 100.0);
        assert_eq!(image, [0.0, 1.0]);
        // the grey of pure red is 0.299
        let mut red = [1.0, 0.0, 0.0];
        saturate(&mut red, 0.5);
        assert!(red.iter().zip([0.6495, 0.1495, 0.1495]).all(|(is, wanted)| (is - wanted).abs() < 1e-6));
        saturate(&mut red, 0.0);
        assert!(red.iter().all(|number| (number - 0.299).abs() < 1e-6), "{red:?}");
    }
}
