//! NumPy archives, as Keras keeps MNIST: `x_train`, `y_train`, `x_test` and `y_test`, or one array of images and one of labels.
//!
//! An archive is a zip file of `.npy` files: a magic number, a header that is a Python dictionary, then the numbers
//! (NumPy Enhancement Proposal 1).
use super::{Contents, Format, Images, Part, entries, name, named_classes, open};
use crate::{
    data::{memory, watch::Watch},
    errors::At as _,
    shape::ImageShape,
    spec::{Choice, ComponentInfo},
};
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "npz",
        label: "NumPy .npz",
        help: "An archive of arrays: x_train, y_train, x_test, y_test, or images and labels.",
        params: &[],
    },
    recognises: |path| archive(path).is_some(),
    read,
};

/// Arrays that unpack to more are refused.
const MAX_BYTES: u64 = if cfg!(test) { 16 << 20 } else { 2 << 30 };
/// Longer headers are refused.
const MAX_HEADER: u32 = 1 << 20;
/// Bytes that are unpacked at a time: a whole number of numbers of any kind.
const PORTION: u64 = 1 << 18;
/// Names of arrays, in the order in which they are looked for.
const IMAGES: [&str; 5] = ["x_train", "train_images", "images", "x", "data"];
const LABELS: [&str; 5] = ["y_train", "train_labels", "labels", "y", "target"];
const TEST_IMAGES: [&str; 2] = ["x_test", "test_images"];
const TEST_LABELS: [&str; 2] = ["y_test", "test_labels"];

fn read(path: &Path, _: &Choice, watch: &Watch) -> Result<Contents> {
    let path = archive(path).context("There is no .npz file")?;
    let file = BufReader::new(open(&path)?);
    let mut archive = Archive::new(file).context("It is no whole zip archive: get it again").at(&path)?;
    let mut arrays = BTreeMap::new();
    let mut left = MAX_BYTES;
    for index in 0..archive.len() {
        let file = archive.by_index(index).context("The archive is damaged: get it again").at(&path)?;
        let name = file.name().trim_end_matches(".npy").to_lowercase();
        if ![&IMAGES[..], &LABELS, &TEST_IMAGES, &TEST_LABELS].concat().contains(&name.as_str()) {
            continue;
        }
        let array = Array::survey(index, watch.reading(file), &mut left);
        arrays.insert(name.clone(), array.with_context(|| format!("The array {name}")).at(&path)?);
    }
    let mut take = |names: &[&str]| names.iter().find_map(|name| arrays.remove(*name));
    let (images, labels) = (take(&IMAGES), take(&LABELS));
    let (images, labels) = images.zip(labels).context(
        "there are no arrays named x_train and y_train, or images and labels: name them so in numpy.savez",
    )?;
    let test = take(&TEST_IMAGES).zip(take(&TEST_LABELS));
    let parts: Vec<(Array, Array)> = [Some((images, labels)), test].into_iter().flatten().collect();
    let mut written = vec![];
    for (_, labels) in &parts {
        labels.numbers(&mut archive, watch, |label| written.push(format!("{label}")))?;
    }
    let (class_names, places) = named_classes(&written);
    let (train_places, test_places) = places.split_at(parts[0].1.count);
    let mut parts = parts.iter().zip([train_places, test_places]);
    let mut next = || parts.next().map(|((images, _), places)| part(images, places, &mut archive, watch));
    let (train, test) = (next().transpose()?.unwrap_or_default(), next().transpose()?);
    Ok(Contents { class_names, train, test, ..Contents::default() })
}

/// The archive itself, or the first one in a folder.
fn archive(path: &Path) -> Option<PathBuf> {
    let candidates = if path.is_dir() { entries(path) } else { vec![path.to_path_buf()] };
    candidates.into_iter().find(|path| path.is_file() && name(path).ends_with(".npz"))
}

