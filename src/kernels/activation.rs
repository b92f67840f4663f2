//! Activation functions and their gradients.

use super::clamp::Clamp;
use super::math::{normal, sigmoid, tanh};
use super::simd::{Kernel, SimdLevel, Vector};
use super::{PIECE, build_chunks};

/// What a layer applies to its output, number by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// The identity.
    None,
    /// max(x, 0), with slope 0 at 0.
    Relu,
    /// min(max(x, 0), 6), with slope 0 at 0 and at 6 (Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010).
    Relu6,
    /// x above zero, else [`LEAKY_SLOPE`] x (Radford, Metz and Chintala, "Unsupervised representation learning with
    /// deep convolutional generative adversarial networks", 2016).
    LeakyRelu,
    /// x Φ(x), with the exact normal distribution (Hendrycks and Gimpel, "Gaussian error linear units", 2016).
    Gelu,
    /// x / (1 + e^−x) (Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units", 2018).
    Silu,
    /// 1 / (1 + e^−x).
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
}

/// Of [`Activation::LeakyRelu`] below zero.
pub const LEAKY_SLOPE: f32 = 0.2;

impl Activation {
    /// Every activation, for tests and benchmarks.
    pub const ALL: [Activation; 8] = [
        Activation::None,
        Activation::Relu,
        Activation::Relu6,
        Activation::LeakyRelu,
        Activation::Gelu,
        Activation::Silu,
        Activation::Sigmoid,
        Activation::Tanh,
    ];

    /// As people write it; empty for none.
    pub fn label(self) -> &'static str {
        match self {
            Activation::None => "",
            Activation::Relu => "ReLU",
            Activation::Relu6 => "ReLU6",
            Activation::LeakyRelu => "leaky ReLU",
            Activation::Gelu => "GELU",
            Activation::Silu => "SiLU",
            Activation::Sigmoid => "sigmoid",
            Activation::Tanh => "tanh",
        }
    }
}

/// The activation of each number.
pub fn forward(activation: Activation, x: &[f32]) -> Vec<f32> {
    let level = SimdLevel::current();
    build_chunks(x.len(), PIECE, |index, y| {
        level.run(Forward { activation, x: &x[index * PIECE..][..y.len()], y });
    })
}

/// The gradient of x: the gradient of the output times the slope at x. Those of ReLU and
/// ReLU6 may be taken from their output for x.
///
/// # Panics
/// When the slices differ in length.
pub fn backward(activation: Activation, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    assert_eq!(x.len(), gradient.len());
    let level = SimdLevel::current();
    build_chunks(x.len(), PIECE, |index, dx| {
        let piece = index * PIECE..index * PIECE + dx.len();
        level.run(Backward { activation, x: &x[piece.clone()], gradient: &gradient[piece], dx });
    })
}

struct Forward<'a> {
    activation: Activation,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let Forward { activation, x, y } = self;
        match activation {
            Activation::None => y.copy_from_slice(x),
            // written so that NaN stays NaN
            Activation::Relu => map(x, y, |x| if x < 0.0 { 0.0 } else { x }),
            Activation::Relu6 => map(x, y, Clamp::Relu6.of_numbers()),
            Activation::LeakyRelu => map(x, y, |x| if x < 0.0 { LEAKY_SLOPE * x } else { x }),
            Activation::Gelu => map(x, y, |x| x * normal(x).0),
            Activation::Silu => map(x, y, |x| x * sigmoid(x)),
            Activation::Sigmoid => map(x, y, sigmoid),
            Activation::Tanh => map(x, y, tanh),
        }
    }
}

#[inline(always)]
fn map(x: &[f32], y: &mut [f32], f: impl Fn(f32) -> f32) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = f(*x);
    }
}

