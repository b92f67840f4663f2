//! Checkpoints: a folder each, whole or not there.
//!
//! ```text
//! step-000500/              whole
//! step-000500.partial       being written: never read
//! step-000500.old.partial   whole, stepped aside for a new one of the same step: read where there is no step-000500
//! step-000500.gone.partial  being removed: never read
//! ```
//! So a program that is killed between any two system calls leaves the newest checkpoint to be found.
use super::RunFolder;
use crate::{disk, errors::At as _, spec::LiveParams};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// The ending of a checkpoint that stepped aside.
const OLD: &str = ".old.partial";

/// `state.toml`: all that a run needs to resume with the same bits, apart from its tensors.
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
    /// Seconds of training, without pauses.
    pub elapsed_secs: f64,
    /// Where `metrics.csv` ended.
    pub metrics_bytes: u64,
    /// Steps done when the optimiser began: more than 0 where a fork took another one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub optimizer_began: u64,
    /// Of a fork: the first training loss of the run that it began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_loss: Option<f64>,
    /// Last, since TOML wants tables after plain values.
    pub live: LiveParams,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
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
        let target = self.place(state.step);
        let partial = disk::partial(&target);
        let saved = save(&partial, &target, state, write);
        if saved.is_err() {
            // What is left of a failed attempt would fill the disk further.
            let _best_effort = fs::remove_dir_all(&partial);
        }
        saved.map_err(|error| disk::unwritten("Could not save a checkpoint", &target, error))
    }

    /// The folder of a step's checkpoint.
    pub fn checkpoint(&self, step: u64) -> PathBuf {
        let place = self.place(step);
        let aside = aside(&place);
        if !place.exists() && aside.exists() { aside } else { place }
    }

    /// Where a checkpoint belongs.
    fn place(&self, step: u64) -> PathBuf {
        self.path.join("checkpoints").join(format!("step-{step:06}"))
    }

    /// The steps that have a checkpoint, rising.
    pub fn checkpoints(&self) -> Vec<u64> {
        let entries = fs::read_dir(self.path.join("checkpoints")).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let step = |name: String| name.strip_prefix("step-")?.trim_end_matches(OLD).parse().ok();
        let is_looked_at = |step: &u64| self.at.is_none_or(|only| *step == only);
        let mut steps: Vec<u64> = names.filter_map(step).filter(is_looked_at).collect();
        steps.sort_unstable();
        steps.dedup();
        steps
    }

    /// The step of the checkpoint with the lowest validation loss, as long as it is there.
    pub fn best(&self) -> Option<u64> {
        let (best, _) = self.newest_state()?.best?;
        self.checkpoints().contains(&best).then_some(best)
    }

    /// The newest state that can be read. The weights of its checkpoint are not checked.
    pub fn newest_state(&self) -> Option<CheckpointState> {
        self.checkpoints().into_iter().rev().find_map(|step| self.checkpoint_state(step).ok())
    }

    /// Puts in order what a program that was killed left halfway: a checkpoint that stepped aside comes back, and what was
    /// never whole is removed.
    ///
    /// # Errors
    /// Where a checkpoint cannot be brought back.
    pub fn recover(&self) -> Result<()> {
        for step in self.checkpoints() {
            let (place, aside) = (self.place(step), aside(&self.place(step)));
            if aside.exists() {
                let ended = if place.exists() { discard(&aside) } else { disk::rename(&aside, &place) };
                ended
                    .map_err(|error| disk::unwritten("Could not put a checkpoint in order", &place, error))?;
            }
        }
        let entries = fs::read_dir(self.path.join("checkpoints")).into_iter().flatten();
        let is_rest = |path: &PathBuf| path.to_string_lossy().ends_with(disk::PARTIAL);
        for rest in entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_rest) {
            let _takes_room_only = fs::remove_dir_all(rest);
        }
        Ok(())
    }

    /// The state that the checkpoint of a step was made with.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn checkpoint_state(&self, step: u64) -> Result<CheckpointState> {
        let path = self.checkpoint(step).join("state.toml");
        let text = disk::read_text(&path, disk::MOST_TEXT);
        let text = text.context("Could not read the checkpoint").at(&path)?;
        toml::from_str(&text).context("The checkpoint is damaged").at(&path)
    }

    /// Removes the checkpoints that are not to be kept.
    ///
    /// # Errors
    /// Where one cannot be removed.
    pub fn prune(&self, keep_last: usize, best: Option<u64>) -> Result<()> {
        let steps = self.checkpoints();
        let kept = retain(&steps, keep_last, best);
        steps.into_iter().filter(|step| !kept.contains(step)).try_for_each(|step| self.discard(step))
    }

    /// Removes the checkpoints after a step, the newest first: they were taken back.
    ///
    /// # Errors
    /// Where one cannot be removed.
    pub fn discard_after(&self, step: u64) -> Result<()> {
        self.checkpoints()
            .into_iter()
            .rev()
            .filter(|later| *later > step)
            .try_for_each(|step| self.discard(step))
    }

    fn discard(&self, step: u64) -> Result<()> {
        let place = self.place(step);
        [aside(&place), place].iter().try_for_each(|path| {
            discard(path).map_err(|error| disk::unwritten("Could not remove an old checkpoint", path, error))
        })
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
    if let Some(checkpoints) = partial.parent().filter(|checkpoints| !checkpoints.exists()) {
        // Where the run's own folder is gone, it stays so.
        fs::create_dir(checkpoints)?;
    }
    fs::create_dir(partial)?;
    write(partial)?;
    disk::write_synced(&partial.join("state.toml"), toml::to_string(state)?.as_bytes())?;
    for file in fs::read_dir(partial)? {
        File::open(file?.path())?.sync_all()?;
    }
    disk::sync_folder(partial)?;
    Ok(put_in_place(partial, target)?)
}

