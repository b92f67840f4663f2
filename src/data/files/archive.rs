//! An archive of any other format: it is unpacked once, into the folder that the system keeps for what can be made again,
//! and read from there.
use super::{Contents, Format, entries, name, open, recognise};
use crate::{
    data::{idx_file::plain, watch::Watch},
    disk,
    errors::At as _,
    spec::{Choice, ComponentInfo},
};
use anyhow::{Context as _, Result, anyhow, bail};
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    io::{self, BufReader, Read, Write as _},
    path::{Component, Path, PathBuf},
    time::UNIX_EPOCH,
};

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "archive",
        label: "Archive",
        help: "A .zip, .tar or .tar.gz of any other format. It is unpacked once, into the folder that the system keeps for what can be made again.",
        params: &[],
    },
    recognises: |path| archive(path).is_some(),
    read,
};

/// Archives that unpack to more are refused.
const MAX_BYTES: u64 = if cfg!(test) { 16 << 20 } else { 32 << 30 };
/// What an archive may unpack to at most, as a multiple of its own size. [`SMALL`] is allowed in any case.
const MAX_RATIO: u64 = 200;
/// Bytes that any archive may unpack to.
const SMALL: u64 = if cfg!(test) { 1 << 20 } else { 256 << 20 };
/// Archives with more files are refused.
const MAX_FILES: usize = 4_000_000;
/// Folders in folders that hold nothing else are walked through as deep as this.
const MAX_DEPTH: usize = 4;

fn read(path: &Path, choice: &Choice, watch: &Watch) -> Result<Contents> {
    let archive = archive(path).context("There is no archive")?;
    let folder = unpacked(&archive, watch).at(&archive)?;
    let root = innermost(folder);
    let format = recognise(&root).ok();
    let format =
        format.context("The archive holds no data set that can be read: choose another").at(&archive)?;
    let mut contents = (format.read)(&root, choice, watch)?;
    contents.notes.remarks.push(format!(
        "{} was unpacked to {}, and read as {}",
        name(&archive),
        root.display(),
        format.info.label
    ));
    Ok(contents)
}

/// An archive, or the only thing in a folder that is one.
fn archive(path: &Path) -> Option<PathBuf> {
    if !path.is_dir() {
        return is_archive(path).then(|| path.to_path_buf());
    }
    let own: Vec<PathBuf> = entries(path).into_iter().filter(|path| !name(path).starts_with('.')).collect();
    match &own[..] {
        [only] if is_archive(only) => Some(only.clone()),
        _ => None,
    }
}

fn is_archive(path: &Path) -> bool {
    let name = name(path);
    [".zip", ".tar", ".tar.gz", ".tgz"].iter().any(|ending| name.ends_with(ending)) && path.is_file()
}

/// The folder within which there is more than one other folder.
fn innermost(mut folder: PathBuf) -> PathBuf {
    for _ in 0..MAX_DEPTH {
        let own: Vec<PathBuf> = entries(&folder)
            .into_iter()
            .filter(|path| !name(path).starts_with('.') && name(path) != "__macosx")
            .collect();
        match &own[..] {
            [only] if only.is_dir() => folder.clone_from(only),
            _ => break,
        }
    }
    folder
}

/// The folder that an archive has been unpacked to, now or before. One that it was unpacked to when it was another is removed.
fn unpacked(archive: &Path, watch: &Watch) -> Result<PathBuf> {
    let metadata = fs::metadata(archive)?;
    let modified = metadata.modified().ok().and_then(|when| when.duration_since(UNIX_EPOCH).ok());
    let place = short(std::path::absolute(archive)?.as_os_str().as_encoded_bytes());
    let state = short(format!("{} {modified:?}", metadata.len()).as_bytes());
    let cache = cache();
    let folder = cache.join(format!("{place}-{state}"));
    if folder.is_dir() {
        return Ok(folder);
    }
    for old in entries(&cache).iter().filter(|old| name(old).starts_with(&place)) {
        let _best_effort = fs::remove_dir_all(old);
    }
    let mut fault = None;
    let made = disk::make_folder(&folder, |into| {
        unpack(archive, into, metadata.len(), watch).map_err(|error| {
            fault = Some(error);
            io::Error::other("it cannot be unpacked")
        })
    });
    match made {
        Ok(()) => Ok(folder),
        // another program was faster
        Err(_) if fault.is_none() && folder.is_dir() => Ok(folder),
        Err(error) => {
            watch.go_on()?;
            Err(fault.unwrap_or_else(|| disk::unwritten("The archive cannot be unpacked", &cache, error)))
        }
    }
}

