//! The labelled rows of Parquet files, and the pictures in them.
use super::{
    Checked,
    columns::{Columns, columns},
    reader, survived,
};
use crate::{
    data::{
        files::{Images, MAX_PACKED, beside, name},
        watch::Watch,
    },
    disk,
};
use ::parquet::{
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::{ByteArray, DataType},
    errors::ParquetError,
    file::{reader::FileReader as _, serialized_reader::SerializedFileReader},
};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// More rows than this are a slip, or a header that lies.
const MAX_ROWS: usize = 4_000_000;
/// Row groups whose pictures take more, packed, are refused.
const MAX_GROUP_BYTES: i64 = 1 << 30;
/// Bytes of encoded pictures, of the row groups read last, that are kept.
const KEPT_BYTES: usize = 512 << 20;

/// The labelled rows of some files.
#[derive(Default)]
pub struct Rows {
    shards: Vec<Shard>,
    /// Shard, row group, and place in it.
    places: Vec<[u32; 3]>,
    /// The files' labels, in the order of the rows.
    pub labels: Vec<Labels>,
    /// Rows without a label, which are no rows of these.
    pub unlabelled: usize,
}

/// The labels of a file.
pub struct Labels {
    /// What numbers among them stand for; empty where the file does not say.
    pub names: Vec<String>,
    /// As they are written.
    pub written: Vec<String>,
}

/// A file.
struct Shard {
    reader: SerializedFileReader<Checked>,
    path: PathBuf,
    bytes: Option<usize>,
    paths: Option<usize>,
    /// Where pictures lie that it only names.
    folders: Vec<PathBuf>,
}

impl Rows {
    /// Adds the rows of a file of a data set in `root`, or none of them; says which of several columns were taken.
    ///
    /// # Errors
    /// Where it cannot be read, or has no pictures or labels.
    pub fn add(&mut self, path: &Path, root: &Path, watch: &Watch) -> Result<Option<String>> {
        let reader = reader(path)?;
        let Columns { bytes, path: paths, label, names, remark } = columns(&reader)?;
        let (mut places, mut labels, mut unlabelled) = (vec![], vec![], 0);
        for group in 0..reader.num_row_groups() {
            watch.go_on()?;
            let room = MAX_ROWS.saturating_sub(self.places.len() + places.len());
            for (row, written) in column_of_labels(&reader, group, label, room)?.into_iter().enumerate() {
                let Some(written) = written else {
                    unlabelled += 1;
                    continue;
                };
                places.push([self.shards.len() as u32, group as u32, row as u32]);
                labels.push(written);
            }
        }
        let folders = [path.parent().unwrap_or(root), root].map(Path::to_path_buf).to_vec();
        self.shards.push(Shard { reader, path: path.to_path_buf(), bytes, paths, folders });
        self.places.extend(places);
        self.labels.push(Labels { names, written: labels });
        self.unlabelled += unlabelled;
        Ok(remark)
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// The pictures of the rows, read when they are asked for.
    pub fn images(self) -> Images {
        let Rows { shards, places, .. } = self;
        let kept = Mutex::new(VecDeque::new());
        let count = places.len();
        let read = move |place: usize| {
            let [shard, group, row] = places[place].map(|number| number as usize);
            let shard_of = &shards[shard];
            let picture = recent(&kept, (shard, group), || survived(|| shard_of.pictures(group)))
                .and_then(|pictures| shard_of.picture(&pictures, row));
            picture.with_context(|| format!("row {row} of row group {group} in {}", name(&shard_of.path)))
        };
        Images::Packed { count, read: Box::new(read) }
    }
}

/// The pictures of a row group: their bytes, and their paths.
struct Pictures {
    bytes: Vec<Option<ByteArray>>,
    paths: Vec<Option<ByteArray>>,
}

type Kept = VecDeque<((usize, usize), Arc<Pictures>)>;

/// The pictures of a row group, out of those that were read last or read now.
fn recent(
    kept: &Mutex<Kept>,
    key: (usize, usize),
    read: impl Fn() -> Result<Pictures>,
) -> Result<Arc<Pictures>> {
    // one at a time: those that wait for the same group find it there
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(at) = kept.iter().position(|(of, _)| *of == key) {
        let found = kept.remove(at).context("it is there")?;
        kept.push_back(found);
    } else {
        kept.push_back((key, read()?.into()));
    }
    let bytes = |pictures: &Arc<Pictures>| pictures.bytes.iter().flatten().map(ByteArray::len).sum::<usize>();
    while kept.len() > 1 && kept.iter().map(|(_, pictures)| bytes(pictures)).sum::<usize>() > KEPT_BYTES {
        kept.pop_front();
    }
    Ok(kept.back().context("it is there")?.1.clone())
}

impl Shard {
    fn pictures(&self, group: usize) -> Result<Pictures> {
        let column = |at: Option<usize>| at.map_or(Ok(vec![]), |at| self.column(group, at));
        Ok(Pictures { bytes: column(self.bytes)?, paths: column(self.paths)? })
    }

