//! What a network made of some samples at each of its checkpoints, one portion of one checkpoint a call.
use super::{Inspection, PartialFinding};
use crate::{
    data::watch::Watch,
    engine::{model::Model, trust::Effort},
    errors::message,
    protocol::{Finding, Moment},
    runs::RunFolder,
    sample::Sample,
    spec::Catalog,
};
use anyhow::{Error, Result};
use std::{collections::VecDeque, sync::Arc};

struct History {
    folder: RunFolder,
    /// With the weights of the first step that waits, once `is_loaded`.
    model: Model,
    is_loaded: bool,
    waiting: VecDeque<u64>,
    samples: Arc<Vec<Sample>>,
    /// Of that step, as far as they are known.
    scores: Vec<Vec<f32>>,
    found: Vec<Moment>,
    left_out: Vec<String>,
}

/// Begins with the checkpoints of a run after a step; with none given, also with the weights that its seed drew. Also
/// gives the newest of these steps.
///
/// # Errors
/// Where the run's spec or its data cannot be read, or that was stopped.
pub fn begin(
    folder: RunFolder,
    catalog: &Catalog,
    samples: Arc<Vec<Sample>>,
    after: Option<u64>,
    watch: &Watch,
) -> Result<(u64, Box<dyn Inspection>)> {
    let spec = folder.spec(catalog)?;
    let model = Model::build(&spec, &folder.dataset_info(&spec, watch)?)?;
    let is_drawn = after.is_none() && spec.init_from.is_none();
    let saved = folder.checkpoints().into_iter().filter(|step| *step > after.unwrap_or(0));
    let waiting: VecDeque<u64> = is_drawn.then_some(0).into_iter().chain(saved).collect();
    let newest = waiting.back().copied().or(after).unwrap_or_default();
    let (scores, found, left_out) = (vec![], vec![], vec![]);
    let history = History { folder, model, is_loaded: is_drawn, waiting, samples, scores, found, left_out };
    Ok((newest, Box::new(history)))
}

impl Inspection for History {
    fn advance(&mut self) -> Result<PartialFinding> {
        if let Some(step) = self.waiting.front().copied() {
            self.advance_at(step)?;
        }
        let (done, waiting) = (self.found.len() as f32, self.waiting.len() as f32);
        Ok(PartialFinding {
            share_done: if waiting == 0.0 { 1.0 } else { done / (done + waiting) },
            finding: Some(Finding::History {
                class_names: self.model.class_names().clone(),
                moments: Arc::new(self.found.clone()),
            }),
        })
    }

    fn left_out(&mut self) -> Vec<String> {
        std::mem::take(&mut self.left_out)
    }
}

impl History {
    fn advance_at(&mut self, step: u64) -> Result<()> {
        if !self.is_loaded {
            let path = self.folder.checkpoint(step);
            if !path.exists() {
                // A run that goes on removes old checkpoints.
                self.waiting.pop_front();
                return Ok(());
            }
            if let Err(error) = self.model.vars.load(&path.join("model.safetensors")) {
                self.leave_out(step, &error);
                return Ok(());
            }
            self.is_loaded = true;
        }
        let done = self.scores.len();
        let portion = &self.samples[done..self.samples.len().min(done + Effort::FULL.portion)];
        match self.model.scores(portion) {
            Ok(scores) => self.scores.extend(scores),
            Err(error) => {
                self.leave_out(step, &error);
                return Ok(());
            }
        }
        if self.scores.len() == self.samples.len() {
            self.found.push(Moment { step, scores: std::mem::take(&mut self.scores) });
            self.waiting.pop_front();
            self.is_loaded = false;
        }
        Ok(())
    }

    fn leave_out(&mut self, step: u64, error: &Error) {
        let reason = message(error);
        self.left_out.push(format!("Step {step} is left out, its checkpoint cannot be used: {reason}"));
        self.waiting.pop_front();
        self.scores.clear();
        self.is_loaded = false;
    }
}
