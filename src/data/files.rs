//! The user's own images at a path. Their format is detected automatically.
//!
//! A format reads a path into [`Contents`], which is plain: pixels, or names of pictures, with labels. What is common to
//! all formats happens in `files/assembly.rs`.
use super::{
    Dataset, DatasetEntry, DatasetInfo, Notes, PARAMS, Source, augment::suited, fitting::IMAGE_SIZE,
    watch::Watch,
};
use crate::{
    disk,
    errors::At as _,
    registry,
    sample::Modality,
    shape::ImageShape,
    spec::{Choice, ComponentInfo, Param, ParamKind},
};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use assembly::assemble;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Mutex,
    time::SystemTime,
};

mod assembly;
mod beside;
mod boxes;
mod columns;
mod finder;
pub mod labels;
mod layout;
pub mod parts;
mod pictures;
mod table;
mod text;
mod tree;
mod whole;
pub use assembly::too_many;
use labels::named_classes;
pub use pictures::{open_picture, open_piece};

registry!("format", Format: idx, cifar, npz, parquet, usps, pixel_table, image_table, coco, voc, yolo, archive, class_folders, named_pictures);

pub(crate) const ENTRY: DatasetEntry = DatasetEntry {
    info: ComponentInfo {
        id: "files",
        label: "Images of your own",
        help: "A folder or a file: IDX, CIFAR, a folder of pictures for each class, pictures or pixels in a CSV table, NumPy arrays, Parquet, USPS text, or boxes as of COCO, Pascal VOC and YOLO, or an archive of any of these. The format is detected automatically.",
        params: &PARAMS_OF_FILES,
    },
    modality: Modality::Images,
    source: Source::Own { load: |choice, watch| read(path(choice)?, choice, watch), peek },
    augmentation: suited::unknown,
    outsiders: None,
};

const PARAMS_OF_FILES: [Param; PARAMS.len() + 2] = super::with_own(&[MIN_BOX_SIZE, npz::INPUT_RANGE]);

/// Shorter side in pixels below which an annotated box is left out.
pub const MIN_BOX_SIZE: Param = Param {
    key: "min_box_size",
    label: "Smallest box",
    help: "Where boxes in photographs become images, as with COCO, Pascal VOC and YOLO: boxes with a shorter side than this are left out.",
    kind: ParamKind::Integer { min: 1, max: 4096 },
    default: 24.0,
    ..IMAGE_SIZE
};

/// Files of pictures that are longer are no pictures.
const MAX_PACKED: u64 = 256 << 20;

/// A way in which labelled images are kept on disk.
pub struct Format {
    /// Its name and help.
    pub info: ComponentInfo,
    /// Whether a path looks like this format, without reading it whole.
    pub recognises: fn(&Path) -> bool,
    /// Reads a path in this format.
    pub read: fn(&Path, &Choice, &Watch) -> Result<Contents>,
}

/// What a format finds.
#[derive(Debug, Default)]
pub struct Contents {
    /// What each label stands for.
    pub class_names: Vec<String>,
    /// The training part, or all images where the format knows no parts.
    pub train: Part,
    /// The test part, where the format has one.
    pub test: Option<Part>,
    /// Remarks on how it was read.
    pub notes: Notes,
}

/// Images and their labels, as many of the one as of the other.
#[derive(Debug, Default)]
pub struct Part {
    /// Pixels, or pictures to be decoded.
    pub images: Images,
    /// Index of the class name of each image.
    pub labels: Vec<usize>,
}

/// Images as a format finds them.
pub enum Images {
    /// One after another, (height, width, channels) each.
    Raw {
        /// The shape of every image.
        shape: ImageShape,
        /// (images, height, width, channels).
        pixels: Vec<u8>,
    },
    /// Pictures in files, to be decoded.
    Pictures(Vec<PictureFile>),
    /// Pictures within larger files, which `read` gives by their places, still packed.
    Packed {
        /// The number of pictures.
        count: usize,
        /// Returns the encoded bytes of a picture.
        read: ReadPacked,
    },
}

type ReadPacked = Box<dyn Fn(usize) -> Result<Vec<u8>> + Send + Sync>;

impl std::fmt::Debug for Images {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} images", self.count())
    }
}

impl Default for Images {
    fn default() -> Self {
        Images::Pictures(vec![])
    }
}

/// A picture in a file, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub struct PictureFile {
    /// The file.
    pub path: PathBuf,
    /// Left, top, width and height, in pixels.
    pub crop: Option<[u32; 4]>,
}

/// The format of what is at a path.
///
/// # Errors
/// Where there is nothing, or nothing that is known.
pub fn recognise(path: &Path) -> Result<&'static Format> {
    let metadata = fs::metadata(path).map_err(|error| closed(error, path))?;
    if metadata.is_dir() {
        fs::read_dir(path).map_err(|error| closed(error, path))?;
    } else {
        ensure!(
            metadata.is_file(),
            anyhow!("This is neither a file nor a folder: choose one of these").at(path)
        );
        open(path)?;
    }
    if let Some(found) = ALL.iter().find(|format| (format.recognises)(path)) {
        return Ok(found);
    }
    all_open(path)?;
    if let Some(fault) = image_table::fault(path) {
        bail!(fault.context("This is no data set that can be read").at(path));
    }
    let loose = if path.is_dir() { loose_pictures(path).len() } else { 0 };
    ensure!(
        loose == 0,
        anyhow!("This is no data set that can be read: nothing says the classes of its {loose} pictures. Put those of each class into a folder named after it, or a table with the columns file and label beside them").at(path)
    );
    let known: Vec<_> = ALL.iter().map(|format| format.info.label).collect();
    bail!(anyhow!("This is no data set that can be read. Choose one of these: {}", known.join("; ")).at(path))
}

