//! The bytes of one file from one mirror, which come in on a thread of their own, so that the reader never waits for
//! the network.
use crate::disk;
use anyhow::{Context as _, Result, ensure};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::{
    fmt,
    io::{Read, Seek as _, SeekFrom},
    path::PathBuf,
    time::Duration,
};
use ureq::http::{HeaderMap, StatusCode, header};

/// Read at once.
const PIECE: usize = 64 << 10;
/// Pieces that wait to be taken.
const BACKLOG: usize = 16;
/// A mirror that says nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(30);

/// Where files may be had.
#[derive(Clone, Debug, PartialEq)]
pub enum Mirror {
    /// The address of a folder, ending in a slash.
    Address(String),
    /// A folder of files, or the only file.
    Local(PathBuf),
}

impl Mirror {
    /// # Errors
    /// Where it is no address of a web server.
    pub fn address(text: &str) -> Result<Self> {
        ensure!(
            ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme)),
            "{text:?} is no mirror: write the address of a folder, such as http://192.168.0.5:8000/"
        );
        Ok(Mirror::Address(format!("{}/", text.trim_end_matches('/'))))
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mirror::Address(address) => f.write_str(address),
            Mirror::Local(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The next of a file.
pub enum Piece {
    /// Comes first: where in the file the bytes begin, and its whole length, if the server says it.
    Head {
        from: u64,
        length: Option<u64>,
    },
    Bytes(Vec<u8>),
    End,
}

/// A file that comes in.
pub struct Stream {
    pieces: Receiver<Result<Piece, String>>,
}

impl Stream {
    /// Asks a mirror for a file, from a place in it on. It may answer with the whole.
    pub fn open(mirror: &Mirror, name: &str, from: u64) -> Self {
        let (sender, pieces) = bounded(BACKLOG);
        let (mirror, name) = (mirror.clone(), name.to_owned());
        let thread = std::thread::Builder::new().name("download".into());
        let refused = sender.clone();
        let spawned = thread.spawn(move || {
            if let Err(error) = send(&mirror, &name, from, &sender) {
                // The reader may have gone.
                let _gone = sender.send(Err(format!("{error:#}")));
            }
        });
        if let Err(error) = spawned {
            let _gone = refused.try_send(Err(format!("no thread could be started: {error}")));
        }
        Self { pieces }
    }

    /// What has come, or comes before `patience` ends.
    pub fn next(&self, patience: Duration) -> Option<Result<Piece, String>> {
        match self.pieces.recv_timeout(patience) {
            Ok(piece) => Some(piece),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Ok(Piece::End)),
        }
    }
}

/// Sends a file piece by piece, until its end or until nobody takes it any more.
fn send(mirror: &Mirror, name: &str, from: u64, to: &Sender<Result<Piece, String>>) -> Result<()> {
    let (head, mut body) = match mirror {
        Mirror::Address(address) => ask(&format!("{address}{name}"), from)?,
        Mirror::Local(path) => open(path, name, from)?,
    };
    let mut is_wanted = to.send(Ok(head)).is_ok();
    while is_wanted {
        let mut bytes = vec![0; PIECE];
        let read = body.read(&mut bytes)?;
        if read == 0 {
            break;
        }
        bytes.truncate(read);
        is_wanted = to.send(Ok(Piece::Bytes(bytes))).is_ok();
    }
    Ok(())
}

fn ask(address: &str, from: u64) -> Result<(Piece, Box<dyn Read>)> {
    let agent = ureq::Agent::config_builder()
        .user_agent(concat!("headstart/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(SILENCE))
        .timeout_connect(Some(SILENCE))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .build()
        .new_agent();
    let mut request = agent.get(address);
    if from > 0 {
        request = request.header(header::RANGE, format!("bytes={from}-"));
    }
    let response = request.call()?;
    let is_part = response.status() == StatusCode::PARTIAL_CONTENT;
    let head = if is_part { part(response.headers())? } else { whole(response.headers()) };
    Ok((head, Box::new(response.into_body().into_reader())))
}

fn whole(headers: &HeaderMap) -> Piece {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    Piece::Head { from: 0, length }
}

/// Content-Range is "bytes FROM-TO/LENGTH", the length a star where it is not known.
fn part(headers: &HeaderMap) -> Result<Piece> {
    let range = headers.get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let numbers = range.and_then(|range| range.strip_prefix("bytes "));
    let (bounds, length) =
        numbers.and_then(|numbers| numbers.split_once('/')).context("sends a part without saying which")?;
    let from = bounds.split_once('-').and_then(|(from, _)| from.parse().ok());
    Ok(Piece::Head { from: from.context("sends a part without saying which")?, length: length.parse().ok() })
}

fn open(path: &std::path::Path, name: &str, from: u64) -> Result<(Piece, Box<dyn Read>)> {
    let path = if path.is_dir() { path.join(name) } else { path.to_path_buf() };
    let (mut file, length) =
        disk::open(&path).with_context(|| format!("there is no {name} that can be read"))?;
    file.seek(SeekFrom::Start(from))?;
    Ok((Piece::Head { from, length: Some(length) }, Box::new(file)))
}
