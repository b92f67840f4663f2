//! What can be asked of a run's network, and what is found.
use super::{RunId, visual::Strip};
use crate::{
    embedding::{Map, MapMethod},
    evaluation::{Evaluation, LabelCounts},
    explanation::Explanation,
    inside::{Inside, Strongest},
    metrics::Split,
    noise::NoiseScale,
    rates::RateTest,
    sample::Sample,
    spec::{Choice, RunSpec},
};
use std::sync::Arc;

/// What can be asked of a run's network, to be answered between batches.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// What does it make of a sample? Answered at once by the weights as they are, and again once they are calibrated; in
    /// training that may be some seconds old.
    Prediction {
        /// As it was drawn.
        sample: Sample,
    },
    /// Which training examples are nearest to a sample? Asked of the weights as they are, whose embeddings of the training
    /// examples may be some seconds older: the answer comes again once they are renewed.
    Nearest {
        /// As it was drawn.
        sample: Sample,
    },
    /// What does it make of a few validation examples, the first of them replaced by samples where it learns without
    /// labels? Asked of the weights as they are, after a rest while they are trained.
    Preview {
        /// The newest first.
        samples: Vec<Sample>,
    },
    /// How well does it do on a whole split, and how well is it calibrated?
    Evaluation {
        /// Which examples of the run's data set.
        split: Split,
        /// A data set whose test examples are none of what it was trained on: how many of them does it notice?
        outsiders: Option<Choice>,
        /// Another data set of the same classes, in place of the run's own.
        data: Option<Choice>,
    },
    /// What does it make of each of a few samples, with its weights as they are now? Answered at once.
    Scores {
        /// 512 at most.
        samples: Arc<Vec<Sample>>,
    },
    /// What did it make of them at each of its checkpoints after a step, or at all of them and before its first step?
    History {
        /// What is scored at each checkpoint.
        samples: Arc<Vec<Sample>>,
        /// The step that the checkpoints come after.
        after: Option<u64>,
    },
    /// How many of the validation examples of a run does it get right? Asked about the run that it was fine-tuned from, this
    /// says what it has forgotten.
    Recall {
        /// The run whose validation examples are meant.
        of: RunId,
    },
    /// Which learning rate suits the weights and the optimiser's state as they are now? Found out in a copy.
    LearningRates {
        /// A recipe whose weights are drawn first, in place of a run's: the run has no name then.
        spec: Option<Box<RunSpec>>,
    },
    /// What would another batch size cost and change, by the gradients of the weights as they are now? Found out in a copy.
    NoiseScale {
        /// A recipe whose weights are drawn first, in place of a run's: the run has no name then.
        spec: Option<Box<RunSpec>>,
    },
    /// What in a sample speaks for a class, by every method? Asked of the weights as they are at each moment.
    Explanation {
        /// As it was drawn.
        sample: Sample,
        /// The most probable one where none is named.
        class: Option<u16>,
        /// What speaks for the class rather than for this one.
        instead_of: Option<u16>,
    },
    /// What happens to a sample between the layers? Asked of the weights as they are at that moment.
    Inside {
        /// As it was drawn.
        sample: Sample,
    },
    /// Which training examples does a filter answer to most?
    Strongest {
        /// Counted among the convolutions.
        layer: usize,
        /// Counted among the layer's filters.
        filter: usize,
    },
    /// Where does the network see examples of a split, and which of them are near to each other?
    Map {
        /// Which examples.
        split: Split,
        /// Evenly drawn; all where it is 0.
        examples: usize,
        /// How embeddings become places in the plane.
        method: MapMethod,
    },
    /// Where does it see this one? Asked of the weights as they are at that moment.
    Embedding {
        /// As it was drawn.
        sample: Sample,
    },
}

/// What came of a question, or has come of it so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The request of the question.
    pub request: u64,
    /// Whose network was asked.
    pub run: RunId,
    /// The step whose weights were asked.
    pub step: u64,
    /// How much of the work is done, from 0 to 1.
    pub share_done: f32,
    /// None where nothing has been found since the last answer; where there is no answer, why.
    pub finding: Option<Result<Finding, String>>,
}

