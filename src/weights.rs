//! Files of named tensors, as other programs write them, read as plain data.
//!
//! What a file is, its content says: safetensors, one file or several with an index; and what `torch.save` writes, a ZIP
//! archive, or before PyTorch 1.6 a bare pickle with the numbers behind it. Opening one reads what its tensors are called and
//! where they lie; numbers are read a tensor at a time, by seeking. Nothing in a file is executed, and no memory is taken
//! by what a file says of itself, only by what it has.
use crate::{
    disk,
    errors::{At as _, name as shown},
};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

mod kind;
mod legacy;
mod safetensors;
mod sharded;
mod state;
mod zipped;
pub use kind::Kind;
pub use sharded::within;

/// What helps where a file is cut short or damaged.
const AGAIN: &str = "it is cut short or damaged: get it again";
/// A file says no more of its tensors than this many bytes.
const MOST_HEADER: u64 = 32 << 20;
/// Dimensions of a tensor, at most.
const MOST_DIMENSIONS: usize = 16;

/// A file of named tensors, or several that belong together.
#[derive(Debug)]
pub struct TensorFile {
    sources: Vec<Source>,
    tensors: BTreeMap<String, Stored>,
    format: Format,
    /// What the file says of itself, by key.
    said: BTreeMap<String, String>,
    /// What a person should know of how the file was read, a sentence each.
    pub remarks: Vec<String>,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Hugging Face's safetensors, in one file or several.
    Safetensors,
    /// What `torch.save` writes.
    Pytorch,
}

/// What is known of a tensor before its numbers are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// What its numbers are stored as.
    pub kind: Kind,
}

/// A tensor, and where it lies.
#[derive(Clone, Debug)]
struct Stored {
    info: Info,
    source: usize,
    /// The first byte.
    start: u64,
    /// From an element to the next one, by dimension; none where they lie one after the other.
    strides: Option<Vec<usize>>,
    is_big_endian: bool,
}

/// Where bytes come from.
#[derive(Debug)]
enum Source {
    File { file: File, path: PathBuf, len: u64 },
    Memory(&'static [u8]),
}

impl TensorFile {
    /// Opens a file of tensors, an index of several, or the folder that these are in.
    ///
    /// # Errors
    /// Where it is none of these, is damaged, or names what no weights need.
    pub fn open(path: &Path) -> Result<Self> {
        let path = &within(path)?;
        let read = || {
            let source = Source::open(path)?;
            match Recognised::of(&source)? {
                Recognised::Index => sharded::open(path, &source),
                other => other.open(source),
            }
        };
        read().context("Could not read the weights").at(path)
    }

    /// Safetensors inside the program.
    ///
    /// # Errors
    /// Where they are damaged.
    pub fn of_bytes(bytes: &'static [u8]) -> Result<Self> {
        safetensors::open(Source::Memory(bytes))
    }

    /// What the file says of itself under a key.
    pub fn said(&self, key: &str) -> Option<&str> {
        self.said.get(key).map(String::as_str)
    }

    /// How the file is written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The tensors, in order of their names.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = (&str, &Info)> {
        self.tensors.iter().map(|(name, stored)| (name.as_str(), &stored.info))
    }

    /// What is known of a tensor.
    pub fn get(&self, name: &str) -> Option<&Info> {
        self.tensors.get(name).map(|stored| &stored.info)
    }

    /// The numbers of a tensor, the last dimension varying fastest.
    ///
    /// # Errors
    /// Where there is no such tensor, it holds something else than floating-point numbers, or the file cannot be read.
    pub fn read(&self, name: &str) -> Result<Vec<f32>> {
        let stored = self.tensors.get(name).context("is missing")?;
        let Info { shape, kind } = &stored.info;
        ensure!(kind.is_float(), "holds {kind} where F32 is needed");
        let width = kind.width().context(AGAIN)?;
        let elements = count(shape).context(AGAIN)?;
        let extent = stored.strides.as_ref().map_or(Some(elements), |strides| extent(shape, strides));
        let bytes =
            extent.and_then(|extent| u64::try_from(extent).ok()?.checked_mul(width)).context(AGAIN)?;
        let source = &self.sources[stored.source];
        let numbers = kind.decode(source.bytes(stored.start, bytes)?, stored.is_big_endian);
        Ok(match &stored.strides {
            Some(strides) => gathered(&numbers, shape, strides, elements),
            None => numbers,
        })
    }
}

/// What a file is, by its first bytes.
enum Recognised {
    Safetensors,
    Zip,
    Pickle,
    Index,
}

impl Recognised {
    fn of(source: &Source) -> Result<Self> {
        let first = source.bytes(0, source.len().min(64))?;
        let text = first.trim_ascii_start();
        Ok(match &first[..] {
            // after the length of the header; that may begin as a pickle does, so this is asked first
            [_, _, _, _, _, _, _, _, b'{', ..] => Self::Safetensors,
            [b'P', b'K', 3, 4, ..] => Self::Zip,
            [0x80, 2..=5, ..] => Self::Pickle,
            _ if text.starts_with(b"{") => Self::Index,
            _ if text.starts_with(b"version https://git-lfs") => bail!(
                "this only says where Git LFS keeps the weights: fetch them with git lfs pull, or download the file itself"
            ),
            _ => bail!(
                "it is neither safetensors nor a file that PyTorch wrote. In Python, \
                 safetensors.torch.save_file(model.state_dict(), \"weights.safetensors\") writes weights as they are read here"
            ),
        })
    }

