//! Elementary functions made of arithmetic alone, so that loops over them become vectors.

/// eˣ within 2 units in the last place; 0 below e^−86.5, NaN for NaN. After Moshier's Cephes, 1992.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // adding it leaves the nearest whole number in the lowest bits
    const ROUND: f32 = 12_582_912.0;
    let clamped = if x < -86.5 { -86.5 } else { x };
    let clamped = if clamped > 89.0 { 89.0 } else { clamped };
    let shifted = clamped * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    // ln 2 in two parts, the first short enough for its product to be exact
    let rest = clamped - whole * 0.693_359_4 + whole * 2.121_944_4e-4;
    let mut tail = 1.987_569_1e-4 * rest + 1.398_199_9e-3;
    for coefficient in [8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        tail = tail * rest + coefficient;
    }
    // half of the power of two, because the whole overflows a little before the result
    let half_power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(126 << 23));
    let power = (tail * rest * rest + rest + 1.0) * half_power * 2.0;
    if x < -86.5 { 0.0 } else { power }
}

/// 1 / (1 + e^−x).
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// ln(1 + eˣ), without overflow.
#[inline(always)]
pub fn softplus(x: f32) -> f32 {
    let power = exp(-x.abs());
    // ln(1 + p) = 2 artanh(p / (2 + p)), whose series converges fast up to 1/3
    let ratio = power / (2.0 + power);
    let square = ratio * ratio;
    let mut sum = 1.0 / 15.0;
    for odd in [13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        sum = sum * square + 1.0 / odd;
    }
    // written so that NaN stays NaN
    (if x < 0.0 { 0.0 } else { x }) + 2.0 * ratio * sum
}

/// After Moshier's Cephes, 1992.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let square = x * x;
    let mut small = -5.704_988_7e-3 * square + 2.063_909e-2;
    for coefficient in [-5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1] {
        small = small * square + coefficient;
    }
    let small = small * square * x + x;
    let large = (1.0 - 2.0 / (exp(2.0 * x.abs()) + 1.0)).copysign(x);
    if x.abs() < 0.625 { small } else { large }
}

/// The standard normal distribution at x, (Φ, φ): its cumulative probability within 1e-7, and its density.
/// Abramowitz and Stegun, "Handbook of mathematical functions", 1964, formula 7.1.26.
#[inline(always)]
pub fn normal(x: f32) -> (f32, f32) {
    let power = exp(-0.5 * x * x);
    let t = 1.0 / (1.0 + 0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2 * x.abs());
    let mut tail = 1.061_405_4;
    for coefficient in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
        tail = tail * t + coefficient;
    }
    let tail = 0.5 * tail * t * power;
    (if x < 0.0 { tail } else { 1.0 - tail }, power * 0.398_942_3)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Φ(x) by Simpson's rule from 0, in double precision.
    fn cumulative(x: f64) -> f64 {
        let density = |t: f64| (-0.5 * t * t).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let step = x / 1000.0;
        let terms = (0..=1000).map(|index| {
            let factor = [1.0, if index % 2 == 1 { 4.0 } else { 2.0 }][(index % 1000 != 0) as usize];
            factor * density(index as f64 * step)
        });
        0.5 + terms.sum::<f64>() * step / 3.0
    }

    fn relative(actual: f32, expected: f64) -> f64 {
        (actual as f64 - expected).abs() / expected.abs().max(1e-30)
    }

    #[test]
    fn functions_match_double_precision() {
        for index in -8600..8870 {
            let x = index as f32 * 0.01;
            let precise = x as f64;
            assert!(relative(exp(x), precise.exp()) < 3e-7, "exp {x}: {}", exp(x));
            assert!(relative(sigmoid(x), 1.0 / (1.0 + (-precise).exp())) < 1e-6, "sigmoid {x}");
            assert!(relative(softplus(x), precise.exp().ln_1p()) < 5e-7, "softplus {x}: {}", softplus(x));
            assert!(relative(tanh(x), precise.tanh()) < 4e-7, "tanh {x}: {}", tanh(x));
            if index % 10 == 0 && x.abs() < 8.0 {
                assert!((normal(x).0 as f64 - cumulative(precise)).abs() < 2e-7, "normal {x}");
            }
        }
        for small in [0.0, -0.0, 1e-30, -1e-8, 3e-4] {
            assert_eq!(tanh(small), small.tanh());
        }
    }

    #[test]
    fn extremes_keep_their_limits() {
        assert_eq!([exp(0.0), exp(-87.0), exp(f32::NEG_INFINITY)], [1.0, 0.0, 0.0]);
        assert_eq!([exp(89.0), exp(f32::INFINITY)], [f32::INFINITY; 2]);
        assert_eq!([sigmoid(-1e30), sigmoid(1e30)], [0.0, 1.0]);
        assert_eq!([tanh(-1e30), tanh(f32::INFINITY)], [-1.0, 1.0]);
        assert_eq!([normal(-1e30), normal(1e30)], [(0.0, 0.0), (1.0, 0.0)]);
        assert!(
            [exp(f32::NAN), sigmoid(f32::NAN), tanh(f32::NAN), normal(f32::NAN).0].iter().all(|y| y.is_nan())
        );
    }
}
