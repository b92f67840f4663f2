//! Files of boxes as several programs write them.
use super::*;
use crate::{
    data::{
        Dataset,
        files::{pictures, read},
    },
    errors::message,
};
use serde_json::json;
use std::fs;

#[test]
fn the_text_is_given_up_where_the_reading_is_stopped() {
    let text = r#"{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [], "categories": []}"#;
    let watch = Watch::default();
    assert_eq!(instances(text, &watch).unwrap().images[0].file_name, "a.jpg");
    watch.stop();
    assert!(instances(text, &watch).is_err_and(|error| error.is_io()));
}

/// A photograph whose left half is dark and whose right half is light, 80 by 40 pixels; how dark says its name.
fn photograph(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let own: u32 = path.to_string_lossy().bytes().rev().take(16).map(u32::from).sum();
    let grey = |x: u32| [(own % 50 + if x < 40 { 10 } else { 200 }) as u8];
    image::GrayImage::from_fn(80, 40, |x, _| grey(x).into()).save(path).unwrap();
}

/// Boxes of the dark half and of the light one in each photograph, in the classes "dark" and "light".
fn boxes(photographs: &[&str]) -> serde_json::Value {
    let images = photographs
        .iter()
        .enumerate()
        .map(|(place, file)| json!({"id": place + 1, "file_name": file, "width": 80, "height": 40}));
    let annotations = (0..photographs.len()).flat_map(|place| {
        [("1", 4.0), ("2", 44.0)].map(|(class, left)| {
            json!({"id": 1, "image_id": (place + 1).to_string(), "category_id": class, "bbox": [left, 4, 32, 32]})
        })
    });
    json!({
        "images": images.collect::<Vec<_>>(),
        "annotations": annotations.collect::<Vec<_>>(),
        "categories": [{"id": 0, "name": "things"}, {"id": 1, "name": "dark"}, {"id": 2, "name": "light"}],
    })
}

fn write(path: &Path, boxes: &serde_json::Value) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, boxes.to_string()).unwrap();
}

fn set(root: &Path) -> Result<Dataset, String> {
    read(root, &Choice::new("files"), &Watch::default()).map_err(|error| message(&error))
}

/// The middle of each image of both parts is as its class says.
fn is_right(set: &Dataset) -> bool {
    [&set.train, &set.test].iter().all(|part| {
        part.labels().iter().enumerate().all(|(place, label)| {
            let image = part.image(place).unwrap();
            let name = set.info.class_names[usize::from(*label)].as_str();
            (image[image.len() / 2] < 100) == (name == "dark")
        })
    })
}

#[test]
fn layouts_of_several_programs_are_read() {
    // where the file lies, where the photographs do, and how it names them
    for (file, folder, written) in [
        ("annotations/instances_default.json", "images", "P.png"),
        ("annotations/instances_default.json", "images/default", "P.png"),
        ("annotations/instances_Train.json", "Train", "P.png"),
        ("result.json", "images", "images\\P.png"),
        ("result.json", "images", "../../label-studio/data/media/upload/1/P.png"),
        ("via_export_coco.json", "", "P.png"),
        ("_annotations.coco.json", "", "P.png"),
        ("labels.json", "data", "data/P.png"),
    ] {
        let all = tempfile::tempdir().unwrap();
        // a folder above may be called anything
        let root = all.path().join("test");
        let mut names = vec![];
        for place in 0..6 {
            photograph(&root.join(folder).join(format!("{place}.png")));
            names.push(written.replace('P', &place.to_string()));
        }
        write(&root.join(file), &boxes(&names.iter().map(String::as_str).collect::<Vec<_>>()));
        for path in [&root, &root.join(file)] {
            let set = set(path).unwrap_or_else(|error| panic!("{file} {written}: {error}"));
            assert_eq!(set.train.len() + set.test.len(), 12, "{file} {written}");
            assert_eq!(set.info.class_names, ["dark", "light"], "{file}");
            assert!(is_right(&set) && set.notes.passed_over.is_empty(), "{file}: {:?}", set.notes);
        }
    }
}

