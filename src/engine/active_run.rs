//! A run that the worker trains: its trainer, its folder, and what is written into it when.
use super::{
    outbox::Outbox,
    resumption::{first_wrong, live, newest, without_lost_best},
    trainer::{Advance, Origin, Trainer, Verdict},
};
use crate::{
    data::Dataset,
    errors::{At as _, Remark, message},
    metrics::{LOSS, Point, Split},
    models::Weights,
    protocol::{About, Control, Event, Level, Phase, Preparing, Progress, Remedy, RunId, RunInfo},
    runs::{CheckpointState, Entry, MetricsFile, RunFolder, RunLock, Tuned},
    spec::{Catalog, EPOCHS, KEEP_CHECKPOINTS, LiveParams, RunSpec},
};
use anyhow::{Context as _, Result, anyhow, ensure};
use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

mod failing;
mod pace;
use pace::Pace;

pub struct ActiveRun {
    pub id: RunId,
    pub phase: Phase,
    pub trainer: Trainer,
    /// Turns this run has had; the run with the fewest goes next.
    pub turns: u64,
    /// Problems found when the run was opened, in sentences, for the user.
    pub warnings: Vec<String>,
    folder: RunFolder,
    lock: RunLock,
    metrics: MetricsFile,
    /// Live changes that the log holds for steps after the resumed checkpoint, to be made again at those steps.
    replay: VecDeque<Tuned>,
    single_step: bool,
    /// The last checkpoint could not be written: it is tried again before training continues.
    save_due: bool,
    /// The test examples have been scored and `metrics` holds the result; at most the last checkpoint is missing.
    evaluated: bool,
    pace: Pace,
    /// What is being done between two steps, such as validation, and the training time in seconds when it began.
    aside: Option<(&'static str, f64)>,
    last_timing: Instant,
}

/// Work between two steps is shown once it has taken this many seconds, so that no line flickers.
const LONG_SECS: f64 = 1.0;

impl ActiveRun {
    /// Begins a run in its new folder.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn begin(id: RunId, folder: RunFolder, trainer: Trainer) -> Result<Self> {
        let lock = folder.lock()?;
        Self::new(id, folder, lock, trainer)
    }

    /// Goes on from the newest checkpoint that is whole, or begins again where there is none; `entries` is the log.
    ///
    /// # Errors
    /// Where another program trains the run, its folder is damaged, or spec and data do not fit.
    pub fn resume(
        id: RunId,
        folder: RunFolder,
        (spec, entries): (&RunSpec, &[Entry]),
        dataset: Arc<Dataset>,
        init: Option<&Weights>,
        catalog: &Catalog,
    ) -> Result<Self> {
        let lock = folder.lock()?;
        folder.recover()?;
        folder.check_data(&dataset)?;
        let origin = init.map_or(Origin::Fresh, Origin::Weights);
        let mut trainer = Trainer::new(spec.clone(), catalog.live_params(spec), dataset, origin)?;
        let found =
            newest(&folder, |state, path| trainer.go_on(without_lost_best(state.clone(), &folder), path))?;
        ensure!(
            found.is_some() || spec.branch.is_none(),
            anyhow!(
                "The checkpoints of this run are gone, and it cannot begin again, as it went on from another run:                  fork that one again"
            )
            .at(&folder.path)
        );
        let state = found.as_ref().map(|found| &found.state);
        let (live, replay) = live(&folder, spec, catalog, entries, state)?;
        trainer.live = live;
        let mut run = Self::new(id, folder, lock, trainer)?;
        run.replay = replay.into();
        run.warnings.splice(0..0, found.and_then(|found| found.passed_over));
        Ok(run)
    }

    fn new(id: RunId, folder: RunFolder, lock: RunLock, trainer: Trainer) -> Result<Self> {
        let metrics = MetricsFile::open(&folder, trainer.state.metrics_bytes)?;
        let mut run = Self {
            id,
            phase: Phase::Running,
            trainer,
            turns: 0,
            warnings: vec![],
            folder,
            lock,
            metrics,
            replay: VecDeque::new(),
            single_step: false,
            save_due: false,
            evaluated: false,
            pace: Pace::default(),
            aside: None,
            last_timing: Instant::now(),
        };
        run.look_back()?;
        Ok(run)
    }

