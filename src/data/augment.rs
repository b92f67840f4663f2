//! Augmentation: random changes that keep an image's class. A function of (seed, image, epoch, view)
//! alone.
use crate::{
    registry,
    rng::{key, rng},
    sample::Modality,
    shape::ImageShape,
    spec::{ComponentInfo, Param, ParamKind, Values},
};
use dice::Dice;
use std::sync::LazyLock;
use warp::Warp;

mod dice;
pub mod suited;
mod warp;

registry!(
    "augmentation",
    AugmentEntry: rotation, scale, shear, shift, elastic, crop, flip, thickness, blur, colour_jitter, hue, gaussian_noise, erase,
);

/// A way to alter images. Its hyperparameter has its name and says how far it goes; at 0 nothing is altered.
pub struct AugmentEntry {
    /// Its name, help and single hyperparameter.
    pub info: ComponentInfo,
    alter: Alter,
}

impl AugmentEntry {
    /// The kinds of data that it can alter.
    pub fn serves(&self) -> &'static [Modality] {
        match self.alter {
            Alter::Place(_) | Alter::Pixels(_) => &[Modality::Images],
        }
    }
}

/// What is done with a hyperparameter above 0.
#[derive(Clone, Copy)]
enum Alter {
    /// Says where in the image each pixel comes from. All of these are one step, done first.
    Place(fn(f32, &mut Dice, ImageShape, &mut Warp)),
    /// Changes numbers from 0 to 1, (height, width, channels), one alteration after the other.
    Pixels(fn(f32, &mut Dice, ImageShape, &mut [f32])),
}

static PARAMS: LazyLock<Vec<Param>> =
    LazyLock::new(|| ALL.iter().flat_map(|entry| entry.info.params).copied().collect());

/// The hyperparameters that every run has for it.
pub fn info() -> ComponentInfo {
    ComponentInfo {
        id: "augmentation",
        label: "Augmentation",
        help: "Changes each training image a little, at random each time it is used.",
        params: &PARAMS,
    }
}

/// A range from 0, which leaves images alone, to `max`.
const fn range(
    key: &'static str,
    label: &'static str,
    unit: &'static str,
    max: f64,
    help: &'static str,
) -> Param {
    let kind = ParamKind::Float { min: 0.0, max, logarithmic: false };
    Param { key, label, unit, help, kind, default: 0.0, live: false }
}

/// How far images may be changed; nothing is changed where it is empty.
#[derive(Clone, Default)]
pub struct Augmentation {
    /// In the order of the registry.
    alterations: Vec<(Alter, f32)>,
}

/// Identifies one augmented version of an image.
#[derive(Clone, Copy)]
pub struct ViewKey<'a> {
    /// The seed of the run.
    pub seed: u64,
    /// Index of the image in the training part.
    pub image: u64,
    /// Passes over the training images before this one.
    pub epoch: u64,
    /// Distinguishes several views of one image in one epoch.
    pub view: &'a str,
}

impl Augmentation {
    /// From the values of the hyperparameters, by their keys; a missing value is 0.
    pub fn new(values: &Values) -> Self {
        let set = |entry: &AugmentEntry| Some((entry.alter, *values.get(entry.info.id)? as f32));
        Self { alterations: ALL.iter().filter_map(set).filter(|(_, range)| *range > 0.0).collect() }
    }

    /// Whether images stay as they are.
    pub fn is_none(&self) -> bool {
        self.alterations.is_empty()
    }

