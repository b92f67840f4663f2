//! Tables of pictures as programs and people write them.
use super::{
    layouts::{counts, folder, left_out},
    *,
};
use std::collections::BTreeMap;

/// A folder with pictures, and files of text.
pub fn tables(pictures: &[&str], texts: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = folder(pictures);
    for (name, text) in texts {
        fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

const PETS: [&str; 8] = [
    "img/c0.png",
    "img/c1.png",
    "img/c2.png",
    "img/c3.png",
    "img/d0.png",
    "img/d1.png",
    "img/d2.png",
    "img/d3.png",
];

pub fn of(folder: &tempfile::TempDir) -> Dataset {
    read(folder.path(), &choice()).unwrap_or_else(|error| panic!("{}", message(&error)))
}

/// How many images of each class there are in all.
pub fn totals(set: &Dataset) -> BTreeMap<&str, usize> {
    counts(set).into_iter().map(|(name, [train, test])| (name, train + test)).collect()
}

/// That each picture of [`PETS`] has the class that its name says.
fn assert_pets(set: &Dataset, what: &str) {
    assert_eq!(totals(set), [("cat", 4), ("dog", 4)].into(), "{what}");
    for part in [&set.train, &set.test] {
        let (pixels, labels) = all(part);
        for (image, label) in pixels.chunks(16).zip(labels) {
            // the first pixel is the place in the list
            assert_eq!(label, u16::from(image[0] >= 4), "{what}");
        }
    }
}

fn pets(row: impl Fn(&str, &str) -> String) -> String {
    PETS.iter().map(|path| row(path, if path.contains('c') { "cat" } else { "dog" })).collect()
}

#[test]
fn a_table_is_read_in_every_way_of_writing_it() {
    let stem = |path: &str| path[4..path.len() - 4].to_owned();
    for (name, text) in [
        ("labels.csv", format!("file,label\n{}", pets(|path, label| format!("{path},{label}\n")))),
        (
            "labels.csv",
            format!("\u{feff}filename;class\r\n{}", pets(|path, label| format!("{path};{label}\r\n"))),
        ),
        (
            "labels.tsv",
            format!("Image Name\tBreed\n{}", pets(|path, label| format!("{}\t {label} \n", &path[4..]))),
        ),
        (
            "labels.csv",
            format!("sep=|\npath|category\n{}", pets(|path, label| format!("\"{path}\"|\"{label}\"\n"))),
        ),
        ("train.csv", format!("id,breed\n{}", pets(|path, label| format!("{},{label}\n", stem(path))))),
        (
            "data.csv",
            format!(
                ",id,image,label\n{}",
                pets(|path, label| format!("7,8,{},{label}\n", path.replace('/', "\\")))
            ),
        ),
        ("labels.csv", pets(|path, label| format!("{path},{label}\n"))),
        ("train.txt", pets(|path, label| format!("{path} {label}\n"))),
        (
            "labels.csv",
            format!("file,label\n{}", pets(|path, label| format!("/kaggle/input/pets/{path},{label}\n"))),
        ),
        (
            "labels.csv",
            format!(
                "file,label\n{}",
                pets(|path, label| format!("C:\\Users\\me\\{},{label}\n", path.replace('/', "\\")))
            ),
        ),
        (
            "labels.csv",
            format!(
                "file,label,class\n{}",
                pets(|path, label| format!("{path},{},{label}\n", u8::from(label == "dog")))
            ),
        ),
        (
            "_classes.csv",
            format!(
                "filename, cat, dog\n{}",
                pets(|path, label| format!(
                    "{path}, {}, {}\n",
                    u8::from(label == "cat"),
                    u8::from(label == "dog")
                ))
            ),
        ),
    ] {
        let set = of(&tables(&PETS, &[(name, &text)]));
        assert_eq!(set.notes.format, "CSV table of pictures", "{text}");
        assert!(set.notes.passed_over.is_empty() && set.notes.left_out.is_empty(), "{text}: {:?}", set.notes);
        assert_pets(&set, &text);
    }
    let text = format!("file,label\n{}", pets(|path, label| format!("{path},{label}\n")));
    let wide: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let folder = tables(&PETS, &[]);
    fs::write(folder.path().join("labels.csv"), wide).unwrap();
    assert_pets(&of(&folder), "UTF-16");
    for chosen in ["labels.csv", "."] {
        assert_pets(&read(&folder.path().join(chosen), &choice()).unwrap(), chosen);
    }
}

/// biolab/orange3#7000, solivr/tf-crnn#18: as Excel saves them.
#[test]
fn tables_out_of_reports_are_read() {
    for path in
        ["16-csv-bom/data/pictures", "17-csv-semicolons/data/semicolons", "17-csv-semicolons/data/tabs"]
    {
        let set = read(&case(path), &choice()).unwrap();
        assert_eq!(totals(&set), [("cat", 8), ("dog", 8)].into(), "{path}");
    }
    let set = read(&case("16-csv-bom/data/pixels"), &choice()).unwrap();
    assert!(set.notes.passed_over.is_empty() && set.info.classes() >= 2, "{:?}", set.notes);
}

#[test]
fn columns_and_names_say_the_parts() {
    let text = format!(
        "file,label,split\n{}",
        pets(|path, label| format!(
            "{path},{label},{}\n",
            if path.contains('3') { "PublicTest" } else { "Training" }
        ))
    );
    let set = of(&tables(&PETS, &[("labels.csv", &text)]));
    assert_eq!(counts(&set), [("cat", [3, 1]), ("dog", [3, 1])].into());
    let part = |wanted: &[char]| {
        let row = |path: &str, label: &str| {
            if path.contains(wanted) { format!("{path},{label}\n") } else { String::new() }
        };
        format!("file,label\n{}", pets(row))
    };
    let (train, val, test) = (part(&['0', '1']), part(&['2']), part(&['3']));
    let set = of(&tables(&PETS, &[("train_labels.csv", &train), ("test_labels.csv", &test)]));
    assert_eq!(counts(&set), [("cat", [2, 1]), ("dog", [2, 1])].into());
    assert_eq!(left_out(&set), [(2, "no table gives them a label")]);
    let set = of(&tables(
        &PETS,
        &[("train.csv", &train), ("val.csv", &val), ("test.csv", &test), ("sample_submission.csv", &val)],
    ));
    assert_eq!(counts(&set), [("cat", [2, 1]), ("dog", [2, 1])].into());
    assert_eq!(left_out(&set), [(2, "the validation part is not used, as there is a test part")]);
    // Kaggle's test.csv has no labels
    let set = of(&tables(
        &PETS,
        &[("train.csv", &part(&['0', '1', '2'])), ("test.csv", "file\nimg/c3.png\nimg/d3.png\n")],
    ));
    assert_eq!(totals(&set), [("cat", 3), ("dog", 3)].into());
    assert_eq!(left_out(&set), [(2, "no table gives them a label")]);
}

/// Kaggle's pictures have the same names in both parts.
#[test]
fn a_picture_lies_in_the_folder_of_the_part_that_its_table_names() {
    let pictures = ["train/1.png", "train/2.png", "train/3.png", "train/4.png", "test/1.png", "test/2.png"];
    let folder =
        tables(&pictures, &[("train.csv", "id,label\n1,a\n2,b\n3,a\n4,b\n"), ("test.csv", "id\n1\n2\n")]);
    let set = of(&folder);
    assert_eq!(totals(&set), [("a", 2), ("b", 2)].into());
    assert_eq!(left_out(&set), [(2, "no table gives them a label")]);
    assert!(all(&set.train).0.chunks(16).all(|image| image[0] < 4), "of the training folder");
}

#[test]
fn of_several_columns_of_labels_the_finest_is_taken_and_said() {
    let text = format!("file,superclass,label\n{}", pets(|path, label| format!("{path},pet,{label}\n")));
    let set = of(&tables(&PETS, &[("labels.csv", &text)]));
    assert_pets(&set, "finest");
    assert!(
        set.notes
            .remarks
            .concat()
            .contains("those of the column label, which has the most classes, and not those of superclass"),
        "{:?}",
        set.notes
    );
    let text = format!("file,colour,size,owner\n{}", pets(|path, _| format!("{path},red,small,{path}\n")));
    let said = refused(tables(&PETS, &[("labels.csv", &text)]).path());
    assert!(
        said.contains("such as colour, size, owner: name one of them label") && said.contains("labels.csv"),
        "{said}"
    );
}

#[test]
fn labels_that_are_numbers_stay_numbers() {
    let text = format!(
        "file,angle\n{}",
        pets(|path, label| format!("{path},{}\n", if label == "cat" { "90.0" } else { "270" }))
    );
    assert_eq!(totals(&of(&tables(&PETS, &[("labels.csv", &text)]))), [("270", 4), ("90", 4)].into());
}

#[test]
fn several_labels_of_a_picture_are_never_one_each() {
    let hot = |both: &str| {
        format!(
            "file,cat,dog\n{}",
            pets(|path, label| format!(
                "{path},{},{}\n",
                if path == "img/d3.png" {
                    both
                } else if label == "cat" {
                    "1"
                } else {
                    "0"
                },
                u8::from(label == "dog")
            ))
        )
    };
    assert_pets(&of(&tables(&PETS, &[("labels.csv", &hot("0"))])), "one-hot");
    let said = refused(tables(&PETS, &[("labels.csv", &hot("1"))]).path());
    assert!(
        said.contains("Row 7 of the labels holds several ones")
            && said.contains("The columns cat, dog hold 0 and 1"),
        "{said}"
    );
    let text = format!("file,label\nimg/c0.png,dog\n{}", pets(|path, label| format!("{path},{label}\n")));
    let set = of(&tables(&PETS, &[("labels.csv", &text)]));
    assert_eq!(totals(&set), [("cat", 3), ("dog", 4)].into());
    assert_eq!(left_out(&set), [(1, "a table gives them several labels and no boxes")]);
    let text = format!(
        "file,label\n{}{}",
        pets(|path, _| format!("{path},cat\n")),
        pets(|path, _| format!("{path},dog\n"))
    );
    let said = refused(tables(&PETS, &[("labels.csv", &text)]).path());
    assert!(said.contains("gives each picture several labels"), "{said}");
}

/// EdjeElectronics/TensorFlow-Object-Detection-API-Tutorial#290: a line for each box.
#[test]
fn boxes_of_a_table_are_cut_out() {
    let set = read(&case("20-csv-boxes/data"), &choice()).unwrap();
    assert_eq!(counts(&set), [("cat", [8, 3]), ("dog", [8, 3])].into());
    let Contents { train, .. } =
        (image_table::ENTRY.read)(&case("20-csv-boxes/data"), &choice(), &Watch::default()).unwrap();
    let Images::Pictures(pictures) = train.images else { panic!("pictures") };
    assert_eq!((pictures[0].crop, pictures[1].crop), (Some([8, 16, 32, 32]), Some([88, 16, 32, 32])));
    assert!(set.notes.passed_over.is_empty(), "{:?}", set.notes);
    // RetinaNet's, without names; what lies beyond the edge is no part of it
    let row = |path: &str, label: &str| format!("{path},-2,0,2,4,{label}\n");
    let folder = tables(&PETS, &[("annotations.csv", &pets(row))]);
    let small = Choice { values: [("min_box_size".into(), 1.0)].into(), ..choice() };
    let Contents { train, .. } = (image_table::ENTRY.read)(folder.path(), &small, &Watch::default()).unwrap();
    let Images::Pictures(pictures) = train.images else { panic!("pictures") };
    assert_eq!(pictures[7].crop, Some([0, 0, 2, 4]));
    // shares of the photograph
    let row = |path: &str, label: &str| format!("{path},4,4,0.5,0,1,1,{label}\n");
    let text = format!("filename,width,height,xmin,ymin,xmax,ymax,class\n{}", pets(row));
    let folder = tables(&PETS, &[("annotations.csv", &text)]);
    let Contents { train, .. } = (image_table::ENTRY.read)(folder.path(), &small, &Watch::default()).unwrap();
    let Images::Pictures(pictures) = train.images else { panic!("pictures") };
    assert_eq!(pictures[0].crop, Some([2, 0, 2, 4]));
    // a network is asked about the boxes that it was trained on
    let labelled = labelled_pictures(&case("20-csv-boxes/data")).unwrap();
    assert_eq!(labelled[0].0.crop, Some([8, 16, 32, 32]));
}

#[test]
fn a_table_that_names_nothing_is_refused_with_its_fault() {
    let said = refused(tables(&PETS, &[("labels.csv", "file,label\ngone.png,cat\n")]).path());
    assert!(
        said.contains("Line 2 names a picture that is not in the folder")
            || said.contains("None of the pictures"),
        "{said}"
    );
    let flat = ["0.png", "1.png"];
    let said = refused(tables(&flat, &[("notes.csv", "colour,size\nred,1\n")]).path());
    assert!(
        said.contains("The table has the columns colour, size: a table of pictures needs")
            && said.ends_with("notes.csv"),
        "{said}"
    );
    let text = format!("file,label\n{}oops\n", pets(|path, label| format!("{path},{label}\n")));
    let set = of(&tables(&PETS, &[("labels.csv", &text)]));
    assert_eq!(set.notes.passed_over.len(), 1);
    assert!(
        set.notes.passed_over[0].text.contains(
            "Line 10 was passed over, so correct it: it has 1 columns where 2 are needed, separated by commas"
        ),
        "{:?}",
        set.notes
    );
}
