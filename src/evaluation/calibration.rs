//! Calibration: of the examples with a confidence of 80 %, 80 % should be right (Guo et al., "On calibration of
//! modern neural networks", 2017).

/// Bins of the reliability diagram.
pub const BINS: usize = 15;
/// Temperatures lie between this and its inverse.
const HOTTEST: f64 = 100.0;

/// A reliability diagram: accuracy by confidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Reliability {
    /// By confidence, from 0 to 1 in equal parts.
    pub bins: Vec<Bin>,
    /// Expected calibration error: the mean distance of confidence and accuracy in a bin, weighed by its examples.
    pub ece: f64,
}

/// The answers whose confidence lies in one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bin {
    /// The number of answers.
    pub examples: usize,
    /// Means over its examples; 0 where there are none.
    pub confidence: f64,
    /// Share of right answers; 0 where there are none.
    pub accuracy: f64,
}

impl Reliability {
    /// Of confidences, and whether each answer was right.
    pub fn new(answers: impl Iterator<Item = (f64, bool)>) -> Self {
        let mut bins = vec![Bin::default(); BINS];
        for (confidence, is_right) in answers {
            let at = (confidence * BINS as f64).ceil() as usize;
            let bin = &mut bins[at.clamp(1, BINS) - 1];
            bin.examples += 1;
            bin.confidence += confidence;
            bin.accuracy += f64::from(u8::from(is_right));
        }
        let examples = bins.iter().map(|bin| bin.examples).sum::<usize>().max(1) as f64;
        let mut ece = 0.0;
        for bin in bins.iter_mut().filter(|bin| bin.examples > 0) {
            bin.confidence /= bin.examples as f64;
            bin.accuracy /= bin.examples as f64;
            ece += bin.examples as f64 / examples * (bin.confidence - bin.accuracy).abs();
        }
        Self { bins, ece }
    }
}

/// The temperature T that minimises the mean of −log softmax(logits / T)\[label\], by Newton's method on 1/T, in which
/// that is convex. 1 where there are no logits.
pub fn temperature(logits: &[&[f32]], labels: &[u16]) -> f64 {
    let (mut low, mut high, mut inverse) = (1.0 / HOTTEST, HOTTEST, 1.0);
    for _ in 0..100 {
        let (slope, curvature) = derivatives(logits, labels, inverse);
        if slope > 0.0 {
            high = inverse
        } else {
            low = inverse
        }
        let newton = inverse - slope / curvature;
        // where Newton's step leaves the bracket, its geometric mean
        let next = if newton > low && newton < high { newton } else { (low * high).sqrt() };
        if curvature == 0.0 || (next - inverse).abs() < 1e-9 * inverse {
            break;
        }
        inverse = next;
    }
    1.0 / inverse
}

/// First and second derivative of the sum of −log softmax(b · logits)\[label\] by b.
fn derivatives(logits: &[&[f32]], labels: &[u16], b: f64) -> (f64, f64) {
    let (mut slope, mut curvature) = (0.0, 0.0);
    for (row, label) in logits.iter().zip(labels) {
        let probabilities = softmax(row, 1.0 / b);
        let weighed = |power: i32| -> f64 {
            let both = probabilities.iter().zip(*row);
            both.map(|(probability, logit)| probability * f64::from(*logit).powi(power)).sum()
        };
        let mean = weighed(1);
        slope += mean - f64::from(row[usize::from(*label)]);
        curvature += weighed(2) - mean * mean;
    }
    (slope, curvature)
}

/// Probabilities of logits at a temperature.
pub fn softmax(logits: &[f32], temperature: f64) -> Vec<f64> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut shares: Vec<f64> =
        logits.iter().map(|logit| (f64::from(logit - most) / temperature).exp()).collect();
    let sum: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= sum);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SciPy 1.17: `minimize_scalar` of the mean negative log likelihood.
    #[test]
    fn the_temperature_is_the_one_that_scipy_finds() {
        let logits = [
            [2.0, 0.5, -1.0],
            [0.1, 3.0, 0.2],
            [1.5, 1.4, 0.0],
            [-0.5, 0.0, 2.5],
            [4.0, -1.0, 0.0],
            [0.2, 0.1, 0.3],
        ];
        let logits = logits.each_ref().map(|row| &row[..]);
        let found = temperature(&logits, &[0, 1, 1, 2, 1, 0]);
        assert!((found - 2.874_156_454).abs() < 1e-6, "{found}");
    }

    #[test]
    fn temperatures_have_bounds() {
        let logits: [&[f32]; 2] = [&[1.0, 0.0], &[3.0, 0.0]];
        let [right, wrong] = [[0, 0], [1, 1]].map(|labels| temperature(&logits, &labels));
        assert!((0.01..0.1).contains(&right) && (10.0..=100.0).contains(&wrong), "{right} {wrong}");
        assert_eq!(temperature(&[], &[]), 1.0);
        assert_eq!(temperature(&[&[2.0, 2.0]], &[0]), 1.0);
        let sum: f64 = softmax(&[1000.0, -1000.0, 999.0], 0.5).iter().sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }

    /// NumPy: 15 equal bins, each without its lower bound and with its upper one.
    #[test]
    fn the_calibration_error_is_numpys() {
        let confidences = [0.05, 0.31, 0.34, 0.62, 0.66, 0.67, 0.93, 0.95, 1.0, 0.5];
        let right = [0, 0, 1, 1, 0, 1, 1, 1, 1, 0].map(|right| right == 1);
        let found = Reliability::new(confidences.into_iter().zip(right));
        assert!((found.ece - 0.225).abs() < 1e-12, "{}", found.ece);
        assert_eq!(found.bins.iter().map(|bin| bin.examples).sum::<usize>(), 10);
        let bin = found.bins[9];
        assert!(bin.examples == 2 && bin.accuracy == 0.5 && (bin.confidence - 0.64).abs() < 1e-12);
    }
}
