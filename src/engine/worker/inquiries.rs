//! Questions about networks, in one queue: those about a drawing are answered between any two batches, of the others one
//! has a portion of its work done there.
use super::Engine;
use crate::{
    data::{Dataset, Partition},
    engine::{
        inspections::{self, Inspection, PartialFinding, Subject, history, noise, rates, recall},
        model::Model,
        resumption::{newest, newest_model},
        trainer::{Origin, Trainer, partition},
    },
    errors::message,
    metrics::Split,
    objectives,
    protocol::{About, Answer, Level, Question, RunId},
    service::attempt,
    spec::{Choice, RunSpec, SpecError},
};
use anyhow::{Context as _, Result, ensure};
use std::{
    mem::{discriminant, replace},
    sync::Arc,
};

/// A question that is not answered to its end.
pub struct Inquiry {
    request: u64,
    run: RunId,
    question: Question,
    /// Whether it has had its first portion.
    is_begun: bool,
    /// Where something is looked into that does not change meanwhile, with the step whose weights it is about.
    inspection: Option<(u64, Box<dyn Inspection>)>,
}

impl Inquiry {
    pub fn new(request: u64, run: RunId, question: Question) -> Self {
        Self { request, run, question, is_begun: false, inspection: None }
    }

    /// Whether it answers that request.
    pub fn is(&self, request: u64) -> bool {
        self.request == request
    }

    /// Whether it makes an older one obsolete. Scores of the same run are shown side by side, and
    /// there is one pad and one preview, whatever run they ask.
    fn replaces(&self, older: &Self) -> bool {
        let is_asked_once = matches!(
            self.question,
            Question::Prediction { .. } | Question::Nearest { .. } | Question::Preview { .. }
        );
        discriminant(&self.question) == discriminant(&older.question)
            && (is_asked_once || self.run == older.run)
            && !matches!(self.question, Question::Scores { .. })
    }

    /// Whether somebody draws and waits for it.
    fn is_urgent(&self) -> bool {
        let is_about_a_drawing = matches!(
            self.question,
            Question::Prediction { .. }
                | Question::Nearest { .. }
                | Question::Scores { .. }
                | Question::Explanation { .. }
                | Question::Inside { .. }
                | Question::Embedding { .. }
        );
        is_about_a_drawing && !self.is_begun
    }

    /// Whether the reason why there is no answer stands where the answer would be, beside a drawing that goes on changing.
    fn shows_its_error(&self) -> bool {
        matches!(
            self.question,
            Question::Nearest { .. }
                | Question::Explanation { .. }
                | Question::Inside { .. }
                | Question::Embedding { .. }
        )
    }

    /// What is said before the reason why there is no answer.
    fn failure(&self) -> &'static str {
        match self.question {
            Question::Prediction { .. } => "Could not score the drawing",
            Question::Preview { .. } => "Could not show what the network does",
            Question::LearningRates { .. } => "Could not try learning rates",
            Question::NoiseScale { .. } => "Could not measure the noise of the gradient",
            _ => "Could not look into the network",
        }
    }
}

impl Engine {
    /// Takes note of a question, in place of an older one of its kind.
    pub(super) fn ask(&mut self, inquiry: Inquiry) {
        self.inquiries.retain(|older| !inquiry.replaces(older));
        self.inquiries.push_back(inquiry);
    }

    /// Answers what waits about a drawing, the bars first, and does a portion of another question.
    pub(super) fn answer(&mut self) {
        self.answer_drawings(None);
        let is_due = |inquiry: &Inquiry| !matches!(inquiry.question, Question::Preview { .. });
        let due = self.inquiries.iter().position(|inquiry| is_due(inquiry) || self.preview_is_due());
        due.into_iter().for_each(|place| self.inquire(place));
    }

    /// Answers what waits about a drawing, the bars first, but of one run nothing.
    pub(super) fn answer_drawings(&mut self, but: Option<&RunId>) {
        while let Some(place) = self.urgent(but) {
            self.inquire(place);
            // the answer is shown before the next question, or the next batch, begins
            self.outbox.flush();
        }
    }

    fn urgent(&self, but: Option<&RunId>) -> Option<usize> {
        let urgent = self.inquiries.iter().enumerate().filter(|(_, inquiry)| inquiry.is_urgent());
        let urgent = urgent.filter(|(_, inquiry)| Some(&inquiry.run) != but);
        let comes_first = |inquiry: &Inquiry| matches!(inquiry.question, Question::Prediction { .. });
        urgent.min_by_key(|(_, inquiry)| !comes_first(inquiry)).map(|(place, _)| place)
    }

