//! Slanted, as handwriting is.
use super::{Alter, AugmentEntry, range};
use crate::spec::{ComponentInfo, Param};

pub(crate) const RANGE: Param = range(
    "shear",
    "Shear",
    "",
    1.0,
    "Training images are slanted, as handwriting is, by up to this share of their height.",
);

pub(crate) const ENTRY: AugmentEntry = AugmentEntry {
    info: ComponentInfo { id: RANGE.key, label: RANGE.label, help: RANGE.help, params: &[RANGE] },
    alter: Alter::Place(|range, dice, _, warp| warp.slant = dice.within(range)),
};

#[cfg(test)]
mod tests {
    use crate::{data::augment::warp::Warp, shape::ImageShape};

    #[test]
    fn rows_move_by_their_height() {
        let shape = ImageShape { height: 3, width: 3, channels: 1 };
        let mut out = [0.0; 9];
        let image = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
        Warp { slant: 1.0, ..Warp::default() }.apply(&image, shape, &mut out);
        assert_eq!(out, [1.0, 1.0, 2.0, 4.0, 5.0, 6.0, 8.0, 9.0, 9.0]);
    }
}
