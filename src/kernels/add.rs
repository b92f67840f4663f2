//! The sum of two tensors with fused clamp, as at the end of a residual block.
//!
//! He et al., "Deep residual learning for image recognition", 2016, equation 1.

use super::clamp::Clamp;
use super::simd::{Kernel, SimdLevel, Vector};
use super::{PIECE, build_chunks};

/// `clamp(a + b)`. The gradient of either is that of the output before its clamp.
///
/// # Panics
/// When the slices differ in length.
pub fn forward(a: &[f32], b: &[f32], clamp: Clamp) -> Vec<f32> {
    assert_eq!(a.len(), b.len());
    let level = SimdLevel::current();
    build_chunks(a.len(), PIECE, |index, y| {
        let piece = index * PIECE..index * PIECE + y.len();
        level.run(Forward { a: &a[piece.clone()], b: &b[piece], clamp, y });
    })
}

struct Forward<'a> {
    a: &'a [f32],
    b: &'a [f32],
    clamp: Clamp,
    y: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let Forward { a, b, clamp, y } = self;
        let clamp = clamp.of_numbers();
        for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
            *y = clamp(a + b);
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
        for (len, clamp) in
            [1, 7, 67, 20_001].into_iter().flat_map(|len| Clamp::ALL.map(|clamp| (len, clamp)))
        {
            let mut numbers = || random.numbers(len).iter().map(|x| 6.0 * x).collect::<Vec<f32>>();
            let (a, b) = (numbers(), numbers());
            let reference = Reference::new(&mut random, &[&a, &b], |x| {
                let sums = x[0].iter().zip(&x[1]).map(|(a, b)| a + b);
                sums.map(|sum| clamp.plain(sum)).collect()
            });
            at_every_level(|| {
                let what = format!("{len} numbers, {clamp:?}");
                let y = forward(&a, &b, clamp);
                reference.assert_value(&y, &what);
                let output = OutputGradient::new(&reference.output_gradient, clamp, &y);
                let gradient = output.through_clamp();
                reference.assert_gradients(&[&gradient, &gradient], &what);
            });
        }
    }

    #[test]
    fn nan_stays_nan() {
        at_every_level(|| assert!(forward(&[f32::NAN], &[1.0], Clamp::Relu)[0].is_nan()));
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let mut random = Random::new(2);
        let (a, b) = (random.numbers(50_001), random.numbers(50_001));
        same_bits_on_any_threads(|| vec![forward(&a, &b, Clamp::Relu)]);
    }
}
