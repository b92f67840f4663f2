//! Questions that a network's weights answer as they are between two batches: its opinion of a drawing, the training images
//! that are nearest to the drawing in its eyes, a preview of its work, and the scores of a few images.
use super::Engine;
use crate::{
    engine::{inspections::PartialFinding, model::Model, neighbours::Neighbours, preview},
    protocol::{Confidence, Familiarity, Finding, Prediction, RunId},
    sample::Sample,
};
use anyhow::{Context as _, Result, ensure};
use std::{sync::Arc, time::Instant};

/// The time until the next preview, as a multiple of the time that the last one took: previews take 3 % at most.
const PAUSE: u32 = 33;

/// More scores at once than so many would hold up training for longer than some batches.
const MOST_SCORES: usize = 512;

impl Engine {
    /// What the weights make of a sample. Unless the network has been calibrated, further portions do so, and the last one
    /// answers again.
    pub(super) fn predict(
        &mut self,
        run: &RunId,
        sample: &Sample,
        is_first: bool,
    ) -> Result<(u64, PartialFinding)> {
        let share_done = self.calibrate(run, !is_first)?;
        let (step, model, live) = self.model(run)?;
        if !is_first && share_done < 1.0 {
            return Ok((step, PartialFinding { share_done, finding: None }));
        }
        let samples = std::slice::from_ref(sample);
        let (probabilities, confidence, familiarity) = match self.trust(run) {
            Some((trust, calibrated)) => {
                let shown = model.fitted(samples)?;
                let impression = |of: &Model| {
                    of.impressions(&shown, &[0])?.pop().context("nothing was shown to the network")
                };
                let seen = impression(&model)?;
                let familiarity = match calibrated {
                    Some(older) => trust.familiarity(&impression(older)?),
                    None => trust.familiarity(&seen),
                };
                let confidence = Confidence::Calibrated { labels: trust.labels() };
                (trust.probabilities(&seen.logits), confidence, familiarity)
            }
            None => {
                let (confidence, familiarity) = match share_done < 1.0 {
                    true => (Confidence::Pending, Familiarity::NotYet),
                    false => (Confidence::Raw, Familiarity::Unknown),
                };
                (model.scores(samples)?.pop().unwrap_or_default(), confidence, familiarity)
            }
        };
        let learns_without_labels = probabilities.is_empty();
        let strips = match learns_without_labels {
            true => preview::of_one(&model, &live, &model.fitted(samples)?)?,
            false => vec![],
        };
        let class_names = model.class_names().clone();
        let prediction = Prediction { class_names, probabilities, confidence, familiarity, strips };
        Ok((step, PartialFinding { share_done, finding: Some(Finding::Prediction(Arc::new(prediction))) }))
    }

    /// The training examples that are nearest to a sample by the embeddings that are there; further portions embed them by
    /// the present weights, and the last one answers again.
    pub(super) fn nearest(
        &mut self,
        run: &RunId,
        sample: &Sample,
        is_first: bool,
    ) -> Result<(u64, PartialFinding)> {
        let (dataset, indices) = self.examples(run, |_, partition| Neighbours::choose(partition))?;
        let (step, model, _) = self.model(run)?;
        let neighbours = &mut self.neighbours;
        neighbours.refresh(run, step, indices);
        if !is_first {
            neighbours.grow(&model, &dataset)?;
        }
        let share_done = neighbours.share_done();
        let nearest = match is_first || share_done >= 1.0 {
            true => neighbours.strip(run, &model, &model.fitted(std::slice::from_ref(sample))?, &dataset)?,
            false => None,
        };
        Ok((
            step,
            PartialFinding { share_done, finding: nearest.map(|strip| Finding::Nearest(Arc::new(strip))) },
        ))
    }

    /// What the weights make of a few validation examples, the first of them replaced where they learn without labels.
    pub(super) fn preview(&mut self, run: &RunId, samples: &[Sample]) -> Result<(u64, PartialFinding)> {
        let began = Instant::now();
        let shown = self.show_preview(run, samples);
        self.no_preview_before = Some(Instant::now() + began.elapsed() * PAUSE);
        shown
    }

    fn show_preview(&mut self, run: &RunId, samples: &[Sample]) -> Result<(u64, PartialFinding)> {
        let (dataset, indices) = self.examples(run, |dataset, partition| {
            preview::choose(dataset.train.labels(), &partition.validation)
        })?;
        let samples = if self.needs_labels(run)? { &[] } else { samples };
        let (step, model, live) = self.model(run)?;
        let preview = preview::show(&model, &live, &dataset.train.subset(&indices), samples)?;
        Ok((step, PartialFinding { share_done: 1.0, finding: Some(Finding::Preview(Arc::new(preview))) }))
    }

    /// Whether training has gone on for long enough since the last preview.
    pub(super) fn preview_is_due(&self) -> bool {
        let is_over = |moment: Instant| Instant::now() >= moment;
        !self.is_training() || self.no_preview_before.is_none_or(is_over)
    }

    /// Scores a few examples, calibrated where the network has been calibrated already.
    pub(super) fn scores(&mut self, run: &RunId, samples: &[Sample]) -> Result<(u64, PartialFinding)> {
        let count = samples.len();
        ensure!(
            count <= MOST_SCORES,
            "{count} samples are too many at once: ask about {MOST_SCORES} at most"
        );
        let (step, model, _) = self.model(run)?;
        let (scores, is_calibrated) = match self.trust(run) {
            Some((trust, _)) => {
                let all: Vec<usize> = (0..count).collect();
                let seen = model.impressions(&model.fitted(samples)?, &all)?;
                (seen.iter().map(|seen| trust.probabilities(&seen.logits)).collect(), true)
            }
            None => (model.scores(samples)?, false),
        };
        let class_names = model.class_names().clone();
        let finding = Finding::Scores { class_names, scores: Arc::new(scores), is_calibrated };
        Ok((step, PartialFinding { share_done: 1.0, finding: Some(finding) }))
    }
}
