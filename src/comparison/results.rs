//! What a comparison found, and what may be concluded from it.
use super::{Cell, Comparison, labels};
use std::collections::BTreeMap;

/// Test accuracies, by budget, in the comparison's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    pub budgets: Vec<BudgetResult>,
}

/// All arms on one number of labels.
#[derive(Clone, Debug, PartialEq)]
pub struct BudgetResult {
    pub labels_per_class: u64,
    /// In order of the comparison's arms.
    pub arms: Vec<ArmResult>,
}

/// One arm on one number of labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArmResult {
    /// Seeds and test accuracies, for the races that have ended.
    pub accuracies: Vec<(u64, f64)>,
    pub mean: Option<f64>,
    /// The standard deviation over seeds (n − 1 in the denominator).
    pub deviation: Option<f64>,
    /// From the control arm; none for that arm itself.
    pub difference: Option<Difference>,
}

/// How much better an arm does than the control in the same races.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    pub mean: f64,
    /// The 95 % interval of the mean by Student's t; none from a single race.
    pub interval: Option<[f64; 2]>,
    pub races: usize,
}

/// The mean of several curves at a step, and between what they lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    pub step: f64,
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

impl Results {
    /// Of the test accuracies of the cells that have ended.
    pub fn new(comparison: &Comparison, accuracies: &BTreeMap<Cell, f64>) -> Self {
        let races = comparison.races();
        let budget = |budget: &u64| {
            let mut arms: Vec<ArmResult> = (0..comparison.arms.len())
                .map(|arm| {
                    let on_budget =
                        races.iter().enumerate().filter(|(_, race)| race.labels_per_class == *budget);
                    let found = on_budget.filter_map(|(index, race)| {
                        Some((race.seed, *accuracies.get(&Cell::Arm { race: index, arm })?))
                    });
                    ArmResult::new(found.collect())
                })
                .collect();
            let control = arms.get(comparison.control()).cloned().unwrap_or_default();
            for (index, arm) in arms.iter_mut().enumerate() {
                arm.difference = arm.difference_from(&control).filter(|_| index != comparison.control());
            }
            BudgetResult { labels_per_class: *budget, arms }
        };
        Self { budgets: comparison.labels_per_class.iter().map(budget).collect() }
    }

    /// What may and may not be concluded, a sentence each.
    pub fn conclusions(&self, comparison: &Comparison) -> Vec<String> {
        let control = &comparison.arms[comparison.control()].name;
        let mut said = vec![];
        for budget in &self.budgets {
            for (arm, result) in comparison.arms.iter().zip(&budget.arms) {
                let Some(difference) = result.difference.filter(|_| arm.init_from.is_some()) else {
                    continue;
                };
                said.push(format!(
                    "With {}, {} {}",
                    labels(budget.labels_per_class),
                    quoted(&arm.name),
                    difference.sentence(control)
                ));
            }
        }
        if said.is_empty() {
            return vec!["Nothing can be concluded before a race has ended in every arm.".into()];
        }
        let limits = "Each pretrained encoder was trained once: how far another seed of the pretraining would come is not \
                      measured here, and neither are other data or other recipes.";
        said.push(limits.into());
        said
    }
}

impl ArmResult {
    fn new(accuracies: Vec<(u64, f64)>) -> Self {
        let values: Vec<f64> = accuracies.iter().map(|(_, accuracy)| *accuracy).collect();
        Self { mean: mean(&values), deviation: deviation(&values), accuracies, difference: None }
    }

