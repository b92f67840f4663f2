//! Optimizer steps in place, by PyTorch's formulae, and the sum of squares for the norm of a gradient.

use super::simd::{Kernel, Level, Vector};
use rayon::prelude::*;

/// Numbers that one piece of work holds; the sum of squares adds up the pieces in order.
const PIECE: usize = 1 << 14;

/// One step of Adam (Kingma and Ba, 2015), or of AdamW (Loshchilov and Hutter, 2019) where `decoupled`.
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    pub learning_rate: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub epsilon: f64,
    /// Added to the gradient times the weights, or, where `decoupled`, taken off the weights directly.
    pub weight_decay: f64,
    pub decoupled: bool,
    /// Counts from 1.
    pub step: u64,
    /// Multiplies the gradient first: below 1 where the gradient is clipped.
    pub grad_scale: f64,
}

/// One step of stochastic gradient descent with momentum, without dampening.
#[derive(Clone, Copy, Debug)]
pub struct Sgd {
    pub learning_rate: f64,
    pub momentum: f64,
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
        let (level, rule) = (Level::current(), AdamRule::new(self));
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
        let level = Level::current();
        (weights.par_chunks_mut(PIECE), grad.par_chunks(PIECE), velocity.par_chunks_mut(PIECE))
            .into_par_iter()
            .for_each(|(weights, grad, velocity)| {
                level.run(SgdPiece { rule: self, weights, grad, velocity })
            });
    }
}

/// Σ x².
pub fn sum_squares(x: &[f32]) -> f64 {
    let level = Level::current();
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
        let momentum = if rule.first { 0.0 } else { rule.momentum as f32 };
        let (grad_scale, decay) = (rule.grad_scale as f32, rule.weight_decay as f32);
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
