//! `runs` and `data`: what there is.
use super::{
    Common, Outcome,
    output::{line, percent},
    waiting::Waiting,
};
use crate::{
    data::{
        self, Dataset, DatasetEntry, Examples,
        published::{Published, megabytes},
        watch::Watch,
    },
    disk,
    metrics::{ACCURACY, Point, Split},
    protocol::{Phase, RunInfo},
    runs::Home,
    session::catalog,
    spec::Choice,
    told::told,
};
use anyhow::{Result, anyhow};
use rayon::prelude::*;
use serde_json::json;
use std::{path::Path, time::Duration};

pub fn runs(common: &Common) -> Result<Outcome> {
    let home = Home::open(super::home(common)?)?;
    let names = home.list()?;
    if names.is_empty() && !common.json {
        line("There are no runs yet: headstart train configs/seed_cnn.toml makes one");
    }
    for id in names {
        let folder = home.folder(&id);
        let listed = folder.info(&id, &catalog()).and_then(|info| {
            let [mut validation, mut test] = [None, None];
            folder.each_point(|Point { split, metric, value, .. }| {
                let best = match split {
                    Split::Validation if metric == ACCURACY => &mut validation,
                    Split::Test if metric == ACCURACY => &mut test,
                    _ => return,
                };
                *best = Some(best.map_or(value, |best: f64| best.max(value)));
            })?;
            Ok((info, validation, test))
        });
        match listed {
            Ok((info, validation, test)) => show_run(&info, validation, test, common.json),
            Err(error) => eprintln!("{}", told(&error)),
        }
    }
    Ok(Outcome::Done)
}

fn show_run(info: &RunInfo, validation: Option<f64>, test: Option<f64>, json: bool) {
    let (state, message) = match &info.phase {
        Phase::Running => ("running", ""),
        Phase::Paused => ("paused", ""),
        Phase::Stopped => ("stopped", ""),
        Phase::Finished => ("finished", ""),
        Phase::Failed(message) => ("failed", message.as_str()),
    };
    if json {
        return line(json!({
            "run": info.id, "name": info.spec.name, "folder": info.folder, "state": state, "message": message,
            "step": info.progress.step, "steps": info.progress.steps, "elapsed_secs": info.progress.elapsed_secs,
            "best_validation_accuracy": validation, "test_accuracy": test,
        }));
    }
    let share = |value: Option<f64>| value.map_or("–".into(), percent);
    let progress = format!("{} of {} steps", info.progress.step, info.progress.steps);
    line(format!(
        "{:<44} {state:<9} {progress:<22} validation {:<9} test {}",
        info.id,
        share(validation),
        share(test)
    ));
}

pub fn data(common: &Common) -> Result<Outcome> {
    let fetched = Home::open(super::home(common)?)?.data();
    for DatasetEntry { info, published, .. } in data::ALL {
        let folder = published.and_then(|published| published.find(info.id, &fetched));
        let bytes = published.map(Published::bytes);
        // Images of one's own are wherever they are.
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

/// Problems that are shown to a person.
const SHOWN: usize = 10;

/// Reads a data set and says all that is known of it.
pub fn check(path: &Path, common: &Common) -> Result<Outcome> {
    let set = watched(path)?;
    let shape = set.info.shape;
    let counts = |examples: &Examples| {
        let mut counts = vec![0usize; set.info.classes()];
        examples.labels.iter().for_each(|label| counts[usize::from(*label)] += 1);
        counts
    };
    let (train, test) = (counts(&set.train), counts(&set.test));
    let bytes = (set.train.len() + set.test.len()) as u64 * shape.len() as u64;
    let mut problems = set.notes.passed_over.clone();
    problems.extend(unreadable(&set.train).into_iter().chain(unreadable(&set.test)));
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
        return Ok(Outcome::Done);
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
    for (name, (train, test)) in set.info.class_names.iter().zip(train.iter().zip(&test)) {
        line(format!("  {name:<24} {train:>7} {test:>7}"));
    }
    set.notes.remarks.iter().for_each(|remark| line(format!("Note: {remark}")));
    if !problems.is_empty() {
        let more = if problems.len() > SHOWN { "; the first of them (--json has all)" } else { "" };
        line(format!("{} problems{more}:", problems.len()));
        problems.iter().take(SHOWN).for_each(|problem| line(format!("  {}", problem.replace('\n', "\n  "))));
    }
    Ok(Outcome::Done)
}

/// Reads a data set while a terminal shows how far that is.
fn watched(path: &Path) -> Result<Dataset> {
    let choice = Choice::new(data::files::ENTRY.info.id);
    let watch = Watch::default();
    std::thread::scope(|scope| {
        let _reading = watch.begin();
        let reading = scope.spawn(|| data::files::read(path, &choice, &watch));
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
fn unreadable(examples: &Examples) -> Vec<String> {
    let wrong = |index| Some(told(&examples.image(index).err()?));
    (0..examples.len()).into_par_iter().filter_map(wrong).collect()
}
