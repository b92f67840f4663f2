//! Scaled dot-product attention. The probabilities are not kept: the backward pass computes them again.
//!
//! Vaswani et al., "Attention is all you need", 2017, equation 1.

use super::build_pieces;
use super::gemm::{Matrix, multiply};
use super::math::exp;
use super::simd::{Kernel, SimdLevel, Vector};
use rayon::prelude::*;

/// The shape of queries, keys, values and outputs: (heads, tokens, head_dim), with the batch among the heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attention {
    /// Heads of all sequences: batch × heads.
    pub heads: usize,
    /// The length of a sequence.
    pub tokens: usize,
    /// Features of one head.
    pub head_dim: usize,
    /// A token attends to none after itself.
    pub is_causal: bool,
}

/// `softmax(q · kᵀ / √head_dim) · v` of each head.
///
/// # Panics
/// When a slice does not have the shape.
pub fn forward(attention: &Attention, q: &[f32], k: &[f32], v: &[f32]) -> Vec<f32> {
    attention.check(&[q, k, v]);
    let level = SimdLevel::current();
    build_pieces(attention.heads, attention.head_len(), |head, y| {
        let [q, k, v] = [q, k, v].map(|numbers| attention.head(numbers, head));
        let probabilities = attention.probabilities(level, q, k);
        y.copy_from_slice(&multiply(level, attention.square(&probabilities), v));
    })
}

/// The gradients of q, k and v.
///
/// # Panics
/// When a slice does not have the shape.
pub fn backward(
    attention: &Attention,
    [q, k, v]: [&[f32]; 3],
    gradient: &[f32],
) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    attention.check(&[q, k, v, gradient]);
    let level = SimdLevel::current();
    let of_heads: Vec<_> = (0..attention.heads)
        .into_par_iter()
        .map(|head| {
            let [q, k, v, gradient] = [q, k, v, gradient].map(|numbers| attention.head(numbers, head));
            let probabilities = attention.probabilities(level, q, k);
            let mut scores = multiply(level, gradient, v.transposed());
            level.run(SoftmaxGradient { attention, probabilities: &probabilities, scores: &mut scores });
            let (probabilities, scores) = (attention.square(&probabilities), attention.square(&scores));
            let dv = multiply(level, probabilities.transposed(), gradient);
            (multiply(level, scores, k), (multiply(level, scores.transposed(), q), dv))
        })
        .collect();
    let (dq, (dk, dv)): (Vec<_>, (Vec<_>, Vec<_>)) = of_heads.into_iter().unzip();
    (dq.concat(), dk.concat(), dv.concat())
}

impl Attention {
    fn check(&self, tensors: &[&[f32]]) {
        assert!(tensors.iter().all(|numbers| numbers.len() == self.heads * self.head_len()));
    }

    fn head_len(&self) -> usize {
        self.tokens * self.head_dim
    }

    fn head<'a>(&self, numbers: &'a [f32], head: usize) -> Matrix<'a> {
        Matrix::new(&numbers[head * self.head_len()..][..self.head_len()], self.tokens, self.head_dim)
    }

    fn square<'a>(&self, numbers: &'a [f32]) -> Matrix<'a> {
        Matrix::new(numbers, self.tokens, self.tokens)
    }

    fn scale(&self) -> f32 {
        1.0 / (self.head_dim as f32).sqrt()
    }

    /// How many tokens a token attends to.
    fn seen(&self, token: usize) -> usize {
        if self.is_causal { token + 1 } else { self.tokens }
    }

    /// (tokens, tokens), zeros where a token does not attend.
    fn probabilities(&self, level: SimdLevel, q: Matrix, k: Matrix) -> Vec<f32> {
        let mut scores = multiply(level, q, k.transposed());
        level.run(Softmax { attention: self, scores: &mut scores });
        scores
    }
}

/// Rows of scores to probabilities: scaling and softmax.
struct Softmax<'a> {
    attention: &'a Attention,
    scores: &'a mut [f32],
}

impl Kernel for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let scale = self.attention.scale();
        for (token, row) in self.scores.chunks_exact_mut(self.attention.tokens).enumerate() {
            let (seen, unseen) = row.split_at_mut(self.attention.seen(token));
            let largest =
                in_lanes([f32::NEG_INFINITY; 16], seen, seen, |max, x, _| if x > max { x } else { max });
            let largest = largest.into_iter().fold(f32::NEG_INFINITY, f32::max);
            seen.iter_mut().for_each(|x| *x = exp((*x - largest) * scale));
            let sum: f32 = in_lanes([0.0; 16], seen, seen, |sum, x, _| sum + x).iter().sum();
            seen.iter_mut().for_each(|x| *x /= sum);
            unseen.fill(0.0);
        }
    }
}

