//! What augmentation costs while the reference run trains.
use super::{
    Measured, SHAPE, SLICES, Slices, TRAIN_BATCH, WARM_UP, catalog, random_dataset, share, slice, spec,
    trained,
};
use crate::{
    data,
    engine::trainer::{Origin, Trainer},
    spec::RunSpec,
};
use anyhow::Result;
use std::{sync::Arc, time::Duration};

/// Images a second at which the reference run trains, for about `secs` seconds each.
#[derive(Clone, Copy, Debug)]
pub struct Augmented {
    /// Without augmentation.
    pub plain: Measured,
    /// With the augmentation that suits its data set.
    pub augmented: Measured,
    /// How much longer a step takes with it, as a share: the median over slices that were next to each other.
    pub slowdown: f64,
}

/// Measures what augmentation costs.
///
/// # Errors
/// Where a run cannot be trained.
pub fn augmentation_cost(secs: f64) -> Result<Augmented> {
    let dataset = Arc::new(random_dataset(SHAPE, TRAIN_BATCH, TRAIN_BATCH)?);
    let plain = spec(&RunSpec::default().encoder.id);
    let suited = (data::find(&plain.dataset.id)?.augmentation)(SHAPE);
    let augmented = RunSpec { augmentation: suited, ..plain.clone() };
    let trainer = |spec: RunSpec| {
        let live = catalog().live_params(&spec);
        Trainer::new(spec, live, dataset.clone(), Origin::Fresh)
    };
    let (mut plain, mut augmented) = (trainer(plain)?, trainer(augmented)?);
    let [plain, augmented] = measure_both(secs, || trained(&mut plain), || trained(&mut augmented))?;
    let pairs = augmented.0.iter().zip(&plain.0).map(|(augmented, plain)| augmented / plain - 1.0);
    let slowdown = Slices(pairs.collect()).map(|slowdown| slowdown, f64::min).median;
    let rate = |slices: Slices| slices.map(|secs| TRAIN_BATCH as f64 / secs, f64::max);
    Ok(Augmented { plain: rate(plain), augmented: rate(augmented), slowdown })
}

/// As [`measure`] for two runs in turn, so that both meet the same load of the machine.
fn measure_both(
    secs: f64,
    mut one: impl FnMut() -> Result<Duration>,
    mut other: impl FnMut() -> Result<Duration>,
) -> Result<[Slices; 2]> {
    let share = share(secs);
    slice(WARM_UP * share, &mut one)?;
    slice(WARM_UP * share, &mut other)?;
    let (mut ones, mut others) = (vec![], vec![]);
    for _ in 0..SLICES {
        ones.push(slice(share, &mut one)?);
        others.push(slice(share, &mut other)?);
    }
    Ok([Slices(ones), Slices(others)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_augmentation_costs_can_be_measured() {
        let Augmented { plain, augmented, slowdown } = augmentation_cost(0.05).unwrap();
        assert!(plain.median > 0.0 && augmented.median > 0.0 && slowdown > -1.0);
    }
}
