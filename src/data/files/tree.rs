//! The folders and pictures below a path, each real folder once.
use super::{closed, entries, labels, pictures};
use crate::{
    data::{Notes, watch::Watch},
    errors::At as _,
};
use anyhow::{Result, anyhow, ensure};
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

/// Folders within folders are searched as deep as this.
const MAX_DEPTH: usize = 12;
/// More pictures than this are a mistake, such as choosing a whole disk.
const MAX_PICTURES: usize = 2_000_000;
/// The most folders that are looked into for a first picture.
const MOST_FOLDERS: usize = 2_000;

/// A folder, and what is in it.
#[derive(Debug)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// Its name, with every accent as one sign with its letter (NFC).
    pub name: String,
    /// Pictures in it by themselves, in order.
    pub pictures: Vec<PathBuf>,
    /// Pictures that cannot be read, by the ending of their names.
    pub unreadable: Vec<(&'static str, PathBuf)>,
    /// The folders in it, in order.
    pub folders: Vec<Folder>,
    /// Pictures in it and in all its folders, readable or not.
    pub total: usize,
    /// Other files in it and in all its folders.
    pub files: usize,
}

/// What a walk has come across.
#[derive(Default)]
struct Walk {
    seen: HashSet<PathBuf>,
    pictures: usize,
}

impl Folder {
    /// A folder and all that is below it. A real folder that links lead to a second time is there once; folders that may
    /// not be read are noted.
    ///
    /// # Errors
    /// Where there are too many pictures, or it was stopped.
    pub fn read(path: &Path, watch: &Watch, notes: &mut Notes) -> Result<Self> {
        let mut walk = Walk::default();
        walk.is_new(path);
        walk.folder(path, 0, watch, notes)
    }

    /// The folders in it that hold pictures, by themselves or further down.
    pub fn full(&self) -> impl Iterator<Item = &Folder> {
        self.folders.iter().filter(|folder| folder.total > 0)
    }

    /// Whether there are folders with pictures in it.
    pub fn has_folders(&self) -> bool {
        self.full().next().is_some()
    }

    /// All pictures in it and below.
    pub fn all_pictures<'a>(&'a self, found: &mut Vec<&'a PathBuf>) {
        found.extend(&self.pictures);
        self.folders.iter().for_each(|folder| folder.all_pictures(found));
    }

    /// Notes that its pictures, and those below it, are not used.
    pub fn leave_out(&self, why: &str, notes: &mut Notes) {
        self.pictures.iter().for_each(|picture| notes.leave_out(why, picture));
        self.leave_unreadable(notes);
        self.folders.iter().for_each(|folder| folder.leave_out(why, notes));
    }

    /// Notes the pictures that cannot be read, in it and below.
    pub fn leave_all_unreadable(&self, notes: &mut Notes) {
        self.leave_unreadable(notes);
        self.folders.iter().for_each(|folder| folder.leave_all_unreadable(notes));
    }

    /// Notes the pictures that cannot be read, in it by themselves.
    pub fn leave_unreadable(&self, notes: &mut Notes) {
        for (kind, path) in &self.unreadable {
            notes.leave_out(&format!("{kind} cannot be read"), path);
        }
    }
}

impl Walk {
    /// Whether a folder is met for the first time, whatever links lead to it.
    fn is_new(&mut self, folder: &Path) -> bool {
        let real = fs::canonicalize(folder).unwrap_or(folder.into());
        self.seen.insert(real)
    }

    fn folder(&mut self, path: &Path, depth: usize, watch: &Watch, notes: &mut Notes) -> Result<Folder> {
        watch.go_on()?;
        let mut folder = Folder {
            path: path.into(),
            name: labels::composed(&path.file_name().unwrap_or_default().to_string_lossy()),
            pictures: vec![],
            unreadable: vec![],
            folders: vec![],
            total: 0,
            files: 0,
        };
        if let Err(error) = fs::read_dir(path) {
            notes.pass_over(&closed(error, path));
            return Ok(folder);
        }
        let mut inner = vec![];
        for path in entries(path) {
            if pictures::is_picture(&path) {
                folder.pictures.push(path);
            } else if let Some(kind) = pictures::unreadable(&path).filter(|_| path.is_file()) {
                folder.unreadable.push((kind, path));
            } else if path.is_dir() {
                inner.push(path);
            } else {
                folder.files += 1;
            }
        }
        self.pictures += folder.pictures.len();
        ensure!(
            self.pictures <= MAX_PICTURES,
            anyhow!("There are more than 2,000,000 pictures: choose a smaller folder").at(path)
        );
        // a real folder rather than a link to it
        inner.sort_by_key(|path| path.is_symlink());
        for path in inner {
            if depth + 1 == MAX_DEPTH {
                notes.leave_out("folders this deep are not searched", &path);
            } else if self.is_new(&path) {
                folder.folders.push(self.folder(&path, depth + 1, watch, notes)?);
            } else {
                notes.leave_out("links to a folder that is there already", &path);
            }
        }
        folder.folders.sort_by(|one, other| one.path.cmp(&other.path));
        let inner: usize = folder.folders.iter().map(|folder| folder.total).sum();
        folder.files += folder.folders.iter().map(|folder| folder.files).sum::<usize>();
        folder.total = folder.pictures.len() + folder.unreadable.len() + inner;
        Ok(folder)
    }
}

/// Whether there is a picture in one of the folders of a folder, or further down, readable or not.
pub fn has_inner_picture(path: &Path) -> bool {
    let mut walk = Walk::default();
    walk.is_new(path);
    let mut left: Vec<PathBuf> = inner_folders(path);
    while let Some(folder) = left.pop() {
        if !walk.is_new(&folder) {
            continue;
        }
        if walk.seen.len() > MOST_FOLDERS {
            return false;
        }
        let is_any = |path: &PathBuf| pictures::is_picture(path) || pictures::unreadable(path).is_some();
        if entries(&folder).iter().any(is_any) {
            return true;
        }
        left.extend(inner_folders(&folder));
    }
    false
}

fn inner_folders(path: &Path) -> Vec<PathBuf> {
    entries(path).into_iter().filter(|path| path.is_dir()).collect()
}
