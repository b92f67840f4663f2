//! Pascal VOC's layout, and those of programs that write such files.
use super::*;
use crate::{
    data::{Dataset, files::read},
    errors::message,
};
use std::fs;

/// A photograph whose left half is dark and whose right half is light, 80 by 40 pixels, with a box of each.
fn photograph(picture: &Path, boxes: &Path, filename: &str) {
    for path in [picture, boxes] {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
    }
    image::GrayImage::from_fn(80, 40, |x, _| [if x < 40 { 10 } else { 200 }].into()).save(picture).unwrap();
    let thing = |name: &str, left: u32, difficult: u8| {
        let right = left + 31;
        format!(
            "<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>{left}</xmin><ymin>5</ymin><xmax>{right}</xmax><ymax>36</ymax></bndbox></object>"
        )
    };
    let things = [thing("light", 45, 0), thing("dark", 5, 0), thing("hard", 5, 1)].concat();
    let text = format!(
        "<annotation><filename>{filename}</filename><size><width>80</width><height>40</height></size>{things}</annotation>"
    );
    fs::write(boxes, text).unwrap();
}

fn set(root: &Path) -> Result<Dataset, String> {
    read(root, &Choice::new("files"), &Watch::default()).map_err(|error| message(&error))
}

/// Every pixel of each image of both parts is as its class says.
fn is_right(set: &Dataset) -> bool {
    [&set.train, &set.test].iter().all(|part| {
        part.labels().iter().enumerate().all(|(place, label)| {
            let is_dark = set.info.class_names[usize::from(*label)] == "dark";
            part.image(place).unwrap().iter().all(|pixel| *pixel == if is_dark { 10 } else { 200 })
        })
    })
}

#[test]
fn lists_say_the_parts_and_difficult_boxes_are_left_out() {
    let all = tempfile::tempdir().unwrap();
    let root = all.path().join("VOCdevkit/VOC2007");
    for place in 0..6 {
        photograph(
            &root.join(format!("JPEGImages/{place}.png")),
            &root.join(format!("Annotations/{place}.xml")),
            "renamed.jpg",
        );
    }
    fs::write(root.join("Annotations/empty.xml"), "<annotation></annotation>").unwrap();
    let lists = root.join("ImageSets/Main");
    fs::create_dir_all(&lists).unwrap();
    for (name, text) in [
        ("train", "0\n1\n2\nempty\n"),
        ("val", "3\n"),
        ("trainval", "0\n1\n2\n3\nempty\n"),
        ("test", "4\n"),
        ("dog_train", "0 1\n5 -1\n"),
    ] {
        fs::write(lists.join(name).with_extension("txt"), text).unwrap();
    }
    for path in [all.path(), &all.path().join("VOCdevkit"), &root] {
        let set = set(path).unwrap();
        assert_eq!(set.info.class_names, ["dark", "light"]);
        assert_eq!((set.train.len(), set.test.len()), (6, 2));
        assert!(is_right(&set));
        let left: Vec<usize> = set.notes.left_out.iter().map(|group| group.count).collect();
        assert_eq!(left, [1, 1], "{:?}", set.notes.left_out);
        let remarks = set.notes.remarks.join("\n");
        assert!(remarks.contains("3 are marked as difficult"), "{remarks}");
        assert!(remarks.contains("1 photographs have no boxes"), "{remarks}");
    }
}

#[test]
fn files_beside_their_photographs_and_folders_of_parts_are_read() {
    let all = tempfile::tempdir().unwrap();
    for (part, count) in [("train", 3), ("valid", 2)] {
        for place in 0..count {
            let file = |ending: &str| all.path().join(part).join(format!("{part}{place}.{ending}"));
            photograph(&file("png"), &file("xml"), &format!("{part}{place}.png"));
        }
    }
    let whole = set(all.path()).unwrap();
    assert_eq!((whole.train.len(), whole.test.len()), (6, 4));
    assert!(is_right(&whole));
    // one photograph that is gone costs its boxes alone
    fs::remove_file(all.path().join("train/train0.png")).unwrap();
    let fewer = set(all.path()).unwrap();
    assert_eq!((fewer.train.len(), fewer.test.len(), fewer.notes.passed_over.len()), (4, 4, 1));
}
