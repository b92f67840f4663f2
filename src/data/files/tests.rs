//! Every format: a small sample of it, what is made of it, and what is made of it when it is damaged.
use super::{
    assembly::{Memory, TEST_SHARE},
    *,
};
use crate::{
    data::{self, Examples},
    errors::message,
};
use samples::sample;

mod hostile;
mod layouts;
mod pixels;
mod samples;
mod tables;

const CLASSES: usize = 2;
const IMAGES: usize = 12;

fn choice() -> Choice {
    Choice::new("files")
}

fn read(path: &Path, choice: &Choice) -> Result<Dataset> {
    super::read(path, choice, &Watch::default())
}

/// All images and labels.
fn all(examples: &Examples) -> (Vec<u8>, Vec<u16>) {
    let indices: Vec<usize> = (0..examples.len()).collect();
    (examples.bytes(&indices).unwrap(), examples.labels().to_vec())
}

fn refused(path: &Path) -> String {
    message(&read(path, &choice()).unwrap_err())
}

/// A situation out of a public report on another tool, remade small.
fn case(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases").join(path)
}

#[test]
fn every_format_is_recognised_and_read() {
    for format in ALL {
        let id = format.info.id;
        let folder = sample(id);
        assert_eq!(recognise(folder.path()).unwrap().info.id, id);
        let set = read(folder.path(), &choice()).unwrap_or_else(|error| panic!("{id}: {error:#}"));
        let carved = set.notes.remarks.iter().any(|remark| remark.contains("no test part"));
        let expected = if carved { IMAGES - IMAGES / TEST_SHARE } else { IMAGES };
        assert_eq!(set.train.len(), expected, "{id}");
        assert!(set.info.classes() >= CLASSES && set.notes.passed_over.is_empty(), "{id}: {:?}", set.notes);
        let labels: std::collections::BTreeSet<u16> = set.train.labels().iter().copied().collect();
        assert_eq!(labels.into_iter().collect::<Vec<_>>(), [0, 1], "{id}");
        let again = read(folder.path(), &choice()).unwrap();
        assert_eq!((all(&set.train), all(&set.test)), (all(&again.train), all(&again.test)), "{id}");
        let scaled =
            Choice { values: [("image_size".into(), 8.0), ("channels".into(), 3.0)].into(), ..choice() };
        let scaled = read(folder.path(), &scaled).unwrap();
        assert_eq!(scaled.info.shape, ImageShape::new(8, 8, 3).into(), "{id}");
    }
}

#[test]
fn looking_at_the_shape_is_stopped_in_every_format() {
    for format in ALL {
        let folder = sample(format.info.id);
        let choice = Choice { path: Some(folder.path().into()), ..choice() };
        let watch = Watch::default();
        watch.stop();
        let error = data::peek(&choice, &watch).unwrap_err();
        assert!(error.is::<data::watch::Stopped>(), "{}: {error:#}", format.info.id);
        assert!(data::peek(&choice, &Watch::default()).is_ok());
    }
}

#[test]
fn what_does_not_fit_into_memory_is_read_when_it_is_asked_for() {
    let folder = sample("class_folders");
    let shape = ImageShape { height: 4, width: 4, channels: 1 };
    let examples = |bytes| {
        let contents = (class_folders::ENTRY.read)(folder.path(), &choice(), &Watch::default()).unwrap();
        let watch = Watch::default();
        let headers = pictures::headers(&contents.train.images, &watch);
        contents
            .train
            .decode(headers, shape, Memory { bytes, images: IMAGES }, &watch, &mut Notes::default())
            .unwrap()
    };
    let (memory, streamed) = (examples(1 << 20), examples(3 * 16));
    assert_eq!(all(&streamed), all(&memory));
    let order = [11, 0, 5, 0];
    assert_eq!(streamed.gather(&order).unwrap(), memory.gather(&order).unwrap());
    assert_eq!(streamed.subset(&[7, 3]).bytes(&[1]).unwrap(), memory.bytes(&[3]).unwrap());
    // what changes on disk is an error as soon as it is asked for, if it has not been kept
    entries(&folder.path().join("kind 1")).iter().for_each(|path| fs::write(path, "changed").unwrap());
    let lost = (0..IMAGES).filter_map(|index| streamed.image(index).err()).collect::<Vec<_>>();
    assert!((1..=6).contains(&lost.len()), "{lost:?}");
    let said = lost[0].to_string();
    assert!(said.contains("replace or remove it") && said.contains("\nFile: /"), "{said}");
}

fn header(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

#[test]
fn emnist_is_turned_and_its_letters_have_names() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    for part in ["train", "test"] {
        let images: Vec<u8> = (0..26 * 4).map(|place| place as u8).collect();
        write(
            &format!("emnist-letters-{part}-images-idx3-ubyte"),
            &[header(&[0x803, 26, 2, 2]), images].concat(),
        );
        let labels = (1..=26).collect();
        write(&format!("emnist-letters-{part}-labels-idx1-ubyte"), &[header(&[0x801, 26]), labels].concat());
    }
    let set = read(folder.path(), &choice()).unwrap();
    assert_eq!((set.info.class_names[0].as_str(), set.info.class_names[25].as_str()), ("A", "Z"));
    assert_eq!((set.train.labels()[0], set.train.labels()[25]), (0, 25));
    assert_eq!(*set.train.image(1).unwrap(), [4, 6, 5, 7]);
}

