//! What is shown of a network between two batches: its opinion of a drawing, a preview of its work, and the training
//! images that are nearest to the drawing in its eyes.
use super::{Bench, trusting::Trusting};
use crate::{
    data::{Dataset, Partition},
    engine::{
        model::Model, neighbours::Neighbours, preview, resumption::newest_model_of, trainer::partition,
    },
    errors::message,
    objectives,
    protocol::{About, Event, Level, Prediction, RunId},
    sample::Sample,
    spec::{LiveParams, RunSpec},
};
use anyhow::{Context as _, Result};
use std::{sync::Arc, time::Instant};

/// Training goes on for so many times as long as the last preview took before the next: previews take 3 % at most.
const PAUSE: u32 = 33;

/// Runs that nothing trains and that stay open: a drawing may be shown to several.
const MOST_RESTING: usize = 6;

/// What waits to be answered, and what answers are made of.
#[derive(Default)]
pub struct Answers {
    /// The newest drawing that has not been scored yet.
    pub drawing: Option<DrawingWish>,
    /// The newest preview that has not been shown yet.
    pub preview: Option<PreviewWish>,
    /// No preview before then while a run trains.
    not_before: Option<Instant>,
    /// Runs that are not active, kept open for the next question: the one asked about last is the last.
    resting: Vec<Resting>,
    neighbours: Neighbours,
    /// Of the network that a drawing was scored by last, if nobody trains it.
    pub trusting: Option<Trusting>,
}

#[derive(Clone)]
pub struct DrawingWish {
    pub request: u64,
    pub run: RunId,
    pub sample: Sample,
    pub with_nearest: bool,
}

pub struct PreviewWish {
    pub request: u64,
    pub run: RunId,
    pub samples: Vec<Sample>,
}

/// The newest checkpoint of a run that nothing trains.
struct Resting {
    run: RunId,
    step: u64,
    spec: RunSpec,
    model: Arc<Model>,
    live: LiveParams,
    /// Known once its data set has been read.
    partition: Option<Arc<Partition>>,
}

/// Images to show: of a data set's training images, some to look at and some to be neighbours.
struct Shown {
    dataset: Arc<Dataset>,
    preview: Vec<usize>,
    neighbours: Vec<usize>,
}

impl Answers {
    pub fn are_due(&self) -> bool {
        self.drawing.is_some() || self.preview.is_some() || self.neighbours.is_growing() || self.is_weighing()
    }

    fn is_weighing(&self) -> bool {
        self.trusting.as_ref().is_some_and(Trusting::is_weighing)
    }

    /// Another run may have the name, or the same run other weights.
    pub fn forget_weights(&mut self) {
        self.resting.clear();
        self.neighbours = Neighbours::default();
        self.trusting = None;
    }

    fn take_preview(&mut self, is_training: bool) -> Option<PreviewWish> {
        let waits = is_training && self.not_before.is_some_and(|moment| Instant::now() < moment);
        if waits { None } else { self.preview.take() }
    }
}

impl Bench {
    /// Answers what waits, the drawing first.
    pub(super) fn answer(&mut self) {
        if let Some(wish) = self.answers.drawing.take() {
            self.guard(About::Request, "Could not score the drawing", |bench| bench.predict(wish));
        }
        if let Some(wish) = self.answers.take_preview(self.is_training()) {
            let began = Instant::now();
            self.guard(About::Request, "Could not show what the network does", |bench| bench.preview(wish));
            self.answers.not_before = Some(Instant::now() + began.elapsed() * PAUSE);
        }
        if self.answers.neighbours.is_growing() {
            self.guard(
                About::Request,
                "Could not compare the drawing with training images",
                Self::grow_neighbours,
            );
        }
        if self.answers.is_weighing() {
            self.guard(About::Request, "Could not calibrate the network", Self::go_on_weighing);
        }
    }

    fn predict(&mut self, wish: DrawingWish) -> Result<()> {
        let is_classifier = self.needs_labels(&wish.run)?;
        // Without its data set a network still answers; only its neighbours are not there.
        let shown = (!is_classifier || wish.with_nearest).then(|| self.shown(&wish.run));
        let step = self.model(&wish.run)?.0;
        self.trust(&wish, step)?;
        let mut neighbours = std::mem::take(&mut self.answers.neighbours);
        let trusting = self.answers.trusting.take();
        let prediction = self.prediction(&wish, shown, trusting.as_ref(), &mut neighbours);
        // what is known of the network stays, whatever is wrong with the drawing
        self.answers.neighbours = neighbours;
        self.answers.trusting = trusting;
        self.outbox.push(Event::Prediction(prediction?));
        Ok(())
    }

