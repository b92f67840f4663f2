//! Calibrates networks a portion at a time: one at rest before its confidence in a drawing is final; one in training again and
//! again while somebody draws for it, between two batches, and its answers are judged by the newest calibration meanwhile.
use super::Engine;
use crate::{
    engine::{
        model::Model,
        trust::{Effort, Trust, Weighing},
    },
    errors::message,
    protocol::{About, Level, RunId},
};
use anyhow::{Error, Result};
use std::time::{Duration, Instant};

/// The time until the next calibration, as a multiple of the time that the last one took: they take 3 % at most.
const PAUSE: u32 = 33;
/// Features change quickly at first: a calibration serves until a run has gone twice as far as it had then, and so many steps.
const GRACE: u64 = 20;

/// How far the calibration of a network at rest is.
pub enum Calibration {
    UnderWay(Weighing),
    Known(Trust),
    /// It cannot be calibrated.
    Unknown,
}

/// The calibration of the network in training that was asked about a drawing last.
pub struct Refit {
    run: RunId,
    newest: Option<(Fitted, Trust)>,
    /// None in a pause.
    weighing: Option<(Fitted, Weighing)>,
    /// Whether somebody has drawn since the newest was done.
    is_wanted: bool,
    /// It cannot be calibrated.
    is_given_up: bool,
    took: Duration,
    not_before: Instant,
}

/// The weights that a calibration is of, as they were: of others, features lie elsewhere.
struct Fitted {
    step: u64,
    model: Model,
}

impl Calibration {
    /// From 0 to 1, where nothing more is to be done.
    fn share_done(&self) -> f32 {
        match self {
            // the last portion fits what the others have seen
            Calibration::UnderWay(weighing) => weighing.share_done().min(0.999),
            Calibration::Known(_) | Calibration::Unknown => 1.0,
        }
    }
}

impl Refit {
    fn of(run: RunId) -> Self {
        let (newest, weighing, took) = (None, None, Duration::ZERO);
        Self { run, newest, weighing, is_wanted: true, is_given_up: false, took, not_before: Instant::now() }
    }

    /// What serves at a step.
    fn trust(&self, step: u64) -> Option<(&Trust, &Model)> {
        let (of, trust) = self.newest.as_ref()?;
        (step <= 2 * of.step + GRACE).then_some((trust, &of.model))
    }

    /// As of a [`Calibration`]: nothing is to be done for an answer while an older one serves.
    fn share_done(&self, step: u64) -> f32 {
        if self.trust(step).is_some() || self.is_given_up {
            return 1.0;
        }
        self.weighing.as_ref().map_or(0.0, |(_, weighing)| weighing.share_done()).min(0.999)
    }

    fn is_due(&self, is_training: bool) -> bool {
        let may_begin = self.is_wanted && (!is_training || Instant::now() >= self.not_before);
        !self.is_given_up && (self.weighing.is_some() || may_begin)
    }
}

impl Engine {
    /// Begins to calibrate a run's network, unless that has begun, or does one portion more where it is at rest. Gives how
    /// much is done; all of it where there is nothing to calibrate, or where an older calibration serves meanwhile.
    ///
    /// # Errors
    /// Where the run cannot be opened.
    pub(super) fn calibrate(&mut self, run: &RunId, goes_on: bool) -> Result<f32> {
        if !self.needs_labels(run)? {
            return Ok(1.0);
        }
        if let Some(active) = self.active.get(run) {
            let refit = self.refit.take().filter(|refit| refit.run == *run);
            let refit = self.refit.insert(refit.unwrap_or_else(|| Refit::of(run.clone())));
            refit.is_wanted = true;
            return Ok(refit.share_done(active.trainer.state.step));
        }
        let calibration = match self.resting(run)?.calibration.take() {
            None => self.begin_calibrating(run),
            Some(Calibration::UnderWay(weighing)) if goes_on => self.go_on_calibrating(run, weighing),
            Some(calibration) => calibration,
        };
        let share_done = calibration.share_done();
        self.resting(run)?.calibration = Some(calibration);
        Ok(share_done)
    }

    /// The calibration of a run's network. While it is trained, that is of weights some seconds old, which come with it.
    pub(super) fn trust(&self, run: &RunId) -> Option<(&Trust, Option<&Model>)> {
        if let Some(active) = self.active.get(run) {
            let refit = self.refit.as_ref().filter(|refit| refit.run == *run)?;
            let (trust, model) = refit.trust(active.trainer.state.step)?;
            return Some((trust, Some(model)));
        }
        match self.calibration_at_rest(run)? {
            Calibration::Known(trust) => Some((trust, None)),
            Calibration::UnderWay(_) | Calibration::Unknown => None,
        }
    }

    /// Whether a network in training is being calibrated, which goes on where it is paused.
    pub(super) fn refit_is_under_way(&self) -> bool {
        self.refit.as_ref().is_some_and(|refit| refit.weighing.is_some())
    }

    /// Does a portion of the calibration of a network in training, where that is due.
    pub(super) fn refit(&mut self) {
        let is_training = self.is_training();
        let Some(mut refit) = self.refit.take_if(|refit| refit.is_due(is_training)) else { return };
        if !self.active.contains_key(&refit.run) {
            return;
        }
        let began = Instant::now();
        if let Err(error) = self.advance_refit(&mut refit, began) {
            refit.is_given_up = true;
            self.give_up_calibrating(&refit.run, &error);
        }
        self.refit = Some(refit);
    }

    fn advance_refit(&mut self, refit: &mut Refit, began: Instant) -> Result<()> {
        let (of, mut weighing) = match refit.weighing.take() {
            Some(begun) => begun,
            None => self.begin_refit(&refit.run)?,
        };
        let (data, _) = self.examples(&refit.run, |_, _| ())?;
        let found = weighing.advance(&of.model, &data)?;
        refit.took += began.elapsed();
        let Some(trust) = found else {
            refit.weighing = Some((of, weighing));
            return Ok(());
        };
        refit.newest = Some((of, trust));
        refit.is_wanted = false;
        refit.not_before = Instant::now() + std::mem::take(&mut refit.took) * PAUSE;
        Ok(())
    }

    fn begin_refit(&mut self, run: &RunId) -> Result<(Fitted, Weighing)> {
        let (dataset, partition) = self.data(run)?;
        let ((step, live, _), spec) = (self.model(run)?, self.spec(run)?);
        let model = live.copy(spec, &dataset.info)?;
        Ok((Fitted { step, model }, Weighing::new(&partition, Effort::BESIDE_TRAINING)))
    }

    fn begin_calibrating(&mut self, run: &RunId) -> Calibration {
        match self.data(run) {
            Ok((_, partition)) => Calibration::UnderWay(Weighing::new(&partition, Effort::FULL)),
            Err(error) => self.give_up_calibrating(run, &error),
        }
    }

    fn go_on_calibrating(&mut self, run: &RunId, mut weighing: Weighing) -> Calibration {
        let advanced = self.data(run).and_then(|(data, _)| weighing.advance(&self.model(run)?.1, &data));
        match advanced {
            Ok(None) => Calibration::UnderWay(weighing),
            Ok(Some(trust)) => Calibration::Known(trust),
            Err(error) => self.give_up_calibrating(run, &error),
        }
    }

    fn give_up_calibrating(&mut self, run: &RunId, error: &Error) -> Calibration {
        let text = format!("The network could not be calibrated: {}", message(error));
        self.outbox.notice(About::Run(run.clone()), Level::Warning, text);
        Calibration::Unknown
    }
}
