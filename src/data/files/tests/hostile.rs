//! Damaged and hostile files of every format.
//!
//! Long, as it is one list of files, with what is to be said of each.
use super::*;
use crate::{errors::message, rng::rng};
use rand::RngExt as _;
use samples::npz_file;
use std::io::Write as _;

/// What is done to a sample of a format, and what is said of it.
type Damage = (&'static str, fn(&Path), &'static str);

const IMAGES_HEADER: &str = "train-images-idx3-ubyte";

/// Hostile files: each is answered with one message, which says what is wrong and what to do, and names the file last.
const REFUSED: [Damage; 31] = [
    (
        "idx",
        |root| change(root, IMAGES_HEADER, |bytes| bytes[4] = 0xff),
        "the header asks for more than 4 GiB",
    ),
    ("idx", |root| change(root, IMAGES_HEADER, |bytes| bytes[7] = 200), "the file is cut short"),
    ("idx", |root| change(root, IMAGES_HEADER, |bytes| bytes.push(0)), "longer than its header says"),
    ("idx", |root| change(root, IMAGES_HEADER, bomb), "longer than its header says"),
    (
        "idx",
        |root| {
            change(root, "train-labels-idx1-ubyte", |bytes| {
                bytes.pop();
            })
        },
        "the file is cut short",
    ),
    (
        "idx",
        |root| fs::remove_file(root.join("train-labels-idx1-ubyte")).unwrap(),
        "There are no labels for these images",
    ),
    (
        "cifar",
        |root| change(root, "data_batch_1.bin", |bytes| bytes.truncate(5000)),
        "no whole number of records of 3073",
    ),
    (
        "cifar",
        |root| change(root, "data_batch_1.bin", |bytes| bytes[0] = 99),
        "A label is 99, but there are only 10 classes",
    ),
    (
        "npz",
        |root| change(root, "digits.npz", |bytes| bytes.truncate(200)),
        "no whole zip archive: get it again",
    ),
    (
        "npz",
        |root| npz(root, "x_train", "|u1", "12, 4, 5"),
        "other numbers than its shape [12, 4, 5] asks for",
    ),
    (
        "npz",
        |root| npz(root, "x_train", "|u1", "4294967296, 4294967296, 1"),
        "other numbers than its shape [4294967296, 4294967296, 1] asks for",
    ),
    ("npz", |root| npz(root, "x_train", "|O8", "12, 4, 4"), "write it with .astype('uint8')"),
    ("npz", |root| npz(root, "z_train", "|u1", "12, 4, 4"), "name them so in numpy.savez"),
    (
        "npz",
        |root| fs::write(root.join("digits.npz"), zip_bomb("1, 4097, 4096")).unwrap(),
        "unpack to more than 16 MiB",
    ),
    (
        "npz",
        |root| fs::write(root.join("digits.npz"), zip_bomb("12, 4, 4")).unwrap(),
        "other numbers than its shape",
    ),
    (
        "npz",
        |root| fs::write(root.join("digits.npz"), not_a_number()).unwrap(),
        "holds NaN as number 50, in image 3: replace what is no number",
    ),
    ("parquet", |root| cut_all(&root.join("data")), "A file was passed over: it is damaged, so get it again"),
    ("parquet", |root| lie(&root.join("data")), "A file was passed over: it is damaged, so get it again"),
    (
        "usps",
        |root| change(root, "zip.train", |bytes| bytes.truncate(100)),
        "Line 1 is no label and 256 greys",
    ),
    ("usps", |root| change(root, "zip.train", |bytes| bytes[0] = b'x'), "Line 1 is no label and 256 greys"),
    (
        "pixel_table",
        |root| change(root, "train.csv", |bytes| replace(bytes, b"label", b"grade")),
        "There is no column of labels: name one",
    ),
    ("pixel_table", |root| change(root, "train.csv", |bytes| bytes.truncate(124)), "The table has no lines"),
    (
        "image_table",
        |root| fs::write(root.join("labels.csv"), "file,label\n../../etc/passwd,1\n/etc/passwd,0\n").unwrap(),
        "None of the pictures that the table names is there",
    ),
    ("coco", |root| boxes(root, &("[".repeat(10_000) + &"]".repeat(10_000))), "This is no COCO file"),
    (
        "coco",
        |root| boxes(root, "{\"images\": [], \"annotations\": [], \"categories\": []}"),
        "None of the boxes is large enough",
    ),
    ("coco", |root| fs::remove_dir_all(root.join("train2017")).unwrap(), "which is not there: put it beside"),
    (
        "voc",
        |root| change(root, "Annotations/1.xml", |bytes| bytes.truncate(300)),
        "It is no XML, or damaged: write it again",
    ),
    (
        "yolo",
        |root| fs::write(root.join("labels/1.txt"), "0 0.5 0.5 0.01 0.01\n").unwrap(),
        "None of the boxes is large enough",
    ),
    (
        "archive",
        |root| change(root, "set.zip", |bytes| bytes.truncate(300)),
        "the archive is cut short or damaged: get it again",
    ),
    (
        "class_folders",
        |root| fs::remove_dir_all(root.join("kind 1")).unwrap(),
        "All training images have the same label",
    ),
    (
        "named_pictures",
        |root| entries(root).iter().for_each(|path| fs::write(path, "no picture").unwrap()),
        "A picture cannot be read",
    ),
];

