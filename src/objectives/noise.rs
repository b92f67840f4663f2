//! Noise as a function of (seed, purpose, step).
use crate::rng::rng;
use rand::RngExt as _;
use std::f64::consts::TAU;

/// Numbers of a standard normal distribution (Box and Muller, 1958).
pub fn normal(count: usize, seed: u64, purpose: &str, step: u64) -> Vec<f32> {
    let mut rng = rng(seed, purpose, step);
    let mut pair = || {
        let (radius, angle): (f64, f64) =
            (rng.random_range(f64::MIN_POSITIVE..1.0), rng.random_range(0.0..TAU));
        let radius = (-2.0 * radius.ln()).sqrt();
        [(radius * angle.cos()) as f32, (radius * angle.sin()) as f32]
    };
    (0..count.div_ceil(2)).flat_map(|_| pair()).take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_normal_and_named_by_seed_purpose_and_step() {
        let noise = normal(100_001, 1, "latent", 2);
        let mean =
            |power: i32| noise.iter().map(|n| f64::from(n.powi(power))).sum::<f64>() / noise.len() as f64;
        assert!(mean(1).abs() < 0.02 && (mean(2) - 1.0).abs() < 0.02 && (mean(4) - 3.0).abs() < 0.15);
        assert_eq!(noise, normal(100_001, 1, "latent", 2));
        for other in
            [normal(100_001, 2, "latent", 2), normal(100_001, 1, "a", 2), normal(100_001, 1, "latent", 3)]
        {
            assert_ne!(noise, other);
        }
    }
}
