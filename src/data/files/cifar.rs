//! CIFAR-10 and CIFAR-100, in the binary version or in the one for Python: a folder, or the archive as it is published.
//!
//! A record of the binary version is one byte of label (two in CIFAR-100, of which the second is the fine one), then 1,024 bytes each of red,
//! green and blue (Krizhevsky, "Learning multiple layers of features from tiny images", 2009).
use super::{Contents, Format, Images, Part, entries, name, open};
use crate::{
    data::{Notes, idx_file::plain, numbered, watch::Watch},
    errors::At as _,
    pickle,
    shape::ImageShape,
    spec::{Choice, ComponentInfo},
};
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    collections::BTreeMap,
    io::Read,
    path::{Component, Path, PathBuf},
};

mod python;

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "cifar",
        label: "CIFAR files",
        help: "CIFAR-10 or CIFAR-100, the binary version or the one for Python: the folder, or the .tar.gz as it is published, or a folder with that in it.",
        params: &[],
    },
    recognises,
    read,
};

const SHAPE: ImageShape = ImageShape { height: 32, width: 32, channels: 3 };
/// More than any file of theirs has.
const MAX_BYTES: u64 = 400 << 20;

fn recognises(path: &Path) -> bool {
    archive(path).is_some() || records(path).is_some()
}

/// The folder that records are in: the path itself, the one that a file of them is in, or one within it.
fn records(path: &Path) -> Option<PathBuf> {
    if !path.is_dir() {
        let name = name(path);
        let is_one = is_records(&name) || python::is_batch(&name) || is_hundred(path.parent()?, &name);
        return is_one.then(|| path.parent().map(Path::to_path_buf))?;
    }
    let own = [path.to_path_buf()];
    let inner = entries(path).into_iter().filter(|path| path.is_dir() && name(path).contains("cifar"));
    own.into_iter().chain(inner).find(|folder| has_records(folder))
}

fn has_records(folder: &Path) -> bool {
    entries(folder).iter().filter(|path| path.is_file()).any(|path| {
        let name = name(path);
        is_records(&name) || python::is_batch(&name) || is_hundred(folder, &name)
    })
}

/// Whether a file is a part of CIFAR-100 for Python: its name alone could be that of anything.
fn is_hundred(folder: &Path, name: &str) -> bool {
    let begins_right = |name: &str| {
        let mut head = [0; 2];
        let read = open(&folder.join(name)).and_then(|mut file| Ok(file.read_exact(&mut head)?));
        read.is_ok() && pickle::is_like(&head)
    };
    python::is_of_hundred(name) && begins_right("meta") && begins_right(name)
}

/// An archive, or the first one of a folder that holds nothing that was unpacked from it.
fn archive(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return entries(path).into_iter().find(|path| is_archive(path)).filter(|_| records(path).is_none());
    }
    is_archive(path).then(|| path.into())
}

fn is_archive(path: &Path) -> bool {
    let name = name(path);
    let ends = [".tar.gz", ".tgz", ".tar"].iter().any(|ending| name.ends_with(ending));
    name.contains("cifar") && ends && path.is_file()
}

fn is_records(name: &str) -> bool {
    ["train.bin", "test.bin", "test_batch.bin"].contains(&name)
        || name.starts_with("data_batch") && name.ends_with(".bin")
}

fn read(path: &Path, _: &Choice, watch: &Watch) -> Result<Contents> {
    let files = archive(path).map_or_else(|| beside(path, watch), |archive| archived(&archive, watch))?;
    let (mut train, mut test) = (Records::default(), Records::default());
    let mut notes = Notes::default();
    let mut fine = files.contains_key("train.bin");
    let has_meta = files.contains_key("meta");
    for (name, bytes) in &files {
        let part = if name.contains("test") { &mut test } else { &mut train };
        let added = if is_records(name) {
            part.add(bytes, if fine { 2 } else { 1 })
        } else if python::is_batch(name) || has_meta && python::is_of_hundred(name) {
            python::add(part, bytes).map(|is_fine| fine |= is_fine)
        } else {
            continue;
        };
        if let Err(error) = added {
            notes.pass_over(&error.context(format!("{name} was passed over")));
        }
    }
    ensure!(!train.labels.is_empty(), notes.nothing_left("There are no training images: get the set again"));
    let mut class_names = class_names(&files);
    let least = if fine { 100 } else { 10 };
    if class_names.len() != least {
        class_names = numbered(least);
    }
    let test = (!test.labels.is_empty()).then(|| test.part());
    Ok(Contents { class_names, train: train.part(), test, notes })
}

