//! What is wrong with an experiment, before any of its runs begins.
use super::{Axis, Experiment, Setting};
use crate::spec::{Catalog, FieldError};
use std::collections::BTreeSet;

/// More runs than this are a slip of the pen.
const MAX_RUNS: usize = 5000;

impl Experiment {
    /// What is wrong with it, by dotted key.
    pub fn validate(&self, catalog: &Catalog) -> Vec<FieldError> {
        let mut errors = self.wrong_numbers();
        errors.extend(self.wrong_axes());
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
        let runs =
            self.axes.iter().map(|axis| axis.settings.len()).chain([self.seeds.len(), self.arms.len()]);
        let runs = runs.fold(1, usize::saturating_mul);
        check(runs <= MAX_RUNS, "arms", &format!("{runs} runs are too many: choose {MAX_RUNS} at most"));
        check(
            runs == 0 || runs > self.seeds.len(),
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
        for Axis { settings } in &self.axes {
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

    /// What is wrong with the recipes that arms and points make of the base, which is fine by itself. Each mistake is said
    /// once, with the first arm or axis that has it.
    fn wrong_recipes(&self, catalog: &Catalog) -> Vec<FieldError> {
        let mut errors: Vec<FieldError> = vec![];
        for (arm, point) in
            (0..self.arms.len()).flat_map(|arm| (0..self.points()).map(move |point| (arm, point)))
        {
            let recipe = self.recipe(arm, point);
            let settings = self.arms[arm].settings.iter().chain(self.point(point));
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
