//! Fully connected layer with fused bias and clamp.

use super::clamp::Clamp;
use super::gemm::{Gemm, multiply_transposed, transpose};
use super::simd::{Kernel, SimdLevel, Vector};
use super::{OutputGradient, Scratch, build_chunks, build_pieces, write_chunks};
use std::mem::MaybeUninit;

/// Inputs that one partial sum of an output adds up, at least, and partial sums, at most: more would use more threads
/// and more memory.
const MIN_INPUTS: usize = 128;
const PARTIAL_SUMS: usize = 8;
/// Numbers in all partial sums of a batch, at most: many rows are enough work for all threads without them.
const PARTIAL_NUMBERS: usize = 1 << 22;
/// Inputs whose weights' gradients are computed together: a few tiles high.
const INPUT_BLOCK: usize = 112;
/// As [`INPUT_BLOCK`], of many rows, which are long work.
const MANY_ROWS_INPUT_BLOCK: usize = 96;
/// Rows that are work enough for all threads.
const MANY_ROWS: usize = 1024;
/// Rows that are then computed together: a few tiles high.
const ROW_BLOCK: usize = 84;
/// Outputs whose gradients are added up together.
const OUTPUT_BLOCK: usize = 128;

/// The shape of a linear layer: x (batch, inputs), weight (inputs, outputs), bias (outputs), y (batch, outputs).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// Rows of x.
    pub batch: usize,
    /// Features of x.
    pub inputs: usize,
    /// Features of y.
    pub outputs: usize,
}

/// `clamp(x · weight + bias?)`.
///
/// # Panics
/// When a slice does not have the shape.
pub fn forward(linear: &Linear, x: &[f32], weight: &[f32], bias: Option<&[f32]>, clamp: Clamp) -> Vec<f32> {
    let Linear { batch, outputs, .. } = *linear;
    linear.check(x, weight);
    assert!(bias.is_none_or(|bias| bias.len() == outputs));
    let level = SimdLevel::current();
    if linear.has_many_rows() {
        let write = |index: usize, y: &mut [MaybeUninit<f32>]| {
            let x = &x[index * ROW_BLOCK * linear.inputs..];
            let b = weight;
            level.run(Gemm { a: x, a_row: linear.inputs, a_step: 1, b, columns: outputs, out: y });
            // SAFETY: `Gemm` has written every number.
            let y = unsafe { y.assume_init_mut() };
            level.run(Finish { bias, clamp, y, outputs });
        };
        // SAFETY: `Gemm` writes every number.
        return unsafe { write_chunks(batch * outputs, ROW_BLOCK * outputs, write) };
    }
    let parts = linear.products(level, x, weight);
    build_pieces(batch, outputs, |row, y| {
        if let Some(bias) = bias {
            y.copy_from_slice(bias);
        }
        for part in parts.chunks_exact(batch * outputs) {
            add(&part[row * outputs..][..outputs], y);
        }
        if clamp != Clamp::None {
            let clamp = clamp.of_numbers();
            y.iter_mut().for_each(|y| *y = clamp(*y));
        }
    })
}

/// The gradient of x (batch, inputs).
///
/// # Panics
/// When a slice does not have the shape.
pub fn input_gradient(linear: &Linear, weight: &[f32], output: OutputGradient) -> Vec<f32> {
    let Linear { batch, inputs, outputs } = *linear;
    let gradient = output.through_clamp();
    linear.check_output(&gradient);
    assert_eq!(weight.len(), inputs * outputs);
    let level = SimdLevel::current();
    if linear.has_many_rows() {
        let turned = transpose(level, weight, outputs);
        let write = |index: usize, out: &mut [MaybeUninit<f32>]| {
            let a = &gradient[index * ROW_BLOCK * outputs..];
            level.run(Gemm { a, a_row: outputs, a_step: 1, b: &turned, columns: inputs, out });
        };
        // SAFETY: `Gemm` writes every number.
        return unsafe { write_chunks(batch * inputs, ROW_BLOCK * inputs, write) };
    }
    // the weights are read as they are stored, which gives the transposed gradient
    multiply_transposed(level, weight, &transpose(level, &gradient, outputs), batch)
}

