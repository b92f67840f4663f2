//! What is shown of a run while it trains: lines, on a terminal also its curves and a bar, or JSON.
use super::{
    Common,
    output::{complain, duration, line, program},
    plot, waiting,
};
use crate::{
    errors::name,
    metrics::{self, ACCURACY, KNN_ACCURACY, LINEAR_ACCURACY, LOSS, Split},
    protocol::{Phase, Remedy, RunId},
    session::{Run, catalog},
    spec::PATIENCE,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How often the terminal is drawn on, at most: curves are some kilobytes, which a slow line must carry.
const REDRAWN_HZ: u8 = 6;
/// From one picture of the curves to the next, at least.
const REDRAWN: Duration = Duration::from_millis(250);

/// What has been shown so far.
pub struct View {
    json: bool,
    quiet: bool,
    pub bar: ProgressBar,
    begun: Option<RunId>,
    /// The step of the last validation that was shown.
    validated: Option<f64>,
    drawn: Option<Instant>,
}

impl View {
    pub fn new(common: &Common) -> Self {
        let Common { json, quiet, .. } = *common;
        Self { json, quiet, bar: ProgressBar::hidden(), begun: None, validated: None, drawn: None }
    }

    pub fn show(&mut self, run: &Run) {
        if self.quiet {
            return;
        }
        if self.begun.is_none() {
            self.begin(run);
        }
        for [step, _] in run.curve(LOSS, Split::Validation) {
            if self.validated.is_none_or(|shown| shown < *step) {
                self.validated = Some(*step);
                self.validation(run, *step);
            }
        }
        self.bar.set_position(run.progress.step);
        self.bar.set_message(pace(run));
        if !self.json && self.drawn.is_none_or(|drawn| drawn.elapsed() >= REDRAWN) {
            self.drawn = Some(Instant::now());
            let curves = plot::on_terminal(run, catalog().headline(&run.spec));
            self.bar.set_prefix(curves.unwrap_or_default());
        }
    }

    fn begin(&mut self, run: &Run) {
        self.begun = Some(run.id.clone());
        // Validations that were done before a resumption are not news.
        let before = run.curve(LOSS, Split::Validation).last().filter(|_| run.progress.step > 0);
        self.validated = before.map(|point| point[0]);
        if self.json {
            return line(json!({
                "event": "started", "run": run.id, "folder": run.folder, "step": run.progress.step,
                "steps": run.progress.steps,
            }));
        }
        line(format!("{}\n{}", name(&run.id), run.folder.display()));
        let style = ProgressStyle::with_template("{prefix}{bar:16} step {pos} of {len} · {msg}");
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWN_HZ);
        self.bar = ProgressBar::with_draw_target(Some(run.progress.steps), target)
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    }

    fn validation(&self, run: &Run, step: f64) {
        let epoch = step / run.progress.steps_per_epoch.max(1) as f64;
        let elapsed_secs = run.elapsed_secs(step);
        if self.json {
            let mut event = json!({
                "event": "validated", "run": run.id, "step": step as u64, "epoch": epoch,
                "headline": catalog().headline(&run.spec).id, "elapsed_secs": elapsed_secs,
                "images_per_sec": run.progress.examples_per_sec,
            });
            extend(&mut event, run, Split::Validation, step);
            return line(event);
        }
        let figures = sentence(run, Split::Validation, Some(step));
        self.bar.suspend(|| line(format!("epoch {epoch:.1}: {figures}, after {}", duration(elapsed_secs))));
    }

    /// The last word on a run; leaves its curves where they can be scrolled back to.
    pub fn end(&self, run: &Run) {
        self.bar.finish_and_clear();
        if self.json {
            return line(last_event(run));
        }
        if self.quiet && !matches!(run.phase, Phase::Failed(_)) {
            return;
        }
        if let Some(curves) = plot::on_terminal(run, catalog().headline(&run.spec)) {
            line(console::strip_ansi_codes(curves.trim_end()));
        }
        let elapsed = duration(run.progress.elapsed_secs);
        match &run.phase {
            Phase::Finished => {
                let validation = validated(run);
                let test = sentence(run, Split::Test, last_step(run, Split::Test));
                line(format!("Finished after {elapsed}: {validation}; {test}"));
            }
            Phase::Failed(message) => {
                complain(message);
                if let Some(Remedy { step, learning_rate }) = run.remedy {
                    let (program, id) = (program(), &run.id);
                    complain(format!("{program} resume {id}@{step} --set learning_rate={learning_rate}"));
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
    format!("Stopped at step {}: {} resume {} {from}", run.progress.step, program(), name(&run.id))
}

/// How fast it goes, as far as that is known.
fn pace(run: &Run) -> String {
    if let Some(aside) = &run.progress.aside {
        return waiting::text(aside);
    }
    let loss = run.latest(LOSS, Split::Train).map(|loss| format!("loss {loss:.4}"));
    let rate = run.progress.examples_per_sec;
    let rate = (rate > 0.0).then(|| format!("{rate:.0} examples/s"));
    let left = run.secs_left().map(|secs| format!("{} left", duration(secs)));
    let known: Vec<String> = [loss, rate, left].into_iter().flatten().collect();
    if known.is_empty() { "starting".into() } else { known.join(" · ") }
}

fn value(run: &Run, metric: &'static str, split: Split, step: f64) -> Option<f64> {
    let curve = run.curve(metric, split);
    let at = curve.partition_point(|point| point[0] < step);
    curve.get(at).filter(|point| point[0] == step).map(|point| point[1])
}

/// How well the weights do that a run ended with, on validation examples.
pub fn validated(run: &Run) -> String {
    sentence(run, Split::Validation, validation_step(run))
}

/// "validation neighbour accuracy 84.10 %, loss 3.1205 nats": the headline of a run's objective first, then what else tells
/// a person whether it learns.
fn sentence(run: &Run, split: Split, step: Option<f64>) -> String {
    let headline = catalog().headline(&run.spec).id;
    let others = [LOSS, ACCURACY, KNN_ACCURACY, LINEAR_ACCURACY].into_iter().filter(|id| *id != headline);
    let figure = |id| {
        let (info, value) = (metrics::find(id)?, value(run, id, split, step?)?);
        Some(format!("{} {}", info.name(), info.written(value)))
    };
    let figures: Vec<String> = [headline].into_iter().chain(others).filter_map(figure).collect();
    if figures.is_empty() {
        return format!("no {} figures", split.id());
    }
    format!("{} {}", split.id(), figures.join(", "))
}

/// Adds what was measured of the weights that a run ended with.
pub fn add_figures(event: &mut Value, run: &Run) {
    event["headline"] = json!(catalog().headline(&run.spec).id);
    let steps = [(Split::Validation, validation_step(run)), (Split::Test, last_step(run, Split::Test))];
    for (split, step) in steps {
        step.into_iter().for_each(|step| extend(event, run, split, step));
    }
}

/// Adds every metric that was measured at a step, as "validation_accuracy" and so on.
fn extend(event: &mut Value, run: &Run, split: Split, step: f64) {
    for info in metrics::ALL {
        if let Some(value) = value(run, info.id, split, step) {
            event[format!("{}_{}", split.id(), info.id)] = json!(value);
        }
    }
}

fn last_event(run: &Run) -> Value {
    let (event, message) = match &run.phase {
        Phase::Finished => ("finished", None),
        Phase::Failed(message) => ("failed", Some(message)),
        _ => ("stopped", None),
    };
    let mut last = json!({
        "event": event, "run": run.id, "step": run.progress.step, "epoch": run.progress.epoch(),
        "validation_accuracy": null, "test_accuracy": null,
        "elapsed_secs": run.progress.elapsed_secs,
    });
    add_figures(&mut last, run);
    if let Some(message) = message {
        last["message"] = json!(message);
    }
    if let Some(remedy) = run.remedy {
        last["remedy"] = json!(remedy);
    }
    last
}

fn last_step(run: &Run, split: Split) -> Option<f64> {
    Some(run.curve(LOSS, split).last()?[0])
}

/// The validation of the weights that the run ended with: after early stopping those are the best ones.
fn validation_step(run: &Run) -> Option<f64> {
    let stopped_early = run.phase == Phase::Finished
        && run.progress.step < run.progress.steps
        && run.spec.training(&PATIENCE) > 0.0;
    let best = run.best(LOSS, Split::Validation).filter(|_| stopped_early).map(|best| best[0]);
    best.or(last_step(run, Split::Validation))
}
