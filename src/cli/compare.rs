//! `compare`: the races of a comparison, one after the other, and what may be concluded from them.
use super::{
    Common, Outcome, open,
    output::{complain, duration, line, percent, program, signed},
    recipes,
    train::{interruption, notices},
    waiting::Waiting,
    watch::{add_figures, validated},
};
use crate::{
    comparison::{Cell, Results, labels},
    errors::name,
    metrics::{ACCURACY, Split},
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
    let comparison = recipes::comparison(config, set)?;
    let mut session = open(common)?;
    session.send(Command::Compare(Box::new(comparison)));
    follow(session, common)
}

/// Goes on with a comparison that was stopped.
pub fn resume(name: &str, common: &Common) -> Result<Outcome> {
    let id = Home::open(super::home(common)?)?.find_comparison(name)?;
    let mut session = open(common)?;
    session.send(Command::Order(id, Order::Resume));
    follow(session, common)
}

fn follow(mut session: Session, common: &Common) -> Result<Outcome> {
    let interrupted = interruption()?;
    let mut view = View { json: common.json, bar: ProgressBar::new(0), begun: false, said: BTreeSet::new() };
    let style =
        ProgressStyle::with_template("{bar:30} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    view.bar.set_style(style);
    let mut waiting = Waiting::new(common.json);
    let outcome = loop {
        session.wait(Duration::from_millis(100));
        waiting.show(session.state.preparing);
        let newest = session.state.newest_comparison.clone();
        let failed_to_start = notices(&mut session, &view.bar) && newest.is_none();
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
                finished(info, &session.state.results(info), common.json);
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
    /// Cells whose end was told.
    said: BTreeSet<Cell>,
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
            if run.phase == Phase::Finished && self.said.insert(*cell) {
                self.ended(info, *cell, run);
            }
        }
        let active: Vec<&&Run> = entrants.values().filter(|run| run.phase.is_active()).collect();
        let Some(first) = active.first() else { return };
        self.bar.set_length(first.progress.steps);
        self.bar.set_position(first.progress.step);
        let left = active.iter().filter_map(|run| run.secs_left()).sum::<f64>();
        let done = self.said.len();
        let all: usize = info.comparison.rounds().iter().map(Vec::len).sum();
        self.bar.set_message(format!(
            "{}, {} left; {done} of {all} runs done",
            name(&first.spec.name),
            duration(left)
        ));
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
            .map_or_else(|| validated(run), |share| format!("{} of the test images right", percent(share)));
        let took = duration(run.progress.elapsed_secs);
        self.bar.suspend(|| line(format!("{}: {scored}, after {took} of training", name(&run.spec.name))));
    }
}

fn finished(info: &ComparisonInfo, results: &Results, json: bool) {
    let conclusions = results.conclusions(&info.comparison);
    if json {
        let budgets: Vec<Value> = results.budgets.iter().map(|budget| budget_json(info, budget)).collect();
        return line(json!({
            "event": "finished", "comparison": info.id, "control": info.comparison.arms[info.comparison.control()].name,
            "budgets": budgets, "conclusions": conclusions,
        }));
    }
    for budget in &results.budgets {
        line(format!("\nTest accuracy with {}", labels(budget.labels_per_class)));
        for (arm, result) in info.comparison.arms.iter().zip(&budget.arms) {
            let mean = result.mean.map_or("–".into(), percent);
            let deviation =
                result.deviation.map_or(String::new(), |share| format!(" ± {:.2}", share * 100.0));
            let difference = result.difference.map_or(String::new(), |difference| {
                let interval = difference.interval.map_or(String::new(), |[low, high]| {
                    format!(" (95 % interval {} to {})", signed(low * 100.0), signed(high * 100.0))
                });
                format!("{} points{interval}", signed(difference.mean * 100.0))
            });
            line(format!("  {:<28} {:<18} {difference}", name(&arm.name), format!("{mean}{deviation}")));
        }
    }
    line(String::new());
    conclusions.iter().for_each(line);
}

fn budget_json(info: &ComparisonInfo, budget: &crate::comparison::BudgetResult) -> Value {
    let arms = info.comparison.arms.iter().zip(&budget.arms).map(|(arm, result)| {
        let difference = result.difference.map(|difference| {
            json!({ "mean": difference.mean, "interval": difference.interval, "races": difference.races })
        });
        let accuracies = result
            .accuracies
            .iter()
            .map(|(seed, accuracy)| json!({ "seed": seed, "test_accuracy": accuracy }));
        json!({
            "arm": arm.name, "mean": result.mean, "deviation": result.deviation, "difference": difference,
            "races": accuracies.collect::<Vec<_>>(),
        })
    });
    json!({ "labels_per_class": budget.labels_per_class, "arms": arms.collect::<Vec<_>>() })
}
