//! `find-rate`: the learning rate that suits a run's weights as they are, or a recipe.
use super::{
    Common, Outcome, open,
    output::{line, program},
    recipes,
    score::answer,
};
use crate::{
    protocol::{Finding, Question, RunId},
    rates::{RateTest, Suggestion, written},
    runs::Home,
    spec::RunSpec,
};
use anyhow::{Result, bail, ensure};
use serde_json::json;
use std::path::Path;

/// Tries rising learning rates in a copy that is thrown away.
///
/// # Errors
/// Where `name` is neither a run nor a recipe, or what it means cannot be trained.
pub fn find_rate(name: &str, set: &[String], common: &Common) -> Result<Outcome> {
    let (run, spec) = subject(name, set, common)?;
    let mut session = open(common)?;
    let (step, finding) = answer(&mut session, &run, Question::LearningRates { spec })?;
    session.close();
    let Finding::LearningRates(test) = finding else { bail!("The answer is to another question") };
    if common.json {
        line(as_json(&test, step));
    } else {
        show(&test, name);
    }
    Ok(Outcome::Done)
}

/// The run or the recipe that a name means: a recipe belongs to a run that has no name.
///
/// # Errors
/// Where it means neither.
pub fn subject(name: &str, set: &[String], common: &Common) -> Result<(RunId, Option<Box<RunSpec>>)> {
    match Home::open(super::home(common)?)?.find(name) {
        Ok(run) => {
            ensure!(set.is_empty(), "--set changes a recipe, and {name} is a run: leave it out");
            Ok((run, None))
        }
        Err(no_run) => match recipes::run(Path::new(name), set) {
            Ok(spec) => Ok(("".into(), Some(Box::new(spec)))),
            Err(_) if !Path::new(name).exists() && set.is_empty() => Err(no_run),
            Err(error) => Err(error),
        },
    }
}

fn as_json(test: &RateTest, step: u64) -> serde_json::Value {
    let points = test.points.iter().zip(&test.smoothed);
    let points: Vec<_> = points
        .map(|([rate, loss], smoothed)| json!({ "learning_rate": rate, "loss": loss, "smoothed": smoothed }))
        .collect();
    json!({
        "step": step, "steps_taken": test.points.len(), "points": points,
        "suggestion": test.suggestion.map(|found| found.rate),
        "steepest": test.suggestion.and_then(|found| found.steepest),
        "blow_up": test.suggestion.and_then(|found| found.blow_up),
    })
}

fn show(test: &RateTest, name: &str) {
    line("Learning rate   Loss, smoothed");
    for ([rate, _], loss) in test.points.iter().zip(&test.smoothed).step_by(10) {
        line(format!("{:<15} {loss:.4}", written(*rate)));
    }
    line(test.conclusion());
    if let Some(Suggestion { rate, .. }) = test.suggestion {
        let rate = written(rate);
        line(format!("{} train {name} --set learning_rate={rate}   uses it", program()));
    }
}