struct Backward<'a> {
    activation: Activation,
    x: &'a [f32],
    gradient: &'a [f32],
    dx: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let Backward { activation, x, gradient, dx } = self;
        match activation {
            Activation::None => dx.copy_from_slice(gradient),
            Activation::Relu => map_gradient(x, gradient, dx, |x, g| if x > 0.0 { g } else { 0.0 }),
            Activation::Relu6 => {
                map_gradient(x, gradient, dx, |x, g| if (x > 0.0) & (x < 6.0) { g } else { 0.0 })
            }
            Activation::LeakyRelu => {
                map_gradient(x, gradient, dx, |x, g| if x > 0.0 { g } else { LEAKY_SLOPE * g })
            }
            Activation::Gelu => map_gradient(x, gradient, dx, |x, g| {
                let (cumulative, density) = normal(x);
                g * (cumulative + x * density)
            }),
            Activation::Silu => map_gradient(x, gradient, dx, |x, g| {
                let gate = sigmoid(x);
                g * gate * (1.0 + x * (1.0 - gate))
            }),
            Activation::Sigmoid => map_gradient(x, gradient, dx, |x, g| {
                let y = sigmoid(x);
                g * y * (1.0 - y)
            }),
            Activation::Tanh => map_gradient(x, gradient, dx, |x, g| {
                let y = tanh(x);
                g * (1.0 - y * y)
            }),
        }
    }
}

#[inline(always)]
fn map_gradient(x: &[f32], gradient: &[f32], dx: &mut [f32], f: impl Fn(f32, f32) -> f32) {
    for ((dx, x), gradient) in dx.iter_mut().zip(x).zip(gradient) {
        *dx = f(*x, *gradient);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, Reference, at_every_level, same_bits_on_any_threads};

    /// Φ by its Taylor series: exact in double precision for the small x of the tests.
    fn cumulative(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..60 {
            term *= x * x / (2 * n + 1) as f64;
            sum += term;
        }
        0.5 + sum * (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
    }

    fn plain(activation: Activation, x: f64) -> f64 {
        match activation {
            Activation::None => x,
            Activation::Relu => x.max(0.0),
            Activation::Relu6 => x.clamp(0.0, 6.0),
            Activation::LeakyRelu => x.max(0.2 * x),
            Activation::Gelu => x * cumulative(x),
            Activation::Silu => x / (1.0 + (-x).exp()),
            Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Activation::Tanh => x.tanh(),
        }
    }

    #[test]
    fn forward_and_backward_match_the_reference() {
        let mut random = Random::new(1);
        for activation in Activation::ALL {
            for len in [1, 7, 67, 20_001] {
                let x: Vec<f32> = random.numbers(len).iter().map(|x| 8.0 * x).collect();
                let reference = Reference::new(&mut random, &[&x], |x| {
                    x[0].iter().map(|x| plain(activation, *x)).collect()
                });
                at_every_level(|| {
                    let what = format!("{activation:?} of {len}");
                    reference.assert_value(&forward(activation, &x), &what);
                    reference
                        .assert_gradients(&[&backward(activation, &x, &reference.output_gradient)], &what);
                });
            }
        }
    }

    #[test]
    fn slopes_at_zero_are_those_of_pytorch() {
        let slope = |activation| backward(activation, &[0.0, -0.0], &[1.0; 2]);
        assert_eq!(slope(Activation::Relu), [0.0; 2]);
        assert_eq!(slope(Activation::Relu6), [0.0; 2]);
        assert_eq!(backward(Activation::Relu6, &[5.9, 6.0], &[1.0; 2]), [1.0, 0.0]);
        assert_eq!(slope(Activation::LeakyRelu), [0.2; 2]);
        for (activation, expected) in [(Activation::Gelu, 0.5), (Activation::Sigmoid, 0.25)] {
            assert!(slope(activation).iter().all(|slope| (slope - expected).abs() < 1e-6));
        }
    }

    #[test]
    fn nan_stays_nan() {
        assert!(Activation::ALL.iter().all(|activation| forward(*activation, &[f32::NAN])[0].is_nan()));
    }

    #[test]
    fn levels_and_threads_do_not_change_a_bit() {
        let mut random = Random::new(2);
        let (x, gradient) = (random.numbers(50_001), random.numbers(50_001));
        for activation in Activation::ALL {
            let compute = || vec![forward(activation, &x), backward(activation, &x, &gradient)];
            let expected = compute();
            at_every_level(|| assert!(compute() == expected));
            same_bits_on_any_threads(compute);
        }
    }
}
