//! A sweep at work, as a function of what its runs have measured: which runs train next and how far, which are stopped
//! early, and when there is nothing left to do.
//!
//! Trials race in groups of [`Search::at_once`]. With successive halving (Jamieson and Talwalkar 2016) a group stops at
//! rungs, shares of the whole run that grow by the same factor; at each of them one of so many goes on. A rung stops runs
//! and changes nothing about them, so that a schedule keeps its length, and one that was stopped can be gone on with. Only
//! validation decides.
use super::{Cell, Experiment, Search, Setting};
use std::collections::BTreeMap;

mod conclusions;
mod importance;
pub use importance::{Importance, Share};

/// What is known of a run of a sweep.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Steps of the whole run; 0 before they are known.
    pub steps: u64,
    /// Steps done.
    pub step: u64,
    /// Steps and values of the experiment's metric on validation examples, rising.
    pub curve: Vec<[f64; 2]>,
    /// How it ended, if it did by itself.
    pub ended: Option<Ended>,
    /// Time spent training.
    pub secs: f64,
}

/// How a run ended that is not to be gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Trained to its end.
    Finished,
    /// Diverged, or could not go on for another reason.
    Failed,
}

/// What has been measured, by run.
pub type Found = BTreeMap<Cell, Observed>;

/// What a sweep does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Chooses up to so many further settings.
    Draw(usize),
    /// Trains runs side by side, each up to its goal.
    Train(Vec<Goal>),
    /// Nothing.
    Done,
}

/// The first step that is a share of a run or more; a third of 90 steps are 30, whatever a third is rounded to.
pub fn step_at(share: f64, steps: u64) -> u64 {
    (share * steps as f64 - 1e-6).ceil().max(0.0) as u64
}

/// How far a run is to be trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// The run.
    pub cell: Cell,
    /// The share of its steps; 1 for all of them.
    pub share: f64,
}

/// Where a trial stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// On its way, or waiting for its turn.
    Racing,
    /// Others of its group were better.
    StoppedEarly,
    /// Trained to its end.
    Finished,
    /// All of its runs failed.
    Failed,
    /// A person has given up on it.
    Skipped,
}

impl Standing {
    /// As tables and JSON have it.
    pub fn id(self) -> &'static str {
        match self {
            Standing::Racing => "racing",
            Standing::StoppedEarly => "stopped early",
            Standing::Finished => "finished",
            Standing::Failed => "failed",
            Standing::Skipped => "skipped",
        }
    }
}

/// What a trial has come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The mean of the metric over the seeds.
    pub value: f64,
    /// The share of the run after which it was measured.
    pub share: f64,
}

impl Observed {
    /// Whether it has been trained for a share of its steps and validated there, or has ended.
    fn has_reached(&self, share: f64) -> bool {
        self.ended.is_some() || (share < 1.0 && self.at(share).is_some())
    }

    /// The first value from a share of the run on; of a finished run the last one where there is none.
    fn at(&self, share: f64) -> Option<f64> {
        let from = step_at(share, self.steps) as f64;
        let found = self.curve.iter().find(|point| self.steps > 0 && point[0] >= from);
        let last = self.curve.last().filter(|_| self.ended == Some(Ended::Finished));
        let value = if share < 1.0 { found.or(last) } else { last }?[1];
        value.is_finite().then_some(value)
    }
}

impl Search {
    /// The shares of a run at which a group is looked at, rising to 1.
    pub fn rungs(&self) -> Vec<f64> {
        let mut shares = vec![1.0];
        let mut left = self.at_once;
        while self.halving > 1 && left >= self.halving && shares.len() < 10 {
            left /= self.halving;
            shares.push(shares[shares.len() - 1] / self.halving as f64);
        }
        shares.reverse();
        shares
    }
}

impl Experiment {
    /// What comes next, once nothing trains any more.
    pub fn next(&self, search: &Search, found: &Found) -> Next {
        for group in groups(search) {
            let goals = self.goals(search, &group, found).0;
            if !goals.is_empty() {
                return Next::Train(goals);
            }
        }
        let (drawn, secs) = (search.drawn.len(), found.values().map(|run| run.secs).sum::<f64>());
        let is_spent = search.minutes.is_some_and(|minutes| secs >= 60.0 * minutes);
        if drawn >= search.trials || is_spent {
            return Next::Done;
        }
        Next::Draw((search.at_once - drawn % search.at_once).min(search.trials - drawn))
    }

    /// Up to `count` further settings, by what has been measured.
    pub fn draw(&self, search: &Search, found: &Found, count: usize) -> Vec<Vec<Setting>> {
        let ranked = self.ranked(search, found);
        let ranked: Vec<&[Setting]> = ranked.iter().map(|trial| search.drawn[*trial].as_slice()).collect();
        search.choose(&self.axes, &ranked, count)
    }

