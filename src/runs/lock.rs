//! `lock`: held while a program trains a run or works at a comparison.
use super::{ComparisonFolder, RunFolder};
use crate::{disk, errors::At as _};
use anyhow::{Context as _, Result, anyhow, ensure};
use std::{
    fs::{self, File, TryLockError},
    path::Path,
    thread,
    time::Duration,
};

const NAME: &str = "lock";
/// A program that only looks at a lock holds it for less than that.
const LOOK: Duration = Duration::from_millis(10);

/// Held while a program trains a run; let go of when dropped, and by a crash.
#[derive(Debug)]
pub struct RunLock(File);

impl RunLock {
    /// Whether the folder that was locked is still where it was, and not deleted, moved or another one.
    pub fn is_in(&self, folder: &RunFolder) -> bool {
        let there = fs::symlink_metadata(folder.path.join(NAME));
        there.is_ok_and(|there| self.0.metadata().is_ok_and(|own| is_same(&there, &own)))
    }
}

#[cfg(unix)]
fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    true
}

impl RunFolder {
    /// Keeps other programs from training the run.
    ///
    /// # Errors
    /// Where another program does, or the run's checkpoints would be written elsewhere.
    pub fn lock(&self) -> Result<RunLock> {
        let checkpoints = self.path.join("checkpoints");
        ensure!(
            !checkpoints.is_symlink(),
            anyhow!(
                "The run's checkpoints are a link to another folder, where Headstart would write and delete: put the \
                 folder itself in its place"
            )
            .at(&checkpoints)
        );
        lock(&self.path, "run")
    }
}

impl RunFolder {
    /// Whether a program trains it, this one included.
    pub fn is_at_work(&self) -> bool {
        is_held(&self.path)
    }
}

impl ComparisonFolder {
    /// Keeps other programs from going on with it.
    ///
    /// # Errors
    /// Where another program does.
    pub fn lock(&self) -> Result<RunLock> {
        lock(&self.path, "comparison")
    }

    /// Whether a program works at it.
    pub fn is_at_work(&self) -> bool {
        is_held(&self.path)
    }
}

fn lock(folder: &Path, what: &str) -> Result<RunLock> {
    let path = folder.join(NAME);
    let open = disk::open_own(&path);
    let file = open.map_err(|error| disk::unwritten(&format!("Could not lock the {what}"), &path, error))?;
    let mut locked = file.try_lock();
    if matches!(locked, Err(TryLockError::WouldBlock)) {
        thread::sleep(LOOK);
        locked = file.try_lock();
    }
    match locked {
        Ok(()) => Ok(RunLock(file)),
        Err(TryLockError::WouldBlock) => {
            Err(anyhow!("Another Headstart is using this {what}: close it there first").at(folder))
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("Could not lock the {what}")).at(&path)
        }
    }
}

/// Whether a program holds the lock of a folder, this one included. A lock that is free is held for a moment to find out.
pub(super) fn is_held(folder: &Path) -> bool {
    let Ok((file, _)) = disk::open(&folder.join(NAME)) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}
