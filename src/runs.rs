//! Run folders on disk: everything in formats that other programs open without Headstart.
//!
//! ```text
//! HOME/runs/2026-11-23-1405-seed-cnn-k3f9/
//!   spec.toml        the RunSpec, every default written out
//!   log.jsonl        phases, live changes, timing, notices; append-only, one JSON object a line
//!   metrics.csv      step,split,metric,value; append-only; nothing that depends on the clock
//!   marks.toml       what a person says of the run; not there where nothing was said
//!   checkpoints/step-000500/{model.safetensors, optimizer.safetensors, state.toml}
//! HOME/comparisons/  see `comparisons.rs`
//! HOME/data/ID/      data sets that were fetched, as they were published
//! HOME/edits/        see `edits_file.rs`
//! HOME/handwriting/  see `data/handwriting.rs`
//! HOME/trash/        what was deleted, as it was
//! HOME/logs/         see `program_log.rs`
//! HOME/listing.json  see `summary.rs`
//! ```
//! A file or folder is written under a `.partial` name, synced and renamed; a line that a crash cut short is passed over.
use crate::{
    disk::{self, PARTIAL},
    errors::{At as _, Place},
    protocol::{Phase, Progress, Remedy, RunId, RunInfo},
    rng,
    spec::{Catalog, Param, RunSpec, Section, UNFREEZE_EVERY},
};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

mod checkpoint;
mod comparisons;
mod data_file;
mod edits_file;
mod lock;
mod log;
mod marks;
mod metrics_file;
mod program_log;
mod shipped;
mod summary;
mod thinned;
mod trash;
pub use checkpoint::{CheckpointState, retain};
pub use comparisons::{ComparisonFolder, Request};
pub use data_file::RunData;
pub use lock::RunLock;
pub use log::{Entry, Provenance, Tuned, changed_data, last_provenance, surviving_tunings};
pub use metrics_file::MetricsFile;
pub use program_log::program_log;
pub use shipped::NAME as SHIPPED_NAME;
pub use summary::{Stamp, Summary};
pub use trash::Trashed;

/// Behind an @ in place of a step.
const BEST: &str = "best";
/// The most bytes of a spec or a comparison: one with a million corrected labels takes fewer.
const MOST_SPEC: u64 = 64 << 20;

/// The folder that holds the user's runs.
#[derive(Clone, Debug)]
pub struct Home {
    path: PathBuf,
}

/// The folder of one run, or the run as it was at one of its checkpoints.
#[derive(Clone, Debug)]
pub struct RunFolder {
    /// The folder; it need not exist.
    pub path: PathBuf,
    /// The step of the only checkpoint that is looked at; none for all.
    at: Option<u64>,
}

impl Home {
    /// Makes the folders that are missing.
    ///
    /// # Errors
    /// Where they cannot be made.
    pub fn open(path: PathBuf) -> Result<Self> {
        let home = Self { path };
        for folder in [home.runs(), home.comparisons(), home.trash()] {
            fs::create_dir_all(&folder)
                .context("Could not make the folder for runs: choose another with --home")
                .at(Place::folder(folder))?;
        }
        Ok(home)
    }

    fn runs(&self) -> PathBuf {
        self.path.join("runs")
    }

    /// The folder of the data sets that were fetched.
    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// The folder of fetched weights.
    pub fn weights(&self) -> PathBuf {
        self.path.join("weights")
    }

    /// The folder of the user's own drawings.
    pub fn handwriting(&self) -> PathBuf {
        self.path.join("handwriting")
    }

    fn trash(&self) -> PathBuf {
        self.path.join("trash")
    }

    /// The names of all run folders, in order, which is the order of their beginnings.
    ///
    /// # Errors
    /// Where the home cannot be read.
    pub fn list(&self) -> Result<Vec<RunId>> {
        list(&self.runs())
    }

