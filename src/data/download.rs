//! Fetches a published data set, or weights, one portion a call: asked for by a person, checked against its published checksums, put
//! in place file by file when it is complete, and continued where it was cut off. What is there already is checked too,
//! and fetched again only where it is damaged.
use super::published::{Files, PublishedFile, base};
use crate::{disk, errors::At as _};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use check::Check;
use receiving::{Received, Receiving, Wanted};
use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    io::{self, BufReader, Read as _, Seek as _, SeekFrom},
    path::PathBuf,
    time::{Duration, Instant},
};

mod check;
mod limits;
mod receiving;
mod stream;
pub use limits::Limits;
pub use stream::Mirror;

/// No member of an archive is taken out past this.
const MAX_MEMBER_BYTES: u64 = 256 << 20;
const NOT_WRITTEN: &str = "Could not write the file: is the disk full?";

/// Files on their way to their folder.
pub struct Download {
    published: Files,
    folder: PathBuf,
    mirrors: Vec<Mirror>,
    limits: Limits,
    stage: Stage,
    /// The names of the files and members that are there and were found to be what was published.
    whole: BTreeSet<&'static str>,
    /// What each mirror answered that could not give the file that is wanted now.
    refusals: Vec<String>,
    began: Instant,
    /// Since then.
    received: u64,
}

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DownloadProgress {
    /// What the download is doing.
    pub activity: Activity,
    /// Bytes that are on the disk.
    pub bytes_done: u64,
    /// Bytes of all files together.
    pub bytes_total: u64,
    /// At the present pace; nothing before there is one.
    pub secs_left: Option<f64>,
}

/// What a download is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activity {
    /// Waiting for a mirror to answer.
    Connecting,
    /// Bytes are arriving.
    Receiving,
    /// The mirror broke off or stalled: it is asked again after a pause.
    Pausing {
        /// Attempts in a row without progress.
        fruitless: u32,
        /// Attempts before the next mirror is asked.
        of: u32,
    },
    /// A file is compared with its checksum.
    Checking,
    /// Files are extracted from the archive.
    Unpacking,
    /// All files are in place.
    Done,
}

/// What the next call does.
enum Stage {
    /// Looks for a file that is missing, or a member.
    Next,
    /// A file that was there before this download.
    Verifying {
        name: &'static str,
        check: Check,
    },
    Pausing {
        wanted: Wanted,
        until: Instant,
    },
    Receiving(Receiving),
    Checking {
        wanted: Wanted,
        check: Check,
    },
    Done,
}

