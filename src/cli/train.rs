//! `train` and `resume`: a run with a progress bar on a terminal, lines elsewhere, JSON on request.
use super::{
    Common, Outcome, compare, open,
    output::{duration, line, percent},
    recipe, rewind,
    waiting::Waiting,
};
use crate::{
    metrics::{ACCURACY, LOSS, Split},
    protocol::{Command, Control, Level, Phase, Remedy, RunId},
    runs::Home,
    session::{Run, Session, catalog},
    spec::{PATIENCE, RunSpec},
};
use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

pub fn start(config: &Path, set: &[String], common: &Common) -> Result<Outcome> {
    let spec = RunSpec::from_toml(&recipe(config)?, set, &catalog())
        .context("The spec cannot be used")
        .with_context(|| format!("File: {}", config.display()))?;
    let mut session = open(common)?;
    session.send(Command::Start(Box::new(spec)));
    follow(session, common)
}

pub fn resume(name: &str, set: &[String], common: &Common) -> Result<Outcome> {
    let (name, step) = rewind::at_step(name);
    let home = Home::open(super::home(common)?)?;
    let run = match home.find(name) {
        Err(_) if home.find_comparison(name).is_ok() => return compare::resume(name, common),
        found => found?,
    };
    let command = match (step, set) {
        (None, []) => Command::Resume(run),
        _ => rewind::command(&home, run, step, set)?,
    };
    let mut session = open(common)?;
    session.send(command);
    follow(session, common)
}

fn follow(session: Session, common: &Common) -> Result<Outcome> {
    Ok(follow_to_the_end(session, common)?.0)
}

/// Shows the newest run until it ends; also says which it was.
pub fn follow_to_the_end(mut session: Session, common: &Common) -> Result<(Outcome, Option<RunId>)> {
    let interrupted = interruption()?;
    let mut view = View::new(common.json);
    let mut waiting = Waiting::new(common.json);
    let outcome = loop {
        session.wait(Duration::from_millis(100));
        waiting.show(session.state.preparing);
        let id = session.state.newest.clone();
        if interrupted.load(Ordering::SeqCst) {
            let Some(id) = &id else { break Outcome::Interrupted };
            session.send(Command::Control(id.clone(), Control::Stop));
            while session.state.runs.get(id).is_some_and(|run| run.phase.is_active()) {
                session.wait(Duration::from_millis(100));
            }
        }
        let failed_to_start = notices(&mut session, &view.bar) && id.is_none();
        if failed_to_start {
            break Outcome::Failed;
        }
        let Some(run) = id.and_then(|id| session.state.runs.get(&id)) else { continue };
        view.show(run);
        match &run.phase {
            Phase::Running => {}
            // Nobody is there to continue it: a full disk has paused it.
            Phase::Paused => {
                let id = run.id.clone();
                session.send(Command::Control(id, Control::Stop));
                session.wait(Duration::from_secs(1));
                break Outcome::Failed;
            }
            Phase::Stopped => break Outcome::Interrupted,
            Phase::Finished => break Outcome::Done,
            Phase::Failed(_) => break Outcome::Failed,
        }
    };
    let last = session.state.newest.clone().and_then(|id| session.state.runs.get(&id).cloned());
    session.close();
    if let Some(run) = &last {
        view.end(run);
    }
    Ok((outcome, last.map(|run| run.id)))
}

/// What has been shown so far.
struct View {
    json: bool,
    bar: ProgressBar,
    begun: Option<RunId>,
    validations: usize,
}

impl View {
    fn new(json: bool) -> Self {
        Self { json, bar: ProgressBar::hidden(), begun: None, validations: 0 }
    }

    fn show(&mut self, run: &Run) {
        if self.begun.is_none() {
            self.begin(run);
        }
        let validated = run.curve(ACCURACY, Split::Validation).len();
        if validated > self.validations {
            self.validations = validated;
            self.validation(run);
        }
        self.bar.set_position(run.progress.step);
        let left = run.progress.secs_left().map(duration).unwrap_or_default();
        let loss = run.latest(LOSS, Split::Train).unwrap_or(f64::NAN);
        self.bar.set_message(format!(
            "loss {loss:.4} · {:.0} images/s · {left} left",
            run.progress.images_per_sec
        ));
    }

