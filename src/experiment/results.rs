//! What an experiment found, and what may be concluded from it.
use super::{Cell, Experiment};
use crate::metrics::{MetricInfo, Unit};
use std::collections::BTreeMap;

/// Values of the experiment's metric, by point, in the experiment's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// One for each point.
    pub points: Vec<PointResult>,
}

/// All arms at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct PointResult {
    /// In order of the experiment's arms.
    pub arms: Vec<ArmResult>,
}

/// One arm at one point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArmResult {
    /// Seeds and values of the metric, for the races that have ended.
    pub values: Vec<(u64, f64)>,
    /// The mean over seeds.
    pub mean: Option<f64>,
    /// The standard deviation over seeds (n − 1 in the denominator).
    pub deviation: Option<f64>,
    /// From the control at the same point, or where there is a single arm, from the first point; none for that itself.
    pub difference: Option<Difference>,
}

/// How much higher the metric is than the control's, in races with the same seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The mean over races, in the metric's unit.
    pub mean: f64,
    /// The 95 % interval of the mean by Student's t; none from a single race.
    pub interval: Option<[f64; 2]>,
    /// How many races both have ended in.
    pub races: usize,
}

/// The mean of several curves at a step, and between what they lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// The training step.
    pub step: f64,
    /// The mean of the curves.
    pub mean: f64,
    /// The lowest of them.
    pub low: f64,
    /// The highest of them.
    pub high: f64,
}

impl Results {
    /// Of the metric's values in the cells that have ended.
    pub fn new(experiment: &Experiment, found: &BTreeMap<Cell, f64>) -> Self {
        let arms = experiment.arms.len();
        let mut values = vec![vec![vec![]; arms]; experiment.points()];
        for (cell, value) in found {
            if let Cell::Arm { race, arm } = *cell {
                let race = experiment.race(race);
                values[race.point][arm].push((race.seed, *value));
            }
        }
        let result = |arms: Vec<_>| PointResult { arms: arms.into_iter().map(ArmResult::new).collect() };
        let mut points: Vec<PointResult> = values.into_iter().map(result).collect();
        let whole = points.clone();
        for (place, arm) in (0..points.len()).flat_map(|place| (0..arms).map(move |arm| (place, arm))) {
            let control = if arms > 1 { (place, experiment.control) } else { (0, arm) };
            if (place, arm) != control {
                let control = &whole[control.0].arms[control.1];
                points[place].arms[arm].difference = whole[place].arms[arm].difference_from(control);
            }
        }
        Self { points }
    }

    /// What may and may not be concluded, a sentence each.
    pub fn conclusions(&self, experiment: &Experiment) -> Vec<String> {
        let claimed = claimed(experiment);
        let mut said = vec![];
        for (place, point) in self.points.iter().enumerate() {
            for (arm, result) in point.arms.iter().enumerate().filter(|(arm, _)| claimed.contains(arm)) {
                let Some(difference) = result.difference else { continue };
                let [subject, control] = subjects(experiment, place, arm);
                said.push(format!("{subject} {}", difference.sentence(&control, experiment)));
            }
        }
        if said.is_empty() {
            return vec!["Nothing can be concluded before a race has ended in every arm.".into()];
        }
        if experiment.arms.len() == 1 && self.points.len() > 2 {
            said.push(format!(
                "{} settings were tried, and each interval is of one comparison by itself: of so many, some look better or worse by chance alone.",
                self.points.len()
            ));
        }
        if (0..experiment.arms.len()).any(|arm| experiment.is_pretrained(arm)) {
            let limits = "Each pretrained encoder was trained once: how far another seed of the pretraining would come is \
                          not measured here, and neither are other data or other recipes.";
            said.push(limits.into());
        }
        said
    }
}

/// The arms about which something is concluded: those that begin with pretrained weights where others do not, or else all.
fn claimed(experiment: &Experiment) -> Vec<usize> {
    let all = 0..experiment.arms.len();
    let pretrained: Vec<usize> = all.clone().filter(|arm| experiment.is_pretrained(*arm)).collect();
    if pretrained.is_empty() { all.collect() } else { pretrained }
}

/// An arm at a point, and what it is measured against, as a sentence has them.
fn subjects(experiment: &Experiment, place: usize, arm: usize) -> [String; 2] {
    let label = experiment.point_label(place);
    if experiment.arms.len() == 1 {
        return [quoted(&label), quoted(&experiment.point_label(0))];
    }
    let name = quoted(&experiment.arms[arm].name);
    let subject = if label.is_empty() { name } else { format!("With {label}, {name}") };
    [subject, quoted(&experiment.arms[experiment.control].name)]
}

