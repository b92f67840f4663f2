//! A fair comparison: the same network, the same few labels, the same steps, with and without a head start.
//!
//! A [`Comparison`] is plain data: one recipe, the arms that it is run in, and the seeds and label budgets of its races.
//! An arm can differ from the recipe only in what its encoder begins with, whether that is trained, whether its examples
//! are altered, and whether it labels further examples itself; labels, steps, batches and seeds are the same for all, by
//! construction.
use crate::spec::{
    Catalog, Choice, ENCODER_LR_FACTOR, Entrant, FREEZE_STAGES, FRESH_STAGES, FieldError, RunSpec,
    SELF_LABELS, Section, SpecError, UNFREEZE_EVERY, anchored_source,
};
use std::collections::BTreeSet;

mod results;
mod toml;
pub use results::{ArmResult, Band, BudgetResult, Difference, Results, band};

/// What is compared, and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What a person calls it.
    pub name: String,
    /// One race for each: it draws the labels, the order of the examples, and all weights that are not pretrained.
    pub seeds: Vec<u64>,
    /// Labelled examples of each class, one race for each; 0 is all of them.
    pub labels_per_class: Vec<u64>,
    /// Trained once, before the first race; an arm begins with one by its name.
    pub pretrain: Vec<RunSpec>,
    /// The recipe that all arms share.
    pub run: RunSpec,
    pub arms: Vec<Arm>,
}

/// One of the ways that are compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    pub name: String,
    /// What the encoder begins with: the name of a pretraining, a run, or a file of weights.
    pub init_from: Option<String>,
    /// The encoder stays as it is; only the head learns.
    pub frozen: bool,
    /// Training examples are altered as the recipe says.
    pub augmented: bool,
    /// As many unlabelled examples as the recipe says get labels from the encoder itself.
    pub self_labelled: bool,
}

/// All arms on the same labels, side by side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Race {
    pub seed: u64,
    pub labels_per_class: u64,
}

/// One run of a comparison: a pretraining, or an arm in a race, by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    Pretraining(usize),
    Arm { race: usize, arm: usize },
}

const LABELS_PER_CLASS: &str = "labels_per_class";
/// More runs than this are a slip of the pen.
const MAX_RUNS: usize = 5000;

impl Comparison {
    /// The same with absolute paths, as of its runs' specs.
    pub fn anchored(mut self) -> Self {
        let is_pretrained_here = |source: &String| self.pretrain.iter().any(|spec| spec.name == *source);
        for source in self.arms.iter_mut().filter_map(|arm| arm.init_from.as_mut()) {
            if !is_pretrained_here(source) {
                *source = anchored_source(std::mem::take(source));
            }
        }
        self.pretrain = self.pretrain.into_iter().map(RunSpec::anchored).collect();
        self.run = self.run.anchored();
        self
    }

    /// The arms that tell the whole story: without the controls from scratch, augmentation or further examples would pass
    /// for a head start.
    pub fn standard_arms(init_from: &str) -> Vec<Arm> {
        let arm = |name: &str, init_from: Option<&str>, frozen, augmented| Arm {
            name: name.into(),
            init_from: init_from.map(Into::into),
            frozen,
            augmented,
            self_labelled: false,
        };
        vec![
            arm("From scratch, plain", None, false, false),
            arm("From scratch", None, false, true),
            Arm { self_labelled: true, ..arm("From scratch, self-labelled", None, false, true) },
            arm("Pretrained, frozen", Some(init_from), true, true),
            arm("Pretrained, fine-tuned", Some(init_from), false, true),
            Arm { self_labelled: true, ..arm("Pretrained, self-labelled", Some(init_from), false, true) },
        ]
    }

    /// The head start that a run gives, by the recipe of the shipped comparison: on 10 and on 100 labels, five times.
    ///
    /// # Errors
    /// Where the shipped recipe does not fit the run's encoder or data set.
    pub fn of_run(id: &str, run: &RunSpec, catalog: &Catalog) -> Result<Self, SpecError> {
        let shipped =
            Self::from_toml(include_str!("../configs/transfer_in_three_minutes.toml"), &[], catalog)?;
        let dataset = Choice { values: shipped.run.dataset.values.clone(), ..run.dataset.clone() };
        Ok(Self {
            name: format!("The head start of {}", run.name),
            pretrain: vec![],
            run: RunSpec {
                dataset,
                encoder: run.encoder.clone(),
                device: run.device.clone(),
                ..shipped.run.clone()
            },
            arms: Self::standard_arms(id),
            ..shipped
        })
    }

