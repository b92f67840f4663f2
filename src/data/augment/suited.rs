//! Augmentation that is right for a kind of images to begin with: what leaves its class to each of them.
use super::{colour_jitter, crop, elastic, flip, rotation, scale, shear, shift, thickness};
use crate::{
    shape::ImageShape,
    spec::{Param, Values},
};

/// The side of the images that distances are given for, in pixels.
const SIDE: usize = 28;

/// Digits and letters: mirrored they would be others.
pub fn handwriting(shape: ImageShape) -> Values {
    values(&[
        (rotation::RANGE, 10.0),
        (scale::RANGE, 0.1),
        (shear::RANGE, 0.2),
        (shift::RANGE, pixels(1.5, shape)),
        (elastic::RANGE, pixels(1.0, shape)),
        (thickness::RANGE, 0.4),
    ])
}

/// Things that lie straight and alone in the middle of the picture.
pub fn things(shape: ImageShape) -> Values {
    values(&[(scale::RANGE, 0.1), (shift::RANGE, pixels(1.5, shape)), (flip::RANGE, 0.5)])
}

/// The world seen through a camera.
pub fn photographs(_: ImageShape) -> Values {
    values(&[(crop::RANGE, 0.4), (flip::RANGE, 0.5), (colour_jitter::RANGE, 0.2)])
}

/// Images of which nothing is known but their shape: small grey ones are most likely written, the others photographed.
pub fn unknown(shape: ImageShape) -> Values {
    const LARGEST_WRITTEN: usize = 64;
    let is_written = shape.channels == 1 && shape.height.max(shape.width) <= LARGEST_WRITTEN;
    if is_written { handwriting(shape) } else { photographs(shape) }
}

/// A distance in images of [`SIDE`] pixels, in images of this shape; to a tenth of a pixel.
fn pixels(distance: f64, shape: ImageShape) -> f64 {
    (distance * shape.height.min(shape.width) as f64 / SIDE as f64 * 10.0).round() / 10.0
}

fn values(of: &[(Param, f64)]) -> Values {
    of.iter().map(|(param, value)| (param.key.to_owned(), value.min(param.max()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    #[test]
    fn what_is_written_is_never_mirrored_and_photographs_are() {
        let shape = |side, channels| ImageShape { height: side, width: side, channels };
        for id in ["mnist", "kmnist", "emnist_letters"] {
            let values = (data::find(id).unwrap().augmentation)(shape(28, 1));
            assert!(!values.contains_key("flip") && values["rotation"] > 0.0, "{id}");
        }
        for id in ["fashion_mnist", "cifar10", "cifar100"] {
            assert_eq!((data::find(id).unwrap().augmentation)(shape(32, 3))["flip"], 0.5, "{id}");
        }
        let files = data::find("files").unwrap().augmentation;
        assert_eq!(files(shape(16, 1)), handwriting(shape(16, 1)));
        assert_eq!(files(shape(64, 3)), photographs(shape(64, 3)));
        assert_eq!(files(shape(128, 1)), photographs(shape(128, 1)));
    }

    #[test]
    fn distances_grow_with_the_image_and_everything_is_allowed() {
        for side in [8, 16, 28, 512] {
            let shape = ImageShape { height: side, width: side + 1, channels: 1 };
            for entry in data::ALL {
                for (key, value) in (entry.augmentation)(shape) {
                    let params = super::super::info().params;
                    let param = params.iter().find(|param| param.key == key).expect("unknown");
                    assert_eq!(param.check(value), None, "{}: {key}", entry.info.id);
                }
            }
        }
        let shift = |side| handwriting(ImageShape { height: side, width: side, channels: 1 })["shift"];
        assert_eq!([shift(8), shift(28), shift(56)], [0.4, 1.5, 3.0]);
    }
}
