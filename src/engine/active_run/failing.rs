//! How a run ends that cannot go on as it is.
use super::{ActiveRun, Outbox};
use crate::{
    engine::{divergence::Diverged, optimizers::LEARNING_RATE},
    errors::message,
    metrics::{LOSS, Split},
    protocol::{Event, Phase, Remedy},
    spec::Section,
};
use anyhow::Error;

impl ActiveRun {
    /// Ends the run by an error; where it diverged, says from where it can go on.
    pub fn fail(&mut self, error: &Error, outbox: &mut Outbox) {
        let text = message(error);
        if !error.is::<Diverged>() {
            return self.enter(Phase::Failed(text), outbox);
        }
        let rate = self.trainer.live.get(Section::Optimizer, &LEARNING_RATE);
        // To three digits: 0.7 / 10 is 0.06999999999999999.
        let smaller: f64 = format!("{:.2e}", rate / 10.0).parse().unwrap_or(rate / 10.0);
        let step = self.last_sound_step().filter(|_| LEARNING_RATE.check(smaller).is_none());
        let remedy = step.map(|step| Remedy { step, learning_rate: smaller });
        let advice = match remedy {
            Some(Remedy { step, .. }) => format!(
                "Go on from step {step} with a tenth of the learning rate ({smaller} instead of {rate}), or start it \
                 again with gradient clipping or a warm-up"
            ),
            None => format!(
                "Start it again with a lower learning rate (it was {rate}), with gradient clipping, or with a warm-up"
            ),
        };
        if let Some(remedy) = remedy {
            outbox.push(Event::Remedy(self.id.clone(), remedy));
        }
        self.enter_with(Phase::Failed(format!("{text}. {advice}")), remedy, outbox);
    }

    /// The step of the newest checkpoint with a sound validation loss: older versions also saved ruined weights.
    fn last_sound_step(&self) -> Option<u64> {
        let mut ruined = vec![];
        let read = self.folder.each_point(|point| {
            let is_validation = (point.split, point.metric) == (Split::Validation, LOSS);
            ruined.extend((is_validation && !self.trainer.losses.is_near(point.value)).then_some(point.step));
        });
        read.ok()?;
        self.folder.checkpoints().into_iter().rev().find(|step| !ruined.contains(step))
    }
}
