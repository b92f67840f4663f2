//! Inverted dropout. The mask is a pure function of a key and an index, computed again in the backward pass.
//!
//! Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.

use super::build_pieces;
use super::simd::{Kernel, SimdLevel, Vector};

/// Numbers that one piece of work holds; also the reach of one 32-bit counter, so that no index overflows it.
const PIECE: usize = 1 << 14;

/// What is dropped, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// Of dropping, in [0, 1).
    pub probability: f64,
    /// The same key gives the same mask.
    pub key: u64,
}

/// Each number is 0 with the given probability, and otherwise divided by the probability of staying.
/// Its own backward pass: apply it to the gradient.
pub fn elements(dropout: Dropout, x: &[f32]) -> Vec<f32> {
    let level = SimdLevel::current();
    let mut y = build_pieces(x.len().div_ceil(PIECE), PIECE, |piece, y| {
        let x = &x[piece * PIECE..];
        let len = x.len().min(PIECE);
        let keep = Keep::new(dropout, piece as u64);
        level.run(Elements { keep, x: &x[..len], y: &mut y[..len] });
    });
    y.truncate(x.len());
    y
}

/// As [`elements`], for whole channels of single examples: x is (batch, places, channels), the mask (batch, channels).
///
/// # Panics
/// When x is not made of whole examples.
pub fn channels(dropout: Dropout, x: &[f32], places: usize, channels: usize) -> Vec<f32> {
    let example_len = (places * channels).max(1);
    assert_eq!(x.len() % example_len, 0);
    let level = SimdLevel::current();
    build_pieces(x.len() / example_len, example_len, |example, y| {
        let keep = Keep::new(dropout, example as u64);
        level.run(Channels { keep, channels, x: &x[example * example_len..][..example_len], y });
    })
}

/// Which of 2^32 counters stay.
#[derive(Clone, Copy)]
struct Keep {
    key: [u32; 2],
    /// Of 2^31: hashes below it drop.
    threshold: i32,
    scale: f32,
}

impl Keep {
    fn new(dropout: Dropout, stream: u64) -> Self {
        let key = splitmix64(dropout.key ^ splitmix64(stream));
        Keep {
            key: [key as u32, (key >> 32) as u32],
            threshold: (dropout.probability * 2f64.powi(31)) as i32,
            scale: (1.0 / (1.0 - dropout.probability)) as f32,
        }
    }

    /// What to multiply the number at `counter` by. The rounds are those of Ellis's "lowbias32".
    #[inline(always)]
    fn factor(self, counter: u32) -> f32 {
        let mut hash = counter.wrapping_mul(0x9e37_79b1) ^ self.key[0];
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x7feb_352d);
        hash = (hash ^ (hash >> 15) ^ self.key[1]).wrapping_mul(0x846c_a68b);
        hash ^= hash >> 16;
        if (hash >> 1) as i32 >= self.threshold { self.scale } else { 0.0 }
    }
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
fn splitmix64(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

struct Elements<'a> {
    keep: Keep,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Elements<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        for (counter, (y, x)) in self.y.iter_mut().zip(self.x).enumerate() {
            *y = drop(*x, self.keep.factor(counter as u32));
        }
    }
}

struct Channels<'a> {
    keep: Keep,
    channels: usize,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Channels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let factors: Vec<f32> = (0..self.channels as u32).map(|channel| self.keep.factor(channel)).collect();
        for (y, x) in self.y.chunks_exact_mut(self.channels).zip(self.x.chunks_exact(self.channels)) {
            for ((y, x), factor) in y.iter_mut().zip(x).zip(&factors) {
                *y = drop(*x, *factor);
            }
        }
    }
}

/// Not a product alone: a dropped infinity is 0, not NaN.
#[inline(always)]
fn drop(x: f32, factor: f32) -> f32 {
    if factor > 0.0 { x * factor } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, at_every_level, same_bits_on_any_threads};

    fn dropped_share(y: &[f32]) -> f64 {
        y.iter().filter(|y| **y == 0.0).count() as f64 / y.len() as f64
    }

    #[test]
    fn drops_as_often_as_asked_and_keeps_the_mean() {
        let x = vec![1.0; 200_003];
        for probability in [0.1, 0.25, 0.5, 0.9] {
            let y = elements(Dropout { probability, key: 7 }, &x);
            assert!((dropped_share(&y) - probability).abs() < 0.005);
            let kept = (1.0 / (1.0 - probability)) as f32;
            assert!(y.iter().all(|y| *y == 0.0 || *y == kept));
        }
        assert_eq!(elements(Dropout { probability: 0.0, key: 7 }, &x), x);
    }

    #[test]
    fn keys_and_pieces_are_independent() {
        let x = vec![1.0; 4 * PIECE];
        let y = elements(Dropout { probability: 0.5, key: 1 }, &x);
        let other = elements(Dropout { probability: 0.5, key: 2 }, &x);
        let agree =
            |a: &[f32], b: &[f32]| a.iter().zip(b).filter(|(a, b)| a == b).count() as f64 / a.len() as f64;
        assert!((agree(&y, &other) - 0.5).abs() < 0.01);
        assert!((agree(&y[..PIECE], &y[PIECE..2 * PIECE]) - 0.5).abs() < 0.02);
        assert!((agree(&y[..x.len() - 1], &y[1..]) - 0.5).abs() < 0.01);
    }

    #[test]
    fn a_channel_stays_or_goes_as_a_whole() {
        let (batch, places, width) = (50, 9, 67);
        let x = vec![1.0; batch * places * width];
        at_every_level(|| {
            let y = channels(Dropout { probability: 0.25, key: 3 }, &x, places, width);
            assert!((dropped_share(&y) - 0.25).abs() < 0.03);
            for example in y.chunks_exact(places * width) {
                assert!(example.chunks_exact(width).all(|place| place == &example[..width]));
            }
            assert_ne!(y[..width], y[places * width..][..width]);
        });
    }

    #[test]
    fn a_number_that_stays_is_scaled_wherever_it_is() {
        let mut random = Random::new(5);
        for _ in 0..30 {
            let (batch, places, width) = (1 + random.below(9), 1 + random.below(40), 1 + random.below(67));
            let dropout = Dropout { probability: 0.4, key: random.below(1 << 20) as u64 };
            let x = random.numbers(batch * places * width);
            let ones = vec![1.0; x.len()];
            let scaled = |mask: Vec<f32>| x.iter().zip(mask).map(|(x, mask)| x * mask).collect::<Vec<_>>();
            at_every_level(|| {
                assert_eq!(elements(dropout, &x), scaled(elements(dropout, &ones)));
                let by_channels = channels(dropout, &x, places, width);
                assert_eq!(by_channels, scaled(channels(dropout, &ones, places, width)));
            });
        }
    }

    #[test]
    fn levels_and_threads_do_not_change_a_bit() {
        let x = Random::new(4).numbers(50_001);
        let dropout = Dropout { probability: 0.5, key: 11 };
        let y = elements(dropout, &x);
        at_every_level(|| assert_eq!(elements(dropout, &x), y));
        same_bits_on_any_threads(|| vec![elements(dropout, &x), channels(dropout, &x, 7, 7143)]);
    }
}
