//! Weights that come from PyTorch, and weights that go there.
use super::{Model, optimizers::Optimizer, resumption::newest_model};
use crate::{
    data::{self, watch::Watch},
    models::{Pytorch, Rename, Scope, Taken},
    objectives,
    protocol::{Phase, RunId},
    runs::{CheckpointState, Entry, Home, RunData, RunFolder},
    spec::{Catalog, RunSpec},
};
use anyhow::Result;
use std::path::Path;

/// What was exchanged.
pub struct Exchanged {
    /// The step whose weights they are.
    pub step: u64,
    /// Weights and biases, and statistics of normalisations.
    pub tensors: usize,
    /// Numbers in these tensors.
    pub parameters: usize,
    /// Whether there is a classifier's head, and not an encoder alone.
    pub has_head: bool,
    /// What was wrong with newer checkpoints.
    pub passed_over: Option<String>,
    /// What came of the tensors of a file.
    pub taken: Taken,
}

/// Writes the weights of a run's newest checkpoint as PyTorch names them and lays them out: of a run that learns without
/// labels its encoder alone.
///
/// # Errors
/// Where the run cannot be read or the file cannot be written.
pub fn export(folder: &RunFolder, catalog: &Catalog, path: &Path) -> Result<Exchanged> {
    let spec = folder.spec(catalog)?;
    let newest = newest_model(folder, catalog, &Watch::default())?;
    let has_head = objectives::find(&spec.objective.id)?.needs_labels;
    let scope = if has_head { Scope::All } else { Scope::Encoder };
    let pytorch = Pytorch::new(&newest.loaded.vars, scope)?;
    pytorch.export(path)?;
    let (tensors, parameters) = pytorch.size();
    Ok(Exchanged {
        step: newest.state.step,
        tensors,
        parameters,
        has_head,
        passed_over: newest.passed_over,
        taken: Taken::default(),
    })
}

/// Makes a finished run, at step 0, from weights that PyTorch trained.
///
/// # Errors
/// Where the weights cannot be read or do not fit the spec: no run is made.
pub fn import(
    home: &Home,
    spec: &RunSpec,
    catalog: &Catalog,
    path: &Path,
    renames: &[Rename],
) -> Result<(RunId, RunFolder, Exchanged)> {
    let spec = &spec.clone().anchored();
    let info = data::peek(&spec.dataset, &Watch::default())?;
    let model = Model::build(spec, &info)?;
    let pytorch = Pytorch::new(&model.vars, Scope::All)?;
    let taken = pytorch.import(path, renames)?;
    let optimizer = Optimizer::new(&spec.optimizer, &model.vars)?;
    let (id, folder) = home.create(spec, catalog, &RunData::unread(info))?;
    let _lock = folder.lock()?;
    let imported = format!("Imported from {}", path.display());
    for text in [imported].iter().chain(&taken.remarks) {
        folder.log(&Entry::Notice { text: text.clone() })?;
    }
    let live = catalog.live_params(spec);
    let state = CheckpointState { validated: true, trained: true, live, ..CheckpointState::default() };
    folder.save_checkpoint(&state, |checkpoint| {
        model.vars.save(&checkpoint.join("model.safetensors"))?;
        optimizer.save(&checkpoint.join("optimizer.safetensors"))
    })?;
    folder.log(&Entry::new_phase(&Phase::Finished))?;
    let (tensors, parameters) = pytorch.size();
    Ok((id, folder, Exchanged { step: 0, tensors, parameters, has_head: true, passed_over: None, taken }))
}
