//! Parquet as the Hugging Face hub stores images: a column of structures of bytes and a path, one of labels, in one or
//! several files (`train-00000-of-00004.parquet`); what the labels stand for is in the files' metadata.
//!
//! Pictures are read a row group at a time, when they are asked for.
use super::{Contents, Format, Images, Part, entries, name, named_classes, open};
use crate::{
    data::{Notes, watch::Watch},
    errors::At as _,
    spec::{Choice, ComponentInfo},
};
use ::parquet::{
    basic::Type,
    column::reader::{ColumnReader, ColumnReaderImpl},
    data_type::{ByteArray, DataType},
    file::{
        metadata::{ColumnChunkMetaData, RowGroupMetaData},
        reader::FileReader,
        serialized_reader::SerializedFileReader,
    },
    schema::types::SchemaDescriptor,
};
use anyhow::{Context as _, Result, bail, ensure};
use checked::Checked;
use std::{
    cell::Cell,
    collections::VecDeque,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, Once, PoisonError},
};

mod checked;

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "parquet",
        label: "Parquet files",
        help: "As the Hugging Face hub stores images: files named after their part, such as train-00000-of-00004.parquet, with a column of images and one of labels.",
        params: &[],
    },
    recognises: |path| !files(path).is_empty(),
    read,
};

/// Folders within the folder are searched as deep as this.
const MAX_DEPTH: usize = 3;
/// More rows than this are a slip, or a header that lies.
const MAX_ROWS: usize = 4_000_000;
/// Row groups whose pictures take more, packed, are refused.
const MAX_GROUP_BYTES: i64 = 1 << 30;
/// Bytes of encoded pictures, of the row groups read last, that are kept.
const KEPT_BYTES: usize = 512 << 20;
/// Columns of labels where the metadata names none, the best first.
const LABELS: [&str; 5] = ["label", "labels", "fine_label", "class", "target"];

fn read(path: &Path, _: &Choice, watch: &Watch) -> Result<Contents> {
    let (mut train, mut test) = (Rows::default(), Rows::default());
    let mut notes = Notes::default();
    let mut class_names = vec![];
    for (file, is_test) in files(path) {
        let rows = if is_test { &mut test } else { &mut train };
        match survived(|| rows.add(&file, watch)) {
            Ok(names) if class_names.is_empty() => class_names = names,
            Ok(_) => {}
            Err(error) => {
                notes.pass_over(&error.context("A file was passed over, so get it again").at(&file))
            }
        }
    }
    ensure!(
        !train.labels.is_empty(),
        notes.nothing_left("There are no training images: choose a folder with some")
    );
    let written: Vec<String> = train.labels.iter().chain(&test.labels).cloned().collect();
    let (numbered, places) = named_classes(&written);
    if class_names.len() < numbered.len() {
        class_names = numbered;
    }
    let (train_places, test_places) = places.split_at(train.labels.len());
    for (rows, part) in [(&train, "training"), (&test, "test")] {
        if rows.unlabelled > 0 {
            notes
                .remarks
                .push(format!("{} rows of the {part} part have no label, and are not used", rows.unlabelled));
        }
    }
    let test = (!test.labels.is_empty()).then(|| test.part(test_places));
    Ok(Contents { class_names, train: train.part(train_places), test, notes })
}

/// The files of a data set, and whether each is of the test part, as its name and its folder's say.
fn files(path: &Path) -> Vec<(PathBuf, bool)> {
    let folder = if path.is_dir() { Some(path) } else { path.parent().filter(|_| is_parquet(path)) };
    let Some(folder) = folder else { return vec![] };
    let mut found = vec![];
    collect(folder, if path.is_dir() { MAX_DEPTH } else { 1 }, &mut found);
    let word = |path: &PathBuf, word: &str| {
        path.strip_prefix(folder).is_ok_and(|inner| inner.to_string_lossy().to_lowercase().contains(word))
    };
    let has_test = found.iter().any(|path| word(path, "test"));
    let part = |path: PathBuf| {
        let is_validation = word(&path, "val");
        let is_test = word(&path, "test") || is_validation && !has_test;
        // where there is a test part, what is for validation belongs to neither
        (!is_validation || is_test).then_some((path, is_test))
    };
    found.into_iter().filter_map(part).collect()
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    for path in entries(folder) {
        if path.is_dir() && depth > 1 && !name(&path).starts_with('.') {
            collect(&path, depth - 1, found);
        } else if is_parquet(&path) && path.is_file() {
            found.push(path);
        }
    }
}

