//! Larger or smaller.
use super::{Alter, AugmentEntry, range};
use crate::spec::{ComponentInfo, Param};

pub(crate) const RANGE: Param =
    range("scale", "Scale", "", 0.8, "Training images are made larger or smaller by up to this share.");

pub(crate) const ENTRY: AugmentEntry = AugmentEntry {
    info: ComponentInfo { id: RANGE.key, label: RANGE.label, help: RANGE.help, params: &[RANGE] },
    alter: Alter::Place(|range, dice, _, warp| warp.scale = dice.within(range)),
};

#[cfg(test)]
mod tests {
    use crate::{data::augment::warp::Warp, shape::ImageShape};

    #[test]
    fn twice_as_large_is_twice_as_wide() {
        let shape = ImageShape { height: 1, width: 5, channels: 1 };
        let mut out = [0.0; 5];
        Warp { scale: 1.0, ..Warp::default() }.apply(&[1.0, 2.0, 4.0, 8.0, 9.0], shape, &mut out);
        assert_eq!(out, [2.0, 3.0, 4.0, 6.0, 8.0]);
    }
}
