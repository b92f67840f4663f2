//! `log.jsonl`: what happened to a run, one JSON object a line.
use super::{RunFolder, at};
use crate::{
    protocol::{Change, Phase},
    spec::LiveParams,
};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
};

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Entry {
    Phase {
        /// "running", "paused", "stopped", "finished" or "failed".
        phase: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        message: String,
    },
    /// Live hyperparameters were changed after `step` steps.
    Tuned {
        step: u64,
        values: LiveParams,
    },
    /// A moment of training, without pauses.
    Timing {
        step: u64,
        steps: u64,
        steps_per_epoch: u64,
        elapsed_secs: f64,
        images_per_sec: f64,
    },
    Notice {
        text: String,
    },
}

impl Entry {
    pub fn new_phase(phase: &Phase) -> Self {
        let (name, message) = match phase {
            Phase::Running => ("running", ""),
            Phase::Paused => ("paused", ""),
            Phase::Stopped => ("stopped", ""),
            Phase::Finished => ("finished", ""),
            Phase::Failed(message) => ("failed", message.as_str()),
        };
        Self::Phase { phase: name.into(), message: message.into() }
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
    /// Appends a line to the log.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn log(&self, entry: &Entry) -> Result<()> {
        let path = self.path.join("log.jsonl");
        let mut line = serde_json::to_string(entry)?;
        line.push('\n');
        let mut append = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().create(true).read(true).append(true).open(&path)?;
            // A line that was cut short must not swallow this one.
            let mut last = *b"\n";
            if file.seek(SeekFrom::End(-1)).is_ok() {
                file.read_exact(&mut last)?;
            }
            if last != *b"\n" {
                line.insert(0, '\n');
            }
            file.write_all(line.as_bytes())
        };
        append().with_context(|| at("Could not write the log", &path))
    }

    /// The lines of the log that can be read; a missing log has none.
    pub fn entries(&self) -> Vec<Entry> {
        let bytes = fs::read(self.path.join("log.jsonl")).unwrap_or_default();
        bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }
}

/// The changes that a replay of the run meets: one made after a crash took steps back replaces those it took back.
pub fn surviving_changes(entries: &[Entry]) -> Vec<Change> {
    let mut changes: Vec<Change> = vec![];
    for entry in entries {
        if let Entry::Tuned { step, values } = entry {
            changes.retain(|earlier| earlier.step < *step);
            changes.push(Change { step: *step, values: values.clone() });
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_cut_short_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder { path: folder.path().into() };
        let entry = Entry::Notice { text: "one".into() };
        run.log(&entry).unwrap();
        let path = folder.path().join("log.jsonl");
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("{\"event\":\"noti");
        fs::write(&path, text).unwrap();
        run.log(&entry).unwrap();
        assert_eq!(run.entries(), [entry.clone(), entry]);
    }

    #[test]
    fn a_change_after_a_crash_replaces_those_it_took_back() {
        let tuned = |step, value| Entry::Tuned { step, values: [("a".to_owned(), value)].into() };
        let changes = surviving_changes(&[tuned(10, 1.0), tuned(20, 2.0), tuned(15, 3.0), tuned(15, 4.0)]);
        let steps: Vec<_> = changes.iter().map(|change| (change.step, change.values["a"])).collect();
        assert_eq!(steps, [(10, 1.0), (15, 4.0)]);
    }
}
