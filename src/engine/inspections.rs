//! What can be found out of a run's network in many portions, one a call, so that training goes on in between.
use super::model::Model;
use crate::{
    data::{Dataset, Partition},
    protocol::{Finding, Question},
};
use anyhow::{Result, bail};
use std::sync::Arc;

mod evaluation;
pub mod history;
pub mod recall;

/// A network that nobody trains, and the images that it is about.
pub struct Subject {
    /// The step of its weights.
    pub step: u64,
    pub model: Model,
    pub dataset: Arc<Dataset>,
    pub partition: Partition,
    pub is_classifier: bool,
    /// Images of another data set, where the question names one.
    pub outsiders: Option<Arc<Dataset>>,
}

/// Work on a question. It is pulled: whoever holds it decides when the next portion is due.
pub trait Inspection: Send {
    /// Does one portion, which is about as long as a batch.
    ///
    /// # Errors
    /// Where the network or its data cannot be looked into.
    fn advance(&mut self) -> Result<Progress>;
}

/// How far an inspection is.
pub struct Progress {
    /// From 0 to 1; at 1 it is done.
    pub share_done: f32,
    pub finding: Option<Finding>,
}

/// Begins to look for the answer to a question.
///
/// # Errors
/// Where it cannot be asked of such a network.
pub fn begin(question: &Question, subject: Subject) -> Result<Box<dyn Inspection>> {
    match question {
        Question::Evaluation { split, .. } => Ok(evaluation::begin(subject, *split)),
        Question::Scores { .. } | Question::History { .. } | Question::Recall { .. } => bail!("it is about other weights"),
    }
}