    /// Race by race, so that a lucky draw of labels cancels out.
    fn difference_from(&self, control: &Self) -> Option<Difference> {
        let other: BTreeMap<u64, f64> = control.accuracies.iter().copied().collect();
        let pairs = self.accuracies.iter().filter_map(|(seed, accuracy)| Some(accuracy - other.get(seed)?));
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

    fn sentence(&self, control: &str) -> String {
        let points = |share: f64| format!("{:+.1}", share * 100.0).replace('-', "−");
        let (control, races) = (quoted(control), self.races);
        match self.interval {
            None => format!(
                "scored {} points against {control} in the only race so far: one race shows an example, not a rule.",
                points(self.mean)
            ),
            Some([low, high]) if self.is_clear() => {
                let (size, verb) =
                    (self.mean.abs() * 100.0, if self.mean > 0.0 { "better" } else { "worse" });
                let few = if races < 3 { " Two races are few." } else { "" };
                format!(
                    "is {size:.1} points {verb} than {control} on average (95 % interval {} to {}, {races} draws of \
                     labels).{few}",
                    points(low),
                    points(high)
                )
            }
            Some([low, high]) => format!(
                "cannot be told from {control}: {} points on average, but anything from {} to {} is plausible after \
                 {races} draws of labels.",
                points(self.mean),
                points(low),
                points(high)
            ),
        }
    }
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

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn deviation(values: &[f64]) -> Option<f64> {
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

    fn results(accuracies: &[[f64; 4]]) -> (Comparison, Results) {
        let mut comparison = super::super::tests::example();
        comparison.seeds = (0..accuracies.len() as u64).collect();
        comparison.labels_per_class = vec![1];
        let cell = |race, arm| Cell::Arm { race, arm };
        let found = accuracies
            .iter()
            .enumerate()
            .flat_map(|(race, arms)| (0..4).map(move |arm| (cell(race, arm), arms[arm])))
            .collect();
        let results = Results::new(&comparison, &found);
        (comparison, results)
    }

    /// statistics.stdev and scipy.stats.ttest_rel(frozen, scratch).confidence_interval() in Python
    #[test]
    fn figures_are_those_of_scipy() {
        let (_, results) = results(&[[0.4, 0.7, 0.85, 0.7], [0.5, 0.6, 0.8, 0.6], [0.45, 0.65, 0.88, 0.66]]);
        let frozen = &results.budgets[0].arms[2];
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-4, "{a} {b}");
        near(frozen.mean.unwrap(), 0.843_333);
        near(frozen.deviation.unwrap(), 0.040_415);
        let difference = frozen.difference.unwrap();
        near(difference.mean, 0.193_333);
        let [low, high] = difference.interval.unwrap();
        near(low, 0.092_938);
        near(high, 0.293_729);
        assert!(difference.is_clear() && !results.budgets[0].arms[3].difference.unwrap().is_clear());
        assert_eq!(results.budgets[0].arms[1].difference, None);
        near(t_quantile(31), 2.0395);
        near(t_quantile(10), 2.2281);
    }

    #[test]
    fn no_more_is_said_than_was_measured() {
        let said = |accuracies: &[[f64; 4]]| {
            let (comparison, results) = results(accuracies);
            results.conclusions(&comparison).join("\n")
        };
        assert!(said(&[]).contains("Nothing can be concluded"));
        assert!(said(&[[0.4, 0.7, 0.85, 0.7]]).contains("an example, not a rule"));
        let three = said(&[[0.4, 0.7, 0.85, 0.7], [0.5, 0.6, 0.8, 0.6], [0.45, 0.65, 0.88, 0.66]]);
        assert!(three.contains("“Frozen” is 19.3 points better than “Scratch”"), "{three}");
        assert!(three.contains("“Tuned” cannot be told from “Scratch”"), "{three}");
    }

    #[test]
    fn a_race_that_has_not_ended_in_both_arms_counts_in_neither() {
        let (comparison, _) = results(&[[0.0; 4]; 2]);
        let cell = |race, arm| Cell::Arm { race, arm };
        let found = [(cell(0, 1), 0.5), (cell(1, 1), 0.6), (cell(0, 2), 0.9)].into();
        let results = Results::new(&comparison, &found);
        assert_eq!(
            results.budgets[0].arms[2].difference,
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
}
