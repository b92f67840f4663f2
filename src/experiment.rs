//! An experiment: one recipe, run in several ways, as often as it takes to tell them apart.
//!
//! An [`Experiment`] is plain data. Its runs are all combinations of a seed, a point (a value for each axis) and an arm (a
//! named set of settings); whatever neither says is the same for all of them, by construction. A head start is such a set
//! of arms over one axis, the labels ([`head_start`]); a sweep has axes and a single arm.
use crate::{
    metrics::{self, ACCURACY, MetricInfo, Split},
    spec::{Entrant, RunSpec, anchored_source},
};
use std::collections::BTreeSet;

mod axis;
pub mod head_start;
mod members;
mod reader;
mod results;
mod revision;
pub mod search;
mod setting;
mod several;
mod student;
mod sweep;
mod toml;
mod validation;
pub use axis::{Axis, Scale};
pub use members::Members;
pub use results::{ArmResult, Band, Difference, PointResult, Results, band, signed};
pub use search::Search;
pub use setting::Setting;
pub use several::{axis as read_axis, is_several};
pub use sweep::{Ended, Figure, Found, Goal, Importance, Next, Observed, Share, Standing, step_at};

/// What is compared, and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// What a person calls it.
    pub name: String,
    /// One race at each point for each: it draws the labels, the order of the examples, and all weights that are not
    /// pretrained.
    pub seeds: Vec<u64>,
    /// What is varied; the arms race at every combination of their values, or at those that a search chooses.
    pub axes: Vec<Axis>,
    /// How the combinations are chosen where they are not all tried.
    pub search: Option<Search>,
    /// Trained once, before the first race; an arm begins with one by its name.
    pub pretrain: Vec<RunSpec>,
    /// The recipe that all runs share.
    pub base: RunSpec,
    /// The ways that are compared; one at least.
    pub arms: Vec<Arm>,
    /// The arm that the others are measured against, by its place.
    pub control: usize,
    /// The metric that decides, as the last one of a run.
    pub metric: &'static MetricInfo,
    /// What the metric is measured on.
    pub split: Split,
}

/// One of the ways that are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Told apart by it in the files of runs.
    pub name: String,
    /// What it has in place of the recipe's own values, in any order.
    pub settings: Vec<Setting>,
}

/// All arms with the same seed at the same point, side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Race {
    /// The seed of its runs.
    pub seed: u64,
    /// The place of its point among [`Experiment::points`].
    pub point: usize,
}

/// One run of an experiment: a pretraining, or an arm in a race, by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// What arms begin with.
    Pretraining(usize),
    /// An arm in a race.
    Arm {
        /// The place of the race.
        race: usize,
        /// The place of the arm.
        arm: usize,
    },
}

impl Experiment {
    /// Many settings of one run's recipe, on its seed.
    pub fn of_sweep(base: RunSpec, axes: Vec<Axis>) -> Self {
        let name = format!("Sweep of {}", base.name);
        Self {
            seeds: vec![base.seed],
            search: Some(Search::new(Search::default_kind(&axes), &axes)),
            axes,
            pretrain: vec![],
            base,
            arms: vec![Arm { name: name.clone(), settings: vec![] }],
            control: 0,
            metric: default_metric(),
            split: Split::Validation,
            name,
        }
    }

    /// The same with absolute paths, as of its runs' specs.
    pub fn anchored(mut self) -> Self {
        let is_pretrained_here = |source: &String| self.pretrain.iter().any(|spec| spec.name == *source);
        for setting in self.arms.iter_mut().flat_map(|arm| &mut arm.settings) {
            if let Setting::InitFrom(Some(source)) = setting
                && !is_pretrained_here(source)
            {
                *source = anchored_source(std::mem::take(source));
            }
        }
        self.pretrain = self.pretrain.into_iter().map(RunSpec::anchored).collect();
        self.base = self.base.anchored();
        self
    }

    /// How many combinations of the axes' values there are; of a search, how many it has chosen.
    pub fn points(&self) -> usize {
        match &self.search {
            Some(search) => search.drawn.len(),
            None => self.axes.iter().map(|axis| axis.settings.len()).product(),
        }
    }

    /// The combination at a place; the last axis changes fastest. Those of a search are in the order in which it chose them.
    pub fn point(&self, place: usize) -> Vec<&Setting> {
        if let Some(search) = &self.search {
            return search.drawn[place].iter().collect();
        }
        let mut rest = place;
        let mut settings: Vec<_> = self
            .axes
            .iter()
            .rev()
            .map(|axis| {
                let count = axis.settings.len();
                let setting = &axis.settings[rest % count];
                rest /= count;
                setting
            })
            .collect();
        settings.reverse();
        settings
    }

