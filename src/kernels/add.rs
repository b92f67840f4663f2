//! The sum of two tensors with fused ReLU, as at the end of a residual block.
//!
//! He et al., "Deep residual learning for image recognition", 2016, equation 1.

use super::simd::{Kernel, SimdLevel, Vector};
use super::{PIECE, build_chunks};

/// `relu?(a + b)`. The gradient of either is that of the output before its ReLU.
///
/// # Panics
/// When the slices differ in length.
pub fn forward(a: &[f32], b: &[f32], relu: bool) -> Vec<f32> {
    assert_eq!(a.len(), b.len());
    let level = SimdLevel::current();
    build_chunks(a.len(), PIECE, |index, y| {
        let piece = index * PIECE..index * PIECE + y.len();
        level.run(Forward { a: &a[piece.clone()], b: &b[piece], relu, y });
    })
}

struct Forward<'a> {
    a: &'a [f32],
    b: &'a [f32],
    relu: bool,
    y: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let Forward { a, b, relu, y } = self;
        for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
            let sum = a + b;
            // written so that NaN stays NaN
            *y = if relu && sum < 0.0 { 0.0 } else { sum };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::OutputGradient;
    use crate::kernels::testing::{Random, Reference, at_every_level, same_bits_on_any_threads};

    #[test]
    fn forward_and_backward_match_the_reference() {
        let mut random = Random::new(1);
        for (len, relu) in [1, 7, 67, 20_001].into_iter().flat_map(|len| [(len, false), (len, true)]) {
            let (a, b) = (random.numbers(len), random.numbers(len));
            let reference = Reference::new(&mut random, &[&a, &b], |x| {
                let sums = x[0].iter().zip(&x[1]).map(|(a, b)| a + b);
                sums.map(|sum| if relu { sum.max(0.0) } else { sum }).collect()
            });
            at_every_level(|| {
                let what = format!("{len} numbers, ReLU {relu}");
                let y = forward(&a, &b, relu);
                reference.assert_value(&y, &what);
                let relu_output = relu.then_some(&y[..]);
                let output = OutputGradient { gradient: &reference.output_gradient, relu_output };
                let gradient = output.through_relu();
                reference.assert_gradients(&[&gradient, &gradient], &what);
            });
        }
    }

    #[test]
    fn nan_stays_nan() {
        at_every_level(|| assert!(forward(&[f32::NAN], &[1.0], true)[0].is_nan()));
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let mut random = Random::new(2);
        let (a, b) = (random.numbers(50_001), random.numbers(50_001));
        same_bits_on_any_threads(|| vec![forward(&a, &b, true)]);
    }
}
