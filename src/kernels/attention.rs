//! Scaled dot-product attention within sequences. The probabilities are not kept: the backward pass computes them again.
//!
//! Vaswani et al., "Attention is all you need", 2017, equation 1.

use super::gemm::{Matrix, multiply_into};
use super::math::exp;
use super::simd::{Kernel, SimdLevel, Vector};
use super::{Scratch, build_pieces};
use rayon::prelude::*;

/// Sequences and runs of queries that the forward pass is cut into, at least, where there are as many.
const MIN_PIECES: usize = 16;

/// The shape of an attention: queries, keys and values come packed, (batch, tokens, 3 · width), where width is heads ·
/// head_dim: the queries of all heads, then the keys, then the values. The output is (batch, tokens, width).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attention {
    /// Sequences.
    pub batch: usize,
    /// The length of a sequence.
    pub tokens: usize,
    /// Each attends by itself.
    pub heads: usize,
    /// Features of one head.
    pub head_dim: usize,
    /// A token attends to none after itself.
    pub is_causal: bool,
}

/// `softmax(q · kᵀ / √head_dim) · v` of each head.
///
/// # Panics
/// When the slice does not have the shape.
pub fn forward(attention: &Attention, qkv: &[f32]) -> Vec<f32> {
    attention.check(qkv);
    let level = SimdLevel::current();
    let Attention { batch, tokens, heads, head_dim, .. } = *attention;
    let width = heads * head_dim;
    let queries = tokens.div_ceil(MIN_PIECES.div_ceil(batch.max(1)));
    build_pieces(batch, tokens * width, |example, y| {
        y.par_chunks_mut(queries * width).enumerate().for_each(|(piece, y)| {
            let (mut scores, mut product) = (Scratch::new(), Scratch::new());
            let (first, rows) = (piece * queries, y.len() / width);
            let (scores, product) = (scores.numbers(rows * tokens), product.numbers(rows * head_dim));
            for head in 0..heads {
                let [q, k, v] = attention.parts(qkv, example, head);
                attention.probabilities(level, [q.rows(first, rows), k], first, scores);
                multiply_into(level, Matrix::new(scores, rows, tokens), v, product);
                put_columns(product, head_dim, y, (head * head_dim, width));
            }
        });
    })
}

/// How much each token attends to each: (batch, heads, tokens, tokens), whose rows sum up to 1.
///
/// # Panics
/// When the slice does not have the shape.
pub fn probabilities(attention: &Attention, qkv: &[f32]) -> Vec<f32> {
    attention.check(qkv);
    let level = SimdLevel::current();
    let Attention { batch, tokens, heads, .. } = *attention;
    build_pieces(batch * heads, tokens * tokens, |index, scores| {
        let [q, k, _] = attention.parts(qkv, index / heads, index % heads);
        attention.probabilities(level, [q, k], 0, scores);
    })
}

/// The gradient of queries, keys and values, packed as they are.
///
/// # Panics
/// When a slice does not have the shape.
pub fn backward(attention: &Attention, qkv: &[f32], gradient: &[f32]) -> Vec<f32> {
    attention.check(qkv);
    assert_eq!(3 * gradient.len(), qkv.len());
    let level = SimdLevel::current();
    let Attention { batch, tokens, heads, head_dim, .. } = *attention;
    let width = heads * head_dim;
    build_pieces(batch, 3 * tokens * width, |example, dqkv| {
        let [mut p, mut scores, mut product] = [Scratch::new(), Scratch::new(), Scratch::new()];
        let (p, scores) = (p.numbers(tokens * tokens), scores.numbers(tokens * tokens));
        let product = product.numbers(tokens * head_dim);
        let gradient = &gradient[example * tokens * width..][..tokens * width];
        for head in 0..heads {
            let [q, k, v] = attention.parts(qkv, example, head);
            let dy = Matrix::within(&gradient[head * head_dim..], tokens, head_dim, width);
            attention.probabilities(level, [q, k], 0, p);
            multiply_into(level, dy, v.transposed(), scores);
            level.run(SoftmaxGradient { attention, probabilities: p, scores });
            let (p, scores) = (Matrix::new(p, tokens, tokens), Matrix::new(scores, tokens, tokens));
            let products = [(scores, k), (scores.transposed(), q), (p.transposed(), dy)];
            for (part, (a, b)) in products.into_iter().enumerate() {
                multiply_into(level, a, b, product);
                put_columns(product, head_dim, dqkv, (part * width + head * head_dim, 3 * width));
            }
        }
    })
}

/// Copies a matrix of `columns` columns to those from `first` on of one with rows of `row_len` numbers.
fn put_columns(from: &[f32], columns: usize, to: &mut [f32], (first, row_len): (usize, usize)) {
    for (to, from) in to.chunks_exact_mut(row_len).zip(from.chunks_exact(columns)) {
        to[first..][..columns].copy_from_slice(from);
    }
}

impl Attention {
    fn check(&self, qkv: &[f32]) {
        assert_eq!(qkv.len(), 3 * self.batch * self.tokens * self.heads * self.head_dim);
    }

    /// Queries, keys and values of a head of one sequence, each (tokens, head_dim).
    fn parts<'a>(&self, qkv: &'a [f32], example: usize, head: usize) -> [Matrix<'a>; 3] {
        let Attention { tokens, heads, head_dim, .. } = *self;
        let row = 3 * heads * head_dim;
        let qkv = &qkv[example * tokens * row..][..tokens * row];
        [0, 1, 2].map(|part| Matrix::within(&qkv[(part * heads + head) * head_dim..], tokens, head_dim, row))
    }

    fn scale(&self) -> f32 {
        1.0 / (self.head_dim as f32).sqrt()
    }

    /// How many tokens a token attends to.
    fn seen(&self, token: usize) -> usize {
        if self.is_causal { token + 1 } else { self.tokens }
    }

    /// How much each of some tokens, the `first` of a sequence and those after it, attends to each: (queries, tokens),
    /// zeros where it does not.
    fn probabilities(&self, level: SimdLevel, [q, k]: [Matrix; 2], first: usize, scores: &mut [f32]) {
        multiply_into(level, q, k.transposed(), scores);
        level.run(Softmax { attention: self, first, scores });
    }
}

