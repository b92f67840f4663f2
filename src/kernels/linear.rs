//! Fully connected layer with fused bias and ReLU.

use super::frame::copy_where_positive;
use super::gemm::{Gemm, Transpose};
use super::simd::Level;
use super::{OutputGradient, Scratch, build_pieces, write_pieces};
use rayon::prelude::*;
use std::borrow::Cow;
use std::mem::MaybeUninit;

/// Inputs that one partial sum of an output adds up, at least, and partial sums, at most: more would use more threads
/// and more memory.
const MIN_INPUTS: usize = 128;
const PARTIAL_SUMS: usize = 8;
/// Inputs whose gradients are worked out together: a few tiles high.
const INPUT_BLOCK: usize = 112;

/// The shape of a linear layer: x (batch, inputs), weight (inputs, outputs), bias (outputs), y (batch, outputs).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    pub batch: usize,
    pub inputs: usize,
    pub outputs: usize,
}

/// `relu?(x · weight + bias)`.
///
/// # Panics
/// When a slice does not have the shape.
pub fn forward(linear: &Linear, x: &[f32], weight: &[f32], bias: &[f32], relu: bool) -> Vec<f32> {
    let Linear { batch, inputs, outputs } = *linear;
    linear.check(x, weight);
    assert_eq!(bias.len(), outputs);
    let level = Level::current();
    let part = inputs.div_ceil(PARTIAL_SUMS).max(MIN_INPUTS);
    let multiply = |index: usize, out: &mut [MaybeUninit<f32>]| {
        let (first, len) = (index * part, part.min(inputs - index * part));
        let mut a = Scratch::new();
        copy_columns(x, inputs, (first, len), &mut a);
        let b = &weight[first * outputs..][..len * outputs];
        level.run(Gemm { a: &a, a_row: len, a_step: 1, b, columns: outputs, out });
    };
    // SAFETY: `Gemm` writes every number.
    let parts = unsafe { write_pieces(inputs.div_ceil(part), batch * outputs, multiply) };
    build_pieces(batch, outputs, |row, y| {
        y.copy_from_slice(bias);
        for part in parts.chunks_exact(batch * outputs) {
            add(&part[row * outputs..][..outputs], y);
        }
        if relu {
            // written so that NaN stays NaN
            y.iter_mut().filter(|y| **y < 0.0).for_each(|y| *y = 0.0);
        }
    })
}

/// The gradient of x (batch, inputs).
///
/// # Panics
/// When a slice does not have the shape.
pub fn input_gradient(linear: &Linear, weight: &[f32], output: OutputGradient) -> Vec<f32> {
    let Linear { batch, inputs, outputs } = *linear;
    let gradient = through_relu(output);
    linear.check_output(&gradient);
    assert_eq!(weight.len(), inputs * outputs);
    let level = Level::current();
    // the weights are read as they lie, which gives the gradient the wrong way round
    let turned = transpose(level, &gradient, outputs);
    let blocks: Vec<Vec<f32>> = weight
        .par_chunks(INPUT_BLOCK * outputs)
        .map(|a| {
            let len = a.len() / outputs * batch;
            let mut product = Scratch::new();
            product.clear();
            product.reserve(len);
            let out = &mut product.spare_capacity_mut()[..len];
            level.run(Gemm { a, a_row: outputs, a_step: 1, b: &turned, columns: batch, out });
            // SAFETY: `Gemm` wrote every number.
            unsafe { product.set_len(len) };
            transpose(level, &product, batch)
        })
        .collect();
    let assemble = |row: usize, dx: &mut [MaybeUninit<f32>]| {
        for (dx, block) in dx.chunks_mut(INPUT_BLOCK).zip(&blocks) {
            dx.write_copy_of_slice(&block[row * dx.len()..][..dx.len()]);
        }
    };
    // SAFETY: the blocks cover the row.
    unsafe { write_pieces(batch, inputs, assemble) }
}

/// The gradients of weight (inputs, outputs) and bias (outputs), summed over the batch.
///
/// # Panics
/// When a slice does not have the shape.
pub fn weight_gradient(linear: &Linear, x: &[f32], output: OutputGradient) -> (Vec<f32>, Vec<f32>) {
    let Linear { inputs, outputs, .. } = *linear;
    let gradient = through_relu(output);
    linear.check_output(&gradient);
    assert_eq!(x.len(), linear.batch * inputs);
    let level = Level::current();
    let mut weight = Vec::with_capacity(inputs * outputs);
    let blocks = weight.spare_capacity_mut()[..inputs * outputs].par_chunks_mut(INPUT_BLOCK * outputs);
    blocks.enumerate().for_each(|(index, out)| {
        let len = out.len() / outputs;
        let mut a = Scratch::new();
        copy_columns(x, inputs, (index * INPUT_BLOCK, len), &mut a);
        level.run(Gemm { a: &a, a_row: 1, a_step: len, b: &gradient, columns: outputs, out });
    });
    // SAFETY: `Gemm` wrote every number of every block.
    unsafe { weight.set_len(inputs * outputs) };
    let mut bias = vec![0.0; outputs];
    gradient.chunks_exact(outputs).for_each(|row| add(row, &mut bias));
    (weight, bias)
}

