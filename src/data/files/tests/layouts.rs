//! Folders as people have them: which are parts, which are classes, and what becomes of every picture.
use super::*;
use std::collections::BTreeMap;

/// Writes a small picture of its own to each path; paths that end in `/` are folders, and other endings empty files.
pub fn folder(paths: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (place, path) in paths.iter().enumerate() {
        let file = folder.path().join(path);
        if path.ends_with('/') {
            fs::create_dir_all(file).unwrap();
            continue;
        }
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        if !pictures::is_picture(&file) {
            fs::write(file, "").unwrap();
            continue;
        }
        picture(place).save_with_format(file, image::ImageFormat::Png).unwrap();
    }
    folder
}

/// A grey picture of 4 by 4 pixels, which no other place has.
fn picture(place: usize) -> image::GrayImage {
    image::GrayImage::from_fn(4, 4, |x, y| {
        [if (x, y) == (0, 0) { place as u8 } else { (x * 50) as u8 }].into()
    })
}

/// Many pictures: `%` in a path stands for 0 to 3.
pub fn many(paths: &[&str]) -> tempfile::TempDir {
    let all: Vec<String> =
        paths.iter().flat_map(|path| (0..4).map(|at| path.replace('%', &at.to_string()))).collect();
    folder(&all.iter().map(String::as_str).collect::<Vec<_>>())
}

/// How many images of each class are trained and tested on.
pub fn counts(set: &Dataset) -> BTreeMap<&str, [usize; 2]> {
    let mut counts: BTreeMap<&str, [usize; 2]> =
        set.info.class_names.iter().map(|name| (name.as_str(), [0; 2])).collect();
    for (part, examples) in [&set.train, &set.test].into_iter().enumerate() {
        for label in examples.labels() {
            counts.get_mut(set.info.class_names[usize::from(*label)].as_str()).unwrap()[part] += 1;
        }
    }
    counts
}

/// The classes of all images together, where no part is named.
fn totals(set: &Dataset) -> Vec<(&str, usize)> {
    counts(set).into_iter().map(|(name, [train, test])| (name, train + test)).collect()
}

/// What is not used: how many, and why.
pub fn left_out(set: &Dataset) -> Vec<(usize, &str)> {
    set.notes.left_out.iter().map(|group| (group.count, group.why.as_str())).collect()
}

fn of(folder: &tempfile::TempDir) -> Dataset {
    read(folder.path(), &choice()).unwrap_or_else(|error| panic!("{}", message(&error)))
}

/// huggingface/datasets#7880: pictures directly in train and test.
#[test]
fn parts_without_class_folders_are_no_classes() {
    for names in [["train", "test"], ["Training_Set", "Test-Set"], ["train2017", "val2017"]] {
        let [train, test] = names;
        let set =
            many(&[&format!("{train}/cat.%.jpg"), &format!("{train}/dog.%.jpg"), &format!("{test}/%.jpg")]);
        let said = refused(set.path());
        assert!(said.contains(&format!("no class folders in {train}")), "{said}");
        assert!(
            said.contains("(cat, dog, …)")
                && said.contains(&format!("Folder: {}", set.path().join(train).display())),
            "{said}"
        );
    }
    let said = refused(many(&["train/%.jpg"]).path());
    assert!(
        said.contains("There are no class folders in train") && !said.contains("words of its file names"),
        "{said}"
    );
}

/// facebookresearch/kill-the-bits#5: ImageNet's val is flat.
#[test]
fn a_flat_part_beside_class_folders_is_counted_and_not_used() {
    let set = many(&["train/cat/%.png", "train/dog/%.png", "val/ILSVRC2012_val_%.png"]);
    let set = of(&set);
    assert_eq!(totals(&set), [("cat", 4), ("dog", 4)]);
    assert_eq!(left_out(&set), [(4, "they have no class: no class folders are above them")]);
    // one folder within it makes it no less flat
    let set = of(&many(&["train/cat/%.png", "train/dog/%.png", "test/test/%.png", "val/cat/%.png"]));
    assert_eq!(counts(&set), [("cat", [4, 4]), ("dog", [4, 0])].into());
    assert_eq!(left_out(&set), [(4, "they have no class: no class folders are above them")]);
}

