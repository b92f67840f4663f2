//! What the threads that serve the faces have in common: messages come first, then a portion of the work that waits.
use anyhow::{Error, Result};
use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError};
use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

/// What the faces do not take at once is offered again after so long, and so this is the pace at which they are woken.
pub const OFFER_EVERY: Duration = Duration::from_millis(33);

/// One who is asked by messages and reports to the faces.
pub trait Service {
    type Message;

    /// Whether there is anything to do without a further message.
    fn has_work(&self) -> bool;

    /// Whether there are reports that have not been taken.
    fn has_reports(&self) -> bool;

    /// Takes in a message.
    fn handle(&mut self, message: Self::Message);

    /// Does a portion of the work.
    fn work(&mut self);

    /// Hands out reports, as far as they are taken; never waits.
    fn offer(&mut self);
}

/// Serves until every sender of messages is gone.
pub fn serve<S: Service>(service: &mut S, messages: &Receiver<S::Message>) {
    loop {
        match next(service, messages) {
            Ok(message) => service.handle(message),
            Err(TryRecvError::Empty) => service.work(),
            Err(TryRecvError::Disconnected) => break,
        }
        service.offer();
    }
}

/// The next message; waits for one while there is nothing else to do.
fn next<S: Service>(service: &S, messages: &Receiver<S::Message>) -> Result<S::Message, TryRecvError> {
    if service.has_work() {
        return messages.try_recv();
    }
    if !service.has_reports() {
        return messages.recv().map_err(|_| TryRecvError::Disconnected);
    }
    messages.recv_timeout(OFFER_EVERY).map_err(|error| match error {
        RecvTimeoutError::Timeout => TryRecvError::Empty,
        RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
    })
}

/// A panic, by the reason that it gave.
#[derive(Debug)]
pub struct Fault(pub String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a fault in Headstart: {}", self.0)
    }
}

impl std::error::Error for Fault {}

/// Does something whose errors and panics end nothing else.
///
/// # Errors
/// Its own; a [`Fault`] where it panicked.
pub fn attempt<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Error::new(Fault(reason(&*panic).into()))))
}

fn reason(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::unbounded;

    /// Notes what it does, in order.
    #[derive(Default)]
    struct Notes {
        portions: usize,
        untaken: usize,
        done: Vec<&'static str>,
    }

    impl Service for Notes {
        type Message = usize;

        fn has_work(&self) -> bool {
            self.portions > 0
        }

        fn has_reports(&self) -> bool {
            self.untaken > 0
        }

        fn handle(&mut self, portions: usize) {
            self.portions += portions;
            self.done.push("message");
        }

        fn work(&mut self) {
            self.portions = self.portions.saturating_sub(1);
            self.done.push("work");
        }

        fn offer(&mut self) {
            self.untaken = self.untaken.saturating_sub(1);
        }
    }

    #[test]
    fn messages_come_before_work_and_the_last_ones_are_still_handled() {
        let (sender, messages) = unbounded();
        [2, 0].iter().for_each(|portions| sender.send(*portions).unwrap());
        drop(sender);
        let mut notes = Notes { portions: 1, ..Notes::default() };
        serve(&mut notes, &messages);
        assert_eq!(notes.done, ["message", "message"]);
    }

    #[test]
    fn what_is_not_taken_is_offered_again_without_any_message() {
        let (sender, messages) = unbounded();
        let mut notes = Notes { untaken: 3, ..Notes::default() };
        std::thread::scope(|scope| {
            scope.spawn(|| serve(&mut notes, &messages));
            std::thread::sleep(OFFER_EVERY * 20);
            drop(sender);
        });
        assert_eq!(notes.untaken, 0);
    }

    #[test]
    fn panics_become_errors() {
        let fault = attempt(|| -> Result<()> { panic!("out of luck") }).unwrap_err();
        assert_eq!(fault.to_string(), "a fault in Headstart: out of luck");
        assert_eq!(attempt(|| -> Result<()> { anyhow::bail!("no") }).unwrap_err().to_string(), "no");
        assert_eq!(attempt(|| Ok(3)).unwrap(), 3);
    }
}
