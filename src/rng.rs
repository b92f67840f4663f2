//! Randomness as a pure function of (seed, purpose, index): nothing to store, so nothing can drift.
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::f64::consts::TAU;

/// A generator for one purpose, such as `("shuffle", epoch)`; the same arguments always give the same numbers.
pub fn rng(seed: u64, purpose: &str, index: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(key(seed, purpose, index))
}

/// Numbers of a standard normal distribution (Box and Muller, 1958).
pub fn normal(count: usize, seed: u64, purpose: &str, index: u64) -> Vec<f32> {
    let mut rng = rng(seed, purpose, index);
    let mut pair = || {
        let (radius, angle): (f64, f64) =
            (rng.random_range(f64::MIN_POSITIVE..1.0), rng.random_range(0.0..TAU));
        let radius = (-2.0 * radius.ln()).sqrt();
        [(radius * angle.cos()) as f32, (radius * angle.sin()) as f32]
    };
    (0..count.div_ceil(2)).flat_map(|_| pair()).take(count).collect()
}

/// A number that stands for (seed, purpose, index), spread evenly over all 64 bits.
pub fn key(seed: u64, purpose: &str, index: u64) -> u64 {
    // FNV-1a of the purpose, then the finalizer of SplitMix64 after each part.
    let purpose = purpose
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    mix(mix(mix(seed).wrapping_add(purpose)).wrapping_add(index))
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_key_counts() {
        let base = key(1, "shuffle", 2);
        assert_eq!(base, key(1, "shuffle", 2));
        assert!(
            [key(2, "shuffle", 2), key(1, "dropout", 2), key(1, "shuffle", 3)]
                .iter()
                .all(|other| *other != base)
        );
    }

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
