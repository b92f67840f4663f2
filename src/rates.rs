//! Which learning rate suits weights as they are: the losses of a learning-rate range test, and what they suggest.
//!
//! The test (L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", 2017) takes one step with each of a
//! rising series of learning rates. Where they are too small nothing changes; then the loss falls; then it blows up.

/// The losses of a range test so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RateTest {
    /// Learning rates, rising, and the training loss of the step that each was used for.
    pub points: Vec<[f64; 2]>,
    /// The losses with noise taken out: one for each point.
    pub smoothed: Vec<f64>,
    /// None before the test has ended, and where no learning rate made a difference.
    pub suggestion: Option<Suggestion>,
}

/// A learning rate, and why: it lies between the two others where there are both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suggestion {
    /// The learning rate to train with.
    pub rate: f64,
    /// Where the loss falls most steeply; none where it does not fall.
    pub steepest: Option<f64>,
    /// From where on the loss rises; none where no rate is too high.
    pub blow_up: Option<f64>,
}

/// Learning rates that a test tries, in learning rates a decade and in all.
const PER_DECADE: usize = 25;
const LOWEST: f64 = 1e-6;
const HIGHEST: f64 = 10.0;

/// The learning rates of a test, rising: as many as its steps.
pub fn tried() -> Vec<f64> {
    let decades = (HIGHEST / LOWEST).log10();
    let count = (decades * PER_DECADE as f64).round() as usize;
    (0..=count).map(|at| LOWEST * 10f64.powf(at as f64 / PER_DECADE as f64)).collect()
}

impl RateTest {
    /// Takes the loss of one more step in.
    pub fn add(&mut self, rate: f64, loss: f64) {
        self.points.push([rate, loss]);
        self.smoothed = smoothed(&self.points, MOST_LOSS * self.at_rest().0);
    }

    /// Whether the loss has risen so far that higher rates have nothing to say.
    pub fn has_blown_up(&self) -> bool {
        let Some([.., last]) = self.points.last().copied() else { return false };
        let (rest, noise) = self.at_rest();
        let newest = &self.points[self.points.len().saturating_sub(5)..];
        let mean = newest.iter().map(|point| point[1]).sum::<f64>() / newest.len() as f64;
        let risen = 2.0 * rest + 2.0 * noise;
        !last.is_finite() || last > 10.0 * risen || self.points.len() > PER_DECADE && mean > risen
    }

    /// The loss where rates are too small to change anything: its mean and standard deviation.
    fn at_rest(&self) -> (f64, f64) {
        let first = self.points.iter().take(PER_DECADE).map(|point| point[1]).filter(|loss| loss.is_finite());
        let first: Vec<f64> = first.collect();
        let count = first.len().max(1) as f64;
        let mean = first.iter().sum::<f64>() / count;
        let variance = first.iter().map(|loss| (loss - mean).powi(2)).sum::<f64>() / count;
        (mean, variance.sqrt())
    }

    /// Ends the test with what it suggests: between where the loss falls most steeply and a tenth of where it rises again.
    pub fn conclude(&mut self) {
        let (rest, noise) = self.at_rest();
        // of a smoothed loss, which is a mean of about √(4π) · SPREAD losses
        let noise = 4.0 * noise / (3.5 * SPREAD).sqrt();
        let by_loss = |a: &usize, b: &usize| self.smoothed[*a].total_cmp(&self.smoothed[*b]);
        let Some(lowest) = (0..self.smoothed.len()).min_by(by_loss) else { return };
        let fall = rest - self.smoothed[lowest];
        let slope = |at: &usize| self.smoothed[at + 1] - self.smoothed[*at];
        let steepest = (0..lowest).min_by(|a, b| slope(a).total_cmp(&slope(b))).filter(|_| fall > noise);
        let risen = self.smoothed[lowest] + noise.max(RISEN * fall.max(self.smoothed[lowest]));
        let blow_up = (lowest..self.smoothed.len()).find(|at| self.smoothed[*at] > risen);
        let rate = |at: usize| self.points[at][0];
        let (steepest, blow_up) = (steepest.map(rate), blow_up.map(rate));
        let suggested = match (steepest, blow_up.map(|rate| rate / 10.0)) {
            (Some(steepest), Some(tenth)) => Some((steepest * tenth).sqrt()),
            (one, other) => one.or(other),
        };
        self.suggestion = suggested.map(|rate| Suggestion { rate, steepest, blow_up });
    }

