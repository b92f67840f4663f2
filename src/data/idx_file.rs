//! The IDX format (LeCun): a magic number, big-endian dimensions, then bytes; raw or gzip.
use super::{Examples, files::open, memory, watch::Watch};
use crate::{errors::At as _, shape::ImageShape};
use anyhow::{Context as _, Result, bail, ensure};
use flate2::bufread::GzDecoder;
use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// An unsigned-byte tensor of three dimensions: images, rows, columns.
const IMAGES_MAGIC: u32 = 0x0803;
/// An unsigned-byte tensor of one dimension.
const LABELS_MAGIC: u32 = 0x0801;
/// A tensor of 32-bit integers of two dimensions, the first column of which is the class: QMNIST.
const WIDE_LABELS_MAGIC: u32 = 0x0c02;
/// More columns than any file of labels has.
const MAX_COLUMNS: u32 = 64;
/// More pixels than this are refused before any of them is read.
const MAX_BYTES: u64 = 4 << 30;
/// Memory that is taken at a header's word: enough for MNIST and its like.
const BELIEVED_BYTES: u64 = 64 << 20;

/// Images and labels in memory, each raw or gzip.
///
/// # Errors
/// Where either is cut short, too long, or not an IDX file of its kind.
pub fn examples(images: &[u8], labels: &[u8]) -> Result<Examples> {
    let (_, pixels) = read_images(images)?;
    Ok(Examples::images(pixels, read_labels(labels)?))
}

/// The images of a file and their shape; an error names the file.
///
/// # Errors
/// Where it cannot be read, or is not what it should be.
pub fn images_from(path: &Path, watch: &Watch) -> Result<(ImageShape, Vec<u8>)> {
    read_images(watch.reading(open(path)?)).context("Could not read the images").at(path)
}

/// The labels of a file; an error names the file.
///
/// # Errors
/// As [`images_from`].
pub fn labels_from(path: &Path, watch: &Watch) -> Result<Vec<u16>> {
    read_labels(watch.reading(open(path)?)).context("Could not read the labels").at(path)
}

/// Labels: bytes, or the first of each row of integers.
///
/// # Errors
/// Where it is no IDX file of labels, or its length is not what its header says.
pub fn read_labels(source: impl Read) -> Result<Vec<u16>> {
    let mut source = plain(source)?;
    let (magic, count) = (number(&mut source)?, number(&mut source)?);
    match magic {
        LABELS_MAGIC => Ok(exactly(source, u64::from(count))?.into_iter().map(u16::from).collect()),
        WIDE_LABELS_MAGIC => {
            let columns = number(&mut source)?;
            ensure!(
                (1..=MAX_COLUMNS).contains(&columns)
                    && u64::from(count) * 4 <= MAX_BYTES / u64::from(columns),
                "its header asks for {count} rows of {columns} labels: the file is damaged"
            );
            let row = 4 * columns as usize;
            let bytes = exactly(source, u64::from(count) * row as u64)?;
            let first = |row: &[u8]| u32::from_be_bytes([row[0], row[1], row[2], row[3]]);
            let labels = bytes.chunks_exact(row).map(|row| u16::try_from(first(row)));
            labels.collect::<Result<_, _>>().context("a label is no number from 0 to 65,535")
        }
        _ => bail!("this is no IDX file of labels: it begins with {magic:#010x}, not {LABELS_MAGIC:#010x}"),
    }
}

/// Images as bytes, one after another.
fn read_images(source: impl Read) -> Result<(ImageShape, Vec<u8>)> {
    let mut source = plain(source)?;
    let (count, shape) = images_header(&mut source)?;
    let bytes = u64::from(count).checked_mul(shape.len() as u64).filter(|bytes| *bytes <= MAX_BYTES);
    let bytes =
        bytes.context("the header asks for more than 4 GiB of pixels: the file is damaged or too large")?;
    memory::ensure_room("Its images", bytes)?;
    Ok((shape, exactly(source, bytes)?))
}

fn images_header(source: &mut dyn Read) -> Result<(u32, ImageShape)> {
    let magic = number(source)?;
    ensure!(
        magic == IMAGES_MAGIC,
        "this is no IDX file of images: it begins with {magic:#010x}, not {IMAGES_MAGIC:#010x}"
    );
    let count = number(source)?;
    let (height, width) = (number(source)? as usize, number(source)? as usize);
    ensure!(
        (1..=4096).contains(&height) && (1..=4096).contains(&width),
        "its images are {width} by {height} pixels: 1 to 4,096 can be read"
    );
    Ok((count, ImageShape { height, width, channels: 1 }))
}