    /// Every race, the budgets of the first seed first.
    pub fn races(&self) -> Vec<Race> {
        let budgets = &self.labels_per_class;
        let races = |seed: &u64| {
            let seed = *seed;
            budgets.iter().map(move |budget| Race { seed, labels_per_class: *budget })
        };
        self.seeds.iter().flat_map(races).collect()
    }

    /// What is trained together, in order: each pretraining by itself, then each race.
    pub fn rounds(&self) -> Vec<Vec<Cell>> {
        let race = |race| (0..self.arms.len()).map(|arm| Cell::Arm { race, arm }).collect();
        let pretrainings = (0..self.pretrain.len()).map(|index| vec![Cell::Pretraining(index)]);
        pretrainings.chain((0..self.races().len()).map(race)).collect()
    }

    /// The arm that the others are measured against: the best that can be done with the same labels without pretraining.
    pub fn control(&self) -> usize {
        let is_control = |arm: &Arm| arm.init_from.is_none() && arm.augmented && !arm.self_labelled;
        self.arms.iter().position(is_control).unwrap_or_default()
    }

    /// The run of a cell. `run_of` gives the run that trained a pretraining.
    pub fn spec(&self, id: &str, cell: Cell, run_of: &dyn Fn(usize) -> Option<String>) -> RunSpec {
        let entrant = |arm: &str| Some(Entrant { comparison: id.into(), arm: arm.into() });
        match cell {
            Cell::Pretraining(index) => {
                let spec = self.pretrain[index].clone();
                RunSpec { entrant: entrant(&spec.name), ..spec }
            }
            Cell::Arm { race, arm } => {
                let (race, arm) = (self.races()[race], &self.arms[arm]);
                let mut spec = RunSpec {
                    name: format!("{}, {}, seed {}", arm.name, labels(race.labels_per_class), race.seed),
                    seed: race.seed,
                    init_from: arm.init_from.as_deref().map(|name| {
                        let pretraining = self.pretrain.iter().position(|spec| spec.name == name);
                        pretraining.and_then(run_of).unwrap_or_else(|| name.into())
                    }),
                    entrant: entrant(&arm.name),
                    ..self.run.clone()
                };
                spec.dataset.values.insert(LABELS_PER_CLASS.into(), race.labels_per_class as f64);
                arm.apply(&mut spec);
                spec
            }
        }
    }

    /// The cell that a run of this comparison fills.
    pub fn cell(&self, spec: &RunSpec) -> Option<Cell> {
        let name = &spec.entrant.as_ref()?.arm;
        if let Some(index) = self.pretrain.iter().position(|pretraining| pretraining.name == *name) {
            return Some(Cell::Pretraining(index));
        }
        let budget = spec.dataset.values.get(LABELS_PER_CLASS).copied().unwrap_or_default() as u64;
        let race = Race { seed: spec.seed, labels_per_class: budget };
        let race = self.races().iter().position(|known| *known == race)?;
        let arm = self.arms.iter().position(|arm| arm.name == *name)?;
        Some(Cell::Arm { race, arm })
    }

    /// What is wrong with it, by dotted key.
    pub fn validate(&self, catalog: &Catalog) -> Vec<FieldError> {
        let mut errors = vec![];
        let mut check = |fine: bool, field: &str, message: &str| {
            if !fine {
                errors.push(FieldError::new(field, message));
            }
        };
        check(!self.seeds.is_empty(), "seeds", "one seed at least is needed, such as [1, 2, 3]");
        check(distinct(&self.seeds), "seeds", "each seed may be named once");
        let budgets = &self.labels_per_class;
        check(!budgets.is_empty(), LABELS_PER_CLASS, "one budget at least is needed, such as [1, 10]");
        check(distinct(budgets), LABELS_PER_CLASS, "each budget may be named once");
        check(self.arms.len() >= 2, "arms", "two arms at least are needed to compare anything");
        let runs = self.seeds.len().saturating_mul(budgets.len()).saturating_mul(self.arms.len());
        check(runs <= MAX_RUNS, "arms", &format!("{runs} runs are too many: choose {MAX_RUNS} at most"));
        let names = self.arms.iter().map(|arm| &arm.name).chain(self.pretrain.iter().map(|spec| &spec.name));
        let names: Vec<_> = names.collect();
        check(distinct(&names), "arms", "arms and pretrainings need names that differ");
        let most = catalog.component(Section::Dataset, self.run.id(Section::Dataset)).and_then(|info| {
            Some(info.params.iter().find(|param| param.key == LABELS_PER_CLASS)?.max() as u64)
        });
        let within = |budget: &u64| most.is_none_or(|most| *budget <= most);
        check(budgets.iter().all(within), LABELS_PER_CLASS, "a budget is out of range");
        let prefixed = |prefix: String, error: FieldError| FieldError {
            field: format!("{prefix}.{}", error.field),
            ..error
        };
        errors.extend(catalog.validate(&self.run).into_iter().map(|error| prefixed("run".into(), error)));
        for (index, spec) in self.pretrain.iter().enumerate() {
            let wrong = catalog.validate(spec).into_iter();
            errors.extend(wrong.map(|error| prefixed(format!("pretrain.{index}"), error)));
        }
        errors
    }
}

