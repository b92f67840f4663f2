//! The layouts in which photographs and their files of boxes lie.
use super::*;
use crate::{
    data::{Dataset, files::read},
    errors::message,
};
use std::fs;

const LINES: &str = "2 0.25 0.5 0.4 0.8\n0 0.75 0.5 0.4 0.8\n";
const YAML: &str = "names: [light, person, dark]\n";

/// A photograph whose left half is dark and whose right half is light, 80 by 40 pixels; how dark says its name.
fn photograph(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let own: u32 = path.to_string_lossy().bytes().rev().take(16).map(u32::from).sum();
    let grey = |x: u32| [(own % 50 + if x < 40 { 10 } else { 200 }) as u8];
    image::GrayImage::from_fn(80, 40, |x, _| grey(x).into()).save(path).unwrap();
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn set(root: &Path) -> Result<Dataset, String> {
    read(root, &Choice::new("files"), &Watch::default()).map_err(|error| message(&error))
}

/// Every pixel of each image of both parts is as its class says.
fn is_right(set: &Dataset, dark: &str) -> bool {
    [&set.train, &set.test].iter().all(|part| {
        part.labels().iter().enumerate().all(|(place, label)| {
            let is_dark = set.info.class_names[usize::from(*label)] == dark;
            part.image(place).unwrap().iter().all(|pixel| (*pixel < 100) == is_dark)
        })
    })
}

#[test]
fn every_layout_is_read() {
    // where photographs and labels of the two parts lie
    for [train, train_labels, test, test_labels] in [
        ["images/train", "labels/train", "images/val", "labels/val"],
        ["train/images", "train/labels", "valid/images", "valid/labels"],
        ["images/train2017", "labels/train2017", "images/test2017", "labels/test2017"],
        ["train", "train", "test", "test"],
    ] {
        let all = tempfile::tempdir().unwrap();
        for (folder, labels, count) in [(train, train_labels, 3), (test, test_labels, 2)] {
            for place in 0..count {
                photograph(&all.path().join(folder).join(format!("{place}.png")));
                write(&all.path().join(labels).join(format!("{place}.txt")), LINES);
            }
        }
        // nothing is in this one
        photograph(&all.path().join(train).join("background.png"));
        write(&all.path().join("data.yaml"), YAML);
        for path in [all.path(), &all.path().join("data.yaml")] {
            let set = set(path).unwrap_or_else(|error| panic!("{train}: {error}"));
            assert_eq!((set.train.len(), set.test.len()), (6, 4), "{train}");
            assert_eq!(set.info.class_names, ["light", "dark"], "{train}");
            assert!(is_right(&set, "dark"), "{train}");
            assert!(set.notes.remarks.concat().contains("1 photographs have no boxes"), "{train}");
        }
    }
}

#[test]
fn names_and_parts_may_be_said_elsewhere_or_nowhere() {
    let all = tempfile::tempdir().unwrap();
    for place in 0..6 {
        photograph(&all.path().join(format!("images/{place}.png")));
        write(&all.path().join(format!("labels/{place}.txt")), LINES);
    }
    let numbered = set(all.path()).unwrap();
    assert_eq!(numbered.info.class_names, ["0", "2"]);
    assert!(is_right(&numbered, "2"));
    write(&all.path().join("labels/classes.txt"), "light\nperson\ndark\n");
    assert_eq!(set(all.path()).unwrap().info.class_names, ["light", "dark"]);
    // folders that say no part by their names
    photograph(&all.path().join("second/images/a.png"));
    write(&all.path().join("second/labels/a.txt"), LINES);
    write(&all.path().join("data.yaml"), &format!("train: ./images\ntest: second/images\n{YAML}"));
    let set = set(all.path()).unwrap();
    assert_eq!((set.train.len(), set.test.len()), (12, 2));
}

#[test]
fn lines_are_boxes_outlines_or_boxes_with_more_behind_them() {
    let close = |line: &str, has_points: bool, expected: Option<(usize, [f64; 4])>| {
        let found = rect(line, has_points);
        let is_same = match (found, expected) {
            (Some((class, rect)), Some((wanted, expected))) => {
                class == wanted && rect.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9)
            }
            (found, expected) => found.is_none() && expected.is_none(),
        };
        assert!(is_same, "{line}: {found:?}");
    };
    let expected = Some((3, [0.1, 0.2, 0.4, 0.6]));
    close("3 0.3 0.5 0.4 0.6", false, expected);
    close("3.0 0.3 0.5 0.4 0.6 0.99", false, expected);
    close("3 0.1 0.2 0.5 0.2 0.5 0.8 0.1 0.8", false, expected);
    close("3 0.1 0.5 0.5 0.2 0.4 0.8", false, expected);
    close("3 0.3 0.5 0.4 0.6 0.1 0.1 2 0.3 0.3 0", true, expected);
    for wrong in [
        "3 30 50 40 60",
        "cat 0.3 0.5 0.4 0.6",
        "-1 0.3 0.5 0.4 0.6",
        "3 0.3 0.5 0.4",
        "3",
        "3 nan 0.5 0.4 0.6",
    ] {
        close(wrong, false, None);
    }
}

#[test]
fn a_wrong_line_costs_itself_alone() {
    let all = tempfile::tempdir().unwrap();
    for place in 0..6 {
        photograph(&all.path().join(format!("images/{place}.png")));
        write(&all.path().join(format!("labels/{place}.txt")), LINES);
    }
    write(&all.path().join("labels/0.txt"), &format!("{LINES}0 1000 20 3 4\n\n"));
    let set = set(all.path()).unwrap();
    assert_eq!((set.train.len() + set.test.len(), set.notes.passed_over.len()), (12, 1));
    let said = set.notes.passed_over[0].to_string();
    assert!(said.contains("Line 3 is no class and box"), "{said}");
}
