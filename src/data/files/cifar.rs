//! CIFAR-10 and CIFAR-100 in their binary layout: a folder, or the archive as it is published.
//!
//! A record is one byte of label (two in CIFAR-100, of which the second is the fine one), then 1,024 bytes each of red,
//! green and blue (Krizhevsky, "Learning multiple layers of features from tiny images", 2009).
use super::{Contents, Format, Images, Part, entries, name, open};
use crate::{
    data::{Notes, idx_file::plain, numbered, watch::Watch},
    errors::At as _,
    shape::ImageShape,
    spec::{Choice, ComponentInfo},
};
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    collections::BTreeMap,
    io::Read,
    path::{Component, Path, PathBuf},
};

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "cifar",
        label: "CIFAR binary files",
        help: "CIFAR-10 or CIFAR-100, binary version: the folder, or the .tar.gz as it is published, or a folder with that in it.",
        params: &[],
    },
    recognises,
    read,
};

const SHAPE: ImageShape = ImageShape { height: 32, width: 32, channels: 3 };
/// More than any file of theirs has.
const MAX_BYTES: u64 = 400 << 20;

fn recognises(path: &Path) -> bool {
    archive(path).is_some() || has_records(path)
}

fn has_records(path: &Path) -> bool {
    if path.is_dir() {
        entries(path).iter().any(|path| is_records(&name(path)))
    } else {
        is_records(&name(path))
    }
}

/// An archive, or the first one of a folder that holds nothing that was unpacked from it.
fn archive(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        return entries(path).into_iter().find(|path| is_archive(path)).filter(|_| !has_records(path));
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
    let fine = files.contains_key("train.bin");
    let (mut train, mut test) = (Records::default(), Records::default());
    let mut notes = Notes::default();
    for (name, bytes) in files.iter().filter(|(name, _)| is_records(name)) {
        let part = if name.contains("test") { &mut test } else { &mut train };
        if let Err(error) = part.add(bytes, if fine { 2 } else { 1 }) {
            notes.pass_over(&error.context(format!("{name} was passed over")));
        }
    }
    ensure!(!train.labels.is_empty(), notes.nothing_left("There are no training images: get the set again"));
    let names = ["batches.meta.txt", "fine_label_names.txt"].iter().find_map(|name| files.get(*name));
    let text = names.map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
    let mut class_names: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Into::into).collect();
    let least = if fine { 100 } else { 10 };
    if class_names.len() != least {
        class_names = numbered(least);
    }
    let test = (!test.labels.is_empty()).then(|| test.part());
    Ok(Contents { class_names, train: train.part(), test, notes })
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
        let plane = SHAPE.height * SHAPE.width;
        for record in bytes.chunks_exact(record) {
            let (label, planes) = record.split_at(label_bytes);
            self.labels.push(usize::from(label[label_bytes - 1]));
            self.pixels.extend(
                (0..plane)
                    .flat_map(|pixel| [planes[pixel], planes[plane + pixel], planes[2 * plane + pixel]]),
            );
        }
        Ok(())
    }

    fn part(self) -> Part {
        Part { images: Images::Raw { shape: SHAPE, pixels: self.pixels }, labels: self.labels }
    }
}

/// The files of a folder, or of the folder that a file is in, by their names.
fn beside(path: &Path, watch: &Watch) -> Result<BTreeMap<String, Vec<u8>>> {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let mut files = BTreeMap::new();
    for path in entries(folder.context("The file is in no folder")?) {
        let name = name(&path);
        if is_records(&name) || name.ends_with(".txt") {
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