    /// A point in words, such as "10 labels a class"; empty where nothing is varied.
    pub fn point_label(&self, place: usize) -> String {
        self.point(place).iter().map(|setting| setting.label()).collect::<Vec<_>>().join(", ")
    }

    /// What the metric is of: "Test accuracy".
    pub fn measured(&self) -> String {
        format!("{} {}", setting::capitalized(self.split.id()), setting::lowercased(self.metric.label))
    }

    /// Whether the number of labels is an axis, so that a seed draws them.
    pub fn varies_labels(&self) -> bool {
        self.axes.iter().any(|axis| axis.settings.iter().any(Setting::is_of_labels))
    }

    /// How many races there are.
    pub fn races(&self) -> usize {
        self.seeds.len() * self.points()
    }

    /// The race at a place; the points of the first seed come first. As a search goes on choosing points, its races are in
    /// their order, the seeds of each one after the other.
    pub fn race(&self, place: usize) -> Race {
        let (points, seeds) = (self.points(), self.seeds.len());
        match self.search {
            Some(_) => Race { seed: self.seeds[place % seeds], point: place / seeds },
            None => Race { seed: self.seeds[place / points], point: place % points },
        }
    }

    /// The place of a point's race with a seed, which is given by its place.
    pub fn race_at(&self, point: usize, seed: usize) -> usize {
        match self.search {
            Some(_) => point * self.seeds.len() + seed,
            None => seed * self.points() + point,
        }
    }

    /// What is trained together, in order: each pretraining by itself, then each race. What a search trains together is said
    /// by [`next`](Self::next).
    pub fn rounds(&self) -> Vec<Vec<Cell>> {
        let race = |race| (0..self.arms.len()).map(|arm| Cell::Arm { race, arm }).collect();
        let pretrainings = (0..self.pretrain.len()).map(|index| vec![Cell::Pretraining(index)]);
        let races = if self.search.is_some() { 0 } else { self.races() };
        pretrainings.chain((0..races).map(race)).collect()
    }

    /// Points at which everything that can be wrong with one shows: of a search each value, and each end of a range.
    pub fn probes(&self) -> Vec<Vec<&Setting>> {
        if self.search.is_none() {
            return (0..self.points()).map(|point| self.point(point)).collect();
        }
        let first = || self.axes.iter().filter_map(|axis| axis.settings.first());
        let each = self.axes.iter().enumerate().flat_map(|(place, axis)| {
            axis.settings.iter().map(move |setting| {
                first().enumerate().map(|(at, other)| if at == place { setting } else { other }).collect()
            })
        });
        each.collect()
    }

    /// The recipe with an arm's settings and a point's.
    pub fn recipe(&self, arm: usize, point: usize) -> RunSpec {
        self.recipe_at(arm, &self.point(point))
    }

    /// As [`recipe`](Self::recipe), of any point. Components come first: another one has other hyperparameters.
    pub fn recipe_at(&self, arm: usize, point: &[&Setting]) -> RunSpec {
        let mut spec = self.base.clone();
        let settings = || self.arms[arm].settings.iter().chain(point.iter().copied());
        let is_component = |setting: &&Setting| matches!(setting, Setting::Component(..));
        settings().filter(is_component).for_each(|setting| setting.apply(&mut spec));
        settings().filter(|setting| !is_component(setting)).for_each(|setting| setting.apply(&mut spec));
        spec
    }

    /// The run of a cell. `run_of` gives the run that trained a pretraining.
    pub fn spec(&self, id: &str, cell: Cell, run_of: &dyn Fn(usize) -> Option<String>) -> RunSpec {
        let entrant = |arm: &str| Some(Entrant { comparison: id.into(), arm: arm.into() });
        let (race, arm) = match cell {
            Cell::Pretraining(index) => {
                let spec = self.pretrain[index].clone();
                return RunSpec { entrant: entrant(&spec.name), ..spec };
            }
            Cell::Arm { race, arm } => (self.race(race), arm),
        };
        let recipe = self.recipe(arm, race.point);
        let name = &self.arms[arm].name;
        let parts = [name.clone(), self.point_label(race.point), format!("seed {}", race.seed)];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let run_of = |source: String| {
            let pretraining = self.pretrain.iter().position(|spec| spec.name == source);
            pretraining.and_then(run_of).unwrap_or(source)
        };
        RunSpec {
            name: parts.join(", "),
            seed: race.seed,
            init_from: recipe.init_from.clone().map(run_of),
            entrant: entrant(name),
            ..recipe
        }
    }

