//! What the two faces and the worker thread say to each other: plain data, no tensors, no widgets.
use crate::{
    embedding::{Map, MapMethod},
    evaluation::Evaluation,
    experiment::Experiment,
    explanation::Explanation,
    inside::{Inside, Strongest},
    metrics::{Point, Split},
    sample::Sample,
    shape::ImageShape,
    spec::{Change, Choice, LiveParams, RunSpec},
};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::Arc};

pub mod data;

/// The name of a run's folder, unique within a home.
pub type RunId = Arc<str>;

/// The name of a comparison's folder, unique within a home.
pub type ComparisonId = Arc<str>;

/// What a face asks the worker to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Creates a run and trains it.
    Start(Box<RunSpec>),
    /// Continues a stopped, interrupted or failed run from its newest checkpoint.
    Resume(RunId),
    /// Goes back to a checkpoint of a run that is not finished, and on from there with these live hyperparameters. Later
    /// checkpoints are removed.
    Rewind {
        run: RunId,
        step: u64,
        live: LiveParams,
    },
    Control(RunId, Control),
    /// Sets every live hyperparameter of a run; the last one sent wins.
    Tune(RunId, LiveParams),
    /// Scores a sample. The newest request wins.
    Predict {
        request: u64,
        run: RunId,
        sample: Sample,
        /// Whether the training examples that are nearest to it are wanted, even where the network knows classes.
        with_nearest: bool,
    },
    /// Shows what a run makes of a few validation examples, the first of them replaced by samples where the network learns
    /// without labels. The newest request wins.
    Preview {
        request: u64,
        run: RunId,
        samples: Vec<Sample>,
    },
    /// Asks something of a run's network that takes a while. Of each kind of question, the newest wins.
    Ask {
        request: u64,
        run: RunId,
        question: Question,
    },
    /// Gives up on the question of that request.
    Dismiss(u64),
    /// Reads a run again that another program trains, or has trained.
    Reopen(RunId),
    Rename(RunId, String),
    /// Moves a run's folder to the trash of the home.
    Delete(RunId),
    /// Takes a run back out of the trash.
    Restore(RunId),
    /// Creates a comparison and runs its races.
    Compare(Box<Experiment>),
    Order(ComparisonId, Order),
    /// Gives up on the data set that is being read, and on what it is read for. Overtakes all other commands.
    StopPreparing,
}

/// What can be asked of a comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// Goes on where it was stopped.
    Resume,
    /// Reads it and its runs again: another program works at it, or has.
    Reopen,
    /// As for each of the runs that race.
    Control(Control),
    /// Moves it and its races to the trash of the home; its pretrainings stay.
    Delete,
    Restore,
}

/// What can be asked of a run that is in the worker's hands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Control {
    Pause,
    /// One batch, then pause.
    Step,
    Continue,
    /// Saves a checkpoint and lets go of the run; it can be resumed.
    Stop,
}

/// What the worker reports.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A run was started, or found on disk. Its points follow.
    Run(Box<RunInfo>),
    Phase(RunId, Phase),
    /// A run that diverges can go on from there.
    Remedy(RunId, Remedy),
    Points(RunId, Vec<Point>),
    Progress(RunId, Progress),
    /// Live hyperparameters were changed: as they are now, and what changed.
    Tuned(RunId, LiveParams, Vec<Change>),
    /// A checkpoint was written.
    Saved(RunId, u64),
    Prediction(Prediction),
    /// How far the calibration is that a prediction waits for.
    Calibrating {
        request: u64,
        share_done: f32,
    },
    Preview(Preview),
    Answer(Answer),
    Renamed(RunId, String),
    /// A run went to the trash.
    Removed(RunId),
    /// A comparison was started, or found on disk.
    Comparison(Box<ComparisonInfo>),
    ComparisonPhase(ComparisonId, Phase),
    /// A comparison went to the trash.
    ComparisonRemoved(ComparisonId),
    Notice(Notice),
}

/// A run as it is found on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct RunInfo {
    pub id: RunId,
    pub folder: PathBuf,
    pub spec: RunSpec,
    pub live: LiveParams,
    pub phase: Phase,
    /// Of a run that diverged.
    pub remedy: Option<Remedy>,
    /// The step of the newest checkpoint.
    pub saved: Option<u64>,
    pub changes: Vec<Change>,
    pub progress: Progress,
    /// Training steps done and the seconds of training they took, rising, for an axis in seconds.
    pub timing: Vec<[f64; 2]>,
    /// The name of each class, in order of the labels; none where that is not known before the data set is read.
    pub class_names: Arc<[String]>,
}

