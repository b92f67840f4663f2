//! Optimizer steps in place, by PyTorch's formulae, and the sum of squares for the norm of a gradient.

use super::PIECE;
use super::simd::{Kernel, SimdLevel, Vector};
use rayon::prelude::*;

/// One step of Adam (Kingma and Ba, 2015), or of AdamW (Loshchilov and Hutter, 2019) where `decoupled`.
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    /// α in the paper, after the schedule.
    pub learning_rate: f64,
    /// The decay of the first moment, in [0, 1).
    pub beta1: f64,
    /// The decay of the second moment, in [0, 1).
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Added to the gradient times the weights, or, where `decoupled`, taken off the weights directly.
    pub weight_decay: f64,
    /// AdamW instead of Adam.
    pub decoupled: bool,
    /// Counts from 1.
    pub step: u64,
    /// Multiplies the gradient first: below 1 where the gradient is clipped.
    pub grad_scale: f64,
}

/// One step of stochastic gradient descent with momentum, without dampening.
#[derive(Clone, Copy, Debug)]
pub struct Sgd {
    /// After the schedule.
    pub learning_rate: f64,
    /// What the velocity keeps of itself each step, in [0, 1).
    pub momentum: f64,
    /// Times the weights, added to the gradient.
    pub weight_decay: f64,
    /// The first step of all: the velocity is the gradient.
    pub first: bool,
    /// Multiplies the gradient first: below 1 where the gradient is clipped.
    pub grad_scale: f64,
}

impl Adam {
    /// # Panics
    /// When the slices differ in length.
    pub fn update(
        &self,
        weights: &mut [f32],
        grad: &[f32],
        first_moment: &mut [f32],
        second_moment: &mut [f32],
    ) {
        let len = weights.len();
        assert_eq!((grad.len(), first_moment.len(), second_moment.len()), (len, len, len));
        let (level, rule) = (SimdLevel::current(), AdamRule::new(self));
        let moments = (first_moment.par_chunks_mut(PIECE), second_moment.par_chunks_mut(PIECE));
        (weights.par_chunks_mut(PIECE), grad.par_chunks(PIECE), moments.0, moments.1)
            .into_par_iter()
            .for_each(|(weights, grad, first, second)| {
                level.run(AdamPiece { rule, weights, grad, first, second })
            });
    }
}

impl Sgd {
    /// # Panics
    /// When the slices differ in length.
    pub fn update(&self, weights: &mut [f32], grad: &[f32], velocity: &mut [f32]) {
        assert_eq!((grad.len(), velocity.len()), (weights.len(), weights.len()));
        let level = SimdLevel::current();
        (weights.par_chunks_mut(PIECE), grad.par_chunks(PIECE), velocity.par_chunks_mut(PIECE))
            .into_par_iter()
            .for_each(|(weights, grad, velocity)| {
                level.run(SgdPiece { rule: self, weights, grad, velocity })
            });
    }
}

/// Σ x², the pieces added up in order.
pub fn sum_squares(x: &[f32]) -> f64 {
    let level = SimdLevel::current();
    let pieces: Vec<f64> = x.par_chunks(PIECE).map(|piece| level.run(SumSquares(piece))).collect();
    pieces.iter().sum()
}

/// The numbers of a step that are the same for every weight.
#[derive(Clone, Copy)]
struct AdamRule {
    grad_scale: f32,
    grad_decay: f32,
    weight_factor: f32,
    one_minus_beta1: f32,
    beta2: f32,
    one_minus_beta2: f32,
    step_size: f32,
    second_root: f32,
    epsilon: f32,
}

impl AdamRule {
    fn new(adam: &Adam) -> Self {
        let corrected = |beta: f64| 1.0 - beta.powf(adam.step as f64);
        let decay = adam.weight_decay;
        let (grad_decay, weight_decay) = if adam.decoupled { (0.0, decay) } else { (decay, 0.0) };
        AdamRule {
            grad_scale: adam.grad_scale as f32,
            grad_decay: grad_decay as f32,
            weight_factor: (1.0 - adam.learning_rate * weight_decay) as f32,
            one_minus_beta1: (1.0 - adam.beta1) as f32,
            beta2: adam.beta2 as f32,
            one_minus_beta2: (1.0 - adam.beta2) as f32,
            step_size: (adam.learning_rate / corrected(adam.beta1)) as f32,
            second_root: (1.0 / corrected(adam.beta2).sqrt()) as f32,
            epsilon: adam.epsilon as f32,
        }
    }
}

struct AdamPiece<'a> {
    rule: AdamRule,
    weights: &'a mut [f32],
    grad: &'a [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl Kernel for AdamPiece<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let AdamPiece { rule, weights, grad, first, second } = self;
        for (((weight, grad), first), second) in weights.iter_mut().zip(grad).zip(first).zip(second) {
            let grad = grad * rule.grad_scale + *weight * rule.grad_decay;
            *first += (grad - *first) * rule.one_minus_beta1;
            *second = *second * rule.beta2 + grad * grad * rule.one_minus_beta2;
            let root = second.sqrt() * rule.second_root + rule.epsilon;
            *weight = *weight * rule.weight_factor - rule.step_size * *first / root;
        }
    }
}

struct SgdPiece<'a> {
    rule: &'a Sgd,
    weights: &'a mut [f32],
    grad: &'a [f32],
    velocity: &'a mut [f32],
}

