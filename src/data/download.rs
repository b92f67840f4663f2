//! Fetches a published data set, one portion a call: asked for by a person, checked against its published checksums, put
//! in place file by file when it is complete, and gone on with where it was cut off.
use super::published::{Published, PublishedFile, base};
use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use stream::{Piece, Stream};

mod stream;
pub use stream::Mirror;

/// Checked in one call.
const PORTION: usize = 1 << 20;
/// How often in a row a mirror is asked for the rest of a file before it has sent less than a portion.
const MAX_TRIES: usize = 5;
/// No member of an archive is taken out past this.
const MAX_MEMBER_BYTES: u64 = 256 << 20;
/// A file on its way bears this behind its name.
const PARTIAL: &str = "partial";

/// A data set on its way to its folder.
pub struct Download {
    published: &'static Published,
    folder: PathBuf,
    mirrors: Vec<Mirror>,
    stage: Stage,
    /// What each mirror answered that could not give the file that is wanted now.
    refusals: Vec<String>,
    began: Instant,
    /// Since then.
    received: u64,
}

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    pub activity: Activity,
    pub bytes_done: u64,
    pub bytes_total: u64,
    /// At the present pace; nothing before there is one.
    pub secs_left: Option<f64>,
}

/// What a download is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activity {
    Connecting,
    Receiving,
    /// The file is compared with its checksum.
    Checking,
    Unpacking,
    Done,
}

/// What the next call does.
enum Stage {
    /// Looks for a file that is missing, or a member.
    Next,
    Receiving(Receiving),
    Checking {
        of: &'static PublishedFile,
        file: File,
        hasher: Sha256,
        bytes: u64,
        mirror: Attempt,
    },
    Done,
}

/// A file that comes in.
struct Receiving {
    of: &'static PublishedFile,
    stream: Stream,
    file: File,
    /// In the file.
    bytes: u64,
    /// Where in the file the mirror began.
    asked_from: u64,
    /// Whether the mirror has answered.
    is_open: bool,
    mirror: Attempt,
}

/// Which mirror is asked, for the how manieth time.
#[derive(Clone, Copy, Default)]
struct Attempt {
    mirror: usize,
    tries: usize,
    /// Whether what is kept of the file may not be this mirror's.
    is_resumed: bool,
}

