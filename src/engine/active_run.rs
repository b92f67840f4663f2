//! A run in the worker's hands: its trainer, its folder, and the rules by which one is written into the other.
use super::{
    outbox::Outbox,
    trainer::{Advance, Origin, Trainer, Verdict},
};
use crate::{
    data::Dataset,
    metrics::Point,
    models::Weights,
    protocol::{Change, Control, Event, Level, Phase, Progress, RunId, RunInfo},
    runs::{CheckpointState, Entry, MetricsFile, RunFolder, RunLock},
    spec::{Catalog, KEEP_CHECKPOINTS, LiveParams, RunSpec, dotted},
    told::told,
};
use anyhow::{Context as _, Result};
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

pub struct ActiveRun {
    pub id: RunId,
    pub phase: Phase,
    pub trainer: Trainer,
    /// Turns this run has had; the run with the fewest goes next.
    pub turns: u64,
    folder: RunFolder,
    _lock: RunLock,
    metrics: MetricsFile,
    /// Logged changes that lie ahead, when a crash took steps back.
    replay: VecDeque<Change>,
    single_step: bool,
    /// A checkpoint could not be written, and must be before training goes on.
    save_due: bool,
    pace: Pace,
    last_timing: Instant,
}

/// Images a second over about the last twenty batches.
#[derive(Default)]
struct Pace {
    images: f64,
    secs: f64,
}

impl Pace {
    fn add(&mut self, images: usize, took: Duration) {
        self.images = self.images * 0.95 + images as f64;
        self.secs = self.secs * 0.95 + took.as_secs_f64();
    }

    fn images_per_sec(&self) -> f64 {
        if self.secs > 0.0 { self.images / self.secs } else { 0.0 }
    }
}

impl ActiveRun {
    /// Opens the folder of a run and begins, or goes on from the newest checkpoint that can be read.
    ///
    /// # Errors
    /// Where another program trains the run, its folder is damaged, or spec and data do not fit.
    pub fn open(
        id: RunId,
        folder: RunFolder,
        spec: RunSpec,
        dataset: Arc<Dataset>,
        init: Option<&Weights>,
        catalog: &Catalog,
    ) -> Result<Self> {
        let lock = folder.lock()?;
        let changes = folder.info(&id, catalog)?.changes;
        let checkpoint = newest_checkpoint(&folder);
        let step = checkpoint.as_ref().map_or(0, |state| state.step);
        let (past, ahead): (Vec<Change>, _) = changes.into_iter().partition(|change| change.step <= step);
        let live = past.last().map_or_else(|| catalog.live_params(&spec), |change| change.values.clone());
        let metrics = MetricsFile::open(&folder, checkpoint.as_ref().map_or(0, |state| state.metrics_bytes))?;
        let path = folder.checkpoint(step);
        let origin = match (checkpoint, init) {
            (Some(state), _) => Origin::Checkpoint(state, &path),
            (None, Some(weights)) => Origin::Weights(weights),
            (None, None) => Origin::Fresh,
        };
        let trainer = Trainer::new(spec, live, dataset, origin)?;
        Ok(Self {
            id,
            phase: Phase::Running,
            trainer,
            turns: 0,
            folder,
            _lock: lock,
            metrics,
            replay: ahead.into(),
            single_step: false,
            save_due: false,
            pace: Pace::default(),
            last_timing: Instant::now(),
        })
    }

    /// What the faces need to show the run.
    ///
    /// # Errors
    /// Where its folder cannot be read.
    pub fn info(&self, catalog: &Catalog) -> Result<RunInfo> {
        let mut info = self.folder.info(&self.id, catalog)?;
        let step = self.trainer.state.step as f64;
        info.timing.retain(|moment| moment[0] <= step);
        info.changes.retain(|change| change.step as f64 <= step);
        Ok(RunInfo {
            phase: self.phase.clone(),
            live: self.trainer.live.clone(),
            progress: self.progress(),
            ..info
        })
    }

    pub fn progress(&self) -> Progress {
        let moment = self.trainer.moment();
        Progress {
            step: moment.step,
            steps: moment.steps,
            steps_per_epoch: moment.steps_per_epoch,
            elapsed_secs: self.trainer.state.elapsed_secs,
            images_per_sec: self.pace.images_per_sec(),
        }
    }

    /// Does one batch of work and writes down what came of it.
    ///
    /// # Errors
    /// Where the run cannot go on. A disk that cannot be written only pauses it.
    pub fn advance(&mut self, outbox: &mut Outbox) -> Result<()> {
        if self.save_due && !self.save(outbox) {
            return Ok(());
        }
        self.replay_changes(outbox);
        let began = Instant::now();
        let advanced = self.trainer.advance()?;
        let took = began.elapsed();
        self.trainer.state.elapsed_secs += took.as_secs_f64();
        self.turns += 1;
        match advanced {
            Advance::Scored => {}
            Advance::Labelled { points } => self.record(points, outbox),
            Advance::Trained { points, images } => {
                self.pace.add(images, took);
                self.record(points, outbox);
                if std::mem::take(&mut self.single_step) {
                    self.enter(Phase::Paused, outbox);
                }
            }
            Advance::Validated { points, verdict } => self.validated(points, verdict, outbox)?,
            Advance::Finished { points } => {
                self.record(points, outbox);
                if self.save(outbox) {
                    self.enter(Phase::Finished, outbox);
                }
            }
        }
        self.log_timing(outbox);
        Ok(())
    }

