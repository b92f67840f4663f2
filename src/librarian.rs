//! The thread for questions about data, which may take long and must hold up neither training nor the window. It reads
//! data sets and works on bytes; it has no tensors.
use crate::{
    data::{
        self, Dataset,
        watch::{Stopped, Watch},
    },
    errors::message,
    protocol::{
        About, Level, Notice,
        data::{Collection, DataReport, DataRequest, ExampleId, Opened},
        visual::{TestExample, VisualReport, VisualRequest},
    },
    runs::Home,
    service::{Service, attempt, serve},
    spec::{Choice, Edits, RunSpec, Values},
};
use anyhow::{Context as _, Result};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

mod collection;
mod drawings;
mod fetching;
mod pictures;
mod survey;
use fetching::Fetching;
use survey::Surveying;

/// The longest that requests may still take when the program ends.
const LAST_WORK: Duration = Duration::from_secs(2);

/// The handle to the librarian's thread.
pub struct Librarian {
    pub requests: Sender<DataRequest>,
    pub reports: Receiver<DataReport>,
    /// How much of the data set it is reading has been read.
    pub watch: Arc<Watch>,
    /// The source of the data set that was requested last.
    opening: Option<Choice>,
    thread: JoinHandle<()>,
}

impl Librarian {
    /// Starts the thread, which waits for requests, and keeps fetched data sets and the user's corrections in `home`.
    /// `wake` is called when there is a report.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn spawn(home: Home, wake: Box<dyn Fn() + Send>) -> Result<Self> {
        let (requests, request_receiver) = bounded(256);
        let (report_sender, reports) = bounded(256);
        let mut desk = Desk::new(home, wake, report_sender);
        let watch = desk.watch.clone();
        let thread = std::thread::Builder::new().name("librarian".into());
        let serving = move || {
            desk.take_stock();
            serve(&mut desk, &request_receiver);
        };
        let thread = thread.spawn(serving).context("Could not start the data thread")?;
        Ok(Self { requests, reports, watch, opening: None, thread })
    }

    /// Stops reading any other data set than that of a choice, which will be requested next.
    pub fn turn_to(&mut self, choice: &Choice) {
        let source = as_it_is(choice);
        if self.opening.as_ref() != Some(&source) {
            self.watch.stop();
            self.opening = Some(source);
        }
    }

    /// Waits for pending requests, but not long, and not for a data set that is being read.
    pub fn join(self) {
        self.watch.close();
        drop(self.requests);
        let end = Instant::now() + LAST_WORK;
        while self.reports.recv_deadline(end).is_ok() {}
        if self.thread.is_finished() {
            // The thread catches panics itself; one that got past has nothing left to say.
            let _ended = self.thread.join();
        }
    }
}

/// The state of the thread.
struct Desk {
    home: Home,
    wake: Box<dyn Fn() + Send>,
    reports: Sender<DataReport>,
    /// What the face has not taken yet.
    outgoing: VecDeque<DataReport>,
    fetching: Option<Fetching>,
    /// The newest data set that is to be opened.
    to_open: Option<(u64, RunSpec)>,
    /// The newest that was requested.
    asked: Option<(u64, RunSpec)>,
    /// The data set that was opened last.
    open: Option<Open>,
    /// The newest request to augment an image: request, turn, seed, and augmentation.
    to_alter: Option<(u64, u64, u64, Values)>,
    /// Thumbnails to be made, in order of the requests.
    sheets: VecDeque<(u64, Vec<ExampleId>)>,
    /// Pictures of a run's data set that are to be made.
    run_sheets: VecDeque<RunSheetWish>,
    /// The data set of a run that pictures were made of last.
    of_run: Option<(Choice, Arc<Dataset>)>,
    surveying: Option<Surveying>,
    /// Kept drawings that cannot be read, as last reported.
    unreadable: Vec<PathBuf>,
    watch: Arc<Watch>,
}

/// The part of a choice that decides which images there are, before any corrections.
fn as_it_is(choice: &Choice) -> Choice {
    data::source(&Choice { edits: Edits::new(), ..choice.clone() })
}

/// A request for pictures of a data set as a run sees it.
struct RunSheetWish {
    request: u64,
    dataset: Choice,
    wanted: Wanted,
}

/// Some examples that were named, or any of the test images.
enum Wanted {
    Sheet { images: Vec<ExampleId>, side: usize },
    TestExample { turn: u64 },
}