#[test]
fn qmnist_has_its_label_in_the_first_of_eight_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    for part in ["train", "test"] {
        write(&format!("qmnist-{part}-images-idx3-ubyte"), &[header(&[0x803, 4, 1, 1]), vec![9; 4]].concat());
        let rows: Vec<u32> = (0..4).flat_map(|image| [image % 2, 0, 0, 2600, 0, 0, 0, 0]).collect();
        write(&format!("qmnist-{part}-labels-idx2-int"), &[header(&[0xc02, 4, 8]), header(&rows)].concat());
    }
    for path in [folder.path().to_path_buf(), folder.path().join("qmnist-test-labels-idx2-int")] {
        let set = read(&path, &choice()).unwrap();
        assert_eq!((set.train.labels(), set.test.labels()), (&[0, 1, 0, 1][..], &[0, 1, 0, 1][..]));
    }
}

#[test]
fn the_fine_labels_of_cifar_100_are_taken_out_of_its_archive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cifar-100-binary.tar.gz");
    let packed = flate2::write::GzEncoder::new(fs::File::create(&path).unwrap(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(packed);
    // coarse label, fine label, then the pixels
    let records: Vec<u8> =
        [7, 42].into_iter().flat_map(|fine| [vec![1, fine], vec![fine; 3072]].concat()).collect();
    let names: Vec<String> = (0..100).map(|class| format!("kind {class}\n")).collect();
    for (name, bytes) in [
        ("train.bin", &records),
        ("test.bin", &records),
        ("fine_label_names.txt", &names.concat().into_bytes()),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, format!("cifar-100-binary/{name}"), bytes.as_slice()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap();
    for path in [path.as_path(), folder.path()] {
        let set = read(path, &choice()).unwrap();
        assert_eq!(
            (set.train.labels(), set.test.len(), set.info.class_names[42].as_str()),
            (&[7, 42][..], 2, "kind 42")
        );
        assert_eq!(set.info.shape, ImageShape::new(32, 32, 3).into());
    }
}

#[test]
fn pictures_of_many_sizes_and_kinds_become_alike() {
    let folder = tempfile::tempdir().unwrap();
    let colour = [200, 30, 30];
    for (part, count) in [("train", 5), ("val", 2)] {
        for class in ["ant", "bee", "cat"] {
            // nobody learns of the last class, and the pictures grow
            let of = folder.path().join(part).join(class);
            if (part, class) == ("train", "cat") {
                continue;
            }
            fs::create_dir_all(&of).unwrap();
            for image in 0..count {
                let picture = image::RgbImage::from_pixel(20 + image, 30, colour.into());
                picture.save(of.join(format!("{image}.png"))).unwrap();
            }
        }
        image::GrayImage::new(40, 40).save(folder.path().join(part).join("ant/grey.bmp")).unwrap();
    }
    let set = read(folder.path(), &choice()).unwrap();
    assert_eq!(set.info.shape, ImageShape::new(64, 64, 3).into());
    assert_eq!(
        (set.train.len(), set.test.len(), set.info.class_names),
        (11, 5, vec!["ant".into(), "bee".into()])
    );
    assert_eq!(set.notes.left_out[0].why, "no training picture is of the class \"cat\"");
    assert!(set.train.image(1).unwrap().starts_with(&colour));
}

#[test]
fn boxes_that_are_too_small_are_left_out() {
    let folder = sample("coco");
    let count = |side: f64| {
        let choice = Choice { values: [("min_box_size".into(), side)].into(), ..choice() };
        read(folder.path(), &choice).map(|set| set.train.len() + set.test.len()).ok()
    };
    // boxes are 30 pixels wide, and 40 to 51 high
    assert_eq!((count(1.0), count(30.0), count(31.0)), (Some(IMAGES), Some(IMAGES), None));
}

/// Written by numpy.savez of `numpy.asfortranarray(images)`, two images of two by three:
/// see tests/data/formats.py.
#[test]
fn arrays_by_columns_are_read() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let set = read(&data.join("fortran.npz"), &choice()).unwrap();
    assert_eq!(set.info.shape, ImageShape::new(2, 3, 1).into());
    let images: Vec<u8> =
        (0..4).flat_map(|image| (0..6).map(move |pixel| 100 + 10 * image + pixel)).collect();
    let mut found: Vec<Vec<u8>> = [&set.train, &set.test]
        .iter()
        .flat_map(|part| all(part).0.chunks(6).map(Into::into).collect::<Vec<_>>())
        .collect();
    found.sort();
    assert_eq!(found.concat(), images);
}

#[test]
fn greys_are_told_by_their_range() {
    let greys = |numbers: &[f32]| npz::greys(|| numbers.iter().copied());
    assert_eq!(greys(&[0.0, 0.5, 1.0]), [0, 128, 255]);
    assert_eq!(greys(&[-1.0, 0.0, 1.0]), [0, 128, 255]);
    assert_eq!(greys(&[0.0, 8.0, 16.0]), [0, 128, 255]);
    assert_eq!(greys(&[0.0, 17.0, 255.0]), [0, 17, 255]);
    assert_eq!(greys(&[0.0, 257.0, 65_535.0]), [0, 1, 255]);
    assert_eq!(greys(&[f32::NAN, 1.0]), [0, 255]);
}