/// Opens the files of a folder, one of which may identify a format.
fn all_open(path: &Path) -> Result<()> {
    entries(path).iter().filter(|path| path.is_file()).try_for_each(|path| open(path).map(drop))
}

/// Opens a file.
///
/// # Errors
/// Where that fails, with what to do about it and the path.
pub(super) fn open(path: &Path) -> Result<fs::File> {
    disk::open(path).map(|(file, _)| file).map_err(|error| closed(error, path))
}

/// Why a file or folder cannot be read, and what to do about it.
fn closed(error: io::Error, path: &Path) -> anyhow::Error {
    let text = match error.kind() {
        io::ErrorKind::NotFound => {
            "There is nothing to be read here: choose a folder or a file that is there"
        }
        io::ErrorKind::PermissionDenied => {
            "You may not read this: give yourself the right to, or choose another"
        }
        _ => "This cannot be opened: choose another",
    };
    anyhow::Error::new(error).context(text).at(path)
}

/// Reads what is at a path into a data set.
///
/// # Errors
/// Where it is none, or too little of it can be read.
pub fn read(path: &Path, choice: &Choice, watch: &Watch) -> Result<Dataset> {
    let format = recognise(path)?;
    let contents = (format.read)(path, choice, watch).and_then(|contents| assemble(contents, choice, watch));
    let contents = contents.or_else(|error| all_open(path).and(Err(error)));
    let mut dataset = contents.with_context(|| unreadable(format)).at(path)?;
    dataset.notes.format = format.info.label.into();
    Ok(dataset)
}

fn unreadable(format: &Format) -> String {
    format!("Could not read it as {}", format.info.label)
}

/// The pictures that are at a path, or the boxes in them, with the names of their classes, in order: those of the training
/// part first.
///
/// # Errors
/// Where there are none in files of their own.
pub fn labelled_pictures(path: &Path) -> Result<Vec<(PictureFile, String)>> {
    let format = recognise(path)?;
    let Contents { class_names, train, test, .. } =
        (format.read)(path, &Choice::new(ENTRY.info.id), &Watch::default())?;
    // Of a part that is read by itself, the folder above says what its classes are called.
    let titles = path.parent().map(class_folders::titles).unwrap_or_default();
    let mut found = vec![];
    for part in [Some(train), test].into_iter().flatten() {
        let Images::Pictures(pictures) = part.images else {
            let text = format!(
                "There are no pictures in files of their own ({}): choose a folder of pictures",
                format.info.label
            );
            bail!(anyhow!(text).at(path));
        };
        let named = |label: usize| {
            let folder = class_names.get(label).cloned().unwrap_or_default();
            titles.get(&folder).cloned().unwrap_or(folder)
        };
        found.extend(pictures.into_iter().zip(part.labels).map(|(picture, label)| (picture, named(label))));
    }
    Ok(found)
}

/// The pictures that lie in a folder by themselves, in order of their names.
pub fn loose_pictures(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| pictures::is_picture(path)).collect()
}

/// Reads all but the images, once for each path as long as it does not change.
fn peek(choice: &Choice, watch: &Watch) -> Result<DatasetInfo> {
    static LAST: Mutex<Option<(Choice, Option<SystemTime>, DatasetInfo)>> = Mutex::new(None);
    let path = path(choice)?;
    let key = super::source(choice);
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let last = LAST.lock().map_or(None, |last| last.clone());
    if let Some((_, _, info)) = last.filter(|(of, when, _)| *of == key && *when == modified) {
        return Ok(info);
    }
    let format = recognise(path)?;
    let found =
        (format.read)(path, choice, watch).and_then(|contents| assembly::info(contents, choice, watch));
    let info = found.with_context(|| unreadable(format)).at(path)?;
    if let Ok(mut last) = LAST.lock() {
        *last = Some((key, modified, info.clone()));
    }
    Ok(info)
}

fn path(choice: &Choice) -> Result<&Path> {
    choice.path.as_deref().context("Choose a folder or a file with images: it is the key dataset.path")
}

impl Images {
    /// The number of images.
    pub fn count(&self) -> usize {
        match self {
            Images::Raw { shape, pixels } => pixels.len() / shape.len().max(1),
            Images::Pictures(pictures) => pictures.len(),
            Images::Packed { count, .. } => *count,
        }
    }
}

/// Files and folders that systems and programs leave beside people's own.
const SYSTEM: [&str; 7] = [
    "__macosx",
    "thumbs.db",
    "desktop.ini",
    "@eadir",
    "$recycle.bin",
    "system volume information",
    "lost+found",
];

/// The paths of files and folders in a folder, in order: without hidden ones, such as `._a.jpg` and `.ipynb_checkpoints`,
/// and what systems leave behind. Pipes and devices are left out, since opening one would block.
pub(super) fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<_> = entries.filter_map(|entry| own(&entry.ok()?)).collect();
    paths.sort();
    paths
}

fn own(entry: &fs::DirEntry) -> Option<PathBuf> {
    let name = entry.file_name();
    let name = name.to_string_lossy();
    if name.starts_with('.') || SYSTEM.iter().any(|left| name.eq_ignore_ascii_case(left)) {
        return None;
    }
    let path = entry.path();
    let is_plain = |kind: fs::FileType| kind.is_file() || kind.is_dir();
    let kind = entry.file_type().ok()?;
    // only what a link leads to has to be asked for
    let is_own = is_plain(kind)
        || kind.is_symlink() && fs::metadata(&path).map_or(true, |found| is_plain(found.file_type()));
    is_own.then_some(path)
}

/// The name of a path, in small letters.
pub(super) fn name(path: &Path) -> String {
    path.file_name().map_or(String::new(), |name| name.to_string_lossy().to_lowercase())
}

#[cfg(test)]
mod tests;
