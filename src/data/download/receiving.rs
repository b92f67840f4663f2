//! A file that comes in from a mirror.
use super::{
    limits::{Limits, Pace},
    stream::{Mirror, Piece, Stream},
};
use crate::{data::published::PublishedFile, disk};
use std::{
    fs::File,
    io::{self, Seek as _, SeekFrom, Write as _},
    time::{Duration, Instant},
};

/// A file that is not whole yet, and who is asked for it.
pub struct Wanted {
    pub of: &'static PublishedFile,
    pub file: File,
    /// The place of the mirror among the mirrors.
    pub mirror: usize,
    /// Tries in a row that brought nothing new.
    pub fruitless: u32,
    /// Whether what is kept of the file may not be this mirror's.
    pub is_resumed: bool,
}

pub struct Receiving {
    pub wanted: Wanted,
    stream: Stream,
    /// Where in the file the next bytes belong.
    position: u64,
    /// Bytes of the file that were there when the mirror was asked.
    had: u64,
    /// Since the mirror has answered.
    pace: Option<Pace>,
}

/// What came of waiting for bytes.
pub enum Received {
    /// Bytes that arrived; may be 0.
    Bytes(u64),
    /// The last of the file.
    All(u64),
    /// The mirror broke off or stalled, and can be asked again: why.
    CutShort(String),
    /// The mirror is of no use for this file: why.
    Refused(String),
}

impl Wanted {
    /// The next mirror's turn.
    pub fn at_next_mirror(self, is_resumed: bool) -> Self {
        Self { mirror: self.mirror + 1, fruitless: 0, is_resumed, ..self }
    }
}

impl Receiving {
    /// Asks a mirror for what is missing after the first `had` bytes.
    pub fn new(wanted: Wanted, mirror: &Mirror, had: u64) -> Self {
        let stream = Stream::open(mirror, wanted.of.name, had);
        Self { wanted, stream, position: had, had, pace: None }
    }

    pub fn is_open(&self) -> bool {
        self.pace.is_some()
    }

    /// Bytes of the file that are there.
    pub fn bytes(&self) -> u64 {
        self.position.max(self.had)
    }

    /// Bytes that were not there before.
    pub fn progress(&self) -> u64 {
        self.position.saturating_sub(self.had)
    }

    /// Writes what has come, or comes before `patience` ends.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn advance(&mut self, patience: Duration, limits: &Limits) -> io::Result<Received> {
        let mut received = 0;
        match self.stream.next(patience) {
            None => {}
            Some(Ok(Piece::Head { from, length })) => {
                if let Some(refusal) = self.refusal(from, length) {
                    return Ok(Received::Refused(refusal));
                }
                // Not every server can send the rest of a file. What was there stays until its place is written to.
                self.position = self.wanted.file.seek(SeekFrom::Start(from))?;
                self.pace = Some(Pace::new(Instant::now()));
            }
            Some(Ok(Piece::Bytes(bytes))) => {
                received = bytes.len() as u64;
                if self.position + received > self.wanted.of.bytes {
                    self.wanted.file.set_len(0)?;
                    let text = format!("sends more than the {} bytes of the file", self.wanted.of.bytes);
                    return Ok(Received::Refused(text));
                }
                self.write(&bytes)?;
                if self.position == self.wanted.of.bytes {
                    return Ok(Received::All(received));
                }
            }
            Some(Ok(Piece::End)) => {
                return Ok(Received::CutShort("ends before the file is complete".into()));
            }
            Some(Err(error)) if self.is_open() => {
                return Ok(Received::CutShort(format!("breaks off ({error})")));
            }
            Some(Err(error)) => return Ok(Received::Refused(error)),
        }
        if self.pace.as_mut().is_some_and(|pace| pace.is_stalled(Instant::now(), limits)) {
            let (bytes, secs) = (disk::size(limits.least_bytes), limits.window.as_secs());
            return Ok(Received::CutShort(format!("sends less than {bytes} in {secs} seconds")));
        }
        Ok(Received::Bytes(received))
    }

    fn refusal(&self, from: u64, length: Option<u64>) -> Option<String> {
        match length {
            Some(length) if length != self.wanted.of.bytes => {
                Some(format!("has a file of {length} bytes instead of {}", self.wanted.of.bytes))
            }
            _ if from != 0 && from != self.had => {
                Some("sends another part of the file than was asked for".into())
            }
            _ => None,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wanted.file.write_all(bytes)?;
        self.position += bytes.len() as u64;
        if let Some(pace) = &mut self.pace {
            pace.add(bytes.len() as u64);
        }
        Ok(())
    }
}