/// A data set as it is, without any corrections.
struct Open {
    source: Choice,
    dataset: Arc<Dataset>,
    /// What corrections call its images; made when there are any.
    keys: Option<[Vec<String>; 2]>,
}

impl Desk {
    fn new(home: Home, wake: Box<dyn Fn() + Send>, reports: Sender<DataReport>) -> Self {
        Self {
            home,
            wake,
            reports,
            outgoing: VecDeque::new(),
            fetching: None,
            to_open: None,
            asked: None,
            open: None,
            to_alter: None,
            sheets: VecDeque::new(),
            run_sheets: VecDeque::new(),
            of_run: None,
            surveying: None,
            unreadable: vec![],
            watch: Arc::default(),
        }
    }

    /// Records a request; long work is begun by [`work`](Self::work), once there are no further requests.
    fn note(&mut self, request: DataRequest) -> Result<()> {
        match request {
            DataRequest::Open { request, spec } => {
                self.asked = Some((request, *spec));
                self.to_open.clone_from(&self.asked);
            }
            DataRequest::Fetch { dataset } => self.fetch(dataset)?,
            DataRequest::StopFetching => self.stop_fetching(),
            DataRequest::Visual(request) => self.note_visual(request)?,
            DataRequest::Keep { dataset } => self.home.keep_edits(&dataset)?,
            DataRequest::Handwriting => self.show_handwriting(),
            DataRequest::KeepDrawing { request, label, framed } => {
                self.keep_drawing(request, label, &framed)?;
            }
            DataRequest::RemoveDrawings { places } => self.remove_drawings(&places)?,
            DataRequest::RestoreDrawings { drawings } => self.restore_drawings(&drawings)?,
        }
        Ok(())
    }

    fn note_visual(&mut self, request: VisualRequest) -> Result<()> {
        match request {
            VisualRequest::Sheet { request, images } => self.sheets.push_back((request, images)),
            VisualRequest::RunSheet { request, dataset, images, side } => {
                let wanted = Wanted::Sheet { images, side };
                self.run_sheets.push_back(RunSheetWish { request, dataset: *dataset, wanted });
            }
            VisualRequest::TestExample { request, dataset, turn } => {
                let wanted = Wanted::TestExample { turn };
                self.run_sheets.push_back(RunSheetWish { request, dataset: *dataset, wanted });
            }
            VisualRequest::Enlarge { request, image } => {
                if let Some(open) = &self.open {
                    let enlarged = pictures::enlarge(&open.dataset, request, image)?;
                    self.show(VisualReport::Enlarged(enlarged));
                }
            }
            VisualRequest::Alter { request, turn, seed, augmentation } => {
                self.to_alter = Some((request, turn, seed, augmentation));
            }
            VisualRequest::Survey { request } => {
                let survey = |open: &Open| Surveying::new(request, open.dataset.clone());
                self.surveying = self.open.as_ref().map(survey).transpose()?;
            }
            VisualRequest::EndSurvey => self.surveying = None,
        }
        Ok(())
    }

    fn notice(&mut self, level: Level, text: String) {
        self.report(DataReport::Notice(Notice { about: About::Data, level, text }));
    }

    /// Reads a data set and reports it, or why it cannot be read.
    fn open(&mut self, request: u64, spec: &RunSpec) -> Result<()> {
        let found = self.collection(spec).map(Arc::new).map_err(|error| message(&error));
        self.report(DataReport::Opened(Opened { request, dataset: spec.dataset.clone(), found }));
        Ok(())
    }

    fn collection(&mut self, spec: &RunSpec) -> Result<Collection> {
        let source = as_it_is(&spec.dataset);
        if self.open.as_ref().is_none_or(|open| open.source != source) {
            self.surveying = None;
            self.open = None;
            self.open = Some(Open { dataset: self.read(&source)?, source, keys: None });
        }
        let open = self.open.as_mut().context("the data set is not open")?;
        if !spec.dataset.edits.is_empty() && open.keys.is_none() {
            open.keys = Some(open.dataset.keys()?);
        }
        let keys = open.keys.as_ref().filter(|_| !spec.dataset.edits.is_empty());
        let collection = collection::of(&open.dataset, spec, keys)?;
        Ok(Collection { kept: self.home.edits(&spec.dataset)?, ..collection })
    }

    /// Reads a data set, with its progress shown by the faces.
    fn read(&self, choice: &Choice) -> Result<Arc<Dataset>> {
        let _reading = self.watch.begin();
        (self.wake)();
        data::open(choice, &self.home.data(), &self.watch)
    }