    /// What the weights make of a drawing as they are; where `shown` is there, also the nearest training images.
    fn prediction(
        &mut self,
        wish: &DrawingWish,
        shown: Option<Result<Shown>>,
        trusting: Option<&Trusting>,
        neighbours: &mut Neighbours,
    ) -> Result<Prediction> {
        let (step, model, live) = self.model(&wish.run)?;
        let (probabilities, confidence) = Trusting::predict(trusting, model, &wish.sample)?;
        let drawing = || model.fitted(std::slice::from_ref(&wish.sample));
        let strips =
            if probabilities.is_empty() { preview::of_one(model, &live, &drawing()?)? } else { vec![] };
        let nearest = match shown {
            Some(Ok(Shown { dataset, neighbours: candidates, .. })) => {
                let nearest = neighbours.strip(&wish.run, model, &drawing()?, &dataset)?;
                neighbours.refresh(wish, step, candidates);
                nearest.map(Ok)
            }
            Some(Err(error)) => Some(Err(message(&error))),
            None => None,
        };
        Ok(Prediction {
            request: wish.request,
            run: wish.run.clone(),
            step,
            class_names: model.class_names().clone(),
            probabilities,
            confidence,
            strips,
            nearest,
        })
    }

    fn preview(&mut self, wish: PreviewWish) -> Result<()> {
        let Shown { dataset, preview: images, .. } = self.shown(&wish.run)?;
        let is_labelled = self.needs_labels(&wish.run)?;
        let drawings = if is_labelled { vec![] } else { wish.samples };
        let (step, model, live) = self.model(&wish.run)?;
        let examples = dataset.train.subset(&images);
        let name = (wish.request, wish.run, step);
        let preview = preview::show(name, model, &live, &examples, &drawings)?;
        self.outbox.push(Event::Preview(preview));
        Ok(())
    }

    /// A few more neighbours; once they are all there, the drawing that asked for them is answered again.
    fn grow_neighbours(&mut self) -> Result<()> {
        let mut neighbours = std::mem::take(&mut self.answers.neighbours);
        let Some(run) = neighbours.growing_for() else { return Ok(()) };
        let dataset = self.shown(&run)?.dataset;
        let (_, model, _) = self.model(&run)?;
        let asked = neighbours.grow(model, &dataset)?;
        self.answers.neighbours = neighbours;
        if self.answers.drawing.is_none() {
            self.answers.drawing = asked;
        }
        Ok(())
    }

    /// The newest weights of a run, their step, and the live hyperparameters.
    pub(super) fn model(&mut self, id: &RunId) -> Result<(u64, &Arc<Model>, LiveParams)> {
        if self.active.contains_key(id) {
            let trainer = &self.active[id].trainer;
            return Ok((trainer.state.step, &trainer.model, trainer.live.clone()));
        }
        let resting = self.resting(id)?;
        Ok((resting.step, &resting.model, resting.live.clone()))
    }

    /// A run that nothing trains, opened unless it still is from an earlier question.
    fn resting(&mut self, id: &RunId) -> Result<&mut Resting> {
        let place = self.answers.resting.iter().position(|resting| resting.run == *id);
        let resting = match place {
            Some(place) => self.answers.resting.remove(place),
            None => self.open_resting(id)?,
        };
        let surplus = self.answers.resting.len().saturating_sub(MOST_RESTING - 1);
        self.answers.resting.drain(..surplus);
        self.answers.resting.push(resting);
        self.answers.resting.last_mut().context("no model is loaded")
    }

    fn open_resting(&mut self, id: &RunId) -> Result<Resting> {
        let folder = self.home.folder(id);
        let spec = folder.spec(&self.catalog)?;
        let newest = self.watched(|watch| newest_model_of(&folder, &spec, watch))?;
        let about = || About::Run(id.clone());
        let said = newest.passed_over.into_iter();
        said.for_each(|text| self.outbox.notice(about(), Level::Warning, text));
        let (step, live) = (newest.state.step, newest.state.live);
        Ok(Resting { run: id.clone(), step, spec, model: Arc::new(newest.loaded), live, partition: None })
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
        let resting = self.resting(id)?;
        let known = resting.partition.take();
        let partition = known.map_or_else(|| partition(&spec, &dataset).map(Arc::new), Ok)?;
        resting.partition = Some(partition.clone());
        Ok((dataset, partition))
    }

    /// The images that a run is shown by.
    fn shown(&mut self, id: &RunId) -> Result<Shown> {
        if let Some(active) = self.active.get(id) {
            let (dataset, partition) = active.trainer.data();
            return Ok(Shown::new(dataset.clone(), &partition.train, &partition.validation));
        }
        let (dataset, partition) = self.data(id)?;
        Ok(Shown::new(dataset, &partition.train, &partition.validation))
    }
}

impl Shown {
    fn new(dataset: Arc<Dataset>, train: &[usize], validation: &[usize]) -> Self {
        let preview = preview::choose(dataset.train.labels(), validation);
        let every = train.len().div_ceil(Neighbours::IMAGES).max(1);
        Self { dataset, preview, neighbours: train.iter().step_by(every).copied().collect() }
    }
}