/// From the gradients of probabilities to those of the scores before scaling:
/// p (dp − Σ p dp) / √head_dim.
struct SoftmaxGradient<'a> {
    attention: &'a Attention,
    probabilities: &'a [f32],
    scores: &'a mut [f32],
}

impl Kernel for SoftmaxGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let (tokens, scale) = (self.attention.tokens, self.attention.scale());
        for (p, row) in self.probabilities.chunks_exact(tokens).zip(self.scores.chunks_exact_mut(tokens)) {
            let mean: f32 = in_lanes([0.0; 16], p, row, |sum, p, x| sum + p * x).iter().sum();
            row.iter_mut().zip(p).for_each(|(x, p)| *x = p * (*x - mean) * scale);
        }
    }
}

/// Steps through pairs of numbers in 16 lanes, so that steps need not wait for each other.
#[inline(always)]
fn in_lanes(mut lanes: [f32; 16], a: &[f32], b: &[f32], step: impl Fn(f32, f32, f32) -> f32) -> [f32; 16] {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for (a, b) in a.iter().zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane = step(*lane, *a, *b);
        }
    }
    for ((lane, a), b) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
        *lane = step(*lane, *a, *b);
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, Reference, at_every_level, same_bits_on_any_threads};

    fn plain(attention: &Attention, inputs: &[Vec<f64>]) -> Vec<f64> {
        let [q, k, v] = inputs else { panic!("three inputs") };
        let Attention { heads, tokens, head_dim, is_causal } = *attention;
        let mut y = vec![0.0; q.len()];
        for (head, token) in (0..heads).flat_map(|head| (0..tokens).map(move |token| (head, token))) {
            let row =
                |token: usize| (head * tokens + token) * head_dim..(head * tokens + token + 1) * head_dim;
            let seen = if is_causal { token + 1 } else { tokens };
            let weight = |other: usize| {
                let dot: f64 = q[row(token)].iter().zip(&k[row(other)]).map(|(q, k)| q * k).sum();
                (dot / (head_dim as f64).sqrt()).exp()
            };
            let total: f64 = (0..seen).map(weight).sum();
            for other in 0..seen {
                for (y, v) in y[row(token)].iter_mut().zip(&v[row(other)]) {
                    *y += weight(other) / total * v;
                }
            }
        }
        y
    }

    #[test]
    fn forward_and_backward_match_the_reference() {
        let mut random = Random::new(1);
        for round in 0..30 {
            let attention = Attention {
                heads: 1 + random.below(9),
                tokens: 1 + random.below(40),
                head_dim: 1 + random.below(67),
                is_causal: round % 2 == 0,
            };
            let mut numbers = || random.numbers(attention.heads * attention.head_len());
            let (q, k, v) = (numbers(), numbers(), numbers());
            let reference = Reference::new(&mut random, &[&q, &k, &v], |inputs| plain(&attention, inputs));
            at_every_level(|| {
                let what = format!("{attention:?}");
                reference.assert_value(&forward(&attention, &q, &k, &v), &what);
                let (dq, dk, dv) = backward(&attention, [&q, &k, &v], &reference.output_gradient);
                reference.assert_gradients(&[&dq, &dk, &dv], &what);
            });
        }
    }

    #[test]
    fn huge_scores_stay_finite() {
        let attention = Attention { heads: 1, tokens: 2, head_dim: 1, is_causal: false };
        let (q, v) = ([1e18, -1e18], [3.0, 5.0]);
        at_every_level(|| {
            assert_eq!(forward(&attention, &q, &q, &v), v);
            let (dq, dk, dv) = backward(&attention, [&q, &q, &v], &[1.0, 2.0]);
            assert_eq!([dq, dk, dv], [vec![0.0, 0.0], vec![0.0, 0.0], vec![1.0, 2.0]]);
        });
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        for (heads, tokens) in [(8, 50), (1, 300)] {
            let attention = Attention { heads, tokens, head_dim: 33, is_causal: true };
            let mut random = Random::new(2);
            let mut numbers = || random.numbers(heads * tokens * 33);
            let (q, k, v, gradient) = (numbers(), numbers(), numbers(), numbers());
            same_bits_on_any_threads(|| {
                let (dq, dk, dv) = backward(&attention, [&q, &k, &v], &gradient);
                vec![forward(&attention, &q, &k, &v), dq, dk, dv]
            });
        }
    }
}
