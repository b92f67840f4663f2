//! What is wrong with an experiment, before any of its runs begins.
use super::{Axis, Experiment, Search, Setting};
use crate::{
    metrics::Split,
    spec::{Catalog, EPOCHS, EVALUATIONS_PER_EPOCH, FieldError},
};
use std::collections::BTreeSet;

/// More runs than this are a slip of the pen.
const MAX_RUNS: usize = 5000;
/// The most that race side by side: each has its weights in memory.
const MOST_AT_ONCE: usize = 256;
/// The most of which one goes on.
const MOST_HALVING: usize = 16;

impl Experiment {
    /// What is wrong with it, by dotted key.
    pub fn validate(&self, catalog: &Catalog) -> Vec<FieldError> {
        let mut errors = self.wrong_numbers();
        errors.extend(self.wrong_axes());
        errors.extend(self.search.iter().flat_map(|search| self.wrong_search(search)));
        let names = self.arms.iter().map(|arm| &arm.name).chain(self.pretrain.iter().map(|spec| &spec.name));
        if !distinct(names) {
            errors.push(FieldError::new("arms", "arms and pretrainings need names that differ"));
        }
        let of_base = catalog.validate(&self.base);
        let is_whole = errors.is_empty() && of_base.is_empty();
        errors.extend(within("run", of_base));
        for (index, spec) in self.pretrain.iter().enumerate() {
            errors.extend(within(&format!("pretrain.{index}"), catalog.validate(spec)));
        }
        if is_whole {
            errors.extend(self.wrong_recipes(catalog));
        }
        errors
    }

    fn wrong_numbers(&self) -> Vec<FieldError> {
        let mut errors = vec![];
        let mut check = |fine: bool, field: &str, message: &str| {
            if !fine {
                errors.push(FieldError::new(field, message));
            }
        };
        check(!self.seeds.is_empty(), "seeds", "one seed at least is needed, such as [1, 2, 3]");
        check(distinct(&self.seeds), "seeds", "each seed may be named once");
        let points = match &self.search {
            Some(search) => search.trials.max(search.drawn.len()),
            None => self.axes.iter().map(|axis| axis.settings.len()).fold(1, usize::saturating_mul),
        };
        let runs = [points, self.seeds.len(), self.arms.len()].into_iter().fold(1, usize::saturating_mul);
        check(runs <= MAX_RUNS, "arms", &format!("{runs} runs are too many: choose {MAX_RUNS} at most"));
        check(
            runs == 0 || runs > self.seeds.len() || self.search.is_some(),
            "arms",
            "two arms, or two values of an axis, are needed to compare anything",
        );
        check(self.control < self.arms.len(), "control", "must be the name of an arm");
        errors
    }

    fn wrong_axes(&self) -> Vec<FieldError> {
        let mut errors = vec![];
        let set_by_arms: BTreeSet<String> =
            self.arms.iter().flat_map(|arm| &arm.settings).map(Setting::key).collect();
        for Axis { settings, .. } in &self.axes {
            let Some(first) = settings.first() else {
                errors.push(FieldError::new("axes", "each needs one value at least, such as [1, 10]"));
                continue;
            };
            let mut wrong = |message: &str| {
                errors.push(FieldError::new(format!("axes.{}", first.key()), message));
            };
            if !distinct(settings.iter().map(|setting| setting.value().to_string())) {
                wrong("each value may be named once");
            }
            if matches!(first, Setting::InitFrom(_)) {
                wrong("is no axis: give each source an arm of its own");
            }
            if set_by_arms.contains(&first.key()) {
                wrong("is set by an arm too: only one of them can have it");
            }
        }
        errors
    }

    fn wrong_search(&self, search: &Search) -> Vec<FieldError> {
        let mut errors = vec![];
        let mut check = |fine: bool, field: &str, message: String| {
            if !fine {
                errors.push(FieldError::new(field, message));
            }
        };
        check(
            !self.axes.is_empty(),
            "axes",
            "a search needs something to vary, such as learning_rate = \"0.0001..0.1 log\"".into(),
        );
        check(
            self.arms.len() == 1,
            "arms",
            "race at values that are named: leave the search and its ranges out, or the arms".into(),
        );
        check(
            self.split == Split::Validation,
            "split",
            "a search is decided by validation: who chooses by test examples knows nothing of others any more".into(),
        );
        check(search.trials > 0, "search.trials", "must be 1 at least".into());
        check(
            search.minutes.is_none_or(|minutes| minutes > 0.0),
            "search.minutes",
            "must be more than 0".into(),
        );
        check(
            (1..=MOST_HALVING).contains(&search.halving),
            "search.halving",
            format!(
                "must be from 2 to {MOST_HALVING}, of which one goes on, or 1 to train all of them to the end"
            ),
        );
        check(
            (1..=MOST_AT_ONCE).contains(&search.at_once),
            "search.at_once",
            format!("must be from 1 to {MOST_AT_ONCE}"),
        );
        let is_grid = search.kind == super::search::grid::ENTRY.info.id;
        if let Some(range) = self.axes.iter().find_map(Axis::text).filter(|_| is_grid) {
            let [text, scale] =
                range.split_once(' ').map_or([range.as_str(), ""], |(text, scale)| [text, scale]);
            let scale = if scale.is_empty() { String::new() } else { format!(":{scale}") };
            check(
                false,
                "axes",
                format!("a grid needs to know how many values of {range} to try: {text}{scale}:5"),
            );
        }
        if errors.is_empty() && search.halving > 1 {
            errors.extend(self.wrong_rungs(search));
        }
        errors
    }

