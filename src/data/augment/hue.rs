//! Other colours of the same brightness: the hue turns.
use super::colour_jitter::{GREY, grey};
use super::{Alter, AugmentEntry, range};
use crate::spec::{ComponentInfo, Param};

pub(crate) const RANGE: Param = range(
    "hue",
    "Hue",
    "°",
    180.0,
    "The hues of coloured training images are rotated by up to this many degrees of the colour wheel, either way. Brightness and greys stay the same.",
);

pub(crate) const ENTRY: AugmentEntry = AugmentEntry {
    info: ComponentInfo { id: RANGE.key, label: RANGE.label, help: RANGE.help, params: &[RANGE] },
    alter: Alter::Pixels(|range, dice, shape, image| {
        let degrees = dice.within(range);
        if shape.channels == GREY.len() {
            turn(image, degrees);
        }
    }),
};

/// What a colour's distance from its grey becomes after a quarter turn in the plane of I and Q, NTSC's axes of colour: red,
/// green and blue, each out of all three. It has no brightness, and none of a grey is anything.
const QUARTER: [[f32; 3]; 3] = [
    [0.167_739_74, 0.329_309_27, -0.497_049],
    [-0.328_113_27, 0.035_467_2, 0.292_646_07],
    [1.249_546_6, -1.046_339_6, -0.203_206_94],
];

fn turn(image: &mut [f32], degrees: f32) {
    let (sin, cos) = degrees.to_radians().sin_cos();
    for pixel in image.chunks_exact_mut(GREY.len()) {
        let grey = grey(pixel);
        let quarter =
            QUARTER.map(|row| row.iter().zip(&*pixel).map(|(weight, number)| weight * number).sum::<f32>());
        for (number, quarter) in pixel.iter_mut().zip(quarter) {
            *number = (grey + (*number - grey) * cos + quarter * sin).clamp(0.0, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Augmentation, ViewKey};
    use super::*;
    use crate::shape::ImageShape;

    fn turned(pixel: [f32; 3], degrees: f32) -> [f32; 3] {
        let mut image = pixel;
        turn(&mut image, degrees);
        image
    }

    fn is_near(pixel: [f32; 3], wanted: [f32; 3]) -> bool {
        pixel.iter().zip(wanted).all(|(is, wanted)| (is - wanted).abs() < 1e-5)
    }

    #[test]
    fn hues_turn_and_brightness_stays() {
        // by NTSC's matrices, in double precision
        let brown = [0.6, 0.5, 0.4];
        assert!(is_near(turned(brown, 60.0), [0.616_822, 0.455_491, 0.585_062]));
        assert!(is_near(turned(brown, -120.0), [0.420_178, 0.581_509, 0.451_938]));
        assert!(is_near(turned(brown, 180.0), [0.437, 0.537, 0.637]));
        assert!(is_near(turned(brown, 360.0), brown));
        assert!((grey(&turned(brown, 77.0)) - grey(&brown)).abs() < 1e-6);
        assert!(is_near(turned([0.3; 3], 99.0), [0.3; 3]));
    }

    #[test]
    fn grey_images_are_left_alone() {
        let image: Vec<f32> = (0..9).map(|number| number as f32 / 9.0).collect();
        let mut out = vec![0.0; 9];
        let look = ViewKey { seed: 1, image: 2, epoch: 3, view: "first" };
        let hue = Augmentation::new(&[("hue".to_owned(), 180.0)].into());
        hue.apply(&image, ImageShape { height: 3, width: 3, channels: 1 }, look, &mut out);
        assert_eq!(out, image);
    }
}
