//! How much each hyperparameter matters: functional analysis of variance over a random forest (Hutter, Hoos and
//! Leyton-Brown 2014). The forest learns the figures from the settings; a hyperparameter's importance is the share of the
//! forest's variance over the whole space that its own average explains. So it does not matter that a search tries good
//! values more often. Every tree learns from a resample of the trials: how far the trees are apart is the uncertainty.
use super::{Found, Search};
use crate::{experiment::Experiment, rng};
use rand::RngExt as _;

const TREES: u64 = 64;
/// Trials at a leaf, at least.
const LEAF: usize = 2;
/// How much better than the mean the forest must predict trials that it has not seen, as a share of their variance.
const CLEAR: f64 = 0.1;

/// What is known about how much the hyperparameters matter.
#[derive(Clone, Debug, PartialEq)]
pub enum Importance {
    /// Fewer trials have a figure than it takes.
    TooFew {
        /// So many are there.
        trials: usize,
        /// So many it takes.
        needed: usize,
    },
    /// The trials do not show that any of them matters.
    Unclear,
    /// By axis.
    Known {
        /// One for each axis, in their order.
        shares: Vec<Share>,
        /// The share of the run after which the trials are compared.
        after: f64,
        /// How many trials it rests on.
        trials: usize,
    },
}

/// How much one hyperparameter explains by itself, from 0 to 1. What several explain only together is in none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The mean over the trees.
    pub mean: f64,
    /// Between what nine of ten trees lie.
    pub interval: [f64; 2],
}

impl Experiment {
    /// How many trials must have a figure before importance is spoken of.
    fn needed(&self) -> usize {
        8 + 4 * self.axes.len()
    }

    /// How much each axis matters, by what the trials have reached after the longest training that enough of them have had.
    pub fn importance(&self, search: &Search, found: &Found) -> Importance {
        let needed = self.needed();
        let figures = |share: f64| -> Vec<(Vec<f64>, f64)> {
            let of = |trial: usize| {
                let place: Option<Vec<f64>> = self
                    .axes
                    .iter()
                    .zip(&search.drawn[trial])
                    .map(|(axis, setting)| axis.share_of(setting))
                    .collect();
                Some((place?, self.value_at(trial, share, found)?))
            };
            (0..search.drawn.len()).filter_map(of).collect()
        };
        let rungs = search.rungs();
        let known =
            rungs.iter().rev().map(|share| (*share, figures(*share))).find(|(_, all)| all.len() >= needed);
        let Some((after, trials)) = known else {
            return Importance::TooFew {
                trials: rungs.first().map_or(0, |share| figures(*share).len()),
                needed,
            };
        };
        match weighed(&trials) {
            Some(shares) => Importance::Known { shares, after, trials: trials.len() },
            None => Importance::Unclear,
        }
    }
}

/// By axis; none where a forest predicts trials that it has not seen no better than their mean does.
fn weighed(trials: &[(Vec<f64>, f64)]) -> Option<Vec<Share>> {
    let axes = trials.first()?.0.len();
    let mut sums = vec![(0.0, 0); trials.len()];
    let mut shares: Vec<Vec<f64>> = vec![vec![]; axes];
    for tree in 0..TREES {
        let mut rng = rng::rng(0, "importance", tree);
        let sample: Vec<usize> = trials.iter().map(|_| rng.random_range(0..trials.len())).collect();
        let leaves = grown(trials, sample.clone(), axes);
        for (trial, (sum, count)) in sums.iter_mut().enumerate().filter(|(trial, _)| !sample.contains(trial))
        {
            let leaf = leaves.iter().find(|leaf| leaf.has(&trials[trial].0));
            *sum += leaf.map_or(0.0, |leaf| leaf.value);
            *count += 1;
        }
        if let Some(own) = explained(&leaves, axes) {
            own.into_iter().zip(&mut shares).for_each(|(share, all)| all.push(share));
        }
    }
    let mean = trials.iter().map(|(_, value)| value).sum::<f64>() / trials.len() as f64;
    let seen = trials.iter().zip(&sums).filter(|(_, (_, count))| *count > 0);
    let [wrong, spread] = seen.fold([0.0; 2], |[wrong, spread], ((_, value), (sum, count))| {
        [wrong + (value - sum / f64::from(*count)).powi(2), spread + (value - mean).powi(2)]
    });
    if spread <= 0.0 || 1.0 - wrong / spread < CLEAR || shares.iter().any(Vec::is_empty) {
        return None;
    }
    Some(shares.into_iter().map(Share::of).collect())
}

impl Share {
    fn of(mut all: Vec<f64>) -> Self {
        all.sort_by(f64::total_cmp);
        let at = |share: f64| all[((all.len() - 1) as f64 * share).round() as usize];
        Self { mean: all.iter().sum::<f64>() / all.len() as f64, interval: [at(0.05), at(0.95)] }
    }
}

/// A part of the space, in which a tree says the same everywhere.
struct Leaf {
    bounds: Vec<[f64; 2]>,
    value: f64,
}

impl Leaf {
    fn has(&self, place: &[f64]) -> bool {
        self.bounds.iter().zip(place).all(|([low, high], at)| (*low..*high).contains(at))
    }

    fn volume(&self) -> f64 {
        self.bounds.iter().map(|[low, high]| high - low).product()
    }
}

