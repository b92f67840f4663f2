//! Transposed convolution: the gradient of a convolution as a layer, with fused bias and clamp.
//!
//! Every pass is one of the convolution's own, whose x is this layer's y and whose y is this layer's x. A [`Conv`]
//! here is that convolution: x (batch, out_height, out_width, out_channels), weight (kernel_height, kernel_width,
//! in_channels, out_channels), bias (in_channels), y (batch, height, width, in_channels).
//! (Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, section 4.)

use super::clamp::Clamp;
use super::conv::{self, Conv};
use super::simd::{Kernel, SimdLevel, Vector};
use super::{OutputGradient, PIECE, windows};
use rayon::prelude::*;

/// `clamp(transposed conv(x, weight) + bias?)`.
///
/// # Panics
/// When a slice's length is not that of the shape.
pub fn forward(conv: &Conv, x: &[f32], weight: &[f32], bias: Option<&[f32]>, clamp: Clamp) -> Vec<f32> {
    assert!(bias.is_none_or(|bias| bias.len() == conv.in_channels));
    let mut y = conv::input_gradient(conv, weight, OutputGradient::whole(x));
    if bias.is_none() && clamp == Clamp::None {
        return y;
    }
    let (level, zeros) = (SimdLevel::current(), vec![0.0; conv.in_channels]);
    let bias = bias.unwrap_or(&zeros);
    let pixels = (PIECE / conv.in_channels).max(1);
    y.par_chunks_mut(pixels * conv.in_channels).for_each(|y| level.run(AddBias { bias, clamp, y }));
    y
}

/// The gradient of x, shaped as x.
///
/// # Panics
/// When a slice's length is not that of the shape.
pub fn input_gradient(conv: &Conv, weight: &[f32], output: OutputGradient) -> Vec<f32> {
    conv::forward(conv, &output.through_clamp(), weight, None, Clamp::None)
}

/// The gradient of weight and, where it is wanted, that of bias, summed over the batch.
///
/// # Panics
/// When a slice's length is not that of the shape.
pub fn weight_gradient(
    conv: &Conv,
    x: &[f32],
    output: OutputGradient,
    with_bias: bool,
) -> (Vec<f32>, Option<Vec<f32>>) {
    let gradient = output.through_clamp();
    let as_output = OutputGradient::whole(x);
    let (weight, _) = conv::weight_gradient(conv, &gradient, as_output, false);
    let sums = || windows::channel_sums(conv.batch, conv.height * conv.width, conv.in_channels, &gradient);
    (weight, with_bias.then(sums))
}

struct AddBias<'a> {
    bias: &'a [f32],
    clamp: Clamp,
    y: &'a mut [f32],
}

impl Kernel for AddBias<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let clamp = self.clamp.of_numbers();
        for y in self.y.chunks_exact_mut(self.bias.len()) {
            for (y, bias) in y.iter_mut().zip(self.bias) {
                *y = clamp(*y + bias);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::padding::Padding;
    use crate::kernels::testing::{Random, Reference, at_every_level, same_bits_on_any_threads};

    fn plain(conv: &Conv, inputs: &[Vec<f64>], clamp: Clamp) -> Vec<f64> {
        let [x, weight, bias] = inputs else { panic!("three inputs") };
        let Conv { batch, height, width, in_channels, out_channels, stride, padding, .. } = *conv;
        let mut y: Vec<f64> =
            bias.iter().copied().cycle().take(batch * height * width * in_channels).collect();
        for (pixel, x) in x.chunks_exact(out_channels).enumerate() {
            let column = pixel % conv.out_width();
            let row = pixel / conv.out_width() % conv.out_height();
            let image = pixel / conv.out_width() / conv.out_height();
            for (tap, weight) in weight.chunks_exact(in_channels * out_channels).enumerate() {
                let to_row = row * stride + tap / conv.kernel_width;
                let to_column = column * stride + tap % conv.kernel_width;
                let inside =
                    |at: usize, before: usize, len: usize| at.checked_sub(before).filter(|at| *at < len);
                let (Some(to_row), Some(to_column)) =
                    (inside(to_row, padding.top, height), inside(to_column, padding.left, width))
                else {
                    continue;
                };
                let to = ((image * height + to_row) * width + to_column) * in_channels;
                for (channel, weight) in weight.chunks_exact(out_channels).enumerate() {
                    y[to + channel] += weight.iter().zip(x).map(|(weight, x)| weight * x).sum::<f64>();
                }
            }
        }
        y.iter().map(|y| clamp.plain(*y)).collect()
    }

    #[test]
    fn forward_and_backward_match_the_reference() {
        let mut random = Random::new(1);
        for round in 0..24 {
            let (stride, kernel_height, kernel_width) =
                (1 + random.below(3), 1 + random.below(5), 1 + random.below(5));
            let padding = random.below(kernel_height.min(kernel_width));
            let mut size = |kernel: usize| {
                let len = (random.below(5) * stride + kernel + random.below(stride)) as isize
                    - 2 * padding as isize;
                if len > 0 { len as usize } else { 2 * stride + kernel }
            };
            let (height, width) = (size(kernel_height), size(kernel_width));
            let conv = Conv {
                batch: 1 + random.below(9),
                height,
                width,
                in_channels: 1 + random.below(67),
                kernel_height,
                kernel_width,
                out_channels: 1 + random.below(67),
                stride,
                padding: Padding::all(padding),
            };
            let clamp = Clamp::ALL[round % 3];
            let x = random.numbers(conv.batch * conv.out_height() * conv.out_width() * conv.out_channels);
            let weight = random.numbers(kernel_height * kernel_width * conv.in_channels * conv.out_channels);
            let bias = random.numbers(conv.in_channels);
            let reference =
                Reference::new(&mut random, &[&x, &weight, &bias], |inputs| plain(&conv, inputs, clamp));
            at_every_level(|| {
                let what = format!("{conv:?}, {clamp:?}");
                let y = forward(&conv, &x, &weight, Some(&bias), clamp);
                reference.assert_value(&y, &what);
                let output = OutputGradient::new(&reference.output_gradient, clamp, &y);
                let dx = input_gradient(&conv, &weight, output);
                let (dw, db) = weight_gradient(&conv, &x, output, true);
                assert_eq!(weight_gradient(&conv, &x, output, false), (dw.clone(), None));
                reference.assert_gradients(&[&dx, &dw, &db.unwrap()], &what);
                let zeros = vec![0.0; bias.len()];
                assert_eq!(
                    forward(&conv, &x, &weight, None, clamp),
                    forward(&conv, &x, &weight, Some(&zeros), clamp)
                );
            });
        }
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let conv = Conv {
            batch: 5,
            height: 27,
            width: 14,
            in_channels: 19,
            kernel_height: 4,
            kernel_width: 3,
            out_channels: 33,
            stride: 2,
            padding: Padding::all(1),
        };
        let mut random = Random::new(2);
        let x = random.numbers(5 * conv.out_height() * conv.out_width() * 33);
        let (weight, bias) = (random.numbers(4 * 3 * 19 * 33), random.numbers(19));
        same_bits_on_any_threads(|| {
            let y = forward(&conv, &x, &weight, Some(&bias), Clamp::Relu);
            let output = OutputGradient::new(&y, Clamp::Relu, &y);
            let (dw, db) = weight_gradient(&conv, &x, output, true);
            let dx = input_gradient(&conv, &weight, output);
            vec![y, dx, dw, db.unwrap()]
        });
    }
}
