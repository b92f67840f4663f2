//! NT-Xent, the normalised-temperature cross-entropy of SimCLR.
//!
//! Chen et al., "A simple framework for contrastive learning of visual representations", 2020, equation 1.

use super::build_pieces;
use super::gemm::{Matrix, multiply};
use super::simd::SimdLevel;
use rayon::prelude::*;

/// The shape of a batch of embeddings (2 × pairs, features): rows i and i + pairs are two views of one example.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NtXent {
    /// Examples, each with two views.
    pub pairs: usize,
    /// The width of an embedding.
    pub features: usize,
    /// Above zero: what cosine similarities are divided by.
    pub temperature: f64,
}

/// The mean over all rows i, with partner j, of −ln(exp(s_ij / temperature) / Σ_{k ≠ i} exp(s_ik / temperature)), where
/// s is the cosine similarity of two rows.
///
/// # Panics
/// When the embeddings do not have the shape.
pub fn forward(shape: &NtXent, embeddings: &[f32]) -> f32 {
    let rows = shape.rows();
    let similarities = shape.similarities(&shape.normalize(embeddings).0);
    let losses: Vec<f64> = similarities
        .par_chunks_exact(rows)
        .enumerate()
        .map(|(row, similarities)| {
            shape.log_sum_exp(row, similarities) - shape.logit(similarities[shape.partner(row)])
        })
        .collect();
    (losses.iter().sum::<f64>() / rows as f64) as f32
}

/// The gradient of `scale` × [`forward`] with respect to the embeddings.
///
/// # Panics
/// When the embeddings do not have the shape.
pub fn backward(shape: &NtXent, embeddings: &[f32], scale: f32) -> Vec<f32> {
    let (rows, features) = (shape.rows(), shape.features);
    let (unit, lengths) = shape.normalize(embeddings);
    let similarities = shape.similarities(&unit);
    let scale = scale as f64 / (rows as f64 * shape.temperature);
    let of_similarities = build_pieces(rows, rows, |row, gradient| {
        let similarities = &similarities[row * rows..][..rows];
        let log_sum = shape.log_sum_exp(row, similarities);
        for (gradient, similarity) in gradient.iter_mut().zip(similarities) {
            *gradient = (scale * (shape.logit(*similarity) - log_sum).exp()) as f32;
        }
        gradient[row] = 0.0;
        gradient[shape.partner(row)] -= scale as f32;
    });
    let of_similarities = Matrix::new(&of_similarities, rows, rows);
    let of_unit = [of_similarities, of_similarities.transposed()]
        .map(|matrix| multiply(SimdLevel::current(), matrix, Matrix::new(&unit, rows, features)));
    build_pieces(rows, features, |row, dx| {
        let piece = row * features..(row + 1) * features;
        let unit = &unit[piece.clone()];
        for ((dx, as_row), as_column) in dx.iter_mut().zip(&of_unit[0][piece.clone()]).zip(&of_unit[1][piece])
        {
            *dx = as_row + as_column;
        }
        let along: f64 = dx.iter().zip(unit).map(|(dx, unit)| *dx as f64 * *unit as f64).sum();
        let (length, along) = match lengths[row] {
            length if length < MIN_LENGTH => (MIN_LENGTH, 0.0),
            length => (length, along),
        };
        for (dx, unit) in dx.iter_mut().zip(unit) {
            *dx = ((*dx as f64 - *unit as f64 * along) / length) as f32;
        }
    })
}

/// Shorter rows are divided by this instead of by their length, as in `torch.nn.functional.normalize`.
const MIN_LENGTH: f64 = 1e-12;

impl NtXent {
    fn rows(&self) -> usize {
        2 * self.pairs
    }

    fn partner(&self, row: usize) -> usize {
        (row + self.pairs) % self.rows()
    }

