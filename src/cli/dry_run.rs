//! `train --dry-run`: the spec as it would be trained, and what that takes.
use super::{
    Common, Outcome,
    output::{duration, line},
    recipes,
    waiting::Waiting,
};
use crate::{
    data::{self, watch::Watch},
    disk,
    engine::{Rehearsal, rehearse},
    runs::Home,
    session::catalog,
};
use anyhow::{Result, anyhow};
use serde_json::json;
use std::{path::Path, time::Duration};

/// # Errors
/// Where the run could not begin.
pub fn show(config: &Path, set: &[String], name: Option<String>, common: &Common) -> Result<Outcome> {
    let spec = recipes::named(config, set, name)?.anchored();
    let catalog = catalog();
    let fetched = Home::open(super::home(common)?)?.data();
    let watch = Watch::default();
    let found = std::thread::scope(|scope| {
        let _reading = watch.begin();
        let rehearsal =
            scope.spawn(|| rehearse(&spec, data::open(&spec.dataset, &fetched, &watch)?, &catalog));
        let mut waiting = Waiting::new(common.json || common.quiet);
        while !rehearsal.is_finished() {
            waiting.show(watch.progress());
            std::thread::sleep(Duration::from_millis(20));
        }
        waiting.show(None);
        rehearsal.join().map_err(|_| anyhow!("A fault in Headstart: please report it"))?
    })?;
    let Rehearsal {
        examples: [train, validation, test],
        parameters,
        steps,
        timed,
        step_secs,
        secs,
        peak_memory,
    } = found;
    if common.json {
        line(json!({
            "spec": spec.to_toml(&catalog), "train_examples": train, "validation_examples": validation,
            "test_examples": test, "parameters": parameters, "steps": steps, "timed_steps": timed,
            "step_secs": step_secs, "secs": secs, "peak_memory_bytes": peak_memory,
        }));
        return Ok(Outcome::Done);
    }
    line(spec.to_toml(&catalog).trim_end());
    line(format!("\n# {train} examples to train on, {validation} for validation, {test} for the test"));
    line(format!("# {parameters} trained numbers"));
    line(format!(
        "# {steps} steps, about {} on this machine: {timed} steps took {:.1} ms each, and an example of validation is taken \
         to cost a third of one in training",
        duration(secs),
        step_secs * 1000.0
    ));
    if let Some(bytes) = peak_memory {
        line(format!("# {} of memory, data and program included", disk::size(bytes)));
    }
    Ok(Outcome::Done)
}
