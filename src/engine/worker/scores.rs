//! A few images scored at once, by the weights as they are between two batches.
use super::{Bench, trusting::Trusting};
use crate::{
    protocol::{Answer, Event, Finding, RunId},
    sample::Sample,
};
use anyhow::{Result, ensure};
use std::sync::Arc;

/// More than so many would hold up training for longer than some batches.
const MOST: usize = 512;

impl Bench {
    /// Scores images with the word of the network weighed, where that is known already.
    pub(super) fn scores(&mut self, request: u64, run: RunId, images: &[Sample]) -> Result<()> {
        ensure!(
            images.len() <= MOST,
            "{} images are too many at once: ask about {MOST} at most",
            images.len()
        );
        let trusting = self.answers.trusting.take();
        let scored = self.model(&run).and_then(|(step, model, _)| {
            let known = trusting.as_ref().filter(|known| known.is_about(&run, step));
            Ok((step, model.class_names().clone(), Trusting::scores(known, model, images)?))
        });
        self.answers.trusting = trusting;
        let (step, class_names, (scores, is_calibrated)) = scored?;
        let finding = Some(Ok(Finding::Scores { class_names, scores: Arc::new(scores), is_calibrated }));
        self.outbox.push(Event::Answer(Answer { request, run, step, share_done: 1.0, finding }));
        Ok(())
    }
}
