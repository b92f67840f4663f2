//! Pixels in a CSV table, as in Kaggle's digit recognizer: an image on each line, its label in one column.
use super::{
    Contents, Format, Images, Part, entries, name, named_classes,
    npz::{greys, square},
    text,
};
use crate::{
    data::{Notes, memory, watch::Watch},
    errors::{At as _, Remark},
    spec::{Choice, ComponentInfo},
};
use anyhow::{Context as _, Result, anyhow, ensure};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "pixel_table",
        label: "CSV table of pixels",
        help: "An image on each line: its label and its pixels, as in Kaggle's digit recognizer; packed with gzip or not.",
        params: &[],
    },
    recognises: |path| tables(path).is_some(),
    read,
};

/// Fewer columns are no pixels.
const FEWEST_COLUMNS: usize = 17;
const LABEL_NAMES: [&str; 4] = ["label", "class", "target", "y"];

fn read(path: &Path, _: &Choice, watch: &Watch) -> Result<Contents> {
    let (train_path, test_path) = tables(path).context("There is no table of pixels")?;
    let mut contents = Contents::default();
    let train = Table::read(&train_path, watch, &mut contents.notes)?;
    let test = match test_path {
        Some(path) if is_labelled(&path, train.columns()) => {
            Some(Table::read(&path, watch, &mut contents.notes)?)
        }
        Some(path) => {
            contents.notes.remarks.push(format!("{} has no labels, and is not used", name(&path)));
            None
        }
        None => None,
    };
    let labels = [Some(&train), test.as_ref()].into_iter().flatten().flat_map(|table| &table.labels);
    let (class_names, places) = named_classes(&labels.cloned().collect::<Vec<_>>());
    let (train_places, test_places) = places.split_at(train.labels.len());
    contents.train = train.part(train_places)?;
    contents.test = test.map(|test| test.part(test_places)).transpose()?;
    contents.class_names = class_names;
    Ok(contents)
}

/// The table to train on, and one beside it to test on.
fn tables(path: &Path) -> Option<(PathBuf, Option<PathBuf>)> {
    let is_table = |path: &PathBuf| {
        let name = name(path);
        (name.ends_with(".csv") || name.ends_with(".csv.gz"))
            && text::first_line(path).is_some_and(|line| line.split(',').count() >= FEWEST_COLUMNS)
    };
    if path.is_file() {
        let path = path.to_path_buf();
        return is_table(&path).then_some((path, None));
    }
    let all: Vec<_> = entries(path).into_iter().filter(is_table).collect();
    let find = |word: &str| all.iter().find(|path| name(path).contains(word)).cloned();
    let train = find("train").or_else(|| all.first().cloned())?;
    Some((train.clone(), find("test").filter(|test| *test != train)))
}

fn is_labelled(path: &Path, columns: usize) -> bool {
    text::first_line(path).is_some_and(|line| line.split(',').count() == columns)
}

struct Table {
    labels: Vec<String>,
    /// Rows of as many numbers.
    pixels: Vec<f32>,
    per_image: usize,
}

impl Table {
    fn read(path: &Path, watch: &Watch, notes: &mut Notes) -> Result<Self> {
        let text = text::read(path, watch)?;
        // numbers of four bytes, each written with a comma at least
        memory::ensure_room("Its pixels", 2 * text.len() as u64)?;
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
        let first = lines.peek().map(|(_, line)| *line).unwrap_or_default();
        let header: Vec<String> =
            first.split(',').map(|field| field.trim().trim_matches('"').to_lowercase()).collect();
        let columns = header.len();
        let is_header = header.iter().any(|field| field.parse::<f32>().is_err());
        let rows: Vec<(usize, &str)> = lines.skip(usize::from(is_header)).collect();
        ensure!(!rows.is_empty(), anyhow!("The table has no lines: choose another").at(path));
        let label_column = if is_header {
            let named = header.iter().position(|field| LABEL_NAMES.contains(&field.as_str()));
            let advice = || {
                format!("There is no column of labels: name one of the columns {}", LABEL_NAMES.join(", "))
            };
            named.with_context(advice).at(path)?
        } else {
            label_column(&rows, columns)
        };
        let mut table = Self { labels: vec![], pixels: vec![], per_image: columns - 1 };
        for (line, row) in rows {
            watch.go_on()?;
            let fields: Vec<&str> = row.split(',').map(str::trim).collect();
            if let Err(reason) = table.add(&fields, label_column) {
                let text = format!("Line {} was passed over, so correct it: {reason}", line + 1);
                notes.pass_over(Remark::new(text, path));
            }
        }
        let reason = || notes.nothing_left("its lines are empty").context("There is no image in the table");
        ensure!(!table.labels.is_empty(), reason());
        Ok(table)
    }

    /// Adds an image; says why where that is none.
    fn add(&mut self, fields: &[&str], label_column: usize) -> Result<(), String> {
        if fields.len() != self.columns() {
            return Err(format!("it has {} columns where {} are needed", fields.len(), self.columns()));
        }
        let before = self.pixels.len();
        for (column, field) in fields.iter().enumerate().filter(|(column, _)| *column != label_column) {
            let Some(number) = field.parse::<f32>().ok().filter(|number| number.is_finite()) else {
                self.pixels.truncate(before);
                return Err(format!("{field:?} in column {} is no pixel", column + 1));
            };
            self.pixels.push(number);
        }
        self.labels.push(fields[label_column].to_owned());
        Ok(())
    }

    fn columns(&self) -> usize {
        self.per_image + 1
    }

    fn part(&self, labels: &[usize]) -> Result<Part> {
        let (shape, pixels) = (square(self.per_image)?, greys(|| self.pixels.iter().copied()));
        Ok(Part { images: Images::Raw { shape, pixels }, labels: labels.to_vec() })
    }
}

/// Without a header the first column holds the labels, or the last: the corners of images hardly ever change.
fn label_column(rows: &[(usize, &str)], columns: usize) -> usize {
    let values = |column: usize| {
        rows.iter()
            .take(1000)
            .filter_map(|(_, row)| row.split(',').nth(column))
            .collect::<BTreeSet<_>>()
            .len()
    };
    if values(0) >= values(columns - 1) { 0 } else { columns - 1 }
}
