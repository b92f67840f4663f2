//! What a run would take, found out by its first steps, which leave nothing behind.
use super::{
    benchmark::{forget_peak_memory, peak_memory},
    trainer::{Advance, Origin, Trainer},
};
use crate::{
    data::Dataset,
    spec::{BATCH_SIZE, Catalog, EPOCHS, EVALUATIONS_PER_EPOCH, RunSpec},
};
use anyhow::Result;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Steps that are timed at most, and for how long.
const MOST_STEPS: usize = 24;
const LONGEST: Duration = Duration::from_secs(4);
/// First steps that are not counted: caches and threads warm up.
const WARM_UP: usize = 2;
/// A step goes forward, and back to each weight and to each layer's input; scoring only goes forward.
const FORWARD_SHARE: f64 = 1.0 / 3.0;

/// What a run would take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rehearsal {
    /// Examples that are fitted, that are for validation, and that are for the test.
    pub examples: [usize; 3],
    /// Trained numbers of the network and its head.
    pub parameters: usize,
    /// Batches of the whole run.
    pub steps: u64,
    /// How many of them were timed.
    pub timed: usize,
    /// The median of those.
    pub step_secs: f64,
    /// Of the whole run, with its validations and the test, each example of which takes a third of a trained one.
    pub secs: f64,
    /// Of the whole program, its data included, in bytes; none where the system does not say.
    pub peak_memory: Option<u64>,
}

/// Does a few steps of a run, from random weights whatever it begins with, and forgets them.
///
/// # Errors
/// Where the run could not begin, or its first steps fail.
pub fn rehearse(spec: &RunSpec, dataset: Arc<Dataset>, catalog: &Catalog) -> Result<Rehearsal> {
    forget_peak_memory();
    let tests = dataset.test.len();
    let mut trainer = Trainer::new(spec.clone(), catalog.live_params(spec), dataset, Origin::Fresh)?;
    let partition = trainer.data().1;
    let examples = [partition.train.len(), partition.validation.len(), tests];
    let steps = trainer.position().steps;
    let mut secs = timed(&mut trainer, steps)?;
    secs.drain(..WARM_UP.min(secs.len() - 1));
    secs.sort_by(f64::total_cmp);
    let step_secs = secs[secs.len() / 2];
    let evaluations = spec.training(&EVALUATIONS_PER_EPOCH) * spec.training(&EPOCHS);
    let scored = evaluations * examples[1] as f64 + examples[2] as f64;
    let an_example = step_secs / spec.training(&BATCH_SIZE);
    Ok(Rehearsal {
        examples,
        parameters: trainer.model.vars.trained().map(|(_, var)| var.elem_count()).sum(),
        steps,
        timed: secs.len(),
        step_secs,
        secs: step_secs * steps as f64 + scored * an_example * FORWARD_SHARE,
        peak_memory: peak_memory(),
    })
}

/// Seconds of each of the first steps; one at least.
fn timed(trainer: &mut Trainer, steps: u64) -> Result<Vec<f64>> {
    let (mut secs, began) = (vec![], Instant::now());
    while secs.is_empty() || secs.len() < MOST_STEPS.min(steps as usize) && began.elapsed() < LONGEST {
        let step = Instant::now();
        if let Advance::Trained { .. } = trainer.advance()? {
            secs.push(step.elapsed().as_secs_f64());
        }
    }
    Ok(secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data, data::watch::Watch, session::catalog};

    #[test]
    fn a_few_steps_say_what_a_run_takes() {
        let set = ["encoder=mlp", "hidden_size=16", "depth=1", "epochs=3", "validation_images=5000"]
            .map(String::from);
        let spec = RunSpec::from_toml("", &set, &catalog()).unwrap();
        let dataset = data::open(&spec.dataset, std::path::Path::new("/nowhere"), &Watch::default()).unwrap();
        let found = rehearse(&spec, dataset, &catalog()).unwrap();
        assert_eq!((found.examples, found.steps), ([55_000, 5000, 10_000], 3 * 860));
        assert_eq!(found.parameters, 784 * 16 + 16 + 16 * 10 + 10);
        assert!(found.timed > 0 && found.step_secs > 0.0);
        // 40,000 scored images take as long as 13,333 trained ones, which are 208 steps
        let steps = found.secs / found.step_secs;
        assert!((steps - (2580.0 + 40_000.0 / 192.0)).abs() < 1.0, "{steps}");
    }
}
