//! The handle that both faces hold: sends commands to the worker and requests to the librarian, folds what they report
//! into a plain [`State`].
use crate::{
    engine::{self, Worker},
    errors::message,
    librarian::Librarian,
    models,
    protocol::{
        About, Command, Control, Event, LayerInfo, Level, Notice, Order,
        data::{DataReport, DataRequest},
    },
    runs::Home,
    shape::Shape,
    spec::{Catalog, Choice},
};
use crossbeam_channel::select;
use std::{path::PathBuf, sync::Arc, time::Duration};

pub mod advice;
pub mod command;
mod data_state;
mod entrants;
mod fine_tuning;
pub mod fitting;
pub mod forking;
mod log;
mod rows;
mod state;
mod sweeps;
mod watching;
pub mod written;
pub use data_state::DataState;
pub use entrants::Entrants;
pub use fine_tuning::fine_tuning;
pub use state::{Curve, Run, Series, State};
use watching::Watching;

/// An opened home, with the worker that trains in it and the librarian that reads data sets.
pub struct Session {
    /// All that is known of runs and data, as of the last [`poll`](Self::poll).
    pub state: State,
    worker: Worker,
    librarian: Librarian,
    watching: Watching,
}

impl Session {
    /// Opens the runs of `home`, which is made if it is not there. `wake` is called, from another thread and at most
    /// some 30 times a second, when there is something to [`poll`](Self::poll).
    ///
    /// # Errors
    /// Where the home cannot be made or no thread can be started.
    pub fn open(home: PathBuf, wake: impl Fn() + Send + Sync + 'static) -> anyhow::Result<Self> {
        let wake = Arc::new(wake);
        let also = wake.clone();
        let worker = Worker::spawn(home.clone(), catalog(), Box::new(move || wake()))?;
        let librarian = Librarian::spawn(Home::open(home)?, Box::new(move || also()))?;
        let watching = Watching::begin(worker.commands.clone())?;
        Ok(Self { state: State::default(), worker, librarian, watching })
    }

    /// As [`open`](Self::open); where nothing was ever trained, the network that comes with the program is installed first,
    /// so that there is one that answers. Where it cannot be, a notice says so.
    ///
    /// # Errors
    /// As there.
    pub fn welcome(home: PathBuf, wake: impl Fn() + Send + Sync + 'static) -> anyhow::Result<Self> {
        let folders = Home::open(home.clone())?;
        let installed = folders.is_fresh().then(|| folders.install_shipped()).transpose();
        let mut session = Self::open(home, wake)?;
        if let Err(error) = installed {
            session.warn(&message(&error));
        }
        Ok(session)
    }

    /// Asks the worker for something. Never waits.
    pub fn send(&mut self, command: Command) {
        if let Command::Dismiss(request) = &command {
            self.state.answers.remove(request);
        }
        // The thread reads no command while it reads a data set.
        if matches!(command, Command::StopPreparing | Command::Order(_, Order::Control(Control::Stop))) {
            self.worker.watch.stop();
        }
        if self.worker.commands.try_send(command).is_err() {
            self.warn("The training thread does not answer: wait a moment and try again");
        }
    }

    /// Asks the librarian for something. Never waits.
    pub fn ask(&mut self, request: DataRequest) {
        if let DataRequest::Open { spec, .. } = &request {
            self.librarian.turn_to(&spec.dataset);
        }
        if self.librarian.requests.try_send(request).is_err() {
            self.warn("The data thread does not answer: wait a moment and try again");
        }
    }

    fn warn(&mut self, text: &str) {
        let notice = Notice { about: About::Request, level: Level::Warning, text: text.into() };
        log::notice(&notice);
        self.state.notices.push(notice);
    }

    /// Takes in what has happened; says whether anything has. Never waits.
    pub fn poll(&mut self) -> bool {
        let mut any = false;
        while let Ok(event) = self.worker.events.try_recv() {
            self.take(event);
            any = true;
        }
        while let Ok(report) = self.librarian.reports.try_recv() {
            self.take_report(report);
            any = true;
        }
        self.state.preparing = self.worker.watch.progress();
        self.state.data.reading = self.librarian.watch.progress();
        any
    }

    /// Waits until something happens, but no longer than `timeout`; for the command line and for tests.
    pub fn wait(&mut self, timeout: Duration) {
        select! {
            recv(self.worker.events) -> event => event.into_iter().for_each(|event| self.take(event)),
            recv(self.librarian.reports) -> report => {
                report.into_iter().for_each(|report| self.take_report(report));
            }
            default(timeout) => {}
        }
        self.poll();
    }

    /// Saves every active run and ends both threads; waits until that is done.
    pub fn close(mut self) {
        // the worker goes on as long as anybody could command it
        drop(self.watching);
        let events = self.worker.events.clone();
        self.worker.join();
        for event in events.try_iter() {
            log::event(&event, &self.state);
            self.state.apply(event);
        }
        self.librarian.join();
    }

    fn take(&mut self, event: Event) {
        log::event(&event, &self.state);
        self.state.apply(event);
    }

    fn take_report(&mut self, report: DataReport) {
        log::report(&report);
        self.state.apply_report(report);
    }
}

/// All components and hyperparameters that a run can have.
pub fn catalog() -> Catalog {
    engine::catalog()
}

/// The layers of a network, from an example of that shape to the prediction, without building it.
///
/// # Errors
/// Where the encoder is unknown, or its layers do not fit the shape.
pub fn model_summary(encoder: &Choice, shape: Shape, classes: usize) -> anyhow::Result<Vec<LayerInfo>> {
    models::encoders::summary(encoder, shape, classes)
}
