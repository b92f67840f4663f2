//! An array in NumPy's own format: a magic number, a header that is a Python dictionary, then the numbers (NumPy
//! Enhancement Proposal 1), in a file of its own or in a zip archive.
use super::range::Range;
use crate::data::{files::open, watch::Watch};
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    io::{BufReader, Read},
    path::PathBuf,
};

/// Arrays that unpack to more are refused.
pub const MAX_BYTES: u64 = if cfg!(test) { 16 << 20 } else { 2 << 30 };
/// Longer headers are refused.
const MAX_HEADER: u32 = 1 << 20;
/// Bytes that are unpacked at a time, about.
const PORTION: usize = 1 << 18;
/// Texts of more bytes are no labels.
const MAX_TEXT: usize = 1 << 14;

/// Where an array is.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// Its place in the file, where that is an archive.
    pub index: Option<usize>,
}

impl Place {
    /// Gives the bytes of the array, header included.
    fn source<T>(&self, watch: &Watch, read: impl FnOnce(&mut dyn Read) -> Result<T>) -> Result<T> {
        let mut file = BufReader::new(open(&self.path)?);
        let Some(index) = self.index else { return read(&mut watch.reading(file)) };
        let mut archive =
            zip::ZipArchive::new(&mut file).context("It is no whole zip archive: get it again")?;
        let entry = archive.by_index(index).context("The archive is damaged: get it again")?;
        read(&mut watch.reading(entry))
    }
}

/// What an array turned out to hold, all of which was unpacked once and none of which was kept: what its header says of
/// its size is known to be true.
#[derive(Clone, Debug)]
pub struct Array {
    place: Place,
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// Whether the first index runs fastest.
    pub is_by_columns: bool,
    /// How its numbers are written.
    pub kind: Kind,
    /// How many there are.
    pub count: usize,
    /// What they lie between; of no meaning for texts.
    pub range: Range,
}

impl Array {
    /// Looks at all numbers of an array, which may take `left` bytes.
    ///
    /// # Errors
    /// Where it is damaged, holds what is neither a number nor text, or is too large.
    pub fn survey(place: Place, left: &mut u64, watch: &Watch) -> Result<Self> {
        let survey = |source: &mut dyn Read| Self::look(source, left);
        let (shape, is_by_columns, kind, count, range) = place.source(watch, survey)?;
        Ok(Self { place, shape, is_by_columns, kind, count, range })
    }

    fn look(mut source: &mut dyn Read, left: &mut u64) -> Result<(Vec<usize>, bool, Kind, usize, Range)> {
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
        let (mut count, mut range, mut wrong) = (0, Range::default(), None);
        let rest = each(source.take(bytes + 1), kind, |bytes| {
            let number = kind.number(bytes);
            if !number.is_finite() {
                wrong.get_or_insert((count, number));
            }
            range.widen(number);
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
        Ok((shape, is_by_columns, kind, count, range))
    }

    /// Unpacks the array once more and gives each of its numbers, in the order in which they are written.
    ///
    /// # Errors
    /// Where it has changed, or reading was stopped.
    pub fn numbers(&self, watch: &Watch, mut take: impl FnMut(f64)) -> Result<()> {
        self.items(watch, |bytes| take(self.kind.number(bytes)))
    }

    /// Unpacks the array once more and gives each of its texts.
    ///
    /// # Errors
    /// As [`Array::numbers`].
    pub fn texts(&self, watch: &Watch) -> Result<Vec<String>> {
        let mut texts = vec![];
        self.items(watch, |bytes| texts.push(self.kind.text(bytes)))?;
        Ok(texts)
    }

    fn items(&self, watch: &Watch, take: impl FnMut(&[u8])) -> Result<()> {
        self.place.source(watch, |mut source| {
            header(&mut source)?;
            each(source.take((self.count * self.kind.bytes) as u64), self.kind, take).map(drop)
        })
    }
}

/// What items are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sort {
    /// True or false.
    Truth,
    /// Whole numbers of so many bytes.
    Whole {
        /// Bytes of each.
        bytes: usize,
        /// Whether they may be negative.
        signed: bool,
    },
    /// Numbers of floating point.
    Real,
    /// Text of four bytes a letter, or of one.
    Text {
        /// Whether letters have four bytes.
        is_wide: bool,
    },
}

/// How an item is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kind {
    /// What it is.
    pub sort: Sort,
    /// Bytes of each.
    pub bytes: usize,
    /// Whether the first byte counts most.
    is_big: bool,
}

impl Kind {
    /// A number; 0 for text.
    fn number(self, bytes: &[u8]) -> f64 {
        if matches!(self.sort, Sort::Text { .. }) {
            return 0.0;
        }
        let mut own = [0; 8];
        let size = bytes.len().min(8);
        own[..size].copy_from_slice(&bytes[..size]);
        if self.is_big {
            own[..size].reverse();
        }
        let whole = u64::from_le_bytes(own);
        match (self.sort, size) {
            (Sort::Real, 2) => half(whole as u16),
            (Sort::Real, 4) => f32::from_bits(whole as u32).into(),
            (Sort::Real, _) => f64::from_bits(whole),
            (Sort::Whole { signed: true, .. }, _) => {
                let unused = 64 - 8 * size as u32;
                ((whole << unused) as i64 >> unused) as f64
            }
            _ => whole as f64,
        }
    }

