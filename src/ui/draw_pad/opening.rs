//! Picture files on their way to the pad. Each is read and decoded on a thread of its own: a photograph takes as long as
//! several frames, and a slow disk longer.
use crate::{
    data::picture::{self, Picture},
    errors::message,
};
use crossbeam_channel::{Receiver, TryRecvError, bounded};
use std::{collections::VecDeque, path::PathBuf, thread::Builder};

/// Files that are being opened, in the order in which they were asked for.
#[derive(Default)]
pub struct Openings(VecDeque<Opening>);

struct Opening {
    is_typed: bool,
    decoded: Receiver<Result<Picture, String>>,
}

/// A file that has been read.
pub struct Decoded {
    /// Its path was typed in the window.
    pub is_typed: bool,
    /// The picture, or why there is none.
    pub found: Result<Picture, String>,
}

impl Openings {
    /// Begins to open a file. Never waits.
    pub fn begin(&mut self, path: PathBuf, is_typed: bool) {
        let (sender, decoded) = bounded(1);
        let work = move || {
            // the window may have been closed meanwhile
            let _gone = sender.send(picture::open(&path).map_err(|error| message(&error)));
        };
        // without a thread nothing is ever sent, which is said as the answer
        let _thread = Builder::new().name("picture".into()).spawn(work);
        self.0.push_back(Opening { is_typed, decoded });
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next file that has been read, once it has been; those asked for earlier come first. Never waits.
    pub fn next(&mut self) -> Option<Decoded> {
        let found = match self.0.front()?.decoded.try_recv() {
            Ok(found) => found,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => {
                Err("a fault in Headstart kept it from being read: open it again, and please report this"
                    .into())
            }
        };
        self.0.pop_front().map(|Opening { is_typed, .. }| Decoded { is_typed, found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};
    use std::{thread, time::Duration};

    #[test]
    fn files_come_in_the_order_in_which_they_were_opened() {
        let folder = tempfile::tempdir().unwrap();
        let large = folder.path().join("large.png");
        RgbImage::from_pixel(1500, 1500, Rgb([40, 160, 30])).save(&large).unwrap();
        let mut openings = Openings::default();
        openings.begin(large, false);
        openings.begin(folder.path().join("missing.png"), true);
        let mut wait = || loop {
            if let Some(Decoded { is_typed, found }) = openings.next() {
                return (is_typed, found.is_ok());
            }
            thread::sleep(Duration::from_millis(5));
        };
        assert_eq!([wait(), wait()], [(false, true), (true, false)]);
        assert!(openings.is_empty() && openings.next().is_none());
    }
}