fn part(images: &Array, labels: &[usize], archive: &mut Archive, watch: &Watch) -> Result<Part> {
    let shape = match images.shape[..] {
        [_, height, width] => ImageShape { height, width, channels: 1 },
        [_, height, width, channels @ (1 | 3)] => ImageShape { height, width, channels },
        [_, numbers] => square(numbers)?,
        _ => bail!(
            "images need the shape (images, height, width) or (images, height, width, 1 or 3), not {:?}: reshape them",
            images.shape
        ),
    };
    ensure!(!shape.is_empty(), "the images have no pixels: write them again");
    memory::ensure_room("Its images", images.count as u64)?;
    let grey = grey(images.range);
    let mut pixels = Vec::with_capacity(images.count);
    images.numbers(archive, watch, |number| pixels.push(grey(number)))?;
    let pixels = if images.is_by_columns { by_rows(&pixels, &images.shape) } else { pixels };
    Ok(Part { images: Images::Raw { shape, pixels }, labels: labels.to_vec() })
}

/// The shape of an image that is given as a row of numbers.
///
/// # Errors
/// Where it is no square, grey or coloured.
pub fn square(numbers: usize) -> Result<ImageShape> {
    let side = |pixels: usize| Some(pixels.isqrt()).filter(|side| side * side == pixels);
    let (side, channels) = match (side(numbers), side(numbers / 3)) {
        (Some(side), _) => (side, 1),
        (None, Some(side)) if numbers.is_multiple_of(3) => (side, 3),
        _ => bail!("{numbers} numbers an image are no square, grey or coloured: cut or fill it up to one"),
    };
    Ok(ImageShape { height: side, width: side, channels })
}

/// Numbers as bytes. From -1 or from 0 up to 1, they are shares of white; up to 16, sixteenths; else bytes.
pub fn greys<I: Iterator<Item = f32>>(numbers: impl Fn() -> I) -> Vec<u8> {
    let range = numbers().fold([0f32; 2], widened);
    numbers().map(grey(range)).collect()
}

fn widened([least, most]: [f32; 2], number: f32) -> [f32; 2] {
    [least.min(number), most.max(number)]
}

/// The byte of each number, where all lie between the least and the most.
fn grey([least, most]: [f32; 2]) -> impl Fn(f32) -> u8 {
    let (shift, scale) = match (least, most) {
        (-1.0..0.0, ..=1.0) => (1.0, 127.5),
        (_, ..=1.0) => (0.0, 255.0),
        (_, ..=16.0) => (0.0, 255.0 / 16.0),
        _ => (0.0, 1.0),
    };
    move |number| ((number + shift) * scale).round().clamp(0.0, 255.0) as u8
}

type Archive = zip::ZipArchive<BufReader<File>>;

/// What an array turned out to hold, all of which was unpacked once and none of which was kept: what its header says of
/// its size is known to be true.
struct Array {
    /// Its place in the archive.
    index: usize,
    shape: Vec<usize>,
    /// Whether the first index runs fastest.
    is_by_columns: bool,
    kind: Kind,
    count: usize,
    /// The least and the most of its numbers and 0.
    range: [f32; 2],
}

/// How a number is written.
#[derive(Clone, Copy)]
struct Kind {
    bytes: usize,
    number: fn(&[u8]) -> f32,
}

impl Array {
    /// Looks at all numbers of an array, which may take `left` bytes.
    fn survey(index: usize, mut source: impl Read, left: &mut u64) -> Result<Self> {
        let header = header(&mut source)?;
        let (kind, shape) = (kind(&header)?, shape(&header)?);
        let is_by_columns = header.contains("'fortran_order': True");
        let said = shape.iter().try_fold(1u64, |count, side| count.checked_mul(*side as u64));
        let bytes = said.and_then(|count| count.checked_mul(kind.bytes as u64)).unwrap_or_default();
        *left = left.checked_sub(bytes).with_context(|| {
            let most = MAX_BYTES >> 20;
            format!(
                "makes the arrays unpack to more than {most} MiB: write pictures into a folder for each class"
            )
        })?;
        let (mut count, mut range, mut wrong) = (0, [0f32; 2], None);
        let rest = each(source.take(bytes + 1), kind, |number| {
            if !number.is_finite() {
                wrong.get_or_insert((count, number));
            }
            range = widened(range, number);
            count += 1;
        })?;
        ensure!(
            said == Some(count as u64) && count > 0 && rest == 0,
            "holds other numbers than its shape {shape:?} asks for: get it again"
        );
        if let Some((place, number)) = wrong {
            let image = place / (count / shape.first().copied().unwrap_or(1).max(1)).max(1);
            bail!(
                "holds {number} as number {place}, in image {image}: replace what is no number before it is written"
            );
        }
        Ok(Self { index, shape, is_by_columns, kind, count, range })
    }