/// A comparison as it is found on disk; its runs say themselves that they belong to it.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparisonInfo {
    pub id: ComparisonId,
    pub folder: PathBuf,
    pub experiment: Experiment,
    pub phase: Phase,
}

/// Where a run or a comparison stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    Running,
    Paused,
    /// In the hands of another program, which trains it.
    Elsewhere,
    /// Ended early, by a person or by a crash; can be resumed.
    Stopped,
    /// Trained to its end.
    Finished,
    /// Cannot go on; says what happened and what to do.
    Failed(String),
}

impl Phase {
    /// In the worker's hands: it can be paused, tuned and stopped.
    pub fn is_active(&self) -> bool {
        matches!(self, Phase::Running | Phase::Paused)
    }
}

/// From where a run that diverged can go on, and how.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remedy {
    /// Of the newest checkpoint whose weights are good.
    pub step: u64,
    /// Instead of the one that it diverged with, which is ten times as large.
    pub learning_rate: f64,
}

/// How far something is that is done with many examples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preparing {
    /// What is done now, as "Preparing images".
    pub what: &'static str,
    /// Examples; 0 of 0 before they are counted.
    pub done: u64,
    pub total: u64,
    /// At the present pace; nothing before there is one.
    pub secs_left: Option<f64>,
}

impl Preparing {
    /// After so many seconds of it.
    pub fn after(secs: f64, what: &'static str, done: u64, total: u64) -> Self {
        let done = done.min(total);
        let secs_left = (done > 0).then(|| secs * (total - done) as f64 / done as f64);
        Self { what, done, total, secs_left }
    }
}

/// How far a run is, and how fast.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// What holds up the next step for more than a second: self-labelling, validation or the test.
    pub aside: Option<Preparing>,
    /// Batches done, and to be done in all.
    pub step: u64,
    pub steps: u64,
    pub steps_per_epoch: u64,
    /// Time spent training, without pauses.
    pub elapsed_secs: f64,
    pub examples_per_sec: f64,
}

impl Progress {
    /// Epochs done, with a fraction.
    pub fn epoch(&self) -> f64 {
        self.step as f64 / self.steps_per_epoch.max(1) as f64
    }
}

/// What a network makes of one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    pub request: u64,
    pub run: RunId,
    /// The step whose weights answered.
    pub step: u64,
    /// What each class is.
    pub class_names: Arc<[String]>,
    /// One a class, adding up to 1; none where the network learns without labels.
    pub probabilities: Vec<f32>,
    pub confidence: Confidence,
    /// Where it learns without labels: what it makes of the sample instead.
    pub strips: Vec<Strip>,
    /// Then also, and where they were asked for: the training examples that are nearest to it, once they have been looked
    /// at, or why they cannot be.
    pub nearest: Option<Result<Strip, String>>,
}

/// How far the probabilities of a prediction can be taken at their word.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Confidence {
    /// As the network gives them, which is often too sure.
    Raw,
    /// As the network gives them; calibrated ones follow, which are done by this share from 0 to 1.
    Pending { share_done: f32 },
    /// Of answers given with 80 %, 80 % are right; unless the sample looks like nothing that the network was trained on.
    Calibrated { is_outsider: bool },
}

/// What a network makes of a few examples.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    pub request: u64,
    pub run: RunId,
    /// The step whose weights are shown.
    pub step: u64,
    pub strips: Vec<Strip>,
    /// Where views of examples are compared.
    pub similarities: Option<Similarities>,
}

/// Images that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    pub name: &'static str,
    /// One sentence on what is to be seen.
    pub help: &'static str,
    /// Height, width and channels of each.
    pub shape: ImageShape,
    /// One image after another, row by row, 255 for ink.
    pub pixels: Vec<u8>,
    /// One an image, or none.
    pub captions: Vec<Caption>,
}

/// What stands beneath an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Caption {
    pub text: String,
    /// Whether the network is right, where that can be said.
    pub is_right: Option<bool>,
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
    pub mean: f64,
    /// Shares of all numbers by equal parts of the way from −1 to 1, adding up to 1.
    pub shares: Vec<f32>,
}

impl Cosines {
    /// Parts of the way from −1 to 1.
    pub const BINS: usize = 40;

