//! Calibration of a classifier: the temperature of its confidence, and from where on an image counts as an outsider. Both are
//! fitted on images of the training part, a portion a call.
use super::model::Model;
use crate::{
    data::{Dataset, Partition, evenly},
    evaluation::{
        Candidate, LabelCounts, Reliability, TrustReport, Verdict, argmax,
        calibration::{softmax, temperature},
        outsiders::{Insiders, threshold},
    },
    protocol::Familiarity,
};
use anyhow::{Result, ensure};
use rayon::prelude::*;

/// Of the validation images, this share at least is taken for what it is, and of the training images, which may be of further
/// kinds; the others look like outsiders.
const KEPT: f64 = 0.965;
/// Training labels of each class, on average, below which a class's features are not known well enough to tell what is far
/// from them.
const FEWEST_PER_CLASS: usize = 10;

/// A classifier's calibration.
#[derive(Clone, Debug)]
pub struct Trust {
    temperature: f64,
    /// None where there are too few labels, or where the network itself has learnt what is none of its classes.
    insiders: Option<Insiders>,
    /// The strangeness from which on an image is an outsider; none where nothing says how strange an image is.
    threshold: Option<f64>,
    labels: LabelCounts,
    validation_ece: [f64; 2],
    validation_flagged: f64,
}

/// What a network makes of an image.
#[derive(Clone, Debug)]
pub struct Impression {
    /// One a class.
    pub logits: Vec<f32>,
    /// What the image looks like to it: see [`crate::models::Encoded::look`].
    pub features: Vec<f32>,
    /// The log odds that the image is of none of the classes, where the network has learnt that.
    pub strangeness: Option<f32>,
}

/// How many images are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// In one call.
    pub portion: usize,
    /// Of the training images, and of the validation images, at most.
    pub images: usize,
}

impl Effort {
    /// Where nothing waits but the answer.
    pub const FULL: Self = Self { portion: 128, images: 5000 };
    /// Where training goes on meanwhile.
    pub const BESIDE_TRAINING: Self = Self { portion: 64, images: 1500 };
}

/// Trust on its way.
pub struct Weighing {
    effort: Effort,
    labels: LabelCounts,
    train: Vec<usize>,
    validation: Vec<usize>,
    seen: Vec<Impression>,
    unseen: Vec<Impression>,
}

impl Weighing {
    /// Nothing has been looked at yet.
    pub fn new(partition: &Partition, effort: Effort) -> Self {
        let [train, validation] =
            [&partition.train, &partition.validation].map(|images| evenly(images, effort.images));
        let labels = LabelCounts { training: partition.train.len(), calibration: validation.len() };
        Self { effort, labels, train, validation, seen: vec![], unseen: vec![] }
    }

    /// From 0 to 1.
    pub fn share_done(&self) -> f32 {
        let done = self.seen.len() + self.unseen.len();
        done as f32 / (self.train.len() + self.validation.len()).max(1) as f32
    }

    /// Looks at one portion; what came of it, once all have been looked at.
    ///
    /// # Errors
    /// Where the network tells no classes apart, or has diverged.
    pub fn advance(&mut self, model: &Model, data: &Dataset) -> Result<Option<Trust>> {
        for (images, impressions) in [(&self.train, &mut self.seen), (&self.validation, &mut self.unseen)] {
            let done = impressions.len();
            if done < images.len() {
                let portion = &images[done..images.len().min(done + self.effort.portion)];
                impressions.extend(model.impressions(&data.train, portion)?);
                return Ok(None);
            }
        }
        self.trust(data).map(Some)
    }

    /// What is known of the classes' features; none where there are too few labels, or where the network itself says what is
    /// strange.
    fn insiders(&self, labels: &[u16], classes: usize) -> Option<Insiders> {
        let is_needed = self.seen.iter().all(|seen| seen.strangeness.is_none());
        let features = self.seen.iter().map(|seen| &seen.features);
        let are_enough = self.labels.training >= FEWEST_PER_CLASS * classes;
        (is_needed && are_enough).then(|| Insiders::fit(features, labels, classes)).flatten()
    }

    fn trust(&self, data: &Dataset) -> Result<Trust> {
        ensure!(
            self.seen.iter().flat_map(|seen| &seen.logits).all(|logit| logit.is_finite()),
            "The network has diverged, so that it answers with no numbers: train it again with a lower learning rate"
        );
        let labels = |images: &[usize]| -> Vec<u16> {
            images.iter().map(|image| data.train.labels()[*image]).collect()
        };
        let (classes, unseen) = (data.info.classes(), labels(&self.validation));
        let insiders = self.insiders(&labels(&self.train), classes);
        let known = [&self.seen, &self.unseen].map(|images| -> Vec<f64> {
            images.par_iter().filter_map(|image| strangeness(insiders.as_ref(), image)).collect()
        });
        let (threshold, measured) = (threshold(&known, KEPT), &known[1]);
        let flagged = measured.iter().filter(|value| threshold.is_some_and(|most| **value > most)).count();
        let logits: Vec<&[f32]> = self.unseen.iter().map(|image| &image.logits[..]).collect();
        let temperature = temperature(&logits, &unseen);
        Ok(Trust {
            temperature,
            insiders,
            threshold,
            labels: self.labels,
            validation_ece: [1.0, temperature].map(|temperature| ece(&logits, &unseen, temperature)),
            validation_flagged: flagged as f64 / measured.len().max(1) as f64,
        })
    }
}