fn is_parquet(path: &Path) -> bool {
    name(path).ends_with(".parquet")
}

/// A file whose columns lie where columns can.
fn reader(path: &Path) -> Result<SerializedFileReader<Checked>> {
    let reader = SerializedFileReader::new(Checked::new(open(path)?)?)?;
    let mut columns = reader.metadata().row_groups().iter().flat_map(RowGroupMetaData::columns);
    let is_placed = |column: &ColumnChunkMetaData| {
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        start >= 0 && column.compressed_size() >= 0
    };
    ensure!(columns.all(is_placed), "it says that a column begins before the file does: get it again");
    Ok(reader)
}

/// Reads with a library that takes some of what a file says for granted, and panics where it is otherwise.
fn survived<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    thread_local!(static IS_READING: Cell<bool> = const { Cell::new(false) });
    static HUSHED: Once = Once::new();
    // what is caught here is no fault to be reported
    HUSHED.call_once(|| {
        let told_before = panic::take_hook();
        panic::set_hook(Box::new(move |fault| {
            if !IS_READING.get() {
                told_before(fault);
            }
        }));
    });
    let was_reading = IS_READING.replace(true);
    let read = panic::catch_unwind(AssertUnwindSafe(read));
    IS_READING.set(was_reading);
    read.unwrap_or_else(|_| bail!("it is damaged: get it again"))
}

/// The labelled rows of some files.
#[derive(Default)]
struct Rows {
    shards: Vec<Shard>,
    /// Shard, row group, and place in it.
    places: Vec<[u32; 3]>,
    /// As they are written.
    labels: Vec<String>,
    unlabelled: usize,
}

/// A file.
struct Shard {
    reader: SerializedFileReader<Checked>,
    path: PathBuf,
    /// Of the pictures' bytes.
    column: usize,
}

impl Rows {
    /// Adds the rows of a file, or none of them; gives the names of its classes, where it has any.
    fn add(&mut self, path: &Path, watch: &Watch) -> Result<Vec<String>> {
        let reader = reader(path)?;
        let features = features(&reader);
        let schema = reader.metadata().file_metadata().schema_descr();
        let column = image_column(schema)
            .context("it has no column of images: it needs a structure with the bytes of a picture")?;
        let class_label = features.as_object().and_then(|features| {
            features
                .iter()
                .find(|(_, feature)| feature["_type"] == "ClassLabel")
                .map(|(name, _)| name.as_str())
        });
        let find =
            |wanted: &str| (0..schema.num_columns()).find(|at| schema.column(*at).path().string() == wanted);
        let label = class_label.into_iter().chain(LABELS).find_map(find);
        let label =
            label.with_context(|| format!("it has no column of labels: name one {}", LABELS.join(" or ")))?;
        let names = class_label.and_then(|name| features[name]["names"].as_array());
        let names = names.into_iter().flatten().filter_map(|name| Some(name.as_str()?.to_owned())).collect();
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
        self.shards.push(Shard { reader, path: path.to_path_buf(), column });
        self.places.extend(places);
        self.labels.extend(labels);
        self.unlabelled += unlabelled;
        Ok(names)
    }

    fn part(self, labels: &[usize]) -> Part {
        let Rows { shards, places, .. } = self;
        let kept = Mutex::new(VecDeque::new());
        let count = places.len();
        let read = move |place: usize| {
            let [shard, group, row] = places[place].map(|number| number as usize);
            let shard_of = &shards[shard];
            let picture = recent(&kept, (shard, group), || survived(|| shard_of.pictures(group))).and_then(
                |pictures| pictures.get(row).cloned().flatten().context("there is no picture in its row"),
            );
            let picture = picture
                .with_context(|| format!("row {row} of row group {group} in {}", name(&shard_of.path)))?;
            Ok(picture.data().to_vec())
        };
        Part { images: Images::Packed { count, read: Box::new(read) }, labels: labels.to_vec() }
    }
}

