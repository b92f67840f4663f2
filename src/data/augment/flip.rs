//! Left and right change places.
use super::{Alter, AugmentEntry, range};
use crate::spec::{ComponentInfo, Param};

pub(crate) const RANGE: Param = range(
    "flip",
    "Flip",
    "",
    1.0,
    "This share of the training images is mirrored, left to right. For photographs; digits and letters become others by it.",
);

pub(crate) const ENTRY: AugmentEntry = AugmentEntry {
    info: ComponentInfo { id: RANGE.key, label: RANGE.label, help: RANGE.help, params: &[RANGE] },
    alter: Alter::Place(|range, dice, _, warp| warp.is_mirrored = dice.up_to(1.0) < range),
};

#[cfg(test)]
mod tests {
    use crate::{data::augment::warp::Warp, shape::ImageShape};

    #[test]
    fn left_is_right() {
        let shape = ImageShape { height: 2, width: 3, channels: 1 };
        let mut out = [0.0; 6];
        let warp = Warp { is_mirrored: true, ..Warp::default() };
        warp.apply(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], shape, &mut out);
        assert_eq!(out, [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]);
    }
}
