//! What happens to the tokens of a sequence besides attention and layers: positions are added, a token is put before them,
//! one is taken out. Memory is the limit of it all.

use super::simd::{Kernel, SimdLevel, Vector};
use super::{PIECE, build_chunks, build_pieces};

/// Adds the same numbers to each example: x (batch, numbers) and terms (numbers) to (batch, numbers).
///
/// # Panics
/// When x is not a whole number of times as long as the terms.
pub fn add_to_each(x: &[f32], terms: &[f32]) -> Vec<f32> {
    assert!(!terms.is_empty() && x.len().is_multiple_of(terms.len()));
    let level = SimdLevel::current();
    build_pieces(x.len() / terms.len(), terms.len(), |example, y| {
        y.copy_from_slice(&x[example * terms.len()..][..terms.len()]);
        level.run(Add { terms, sums: y });
    })
}

/// The sum over the examples of x (batch, numbers), in their order: (numbers).
///
/// # Panics
/// When x is not a whole number of times as long.
pub fn sum_of_each(x: &[f32], numbers: usize) -> Vec<f32> {
    assert!(numbers > 0 && x.len().is_multiple_of(numbers));
    let level = SimdLevel::current();
    build_chunks(numbers, PIECE, |index, sums| {
        for x in x.chunks_exact(numbers) {
            level.run(Add { terms: &x[index * PIECE..][..sums.len()], sums });
        }
    })
}

/// The same token before those of each sequence: x (batch, numbers) and token (features) to (batch, features + numbers).
///
/// # Panics
/// When x is not a whole number of times as long as a sequence.
pub fn prepend(x: &[f32], numbers: usize, token: &[f32]) -> Vec<f32> {
    assert!(numbers > 0 && x.len().is_multiple_of(numbers));
    build_pieces(x.len() / numbers, token.len() + numbers, |example, y| {
        let (first, rest) = y.split_at_mut(token.len());
        first.copy_from_slice(token);
        rest.copy_from_slice(&x[example * numbers..][..numbers]);
    })
}

/// `len` numbers of each example from `first` on: x (batch, numbers) to (batch, len).
///
/// # Panics
/// When an example has fewer, or x is not a whole number of times as long.
pub fn narrow(x: &[f32], numbers: usize, (first, len): (usize, usize)) -> Vec<f32> {
    assert!(numbers > 0 && x.len().is_multiple_of(numbers));
    build_pieces(x.len() / numbers, len, |example, y| {
        y.copy_from_slice(&x[example * numbers..][..numbers][first..][..len]);
    })
}

/// The opposite of [`narrow`], with zeros around: y (batch, len) to (batch, numbers).
///
/// # Panics
/// When there are fewer numbers, or y is not a whole number of times as long.
pub fn widen(y: &[f32], numbers: usize, (first, len): (usize, usize)) -> Vec<f32> {
    assert!(len > 0 && y.len().is_multiple_of(len));
    build_pieces(y.len() / len, numbers, |example, x| {
        x[first..][..len].copy_from_slice(&y[example * len..][..len]);
    })
}

/// Adds each term to its sum.
struct Add<'a> {
    terms: &'a [f32],
    sums: &'a mut [f32],
}

impl Kernel for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        self.sums.iter_mut().zip(self.terms).for_each(|(sum, term)| *sum += term);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, Reference, at_every_level, same_bits_on_any_threads};

    #[test]
    fn sums_match_the_reference_and_are_each_others_gradient() {
        let mut random = Random::new(1);
        for numbers in [1, 67, 20_001] {
            let (x, terms) = (random.numbers(3 * numbers), random.numbers(numbers));
            let reference = Reference::new(&mut random, &[&x, &terms], |inputs| {
                inputs[0].iter().zip(inputs[1].iter().cycle()).map(|(x, term)| x + term).collect()
            });
            at_every_level(|| {
                reference.assert_value(&add_to_each(&x, &terms), "sum");
                let gradient = &reference.output_gradient;
                reference.assert_gradients(&[gradient, &sum_of_each(gradient, numbers)], "sum");
            });
        }
    }

    #[test]
    fn tokens_go_where_they_belong() {
        let x = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(prepend(&x, 2, &[9.0]), [9.0, 1.0, 2.0, 9.0, 3.0, 4.0]);
        assert_eq!(narrow(&x, 2, (1, 1)), [2.0, 4.0]);
        assert_eq!(widen(&[2.0, 4.0], 3, (1, 1)), [0.0, 2.0, 0.0, 0.0, 4.0, 0.0]);
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let mut random = Random::new(2);
        let (x, terms) = (random.numbers(5 * 50_001), random.numbers(50_001));
        same_bits_on_any_threads(|| vec![add_to_each(&x, &terms), sum_of_each(&x, 50_001)]);
    }
}
