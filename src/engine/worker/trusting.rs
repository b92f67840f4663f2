//! Weighs the word of a network that nobody trains, a portion at a time, so that its confidence in a drawing is honest.
//! The word of one that trains changes with every batch: it is given as it is.
use super::{Bench, DrawingWish};
use crate::{
    engine::{
        model::Model,
        trust::{Trust, Weighing},
    },
    errors::message,
    protocol::{About, Confidence, Event, Level, RunId},
    sample::Sample,
};
use anyhow::{Error, Result, ensure};

/// What is known of one network's word.
pub struct Trusting {
    run: RunId,
    step: u64,
    state: State,
}

enum State {
    /// The drawing waits to be answered again.
    Weighing(Weighing, DrawingWish),
    Known(Trust),
    /// It cannot be found out.
    Unknown,
}

impl Trusting {
    pub fn is_weighing(&self) -> bool {
        matches!(self.state, State::Weighing(..))
    }

    pub fn is_about(&self, run: &RunId, step: u64) -> bool {
        self.run == *run && self.step == step
    }

    /// The probabilities of the classes for each of some images, and whether they are calibrated: where that is known.
    pub fn scores(found: Option<&Self>, model: &Model, images: &[Sample]) -> Result<(Vec<Vec<f32>>, bool)> {
        let Some(State::Known(trust)) = found.map(|found| &found.state) else {
            return Ok((model.scores(images)?, false));
        };
        let examples = model.fitted(images)?;
        let all: Vec<usize> = (0..images.len()).collect();
        let seen = model.impressions(&examples, &all)?;
        Ok((seen.logits.iter().map(|logits| trust.probabilities(logits)).collect(), true))
    }

    /// Probabilities of the classes, and how far they can be taken at their word; as the network gives them where that
    /// is not known.
    pub fn predict(found: Option<&Self>, model: &Model, image: &Sample) -> Result<(Vec<f32>, Confidence)> {
        let Some(State::Known(trust)) = found.map(|found| &found.state) else {
            let confidence = match found.map(|found| &found.state) {
                Some(State::Weighing(weighing, _)) => {
                    Confidence::Pending { share_done: weighing.share_done() }
                }
                _ => Confidence::Raw,
            };
            let scores = model.scores(std::slice::from_ref(image))?.pop();
            return Ok((scores.unwrap_or_default(), confidence));
        };
        let seen = model.impressions(&model.fitted(std::slice::from_ref(image))?, &[0])?;
        let is_outsider = trust.is_outsider(&seen.features[0]);
        Ok((trust.probabilities(&seen.logits[0]), Confidence::Calibrated { is_outsider }))
    }
}

impl Bench {
    /// Begins to weigh the word of the network that a drawing is for, unless that is done, or cannot be.
    pub(super) fn trust(&mut self, wish: &DrawingWish, step: u64) -> Result<()> {
        let answers = &mut self.answers;
        if self.active.contains_key(&wish.run) {
            answers.trusting = None;
            return Ok(());
        }
        if let Some(trusting) = answers.trusting.as_mut().filter(|known| known.is_about(&wish.run, step)) {
            if let State::Weighing(_, waiting) = &mut trusting.state {
                *waiting = wish.clone();
            }
            return Ok(());
        }
        answers.trusting = None;
        if !self.needs_labels(&wish.run)? {
            return Ok(());
        }
        let state = match self.data(&wish.run).map(|(_, partition)| Weighing::new(&partition)) {
            Ok(weighing) => State::Weighing(weighing, wish.clone()),
            Err(error) => self.unknown(&wish.run, &error),
        };
        self.answers.trusting = Some(Trusting { run: wish.run.clone(), step, state });
        Ok(())
    }

    /// One portion; once the network is calibrated, the drawing is scored again.
    pub(super) fn go_on_weighing(&mut self) -> Result<()> {
        let Some(mut trusting) = self.answers.trusting.take() else { return Ok(()) };
        let run = trusting.run.clone();
        if let State::Weighing(mut weighing, wish) = trusting.state {
            let found = self.weigh(&run, trusting.step, &mut weighing);
            trusting.state = match found {
                Ok(None) => {
                    let (request, share_done) = (wish.request, weighing.share_done());
                    self.outbox.push(Event::Calibrating { request, share_done });
                    State::Weighing(weighing, wish)
                }
                ended => {
                    // a newer drawing is answered anyway
                    self.answers.drawing.get_or_insert(wish);
                    ended.map_or_else(
                        |error| self.unknown(&run, &error),
                        |trust| trust.map_or(State::Unknown, State::Known),
                    )
                }
            };
        }
        self.answers.trusting = Some(trusting);
        Ok(())
    }

    fn weigh(&mut self, run: &RunId, step: u64, weighing: &mut Weighing) -> Result<Option<Trust>> {
        let (data, _) = self.data(run)?;
        let (now, model, _) = self.model(run)?;
        ensure!(now == step, "its weights have changed meanwhile");
        weighing.advance(model, &data)
    }

    fn unknown(&mut self, run: &RunId, error: &Error) -> State {
        let text = format!("The network could not be calibrated: {}", message(error));
        self.outbox.notice(About::Run(run.clone()), Level::Warning, text);
        State::Unknown
    }
}
