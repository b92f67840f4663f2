//! `train` and `resume`: a run with a progress bar on a terminal, lines elsewhere, JSON on request.
use super::{
    Common, Outcome, compare, open,
    output::{complain, line, program},
    recipes, rewind,
    waiting::Waiting,
    watch::View,
};
use crate::{
    experiment::step_at,
    metrics::{LOSS, Split},
    presets,
    protocol::{Command, Control, Level, Phase, RunId},
    runs::Home,
    session::{Run, Session, catalog, forking},
    spec::RunSpec,
};
use anyhow::{Context as _, Result, ensure};
use indicatif::ProgressBar;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

pub fn start(
    config: &Path,
    set: &[String],
    name: Option<String>,
    until: Option<f64>,
    common: &Common,
) -> Result<Outcome> {
    let spec = recipes::named(config, set, name)?;
    let mut session = open(common)?;
    session.send(Command::Start(Box::new(spec)));
    follow(session, until, common)
}

/// Trains the first preset where no window can be opened, and says what can be done with it afterwards.
///
/// # Errors
/// Where no run can be started.
pub fn first(common: &Common) -> Result<Outcome> {
    let preset = &presets::ALL[0];
    let spec = RunSpec::from_toml(preset.text, &[], &catalog())?;
    complain(format!(
        "Here it trains the preset {} instead. Ctrl-C saves a checkpoint and stops.\n",
        preset.id
    ));
    let mut session = open(common)?;
    session.send(Command::Start(Box::new(spec)));
    let (outcome, run) = follow_to_the_end(session, None, common)?;
    if let (Outcome::Done, Some(run), false) = (&outcome, run, common.json) {
        suggest(&run);
    }
    Ok(outcome)
}

/// The commands that follow a first training.
fn suggest(run: &RunId) {
    let program = program();
    line("\nWhat can be done next:");
    for (command, what) in [
        (format!("predict {run} drawing.png"), "what is drawn in a picture?"),
        (format!("evaluate {run} --split test"), "which digits are confused?"),
        ("train contrastive".into(), "learn without labels"),
        ("compare head_start".into(), "what does pretraining gain?"),
        ("--help".into(), "every command"),
    ] {
        line(format!("  {program} {command:<60} {what}"));
    }
}

pub fn resume(name: &str, set: &[String], until: Option<f64>, common: &Common) -> Result<Outcome> {
    let home = Home::open(super::home(common)?)?;
    let name = rewind::dated(&home, name)?;
    let (name, step) = rewind::at_step(&name);
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
    follow(session, until, common)
}

/// Goes on from a moment of a run in a new one beside it.
///
/// # Errors
/// Where the run has no such checkpoint, or `set` does not fit.
pub fn fork(name: &str, set: &[String], common: &Common) -> Result<Outcome> {
    let (home, catalog) = (Home::open(super::home(common)?)?, catalog());
    let name = rewind::dated(&home, name)?;
    let (name, step) = rewind::at_step(&name);
    let run = home.find(name)?;
    let folder = home.folder(&run);
    let kept = folder.checkpoints();
    let step = step.or(kept.last().copied()).context("The run has no checkpoint yet: fork it later")?;
    ensure!(kept.contains(&step), "The run has no checkpoint of step {step}: choose one of {kept:?}");
    let live = folder.checkpoint_state(step)?.live;
    let spec = forking::forked(&folder.spec(&catalog)?, &live, &run, Some(step), &catalog);
    begin(&spec, set, common)
}

/// Trains a run's recipe again, with every live change that was made to it as a script.
///
/// # Errors
/// Where the run cannot be read, or `set` does not fit.
pub fn replay(name: &str, set: &[String], common: &Common) -> Result<Outcome> {
    let (home, catalog) = (Home::open(super::home(common)?)?, catalog());
    let run = home.find(name)?;
    let info = home.folder(&run).info(&run, &catalog)?;
    begin(&forking::replayed(&info.spec, &info.changes, info.progress.step, &catalog), set, common)
}

/// Trains a spec that came from another run, with other values.
fn begin(spec: &RunSpec, set: &[String], common: &Common) -> Result<Outcome> {
    let catalog = catalog();
    let spec = RunSpec::from_toml(&spec.to_toml(&catalog), set, &catalog)?;
    let mut session = open(common)?;
    session.send(Command::Start(Box::new(spec)));
    follow(session, None, common)
}

fn follow(session: Session, until: Option<f64>, common: &Common) -> Result<Outcome> {
    Ok(follow_to_the_end(session, until, common)?.0)
}

/// Reads a share of a run, as a part of `--until`.
pub fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| "a share of the run is more than 0 and at most 1".into())
}

/// The run that trains here, which may be one of a comparison.
fn newest(session: &Session) -> Option<RunId> {
    let mut runs = session.state.runs.values();
    let trained_here = || runs.find(|run| run.phase.is_active()).map(|run| run.id.clone());
    session.state.newest.clone().or_else(trained_here)
}

/// Whether a run has been validated after that share of its steps.
fn has_reached(run: &Run, share: f64) -> bool {
    let step = step_at(share, run.progress.steps);
    let validated = run.curve(LOSS, Split::Validation).last();
    share < 1.0 && validated.is_some_and(|point| step > 0 && point[0] >= step as f64)
}

/// Shows the newest run until it ends or has come so far; also says which it was.
pub fn follow_to_the_end(
    mut session: Session,
    until: Option<f64>,
    common: &Common,
) -> Result<(Outcome, Option<RunId>)> {
    let interrupted = interruption()?;
    let mut view = View::new(common);
    let mut waiting = Waiting::new(common.json || common.quiet);
    let mut followed = None;
    let outcome = loop {
        session.wait(Duration::from_millis(100));
        waiting.show(session.state.preparing);
        followed = followed.or_else(|| newest(&session));
        let id = followed.clone();
        let at_goal = id.as_ref().and_then(|id| session.state.runs.get(id)).zip(until);
        let at_goal = at_goal.is_some_and(|(run, share)| has_reached(run, share));
        if at_goal || interrupted.load(Ordering::SeqCst) {
            let Some(id) = &id else { break Outcome::Interrupted };
            session.send(Command::Control(id.clone(), Control::Stop));
            while session.state.runs.get(id).is_some_and(|run| run.phase.is_active()) {
                session.wait(Duration::from_millis(100));
            }
        }
        let failed_to_start = notices(&mut session, &view.bar, common) && id.is_none();
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
            Phase::Stopped if at_goal => break Outcome::Done,
            Phase::Stopped | Phase::Elsewhere => break Outcome::Interrupted,
            Phase::Finished => break Outcome::Done,
            Phase::Failed(_) => break Outcome::Failed,
        }
    };
    let last = followed.and_then(|id| session.state.runs.get(&id).cloned());
    session.close();
    if let Some(run) = &last {
        view.end(run);
    }
    Ok((outcome, last.map(|run| run.id)))
}

/// Becomes true at Ctrl-C, which ends nothing by itself any more.
pub fn interruption() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = interrupted.clone();
    ctrlc::set_handler(move || flag.store(true, Ordering::SeqCst)).context("Could not listen for Ctrl-C")?;
    Ok(interrupted)
}

/// Prints new notices; says whether one of them is an error.
pub fn notices(session: &mut Session, bar: &ProgressBar, common: &Common) -> bool {
    let notices = std::mem::take(&mut session.state.notices);
    for notice in notices.iter().filter(|notice| !common.quiet || notice.level != Level::Info) {
        bar.suspend(|| complain(&notice.text));
    }
    notices.iter().any(|notice| notice.level == Level::Error)
}