#[test]
fn of_the_parts_test_is_tested_on_and_validation_otherwise() {
    let set =
        of(&many(&["train/cat/%.png", "train/dog/%.png", "Validation/dog/%.png", "Validation/cat/%.png"]));
    assert_eq!(counts(&set), [("cat", [4, 4]), ("dog", [4, 4])].into());
    let set = of(&many(&["train/cat/%.png", "train/dog/%.png", "val/dog/%.png", "test/cat/%.png"]));
    assert_eq!(counts(&set), [("cat", [4, 4]), ("dog", [4, 0])].into());
    assert_eq!(left_out(&set), [(4, "the part \"val\" is not used, as there is a test part")]);
    // a part by itself is all there is
    let set = of(&many(&["test/cat/%.png", "test/dog/%.png"]));
    assert_eq!(totals(&set), [("cat", 4), ("dog", 4)]);
    let said = refused(many(&["test/cat/%.png", "test/dog/%.png", "val/cat/%.png"]).path());
    assert!(said.contains("There is no training part, but test, val"), "{said}");
}

#[test]
fn folders_around_the_classes_are_descended_through() {
    for (train, test) in [
        ("dataset/dataset/train", "dataset/dataset/test"),
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("data/train/images", "data/test/images"),
    ] {
        let set = of(&many(&[
            &format!("{train}/sea/%.png"),
            &format!("{train}/hill/%.png"),
            &format!("{test}/sea/%.png"),
            &format!("{test}/hill/%.png"),
        ]));
        assert_eq!(counts(&set), [("hill", [4, 4]), ("sea", [4, 4])].into(), "{train}");
    }
    let set = of(&many(&[
        "seg_train/seg_train/sea/%.png",
        "seg_train/seg_train/hill/%.png",
        "seg_test/seg_test/sea/%.png",
        "seg_pred/seg_pred/%.png",
    ]));
    assert_eq!(counts(&set), [("hill", [4, 0]), ("sea", [4, 4])].into());
    assert_eq!(left_out(&set), [(4, "they lie beside the parts of the data set")]);
}

#[test]
fn names_of_parts_are_classes_among_other_classes() {
    let set = of(&many(&["train/%.png", "car/%.png", "bus/%.png"]));
    assert_eq!(totals(&set), [("bus", 4), ("car", 4), ("train", 4)]);
    // even where they have folders of their own
    let set = of(&many(&["train/steam/%.png", "car/open/%.png", "bus/red/%.png"]));
    assert_eq!(totals(&set), [("bus", 4), ("car", 4), ("train", 4)]);
    let set = of(&many(&["test tube/%.png", "flask/%.png"]));
    assert_eq!(totals(&set), [("flask", 4), ("test tube", 4)]);
    let set = of(&many(&["test_positive/%.png", "test_negative/%.png"]));
    assert_eq!(totals(&set), [("test_negative", 4), ("test_positive", 4)]);
    let set = of(&many(&["valid/%.png", "invalid/%.png"]));
    assert_eq!(totals(&set), [("invalid", 4), ("valid", 4)]);
    // a training part with classes, and something beside it
    let set = of(&many(&["train/cat/%.png", "train/dog/%.png", "samples/%.png"]));
    assert_eq!(totals(&set), [("cat", 4), ("dog", 4)]);
    assert_eq!(left_out(&set), [(4, "they lie beside the parts of the data set")]);
}

#[test]
fn parts_may_lie_within_classes_and_be_in_pieces() {
    let set = of(&many(&[
        "cat/train/%.png",
        "cat/test/%.png",
        "dog/train/%.png",
        "dog/val/%.png",
        "dog/test/%.png",
    ]));
    assert_eq!(counts(&set), [("cat", [4, 4]), ("dog", [4, 4])].into());
    assert_eq!(left_out(&set), [(4, "the validation part is not used, as there is a test part")]);
    let set = of(&many(&[
        "train1/cat/%.png",
        "train2/cat/%.png",
        "train2/dog/%.png",
        "train_masks/cat/%.png",
        "test/dog/%.png",
    ]));
    assert_eq!(counts(&set), [("cat", [8, 0]), ("dog", [4, 4])].into());
    assert_eq!(left_out(&set), [(4, "the folder \"train_masks\" lies beside the part")]);
}

