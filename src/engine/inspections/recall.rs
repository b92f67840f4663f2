//! How many examples of another run's validation part a network gets right.
use super::{Inspection, PartialFinding};
use crate::{
    data::Dataset,
    engine::model::{Model, Scoring},
    metrics::{ACCURACY, Split},
    protocol::Finding,
};
use anyhow::{Context as _, Result, ensure};
use std::sync::Arc;

struct Recall {
    model: Model,
    scoring: Scoring,
}

/// Begins with some of the training examples of a data set.
///
/// # Errors
/// Where the network looks at examples of another shape.
pub fn begin(model: Model, dataset: Arc<Dataset>, examples: Vec<usize>) -> Result<Box<dyn Inspection>> {
    ensure!(model.shape() == dataset.info.shape, "The two runs look at examples of different shapes");
    Ok(Box::new(Recall { model, scoring: Scoring::new(Split::Validation, dataset, examples) }))
}

impl Inspection for Recall {
    fn advance(&mut self) -> Result<PartialFinding> {
        if !self.scoring.advance(&self.model, None)? {
            return Ok(PartialFinding { share_done: self.scoring.share_done().min(0.999), finding: None });
        }
        let accuracy =
            self.scoring.mean(ACCURACY).context("It learns without labels: nothing is right or wrong")?;
        let finding = Finding::Recall { examples: self.scoring.examples(), accuracy };
        Ok(PartialFinding { share_done: 1.0, finding: Some(finding) })
    }
}