    /// The folder of a run, whether it exists or not; of RUN@STEP, with that checkpoint alone.
    pub fn folder(&self, id: &str) -> RunFolder {
        let whole = RunFolder::new(self.runs().join(id));
        let at_step = id.rsplit_once('@').and_then(|(run, step)| Some((run, step.parse().ok()?)));
        match at_step {
            Some((run, step)) if !whole.path.exists() => {
                RunFolder { at: Some(step), ..RunFolder::new(self.runs().join(run)) }
            }
            _ => whole,
        }
    }

    /// The run that `name` means: a folder's path, its name, or the beginning of just one name.
    ///
    /// # Errors
    /// Where there is none, or more than one.
    pub fn find(&self, name: &str) -> Result<RunId> {
        find(name, &self.runs(), "run", "runs")
    }

    /// As [`find`](Self::find), or one of a run's checkpoints: RUN@STEP, or RUN@best, which is the one with the lowest
    /// validation loss. Who asks the network of what is found asks the weights of that step.
    ///
    /// # Errors
    /// As there, and where there is no such checkpoint.
    pub fn find_at(&self, name: &str) -> Result<RunId> {
        let step = name.rsplit_once('@').filter(|(_, step)| *step == BEST || step.parse::<u64>().is_ok());
        let Some((run, step)) = step else { return self.find(name) };
        let run = self.find(run)?;
        let folder = self.folder(&run);
        let kept = folder.checkpoints();
        let step = match step.parse() {
            Ok(step) => step,
            Err(_) => folder.best().with_context(|| {
                format!("None of the run's checkpoints is known to be its best: choose one of {kept:?}")
            })?,
        };
        ensure!(kept.contains(&step), "The run has no checkpoint of step {step}: choose one of {kept:?}");
        Ok(format!("{run}@{step}").into())
    }

    /// Makes the folder of a new run.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn create(&self, spec: &RunSpec, catalog: &Catalog, data: &RunData) -> Result<(RunId, RunFolder)> {
        self.create_with(spec, catalog, data, |_| Ok(()))
    }

    /// As [`create`](Self::create), of a run that has something from the beginning, such as a checkpoint: `fill` puts it
    /// into the folder before it has its name.
    ///
    /// # Errors
    /// As there, and those of `fill`.
    pub fn create_with(
        &self,
        spec: &RunSpec,
        catalog: &Catalog,
        data: &RunData,
        fill: impl FnOnce(&RunFolder) -> Result<()>,
    ) -> Result<(RunId, RunFolder)> {
        self.make(new_id(&spec.name), |folder| {
            fs::create_dir(folder.path.join("checkpoints"))?;
            disk::write_synced(&folder.path.join(data_file::NAME), data.to_toml().as_bytes())?;
            disk::write_synced(&folder.path.join("spec.toml"), spec.to_toml(catalog).as_bytes())?;
            fill(folder)
        })
    }

    /// Makes the folder of a run that was trained elsewhere, under the name that it had there if that is a name and is free.
    ///
    /// # Errors
    /// Where it cannot be written, and those of `fill`: nothing is left then.
    pub fn receive(
        &self,
        wanted: &str,
        name: &str,
        fill: impl FnOnce(&RunFolder) -> Result<()>,
    ) -> Result<(RunId, RunFolder)> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_name = (1..=80).contains(&wanted.len()) && wanted.bytes().all(is_plain);
        let is_free = is_name && !self.folder(wanted).path.exists();
        self.make(if is_free { wanted.into() } else { new_id(name) }, fill)
    }

    fn make(&self, id: RunId, fill: impl FnOnce(&RunFolder) -> Result<()>) -> Result<(RunId, RunFolder)> {
        let folder = self.folder(&id);
        ensure!(!folder.path.exists(), anyhow!("The run exists already: try again").at(&folder.path));
        let mut filled = Ok(());
        let make = |partial: &Path| {
            filled = fill(&RunFolder::new(partial));
            if filled.is_ok() { Ok(()) } else { Err(io::Error::other("it could not be filled")) }
        };
        let made = disk::make_folder(&folder.path, make);
        filled.map_err(|error| match error.downcast_ref::<io::Error>() {
            Some(_) => disk::unwritten("Could not make the run's folder", &folder.path, error),
            None => error,
        })?;
        made.map_err(|error| disk::unwritten("Could not make the run's folder", &folder.path, error))?;
        Ok((id, folder))
    }
}

