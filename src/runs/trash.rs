//! `HOME/trash`: what was deleted, as it was, until the trash is emptied.
use super::{Home, RunFolder, find, list};
use crate::{
    disk,
    errors::At as _,
    protocol::RunId,
    spec::{Catalog, RunSpec},
};
use anyhow::{Context as _, Result};
use std::{fs, path::Path};

/// Something that was deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct Trashed {
    /// The name of its folder.
    pub id: RunId,
    /// What a person called it, where that can be read.
    pub name: Option<String>,
    /// Whether it is a comparison and not a run.
    pub is_comparison: bool,
    /// What it takes on the disk.
    pub bytes: u64,
}

impl Home {
    /// Moves a run to the trash.
    ///
    /// # Errors
    /// Where another program trains it, or it cannot be moved.
    pub fn delete(&self, id: &str) -> Result<()> {
        // Only a run that nobody trains can be locked; the lock itself must not stand in the way of the move.
        drop(self.folder(id).lock()?);
        self.make_way(id)?;
        disk::rename(&self.runs().join(id), &self.trash().join(id))
            .context("Could not delete the run")
            .at(&self.runs().join(id))
    }

    /// Takes a run back out of the trash.
    ///
    /// # Errors
    /// Where it is not there any more, or cannot be moved.
    pub fn restore(&self, id: &str) -> Result<()> {
        disk::rename(&self.trash().join(id), &self.runs().join(id))
            .context("Could not bring the run back")
            .at(&self.trash().join(id))
    }

    /// Runs in the trash whose spec is as wanted.
    pub fn trashed_runs(&self, catalog: &Catalog, wanted: impl Fn(&RunSpec) -> bool) -> Vec<RunId> {
        let spec = |id: &RunId| RunFolder::new(self.trash().join(&**id)).spec(catalog).ok();
        let is_wanted = |id: &RunId| spec(id).is_some_and(|spec| wanted(&spec));
        list(&self.trash()).unwrap_or_default().into_iter().filter(is_wanted).collect()
    }

    /// What was deleted before under the same name gives way.
    pub(super) fn make_way(&self, id: &str) -> Result<()> {
        let older = self.trash().join(id);
        if older.exists() {
            fs::remove_dir_all(&older).context("Could not clear the trash").at(&older)?;
        }
        Ok(())
    }

    /// All that is in the trash, by name.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn trashed(&self, catalog: &Catalog) -> Result<Vec<Trashed>> {
        let all = list(&self.trash())?.into_iter().map(|id| {
            let path = self.trash().join(&*id);
            let is_comparison = path.join("comparison.toml").exists();
            let name = if is_comparison {
                super::ComparisonFolder { path: path.clone() }.read(catalog).ok().map(|it| it.name)
            } else {
                RunFolder::new(&path).spec(catalog).ok().map(|spec| spec.name)
            };
            Trashed { id, name, is_comparison, bytes: bytes_of(&path) }
        });
        Ok(all.collect())
    }

    /// The run in the trash that `name` means, as [`find`](Self::find) finds runs.
    ///
    /// # Errors
    /// Where there is none, or more than one.
    pub fn find_trashed(&self, name: &str) -> Result<RunId> {
        find(name, &self.trash(), "deleted run", "trash")
    }

    /// Removes all that is in the trash for good.
    ///
    /// # Errors
    /// Where something cannot be removed; the rest is removed.
    pub fn empty_trash(&self) -> Result<()> {
        let trash = self.trash();
        let entries = fs::read_dir(&trash).context("Could not read the trash").at(&trash)?;
        let remove = |path: &Path| match fs::symlink_metadata(path)?.is_dir() {
            true => fs::remove_dir_all(path),
            false => fs::remove_file(path),
        };
        let removed: Vec<Result<()>> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .map(|path| remove(&path).context("Could not remove it from the trash").at(&path))
            .collect();
        removed.into_iter().collect()
    }
}

/// What a folder takes, without what links in it lead to.
fn bytes_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let bytes = |entry: fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => bytes_of(&entry.path()),
        Ok(_) => entry.metadata().map_or(0, |metadata| metadata.len()),
        Err(_) => 0,
    };
    entries.map(bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::catalog;

    #[test]
    fn what_is_deleted_is_listed_found_brought_back_and_removed_for_good() {
        let temporary = tempfile::tempdir().unwrap();
        let home = Home::open(temporary.path().into()).unwrap();
        let ids = [(); 2].map(|()| {
            // two of the same minute have names that begin alike
            home.install_shipped().unwrap()
        });
        assert_eq!(home.trashed(&catalog()).unwrap(), []);
        ids.iter().for_each(|id| home.delete(id).unwrap());
        let trashed = home.trashed(&catalog()).unwrap();
        assert_eq!(trashed.len(), 2);
        assert!(trashed.iter().all(|it| it.bytes > 100_000 && !it.is_comparison), "{trashed:?}");
        assert_eq!(trashed[0].name.as_deref(), Some("Shipped example"));
        assert!(home.find_trashed("2").unwrap_err().to_string().contains("write more"));
        home.restore(&home.find_trashed(&ids[0]).unwrap()).unwrap();
        fs::write(temporary.path().join("trash/note"), "a file").unwrap();
        home.empty_trash().unwrap();
        assert_eq!((home.list().unwrap(), home.trashed(&catalog()).unwrap()), (vec![ids[0].clone()], vec![]));
        assert_eq!(fs::read_dir(temporary.path().join("trash")).unwrap().count(), 0);
    }
}
