//! The newest intact checkpoint of a run, from which it is resumed or queried.
use super::Model;
use crate::{
    data::watch::Watch,
    errors::{At as _, message},
    metrics::Split,
    runs::{CheckpointState, Entry, RunFolder, Tuned, surviving_tunings},
    spec::{Catalog, LiveParams, RunSpec},
};
use anyhow::{Context as _, Error, Result, anyhow, bail, ensure};
use std::path::Path;

/// The newest intact checkpoint, loaded.
pub struct Newest<T> {
    pub state: CheckpointState,
    pub loaded: T,
    /// What was wrong with newer ones, in a sentence.
    pub passed_over: Option<String>,
}

/// Loads the newest checkpoint that `load` accepts; none where the run has not been saved yet.
///
/// # Errors
/// Where there are checkpoints, or have been, and none can be read: random weights must not replace what a run has learnt.
pub fn newest<T>(
    folder: &RunFolder,
    mut load: impl FnMut(&CheckpointState, &Path) -> Result<T>,
) -> Result<Option<Newest<T>>> {
    let mut failed: Option<(u64, Error)> = None;
    for step in folder.checkpoints().into_iter().rev() {
        let whole = folder.checkpoint_state(step).and_then(|state| {
            let loaded = load(&state, &folder.checkpoint(step))?;
            Ok((state, loaded))
        });
        match whole {
            Ok((state, loaded)) => {
                let passed_over = failed.map(|(newer, error)| {
                    let reason = message(&error);
                    format!(
                        "Step {step} is used instead of step {newer}, whose checkpoint cannot be used: {reason}"
                    )
                });
                return Ok(Some(Newest { state, loaded, passed_over }));
            }
            Err(error) => failed = failed.or(Some((step, error))),
        }
    }
    if let Some((_, error)) = failed {
        return Err(error.context("No checkpoint of this run can be used: bring its folder back from a copy"));
    }
    ensure!(
        !has_been_saved(folder)?,
        anyhow!(
            "The curves of this run go on after its first validation, but its checkpoints are gone: bring them back from a \
             copy of the folder, or start it again"
        )
        .at(&folder.path)
    );
    Ok(None)
}

/// The state of a checkpoint, without the best weights where these have been removed since.
pub fn without_lost_best(mut state: CheckpointState, folder: &RunFolder) -> CheckpointState {
    if state.best.is_some_and(|(best, _)| !folder.checkpoint(best).exists()) {
        (state.best, state.validations_since_best) = (None, 0);
    }
    state
}

/// A run is saved after each validation, before it trains on or is tested.
fn has_been_saved(folder: &RunFolder) -> Result<bool> {
    let (mut validated, mut went_on) = (None, false);
    folder.each_point(|point| {
        went_on |= point.split == Split::Test || validated.is_some_and(|step| point.step > step);
        if point.split == Split::Validation {
            validated.get_or_insert(point.step);
        }
    })?;
    Ok(went_on)
}

/// The newest saved weights of a run that is not being trained.
///
/// # Errors
/// Where the run has no checkpoint, its spec, its data or its weights cannot be read, or that was stopped.
pub fn newest_model(folder: &RunFolder, catalog: &Catalog, watch: &Watch) -> Result<Newest<Model>> {
    newest_model_of(folder, &folder.spec(catalog)?, watch)
}

/// As [`newest_model`], of a run whose spec was read already.
///
/// # Errors
/// As there.
pub fn newest_model_of(folder: &RunFolder, spec: &RunSpec, watch: &Watch) -> Result<Newest<Model>> {
    let model = Model::build(spec, &folder.dataset_info(spec, watch)?)?;
    let found = newest(folder, |_, path| model.vars.load(&path.join("model.safetensors")))?;
    let Newest { state, passed_over, .. } = found.with_context(|| {
        let name = folder.path.file_name().unwrap_or_default().to_string_lossy();
        format!(
            "The run has no checkpoint yet, so there is nothing that it has learnt: train it first\n\
             headstart resume {name}"
        )
    })?;
    Ok(Newest { state, loaded: model, passed_over })
}

/// The live hyperparameters to resume with, and the logged changes of later steps, which are to be replayed.
///
/// # Errors
/// Where one of them is not allowed.
pub fn live(
    folder: &RunFolder,
    spec: &RunSpec,
    catalog: &Catalog,
    entries: &[Entry],
    checkpoint: Option<&CheckpointState>,
) -> Result<(LiveParams, Vec<Tuned>)> {
    // A run of an older version may not have had all of them.
    let whole = |own: &LiveParams, from: &str| -> Result<LiveParams> {
        let mut live = catalog.live_params(spec);
        live.update(own);
        match first_wrong(&live, spec, catalog) {
            None => Ok(live),
            Some(wrong) => {
                bail!(anyhow!("The run cannot go on with what {from} says: {wrong}").at(&folder.path))
            }
        }
    };
    let none = LiveParams::default();
    let (step, saved) = checkpoint.map_or((0, &none), |state| (state.step, &state.live));
    let mut live = whole(saved, "its checkpoint")?;
    let mut ahead = vec![];
    for Tuned { step: at, values } in surviving_tunings(entries) {
        if at < step {
            continue;
        }
        let values = whole(&values, &format!("log.jsonl, after step {at},"))?;
        if at == step {
            live = values;
        } else {
            ahead.push(Tuned { step: at, values });
        }
    }
    Ok((live, ahead))
}

/// What is wrong with live hyperparameters.
pub fn first_wrong(live: &LiveParams, spec: &RunSpec, catalog: &Catalog) -> Option<String> {
    let known = catalog.live_params(spec);
    if !live.keys().eq(known.keys()) {
        return Some("these are not the live hyperparameters of the run".into());
    }
    catalog.params(spec).filter(|(_, param)| param.live).find_map(|(section, param)| {
        let wrong = param.check(live.get(section, param))?;
        Some(format!("{}: {wrong}", param.label))
    })
}