    /// A rung before the first validation could not be told from the next.
    fn wrong_rungs(&self, search: &Search) -> Option<FieldError> {
        let (epochs, each) = (self.base.training(&EPOCHS), self.base.training(&EVALUATIONS_PER_EPOCH));
        let first = search.rungs()[0];
        if search.at_once < search.halving {
            let message = format!("must be {} at least, of which one goes on", search.halving);
            return Some(FieldError::new("search.at_once", message));
        }
        (first * epochs * each < 1.0 - 1e-9).then(|| {
            let wanted = (1.0 / (first * epochs)).ceil();
            let message = format!(
                "looks at a run first after 1/{:.0} of it, when it has not been validated: set evaluations_per_epoch to {wanted}, or train for more epochs",
                1.0 / first
            );
            FieldError::new("search.halving", message)
        })
    }

    /// What is wrong with the recipes that arms and points make of the base, which is fine by itself. Each mistake is said
    /// once, with the first arm or axis that has it.
    fn wrong_recipes(&self, catalog: &Catalog) -> Vec<FieldError> {
        let mut errors: Vec<FieldError> = vec![];
        let probes = self.probes();
        for (arm, point) in (0..self.arms.len()).flat_map(|arm| probes.iter().map(move |point| (arm, point)))
        {
            let recipe = self.recipe_at(arm, point);
            let settings = self.arms[arm].settings.iter().chain(point.iter().copied());
            let foreign = settings.filter(|setting| setting.is_foreign(&recipe, catalog)).map(|setting| {
                let section = setting.place().0.map_or("", |section| recipe.id(section));
                FieldError::new(setting.key(), format!("does nothing with {section}"))
            });
            for error in catalog.validate(&recipe).into_iter().chain(foreign) {
                let is_varied = self.axes.iter().any(|axis| axis.settings[0].key() == error.field);
                let field = if is_varied {
                    format!("axes.{}", error.field)
                } else {
                    format!("arms.{arm}.{}", error.field)
                };
                if errors.iter().all(|known| known.message != error.message) {
                    errors.push(FieldError { field, ..error });
                }
            }
        }
        errors
    }
}

/// Errors of a part, by their keys in the whole.
fn within(part: &str, errors: Vec<FieldError>) -> Vec<FieldError> {
    errors.into_iter().map(|error| FieldError { field: format!("{part}.{}", error.field), ..error }).collect()
}

fn distinct<T: Ord>(items: impl IntoIterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    items.into_iter().all(|item| seen.insert(item))
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{example, sweep},
        *,
    };
    use crate::{
        session::catalog,
        spec::{EPOCHS, FREEZE_STAGES, RunSpec, Section},
    };

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let refused = |change: &dyn Fn(&mut Experiment), field: &str| {
            let mut experiment = example();
            change(&mut experiment);
            let errors = experiment.validate(&catalog());
            assert!(errors.iter().any(|error| error.field == field), "{field}: {errors:?}");
        };
        let labels = |count: f64| match &example().axes[0].settings[0] {
            Setting::Param(section, param, _) => Setting::Param(*section, *param, count),
            other => panic!("{other:?}"),
        };
        let axis = "axes.dataset.labels_per_class";
        refused(&|e| e.seeds.clear(), "seeds");
        refused(&|e| e.seeds = vec![1, 1], "seeds");
        refused(&|e| e.axes[0].settings.clear(), "axes");
        refused(&|e| e.axes[0].settings = vec![labels(1.0), labels(1.0)], axis);
        refused(&|e| e.axes[0].settings = vec![labels(1e12)], axis);
        refused(&|e| e.arms[2].settings.push(labels(1.0)), axis);
        refused(&|e| e.axes[0].settings = vec![Setting::InitFrom(None)], "axes.init_from");
        refused(&|e| (e.arms.truncate(1), e.axes.clear()).0, "arms");
        refused(&|e| e.arms.truncate(1), "control");
        refused(&|e| e.arms[1].name = "Contrastive".into(), "arms");
        refused(&|e| e.seeds = (0..2000).collect(), "arms");
        let no_epochs = |spec: &mut RunSpec| spec.set(Section::Training, &EPOCHS, 0.0);
        refused(&|e| no_epochs(&mut e.base), "run.training.epochs");
        refused(&|e| no_epochs(&mut e.pretrain[0]), "pretrain.0.training.epochs");
        let too_many = Setting::training(FREEZE_STAGES, 1e9);
        refused(&|e| e.arms[0].settings.push(too_many.clone()), "arms.0.training.freeze_stages");
        assert!(example().validate(&catalog()).is_empty() && sweep().validate(&catalog()).is_empty());
    }
}
