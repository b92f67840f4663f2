//! Which column of a table of pictures is what.
use super::super::{
    columns::{Bounds, FILES, Header, LABELS},
    labels::{self, meant},
    parts::{self, PartName},
    pictures::is_picture as has_ending,
    table::Table,
};
use crate::data::watch::Watch;
use anyhow::{Context as _, Result, bail, ensure};
use csv::StringRecord;
use std::{collections::HashSet, path::Path};

/// Rows by which the column of files is told.
const SOME_ROWS: usize = 50;
/// Distinct values of a column that are counted.
const MOST_VALUES: usize = 100_000;

/// What is in which column.
pub struct Plan {
    /// The first row has names of columns.
    pub is_header: bool,
    /// Fewer columns are an incomplete row.
    pub columns: usize,
    /// Of files.
    pub file: usize,
    label: Label,
    split: Option<usize>,
    bounds: Option<Bounds>,
    size: Option<[usize; 2]>,
    /// What a person should know of the choice.
    pub remark: Option<String>,
}

enum Label {
    Written(usize),
    /// A column of 0 and 1 for each class, and their names.
    Hot(Vec<usize>, Vec<String>),
}

/// What a row says of its picture.
pub struct Said {
    /// As it is written; empty where there is none.
    pub label: String,
    /// The part that the row belongs to, where it says one.
    pub part: Option<PartName>,
    /// Left, top, width and height in pixels; an error says why that cannot be known.
    pub bounds: Option<Result<[f64; 4]>>,
}

/// What is found in a column.
#[derive(Default)]
struct Column {
    values: HashSet<String>,
    is_binary: bool,
    is_fraction: bool,
    is_number: bool,
}

impl Plan {
    /// Looks at all rows; `is_picture` says whether a field names a picture that is there.
    ///
    /// # Errors
    /// Where there is no column of files or of labels, or labels are of several classes at once.
    pub fn of(table: &Table, is_picture: impl Fn(&str) -> bool, watch: &Watch) -> Result<Self> {
        let first = table.first(SOME_ROWS);
        let names = first.first().context("The table is empty: choose another")?.clone();
        let header = Header::of(&names);
        let has_names = header.find(&FILES).is_some() && header.find(&LABELS).is_some();
        let is_header =
            has_names || !names.iter().any(|field| is_picture(field)) && !has_numbers_of_a_box(&names);
        let header = if is_header { header } else { Header::default() };
        let file = file_column(&first, &header, is_picture).or(header.find(&FILES));
        let file = file.context("The table has no column of files: name one of its columns file")?;
        let columns = survey(table, names.len(), is_header, watch)?;
        let is_split = |column: &usize| {
            *column != file && columns[*column].values.iter().any(|value| parts::named(value).is_some())
        };
        let split = header.splits().into_iter().find(is_split);
        let bounds = if is_header { header.bounds() } else { boxes(&columns, file) };
        let size = header.size().filter(|_| bounds.is_some());
        let taken: Vec<usize> = [file]
            .into_iter()
            .chain(split)
            .chain(bounds.into_iter().flat_map(Bounds::columns))
            .chain(size.into_iter().flatten())
            .collect();
        let free: Vec<usize> = (0..names.len()).filter(|column| !taken.contains(column)).collect();
        let (label, remark) = label(&header, is_header, &names, &columns, &free)?;
        let plan = Self { is_header, columns: 0, file, label, split, bounds, size, remark };
        plan.checked(table)
    }

    /// Makes sure that columns of 0 and 1 are labels of one class each.
    fn checked(mut self, table: &Table) -> Result<Self> {
        let own = [self.file]
            .into_iter()
            .chain(self.split)
            .chain(self.bounds.into_iter().flat_map(Bounds::columns));
        let hot = match &self.label {
            Label::Written(column) => std::slice::from_ref(column),
            Label::Hot(columns, _) => columns,
        };
        self.columns = own.chain(hot.iter().copied()).max().map_or(0, |last| last + 1);
        if let Label::Hot(hot, names) = &self.label {
            let (mut rows, mut is_first) = (vec![], self.is_header);
            table.each(|_, row| {
                if !std::mem::take(&mut is_first) && row.len() >= self.columns {
                    rows.push(numbers(row, hot));
                }
                Ok(())
            })?;
            let shown = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
            labels::one_hot(rows.iter().map(|row| &row[..])).with_context(|| {
                format!("The columns {shown}{} hold 0 and 1", if names.len() > 3 { ", …" } else { "" })
            })?;
        }
        Ok(self)
    }

    /// What a row says, in a table of the part `table`.
    pub fn row(&self, row: &StringRecord, table: Option<PartName>) -> Said {
        let field = |column: usize| row.get(column).unwrap_or_default();
        let label = match &self.label {
            Label::Written(column) => meant(field(*column)),
            Label::Hot(columns, names) => {
                let hot = numbers(row, columns).iter().position(|number| *number == 1.0);
                hot.map_or(String::new(), |hot| names[hot].clone())
            }
        };
        let part = self.split.and_then(|column| parts::named(field(column))).or(table);
        let bounds = self.bounds.map(|bounds| self.measured(bounds, &field));
        Said { label, part, bounds }
    }

