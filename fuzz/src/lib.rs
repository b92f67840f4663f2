//! What every target does with its bytes: they are put where a file of a data set would be, and read by their path alone.
use headstart::{
    data::{files, watch::Watch},
    errors::message,
    spec::Choice,
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

/// A picture that is whole, for what needs one beside the bytes of a target.
pub const PICTURE: &[u8] = include_bytes!("../seeds/pictures/grey.png");
