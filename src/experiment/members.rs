//! Which run of an experiment is which.
use super::{Cell, Experiment, Setting};
use crate::spec::RunSpec;
use std::collections::BTreeMap;

/// Finds the cells of an experiment's runs by what their specs say, each in a time that does not depend on how many runs
/// there are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members {
    pretrainings: BTreeMap<String, usize>,
    arms: BTreeMap<String, usize>,
    seeds: BTreeMap<u64, usize>,
    axes: Vec<Values>,
    /// Of a search: the points that it has chosen, by their values.
    drawn: Option<BTreeMap<Vec<String>, usize>>,
}

/// The places of an axis' values.
#[derive(Clone, Debug, PartialEq)]
struct Values {
    /// One of them, to say what the axis is about.
    any: Setting,
    places: BTreeMap<String, usize>,
}

impl Members {
    /// Of an experiment.
    pub fn new(experiment: &Experiment) -> Self {
        let named = |names: &mut dyn Iterator<Item = &String>| {
            names.enumerate().map(|(place, name)| (name.clone(), place)).collect()
        };
        Self {
            pretrainings: named(&mut experiment.pretrain.iter().map(|spec| &spec.name)),
            arms: named(&mut experiment.arms.iter().map(|arm| &arm.name)),
            seeds: experiment.seeds.iter().enumerate().map(|(place, seed)| (*seed, place)).collect(),
            axes: experiment.axes.iter().filter_map(|axis| Values::new(&axis.settings)).collect(),
            drawn: experiment.search.as_ref().map(|search| {
                let point = |(place, settings): (usize, &Vec<Setting>)| {
                    (settings.iter().map(written).collect(), place)
                };
                search.drawn.iter().enumerate().map(point).collect()
            }),
        }
    }

    /// The cell that a run of the experiment fills; none where its spec belongs to no cell.
    pub fn cell(&self, spec: &RunSpec) -> Option<Cell> {
        let name = &spec.entrant.as_ref()?.arm;
        if let Some(pretraining) = self.pretrainings.get(name) {
            return Some(Cell::Pretraining(*pretraining));
        }
        let mut race = *self.seeds.get(&spec.seed)?;
        if let Some(drawn) = &self.drawn {
            let values: Vec<String> = self.axes.iter().map(|axis| written(&axis.any.of(spec))).collect();
            race += drawn.get(&values)? * self.seeds.len();
            return Some(Cell::Arm { race, arm: *self.arms.get(name)? });
        }
        for axis in &self.axes {
            race = race * axis.places.len() + axis.places.get(&written(&axis.any.of(spec)))?;
        }
        Some(Cell::Arm { race, arm: *self.arms.get(name)? })
    }
}

impl Values {
    fn new(settings: &[Setting]) -> Option<Self> {
        let places = settings.iter().enumerate().map(|(place, setting)| (written(setting), place)).collect();
        Some(Self { any: settings.first()?.clone(), places })
    }
}

fn written(setting: &Setting) -> String {
    setting.value().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{
        Found,
        sweep::tests::searched,
        tests::{example, sweep},
    };

    #[test]
    fn each_run_is_found_again_by_its_spec() {
        for experiment in [example(), sweep()] {
            let members = Members::new(&experiment);
            for cell in experiment.rounds().into_iter().flatten() {
                let spec = experiment.spec("e", cell, &|_| Some("a run".into()));
                assert_eq!(members.cell(&spec), Some(cell));
            }
            let mut other = experiment.spec("e", Cell::Arm { race: 1, arm: 0 }, &|_| None);
            other.seed = 99;
            assert_eq!(members.cell(&other), None);
            assert_eq!(members.cell(&RunSpec::default()), None);
        }
    }

    #[test]
    fn the_runs_of_a_search_are_found_by_the_values_that_it_chose() {
        let mut experiment = searched("{ kind = 'random', trials = 3, at_once = 3 }");
        experiment.seeds = vec![5, 6];
        let search = experiment.search.clone().unwrap();
        let drawn = experiment.draw(&search, &Found::new(), 3);
        experiment.search.as_mut().unwrap().drawn = drawn;
        let members = Members::new(&experiment);
        for race in 0..6 {
            let cell = Cell::Arm { race, arm: 0 };
            assert_eq!(members.cell(&experiment.spec("e", cell, &|_| None)), Some(cell));
        }
        experiment.search.as_mut().unwrap().drawn[0] = experiment.axes[0].settings[..1].to_vec();
        let unknown = experiment.spec("e", Cell::Arm { race: 0, arm: 0 }, &|_| None);
        assert_eq!(members.cell(&unknown), None);
    }
}
