//! What a sweep allows to be said. Whoever tries many settings finds a good one by chance alone, so how many were tried is
//! always said, and differences are corrected for it.
use super::{Found, Search, Standing};
use crate::{
    experiment::{
        Experiment,
        results::{amount, deviation, mean},
        student,
    },
    metrics::Unit,
};

impl Experiment {
    /// The best of the trials that were trained to their end.
    pub fn best(&self, search: &Search, found: &Found) -> Option<usize> {
        let whole = self.whole(search, found);
        let value = |trial: &usize| self.value_at(*trial, 1.0, found).unwrap_or(f64::NAN);
        whole.into_iter().min_by(|a, b| self.better_first(value(a), value(b)))
    }

    /// What may and may not be concluded from a sweep, a sentence each.
    pub fn said_of_sweep(&self, search: &Search, found: &Found) -> Vec<String> {
        let Some(best) = self.best(search, found) else {
            return vec!["Nothing can be concluded before a setting has been trained to its end.".into()];
        };
        let mut said = vec![self.of_best(search, found, best)];
        said.extend(self.of_others(search, found, best));
        said.push(self.of_choice(search, found));
        said
    }

    fn whole(&self, search: &Search, found: &Found) -> Vec<usize> {
        let is_whole = |trial: &usize| {
            self.standing(search, *trial, found) == Standing::Finished
                && self.value_at(*trial, 1.0, found).is_some()
        };
        (0..search.drawn.len()).filter(is_whole).collect()
    }

    /// The values of a trial by its seeds, in their order.
    fn by_seed(&self, trial: usize, found: &Found) -> Vec<f64> {
        self.cells_of(trial).filter_map(|cell| found.get(&cell)?.at(1.0)).collect()
    }

    fn of_best(&self, search: &Search, found: &Found, best: usize) -> String {
        let values = self.by_seed(best, found);
        let value = self.metric.written(mean(&values).unwrap_or(f64::NAN));
        let spread = deviation(&values).map_or(String::new(), |deviation| {
            let deviation = match self.metric.unit {
                Unit::Share => format!("{:.2} points", 100.0 * deviation),
                Unit::Number => format!("{deviation:.4}"),
            };
            format!(" on average over {} seeds, with a standard deviation of {deviation}", values.len())
        });
        format!(
            "The best of {} settings is trial {}, {}: {} {value}{spread}.",
            search.drawn.len(),
            best + 1,
            self.point_label(best),
            self.measured().to_lowercase()
        )
    }

    /// How sure it is that the best is better than others that were trained to their end.
    fn of_others(&self, search: &Search, found: &Found, best: usize) -> Option<String> {
        let mut others: Vec<usize> = self.whole(search, found);
        others.retain(|trial| *trial != best);
        let value = |trial: usize| self.value_at(trial, 1.0, found).unwrap_or(f64::NAN);
        others.sort_by(|a, b| self.better_first(value(*a), value(*b)));
        let next = *others.first()?;
        let lead = amount(self.metric, (value(best) - value(next)).abs(), false);
        if self.seeds.len() == 1 {
            return Some(format!(
                "It leads the next best, trial {}, by {lead}. Each setting was trained with one seed: how much of that is luck was not measured, and three seeds would.",
                next + 1
            ));
        }
        let alike = others.iter().filter(|trial| !self.is_worse(**trial, best, others.len(), found)).count();
        let corrected = match others.len() {
            1 => "at 95 %".to_owned(),
            many => format!("at 95 % for all {many} comparisons together, by Bonferroni's correction"),
        };
        Some(if alike == 0 {
            format!(
                "It is better than every other setting that was trained to its end, the next by {lead} ({corrected}, {} seeds).",
                self.seeds.len()
            )
        } else {
            format!(
                "{alike} of the {} others that were trained to their end cannot be distinguished from it ({corrected}, {} seeds); the next best is {lead} behind.",
                others.len(),
                self.seeds.len()
            )
        })
    }

