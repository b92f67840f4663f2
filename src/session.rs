//! The handle that both faces hold: sends commands to the worker, folds its events into a plain [`State`].
use crate::{
    data,
    engine::{self, Worker},
    models,
    protocol::{Command, LayerInfo, Level, Notice},
    spec::{Catalog, RunSpec},
};
use std::{path::PathBuf, time::Duration};

mod state;
pub use state::{Curve, Run, Series, State};

/// A home of runs, opened, with the worker that trains in it.
pub struct Session {
    pub state: State,
    worker: Worker,
}

impl Session {
    /// Opens the runs of `home`, which is made if it is not there. `wake` is called, from another thread and at most
    /// some 30 times a second, when there is something to [`poll`](Self::poll).
    ///
    /// # Errors
    /// Where the home cannot be made or no thread can be started.
    pub fn open(home: PathBuf, wake: impl Fn() + Send + 'static) -> anyhow::Result<Self> {
        let worker = Worker::spawn(home, catalog(), Box::new(wake))?;
        Ok(Self { state: State::default(), worker })
    }

    /// Asks the worker for something. Never waits.
    pub fn send(&mut self, command: Command) {
        if self.worker.commands.try_send(command).is_err() {
            let text = "The training thread does not answer: wait a moment and try again".into();
            self.state.notices.push(Notice { level: Level::Warning, text });
        }
    }

    /// Takes in what has happened; says whether anything has. Never waits.
    pub fn poll(&mut self) -> bool {
        let mut any = false;
        for event in self.worker.events.try_iter() {
            self.state.apply(event);
            any = true;
        }
        any
    }

    /// Waits until something happens, but no longer than `timeout`; for the command line and for tests.
    pub fn wait(&mut self, timeout: Duration) {
        if let Ok(event) = self.worker.events.recv_timeout(timeout) {
            self.state.apply(event);
        }
        self.poll();
    }

    /// Saves every active run and ends the worker; waits until that is done.
    pub fn close(self) {
        self.worker.join();
    }
}

/// All that can be chosen for a run.
pub fn catalog() -> Catalog {
    engine::catalog()
}

/// The layers of a spec's network, from image to prediction, without building it.
///
/// # Errors
/// Where a component is unknown, the data cannot be read, or the layers do not fit the images.
pub fn model_summary(spec: &RunSpec) -> anyhow::Result<Vec<LayerInfo>> {
    let info = data::peek(&spec.dataset)?;
    models::summary(&spec.encoder, info.shape, info.classes())
}
