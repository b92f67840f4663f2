//! How well a network does on labelled examples, and how well it is calibrated: plain numbers, and what follows from
//! them.
use crate::metrics::Split;

pub mod calibration;
mod confusion;
mod disagreement;
pub mod outsiders;
pub use calibration::Reliability;
pub use confusion::by_confusion;
pub use disagreement::Disagreement;

/// How sure a network is, in percent: "93 %", or "92.9 %" with one decimal. No network is certain: what would be rounded to
/// all or nothing is ">99 %" and "<1 %".
pub fn confidence(probability: f64, decimals: usize) -> String {
    let (percent, least) = (100.0 * probability, 0.1f64.powi(decimals as i32));
    if percent >= 100.0 - least / 2.0 {
        format!(">{:.decimals$} %", 100.0 - least)
    } else if percent <= least / 2.0 {
        format!("<{least:.decimals$} %")
    } else {
        format!("{percent:.decimals$} %")
    }
}

/// The scores of a network on a whole split.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Where the examples are from.
    pub split: Split,
    /// The number of examples.
    pub examples: usize,
    /// The mean of what the network is asked to minimise, in nats for a classifier.
    pub loss: f64,
    /// Share of right answers; none where the network learns without labels.
    pub accuracy: Option<f64>,
    /// None where the network is no classifier.
    pub judgement: Option<Judgement>,
}

/// A classifier's answers on a split.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// What each label stands for.
    pub class_names: Vec<String>,
    /// One for each example.
    pub verdicts: Vec<Verdict>,
    /// How the confidence was calibrated.
    pub trust: TrustReport,
}

/// A classifier's answer on one example.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// Its place in the training part of the data set, or in the test part.
    pub example: u32,
    /// The correct class.
    pub label: u16,
    /// The most probable class.
    pub predicted: u16,
    /// The probability of the predicted class as the network gives it.
    pub raw_confidence: f32,
    /// The same, calibrated.
    pub confidence: f32,
    /// The next most probable classes, calibrated, the most probable first; those that are not there have no
    /// probability. A bounded number, since there may be many examples and many classes.
    pub runners_up: [Candidate; 4],
    /// −log of the calibrated probability of the label, in nats.
    pub loss: f32,
    /// Whether it is out of distribution: farther from every class than almost all validation examples.
    pub is_outsider: bool,
}

/// A class that an example may belong to, and its probability.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Candidate {
    /// Index of the class.
    pub class: u16,
    /// From 0 to 1.
    pub probability: f32,
}

/// How a classifier was calibrated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrustReport {
    /// Logits are divided by it; above 1 the network was overconfident.
    pub temperature: f64,
    /// Expected calibration error on the validation examples, before and after.
    pub validation_ece: [f64; 2],
    /// Share of the validation examples that are taken for outsiders, by which the threshold is set. None where the network
    /// was trained on too few labels to tell outsiders.
    pub validation_flagged: Option<f64>,
    /// How many labels it took.
    pub labels: LabelCounts,
    /// Examples of another data set, and the share of them that are taken for outsiders.
    pub outsiders: Option<(usize, f64)>,
}

/// How many labels stand behind a calibrated answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LabelCounts {
    /// Of training examples: the network has learnt from them.
    pub training: usize,
    /// Of validation examples: its confidence is calibrated on them.
    pub calibration: usize,
}

/// How a classifier does on one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassFigures {
    /// Examples with this label.
    pub examples: usize,
    /// Share of right answers among the predictions of the class; none where it is never predicted.
    pub precision: Option<f64>,
    /// Share of the class's examples that are predicted as it; none where there is no such example.
    pub recall: Option<f64>,
}

impl Verdict {
    /// Whether the prediction is the label.
    pub fn is_right(&self) -> bool {
        self.label == self.predicted
    }

    /// The classes that are most probable, by falling probability.
    pub fn candidates(&self) -> impl Iterator<Item = Candidate> {
        let first = Candidate { class: self.predicted, probability: self.confidence };
        std::iter::once(first).chain(self.runners_up).filter(|candidate| candidate.probability > 0.0)
    }

    /// The calibrated probability of the label.
    pub fn label_probability(&self) -> f32 {
        (-self.loss).exp()
    }
}

impl Judgement {
    /// Examples by their label and by the class they are taken for: `[label][predicted]`.
    pub fn confusion(&self) -> Vec<Vec<usize>> {
        let classes = self.class_names.len();
        let mut counts = vec![vec![0; classes]; classes];
        for verdict in &self.verdicts {
            counts[usize::from(verdict.label)][usize::from(verdict.predicted)] += 1;
        }
        counts
    }

    /// Confidence against accuracy, as the network gives it or calibrated.
    pub fn reliability(&self, calibrated: bool) -> Reliability {
        let confidence =
            |verdict: &Verdict| if calibrated { verdict.confidence } else { verdict.raw_confidence };
        Reliability::new(
            self.verdicts.iter().map(|verdict| (f64::from(confidence(verdict)), verdict.is_right())),
        )
    }

    /// Share of the examples that are taken for outsiders.
    pub fn flagged(&self) -> f64 {
        let flagged = self.verdicts.iter().filter(|verdict| verdict.is_outsider).count();
        flagged as f64 / self.verdicts.len().max(1) as f64
    }

    /// The examples with a label that are taken for a class.
    pub fn cell(&self, label: u16, predicted: u16) -> Vec<&Verdict> {
        self.sorted(|verdict| (verdict.label, verdict.predicted) == (label, predicted))
    }

    /// The wrong answers.
    pub fn mistakes(&self) -> Vec<&Verdict> {
        self.sorted(|verdict| !verdict.is_right())
    }

