//! Turned about the middle.
use super::{Alter, AugmentEntry, range};
use crate::spec::{ComponentInfo, Param};

pub(crate) const RANGE: Param =
    range("rotation", "Rotation", "°", 180.0, "Training images are turned by up to this angle, either way.");

pub(crate) const ENTRY: AugmentEntry = AugmentEntry {
    info: ComponentInfo { id: RANGE.key, label: RANGE.label, help: RANGE.help, params: &[RANGE] },
    alter: Alter::Place(|range, dice, _, warp| warp.angle = dice.within(range)),
};

#[cfg(test)]
mod tests {
    use crate::{data::augment::warp::Warp, shape::ImageShape};

    #[test]
    fn a_quarter_turn_is_one() {
        let shape = ImageShape { height: 3, width: 3, channels: 1 };
        let mut out = [0.0; 9];
        Warp { angle: 90.0, ..Warp::default() }.apply(
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
            shape,
            &mut out,
        );
        let wanted = [3.0, 6.0, 9.0, 2.0, 5.0, 8.0, 1.0, 4.0, 7.0];
        assert!(out.iter().zip(wanted).all(|(out, wanted)| (out - wanted).abs() < 1e-5), "{out:?}");
    }
}
