//! CIFAR's version for Python, as it is published and as Python 3 writes it: see tests/data/formats.py.
use super::*;
use crate::{
    data::{Dataset, files},
    errors::message,
};
use std::fs;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cases/37-cifar-python").join(name)
}

fn set(path: &Path) -> Result<Dataset, String> {
    files::read(path, &Choice::new("files"), &Watch::default()).map_err(|error| message(&error))
}

/// The first pixel, and a pixel of the second row, of each image.
fn pixels(part: &crate::data::Examples) -> Vec<[u8; 6]> {
    let six = |image: &[u8]| [image[0], image[1], image[2], image[96], image[97], image[98]];
    (0..part.len()).map(|place| six(&part.image(place).unwrap())).collect()
}

#[test]
fn the_version_for_python_is_read_like_the_binary_one() {
    let all = data("");
    for path in
        ["ten", "ten/cifar-10-batches-py", "ten/cifar-10-batches-py/data_batch_1", "cifar-10-python.tar.gz"]
    {
        let set = set(&all.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!((set.train.labels(), set.test.labels()), (&[3, 9, 0, 1][..], &[9][..]), "{path}");
        assert_eq!((set.info.classes(), set.info.class_names[9].as_str()), (10, "truck"), "{path}");
        // planes of red, green and blue; the second row begins after 32 pixels
        assert_eq!(pixels(&set.train)[0], [1, 101, 201, 2, 102, 202], "{path}");
        assert_eq!(pixels(&set.test)[0], [5, 105, 205, 6, 106, 206], "{path}");
        assert!(set.notes.passed_over.is_empty(), "{path}: {:?}", set.notes);
    }
    let set = set(&all.join("hundred")).unwrap();
    assert_eq!((set.train.labels(), set.test.labels()), (&[42, 7][..], &[42][..]));
    assert_eq!((set.info.classes(), set.info.class_names[42].as_str()), (100, "kind 42"));
}

#[test]
fn a_pickle_that_would_call_something_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let batch = folder.path().join("data_batch_1");
    fs::write(&batch, b"cos\nsystem\n(S'echo'\ntR.").unwrap();
    let said = set(folder.path()).unwrap_err();
    assert!(said.contains("data_batch_1 was passed over: it wants to call os.system"), "{said}");
    // a list within a list, and so on
    fs::write(&batch, [vec![b']'; 10_000], vec![b'a'; 9_999], vec![b'.']].concat()).unwrap();
    let said = set(folder.path()).unwrap_err();
    assert!(said.contains("nested more deeply"), "{said}");
    let whole = fs::read(data("ten/cifar-10-batches-py/data_batch_1")).unwrap();
    fs::write(&batch, &whole[..whole.len() / 2]).unwrap();
    let said = set(folder.path()).unwrap_err();
    assert!(said.contains("it is cut short: get it again"), "{said}");
}
