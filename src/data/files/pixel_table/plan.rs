//! Which column of a table of pixels is what.
use super::super::{
    columns::{FILES, Header, LABELS},
    labels::{meant, one_hot},
    npz::square,
    parts::{self, PartName},
    pictures::is_picture,
    table::{Table, plain},
};
use anyhow::{Context as _, Result};
use csv::StringRecord;
use std::{collections::BTreeSet, path::Path};

/// Fewer numbers are no pixels.
const FEWEST: usize = 16;
/// Rows by which columns are told apart.
const SOME_ROWS: usize = 1000;
/// The column that holds all pixels of an image, separated by spaces.
const TEXT: [&str; 1] = ["pixel"];

/// What is in which column.
pub struct Plan {
    /// The first row has names of columns.
    pub is_header: bool,
    /// The number of columns.
    pub columns: usize,
    /// Of pixels.
    pub pixels: Pixels,
    label: Label,
    split: Option<usize>,
    /// What a person should know of the choice.
    pub remark: Option<String>,
}

/// Where the pixels of an image are.
pub enum Pixels {
    /// One in each of these columns.
    Columns(Vec<usize>),
    /// All in one column.
    Text(usize),
}

enum Label {
    Written(usize),
    /// A column of 0 and 1 for each class, and their names.
    Hot(Vec<usize>, Vec<String>),
}

impl Plan {
    /// Looks at the first rows of a table; EMNIST's have their labels first and no names.
    ///
    /// # Errors
    /// Where there are no rows, or no column of labels.
    pub fn of(table: &Table, is_emnist: bool) -> Result<Self> {
        let rows = table.first(SOME_ROWS);
        let names = rows.first().context("The table has no lines: choose another")?;
        let is_header = is_names(&rows);
        let rows = &rows[usize::from(is_header)..];
        let first = rows.first().context("The table has no lines: choose another")?;
        let header = Header::of(names);
        if !is_header || names.iter().all(|name| name.parse::<f32>().is_ok()) {
            return Ok(Self { is_header, ..Self::without_names(rows, first.len(), is_emnist) });
        }
        let split = header
            .splits()
            .into_iter()
            .find(|column| first.get(*column).is_some_and(|field| parts::named(field).is_some()));
        let (label, others) = label(&header, names, rows)?;
        let hot = match &label {
            Label::Written(column) => vec![*column],
            Label::Hot(columns, _) => columns.clone(),
        };
        let remark = (!others.is_empty()).then(|| {
            let others: Vec<&str> = others.iter().map(|column| names[*column].as_str()).collect();
            format!(
                "The labels are those of the column {}, and not those of {}",
                names[hot[0]],
                others.join(", ")
            )
        });
        let is_pixel = |column: &usize| {
            !hot.contains(column)
                && !others.contains(column)
                && split != Some(*column)
                && !header.is_index(*column)
        };
        let pixels = match header.find(&TEXT).filter(|_| names.len() <= FEWEST) {
            Some(column) => Pixels::Text(column),
            None => Pixels::Columns((0..names.len()).filter(is_pixel).collect()),
        };
        Ok(Self { is_header, columns: names.len(), pixels, label, split, remark })
    }

    /// Without names the first column has the labels, or the last: the corners of images hardly ever change. A column
    /// before them that only counts is none of pixels.
    fn without_names(rows: &[Vec<String>], columns: usize, is_emnist: bool) -> Self {
        let values =
            |column: usize| rows.iter().filter_map(|row| row.get(column)).collect::<BTreeSet<_>>().len();
        let counts = square(columns - 1).is_err() && square(columns.saturating_sub(2)).is_ok();
        let start = usize::from(counts && values(0) == rows.len());
        let label = if is_emnist || values(start) >= values(columns - 1) { start } else { columns - 1 };
        let pixels = Pixels::Columns((start..columns).filter(|column| *column != label).collect());
        Self { is_header: false, columns, pixels, label: Label::Written(label), split: None, remark: None }
    }