    /// Goes back to the checkpoint of a step, and on from there with other live hyperparameters.
    ///
    /// # Errors
    /// Where there is no such checkpoint, it cannot be used, or the hyperparameters are not allowed. Nothing is lost then.
    pub fn rewind(&mut self, step: u64, live: LiveParams, catalog: &Catalog) -> Result<()> {
        let kept = self.folder.checkpoints();
        ensure!(kept.contains(&step), "The run has no checkpoint of step {step}: choose one of {kept:?}");
        if let Some(wrong) = first_wrong(&live, &self.trainer.spec, catalog) {
            return Err(anyhow!(wrong));
        }
        let mut state = without_lost_best(self.folder.checkpoint_state(step)?, &self.folder);
        let had_ended = std::mem::take(&mut state.trained);
        if had_ended {
            state.validations_since_best = 0;
        }
        self.trainer.go_on(state, &self.folder.checkpoint(step))?;
        let (steps, epochs) = (self.trainer.position().steps, self.trainer.spec.training(&EPOCHS));
        ensure!(
            !had_ended || step < steps,
            "The run has done {step} steps, and {epochs} epochs have {steps}: choose more epochs, or an earlier checkpoint"
        );
        // The newest goes first: whenever the program ends, a whole run is left.
        self.folder.discard_after(step)?;
        self.metrics = MetricsFile::open(&self.folder, self.trainer.state.metrics_bytes)?;
        self.folder.log(&Entry::Tuned(Tuned { step, values: live.clone() }))?;
        self.trainer.live = live;
        self.replay.clear();
        self.look_back()?;
        if had_ended {
            // Before its spec has more epochs, its newest checkpoint has to say that it goes on.
            self.try_save()?;
        }
        Ok(())
    }

    /// Reads from the metrics what checkpoints do not hold: the first loss, and whether the run has been tested.
    fn look_back(&mut self) -> Result<()> {
        let state = &self.trainer.state;
        let (saved, kept) = (state.metrics_bytes, self.metrics.bytes());
        if kept < saved {
            let text = format!(
                "metrics.csv ended at byte {kept}, and the checkpoint of step {} says {saved}: a part of the curves \
                 before that step is lost. The weights are not",
                state.step
            );
            self.warnings.push(Remark::new(text, &self.folder.path).to_string());
        }
        let (mut first_loss, mut evaluated) = (None, false);
        self.folder.each_point(|point| {
            if point.split == Split::Train && point.metric == LOSS {
                first_loss.get_or_insert(point.value);
            }
            evaluated |= point.split == Split::Test && point.step == state.step && state.trained;
        })?;
        self.trainer.losses.first = self.trainer.state.first_loss.or(first_loss);
        self.evaluated = evaluated;
        Ok(())
    }

    /// The run as the faces show it: `info`, read from its folder, brought up to date.
    pub fn info(&self, mut info: RunInfo) -> RunInfo {
        let step = self.trainer.state.step as f64;
        info.timing.retain(|moment| moment[0] <= step);
        info.changes.retain(|change| change.step as f64 <= step);
        RunInfo {
            phase: self.phase.clone(),
            remedy: None,
            live: self.trainer.live.clone(),
            progress: self.progress(),
            ..info
        }
    }

    fn about(&self) -> About {
        About::Run(self.id.clone())
    }

    pub fn progress(&self) -> Progress {
        let (position, secs) = (self.trainer.position(), self.trainer.state.elapsed_secs);
        let aside = self.trainer.aside().zip(self.aside).map(|((what, done, total), (_, began))| {
            (secs - began, Preparing::after(secs - began, what, done as u64, total as u64))
        });
        Progress {
            aside: aside.filter(|(took, _)| *took >= LONG_SECS).map(|(_, aside)| aside),
            step: position.step,
            steps: position.steps,
            steps_per_epoch: position.steps_per_epoch,
            elapsed_secs: secs,
            examples_per_sec: self.pace.examples_per_sec(),
        }
    }

