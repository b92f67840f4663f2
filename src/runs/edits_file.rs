//! The user's corrections of data sets, which are kept next to the runs and never in the data. A run has those it was
//! started with in its own spec; these are what the next run is offered.
//!
//! ```text
//! HOME/edits/files-1f3c….toml    id and path of the data set, and a table of its edits
//! ```
use super::Home;
use crate::{
    disk,
    errors::At as _,
    rng,
    spec::{Choice, Edits, edits},
};
use anyhow::{Context as _, Result, anyhow};
use std::{fs, path::PathBuf};
use toml::{Table, Value};

/// Longer files are none of these: a correction takes some 40 bytes.
const MOST_BYTES: u64 = 256 << 20;

impl Home {
    /// The user's corrections of a data set; empty where there is no such file.
    ///
    /// # Errors
    /// Where the file cannot be read or is damaged.
    pub fn edits(&self, dataset: &Choice) -> Result<Edits> {
        // Corrections of a relative path were once kept under it as it was typed.
        let paths = [dataset.clone().anchored(), dataset.clone()].map(|dataset| self.edits_path(&dataset));
        let Some(path) = paths.into_iter().find(|path| path.exists()) else { return Ok(Edits::new()) };
        let help = "Could not read your corrections of this data set: repair the file or delete it";
        let read = || -> Result<Edits> {
            let table: Table = disk::read_text(&path, MOST_BYTES)?.parse()?;
            let edits = table.get("edits").and_then(Value::as_table).context("it has no table of edits")?;
            edits::from_table(edits).map_err(|key| anyhow!("{key} is neither a class nor false"))
        };
        read().context(help).at(&path)
    }

    /// Keeps the edits of a choice for its data set, instead of older ones.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn keep_edits(&self, dataset: &Choice) -> Result<()> {
        let dataset = dataset.clone().anchored();
        let path = self.edits_path(&dataset);
        let mut table = Table::new();
        table.insert("id".into(), dataset.id.clone().into());
        if let Some(data) = &dataset.path {
            table.insert("path".into(), data.display().to_string().into());
        }
        table.insert("edits".into(), edits::to_table(&dataset.edits).into());
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(self.path.join("edits"))?;
            disk::replace(&path, table.to_string().as_bytes())
        };
        write().context("Could not keep your corrections: is the disk full?").at(&path)
    }

    fn edits_path(&self, dataset: &Choice) -> PathBuf {
        let source = dataset.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let name = format!("{}-{:016x}.toml", dataset.id, rng::key(0, &source, 0));
        self.path.join("edits").join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Edit;

    #[test]
    fn corrections_are_kept_by_data_set_and_damage_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path().into()).unwrap();
        let mut bees = Choice { path: Some("/bees".into()), ..Choice::new("files") };
        assert!(home.edits(&bees).unwrap().is_empty());
        bees.edits.insert("train-1".into(), Edit::Exclude);
        bees.edits.insert("test-2".into(), Edit::Label("false".into()));
        home.keep_edits(&bees).unwrap();
        assert_eq!(home.edits(&bees).unwrap(), bees.edits);
        assert!(
            home.edits(&Choice { path: Some("/ants".into()), ..Choice::new("files") }).unwrap().is_empty()
        );
        fs::write(home.edits_path(&bees), "edits = { a = 3 }").unwrap();
        let error = format!("{:#}", home.edits(&bees).unwrap_err());
        assert!(error.contains("a is neither a class nor false"), "{error}");
    }
}