/// One kind for each kind of question.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    /// What it makes of the sample.
    Prediction(Arc<Prediction>),
    /// The nearest training examples, the nearest first.
    Nearest(Arc<Strip>),
    /// What it makes of a few examples.
    Preview(Arc<Preview>),
    /// How well it does on the split.
    Evaluation(Arc<Evaluation>),
    /// The probability of each class for each sample; of no class where the network learns without labels.
    Scores {
        /// What each class is.
        class_names: Arc<[String]>,
        /// By sample, then by class.
        scores: Arc<Vec<Vec<f32>>>,
        /// Whether they are calibrated, which a network is that a drawing was shown to.
        is_calibrated: bool,
    },
    /// What it still gets right.
    Recall {
        /// How many were scored.
        examples: usize,
        /// The share of them that it gets right.
        accuracy: f64,
    },
    /// The losses of a range test so far.
    LearningRates(Arc<RateTest>),
    /// The noise of the gradient.
    NoiseScale(Arc<NoiseScale>),
    /// What it made of the samples at each checkpoint so far.
    History {
        /// What each class is.
        class_names: Arc<[String]>,
        /// In order of their steps.
        moments: Arc<Vec<Moment>>,
    },
    /// What in the sample speaks for the class.
    Explanation(Arc<Explanation>),
    /// The sample between the layers.
    Inside(Arc<Inside>),
    /// The training examples that the filter answers to most.
    Strongest(Arc<Strongest>),
    /// Where it sees the examples.
    Map(Arc<Map>),
    /// The sample's embedding.
    Embedding(Arc<Vec<f32>>),
}

/// What a network made of some samples at one of its checkpoints.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    /// The checkpoint's step.
    pub step: u64,
    /// The uncalibrated probability of each class for each sample, as in [`Finding::Scores`].
    pub scores: Vec<Vec<f32>>,
}

/// What a network makes of one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// What each class is.
    pub class_names: Arc<[String]>,
    /// One a class, adding up to 1; none where the network learns without labels.
    pub probabilities: Vec<f32>,
    /// What the probabilities are worth.
    pub confidence: Confidence,
    /// Whether the sample looks like anything that the network was trained on.
    pub familiarity: Familiarity,
    /// Where it learns without labels: what it makes of the sample instead.
    pub strips: Vec<Strip>,
}

/// Whether the probabilities of a prediction are calibrated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Confidence {
    /// As the network gives them, which is often too sure: it cannot be calibrated.
    Raw,
    /// As the network gives them; calibrated ones follow.
    Pending,
    /// Of answers given with 80 %, 80 % are right, unless the sample is an outsider.
    Calibrated {
        /// How many labels that took.
        labels: LabelCounts,
    },
}

/// Whether a sample looks like anything that a network was trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Familiarity {
    /// That is not yet judged; it will be.
    NotYet,
    /// It looks as validation examples do.
    Inside,
    /// It looks like none of the classes: the answer is not to be relied on.
    Outside,
    /// The network was trained on so few labels, of which this is the number, that it cannot be judged.
    TooFewLabels(usize),
    /// It cannot be judged: the network has no classes, or could not be calibrated.
    Unknown,
}

/// What a network makes of a few examples.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// Examples, and what it makes of them.
    pub strips: Vec<Strip>,
    /// Where views of examples are compared.
    pub similarities: Option<Similarities>,
}

/// How alike pairs of views are to a network, by their cosine similarity.
#[derive(Clone, Debug, PartialEq)]
pub struct Similarities {
    /// Two views of the same example.
    pub same: Cosines,
    /// Views of two different examples.
    pub others: Cosines,
}

/// Numbers from −1 to 1, counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Cosines {
    /// Of all numbers.
    pub mean: f64,
    /// Shares of all numbers by equal parts of the way from −1 to 1, adding up to 1.
    pub shares: Vec<f32>,
}

impl Cosines {
    /// Parts of the way from −1 to 1.
    pub const BINS: usize = 40;

    /// Counts cosines, each from −1 to 1.
    pub fn new(cosines: &[f32]) -> Self {
        let (mut shares, count) = (vec![0.0; Self::BINS], cosines.len().max(1) as f32);
        for cosine in cosines {
            let at = (cosine + 1.0) / 2.0 * Self::BINS as f32;
            shares[(at.max(0.0) as usize).min(Self::BINS - 1)] += 1.0 / count;
        }
        Self { mean: f64::from(cosines.iter().sum::<f32>() / count), shares }
    }
}
