//! What the two faces and the worker thread say to each other: plain data, no tensors, no widgets.
use crate::{
    experiment::Experiment,
    metrics::Point,
    spec::{Change, LiveParams, RunSpec},
};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, sync::Arc};

pub mod data;
mod marks;
mod questions;
pub mod visual;
pub use marks::{Mark, Marks};
pub use questions::{
    Answer, Confidence, Cosines, Familiarity, Finding, Moment, Prediction, Preview, Question, Similarities,
};
pub use visual::{Caption, Strip};

/// The name of a run's folder, unique within a home.
pub type RunId = Arc<str>;

/// The name of a comparison's folder, unique within a home.
pub type ComparisonId = Arc<str>;

/// What a face asks the worker to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Creates a run and trains it, once fewer others train than the machine is for.
    Start(Box<RunSpec>),
    /// Continues a stopped, interrupted or failed run from its newest checkpoint. One that waits for others to end begins now.
    Resume(RunId),
    /// Puts the runs that wait for others to end into this order; those that are left out wait no longer.
    Queue(Vec<RunId>),
    /// Goes back to a checkpoint of a run, and on from there with these live hyperparameters. Later checkpoints are removed.
    Rewind {
        /// The run; one that is finished needs more epochs.
        run: RunId,
        /// A checkpoint's step.
        step: u64,
        /// Their values from there on.
        live: LiveParams,
        /// How many epochs it has from now on; none leaves them as they are.
        epochs: Option<u64>,
    },
    /// Pauses, continues or stops a run.
    Control(RunId, Control),
    /// Sets every live hyperparameter of a run; the last one sent wins.
    Tune(RunId, LiveParams),
    /// Asks something of a run's network. Of each kind of question, the newest wins.
    Ask {
        /// Tells the answer from those to other questions.
        request: u64,
        /// Whose network is asked.
        run: RunId,
        /// What is asked.
        question: Question,
    },
    /// Gives up on the question of that request.
    Dismiss(u64),
    /// Reads a run again that another program trains, or has trained.
    Reopen(RunId),
    /// Reads every point of the curves of a run of which a sketch is known.
    ReadCurves(RunId),
    /// Shows what other programs have made, trained or deleted meanwhile.
    LookAround,
    /// Gives a run another name.
    Rename(RunId, String),
    /// Says something of runs, such as a tag.
    Mark(Vec<RunId>, Mark),
    /// Moves a run's folder to the trash of the home.
    Delete(RunId),
    /// Takes a run back out of the trash.
    Restore(RunId),
    /// Takes a run that somebody sent out of its file.
    Receive(PathBuf),
    /// Creates a comparison and runs its races.
    Compare(Box<Experiment>),
    /// Does something to a comparison.
    Order(ComparisonId, Order),
    /// Gives up on the data set that is being read, and on what it is read for. Overtakes all other commands.
    StopPreparing,
}

/// What can be asked of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Goes on where it was stopped.
    Resume,
    /// Reads it and its runs again: another program works at it, or has.
    Reopen,
    /// As for each of the runs that race.
    Control(Control),
    /// Has a sweep from now on do what this one says: its budget, the ends of its ranges, and the trials that are skipped.
    /// What it has done already stays.
    Revise(Box<Experiment>),
    /// Moves it and its races to the trash of the home; its pretrainings stay.
    Delete,
    /// Takes it and its races back out of the trash.
    Restore,
}

/// What can be asked of a run that is in the worker's hands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Control {
    /// Waits before the next batch.
    Pause,
    /// One batch, then pause.
    Step,
    /// Goes on after a pause.
    Continue,
    /// Saves a checkpoint and lets go of the run; it can be resumed.
    Stop,
}

