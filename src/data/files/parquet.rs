//! Parquet as the Hugging Face hub and pandas store images: a column of pictures, which are bytes, structures of bytes and a
//! path, or paths; one of labels; in one or several files (`train-00000-of-00004.parquet`). What the labels stand for is in
//! the files' metadata.
//!
//! Pictures are read a row group at a time, when they are asked for.
use super::{
    Contents, Format, Part, entries, name, named_classes, open,
    parts::{self, PartName, Use},
};
use crate::{
    data::{Notes, watch::Watch},
    errors::At as _,
    spec::{Choice, ComponentInfo},
};
use ::parquet::file::{
    metadata::{ColumnChunkMetaData, RowGroupMetaData},
    reader::FileReader,
    serialized_reader::SerializedFileReader,
};
use anyhow::{Result, bail, ensure};
use checked::Checked;
use rows::{Labels, Rows, unreadable};
use std::{
    cell::Cell,
    collections::HashMap,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::Once,
};

mod checked;
mod columns;
mod rows;

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "parquet",
        label: "Parquet files",
        help: "As the Hugging Face hub and pandas store images: files named after their part, such as train-00000-of-00004.parquet, with a column of pictures and one of labels.",
        params: &[],
    },
    recognises: |path| !files(path).is_empty(),
    read,
};

/// Folders within the folder are searched as deep as this.
const MAX_DEPTH: usize = 3;

fn read(path: &Path, _: &Choice, watch: &Watch) -> Result<Contents> {
    let (mut train, mut test) = (Rows::default(), Rows::default());
    let mut notes = Notes::default();
    let root = folder(path).unwrap_or(path);
    let files = files(path);
    let uses = parts::uses(&files.iter().map(|(_, part)| *part).collect::<Vec<_>>());
    for ((file, _), used) in files.iter().zip(uses) {
        let rows = match used {
            Use::Train => &mut train,
            Use::Test => &mut test,
            Use::LeftOut(why) => {
                notes.leave_out(why, file);
                continue;
            }
        };
        match survived(|| rows.add(file, root, watch)) {
            Ok(Some(remark)) if !notes.remarks.contains(&remark) => notes.remarks.push(remark),
            Ok(_) => {}
            Err(error) => notes.pass_over(&error.context("A file was passed over").at(file)),
        }
    }
    ensure!(
        train.len() > 0,
        notes.nothing_left("There are no training images: choose a folder with some, such as train.parquet")
    );
    let (class_names, places) = classes(train.labels.iter().chain(&test.labels), &mut notes);
    let (train_places, test_places) = places.split_at(train.len());
    for (rows, part) in [(&train, "training"), (&test, "test")] {
        if rows.unlabelled > 0 {
            notes
                .remarks
                .push(format!("{} rows of the {part} part have no label, and are not used", rows.unlabelled));
        }
    }
    let part = |rows: Rows, labels: &[usize]| Part { images: rows.images(), labels: labels.to_vec() };
    let test = (test.len() > 0).then(|| part(test, test_places));
    Ok(Contents { class_names, train: part(train, train_places), test, notes })
}

/// The names of the classes, and the place of each label among them. A number is the place of a name in its own file; the
/// names of the first file that has some come first, and in its order.
fn classes<'a>(
    files: impl Iterator<Item = &'a Labels> + Clone,
    notes: &mut Notes,
) -> (Vec<String>, Vec<usize>) {
    let Some(first) = files.clone().map(|file| &file.names).find(|names| !names.is_empty()) else {
        let written: Vec<String> = files.flat_map(|file| file.written.clone()).collect();
        return named_classes(&written);
    };
    let mut names = first.clone();
    let mut by_name: HashMap<String, usize> = HashMap::new();
    for (place, name) in names.iter().enumerate() {
        by_name.entry(name.clone()).or_insert(place);
    }
    let (mut places, mut nameless) = (vec![], 0);
    for Labels { names: own, written } in files {
        let own = if own.is_empty() { first } else { own };
        for label in written {
            let number = label.parse::<usize>().ok();
            let name = number.and_then(|number| own.get(number)).unwrap_or(label);
            // names may be equal, so that a number is taken as it is where that is possible
            let same = number.filter(|number| *number < first.len() && first.get(*number) == Some(name));
            nameless += usize::from(number.is_some_and(|number| number >= own.len()));
            places.push(same.unwrap_or_else(|| {
                *by_name.entry(name.clone()).or_insert_with(|| {
                    names.push(name.clone());
                    names.len() - 1
                })
            }));
        }
    }
    if nameless > 0 {
        notes.remarks.push(format!(
            "{nameless} labels are numbers without a name in the files, and their classes are called by them"
        ));
    }
    (names, places)
}

/// The folder of a data set: the path itself, or the one that a file is in.
fn folder(path: &Path) -> Option<&Path> {
    if path.is_dir() { Some(path) } else { path.parent().filter(|_| is_parquet(path)) }
}

/// The files of a data set, and which part each is of, as its name and its folders' say.
fn files(path: &Path) -> Vec<(PathBuf, Option<PartName>)> {
    let Some(folder) = folder(path) else { return vec![] };
    let mut found = vec![];
    collect(folder, if path.is_dir() { MAX_DEPTH } else { 1 }, &mut found);
    found
        .into_iter()
        .map(|file| {
            let part = parts::of(&file, folder);
            (file, part)
        })
        .collect()
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    for path in entries(folder).into_iter().filter(|path| !name(path).starts_with('.')) {
        if path.is_dir() && depth > 1 {
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
    let reader = SerializedFileReader::new(Checked::new(open(path)?)?).map_err(unreadable)?;
    let mut columns = reader.metadata().row_groups().iter().flat_map(RowGroupMetaData::columns);
    let is_placed = |column: &ColumnChunkMetaData| {
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        start >= 0 && column.compressed_size() >= 0
    };
    ensure!(
        columns.all(is_placed),
        "it is damaged, so get it again: it says that a column begins before the file does"
    );
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
    read.unwrap_or_else(|_| bail!("it is damaged, so get it again"))
}

#[cfg(test)]
mod tests;
