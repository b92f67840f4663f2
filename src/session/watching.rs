//! Has the worker look for what other programs do in the same home.
use crate::protocol::Command;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::time::Duration;

/// From one look to the next.
const EVERY: Duration = Duration::from_secs(3);

/// Ends its thread when it is dropped.
pub struct Watching {
    _held: Sender<()>,
}

impl Watching {
    /// Asks the worker to look around, every few seconds, as long as this is held.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn begin(commands: Sender<Command>) -> std::io::Result<Self> {
        let (held, dropped) = bounded(0);
        let thread = std::thread::Builder::new().name("watching".into());
        thread.spawn(move || watch(&commands, &dropped))?;
        Ok(Self { _held: held })
    }
}

fn watch(commands: &Sender<Command>, dropped: &Receiver<()>) {
    while dropped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        // where the worker has more to do than it can, it looks the next time
        let _full_or_gone = commands.try_send(Command::LookAround);
    }
}
