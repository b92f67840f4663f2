//! Which columns of a Parquet file hold the pictures and the labels.
use super::{Checked, parts};
use ::parquet::{
    basic::{ConvertedType, LogicalType, Type},
    file::{reader::FileReader as _, serialized_reader::SerializedFileReader},
    schema::types::{ColumnDescriptor, SchemaDescriptor},
};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::cmp::Reverse;

/// Names of columns of pictures.
const IMAGES: [&str; 9] =
    ["image", "img", "images", "picture", "photo", "image_bytes", "image_data", "bytes", "content"];
/// Names of columns of paths of pictures.
const PATHS: [&str; 9] =
    ["image", "img", "image_path", "file_name", "filename", "file", "path", "filepath", "image_file"];
/// Names of columns of labels, the best first.
const LABELS: [&str; 12] = [
    "label",
    "labels",
    "fine_label",
    "fine_labels",
    "class",
    "target",
    "category",
    "class_name",
    "label_name",
    "y",
    "coarse_label",
    "coarse_labels",
];

/// The columns that are read of a file, as places among its leaves.
pub struct Columns {
    /// Bytes of pictures.
    pub bytes: Option<usize>,
    /// Paths of pictures, for rows that have no bytes.
    pub path: Option<usize>,
    /// Labels.
    pub label: usize,
    /// What the numbers among the labels stand for; empty where the file does not say.
    pub names: Vec<String>,
    /// Which of several columns were taken.
    pub remark: Option<String>,
}

/// Finds the columns of a file.
///
/// # Errors
/// Where it has no pictures, or no labels.
pub fn columns(reader: &SerializedFileReader<Checked>) -> Result<Columns> {
    let metadata = reader.metadata().file_metadata();
    let features = features(reader);
    let schema = metadata.schema_descr();
    let (images, labels) = (images(schema, &features), labels(schema, &features));
    let image = images.first().with_context(|| {
        let names = names(schema).join(", ");
        format!("it has no column of pictures: it needs their bytes, or their paths, in a column called image (its columns are {names})")
    })?;
    let Some(label) = labels.iter().find(|label| label.name != image.name) else {
        bail!(no_labels(schema));
    };
    let mut remarks = vec![];
    let others = |names: Vec<&str>, own: &str| {
        names.into_iter().filter(|name| *name != own).collect::<Vec<_>>().join(", ")
    };
    let other = others(
        images
            .iter()
            .filter(|other| other.rank.0 == image.rank.0 && !other.rank.1)
            .map(|image| image.name.as_str())
            .collect(),
        &image.name,
    );
    if !other.is_empty() {
        remarks.push(format!("Of several columns of pictures {} is used, and not {other}", image.name));
    }
    let other = others(labels.iter().map(|label| label.name.as_str()).collect(), &label.name);
    if !other.is_empty() {
        remarks.push(format!("Of several columns of labels {} is used, and not {other}", label.name));
    }
    Ok(Columns {
        bytes: image.bytes,
        path: image.path,
        label: label.at,
        names: label.names.clone(),
        remark: (!remarks.is_empty()).then(|| remarks.join("; ")),
    })
}

struct Image {
    name: String,
    bytes: Option<usize>,
    path: Option<usize>,
    /// The least is best: paths after bytes, then other names after the usual ones, then the place.
    rank: (bool, bool, usize),
}

