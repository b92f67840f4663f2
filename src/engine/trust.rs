//! Calibration of a classifier: the temperature of its confidence, and the distance from which an example counts as an
//! outsider. Both are fitted on examples of the training part, a portion a call.
use super::model::Model;
use crate::{
    data::{Dataset, Partition},
    evaluation::{
        Candidate, Reliability, TrustReport, Verdict, argmax,
        calibration::{softmax, temperature},
        outsiders::{Insiders, threshold},
    },
};
use anyhow::{Context as _, Result, ensure};

/// Looked at in one call.
pub const PORTION: usize = 128;
/// Examples of each kind that are looked at, at most.
const MAX_EXAMPLES: usize = 5000;
/// Of the validation examples, this share is taken for what it is; the others look like outsiders.
const KEPT: f64 = 0.97;

/// A classifier's calibration.
#[derive(Clone, Debug)]
pub struct Trust {
    temperature: f64,
    insiders: Insiders,
    /// Distances above it are those of outsiders.
    threshold: f64,
    validation_ece: [f64; 2],
    validation_flagged: f64,
}

/// What a network makes of some examples.
#[derive(Clone, Debug, Default)]
pub struct Impressions {
    pub logits: Vec<Vec<f32>>,
    /// What the examples look like to it: see [`crate::models::Encoded::look`].
    pub features: Vec<Vec<f32>>,
}

impl Impressions {
    /// Appends others.
    pub fn extend(&mut self, more: Self) {
        self.logits.extend(more.logits);
        self.features.extend(more.features);
    }
}

/// Trust on its way.
pub struct Weighing {
    train: Vec<usize>,
    validation: Vec<usize>,
    seen: Impressions,
    unseen: Impressions,
}

impl Weighing {
    pub fn new(partition: &Partition) -> Self {
        let some = |examples: &[usize]| -> Vec<usize> {
            let every = examples.len().div_ceil(MAX_EXAMPLES).max(1);
            examples.iter().copied().step_by(every).collect()
        };
        let (train, validation) = (some(&partition.train), some(&partition.validation));
        Self { train, validation, seen: Impressions::default(), unseen: Impressions::default() }
    }

    /// From 0 to 1.
    pub fn share_done(&self) -> f32 {
        let done = self.seen.logits.len() + self.unseen.logits.len();
        done as f32 / (self.train.len() + self.validation.len()).max(1) as f32
    }

    /// Looks at one portion; what came of it, once all have been looked at.
    ///
    /// # Errors
    /// Where the network tells no classes apart, or there are too few examples.
    pub fn advance(&mut self, model: &Model, data: &Dataset) -> Result<Option<Trust>> {
        for (examples, impressions) in [(&self.train, &mut self.seen), (&self.validation, &mut self.unseen)] {
            let done = impressions.logits.len();
            if done < examples.len() {
                let portion = &examples[done..examples.len().min(done + PORTION)];
                impressions.extend(model.impressions(&data.train, portion)?);
                return Ok(None);
            }
        }
        self.trust(data).map(Some)
    }

    fn trust(&self, data: &Dataset) -> Result<Trust> {
        let labels = |examples: &[usize]| -> Vec<u16> {
            examples.iter().map(|example| data.train.labels()[*example]).collect()
        };
        let (seen, unseen) = (labels(&self.train), labels(&self.validation));
        ensure!(
            self.seen.logits.iter().flatten().all(|logit| logit.is_finite()),
            "The network has diverged, so that it answers with no numbers: train it again with a lower learning rate"
        );
        let insiders = Insiders::fit(&self.seen.features, &seen, data.info.classes()).context(
            "There are too few training examples, or too strange ones, to tell what the network has been trained on",
        )?;
        let temperature = temperature(&self.unseen.logits, &unseen);
        let distances: Vec<f64> = self.unseen.features.iter().map(|row| insiders.distance(row)).collect();
        let threshold = threshold(distances.clone(), KEPT);
        let ece = |temperature: f64| {
            let answer = |(row, label): (&Vec<f32>, &u16)| {
                let (best, confidence) = surest(&softmax(row, temperature));
                (confidence, best == usize::from(*label))
            };
            Reliability::new(self.unseen.logits.iter().zip(&unseen).map(answer)).ece
        };
        let flagged = distances.iter().filter(|distance| **distance > threshold).count();
        Ok(Trust {
            temperature,
            insiders,
            threshold,
            validation_ece: [ece(1.0), ece(temperature)],
            validation_flagged: flagged as f64 / distances.len().max(1) as f64,
        })
    }
}