/// The gradient of weight (inputs, outputs) and, where it is wanted, that of bias (outputs), summed over the batch.
///
/// # Panics
/// When a slice does not have the shape.
pub fn weight_gradient(
    linear: &Linear,
    x: &[f32],
    output: OutputGradient,
    with_bias: bool,
) -> (Vec<f32>, Option<Vec<f32>>) {
    let Linear { inputs, outputs, .. } = *linear;
    let gradient = output.through_clamp();
    linear.check_output(&gradient);
    assert_eq!(x.len(), linear.batch * inputs);
    let level = SimdLevel::current();
    let block = if linear.has_many_rows() { MANY_ROWS_INPUT_BLOCK } else { INPUT_BLOCK };
    let multiply = |index: usize, out: &mut [MaybeUninit<f32>]| {
        let len = out.len() / outputs;
        let mut a = Scratch::new();
        let a = copy_columns(x, inputs, (index * block, len), &mut a);
        level.run(Gemm { a, a_row: 1, a_step: len, b: &gradient, columns: outputs, out });
    };
    // SAFETY: `Gemm` writes every number.
    let weight = unsafe { write_chunks(inputs * outputs, block * outputs, multiply) };
    (weight, with_bias.then(|| bias_gradient(level, &gradient, outputs)))
}

/// The sums of the columns of a gradient (rows, outputs): each thread adds up columns of its own.
pub(super) fn bias_gradient(level: SimdLevel, gradient: &[f32], outputs: usize) -> Vec<f32> {
    build_chunks(outputs, OUTPUT_BLOCK, |index, sums| {
        let rows = &gradient[index * OUTPUT_BLOCK..];
        level.run(AddColumns { rows, row_len: outputs, sums });
    })
}

impl Linear {
    /// x · weight as partial sums, each (batch, outputs).
    fn products(&self, level: SimdLevel, x: &[f32], weight: &[f32]) -> Vec<f32> {
        let Linear { batch, inputs, outputs } = *self;
        let part = self.part();
        let total = inputs.div_ceil(part) * batch * outputs;
        let multiply = |index: usize, out: &mut [MaybeUninit<f32>]| {
            let (first, len) = (index * part, part.min(inputs - index * part));
            let mut a = Scratch::new();
            let a = copy_columns(x, inputs, (first, len), &mut a);
            let b = &weight[first * outputs..][..len * outputs];
            level.run(Gemm { a, a_row: len, a_step: 1, b, columns: outputs, out });
        };
        // SAFETY: `Gemm` writes every number.
        unsafe { write_chunks(total, batch * outputs, multiply) }
    }

    /// Inputs of one partial sum.
    fn part(&self) -> usize {
        self.inputs.div_ceil(PARTIAL_SUMS).max(MIN_INPUTS)
    }

    /// Whether the rows are work enough for all threads.
    fn has_many_rows(&self) -> bool {
        let partial_numbers = self.inputs.div_ceil(self.part()) * self.batch * self.outputs;
        self.batch >= MANY_ROWS || partial_numbers > PARTIAL_NUMBERS
    }

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
fn copy_columns<'a>(
    x: &[f32],
    columns: usize,
    (first, len): (usize, usize),
    scratch: &'a mut Scratch,
) -> &'a [f32] {
    let out = scratch.numbers(x.len() / columns * len);
    for (row, out) in x.chunks_exact(columns).zip(out.chunks_exact_mut(len)) {
        out.copy_from_slice(&row[first..][..len]);
    }
    out
}

/// `clamp(y + bias?)` for y (rows, outputs).
struct Finish<'a> {
    bias: Option<&'a [f32]>,
    clamp: Clamp,
    y: &'a mut [f32],
    outputs: usize,
}

impl Kernel for Finish<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let clamp = self.clamp.of_numbers();
        for y in self.y.chunks_exact_mut(self.outputs) {
            match self.bias {
                Some(bias) => y.iter_mut().zip(bias).for_each(|(y, bias)| *y = clamp(*y + bias)),
                None => y.iter_mut().for_each(|y| *y = clamp(*y)),
            }
        }
    }
}

/// Adds to `sums` (columns) the first columns of each row.
struct AddColumns<'a> {
    rows: &'a [f32],
    row_len: usize,
    sums: &'a mut [f32],
}

