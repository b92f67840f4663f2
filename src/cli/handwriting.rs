//! `handwriting`: the user's own drawings, and what fine-tuning on them gains and costs.
use super::{
    Common, Outcome, open,
    output::{complain, line, percent, program, signed},
    score::answer,
    train,
};
use crate::{
    data::{self, drawing, handwriting, watch::Watch},
    engine::newest_model,
    evaluation::argmax,
    protocol::{Command, Finding, Question, RunId, data::Written},
    runs::{Home, RunFolder},
    sample::Image,
    session::{Session, catalog, fine_tuning},
};
use anyhow::{Result, bail, ensure};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// The fewest drawings to learn from.
const FEWEST: usize = 5;

/// Keeps pictures of a digit.
///
/// # Errors
/// Where one cannot be read or kept.
pub fn add(images: &[PathBuf], label: usize, common: &Common) -> Result<Outcome> {
    let folder = Home::open(super::home(common)?)?.handwriting();
    for image in images {
        let framed = drawing::read_one(image)?.frame();
        if handwriting::is_blot(&framed) {
            complain(format!("{}: no line can be made out: is it a blot?", image.display()));
        }
        let kept = handwriting::keep(&folder, label, &framed)?;
        if let Some(remark) = kept.remark() {
            complain(format!("{}: {remark}", image.display()));
        }
    }
    list(common)
}

/// The drawings that can be read; of the others it is said that they cannot.
fn read(folder: &Path) -> Vec<Written> {
    let drawings = handwriting::read(folder);
    if let Some(complaint) = drawings.complaint(folder) {
        complain(complaint);
    }
    drawings.read
}

/// Says how many there are of each digit.
///
/// # Errors
/// Where there is no home.
pub fn list(common: &Common) -> Result<Outcome> {
    let folder = Home::open(super::home(common)?)?.handwriting();
    let drawings = read(&folder);
    let count = |label: usize, is_test: bool| {
        drawings.iter().filter(|one| one.label == label && one.is_test == is_test).count()
    };
    if common.json {
        let of = |is_test| (0..handwriting::CLASSES).map(|label| count(label, is_test)).collect::<Vec<_>>();
        line(json!({ "folder": folder, "to_train_on": of(false), "held_out": of(true) }));
        return Ok(Outcome::Done);
    }
    for label in 0..handwriting::CLASSES {
        line(format!("{label}: {} to train on, {} held out", count(label, false), count(label, true)));
    }
    line(folder.display());
    Ok(Outcome::Done)
}

/// Fine-tunes a run on the drawings that are not held out; says what it gained and what it forgot.
///
/// # Errors
/// Where there are too few drawings, or the run cannot be fine-tuned.
pub fn tune(name: &str, common: &Common) -> Result<Outcome> {
    let home = Home::open(super::home(common)?)?;
    let run = home.find_at(name)?;
    check(&home.folder(&run), &run)?;
    let drawings = read(&home.handwriting());
    let leaks = handwriting::leaks(&drawings);
    if leaks > 0 {
        complain(format!(
            "{leaks} of the drawings that are held out are nearly the same as others that are trained on, so that the gain \
             will look better than it is: remove them"
        ));
    }
    let used = drawings.iter().filter(|one| !one.is_test).count();
    ensure!(
        used >= FEWEST,
        "{used} drawings to train on are too few: keep {} more with `headstart handwriting add`",
        2 * (FEWEST - used)
    );
    let spec = fine_tuning(&home.folder(&run).spec(&catalog())?, &run, &home.handwriting());
    let mut session = open(common)?;
    session.send(Command::Start(Box::new(spec)));
    let (outcome, tuned) = train::follow_to_the_end(session, None, common)?;
    let (Outcome::Done, Some(tuned)) = (&outcome, tuned) else { return Ok(outcome) };
    let mut session = open(common)?;
    let held_out: Vec<Written> = drawings.into_iter().filter(|one| one.is_test).collect();
    let mine = [&run, &tuned].map(|of| share_right(&mut session, of, &held_out));
    let theirs = [&run, &tuned].map(|of| recall(&mut session, of, &run));
    session.close();
    let ([before, after], [known, kept]) = (mine, theirs);
    let (before, after, known, kept) = (before?, after?, known?, kept?);
    if common.json {
        line(json!({
            "event": "tuned", "run": tuned, "held_out": held_out.len(), "handwriting_before": before,
            "handwriting_after": after, "validation_before": known, "validation_after": kept,
        }));
    } else {
        let row = |what: &str, [before, after]: [f64; 2]| {
            let change = (after - before) * 100.0;
            let change = signed(change);
            line(format!("{what:<40} {:>8} to {:>8}, {change} points", percent(before), percent(after)));
        };
        row(&format!("Your drawings that were held out ({}):", held_out.len()), [before, after]);
        row("Validation images of the run before:", [known, kept]);
    }
    Ok(outcome)
}

/// Makes sure, before anything is trained, that a run can be asked about digits.
fn check(folder: &RunFolder, run: &RunId) -> Result<()> {
    let (spec, catalog) = (folder.spec(&catalog())?, catalog());
    ensure!(
        !catalog.without_labels.contains(&spec.objective.id.as_str()),
        "The run {run} learns without labels, so that it reads no digits yet: {} train fine_tune --set init_from={run}",
        program()
    );
    let digits: Vec<String> = (0..handwriting::CLASSES).map(|digit| digit.to_string()).collect();
    ensure!(
        data::peek(&spec.dataset, &Watch::default())?.class_names == digits,
        "The classes of the run {run} are not the digits 0 to 9: choose one that reads digits"
    );
    newest_model(folder, &catalog, &Watch::default()).map(drop)
}

fn share_right(session: &mut Session, run: &RunId, drawings: &[Written]) -> Result<f64> {
    let mut right = 0;
    for portion in drawings.chunks(256) {
        let samples = portion.iter().map(|one| Image::drawing(one.framed.clone()).into()).collect();
        let Finding::Scores { scores, .. } =
            answer(session, run, Question::Scores { samples: Arc::new(samples) })?.1
        else {
            bail!("The answer is to another question")
        };
        right +=
            portion.iter().zip(scores.iter()).filter(|(one, scores)| argmax(scores) == one.label).count();
    }
    Ok(right as f64 / drawings.len().max(1) as f64)
}

fn recall(session: &mut Session, run: &RunId, of: &RunId) -> Result<f64> {
    match answer(session, run, Question::Recall { of: of.clone() })?.1 {
        Finding::Recall { accuracy, .. } => Ok(accuracy),
        _ => bail!("The answer is to another question"),
    }
}
