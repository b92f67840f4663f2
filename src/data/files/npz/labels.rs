//! Labels in arrays: numbers, texts, and rows of which one place is marked.
use super::array::{Array, Sort};
use crate::data::watch::Watch;
use anyhow::{Result, bail, ensure};

/// Larger numbers are not told apart by floating point.
const MOST: f64 = 1e15;

/// The label of each image as it would be written.
///
/// # Errors
/// Where it is none of the three, or an image has several.
pub fn read(array: &Array, watch: &Watch) -> Result<Vec<String>> {
    let is_row = array.shape.iter().filter(|length| **length != 1).count() <= 1;
    if matches!(array.kind.sort, Sort::Text { .. }) {
        ensure!(is_row, "holds texts of the shape {:?}: write one label for each image", array.shape);
        return array.texts(watch);
    }
    if is_row {
        let (mut labels, mut wrong) = (Vec::with_capacity(array.count), None);
        array.numbers(watch, |number| {
            if number.fract() != 0.0 || number.abs() > MOST {
                wrong.get_or_insert((labels.len(), number));
            }
            labels.push((number as i64).to_string());
        })?;
        if let Some((place, number)) = wrong {
            bail!("holds {number} as the label of image {place}: a class is a whole number or a text");
        }
        return Ok(labels);
    }
    let &[images, classes] = &array.shape[..] else {
        bail!("holds labels of the shape {:?}: write one label for each image", array.shape);
    };
    let mut numbers = Vec::with_capacity(array.count);
    array.numbers(watch, |number| numbers.push(number))?;
    let step = if array.is_by_columns { [1, images] } else { [classes, 1] };
    (0..images)
        .map(|image| marked(image, (0..classes).map(|class| numbers[image * step[0] + class * step[1]])))
        .collect()
}

/// The class that one number of a row marks, where all others are equal and smaller.
fn marked(image: usize, row: impl Iterator<Item = f64> + Clone) -> Result<String> {
    let least = row.clone().fold(f64::INFINITY, f64::min);
    let most = row.clone().fold(f64::NEG_INFINITY, f64::max);
    let others = row.clone().filter(|number| *number != least).count();
    match (others, row.clone().position(|number| number == most)) {
        (1, Some(class)) => Ok(class.to_string()),
        (0, _) => bail!("marks no class for image {image}: write the class of each image as a number"),
        _ => bail!(
            "marks {others} classes for image {image}: an image has one here, so write the one class of each image"
        ),
    }
}

/// Classes that are called by their numbers, with names for the first of them.
pub fn named(numbered: Vec<String>, names: Vec<String>) -> Vec<String> {
    let is_numbered = numbered.iter().enumerate().all(|(place, name)| *name == place.to_string());
    if !is_numbered || names.len() < numbered.len() {
        return numbered;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_class_is_marked_or_it_is_refused() {
        let marked = |row: &[f64]| marked(7, row.iter().copied()).map_err(|error| error.to_string());
        assert_eq!(marked(&[0.0, 0.0, 1.0]).unwrap(), "2");
        assert_eq!(marked(&[-1.0, 1.0]).unwrap(), "1");
        assert!(marked(&[1.0, 0.0, 1.0]).unwrap_err().contains("marks 2 classes for image 7"));
        assert!(marked(&[0.2, 0.5, 0.3]).unwrap_err().contains("marks 2 classes"));
        assert!(marked(&[0.0, 0.0]).unwrap_err().contains("marks no class for image 7"));
        // a column without an end of it marked
        assert!(marked(&[1.0, 1.0, 0.0]).is_err());
    }

    #[test]
    fn names_are_given_to_numbers_alone() {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(named(texts(&["0", "1"]), texts(&["cat", "dog", "fox"])), texts(&["cat", "dog", "fox"]));
        assert_eq!(named(texts(&["0", "1"]), texts(&["cat"])), texts(&["0", "1"]));
        assert_eq!(named(texts(&["ant", "bee"]), texts(&["cat", "dog"])), texts(&["ant", "bee"]));
    }
}
