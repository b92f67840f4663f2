//! Pixels in a table, as in Kaggle's digit recognizer: an image on each line, its label in one column.
use super::{
    Contents, Format, Images, Part,
    idx::transpose,
    labels::own_classes,
    npz::{greys, square},
    parts::PartName,
    table::{Table, candidates, chosen},
};
use crate::{
    data::{Notes, memory, watch::Watch},
    errors::{At as _, Remark},
    spec::{Choice, ComponentInfo},
};
use anyhow::{Context as _, Result};
use csv::StringRecord;
use plan::{Pixels, Plan};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

mod plan;

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "pixel_table",
        label: "CSV table of pixels",
        help: "An image on each line: its label and its pixels, as in Kaggle's digit recognizer, or in one column as in FER-2013; packed with gzip or not. Commas, semicolons, tabs or bars.",
        params: &[],
    },
    recognises: |path| !tables(path).is_empty(),
    read,
};

/// The number of letters in EMNIST's own set of them, which counts them from 1.
const LETTERS: usize = 26;

/// The images of a part.
#[derive(Default)]
struct Found {
    labels: Vec<String>,
    /// Rows of as many numbers.
    pixels: Vec<f32>,
}

type Parts = BTreeMap<Option<PartName>, Found>;

fn read(path: &Path, _: &Choice, watch: &Watch) -> Result<Contents> {
    let mut contents = Contents::default();
    let notes = &mut contents.notes;
    let root = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let tables = chosen(tables(path), root, notes);
    let (mut parts, mut per_image) = (Parts::new(), None);
    for (place, (path, part)) in tables.iter().enumerate() {
        let read = add(path, *part, &mut per_image, &mut parts, watch, notes).map_err(|error| error.at(path));
        match read {
            // one table is enough to train on
            Err(error) if place > 0 && !error.is::<crate::data::watch::Stopped>() => {
                notes.remarks.push(Remark::from(&error.context("A table is not used")).to_string());
            }
            other => other?,
        }
    }
    let first = tables.first().map_or(root, |(path, _)| path);
    let per_image = per_image.filter(|_| parts.values().any(|found| !found.labels.is_empty()));
    let per_image = per_image
        .with_context(|| notes.nothing_left("its lines are empty").context("There is no image in the table"))
        .at(first)?;
    let [train, test] = train_and_test(parts, first, notes);
    let shape = square(per_image).at(first)?;
    let mut pixels = greys(|| train.pixels.iter().chain(&test.pixels).copied());
    let is_emnist = is_emnist(first);
    if is_emnist {
        transpose(&mut pixels, shape);
        notes.remarks.push(
            "EMNIST is published with rows and columns exchanged: its images are turned upright".into(),
        );
    }
    let written: Vec<String> = train.labels.iter().chain(&test.labels).cloned().collect();
    let (mut class_names, mut labels) = own_classes(&written);
    if let Some(letters) = letters(first, &written) {
        class_names = ('A'..='Z').map(String::from).collect();
        labels = letters;
    }
    let test_labels = labels.split_off(train.labels.len());
    let test_pixels = pixels.split_off(train.pixels.len());
    let part = |pixels, labels| Part { images: Images::Raw { shape, pixels }, labels };
    contents.class_names = class_names;
    contents.train = part(pixels, labels);
    contents.test = (!test_labels.is_empty()).then(|| part(test_pixels, test_labels));
    Ok(contents)
}

fn is_emnist(path: &Path) -> bool {
    let names = path.iter().rev().take(2);
    names.map(|name| name.to_string_lossy().to_lowercase()).any(|name| name.contains("emnist"))
}

/// The places in the alphabet of labels of EMNIST's letters, which count from 1; none where they are none.
fn letters(path: &Path, written: &[String]) -> Option<Vec<usize>> {
    let is_named = is_emnist(path) && path.to_string_lossy().to_lowercase().contains("letters");
    let place = |label: &String| label.parse::<usize>().ok().filter(|label| (1..=LETTERS).contains(label));
    let places: Option<Vec<usize>> =
        written.iter().map(|label| place(label).map(|label| label - 1)).collect();
    places.filter(|_| is_named)
}

