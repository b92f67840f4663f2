//! Changes to a sweep that is at work, or was: what it has done stays.
use super::{Experiment, several};
use crate::spec::{Catalog, FieldError};

impl Experiment {
    /// Gives a hyperparameter that is varied other values, as `--set` has them.
    ///
    /// # Errors
    /// Where it is not varied, or the values cannot be used.
    pub fn vary(&mut self, key: &str, values: &str, catalog: &Catalog) -> Result<(), FieldError> {
        let axis = several::axis(key, &values.into(), &self.base, catalog)?;
        let of = axis.settings.first().map(super::Setting::key);
        let own = self.axes.iter_mut().find(|own| own.settings.first().map(super::Setting::key) == of);
        *own.ok_or_else(|| FieldError::new(key, "is not varied by this sweep"))? = axis;
        Ok(())
    }

    /// The same sweep with the budget, the kind of search, the axes' values and the skipped trials of another, or what
    /// stands in the way.
    ///
    /// # Errors
    /// In a sentence, where the other varies something else, groups its trials otherwise, or is not a sweep that can be.
    pub fn revised(&self, wanted: &Self, catalog: &Catalog) -> Result<Self, String> {
        let (Some(own), Some(other)) = (&self.search, &wanted.search) else {
            return Err("Only a sweep with a search can be changed: start another comparison".into());
        };
        let keys = |experiment: &Self| -> Vec<String> {
            experiment.axes.iter().filter_map(|axis| Some(axis.settings.first()?.key())).collect()
        };
        if keys(self) != keys(wanted) {
            return Err("A sweep varies the same hyperparameters to its end: start another for others".into());
        }
        if (own.halving, own.at_once) != (other.halving, other.at_once) {
            return Err(
                "Which trials are ranked together cannot be changed once a sweep has begun: start another"
                    .into(),
            );
        }
        let mut revised = self.clone();
        revised.axes.clone_from(&wanted.axes);
        let mut search = other.clone();
        (search.seed, search.drawn) = (own.seed, own.drawn.clone());
        search.trials = search.trials.max(search.drawn.len().min(own.trials));
        revised.search = Some(search);
        let wrong = revised.validate(catalog);
        if wrong.is_empty() {
            return Ok(revised);
        }
        Err(wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        experiment::{Found, sweep::tests::searched},
        session::catalog,
    };

    #[test]
    fn a_sweep_is_extended_and_keeps_what_it_has_tried() {
        let mut sweep = searched("{ trials = 4, at_once = 2 }");
        let search = sweep.search.clone().unwrap();
        let drawn = sweep.draw(&search, &Found::new(), 2);
        sweep.search.as_mut().unwrap().drawn = drawn.clone();
        let mut wanted = searched("{ trials = 40, at_once = 2, kind = 'random', seed = 7, skipped = [1] }");
        wanted.axes[0].settings[1] = searched("{}").axes[0].at(0.8);
        let revised = sweep.revised(&wanted, &catalog()).unwrap();
        assert_eq!(revised.axes, wanted.axes);
        let search = revised.search.as_ref().unwrap();
        assert_eq!((search.trials, search.kind, search.seed), (40, "random", 0));
        assert_eq!((&search.drawn, search.skipped.len()), (&drawn, 1));
        // it cannot have fewer trials than it has
        let fewer = sweep.revised(&searched("{ trials = 1, at_once = 2 }"), &catalog()).unwrap();
        assert_eq!(fewer.search.unwrap().trials, 2);
    }

    #[test]
    fn what_cannot_be_changed_is_said() {
        let sweep = searched("{ trials = 4, at_once = 2 }");
        let refused = |search: &str| sweep.revised(&searched(search), &catalog()).unwrap_err();
        assert!(refused("{ trials = 4, at_once = 3 }").contains("ranked together"));
        assert!(refused("{ halving = 2, at_once = 2 }").contains("ranked together"));
        let plain = crate::experiment::tests::sweep();
        assert!(plain.revised(&sweep, &catalog()).unwrap_err().contains("with a search"));
        let mut other = sweep.clone();
        other.axes.clear();
        assert!(sweep.revised(&other, &catalog()).unwrap_err().contains("the same hyperparameters"));
    }
}