    /// Whether a trial is clearly worse than the best, seed by seed, where so many are compared.
    fn is_worse(&self, trial: usize, best: usize, comparisons: usize, found: &Found) -> bool {
        let (own, other) = (self.by_seed(best, found), self.by_seed(trial, found));
        let sign = if self.metric.higher_is_better { 1.0 } else { -1.0 };
        let leads: Vec<f64> = own.iter().zip(&other).map(|(best, other)| sign * (best - other)).collect();
        let Some((mean, deviation)) = mean(&leads).zip(deviation(&leads)) else { return false };
        let quantile = student::quantile(1.0 - 0.025 / comparisons as f64, leads.len() - 1);
        mean > quantile * deviation / (leads.len() as f64).sqrt()
    }

    fn of_choice(&self, search: &Search, found: &Found) -> String {
        let count = |wanted: Standing| {
            (0..search.drawn.len()).filter(|trial| self.standing(search, *trial, found) == wanted).count()
        };
        let mut parts = vec![];
        for (standing, text) in [
            (Standing::StoppedEarly, "stopped early"),
            (Standing::Failed, "failed"),
            (Standing::Skipped, "skipped"),
            (Standing::Racing, "still under way"),
        ] {
            let count = count(standing);
            parts.extend((count > 0).then(|| format!("{count} {text}")));
        }
        let parts = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
        format!(
            "{} settings were tried{parts}: the best of so many looks better on the validation examples that it was chosen by than it is on others. Train it with seeds that it was not chosen by, or look once at test examples.",
            search.drawn.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Cell, Ended, Observed, sweep::tests::searched};

    /// Three settings with as many seeds, trained to their end.
    fn swept(values: [[f64; 3]; 3]) -> (Experiment, Found) {
        let mut experiment = searched("{ kind = 'random', trials = 3, at_once = 3 }");
        experiment.seeds = vec![1, 2, 3];
        let search = experiment.search.clone().unwrap();
        let drawn = experiment.draw(&search, &Found::new(), 3);
        experiment.search.as_mut().unwrap().drawn = drawn;
        let run = |value| Observed {
            steps: 10,
            step: 10,
            curve: vec![[10.0, value]],
            ended: Some(Ended::Finished),
            secs: 1.0,
        };
        let found = values
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(race, value)| (Cell::Arm { race, arm: 0 }, run(value)))
            .collect();
        (experiment, found)
    }

    fn said(experiment: &Experiment, found: &Found) -> Vec<String> {
        experiment.said_of_sweep(experiment.search.as_ref().unwrap(), found)
    }

    #[test]
    fn the_best_is_told_from_those_that_are_clearly_worse() {
        let (experiment, found) = swept([[0.9, 0.91, 0.92], [0.95, 0.96, 0.97], [0.94, 0.97, 0.955]]);
        let said = said(&experiment, &found);
        assert!(said[0].starts_with("The best of 3 settings is trial 2, learning rate"), "{}", said[0]);
        assert!(said[0].contains("96.00 %") && said[0].contains("1.00 points"), "{}", said[0]);
        assert!(said[1].starts_with("1 of the 2 others") && said[1].contains("Bonferroni"), "{}", said[1]);
        assert!(said[2].starts_with("3 settings were tried:"), "{}", said[2]);
    }

    #[test]
    fn one_seed_says_nothing_about_luck() {
        let (mut experiment, found) = swept([[0.9; 3], [0.95; 3], [0.94; 3]]);
        experiment.seeds.truncate(1);
        let first: Found = found.into_iter().take(3).collect();
        let said = said(&experiment, &first);
        assert!(said[1].contains("how much of that is luck was not measured"), "{}", said[1]);
    }

    #[test]
    fn nothing_is_said_of_settings_that_are_not_at_their_end() {
        let (experiment, _) = swept([[0.9; 3]; 3]);
        assert!(said(&experiment, &Found::new())[0].starts_with("Nothing can be concluded"));
    }
}
