//! Forks: runs that go on from a moment of another one, beside it.
use super::Engine;
use crate::{
    engine::{
        active_run::ActiveRun,
        resumption::without_lost_best,
        trainer::{SELF_LABELS_FILE, Trainer},
    },
    errors::At as _,
    metrics::{LOSS, Split},
    protocol::{About, Level, RunId},
    runs::{CheckpointState, Entry, RunData, RunFolder},
    spec::{
        RunSpec,
        branch::{Branch, left_behind},
    },
};
use anyhow::{Context as _, Result, bail};
use std::{fs, path::Path};

const MODEL_FILE: &str = "model.safetensors";
const OPTIMIZER_FILE: &str = "optimizer.safetensors";

/// A moment of a run that another one is to begin with.
struct Moment<'a> {
    state: CheckpointState,
    folder: &'a RunFolder,
    /// Where that is now, and not a checkpoint.
    trainer: Option<&'a Trainer>,
    carries_optimizer: bool,
}

impl Engine {
    /// Begins a run with the weights, the optimiser's state, the step and the order of the data of another one.
    pub(super) fn fork(&mut self, mut spec: RunSpec, branch: Branch) -> Result<RunId> {
        let parent = self.home.find(&branch.run)?;
        let folder = self.home.folder(&parent);
        let old = folder.spec(&self.catalog)?;
        let mut said = left_behind(&old, &spec, &self.catalog)?;
        let dataset = self.dataset(&spec.dataset)?;
        folder.check_data(&dataset)?;
        let active = self.active.get(&parent).filter(|_| branch.step.is_none()).map(|run| &run.trainer);
        let mut moment = match active {
            Some(trainer) => Moment::now(trainer, &folder),
            None => Moment::saved(&folder, branch.step)?,
        };
        if moment.carries_optimizer && old.optimizer.id != spec.optimizer.id {
            moment.carries_optimizer = false;
        } else if !moment.carries_optimizer {
            said.push(
                "The run was finished without its optimiser's state: the fork begins without it".into(),
            );
        }
        moment.state.live = self.catalog.live_params(&spec);
        let step = moment.state.step;
        spec.branch = Some(Branch { run: parent.to_string(), step: Some(step) });
        spec.changes.retain(|planned| planned.step > step);
        let data = RunData::of(&dataset);
        let (id, own) = self.home.create_with(&spec, &self.catalog, &data, |own| moment.put_into(own))?;
        let begun = ActiveRun::resume(id.clone(), own.clone(), (&spec, &[]), dataset, None, &self.catalog);
        let run = match begun {
            Ok(run) => run,
            Err(error) => {
                // What cannot be trained leaves no folder behind.
                let _best_effort = fs::remove_dir_all(&own.path);
                return Err(error);
            }
        };
        let info = own.info_of(&id, spec, &[], &self.catalog);
        self.activate(run, info)?;
        for text in said {
            own.log(&Entry::Notice { text: text.clone() })?;
            self.outbox.notice(About::Run(id.clone()), Level::Info, text);
        }
        Ok(id)
    }
}

impl<'a> Moment<'a> {
    /// Where a run is that is being trained.
    fn now(trainer: &'a Trainer, folder: &'a RunFolder) -> Self {
        let state = CheckpointState { first_loss: trainer.losses.first, ..trainer.state.clone() };
        Self { state, folder, trainer: Some(trainer), carries_optimizer: true }
    }

    /// A checkpoint: that of a step, or the newest.
    fn saved(folder: &'a RunFolder, step: Option<u64>) -> Result<Self> {
        let kept = folder.checkpoints();
        let step = match step {
            None => *kept
                .last()
                .context("The run has no checkpoint yet: fork it when it has trained for a while")?,
            Some(step) if kept.contains(&step) => step,
            Some(step) => bail!("The run has no checkpoint of step {step}: choose one of {kept:?}"),
        };
        let mut state = without_lost_best(folder.checkpoint_state(step)?, folder);
        state.first_loss = match state.first_loss {
            None => first_loss(folder)?,
            known => known,
        };
        let carries_optimizer = folder.checkpoint(step).join(OPTIMIZER_FILE).exists();
        Ok(Self { state, folder, trainer: None, carries_optimizer })
    }

    /// Makes it the first checkpoint of a new run, with the best one before it, which early stopping may come back to.
    fn put_into(&self, own: &RunFolder) -> Result<()> {
        // The new run's curves are empty, and it ends when its own spec says so.
        let begun = |state: &CheckpointState| CheckpointState {
            metrics_bytes: 0,
            trained: false,
            optimizer_began: if self.carries_optimizer { state.optimizer_began } else { state.step },
            ..state.clone()
        };
        if let Some((best, _)) = self.state.best.filter(|(best, _)| *best < self.state.step) {
            let state = begun(&self.folder.checkpoint_state(best)?);
            own.save_checkpoint(&state, |to| {
                copy(&self.folder.checkpoint(best), to, self.carries_optimizer)
            })?;
        }
        let state = begun(&self.state);
        own.save_checkpoint(&state, |to| match self.trainer {
            Some(trainer) => trainer.save(to),
            None => copy(&self.folder.checkpoint(state.step), to, self.carries_optimizer),
        })
    }
}

/// Copies the tensors of a checkpoint.
fn copy(from: &Path, to: &Path, with_optimizer: bool) -> Result<()> {
    for name in [MODEL_FILE, OPTIMIZER_FILE, SELF_LABELS_FILE] {
        let (source, is_wanted) = (from.join(name), name != OPTIMIZER_FILE || with_optimizer);
        if is_wanted && source.exists() {
            fs::copy(&source, to.join(name)).context("Could not copy the checkpoint").at(&source)?;
        }
    }
    Ok(())
}

/// The first training loss of a run, by which its divergence is noticed.
fn first_loss(folder: &RunFolder) -> Result<Option<f64>> {
    let mut first = None;
    folder.each_point(|point| {
        if point.split == Split::Train && point.metric == LOSS {
            first.get_or_insert(point.value);
        }
    })?;
    Ok(first)
}