    fn measured<'a>(&self, bounds: Bounds, field: &impl Fn(usize) -> &'a str) -> Result<[f64; 4]> {
        let number = |column: usize| -> Result<f64> {
            let written = field(column);
            let number = written.parse::<f64>().ok().filter(|number| number.is_finite());
            number.with_context(|| format!("a box has {written:?} as a number"))
        };
        let mut four = [0.0; 4];
        for (place, column) in bounds.columns().into_iter().enumerate() {
            four[place] = number(column)?;
        }
        let measured = bounds.measured(four);
        let is_share = four.iter().all(|number| (0.0..=1.0).contains(number));
        if !is_share {
            return Ok(measured);
        }
        let size = self
            .size
            .context("boxes are shares of the photograph: add columns width and height in pixels")?;
        let [width, height] = [number(size[0])?, number(size[1])?];
        let [left, top, wide, high] = measured;
        Ok([left * width, top * height, wide * width, high * height])
    }
}

/// The column in whose rows most pictures are named that are there. Names without an ending count only in a column that is
/// called one of files, as labels are often numbers, too.
fn file_column(rows: &[Vec<String>], header: &Header, is_picture: impl Fn(&str) -> bool) -> Option<usize> {
    let (named, files, labels) = (header.find(&FILES), header.all(&FILES), header.all(&LABELS));
    let count = |column: usize| {
        let is_name = |field: &&String| files.contains(&column) || has_ending(Path::new(field));
        rows.iter()
            .filter_map(|row| row.get(column))
            .filter(is_name)
            .filter(|field| is_picture(field))
            .count()
    };
    let columns =
        (0..rows.first()?.len()).filter(|column| files.contains(column) || !labels.contains(column));
    let counted = columns.map(|column| (count(column), column)).filter(|(count, _)| *count > 0);
    // of as many, the first
    let best =
        |(count, column): &(usize, usize)| (named == Some(*column), *count, std::cmp::Reverse(*column));
    counted.max_by_key(best).map(|(_, column)| column)
}

fn numbers(row: &StringRecord, columns: &[usize]) -> Vec<f32> {
    columns
        .iter()
        .map(|column| row.get(*column).and_then(|field| field.parse().ok()).unwrap_or(f32::NAN))
        .collect()
}

/// What is in each column.
fn survey(table: &Table, columns: usize, is_header: bool, watch: &Watch) -> Result<Vec<Column>> {
    let fresh = || Column { is_binary: true, is_number: true, ..Column::default() };
    let mut found: Vec<Column> = (0..columns).map(|_| fresh()).collect();
    let mut is_first = is_header;
    table.each(|_, row| {
        watch.go_on()?;
        if std::mem::take(&mut is_first) {
            return Ok(());
        }
        for (column, field) in found.iter_mut().zip(row.iter()).filter(|(_, field)| !field.is_empty()) {
            let number = field.parse::<f32>().ok();
            column.is_number &= number.is_some();
            column.is_binary &= number.is_some_and(|number| number == 0.0 || number == 1.0);
            column.is_fraction |= number.is_some_and(|number| number.fract() != 0.0);
            if column.values.len() < MOST_VALUES && !column.values.contains(field) {
                column.values.insert(field.into());
            }
        }
        Ok(())
    })?;
    Ok(found)
}

/// The column of labels among those that are free, and a remark where there was a choice.
fn label(
    header: &Header,
    is_header: bool,
    names: &[String],
    columns: &[Column],
    free: &[usize],
) -> Result<(Label, Option<String>)> {
    let mut named = header.all(&LABELS);
    named.retain(|column| free.contains(column) && !columns[*column].values.is_empty());
    // of as many classes, names before numbers, then the first
    let finest = named
        .iter()
        .rev()
        .max_by_key(|column| (columns[**column].values.len(), !columns[**column].is_number));
    if let Some(finest) = finest {
        let others: Vec<&str> =
            named.iter().filter(|column| *column != finest).map(|column| names[*column].as_str()).collect();
        let remark = (!others.is_empty()).then(|| {
            format!(
                "The labels are those of the column {}, which has the most classes, and not those of {}",
                names[*finest],
                others.join(", ")
            )
        });
        return Ok((Label::Written(*finest), remark));
    }
    let is_label = |column: &usize| {
        let is_index = is_header && header.is_index(*column);
        !is_index && !columns[*column].is_fraction && !columns[*column].values.is_empty()
    };
    let rest: Vec<usize> = free.iter().copied().filter(is_label).collect();
    let is_hot = is_header && rest.len() > 1 && rest.iter().all(|column| columns[*column].is_binary);
    match rest[..] {
        [only] => Ok((Label::Written(only), None)),
        _ if is_hot => {
            let classes = rest.iter().map(|column| names[*column].clone()).collect();
            Ok((Label::Hot(rest, classes), None))
        }
        [] => bail!("The table has no column of labels: add one named label"),
        _ => {
            ensure!(
                is_header,
                "The table has several columns that may be labels: write a first line with the names file and label"
            );
            let shown: Vec<&str> = rest.iter().take(4).map(|column| names[*column].as_str()).collect();
            bail!(
                "The table has several columns that may be labels, such as {}: name one of them label",
                shown.join(", ")
            )
        }
    }
}

/// Whether a first row is of data: a file, four numbers and a class, as RetinaNet's tables have it.
fn has_numbers_of_a_box(row: &[String]) -> bool {
    row.len() == 6 && row[1..5].iter().all(|field| field.parse::<f64>().is_ok())
}

/// The columns of boxes in a table without names.
fn boxes(columns: &[Column], file: usize) -> Option<Bounds> {
    let is_box = columns.len() == 6 && file == 0 && columns[1..5].iter().all(|column| column.is_number);
    is_box.then_some(Bounds::Corners([1, 2, 3, 4]))
}
