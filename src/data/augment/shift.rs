//! Moved along both axes.
use super::{Alter, AugmentEntry, range};
use crate::spec::{ComponentInfo, Param};

pub(crate) const RANGE: Param =
    range("shift", "Shift", "px", 32.0, "Training images are moved by up to this many pixels, either way.");

pub(crate) const ENTRY: AugmentEntry = AugmentEntry {
    info: ComponentInfo { id: RANGE.key, label: RANGE.label, help: RANGE.help, params: &[RANGE] },
    alter: Alter::Place(|range, dice, _, warp| warp.shift = [dice.within(range), dice.within(range)]),
};

#[cfg(test)]
mod tests {
    use crate::{data::augment::warp::Warp, shape::ImageShape};

    #[test]
    fn a_whole_pixel_to_the_right_is_one() {
        let shape = ImageShape { height: 2, width: 3, channels: 1 };
        let mut out = [0.0; 6];
        let warp = Warp { shift: [-1.0, 0.0], ..Warp::default() };
        warp.apply(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], shape, &mut out);
        assert_eq!(out, [1.0, 1.0, 2.0, 4.0, 4.0, 5.0]);
    }
}