    fn open(self, source: Source) -> Result<TensorFile> {
        match self {
            Self::Safetensors => safetensors::open(source),
            Self::Zip => zipped::open(source),
            Self::Pickle => legacy::open(source),
            Self::Index => bail!("it is an index in place of a file of tensors: get it again"),
        }
    }
}

impl Source {
    fn open(path: &Path) -> Result<Self> {
        let (file, len) = disk::open(path)?;
        Ok(Self::File { file, path: path.into(), len })
    }

    fn len(&self) -> u64 {
        match self {
            Self::File { len, .. } => *len,
            Self::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// So many bytes, of which the source has to have that many.
    fn bytes(&self, start: u64, count: u64) -> Result<Vec<u8>> {
        let end = start.checked_add(count).filter(|end| *end <= self.len()).context(AGAIN)?;
        match self {
            Self::File { file, path, .. } => {
                let mut bytes = vec![];
                let mut read = || {
                    let mut file = file;
                    file.seek(SeekFrom::Start(start))?;
                    file.take(count).read_to_end(&mut bytes)
                };
                read().at(path)?;
                ensure!(bytes.len() as u64 == count, anyhow!(AGAIN).at(path));
                Ok(bytes)
            }
            Self::Memory(all) => Ok(all[start as usize..end as usize].to_vec()),
        }
    }
}

/// A part of a source that holds numbers of one kind.
#[derive(Clone, Copy, Debug)]
struct Region {
    start: u64,
    bytes: u64,
}

/// How a tensor lies in its region, counted in elements.
struct View<'a> {
    shape: Vec<usize>,
    strides: Option<Vec<usize>>,
    offset: u64,
    kind: &'a Kind,
}

impl Stored {
    /// A view that lies within its region, whatever it says of itself.
    fn new(view: View<'_>, region: Region, is_big_endian: bool) -> Result<Self> {
        let View { shape, strides, offset, kind } = view;
        ensure!(shape.len() <= MOST_DIMENSIONS, "has {} dimensions: {AGAIN}", shape.len());
        let strides = strides.filter(|strides| !is_contiguous(&shape, strides));
        let (elements, width) = (count(&shape), kind.width());
        let needed = strides.as_ref().map_or(elements, |strides| extent(&shape, strides));
        let within = || {
            let (needed, elements) = (needed? as u64, elements? as u64);
            let last = offset.checked_add(needed)?.checked_mul(width?)?;
            // a view that repeats numbers takes more memory than the file has
            (last <= region.bytes && elements <= region.bytes / width?).then_some(())
        };
        let is_empty = elements == Some(0);
        // what is of no known kind is listed, and never read
        ensure!(
            is_empty || width.is_none() || within().is_some(),
            "would be {shape:?}, more than the {} that the file has of it: {AGAIN}",
            disk::size(region.bytes)
        );
        let start = region.start + offset.saturating_mul(width.unwrap_or(0)).min(region.bytes);
        Ok(Self { info: Info { shape, kind: kind.clone() }, source: 0, start, strides, is_big_endian })
    }
}

/// Elements of a shape; none where they are more than can be counted.
fn count(shape: &[usize]) -> Option<usize> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1usize, |all, dimension| all.checked_mul(*dimension))
}

/// Elements from the first to the last of a view.
fn extent(shape: &[usize], strides: &[usize]) -> Option<usize> {
    if shape.len() != strides.len() {
        return None;
    }
    if shape.contains(&0) {
        return Some(0);
    }
    shape
        .iter()
        .zip(strides)
        .try_fold(1usize, |all, (dimension, stride)| all.checked_add((dimension - 1).checked_mul(*stride)?))
}

fn is_contiguous(shape: &[usize], strides: &[usize]) -> bool {
    let mut expected = 1usize;
    shape.len() == strides.len()
        && shape.iter().zip(strides).rev().all(|(dimension, stride)| {
            let fits = *dimension == 1 || *stride == expected;
            expected = expected.saturating_mul(*dimension);
            fits
        })
}

/// The elements of a view in order, of which the numbers hold the extent.
fn gathered(numbers: &[f32], shape: &[usize], strides: &[usize], elements: usize) -> Vec<f32> {
    let mut at = vec![0; shape.len()];
    let mut place = 0;
    let mut gathered = Vec::with_capacity(elements);
    for _ in 0..elements {
        gathered.push(numbers[place]);
        for axis in (0..shape.len()).rev() {
            at[axis] += 1;
            place += strides[axis];
            if at[axis] < shape[axis] {
                break;
            }
            place -= shape[axis] * strides[axis];
            at[axis] = 0;
        }
    }
    gathered
}

/// The error about a tensor of a name that a stranger chose.
fn about(tensor: &str, error: &anyhow::Error) -> anyhow::Error {
    anyhow!("{} {error:#}", shown(tensor))
}

#[cfg(test)]
mod tests;
