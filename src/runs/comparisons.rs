//! Comparisons on disk: what is compared, and once it is done, the figures. Their runs are runs like any other, whose
//! specs say where they belong.
//!
//! ```text
//! HOME/comparisons/2026-11-23-1405-head-start-k3f9/
//!   comparison.toml  every default written out
//!   results.csv      arm, the axes, seed, the metric; one run a row; written when the last race has ended
//!   request.toml     what another program wants of a sweep that one is at work at
//! ```
use super::{Home, MOST_SPEC, find, list, new_id};
use crate::{
    disk,
    errors::At as _,
    experiment::{Cell, Experiment, Setting},
    protocol::ComparisonId,
    spec::Catalog,
};
use anyhow::{Context as _, Result};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
};
use toml::Value;

mod sweeps;
pub use sweeps::Request;

/// The folder of one comparison.
#[derive(Clone, Debug)]
pub struct ComparisonFolder {
    /// The folder; it need not exist.
    pub path: PathBuf,
}

impl Home {
    pub(super) fn comparisons(&self) -> PathBuf {
        self.path.join("comparisons")
    }

    /// The names of all comparisons, the oldest first.
    ///
    /// # Errors
    /// Where the home cannot be read.
    pub fn list_comparisons(&self) -> Result<Vec<ComparisonId>> {
        list(&self.comparisons())
    }

    /// The folder of a comparison, whether it exists or not.
    pub fn comparison(&self, id: &str) -> ComparisonFolder {
        ComparisonFolder { path: self.comparisons().join(id) }
    }

    /// The comparison that `name` means, as [`find`](Self::find) finds runs.
    ///
    /// # Errors
    /// Where there is none, or more than one.
    pub fn find_comparison(&self, name: &str) -> Result<ComparisonId> {
        find(name, &self.comparisons(), "comparison", "runs --group sweep")
    }

    /// Makes the folder of a new comparison.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn create_comparison(
        &self,
        experiment: &Experiment,
        catalog: &Catalog,
    ) -> Result<(ComparisonId, ComparisonFolder)> {
        let id = new_id(&experiment.name);
        let folder = self.comparison(&id);
        let text = experiment.to_toml(catalog);
        let fill = |partial: &Path| disk::write_synced(&partial.join("comparison.toml"), text.as_bytes());
        disk::make_folder(&folder.path, fill).map_err(|error| {
            disk::unwritten("Could not make the comparison's folder", &folder.path, error)
        })?;
        Ok((id, folder))
    }

    /// Moves a comparison to the trash, without its runs.
    ///
    /// # Errors
    /// Where another program works at it, or it cannot be moved.
    pub fn delete_comparison(&self, id: &str) -> Result<()> {
        drop(self.comparison(id).lock()?);
        self.make_way(id)?;
        let path = self.comparison(id).path;
        disk::rename(&path, &self.trash().join(id)).context("Could not delete the comparison").at(&path)
    }

    /// Takes a comparison back out of the trash.
    ///
    /// # Errors
    /// Where it is not there any more, or cannot be moved.
    pub fn restore_comparison(&self, id: &str) -> Result<()> {
        let path = self.trash().join(id);
        disk::rename(&path, &self.comparison(id).path)
            .context("Could not bring the comparison back")
            .at(&path)
    }
}

impl ComparisonFolder {
    /// What is compared.
    ///
    /// # Errors
    /// Where it is missing, damaged or from a newer version.
    pub fn read(&self, catalog: &Catalog) -> Result<Experiment> {
        let path = self.path.join("comparison.toml");
        let text = disk::read_text(&path, MOST_SPEC);
        let text = text.context("Could not read the comparison").at(&path)?;
        Experiment::from_toml(&text, &[], catalog).context("The comparison cannot be used").at(&path)
    }

    /// Every race has ended.
    pub fn is_finished(&self) -> bool {
        self.path.join("results.csv").is_file()
    }

    /// Writes the metric that decides, of every arm in every race.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write_results(&self, experiment: &Experiment, found: &BTreeMap<Cell, f64>) -> Result<()> {
        let axes = experiment.axes.iter().filter_map(|axis| Some(axis.settings.first()?.name()));
        let metric = format!("{}_{}", experiment.split.id(), experiment.metric.id);
        let header: Vec<_> = ["arm"].into_iter().chain(axes).chain(["seed", &metric]).collect();
        let mut text = header.join(",") + "\n";
        for (cell, value) in found {
            let Cell::Arm { race, arm } = *cell else { continue };
            let race = experiment.race(race);
            write!(text, "{},", quoted(&experiment.arms[arm].name))?;
            experiment.point(race.point).into_iter().for_each(|setting| text.push_str(&column(setting)));
            writeln!(text, "{},{value}", race.seed)?;
        }
        let path = self.path.join("results.csv");
        disk::replace(&path, text.as_bytes())
            .map_err(|error| disk::unwritten("Could not write the results", &path, error))
    }
}

/// A value of an axis in a CSV file, with the comma after it.
fn column(setting: &Setting) -> String {
    match setting.value() {
        Value::String(name) => quoted(&name) + ",",
        number => format!("{number},"),
    }
}

/// A text in a CSV file.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
