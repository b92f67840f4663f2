//! What the program's log says of runs, comparisons, data sets and notices. Names are written with escapes, as they may
//! come from elsewhere.
use super::State;
use crate::protocol::{
    Event, Level, Notice, Phase,
    data::{DataReport, Fetch, FetchPhase},
};
use tracing::{error, info, warn};

/// Logs an event that `state` does not hold yet. Batches, drawings and answers are not logged.
pub fn event(event: &Event, state: &State) {
    match event {
        Event::Run(info) if info.phase == Phase::Running => {
            let step = info.progress.step;
            info!(run = ?info.id, step, "{}", if step == 0 { "started" } else { "resumed" });
        }
        Event::Phase(run, phase) => {
            let step = state.runs.get(run).map(|run| run.progress.step);
            match phase {
                Phase::Failed(text) => error!(?run, step, "failed: {text}"),
                phase => info!(?run, step, "{}", name(phase)),
            }
        }
        Event::ComparisonPhase(comparison, Phase::Failed(text)) => error!(?comparison, "failed: {text}"),
        Event::ComparisonPhase(comparison, phase) => info!(?comparison, "{}", name(phase)),
        Event::Notice(notice) => self::notice(notice),
        _ => {}
    }
}

/// Logs how opening or fetching a data set ended, and the data thread's notices.
pub fn report(report: &DataReport) {
    match report {
        DataReport::Opened(opened) => {
            if let Err(text) = &opened.found {
                warn!(dataset = opened.dataset.id, "could not be opened: {text}");
            }
        }
        DataReport::Fetch(Fetch { dataset, phase }) => match phase {
            FetchPhase::Running { .. } => {}
            FetchPhase::Stopped => info!(dataset, "fetching was stopped"),
            FetchPhase::Failed(text) => warn!(dataset, "could not be fetched: {text}"),
            FetchPhase::Done => info!(dataset, "fetched"),
        },
        DataReport::Notice(notice) => self::notice(notice),
        _ => {}
    }
}

/// Logs a notice at its level.
pub fn notice(Notice { about, level, text }: &Notice) {
    match level {
        Level::Info => info!(?about, "{text}"),
        Level::Warning => warn!(?about, "{text}"),
        Level::Error => error!(?about, "{text}"),
    }
}

fn name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Running => "running",
        Phase::Paused => "paused",
        Phase::Elsewhere => "trained by another program",
        Phase::Stopped => "stopped",
        Phase::Finished => "finished",
        Phase::Failed(_) => "failed",
    }
}
