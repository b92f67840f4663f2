//! `log.jsonl`: what happened to a run, one JSON object a line.
use super::RunFolder;
use crate::{
    disk,
    errors::At as _,
    protocol::{Phase, Remedy},
    spec::{Change, LiveParams},
};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

const NAME: &str = "log.jsonl";
/// The most bytes of a line: far more than any that was written.
const MOST_LINE: u64 = 1 << 20;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Entry {
    /// The run entered a phase.
    Phase {
        /// "running", "paused", "stopped", "finished" or "failed".
        phase: String,
        /// Why it failed; empty otherwise.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        message: String,
        /// Of a run that diverged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remedy: Option<Remedy>,
    },
    /// Live hyperparameters were changed.
    Tuned(Tuned),
    /// A moment of training, without pauses.
    Timing {
        /// Batches done.
        step: u64,
        /// Batches of the whole run.
        steps: u64,
        /// Batches of one pass over the training examples.
        steps_per_epoch: u64,
        /// Seconds of training so far.
        elapsed_secs: f64,
        /// Training examples a second, over the last moments. Logs of older versions call it `images_per_sec`.
        #[serde(alias = "images_per_sec")]
        examples_per_sec: f64,
    },
    /// By what the run is trained from here on, and with which data. Logs of older versions have none.
    Provenance(Provenance),
    /// Something that the user was notified of.
    Notice {
        /// The notice as it was shown.
        text: String,
    },
}

/// Where, by what and with which data a run is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Of this program.
    pub version: String,
    /// What the processor calls itself.
    pub processor: String,
    /// Of the kernels.
    pub instruction_set: String,
    /// That compute.
    pub threads: u64,
    /// As it was called.
    pub command: String,
    /// The checksum of the data set; none where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
}

/// Every live hyperparameter as it was from `step` steps on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuned {
    /// Batches done when it was changed.
    pub step: u64,
    /// All live hyperparameters, changed or not.
    pub values: LiveParams,
}

impl Entry {
    /// The entry of a phase.
    pub fn new_phase(phase: &Phase) -> Self {
        Self::of(phase, None)
    }

    /// Of a run that diverged, also says from where it can go on.
    pub fn of(phase: &Phase, remedy: Option<Remedy>) -> Self {
        let (name, message) = match phase {
            Phase::Running | Phase::Elsewhere => ("running", ""),
            Phase::Paused => ("paused", ""),
            Phase::Stopped => ("stopped", ""),
            Phase::Finished => ("finished", ""),
            Phase::Failed(message) => ("failed", message.as_str()),
        };
        Self::Phase { phase: name.into(), message: message.into(), remedy }
    }
}

pub(super) fn phase(name: &str, message: &str) -> Option<Phase> {
    Some(match name {
        "running" => Phase::Running,
        "paused" => Phase::Paused,
        "stopped" => Phase::Stopped,
        "finished" => Phase::Finished,
        "failed" => Phase::Failed(message.into()),
        _ => return None,
    })
}

impl RunFolder {
    /// Appends a line to the log; once it returns, the line outlives a power cut, unless it only says how long training
    /// took.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn log(&self, entry: &Entry) -> Result<()> {
        let path = self.path.join(NAME);
        let mut line = serde_json::to_string(entry)?;
        line.push('\n');
        let mut append = || -> io::Result<()> {
            let is_new = !path.exists();
            let mut file = disk::open_own(&path)?;
            // A line that was cut short must not swallow this one.
            let mut last = *b"\n";
            if file.seek(SeekFrom::End(-1)).is_ok() {
                file.read_exact(&mut last)?;
            }
            if last != *b"\n" {
                line.insert(0, '\n');
            }
            file.write_all(line.as_bytes())?;
            if !matches!(entry, Entry::Timing { .. }) {
                file.sync_data()?;
            }
            if is_new { disk::sync_parent(&path) } else { Ok(()) }
        };
        append().map_err(|error| disk::unwritten("Could not write the log", &path, error))
    }

    /// The lines of the log that can be understood; a missing log has none.
    ///
    /// # Errors
    /// Where it is there and cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let path = self.path.join(NAME);
        let mut entries = vec![];
        let read =
            disk::each_line(&path, MOST_LINE, |line| entries.extend(serde_json::from_slice(line).ok()));
        match read {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).context("Could not read the log").at(&path)
            }
            _ => Ok(entries),
        }
    }
}

