//! Arrays as NumPy writes them, the same eight images each time: see tests/data/formats.py.
use crate::{
    data::{
        Dataset,
        files::{self, read},
        watch::Watch,
    },
    errors::message,
    spec::Choice,
};
use std::path::{Path, PathBuf};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases/34-npz-ranges").join(name)
}

fn set(name: &str) -> Result<Dataset, String> {
    read(&data(name), &Choice::new(files::ENTRY.info.id), &Watch::default()).map_err(|error| message(&error))
}

/// The bytes and the class of each image of both parts, in order of the bytes.
fn images(set: &Dataset) -> Vec<(Vec<u8>, &str)> {
    let mut found = vec![];
    for part in [&set.train, &set.test] {
        for (place, label) in part.labels().iter().enumerate() {
            found.push((
                part.image(place).unwrap().to_vec(),
                set.info.class_names[usize::from(*label)].as_str(),
            ));
        }
    }
    found.sort();
    found
}

/// The images as they are made there, with the names of the two classes.
fn expected(names: [&str; 2], channels: usize) -> Vec<(Vec<u8>, &str)> {
    let pixel = |n: usize, y: usize, x: usize, c: usize| (20 * y + 3 * x + 40 * c + 2 * n) as u8;
    (0..8)
        .map(|n| {
            let bytes =
                (0..8).flat_map(|y| (0..8).flat_map(move |x| (0..channels).map(move |c| pixel(n, y, x, c))));
            (bytes.collect(), names[n % 2])
        })
        .collect()
}

#[test]
fn every_range_and_layout_gives_the_same_images() {
    for (name, classes, said) in [
        ("bytes.npz", ["0", "1"], ""),
        ("channels-first.npz", ["0", "1"], ""),
        ("images-last.npz", ["0", "1"], "The last axis of its images counts them"),
        ("by-columns.npz", ["0", "1"], ""),
        ("planes.npz", ["0", "1"], "red, green and blue one after another"),
        ("pixels.npz", ["0", "1"], "the colours of one pixel after another"),
        ("whole-32.npz", ["0", "1"], "go from 0 to 255: they are taken as bytes"),
        ("bytes-in-16.npz", ["0", "1"], "go from 0 to 255: they are taken as bytes"),
        ("bits-16.npz", ["0", "1"], "go from 0 to 65535: they are taken as 16 bits"),
        ("shares.npz", ["0", "1"], "1 is taken for white"),
        ("halves.npz", ["0", "1"], "1 is taken for white"),
        ("signed.npz", ["0", "1"], "-1 is taken for black and 1 for white"),
        ("float-255.npz", ["0", "1"], "they are taken as bytes"),
        ("standardised.npz", ["0", "1"], "neither bytes nor shares of white"),
        ("one-hot.npz", ["0", "1"], ""),
        ("column.npz", ["0", "1"], ""),
        ("real-labels.npz", ["0", "1"], ""),
        ("texts.npz", ["cat", "dog"], ""),
        ("bytes-texts.npz", ["cat", "dog"], ""),
        ("unnamed.npz", ["0", "1"], "have no names"),
        ("names.npz", ["cat", "dog"], ""),
        ("medmnist.npz", ["0", "1"], ""),
        ("parts", ["0", "1"], "1 is taken for white"),
        ("single", ["0", "1"], ""),
        ("single/x_train.npy", ["0", "1"], ""),
        ("folders", ["0", "1"], ""),
    ] {
        let set = set(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(images(&set), expected(classes, 3), "{name}");
        let remarks = set.notes.remarks.join("\n");
        assert!(remarks.contains(said), "{name}: {remarks}");
        let speaks = ["taken", "axis", "Each row", "neither"].iter().any(|word| remarks.contains(word));
        assert_eq!(speaks, !said.is_empty(), "{name}: {remarks}");
    }
}

#[test]
fn parts_are_told_by_arrays_files_and_folders() {
    for name in ["medmnist.npz", "parts", "single", "folders"] {
        let set = set(name).unwrap();
        assert_eq!((set.train.len(), set.test.len()), (5, 3), "{name}");
        let left: usize = set.notes.left_out.iter().map(|group| group.count).sum();
        assert_eq!(left, usize::from(name == "medmnist.npz"), "{name}: {:?}", set.notes.left_out);
    }
    // archives in one folder that say no part are sets of their own
    let folder = set("").unwrap();
    let archives = std::fs::read_dir(data("")).unwrap().count() - 3;
    let left: usize = folder.notes.left_out.iter().map(|group| group.count).sum();
    assert!(left + 1 >= archives, "{:?}", folder.notes.left_out);
}

#[test]
fn emnist_is_turned_upright() {
    let set = set("emnist-letters.npz").unwrap();
    assert_eq!(images(&set), expected(["0", "1"], 1));
    assert!(set.notes.remarks.concat().contains("turned upright"));
}

#[test]
fn labels_that_are_no_single_class_are_refused() {
    let said = set("many-hot.npz").unwrap_err();
    assert!(said.contains("holds several ones"), "{said}");
    let said = set("half-labels.npz").unwrap_err();
    assert!(said.contains("holds 0.5 as the label of image 0: a class is a whole number"), "{said}");
}

#[test]
fn a_range_of_ones_own_is_used() {
    let values = [("input_range".into(), 1.0)].into();
    let choice = Choice { values, ..Choice::new(files::ENTRY.info.id) };
    let set = read(&data("parts"), &choice, &Watch::default()).unwrap();
    assert!(set.train.image(0).unwrap().iter().all(|byte| *byte <= 1));
    assert!(!set.notes.remarks.concat().contains("taken for white"));
}