/// The columns that can hold pictures, the best first.
fn images(schema: &SchemaDescriptor, features: &Value) -> Vec<Image> {
    let is_said = |name: &str| features[name]["_type"] == "Image";
    let mut found: Vec<Image> = vec![];
    for at in 0..schema.num_columns() {
        let column = schema.column(at);
        if column.physical_type() != Type::BYTE_ARRAY || column.max_rep_level() > 0 {
            continue;
        }
        let parts = column.path().parts();
        let (name, usual) = (&parts[0], parts[0].to_lowercase());
        let rank =
            |is_path: bool, names: &[&str]| (is_path, !is_said(name) && !names.contains(&usual.as_str()), at);
        let image = match parts {
            [_, leaf] if leaf == "bytes" => {
                let path = (0..schema.num_columns())
                    .find(|at| *schema.column(*at).path().parts() == [name.clone(), "path".into()]);
                Image { name: name.clone(), bytes: Some(at), path, rank: rank(false, &IMAGES) }
            }
            [_, leaf] if leaf == "path" => {
                Image { name: name.clone(), bytes: None, path: Some(at), rank: rank(true, &PATHS) }
            }
            [_] if is_text(&column) => {
                let rank = rank(true, &PATHS);
                if rank.1 {
                    continue;
                }
                Image { name: name.clone(), bytes: None, path: Some(at), rank }
            }
            [_] if !LABELS.contains(&usual.as_str()) => {
                Image { name: name.clone(), bytes: Some(at), path: None, rank: rank(false, &IMAGES) }
            }
            _ => continue,
        };
        found.push(image);
    }
    found.sort_by_key(|image| image.rank);
    found
}

fn is_text(column: &ColumnDescriptor) -> bool {
    matches!(column.converted_type(), ConvertedType::UTF8 | ConvertedType::ENUM)
        || matches!(column.logical_type_ref(), Some(LogicalType::String | LogicalType::Enum))
}

struct Label {
    name: String,
    at: usize,
    names: Vec<String>,
}

/// The columns that can hold labels, the best first: fine ones before coarse ones, those whose classes have names before
/// others, those that are called labels before others, then those with more classes.
fn labels(schema: &SchemaDescriptor, features: &Value) -> Vec<Label> {
    let mut found = vec![];
    for at in 0..schema.num_columns() {
        let column = schema.column(at);
        let [name] = column.path().parts() else { continue };
        let is_class_label = features[name]["_type"] == "ClassLabel";
        let usual = LABELS.iter().position(|usual| name.eq_ignore_ascii_case(usual));
        if column.max_rep_level() > 0 || !is_class_label && usual.is_none() {
            continue;
        }
        let names = features[name]["names"].as_array();
        let names: Vec<String> =
            names.into_iter().flatten().filter_map(|name| Some(name.as_str()?.to_owned())).collect();
        let words = parts::words(name);
        let has = |wanted: fn(&str) -> bool| words.iter().any(|word| wanted(word));
        let coarseness = if has(|word| word == "fine") {
            0
        } else if has(|word| word == "coarse" || word.starts_with("super")) {
            2
        } else {
            1
        };
        let order = usual.unwrap_or(LABELS.len());
        let rank = (coarseness, !is_class_label, usual.is_none(), Reverse(names.len()), order, at);
        found.push((rank, Label { name: name.clone(), at, names }));
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, label)| label).collect()
}

fn no_labels(schema: &SchemaDescriptor) -> String {
    let is_list = |at: &usize| {
        let column = schema.column(*at);
        column.max_rep_level() > 0
            && LABELS.iter().any(|usual| column.path().parts()[0].eq_ignore_ascii_case(usual))
    };
    if (0..schema.num_columns()).any(|at| is_list(&at)) {
        return "its labels are lists, of several for each image: write one label for each".into();
    }
    let names = names(schema).join(", ");
    format!("it has no column of labels: call one of them label (its columns are {names})")
}

/// The names of the columns, each once.
fn names(schema: &SchemaDescriptor) -> Vec<String> {
    let mut names: Vec<String> =
        (0..schema.num_columns()).map(|at| schema.column(at).path().parts()[0].clone()).collect();
    names.dedup();
    names
}

/// What the hub notes of each column, by its name.
fn features(reader: &SerializedFileReader<Checked>) -> Value {
    let metadata = reader.metadata().file_metadata().key_value_metadata();
    let note = metadata.into_iter().flatten().find(|entry| entry.key == "huggingface");
    let note = note.and_then(|entry| serde_json::from_str::<Value>(entry.value.as_deref()?).ok());
    note.map_or(Value::Null, |note| note["info"]["features"].clone())
}