    /// Rows of length 1, and the lengths they had.
    fn normalize(&self, embeddings: &[f32]) -> (Vec<f32>, Vec<f64>) {
        assert_eq!(embeddings.len(), self.rows() * self.features);
        let rows = || embeddings.par_chunks_exact(self.features);
        let lengths: Vec<f64> =
            rows().map(|row| row.iter().map(|x| (*x as f64).powi(2)).sum::<f64>().sqrt()).collect();
        let unit = build_pieces(self.rows(), self.features, |row, unit| {
            // written so that NaN stays NaN
            let length = if lengths[row] < MIN_LENGTH { MIN_LENGTH } else { lengths[row] };
            for (unit, x) in unit.iter_mut().zip(&embeddings[row * self.features..]) {
                *unit = (*x as f64 / length) as f32;
            }
        });
        (unit, lengths)
    }

    /// (rows, rows)
    fn similarities(&self, unit: &[f32]) -> Vec<f32> {
        let unit = Matrix::new(unit, self.rows(), self.features);
        multiply(SimdLevel::current(), unit, unit.transposed())
    }

    fn logit(&self, similarity: f32) -> f64 {
        similarity as f64 / self.temperature
    }

    /// `ln Σ exp(logit)` over all rows but the row itself, with the largest taken out so that nothing overflows.
    fn log_sum_exp(&self, row: usize, similarities: &[f32]) -> f64 {
        let others = similarities.iter().enumerate().filter(|(other, _)| *other != row);
        let largest = others.clone().fold(f64::NEG_INFINITY, |max, (_, x)| max.max(self.logit(*x)));
        largest + others.map(|(_, x)| (self.logit(*x) - largest).exp()).sum::<f64>().ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, Reference, same_bits_on_any_threads};

    fn plain(shape: &NtXent, x: &[f64]) -> f64 {
        let row = |row: usize| &x[row * shape.features..][..shape.features];
        let dot = |a: usize, b: usize| row(a).iter().zip(row(b)).map(|(a, b)| a * b).sum::<f64>();
        let exp = |a, b| (dot(a, b) / (dot(a, a) * dot(b, b)).sqrt() / shape.temperature).exp();
        let rows = 2 * shape.pairs;
        let loss = |i: usize| {
            let others: f64 = (0..rows).filter(|k| *k != i).map(|k| exp(i, k)).sum();
            -(exp(i, (i + shape.pairs) % rows) / others).ln()
        };
        (0..rows).map(loss).sum::<f64>()
    }

    #[test]
    fn forward_and_backward_match_the_reference() {
        let mut random = Random::new(1);
        for temperature in [0.1, 0.5, 2.0] {
            for _ in 0..5 {
                // with one feature every row has length 1 and nothing to learn; one pair has no others
                let shape =
                    NtXent { pairs: 2 + random.below(8), features: 2 + random.below(66), temperature };
                let x = random.numbers(2 * shape.pairs * shape.features);
                let reference = Reference::new(&mut random, &[&x], |x| vec![plain(&shape, &x[0])]);
                let rows = 2.0 * shape.pairs as f32;
                reference.assert_value(&[rows * forward(&shape, &x)], &format!("{shape:?}"));
                let dx = backward(&shape, &x, rows * reference.output_gradient[0]);
                reference.assert_gradients(&[&dx], &format!("{shape:?}"));
            }
        }
    }

    #[test]
    fn extremes_stay_finite() {
        let shape = NtXent { pairs: 2, features: 2, temperature: 1e-3 };
        let x = [1e30, 0.0, 0.0, 1e-30, 1e30, 1e20, 0.0, 0.0];
        assert!(forward(&shape, &x).is_finite());
        assert!(backward(&shape, &x, 1.0).iter().all(|dx| dx.is_finite()));
        let one = NtXent { pairs: 1, features: 2, temperature: 0.5 };
        assert_eq!(forward(&one, &[1.0, 2.0, -3.0, 1.0]), 0.0);
        assert_eq!(backward(&one, &[1.0, 2.0, -3.0, 1.0], 1.0), [0.0; 4]);
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let shape = NtXent { pairs: 50, features: 33, temperature: 0.5 };
        let x = Random::new(2).numbers(100 * 33);
        same_bits_on_any_threads(|| vec![vec![forward(&shape, &x)], backward(&shape, &x, 1.0)]);
    }
}