    pub fn new(cosines: &[f32]) -> Self {
        let (mut shares, count) = (vec![0.0; Self::BINS], cosines.len().max(1) as f32);
        for cosine in cosines {
            let at = (cosine + 1.0) / 2.0 * Self::BINS as f32;
            shares[(at.max(0.0) as usize).min(Self::BINS - 1)] += 1.0 / count;
        }
        Self { mean: f64::from(cosines.iter().sum::<f32>() / count), shares }
    }
}

/// What can be asked of a run's network, to be answered between batches.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// How well does it do on a whole split, and how well is it calibrated?
    Evaluation {
        split: Split,
        /// A data set whose test examples are none of what it was trained on: how many of them does it notice?
        outsiders: Option<Choice>,
    },
    /// What does it make of each of a few samples, with its weights as they are now? Answered at once.
    Scores { samples: Arc<Vec<Sample>> },
    /// What did it make of them at each of its checkpoints after a step, or at all of them and before its first step?
    History { samples: Arc<Vec<Sample>>, after: Option<u64> },
    /// How many of the validation examples of a run does it get right? Asked about the run that it was fine-tuned from, this
    /// says what it has forgotten.
    Recall { of: RunId },
    /// What in a sample speaks for a class, by every method? Asked of the weights as they are at each moment.
    Explanation {
        sample: Sample,
        /// The most probable one where none is named.
        class: Option<u16>,
        /// What speaks for the class rather than for this one.
        instead_of: Option<u16>,
    },
    /// What happens to a sample between the layers? Asked of the weights as they are at that moment.
    Inside { sample: Sample },
    /// Which training examples does a filter answer to most?
    Strongest {
        /// Counted among the convolutions.
        layer: usize,
        filter: usize,
    },
    /// Where does the network see examples of a split, and which of them are near to each other?
    Map {
        split: Split,
        /// Evenly drawn; all where it is 0.
        examples: usize,
        method: MapMethod,
    },
    /// Where does it see this one? Asked of the weights as they are at that moment.
    Embedding { sample: Sample },
}

impl Question {
    /// Whether it is asked again and again while somebody draws.
    pub fn is_about_a_drawing(&self) -> bool {
        matches!(self, Question::Explanation { .. } | Question::Inside { .. } | Question::Embedding { .. })
    }
}

/// What came of a question, or has come of it so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub request: u64,
    pub run: RunId,
    /// The step whose weights were asked.
    pub step: u64,
    /// How much of the work is done, from 0 to 1.
    pub share_done: f32,
    /// None while there is nothing to be seen yet; where it cannot be answered, why.
    pub finding: Option<Result<Finding, String>>,
}

/// One kind for each kind of question.
#[derive(Clone, Debug, PartialEq)]
pub enum Finding {
    Evaluation(Arc<Evaluation>),
    /// The probability of each class for each sample; of no class where the network learns without labels.
    Scores {
        class_names: Arc<[String]>,
        scores: Arc<Vec<Vec<f32>>>,
        /// Whether they are calibrated, which is known of a network at rest that a drawing was shown to.
        is_calibrated: bool,
    },
    Recall {
        examples: usize,
        accuracy: f64,
    },
    History {
        class_names: Arc<[String]>,
        /// In order of their steps.
        moments: Arc<Vec<Moment>>,
    },
    Explanation(Arc<Explanation>),
    Inside(Arc<Inside>),
    Strongest(Arc<Strongest>),
    Map(Arc<Map>),
    Embedding(Arc<Vec<f32>>),
}

/// What a network made of some samples at one of its checkpoints.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    pub step: u64,
    /// The uncalibrated probability of each class for each sample, as in [`Finding::Scores`].
    pub scores: Vec<Vec<f32>>,
}

/// Something worth saying, that ends nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub about: About,
    pub level: Level,
    pub text: String,
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq)]
pub enum About {
    /// What was asked for last: an error is its answer.
    Request,
    /// A run, whether or not anything was asked about it.
    Run(RunId),
    Comparison(ComparisonId),
    /// A data set, or a person's own drawings.
    Data,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Level {
    Info,
    Warning,
    Error,
}

/// One layer of a network, for its summary.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerInfo {
    /// As in the names of its weights, such as `encoder.conv1`; empty for a layer without any.
    pub name: String,
    /// What it does, such as "Convolution 3×3, ReLU".
    pub kind: String,
    /// Of one example: (height, width, channels) or (features).
    pub output_shape: Vec<usize>,
    pub parameters: u64,
    /// Floating-point operations to score one example.
    pub flops: u64,
}