impl Kernel for SgdPiece<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let SgdPiece { rule, weights, grad, velocity } = self;
        if rule.first {
            velocity.fill(0.0);
        }
        let (momentum, grad_scale, decay) =
            (rule.momentum as f32, rule.grad_scale as f32, rule.weight_decay as f32);
        let learning_rate = rule.learning_rate as f32;
        for ((weight, grad), velocity) in weights.iter_mut().zip(grad).zip(velocity) {
            *velocity = *velocity * momentum + (grad * grad_scale + *weight * decay);
            *weight -= learning_rate * *velocity;
        }
    }
}

struct SumSquares<'a>(&'a [f32]);

impl Kernel for SumSquares<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) -> f64 {
        let mut sums = [0.0; 16];
        let (wholes, rest) = self.0.as_chunks::<16>();
        for whole in wholes {
            for (sum, x) in sums.iter_mut().zip(whole) {
                *sum += *x as f64 * *x as f64;
            }
        }
        rest.iter().map(|x| *x as f64 * *x as f64).chain(sums).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, at_every_level, same_bits_on_any_threads};

    const START: [f32; 3] = [1.0, -2.0, 0.5];
    const GRADS: [[f32; 3]; 3] = [[0.5, -1.0, 0.25], [-0.1, 2.0, 0.0], [0.3, 0.3, -4.0]];
    const ADAM: Adam = Adam {
        learning_rate: 0.1,
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.1,
        decoupled: false,
        step: 1,
        grad_scale: 1.0,
    };
    const SGD: Sgd =
        Sgd { learning_rate: 0.1, momentum: 0.9, weight_decay: 0.05, first: true, grad_scale: 1.0 };

    fn assert_near(weights: &[f32], expected: [f64; 3]) {
        for (weight, expected) in weights.iter().zip(expected) {
            assert!((*weight as f64 - expected).abs() < 1e-6, "{weights:?} for {expected:?}");
        }
    }

    fn adam_steps(adam: Adam, grads: &[[f32; 3]]) -> [f32; 3] {
        let (mut weights, mut first, mut second) = (START, [0.0; 3], [0.0; 3]);
        for (step, grad) in (1..).zip(grads) {
            Adam { step, ..adam }.update(&mut weights, grad, &mut first, &mut second);
        }
        weights
    }

    fn sgd_steps(sgd: Sgd, grads: &[[f32; 3]]) -> [f32; 3] {
        // whatever the velocity holds, the first step replaces it
        let (mut weights, mut velocity) = (START, [3.0, 1.0, f32::NAN]);
        for (index, grad) in grads.iter().enumerate() {
            Sgd { first: index == 0, ..sgd }.update(&mut weights, grad, &mut velocity);
        }
        weights
    }

    /// The constants are what torch.optim.Adam, AdamW and SGD of PyTorch 2.15 make of the same in double precision.
    #[test]
    fn three_steps_are_those_of_pytorch() {
        at_every_level(|| {
            assert_near(
                &adam_steps(ADAM, &GRADS),
                [0.7570041507810498, -1.947493441042513, 0.38296049991305164],
            );
            let decoupled = Adam { decoupled: true, ..ADAM };
            let expected = [0.7552418002250774, -1.9153800336606108, 0.38133323576611466];
            assert_near(&adam_steps(decoupled, &GRADS), expected);
            let other = Adam {
                learning_rate: 0.01,
                beta1: 0.8,
                beta2: 0.95,
                epsilon: 1e-3,
                weight_decay: 0.0,
                ..ADAM
            };
            assert_near(
                &adam_steps(other, &GRADS),
                [0.9788189327375864, -1.9981725374884667, 0.4903390764065648],
            );
            assert_near(&sgd_steps(SGD, &GRADS), [0.826468625, -2.0840372499999997, 0.8187593125]);
        });
    }

    #[test]
    fn the_scale_is_that_of_the_gradient() {
        let halved = GRADS.map(|grad| grad.map(|number| number * 0.5));
        let adam = Adam { grad_scale: 0.5, ..ADAM };
        assert_eq!(adam_steps(adam, &GRADS), adam_steps(ADAM, &halved));
        assert_eq!(sgd_steps(Sgd { grad_scale: 0.5, ..SGD }, &GRADS), sgd_steps(SGD, &halved));
    }

    #[test]
    fn squares_are_summed_in_double_precision() {
        let x = Random::new(8).numbers(100_003);
        let expected: f64 = x.iter().map(|x| (*x as f64).powi(2)).sum();
        at_every_level(|| assert!((sum_squares(&x) - expected).abs() < 1e-9 * expected));
        assert_eq!(sum_squares(&[]), 0.0);
    }

    #[test]
    fn levels_and_threads_do_not_change_a_bit() {
        let mut random = Random::new(9);
        let (weights, grad) = (random.numbers(50_001), random.numbers(50_001));
        let update = || {
            let (mut by_adam, mut first, mut second) =
                (weights.clone(), vec![0.0; 50_001], vec![0.0; 50_001]);
            ADAM.update(&mut by_adam, &grad, &mut first, &mut second);
            let (mut by_sgd, mut velocity) = (weights.clone(), vec![0.0; 50_001]);
            SGD.update(&mut by_sgd, &grad, &mut velocity);
            vec![by_adam, first, second, by_sgd, velocity, vec![sum_squares(&grad) as f32]]
        };
        let expected = update();
        at_every_level(|| assert!(update() == expected));
        same_bits_on_any_threads(update);
    }
}
