//! NumPy archives, as Keras keeps MNIST: `x_train`, `y_train`, `x_test` and `y_test`, or one array of images and one of labels.
//!
//! An archive is a zip file of `.npy` files: a magic number, a header that is a Python dictionary, then the numbers
//! (NumPy Enhancement Proposal 1).
use super::{Contents, Format, Images, Part, at, entries, name, named_classes, open};
use crate::{
    data::ImageShape,
    spec::{Choice, ComponentInfo},
};
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    collections::BTreeMap,
    io::{BufReader, Read as _},
    path::{Path, PathBuf},
};

pub const ENTRY: Format = Format {
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
/// Names of arrays, in the order in which they are looked for.
const IMAGES: [&str; 5] = ["x_train", "train_images", "images", "x", "data"];
const LABELS: [&str; 5] = ["y_train", "train_labels", "labels", "y", "target"];
const TEST_IMAGES: [&str; 2] = ["x_test", "test_images"];
const TEST_LABELS: [&str; 2] = ["y_test", "test_labels"];

fn read(path: &Path, _: &Choice) -> Result<Contents> {
    let path = archive(path).context("There is no .npz file")?;
    let mut archive = zip::ZipArchive::new(BufReader::new(open(&path)?))
        .with_context(|| at("It is no whole zip archive: get it again", &path))?;
    let mut arrays = BTreeMap::new();
    let mut left = MAX_BYTES;
    for index in 0..archive.len() {
        let file =
            archive.by_index(index).with_context(|| at("The archive is damaged: get it again", &path))?;
        let name = file.name().trim_end_matches(".npy").to_lowercase();
        if ![&IMAGES[..], &LABELS, &TEST_IMAGES, &TEST_LABELS].concat().contains(&name.as_str()) {
            continue;
        }
        let mut bytes = vec![];
        let read = file.take(left + 1).read_to_end(&mut bytes);
        read.with_context(|| at(&format!("The array {name} is damaged: get it again"), &path))?;
        left = left.checked_sub(bytes.len() as u64).with_context(|| {
            let most = MAX_BYTES >> 20;
            at(
                &format!(
                    "The arrays unpack to more than {most} MiB: write pictures into a folder for each class"
                ),
                &path,
            )
        })?;
        let array = Array::parse(bytes).with_context(|| at(&format!("The array {name}"), &path))?;
        arrays.insert(name, array);
    }
    let mut take = |names: &[&str]| names.iter().find_map(|name| arrays.remove(*name));
    let (images, labels) = (take(&IMAGES), take(&LABELS));
    let (images, labels) = images.zip(labels).context(
        "there are no arrays named x_train and y_train, or images and labels: name them so in numpy.savez",
    )?;
    let test = take(&TEST_IMAGES).zip(take(&TEST_LABELS));
    let written = |labels: &Array| labels.numbers().map(|label| format!("{label}")).collect::<Vec<_>>();
    let all: Vec<String> =
        written(&labels).into_iter().chain(test.iter().flat_map(|(_, labels)| written(labels))).collect();
    let (class_names, places) = named_classes(&all);
    let (train_places, test_places) = places.split_at(labels.len());
    let test = test.map(|(images, _)| part(&images, test_places)).transpose()?;
    Ok(Contents { class_names, train: part(&images, train_places)?, test, ..Contents::default() })
}

/// The archive itself, or the first one in a folder.
fn archive(path: &Path) -> Option<PathBuf> {
    let candidates = if path.is_dir() { entries(path) } else { vec![path.to_path_buf()] };
    candidates.into_iter().find(|path| path.is_file() && name(path).ends_with(".npz"))
}

fn part(images: &Array, labels: &[usize]) -> Result<Part> {
    let shape = match images.shape[..] {
        [_, height, width] => ImageShape { height, width, channels: 1 },
        [_, height, width, channels @ (1 | 3)] => ImageShape { height, width, channels },
        [_, numbers] => square(numbers)?,
        _ => bail!(
            "images need the shape (images, height, width) or (images, height, width, 1 or 3), not {:?}: reshape them",
            images.shape
        ),
    };
    ensure!(!shape.is_empty(), "the images have no pixels: write them anew");
    Ok(Part { images: Images::Raw { shape, pixels: greys(|| images.numbers()) }, labels: labels.to_vec() })
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
    let (least, most) =
        numbers().fold((0f32, 0f32), |(least, most), number| (least.min(number), most.max(number)));
    let (shift, scale) = match (least, most) {
        (-1.0..0.0, ..=1.0) => (1.0, 127.5),
        (_, ..=1.0) => (0.0, 255.0),
        (_, ..=16.0) => (0.0, 255.0 / 16.0),
        _ => (0.0, 1.0),
    };
    numbers().map(|number| ((number + shift) * scale).round().clamp(0.0, 255.0) as u8).collect()
}

struct Array {
    shape: Vec<usize>,
    kind: Kind,
    body: Vec<u8>,
}

/// How a number is written.
#[derive(Clone, Copy)]
struct Kind {
    bytes: usize,
    number: fn(&[u8]) -> f32,
}

impl Array {
    fn parse(mut bytes: Vec<u8>) -> Result<Self> {
        ensure!(bytes.starts_with(b"\x93NUMPY"), "is no .npy file: write it with numpy.savez");
        let (length, begin) = match bytes[..] {
            [_, _, _, _, _, _, 1, _, a, b, ..] => (usize::from(u16::from_le_bytes([a, b])), 10),
            [_, _, _, _, _, _, 2 | 3, _, a, b, c, d, ..] => (u32::from_le_bytes([a, b, c, d]) as usize, 12),
            _ => bail!("is of an unknown version, or cut short: get it again"),
        };
        let end = begin + length;
        let header = bytes.get(begin..end).context("is cut short within its header: get it again")?;
        let header = std::str::from_utf8(header).context("has a header that is no text: get it again")?;
        let (kind, shape) = (kind(header)?, shape(header)?);
        let is_by_columns = header.contains("'fortran_order': True");
        bytes.drain(..end);
        let count = shape.iter().try_fold(1usize, |count, side| count.checked_mul(*side));
        let found = bytes.len() / kind.bytes;
        ensure!(
            count == Some(found) && found > 0 && bytes.len().is_multiple_of(kind.bytes),
            "holds {found} numbers, and its shape {shape:?} asks for others: get it again"
        );
        let body = if is_by_columns { by_rows(&bytes, &shape, kind.bytes) } else { bytes };
        Ok(Self { shape, kind, body })
    }

    fn len(&self) -> usize {
        self.body.len() / self.kind.bytes
    }

    fn numbers(&self) -> impl Iterator<Item = f32> {
        self.body.chunks_exact(self.kind.bytes).map(self.kind.number)
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

/// Numbers of so many bytes, the first index of which runs fastest, as numbers the last index of which does.
fn by_rows(body: &[u8], shape: &[usize], bytes: usize) -> Vec<u8> {
    let mut rows = Vec::with_capacity(body.len());
    let mut index = vec![0; shape.len()];
    for _ in 0..body.len() / bytes {
        let place = index.iter().zip(shape).rev().fold(0, |place, (index, side)| place * side + index);
        rows.extend_from_slice(&body[place * bytes..][..bytes]);
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