    /// The right answers.
    pub fn hits(&self) -> Vec<&Verdict> {
        self.sorted(Verdict::is_right)
    }

    /// The examples that are taken for outsiders.
    pub fn outsiders(&self) -> Vec<&Verdict> {
        self.sorted(|verdict| verdict.is_outsider)
    }

    /// Mistakes first, the most confident one before all others, then hits, the least confident one before them.
    fn sorted(&self, wanted: impl Fn(&Verdict) -> bool) -> Vec<&Verdict> {
        let mut found: Vec<_> = self.verdicts.iter().filter(|verdict| wanted(verdict)).collect();
        let order = |verdict: &Verdict| verdict.confidence * if verdict.is_right() { 1.0 } else { -1.0 };
        found.sort_by(|a, b| {
            order(a).total_cmp(&order(b)).then(b.loss.total_cmp(&a.loss)).then(a.example.cmp(&b.example))
        });
        found
    }
}

/// The figures of each class, from counts by label and by prediction.
pub fn class_figures(confusion: &[Vec<usize>]) -> Vec<ClassFigures> {
    let share = |right: usize, all: usize| (all > 0).then(|| right as f64 / all as f64);
    let figures = |class: usize| {
        let examples: usize = confusion[class].iter().sum();
        let taken: usize = confusion.iter().map(|row| row[class]).sum();
        let right = confusion[class][class];
        ClassFigures { examples, precision: share(right, taken), recall: share(right, examples) }
    };
    (0..confusion.len()).map(figures).collect()
}

/// Index of the largest number, as of the most probable class. Of equal ones the last, 0 for an empty slice.
pub fn argmax<T: Copy + Into<f64>>(numbers: &[T]) -> usize {
    let number = |at: usize| -> f64 { numbers[at].into() };
    (0..numbers.len()).max_by(|a, b| number(*a).total_cmp(&number(*b))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(example: u32, label: u16, predicted: u16, loss: f32) -> Verdict {
        let (confidence, raw_confidence, is_outsider) = (0.9, 0.99, example == 7);
        let runners_up = [Candidate { class: 2, probability: 0.1 }, Candidate::default()];
        let runners_up = [runners_up[0], runners_up[1], runners_up[1], runners_up[1]];
        Verdict { example, label, predicted, raw_confidence, confidence, runners_up, loss, is_outsider }
    }

    #[test]
    fn no_network_is_said_to_be_certain() {
        let written = [0.0, 0.004, 0.006, 0.8, 0.994, 0.996, 1.0].map(|share| confidence(share, 0));
        assert_eq!(written, ["<1 %", "<1 %", "1 %", "80 %", "99 %", ">99 %", ">99 %"]);
        let written = [0.000_4, 0.996, 0.999_6].map(|share| confidence(share, 1));
        assert_eq!(written, ["<0.1 %", "99.6 %", ">99.9 %"]);
        assert_eq!(confidence(0.999_99, 2), ">99.99 %");
    }

    /// scikit-learn 1.9: `confusion_matrix` and `precision_recall_fscore_support` of
    /// [0, 0, 1, 1, 2, 2, 2, 0] and [0, 1, 1, 1, 2, 0, 2, 0].
    #[test]
    fn confusion_precision_and_recall_are_those_of_scikit_learn() {
        let pairs = [(0, 0), (0, 1), (1, 1), (1, 1), (2, 2), (2, 0), (2, 2), (0, 0)];
        let verdicts = (0u32..).zip(pairs).map(|(example, (label, predicted))| {
            verdict(example, label, predicted, (example * 3 % 5) as f32)
        });
        let trust = TrustReport {
            temperature: 1.0,
            validation_ece: [0.0; 2],
            validation_flagged: None,
            labels: LabelCounts::default(),
            outsiders: None,
        };
        let class_names = ["a", "b", "c"].map(String::from).to_vec();
        let judgement = Judgement { class_names, verdicts: verdicts.collect(), trust };
        let confusion = judgement.confusion();
        assert_eq!(confusion, [[2, 1, 0], [0, 2, 0], [1, 0, 2]]);
        let figures = class_figures(&confusion);
        assert_eq!(figures.iter().map(|class| class.examples).collect::<Vec<_>>(), [3, 2, 3]);
        assert_eq!(
            figures.iter().map(|class| class.precision.unwrap()).collect::<Vec<_>>(),
            [2.0 / 3.0, 2.0 / 3.0, 1.0]
        );
        assert_eq!(
            figures.iter().map(|class| class.recall.unwrap()).collect::<Vec<_>>(),
            [2.0 / 3.0, 1.0, 2.0 / 3.0]
        );
        let examples = |found: Vec<&Verdict>| found.iter().map(|verdict| verdict.example).collect::<Vec<_>>();
        assert_eq!(examples(judgement.hits()), [3, 6, 4, 2, 7, 0], "of equal confidence, by their loss");
        let mut unsure = judgement.clone();
        unsure.verdicts[1].confidence = 0.4;
        assert_eq!((examples(judgement.mistakes()), examples(unsure.mistakes())), (vec![1, 5], vec![5, 1]));
        let cell: Vec<_> = judgement.cell(1, 1).iter().map(|verdict| verdict.example).collect();
        assert_eq!((cell, judgement.outsiders()[0].example), (vec![3, 2], 7));
        let probable: Vec<_> = judgement.verdicts[0].candidates().map(|candidate| candidate.class).collect();
        assert_eq!(probable, [0, 2], "classes without probability are named");
        assert_eq!(judgement.flagged(), 1.0 / 8.0);
        assert_eq!(class_figures(&[vec![0, 0], vec![0, 0]])[0].precision, None);
    }
}