    /// The part that a row belongs to, where it says one.
    pub fn part(&self, row: &StringRecord) -> Option<PartName> {
        parts::named(row.get(self.split?)?)
    }

    /// The label of a row; none where the row is cut short.
    ///
    /// # Errors
    /// Where it has several labels, or the columns hold something else than 0 and 1.
    pub fn label(&self, row: &StringRecord) -> Result<Option<String>> {
        match &self.label {
            Label::Written(column) => Ok(row.get(*column).map(meant).filter(|label| !label.is_empty())),
            Label::Hot(columns, _) if columns.iter().any(|column| row.get(*column).is_none()) => Ok(None),
            Label::Hot(columns, names) => {
                let number = |column: &usize| row[*column].parse().unwrap_or(f32::NAN);
                let hot: Vec<f32> = columns.iter().map(number).collect();
                Ok(Some(names[one_hot([&hot[..]])?[0]].clone()))
            }
        }
    }
}

/// Whether the first row has names of columns: where most are words, one is a word above numbers or has a name of labels, or
/// they count, as pandas numbers columns.
fn is_names(rows: &[Vec<String>]) -> bool {
    let [first, others @ ..] = rows else { return false };
    let is_word = |field: &String| field.parse::<f32>().is_err();
    let words: Vec<usize> = (0..first.len()).filter(|column| is_word(&first[*column])).collect();
    let is_above =
        |column: &usize| others.first().and_then(|row| row.get(*column)).is_some_and(|field| !is_word(field));
    let counts = first.iter().enumerate().all(|(column, field)| field.parse() == Ok(column));
    counts
        || 2 * words.len() > first.len()
        || words.iter().any(is_above)
        || Header::of(first).find(&LABELS).is_some()
}

/// The column of labels, and others that might be.
fn label(header: &Header, names: &[String], rows: &[Vec<String>]) -> Result<(Label, Vec<usize>)> {
    let values =
        |column: &usize| rows.iter().filter_map(|row| row.get(*column)).collect::<BTreeSet<_>>().len();
    let named = header.all(&LABELS);
    if let Some(finest) = named.iter().rev().max_by_key(|column| values(column)).copied() {
        return Ok((Label::Written(finest), named.into_iter().filter(|column| *column != finest).collect()));
    }
    let class = |name: &str| {
        let name = plain(name);
        ["label", "class", "target"].iter().find_map(|known| Some(name.strip_prefix(known)?.to_owned()))
    };
    let hot: Vec<usize> = (0..names.len()).filter(|column| class(&names[*column]).is_some()).collect();
    let advice = "There is no column of labels: name one of the columns label, class, target, y";
    anyhow::ensure!(hot.len() > 1, advice);
    let classes = hot.iter().filter_map(|column| class(&names[*column])).collect();
    Ok((Label::Hot(hot, classes), vec![]))
}

/// Whether a table is one of pixels: at least 16 numbers a line, or a column of pixels, and no column of files.
pub fn is_of_pixels(table: &Table) -> bool {
    let rows = table.first(2);
    let Some(names) = rows.first() else { return false };
    let first = rows.get(1).unwrap_or(names);
    let header = Header::of(names);
    if header.find(&TEXT).is_some() && names.len() <= FEWEST {
        return true;
    }
    let is_word = |field: &String| field.parse::<f32>().is_err();
    let names_a_file = |column: usize| first.get(column).is_some_and(is_word);
    let is_of_files = header.find(&FILES).is_some_and(names_a_file)
        || first.iter().any(|field| is_picture(Path::new(field)));
    let numbers = first.iter().filter(|field| !is_word(field)).count();
    // between spaces stand outlines of objects, and prose
    let is_wide = names.len() > FEWEST && table.separated_by() != "spaces";
    !is_of_files && is_wide && (numbers >= FEWEST || rows.len() < 2)
}