fn class_names(files: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let meta = files.iter().find(|(name, _)| python::is_meta(name));
    if let Some(names) = meta.and_then(|(_, bytes)| python::names(bytes)) {
        return names;
    }
    let names = ["batches.meta.txt", "fine_label_names.txt"].iter().find_map(|name| files.get(*name));
    let text = names.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Into::into).collect()
}

#[derive(Default)]
struct Records {
    labels: Vec<usize>,
    pixels: Vec<u8>,
}

impl Records {
    fn add(&mut self, bytes: &[u8], label_bytes: usize) -> Result<()> {
        let record = label_bytes + SHAPE.len();
        ensure!(
            !bytes.is_empty() && bytes.len().is_multiple_of(record),
            "{} bytes are no whole number of records of {record}: the file is cut short or of another layout, get it again",
            bytes.len()
        );
        for record in bytes.chunks_exact(record) {
            let (label, planes) = record.split_at(label_bytes);
            self.push(usize::from(label[label_bytes - 1]), planes);
        }
        Ok(())
    }

    /// Adds an image, given as planes of red, green and blue.
    fn push(&mut self, label: usize, planes: &[u8]) {
        let plane = SHAPE.height * SHAPE.width;
        self.labels.push(label);
        let pixel = |pixel: usize| [planes[pixel], planes[plane + pixel], planes[2 * plane + pixel]];
        self.pixels.extend((0..plane).flat_map(pixel));
    }

    fn part(self) -> Part {
        Part { images: Images::Raw { shape: SHAPE, pixels: self.pixels }, labels: self.labels }
    }
}

/// The files of a folder, or of the folder that a file is in, by their names.
fn beside(path: &Path, watch: &Watch) -> Result<BTreeMap<String, Vec<u8>>> {
    let folder = records(path).context("The file is in no folder")?;
    let mut files = BTreeMap::new();
    for path in entries(&folder) {
        let name = name(&path);
        let is_python = python::is_batch(&name) || python::is_meta(&name) || is_hundred(&folder, &name);
        if path.is_file() && (is_records(&name) || is_python || name.ends_with(".txt")) {
            files.insert(
                name,
                bounded(watch.reading(open(&path)?)).context("The file cannot be read").at(&path)?,
            );
        }
    }
    Ok(files)
}

/// The files of an archive by their names; nothing is written anywhere.
fn archived(path: &Path, watch: &Watch) -> Result<BTreeMap<String, Vec<u8>>> {
    // names may be of any length too
    let mut archive = tar::Archive::new(plain(watch.reading(open(path)?))?.take(2 * MAX_BYTES));
    let mut files = BTreeMap::new();
    let mut left = MAX_BYTES;
    for entry in archive.entries()? {
        let mut entry = entry.context("the archive is cut short or damaged: get it again")?;
        let inner = entry.path()?.into_owned();
        let is_plain =
            inner.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !is_plain || entry.link_name()?.is_some() {
            bail!("the archive holds {inner:?}, which leads out of it: get it from where it is published");
        }
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let mut bytes = vec![];
        let read = entry.by_ref().take(left + 1).read_to_end(&mut bytes);
        read.context("the archive is cut short or damaged: get it again")?;
        left = left
            .checked_sub(bytes.len() as u64)
            .context("the archive unpacks to more than CIFAR has: get it from where it is published")?;
        files.insert(name(&inner), bytes);
    }
    Ok(files)
}

fn bounded(source: impl Read) -> Result<Vec<u8>> {
    let mut bytes = vec![];
    source.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    ensure!(bytes.len() as u64 <= MAX_BYTES, "the file is longer than any of CIFAR's: get it again");
    Ok(bytes)
}

#[cfg(test)]
mod tests;
