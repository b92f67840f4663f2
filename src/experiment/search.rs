//! How a sweep chooses its settings: one file and one word for each way.
use super::{Axis, Setting};
use crate::{registry, rng, spec::ComponentInfo};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

registry!("kind of search", SearchEntry: grid, random, sobol, tpe);

/// Attempts at a setting that was not tried before; a sweep of few combinations ends once they are exhausted.
const ATTEMPTS: u64 = 200;
/// Trials of a search that is not told how many, and how many of them race side by side.
const TRIALS: usize = 24;
/// Trials side by side where all are trained to their end.
const AT_ONCE: usize = 4;

/// A way to choose settings.
pub struct SearchEntry {
    /// What it is.
    pub info: ComponentInfo,
    /// The way itself.
    pub method: &'static dyn Method,
}

/// What a way to choose settings has to answer. The answer depends on nothing but the request.
pub trait Method: Sync {
    /// For each axis a share of the way along it, from 0 up to 1; none where there is nothing left to be tried.
    fn choose(&self, request: &Request<'_>) -> Option<Vec<f64>>;

    /// Whether a setting that was tried before is no reason to ask again.
    fn never_repeats(&self) -> bool {
        false
    }
}

/// What a trial is chosen by.
pub struct Request<'a> {
    /// What is varied.
    pub axes: &'a [Axis],
    /// Of the search.
    pub seed: u64,
    /// The number of the trial, from 0.
    pub trial: usize,
    /// How many answers were settings that were tried before.
    pub attempt: u64,
    /// Those that have a result, the best first: for each axis a share of the way along it.
    pub ranked: &'a [Vec<f64>],
}

impl Request<'_> {
    /// A generator of this trial's own.
    fn rng(&self) -> ChaCha8Rng {
        rng::rng(self.seed, "sweep", (self.trial as u64) << 16 | self.attempt)
    }
}

/// How the trials of a sweep are chosen, how many, and which of them are trained to their end.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// The identifier of the way to choose.
    pub kind: &'static str,
    /// It draws the trials.
    pub seed: u64,
    /// So many settings at most, each with every seed of the experiment.
    pub trials: usize,
    /// No trial begins once all of them have trained for so many minutes.
    pub minutes: Option<f64>,
    /// One of so many goes on at each rung; 1 trains all to their end.
    pub halving: usize,
    /// So many settings race side by side, and are ranked against each other.
    pub at_once: usize,
    /// Trials that a person has given up on, by their numbers.
    pub skipped: BTreeSet<usize>,
    /// The settings that were chosen so far, in order of the axes.
    pub drawn: Vec<Vec<Setting>>,
}

impl Search {
    /// Of a kind, with defaults.
    pub fn new(kind: &'static str, axes: &[Axis]) -> Self {
        let combinations = axes.iter().filter_map(Axis::choices).fold(1, usize::saturating_mul);
        Self {
            kind,
            seed: 0,
            trials: if kind == grid::ENTRY.info.id { combinations } else { TRIALS },
            minutes: None,
            halving: 1,
            at_once: AT_ONCE,
            skipped: BTreeSet::new(),
            drawn: vec![],
        }
    }