    /// What the test has found, in a sentence.
    pub fn conclusion(&self) -> String {
        let Some(Suggestion { rate, steepest, blow_up }) = self.suggestion else {
            return "No learning rate made a difference to the loss.".into();
        };
        let falls = steepest.map(|rate| format!("{}, where the loss falls most steeply", written(rate)));
        let rises = blow_up.map(|high| format!("a tenth of {}, from which on it rises", written(high)));
        match (falls, rises) {
            (Some(falls), Some(rises)) => {
                format!("Suggested: {}, between {falls}, and {rises}.", written(rate))
            }
            (Some(falls), None) => format!("Suggested: {falls}."),
            (None, rises) => {
                format!("Suggested: {}, {}; it falls nowhere.", written(rate), rises.unwrap_or_default())
            }
        }
    }
}

/// Losses around each that are averaged: the standard deviation of their Gaussian weights, in steps.
const SPREAD: f64 = 4.0;
/// The loss has risen again by this share of its fall, and of what it is at its lowest.
const RISEN: f64 = 0.25;
/// Losses above so many times the one at rest count as that, so that a huge one does not cover what came before it.
const MOST_LOSS: f64 = 4.0;

/// A learning rate with two digits that count, as in `0.0031`.
pub fn written(rate: f64) -> String {
    let decimals = (1.0 - rate.log10().floor()).max(0.0) as usize;
    let text = format!("{rate:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

/// Gaussian-weighted means of the losses around each, which lag behind nothing; none of them counts as more than `most`.
fn smoothed(points: &[[f64; 2]], most: f64) -> Vec<f64> {
    let reach = (3.0 * SPREAD) as usize;
    let mean = |at: usize| {
        let near = at.saturating_sub(reach)..(at + reach + 1).min(points.len());
        let weight = |other: usize| (-0.5 * ((other as f64 - at as f64) / SPREAD).powi(2)).exp();
        let loss = |other: usize| if points[other][1].is_nan() { most } else { points[other][1].min(most) };
        let weights: f64 = near.clone().map(weight).sum();
        near.map(|other| weight(other) * loss(other)).sum::<f64>() / weights
    };
    (0..points.len()).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test of a loss that depends on the logarithm of the rate, with a little noise.
    fn test(loss: impl Fn(f64) -> f64) -> RateTest {
        let mut test = RateTest::default();
        for (at, rate) in tried().into_iter().enumerate() {
            test.add(rate, loss(rate.log10()) * (1.0 + 0.02 * (at as f64 * 2.4).sin()));
            if test.has_blown_up() {
                break;
            }
        }
        test.conclude();
        test
    }

    fn near(found: Option<f64>, expected: f64) {
        let off = found.map(|found| (found / expected).log10().abs());
        assert!(off.is_some_and(|off| off < 0.25), "{found:?} where {expected} is expected");
    }

    #[test]
    fn there_are_fewer_than_two_hundred_rates_and_they_rise() {
        let rates = tried();
        assert_eq!((rates.len(), rates[0]), (176, 1e-6));
        assert!(rates.windows(2).all(|pair| pair[0] < pair[1]) && (rates[175] - 10.0).abs() < 1e-9);
    }

    #[test]
    fn the_suggestion_lies_between_the_steepest_fall_and_a_tenth_of_the_blow_up() {
        // falls around 0.001 from 2.3 to 0.5, and rises from 0.1 on
        let falling = |log: f64| 0.5 + 1.8 / (1.0 + ((log + 3.0) * 5.0).exp());
        let found = test(|log| falling(log) + (8.0 * (log + 1.0)).exp().min(1e9));
        let suggestion = found.suggestion.unwrap();
        near(suggestion.steepest, 0.001);
        near(suggestion.blow_up, 0.1);
        near(Some(suggestion.rate), 0.0032);
        assert!(found.points.len() < tried().len(), "it ends where the loss has blown up");
        assert!(found.conclusion().starts_with("Suggested: 0.00"), "{}", found.conclusion());
    }

    #[test]
    fn weights_that_cannot_get_better_are_given_a_tenth_of_the_blow_up() {
        let suggestion = test(|log| 0.1 + (8.0 * log).exp()).suggestion.unwrap();
        assert_eq!(suggestion.steepest, None);
        near(Some(suggestion.rate), 0.05);
    }

    #[test]
    fn what_no_rate_changes_has_no_suggestion_and_no_number_ends_the_test() {
        let flat = test(|_| 2.3);
        assert_eq!((flat.suggestion, flat.points.len()), (None, tried().len()));
        assert!(flat.conclusion().starts_with("No learning rate"));
        let found = test(|log| if log > -2.0 { f64::NAN } else { 2.3 - (log + 6.0) * 0.2 });
        near(found.suggestion.unwrap().blow_up, 0.01);
        assert!(found.smoothed.iter().all(|loss| loss.is_finite()));
    }

    #[test]
    fn rates_are_written_with_two_digits() {
        assert_eq!([0.00316, 1e-6, 0.1, 3.2, 10.0].map(written), ["0.0032", "0.000001", "0.1", "3.2", "10"]);
    }
}
