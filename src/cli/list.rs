//! `runs` and `data`: what there is.
use super::{
    Common, Outcome,
    output::{line, percent},
};
use crate::{
    data,
    metrics::{ACCURACY, Split},
    protocol::{Phase, RunInfo},
    runs::Home,
    session::catalog,
    spec::Section,
};
use anyhow::Result;
use serde_json::json;

pub fn runs(common: &Common) -> Result<Outcome> {
    let home = Home::open(super::home(common)?)?;
    let names = home.list()?;
    if names.is_empty() && !common.json {
        line("There are no runs yet: headstart train configs/seed_cnn.toml makes one");
    }
    for id in names {
        let folder = home.folder(&id);
        match folder.info(&id, &catalog()) {
            Ok(info) => {
                let points = folder.points();
                let best = |split| {
                    let values =
                        points.iter().filter(move |point| (point.split, point.metric) == (split, ACCURACY));
                    values.map(|point| point.value).max_by(f64::total_cmp)
                };
                show_run(&info, best(Split::Validation), best(Split::Test), common.json);
            }
            Err(error) => eprintln!("{error:#}"),
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
    for info in catalog().section(Section::Dataset) {
        let included =
            data::find(info.id).and_then(|entry| (entry.peek)(&crate::spec::Choice::new(info.id))).is_ok();
        if common.json {
            line(json!({ "id": info.id, "label": info.label, "included": included, "help": info.help }));
        } else {
            line(format!("{:<8} {:<22} {}", info.id, info.label, info.help));
        }
    }
    Ok(Outcome::Done)
}