#[test]
fn parts_are_told_by_folders_and_names_and_test_is_never_trained_on() {
    let all = tempfile::tempdir().unwrap();
    let root = all.path();
    for (part, count) in [("train", 3), ("valid", 2), ("test", 1)] {
        let names: Vec<String> = (0..count).map(|place| format!("{part}{place}.rf.png")).collect();
        names.iter().for_each(|name| photograph(&root.join(part).join(name)));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        write(&root.join(part).join("_annotations.coco.json"), &boxes(&names));
    }
    let whole = set(root).unwrap();
    assert_eq!((whole.train.len(), whole.test.len()), (6, 2));
    assert!(is_right(&whole));
    assert_eq!(whole.notes.left_out.len(), 1);
    assert!(whole.notes.left_out[0].example.ends_with("valid/_annotations.coco.json"));
    fs::remove_dir_all(root.join("test")).unwrap();
    let smaller = set(root).unwrap();
    assert_eq!((smaller.train.len(), smaller.test.len()), (6, 4));
    fs::remove_dir_all(root.join("train")).unwrap();
    let said = set(root).unwrap_err();
    assert!(said.contains("only boxes to test on"), "{said}");
    // what is chosen by itself is meant
    assert!(set(&root.join("valid/_annotations.coco.json")).is_ok());
}

#[test]
fn what_has_no_box_costs_itself_alone() {
    let all = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..6).map(|place| format!("{place}.png")).collect();
    names.iter().for_each(|name| photograph(&all.path().join("train").join(name)));
    let mut boxes = boxes(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let annotations = boxes["annotations"].as_array_mut().unwrap();
    annotations[0].as_object_mut().unwrap().remove("bbox");
    annotations[1].as_object_mut().unwrap().remove("bbox");
    annotations[1]["segmentation"] = json!([[44, 4, 76, 4, 76, 36, 44, 36]]);
    annotations[2]["iscrowd"] = json!(true);
    annotations[3]["iscrowd"] = json!(false);
    annotations[4]["category_id"] = json!(9);
    annotations[5]["bbox"] = json!([44, 4, 10, 10]);
    annotations[6]["image_id"] = json!(77);
    // reaches over the edge
    annotations[8]["bbox"] = json!([-20, -10, 60, 60]);
    write(&all.path().join("annotations/instances_train.json"), &boxes);
    let set = set(all.path()).unwrap();
    assert_eq!(set.train.len() + set.test.len(), 7);
    assert!(is_right(&set));
    let remarks = set.notes.remarks.join("\n");
    for said in [
        "5 boxes of instances_train.json are left out",
        "1 are of no class",
        "1 are smaller than 24 pixels",
        "1 have neither a box nor an outline",
        "1 lie in photographs that are not there",
        "1 mark crowds",
    ] {
        assert!(remarks.contains(said), "{said}: {remarks}");
    }
    assert_eq!(set.notes.passed_over.len(), 1);
}

/// A photograph that a camera has marked as to be turned, with boxes in the pixels as they are stored and as they are seen:
/// from HumanSignal/label-studio#6608 and microsoft/VoTT#840.
#[test]
fn boxes_in_turned_photographs_are_where_the_size_says() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases/15-exif-and-boxes");
    for kind in ["stored", "turned"] {
        let found = (ENTRY.read)(&cases.join(kind), &Choice::new("files"), &Watch::default()).unwrap();
        assert_eq!(found.class_names, ["red", "blue"]);
        assert_eq!(found.train.labels.len(), 16, "{kind}");
        let shape = crate::shape::ImageShape { height: 8, width: 8, channels: 3 };
        for (place, label) in found.train.labels.iter().enumerate() {
            let image = pictures::pixels(&found.train.images, place, shape).unwrap();
            let is_red = image.chunks(3).all(|pixel| pixel[0] > pixel[2]);
            let is_blue = image.chunks(3).all(|pixel| pixel[0] < pixel[2]);
            assert_eq!((is_red, is_blue), (*label == 0, *label == 1), "{kind} {place}: {image:?}");
        }
        // all photographs are the same: a test part is made all the same, and that is said
        let set =
            crate::data::files::read(&cases.join(kind), &Choice::new("files"), &Watch::default()).unwrap();
        assert_eq!((set.train.len(), set.test.len()), (14, 2), "{kind}");
        let remarks = set.notes.remarks.concat();
        assert!(
            remarks.contains("to keep all copies on one side") && remarks.contains("flatters"),
            "{remarks}"
        );
    }
}