    /// Processes one batch and records the results.
    ///
    /// # Errors
    /// Where the run cannot go on. A disk that cannot be written only pauses it.
    pub fn advance(&mut self, outbox: &mut Outbox) -> Result<()> {
        if self.save_due && !self.save(outbox)? {
            return Ok(());
        }
        if self.evaluated {
            self.enter(Phase::Finished, outbox);
            return Ok(());
        }
        self.replay_changes(outbox);
        let began = Instant::now();
        let advanced = self.trainer.advance()?;
        let took = began.elapsed();
        self.trainer.state.elapsed_secs += took.as_secs_f64();
        self.turns += 1;
        let aside = self.trainer.aside().map(|(what, ..)| what);
        if aside != self.aside.map(|(what, _)| what) {
            self.aside = aside.map(|what| (what, self.trainer.state.elapsed_secs - took.as_secs_f64()));
        }
        match advanced {
            Advance::Scored => outbox.progress(&self.id, self.progress()),
            Advance::Interrupted => {}
            Advance::Labelled { points } => self.record(points, outbox),
            Advance::Trained { points, examples } => {
                self.pace.add(examples, took);
                self.record(points, outbox);
                self.follow_script(outbox);
                if std::mem::take(&mut self.single_step) {
                    self.enter(Phase::Paused, outbox);
                }
            }
            Advance::Validated { points, verdict } => self.validated(points, verdict, outbox)?,
            Advance::Finished { points } => {
                self.record(points, outbox);
                self.evaluated = true;
                if self.save(outbox)? {
                    self.enter(Phase::Finished, outbox);
                }
            }
        }
        self.log_timing(outbox)
    }

    pub fn control(&mut self, control: Control, outbox: &mut Outbox) {
        self.single_step = control == Control::Step;
        match control {
            Control::Pause => self.enter(Phase::Paused, outbox),
            Control::Step | Control::Continue => self.enter(Phase::Running, outbox),
            Control::Stop => match self.save(outbox) {
                Ok(_) => self.enter(Phase::Stopped, outbox),
                Err(error) => self.fail(&error, outbox),
            },
        }
    }

    /// Sets all live hyperparameters. A change by the user ends the replay of logged ones.
    pub fn tune(&mut self, live: LiveParams, catalog: &Catalog, outbox: &mut Outbox) {
        if live == self.trainer.live {
            return;
        }
        if let Some(wrong) = first_wrong(&live, &self.trainer.spec, catalog) {
            return outbox.notice(self.about(), Level::Warning, wrong);
        }
        self.replay.clear();
        let entry = Entry::Tuned(Tuned { step: self.trainer.state.step, values: live.clone() });
        if let Err(error) = self.folder.log(&entry) {
            outbox.notice(self.about(), Level::Error, message(&error));
        }
        self.set_live(live, outbox);
    }

    /// Changes the phase, in the log and for the faces.
    pub fn enter(&mut self, phase: Phase, outbox: &mut Outbox) {
        self.enter_with(phase, None, outbox);
    }

    fn enter_with(&mut self, phase: Phase, remedy: Option<Remedy>, outbox: &mut Outbox) {
        if phase == self.phase {
            return;
        }
        self.phase = phase.clone();
        outbox.progress(&self.id, self.progress());
        if self.lock.is_in(&self.folder) {
            self.write_timing(outbox);
            self.log(&Entry::of(&phase, remedy), outbox);
        }
        outbox.push(Event::Phase(self.id.clone(), phase));
    }

    fn validated(&mut self, points: Vec<Point>, verdict: Verdict, outbox: &mut Outbox) -> Result<()> {
        self.record(points, outbox);
        if verdict == Verdict::OutOfPatience {
            let (best, _) = self.trainer.state.best.context("a validation has no best")?;
            self.trainer.restore_weights(&self.folder.checkpoint(best))?;
            let text = format!("Stopped early: the best weights, of step {best}, are back");
            self.log(&Entry::Notice { text: text.clone() }, outbox);
            outbox.notice(self.about(), Level::Info, text);
        }
        self.save(outbox)?;
        Ok(())
    }

