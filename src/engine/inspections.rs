//! What can be found out of a run's network in many portions, one a call, so that training goes on in between.
use super::model::Model;
use crate::{
    data::{Dataset, Partition},
    protocol::{Finding, Question},
};
use anyhow::{Result, bail};
use std::sync::Arc;

mod embedding;
mod evaluation;
pub mod explanations;
pub mod history;
mod inside;
pub mod noise;
pub mod rates;
pub mod recall;

/// A network that is not being trained, and the examples that it is about.
pub struct Subject {
    /// A copy of a run's weights as they were when the question was asked.
    pub model: Arc<Model>,
    pub dataset: Arc<Dataset>,
    pub partition: Arc<Partition>,
    pub is_classifier: bool,
    /// Whether the examples are of another data set than the network was trained on, so that it cannot be calibrated.
    pub is_elsewhere: bool,
    /// Examples of another data set, where the question names one.
    pub outsiders: Option<Arc<Dataset>>,
}

/// Work on a question. It is pulled: its owner decides when the next portion is due.
pub trait Inspection: Send {
    /// Does one portion, which is about as long as a batch.
    ///
    /// # Errors
    /// Where the network or its data cannot be looked into.
    fn advance(&mut self) -> Result<PartialFinding>;

    /// What could not be looked at, in sentences, since this was asked last.
    fn left_out(&mut self) -> Vec<String> {
        vec![]
    }
}

/// What an inspection has found in a portion of its work.
pub struct PartialFinding {
    /// From 0 to 1; at 1 it is done.
    pub share_done: f32,
    pub finding: Option<Finding>,
}

/// Begins to look for the answer to a question about a network, which may be trained meanwhile; long ones are about a copy.
///
/// # Errors
/// Where it cannot be asked of such a network.
pub fn begin(
    question: &Question,
    live: &Arc<Model>,
    copy: impl FnOnce() -> Result<Subject>,
) -> Result<Box<dyn Inspection>> {
    match question {
        Question::Evaluation { split, .. } => Ok(evaluation::begin(copy()?, *split)),
        Question::Explanation { sample, class, instead_of } => {
            explanations::begin(live, sample, *class, *instead_of)
        }
        Question::Inside { sample } => Ok(at_once(Finding::Inside(inside::look(live, sample)?.into()))),
        Question::Strongest { layer, filter } => inside::begin(copy()?, *layer, *filter),
        Question::Map { split, examples, method } => embedding::begin(copy()?, *split, *examples, *method),
        Question::Embedding { sample } => {
            Ok(at_once(Finding::Embedding(embedding::of_one(live, sample)?.into())))
        }
        Question::History { .. }
        | Question::Recall { .. }
        | Question::LearningRates { .. }
        | Question::NoiseScale { .. } => {
            bail!("it is about other weights")
        }
        Question::Prediction { .. }
        | Question::Nearest { .. }
        | Question::Preview { .. }
        | Question::Scores { .. } => bail!("it is answered without an inspection"),
    }
}

/// What is found out without any portions.
fn at_once(finding: Finding) -> Box<dyn Inspection> {
    Box::new(AtOnce(finding))
}

struct AtOnce(Finding);

impl Inspection for AtOnce {
    fn advance(&mut self) -> Result<PartialFinding> {
        Ok(PartialFinding { share_done: 1.0, finding: Some(self.0.clone()) })
    }
}
