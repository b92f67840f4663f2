//! Calibrates a network that is not being trained, a portion at a time, before its confidence in a drawing is final. The
//! confidence of a network in training changes with every batch and is shown uncalibrated.
use super::Engine;
use crate::{
    engine::trust::{Trust, Weighing},
    errors::message,
    protocol::{About, Level, RunId},
};
use anyhow::{Error, Result};

/// How far the calibration of a network at rest is.
pub enum Calibration {
    UnderWay(Weighing),
    Known(Trust),
    /// It cannot be calibrated.
    Unknown,
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

impl Engine {
    /// Begins to calibrate a run's network, unless that has begun, or does one portion more. Gives how much is done; all of
    /// it where there is nothing to calibrate.
    ///
    /// # Errors
    /// Where the run cannot be opened.
    pub(super) fn calibrate(&mut self, run: &RunId, goes_on: bool) -> Result<f32> {
        if self.active.contains_key(run) || !self.needs_labels(run)? {
            return Ok(1.0);
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

    fn begin_calibrating(&mut self, run: &RunId) -> Calibration {
        match self.data(run) {
            Ok((_, partition)) => Calibration::UnderWay(Weighing::new(&partition)),
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
