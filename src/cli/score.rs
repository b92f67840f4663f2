//! `evaluate` and `predict`: what a run's network makes of images.
use super::{
    Common, Outcome, open,
    output::{line, percent},
};
use crate::{
    data::drawing,
    metrics::Split,
    protocol::{Command, Level, RunId},
    runs::Home,
    session::Session,
};
use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

pub fn evaluate(name: &str, split: &str, common: &Common) -> Result<Outcome> {
    let run = find(name, common)?;
    let split = Split::find(split).context("the split is one of train, validation and test")?;
    let mut session = open(common)?;
    session.send(Command::Evaluate(run, split));
    let found = wait(&mut session, |session| session.state.evaluation.take())?;
    if common.json {
        line(json!({
            "run": found.run, "split": split.id(), "step": found.step, "images": found.images,
            "loss": found.loss, "accuracy": found.accuracy,
        }));
    } else {
        let (images, split) = (found.images, split.id());
        let scored = found.accuracy.map_or_else(
            || format!("{images} {split} images"),
            |accuracy| format!("{} of {images} {split} images right", percent(accuracy)),
        );
        line(format!("{scored}, loss {:.4} nats, at step {}", found.loss, found.step));
    }
    session.close();
    Ok(Outcome::Done)
}

pub fn predict(name: &str, images: &[PathBuf], common: &Common) -> Result<Outcome> {
    let run = find(name, common)?;
    let mut session = open(common)?;
    let mut outcome = Outcome::Done;
    for (request, image) in images.iter().enumerate() {
        match score(&mut session, &run, request as u64, image) {
            Ok(probabilities) => show(image, &probabilities, common.json),
            Err(error) => {
                eprintln!("{error:#}");
                outcome = Outcome::Failed;
            }
        }
    }
    session.close();
    Ok(outcome)
}

fn score(session: &mut Session, run: &RunId, request: u64, image: &Path) -> Result<Vec<f32>> {
    let pixels = drawing::frame_file(image)?;
    session.send(Command::Predict { request, run: run.clone(), pixels });
    let answer =
        wait(session, |session| session.state.prediction.take_if(|answer| answer.request == request))?;
    ensure!(
        !answer.probabilities.is_empty(),
        "The run {run} learns without labels, so that it has no names for digits: fine-tune it with init_from = {run:?}"
    );
    Ok(answer.probabilities)
}

fn show(image: &Path, probabilities: &[f32], json: bool) {
    let best = (0..probabilities.len())
        .max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]))
        .unwrap_or_default();
    let confidence = probabilities.get(best).copied().unwrap_or_default();
    if json {
        line(
            json!({ "image": image, "prediction": best, "confidence": confidence, "probabilities": probabilities }),
        );
    } else {
        line(format!("{best}  {:>9}  {}", percent(f64::from(confidence)), image.display()));
    }
}

fn find(name: &str, common: &Common) -> Result<RunId> {
    Home::open(super::home(common)?)?.find(name)
}

/// Waits for an answer, or for the error that comes instead.
fn wait<T>(session: &mut Session, answer: impl Fn(&mut Session) -> Option<T>) -> Result<T> {
    loop {
        session.wait(Duration::from_millis(100));
        if let Some(found) = answer(session) {
            return Ok(found);
        }
        let notices = std::mem::take(&mut session.state.notices);
        if let Some(error) = notices.into_iter().find(|notice| notice.level == Level::Error) {
            return Err(anyhow!(error.text));
        }
    }
}
