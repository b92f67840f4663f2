//! The data sets of runs, which are read while the faces look on and can stop it.
use super::Engine;
use crate::{
    data::{self, Dataset, watch::Watch},
    protocol::{About, Level},
    spec::Choice,
};
use anyhow::Result;
use std::sync::Arc;

impl Engine {
    /// The data set of a choice, read unless it was the last one too.
    pub(super) fn dataset(&mut self, choice: &Choice) -> Result<Arc<Dataset>> {
        let key = data::source(choice);
        if let Some((_, dataset)) = self.dataset.as_ref().filter(|(of, _)| *of == key) {
            return Ok(dataset.clone());
        }
        // no other data set is kept beside it while it is read
        self.dataset = None;
        let dataset = self.read(choice)?;
        let complaints = &dataset.notes.passed_over;
        if let Some(first) = complaints.first() {
            let text =
                format!("{} examples or files of the data set cannot be read, as: {first}", complaints.len());
            self.outbox.notice(About::Data, Level::Warning, text);
        }
        for group in &dataset.notes.left_out {
            self.outbox.notice(About::Data, Level::Info, group.to_string());
        }
        self.dataset = Some((key, dataset.clone()));
        Ok(dataset)
    }

    /// Reads a data set while the faces look on.
    pub(super) fn read(&self, choice: &Choice) -> Result<Arc<Dataset>> {
        self.watched(|watch| data::open(choice, &self.home.data(), watch))
    }

    /// Reads something of a data set while the faces look on and can stop it.
    pub(super) fn watched<T>(&self, read: impl FnOnce(&Watch) -> Result<T>) -> Result<T> {
        let _reading = self.watch.begin();
        self.outbox.wake();
        read(&self.watch)
    }
}
