//! The run that comes with the program: a network that answers before anything was trained.
use super::{Home, list, new_id};
use crate::{disk, protocol::RunId, spec::Catalog};
use anyhow::Result;
use std::io;

/// Its name, by which people tell it from what they train themselves.
pub const NAME: &str = "Shipped example";

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../assets/example/", $path)))),*]
    };
}

/// The run's folder, without the state of the optimizer, and with fewer points of its curves.
const FILES: &[(&str, &[u8])] = files!(
    "spec.toml",
    "data.toml",
    "log.jsonl",
    "metrics.csv",
    "checkpoints/step-016408/model.safetensors",
    "checkpoints/step-016408/state.toml",
);

impl Home {
    /// Whether there is no run, and none was deleted.
    pub fn is_fresh(&self) -> bool {
        [self.runs(), self.comparisons(), self.trash()]
            .iter()
            .all(|folder| list(folder).is_ok_and(|names| names.is_empty()))
    }

    /// The shipped run, where it is installed.
    ///
    /// # Errors
    /// Where the home cannot be read.
    pub fn shipped(&self, catalog: &Catalog) -> Result<Option<RunId>> {
        let is_shipped = |id: &RunId| self.folder(id).spec(catalog).is_ok_and(|spec| spec.shipped.is_some());
        Ok(self.list()?.into_iter().find(is_shipped))
    }

    /// Installs the shipped run, whole or not at all. From then on it is a run like others.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn install_shipped(&self) -> Result<RunId> {
        let id = new_id(NAME);
        let folder = self.folder(&id).path;
        let fill = |partial: &std::path::Path| -> io::Result<()> {
            FILES.iter().try_for_each(|(name, bytes)| {
                let path = partial.join(name);
                path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
                disk::write_synced(&path, bytes)
            })
        };
        disk::make_folder(&folder, fill)
            .map_err(|error| disk::unwritten("Could not install the shipped example", &folder, error))?;
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{protocol::Phase, session::catalog};
    use std::{fs, path::Path};

    #[test]
    fn it_is_small_and_whole() {
        let bytes: usize = FILES.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(bytes <= 1_500_000, "{bytes} bytes");
        let home = tempfile::tempdir().unwrap();
        let home = Home::open(home.path().into()).unwrap();
        assert!(home.is_fresh());
        assert_eq!(home.shipped(&catalog()).unwrap(), None);
        let id = home.install_shipped().unwrap();
        assert!(!home.is_fresh());
        assert_eq!(home.shipped(&catalog()).unwrap().as_ref(), Some(&id));
        let info = home.folder(&id).info(&id, &catalog()).unwrap();
        assert_eq!((info.phase, info.saved), (Phase::Finished, Some(info.progress.steps)));
        assert_eq!((info.spec.name.as_str(), info.spec.shipped.as_deref()), (NAME, Some("Drawing")));
    }

    #[test]
    fn every_file_of_the_example_is_shipped() {
        fn count(folder: &Path) -> usize {
            let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/example");
        assert_eq!(count(&folder), FILES.len() + 1, "and the notice");
    }

    #[test]
    fn what_was_deleted_leaves_no_fresh_home_behind() {
        let home = tempfile::tempdir().unwrap();
        let home = Home::open(home.path().into()).unwrap();
        let id = home.install_shipped().unwrap();
        home.delete(&id).unwrap();
        assert_eq!((home.list().unwrap().len(), home.is_fresh()), (0, false));
        home.restore(&id).unwrap();
        assert_eq!(home.shipped(&catalog()).unwrap(), Some(id));
    }
}
