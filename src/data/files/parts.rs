//! Which part of a data set a file or folder belongs to, by the words of its name.
use std::path::Path;

/// A part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartName {
    /// To train on.
    Train,
    /// To choose by; the test part where there is no other.
    Validation,
    /// To test on.
    Test,
}

const WORDS: [(PartName, &[&str]); 3] = [
    (PartName::Train, &["train", "training", "trainset"]),
    (PartName::Validation, &["val", "valid", "validation", "eval", "evaluation", "dev", "valset", "devset"]),
    (PartName::Test, &["test", "testing", "testset", "holdout"]),
];

/// The part that a name says, such as `Training_Set`, `train2017` or `x_test`. Only whole words count: neither `latest` nor
/// `medieval` names a part.
pub fn named(name: &str) -> Option<PartName> {
    words(name).into_iter().find_map(|word| {
        WORDS.iter().find(|(_, known)| known.contains(&word.as_str())).map(|(part, _)| *part)
    })
}

/// The part of a file: what its name says, else the nearest folder below `root` that says one.
pub fn of(path: &Path, root: &Path) -> Option<PartName> {
    let inner = path.strip_prefix(root).unwrap_or(path).with_extension("");
    inner.iter().rev().find_map(|name| named(&name.to_string_lossy()))
}

/// What becomes of a file or folder, by the part that its name says and by those of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It is trained on.
    Train,
    /// It is tested on.
    Test,
    /// It is not used, for this reason.
    LeftOut(&'static str),
}

/// What becomes of each of some files: where one is to test on, those for validation are left out, and are the test part
/// otherwise; where a name says that it is to train on, those that say no part are left out, and are trained on otherwise.
pub fn uses(parts: &[Option<PartName>]) -> Vec<Use> {
    let has = |part| parts.contains(&Some(part));
    let (has_train, has_test) = (has(PartName::Train), has(PartName::Test));
    let one = |part: &Option<PartName>| match part {
        Some(PartName::Train) => Use::Train,
        Some(PartName::Test) => Use::Test,
        Some(PartName::Validation) if has_test => Use::LeftOut("validation part beside a test part"),
        Some(PartName::Validation) => Use::Test,
        None if has_train => Use::LeftOut("its name says no part, while other names do"),
        None => Use::Train,
    };
    parts.iter().map(one).collect()
}

/// The words of a name in small letters: what stands between digits, marks, and where a capital follows a small letter.
pub fn words(name: &str) -> Vec<String> {
    let (mut words, mut word, mut was_small) = (vec![], String::new(), false);
    for letter in name.chars() {
        if !letter.is_alphabetic() || letter.is_uppercase() && was_small {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_alphabetic() {
            word.extend(letter.to_lowercase());
        }
        was_small = letter.is_lowercase();
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_name_parts() {
        for (name, part) in [
            ("train", Some(PartName::Train)),
            ("Training_Set", Some(PartName::Train)),
            ("instances_train2017", Some(PartName::Train)),
            ("train-medieval-00000-of-00001", Some(PartName::Train)),
            ("trainImages", Some(PartName::Train)),
            ("02-VAL", Some(PartName::Validation)),
            ("valid", Some(PartName::Validation)),
            ("dev", Some(PartName::Validation)),
            ("x_test", Some(PartName::Test)),
            ("holdout", Some(PartName::Test)),
            ("latest", None),
            ("retrieval", None),
            ("trains", None),
            ("2017", None),
            ("", None),
        ] {
            assert_eq!(named(name), part, "{name}");
        }
    }

    #[test]
    fn no_part_is_trained_on_that_is_there_to_test() {
        use PartName::{Test, Train, Validation};
        let kinds = |parts: &[Option<PartName>]| {
            let kind = |used: Use| match used {
                Use::Train => "train",
                Use::Test => "test",
                Use::LeftOut(_) => "left out",
            };
            uses(parts).into_iter().map(kind).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&[Some(Train), Some(Validation), Some(Test)]), ["train", "left out", "test"]);
        assert_eq!(kinds(&[Some(Train), Some(Validation), None]), ["train", "test", "left out"]);
        assert_eq!(kinds(&[None, Some(Test)]), ["train", "test"]);
        assert_eq!(kinds(&[Some(Validation)]), ["test"]);
    }

    #[test]
    fn the_nearest_word_of_a_path_counts_below_the_root() {
        let root = Path::new("/home/test/set");
        let of = |path: &str| of(&root.join(path), root);
        assert_eq!(of("latest/train-00000-of-00002.parquet"), Some(PartName::Train));
        assert_eq!(of("train/test-00000.parquet"), Some(PartName::Test));
        assert_eq!(of("validation/cat/1.png"), Some(PartName::Validation));
        assert_eq!(of("cat/1.png"), None);
        // an ending names no part
        assert_eq!(of("cat/1.test"), None);
    }
}
