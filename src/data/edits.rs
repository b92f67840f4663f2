//! The user's corrections of a data set: other labels, images left out. They name an image by its part, its
//! pixels and its class, so that they still mean it when files are added or reordered; the data itself stays as it is.
use super::{Dataset, Examples, Targets};
use crate::spec::{Edit, Edits};
use anyhow::{Result, ensure};
use rayon::prelude::*;

/// What edits call an image: `train-0f3a…` or `test-0f3a…`. Identical images of one class and part have the same key.
pub fn key(pixels: &[u8], class_name: &str, is_test: bool) -> String {
    let hash = content_hash(pixels.iter().chain(class_name.as_bytes()));
    format!("{}-{hash:016x}", if is_test { "test" } else { "train" })
}

/// FNV-1a (Fowler, Noll, Vo) of some bytes.
pub fn content_hash<'a>(bytes: impl Iterator<Item = &'a u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A part of a data set with edits applied to its labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edited {
    /// Places of the images that stay, in order.
    pub kept: Vec<usize>,
    /// The labels of all images, those left out included.
    pub labels: Vec<u16>,
    /// Edits that met an image.
    pub found: usize,
}

impl Edited {
    /// A part that nobody has corrected.
    pub fn of(part: &Examples) -> Self {
        Self { kept: (0..part.len()).collect(), labels: part.labels().to_vec(), found: 0 }
    }
}

impl Examples {
    /// The images that edits leave, with the labels that these give them.
    fn corrected(&self, edited: &Edited) -> Self {
        Self { inputs: self.inputs.subset(&edited.kept), ..self.corrected_labels(edited) }
    }

    /// As they are corrected, without the images themselves: all that a split needs.
    pub fn corrected_labels(&self, edited: &Edited) -> Self {
        let labels = edited.kept.iter().map(|place| edited.labels[*place]).collect();
        let as_read = Some(self.as_read().left(&edited.kept));
        Self { targets: Targets::Classes(labels), as_read, ..Self::default() }
    }
}

impl Dataset {
    /// What edits call each training and each test image, in order.
    ///
    /// # Errors
    /// Where an image cannot be read any more.
    pub fn keys(&self) -> Result<[Vec<String>; 2]> {
        let part = |part: &Examples, is_test: bool| {
            let key = |image: usize| -> Result<String> {
                let class = &self.info.class_names[usize::from(part.labels()[image])];
                Ok(key(&part.image(image)?, class, is_test))
            };
            (0..part.len()).into_par_iter().map(key).collect::<Result<Vec<_>>>()
        };
        Ok([part(&self.train, false)?, part(&self.test, true)?])
    }

    /// What edits make of the training and the test part, whose images have `keys`.
    pub fn apply(&self, edits: &Edits, keys: &[Vec<String>; 2]) -> [Edited; 2] {
        let class = |name: &str| self.info.class_names.iter().position(|class| class == name);
        let part = |part: &Examples, keys: &[String]| {
            let mut edited = Edited { labels: part.labels().to_vec(), ..Edited::default() };
            for (place, key) in keys.iter().enumerate() {
                let edit = edits.get(key);
                edited.found += usize::from(edit.is_some());
                match edit {
                    None => edited.kept.push(place),
                    Some(Edit::Exclude) => {}
                    Some(Edit::Label(name)) => {
                        // A class that is not there, as where the set is narrowed: the image is not either.
                        let Some(class) = class(name) else { continue };
                        edited.labels[place] = class as u16;
                        edited.kept.push(place);
                    }
                }
            }
            edited
        };
        [part(&self.train, &keys[0]), part(&self.test, &keys[1])]
    }

    /// Applies the user's corrections; the notes say how many there were.
    ///
    /// # Errors
    /// Where no training or no test image is left, or one cannot be read.
    pub(super) fn edited(mut self, edits: &Edits) -> Result<Self> {
        if edits.is_empty() {
            return Ok(self);
        }
        let [train, test] = self.apply(edits, &self.keys()?);
        let (left_out, found) = (
            self.train.len() + self.test.len() - train.kept.len() - test.kept.len(),
            train.found + test.found,
        );
        ensure!(
            !train.kept.is_empty() && !test.kept.is_empty(),
            "Every training or every test image is left out: take some of these corrections back"
        );
        self.notes.remarks.push(format!(
            "As a person corrected it: {left_out} images left out, {} with another label",
            found.saturating_sub(left_out)
        ));
        if found == 0 {
            self.notes.remarks.push(
                "The corrections meet none of the images: were they made at another image size?".into(),
            );
        }
        let parts = [self.train.corrected(&train), self.test.corrected(&test)];
        [self.train, self.test] = parts;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::DatasetInfo, shape::ImageShape};

    fn set() -> Dataset {
        let info = DatasetInfo {
            shape: ImageShape::new(1, 2, 1).into(),
            class_names: vec!["ant".into(), "bee".into()],
        };
        let train = Examples::images(vec![1, 2, 3, 4, 1, 2, 5, 6], vec![0, 1, 0, 1]);
        let test = Examples::images(vec![1, 2, 7, 8], vec![0, 1]);
        Dataset::new(info, train, test).unwrap()
    }

    fn contents(part: &Examples) -> (Vec<u8>, Vec<u16>) {
        (part.bytes(&(0..part.len()).collect::<Vec<_>>()).unwrap(), part.labels().to_vec())
    }

    fn edits(of: &[(&str, Edit)]) -> Edits {
        of.iter().map(|(key, edit)| (key.to_string(), edit.clone())).collect()
    }

    #[test]
    fn an_image_is_relabelled_or_left_out_wherever_it_stands() {
        let [twin, bee] = [key(&[1, 2], "ant", false), key(&[3, 4], "bee", false)];
        let edited =
            set().edited(&edits(&[(&twin, Edit::Exclude), (&bee, Edit::Label("ant".into()))])).unwrap();
        assert_eq!(contents(&edited.train), (vec![3, 4, 5, 6], vec![0, 1]));
        assert_eq!(
            contents(&edited.test),
            contents(&set().test),
            "the other part has an image of the same pixels"
        );
        assert_eq!(
            edited.notes.remarks,
            ["As a person corrected it: 2 images left out, 1 with another label"]
        );
    }

    #[test]
    fn edits_that_meet_nothing_or_leave_nothing_are_told_of() {
        let none = set().edited(&edits(&[("train-0", Edit::Exclude)])).unwrap();
        assert!(none.notes.remarks[1].contains("meet none of the images"));
        let out = edits(
            &set().keys().unwrap()[1].iter().map(|key| (key.as_str(), Edit::Exclude)).collect::<Vec<_>>(),
        );
        assert!(set().edited(&out).unwrap_err().to_string().contains("left out"));
        assert!(set().edited(&Edits::new()).unwrap().notes.remarks.is_empty());
    }

    #[test]
    fn keys_are_the_same_everywhere() {
        // FNV-1a of "a" and of nothing, as its authors publish them.
        assert_eq!(content_hash([].iter()), 0xcbf2_9ce4_8422_2325);
        assert_eq!(content_hash(b"a".iter()), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(key(&[], "a", true), "test-af63dc4c8601ec8c");
    }
}
