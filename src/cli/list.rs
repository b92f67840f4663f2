//! `runs` and `data`: what there is.
use super::{
    Common, Outcome,
    output::{complain, is_read, line},
    waiting::Waiting,
};
use crate::{
    data::{
        self, Dataset, Examples,
        published::{Published, megabytes},
        watch::Watch,
    },
    disk,
    errors::{message, name},
    metrics::{ACCURACY, MetricInfo, Point, Split},
    protocol::{Phase, RunId, RunInfo},
    runs::{Home, RunFolder},
    session::catalog,
    spec::{Catalog, Choice},
};
use anyhow::{Result, anyhow};
use rayon::prelude::*;
use serde_json::json;
use std::{
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

pub fn runs(common: &Common) -> Result<Outcome> {
    let home = Home::open(super::home(common)?)?;
    let names = home.list()?;
    if names.is_empty() && !common.json {
        line(
            "There are no runs yet: headstart train drawing makes one, headstart example installs one that is trained",
        );
    }
    let catalog = catalog();
    let mut found: Vec<_> = names.iter().map(|id| (created(&home.folder(id), id), id)).collect();
    found.sort();
    for ((_, created), id) in found.into_iter().take_while(|_| is_read()) {
        match Listed::new(id, &home, created, &catalog) {
            Ok(listed) => listed.show(common.json),
            Err(error) => complain(message(&error)),
        }
    }
    Ok(Outcome::Done)
}

/// When a run was made: the minute in its name, and when its log was begun, which orders those of the same minute.
fn created(folder: &RunFolder, id: &RunId) -> (String, Option<SystemTime>) {
    let minute = id.chars().take("2026-11-23-1405".len()).collect();
    let metadata = std::fs::metadata(folder.path.join("log.jsonl")).ok();
    (minute, metadata.and_then(|metadata| metadata.created().ok()))
}

/// A run as the list shows it.
struct Listed {
    info: RunInfo,
    created: Option<SystemTime>,
    headline: &'static MetricInfo,
    best_validation: Option<f64>,
    test: Option<f64>,
}

impl Listed {
    fn new(id: &RunId, home: &Home, created: Option<SystemTime>, catalog: &Catalog) -> Result<Self> {
        let folder = home.folder(id);
        let info = folder.info(id, catalog)?;
        let headline = catalog.headline(&info.spec);
        let better = if headline.higher_is_better { f64::max } else { f64::min };
        let [mut best_validation, mut test] = [None, None];
        folder.each_point(|Point { split, metric, value, .. }| match split {
            _ if metric != headline.id || !value.is_finite() => {}
            Split::Validation => {
                best_validation = Some(best_validation.map_or(value, |best| better(best, value)));
            }
            Split::Test => test = Some(value),
            Split::Train => {}
        })?;
        Ok(Self { info, created, headline, best_validation, test })
    }

    fn show(&self, json: bool) {
        let Self { info, headline, .. } = self;
        let (state, message) = match &info.phase {
            Phase::Running => ("running", ""),
            Phase::Elsewhere => ("running", "Another program trains it"),
            Phase::Paused => ("paused", ""),
            Phase::Stopped => ("stopped", ""),
            Phase::Finished => ("finished", ""),
            Phase::Failed(message) => ("failed", message.as_str()),
        };
        if json {
            let secs = self.created.and_then(|created| created.duration_since(UNIX_EPOCH).ok());
            let is_accuracy = |value: Option<f64>| value.filter(|_| headline.id == ACCURACY);
            return line(json!({
                "run": info.id, "name": info.spec.name, "folder": info.folder, "state": state, "message": message,
                "step": info.progress.step, "steps": info.progress.steps, "elapsed_secs": info.progress.elapsed_secs,
                "created_unix_secs": secs.map(|secs| secs.as_secs_f64()), "objective": info.spec.objective.id,
                "encoder": info.spec.encoder.id, "dataset": info.spec.dataset.id,
                "comparison": info.spec.entrant.as_ref().map(|entrant| &entrant.comparison), "shipped": info.spec.shipped.is_some(),
                "headline": headline.id, "best_validation": self.best_validation, "test": self.test,
                "best_validation_accuracy": is_accuracy(self.best_validation), "test_accuracy": is_accuracy(self.test),
            }));
        }
        let figure = |value: Option<f64>| value.map_or("–".into(), |value| headline.written(value));
        let progress = format!("{} of {} steps", info.progress.step, info.progress.steps);
        let elsewhere = if info.phase == Phase::Elsewhere { " · another program trains it" } else { "" };
        line(format!(
            "{:<44} {state:<9} {progress:<22} {:<18} validation {:<14} test {}{elsewhere}",
            name(&info.id),
            headline.name(),
            figure(self.best_validation),
            figure(self.test)
        ));
    }
}

pub fn data(common: &Common) -> Result<Outcome> {
    let fetched = Home::open(super::home(common)?)?.data();
    for entry in data::ALL {
        let (info, published) = (entry.info, entry.published());
        let folder = published.and_then(|published| published.find(info.id, &fetched));
        let bytes = published.map(Published::bytes);
        // The user's own images have no fixed place.
        let is_present = folder.is_some() || bytes.is_none() && info.id != data::files::ENTRY.info.id;
        if common.json {
            line(json!({
                "id": info.id, "label": info.label, "present": is_present, "path": folder, "bytes": bytes,
                "help": info.help,
            }));
            continue;
        }
        let state = match (&folder, bytes) {
            (Some(folder), _) => folder.display().to_string(),
            (None, Some(bytes)) => {
                format!("headstart data fetch {} gets it ({} MB)", info.id, megabytes(bytes))
            }
            (None, None) if is_present => "part of this program".into(),
            (None, None) => "any folder or file: --set dataset=files --set dataset.path=…".into(),
        };
        line(format!("{:<15} {:<22} {state}", info.id, info.label));
    }
    Ok(Outcome::Done)
}

/// The most problems that are printed as text.
const SHOWN: usize = 10;

/// Reads a data set and says all that is known of it; fails where there are problems, so that a script can ask.
pub fn check(path: &Path, common: &Common) -> Result<Outcome> {
    let (set, unreadable) = watched(path)?;
    let shape = set.info.shape.image()?;
    let counts = |examples: &Examples| {
        let mut counts = vec![0usize; set.info.classes()];
        examples.labels().iter().for_each(|label| counts[usize::from(*label)] += 1);
        counts
    };
    let (train, test) = (counts(&set.train), counts(&set.test));
    let bytes = (set.train.len() + set.test.len()) as u64 * shape.len() as u64;
    let mut problems: Vec<_> = set.notes.passed_over.iter().map(ToString::to_string).collect();
    problems.extend(unreadable);
    let outcome = if problems.is_empty() { Outcome::Done } else { Outcome::Failed };
    if common.json {
        let classes = set.info.class_names.iter().zip(train.iter().zip(&test));
        let classes: Vec<_> = classes
            .map(|(name, (train, test))| json!({ "name": name, "train": train, "test": test }))
            .collect();
        line(json!({
            "path": path, "format": set.notes.format, "train_images": set.train.len(),
            "test_images": set.test.len(), "height": shape.height, "width": shape.width,
            "channels": shape.channels, "bytes": bytes, "classes": classes, "remarks": set.notes.remarks,
            "problems": problems,
        }));
        return Ok(outcome);
    }
    let colour = if shape.channels == 3 { "in colour" } else { "grey" };
    line(format!("{}: {}", set.notes.format, path.display()));
    line(format!(
        "{} training and {} test images of {} by {} pixels, {colour}",
        set.train.len(),
        set.test.len(),
        shape.width,
        shape.height
    ));
    line(format!("They take {} of memory", disk::size(bytes)));
    line(format!("{} classes, training and test images of each:", set.info.classes()));
    for (class, (train, test)) in set.info.class_names.iter().zip(train.iter().zip(&test)) {
        line(format!("  {:<24} {train:>7} {test:>7}", name(class)));
    }
    set.notes.remarks.iter().for_each(|remark| line(format!("Note: {remark}")));
    if !problems.is_empty() {
        let more = if problems.len() > SHOWN { "; the first of them (--json has all)" } else { "" };
        line(format!("{} problems{more}:", problems.len()));
        problems.iter().take(SHOWN).for_each(|problem| line(format!("  {}", problem.replace('\n', "\n  "))));
    }
    Ok(outcome)
}

/// Reads a data set while a terminal shows how far that is; also gives what is wrong with images that are on disk.
fn watched(path: &Path) -> Result<(Dataset, Vec<String>)> {
    let choice = Choice::new(data::files::ENTRY.info.id);
    let watch = Watch::default();
    std::thread::scope(|scope| {
        let _reading = watch.begin();
        let reading = scope.spawn(|| -> Result<_> {
            let set = data::files::read(path, &choice, &watch)?;
            watch.expect("Checking images", set.train.len() + set.test.len());
            let wrong = unreadable(&set.train, &watch).into_iter().chain(unreadable(&set.test, &watch));
            let wrong = wrong.collect();
            Ok((set, wrong))
        });
        let mut waiting = Waiting::new(false);
        while !reading.is_finished() {
            waiting.show(watch.progress());
            std::thread::sleep(Duration::from_millis(20));
        }
        waiting.show(None);
        reading.join().map_err(|_| anyhow!("A fault in Headstart: please report it"))?
    })
}

/// What is wrong with images that would be read from disk while a network learns.
fn unreadable(examples: &Examples, watch: &Watch) -> Vec<String> {
    let wrong = |index| {
        let wrong = examples.image(index).err().or_else(|| Some(watch.did(1).err()?.into()));
        wrong.map(|error| message(&error))
    };
    (0..examples.len()).into_par_iter().filter_map(wrong).collect()
}
