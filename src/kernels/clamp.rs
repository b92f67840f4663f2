//! Activations that cut off. Kernels apply them along with their sums, and take the gradient through them from the output.

use super::activation::Activation;
use super::simd::Vector;
use std::ops::Range;

/// What a kernel's outputs are held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clamp {
    /// They stay as they are.
    None,
    /// max(y, 0).
    Relu,
    /// min(max(y, 0), 6).
    Relu6,
}

impl Clamp {
    /// Every one of them, for tests.
    pub const ALL: [Clamp; 3] = [Clamp::None, Clamp::Relu, Clamp::Relu6];

    /// That of an activation, if it is one.
    pub fn of(activation: Activation) -> Option<Self> {
        match activation {
            Activation::None => Some(Clamp::None),
            Activation::Relu => Some(Clamp::Relu),
            Activation::Relu6 => Some(Clamp::Relu6),
            _ => None,
        }
    }

    /// The same as an activation.
    pub fn activation(self) -> Activation {
        match self {
            Clamp::None => Activation::None,
            Clamp::Relu => Activation::Relu,
            Clamp::Relu6 => Activation::Relu6,
        }
    }

    /// The lowest and the highest output.
    #[inline(always)]
    fn ends(self) -> [f32; 2] {
        match self {
            Clamp::None => [f32::NEG_INFINITY, f32::INFINITY],
            Clamp::Relu => [0.0, f32::INFINITY],
            Clamp::Relu6 => [0.0, 6.0],
        }
    }

    /// A number as it is put out. NaN stays NaN.
    #[inline(always)]
    pub fn number(self, sum: f32) -> f32 {
        self.of_numbers()(sum)
    }

    /// [`number`](Self::number) for a loop, which looks up the ends once.
    #[inline(always)]
    pub fn of_numbers(self) -> impl Fn(f32) -> f32 {
        let [lowest, highest] = self.ends();
        move |sum| {
            let sum = if sum < lowest { lowest } else { sum };
            if sum > highest { highest } else { sum }
        }
    }

    /// [`number`](Self::number), lane by lane.
    #[inline(always)]
    pub fn vector<V: Vector>(self, sum: V) -> V {
        match self {
            Clamp::None => sum,
            Clamp::Relu => V::splat(0.0).max(sum),
            Clamp::Relu6 => V::splat(6.0).min(V::splat(0.0).max(sum)),
        }
    }

    /// [`number`](Self::number) in double precision.
    #[cfg(test)]
    pub fn plain(self, sum: f64) -> f64 {
        let [lowest, highest] = self.ends();
        sum.clamp(lowest.into(), highest.into())
    }

    /// Where gradients pass on their way back from this output; `None` where all do.
    pub fn mask(self, output: &[f32]) -> Option<Mask<'_>> {
        (self != Clamp::None).then_some(Mask { output, clamp: self })
    }
}

/// An output that was clamped: a gradient passes where it lies between the ends, and not at them.
#[derive(Clone, Copy)]
pub struct Mask<'a> {
    pub(super) output: &'a [f32],
    pub(super) clamp: Clamp,
}

impl<'a> Mask<'a> {
    /// A stretch of it.
    pub(super) fn part(self, range: Range<usize>) -> Self {
        Mask { output: &self.output[range], ..self }
    }

    /// Each number of a gradient that passes, zero for the others.
    #[inline(always)]
    pub(super) fn pass(self, gradient: &'a [f32]) -> impl Iterator<Item = f32> {
        let [lowest, highest] = self.clamp.ends();
        let numbers = gradient.iter().zip(self.output);
        numbers.map(move |(gradient, y)| if (*y > lowest) & (*y < highest) { *gradient } else { 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clamp_is_its_activation() {
        for clamp in Clamp::ALL {
            assert_eq!(Clamp::of(clamp.activation()), Some(clamp));
            let x = [f32::NEG_INFINITY, -1.0, 0.0, 3.0, 6.0, 7.0, f32::INFINITY];
            let expected = super::super::activation::forward(clamp.activation(), &x);
            assert_eq!(x.map(|x| clamp.number(x)), expected[..]);
            assert!(clamp.number(f32::NAN).is_nan());
        }
        assert_eq!(Clamp::of(Activation::Gelu), None);
    }

    #[test]
    fn gradients_pass_between_the_ends() {
        let passed = |clamp: Clamp| clamp.mask(&[0.0, 3.0, 6.0]).map(|mask| mask.pass(&[1.0; 3]).collect());
        assert_eq!(passed(Clamp::None), None::<Vec<f32>>);
        assert_eq!(passed(Clamp::Relu), Some(vec![0.0, 1.0, 1.0]));
        assert_eq!(passed(Clamp::Relu6), Some(vec![0.0, 1.0, 0.0]));
    }
}