    /// Unpacks the array once more and gives each of its numbers.
    fn numbers(&self, archive: &mut Archive, watch: &Watch, take: impl FnMut(f32)) -> Result<()> {
        let mut source = watch.reading(archive.by_index(self.index)?);
        header(&mut source)?;
        each(source.take((self.count * self.kind.bytes) as u64), self.kind, take).map(drop)
    }
}

/// Reads up to a header's end.
fn header(source: &mut impl Read) -> Result<String> {
    const CUT: &str = "is cut short within its header: get it again";
    let mut start = [0; 8];
    source.read_exact(&mut start).context("is no .npy file, or cut short: write it with numpy.savez")?;
    ensure!(start.starts_with(b"\x93NUMPY"), "is no .npy file: write it with numpy.savez");
    let mut length = [0; 4];
    let digits = match start[6] {
        1 => 2,
        2 | 3 => 4,
        _ => bail!("is of an unknown version: get it again"),
    };
    source.read_exact(&mut length[..digits]).context(CUT)?;
    let length = u32::from_le_bytes(length);
    ensure!(length <= MAX_HEADER, "has a header that is too long: get it again");
    let mut header = vec![0; length as usize];
    source.read_exact(&mut header).context(CUT)?;
    String::from_utf8(header).context("has a header that is no text: get it again")
}

/// Gives each number of a source, of which only a little is in memory at a time; and how many bytes are left over.
fn each(mut source: impl Read, kind: Kind, mut take: impl FnMut(f32)) -> Result<usize> {
    let mut bytes = vec![];
    loop {
        bytes.clear();
        source.by_ref().take(PORTION).read_to_end(&mut bytes).context("is damaged: get it again")?;
        let numbers = bytes.chunks_exact(kind.bytes);
        let rest = numbers.remainder().len();
        numbers.for_each(|number| take((kind.number)(number)));
        if (bytes.len() as u64) < PORTION {
            return Ok(rest);
        }
    }
}

fn shape(header: &str) -> Result<Vec<usize>> {
    let shape = between(header, "'shape': (", ")").context("has a header without a shape: get it again")?;
    let sides = shape.split(',').map(str::trim).filter(|side| !side.is_empty());
    sides.map(str::parse).collect::<Result<_, _>>().context("has a shape that is no numbers: get it again")
}

fn kind(header: &str) -> Result<Kind> {
    macro_rules! kind {
        ($number:ty) => {
            Kind {
                bytes: size_of::<$number>(),
                number: |bytes| bytes.try_into().map_or(0.0, |bytes| <$number>::from_le_bytes(bytes) as f32),
            }
        };
    }
    let name = between(header, "'descr': '", "'").context("has a header without a type: get it again")?;
    Ok(match name {
        "|u1" | "|b1" => kind!(u8),
        "|i1" => kind!(i8),
        "<u2" => kind!(u16),
        "<i2" => kind!(i16),
        "<u4" => kind!(u32),
        "<i4" => kind!(i32),
        "<u8" => kind!(u64),
        "<i8" => kind!(i64),
        "<f4" => kind!(f32),
        "<f8" => kind!(f64),
        _ => bail!("holds numbers of the type {name:?}: write it with .astype('uint8')"),
    })
}

/// Bytes, the first index of which runs fastest, as bytes the last index of which does.
fn by_rows(bytes: &[u8], shape: &[usize]) -> Vec<u8> {
    let mut rows = Vec::with_capacity(bytes.len());
    let mut index = vec![0; shape.len()];
    for _ in 0..bytes.len() {
        rows.push(bytes[index.iter().zip(shape).rev().fold(0, |place, (index, side)| place * side + index)]);
        for (index, side) in index.iter_mut().zip(shape).rev() {
            *index += 1;
            if *index < *side {
                break;
            }
            *index = 0;
        }
    }
    rows
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}