#[test]
fn classes_that_lie_beside_a_copy_of_themselves_are_read_once() {
    let cells = ["cells/well/%.png", "cells/ill/%.png", "cells/cells/well/%.png", "cells/cells/ill/%.png"];
    let set = of(&many(&cells));
    assert_eq!(totals(&set), [("ill", 4), ("well", 4)]);
    assert_eq!(left_out(&set), [(8, "the folder \"cells\" holds the same classes again")]);
    // a form for answers is no table of labels
    let folder = many(&["train/cat/%.png", "train/dog/%.png", "test/%.png"]);
    fs::write(folder.path().join("sample_submission.csv"), "id,label\n0,0.5\n1,0.5\n").unwrap();
    let set = of(&folder);
    assert_eq!(totals(&set), [("cat", 4), ("dog", 4)]);
    assert_eq!(left_out(&set), [(4, "they have no class: no class folders are above them")]);
}

/// ultralytics/ultralytics#13936: a class that the test part lacks.
#[test]
fn classes_of_parts_are_matched_by_name() {
    let folder = many(&[
        "train/0/%.png",
        "train/180/%.png",
        "train/270/%.png",
        "train/90/%.png",
        "test/0/%.png",
        "test/270/%.png",
        "test/90/%.png",
    ]);
    fs::create_dir(folder.path().join("test/180")).unwrap();
    let set = of(&folder);
    assert_eq!(counts(&set), [("0", [4, 4]), ("180", [4, 0]), ("270", [4, 4]), ("90", [4, 4])].into());
}

/// Other systems take these names for the same.
#[cfg(target_os = "linux")]
#[test]
fn classes_are_told_by_letters_and_not_by_bytes() {
    // é as one sign, and as macOS writes it
    let set =
        of(&many(&["train/caf\u{e9}/%.png", "train/tea/%.png", "test/cafe\u{301}/%.png", "test/Tea/%.png"]));
    assert_eq!(counts(&set), [("caf\u{e9}", [4, 4]), ("tea", [4, 0])].into());
    assert_eq!(left_out(&set), [(4, "no training picture is of the class \"Tea\"")]);
    let set = of(&many(&["Cat/%.png", "cat/%.png"]));
    assert_eq!(set.info.classes(), 2);
    assert!(set.notes.remarks.concat().contains("\"Cat\" and \"cat\""), "{:?}", set.notes);
}

/// python-pillow/Pillow#4807, udacity/deep-learning-v2-pytorch#217: what systems leave behind.
#[test]
fn what_systems_leave_behind_is_passed_over() {
    let leftovers = [
        ".DS_Store",
        "__MACOSX/cat/._0.png",
        "__MACOSX/._cat/",
        "cat/._0.png",
        "cat/Thumbs.db",
        "cat/desktop.ini",
        "cat/.ipynb_checkpoints/0-checkpoint.png",
        "@eaDir/cat/0.png",
        "$RECYCLE.BIN/0.png",
        "lost+found/",
        "System Volume Information/0.png",
        ".hidden/0.png",
        "dog/.0.png",
    ];
    let pictures = ["cat/0.png", "cat/1.png", "cat/2.png", "dog/0.png", "dog/1.png", "dog/2.png"];
    let set = of(&folder(&[&pictures[..], &leftovers].concat()));
    assert_eq!(totals(&set), [("cat", 3), ("dog", 3)]);
    assert!(set.notes.passed_over.is_empty() && set.notes.left_out.is_empty(), "{:?}", set.notes);
}

#[cfg(unix)]
#[test]
fn a_real_folder_is_read_once() {
    let folder = many(&["cat/%.png", "dog/%.png"]);
    let link = |to: &str, name: &str| {
        std::os::unix::fs::symlink(folder.path().join(to), folder.path().join(name)).unwrap()
    };
    link("", "cat/up");
    link("cat", "a first cat");
    link("dog", "dog/itself");
    let set = of(&folder);
    assert_eq!(totals(&set), [("cat", 4), ("dog", 4)]);
    assert_eq!(left_out(&set), [(3, "links to a folder that is there already")]);
    // links are as good as folders otherwise
    let outside = many(&["cat/%.png", "dog/%.png"]);
    fs::remove_dir_all(folder.path().join("cat")).unwrap();
    fs::remove_file(folder.path().join("a first cat")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("cat"), folder.path().join("cat")).unwrap();
    assert_eq!(totals(&of(&folder)), [("cat", 4), ("dog", 4)]);
}

