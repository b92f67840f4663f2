//! What alterations draw from.
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use std::f32::consts::TAU;

/// The random numbers of one look, in the order in which they are asked for.
pub struct Dice(ChaCha8Rng);

impl Dice {
    pub fn new(rng: ChaCha8Rng) -> Self {
        Self(rng)
    }

    /// Evenly from −range to range, which is above 0.
    pub fn within(&mut self, range: f32) -> f32 {
        self.0.random_range(-range..=range)
    }

    /// Evenly from 0 to range, which is above 0.
    pub fn up_to(&mut self, range: f32) -> f32 {
        self.0.random_range(0.0..=range)
    }

    /// A whole number below `count`, which is above 0.
    pub fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }

    /// Two numbers of a standard normal distribution (Box and Muller, 1958).
    pub fn normal_pair(&mut self) -> [f32; 2] {
        let radius = (-2.0 * self.0.random_range(f32::MIN_POSITIVE..1.0).ln()).sqrt();
        let (sin, cos) = self.0.random_range(0.0..TAU).sin_cos();
        [radius * cos, radius * sin]
    }
}