/// A regression tree, as its leaves.
fn grown(trials: &[(Vec<f64>, f64)], sample: Vec<usize>, axes: usize) -> Vec<Leaf> {
    let (mut open, mut leaves) = (vec![(sample, vec![[0.0, 1.0]; axes])], vec![]);
    while let Some((sample, bounds)) = open.pop() {
        match best_split(trials, &sample, axes) {
            None => {
                let value = sample.iter().map(|trial| trials[*trial].1).sum::<f64>() / sample.len() as f64;
                leaves.push(Leaf { bounds, value });
            }
            Some((axis, at)) => {
                let (below, above) = sample.into_iter().partition(|trial| trials[*trial].0[axis] < at);
                let [mut low, mut high] = [bounds.clone(), bounds];
                (low[axis][1], high[axis][0]) = (at, at);
                open.extend([(below, low), (above, high)]);
            }
        }
    }
    leaves
}

/// The axis and the place of the cut that leaves the least variance on both sides.
fn best_split(trials: &[(Vec<f64>, f64)], sample: &[usize], axes: usize) -> Option<(usize, f64)> {
    let squares = |sum: f64, count: usize| sum * sum / count as f64;
    let total: f64 = sample.iter().map(|trial| trials[*trial].1).sum();
    // less left over is the same as more explained by the two means
    let mut best = (squares(total, sample.len().max(1)) + 1e-12, None);
    for axis in 0..axes {
        let mut sorted = sample.to_vec();
        sorted.sort_by(|a, b| trials[*a].0[axis].total_cmp(&trials[*b].0[axis]));
        let mut below = 0.0;
        for (place, pair) in sorted.windows(2).enumerate() {
            below += trials[pair[0]].1;
            let count = place + 1;
            let [low, high] = [pair[0], pair[1]].map(|trial| trials[trial].0[axis]);
            if low == high || count < LEAF || sorted.len() - count < LEAF {
                continue;
            }
            let explained = squares(below, count) + squares(total - below, sorted.len() - count);
            if explained > best.0 {
                best = (explained, Some((axis, (low + high) / 2.0)));
            }
        }
    }
    best.1
}

/// The share of a tree's variance over the space that each axis explains by itself; none of a tree that says the same
/// everywhere.
fn explained(leaves: &[Leaf], axes: usize) -> Option<Vec<f64>> {
    let mean: f64 = leaves.iter().map(|leaf| leaf.volume() * leaf.value).sum();
    let variance: f64 = leaves.iter().map(|leaf| leaf.volume() * (leaf.value - mean).powi(2)).sum();
    if variance <= 0.0 {
        return None;
    }
    let of_axis = |axis: usize| {
        let mut cuts: Vec<f64> = leaves.iter().flat_map(|leaf| leaf.bounds[axis]).collect();
        cuts.sort_by(f64::total_cmp);
        cuts.dedup();
        let part = |ends: &[f64]| {
            let middle = (ends[0] + ends[1]) / 2.0;
            let here =
                leaves.iter().filter(|leaf| (leaf.bounds[axis][0]..leaf.bounds[axis][1]).contains(&middle));
            let average: f64 = here
                .map(|leaf| leaf.value * leaf.volume() / (leaf.bounds[axis][1] - leaf.bounds[axis][0]))
                .sum();
            (ends[1] - ends[0]) * (average - mean).powi(2)
        };
        cuts.windows(2).map(part).sum::<f64>() / variance
    };
    Some((0..axes).map(of_axis).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trials(count: usize, value: impl Fn(&[f64], f64) -> f64) -> Vec<(Vec<f64>, f64)> {
        let mut rng = rng::rng(3, "trials", 0);
        let mut one = || {
            let place: Vec<f64> = (0..3).map(|_| rng.random()).collect();
            let noise: f64 = rng.random::<f64>() - 0.5;
            let value = value(&place, noise);
            (place, value)
        };
        (0..count).map(|_| one()).collect()
    }

    #[test]
    fn what_matters_is_told_from_what_does_not() {
        let known = weighed(&trials(60, |at, noise| 3.0 * at[0] + at[1] + 0.1 * noise)).unwrap();
        // 9 : 1 : 0
        assert!((known[0].mean - 0.9).abs() < 0.1, "{known:?}");
        assert!(known[1].mean > known[2].mean && known[2].mean < 0.05, "{known:?}");
        assert!(known.iter().all(|share| share.interval[0] <= share.mean && share.mean <= share.interval[1]));
        let more = weighed(&trials(300, |at, noise| 3.0 * at[0] + at[1] + 0.1 * noise)).unwrap();
        let width = |share: &Share| share.interval[1] - share.interval[0];
        assert!(width(&more[0]) < width(&known[0]), "more trials leave less doubt");
    }

    #[test]
    fn a_search_that_crowds_together_weighs_as_one_that_does_not() {
        let crowded: Vec<(Vec<f64>, f64)> = trials(120, |_, noise| noise)
            .into_iter()
            .map(|(at, noise)| {
                let at = vec![at[0], at[1].powi(4), at[2]];
                let value = at[0] + at[1] + 0.05 * noise;
                (at, value)
            })
            .collect();
        let known = weighed(&crowded).unwrap();
        assert!((known[0].mean - known[1].mean).abs() < 0.25, "{known:?}");
    }

    #[test]
    fn nothing_is_made_of_chance() {
        assert_eq!(weighed(&trials(40, |_, noise| noise)), None);
        assert_eq!(weighed(&trials(40, |_, _| 0.5)), None);
        assert_eq!(weighed(&[]), None);
    }
}
