//! Fully connected layer with fused bias and ReLU, over the `gemm` crate.

use super::OutputGradient;
use gemm::Parallelism;

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
    assert_eq!(bias.len(), outputs);
    let mut y = multiply(Matrix::new(x, batch, inputs), Matrix::new(weight, inputs, outputs));
    for row in y.chunks_exact_mut(outputs) {
        for (y, bias) in row.iter_mut().zip(bias) {
            let sum = *y + bias;
            // written so that NaN stays NaN
            *y = if relu && sum < 0.0 { 0.0 } else { sum };
        }
    }
    y
}

/// The gradient of x (batch, inputs).
///
/// # Panics
/// When a slice does not have the shape.
pub fn input_gradient(linear: &Linear, weight: &[f32], output: OutputGradient) -> Vec<f32> {
    let Linear { batch, inputs, outputs } = *linear;
    let weight = Matrix::new(weight, inputs, outputs);
    multiply(Matrix::new(&output.through_relu(), batch, outputs), weight.transposed())
}

/// The gradients of weight (inputs, outputs) and bias (outputs), summed over the batch.
///
/// # Panics
/// When a slice does not have the shape.
pub fn weight_gradient(linear: &Linear, x: &[f32], output: OutputGradient) -> (Vec<f32>, Vec<f32>) {
    let Linear { batch, inputs, outputs } = *linear;
    let gradient = output.through_relu();
    let x = Matrix::new(x, batch, inputs);
    let weight = multiply(x.transposed(), Matrix::new(&gradient, batch, outputs));
    let mut bias = vec![0.0; outputs];
    for row in gradient.chunks_exact(outputs) {
        for (sum, number) in bias.iter_mut().zip(row) {
            *sum += number;
        }
    }
    (weight, bias)
}

#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    numbers: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: isize,
    column_stride: isize,
}

impl<'a> Matrix<'a> {
    pub fn new(numbers: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(numbers.len(), rows * columns);
        Matrix { numbers, rows, columns, row_stride: columns as isize, column_stride: 1 }
    }

    pub fn transposed(self) -> Self {
        let (rows, columns) = (self.columns, self.rows);
        Matrix { rows, columns, row_stride: self.column_stride, column_stride: self.row_stride, ..self }
    }
}

/// `a · b`, row by row. gemm shares out rows and columns of the product, never the terms of one number, so the number
/// of threads changes no bits.
pub(super) fn multiply(a: Matrix, b: Matrix) -> Vec<f32> {
    let (rows, columns, depth) = (a.rows, b.columns, a.columns);
    assert!(b.rows == depth && depth > 0);
    let mut product = Vec::with_capacity(rows * columns);
    let (read_product, conjugate) = (false, false);
    // SAFETY: `Matrix` vouches that both slices hold all the numbers their strides reach, and gemm writes each of the
    // rows × columns numbers that the product has room for before they count as its own.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            product.as_mut_ptr(),
            1,
            columns as isize,
            read_product,
            a.numbers.as_ptr(),
            a.column_stride,
            a.row_stride,
            b.numbers.as_ptr(),
            b.column_stride,
            b.row_stride,
            0.0,
            1.0,
            conjugate,
            conjugate,
            conjugate,
            Parallelism::Rayon(0),
        );
        product.set_len(rows * columns);
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, Reference, same_bits_on_any_threads};

    fn plain(linear: &Linear, inputs: &[Vec<f64>], relu: bool) -> Vec<f64> {
        let [x, weight, bias] = inputs else { panic!("three inputs") };
        let of_row = |row: usize| {
            (0..linear.outputs).map(move |output| {
                let terms = (0..linear.inputs)
                    .map(|input| x[row * linear.inputs + input] * weight[input * linear.outputs + output]);
                let sum = terms.sum::<f64>() + bias[output];
                if relu { sum.max(0.0) } else { sum }
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
            for relu in [false, true] {
                let reference =
                    Reference::new(&mut random, &[&x, &weight, &bias], |inputs| plain(&linear, inputs, relu));
                let what = format!("{linear:?} relu {relu}");
                let y = forward(&linear, &x, &weight, &bias, relu);
                reference.assert_value(&y, &what);
                let gradient = &reference.output_gradient;
                let output = OutputGradient { gradient, relu_output: relu.then_some(&y) };
                let dx = input_gradient(&linear, &weight, output);
                let (dw, db) = weight_gradient(&linear, &x, output);
                reference.assert_gradients(&[&dx, &dw, &db], &what);
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