/// By what a run was trained last, where its log says so.
pub fn last_provenance(entries: &[Entry]) -> Option<&Provenance> {
    entries
        .iter()
        .rev()
        .find_map(|entry| if let Entry::Provenance(provenance) = entry { Some(provenance) } else { None })
}

/// What is said where a data set is not the one that a run has learnt from; nothing where it is, or that is not known.
pub fn changed_data(entries: &[Entry], now: &str) -> Option<String> {
    let known = last_provenance(entries)?.data.as_deref().filter(|known| *known != now)?;
    Some(format!(
        "The run's data have changed since it was trained (their checksum was {known} and is {now}): figures from before \
         and from now do not compare"
    ))
}

/// The tunings that a replay of the run meets: one made after a crash took steps back replaces those it took back.
pub fn surviving_tunings(entries: &[Entry]) -> Vec<Tuned> {
    let mut surviving: Vec<Tuned> = vec![];
    for entry in entries {
        if let Entry::Tuned(tuned) = entry {
            surviving.retain(|earlier| earlier.step < tuned.step);
            surviving.push(tuned.clone());
        }
    }
    surviving
}

/// The same tunings as single changes, where a run began with `first`.
pub fn changes(first: &LiveParams, tunings: &[Tuned]) -> Vec<Change> {
    let before = std::iter::once(first).chain(tunings.iter().map(|tuned| &tuned.values));
    before.zip(tunings).flat_map(|(before, tuned)| before.changes(&tuned.values, tuned.step)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn lines_cut_short_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let entry = Entry::Notice { text: "one".into() };
        run.log(&entry).unwrap();
        let path = folder.path().join("log.jsonl");
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("{\"event\":\"noti");
        fs::write(&path, text).unwrap();
        run.log(&entry).unwrap();
        assert_eq!(run.entries().unwrap(), [entry.clone(), entry]);
    }

    #[test]
    fn changed_data_are_noticed_and_a_log_that_does_not_know_says_nothing() {
        let provenance = |data: Option<&str>| {
            Entry::Provenance(Provenance {
                version: "1".into(),
                processor: "x".into(),
                instruction_set: "avx2".into(),
                threads: 2,
                command: "headstart train".into(),
                data: data.map(Into::into),
            })
        };
        assert_eq!(changed_data(&[], "b"), None);
        assert_eq!(changed_data(&[provenance(None)], "b"), None);
        assert_eq!(changed_data(&[provenance(Some("a")), provenance(Some("b"))], "b"), None);
        let said = changed_data(&[provenance(Some("b")), provenance(Some("a"))], "b").unwrap();
        assert!(said.contains("was a and is b"), "{said}");
        let line = serde_json::to_string(&provenance(Some("a"))).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&line).unwrap(), provenance(Some("a")));
    }

    #[test]
    fn a_change_after_a_crash_replaces_those_it_took_back() {
        let live = |value| -> LiveParams { [("a".to_owned(), value)].into_iter().collect() };
        let tuned = |step, value| Entry::Tuned(Tuned { step, values: live(value) });
        let tunings = surviving_tunings(&[tuned(10, 1.0), tuned(20, 2.0), tuned(15, 3.0), tuned(15, 4.0)]);
        let changes = changes(&live(0.5), &tunings);
        let shown: Vec<_> = changes.iter().map(|change| (change.step, change.from, change.to)).collect();
        assert_eq!(shown, [(10, 0.5, 1.0), (15, 1.0, 4.0)]);
    }
}
