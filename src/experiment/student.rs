//! Student's t distribution.

/// The value below which a share of the distribution lies, such as 0.975, with so many degrees of freedom.
pub fn quantile(share: f64, degrees: usize) -> f64 {
    let degrees = degrees.max(1);
    // With t = √ν tan θ, the density is in proportion to cos(θ)^(ν − 1).
    let whole = area(std::f64::consts::FRAC_PI_2, degrees);
    let wanted = (2.0 * share - 1.0).clamp(0.0, 1.0 - 1e-12) * whole;
    let (mut low, mut high) = (0.0, std::f64::consts::FRAC_PI_2);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if area(middle, degrees) < wanted { low = middle } else { high = middle }
    }
    (degrees as f64).sqrt() * ((low + high) / 2.0).tan()
}

/// The integral of cos^(ν − 1) from 0 to `angle`, by Simpson's rule.
fn area(angle: f64, degrees: usize) -> f64 {
    const PARTS: usize = 400;
    let value = |place: usize| {
        let weight = match place {
            0 | PARTS => 1.0,
            odd if odd % 2 == 1 => 4.0,
            _ => 2.0,
        };
        weight * (angle * place as f64 / PARTS as f64).cos().max(0.0).powi(degrees as i32 - 1)
    };
    (0..=PARTS).map(value).sum::<f64>() * angle / (3 * PARTS) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats.t.ppf in Python
    #[test]
    fn quantiles_are_those_of_scipy() {
        for (share, degrees, value) in [
            (0.975, 1, 12.706_205),
            (0.975, 2, 4.302_653),
            (0.999, 4, 7.173_182),
            (0.995, 10, 3.169_273),
            (0.975, 100, 1.983_972),
        ] {
            let found = quantile(share, degrees);
            assert!((found - value).abs() < 1e-4 * value, "{share} {degrees}: {found}");
        }
    }
}