    /// One portion of a question; the others have their turns before its next one.
    fn inquire(&mut self, place: usize) {
        let Some(mut inquiry) = self.inquiries.remove(place) else { return };
        let (step, share_done, finding) = match attempt(|| self.portion(&mut inquiry)) {
            Ok((step, PartialFinding { share_done, finding })) => (step, share_done, finding.map(Ok)),
            Err(error) => {
                // the notice comes before the answer that it explains
                if !inquiry.shows_its_error() {
                    self.complain(About::Request, inquiry.failure(), &error);
                }
                (0, 1.0, Some(Err(message(&error))))
            }
        };
        let (request, run) = (inquiry.request, inquiry.run.clone());
        self.outbox.answer(Answer { request, run, step, share_done, finding });
        if share_done < 1.0 {
            self.inquiries.push_back(inquiry);
        }
    }

    /// Also gives the step whose weights are asked.
    fn portion(&mut self, inquiry: &mut Inquiry) -> Result<(u64, PartialFinding)> {
        let is_first = !replace(&mut inquiry.is_begun, true);
        let run = &inquiry.run;
        match &inquiry.question {
            Question::Prediction { sample } => self.predict(run, sample, is_first),
            Question::Nearest { sample } => self.nearest(run, sample, is_first),
            Question::Preview { samples } => self.preview(run, samples),
            Question::Scores { samples } => self.scores(run, samples),
            question => {
                let begun = inquiry.inspection.take().map_or_else(|| self.begin(run, question), Ok)?;
                let (step, inspection) = inquiry.inspection.insert(begun);
                let advanced = inspection.advance();
                let left_out = inspection.left_out().into_iter();
                left_out.for_each(|text| self.outbox.notice(About::Request, Level::Warning, text));
                Ok((*step, advanced?))
            }
        }
    }

    /// Also gives the step whose weights are asked.
    fn begin(&mut self, run: &RunId, question: &Question) -> Result<(u64, Box<dyn Inspection>)> {
        match question {
            Question::History { samples, after } => {
                let folder = self.home.folder(run);
                if !self.active.contains_key(run) {
                    // What a run of no checkpoint was drawn as is not what it has learnt.
                    self.watched(|watch| newest_model(&folder, &self.catalog, watch))?;
                }
                self.watched(|watch| history::begin(folder, &self.catalog, samples.clone(), *after, watch))
            }
            Question::Recall { of } => {
                let spec = self.home.folder(of).spec(&self.catalog)?;
                let dataset = self.dataset(&spec.dataset)?;
                let indices = partition(&spec, &dataset)?.validation;
                let folder = self.home.folder(run);
                let newest = self.watched(|watch| newest_model(&folder, &self.catalog, watch))?;
                let about = || About::Run(run.clone());
                let said = newest.passed_over.into_iter();
                said.for_each(|text| self.outbox.notice(about(), Level::Warning, text));
                Ok((newest.state.step, recall::begin(newest.loaded, dataset, indices)?))
            }
            Question::LearningRates { spec } => {
                let trainer = self.copy_of(run, spec.as_deref())?;
                Ok((trainer.state.step, rates::begin(trainer)))
            }
            Question::NoiseScale { spec } => {
                let trainer = self.copy_of(run, spec.as_deref())?;
                Ok((trainer.state.step, noise::begin(trainer)))
            }
            _ => {
                let (step, live, _) = self.model(run)?;
                let inspection = inspections::begin(question, &live, || self.subject(run, question, &live))?;
                Ok((step, inspection))
            }
        }
    }

    /// What would be trained by a spec, beside all runs.
    fn trial(&mut self, spec: &RunSpec) -> Result<Trainer> {
        let mut spec = spec.clone().anchored();
        let wrong = self.catalog.validate(&spec);
        ensure!(wrong.is_empty(), SpecError(wrong));
        self.adopt_shape(&mut spec)?;
        self.adopt_inputs(&mut spec);
        let dataset = self.dataset(&spec.dataset)?;
        let init = self.init(&spec)?;
        let origin = init.as_ref().map_or(Origin::Fresh, Origin::Weights);
        Trainer::new(spec.clone(), self.catalog.live_params(&spec), dataset, origin)
    }

    /// A run as it is now, or what a recipe begins with, to be trained beside all runs and thrown away.
    fn copy_of(&mut self, run: &RunId, recipe: Option<&RunSpec>) -> Result<Trainer> {
        if let Some(recipe) = recipe {
            return self.trial(&rates::spec_of_copy(recipe));
        }
        let spec = rates::spec_of_copy(self.spec(run)?);
        let (dataset, _) = self.data(run)?;
        if let Some(active) = self.active.get(run) {
            let mut copy = Trainer::new(spec, active.trainer.live.clone(), dataset, Origin::Fresh)?;
            copy.take_over(&active.trainer)?;
            return Ok(copy);
        }
        let folder = self.home.folder(run);
        let mut copy = Trainer::new(spec.clone(), self.catalog.live_params(&spec), dataset, Origin::Fresh)?;
        let found = newest(&folder, |state, path| {
            let mut state = state.clone();
            if !path.join("optimizer.safetensors").exists() {
                state.optimizer_began = state.step;
            }
            copy.go_on(state, path)
        })?;
        let state =
            found.context("The run has no checkpoint yet: ask again when it has trained for a while")?.state;
        copy.live.update(&state.live);
        Ok(copy)
    }

