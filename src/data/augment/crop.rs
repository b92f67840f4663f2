//! A part of the image becomes the whole, as photographs are framed (He et al. 2015, section 3.4).
use super::{Alter, AugmentEntry, range};
use super::{dice::Dice, warp::Crop};
use crate::{
    shape::ImageShape,
    spec::{ComponentInfo, Param},
};

pub(crate) const RANGE: Param = range(
    "crop",
    "Crop",
    "",
    0.9,
    "Up to this share of the area of a training image is cropped at a random place and the rest enlarged, as if the camera had been nearer.",
);

pub(crate) const ENTRY: AugmentEntry = AugmentEntry {
    info: ComponentInfo { id: RANGE.key, label: RANGE.label, help: RANGE.help, params: &[RANGE] },
    alter: Alter::Place(|range, dice, shape, warp| warp.crop = draw(range, dice, shape)),
};

fn draw(range: f32, dice: &mut Dice, shape: ImageShape) -> Crop {
    let side = (1.0 - dice.up_to(range)).sqrt();
    let mut place = |length: usize| dice.within(1.0) * (1.0 - side) * (length - 1) as f32 / 2.0;
    Crop { side, centre: [place(shape.width), place(shape.height)] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::augment::warp::Warp, rng::rng};

    #[test]
    fn a_part_becomes_the_whole() {
        let shape = ImageShape { height: 1, width: 5, channels: 1 };
        let image = [0.0, 10.0, 20.0, 30.0, 40.0];
        let crop = |side, x| {
            let mut out = [0.0; 5];
            let crop = Crop { side, centre: [x, 0.0] };
            Warp { crop, ..Warp::default() }.apply(&image, shape, &mut out);
            out
        };
        assert_eq!(crop(0.5, 1.0), [20.0, 25.0, 30.0, 35.0, 40.0]);
        assert_eq!(crop(0.5, -1.0), [0.0, 5.0, 10.0, 15.0, 20.0]);
    }

    #[test]
    fn it_stays_within_the_image() {
        let shape = ImageShape { height: 9, width: 5, channels: 1 };
        for index in 0..200 {
            let Crop { side, centre } = draw(0.75, &mut Dice::new(rng(1, "crop", index)), shape);
            assert!((0.5..=1.0).contains(&side));
            assert!(centre[0].abs() + side * 2.0 <= 2.0 + 1e-5 && centre[1].abs() + side * 4.0 <= 4.0 + 1e-5);
        }
    }
}
