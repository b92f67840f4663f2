//! Pulled about like rubber, by a few points spread over the image.
use super::{Alter, AugmentEntry, range};
use crate::spec::{ComponentInfo, Param};

pub(crate) const RANGE: Param = range(
    "elastic",
    "Elastic",
    "px",
    16.0,
    "Training images are deformed smoothly, like rubber, by up to this many pixels.",
);

pub(crate) const ENTRY: AugmentEntry = AugmentEntry {
    info: ComponentInfo { id: RANGE.key, label: RANGE.label, help: RANGE.help, params: &[RANGE] },
    alter: Alter::Place(|range, dice, _, warp| {
        warp.pulls
            .as_flattened_mut()
            .iter_mut()
            .for_each(|pull| *pull = [dice.within(range), dice.within(range)]);
    }),
};

#[cfg(test)]
mod tests {
    use crate::{
        data::augment::warp::{PULLS, Warp},
        shape::ImageShape,
    };

    #[test]
    fn a_pull_fades_towards_the_next_point() {
        // seven pixels have two from each of four points to the next
        let shape = ImageShape { height: 1, width: 7, channels: 1 };
        let mut pulls = [[[0.0; 2]; PULLS]; PULLS];
        pulls[0][0] = [1.0, 0.0];
        let mut out = [0.0; 7];
        let image = [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0];
        Warp { pulls, ..Warp::default() }.apply(&image, shape, &mut out);
        assert_eq!(out, [10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0]);
    }
}