    fn column(&self, group: usize, at: usize) -> Result<Vec<Option<ByteArray>>> {
        let rows = self.reader.get_row_group(group).map_err(unreadable)?;
        ensure!(
            rows.metadata().column(at).uncompressed_size() <= MAX_GROUP_BYTES,
            "a row group is larger than 1 GiB: write the file with smaller ones"
        );
        match rows.get_column_reader(at).map_err(unreadable)? {
            ColumnReader::ByteArrayColumnReader(reader) => values(reader, MAX_ROWS),
            _ => bail!("the pictures are no bytes"),
        }
    }

    fn picture(&self, pictures: &Pictures, row: usize) -> Result<Vec<u8>> {
        let filled = |bytes: &&ByteArray| !bytes.is_empty();
        if let Some(bytes) = pictures.bytes.get(row).and_then(Option::as_ref).filter(filled) {
            return Ok(bytes.data().to_vec());
        }
        let path = pictures.paths.get(row).and_then(Option::as_ref).filter(filled);
        let path = path.context("there is no picture in its row")?;
        let written = String::from_utf8_lossy(path.data());
        let file = beside::find(&written, &self.folders);
        let file = file.with_context(|| {
            format!("it is in the file {written:?}, which is not beside the table: put it there")
        })?;
        Ok(disk::read(&file, MAX_PACKED)?)
    }
}

/// What is wrong with a file that the library could not read: it is damaged, or written in a way that is not known.
pub fn unreadable(error: ParquetError) -> anyhow::Error {
    match error {
        ParquetError::NYI(what) => {
            anyhow!("it is written in a way that cannot be read, so write it with snappy or zstd: {what}")
        }
        error => anyhow::Error::new(error).context("it is damaged, so get it again"),
    }
}

/// The labels of a row group as they would be written, `most` at most.
fn column_of_labels(
    reader: &SerializedFileReader<Checked>,
    group: usize,
    column: usize,
    most: usize,
) -> Result<Vec<Option<String>>> {
    // the hub writes -1 where a label is not published
    fn whole<T: ToString>(values: Vec<Option<T>>) -> Vec<Option<String>> {
        let text =
            |value: Option<T>| value.map(|value| value.to_string()).filter(|text| !text.starts_with('-'));
        values.into_iter().map(text).collect()
    }
    fn real<T: Into<f64>>(values: Vec<Option<T>>) -> Result<Vec<Option<String>>> {
        // pandas makes such numbers of whole ones where some are missing, and writes no number for those
        let numbers = values.into_iter().map(|value| value.map(Into::into).filter(|value| !value.is_nan()));
        let numbers: Vec<Option<f64>> = numbers.collect();
        let odd = numbers.iter().flatten().find(|number| number.fract() != 0.0 || number.abs() > 1e15);
        if let Some(odd) = odd {
            bail!("a label is {odd}, and a class is a whole number or a text: write those");
        }
        Ok(whole(numbers.into_iter().map(|number| number.map(|number| number as i64)).collect()))
    }
    let group = reader.get_row_group(group).map_err(unreadable)?;
    Ok(match group.get_column_reader(column).map_err(unreadable)? {
        ColumnReader::Int32ColumnReader(reader) => whole(values(reader, most)?),
        ColumnReader::Int64ColumnReader(reader) => whole(values(reader, most)?),
        ColumnReader::FloatColumnReader(reader) => real(values(reader, most)?)?,
        ColumnReader::DoubleColumnReader(reader) => real(values(reader, most)?)?,
        ColumnReader::BoolColumnReader(reader) => {
            whole(values(reader, most)?.into_iter().map(|value| value.map(u8::from)).collect())
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            let text = |bytes: ByteArray| String::from_utf8_lossy(bytes.data()).into_owned();
            let labels = values(reader, most)?.into_iter().map(|value| value.map(text));
            labels.map(|label| label.filter(|label| !label.is_empty())).collect()
        }
        _ => bail!("the labels are neither whole numbers nor text"),
    })
}

/// The values of a column of a row group, row by row, where it holds no more than `most`.
fn values<T: DataType>(mut reader: ColumnReaderImpl<T>, most: usize) -> Result<Vec<Option<T::T>>> {
    let (mut present, mut values) = (vec![], vec![]);
    let read = reader.read_records(most + 1, Some(&mut present), None, &mut values);
    let (rows, ..) = read.map_err(unreadable)?;
    ensure!(rows <= most, "there are more than {MAX_ROWS} rows: choose fewer files");
    // a column in which nothing may be missing has no levels
    let full = present.iter().max().copied().unwrap_or_default();
    if present.is_empty() || values.len() == rows {
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut values = values.into_iter();
    Ok(present.into_iter().map(|level| if level == full { values.next() } else { None }).collect())
}