/// Unpacks gzip, recognised by its first two bytes.
pub(super) fn plain<'a>(source: impl Read + 'a) -> Result<Box<dyn Read + 'a>> {
    let mut source = BufReader::new(source);
    let gzip = source.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if gzip { Box::new(BufReader::new(GzDecoder::new(source))) } else { Box::new(source) })
}

fn number(source: &mut dyn Read) -> Result<u32> {
    let mut bytes = [0; 4];
    source.read_exact(&mut bytes).context("the file ends within its header")?;
    Ok(u32::from_be_bytes(bytes))
}

/// Exactly `count` bytes up to the end. Past what a header is believed, memory grows with what is there.
fn exactly(source: Box<dyn Read + '_>, count: u64) -> Result<Vec<u8>> {
    // growing there by copies would take twice the memory of the images, and one byte more is what finds them too long
    let mut bytes = Vec::with_capacity(count.min(BELIEVED_BYTES) as usize + 1);
    source
        .take(count + 1)
        .read_to_end(&mut bytes)
        .context("the file is cut short or damaged: get it again")?;
    let found = bytes.len() as u64;
    ensure!(found >= count, "the file is cut short: {count} bytes expected, {found} found");
    ensure!(found == count, "the file is longer than its header says: {count} bytes expected");
    if count > BELIEVED_BYTES {
        bytes.shrink_to_fit();
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write as _;

    fn header(magic: u32, numbers: &[u32], body: &[u8]) -> Vec<u8> {
        let numbers = [&[magic], numbers].concat();
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
        bytes.extend(body);
        bytes
    }

    fn images(bytes: &[u8]) -> Result<Vec<u8>, String> {
        read_images(bytes).map(|read| read.1).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn raw_and_gzip_read_the_same() {
        let raw = header(IMAGES_MAGIC, &[2, 1, 3], &[1, 2, 3, 4, 5, 6]);
        let mut packed = GzEncoder::new(vec![], Compression::fast());
        packed.write_all(&raw).unwrap();
        let packed = packed.finish().unwrap();
        assert_eq!(images(&raw).unwrap(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(images(&packed).unwrap(), [1, 2, 3, 4, 5, 6]);
        let cut = images(&packed[..packed.len() - 9]).unwrap_err();
        assert!(cut.contains("cut short"), "{cut}");
    }

    #[test]
    fn damaged_files_are_refused_in_plain_words() {
        let says = |bytes: &[u8], part: &str| {
            let error = images(bytes).unwrap_err();
            assert!(error.contains(part), "{error}");
        };
        says(&[], "ends within its header");
        says(&header(LABELS_MAGIC, &[2], &[0, 1]), "no IDX file of images");
        says(&header(IMAGES_MAGIC, &[2, 1, 3], &[1, 2, 3]), "6 bytes expected, 3 found");
        says(&header(IMAGES_MAGIC, &[1, 1, 3], &[1, 2, 3, 4]), "longer than its header says");
        says(&header(IMAGES_MAGIC, &[u32::MAX, 4096, 4096], &[]), "more than 4 GiB");
        says(&header(IMAGES_MAGIC, &[1, 0, 3], &[]), "1 to 4,096");
        assert!(read_labels(&header(IMAGES_MAGIC, &[0], &[])[..]).is_err());
    }

    /// QMNIST has eight integers for each image: the class, and who wrote it when and where.
    #[test]
    fn the_first_integer_of_a_row_is_the_label() {
        let row = |label: u32| [label, 1, 2, 3, 4, 5, 6, 7].map(u32::to_be_bytes).concat();
        let labels = |count, rows: &[u8]| read_labels(&header(WIDE_LABELS_MAGIC, &[count, 8], rows)[..]);
        assert_eq!(labels(2, &[row(7), row(300)].concat()).unwrap(), [7, 300]);
        assert!(labels(2, &row(7)).is_err());
        assert!(labels(1, &row(70_000)).is_err());
        assert!(read_labels(&header(WIDE_LABELS_MAGIC, &[u32::MAX, u32::MAX], &[])[..]).is_err());
        assert!(read_labels(&header(WIDE_LABELS_MAGIC, &[u32::MAX, 0], &[])[..]).is_err());
    }
}
