//! Looks on while a data set is read: how far that is, for those who wait, and a way to stop it.
use crate::protocol::Preparing;
use std::{
    error, fmt,
    io::{self, Read},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

/// Shared by the thread that reads and the one that waits.
#[derive(Debug, Default)]
pub struct Watch {
    done: AtomicU64,
    is_stopped: AtomicBool,
    is_closed: AtomicBool,
    /// Nothing while nothing is read.
    stage: Mutex<Option<Stage>>,
}

#[derive(Clone, Copy, Debug)]
struct Stage {
    what: &'static str,
    /// 0 where that is not known yet.
    total: u64,
    began: Instant,
}

/// What a reading ends with that was stopped.
#[derive(Debug)]
pub struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stopped while its examples were prepared")
    }
}

impl error::Error for Stopped {}

/// Ends the reading when it is dropped.
#[derive(Debug)]
pub struct Reading<'a>(&'a Watch);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}

impl Watch {
    /// Begins to look on; an older wish to stop is forgotten.
    pub fn begin(&self) -> Reading<'_> {
        self.is_stopped.store(false, Ordering::Relaxed);
        self.expect("Reading files", 0);
        Reading(self)
    }

    /// Begins with a number of examples, of which none is done.
    pub fn expect(&self, what: &'static str, total: usize) {
        self.done.store(0, Ordering::Relaxed);
        *self.lock() = Some(Stage { what, total: total as u64, began: Instant::now() });
    }

    /// Counts further examples as done.
    ///
    /// # Errors
    /// Where the reading was stopped.
    pub fn did(&self, count: usize) -> Result<(), Stopped> {
        self.done.fetch_add(count as u64, Ordering::Relaxed);
        self.go_on()
    }

    /// Makes sure that the reading was not stopped.
    ///
    /// # Errors
    /// Where it was.
    pub fn go_on(&self) -> Result<(), Stopped> {
        let is_over = self.is_stopped.load(Ordering::Relaxed) || self.is_closed.load(Ordering::Relaxed);
        if is_over { Err(Stopped) } else { Ok(()) }
    }

    /// Stops the reading that is under way.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Stops this reading and every later one.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    /// How far the reading is; nothing while there is none.
    pub fn progress(&self) -> Option<Preparing> {
        let Stage { what, total, began } = (*self.lock())?;
        let done = self.done.load(Ordering::Relaxed);
        Some(Preparing::after(began.elapsed().as_secs_f64(), what, done, total))
    }

    /// A source whose reading can be stopped.
    pub fn reading<R: Read>(&self, source: R) -> impl Read + use<'_, R> {
        Watched { watch: self, source }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Stage>> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Watched<'a, R> {
    watch: &'a Watch,
    source: R,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.watch.go_on().map_err(io::Error::other)?;
        self.source.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_says_how_far_it_is_and_can_be_stopped() {
        let watch = Watch::default();
        assert_eq!(watch.progress(), None);
        let reading = watch.begin();
        assert_eq!(watch.progress().map(|now| (now.total, now.secs_left)), Some((0, None)));
        watch.expect("Preparing images", 4);
        watch.did(1).unwrap();
        let now = watch.progress().unwrap();
        assert_eq!((now.what, now.done, now.total), ("Preparing images", 1, 4));
        assert!(now.secs_left.is_some());
        watch.stop();
        assert!(watch.did(1).is_err() && watch.go_on().is_err());
        let mut text = String::new();
        assert!(watch.reading(&b"text"[..]).read_to_string(&mut text).is_err());
        drop(reading);
        assert_eq!(watch.progress(), None);
        let _again = watch.begin();
        assert!(watch.go_on().is_ok(), "an older wish is forgotten");
        watch.close();
        drop(watch.begin());
        assert!(watch.go_on().is_err());
    }
}