impl Download {
    /// Begins to fetch a data set into `folder`, from `mirrors` or, where there are none, from those that are known. What
    /// is there already is kept.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn new(published: &'static Published, folder: PathBuf, mirrors: Vec<Mirror>) -> Result<Self> {
        fs::create_dir_all(&folder).with_context(|| at("Could not make the folder", &folder))?;
        let known = || published.mirrors.iter().map(|mirror| Mirror::Address((*mirror).into())).collect();
        let mirrors = if mirrors.is_empty() { known() } else { mirrors };
        let began = Instant::now();
        Ok(Self { published, folder, mirrors, stage: Stage::Next, refusals: vec![], began, received: 0 })
    }

    /// Does one portion, or waits for one to come, but no longer than `patience`.
    ///
    /// # Errors
    /// Where no mirror has what is wanted, or it cannot be written: with what to do.
    pub fn advance(&mut self, patience: Duration) -> Result<Progress> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Next => self.next()?,
            Stage::Receiving(receiving) => self.receive(receiving, patience)?,
            Stage::Checking { of, file, hasher, bytes, mirror } => {
                self.check(of, file, hasher, bytes, mirror)?
            }
            Stage::Done => Stage::Done,
        };
        Ok(self.progress())
    }

    fn progress(&self) -> Progress {
        let bytes_total = self.published.bytes();
        let there = |file: &&PublishedFile| self.path(file.name).is_file();
        let complete: u64 = self.published.files.iter().filter(there).map(|file| file.bytes).sum();
        let (activity, bytes_done) = match &self.stage {
            Stage::Done => (Activity::Done, bytes_total),
            Stage::Next if complete == bytes_total => (Activity::Unpacking, complete),
            Stage::Next => (Activity::Connecting, complete),
            Stage::Receiving(file) if !file.is_open => (Activity::Connecting, complete + file.bytes),
            Stage::Receiving(file) => (Activity::Receiving, complete + file.bytes),
            Stage::Checking { of, .. } => (Activity::Checking, complete + of.bytes),
        };
        let pace = self.received as f64 / self.began.elapsed().as_secs_f64();
        let secs_left = (pace > 0.0).then(|| (bytes_total - bytes_done) as f64 / pace);
        Progress { activity, bytes_done, bytes_total, secs_left }
    }

    fn next(&mut self) -> Result<Stage> {
        let published = self.published;
        let missing = |name: &str| !self.path(name).is_file();
        let member = published.members.iter().find(|member| missing(base(member)));
        if !published.members.is_empty() && member.is_none() {
            // The archive is in the way once everything is out of it.
            return self.remove(published.files[0].name).map(|()| Stage::Done);
        }
        if let Some(of) = published.files.iter().find(|file| missing(file.name)) {
            self.refusals.clear();
            return self.ask(of, self.open_partial(of)?, Attempt { is_resumed: true, ..Attempt::default() });
        }
        let Some(member) = member else { return Ok(Stage::Done) };
        self.unpack(member)?;
        Ok(Stage::Next)
    }

    /// The file that a download fills, which no other program may do at the same time.
    fn open_partial(&self, of: &PublishedFile) -> Result<File> {
        let path = self.partial(of.name);
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = open.with_context(|| at("Could not write the file", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "{}",
                    at("Another Headstart is fetching this data set: wait for it, or stop it there", &path)
                )
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| at("Could not lock the file", &path))
            }
        }
    }

    /// Asks a mirror for what is missing of a file.
    fn ask(&mut self, of: &'static PublishedFile, mut file: File, mirror: Attempt) -> Result<Stage> {
        let written = |error: &Path| at("Could not write the file: is the disk full?", error);
        let mut bytes = file.seek(SeekFrom::End(0)).with_context(|| written(&self.partial(of.name)))?;
        if bytes > of.bytes {
            file.set_len(0).with_context(|| written(&self.partial(of.name)))?;
            bytes = file.seek(SeekFrom::Start(0))?;
        }
        if bytes == of.bytes {
            return self.begin_check(of, file, mirror);
        }
        let Some(asked) = self.mirrors.get(mirror.mirror) else { bail!("{}", self.offline(of)) };
        let stream = Stream::open(asked, of.name, bytes);
        Ok(Stage::Receiving(Receiving { of, stream, file, bytes, asked_from: bytes, is_open: false, mirror }))
    }

    fn receive(&mut self, mut receiving: Receiving, patience: Duration) -> Result<Stage> {
        let piece = match receiving.stream.next(patience) {
            None => return Ok(Stage::Receiving(receiving)),
            Some(piece) => piece,
        };
        match piece {
            Ok(Piece::Head { from, length }) => {
                if let Some(length) = length.filter(|length| *length != receiving.of.bytes) {
                    let text = format!("has a file of {length} bytes instead of {}", receiving.of.bytes);
                    return self.refused(receiving, &text);
                }
                receiving.is_open = true;
                match from {
                    // Not every server can send the rest of a file.
                    0 => receiving.restart()?,
                    from if from != receiving.bytes => {
                        return self.refused(receiving, "sends another part of the file than was asked for");
                    }
                    _ => {}
                }
                Ok(Stage::Receiving(receiving))
            }
            Ok(Piece::Bytes(bytes)) => {
                if receiving.bytes + bytes.len() as u64 > receiving.of.bytes {
                    receiving.restart()?;
                    let text = format!("sends more than the {} bytes of the file", receiving.of.bytes);
                    return self.refused(receiving, &text);
                }
                let path = self.partial(receiving.of.name);
                let written = receiving.file.write_all(&bytes);
                written.with_context(|| at("Could not write the file: is the disk full?", &path))?;
                receiving.bytes += bytes.len() as u64;
                self.received += bytes.len() as u64;
                if receiving.bytes == receiving.of.bytes {
                    return self.begin_check(receiving.of, receiving.file, receiving.mirror);
                }
                Ok(Stage::Receiving(receiving))
            }
            Ok(Piece::End) => self.cut_short(receiving, "ended before the file was complete"),
            Err(error) if receiving.is_open => self.cut_short(receiving, &error),
            Err(error) => self.refused(receiving, &error),
        }
    }

    /// The same mirror again, from where it stopped; another one if that has happened too often.
    fn cut_short(&mut self, receiving: Receiving, why: &str) -> Result<Stage> {
        let is_fruitful = receiving.bytes - receiving.asked_from >= PORTION as u64;
        let tries = if is_fruitful { 1 } else { receiving.mirror.tries + 1 };
        let mirror = Attempt { tries, ..receiving.mirror };
        if mirror.tries >= MAX_TRIES {
            return self.refused(receiving, why);
        }
        self.ask(receiving.of, receiving.file, mirror)
    }

    /// The next mirror.
    fn refused(&mut self, receiving: Receiving, why: &str) -> Result<Stage> {
        let Receiving { of, file, mirror, .. } = receiving;
        self.refuse(mirror, why);
        self.ask(of, file, Attempt { mirror: mirror.mirror + 1, tries: 0, is_resumed: true })
    }

    fn refuse(&mut self, mirror: Attempt, why: &str) {
        if let Some(mirror) = self.mirrors.get(mirror.mirror) {
            self.refusals.push(format!("{mirror}: {why}"));
        }
    }

    fn begin_check(&self, of: &'static PublishedFile, mut file: File, mirror: Attempt) -> Result<Stage> {
        file.sync_all()
            .and_then(|()| file.rewind())
            .with_context(|| at("Could not write the file: is the disk full?", &self.partial(of.name)))?;
        Ok(Stage::Checking { of, file, hasher: Sha256::new(), bytes: 0, mirror })
    }

    fn check(
        &mut self,
        of: &'static PublishedFile,
        mut file: File,
        mut hasher: Sha256,
        bytes: u64,
        mirror: Attempt,
    ) -> Result<Stage> {
        let partial = self.partial(of.name);
        let mut portion = vec![0; PORTION];
        let read = file.read(&mut portion).with_context(|| at("Could not read the file", &partial))?;
        hasher.update(&portion[..read]);
        if read > 0 {
            return Ok(Stage::Checking { of, file, hasher, bytes: bytes + read as u64, mirror });
        }
        let found: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if found == of.sha256 {
            let path = self.path(of.name);
            fs::rename(&partial, &path).with_context(|| at("Could not put the file in its place", &path))?;
            return Ok(Stage::Next);
        }
        file.set_len(0).with_context(|| at("Could not write the file", &partial))?;
        // What was there before may have been the damage: the same mirror has its chance to send it all.
        if mirror.is_resumed {
            return self.ask(of, file, Attempt { is_resumed: false, ..mirror });
        }
        self.refuse(mirror, "the file is not the published one: its SHA-256 checksum differs");
        self.ask(of, file, Attempt { mirror: mirror.mirror + 1, tries: 0, is_resumed: false })
    }

    /// Takes a file out of the archive.
    fn unpack(&self, member: &'static str) -> Result<()> {
        let archive = self.path(self.published.files[0].name);
        let open = || -> Result<_> { Ok(zip::ZipArchive::new(BufReader::new(File::open(&archive)?))?) };
        let mut zip = open().with_context(|| at("Could not open the archive", &archive))?;
        let entry =
            zip.by_name(member).with_context(|| at(&format!("There is no {member} in it"), &archive))?;
        let partial = self.partial(base(member));
        let write = || -> Result<()> {
            let mut file = File::create(&partial)?;
            let bytes = io::copy(&mut entry.take(MAX_MEMBER_BYTES + 1), &mut file)?;
            ensure!(bytes <= MAX_MEMBER_BYTES, "{member} is larger than it can be");
            file.sync_all()?;
            Ok(fs::rename(&partial, self.path(base(member)))?)
        };
        write().with_context(|| at("Could not unpack the archive: is the disk full?", &archive))
    }

    fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| at("Could not remove the archive", &path))
            }
            _ => Ok(()),
        }
    }

    fn offline(&self, of: &PublishedFile) -> String {
        format!(
            "Could not fetch {}: try again when there is a connection, and it goes on from where it is; or choose the \
             files that you have: --set dataset=files --set dataset.path=FOLDER\n{}",
            of.name,
            self.refusals.join("\n")
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn partial(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.{PARTIAL}"))
    }
}

impl Receiving {
    fn restart(&mut self) -> Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        (self.bytes, self.asked_from) = (0, 0);
        Ok(())
    }
}

fn at(text: &str, path: &Path) -> String {
    format!("{text}\nFile: {}", path.display())
}

#[cfg(test)]
mod tests;
