//! The noise of a sensor.
use super::dice::Dice;
use super::{Alter, AugmentEntry, range};
use crate::spec::{ComponentInfo, Param};

pub(crate) const RANGE: Param = range(
    "gaussian_noise",
    "Gaussian noise",
    "",
    0.5,
    "Normally distributed noise is added to each pixel; its standard deviation is up to this share of the way from black to white.",
);

pub(crate) const ENTRY: AugmentEntry = AugmentEntry {
    info: ComponentInfo { id: RANGE.key, label: RANGE.label, help: RANGE.help, params: &[RANGE] },
    alter: Alter::Pixels(|range, dice, _, image| add(image, dice.up_to(range), dice)),
};

fn add(image: &mut [f32], deviation: f32, dice: &mut Dice) {
    for pair in image.chunks_mut(2) {
        for (number, normal) in pair.iter_mut().zip(dice.normal_pair()) {
            *number = (*number + deviation * normal).clamp(0.0, 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::rng;

    #[test]
    fn it_has_the_deviation_that_was_asked_for() {
        let mut image = vec![0.5; 100_001];
        add(&mut image, 0.1, &mut Dice::new(rng(1, "noise", 2)));
        let moment = |power: i32| {
            let sum: f64 = image.iter().map(|number| f64::from((number - 0.5) / 0.1).powi(power)).sum();
            sum / image.len() as f64
        };
        assert!(moment(1).abs() < 0.02 && (moment(2) - 1.0).abs() < 0.02 && (moment(4) - 3.0).abs() < 0.15);
    }
}