/// What the worker reports.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A run was started, or found on disk. Its points follow.
    Run(Box<RunInfo>),
    /// A run stands elsewhere now.
    Phase(RunId, Phase),
    /// A run that diverges can go on from there.
    Remedy(RunId, Remedy),
    /// Further points of a run's curves.
    Points(RunId, Vec<Point>),
    /// A run's curves in full, in place of their sketch; none where they cannot be read, so that the sketch is all there is.
    Curves(RunId, Option<Vec<Point>>),
    /// How far a run is now.
    Progress(RunId, Progress),
    /// Live hyperparameters were changed: as they are now, and what changed.
    Tuned(RunId, LiveParams, Vec<Change>),
    /// A checkpoint was written: the steps of all that are kept, rising.
    Saved(RunId, Vec<u64>),
    /// An answer, or a part of one.
    Answer(Answer),
    /// A run has another name.
    Renamed(RunId, String),
    /// Something else is said of a run: all of it.
    Marked(RunId, Marks),
    /// A run went to the trash.
    Removed(RunId),
    /// The runs that wait for others to end, the next one first.
    Queue(Vec<RunId>),
    /// A comparison was started, or found on disk.
    Comparison(Box<ComparisonInfo>),
    /// A comparison stands elsewhere now.
    ComparisonPhase(ComparisonId, Phase),
    /// A comparison went to the trash.
    ComparisonRemoved(ComparisonId),
    /// Something to be shown.
    Notice(Notice),
}

/// A run as it is found on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct RunInfo {
    /// The name of its folder.
    pub id: RunId,
    /// Where it is on disk.
    pub folder: PathBuf,
    /// Everything that determines it, but live changes.
    pub spec: RunSpec,
    /// The live hyperparameters as they are now.
    pub live: LiveParams,
    /// Where it stands.
    pub phase: Phase,
    /// Of a run that diverged.
    pub remedy: Option<Remedy>,
    /// The step of the newest checkpoint that can be read.
    pub saved: Option<u64>,
    /// The steps of all checkpoints, rising.
    pub checkpoints: Vec<u64>,
    /// Whether it learns from drawings, so that what it is shown is framed like one.
    pub learns_from_drawings: bool,
    /// Whether only a few points of its long curves follow, until all are asked for.
    pub is_sketch: bool,
    /// Every live change that was made to it, in order.
    pub changes: Vec<Change>,
    /// How far it is.
    pub progress: Progress,
    /// Training steps done and the seconds of training they took, rising, for an axis in seconds.
    pub timing: Vec<[f64; 2]>,
    /// The name of each class, in order of the labels; none where that is not known before the data set is read.
    pub class_names: Arc<[String]>,
    /// What a person says of it.
    pub marks: Marks,
}

/// A comparison, which is an experiment at work, as it is found on disk; its runs say themselves that they belong to it.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparisonInfo {
    /// The name of its folder.
    pub id: ComparisonId,
    /// Where it is on disk.
    pub folder: PathBuf,
    /// What is compared.
    pub experiment: Experiment,
    /// Where it stands.
    pub phase: Phase,
}

/// Where a run or a comparison stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// It trains.
    Running,
    /// In the worker's hands, and waiting.
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
    /// What is done now, such as "Looking for duplicates".
    pub what: &'static str,
    /// Examples; 0 of 0 before they are counted.
    pub done: u64,
    /// Examples in all.
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
    /// Batches done.
    pub step: u64,
    /// Batches of the whole run.
    pub steps: u64,
    /// Batches of one pass over the training examples.
    pub steps_per_epoch: u64,
    /// Time spent training, without pauses.
    pub elapsed_secs: f64,
    /// The present pace of training.
    pub examples_per_sec: f64,
}

impl Progress {
    /// Epochs done, with a fraction.
    pub fn epoch(&self) -> f64 {
        self.step as f64 / self.steps_per_epoch.max(1) as f64
    }
}

/// Something worth saying, that ends nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What it is about.
    pub about: About,
    /// How serious it is.
    pub level: Level,
    /// What happened and what to do.
    pub text: String,
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq)]
pub enum About {
    /// What was asked for last: an error is its answer.
    Request,
    /// A run, whether or not anything was asked about it.
    Run(RunId),
    /// A comparison, whether or not anything was asked about it.
    Comparison(ComparisonId),
    /// A data set, or a person's own drawings.
    Data,
}

/// How serious a notice is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Level {
    /// All is well.
    Info,
    /// Something is not as it was wished for, and the work goes on.
    Warning,
    /// Something was not done.
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
    /// Trained numbers.
    pub parameters: u64,
    /// Floating-point operations to score one example.
    pub flops: u64,
}
