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
        data::{Collection, DataReport, DataRequest, ImageId, Opened},
    },
    runs::Home,
    spec::{Choice, Edits, RunSpec, Values},
};
use anyhow::{Context as _, Result};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};
use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
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

/// Reports that the face has not taken are offered again after this time.
const OFFER_AGAIN: Duration = Duration::from_millis(33);
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
        let desk = Desk::new(home, wake, report_sender);
        let watch = desk.watch.clone();
        let thread = std::thread::Builder::new().name("librarian".into());
        let thread =
            thread.spawn(move || desk.run(&request_receiver)).context("Could not start the data thread")?;
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
    sheets: VecDeque<(u64, Vec<ImageId>)>,
    /// Pictures of a run's data set that are to be made.
    pictures: VecDeque<PicturesWish>,
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
struct PicturesWish {
    request: u64,
    dataset: Choice,
    images: Vec<ImageId>,
    side: usize,
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
            pictures: VecDeque::new(),
            of_run: None,
            surveying: None,
            unreadable: vec![],
            watch: Arc::default(),
        }
    }

    fn run(mut self, requests: &Receiver<DataRequest>) {
        self.take_stock();
        loop {
            match self.next(requests) {
                Ok(request) => self.guard("Could not do that", |desk| desk.handle(request)),
                Err(TryRecvError::Empty) => self.work(),
                Err(TryRecvError::Disconnected) => break,
            }
            self.offer();
        }
    }

    /// The next request; waits for one while there is nothing else to do.
    fn next(&self, requests: &Receiver<DataRequest>) -> Result<DataRequest, TryRecvError> {
        if self.has_work() {
            return requests.try_recv();
        }
        if self.outgoing.is_empty() {
            return requests.recv().map_err(|_| TryRecvError::Disconnected);
        }
        requests.recv_timeout(OFFER_AGAIN).map_err(|error| match error {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        })
    }

    fn has_work(&self) -> bool {
        self.to_open.is_some()
            || self.to_alter.is_some()
            || !self.sheets.is_empty()
            || !self.pictures.is_empty()
            || self.surveying.is_some()
            || self.fetching.is_some()
    }

    /// Records a request; long work is begun by [`work`](Self::work), once there are no further requests.
    fn handle(&mut self, request: DataRequest) -> Result<()> {
        match request {
            DataRequest::Open { request, spec } => {
                self.asked = Some((request, *spec));
                self.to_open.clone_from(&self.asked);
            }
            DataRequest::Fetch { dataset } => self.fetch(dataset)?,
            DataRequest::StopFetching => self.stop_fetching(),
            DataRequest::Sheet { request, images } => self.sheets.push_back((request, images)),
            DataRequest::Pictures { request, dataset, images, side } => {
                self.pictures.push_back(PicturesWish { request, dataset: *dataset, images, side });
            }
            DataRequest::Look { request, image } => {
                if let Some(open) = &self.open {
                    self.report(DataReport::Look(pictures::look(&open.dataset, request, image)?));
                }
            }
            DataRequest::Alter { request, turn, seed, augmentation } => {
                self.to_alter = Some((request, turn, seed, augmentation));
            }
            DataRequest::Survey { request } => {
                let survey = |open: &Open| Surveying::new(request, open.dataset.clone());
                self.surveying = self.open.as_ref().map(survey).transpose()?;
            }
            DataRequest::EndSurvey => self.surveying = None,
            DataRequest::Keep { dataset } => self.home.keep_edits(&dataset)?,
            DataRequest::Handwriting => self.show_handwriting(),
            DataRequest::KeepDrawing { label, framed } => self.keep_drawing(label, &framed)?,
            DataRequest::RemoveDrawing { place } => self.remove_drawing(&place)?,
        }
        Ok(())
    }

    fn notice(&mut self, level: Level, text: String) {
        self.report(DataReport::Notice(Notice { about: About::Data, level, text }));
    }

    /// One portion of the pending work: images to be shown come before the survey.
    fn work(&mut self) {
        if let Some((request, spec)) = self.to_open.take() {
            self.guard("Could not open the data set", |desk| desk.open(request, &spec));
        } else if let Some((request, turn, seed, augmentation)) = self.to_alter.take() {
            self.guard("Could not alter an image", |desk| desk.alter(request, turn, seed, &augmentation));
        } else if let Some((request, images)) = self.sheets.pop_front() {
            self.guard("Could not show the images", |desk| desk.sheet(request, &images));
        } else if let Some(wish) = self.pictures.pop_front() {
            self.guard("Could not show the images", |desk| desk.pictures(wish));
        } else if let Some(surveying) = self.surveying.take() {
            self.guard("Could not look for duplicates", |desk| desk.survey(surveying));
        }
        self.go_on_fetching();
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

    fn sheet(&mut self, request: u64, images: &[ImageId]) -> Result<()> {
        if let Some(open) = &self.open {
            self.report(DataReport::Sheet(pictures::sheet(&open.dataset, request, images, pictures::SIDE)?));
        }
        Ok(())
    }

    fn pictures(&mut self, wish: PicturesWish) -> Result<()> {
        let source = data::source(&wish.dataset);
        let dataset = match self.of_run.take() {
            Some((of, dataset)) if of == source => Ok(dataset),
            _ => self.read(&wish.dataset),
        };
        if dataset.as_ref().is_err_and(|error| error.is::<Stopped>()) {
            // it was stopped by a newer request, which is handled first
            self.pictures.push_front(wish);
            return Ok(());
        }
        let dataset = dataset?;
        let sheet = pictures::sheet(&dataset, wish.request, &wish.images, wish.side)?;
        self.of_run = Some((source, dataset));
        self.report(DataReport::Pictures(sheet));
        Ok(())
    }

    fn alter(&mut self, request: u64, turn: u64, seed: u64, augmentation: &Values) -> Result<()> {
        if let Some(open) = &self.open {
            let altered = pictures::alter(&open.dataset, request, turn, seed, augmentation)?;
            self.report(DataReport::Altered(altered));
        }
        Ok(())
    }

    fn survey(&mut self, mut surveying: Surveying) -> Result<()> {
        let report = surveying.advance()?;
        if report.share_done < 1.0 {
            self.surveying = Some(surveying);
        }
        // The newest replaces an older one.
        self.outgoing.retain(|older| !matches!(older, DataReport::Survey(_)));
        self.report(DataReport::Survey(report));
        Ok(())
    }

    fn report(&mut self, report: DataReport) {
        self.outgoing.push_back(report);
    }

    /// Sends what fits; never waits.
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

    /// Errors and panics become notices.
    fn guard(&mut self, what: &str, work: impl FnOnce(&mut Self) -> Result<()>) {
        let error = match catch_unwind(AssertUnwindSafe(|| work(self))) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => message(&error),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
                format!("a fault in Headstart: {}", text.unwrap_or("no reason given"))
            }
        };
        self.notice(Level::Error, format!("{what}: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::data::FetchPhase;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write as _;

    fn answer(librarian: &Librarian) -> DataReport {
        librarian.reports.recv_timeout(Duration::from_secs(60)).expect("no report")
    }

    #[test]
    fn what_cannot_be_opened_is_an_answer_and_the_next_one_is_opened() {
        let home = tempfile::tempdir().unwrap();
        let home = Home::open(home.path().into()).unwrap();
        let librarian = Librarian::spawn(home, Box::new(|| {})).unwrap();
        let DataReport::Present(present) = answer(&librarian) else { panic!("no stock") };
        assert!(!present.contains("kmnist"));
        let nowhere = Choice { path: Some("/nowhere/at/all".into()), ..Choice::new("files") };
        for (request, dataset) in [(1, nowhere), (2, Choice::new("mnist"))] {
            let spec = Box::new(RunSpec { dataset, ..RunSpec::default() });
            librarian.requests.send(DataRequest::Open { request, spec }).unwrap();
            let DataReport::Opened(opened) = answer(&librarian) else { panic!("not opened") };
            assert_eq!(opened.request, request);
            assert_eq!(opened.found.is_ok(), request == 2, "{:?}", opened.found.err());
        }
        librarian.join();
    }

    #[test]
    fn an_image_is_shown_as_a_run_would_see_it() {
        let home = tempfile::tempdir().unwrap();
        let (sender, _reports) = bounded(1);
        let mut desk = Desk::new(Home::open(home.path().into()).unwrap(), Box::new(|| {}), sender);
        let mut alter = |request, turn, values: &[(&str, f64)]| {
            let augmentation = values.iter().map(|(key, value)| (key.to_string(), *value)).collect();
            desk.handle(DataRequest::Alter { request, turn, seed: 3, augmentation }).unwrap();
            while desk.has_work() {
                desk.work();
            }
            desk.outgoing.pop_back()
        };
        assert_eq!(alter(1, 0, &[]), None, "nothing is open");
        let spec = Box::new(RunSpec::default());
        desk.handle(DataRequest::Open { request: 1, spec }).unwrap();
        desk.work();
        let mut alter = |request, turn, values: &[(&str, f64)]| {
            let augmentation = values.iter().map(|(key, value)| (key.to_string(), *value)).collect();
            desk.handle(DataRequest::Alter { request, turn, seed: 3, augmentation }).unwrap();
            desk.work();
            let Some(DataReport::Altered(altered)) = desk.outgoing.pop_back() else { panic!("no image") };
            assert_eq!((altered.request, altered.shape), (request, crate::shape::ImageShape::new(28, 28, 1)));
            altered.pixels.chunks(28 * 28).map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        let plain = alter(2, 0, &[]);
        assert!(plain.len() > 5 && plain.iter().all(|look| *look == plain[0]));
        assert_ne!(plain[0], alter(3, 1, &[])[0], "each turn has its image");
        let shifted = alter(4, 0, &[("shift", 3.0)]);
        assert_eq!(shifted[0], plain[0]);
        assert!(shifted.windows(2).all(|looks| looks[0] != looks[1]));
    }

    #[test]
    fn a_panic_is_told_of_and_reports_wait_for_room() {
        let (sender, reports) = bounded(1);
        let home = tempfile::tempdir().unwrap();
        let mut desk = Desk::new(Home::open(home.path().into()).unwrap(), Box::new(|| {}), sender);
        desk.guard("Could not do that", |_| panic!("out of luck"));
        desk.guard("Could not do that", |_| anyhow::bail!("no"));
        desk.offer();
        assert_eq!(desk.outgoing.len(), 1, "a full channel was waited for, or a report lost");
        let DataReport::Notice(notice) = reports.try_recv().unwrap() else { panic!("no notice") };
        assert_eq!(notice.text, "Could not do that: a fault in Headstart: out of luck");
        desk.offer();
        assert!(reports.try_recv().is_ok());
    }

    #[test]
    fn fetching_reports_how_it_ends_and_can_be_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let (sender, _reports) = bounded(1);
        let mut desk = Desk::new(Home::open(folder.path().into()).unwrap(), Box::new(|| {}), sender);
        let phase = |desk: &mut Desk| match desk.outgoing.pop_back() {
            Some(DataReport::Fetch(fetch)) => Some((fetch.dataset, fetch.phase)),
            _ => None,
        };
        desk.fetch("kmnist".into()).unwrap();
        assert!(desk.has_work());
        desk.stop_fetching();
        assert_eq!(phase(&mut desk), Some(("kmnist".into(), FetchPhase::Stopped)));
        assert!(!desk.has_work());
        // A folder that cannot be written to.
        let data = folder.path().join("data");
        let blocked = data.join("cifar10");
        std::fs::write(&blocked, "").unwrap();
        assert!(desk.fetch("cifar10".into()).is_err());
        assert!(desk.fetch("mnist".into()).is_err() && !desk.has_work());
        // All that would be fetched is there already: no mirror has to be asked.
        let letters = data.join("emnist_letters");
        std::fs::create_dir_all(&letters).unwrap();
        for name in ["train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1"] {
            let mut packed = GzEncoder::new(vec![], Compression::fast());
            packed.write_all(b"whole").unwrap();
            let path = letters.join(format!("emnist-letters-{name}-ubyte.gz"));
            std::fs::write(path, packed.finish().unwrap()).unwrap();
        }
        desk.asked = Some((7, RunSpec { dataset: Choice::new("emnist_letters"), ..RunSpec::default() }));
        desk.fetch("emnist_letters".into()).unwrap();
        for _ in 0..100 {
            desk.go_on_fetching();
        }
        let Some(DataReport::Present(present)) = desk.outgoing.pop_back() else { panic!("no stock") };
        assert!(present.contains("emnist_letters"));
        assert_eq!(phase(&mut desk), Some(("emnist_letters".into(), FetchPhase::Done)));
        assert_eq!(desk.to_open.map(|(request, _)| request), Some(7), "it is not opened again");
    }
}
