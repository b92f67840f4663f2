//! Files as pyarrow and pandas write them: see tests/data/formats.py.
use crate::data::{
    Dataset,
    files::{self, read},
    watch::Watch,
};
use crate::{errors::message, spec::Choice};
use std::{fs, path::Path};

fn data(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn set(path: &Path) -> Dataset {
    read(path, &Choice::new(files::ENTRY.info.id), &Watch::default())
        .unwrap_or_else(|error| panic!("{}", message(&error)))
}

/// The grey and the class of each image of both parts, in order of the greys.
fn images(set: &Dataset) -> Vec<(u8, &str)> {
    let mut found = vec![];
    for part in [&set.train, &set.test] {
        for (place, label) in part.labels().iter().enumerate() {
            found.push((part.image(place).unwrap()[0], set.info.class_names[usize::from(*label)].as_str()));
        }
    }
    found.sort();
    found
}

#[test]
fn every_compression_is_read() {
    for compression in ["brotli", "gzip", "lz4", "snappy", "zstd"] {
        let set = set(&data(&format!("hub-{compression}")));
        assert_eq!((set.train.len(), set.test.len()), (6, 2), "{compression}");
        assert_eq!(set.train.labels(), [0, 1, 2, 0, 1, 2], "{compression}");
        assert_eq!(set.info.class_names, ["ant", "bee", "cat"], "{compression}");
        assert_eq!(*set.train.image(4).unwrap(), [40; 16], "{compression}");
        assert!(set.notes.passed_over.is_empty(), "{compression}: {:?}", set.notes);
    }
}

#[test]
fn plain_bytes_and_paths_are_pictures_too() {
    for kind in ["hub", "pandas"] {
        let set = set(&data("cases/28-parquet-binary").join(kind));
        assert_eq!(images(&set), [(0, "cat"), (10, "dog"), (20, "cat"), (30, "dog")], "{kind}");
    }
    // a label that is missing makes real numbers of the others
    let set = set(&data("cases/28-parquet-binary/paths"));
    assert_eq!(images(&set), [(0, "0"), (10, "1"), (20, "1"), (30, "1")]);
    assert!(set.notes.remarks.concat().contains("1 rows of the training part have no label"));
}

#[test]
fn the_finest_of_several_labels_is_taken_and_that_is_said() {
    let set = set(&data("cases/29-parquet-two-labels"));
    assert_eq!(images(&set), [(0, "cat"), (10, "dog"), (20, "fox"), (30, "dog")]);
    assert_eq!(set.info.class_names, ["cat", "dog", "fox"]);
    let said = set.notes.remarks.concat();
    assert!(said.contains("fine_label is used, and not coarse_label"), "{said}");
}

#[test]
fn whole_words_say_the_part_and_what_is_of_none_is_counted() {
    let set = set(&data("cases/30-parquet-split-words"));
    assert_eq!(
        images(&set),
        [
            (0, "cat"),
            (1, "cat"),
            (10, "dog"),
            (11, "dog"),
            (20, "cat"),
            (21, "cat"),
            (40, "dog"),
            (41, "dog")
        ]
    );
    assert_eq!((set.train.len(), set.test.len()), (6, 2));
    let left: Vec<_> = set
        .notes
        .left_out
        .iter()
        .map(|group| (group.count, group.example.file_name().unwrap().to_str().unwrap()))
        .collect();
    assert_eq!(left, [(1, "extra.parquet"), (1, "validation-00000-of-00001.parquet")]);
}

#[test]
fn a_number_is_the_place_of_its_name_however_many_there_are() {
    let set = set(&data("cases/32-parquet-many-classes"));
    assert_eq!(
        images(&set),
        [
            (0, "char0000"),
            (10, "char0001"),
            (20, "char1030"),
            (30, "char1099"),
            (40, "char1030"),
            (50, "other")
        ]
    );
    assert_eq!((set.info.classes(), set.info.class_names[1098].as_str()), (1101, "char1098"));
    assert_eq!(set.train.labels(), [0, 1, 1030, 1099]);
}

#[test]
fn only_a_damaged_file_is_to_be_got_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("train.parquet");
    let whole = fs::read(data("cases/29-parquet-two-labels/train.parquet")).unwrap();
    let said = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        message(&read(folder.path(), &Choice::new("files"), &Watch::default()).unwrap_err())
    };
    assert!(said(&whole[..whole.len() / 2]).contains("it is damaged, so get it again"));
    let other = fs::read(data("cases/28-parquet-binary/other/train.parquet")).unwrap();
    let said = said(&other);
    assert!(
        said.contains("it has no column of labels: call one of them label (its columns are image, text)"),
        "{said}"
    );
    assert!(!said.contains("get it again"), "{said}");
}
