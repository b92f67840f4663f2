//! Checkpoints: a folder each, whole or not there.
use super::{RunFolder, at};
use crate::{disk, spec::LiveParams};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

/// `state.toml`: what a run needs, beside its tensors, to go on as if it had never stopped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CheckpointState {
    /// Batches done.
    pub step: u64,
    /// The validation that is due at this step has been done.
    pub validated: bool,
    /// Nothing is left to train: only the final evaluation may be.
    pub trained: bool,
    /// The step with the lowest validation loss so far, and that loss.
    pub best: Option<(u64, f64)>,
    /// Validations since then.
    pub validations_since_best: u64,
    pub elapsed_secs: f64,
    /// Where `metrics.csv` ended.
    pub metrics_bytes: u64,
    /// Last, since TOML wants tables after plain values.
    pub live: LiveParams,
}

impl RunFolder {
    /// Makes the checkpoint of a step: `write` puts the tensors into the folder that it is given.
    ///
    /// # Errors
    /// Where it cannot be written; checkpoints that are there stay as they are.
    pub fn save_checkpoint(
        &self,
        state: &CheckpointState,
        write: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<()> {
        let target = self.checkpoint(state.step);
        let partial = disk::partial(&target);
        let saved = save(&partial, &target, state, write);
        if saved.is_err() {
            // What is left of a failed attempt would fill the disk further.
            let _best_effort = fs::remove_dir_all(&partial);
        }
        saved.with_context(|| at("Could not save a checkpoint: is the disk full?", &target))
    }

    /// The folder of a step's checkpoint.
    pub fn checkpoint(&self, step: u64) -> PathBuf {
        self.path.join("checkpoints").join(format!("step-{step:06}"))
    }

    /// The steps that have a checkpoint, rising.
    pub fn checkpoints(&self) -> Vec<u64> {
        let entries = fs::read_dir(self.path.join("checkpoints")).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut steps: Vec<u64> = names.filter_map(|name| name.strip_prefix("step-")?.parse().ok()).collect();
        steps.sort_unstable();
        steps
    }

    /// The state that the checkpoint of a step was made with.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn checkpoint_state(&self, step: u64) -> Result<CheckpointState> {
        let path = self.checkpoint(step).join("state.toml");
        let text = fs::read_to_string(&path).with_context(|| at("Could not read the checkpoint", &path))?;
        toml::from_str(&text).with_context(|| at("The checkpoint is damaged", &path))
    }

    /// Removes the checkpoints that are not to be kept.
    ///
    /// # Errors
    /// Where one cannot be removed.
    pub fn prune(&self, keep_last: usize, best: Option<u64>) -> Result<()> {
        let steps = self.checkpoints();
        let kept = retain(&steps, keep_last, best);
        for step in steps.into_iter().filter(|step| !kept.contains(step)) {
            let path = self.checkpoint(step);
            fs::remove_dir_all(&path).with_context(|| at("Could not remove an old checkpoint", &path))?;
        }
        Ok(())
    }
}

/// Which of the checkpoints stay: the newest `keep_last`, and the best.
pub fn retain(steps: &[u64], keep_last: usize, best: Option<u64>) -> Vec<u64> {
    let newest = steps.len().saturating_sub(keep_last);
    let kept = steps.iter().enumerate().filter(|(i, step)| *i >= newest || Some(**step) == best);
    kept.map(|(_, step)| *step).collect()
}

fn save(
    partial: &Path,
    target: &Path,
    state: &CheckpointState,
    write: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    if partial.exists() {
        fs::remove_dir_all(partial)?;
    }
    fs::create_dir_all(partial)?;
    write(partial)?;
    disk::write_synced(&partial.join("state.toml"), toml::to_string(state)?.as_bytes())?;
    for file in fs::read_dir(partial)? {
        File::open(file?.path())?.sync_all()?;
    }
    if !target.exists() {
        return Ok(disk::rename(partial, target)?);
    }
    // A folder cannot be renamed over another: the older one of the same step steps aside, and is no checkpoint then.
    let aside = target.with_extension(format!("old{}", disk::PARTIAL));
    let _may_be_missing = fs::remove_dir_all(&aside);
    disk::rename(target, &aside)?;
    disk::rename(partial, target)?;
    Ok(fs::remove_dir_all(&aside)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_and_the_best_stay() {
        assert_eq!(retain(&[1, 2, 3, 4, 5], 2, Some(2)), [2, 4, 5]);
        assert_eq!(retain(&[1, 2, 3], 5, None), [1, 2, 3]);
        assert!(retain(&[], 1, Some(3)).is_empty());
    }

    #[test]
    fn a_failed_save_leaves_nothing_and_harms_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder { path: folder.path().into() };
        let state = CheckpointState {
            step: 7,
            best: Some((3, 0.5)),
            live: [("a".to_owned(), 1.0)].into(),
            ..Default::default()
        };
        run.save_checkpoint(&state, |_| Ok(())).unwrap();
        assert!(
            run.save_checkpoint(&CheckpointState { step: 7, ..Default::default() }, |_| anyhow::bail!(
                "full"
            ))
            .is_err()
        );
        assert_eq!(run.checkpoint_state(7).unwrap(), state);
        let newer = CheckpointState { validated: true, ..state };
        run.save_checkpoint(&newer, |_| Ok(())).unwrap();
        assert_eq!(run.checkpoint_state(7).unwrap(), newer);
        assert_eq!(run.checkpoints(), [7]);
        assert_eq!(fs::read_dir(folder.path().join("checkpoints")).unwrap().count(), 1);
    }
}