/// Twelve images in an array of this name, type and shape, with their labels.
fn npz(root: &Path, name: &str, kind: &str, shape: &str) {
    let labels = ("y_train", "|u1", "12,", &[0; 12][..]);
    fs::write(root.join("digits.npz"), npz_file(&[(name, kind, shape, &[0; 192]), labels])).unwrap();
}

fn change(root: &Path, name: &str, change: fn(&mut Vec<u8>)) {
    let mut bytes = fs::read(root.join(name)).unwrap();
    change(&mut bytes);
    fs::write(root.join(name), bytes).unwrap();
}

fn boxes(root: &Path, text: &str) {
    fs::write(root.join("annotations/instances_train2017.json"), text).unwrap();
}

fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    let places: Vec<usize> =
        (0..bytes.len() - old.len()).filter(|at| bytes[*at..].starts_with(old)).collect();
    assert!(!places.is_empty());
    places.into_iter().for_each(|at| bytes[at..][..new.len()].copy_from_slice(new));
}

fn cut_all(folder: &Path) {
    for file in entries(folder) {
        let bytes = fs::read(&file).unwrap();
        fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    }
}

/// Footers that are said to be 2 GiB long.
fn lie(folder: &Path) {
    for file in entries(folder) {
        let mut bytes = fs::read(&file).unwrap();
        let end = bytes.len();
        bytes[end - 8..end - 4].copy_from_slice(&i32::MAX.to_le_bytes());
        fs::write(&file, bytes).unwrap();
    }
}

/// Packs a file, with so much after its end that it would not fit into memory if all of it were unpacked at once.
fn bomb(bytes: &mut Vec<u8>) {
    let mut packed = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.write_all(&vec![0; 64 << 20]).unwrap();
    *bytes = packed.finish().unwrap();
    assert!(bytes.len() < 1 << 20);
}

/// A few kB that unpack to more zeros than are read, whatever their header says of them.
fn zip_bomb(shape: &str) -> Vec<u8> {
    let labels = ("y_train", "|u1", "12,", &[0; 12][..]);
    let bytes = npz_file(&[("x_train", "|u1", shape, &vec![0; 4097 * 4096]), labels]);
    assert!(bytes.len() < 1 << 20);
    bytes
}

/// Twelve images of shares of white, one of which is none.
fn not_a_number() -> Vec<u8> {
    let numbers = (0..192).map(|place| if place == 50 { f32::NAN } else { 0.5 });
    let body: Vec<u8> = numbers.flat_map(f32::to_le_bytes).collect();
    npz_file(&[("x_train", "<f4", "12, 4, 4", &body), ("y_train", "|u1", "12,", &[0; 12])])
}

/// What could not be read, a remark a line.
fn passed_over(set: &Dataset) -> String {
    set.notes.passed_over.iter().map(|remark| format!("{remark}\n")).collect()
}

