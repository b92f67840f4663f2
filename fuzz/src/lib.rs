//! What every target does with its bytes: they are put where a file of a data set would be, and read by their path alone.
use headstart::{
    data::{files, watch::Watch},
    errors::message,
    export::bundle,
    models,
    runs::Home,
    session::catalog,
    spec::Choice,
    weights::TensorFile,
};
use std::{fs, path::Path};

/// Reads a folder with these files; a panic, a hang or an error without a path is a finding.
pub fn read(written: &[(&str, &[u8])]) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in written {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }
    match files::read(folder.path(), &Choice::new("files"), &Watch::default()) {
        Ok(set) => {
            for part in [&set.train, &set.test] {
                assert!(part.labels().iter().all(|label| usize::from(*label) < set.info.classes()));
                let all: Vec<usize> = (0..part.len()).collect();
                let bytes = part.bytes(&all).expect("what was decoded stays");
                assert_eq!(bytes.len(), part.len() * set.info.shape.len());
            }
        }
        Err(error) => {
            let said = message(&error);
            assert!(said.contains("\nFile: ") || said.contains("\nFolder: "), "{said}");
        }
    }
}

/// Takes a run out of a file; a panic, a hang or anything that is left behind by a file that is refused is a finding.
pub fn receive(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sent.headstart");
    fs::write(&path, bytes).expect("a file");
    let home = Home::open(folder.path().join("home")).expect("a home");
    match bundle::unpack(&path, &home, &catalog(), models::check_checkpoint) {
        Ok((run, folder)) => drop(folder.info(&run, &catalog()).expect("what was taken in can be read")),
        Err(error) => {
            assert!(message(&error).contains("\nFile: "), "{}", message(&error));
            assert!(home.list().expect("a list").is_empty());
        }
    }
    let beside: Vec<_> = fs::read_dir(folder.path()).expect("a list").collect();
    assert_eq!(beside.len(), 2, "{beside:?}");
}

/// Opens a file of tensors and reads them all; a panic, a hang, an error without a path or more numbers than the file can
/// hold is a finding.
pub fn open_weights(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weights");
    fs::write(&path, bytes).expect("a file");
    match TensorFile::open(&path) {
        Ok(file) => {
            for (name, info) in file.tensors() {
                if let Ok(numbers) = file.read(name) {
                    let is_empty = info.shape.contains(&0);
                    assert_eq!(numbers.len(), if is_empty { 0 } else { info.shape.iter().product() });
                    assert!(numbers.len() <= bytes.len());
                }
            }
        }
        Err(error) => assert!(message(&error).contains("\nFile: "), "{}", message(&error)),
    }
}

/// A picture that is whole, for what needs one beside the bytes of a target.
pub const PICTURE: &[u8] = include_bytes!("../seeds/pictures/grey.png");