    fn sheet(&mut self, request: u64, images: &[ExampleId]) -> Result<()> {
        if let Some(open) = &self.open {
            let sheet = pictures::sheet(&open.dataset, request, images, pictures::SIDE)?;
            self.show(VisualReport::Sheet(sheet));
        }
        Ok(())
    }

    fn run_sheet(&mut self, wish: RunSheetWish) -> Result<()> {
        let source = data::source(&wish.dataset);
        let dataset = match self.of_run.take() {
            Some((of, dataset)) if of == source => Ok(dataset),
            _ => self.read(&wish.dataset),
        };
        if dataset.as_ref().is_err_and(|error| error.is::<Stopped>()) {
            // it was stopped by a newer request, which is handled first
            self.run_sheets.push_front(wish);
            return Ok(());
        }
        let report = match (&wish.wanted, &dataset) {
            (Wanted::Sheet { images, side }, Ok(dataset)) => {
                VisualReport::RunSheet(pictures::sheet(dataset, wish.request, images, *side)?)
            }
            (Wanted::TestExample { turn }, found) => {
                let found = match found {
                    Ok(dataset) => pictures::test_image(dataset, *turn).map_err(|error| message(&error)),
                    Err(error) => Err(message(error)),
                };
                VisualReport::TestExample(TestExample { request: wish.request, found })
            }
            (Wanted::Sheet { .. }, Err(_)) => return dataset.map(drop),
        };
        self.of_run = dataset.ok().map(|dataset| (source, dataset));
        self.show(report);
        Ok(())
    }

    fn alter(&mut self, request: u64, turn: u64, seed: u64, augmentation: &Values) -> Result<()> {
        if let Some(open) = &self.open {
            let altered = pictures::alter(&open.dataset, request, turn, seed, augmentation)?;
            self.show(VisualReport::Altered(altered));
        }
        Ok(())
    }

    fn survey(&mut self, mut surveying: Surveying) -> Result<()> {
        let report = surveying.advance()?;
        if report.share_done < 1.0 {
            self.surveying = Some(surveying);
        }
        // The newest replaces an older one.
        self.outgoing.retain(|older| !matches!(older, DataReport::Visual(VisualReport::Survey(_))));
        self.show(VisualReport::Survey(report));
        Ok(())
    }

    fn show(&mut self, report: VisualReport) {
        self.report(DataReport::Visual(report));
    }

    fn report(&mut self, report: DataReport) {
        self.outgoing.push_back(report);
    }

    /// Errors and panics become notices.
    fn guard(&mut self, what: &str, work: impl FnOnce(&mut Self) -> Result<()>) {
        if let Err(error) = attempt(|| work(self)) {
            self.notice(Level::Error, format!("{what}: {}", message(&error)));
        }
    }
}

impl Service for Desk {
    type Message = DataRequest;

    fn has_work(&self) -> bool {
        self.to_open.is_some()
            || self.to_alter.is_some()
            || !self.sheets.is_empty()
            || !self.run_sheets.is_empty()
            || self.surveying.is_some()
            || self.fetching.is_some()
    }

    fn has_reports(&self) -> bool {
        !self.outgoing.is_empty()
    }

    fn handle(&mut self, request: DataRequest) {
        self.guard("Could not do that", |desk| desk.note(request));
    }

    /// A portion of what waits: what is looked at comes before what is found out about it.
    fn work(&mut self) {
        if let Some((request, spec)) = self.to_open.take() {
            self.guard("Could not open the data set", |desk| desk.open(request, &spec));
        } else if let Some((request, turn, seed, augmentation)) = self.to_alter.take() {
            self.guard("Could not alter an image", |desk| desk.alter(request, turn, seed, &augmentation));
        } else if let Some((request, images)) = self.sheets.pop_front() {
            self.guard("Could not show the images", |desk| desk.sheet(request, &images));
        } else if let Some(wish) = self.run_sheets.pop_front() {
            self.guard("Could not show the images", |desk| desk.run_sheet(wish));
        } else if let Some(surveying) = self.surveying.take() {
            self.guard("Could not look for duplicates", |desk| desk.survey(surveying));
        }
        self.go_on_fetching();
    }

    fn offer(&mut self) {
        let before = self.outgoing.len();
        while let Some(report) = self.outgoing.pop_front() {
            if let Err(refused) = self.reports.try_send(report) {
                self.outgoing.push_front(refused.into_inner());
                break;
            }
        }
        if self.outgoing.len() < before {
            (self.wake)();
        }
    }
}

#[cfg(test)]
mod tests;
