//! Fine-tuning a run on the user's own drawings.
use crate::spec::{
    BATCH_SIZE, Choice, EPOCH_STEPS, EPOCHS, EVALUATIONS_PER_EPOCH, KEEP_CHECKPOINTS, KEEP_HEAD, RunSpec,
    Section,
};
use std::path::Path;

/// The spec: 60 small steps from a run's weights, of the whole network, on the drawings of a folder that are not held out.
pub fn fine_tuning(spec: &RunSpec, run: &str, folder: &Path) -> RunSpec {
    let mut spec = RunSpec {
        name: format!("{} on my handwriting", spec.name),
        init_from: Some(run.into()),
        branch: None,
        shipped: None,
        entrant: None,
        changes: vec![],
        dataset: Choice { path: Some(folder.into()), ..Choice::new("files") },
        optimizer: Choice::new("adamw"),
        schedule: Choice::new("one_cycle"),
        ..spec.clone()
    };
    spec.optimizer.values.insert("learning_rate".into(), 0.0002);
    spec.training.clear();
    for (param, value) in [
        (&BATCH_SIZE, 16.0),
        (&EPOCHS, 6.0),
        (&EPOCH_STEPS, 10.0),
        (&EVALUATIONS_PER_EPOCH, 1.0),
        (&KEEP_CHECKPOINTS, 6.0),
        (&KEEP_HEAD, 1.0),
    ] {
        spec.set(Section::Training, param, value);
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::catalog;

    #[test]
    fn the_spec_is_one_that_can_be_trained() {
        let spec = fine_tuning(&RunSpec::default(), "2026-11-26-run", Path::new("/home/handwriting"));
        assert!(catalog().validate(&spec).is_empty());
        let text = spec.to_toml(&catalog());
        let read = RunSpec::from_toml(&text, &[], &catalog()).unwrap();
        assert_eq!(read.to_toml(&catalog()), text);
        assert_eq!(read.init_from.as_deref(), Some("2026-11-26-run"));
    }
}