    /// An image of numbers from 0 to 1 as it looks in a view; what comes in from outside is as the edge is.
    pub fn apply(&self, image: &[f32], shape: ImageShape, view: ViewKey, out: &mut [f32]) {
        let mut dice = Dice::new(rng(view.seed, view.view, key(view.epoch, "image", view.image)));
        let mut warp = None;
        for (alter, range) in &self.alterations {
            if let Alter::Place(place) = alter {
                place(*range, &mut dice, shape, warp.get_or_insert_default());
            }
        }
        match warp {
            Some(warp) => warp.apply(image, shape, out),
            None => out.copy_from_slice(image),
        }
        for (alter, range) in &self.alterations {
            if let Alter::Pixels(change) = alter {
                change(*range, &mut dice, shape, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape { height: 9, width: 7, channels: 3 };
    const LOOK: ViewKey<'_> = ViewKey { seed: 1, image: 2, epoch: 3, view: "first" };

    fn image() -> Vec<f32> {
        (0..SHAPE.len()).map(|index| (index * 37 % 101) as f32 / 101.0).collect()
    }

    fn looks(augmentation: &Augmentation, look: ViewKey<'_>) -> Vec<f32> {
        let mut out = vec![f32::NAN; SHAPE.len()];
        augmentation.apply(&image(), SHAPE, look, &mut out);
        out
    }

    fn with(id: &str, value: f64) -> Augmentation {
        Augmentation::new(&[(id.to_owned(), value)].into())
    }

    #[test]
    fn nothing_changes_at_zero() {
        assert!(Augmentation::default().is_none());
        for entry in ALL {
            let none = with(entry.info.id, 0.0);
            assert!(none.is_none() && looks(&none, LOOK) == image(), "{}", entry.info.id);
        }
    }

    #[test]
    fn every_alteration_depends_on_all_that_names_a_look() {
        const LOOKS: [&str; 12] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        for AugmentEntry { info, .. } in ALL {
            assert_eq!(info.params.iter().map(|param| param.key).collect::<Vec<_>>(), [info.id]);
            let augmentation = with(info.id, 0.5);
            let first = looks(&augmentation, LOOK);
            assert_eq!(first, looks(&augmentation, LOOK), "{}", info.id);
            type Other = fn(u64) -> ViewKey<'static>;
            let others: [Other; 4] = [
                |seed| ViewKey { seed: 10 + seed, ..LOOK },
                |image| ViewKey { image: 10 + image, ..LOOK },
                |epoch| ViewKey { epoch: 10 + epoch, ..LOOK },
                |view| ViewKey { view: LOOKS[view as usize], ..LOOK },
            ];
            for (what, other) in ["seed", "image", "epoch", "view"].into_iter().zip(others) {
                // that an image is mirrored is one of two things, which may be the same a few times
                let all: Vec<_> = (0..12).map(|index| looks(&augmentation, other(index))).collect();
                assert!(all.iter().any(|look| *look != first), "{} by {what}", info.id);
                assert!(all.iter().any(|look| *look != image()), "{} does nothing", info.id);
                assert!(all.iter().flatten().all(|number| (0.0..=1.0).contains(number)), "{}", info.id);
            }
        }
    }

    #[test]
    fn the_farthest_that_is_allowed_stays_an_image() {
        for AugmentEntry { info, .. } in ALL {
            let augmentation = with(info.id, info.params[0].max());
            for image in 0..20 {
                let look = looks(&augmentation, ViewKey { image, ..LOOK });
                assert!(look.iter().all(|number| (0.0..=1.0).contains(number)), "{}", info.id);
            }
        }
    }

    /// Runs that were begun when there were but these six go on with the same bits: the sums are of what they made then.
    #[test]
    fn looks_are_those_of_older_versions() {
        let keys = ["rotation", "scale", "shear", "shift", "elastic", "thickness"];
        let augmentation =
            |values: [f64; 6]| Augmentation::new(&keys.map(String::from).into_iter().zip(values).collect());
        let sum = |augmentation: &Augmentation| {
            let bits = looks(augmentation, LOOK).into_iter().map(f32::to_bits);
            bits.fold(0_u64, |sum, bits| sum.rotate_left(7) ^ u64::from(bits))
        };
        let all = augmentation([17.0, 0.2, 0.3, 2.5, 1.5, 0.7]);
        let some = augmentation([8.0, 0.1, 0.1, 2.0, 0.0, 0.0]);
        let thick = augmentation([0.0, 0.0, 0.0, 0.0, 0.0, 0.5]);
        assert_eq!(
            [&all, &some, &thick].map(sum),
            [403_697_205_052_115_434, 8_051_445_052_104_232_822, 10_544_325_446_462_590_165]
        );
    }
}