impl ArmResult {
    fn new(values: Vec<(u64, f64)>) -> Self {
        let alone: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
        Self { mean: mean(&alone), deviation: deviation(&alone), values, difference: None }
    }

    /// Race by race, so that a lucky draw of labels cancels out.
    fn difference_from(&self, control: &Self) -> Option<Difference> {
        let other: BTreeMap<u64, f64> = control.values.iter().copied().collect();
        let pairs = self.values.iter().filter_map(|(seed, value)| Some(value - other.get(seed)?));
        let differences: Vec<f64> = pairs.collect();
        let (mean, races) = (mean(&differences)?, differences.len());
        let interval = deviation(&differences).map(|deviation| {
            let margin = t_quantile(races - 1) * deviation / (races as f64).sqrt();
            [mean - margin, mean + margin]
        });
        Some(Difference { mean, interval, races })
    }
}

impl Difference {
    /// Whether the interval leaves no doubt about the sign.
    pub fn is_clear(&self) -> bool {
        self.interval.is_some_and(|[low, high]| low > 0.0 || high < 0.0)
    }

    fn sentence(&self, control: &str, experiment: &Experiment) -> String {
        let (metric, races) = (experiment.metric, self.races);
        let draws = if experiment.varies_labels() { "draws of labels" } else { "seeds" };
        match self.interval {
            None => format!(
                "scored {} against {control} in the only race so far: one race shows an example, not a rule.",
                amount(metric, self.mean, true)
            ),
            Some([low, high]) if self.is_clear() => {
                let is_better = (self.mean > 0.0) == metric.higher_is_better;
                let verb = if is_better { "better" } else { "worse" };
                let few = if races < 3 { " Two races are few." } else { "" };
                format!(
                    "is {} {verb} than {control} on average (95 % interval {} to {}, {races} {draws}).{few}",
                    amount(metric, self.mean.abs(), false),
                    signed(metric, low),
                    signed(metric, high)
                )
            }
            Some([low, high]) => format!(
                "cannot be distinguished from {control}: {} on average, but anything from {} to {} is plausible after \
                 {races} {draws}.",
                amount(metric, self.mean, true),
                signed(metric, low),
                signed(metric, high)
            ),
        }
    }
}

/// "19.3 points", or with a sign "+19.3 points"; of a loss "0.0123".
pub(super) fn amount(metric: &MetricInfo, value: f64, with_sign: bool) -> String {
    let signed = signed(metric, value);
    let number = if with_sign { signed.as_str() } else { signed.trim_start_matches(['+', '−']) };
    match metric.unit {
        Unit::Share => format!("{number} points"),
        Unit::Number => number.into(),
    }
}

/// A difference in percentage points, or in the metric's own unit.
pub fn signed(metric: &MetricInfo, value: f64) -> String {
    let written = match metric.unit {
        Unit::Share => format!("{:+.1}", value * 100.0),
        Unit::Number => format!("{value:+.4}"),
    };
    written.replace('-', "−")
}

fn quoted(name: &str) -> String {
    format!("“{name}”")
}

/// At each step that any curve has: mean, lowest and highest of those that have it. Curves are (step, value), rising.
pub fn band(curves: &[&[[f64; 2]]]) -> Vec<Band> {
    let mut at: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for [step, value] in curves.iter().flat_map(|curve| curve.iter()) {
        at.entry(*step as u64).or_default().push(*value);
    }
    // A mean over fewer curves than before would jump.
    let most = at.values().map(Vec::len).max().unwrap_or_default();
    let whole = at.into_iter().filter(|(_, values)| values.len() == most);
    whole
        .map(|(step, values)| Band {
            step: step as f64,
            mean: values.iter().sum::<f64>() / values.len() as f64,
            low: values.iter().copied().fold(f64::INFINITY, f64::min),
            high: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
        .collect()
}

pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

pub(super) fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values).filter(|_| values.len() > 1)?;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / (values.len() - 1) as f64).sqrt())
}