/// lstein/PhotoMapAI#364, pytorch/vision#461: endings beside .jpg and .png.
#[test]
fn every_picture_is_used_or_counted() {
    let set = read(&case("06-other-endings/data"), &choice()).unwrap();
    assert_eq!(totals(&set), [("cat", 12), ("dog", 12), ("fox", 8)]);
    assert_eq!(left_out(&set), [(4, "GIF cannot be read")]);
    assert!(set.notes.passed_over.is_empty(), "{:?}", set.notes);
    let set = of(&folder(&[
        "cat/0.png",
        "cat/1.png",
        "cat/2.heic",
        "cat/3.HEIC",
        "dog/0.png",
        "dog/1.png",
        "dog/note.txt",
        "fox/0.avif",
        "stray.png",
        "stray.avif",
        "notes/a.txt",
    ]));
    assert_eq!(totals(&set), [("cat", 2), ("dog", 2), ("fox", 0)]);
    let expected =
        [(1, "they lie in no class's folder"), (2, "AVIF cannot be read"), (2, "HEIC cannot be read")];
    assert_eq!(left_out(&set), expected);
    assert_eq!(set.notes.unused(), 5);
    let remarks = set.notes.remarks.concat();
    assert!(remarks.contains("The class \"fox\" has no training image"), "{remarks}");
    assert!(remarks.contains("\"notes\" holds files that are no pictures, and is no class"), "{remarks}");
    let said = refused(folder(&["cat/0.avif", "dog/1.avif"]).path());
    assert!(said.contains("2 are left out, as AVIF cannot be read"), "{said}");
}

#[test]
fn a_jpeg_that_is_cut_short_is_passed_over() {
    let folder = many(&["cat/%.png", "dog/%.png"]);
    let whole = fs::read(case("06-other-endings/data/cat/p000.jpg")).unwrap();
    fs::write(folder.path().join("cat/whole.jpg"), &whole).unwrap();
    fs::write(folder.path().join("cat/half.jpg"), &whole[..whole.len() - 9]).unwrap();
    let set = of(&folder);
    assert_eq!(totals(&set), [("cat", 5), ("dog", 4)]);
    let said: Vec<String> = set.notes.passed_over.iter().map(ToString::to_string).collect();
    assert!(
        said.len() == 1 && said[0].contains("half.jpg") && said[0].contains("it is cut short"),
        "{said:?}"
    );
    assert!(open_picture(&folder.path().join("cat/half.jpg")).is_err());
}

/// python-pillow/Pillow#2574: 65,535 is white, and nothing is clipped.
#[test]
fn pictures_of_sixteen_bits_are_scaled() {
    let folder = tempfile::tempdir().unwrap();
    for (class, greys) in [("dim", [0u16, 128, 257, 4095]), ("bright", [385, 386, 32768, 65535])] {
        fs::create_dir(folder.path().join(class)).unwrap();
        for (turn, ending) in ["png", "tif"].into_iter().enumerate() {
            let mut greys = greys.to_vec();
            greys.rotate_left(turn);
            let picture = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(2, 2, greys).unwrap();
            picture.save(folder.path().join(class).join(format!("a.{ending}"))).unwrap();
        }
    }
    let set = of(&folder);
    assert_eq!(set.info.class_names, ["bright", "dim"]);
    for part in [&set.train, &set.test] {
        let (pixels, labels) = all(part);
        for (pixels, label) in pixels.chunks(4).zip(labels) {
            let mut sorted = pixels.to_vec();
            sorted.sort();
            assert_eq!(sorted, [[1, 2, 128, 255], [0, 0, 1, 16]][usize::from(label)]);
        }
    }
    let set = read(&case("13-sixteen-bits/data"), &choice()).unwrap();
    assert_eq!(totals(&set), [("bright", 10), ("dim", 10)]);
    let (pixels, labels) = all(&set.train);
    let size = set.info.shape.len();
    let most = |class: u16| {
        pixels
            .chunks(size)
            .zip(&labels)
            .filter(|(_, label)| **label == class)
            .flat_map(|(pixels, _)| pixels)
            .max()
            .copied()
    };
    // a class that uses a quarter of the range is a quarter as bright as white
    assert_eq!([most(0), most(1)], [Some(188), Some(64)]);
}

#[test]
fn names_of_pictures_in_one_folder_say_their_classes() {
    let set = of(&many(&["cat.%.jpg", "dog_%.png"]));
    assert_eq!(
        (set.notes.format.as_str(), totals(&set)),
        ("Pictures named after their class", vec![("cat", 4), ("dog", 4)])
    );
    assert!(set.notes.remarks[0].contains("what stands before the number in its name"), "{:?}", set.notes);
    assert!(refused(many(&["IMG_%.jpg"]).path()).contains("This is no data set"));
}