/// The tables of pixels in a folder, or the one that is meant by a file.
fn tables(path: &Path) -> Vec<PathBuf> {
    let is_of_pixels =
        |path: &PathBuf| Table::beginning(path).is_some_and(|table| plan::is_of_pixels(&table));
    candidates(path).into_iter().filter(is_of_pixels).collect()
}

/// Of the parts, the one to train on and the one to test on.
fn train_and_test(mut parts: Parts, table: &Path, notes: &mut Notes) -> [Found; 2] {
    let Some(train) = parts.remove(&Some(PartName::Train)).filter(|found| !found.labels.is_empty()) else {
        let mut all = Found::default();
        for found in parts.into_values() {
            all.labels.extend(found.labels);
            all.pixels.extend(found.pixels);
        }
        return [all, Found::default()];
    };
    let test = [PartName::Test, PartName::Validation].into_iter().find_map(|part| parts.remove(&Some(part)));
    for (part, found) in parts {
        let why = match part {
            Some(_) => "images of the validation part, as there is a test part",
            None => "images of no part, while others have one",
        };
        found.labels.iter().for_each(|_| notes.leave_out(why, table));
    }
    [train, test.unwrap_or_default()]
}

/// Adds the images of a table.
fn add(
    path: &Path,
    part: Option<PartName>,
    per_image: &mut Option<usize>,
    parts: &mut Parts,
    watch: &Watch,
    notes: &mut Notes,
) -> Result<()> {
    let table = Table::read(path, watch)?;
    // numbers of four bytes, each written with a comma at least
    memory::ensure_room("Its pixels", 2 * table.len() as u64)?;
    let plan = Plan::of(&table, is_emnist(path))?;
    notes.remarks.extend(plan.remark.clone());
    let mut is_first = plan.is_header;
    table.each(|line, row| {
        watch.go_on()?;
        if std::mem::take(&mut is_first) {
            return Ok(());
        }
        let label = plan.label(row).with_context(|| format!("Line {line}"))?;
        let found = parts.entry(plan.part(row).or(part)).or_default();
        let before = found.pixels.len();
        let added = match label {
            Some(label) => {
                pixels(&plan, row, per_image, &mut found.pixels).map(|()| found.labels.push(label))
            }
            None => {
                Err(format!("it has {} columns where {} are needed, or no label", row.len(), plan.columns))
            }
        };
        if let Err(reason) = added {
            found.pixels.truncate(before);
            let text = format!("Line {line} was passed over, so correct it: {reason}");
            notes.pass_over(Remark::new(text, path));
        }
        Ok(())
    })
}

/// Adds the pixels of an image; says why where that is none.
fn pixels(
    plan: &Plan,
    row: &StringRecord,
    per_image: &mut Option<usize>,
    pixels: &mut Vec<f32>,
) -> Result<(), String> {
    let before = pixels.len();
    let mut add = |column: usize, field: &str| -> Result<(), String> {
        let number = field.parse::<f32>().ok().filter(|number| number.is_finite());
        pixels.push(number.ok_or_else(|| format!("{field:?} in column {} is no pixel", column + 1))?);
        Ok(())
    };
    match &plan.pixels {
        Pixels::Columns(columns) => {
            if row.len() != plan.columns {
                return Err(format!("it has {} columns where {} are needed", row.len(), plan.columns));
            }
            columns.iter().try_for_each(|column| add(*column, &row[*column]))?;
        }
        Pixels::Text(column) => {
            let text = row.get(*column).unwrap_or_default();
            let mut fields = text.split([' ', ',', ';', '[', ']']).filter(|field| !field.is_empty());
            fields.try_for_each(|field| add(*column, field))?;
        }
    }
    let found = pixels.len() - before;
    let needed = *per_image.get_or_insert(found);
    if found == needed { Ok(()) } else { Err(format!("it has {found} pixels where {needed} are needed")) }
}