impl Download {
    /// Begins to fetch files into `folder`, from `mirrors` or, where there are none, from those that are known. What
    /// is there already is kept.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn new(
        published: impl Into<Files>,
        folder: PathBuf,
        mirrors: Vec<Mirror>,
        limits: Limits,
    ) -> Result<Self> {
        let published = published.into();
        fs::create_dir_all(&folder).context("Could not make the folder").at(&folder)?;
        let known = || published.mirrors.iter().map(|mirror| Mirror::Address((*mirror).into())).collect();
        let mirrors = if mirrors.is_empty() { known() } else { mirrors };
        Ok(Self {
            published,
            folder,
            mirrors,
            limits,
            stage: Stage::Next,
            whole: BTreeSet::new(),
            refusals: vec![],
            began: Instant::now(),
            received: 0,
        })
    }

    /// Does one portion, or waits for one to come, but no longer than `patience`.
    ///
    /// # Errors
    /// Where no mirror has what is wanted, or it cannot be written: with what to do.
    pub fn advance(&mut self, patience: Duration) -> Result<DownloadProgress> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Next => self.next()?,
            Stage::Verifying { name, check } => self.verify(name, check)?,
            Stage::Pausing { wanted, until } => self.pause(wanted, until, patience)?,
            Stage::Receiving(receiving) => self.receive(receiving, patience)?,
            Stage::Checking { wanted, check } => self.check(wanted, check)?,
            Stage::Done => Stage::Done,
        };
        Ok(self.progress())
    }

    fn progress(&self) -> DownloadProgress {
        let bytes_total = self.published.bytes();
        let is_whole = |file: &&PublishedFile| self.whole.contains(file.name);
        let complete: u64 = self.published.files.iter().filter(is_whole).map(|file| file.bytes).sum();
        let (activity, bytes_done) = match &self.stage {
            Stage::Done => (Activity::Done, bytes_total),
            Stage::Next if complete == bytes_total => (Activity::Unpacking, complete),
            Stage::Next => (Activity::Connecting, complete),
            Stage::Verifying { .. } => (Activity::Checking, complete),
            Stage::Pausing { wanted, .. } => {
                let activity = Activity::Pausing { fruitless: wanted.fruitless, of: self.limits.tries };
                (activity, complete + wanted.file.metadata().map_or(0, |metadata| metadata.len()))
            }
            Stage::Receiving(file) if !file.is_open() => (Activity::Connecting, complete + file.bytes()),
            Stage::Receiving(file) => (Activity::Receiving, complete + file.bytes()),
            Stage::Checking { wanted, .. } => (Activity::Checking, complete + wanted.of.bytes),
        };
        let pace = self.received as f64 / self.began.elapsed().as_secs_f64();
        let secs_left = (pace > 0.0).then(|| (bytes_total - bytes_done) as f64 / pace);
        DownloadProgress { activity, bytes_done, bytes_total, secs_left }
    }

    fn next(&mut self) -> Result<Stage> {
        let published = self.published;
        let files = published.files.iter().map(|file| file.name);
        let unchecked = |name: &&str| !self.whole.contains(name) && self.path(name).is_file();
        if let Some(name) = files.chain(published.kept()).find(unchecked) {
            let path = self.path(name);
            let check = self.begin_to_verify(name).context("Could not read the file").at(&path)?;
            return Ok(Stage::Verifying { name, check });
        }
        let member = published.members.iter().find(|member| !self.whole.contains(base(member)));
        if !published.members.is_empty() && member.is_none() {
            // The archive is in the way once everything is out of it.
            return self.remove(published.files[0].name).map(|()| Stage::Done);
        }
        if let Some(of) = published.files.iter().find(|file| !self.whole.contains(file.name)) {
            self.refusals.clear();
            let file = self.open_partial(of.name)?;
            return self.ask(Wanted { of, file, mirror: 0, fruitless: 0, is_resumed: true });
        }
        let Some(member) = member else { return Ok(Stage::Done) };
        self.unpack(member)?;
        self.whole.insert(base(member));
        Ok(Stage::Next)
    }

    fn begin_to_verify(&self, name: &str) -> io::Result<Check> {
        match self.published.files.iter().find(|file| file.name == name) {
            Some(file) => Ok(Check::published(disk::open(&self.path(name))?.0, file.sha256)),
            None => Check::member(&self.path(name)),
        }
    }

    /// A damaged file is no longer called by its name, but the rest of it can be continued.
    fn verify(&mut self, name: &'static str, mut check: Check) -> Result<Stage> {
        let path = self.path(name);
        match check.advance().context("Could not read the file").at(&path)? {
            None => return Ok(Stage::Verifying { name, check }),
            Some(true) => _ = self.whole.insert(name),
            Some(false) if path.is_symlink() => fs::remove_file(&path).context(NOT_WRITTEN).at(&path)?,
            Some(false) => disk::rename(&path, &self.partial(name)).context(NOT_WRITTEN).at(&path)?,
        }
        Ok(Stage::Next)
    }

    /// The file that a download fills, which no other program may do at the same time.
    fn open_partial(&self, name: &str) -> Result<File> {
        let path = self.partial(name);
        let file = disk::open_own(&path).context("Could not write the file").at(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                let text = "Another Headstart is fetching this: wait for it, or stop it there";
                bail!(anyhow!(text).at(&path))
            }
            Err(TryLockError::Error(error)) => Err(error).context("Could not lock the file").at(&path),
        }
    }

    /// Asks a mirror for what is missing of a file.
    fn ask(&mut self, mut wanted: Wanted) -> Result<Stage> {
        let partial = self.partial(wanted.of.name);
        let mut had = wanted.file.seek(SeekFrom::End(0)).context(NOT_WRITTEN).at(&partial)?;
        if had > wanted.of.bytes {
            wanted.file.set_len(0).context(NOT_WRITTEN).at(&partial)?;
            had = 0;
        }
        if had == wanted.of.bytes {
            return self.begin_check(wanted);
        }
        let Some(mirror) = self.mirrors.get(wanted.mirror) else { bail!("{}", self.given_up(wanted.of)) };
        Ok(Stage::Receiving(Receiving::new(wanted, mirror, had)))
    }

    fn pause(&mut self, wanted: Wanted, until: Instant, patience: Duration) -> Result<Stage> {
        let left = until.saturating_duration_since(Instant::now());
        std::thread::sleep(left.min(patience));
        if left > patience { Ok(Stage::Pausing { wanted, until }) } else { self.ask(wanted) }
    }

    fn receive(&mut self, mut receiving: Receiving, patience: Duration) -> Result<Stage> {
        let path = self.partial(receiving.wanted.of.name);
        match receiving.advance(patience, &self.limits).context(NOT_WRITTEN).at(&path)? {
            Received::Bytes(bytes) => {
                self.received += bytes;
                Ok(Stage::Receiving(receiving))
            }
            Received::All(bytes) => {
                self.received += bytes;
                self.begin_check(receiving.wanted)
            }
            Received::CutShort(why) => self.cut_short(receiving, &why),
            Received::Refused(why) => self.refused(receiving.wanted, &why),
        }
    }

    /// The same mirror again, from where it stopped and after a pause; the next one if that was in vain too often.
    fn cut_short(&mut self, receiving: Receiving, why: &str) -> Result<Stage> {
        let is_progress = receiving.progress() >= self.limits.progress;
        let fruitless = if is_progress { 0 } else { receiving.wanted.fruitless + 1 };
        if fruitless >= self.limits.tries {
            return self.refused(receiving.wanted, &format!("{why}, {fruitless} times in a row"));
        }
        let until = Instant::now() + self.limits.pause(fruitless);
        Ok(Stage::Pausing { wanted: Wanted { fruitless, ..receiving.wanted }, until })
    }

    fn refused(&mut self, wanted: Wanted, why: &str) -> Result<Stage> {
        self.refuse(wanted.mirror, why);
        self.ask(wanted.at_next_mirror(true))
    }

    fn refuse(&mut self, mirror: usize, why: &str) {
        if let Some(mirror) = self.mirrors.get(mirror) {
            self.refusals.push(format!("{mirror}: {why}"));
        }
    }

    fn begin_check(&self, mut wanted: Wanted) -> Result<Stage> {
        let mut rewound = || -> io::Result<File> {
            wanted.file.sync_all()?;
            wanted.file.rewind()?;
            wanted.file.try_clone()
        };
        let file = rewound().context(NOT_WRITTEN).at(&self.partial(wanted.of.name))?;
        Ok(Stage::Checking { check: Check::published(file, wanted.of.sha256), wanted })
    }

    fn check(&mut self, wanted: Wanted, mut check: Check) -> Result<Stage> {
        let partial = self.partial(wanted.of.name);
        let is_whole = check.advance().context("Could not read the file").at(&partial)?;
        let Some(is_whole) = is_whole else { return Ok(Stage::Checking { wanted, check }) };
        if is_whole {
            let path = self.path(wanted.of.name);
            disk::rename(&partial, &path).context("Could not put the file in its place").at(&path)?;
            self.whole.insert(wanted.of.name);
            return Ok(Stage::Next);
        }
        wanted.file.set_len(0).context(NOT_WRITTEN).at(&partial)?;
        // What was there before may have been the damage: the same mirror has its chance to send it all.
        if wanted.is_resumed {
            return self.ask(Wanted { is_resumed: false, ..wanted });
        }
        self.refuse(wanted.mirror, "the file is not the published one: its SHA-256 checksum differs");
        self.ask(wanted.at_next_mirror(false))
    }

    /// Takes a file out of the archive.
    fn unpack(&self, member: &'static str) -> Result<()> {
        let archive = self.path(self.published.files[0].name);
        let open = || -> Result<_> { Ok(zip::ZipArchive::new(BufReader::new(File::open(&archive)?))?) };
        let mut zip = open().context("Could not open the archive").at(&archive)?;
        let entry =
            zip.by_name(member).with_context(|| format!("There is no {member} in it")).at(&archive)?;
        let mut file = self.open_partial(base(member))?;
        let write = || -> Result<()> {
            file.set_len(0)?;
            let bytes = io::copy(&mut entry.take(MAX_MEMBER_BYTES + 1), &mut file)?;
            ensure!(bytes <= MAX_MEMBER_BYTES, "{member} is larger than it can be");
            file.sync_all()?;
            Ok(disk::rename(&self.partial(base(member)), &self.path(base(member)))?)
        };
        write().context("Could not unpack the archive: is the disk full?").at(&archive)
    }

    fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).context("Could not remove the archive").at(&path)
            }
            _ => Ok(()),
        }
    }

    fn given_up(&self, of: &PublishedFile) -> String {
        format!(
            "Could not fetch {}. What has come is kept: try again later, and it goes on from there. Or name another mirror \
             (--mirror URL), or the files if you have them (--path FOLDER, in the window \"Use a folder\")\n{}",
            of.name,
            self.refusals.join("\n")
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn partial(&self, name: &str) -> PathBuf {
        disk::partial(&self.path(name))
    }
}

#[cfg(test)]
mod tests;
