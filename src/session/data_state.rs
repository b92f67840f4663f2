//! What the faces know of data sets: the librarian's reports, folded into plain data.
use super::State;
use crate::{
    data,
    protocol::{
        Preparing,
        data::{Collection, DataReport, Fetch, Handwriting, Opened},
        visual::{Altered, Enlarged, Survey, TestExample, Thumbnails, VisualReport},
    },
    spec::{Choice, Edits},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
    sync::Arc,
};

/// What is known of data sets.
#[derive(Clone, Debug, Default)]
pub struct DataState {
    /// The answer to the newest request to open one.
    pub opened: Option<Opened>,
    /// How far the one is that is being opened.
    pub reading: Option<Preparing>,
    /// The published ones that are on this computer, by their identifiers.
    pub present: BTreeSet<String>,
    /// How the newest fetching goes, or went.
    pub fetch: Option<Fetch>,
    /// The newest thumbnails of the one that is open, the newest last.
    pub sheets: VecDeque<Thumbnails>,
    /// The newest thumbnails of the data sets of runs, the newest last.
    pub run_sheets: VecDeque<Thumbnails>,
    /// The newest example that was asked for in full size.
    pub enlarged: Option<Enlarged>,
    /// The newest test example that was asked for.
    pub test_example: Option<TestExample>,
    /// The newest example that augmentation was tried on.
    pub altered: Option<Altered>,
    /// What the newest survey has found so far.
    pub survey: Option<Survey>,
    /// A person's own drawings, once they were asked for.
    pub handwriting: Option<Arc<Handwriting>>,
    /// Where the drawings are that were kept since the program started, by the numbers of the requests; none where one was
    /// not kept.
    pub kept: BTreeMap<u64, Option<PathBuf>>,
}

impl DataState {
    /// Sheets that are kept until a face has shown them; it asks for fewer at once.
    pub const SHEETS: usize = 8;

    /// What is known of the data set of a choice, however it is split and corrected; nothing while it is being read.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn found(&self, choice: &Choice) -> Option<Result<&Arc<Collection>, &str>> {
        let source = |of: &Choice| data::source(&Choice { edits: Edits::new(), ..of.clone() });
        let opened = self.opened.as_ref().filter(|opened| source(&opened.dataset) == source(choice))?;
        Some(opened.found.as_ref().map_err(String::as_str))
    }

    fn see(&mut self, report: VisualReport) {
        match report {
            VisualReport::Sheet(sheet) => keep(&mut self.sheets, sheet),
            VisualReport::RunSheet(sheet) => keep(&mut self.run_sheets, sheet),
            VisualReport::Enlarged(enlarged) => self.enlarged = Some(enlarged),
            VisualReport::TestExample(example) => self.test_example = Some(example),
            VisualReport::Altered(altered) => self.altered = Some(altered),
            VisualReport::Survey(survey) => self.survey = Some(survey),
        }
    }
}

impl State {
    /// Takes in one report of the librarian.
    pub fn apply_report(&mut self, report: DataReport) {
        let data = &mut self.data;
        match report {
            DataReport::Opened(opened) => {
                if data.opened.as_ref().is_none_or(|shown| shown.request <= opened.request) {
                    data.opened = Some(opened);
                }
            }
            DataReport::Present(present) => data.present = present,
            DataReport::Fetch(fetch) => data.fetch = Some(fetch),
            DataReport::Visual(report) => data.see(report),
            DataReport::Handwriting(handwriting) => data.handwriting = Some(handwriting),
            DataReport::Kept { request, place } => drop(data.kept.insert(request, place)),
            DataReport::Notice(notice) => self.notices.push(notice),
        }
    }
}

fn keep(sheets: &mut VecDeque<Thumbnails>, sheet: Thumbnails) {
    sheets.push_back(sheet);
    while sheets.len() > DataState::SHEETS {
        sheets.pop_front();
    }
}