impl Arm {
    /// Turns the recipe into the arm's own.
    fn apply(&self, spec: &mut RunSpec) {
        if !self.augmented {
            spec.augmentation.clear();
        }
        if !self.self_labelled {
            spec.set(Section::Training, &SELF_LABELS, 0.0);
        }
        // A factor for a pretrained encoder would hold one back that has everything to learn.
        if self.init_from.is_none() {
            spec.set(Section::Training, &ENCODER_LR_FACTOR, 1.0);
            spec.set(Section::Training, &FRESH_STAGES, 0.0);
        }
        if self.init_from.is_none() || self.frozen {
            let stages = if self.frozen { FREEZE_STAGES.max() } else { 0.0 };
            spec.set(Section::Training, &FREEZE_STAGES, stages);
            spec.set(Section::Training, &UNFREEZE_EVERY, 0.0);
        }
    }
}

fn distinct<T: Ord>(items: &[T]) -> bool {
    items.iter().collect::<BTreeSet<_>>().len() == items.len()
}

/// "1 label a class", "10 labels a class", "all labels".
pub fn labels(per_class: u64) -> String {
    match per_class {
        0 => "all labels".into(),
        1 => "1 label a class".into(),
        many => format!("{many} labels a class"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::catalog;

    pub fn example() -> Comparison {
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
        Comparison::from_toml(text, &[], &catalog()).unwrap()
    }

    #[test]
    fn arms_differ_in_nothing_but_their_head_start() {
        let comparison = example();
        assert_eq!(comparison.control(), 1);
        assert_eq!(comparison.rounds().len(), 1 + 4);
        let specs: Vec<RunSpec> = (0..4)
            .map(|arm| comparison.spec("c", Cell::Arm { race: 2, arm }, &|_| Some("run".into())))
            .collect();
        for (arm, spec) in specs.iter().enumerate() {
            assert_eq!(comparison.cell(spec), Some(Cell::Arm { race: 2, arm }));
            assert_eq!((spec.seed, spec.dataset.values["labels_per_class"]), (4, 1.0));
            let mut same = spec.clone();
            same.name.clone_from(&specs[0].name);
            same.entrant.clone_from(&specs[0].entrant);
            same.init_from = None;
            same.augmentation.clear();
            same.training.clone_from(&specs[0].training);
            assert_eq!(same, specs[0]);
        }
        let starts: Vec<_> = specs.iter().map(|spec| spec.init_from.as_deref()).collect();
        assert_eq!(starts, [None, None, Some("run"), Some("run")]);
        assert_eq!(
            specs.iter().map(|spec| spec.training(&ENCODER_LR_FACTOR)).collect::<Vec<_>>(),
            [1.0, 1.0, 0.1, 0.1]
        );
        assert_eq!(
            specs.iter().map(|spec| spec.training(&FREEZE_STAGES)).collect::<Vec<_>>(),
            [0.0, 0.0, 100.0, 0.0]
        );
        assert_eq!(specs.iter().filter(|spec| spec.augmentation.is_empty()).count(), 1);
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let refused = |change: &dyn Fn(&mut Comparison), field: &str| {
            let mut comparison = example();
            change(&mut comparison);
            let errors = comparison.validate(&catalog());
            assert!(errors.iter().any(|error| error.field == field), "{field}: {errors:?}");
        };
        refused(&|c| c.seeds.clear(), "seeds");
        refused(&|c| c.seeds = vec![1, 1], "seeds");
        refused(&|c| c.labels_per_class.clear(), "labels_per_class");
        refused(&|c| c.labels_per_class = vec![u64::MAX], "labels_per_class");
        refused(&|c| c.arms.truncate(1), "arms");
        refused(&|c| c.arms[1].name = "Contrastive".into(), "arms");
        refused(&|c| c.seeds = (0..2000).collect(), "arms");
        refused(
            &|c| {
                c.run.training.insert("epochs".into(), 0.0);
            },
            "run.training.epochs",
        );
        refused(
            &|c| {
                c.pretrain[0].training.insert("epochs".into(), 0.0);
            },
            "pretrain.0.training.epochs",
        );
        assert!(example().validate(&catalog()).is_empty());
    }

    #[test]
    fn budgets_are_the_data_sets_own() {
        assert_eq!(LABELS_PER_CLASS, crate::data::LABELS_PER_CLASS.key);
    }
}