/// A folder cannot be renamed over another: the older one of the same step steps aside, where it is still found, and is
/// removed once the new one is there.
fn put_in_place(partial: &Path, target: &Path) -> io::Result<()> {
    if !target.exists() {
        return disk::rename(partial, target);
    }
    let aside = aside(target);
    discard(&aside)?;
    disk::rename(target, &aside)?;
    if let Err(error) = disk::rename(partial, target) {
        let _found_aside_too = fs::rename(&aside, target);
        return Err(error);
    }
    discard(&aside)
}

fn aside(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(OLD);
    name.into()
}

/// Removes a folder, under a name that is never read: half of it is not taken for the whole.
fn discard(path: &Path) -> io::Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let gone = path.with_extension("gone.partial");
    if gone.exists() {
        fs::remove_dir_all(&gone)?;
    }
    disk::rename(path, &gone)?;
    fs::remove_dir_all(&gone)
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
        let run = RunFolder::new(folder.path());
        let state = CheckpointState {
            step: 7,
            best: Some((3, 0.5)),
            live: [("a".to_owned(), 1.0)].into_iter().collect(),
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

    fn state(step: u64, best: f64) -> CheckpointState {
        CheckpointState { step, best: Some((step, best)), ..Default::default() }
    }

    /// Every state of the folder that a kill between two system calls of a replacement can leave.
    #[test]
    fn a_checkpoint_is_found_at_every_moment_of_its_replacement() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let checkpoints = folder.path().join("checkpoints");
        let path = |name: &str| checkpoints.join(name);
        run.save_checkpoint(&state(7, 0.5), |_| Ok(())).unwrap();
        let found = |run: &RunFolder| (run.checkpoints(), run.newest_state().unwrap().best.unwrap().1);

        // While the new one is written, half of it is no checkpoint.
        fs::create_dir(path("step-000007.partial")).unwrap();
        assert_eq!(found(&run), (vec![7], 0.5));
        // The old one has stepped aside, the new one is not in its place.
        fs::rename(path("step-000007"), path("step-000007.old.partial")).unwrap();
        assert_eq!(found(&run), (vec![7], 0.5));
        run.recover().unwrap();
        assert_eq!(found(&run), (vec![7], 0.5));
        assert_eq!(fs::read_dir(&checkpoints).unwrap().count(), 1);
        // The new one is in its place, the old one not yet removed, or half of it.
        fs::rename(path("step-000007"), path("step-000007.old.partial")).unwrap();
        run.save_checkpoint(&state(7, 0.25), |_| Ok(())).unwrap();
        assert_eq!(found(&run), (vec![7], 0.25));
        fs::rename(path("step-000007.old.partial"), path("step-000007.gone.partial")).unwrap();
        assert_eq!(found(&run), (vec![7], 0.25));
        run.recover().unwrap();
        assert_eq!(fs::read_dir(&checkpoints).unwrap().count(), 1);
    }

    #[test]
    fn what_is_pruned_or_taken_back_is_gone_whatever_stood_aside() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        for step in [1, 2, 3, 4] {
            run.save_checkpoint(&state(step, 0.5), |_| Ok(())).unwrap();
        }
        let checkpoints = folder.path().join("checkpoints");
        fs::create_dir(checkpoints.join("step-000001.old.partial")).unwrap();
        run.discard_after(3).unwrap();
        assert_eq!(run.checkpoints(), [1, 2, 3]);
        run.prune(1, Some(2)).unwrap();
        assert_eq!(run.checkpoints(), [2, 3]);
        assert_eq!(fs::read_dir(&checkpoints).unwrap().count(), 2);
    }

    #[test]
    fn a_folder_that_was_deleted_is_not_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path().join("gone"));
        assert!(run.save_checkpoint(&state(1, 0.5), |_| Ok(())).is_err());
        assert!(!run.path.exists());
    }
}