impl RunFolder {
    /// The folder of a run, with all its checkpoints.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), at: None }
    }

    /// The spec as it was written.
    ///
    /// # Errors
    /// Where it is missing, damaged or from a newer version.
    pub fn spec(&self, catalog: &Catalog) -> Result<RunSpec> {
        let path = self.path.join("spec.toml");
        let text = disk::read_text(&path, MOST_SPEC).context("Could not read the run's spec").at(&path)?;
        let read = || -> Result<RunSpec> {
            let spec = RunSpec::from_toml(&text, &[], catalog)?;
            ensure_whole(&text)?;
            Ok(spec)
        };
        read().context("The run's spec cannot be used").at(&path)
    }

    /// Writes the spec again, as after renaming.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write_spec(&self, spec: &RunSpec, catalog: &Catalog) -> Result<()> {
        let path = self.path.join("spec.toml");
        disk::replace(&path, spec.to_toml(catalog).as_bytes())
            .map_err(|error| disk::unwritten("Could not write the run's spec", &path, error))
    }

    /// What the spec, the log and the newest checkpoint say of the run.
    ///
    /// # Errors
    /// As [`spec`](Self::spec).
    pub fn info(&self, id: &RunId, catalog: &Catalog) -> Result<RunInfo> {
        Ok(self.info_of(id, self.spec(catalog)?, &self.entries()?, catalog))
    }

    /// As [`info`](Self::info), of a spec and a log that were read already.
    pub fn info_of(&self, id: &RunId, spec: RunSpec, entries: &[Entry], catalog: &Catalog) -> RunInfo {
        let tunings = surviving_tunings(entries);
        let first = catalog.live_params(&spec);
        let mut timing = vec![];
        for entry in entries {
            if let Entry::Timing { step, elapsed_secs, .. } = *entry {
                // Steps that a crash took back were done again: the later moments count.
                timing.truncate(timing.partition_point(|moment: &[f64; 2]| moment[0] < step as f64));
                timing.push([step as f64, elapsed_secs]);
            }
        }
        let newest = self.newest_state();
        let saved = newest.as_ref().map(|state| state.step);
        let mut live = first.clone();
        live.update(&newest.map(|state| state.live).unwrap_or_default());
        if let Some(tuned) = tunings.last().filter(|tuned| Some(tuned.step) >= saved) {
            live.clone_from(&tuned.values);
        }
        let (phase, remedy) = last_phase(entries);
        let learns_from_drawings = self.learns_from_drawings(&spec);
        RunInfo {
            id: id.clone(),
            folder: self.path.clone(),
            class_names: self.class_names(&spec),
            spec,
            live,
            phase: self.now(phase),
            remedy,
            saved,
            checkpoints: self.checkpoints(),
            learns_from_drawings,
            is_sketch: false,
            changes: log::changes(&first, &tunings),
            progress: progress(entries),
            timing,
            // those that cannot be read are complained of where they are changed, and by `marks`
            marks: self.marks().unwrap_or_default(),
        }
    }

    /// A run that was under way when its program ended was stopped by that.
    fn now(&self, last: Phase) -> Phase {
        match last {
            phase if !phase.is_active() => phase,
            _ if lock::is_held(&self.path) => Phase::Elsewhere,
            _ => Phase::Stopped,
        }
    }
}

/// The names of the folders within a folder, in order.
fn list(folder: &Path) -> Result<Vec<Arc<str>>> {
    let entries = fs::read_dir(folder).context("Could not read the folder").at(folder)?;
    let mut names: Vec<Arc<str>> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && !name.ends_with(PARTIAL))
        .map(Arc::from)
        .collect();
    names.sort();
    Ok(names)
}

