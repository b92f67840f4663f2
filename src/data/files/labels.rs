//! Labels as people write them, and the classes that they mean.
use crate::data::numbered;
use anyhow::{Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use unicode_normalization_alignments::UnicodeNormalization as _;

/// Numbers below this are labels as they are, so that the same digit is the same class in every part.
const MAX_NUMBERED: u64 = 1 << 10;
/// The most classes that a remark names.
const NAMED: usize = 3;

/// A label without what is no part of its meaning: spaces around it go, an accent is one sign with its letter (NFC), and a
/// whole number is written as one, so that "3.0" is "3".
pub fn meant(written: &str) -> String {
    let text = written.trim();
    match whole(text) {
        Some(number) => number.to_string(),
        None => composed(text),
    }
}

/// A text in which every accent is one sign with its letter (NFC), as macOS does not write it in the names of files.
pub fn composed(text: &str) -> String {
    if text.is_ascii() { text.into() } else { text.nfc().map(|(letter, _)| letter).collect() }
}

/// The whole number that a label is, such as `7`, `7.0` or `7e0`.
fn whole(text: &str) -> Option<i64> {
    // numbers have no other letters: "inf" and "NaN" are words
    if !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) {
        return None;
    }
    let is_exact = |number: &f64| number.fract() == 0.0 && number.abs() < 9e15;
    text.parse().ok().or_else(|| text.parse::<f64>().ok().filter(is_exact).map(|number| number as i64))
}

/// Class names out of labels as they are written, in order, and each label's place among them.
///
/// Whole numbers from 0 to 1,023 are their own places, whether all of them occur or not, so that they fit a list of names
/// that goes with them. Other numbers are in order of their size, and all other labels in alphabetical order.
pub fn named_classes(written: &[String]) -> (Vec<String>, Vec<usize>) {
    let labels: Vec<String> = written.iter().map(|label| meant(label)).collect();
    let numbers: Option<Vec<u64>> = labels.iter().map(|label| label.parse().ok()).collect();
    if let Some(numbers) = numbers.filter(|numbers| numbers.iter().all(|label| *label < MAX_NUMBERED)) {
        let classes = numbers.iter().max().map_or(0, |most| *most as usize + 1);
        return (numbered(classes), numbers.into_iter().map(|label| label as usize).collect());
    }
    in_order(&labels)
}

/// As [`named_classes`], for labels that stand for nothing but themselves: where most numbers up to the largest do not
/// occur, as with 90, 180 and 270, only those that do are classes.
pub fn own_classes(written: &[String]) -> (Vec<String>, Vec<usize>) {
    let labels: Vec<String> = written.iter().map(|label| meant(label)).collect();
    let numbers: Option<BTreeSet<u64>> = labels.iter().map(|label| label.parse().ok()).collect();
    let is_sparse = |numbers: &BTreeSet<u64>| {
        numbers.last().is_some_and(|most| 2 * (numbers.len() as u64) < most.saturating_add(1))
    };
    if numbers.as_ref().is_some_and(is_sparse) { in_order(&labels) } else { named_classes(&labels) }
}

/// The labels that occur, numbers first, and each label's place among them.
fn in_order(labels: &[String]) -> (Vec<String>, Vec<usize>) {
    let mut names: Vec<&String> = labels.iter().collect::<BTreeSet<_>>().into_iter().collect();
    names.sort_by_key(|name| (name.parse::<i64>().unwrap_or(i64::MAX), *name));
    let places: HashMap<&String, usize> =
        names.iter().enumerate().map(|(place, name)| (*name, place)).collect();
    let found = labels.iter().map(|label| places[label]).collect();
    (names.into_iter().cloned().collect(), found)
}

/// The label of each row of zeros and a single one.
///
/// # Errors
/// Where a row has several ones, so that its image is of several classes at once, has none, or holds another number.
pub fn one_hot<'a>(rows: impl IntoIterator<Item = &'a [f32]>) -> Result<Vec<usize>> {
    let label = |(row, numbers): (usize, &[f32])| {
        let other = numbers.iter().find(|number| **number != 0.0 && **number != 1.0);
        if let Some(other) = other {
            bail!("Row {row} of the labels holds {other}, where one-hot labels hold 0 and 1");
        }
        let mut ones = numbers.iter().enumerate().filter(|(_, number)| **number == 1.0);
        let Some((label, _)) = ones.next() else {
            bail!("Row {row} of the labels holds no 1: its image is of no class, so leave it out");
        };
        ensure!(
            ones.next().is_none(),
            "Row {row} of the labels holds several ones: its image is of several classes at once, and a classifier learns one for each image. Write one label an image"
        );
        Ok(label)
    };
    rows.into_iter().enumerate().map(label).collect()
}