    /// The trials that have a figure, the best first. They are compared after the longest training that enough of them have
    /// had; those that were stopped before come after them.
    pub fn ranked(&self, search: &Search, found: &Found) -> Vec<usize> {
        let enough = 2 * self.axes.len() + 2;
        let trials = || (0..search.drawn.len()).filter(|trial| !search.skipped.contains(trial));
        let at = |trial, share| self.value_at(trial, share, found);
        let rungs = search.rungs();
        let has_enough =
            |share: &&f64| trials().filter(|trial| at(*trial, **share).is_some()).count() >= enough;
        let common = rungs.iter().rev().find(has_enough).or(rungs.first()).copied().unwrap_or(1.0);
        let key = |trial: usize| -> Option<Figure> {
            if let Some(value) = at(trial, common) {
                return Some(Figure { value, share: common });
            }
            self.figure(search, trial, found).filter(|figure| figure.share < common)
        };
        let mut known: Vec<(usize, Figure)> =
            trials().filter_map(|trial| Some((trial, key(trial)?))).collect();
        known.sort_by(|(_, a), (_, b)| {
            b.share.total_cmp(&a.share).then_with(|| self.better_first(a.value, b.value))
        });
        known.into_iter().map(|(trial, _)| trial).collect()
    }

    /// What a trial has reached after the longest training that all of its runs have had.
    pub fn figure(&self, search: &Search, trial: usize, found: &Found) -> Option<Figure> {
        let rungs = search.rungs();
        let figure =
            |share: &f64| Some(Figure { value: self.value_at(trial, *share, found)?, share: *share });
        rungs.iter().rev().find_map(figure)
    }

    /// The mean over the seeds after a share of the run; none before all of them have come so far.
    pub fn value_at(&self, trial: usize, share: f64, found: &Found) -> Option<f64> {
        let values: Option<Vec<f64>> = self.cells_of(trial).map(|cell| found.get(&cell)?.at(share)).collect();
        let values = values.filter(|values| !values.is_empty())?;
        Some(values.iter().sum::<f64>() / values.len() as f64)
    }

    /// Where a trial stands.
    pub fn standing(&self, search: &Search, trial: usize, found: &Found) -> Standing {
        let ended = |how: Ended| {
            let mut runs = self.cells_of(trial).map(|cell| found.get(&cell).and_then(|run| run.ended));
            runs.all(|ended| ended == Some(how))
        };
        if search.skipped.contains(&trial) {
            return Standing::Skipped;
        }
        if ended(Ended::Finished) {
            return Standing::Finished;
        }
        if self
            .cells_of(trial)
            .any(|cell| found.get(&cell).is_some_and(|run| run.ended == Some(Ended::Failed)))
        {
            return Standing::Failed;
        }
        let first = trial / search.at_once.max(1) * search.at_once.max(1);
        let group: Vec<usize> = (first..(first + search.at_once.max(1)).min(search.drawn.len())).collect();
        let (_, left) = self.goals(search, &group, found);
        if left.contains(&trial) { Standing::Racing } else { Standing::StoppedEarly }
    }

    /// The runs of a trial, a seed each.
    pub fn cells_of(&self, trial: usize) -> impl Iterator<Item = Cell> {
        let seeds = self.seeds.len();
        (0..seeds).map(move |seed| Cell::Arm { race: trial * seeds + seed, arm: 0 })
    }

    /// The runs of a group that have not come to their next rung, and the trials that are left at it.
    fn goals(&self, search: &Search, group: &[usize], found: &Found) -> (Vec<Goal>, Vec<usize>) {
        let is_out = |trial: &usize| {
            search.skipped.contains(trial)
                || self
                    .cells_of(*trial)
                    .any(|cell| found.get(&cell).is_some_and(|run| run.ended == Some(Ended::Failed)))
        };
        let mut left: Vec<usize> = group.iter().copied().filter(|trial| !is_out(trial)).collect();
        for share in search.rungs() {
            let cells = left.iter().flat_map(|trial| self.cells_of(*trial));
            let short = |cell: &Cell| !found.get(cell).is_some_and(|run| run.has_reached(share));
            let goals: Vec<Goal> = cells.filter(short).map(|cell| Goal { cell, share }).collect();
            if !goals.is_empty() {
                return (goals, left);
            }
            if share < 1.0 {
                let kept = left.len().div_ceil(search.halving);
                let value = |trial: &usize| self.value_at(*trial, share, found).unwrap_or(f64::NAN);
                left.sort_by(|a, b| self.better_first(value(a), value(b)).then(a.cmp(b)));
                left.truncate(kept);
            }
        }
        (vec![], left)
    }

    /// Orders values of the metric, the best first; what is no number comes last.
    pub(super) fn better_first(&self, a: f64, b: f64) -> std::cmp::Ordering {
        let badness = |value: f64| match value {
            value if value.is_nan() => f64::INFINITY,
            value if self.metric.higher_is_better => -value,
            value => value,
        };
        badness(a).total_cmp(&badness(b))
    }
}

/// The trials that race side by side, by their numbers.
fn groups(search: &Search) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..search.drawn.len()).collect();
    all.chunks(search.at_once.max(1)).map(<[usize]>::to_vec).collect()
}

#[cfg(test)]
pub mod tests;