fn cache() -> PathBuf {
    if cfg!(test) {
        return concat!(env!("CARGO_MANIFEST_DIR"), "/target/unpacked-by-tests").into();
    }
    let folders = directories::ProjectDirs::from("", "", "headstart");
    folders.map_or_else(std::env::temp_dir, |folders| folders.cache_dir().to_path_buf()).join("unpacked")
}

fn short(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// What may still be unpacked, and where to.
struct Unpacking<'a> {
    into: &'a Path,
    bytes_left: u64,
    files_left: usize,
    watch: &'a Watch,
}

fn unpack(archive: &Path, into: &Path, len: u64, watch: &Watch) -> Result<()> {
    let bytes_left = MAX_BYTES.min(SMALL.max(len.saturating_mul(MAX_RATIO)));
    let mut unpacking = Unpacking { into, bytes_left, files_left: MAX_FILES, watch };
    if name(archive).ends_with(".zip") { unpacking.zip(archive) } else { unpacking.tar(archive) }
}

const DAMAGED: &str = "the archive is cut short or damaged: get it again";

impl Unpacking<'_> {
    fn zip(&mut self, path: &Path) -> Result<()> {
        let mut archive = zip::ZipArchive::new(BufReader::new(open(path)?)).context(DAMAGED)?;
        self.watch.expect("Unpacking", archive.len());
        for index in 0..archive.len() {
            let entry = archive.by_index(index).map_err(|error| match error {
                zip::result::ZipError::UnsupportedArchive(why) => anyhow!(
                    "the archive is packed in a way that cannot be read ({why}): unpack it, and choose the folder"
                ),
                error => anyhow::Error::new(error).context(DAMAGED),
            })?;
            let is_link = entry.is_symlink();
            let inner = entry.name().to_owned();
            if entry.is_dir() {
                self.place(&inner, is_link)?;
            } else {
                self.write(&inner, is_link, entry)?;
            }
            self.watch.did(1)?;
        }
        Ok(())
    }

    fn tar(&mut self, path: &Path) -> Result<()> {
        self.watch.expect("Unpacking", 0);
        let mut archive = tar::Archive::new(plain(self.watch.reading(open(path)?))?);
        for entry in archive.entries()? {
            let entry = entry.context(DAMAGED)?;
            let kind = entry.header().entry_type();
            let inner = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let is_link = kind.is_symlink() || kind.is_hard_link();
            if kind.is_dir() || is_link {
                self.place(&inner, is_link)?;
            } else if kind.is_file() {
                self.write(&inner, false, entry)?;
            }
            self.watch.did(1)?;
        }
        Ok(())
    }

    /// Where a file of the archive goes.
    fn place(&mut self, inner: &str, is_link: bool) -> Result<PathBuf> {
        let relative = inner.replace('\\', "/");
        let relative = Path::new(&relative);
        let is_plain =
            relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !is_plain || is_link || inner.contains('\0') {
            bail!("the archive holds {inner:?}, which leads out of it: get it from where it is published");
        }
        self.files_left = self.files_left.checked_sub(1).with_context(|| {
            format!("the archive holds more than {MAX_FILES} files: choose a smaller one")
        })?;
        Ok(self.into.join(relative))
    }

    fn write(&mut self, inner: &str, is_link: bool, source: impl Read) -> Result<()> {
        let path = self.place(inner, is_link)?;
        let within = path.parent().unwrap_or(self.into);
        let unwritten =
            |error: io::Error| disk::unwritten("The archive cannot be unpacked", self.into, error);
        fs::create_dir_all(within).map_err(unwritten)?;
        let mut file = io::BufWriter::new(fs::File::create(&path).map_err(unwritten)?);
        let mut source = self.watch.reading(source).take(self.bytes_left + 1);
        let mut portion = vec![0; 1 << 16];
        loop {
            let count = source.read(&mut portion).map_err(|error| match self.watch.go_on() {
                Err(stopped) => stopped.into(),
                Ok(()) => anyhow::Error::new(error).context(DAMAGED),
            })?;
            if count == 0 {
                break;
            }
            let left = self.bytes_left.checked_sub(count as u64);
            self.bytes_left = left.with_context(|| {
                format!(
                    "the archive unpacks to more than {MAX_RATIO} times its size, or to more than {}: unpack it yourself if you trust it, and choose the folder",
                    disk::size(MAX_BYTES)
                )
            })?;
            file.write_all(&portion[..count]).map_err(unwritten)?;
        }
        file.flush().map_err(unwritten)
    }
}

#[cfg(test)]
mod tests;
