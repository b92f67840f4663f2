//! Questions that take many portions of work: one portion between any two batches.
use super::Bench;
use crate::{
    data::Dataset,
    engine::{
        inspections::{self, Inspection, Progress, Subject, history, recall},
        model::Model,
        resumption::newest_model,
        trainer::partition,
    },
    errors::message,
    objectives,
    protocol::{About, Answer, Level, Question, RunId},
    spec::Choice,
};
use anyhow::Result;
use std::{mem::discriminant, sync::Arc};

/// A question at work.
pub struct Inquiry {
    request: u64,
    run: RunId,
    step: u64,
    question: Question,
    inspection: Box<dyn Inspection>,
}

impl Inquiry {
    /// Whether it answers that request.
    pub fn is(&self, request: u64) -> bool {
        self.request == request
    }
}

impl Bench {
    /// Begins with a question, instead of an older one of its kind about the same run.
    ///
    /// # Errors
    /// Why it cannot be answered; the same reason goes out as the answer.
    pub(super) fn ask(&mut self, request: u64, run: RunId, question: Question) -> Result<()> {
        if let Question::Scores { samples } = &question {
            let answered = self.scores(request, run.clone(), samples);
            return self.or_give_up(answered, request, run);
        }
        self.inquiries
            .retain(|older| older.run != run || discriminant(&older.question) != discriminant(&question));
        let begun = self.begin(&run, &question);
        let begun = self.or_give_up(begun, request, run.clone());
        if begun.is_err() && question.is_about_a_drawing() {
            // it is told beside the drawing, which goes on changing
            return Ok(());
        }
        let (step, inspection) = begun?;
        self.inquiries.push_back(Inquiry { request, run, step, question, inspection });
        Ok(())
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
                let images = partition(&spec, &dataset)?.validation;
                let folder = self.home.folder(run);
                let newest = self.watched(|watch| newest_model(&folder, &self.catalog, watch))?;
                let about = || About::Run(run.clone());
                let said = newest.passed_over.into_iter();
                said.for_each(|text| self.outbox.notice(about(), Level::Warning, text));
                Ok((newest.state.step, recall::begin(newest.loaded, dataset, images)?))
            }
            _ => {
                let (step, live, _) = self.model(run)?;
                let live = live.clone();
                let inspection = inspections::begin(question, &live, || self.subject(run, question, &live))?;
                Ok((step, inspection))
            }
        }
    }

    /// One portion of a question; the others have their turns before its next one.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub(super) fn inquire(&mut self, mut inquiry: Inquiry) -> Result<()> {
        let (request, run, step) = (inquiry.request, inquiry.run.clone(), inquiry.step);
        let advanced = inquiry.inspection.advance();
        let left_out = inquiry.inspection.left_out().into_iter();
        left_out.for_each(|text| self.outbox.notice(About::Request, Level::Warning, text));
        let Progress { share_done, finding } = self.or_give_up(advanced, request, run.clone())?;
        self.outbox.answer(Answer { request, run, step, share_done, finding: finding.map(Ok) });
        if share_done < 1.0 {
            self.inquiries.push_back(inquiry);
        }
        Ok(())
    }

    /// Where there is no answer, says why.
    fn or_give_up<T>(&mut self, found: Result<T>, request: u64, run: RunId) -> Result<T> {
        if let Err(error) = &found {
            let finding = Some(Err(message(error)));
            self.outbox.answer(Answer { request, run, step: 0, share_done: 1.0, finding });
        }
        found
    }

    /// A copy of a run's network as it is now, and its images.
    fn subject(&mut self, run: &RunId, question: &Question, live: &Model) -> Result<Subject> {
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
        Ok(Subject { model, dataset, partition, is_classifier, outsiders })
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
