//! Finds the pictures that a table names, wherever below its folder they lie.
use super::{
    labels::composed,
    parts::{self, PartName},
    tree::Folder,
};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// The pictures below a folder, by their names.
#[derive(Debug)]
pub struct Finder {
    root: PathBuf,
    pictures: Vec<Picture>,
    /// Places of pictures by the names of their files, and by these without their endings, in small letters.
    by_name: HashMap<String, Vec<u32>>,
}

/// A picture below a folder.
#[derive(Debug)]
pub struct Picture {
    /// The file.
    pub path: PathBuf,
    /// What it is, where that cannot be read.
    pub unreadable: Option<&'static str>,
    /// A table has named it.
    pub is_named: bool,
}

/// Why a picture is not found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Missing {
    /// There is none of this name.
    None,
    /// There are several.
    Several,
}

impl Finder {
    /// Of all pictures in a folder and below.
    pub fn of(root: &Folder) -> Self {
        let mut finder = Self { root: root.path.clone(), pictures: vec![], by_name: HashMap::new() };
        finder.add(root);
        finder
    }

    fn add(&mut self, folder: &Folder) {
        let readable = folder.pictures.iter().map(|path| (None, path));
        let unreadable = folder.unreadable.iter().map(|(kind, path)| (Some(*kind), path));
        for (kind, path) in readable.chain(unreadable) {
            let place = self.pictures.len() as u32;
            for name in [path.file_name(), path.file_stem()].into_iter().flatten() {
                self.by_name.entry(key(&name.to_string_lossy())).or_default().push(place);
            }
            self.pictures.push(Picture { path: path.clone(), unreadable: kind, is_named: false });
        }
        folder.folders.iter().for_each(|folder| self.add(folder));
    }

    pub fn picture(&mut self, place: usize) -> &mut Picture {
        &mut self.pictures[place]
    }

    pub fn pictures(&self) -> &[Picture] {
        &self.pictures
    }

    /// The part that the folders of a picture say.
    pub fn part(&self, place: usize) -> Option<PartName> {
        parts::of(self.pictures[place].path.parent()?, &self.root)
    }

    /// The place of the picture that a table in the folder `near` names by a path, perhaps of another machine, by a file's
    /// name, or by that without its ending. Of several, the one whose folders fit best, and which lies in the part.
    ///
    /// # Errors
    /// Where there is none, or several fit as well.
    pub fn find(&self, written: &str, near: &Path, part: Option<PartName>) -> Result<usize, Missing> {
        let written = written.trim().replace('\\', "/");
        let mut names = written.rsplit('/').map(key);
        let own = names.next().filter(|name| !name.is_empty()).ok_or(Missing::None)?;
        let folders: Vec<String> = names.filter(|name| !name.is_empty() && name != ".").collect();
        let found = self.by_name.get(&own).ok_or(Missing::None)?;
        if let ([only], true) = (&found[..], folders.is_empty()) {
            return Ok(*only as usize);
        }
        // a folder that names another part is another folder
        let said = folders.iter().find_map(|name| parts::named(name));
        let fits =
            |place: &&u32| said.is_none() || self.part(**place as usize).is_none_or(|own| Some(own) == said);
        let rank = |place: &u32| {
            let picture = &self.pictures[*place as usize];
            let own_folders = picture.path.parent().into_iter().flat_map(|folder| folder.iter().rev());
            let alike = own_folders
                .map(|name| key(&name.to_string_lossy()))
                .zip(&folders)
                .take_while(|(one, other)| one == *other)
                .count();
            let is_in_part = part.is_some() && self.part(*place as usize) == part;
            (alike, is_in_part, picture.path.starts_with(near), picture.unreadable.is_none())
        };
        let mut ranked: Vec<_> = found.iter().filter(fits).map(|place| (rank(place), *place)).collect();
        ranked.sort();
        match ranked[..] {
            [] => Err(Missing::None),
            [.., (one, _), (other, _)] if one == other => Err(Missing::Several),
            [.., (_, best)] => Ok(best as usize),
        }
    }
}

fn key(name: &str) -> String {
    composed(name).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Notes, watch::Watch};
    use std::fs;

    #[test]
    fn pictures_are_found_by_paths_names_and_identifiers() {
        let folder = tempfile::tempdir().unwrap();
        for path in
            ["train/1.jpg", "test/1.jpg", "img/Cat A.PNG", "img/7.png", "img/8.avif", "a/x.png", "b/x.png"]
        {
            fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
            fs::write(folder.path().join(path), "").unwrap();
        }
        let tree = Folder::read(folder.path(), &Watch::default(), &mut Notes::default()).unwrap();
        let finder = Finder::of(&tree);
        let find = |written: &str, part| {
            let place = finder.find(written, folder.path(), part)?;
            let inner = finder.pictures()[place].path.strip_prefix(folder.path()).unwrap();
            Ok(inner.to_str().unwrap().to_owned())
        };
        for (written, expected) in [
            ("img/7.png", "img/7.png"),
            ("7", "img/7.png"),
            ("img\\7.png", "img/7.png"),
            ("./img/cat a.png", "img/Cat A.PNG"),
            ("C:\\data\\set\\img\\7.png", "img/7.png"),
            ("/kaggle/input/train/1.jpg", "train/1.jpg"),
            ("b/x.png", "b/x.png"),
            ("8", "img/8.avif"),
        ] {
            assert_eq!(find(written, None).as_deref(), Ok(expected), "{written}");
        }
        assert_eq!(find("1.jpg", Some(PartName::Test)).as_deref(), Ok("test/1.jpg"));
        assert_eq!(find("1.jpg", None), Err(Missing::Several));
        assert_eq!(find("val/1.jpg", None), Err(Missing::None));
        for written in ["", "/", "9", "../../etc/passwd"] {
            assert_eq!(find(written, None), Err(Missing::None), "{written}");
        }
    }
}