    /// The kind of a sweep that names none: every combination of values, or what learns where there is a range.
    pub fn default_kind(axes: &[Axis]) -> &'static str {
        let is_countable = axes.iter().all(|axis| axis.range.is_none());
        if is_countable { grid::ENTRY.info.id } else { tpe::ENTRY.info.id }
    }

    /// Whether a kind can choose values of these axes: a grid needs to know how many there are.
    pub fn can_choose(kind: &str, axes: &[Axis]) -> bool {
        kind != grid::ENTRY.info.id || axes.iter().all(|axis| axis.choices().is_some())
    }

    /// How many settings race side by side where that is not said: enough for two rungs of halving.
    pub fn usual_at_once(halving: usize) -> usize {
        if halving > 1 { halving.saturating_mul(halving) } else { AT_ONCE }
    }

    /// Up to `count` further settings, by the results so far: `ranked` are the settings that have one, the best first.
    pub fn choose(&self, axes: &[Axis], ranked: &[&[Setting]], count: usize) -> Vec<Vec<Setting>> {
        let Some(entry) = ALL.iter().find(|entry| entry.info.id == self.kind) else { return vec![] };
        // what is no longer on the axes, after these were changed, says nothing about what is
        let place = |settings: &&[Setting]| -> Option<Vec<f64>> {
            axes.iter().zip(settings.iter()).map(|(axis, setting)| axis.share_of(setting)).collect()
        };
        let ranked: Vec<Vec<f64>> = ranked.iter().filter_map(place).collect();
        let written = |settings: &[Setting]| settings.iter().map(Setting::text).collect::<Vec<_>>();
        let mut tried: BTreeSet<Vec<String>> = self.drawn.iter().map(|settings| written(settings)).collect();
        let mut chosen = vec![];
        for trial in self.drawn.len()..self.drawn.len() + count {
            let found = (0..ATTEMPTS).find_map(|attempt| {
                let request = Request { axes, seed: self.seed, trial, attempt, ranked: &ranked };
                let shares = entry.method.choose(&request)?;
                let settings: Vec<Setting> =
                    axes.iter().zip(shares).map(|(axis, share)| axis.at(share)).collect();
                let is_new = tried.insert(written(&settings));
                (is_new || entry.method.never_repeats()).then_some(settings)
            });
            let Some(settings) = found else { break };
            chosen.push(settings);
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{experiment::several, session::catalog, spec::RunSpec};

    fn axes(texts: &[(&str, &str)]) -> Vec<Axis> {
        let read = |(key, text): &(&str, &str)| {
            several::axis(key, &(*text).into(), &RunSpec::default(), &catalog()).unwrap()
        };
        texts.iter().map(read).collect()
    }

    fn value(setting: &Setting) -> f64 {
        let Setting::Param(_, _, value) = setting else { panic!("{setting:?}") };
        *value
    }

    #[test]
    fn trials_depend_on_the_seed_and_the_results_alone() {
        let axes = axes(&[("learning_rate", "0.0001..0.1 log"), ("batch_size", "16,32,64")]);
        for entry in ALL.iter().filter(|entry| entry.info.id != "grid") {
            let search = Search::new(entry.info.id, &axes);
            let first = search.choose(&axes, &[], 20);
            assert_eq!((first.len(), &search.choose(&axes, &[], 20)), (20, &first));
            let other = Search { seed: 1, ..search.clone() };
            assert_ne!(other.choose(&axes, &[], 20), first, "{}", entry.info.id);
            // one after the other, as after a stop, they are the same
            let mut after = search.clone();
            for _ in 0..20 {
                let next = after.choose(&axes, &[], 1);
                after.drawn.extend(next);
            }
            assert_eq!(after.drawn, first, "{}", entry.info.id);
        }
    }

    #[test]
    fn a_search_over_few_combinations_ends_with_the_last() {
        let axes = axes(&[("learning_rate", "0.001,0.01"), ("batch_size", "16,32,64")]);
        for entry in ALL {
            let all = Search::new(entry.info.id, &axes).choose(&axes, &[], 50);
            let different: BTreeSet<String> = all.iter().map(|settings| format!("{settings:?}")).collect();
            assert_eq!((all.len(), different.len()), (6, 6), "{}", entry.info.id);
        }
    }

    /// The best of a bowl's values, by its logarithm, after so many trials in batches of four.
    fn reached(kind: &'static str, seed: u64) -> f64 {
        let axes = axes(&[("learning_rate", "0.0001..0.1 log"), ("conv_dropout", "0..0.9")]);
        let bowl = |settings: &[Setting]| {
            (value(&settings[0]).log10() + 2.0).powi(2) + (4.0 * (value(&settings[1]) - 0.2)).powi(2)
        };
        let mut search = Search { seed, ..Search::new(kind, &axes) };
        for _ in 0..10 {
            let mut ranked: Vec<&[Setting]> = search.drawn.iter().map(Vec::as_slice).collect();
            ranked.sort_by(|a, b| bowl(a).total_cmp(&bowl(b)));
            let next = search.choose(&axes, &ranked, 4);
            search.drawn.extend(next);
        }
        search.drawn.iter().map(|settings| bowl(settings)).fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn tpe_finds_the_bottom_of_a_bowl_sooner_than_chance() {
        let mean = |kind| (0..20).map(|seed| reached(kind, seed)).sum::<f64>() / 20.0;
        let (tpe, random) = (mean("tpe"), mean("random"));
        assert!(tpe < 0.5 * random, "{tpe} {random}");
    }

    #[test]
    fn the_points_of_a_sobol_sequence_lie_apart() {
        let axes = axes(&[("learning_rate", "0.0001..0.1 log"), ("conv_dropout", "0..0.9")]);
        let gaps = |kind| {
            let mut values: Vec<f64> = Search::new(kind, &axes)
                .choose(&axes, &[], 32)
                .iter()
                .map(|settings| axes[0].share_of(&settings[0]).unwrap())
                .collect();
            values.sort_by(f64::total_cmp);
            values.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max)
        };
        assert!(gaps("sobol") < 2.1 / 32.0, "one in each thirty-second: {}", gaps("sobol"));
        assert!(gaps("random") > 2.1 / 32.0);
    }
}