/// How strange an image is, as the network itself has learnt to say, or else by the distance of its features; none where
/// neither is known.
fn strangeness(insiders: Option<&Insiders>, image: &Impression) -> Option<f64> {
    let distance = || insiders.map(|insiders| insiders.distance(&image.features));
    image.strangeness.map(f64::from).or_else(distance)
}

/// The expected calibration error.
fn ece(logits: &[&[f32]], labels: &[u16], temperature: f64) -> f64 {
    let answer = |(row, label): (&&[f32], &u16)| {
        let (best, confidence) = surest(&softmax(row, temperature));
        (confidence, best == usize::from(*label))
    };
    Reliability::new(logits.iter().zip(labels).map(answer)).ece
}

impl Trust {
    /// Calibrated probabilities of one example's logits.
    pub fn probabilities(&self, logits: &[f32]) -> Vec<f32> {
        softmax(logits, self.temperature).into_iter().map(|probability| probability as f32).collect()
    }

    /// How many labels stand behind it.
    pub fn labels(&self) -> LabelCounts {
        self.labels
    }

    /// Whether an image looks like anything that the network was trained on.
    pub fn familiarity(&self, image: &Impression) -> Familiarity {
        match (self.threshold, strangeness(self.insiders.as_ref(), image)) {
            (Some(threshold), Some(strangeness)) if strangeness <= threshold => Familiarity::Inside,
            (Some(_), Some(_)) => Familiarity::Outside,
            _ => Familiarity::TooFewLabels(self.labels.training),
        }
    }

    /// How it was calibrated.
    pub fn report(&self) -> TrustReport {
        TrustReport {
            temperature: self.temperature,
            validation_ece: self.validation_ece,
            validation_flagged: self.threshold.is_some().then_some(self.validation_flagged),
            labels: self.labels,
            outsiders: None,
        }
    }

    /// What is to be said of one example.
    pub fn verdict(&self, example: u32, label: u16, seen: &Impression) -> Verdict {
        let calibrated = softmax(&seen.logits, self.temperature);
        let (predicted, confidence) = surest(&calibrated);
        Verdict {
            example,
            label,
            predicted: predicted as u16,
            raw_confidence: softmax(&seen.logits, 1.0)[predicted] as f32,
            confidence: confidence as f32,
            runners_up: runners_up(&calibrated, predicted),
            loss: -calibrated[usize::from(label)].max(f64::MIN_POSITIVE).ln() as f32,
            is_outsider: self.familiarity(seen) == Familiarity::Outside,
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
        let data = two_classes(2);
        let trust = |logit| {
            let seen = [0.5, 1.5].map(|feature| impression(vec![logit, 0.0], feature, None));
            weighing(20, &seen, &seen).trust(&data)
        };
        assert!(trust(1.0).is_ok());
        assert!(trust(f32::NAN).unwrap_err().to_string().contains("has diverged"));
    }

    fn impression(logits: Vec<f32>, feature: f32, strangeness: Option<f32>) -> Impression {
        Impression { logits, features: vec![feature], strangeness }
    }

    /// All that there is to look at has been looked at; `training` labels stand behind it.
    fn weighing(training: usize, seen: &[Impression], unseen: &[Impression]) -> Weighing {
        let [train, validation] = [seen, unseen].map(|images| (0..images.len()).collect::<Vec<_>>());
        let labels = LabelCounts { training, calibration: validation.len() };
        Weighing { effort: Effort::FULL, labels, train, validation, seen: seen.into(), unseen: unseen.into() }
    }

    #[test]
    fn few_labels_cannot_tell_unless_the_network_has_learnt_what_is_none_of_the_classes() {
        let data = two_classes(40);
        let images = |strangeness: Option<f32>| -> Vec<Impression> {
            let image =
                |at| impression(vec![3.0, 0.0], (at % 2) as f32 * 8.0 + at as f32 / 40.0, strangeness);
            (0..40).map(image).collect()
        };
        let trust = |training, strangeness| {
            let images = images(strangeness);
            weighing(training, &images, &images).trust(&data).unwrap()
        };
        let far = |strangeness| impression(vec![3.0, 0.0], 100.0, strangeness);
        let few = trust(19, None);
        assert_eq!(few.familiarity(&far(None)), Familiarity::TooFewLabels(19));
        assert_eq!((few.report().validation_flagged, few.labels().calibration), (None, 40));
        let many = trust(20, None);
        assert_eq!(many.familiarity(&far(None)), Familiarity::Outside);
        assert_eq!(many.familiarity(&images(None)[20]), Familiarity::Inside);
        let learnt = trust(19, Some(-2.0));
        assert_eq!(learnt.familiarity(&far(Some(1.0))), Familiarity::Outside);
        assert_eq!(learnt.familiarity(&far(Some(-3.0))), Familiarity::Inside);
    }

    fn two_classes(images: u16) -> Dataset {
        let shape = ImageShape { height: 1, width: 1, channels: 1 };
        let info = DatasetInfo { shape: shape.into(), class_names: vec!["a".into(), "b".into()] };
        let labels: Vec<u16> = (0..images).map(|at| at % 2).collect();
        let part = || Examples::images(vec![0; labels.len()], labels.clone());
        Dataset::new(info, part(), part()).unwrap()
    }
}
