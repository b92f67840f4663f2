//! `compare`: the races of a comparison, one after the other, and what may be concluded from them.
use super::{
    Common, Outcome, open,
    output::{complain, duration, line, percent, program},
    recipes, sweep,
    train::{interruption, notices},
    waiting::Waiting,
    watch::{add_figures, validated},
};
use crate::{
    errors::name,
    experiment::{ArmResult, Cell, Experiment, Found, Results, Search, Setting, Standing, signed},
    metrics::{ACCURACY, Split, Unit},
    protocol::{Command, ComparisonInfo, Control, Order, Phase},
    runs::Home,
    session::{Run, Session},
};
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::atomic::Ordering,
    time::Duration,
};

pub fn start(config: &Path, set: &[String], common: &Common) -> Result<Outcome> {
    let experiment = recipes::experiment(config, set)?;
    let mut session = open(common)?;
    session.send(Command::Compare(Box::new(experiment)));
    follow(session, common)
}

/// Goes on with a comparison that was stopped.
pub fn resume(name: &str, common: &Common) -> Result<Outcome> {
    let id = Home::open(super::home(common)?)?.find_comparison(name)?;
    let mut session = open(common)?;
    session.send(Command::Order(id, Order::Resume));
    follow(session, common)
}

pub fn follow(mut session: Session, common: &Common) -> Result<Outcome> {
    let interrupted = interruption()?;
    let mut view = View {
        json: common.json,
        bar: ProgressBar::new(0),
        begun: false,
        said: BTreeSet::new(),
        standings: BTreeMap::new(),
    };
    let style =
        ProgressStyle::with_template("{bar:30} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    view.bar.set_style(style);
    let mut waiting = Waiting::new(common.json);
    let outcome = loop {
        session.wait(Duration::from_millis(100));
        waiting.show(session.state.preparing);
        let newest = session.state.newest_comparison.clone();
        let failed_to_start = notices(&mut session, &view.bar, common) && newest.is_none();
        if failed_to_start {
            break Outcome::Failed;
        }
        if interrupted.swap(false, Ordering::SeqCst) {
            let Some(id) = newest.clone() else { break Outcome::Interrupted };
            session.send(Command::Order(id, Order::Control(Control::Stop)));
        }
        let Some(info) = newest.and_then(|id| session.state.comparisons.get(&id)) else { continue };
        let entrants = session.state.entrants(info);
        view.show(info, &entrants);
        let found = info.experiment.search.as_ref().map(|search| (search, session.state.found(info)));
        if let Some((search, found)) = &found {
            view.trials(info, search, found);
        }
        match &info.phase {
            Phase::Running => {}
            Phase::Paused | Phase::Stopped | Phase::Elsewhere => {
                view.bar.finish_and_clear();
                if common.json {
                    line(json!({ "event": "stopped", "comparison": info.id }));
                } else {
                    line(format!("Stopped: {} resume {} goes on from there", program(), info.id));
                }
                break Outcome::Interrupted;
            }
            Phase::Finished => {
                view.bar.finish_and_clear();
                match found {
                    Some((search, found)) => {
                        sweep::show(&info.id, &info.experiment, search, &found, common.json)
                    }
                    None => finished(info, &session.state.results(info), common.json),
                }
                break Outcome::Done;
            }
            Phase::Failed(message) => {
                view.bar.finish_and_clear();
                complain(format!("{message}\n{} resume {} tries again", program(), info.id));
                break Outcome::Failed;
            }
        }
    };
    session.close();
    Ok(outcome)
}

/// What has been shown so far.
struct View {
    json: bool,
    bar: ProgressBar,
    begun: bool,
    /// Cells whose end was printed.
    said: BTreeSet<Cell>,
    /// Of a sweep: where its trials stood when that was printed.
    standings: BTreeMap<usize, Standing>,
}

impl View {
    fn show(&mut self, info: &ComparisonInfo, entrants: &BTreeMap<Cell, &Run>) {
        if !self.begun {
            self.begun = true;
            if self.json {
                line(json!({ "event": "started", "comparison": info.id, "folder": info.folder }));
            } else {
                line(format!("{}\n{}", info.id, info.folder.display()));
            }
        }
        for (cell, run) in entrants {
            let is_trial = info.experiment.search.is_some() && matches!(cell, Cell::Arm { .. });
            if run.phase == Phase::Finished && self.said.insert(*cell) && !is_trial {
                self.ended(info, *cell, run);
            }
        }
        let active: Vec<&&Run> = entrants.values().filter(|run| run.phase.is_active()).collect();
        let Some(first) = active.first() else { return };
        self.bar.set_length(first.progress.steps);
        self.bar.set_position(first.progress.step);
        let left = active.iter().filter_map(|run| run.secs_left()).sum::<f64>();
        let done = self.said.len();
        let rounds: usize = info.experiment.rounds().iter().map(Vec::len).sum();
        let trials = info.experiment.search.as_ref().map_or(0, |search| search.trials);
        let all = rounds + trials * info.experiment.seeds.len();
        self.bar.set_message(format!(
            "{}, {} left; {done} of {all} runs done",
            name(&first.spec.name),
            duration(left)
        ));
    }

    /// Says once how each trial of a sweep has ended; those that fell behind may still be gone on with.
    fn trials(&mut self, info: &ComparisonInfo, search: &Search, found: &Found) {
        for trial in 0..search.drawn.len() {
            let standing = info.experiment.standing(search, trial, found);
            let is_known = self.standings.insert(trial, standing) == Some(standing);
            if is_known || standing == Standing::Racing || self.json {
                continue;
            }
            let row = sweep::row(&info.experiment, search, found, trial);
            self.bar.suspend(|| line(row));
        }
    }

    fn ended(&self, info: &ComparisonInfo, cell: Cell, run: &Run) {
        let accuracy = run.latest(ACCURACY, Split::Test);
        if self.json {
            let mut event = json!({
                "event": "ended", "comparison": info.id, "run": run.id, "name": run.spec.name,
                "is_pretraining": matches!(cell, Cell::Pretraining(_)), "seed": run.spec.seed,
                "test_accuracy": accuracy, "elapsed_secs": run.progress.elapsed_secs,
            });
            add_figures(&mut event, run);
            return line(event);
        }
        let scored = accuracy
            .map_or_else(|| validated(run), |share| format!("{} of the test examples right", percent(share)));
        let took = duration(run.progress.elapsed_secs);
        self.bar.suspend(|| line(format!("{}: {scored}, after {took} of training", name(&run.spec.name))));
    }
}

fn finished(info: &ComparisonInfo, results: &Results, json: bool) {
    let experiment = &info.experiment;
    let conclusions = results.conclusions(experiment);
    if json {
        let points: Vec<Value> =
            (0..results.points.len()).map(|place| point_json(experiment, results, place)).collect();
        return line(json!({
            "event": "finished", "comparison": info.id, "control": experiment.arms[experiment.control].name,
            "budgets": points, "conclusions": conclusions,
        }));
    }
    tables(experiment, results);
    line(String::new());
    conclusions.iter().for_each(line);
}

/// A table for each point with an arm a row; of a single arm, one table with a point a row.
fn tables(experiment: &Experiment, results: &Results) {
    let row = |label: &str, width: usize, result: &ArmResult| {
        let [mean, difference] = figures(experiment, result);
        line(format!("  {label:<width$} {mean:<18} {difference}").trim_end());
    };
    if let [_] = experiment.arms[..] {
        let labels: Vec<_> = (0..results.points.len()).map(|place| experiment.point_label(place)).collect();
        let width = labels.iter().map(|label| label.chars().count()).max().unwrap_or_default();
        line(format!("\n{}", experiment.measured()));
        return labels
            .iter()
            .zip(&results.points)
            .for_each(|(label, point)| row(label, width, &point.arms[0]));
    }
    for (place, point) in results.points.iter().enumerate() {
        let label = experiment.point_label(place);
        let with = if label.is_empty() { String::new() } else { format!(" with {label}") };
        line(format!("\n{}{with}", experiment.measured()));
        experiment.arms.iter().zip(&point.arms).for_each(|(arm, result)| row(&name(&arm.name), 28, result));
    }
}

/// The mean with its deviation, and the difference from the control with its interval.
fn figures(experiment: &Experiment, result: &ArmResult) -> [String; 2] {
    let metric = experiment.metric;
    let (scale, points) = match metric.unit {
        Unit::Share => (100.0, " points"),
        Unit::Number => (1.0, ""),
    };
    let mean = result.mean.map_or("–".into(), |mean| match metric.unit {
        Unit::Share => percent(mean),
        Unit::Number => format!("{mean:.4}"),
    });
    let deviation =
        result.deviation.map_or(String::new(), |deviation| format!(" ± {:.2}", deviation * scale));
    let difference = result.difference.map_or(String::new(), |difference| {
        let interval = difference.interval.map_or(String::new(), |[low, high]| {
            format!(" (95 % interval {} to {})", signed(metric, low), signed(metric, high))
        });
        format!("{}{points}{interval}", signed(metric, difference.mean))
    });
    [mean + &deviation, difference]
}

fn point_json(experiment: &Experiment, results: &Results, place: usize) -> Value {
    let figure = format!("{}_{}", experiment.split.id(), experiment.metric.id);
    let arms = experiment.arms.iter().zip(&results.points[place].arms).map(|(arm, result)| {
        let difference = result.difference.map(|difference| {
            json!({ "mean": difference.mean, "interval": difference.interval, "races": difference.races })
        });
        let races = result.values.iter().map(|(seed, value)| json!({ "seed": seed, &figure: value }));
        json!({
            "arm": arm.name, "mean": result.mean, "deviation": result.deviation, "difference": difference,
            "races": races.collect::<Vec<_>>(),
        })
    });
    let mut point = json!({ "arms": arms.collect::<Vec<_>>() });
    for setting in experiment.point(place) {
        point[setting.name()] = match setting {
            Setting::Param(_, _, value) if value.fract() == 0.0 => json!(*value as i64),
            Setting::Param(_, _, value) => json!(value),
            other => json!(other.short()),
        };
    }
    point
}