type Pictures = Arc<Vec<Option<ByteArray>>>;
type Kept = VecDeque<((usize, usize), Pictures)>;

/// The pictures of a row group, out of those that were read last or read now.
fn recent(kept: &Mutex<Kept>, key: (usize, usize), read: impl Fn() -> Result<Pictures>) -> Result<Pictures> {
    // one at a time: those that wait for the same group find it there
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(at) = kept.iter().position(|(of, _)| *of == key) {
        let found = kept.remove(at).context("it is there")?;
        kept.push_back(found);
    } else {
        kept.push_back((key, read()?));
    }
    let bytes = |pictures: &Pictures| pictures.iter().flatten().map(ByteArray::len).sum::<usize>();
    while kept.len() > 1 && kept.iter().map(|(_, pictures)| bytes(pictures)).sum::<usize>() > KEPT_BYTES {
        kept.pop_front();
    }
    Ok(kept.back().context("it is there")?.1.clone())
}

impl Shard {
    fn pictures(&self, group: usize) -> Result<Pictures> {
        let rows = self.reader.get_row_group(group)?;
        let column = rows.metadata().column(self.column);
        ensure!(
            column.uncompressed_size() <= MAX_GROUP_BYTES,
            "a row group is larger than 1 GiB: write the file with smaller ones"
        );
        match rows.get_column_reader(self.column)? {
            ColumnReader::ByteArrayColumnReader(reader) => Ok(Arc::new(values(reader, MAX_ROWS)?)),
            _ => bail!("the pictures are no bytes"),
        }
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
    fn written<T: ToString>(values: Vec<Option<T>>) -> Vec<Option<String>> {
        let text =
            |value: Option<T>| value.map(|value| value.to_string()).filter(|text| !text.starts_with('-'));
        values.into_iter().map(text).collect()
    }
    Ok(match reader.get_row_group(group)?.get_column_reader(column)? {
        ColumnReader::Int32ColumnReader(reader) => written(values(reader, most)?),
        ColumnReader::Int64ColumnReader(reader) => written(values(reader, most)?),
        ColumnReader::BoolColumnReader(reader) => {
            written(values(reader, most)?.into_iter().map(|value| value.map(u8::from)).collect())
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            let text = |bytes: ByteArray| String::from_utf8_lossy(bytes.data()).into_owned();
            values(reader, most)?.into_iter().map(|value| value.map(text)).collect()
        }
        _ => bail!("the labels are neither whole numbers nor text"),
    })
}

/// The values of a column of a row group, row by row, where it holds no more than `most`.
fn values<T: DataType>(mut reader: ColumnReaderImpl<T>, most: usize) -> Result<Vec<Option<T::T>>> {
    let (mut present, mut values) = (vec![], vec![]);
    let (rows, ..) = reader.read_records(most + 1, Some(&mut present), None, &mut values)?;
    ensure!(rows <= most, "there are more than {MAX_ROWS} rows: choose fewer files");
    // a column in which nothing may be missing has no levels
    let full = present.iter().max().copied().unwrap_or_default();
    if present.is_empty() || values.len() == rows {
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut values = values.into_iter();
    Ok(present.into_iter().map(|level| if level == full { values.next() } else { None }).collect())
}

/// The leaf that holds the bytes of pictures.
fn image_column(schema: &SchemaDescriptor) -> Option<usize> {
    (0..schema.num_columns()).find(|at| {
        let column = schema.column(*at);
        let path = column.path().parts();
        path.len() == 2
            && path[1] == "bytes"
            && column.physical_type() == Type::BYTE_ARRAY
            && column.max_rep_level() == 0
    })
}

/// What the hub notes of each column, by its name.
fn features(reader: &SerializedFileReader<Checked>) -> serde_json::Value {
    let metadata = reader.metadata().file_metadata().key_value_metadata();
    let note = metadata.into_iter().flatten().find(|entry| entry.key == "huggingface");
    let note = note.and_then(|entry| serde_json::from_str::<serde_json::Value>(entry.value.as_deref()?).ok());
    note.map_or(serde_json::Value::Null, |note| note["info"]["features"].clone())
}