/// Rows of scores to probabilities: scaling and softmax.
struct Softmax<'a> {
    attention: &'a Attention,
    /// The token of the first row.
    first: usize,
    scores: &'a mut [f32],
}

impl Kernel for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let scale = self.attention.scale();
        for (token, row) in self.scores.chunks_exact_mut(self.attention.tokens).enumerate() {
            let (seen, unseen) = row.split_at_mut(self.attention.seen(self.first + token));
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
    use crate::kernels::testing::{
        Random, Reference, assert_close, at_every_level, same_bits_on_any_threads,
    };

    /// Where in packed numbers the features of a token lie: queries, keys or values of a head.
    fn at(attention: &Attention, part: usize, example: usize, head: usize, token: usize) -> usize {
        let Attention { tokens, heads, head_dim, .. } = *attention;
        (((example * tokens + token) * 3 + part) * heads + head) * head_dim
    }

    /// How much a token of a head attends to each that it sees.
    fn plain_probabilities(
        attention: &Attention,
        qkv: &[f64],
        example: usize,
        head: usize,
        token: usize,
    ) -> Vec<f64> {
        let features = |part, token| &qkv[at(attention, part, example, head, token)..][..attention.head_dim];
        let seen = if attention.is_causal { token + 1 } else { attention.tokens };
        let weight = |other: usize| {
            let dot: f64 = features(0, token).iter().zip(features(1, other)).map(|(q, k)| q * k).sum();
            (dot / (attention.head_dim as f64).sqrt()).exp()
        };
        let weights: Vec<f64> = (0..seen).map(weight).collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / total).collect()
    }

    fn plain(attention: &Attention, inputs: &[Vec<f64>]) -> Vec<f64> {
        let [qkv] = inputs else { panic!("one input") };
        let Attention { batch, tokens, heads, head_dim, .. } = *attention;
        let mut y = Vec::new();
        for (example, token) in (0..batch).flat_map(|example| (0..tokens).map(move |token| (example, token)))
        {
            for head in 0..heads {
                let probabilities = plain_probabilities(attention, qkv, example, head, token);
                y.extend((0..head_dim).map(|feature| {
                    let value = |other| qkv[at(attention, 2, example, head, other) + feature];
                    probabilities.iter().enumerate().map(|(other, p)| p * value(other)).sum::<f64>()
                }));
            }
        }
        y
    }

    #[test]
    fn forward_and_backward_match_the_reference() {
        let mut random = Random::new(1);
        for round in 0..30 {
            let attention = Attention {
                batch: 1 + random.below(4),
                tokens: 1 + random.below(40),
                heads: 1 + random.below(4),
                head_dim: 1 + random.below(67),
                is_causal: round % 2 == 0,
            };
            let Attention { batch, tokens, heads, head_dim, .. } = attention;
            let qkv = random.numbers(3 * batch * tokens * heads * head_dim);
            let reference = Reference::new(&mut random, &[&qkv], |inputs| plain(&attention, inputs));
            at_every_level(|| {
                let what = format!("{attention:?}");
                reference.assert_value(&forward(&attention, &qkv), &what);
                let dqkv = backward(&attention, &qkv, &reference.output_gradient);
                reference.assert_gradients(&[&dqkv], &what);
            });
        }
    }

    #[test]
    fn probabilities_match_the_reference() {
        let mut random = Random::new(4);
        for is_causal in [false, true] {
            let attention = Attention { batch: 2, tokens: 19, heads: 3, head_dim: 5, is_causal };
            let qkv = random.numbers(3 * 2 * 19 * 3 * 5);
            let plain_qkv: Vec<f64> = qkv.iter().map(|x| f64::from(*x)).collect();
            let rows = (0..2 * 3 * 19).flat_map(|row| {
                let (example, head, token) = (row / 19 / 3, row / 19 % 3, row % 19);
                let mut row = plain_probabilities(&attention, &plain_qkv, example, head, token);
                row.resize(19, 0.0);
                row
            });
            let expected: Vec<f32> = rows.map(|p| p as f32).collect();
            at_every_level(|| assert_close(&probabilities(&attention, &qkv), &expected, "probabilities"));
        }
    }

    #[test]
    fn huge_scores_stay_finite() {
        let attention = Attention { batch: 1, tokens: 2, heads: 1, head_dim: 1, is_causal: false };
        let qkv = [1e18, 1e18, 3.0, -1e18, -1e18, 5.0];
        at_every_level(|| {
            assert_eq!(forward(&attention, &qkv), [3.0, 5.0]);
            assert_eq!(backward(&attention, &qkv, &[1.0, 2.0]), [0.0, 0.0, 1.0, 0.0, 0.0, 2.0]);
        });
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        for (batch, tokens, heads) in [(4, 50, 2), (1, 300, 1)] {
            let attention = Attention { batch, tokens, heads, head_dim: 33, is_causal: true };
            let mut random = Random::new(2);
            let qkv = random.numbers(3 * batch * tokens * heads * 33);
            let gradient = random.numbers(batch * tokens * heads * 33);
            same_bits_on_any_threads(|| {
                vec![forward(&attention, &qkv), backward(&attention, &qkv, &gradient)]
            });
        }
    }
}