impl Kernel for AddColumns<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        for row in self.rows.chunks(self.row_len) {
            for (sum, number) in self.sums.iter_mut().zip(row) {
                *sum += number;
            }
        }
    }
}

fn add(numbers: &[f32], sums: &mut [f32]) {
    for (sum, number) in sums.iter_mut().zip(numbers) {
        *sum += number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{
        Random, Reference, assert_close, at_every_level, same_bits_on_any_threads,
    };

    fn plain(linear: &Linear, inputs: &[Vec<f64>], clamp: Clamp) -> Vec<f64> {
        let [x, weight, bias] = inputs else { panic!("three inputs") };
        let of_row = |row: usize| {
            (0..linear.outputs).map(move |output| {
                let terms = (0..linear.inputs)
                    .map(|input| x[row * linear.inputs + input] * weight[input * linear.outputs + output]);
                clamp.plain(terms.sum::<f64>() + bias[output])
            })
        };
        (0..linear.batch).flat_map(of_row).collect()
    }

    #[test]
    fn forward_and_backward_match_the_reference() {
        let mut random = Random::new(1);
        let mut shapes = vec![(1, 1, 1), (1, 67, 10), (9, 33, 1), (7, 300, 65), (64, 128, 10)];
        shapes.extend((0..20).map(|_| (1 + random.below(9), 1 + random.below(67), 1 + random.below(67))));
        for (batch, inputs, outputs) in shapes {
            let linear = Linear { batch, inputs, outputs };
            let (x, weight) = (random.numbers(batch * inputs), random.numbers(inputs * outputs));
            let bias = random.numbers(outputs);
            for clamp in Clamp::ALL {
                let reference = Reference::new(&mut random, &[&x, &weight, &bias], |inputs| {
                    plain(&linear, inputs, clamp)
                });
                let what = format!("{linear:?} {clamp:?}");
                let y = forward(&linear, &x, &weight, Some(&bias), clamp);
                reference.assert_value(&y, &what);
                let gradient = &reference.output_gradient;
                let output = OutputGradient::new(gradient, clamp, &y);
                let dx = input_gradient(&linear, &weight, output);
                let (dw, db) = weight_gradient(&linear, &x, output, true);
                assert_eq!(weight_gradient(&linear, &x, output, false), (dw.clone(), None));
                reference.assert_gradients(&[&dx, &dw, &db.unwrap()], &what);
                let zeros = vec![0.0; bias.len()];
                assert_eq!(
                    forward(&linear, &x, &weight, None, clamp),
                    forward(&linear, &x, &weight, Some(&zeros), clamp)
                );
            }
        }
    }

    #[test]
    fn many_rows_match_few() {
        let linear = Linear { batch: 3000, inputs: 300, outputs: 500 };
        let mut random = Random::new(3);
        let (x, weight) = (random.numbers(3000 * 300), random.numbers(300 * 500));
        let bias = random.numbers(500);
        at_every_level(|| {
            let y = forward(&linear, &x, &weight, Some(&bias), Clamp::Relu);
            for rows in [0..20, 1490..1510, 2980..3000] {
                let few = Linear { batch: 20, ..linear };
                let expected =
                    forward(&few, &x[rows.start * 300..rows.end * 300], &weight, Some(&bias), Clamp::Relu);
                assert_close(&y[rows.start * 500..rows.end * 500], &expected, "rows");
            }
        });
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        for (batch, inputs, outputs) in
            [(64, 2304, 128), (1, 3000, 128), (64, 128, 10), (5, 700, 1), (300, 200, 300), (3000, 300, 500)]
        {
            let linear = Linear { batch, inputs, outputs };
            let mut random = Random::new(2);
            let (x, weight) = (random.numbers(batch * inputs), random.numbers(inputs * outputs));
            let (bias, dy) = (random.numbers(outputs), random.numbers(batch * outputs));
            same_bits_on_any_threads(|| {
                let y = forward(&linear, &x, &weight, Some(&bias), Clamp::Relu);
                let output = OutputGradient::new(&dy, Clamp::Relu, &y);
                let (dw, db) = weight_gradient(&linear, &x, output, true);
                let dx = input_gradient(&linear, &weight, output);
                vec![y, dx, dw, db.unwrap()]
            });
        }
    }
}