    /// Whether an arm begins with weights that were pretrained.
    pub fn is_pretrained(&self, arm: usize) -> bool {
        let mut settings = self.arms[arm].settings.iter().rev();
        settings
            .find_map(|setting| match setting {
                Setting::InitFrom(source) => Some(source.is_some()),
                _ => None,
            })
            .unwrap_or(self.base.init_from.is_some())
    }

    /// Weights from elsewhere that runs begin with.
    pub fn sources(&self) -> BTreeSet<&str> {
        let of_arms = self.arms.iter().flat_map(|arm| &arm.settings).filter_map(|setting| match setting {
            Setting::InitFrom(source) => source.as_deref(),
            _ => None,
        });
        let all = of_arms.chain(self.base.init_from.as_deref());
        all.filter(|source| self.pretrain.iter().all(|spec| spec.name != *source)).collect()
    }
}

/// The metric of an experiment that names none.
fn default_metric() -> &'static MetricInfo {
    metrics::find(ACCURACY).expect("accuracy is a metric")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{session::catalog, spec::Section};

    pub fn example() -> Experiment {
        let text = "
            name = 'A race'
            seeds = [3, 4]
            labels_per_class = [1, 0]
            [[pretrain]]
            name = 'Contrastive'
            objective = { id = 'contrastive' }
            augmentation = { rotation = 10.0 }
            [run]
            augmentation = { rotation = 5.0 }
            training = { encoder_lr_factor = 0.1 }
            [[arms]]
            name = 'Plain'
            augmented = false
            [[arms]]
            name = 'Scratch'
            [[arms]]
            name = 'Frozen'
            init_from = 'Contrastive'
            frozen = true
            [[arms]]
            name = 'Tuned'
            init_from = 'Contrastive'
        ";
        Experiment::from_toml(text, &[], &catalog()).unwrap()
    }

    /// Two values of the learning rate and three batch sizes, each with two seeds.
    pub fn sweep() -> Experiment {
        let text = "
            name = 'A sweep'
            seeds = [1, 2]
            [axes]
            learning_rate = [0.001, 0.01]
            batch_size = [16, 32, 64]
            [run]
        ";
        Experiment::from_toml(text, &[], &catalog()).unwrap()
    }

    #[test]
    fn every_combination_is_run_once() {
        let sweep = sweep();
        assert_eq!((sweep.points(), sweep.races(), sweep.rounds().len()), (6, 12, 12));
        let specs: Vec<RunSpec> =
            (0..12).map(|race| sweep.spec("s", Cell::Arm { race, arm: 0 }, &|_| None)).collect();
        let names: BTreeSet<_> = specs.iter().map(|spec| spec.name.clone()).collect();
        assert_eq!(names.len(), 12);
        assert_eq!(specs[7].name, "A sweep, learning rate 0.001, batch size 32, seed 2");
        let values = |spec: &RunSpec| (spec.optimizer.values["learning_rate"], spec.training["batch_size"]);
        assert_eq!((values(&specs[7]), specs[7].seed), ((0.001, 32.0), 2));
        assert_eq!(specs[7].name, sweep.spec("s", Cell::Arm { race: 7, arm: 0 }, &|_| None).name);
    }

    #[test]
    fn components_are_chosen_before_their_values_are_set() {
        let text = "
            name = 'Optimisers'
            seeds = 1
            axes = { learning_rate = [0.1, 0.2] }
            run = { optimizer = { id = 'adam', learning_rate = 0.5 } }
            arms = [
                { name = 'SGD', set = { momentum = 0.5, optimizer = 'sgd' } },
                { name = 'Adam', set = {} },
            ]
        ";
        let experiment = Experiment::from_toml(text, &[], &catalog()).unwrap();
        let sgd = experiment.recipe(0, 1);
        assert_eq!((sgd.id(Section::Optimizer), sgd.optimizer.values["learning_rate"]), ("sgd", 0.2));
        assert_eq!(sgd.optimizer.values["momentum"], 0.5);
        let foreign =
            text.replace("momentum = 0.5, optimizer = 'sgd'", "optimizer = { id = 'adamw', momentum = 0.5 }");
        let error = Experiment::from_toml(&foreign, &[], &catalog()).unwrap_err().to_string();
        assert_eq!(error, "arms.0.optimizer.momentum: does nothing with adamw");
    }
}
