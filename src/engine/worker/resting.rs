//! The networks that can be asked: those of runs in training as they are, and those of runs that rest, which are opened
//! once for all questions.
use super::{Engine, calibrating::Calibration};
use crate::{
    data::{Dataset, Partition},
    engine::{model::Model, neighbours::Neighbours, resumption::newest_model_of, trainer::partition},
    objectives,
    protocol::{About, Level, RunId},
    runs::changed_data,
    spec::{LiveParams, RunSpec},
};
use anyhow::{Context as _, Result};
use std::sync::Arc;

/// Runs that nothing trains and that stay open: a drawing may be shown to several.
const MOST_RESTING: usize = 6;

/// The newest checkpoint of a run that nothing trains.
pub struct Resting {
    run: RunId,
    step: u64,
    spec: RunSpec,
    model: Arc<Model>,
    live: LiveParams,
    /// Known once its data set has been read.
    partition: Option<Arc<Partition>>,
    /// None before a drawing has asked for it.
    pub calibration: Option<Calibration>,
}

impl Engine {
    /// The newest weights of a run, their step, and the live hyperparameters.
    pub(super) fn model(&mut self, id: &RunId) -> Result<(u64, Arc<Model>, LiveParams)> {
        if let Some(active) = self.active.get(id) {
            let trainer = &active.trainer;
            return Ok((trainer.state.step, trainer.model.clone(), trainer.live.clone()));
        }
        let resting = self.resting(id)?;
        Ok((resting.step, resting.model.clone(), resting.live.clone()))
    }

    /// A run that nothing trains, opened unless it still is from an earlier question.
    pub(super) fn resting(&mut self, id: &RunId) -> Result<&mut Resting> {
        let place = self.resting.iter().position(|resting| resting.run == *id);
        let resting = match place {
            Some(place) => self.resting.remove(place),
            None => self.open_resting(id)?,
        };
        let surplus = self.resting.len().saturating_sub(MOST_RESTING - 1);
        self.resting.drain(..surplus);
        self.resting.push(resting);
        self.resting.last_mut().context("no model is loaded")
    }

    fn open_resting(&mut self, id: &RunId) -> Result<Resting> {
        let folder = self.home.folder(id);
        let spec = folder.spec(&self.catalog)?;
        let newest = self.watched(|watch| newest_model_of(&folder, &spec, watch))?;
        let about = || About::Run(id.clone());
        let said = newest.passed_over.into_iter();
        said.for_each(|text| self.outbox.notice(about(), Level::Warning, text));
        let (step, live, model) = (newest.state.step, newest.state.live, Arc::new(newest.loaded));
        Ok(Resting { run: id.clone(), step, spec, model, live, partition: None, calibration: None })
    }

    /// Another run may have the name, or the same run other weights.
    pub(super) fn forget_weights(&mut self) {
        self.resting.clear();
        self.refit = None;
        self.neighbours = Neighbours::default();
    }

    /// What is known of the calibration of a run that nothing trains.
    pub(super) fn calibration_at_rest(&self, id: &RunId) -> Option<&Calibration> {
        self.resting.iter().find(|resting| resting.run == *id)?.calibration.as_ref()
    }

    /// What a run was started with.
    pub(super) fn spec(&mut self, id: &RunId) -> Result<&RunSpec> {
        if self.active.contains_key(id) {
            return Ok(&self.active[id].trainer.spec);
        }
        Ok(&self.resting(id)?.spec)
    }

    pub(super) fn needs_labels(&mut self, id: &RunId) -> Result<bool> {
        Ok(objectives::find(&self.spec(id)?.objective.id)?.needs_labels)
    }

    /// The data set of a run, and which of its examples are fitted by their own labels and which are for validation.
    pub(super) fn data(&mut self, id: &RunId) -> Result<(Arc<Dataset>, Arc<Partition>)> {
        if let Some(active) = self.active.get(id) {
            let dataset = active.trainer.data().0.clone();
            let partition = partition(&active.trainer.spec, &dataset)?;
            return Ok((dataset, Arc::new(partition)));
        }
        let spec = self.resting(id)?.spec.clone();
        let dataset = self.dataset(&spec.dataset)?;
        self.compare_data(id, &dataset)?;
        let resting = self.resting(id)?;
        let known = resting.partition.take();
        let partition = known.map_or_else(|| partition(&spec, &dataset).map(Arc::new), Ok)?;
        resting.partition = Some(partition.clone());
        Ok((dataset, partition))
    }

    /// Says once of a run that rests where its data set is not the one that it has learnt from.
    fn compare_data(&mut self, id: &RunId, dataset: &Dataset) -> Result<()> {
        if self.resting(id)?.partition.is_none() {
            let entries = self.home.folder(id).entries()?;
            if let Some(text) = changed_data(&entries, &dataset.checksum()?) {
                self.outbox.notice(About::Run(id.clone()), Level::Warning, text);
            }
        }
        Ok(())
    }

    /// The data set of a run, and some of its training examples, chosen by whether they are fitted, labelled by itself or
    /// not, or are for validation.
    pub(super) fn examples<T>(
        &mut self,
        id: &RunId,
        choose: impl FnOnce(&Dataset, &Partition) -> T,
    ) -> Result<(Arc<Dataset>, T)> {
        if let Some(active) = self.active.get(id) {
            let (dataset, partition) = active.trainer.data();
            return Ok((dataset.clone(), choose(dataset, partition)));
        }
        let (dataset, partition) = self.data(id)?;
        let chosen = choose(&dataset, &partition);
        Ok((dataset, chosen))
    }
}
