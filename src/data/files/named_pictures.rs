//! Pictures in one folder whose names say their classes, as Kaggle's cats and dogs are kept: `cat.0.jpg`, `dog_12.png`.
use super::{Contents, Format, Images, Part, PictureFile, labels, loose_pictures};
use crate::{
    data::watch::Watch,
    spec::{Choice, ComponentInfo},
};
use anyhow::{Context as _, Result};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "named_pictures",
        label: "Pictures named after their class",
        help: "Pictures in one folder, each named by the words of its class and a number: cat.0.jpg, dog_12.png.",
        params: &[],
    },
    recognises: |path| path.is_dir() && classes(&loose_pictures(path)).is_some(),
    read,
};

/// Fewer pictures are no class, but a name.
const FEWEST: usize = 2;

fn read(path: &Path, _: &Choice, watch: &Watch) -> Result<Contents> {
    let pictures = loose_pictures(path);
    watch.go_on()?;
    classes(&pictures).context("The names of the pictures say no classes")?;
    let written: Vec<String> = pictures.iter().filter_map(|picture| class(picture)).collect();
    let (class_names, labels) = labels::named_classes(&written);
    let mut contents = Contents { class_names, ..Contents::default() };
    contents.notes.remarks.push(
        "The class of each picture is what stands before the number in its name, as cat in cat.0.jpg. If that is not meant, put the pictures of each class into a folder named after it".into(),
    );
    let pictures = pictures.into_iter().map(|path| PictureFile { path, crop: None }).collect();
    contents.train = Part { images: Images::Pictures(pictures), labels };
    Ok(contents)
}

/// The classes that the names of pictures say: none unless each is named by words, a mark and a number, and there are at
/// least two classes of at least two pictures each.
pub fn classes(pictures: &[PathBuf]) -> Option<Vec<String>> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for picture in pictures {
        *counts.entry(class(picture)?).or_default() += 1;
    }
    let are_classes = counts.len() >= 2 && counts.values().all(|count| *count >= FEWEST);
    are_classes.then(|| counts.into_keys().collect())
}

/// What stands before the number of a name such as `cat.0.jpg`, `Abyssinian_12.jpg` or `dog (3).png`.
fn class(picture: &Path) -> Option<String> {
    let name = picture.file_stem()?.to_str()?.trim_end_matches(')');
    let words = name.trim_end_matches(|sign: char| sign.is_ascii_digit());
    let class = words.trim_end_matches(|sign: char| "._- (#".contains(sign));
    let has_number = words.len() < name.len();
    let has_mark = class.len() < words.len();
    let is_word = class.chars().any(char::is_alphabetic);
    (has_number && has_mark && is_word).then(|| labels::composed(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Option<Vec<String>> {
        classes(&names.iter().map(PathBuf::from).collect::<Vec<_>>())
    }

    #[test]
    fn words_before_a_number_are_classes() {
        let pets = ["cat.0.jpg", "cat.1.jpg", "great_dane_1.jpg", "great_dane_2.jpg"];
        assert_eq!(of(&pets).unwrap(), ["cat", "great_dane"]);
        assert_eq!(of(&["a (1).png", "a (2).png", "b-1.png", "b-02.png"]).unwrap(), ["a", "b"]);
    }

    #[test]
    fn names_that_count_or_that_are_unlike_say_no_class() {
        assert_eq!(of(&[]), None);
        // of one kind
        assert_eq!(of(&["IMG_1.jpg", "IMG_2.jpg", "IMG_3.jpg"]), None);
        // a name of its own is no class
        assert_eq!(of(&["cat_1.png", "cat_2.png", "holiday_1.png"]), None);
        assert_eq!(of(&["cat_1.png", "cat_2.png", "dog_1.png", "dog_2.png", "cover.png"]), None);
        assert_eq!(of(&["1.png", "2.png", "3.png", "4.png"]), None);
        assert_eq!(of(&["cat1.png", "cat2.png", "dog1.png", "dog2.png"]), None);
    }
}
