//! Which run, and which of its steps, a run goes on from.
use super::{BATCH_SIZE, Catalog, EPOCH_STEPS, EPOCHS, FieldError, RunSpec, Section};
use std::{fmt, str::FromStr};

/// A moment of another run, from which a run goes on: weights, the optimiser's state, step and order of the data are taken
/// over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// The name of the run's folder, or a unique beginning of it.
    pub run: String,
    /// The step of one of its checkpoints; none means where it is now. The spec in a run's folder always has one.
    pub step: Option<u64>,
}

/// `RUN` or `RUN@STEP`. What stands behind an @ and is no number belongs to the name.
impl FromStr for Branch {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let at = text.rsplit_once('@').and_then(|(run, step)| Some((run, step.parse().ok()?)));
        let (run, step) = at.map_or((text, None), |(run, step)| (run, Some(step)));
        Ok(Self { run: run.into(), step })
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Some(step) => write!(f, "{}@{step}", self.run),
            None => f.write_str(&self.run),
        }
    }
}

/// What a run of `own` does not take over from one of `parent` that it goes on from, in sentences.
///
/// # Errors
/// Where the weights do not fit, or the validation examples could be some that they were trained on.
pub fn left_behind(parent: &RunSpec, own: &RunSpec, catalog: &Catalog) -> Result<Vec<String>, FieldError> {
    let refused = |section: Section, why: &str| {
        let advice = "begin a new run with these weights instead, by init_from";
        Err(FieldError::new(section.id(), format!("cannot change here: {why}; {advice}")))
    };
    let is_as_before = |section: Section| {
        let same = |param: &super::Param| param.live || parent.get(section, param) == own.get(section, param);
        let params = catalog.component(section, own.id(section)).map_or(&[][..], |info| info.params);
        parent.id(section) == own.id(section) && params.iter().all(same)
    };
    if !is_as_before(Section::Encoder) {
        return refused(Section::Encoder, "the weights would not fit");
    }
    if !is_as_before(Section::Objective) {
        return refused(Section::Objective, "its head would not fit");
    }
    let [before, now] = [&parent.dataset, &own.dataset];
    let same_files =
        before.path == now.path && before.edits == now.edits && before.split_rule == now.split_rule;
    if !is_as_before(Section::Dataset) || !same_files || parent.seed != own.seed {
        let why = "with other data or another seed the run could be validated on examples that its weights have learnt";
        return refused(Section::Dataset, why);
    }
    let mut left = vec![];
    let other_training = |param| parent.training(param) != own.training(param);
    if parent.optimizer.id != own.optimizer.id {
        let (before, now) = (&parent.optimizer.id, &own.optimizer.id);
        left.push(format!(
            "What {before} has gathered of past gradients is not carried over: {now} begins without it"
        ));
    }
    if other_training(&BATCH_SIZE) || other_training(&EPOCH_STEPS) {
        left.push(
            "The order of the examples is not carried over: the size of batches or epochs is another".into(),
        );
    }
    if !is_as_before(Section::Schedule) || other_training(&EPOCHS) && own.schedule.id != "constant" {
        left.push(
            "The learning rate does not go on from where it was: its schedule is another, or is spread over another number of epochs"
                .into(),
        );
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::catalog;

    #[test]
    fn what_is_not_carried_over_is_said_and_what_cannot_be_is_refused() {
        let spec = |set: &[&str]| {
            let set: Vec<String> = set.iter().map(ToString::to_string).collect();
            RunSpec::from_toml("", &set, &catalog()).unwrap()
        };
        let left = |set: &[&str]| left_behind(&spec(&[]), &spec(set), &catalog());
        for same in
            [&[][..], &["learning_rate=0.1", "conv_dropout=0.5", "rotation=10", "epochs=99", "name=b"]]
        {
            assert_eq!(left(same), Ok(vec![]));
        }
        for (set, part) in [
            ("optimizer=sgd", "What adam has gathered"),
            ("batch_size=32", "order of the examples"),
            ("epoch_steps=10", "order of the examples"),
            ("schedule=one_cycle", "learning rate does not go on"),
        ] {
            let said = left(&[set]).unwrap();
            assert!(said.len() == 1 && said[0].contains(part), "{set}: {said:?}");
        }
        for (set, field) in [
            ("encoder=mlp", "encoder"),
            ("objective=masked", "objective"),
            ("outsiders=0.5", "objective"),
            ("seed=7", "dataset"),
            ("labels_per_class=10", "dataset"),
        ] {
            assert_eq!(left(&[set]).unwrap_err().field, field);
        }
    }

    #[test]
    fn a_branch_is_written_as_it_is_read() {
        for (text, run, step) in [
            ("2026-a@400", "2026-a", Some(400)),
            ("2026-a", "2026-a", None),
            ("/runs/a@b", "/runs/a@b", None),
        ] {
            let branch: Branch = text.parse().unwrap();
            assert_eq!((branch.run.as_str(), branch.step, branch.to_string()), (run, step, text.to_owned()));
        }
    }
}
