//! Finds the pictures that an annotation or a table names, wherever it was written.
use std::path::{Component, Path, PathBuf};

/// Folders that pictures are often in, beside or within the one that is searched.
const USUAL: [&str; 3] = ["images", "JPEGImages", "img"];

/// The file that a text names, such as `images\a.jpg`, `/home/me/set/images/a.jpg` or `a.jpg`: the longest end of it that is
/// a file within one of the folders, or within their folders of pictures. Never a file outside them.
pub fn find(written: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let plain = written.trim().replace('\\', "/");
    let parts: Vec<_> = Path::new(&plain)
        .components()
        .filter_map(|part| match part {
            Component::Normal(part) => Some(part),
            _ => None,
        })
        .collect();
    let ends = (0..parts.len()).map(|start| parts[start..].iter().collect::<PathBuf>());
    let in_folder = |end: PathBuf| {
        let own = folders.iter().map(|folder| folder.join(&end));
        let usual = folders.iter().flat_map(|folder| USUAL.map(|name| folder.join(name).join(&end)));
        own.chain(usual).find(|path| path.is_file())
    };
    ends.filter(|end| end.is_relative()).find_map(in_folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_longest_end_that_is_there_is_found_and_nothing_outside() {
        let all = tempfile::tempdir().unwrap();
        let root = all.path().join("set");
        for file in ["a/1.png", "b/1.png", "images/2.png"] {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), file).unwrap();
        }
        fs::write(all.path().join("outside.png"), "").unwrap();
        let find = |written: &str| find(written, std::slice::from_ref(&root));
        for (written, file) in [
            ("a/1.png", Some("a/1.png")),
            ("b\\1.png", Some("b/1.png")),
            ("C:\\Users\\me\\set\\b\\1.png", Some("b/1.png")),
            ("/home/me/set/images/2.png", Some("images/2.png")),
            ("./2.png", Some("images/2.png")),
            ("../../elsewhere/2.png", Some("images/2.png")),
            ("1.png", None),
            ("../outside.png", None),
            ("", None),
        ] {
            assert_eq!(find(written), file.map(|file| root.join(file)), "{written}");
        }
    }
}