impl Trust {
    /// Calibrated probabilities of one example's logits.
    pub fn probabilities(&self, logits: &[f32]) -> Vec<f32> {
        softmax(logits, self.temperature).into_iter().map(|probability| probability as f32).collect()
    }

    /// Whether features look like nothing that the network was trained on.
    pub fn is_outsider(&self, features: &[f32]) -> bool {
        let distance = self.insiders.distance(features);
        distance.is_nan() || distance > self.threshold
    }

    pub fn report(&self) -> TrustReport {
        TrustReport {
            temperature: self.temperature,
            validation_ece: self.validation_ece,
            validation_flagged: self.validation_flagged,
            outsiders: None,
        }
    }

    /// What is to be said of one example.
    pub fn verdict(&self, example: u32, label: u16, logits: &[f32], features: &[f32]) -> Verdict {
        let calibrated = softmax(logits, self.temperature);
        let (predicted, confidence) = surest(&calibrated);
        Verdict {
            example,
            label,
            predicted: predicted as u16,
            raw_confidence: softmax(logits, 1.0)[predicted] as f32,
            confidence: confidence as f32,
            runners_up: runners_up(&calibrated, predicted),
            loss: -calibrated[usize::from(label)].max(f64::MIN_POSITIVE).ln() as f32,
            is_outsider: self.is_outsider(features),
        }
    }
}

/// The most probable class, and its probability.
fn surest(probabilities: &[f64]) -> (usize, f64) {
    let best = argmax(probabilities);
    (best, probabilities.get(best).copied().unwrap_or_default())
}

/// The most probable classes but one, the most probable first; of the same probability, those of lower number.
fn runners_up(probabilities: &[f64], but: usize) -> [Candidate; 4] {
    let mut found = [Candidate::default(); 4];
    for (class, probability) in probabilities.iter().enumerate().filter(|(class, _)| *class != but) {
        let mut next = Candidate { class: class as u16, probability: *probability as f32 };
        for place in &mut found {
            if next.probability > place.probability {
                std::mem::swap(place, &mut next);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{DatasetInfo, Examples},
        shape::ImageShape,
    };

    #[test]
    fn runners_up_come_by_their_probability() {
        let of = |probabilities: &[f64], but| {
            runners_up(probabilities, but).map(|candidate| (candidate.class, candidate.probability))
        };
        assert_eq!(of(&[0.1, 0.5, 0.05, 0.2, 0.15], 1), [(3, 0.2), (4, 0.15), (0, 0.1), (2, 0.05)]);
        assert_eq!(of(&[0.5, 0.25, 0.25], 0), [(1, 0.25), (2, 0.25), (0, 0.0), (0, 0.0)]);
        let many: Vec<f64> = (0..100).map(|class| f64::from(class) / 4950.0).collect();
        assert_eq!(of(&many, 99).map(|(class, _)| class), [98, 97, 96, 95]);
    }

    #[test]
    fn a_network_that_has_diverged_is_called_so() {
        let shape = ImageShape { height: 1, width: 1, channels: 1 };
        let info = DatasetInfo { shape: shape.into(), class_names: vec!["a".into(), "b".into()] };
        let part = || Examples::images(vec![0, 1], vec![0, 1]);
        let data = Dataset::new(info, part(), part()).unwrap();
        let weighing = |logit| {
            let seen =
                Impressions { logits: vec![vec![logit, 0.0]; 2], features: vec![vec![0.5], vec![1.5]] };
            Weighing { train: vec![0, 1], validation: vec![0, 1], unseen: seen.clone(), seen }
        };
        assert!(weighing(1.0).trust(&data).is_ok());
        assert!(weighing(f32::NAN).trust(&data).unwrap_err().to_string().contains("has diverged"));
    }
}
