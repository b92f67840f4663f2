//! A part is hidden (Zhong et al., "Random erasing data augmentation", 2017).
use super::dice::Dice;
use super::{Alter, AugmentEntry, range};
use crate::{
    shape::ImageShape,
    spec::{ComponentInfo, Param},
};

pub(crate) const RANGE: Param = range(
    "erase",
    "Erase",
    "",
    0.8,
    "A rectangle of up to this share of the area is painted over with the mean of the image, so that a network cannot rely on one detail.",
);

pub(crate) const ENTRY: AugmentEntry = AugmentEntry {
    info: ComponentInfo { id: RANGE.key, label: RANGE.label, help: RANGE.help, params: &[RANGE] },
    alter: Alter::Pixels(|range, dice, shape, image| paint(image, shape, draw(range, dice, shape))),
};

/// The largest ratio of a rectangle's longer side to its shorter one.
const LONGEST: f32 = 3.0;

struct Rectangle {
    top: usize,
    left: usize,
    height: usize,
    width: usize,
}

fn draw(range: f32, dice: &mut Dice, shape: ImageShape) -> Rectangle {
    let area = dice.up_to(range) * (shape.height * shape.width) as f32;
    let tall = dice.within(LONGEST.ln()).exp();
    let side = |length: f32, most: usize| (length.round() as usize).clamp(1, most);
    let (height, width) = (side((area * tall).sqrt(), shape.height), side((area / tall).sqrt(), shape.width));
    let (top, left) = (dice.below(shape.height - height + 1), dice.below(shape.width - width + 1));
    Rectangle { top, left, height, width }
}

fn paint(image: &mut [f32], shape: ImageShape, rectangle: Rectangle) {
    let ImageShape { height, width, channels } = shape;
    let mut mean = vec![0.0; channels];
    for pixel in image.chunks_exact(channels) {
        mean.iter_mut().zip(pixel).for_each(|(mean, number)| *mean += number);
    }
    mean.iter_mut().for_each(|mean| *mean /= (height * width) as f32);
    let rows = image.chunks_exact_mut(width * channels).skip(rectangle.top).take(rectangle.height);
    for row in rows {
        let pixels = row.chunks_exact_mut(channels).skip(rectangle.left).take(rectangle.width);
        pixels.for_each(|pixel| pixel.copy_from_slice(&mean));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::rng;

    #[test]
    fn a_rectangle_has_the_colour_of_the_whole() {
        let shape = ImageShape { height: 2, width: 3, channels: 2 };
        // means: 0.5 and 0.25
        let mut image = [1.0, 0.0, 0.0, 0.5, 0.5, 0.25, 0.5, 0.25, 1.0, 0.5, 0.0, 0.0];
        paint(&mut image, shape, Rectangle { top: 0, left: 1, height: 2, width: 1 });
        assert_eq!(image, [1.0, 0.0, 0.5, 0.25, 0.5, 0.25, 0.5, 0.25, 0.5, 0.25, 0.0, 0.0]);
    }

    #[test]
    fn it_fits_into_the_image() {
        let shape = ImageShape { height: 20, width: 10, channels: 1 };
        for index in 0..200 {
            let Rectangle { top, left, height, width } =
                draw(0.5, &mut Dice::new(rng(1, "erase", index)), shape);
            assert!(top + height <= 20 && left + width <= 10 && height * width <= 120, "{height} x {width}");
        }
    }
}