    /// A copy of a run's network as it is now, and its data.
    fn subject(&mut self, run: &RunId, question: &Question, live: &Model) -> Result<Subject> {
        if let Question::Evaluation { data: Some(choice), split, .. } = question {
            return self.elsewhere(run, choice, *split, live);
        }
        let (dataset, partition) = self.data(run)?;
        let spec = self.spec(run)?.clone();
        let model = Arc::new(live.copy(&spec, &dataset.info)?);
        let is_classifier = objectives::find(&spec.objective.id)?.needs_labels;
        let outsiders = match question {
            Question::Evaluation { outsiders: Some(outsiders), .. } => {
                Some(self.outsiders(outsiders, &model)?)
            }
            _ => None,
        };
        Ok(Subject { model, dataset, partition, is_classifier, is_elsewhere: false, outsiders })
    }

    /// A copy of a run's network, and a part of another data set of the same classes.
    fn elsewhere(&mut self, run: &RunId, choice: &Choice, split: Split, live: &Model) -> Result<Subject> {
        let spec = self.spec(run)?.clone();
        let is_classifier = objectives::find(&spec.objective.id)?.needs_labels;
        ensure!(is_classifier, "The network learns without labels: there is nothing to be right about");
        let dataset = self.outsiders(choice, live)?.as_classes(split, live.class_names())?;
        let model = Arc::new(live.copy(&spec, &dataset.info)?);
        let train = (0..dataset.train.len()).collect();
        let partition = Partition { train, validation: vec![], others: vec![] }.into();
        let (dataset, outsiders) = (dataset.into(), None);
        Ok(Subject { model, dataset, partition, is_classifier, is_elsewhere: true, outsiders })
    }

    /// Images of another data set, brought to the shape that a model looks at.
    fn outsiders(&mut self, choice: &Choice, model: &Model) -> Result<Arc<Dataset>> {
        let shape = model.image_shape()?;
        let mut choice = choice.clone();
        for (key, value) in [("image_size", shape.height), ("channels", shape.channels)] {
            choice.values.insert(key.into(), value as f64);
        }
        self.read(&choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{catalog, outbox::Outbox},
        protocol::{Event, Finding},
        runs::Home,
        sample::{Image, Sample},
    };
    use crossbeam_channel::{Receiver, bounded};

    fn sample() -> Sample {
        Image::drawing(vec![0; 784]).into()
    }

    /// Questions of several kinds about two runs that do not exist.
    fn questions() -> [(&'static str, Question); 8] {
        let evaluation = || Question::Evaluation { split: Split::Test, outsiders: None, data: None };
        let scores = || Question::Scores { samples: Arc::new(vec![sample()]) };
        [
            ("a", evaluation()),
            ("a", Question::Embedding { sample: sample() }),
            ("a", scores()),
            ("a", Question::Prediction { sample: sample() }),
            ("b", evaluation()),
            ("b", Question::Prediction { sample: sample() }),
            ("a", scores()),
            ("b", Question::Embedding { sample: sample() }),
        ]
    }

    fn engine() -> (tempfile::TempDir, Engine, Receiver<Event>) {
        let folder = tempfile::tempdir().unwrap();
        let (sender, events) = bounded(64);
        let home = Home::open(folder.path().into()).unwrap();
        let mut engine = Engine::new(home, catalog(), Outbox::new(sender, Box::new(|| {})));
        for ((run, question), request) in questions().into_iter().zip(0..) {
            engine.ask(Inquiry::new(request, run.into(), question));
        }
        (folder, engine, events)
    }

    #[test]
    fn the_newest_of_each_kind_is_answered_and_the_bars_come_first() {
        let (_folder, mut engine, events) = engine();
        engine.answer();
        engine.outbox.flush();
        let answered = |event| match event {
            Event::Answer(answer) => Some(answer.request),
            _ => None,
        };
        // of the evaluations, which are not about a drawing, one has had its portion
        assert_eq!(events.try_iter().filter_map(answered).collect::<Vec<_>>(), [5, 1, 2, 6, 7, 0]);
        assert_eq!(engine.inquiries.iter().map(|inquiry| inquiry.request).collect::<Vec<_>>(), [4]);
    }

    #[test]
    fn what_cannot_be_answered_is_said_before_its_answer_or_in_it() {
        let (_folder, mut engine, events) = engine();
        engine.answer();
        engine.outbox.flush();
        let said: Vec<_> = events
            .try_iter()
            .map(|event| match event {
                Event::Notice(notice) => notice.text.split(':').next().unwrap_or_default().to_owned(),
                Event::Answer(Answer {
                    request,
                    finding: Some(Err::<Finding, _>(_)),
                    share_done: 1.0,
                    ..
                }) => {
                    format!("answer {request}")
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(said[..3], ["Could not score the drawing", "answer 5", "answer 1"]);
    }
}
