//! Values that would do nothing: refused where a person writes them, and read without a word from the runs of before.
use super::{
    Catalog, FREEZE_STAGES, FRESH_STAGES, FieldError, KEEP_HEAD, Param, RunSpec, SELF_LABELS, Section,
    SpecError, UNFREEZE_EVERY, dotted,
};

impl RunSpec {
    /// As [`from_toml`](Self::from_toml), of a recipe that a person wrote to train by.
    ///
    /// # Errors
    /// As there, and where a value would do nothing.
    pub fn written(text: &str, overrides: &[String], catalog: &Catalog) -> Result<Self, SpecError> {
        let spec = Self::from_toml(text, overrides, catalog)?;
        let mut idle = catalog.beyond(&spec);
        idle.extend(catalog.unused(&spec));
        if idle.is_empty() { Ok(spec) } else { Err(SpecError(idle)) }
    }
}

impl Catalog {
    /// Values of `spec` that its components cannot take.
    pub fn beyond(&self, spec: &RunSpec) -> Vec<FieldError> {
        let mut errors = vec![];
        let dataset = spec.dataset.id.as_str();
        if spec.dataset.path.is_some() && !self.with_path.contains(&dataset) {
            let message = format!(
                "does nothing with dataset={dataset}, which is part of this program: add dataset=files, or leave it out"
            );
            errors.push(FieldError::new("dataset.path", message));
        }
        for param in [&FREEZE_STAGES, &FRESH_STAGES] {
            let stages = (self.stages)(&spec.encoder).unwrap_or(usize::MAX) as f64;
            let value = spec.training(param);
            if value > stages {
                let encoder = &spec.encoder.id;
                errors
                    .push(training(param, format!("{value} is out of range: {encoder} has {stages} stages")));
            }
        }
        errors
    }

    /// Values of `spec` that do nothing beside the others.
    fn unused(&self, spec: &RunSpec) -> Vec<FieldError> {
        let objective = spec.objective.id.as_str();
        let is_fresh = spec.init_from.is_none();
        let without_source = "does nothing without init_from, the run that the network begins with";
        let learns_alone = format!("does nothing with objective={objective}, which learns without labels");
        let conditions = [
            (&FRESH_STAGES, is_fresh, without_source),
            (&KEEP_HEAD, is_fresh, without_source),
            (&UNFREEZE_EVERY, spec.training(&FREEZE_STAGES) == 0.0, "does nothing without freeze_stages"),
            (&SELF_LABELS, self.without_labels.contains(&objective), learns_alone.as_str()),
        ];
        let is_idle = |(param, idle, _): &(&Param, bool, &str)| *idle && spec.training(param) > 0.0;
        conditions.into_iter().filter(is_idle).map(|(param, _, message)| training(param, message)).collect()
    }

    /// Which components a key belongs to, as a person would choose them: ": belongs to optimizer=sgd". None where none has
    /// such a key.
    pub(super) fn owner(&self, key: &str) -> Option<String> {
        let owners = Section::ALL.into_iter().flat_map(|section| {
            let all = self.section(section);
            let mine: Vec<_> =
                all.iter().filter(|info| info.params.iter().any(|param| param.key == key)).collect();
            if mine.len() == all.len() && !mine.is_empty() {
                return vec![section.id().to_owned()];
            }
            mine.iter().map(|info| format!("{}={}", section.id(), info.id)).collect()
        });
        let owners: Vec<String> = owners.collect();
        (!owners.is_empty()).then(|| format!(" here: it belongs to {}", owners.join(" or ")))
    }
}

fn training(param: &Param, message: impl Into<String>) -> FieldError {
    FieldError::new(dotted(Section::Training, param), message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::catalog;

    fn refused(overrides: &[&str]) -> String {
        let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
        let spec = RunSpec::from_toml("", &overrides, &catalog()).unwrap();
        // what a run of before holds is read as it is
        assert!(RunSpec::from_toml(&spec.to_toml(&catalog()), &[], &catalog()).is_ok());
        RunSpec::written("", &overrides, &catalog())
            .map_err(|error| error.to_string())
            .err()
            .unwrap_or_default()
    }

    #[test]
    fn values_that_do_nothing_are_refused_with_what_they_need() {
        for (overrides, message) in [
            (&["dataset.path=/a"][..], "dataset.path: does nothing with dataset=mnist"),
            (&["freeze_stages=99"], "training.freeze_stages: 99 is out of range: seed_cnn has 3 stages"),
            (&["freeze_stages=4", "encoder=mlp", "encoder.depth=2"], "mlp has 2 stages"),
            (&["fresh_stages=1"], "without init_from"),
            (&["keep_head=true"], "without init_from"),
            (&["unfreeze_every=10"], "without freeze_stages"),
            (&["self_labels=100", "objective=masked"], "objective=masked, which learns without labels"),
        ] {
            assert!(refused(overrides).contains(message), "{overrides:?}: {}", refused(overrides));
        }
        for fine in [
            &["dataset.path=/a", "dataset=files"][..],
            &["dataset.path=/a", "dataset=kmnist"],
            &["freeze_stages=3", "unfreeze_every=10"],
            &["fresh_stages=1", "keep_head=true", "init_from=a"],
            &["self_labels=100"],
        ] {
            assert_eq!(refused(fine), "", "{fine:?}");
        }
    }

    #[test]
    fn a_key_of_another_component_names_it() {
        let error = |overrides: &[&str], text: &str| {
            let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
            RunSpec::from_toml(text, &overrides, &catalog()).unwrap_err().to_string()
        };
        let known = "momentum: is not known here: it belongs to optimizer=sgd";
        assert_eq!(error(&["momentum=0.9"], ""), known);
        assert!(error(&["optimizer.momentum=0.9"], "").ends_with(known));
        assert!(error(&[], "[training]\nlearning_rate = 0.1").contains("it belongs to optimizer"));
        assert!(error(&["conv_dropout=0.1", "encoder=mlp"], "").contains("encoder=seed_cnn"));
        assert!(error(&["lr=0.1"], "").contains("did you mean learning_rate?"));
        assert!(error(&["optim=sgd"], "").contains("did you mean optimizer?"));
        assert!(error(&["encoder=mpl"], "").contains("did you mean mlp?"));
        for section in Section::ALL {
            for info in catalog().section(section) {
                let all = info.params.iter().all(|param| catalog().owner(param.key).is_some());
                assert!(all, "{}", info.id);
            }
        }
    }
}
