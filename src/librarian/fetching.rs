//! Downloading a published data set, a portion at a time between other work.
use super::Desk;
use crate::{
    data::{
        self,
        download::{Activity, Download, DownloadProgress, Limits},
    },
    errors::message,
    protocol::data::{DataReport, Fetch, FetchPhase},
};
use anyhow::{Context as _, Result};
use std::time::{Duration, Instant};

/// The longest that the thread waits for bytes before it turns to other work.
const PATIENCE: Duration = Duration::from_millis(10);
/// The shortest time between two reports of progress.
const TELL_EVERY: Duration = Duration::from_millis(100);

pub struct Fetching {
    dataset: String,
    download: Download,
    told: Option<Instant>,
}

impl Desk {
    /// Reports which published data sets are on this computer.
    pub(super) fn take_stock(&mut self) {
        let is_here = |entry: &&data::DatasetEntry| {
            entry
                .published()
                .is_some_and(|published| published.find(entry.info.id, &self.home.data()).is_some())
        };
        let here = data::ALL.iter().filter(is_here).map(|entry| entry.info.id.to_owned()).collect();
        self.report(DataReport::Present(here));
    }

    /// Begins to fetch a data set, or continues an interrupted download. One at a time.
    pub(super) fn fetch(&mut self, dataset: String) -> Result<()> {
        self.stop_fetching();
        let published = data::find(&dataset)?.published().context("it is not fetched from anywhere")?;
        let download = Download::new(published, self.home.data().join(&dataset), vec![], Limits::default())?;
        self.fetching = Some(Fetching { dataset, download, told: None });
        Ok(())
    }

    pub(super) fn stop_fetching(&mut self) {
        if let Some(Fetching { dataset, .. }) = self.fetching.take() {
            self.report(DataReport::Fetch(Fetch { dataset, phase: FetchPhase::Stopped }));
        }
    }

    /// One portion.
    pub(super) fn go_on_fetching(&mut self) {
        let Some(mut fetching) = self.fetching.take() else { return };
        let phase = match fetching.download.advance(PATIENCE) {
            Ok(DownloadProgress { activity: Activity::Done, .. }) => FetchPhase::Done,
            Ok(DownloadProgress { activity, bytes_done, bytes_total, secs_left }) => {
                let is_pausing = matches!(activity, Activity::Pausing { .. });
                FetchPhase::Running { bytes_done, bytes_total, secs_left, is_pausing }
            }
            Err(error) => FetchPhase::Failed(message(&error)),
        };
        let dataset = fetching.dataset.clone();
        if matches!(phase, FetchPhase::Running { .. }) {
            let is_told = fetching.told.is_some_and(|told| told.elapsed() < TELL_EVERY);
            if !is_told {
                fetching.told = Some(Instant::now());
                self.report(DataReport::Fetch(Fetch { dataset, phase }));
            }
            self.fetching = Some(fetching);
            return;
        }
        let is_done = phase == FetchPhase::Done;
        self.report(DataReport::Fetch(Fetch { dataset: dataset.clone(), phase }));
        if is_done {
            self.take_stock();
            // A data set that could not be opened before may still be wanted.
            self.to_open = self.asked.clone().filter(|(_, spec)| spec.dataset.id == dataset);
        }
    }
}