    fn text(self, bytes: &[u8]) -> String {
        let letters: Vec<u32> = if self.sort == (Sort::Text { is_wide: true }) {
            let four = |letter: &[u8]| {
                let letter = [letter[0], letter[1], letter[2], letter[3]];
                if self.is_big { u32::from_be_bytes(letter) } else { u32::from_le_bytes(letter) }
            };
            bytes.chunks_exact(4).map(four).collect()
        } else {
            return String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned();
        };
        let text: String = letters
            .iter()
            .map(|letter| char::from_u32(*letter).unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        text.trim_end_matches('\0').to_owned()
    }
}

/// A number of floating point in two bytes (IEEE 754): five bits of exponent, ten of fraction.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    }
}

/// Reads up to a header's end.
fn header(source: &mut dyn Read) -> Result<String> {
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

/// Gives each item of a source, of which only a little is in memory at a time; and how many bytes are left over.
fn each(mut source: impl Read, kind: Kind, mut take: impl FnMut(&[u8])) -> Result<usize> {
    let portion = (PORTION / kind.bytes).max(1) * kind.bytes;
    let mut bytes = vec![];
    loop {
        bytes.clear();
        source.by_ref().take(portion as u64).read_to_end(&mut bytes).context("is damaged: get it again")?;
        let items = bytes.chunks_exact(kind.bytes);
        let rest = items.remainder().len();
        items.for_each(&mut take);
        if bytes.len() < portion {
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
    const TABLE: &str = "is a table of several columns: write the numbers alone, as in images and labels";
    ensure!(!header.contains("'descr': ["), TABLE);
    let name = between(header, "'descr': '", "'").context("has a header without a type: get it again")?;
    let unknown = || {
        format!(
            "holds items of the type {name:?}: write it with .astype('uint8'), or labels as text with .astype('U')"
        )
    };
    let mut letters = name.chars();
    let (order, sort) = letters.next().zip(letters.next()).with_context(unknown)?;
    let size: usize = letters.as_str().parse().ok().with_context(unknown)?;
    let signed = sort == 'i';
    let (sort, bytes) = match (sort, size) {
        ('b', 1) => (Sort::Truth, 1),
        ('u' | 'i', 1 | 2 | 4 | 8) => (Sort::Whole { bytes: size, signed }, size),
        ('f', 2 | 4 | 8) => (Sort::Real, size),
        ('U', 1..=MAX_TEXT) => (Sort::Text { is_wide: true }, 4 * size),
        ('S', 1..=MAX_TEXT) => (Sort::Text { is_wide: false }, size),
        _ => bail!(unknown()),
    };
    Ok(Kind { sort, bytes, is_big: order == '>' })
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_kind_and_order_are_read() {
        let number = |name: &str, bytes: &[u8]| {
            let kind = kind(&format!("{{'descr': '{name}', }}")).unwrap();
            assert_eq!(kind.bytes, bytes.len(), "{name}");
            kind.number(bytes)
        };
        for (name, bytes, expected) in [
            ("|b1", &[1][..], 1.0),
            ("|u1", &[255], 255.0),
            ("|i1", &[255], -1.0),
            ("<u2", &[1, 2], 513.0),
            (">u2", &[1, 2], 258.0),
            ("<i2", &[0xff, 0xff], -1.0),
            (">i4", &[0xff, 0xff, 0xff, 0xfe], -2.0),
            ("<f2", &[0x00, 0x3c], 1.0),
            ("<f2", &[0x00, 0xc2], -3.0),
            ("<f2", &[0x01, 0x00], 2f64.powi(-24)),
            ("<f4", &1.5f32.to_le_bytes(), 1.5),
            (">f8", &2.5f64.to_be_bytes(), 2.5),
            ("<i8", &(-7i64).to_le_bytes(), -7.0),
        ] {
            assert_eq!(number(name, bytes), expected, "{name}");
        }
        let text = |name: &str, bytes: &[u8]| kind(&format!("'descr': '{name}'")).unwrap().text(bytes);
        assert_eq!(text("<U2", &[b'a', 0, 0, 0, 0xe4, 0, 0, 0]), "aä");
        assert_eq!(text(">U2", &[0, 0, 0, b'a', 0, 0, 0, 0]), "a");
        assert_eq!(text("|S3", b"ab\0"), "ab");
        for unknown in ["|O", "<c8", "|V4", "", "<f16", "<U99999999999"] {
            assert!(kind(&format!("'descr': '{unknown}'")).is_err(), "{unknown}");
        }
    }
}