#[test]
fn hostile_files_are_refused_in_one_message() {
    let mut wrong = vec![];
    for (format, damage, expected) in REFUSED {
        let folder = sample(format);
        damage(folder.path());
        let said = refused(folder.path());
        let (text, place) = said.split_once('\n').unwrap_or((&said, ""));
        let is_place =
            (place.starts_with("File: /") || place.starts_with("Folder: /")) && !place.contains('\n');
        if !text.contains(expected) || text.len() > 300 || !is_place {
            wrong.push(format!("{format}, where {expected:?} is expected: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let formats: std::collections::BTreeSet<_> = REFUSED.iter().map(|(format, ..)| *format).collect();
    assert_eq!(formats.len(), ALL.len(), "a format has no hostile file here");
}

#[test]
fn what_is_no_data_set_is_answered_with_what_is_one() {
    let empty = tempfile::tempdir().unwrap();
    assert!(refused(empty.path()).contains("Choose one of these: IDX files;"));
    assert!(refused(&empty.path().join("gone")).contains("There is nothing to be read here"));
    #[cfg(unix)]
    assert!(refused(Path::new("/dev/zero")).contains("neither a file nor a folder"));
}

/// Damage to a part of a data set: how much of the rest is there, and what is said of the part.
const PASSED_OVER: [Damage; 6] = [
    (
        "cifar",
        |root| fs::write(root.join("data_batch_2.bin"), [0; 100]).unwrap(),
        "data_batch_2.bin was passed over: 100 bytes",
    ),
    (
        "pixel_table",
        |root| append(root, "train.csv", "1,2,3\n"),
        "Line 14 was passed over, so correct it: it has 3 columns where 17 are needed",
    ),
    (
        "image_table",
        |root| append(root, "labels.csv", "images/gone.png,1,pen\n"),
        "Line 14 names a picture that is not in the folder",
    ),
    ("coco", |root| fs::write(root.join("train2017/1.txt"), "").unwrap(), ""),
    (
        "parquet",
        |root| fs::write(root.join("data/train-00002-of-00003.parquet"), "PAR1").unwrap(),
        "A file was passed over: it is damaged, so get it again",
    ),
    (
        "class_folders",
        |root| fs::write(root.join("kind 0/text.jpeg"), "no picture").unwrap(),
        "A picture cannot be read, so replace or remove it",
    ),
];

fn append(root: &Path, name: &str, line: &str) {
    let text = fs::read_to_string(root.join(name)).unwrap() + line;
    fs::write(root.join(name), text).unwrap();
}

#[test]
fn good_files_beside_a_bad_one_load() {
    for (format, damage, expected) in PASSED_OVER {
        let folder = sample(format);
        let whole = read(folder.path(), &choice()).unwrap();
        damage(folder.path());
        let set = read(folder.path(), &choice()).unwrap_or_else(|error| panic!("{format}: {error:#}"));
        assert_eq!(all(&set.train), all(&whole.train), "{format}");
        assert_eq!(
            set.notes.passed_over.len(),
            usize::from(!expected.is_empty()),
            "{format}: {:?}",
            set.notes
        );
        let said = passed_over(&set);
        assert!(said.contains(expected), "{format}, where {expected:?} is expected: {said}");
    }
}

#[test]
fn an_archive_is_read_without_being_unpacked_and_may_not_lead_out_of_itself() {
    let records = fs::read(sample("cifar").path().join("data_batch_1.bin")).unwrap();
    let archive = |name: &str, link: bool| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cifar-10-binary.tar");
        let mut builder = tar::Builder::new(fs::File::create(&path).unwrap());
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(if link { 0 } else { records.len() as u64 });
        if link {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        builder.append(&header, if link { &[][..] } else { &records }).unwrap();
        builder.finish().unwrap();
        (folder, path)
    };
    let (_folder, path) = archive("cifar-10-batches-bin/data_batch_1.bin", false);
    assert_eq!(read(&path, &choice()).unwrap().train.len(), IMAGES - 2);
    for (name, link) in
        [("../data_batch_1.bin", false), ("/data_batch_1.bin", false), ("data_batch_1.bin", true)]
    {
        let (_folder, path) = archive(name, link);
        assert!(refused(&path).contains("which leads out of it"), "{name}");
    }
}

#[test]
fn a_bad_picture_beside_good_ones_is_counted_and_named() {
    let folder = sample("class_folders");
    fs::write(folder.path().join("kind 0/broken.png"), b"\x89PNG\r\n\x1a\nnothing").unwrap();
    // a header that asks for 65,000 by 65,000 pixels
    let mut huge = fs::read(folder.path().join("kind 0/0.png")).unwrap();
    huge[16..24].copy_from_slice(&[0, 0, 0xfd, 0xe8, 0, 0, 0xfd, 0xe8]);
    fs::write(folder.path().join("kind 1/huge.png"), huge).unwrap();
    fs::create_dir(folder.path().join("nobody")).unwrap();
    fs::write(folder.path().join("stray.png"), b"").unwrap();
    let set = read(folder.path(), &choice()).unwrap();
    assert_eq!(
        (set.train.len() + set.test.len(), set.notes.passed_over.len()),
        (IMAGES, 2),
        "{:?}",
        set.notes
    );
    assert!(passed_over(&set).contains("huge.png"), "{:?}", set.notes);
    let remarks = set.notes.remarks.join("\n");
    assert!(
        remarks.contains("\"nobody\" has no training image")
            && set.notes.left_out[0].why == "they lie in no class's folder",
        "{:?}",
        set.notes
    );
}

/// Links that lead nowhere, or to themselves, stand for what nobody may read: those rights do not bind an administrator.
#[cfg(unix)]
#[test]
fn what_cannot_be_opened_is_passed_over_and_named() {
    let folder = sample("class_folders");
    let whole = read(folder.path(), &choice()).unwrap();
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
    link("/nowhere/at/all.png", "kind 0/gone.png");
    link("round.png", "kind 1/round.png");
    link(".", "kind 1/inner");
    fs::create_dir(folder.path().join("kind 1/folder.png")).unwrap();
    let set = read(folder.path(), &choice()).unwrap();
    assert_eq!(set.info, whole.info);
    let said = passed_over(&set);
    for name in ["gone.png", "round.png", "folder.png"] {
        assert!(said.contains(name), "{name} is not named: {said}");
    }
    assert!(
        said.lines().all(|line| !line.contains("replace or remove it") || line.contains("cannot be read"))
    );
}

/// To read a pipe would be to wait, to read a device never to end.
#[cfg(unix)]
#[test]
fn pipes_and_devices_are_no_pictures_and_no_data() {
    let folder = sample("class_folders");
    let pipe = folder.path().join("kind 0/pipe.png");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [&pipe, Path::new("/dev/zero")] {
        let said = message(&open_picture(path).unwrap_err());
        assert!(said.contains("a pipe or a device") && said.contains("choose another"), "{said}");
    }
    assert_eq!(
        read(folder.path(), &choice()).unwrap().notes,
        read(sample("class_folders").path(), &choice()).unwrap().notes
    );
}

/// What fuzzing has found: a folder each, named after what is wrong with it.
#[test]
fn what_fuzzing_has_found_stays_survived() {
    let found = entries(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/found"));
    assert!(!found.is_empty());
    for folder in found {
        let said = match read(&folder, &choice()) {
            Ok(set) => passed_over(&set),
            Err(error) => format!("{error:#}"),
        };
        assert!(!said.is_empty(), "nothing is wrong with {}", folder.display());
    }
}

/// An administrator may read everything, so the reason is made up for them.
#[test]
fn what_may_not_be_read_is_answered_with_what_to_do() {
    let denied = closed(io::ErrorKind::PermissionDenied.into(), Path::new("/a"));
    assert_eq!(
        message(&denied),
        "You may not read this: give yourself the right to, or choose another: permission denied\nFile: /a"
    );
    let gone = closed(io::ErrorKind::NotFound.into(), Path::new("/a"));
    assert!(message(&gone).starts_with("There is nothing to be read here: choose"));
}

#[cfg(unix)]
#[test]
fn files_of_every_format_that_may_not_be_read_are_named() {
    use std::os::unix::fs::PermissionsExt as _;
    for format in ALL {
        let folder = sample(format.info.id);
        let files = files_under(folder.path());
        for file in &files {
            fs::set_permissions(file, fs::Permissions::from_mode(0o000)).unwrap();
        }
        if fs::File::open(&files[0]).is_ok() {
            return;
        }
        let said = refused(folder.path());
        assert!(said.contains("give yourself the right"), "{}: {said}", format.info.id);
        assert!(said.lines().last().is_some_and(|line| line.starts_with("File: /")), "{said}");
    }
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let (folders, mut files): (Vec<_>, Vec<_>) = entries(folder).into_iter().partition(|path| path.is_dir());
    files.extend(folders.iter().flat_map(|folder| files_under(folder)));
    files
}

/// Bytes changed, cut off and put in, a few hundred times for each format: never a panic, and an error names the path.
#[test]
fn damaged_files_of_every_format_are_survived() {
    for format in ALL {
        let folder = sample(format.info.id);
        let files = files_under(folder.path());
        let mut rng = rng(1, "damage", 0);
        for turn in 0..300 {
            let file = &files[rng.random_range(0..files.len())];
            let whole = fs::read(file).unwrap();
            let mut bytes = whole.clone();
            let place = rng.random_range(0..bytes.len().min(if turn % 2 == 0 { 64 } else { usize::MAX }));
            match turn % 4 {
                0 | 1 => bytes[place] = rng.random(),
                2 => bytes.truncate(place),
                _ => {
                    bytes.splice(place..place, [rng.random(), 0xff, b'9', b',']);
                }
            }
            fs::write(file, &bytes).unwrap();
            if let Err(error) = recognise(folder.path()).and_then(|_| read(folder.path(), &choice())) {
                let said = format!("{error:#}");
                assert!(said.contains("Folder: ") || said.contains("File: "), "{said}");
            }
            fs::write(file, &whole).unwrap();
        }
    }
}
