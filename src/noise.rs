//! What another batch size would cost and change: the gradient noise scale.
//!
//! The variance of a batch's gradient against its length says how many examples a batch can have before more of them add little
//! (McCandlish et al., "An Empirical Model of Large-Batch Training", 2018, equations 2.8, 2.10 and A.2).

/// Gradients of some batches, summed up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gradients {
    /// Examples in each batch.
    pub batch_size: usize,
    /// Batches looked at.
    pub batches: usize,
    /// The sum of their squared lengths.
    pub squares: f64,
    /// The squared length of their sum.
    pub square_of_sum: f64,
}

/// The noise of a gradient against the gradient itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NoiseScale {
    /// Examples in each batch of the run.
    pub batch_size: usize,
    /// Batches that were looked at.
    pub batches: usize,
    /// The gradient noise scale, in examples; none where the gradient is lost in noise even over all batches that were looked at.
    pub scale: Option<f64>,
}

/// How training would go with another batch size, against the present one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alternative {
    /// Examples in a batch.
    pub batch_size: usize,
    /// Steps to the same loss, as a multiple.
    pub steps: f64,
    /// Examples to the same loss, as a multiple.
    pub examples: f64,
}

impl Gradients {
    /// Unbiased estimates of the squared length of the true gradient and of the trace of its covariance, and their ratio.
    pub fn noise_scale(&self) -> NoiseScale {
        let (batches, small) = (self.batches as f64, self.batch_size as f64);
        let large = batches * small;
        let [of_small, of_large] = [self.squares / batches, self.square_of_sum / (batches * batches)];
        let gradient = (large * of_large - small * of_small) / (large - small);
        let noise = (of_small - of_large) / (1.0 / small - 1.0 / large);
        let scale = (self.batches > 1 && gradient > 0.0).then(|| noise.max(0.0) / gradient);
        NoiseScale { batch_size: self.batch_size, batches: self.batches, scale }
    }
}

impl NoiseScale {
    /// What batches from an eighth to eight times as large would cost, rising; none where that is not known.
    pub fn alternatives(&self) -> Vec<Alternative> {
        let Some(scale) = self.scale.filter(|scale| *scale > 0.0) else { return vec![] };
        let now = self.batch_size as f64;
        let alternative = |factor: f64| {
            let size = (now * factor).round();
            Alternative {
                batch_size: size as usize,
                steps: (1.0 + scale / size) / (1.0 + scale / now),
                examples: (1.0 + size / scale) / (1.0 + now / scale),
            }
        };
        let factors = [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0];
        factors.into_iter().filter(|factor| now * factor >= 1.0).map(alternative).collect()
    }

    /// What was found, in a sentence or two.
    pub fn conclusion(&self) -> String {
        let over = format!("measured over {} batches of {}", self.batches, self.batch_size);
        match self.scale {
            None => format!(
                "The gradient is lost in noise, {over}: larger batches would need fewer steps for hardly more examples."
            ),
            Some(scale) => {
                let examples = if scale < 1.0 {
                    "less than 1 example".into()
                } else {
                    format!("about {} examples", rounded(scale))
                };
                let advice = if self.batch_size as f64 > 2.0 * scale {
                    "The batches are larger than that: smaller ones would need fewer examples for the same loss."
                } else if (self.batch_size as f64) < 0.5 * scale {
                    "The batches are smaller than that: larger ones would need fewer steps for hardly more examples."
                } else {
                    "The batches are about as large: larger ones save few steps, smaller ones few examples."
                };
                format!("The gradient noise scale is {examples}, {over}. {advice}")
            }
        }
    }
}

/// With two digits that count.
fn rounded(number: f64) -> u64 {
    let unit = 10f64.powf((number.log10().floor() - 1.0).max(0.0));
    ((number / unit).round() * unit) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_that_of_gradients_whose_noise_is_known() {
        // In one dimension: a gradient of 1, and noise of variance 100 a batch of 10, so 1000 an example.
        let gradients: Vec<f64> =
            (0..1000).map(|at| 1.0 + 10.0 * if at % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let squares = gradients.iter().map(|gradient| gradient * gradient).sum();
        let square_of_sum = gradients.iter().sum::<f64>().powi(2);
        let found = Gradients { batch_size: 10, batches: 1000, squares, square_of_sum }.noise_scale();
        let scale = found.scale.unwrap();
        assert!((1000.0..1150.0).contains(&scale), "{scale}");
        let other = found.alternatives();
        assert_eq!(other.iter().map(|other| other.batch_size).collect::<Vec<_>>(), [1, 3, 5, 10, 20, 40, 80]);
        assert_eq!((other[3].steps, other[3].examples), (1.0, 1.0));
        assert!((other[6].steps - 0.13).abs() < 0.01 && (other[6].examples - 1.06).abs() < 0.01, "{other:?}");
        assert!(found.conclusion().contains("larger ones would need fewer steps"), "{}", found.conclusion());
    }

    #[test]
    fn noise_alone_has_no_scale_and_no_noise_has_none() {
        let noise = Gradients { batch_size: 10, batches: 4, squares: 4.0, square_of_sum: 0.5 }.noise_scale();
        assert_eq!((noise.scale, noise.alternatives().len()), (None, 0));
        assert!(noise.conclusion().contains("lost in noise"));
        let exact = Gradients { batch_size: 10, batches: 4, squares: 4.0, square_of_sum: 16.0 }.noise_scale();
        assert_eq!(exact.scale, Some(0.0));
        assert!(exact.conclusion().contains("less than 1 example"));
        assert_eq!([1.4, 23.0, 456.0, 12_345.0].map(rounded), [1, 23, 460, 12_000]);
    }
}
