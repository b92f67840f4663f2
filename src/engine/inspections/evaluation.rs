//! How well a network does on a whole split; and, where it classifies, on each example, and how well it is
//! calibrated.
use super::{Inspection, PartialFinding, Subject};
use crate::{
    data::{Dataset, Partition},
    engine::{
        model::{Model, Scoring},
        trust::{Effort, Impression, Trust, Weighing},
    },
    evaluation::{Evaluation, Judgement, Verdict, calibration::softmax},
    metrics::{ACCURACY, LOSS, Split},
    protocol::{Familiarity, Finding},
};
use anyhow::Result;
use std::sync::Arc;

/// Begins with a split; of outsiders, if there are any, the test examples are looked at too.
pub fn begin(subject: Subject, split: Split) -> Box<dyn Inspection> {
    let Subject { model, dataset, partition, is_classifier, is_elsewhere, outsiders } = subject;
    let indices = partition.examples(split, dataset.test.len());
    if is_classifier && !is_elsewhere {
        return Box::new(Judging::new(model, dataset, &partition, split, indices, outsiders));
    }
    Box::new(Evaluating { model, scoring: Scoring::new(split, dataset, indices) })
}

/// A network that learns without labels, or one that is tried on another data set.
struct Evaluating {
    model: Arc<Model>,
    scoring: Scoring,
}

impl Inspection for Evaluating {
    fn advance(&mut self) -> Result<PartialFinding> {
        let scoring = &mut self.scoring;
        if !scoring.advance(&self.model, None)? {
            return Ok(PartialFinding { share_done: scoring.share_done(), finding: None });
        }
        let finding = Finding::Evaluation(Arc::new(Evaluation {
            split: scoring.split(),
            examples: scoring.examples(),
            loss: scoring.mean(LOSS).unwrap_or(f64::NAN),
            accuracy: scoring.mean(ACCURACY),
            judgement: None,
        }));
        Ok(PartialFinding { share_done: 1.0, finding: Some(finding) })
    }
}

/// A classifier: it is calibrated first, then every example is scored.
struct Judging {
    model: Arc<Model>,
    dataset: Arc<Dataset>,
    split: Split,
    indices: Vec<usize>,
    outsiders: Option<Arc<Dataset>>,
    weighing: Weighing,
    trust: Option<Trust>,
    verdicts: Vec<Verdict>,
    /// The sum of −log of the probability of the label, as the network gives it.
    loss: f64,
    /// Examples of the outsiders that were looked at, and those that were taken for some.
    strange: [usize; 2],
}

impl Judging {
    fn new(
        model: Arc<Model>,
        dataset: Arc<Dataset>,
        partition: &Partition,
        split: Split,
        indices: Vec<usize>,
        outsiders: Option<Arc<Dataset>>,
    ) -> Self {
        let weighing = Weighing::new(partition, Effort::FULL);
        let (trust, verdicts, loss, strange) = (None, vec![], 0.0, [0; 2]);
        Self { model, dataset, split, indices, outsiders, weighing, trust, verdicts, loss, strange }
    }

    fn share_done(&self) -> f32 {
        let outsiders = self.outsiders.as_ref().map_or(0, |outsiders| outsiders.test.len());
        let examples = (self.indices.len() + outsiders).max(1) as f32;
        let judged = (self.verdicts.len() + self.strange[0]) as f32 / examples;
        // weighing and judging take about as long
        ((self.weighing.share_done() + judged) / 2.0).min(0.999)
    }

    /// A portion of the split.
    fn judge(&mut self, trust: &Trust) -> Result<()> {
        let dataset = self.dataset.clone();
        let examples = if self.split == Split::Test { &dataset.test } else { &dataset.train };
        let done = self.verdicts.len();
        let portion = &self.indices[done..self.indices.len().min(done + Effort::FULL.portion)];
        let impressions = self.model.impressions(examples, portion)?;
        for (image, seen) in portion.iter().zip(&impressions) {
            let label = examples.labels()[*image];
            let probability = softmax(&seen.logits, 1.0)[usize::from(label)];
            self.loss -= probability.max(f64::MIN_POSITIVE).ln();
            self.verdicts.push(trust.verdict(*image as u32, label, seen));
        }
        Ok(())
    }

    /// A portion of the outsiders.
    fn suspect(&mut self, trust: &Trust, outsiders: &Dataset) -> Result<()> {
        let begin = self.strange[0];
        let portion: Vec<usize> = (begin..outsiders.test.len().min(begin + Effort::FULL.portion)).collect();
        let impressions = self.model.impressions(&outsiders.test, &portion)?;
        let is_flagged = |seen: &&Impression| trust.familiarity(seen) == Familiarity::Outside;
        let flagged = impressions.iter().filter(is_flagged).count();
        self.strange = [begin + portion.len(), self.strange[1] + flagged];
        Ok(())
    }

    fn finding(&mut self, trust: &Trust) -> Finding {
        let verdicts = std::mem::take(&mut self.verdicts);
        let examples = verdicts.len();
        let right = verdicts.iter().filter(|verdict| verdict.is_right()).count();
        let mut report = trust.report();
        let [looked_at, flagged] = self.strange;
        report.outsiders = (looked_at > 0).then(|| (looked_at, flagged as f64 / looked_at as f64));
        let class_names = self.dataset.info.class_names.clone();
        Finding::Evaluation(Arc::new(Evaluation {
            split: self.split,
            examples,
            loss: self.loss / examples.max(1) as f64,
            accuracy: Some(right as f64 / examples.max(1) as f64),
            judgement: Some(Judgement { class_names, verdicts, trust: report }),
        }))
    }
}

impl Judging {
    /// What is due once the network's word has been weighed.
    fn go_on(&mut self, trust: &Trust) -> Result<Option<Finding>> {
        if self.verdicts.len() < self.indices.len() {
            return self.judge(trust).map(|()| None);
        }
        let outsiders = self.outsiders.clone();
        if let Some(outsiders) = outsiders.filter(|outsiders| self.strange[0] < outsiders.test.len()) {
            return self.suspect(trust, &outsiders).map(|()| None);
        }
        Ok(Some(self.finding(trust)))
    }
}

impl Inspection for Judging {
    fn advance(&mut self) -> Result<PartialFinding> {
        let finding = match self.trust.take() {
            None => {
                self.trust = self.weighing.advance(&self.model, &self.dataset)?;
                None
            }
            Some(trust) => {
                let finding = self.go_on(&trust)?;
                self.trust = Some(trust);
                finding
            }
        };
        let share_done = if finding.is_some() { 1.0 } else { self.share_done() };
        Ok(PartialFinding { share_done, finding })
    }
}
