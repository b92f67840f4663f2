//! Losses of each number against its target, on average.

use super::math::{sigmoid, softplus};
use super::simd::{Kernel, SimdLevel, Vector};
use super::{PIECE, build_chunks};
use rayon::prelude::*;

/// What a number x costs against its target t.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairLoss {
    /// −t ln σ(x) − (1 − t) ln σ(−x) = ln(1 + eˣ) − x t, in nats, of a logit: as `torch.nn.BCEWithLogitsLoss`.
    BinaryCrossEntropy,
    /// (x − t)², as `torch.nn.MSELoss`.
    SquaredError,
}

/// The mean cost, added up in double precision.
///
/// # Panics
/// When the slices differ in length.
pub fn mean(loss: PairLoss, x: &[f32], targets: &[f32]) -> f32 {
    assert_eq!(x.len(), targets.len());
    let level = SimdLevel::current();
    let pieces: Vec<f64> = (x.par_chunks(PIECE), targets.par_chunks(PIECE))
        .into_par_iter()
        .map(|(x, targets)| level.run(Sum { loss, x, targets }))
        .collect();
    (pieces.iter().sum::<f64>() / x.len() as f64) as f32
}

/// The gradient of `scale` × [`mean`] with respect to x.
///
/// # Panics
/// When the slices differ in length.
pub fn gradient(loss: PairLoss, x: &[f32], targets: &[f32], scale: f32) -> Vec<f32> {
    assert_eq!(x.len(), targets.len());
    let (level, scale) = (SimdLevel::current(), (scale as f64 / x.len() as f64) as f32);
    build_chunks(x.len(), PIECE, |index, dx| {
        let piece = index * PIECE..index * PIECE + dx.len();
        level.run(Gradient { loss, x: &x[piece.clone()], targets: &targets[piece], scale, dx });
    })
}

struct Sum<'a> {
    loss: PairLoss,
    x: &'a [f32],
    targets: &'a [f32],
}

impl Kernel for Sum<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) -> f64 {
        match self.loss {
            PairLoss::BinaryCrossEntropy => sum(self.x, self.targets, |x, target| softplus(x) - x * target),
            PairLoss::SquaredError => sum(self.x, self.targets, |x, target| (x - target) * (x - target)),
        }
    }
}

/// In 16 sums, so that the additions need not wait for each other.
#[inline(always)]
fn sum(x: &[f32], targets: &[f32], cost: impl Fn(f32, f32) -> f32) -> f64 {
    let mut sums = [0.0; 16];
    let ((x, x_rest), (targets, targets_rest)) = (x.as_chunks::<16>(), targets.as_chunks::<16>());
    for (x, targets) in x.iter().zip(targets) {
        for ((sum, x), target) in sums.iter_mut().zip(x).zip(targets) {
            *sum += cost(*x, *target) as f64;
        }
    }
    for ((sum, x), target) in sums.iter_mut().zip(x_rest).zip(targets_rest) {
        *sum += cost(*x, *target) as f64;
    }
    sums.iter().sum()
}

struct Gradient<'a> {
    loss: PairLoss,
    x: &'a [f32],
    targets: &'a [f32],
    scale: f32,
    dx: &'a mut [f32],
}

impl Kernel for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let Gradient { loss, x, targets, scale, dx } = self;
        let pairs = dx.iter_mut().zip(x).zip(targets);
        match loss {
            PairLoss::BinaryCrossEntropy => {
                pairs.for_each(|((dx, x), target)| *dx = scale * (sigmoid(*x) - target));
            }
            PairLoss::SquaredError => pairs.for_each(|((dx, x), target)| *dx = 2.0 * scale * (x - target)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, Reference, at_every_level, same_bits_on_any_threads};

    fn plain(loss: PairLoss, x: f64, target: f64) -> f64 {
        match loss {
            PairLoss::BinaryCrossEntropy => (1.0 + x.exp()).ln() - x * target,
            PairLoss::SquaredError => (x - target).powi(2),
        }
    }

    const BOTH: [PairLoss; 2] = [PairLoss::BinaryCrossEntropy, PairLoss::SquaredError];

    #[test]
    fn forward_and_backward_match_the_reference() {
        let mut random = Random::new(1);
        for (loss, len) in BOTH.iter().flat_map(|loss| [1, 5, 67, 40_003].map(|len| (*loss, len))) {
            let x: Vec<f32> = random.numbers(len).iter().map(|x| 8.0 * x).collect();
            let targets: Vec<f32> = random.numbers(len).iter().map(|x| x.abs()).collect();
            // the sum, because slopes of the mean of many are tiny
            let reference = Reference::new(&mut random, &[&x], |x| {
                vec![x[0].iter().zip(&targets).map(|(x, target)| plain(loss, *x, *target as f64)).sum()]
            });
            at_every_level(|| {
                let what = format!("{loss:?} of {len}");
                reference.assert_value(&[mean(loss, &x, &targets) * len as f32], &what);
                let scale = reference.output_gradient[0] * len as f32;
                reference.assert_gradients(&[&gradient(loss, &x, &targets, scale)], &what);
            });
        }
    }

    #[test]
    fn huge_logits_stay_finite() {
        let (x, targets) = ([1e30, -1e30, 1e30, -1e30], [1.0, 0.0, 0.5, 0.5]);
        assert_eq!(mean(PairLoss::BinaryCrossEntropy, &x[..2], &targets[..2]), 0.0);
        assert_eq!(mean(PairLoss::BinaryCrossEntropy, &x, &targets), 0.25e30);
        let gradient = gradient(PairLoss::BinaryCrossEntropy, &x, &targets, 4.0);
        assert_eq!(gradient, [0.0, 0.0, 0.5, -0.5]);
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let mut random = Random::new(2);
        let (x, targets) = (random.numbers(100_001), random.numbers(100_001));
        for loss in BOTH {
            same_bits_on_any_threads(|| {
                vec![vec![mean(loss, &x, &targets)], gradient(loss, &x, &targets, 1e5)]
            });
        }
    }
}
