//! Labels in arrays: numbers, texts, and rows of which one place is marked.
use super::array::{Array, Sort};
use crate::data::{files::labels::one_hot, watch::Watch};
use anyhow::{Result, bail, ensure};

/// Larger numbers are not told apart by floating point.
const MOST: f64 = 1e15;

/// The label of each image as it would be written; rows of one 1 and else 0 are the places of the 1.
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
    let mut numbers = vec![0.0; array.count];
    let mut place = 0;
    array.numbers(watch, |number| {
        let at = if array.is_by_columns { place % images * classes + place / images } else { place };
        numbers[at] = number as f32;
        place += 1;
    })?;
    let labels = one_hot(numbers.chunks_exact(classes))?;
    Ok(labels.into_iter().map(|label| label.to_string()).collect())
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
    fn names_are_given_to_numbers_alone() {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(named(texts(&["0", "1"]), texts(&["cat", "dog", "fox"])), texts(&["cat", "dog", "fox"]));
        assert_eq!(named(texts(&["0", "1"]), texts(&["cat"])), texts(&["0", "1"]));
        assert_eq!(named(texts(&["ant", "bee"]), texts(&["cat", "dog"])), texts(&["ant", "bee"]));
    }
}