/// The folder that `name` means: its path, its name, or the beginning of just one name. `lists` is the command that has
/// them all.
fn find(name: &str, folder: &Path, what: &str, lists: &str) -> Result<Arc<str>> {
    let last = Path::new(name).file_name().map_or(name.into(), |last| last.to_string_lossy());
    let all = list(folder)?;
    if let Some(exact) = all.iter().find(|id| ***id == *last) {
        return Ok(exact.clone());
    }
    let matching: Vec<_> = all.iter().filter(|id| !name.is_empty() && id.starts_with(name)).collect();
    match matching[..] {
        [one] => Ok(one.clone()),
        [] => Err(anyhow!("No {what} begins with {name:?}: `headstart {lists}` lists them").at(folder)),
        _ => {
            let names: Vec<_> = matching.iter().map(|id| format!("  {id}")).collect();
            bail!(
                "{} {what}s begin with {name:?}: write more of the name\n{}",
                matching.len(),
                names.join("\n")
            )
        }
    }
}

/// A name for a new folder: when, what, and something random.
fn new_id(name: &str) -> Arc<str> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let salt = rng::key(now.as_nanos() as u64, "run", u64::from(std::process::id()));
    let suffix: String = (0..4)
        .map(|i| char::from(b"0123456789abcdefghjkmnpqrstvwxyz"[(salt >> (5 * i) & 31) as usize]))
        .collect();
    format!("{}-{}-{suffix}", timestamp(now.as_secs()), slug(name)).into()
}

/// Where the log ends, and from where a run that diverged can go on.
pub fn last_phase(entries: &[Entry]) -> (Phase, Option<Remedy>) {
    let last = entries.iter().rev().find_map(|entry| match entry {
        Entry::Phase { phase, message, remedy } => Some((log::phase(phase, message)?, *remedy)),
        _ => None,
    });
    last.unwrap_or((Phase::Stopped, None))
}

/// How far the log says that the run is.
fn progress(entries: &[Entry]) -> Progress {
    let last = entries.iter().rev().find_map(|entry| match *entry {
        Entry::Timing { step, steps, steps_per_epoch, elapsed_secs, examples_per_sec } => {
            Some(Progress { aside: None, step, steps, steps_per_epoch, elapsed_secs, examples_per_sec })
        }
        _ => None,
    });
    last.unwrap_or_default()
}

/// What `spec.toml` ends with: its sections and their keys are in the order of the alphabet.
const LAST_KEY: (Section, &Param) = (Section::Training, &UNFREEZE_EVERY);

/// An empty file, or the beginning of one, would be another recipe: every key that is missing has its default.
fn ensure_whole(text: &str) -> Result<()> {
    let table: toml::Table = text.parse()?;
    let (section, last) = LAST_KEY;
    let is_whole = table.get(section.id()).is_some_and(|section| section.get(last.key).is_some());
    ensure!(
        is_whole && text.ends_with('\n'),
        "it is empty or cut short: bring it back from a copy of the folder, or delete the run"
    );
    Ok(())
}

/// Letters and digits, the rest as single dashes, so that a name is a good folder name anywhere.
fn slug(name: &str) -> String {
    let words: Vec<_> =
        name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let slug: String = words.join("-").to_ascii_lowercase().chars().take(40).collect();
    if slug.is_empty() { "run".into() } else { slug.trim_end_matches('-').into() }
}

/// `2026-11-23-1405` in UTC, by the days-to-civil algorithm of Howard Hinnant.
fn timestamp(unix_secs: u64) -> String {
    let (days, secs) = (unix_secs / 86_400 + 719_468, unix_secs % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}-{:02}{:02}", secs / 3600, secs / 60 % 60)
}

#[cfg(test)]
mod tests;
