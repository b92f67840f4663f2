//! Tables as text: their separator, whether they have a line of names, and their rows.
use super::{
    entries,
    parts::{self, PartName},
    text,
};
use crate::{
    data::{Notes, watch::Watch},
    errors::At as _,
};
use anyhow::{Result, anyhow, ensure};
use csv::StringRecord;
use std::path::{Path, PathBuf};

/// What columns are separated by, the likeliest first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Longer lines are no rows.
const MAX_LINE: usize = 16 << 20;
/// Fields of the first rows that are kept.
const MOST_FIELDS: usize = 1 << 20;
/// The most tables of a folder that are looked at.
const MOST_TABLES: usize = 24;
/// Endings of tables.
const ENDINGS: [&str; 5] = ["csv", "tsv", "tab", "txt", "data"];

/// A table: a text, and how it is split into columns.
pub struct Table {
    text: String,
    separator: u8,
    /// Where the table begins in the text.
    start: usize,
}

impl Table {
    /// All of a table.
    ///
    /// # Errors
    /// Where the file cannot be read, or is no text.
    pub fn read(path: &Path, watch: &Watch) -> Result<Self> {
        let text = text::read(path, watch)?;
        let longest = text.lines().map(str::len).max().unwrap_or_default();
        ensure!(
            longest <= MAX_LINE,
            anyhow!("A line of the table is longer than {} MiB: it is no table", MAX_LINE >> 20).at(path)
        );
        Ok(Self::of(text))
    }

    /// The beginning of a table; none where the file is no text, or has no ending of one.
    pub fn beginning(path: &Path) -> Option<Self> {
        is_table(path).then(|| text::first_lines(path).map(Self::of))?
    }

    fn of(text: String) -> Self {
        // Excel's own first line names the separator: "sep=;"
        let named = text.strip_prefix("sep=").and_then(|rest| rest.bytes().next());
        let start = if named.is_some() { text.find('\n').map_or(text.len(), |end| end + 1) } else { 0 };
        let first = text[start..].lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let separator = named.unwrap_or_else(|| separator(first));
        Self { text, separator, start }
    }

    /// Bytes of its text.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// What separates its columns, in words.
    pub fn separated_by(&self) -> &'static str {
        match self.separator {
            b';' => "semicolons",
            b'\t' => "tabs",
            b'|' => "bars",
            b' ' => "spaces",
            _ => "commas",
        }
    }

    /// Shows each row, the first one too, with the number of its line, counted from 1. Blank lines are none.
    ///
    /// # Errors
    /// What `see` says, and then no further row is shown.
    pub fn each(&self, mut see: impl FnMut(usize, &StringRecord) -> Result<()>) -> Result<()> {
        let before = self.text[..self.start].lines().count();
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .has_headers(false)
            .delimiter(self.separator)
            .trim(csv::Trim::All)
            .from_reader(&self.text.as_bytes()[self.start..]);
        let mut row = StringRecord::new();
        while reader.read_record(&mut row)? {
            let line = row.position().map_or(0, csv::Position::line) as usize + before;
            if row.iter().any(|field| !field.is_empty()) {
                see(line, &row)?;
            }
        }
        Ok(())
    }

    /// The first rows, `most` at most, and fewer where they are very wide.
    pub fn first(&self, most: usize) -> Vec<Vec<String>> {
        let (mut rows, mut fields) = (vec![], 0);
        let _enough = self.each(|_, row| {
            ensure!(rows.len() < most && (fields < MOST_FIELDS || rows.len() < 2), "there are enough");
            fields += row.len();
            rows.push(row.iter().map(Into::into).collect());
            Ok(())
        });
        rows
    }
}

/// The tables that are read, and the part that each one's name says, the training part first.
pub fn chosen(tables: Vec<PathBuf>, root: &Path, notes: &mut Notes) -> Vec<(PathBuf, Option<PartName>)> {
    let mut named: Vec<_> = tables
        .into_iter()
        .map(|path| (parts::of(&path, root), path))
        .map(|(part, path)| (path, part))
        .collect();
    if let [(_, part)] = &mut named[..] {
        // by itself it is all there is
        *part = None;
    }
    let trains = named.iter().any(|(_, part)| *part == Some(PartName::Train));
    let mut others = 0;
    named.retain(|(path, part)| {
        let is_kept = if trains { part.is_some() } else { others == 0 };
        others += 1;
        if !is_kept {
            notes.leave_out("another table is read, whose name says more", path);
        }
        is_kept
    });
    if !trains {
        named.iter_mut().for_each(|(_, part)| *part = None);
    }
    named.sort_by_key(|(_, part)| *part);
    named
}

/// The files that may be tables in a folder, or the path itself: a folder may hold a text for each picture, so not all.
pub fn candidates(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_path_buf()];
    }
    let is_text = |path: &PathBuf| super::name(path).ends_with(".txt");
    let mut found: Vec<PathBuf> = entries(path).into_iter().filter(|path| is_table(path)).collect();
    found.sort_by_key(is_text);
    found.truncate(MOST_TABLES);
    found
}

/// Whether a file may be a table, by the ending of its name; packed with gzip or not.
pub fn is_table(path: &Path) -> bool {
    let name = super::name(path);
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending)) && path.is_file()
}

/// What most columns of a line are separated by, outside quotes; spaces where there is nothing else.
fn separator(line: &str) -> u8 {
    let (mut counts, mut is_quoted) = ([0usize; SEPARATORS.len()], false);
    for byte in line.bytes() {
        is_quoted ^= byte == b'"';
        if let Some(at) = SEPARATORS.iter().position(|known| *known == byte).filter(|_| !is_quoted) {
            counts[at] += 1;
        }
    }
    // of as many, the first
    let best = (0..counts.len()).rev().max_by_key(|at| counts[*at]).filter(|at| counts[*at] > 0);
    let otherwise = if line.contains(' ') { b' ' } else { b',' };
    best.map_or(otherwise, |at| SEPARATORS[at])
}

/// The name of a column in plain letters: "Image ID", "image_id" and "ImageId" are "imageid".
pub fn plain(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Vec<String>> {
        Table::of(text.into()).first(usize::MAX)
    }

    #[test]
    fn separators_and_quotes_are_found() {
        let expected =
            [["file", "label"], ["a b.png", "cat, grey"]].map(|row| row.map(String::from).to_vec());
        for text in [
            "file,label\na b.png,\"cat, grey\"\n",
            "file;label\r\na b.png;cat, grey\r\n",
            "file\tlabel\n\na b.png\tcat, grey",
            "\"file\"|\"label\"\n\"a b.png\"|\"cat, grey\"\n",
            "sep=;\nfile;label\na b.png;cat, grey\n",
        ] {
            assert_eq!(rows(text), expected, "{text}");
        }
        assert_eq!(rows("img/1.jpg 3\n"), [["img/1.jpg", "3"]]);
        assert_eq!(rows("\"a;b;c\",d\n"), [["a;b;c", "d"]]);
        assert!(rows("").is_empty());
        let mut numbers = vec![];
        let see = |line, _: &StringRecord| {
            numbers.push(line);
            Ok(())
        };
        Table::of("sep=,\na,b\nc,d\n".into()).each(see).unwrap();
        assert_eq!(numbers, [2, 3]);
    }

    #[test]
    fn names_of_columns_are_compared_by_their_letters() {
        for name in ["Image ID", "image_id", "ImageId", "image-id"] {
            assert_eq!(plain(name), "imageid");
        }
    }
}