impl Linear {
    fn check(&self, x: &[f32], weight: &[f32]) {
        assert_eq!((x.len(), weight.len()), (self.batch * self.inputs, self.inputs * self.outputs));
        assert!(self.batch * self.inputs * self.outputs > 0);
    }

    fn check_output(&self, gradient: &[f32]) {
        assert_eq!(gradient.len(), self.batch * self.outputs);
        assert!(!gradient.is_empty());
    }
}

/// `len` columns of x (rows, columns) from `first` on, one after the other: rows that lie a power of two apart would
/// push each other out of the cache.
fn copy_columns(x: &[f32], columns: usize, (first, len): (usize, usize), out: &mut Vec<f32>) {
    out.clear();
    x.chunks_exact(columns).for_each(|row| out.extend_from_slice(&row[first..][..len]));
}

/// From (rows, columns) to (columns, rows).
fn transpose(level: Level, matrix: &[f32], columns: usize) -> Vec<f32> {
    let mut turned = Vec::with_capacity(matrix.len());
    level.run(Transpose { from: matrix, columns, to: &mut turned.spare_capacity_mut()[..matrix.len()] });
    // SAFETY: `Transpose` wrote every number.
    unsafe { turned.set_len(matrix.len()) };
    turned
}

fn add(numbers: &[f32], sums: &mut [f32]) {
    for (sum, number) in sums.iter_mut().zip(numbers) {
        *sum += number;
    }
}

fn through_relu(output: OutputGradient<'_>) -> Cow<'_, [f32]> {
    let Some(y) = output.relu_output else { return Cow::Borrowed(output.gradient) };
    assert_eq!(y.len(), output.gradient.len());
    let mut gradient = vec![0.0; y.len()];
    copy_where_positive(output.gradient, y, &mut gradient);
    Cow::Owned(gradient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, assert_close, same_bits_on_any_threads};

    #[test]
    fn forward_and_backward_match_the_reference() {
        let mut random = Random::new(1);
        for (batch, inputs, outputs) in [(1, 1, 1), (1, 67, 10), (9, 33, 1), (7, 300, 65), (64, 128, 10)] {
            let linear = Linear { batch, inputs, outputs };
            let (x, weight) = (random.numbers(batch * inputs), random.numbers(inputs * outputs));
            let (bias, dy) = (random.numbers(outputs), random.numbers(batch * outputs));
            for relu in [false, true] {
                let (mut y, mut dx) = (vec![0.0; dy.len()], vec![0.0; x.len()]);
                let (mut dw, mut db) = (vec![0.0; weight.len()], vec![0.0; outputs]);
                for b in 0..batch {
                    for o in 0..outputs {
                        let terms = (0..inputs).map(|i| (x[b * inputs + i] * weight[i * outputs + o]) as f64);
                        let sum = (terms.sum::<f64>() + bias[o] as f64) as f32;
                        y[b * outputs + o] = if relu { sum.max(0.0) } else { sum };
                        let g = if relu && sum <= 0.0 { 0.0 } else { dy[b * outputs + o] };
                        db[o] += g;
                        for i in 0..inputs {
                            dx[b * inputs + i] += g * weight[i * outputs + o];
                            dw[i * outputs + o] += g * x[b * inputs + i];
                        }
                    }
                }
                let output = OutputGradient { gradient: &dy, relu_output: relu.then_some(&y[..]) };
                let what = format!("{linear:?} relu {relu}");
                assert_close(&forward(&linear, &x, &weight, &bias, relu), &y, &what);
                assert_close(&input_gradient(&linear, &weight, output), &dx, &what);
                let (weight_gradient, bias_gradient) = weight_gradient(&linear, &x, output);
                assert_close(&weight_gradient, &dw, &what);
                assert_close(&bias_gradient, &db, &what);
            }
        }
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        for (batch, inputs, outputs) in
            [(64, 2304, 128), (1, 3000, 128), (64, 128, 10), (5, 700, 1), (300, 200, 300)]
        {
            let linear = Linear { batch, inputs, outputs };
            let mut random = Random::new(2);
            let (x, weight) = (random.numbers(batch * inputs), random.numbers(inputs * outputs));
            let (bias, dy) = (random.numbers(outputs), random.numbers(batch * outputs));
            same_bits_on_any_threads(|| {
                let y = forward(&linear, &x, &weight, &bias, true);
                let output = OutputGradient { gradient: &dy, relu_output: Some(&y) };
                let (dw, db) = weight_gradient(&linear, &x, output);
                let dx = input_gradient(&linear, &weight, output);
                vec![y, dx, dw, db]
            });
        }
    }
}