/// What a person should know of the names of classes.
pub fn remarks(names: &[String]) -> Vec<String> {
    let mut alike: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in names {
        alike.entry(name.to_lowercase()).or_default().push(name);
    }
    let (mut cases, mut copies) = (vec![], vec![]);
    for mut group in alike.into_values().filter(|group| group.len() > 1) {
        let count = group.len();
        group.sort_unstable();
        group.dedup();
        match group[..] {
            [name] => copies.push(format!("{count} of {name:?}")),
            _ => cases.push(format!("{group:?}").trim_matches(['[', ']']).replace(", ", " and ")),
        }
    }
    let cases = some_of(&cases).map(|groups| {
        format!("Classes whose names differ only in capital letters are kept apart: {groups}. Rename them if they are the same")
    });
    let copies = some_of(&copies)
        .map(|groups| format!("Classes of the same name are kept apart by their labels: {groups}"));
    cases.into_iter().chain(copies).collect()
}

/// The first of some groups in words, and how many more there are; nothing where there are none.
fn some_of(groups: &[String]) -> Option<String> {
    let shown = groups.get(..groups.len().min(NAMED)).filter(|shown| !shown.is_empty())?.join("; ");
    let more = groups.len().saturating_sub(NAMED);
    Some(if more > 0 { format!("{shown}, and {more} more") } else { shown })
}

/// A remark on classes without a training image.
pub fn empty(names: &[String], counts: &[usize]) -> Option<String> {
    let empty: Vec<&String> =
        names.iter().zip(counts).filter(|(_, count)| **count == 0).map(|(name, _)| name).collect();
    match empty[..] {
        [] => None,
        [one] => Some(format!("The class {one:?} has no training image")),
        _ => {
            let shown: Vec<String> = empty.iter().take(NAMED).map(|name| format!("{name:?}")).collect();
            let such = if empty.len() > NAMED { "such as " } else { "" };
            Some(format!(
                "{} of {} classes have no training image, {such}{}",
                empty.len(),
                names.len(),
                shown.join(", ")
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn labels_that_mean_the_same_are_one_class() {
        let (names, places) = named_classes(&texts(&["cat", " cat ", "ant", "cat\r"]));
        assert_eq!((names, places), (texts(&["ant", "cat"]), vec![1, 1, 0, 1]));
        // "é" as one sign, and as e with an accent
        let (names, places) = named_classes(&texts(&["caf\u{e9}", "cafe\u{301}", "tea"]));
        assert_eq!((names, places), (texts(&["caf\u{e9}", "tea"]), vec![0, 0, 1]));
        // a syllable of Hangul, and its parts as macOS writes them
        assert_eq!(meant("\u{1100}\u{1161}"), "\u{ac00}");
        let (names, places) = named_classes(&texts(&["3", "0.0", "3.0", "3e0"]));
        assert_eq!((names.len(), places), (4, vec![3, 0, 3, 3]));
        assert_eq!(named_classes(&texts(&["Cat", "cat"])).0, ["Cat", "cat"]);
    }

    #[test]
    fn numbers_keep_their_order_and_words_theirs() {
        assert_eq!(named_classes(&texts(&["3", "0"])), (numbered(4), vec![3, 0]));
        let (names, places) = named_classes(&texts(&["10000", "9000", "-1"]));
        assert_eq!((names, places), (texts(&["-1", "9000", "10000"]), vec![2, 1, 0]));
        assert_eq!(named_classes(&texts(&["1.5", "nan", "inf"])).0, ["1.5", "inf", "nan"]);
        let (names, places) = own_classes(&texts(&["270", "90", "180", "90"]));
        assert_eq!((names, places), (texts(&["90", "180", "270"]), vec![2, 0, 1, 0]));
        assert_eq!(own_classes(&texts(&["1", "2", "3"])).1, [1, 2, 3]);
        assert_eq!(own_classes(&[]), (vec![], vec![]));
    }

    #[test]
    fn one_hot_rows_are_told_from_others() {
        let rows =
            |rows: &[[f32; 3]]| one_hot(rows.iter().map(|row| &row[..])).map_err(|error| error.to_string());
        assert_eq!(rows(&[[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]), Ok(vec![1, 0]));
        assert!(
            rows(&[[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
                .unwrap_err()
                .contains("Row 1 of the labels holds several ones")
        );
        assert!(rows(&[[0.0; 3]]).unwrap_err().contains("holds no 1"));
        assert!(rows(&[[0.2, 0.8, 0.0]]).unwrap_err().contains("holds 0.2"));
        assert!(rows(&[[f32::NAN, 1.0, 0.0]]).unwrap_err().contains("NaN"));
    }

    #[test]
    fn what_is_odd_about_classes_is_said_once() {
        assert!(remarks(&texts(&["a", "b"])).is_empty());
        let said = remarks(&texts(&["Cat", "cat", "dog"])).concat();
        assert!(said.contains("\"Cat\" and \"cat\". Rename"), "{said}");
        let copies = remarks(&texts(&["a", "b", "a", "a"]));
        assert_eq!(copies, ["Classes of the same name are kept apart by their labels: 3 of \"a\""]);
        assert_eq!(empty(&numbered(2), &[1, 1]), None);
        assert_eq!(empty(&numbered(2), &[1, 0]).unwrap(), "The class \"1\" has no training image");
        let said = empty(&numbered(50), &[&[1; 10][..], &[0; 40]].concat()).unwrap();
        assert_eq!(said, "40 of 50 classes have no training image, such as \"10\", \"11\", \"12\"");
    }
}