    pub fn control(&mut self, control: Control, outbox: &mut Outbox) {
        self.single_step = control == Control::Step;
        match control {
            Control::Pause => self.enter(Phase::Paused, outbox),
            Control::Step | Control::Continue => self.enter(Phase::Running, outbox),
            Control::Stop => {
                self.save(outbox);
                self.enter(Phase::Stopped, outbox);
            }
        }
    }

    /// Sets every live hyperparameter; a person's change ends the replay of older ones.
    pub fn tune(&mut self, live: LiveParams, catalog: &Catalog, outbox: &mut Outbox) {
        if live == self.trainer.live {
            return;
        }
        if let Some(wrong) = first_wrong(&live, &self.trainer.spec, catalog) {
            return outbox.notice(Level::Warning, wrong);
        }
        self.replay.clear();
        let entry = Entry::Tuned { step: self.trainer.state.step, values: live.clone() };
        if let Err(error) = self.folder.log(&entry) {
            outbox.notice(Level::Error, told(&error));
        }
        self.set_live(live, outbox);
    }

    /// Changes the phase, in the log and for the faces.
    pub fn enter(&mut self, phase: Phase, outbox: &mut Outbox) {
        if phase == self.phase {
            return;
        }
        self.phase = phase.clone();
        outbox.progress(&self.id, self.progress());
        self.write_timing(outbox);
        self.log(&Entry::new_phase(&phase), outbox);
        outbox.push(Event::Phase(self.id.clone(), phase));
    }

    fn validated(&mut self, points: Vec<Point>, verdict: Verdict, outbox: &mut Outbox) -> Result<()> {
        self.record(points, outbox);
        if verdict == Verdict::OutOfPatience {
            let (best, _) = self.trainer.state.best.context("a validation has no best")?;
            self.trainer.restore_weights(&self.folder.checkpoint(best))?;
            let text = format!("Stopped early: the best weights, of step {best}, are back");
            self.log(&Entry::Notice { text: text.clone() }, outbox);
            outbox.notice(Level::Info, text);
        }
        self.save(outbox);
        Ok(())
    }

    fn record(&mut self, points: Vec<Point>, outbox: &mut Outbox) {
        self.metrics.push(&points);
        outbox.points(&self.id, points);
        outbox.progress(&self.id, self.progress());
    }

    /// Writes a checkpoint; where that fails, pauses the run, says why, and returns false.
    fn save(&mut self, outbox: &mut Outbox) -> bool {
        match self.try_save() {
            Ok(()) => {
                outbox.push(Event::Saved(self.id.clone(), self.trainer.state.step));
                self.save_due = false;
            }
            Err(error) => {
                self.save_due = true;
                let text = format!(
                    "The run is paused and loses nothing: free some space, then continue. {}",
                    told(&error)
                );
                outbox.notice(Level::Error, text);
                self.enter(Phase::Paused, outbox);
            }
        }
        !self.save_due
    }

    fn try_save(&mut self) -> Result<()> {
        let metrics_bytes = self.metrics.flush()?;
        let state =
            CheckpointState { metrics_bytes, live: self.trainer.live.clone(), ..self.trainer.state.clone() };
        self.folder.save_checkpoint(&state, |folder| self.trainer.save(folder))?;
        let keep = self.trainer.spec.training(&KEEP_CHECKPOINTS) as usize;
        self.folder.prune(keep, state.best.map(|(step, _)| step))
    }

    fn replay_changes(&mut self, outbox: &mut Outbox) {
        while self.replay.front().is_some_and(|change| change.step <= self.trainer.state.step) {
            if let Some(change) = self.replay.pop_front() {
                self.set_live(change.values, outbox);
            }
        }
    }

    fn set_live(&mut self, live: LiveParams, outbox: &mut Outbox) {
        if live == self.trainer.live {
            return;
        }
        self.trainer.live.clone_from(&live);
        outbox.push(Event::Tuned(self.id.clone(), Change { step: self.trainer.state.step, values: live }));
    }

    fn log_timing(&mut self, outbox: &mut Outbox) {
        if self.last_timing.elapsed() >= Duration::from_secs(1) {
            self.write_timing(outbox);
            if let Err(error) = self.metrics.flush() {
                outbox.notice(Level::Warning, told(&error));
            }
        }
    }

    fn write_timing(&mut self, outbox: &mut Outbox) {
        self.last_timing = Instant::now();
        let Progress { step, steps, steps_per_epoch, elapsed_secs, images_per_sec } = self.progress();
        self.log(&Entry::Timing { step, steps, steps_per_epoch, elapsed_secs, images_per_sec }, outbox);
    }

    fn log(&self, entry: &Entry, outbox: &mut Outbox) {
        if let Err(error) = self.folder.log(entry) {
            outbox.notice(Level::Warning, told(&error));
        }
    }
}

/// The state of the newest checkpoint that can be read.
pub fn newest_checkpoint(folder: &RunFolder) -> Option<CheckpointState> {
    folder.checkpoints().into_iter().rev().find_map(|step| folder.checkpoint_state(step).ok())
}

/// What is wrong with live hyperparameters that somebody sent.
fn first_wrong(live: &LiveParams, spec: &RunSpec, catalog: &Catalog) -> Option<String> {
    let known = catalog.live_params(spec);
    if !live.keys().eq(known.keys()) {
        return Some("These are not the live hyperparameters of the run".into());
    }
    catalog.params(spec).filter(|(_, param)| param.live).find_map(|(section, param)| {
        let wrong = param.check(*live.get(&dotted(section, param))?)?;
        Some(format!("{}: {wrong}", param.label))
    })
}