/// The 97.5 % quantile of Student's t distribution.
fn t_quantile(degrees: usize) -> f64 {
    const TABLE: [f64; 30] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145,
        2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048,
        2.045, 2.042,
    ];
    // Beyond the table, Cornish and Fisher's expansion around the normal quantile.
    let (z, n) = (1.959_964_f64, degrees.max(1) as f64);
    let expanded =
        z + (z.powi(3) + z) / (4.0 * n) + (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / (96.0 * n * n);
    TABLE.get(degrees.wrapping_sub(1)).copied().unwrap_or(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results(accuracies: &[[f64; 4]]) -> (Experiment, Results) {
        let mut experiment = super::super::tests::example();
        experiment.seeds = (0..accuracies.len() as u64).collect();
        experiment.axes[0].settings.truncate(1);
        let cell = |race, arm| Cell::Arm { race, arm };
        let found = accuracies
            .iter()
            .enumerate()
            .flat_map(|(race, arms)| (0..4).map(move |arm| (cell(race, arm), arms[arm])))
            .collect();
        let results = Results::new(&experiment, &found);
        (experiment, results)
    }

    /// statistics.stdev and scipy.stats.ttest_rel(frozen, scratch).confidence_interval() in Python
    #[test]
    fn figures_are_those_of_scipy() {
        let (_, results) = results(&[[0.4, 0.7, 0.85, 0.7], [0.5, 0.6, 0.8, 0.6], [0.45, 0.65, 0.88, 0.66]]);
        let frozen = &results.points[0].arms[2];
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-4, "{a} {b}");
        near(frozen.mean.unwrap(), 0.843_333);
        near(frozen.deviation.unwrap(), 0.040_415);
        let difference = frozen.difference.unwrap();
        near(difference.mean, 0.193_333);
        let [low, high] = difference.interval.unwrap();
        near(low, 0.092_938);
        near(high, 0.293_729);
        assert!(difference.is_clear() && !results.points[0].arms[3].difference.unwrap().is_clear());
        assert_eq!(results.points[0].arms[1].difference, None);
        near(t_quantile(31), 2.0395);
        near(t_quantile(10), 2.2281);
    }

    #[test]
    fn no_more_is_said_than_was_measured() {
        let said = |accuracies: &[[f64; 4]]| {
            let (experiment, results) = results(accuracies);
            results.conclusions(&experiment).join("\n")
        };
        assert!(said(&[]).contains("Nothing can be concluded"));
        assert!(said(&[[0.4, 0.7, 0.85, 0.7]]).contains("an example, not a rule"));
        let three = said(&[[0.4, 0.7, 0.85, 0.7], [0.5, 0.6, 0.8, 0.6], [0.45, 0.65, 0.88, 0.66]]);
        assert!(three.contains("“Frozen” is 19.3 points better than “Scratch”"), "{three}");
        assert!(three.contains("“Tuned” cannot be distinguished from “Scratch”"), "{three}");
    }

    #[test]
    fn a_race_that_has_not_ended_in_both_arms_counts_in_neither() {
        let (experiment, _) = results(&[[0.0; 4]; 2]);
        let cell = |race, arm| Cell::Arm { race, arm };
        let found = [(cell(0, 1), 0.5), (cell(1, 1), 0.6), (cell(0, 2), 0.9)].into();
        let results = Results::new(&experiment, &found);
        assert_eq!(
            results.points[0].arms[2].difference,
            Some(Difference { mean: 0.4, interval: None, races: 1 })
        );
    }

    #[test]
    fn a_band_spans_the_curves_that_all_have_a_step() {
        let found = band(&[&[[1.0, 0.2], [2.0, 0.4]], &[[1.0, 0.4], [2.0, 0.8], [3.0, 1.0]]]);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].step, found[0].low, found[0].high), (1.0, 0.2, 0.4));
        assert!((found[1].mean - 0.6).abs() < 1e-12);
        assert!(band(&[]).is_empty());
    }

    #[test]
    fn a_sweep_is_measured_against_its_first_point() {
        let sweep = super::super::tests::sweep();
        let found = (0..12)
            .map(|race| (Cell::Arm { race, arm: 0 }, 0.5 + 0.05 * (race % 6) as f64 + 0.001 * race as f64));
        let results = Results::new(&sweep, &found.collect());
        let differences = |point: usize| results.points[point].arms[0].difference;
        assert_eq!(differences(0), None);
        assert_eq!(differences(5).unwrap().races, 2);
        assert!((differences(5).unwrap().mean - 0.255).abs() < 1e-12);
        let said = results.conclusions(&sweep);
        assert_eq!(said.len(), 5 + 1, "nothing is pretrained");
        assert!(said[5].starts_with("6 settings were tried"), "{}", said[5]);
        let last = "“learning rate 0.01, batch size 64” is 25.5 points better than “learning rate 0.001, batch size 16”";
        assert!(said[4].starts_with(last), "{}", said[4]);
    }

    #[test]
    fn a_lower_loss_is_better() {
        let mut sweep = super::super::tests::sweep();
        sweep.metric = crate::metrics::find(crate::metrics::LOSS).unwrap();
        let found = (0..12)
            .map(|race| (Cell::Arm { race, arm: 0 }, 1.0 - 0.1 * (race % 6) as f64 - 0.001 * race as f64));
        let said = Results::new(&sweep, &found.collect()).conclusions(&sweep);
        assert!(said[0].contains("is 0.1010 better than"), "{}", said[0]);
    }
}