    fn record(&mut self, points: Vec<Point>, outbox: &mut Outbox) {
        self.metrics.push(&points);
        outbox.points(&self.id, points);
        outbox.progress(&self.id, self.progress());
    }

    /// Writes a checkpoint. Where that fails, pauses the run, says why, and returns false.
    ///
    /// # Errors
    /// Where the run's folder is gone, or the weights are ruined: the last good ones stay.
    fn save(&mut self, outbox: &mut Outbox) -> Result<bool> {
        self.ensure_folder()?;
        self.trainer.ensure_sound()?;
        match self.try_save() {
            Ok(()) => {
                outbox.push(Event::Saved(self.id.clone(), self.folder.checkpoints()));
                self.save_due = false;
            }
            Err(error) => {
                self.save_due = true;
                let text = format!(
                    "The run is paused until its checkpoint can be saved: solve that, then continue. {}",
                    message(&error)
                );
                outbox.notice(self.about(), Level::Error, text);
                self.enter(Phase::Paused, outbox);
            }
        }
        Ok(!self.save_due)
    }

    /// The metrics are synced before the checkpoint that states their length.
    fn try_save(&mut self) -> Result<()> {
        let metrics_bytes = self.metrics.sync()?;
        let state =
            CheckpointState { metrics_bytes, live: self.trainer.live.clone(), ..self.trainer.state.clone() };
        self.folder.save_checkpoint(&state, |folder| self.trainer.save(folder))?;
        // Checkpoints of later steps are those that could not be read when the run was opened.
        self.folder.discard_after(state.step)?;
        let keep = self.trainer.spec.training(&KEEP_CHECKPOINTS) as usize;
        self.folder.prune(keep, state.best.map(|(step, _)| step))
    }

    fn ensure_folder(&self) -> Result<()> {
        ensure!(
            self.lock.is_in(&self.folder),
            "The run's folder was deleted or moved while it trained: what it has learnt since its last checkpoint is lost\n\
             Folder: {}",
            self.folder.path.display()
        );
        Ok(())
    }

    fn replay_changes(&mut self, outbox: &mut Outbox) {
        while self.replay.front().is_some_and(|tuned| tuned.step <= self.trainer.state.step) {
            if let Some(tuned) = self.replay.pop_front() {
                self.set_live(tuned.values, outbox);
            }
        }
    }

    /// Makes the change that the spec plans for this step. It is logged like one by hand, so that whoever reads the log sees all.
    fn follow_script(&mut self, outbox: &mut Outbox) {
        let step = self.trainer.state.step;
        let planned = self.trainer.spec.changes.iter().find(|planned| planned.step == step);
        let Some(values) = planned.map(|planned| &planned.values) else { return };
        let mut live = self.trainer.live.clone();
        live.update(values);
        self.log(&Entry::Tuned(Tuned { step, values: live.clone() }), outbox);
        self.set_live(live, outbox);
    }

    fn set_live(&mut self, live: LiveParams, outbox: &mut Outbox) {
        if live == self.trainer.live {
            return;
        }
        let changes = self.trainer.live.changes(&live, self.trainer.state.step);
        self.trainer.live.clone_from(&live);
        outbox.push(Event::Tuned(self.id.clone(), live, changes));
    }

    /// Once a second.
    fn log_timing(&mut self, outbox: &mut Outbox) -> Result<()> {
        if self.phase.is_active() && self.last_timing.elapsed() >= Duration::from_secs(1) {
            self.ensure_folder()?;
            self.write_timing(outbox);
            if let Err(error) = self.metrics.flush() {
                outbox.notice(self.about(), Level::Warning, message(&error));
            }
        }
        Ok(())
    }

    fn write_timing(&mut self, outbox: &mut Outbox) {
        self.last_timing = Instant::now();
        let Progress { step, steps, steps_per_epoch, elapsed_secs, examples_per_sec, .. } = self.progress();
        self.log(&Entry::Timing { step, steps, steps_per_epoch, elapsed_secs, examples_per_sec }, outbox);
    }

    fn log(&self, entry: &Entry, outbox: &mut Outbox) {
        if let Err(error) = self.folder.log(entry) {
            outbox.notice(self.about(), Level::Warning, message(&error));
        }
    }
}
