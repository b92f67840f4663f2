//! `data`: which data sets there are, and what is at a path.
use super::{Common, Outcome, output::line, waiting::Waiting};
use crate::{
    data::{
        self, Dataset, Examples, LeftOut, Notes,
        published::{Published, megabytes},
        watch::Watch,
    },
    disk,
    errors::{message, name},
    runs::Home,
    spec::Choice,
};
use anyhow::{Result, anyhow};
use rayon::prelude::*;
use serde_json::json;
use std::{path::Path, time::Duration};

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
            "problems": problems, "used": set.train.len() + set.test.len(), "unused": set.notes.unused(),
            "left_out": left_out(&set.notes),
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
    if set.notes.unused() > 0 {
        line(format!("{} used, {} left out", set.train.len() + set.test.len(), set.notes.unused()));
    }
    set.notes.left_out.iter().for_each(line);
    if !problems.is_empty() {
        let more = if problems.len() > SHOWN { "; the first of them (--json has all)" } else { "" };
        line(format!("{} problems{more}:", problems.len()));
        problems.iter().take(SHOWN).for_each(|problem| line(format!("  {}", problem.replace('\n', "\n  "))));
    }
    Ok(outcome)
}

/// What is not used, by the reason.
fn left_out(notes: &Notes) -> Vec<serde_json::Value> {
    let group =
        |LeftOut { why, count, example }: &LeftOut| json!({ "why": why, "count": count, "example": example });
    notes.left_out.iter().map(group).collect()
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