    fn begin(&mut self, run: &Run) {
        self.begun = Some(run.id.clone());
        // Validations that were done before a resumption are not news.
        self.validations = run.curve(ACCURACY, Split::Validation).len();
        if self.json {
            return line(
                json!({ "event": "started", "run": run.id, "folder": run.folder, "step": run.progress.step, "steps": run.progress.steps }),
            );
        }
        line(format!("{}\n{}", run.id, run.folder.display()));
        let style = ProgressStyle::with_template("{bar:30} step {pos} of {len} · {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        self.bar = ProgressBar::new(run.progress.steps).with_style(style);
    }

    fn validation(&self, run: &Run) {
        let [accuracy, loss] =
            [ACCURACY, LOSS].map(|metric| run.latest(metric, Split::Validation).unwrap_or(f64::NAN));
        let step = run.curve(ACCURACY, Split::Validation).last().map_or(0, |point| point[0] as u64);
        let epoch = step as f64 / run.progress.steps_per_epoch.max(1) as f64;
        if self.json {
            return line(json!({
                "event": "validated", "run": run.id, "step": step, "epoch": epoch, "validation_loss": loss,
                "validation_accuracy": accuracy, "elapsed_secs": run.progress.elapsed_secs,
                "images_per_sec": run.progress.images_per_sec,
            }));
        }
        self.bar.suspend(|| {
            let elapsed = duration(run.progress.elapsed_secs);
            line(format!(
                "epoch {epoch:.1}: validation accuracy {}, loss {loss:.4} nats, after {elapsed}",
                percent(accuracy)
            ));
        });
    }

    fn end(&self, run: &Run) {
        self.bar.finish_and_clear();
        if self.json {
            return line(last_line(run));
        }
        let elapsed = duration(run.progress.elapsed_secs);
        match &run.phase {
            Phase::Finished => {
                let share = |value: Option<f64>| value.map_or("not measured".into(), percent);
                let (validation, test) =
                    (share(validation_accuracy(run)), share(run.latest(ACCURACY, Split::Test)));
                line(format!(
                    "Finished after {elapsed}: validation accuracy {validation}, test accuracy {test}"
                ));
            }
            Phase::Failed(message) => {
                eprintln!("{message}");
                if let Some(Remedy { step, learning_rate }) = run.remedy {
                    eprintln!("headstart resume {}@{step} --set learning_rate={learning_rate}", run.id);
                }
            }
            _ => line(stopped(run)),
        }
    }
}

fn stopped(run: &Run) -> String {
    let from = match run.saved {
        Some(saved) if saved == run.progress.step => "goes on from there".into(),
        Some(saved) => format!("goes on from step {saved}, its newest checkpoint"),
        None => "begins again, for nothing is saved yet".into(),
    };
    format!("Stopped at step {}: headstart resume {} {from}", run.progress.step, run.id)
}

/// Becomes true at Ctrl-C, which ends nothing by itself any more.
pub fn interruption() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = interrupted.clone();
    ctrlc::set_handler(move || flag.store(true, Ordering::SeqCst)).context("Could not listen for Ctrl-C")?;
    Ok(interrupted)
}

/// Prints new notices; says whether one of them is an error.
pub fn notices(session: &mut Session, bar: &ProgressBar) -> bool {
    let notices = std::mem::take(&mut session.state.notices);
    for notice in &notices {
        bar.suspend(|| eprintln!("{}", notice.text));
    }
    notices.iter().any(|notice| notice.level == Level::Error)
}

fn last_line(run: &Run) -> Value {
    let (event, message) = match &run.phase {
        Phase::Finished => ("finished", None),
        Phase::Failed(message) => ("failed", Some(message)),
        _ => ("stopped", None),
    };
    let mut last = json!({
        "event": event, "run": run.id, "step": run.progress.step, "epoch": run.progress.epoch(),
        "validation_accuracy": validation_accuracy(run), "test_accuracy": run.latest(ACCURACY, Split::Test),
        "elapsed_secs": run.progress.elapsed_secs,
    });
    if let Some(message) = message {
        last["message"] = json!(message);
    }
    if let Some(remedy) = run.remedy {
        last["remedy"] = json!(remedy);
    }
    last
}

/// Of the weights that the run ended with: after early stopping those are the best ones.
fn validation_accuracy(run: &Run) -> Option<f64> {
    let stopped_early = run.phase == Phase::Finished
        && run.progress.step < run.progress.steps
        && run.spec.training(&PATIENCE) > 0.0;
    let best_step = run.best(LOSS, Split::Validation).filter(|_| stopped_early).map(|best| best[0]);
    let curve = run.curve(ACCURACY, Split::Validation);
    let at_best = best_step.and_then(|step| curve.iter().find(|point| point[0] == step));
    at_best.or(curve.last()).map(|point| point[1])
}
