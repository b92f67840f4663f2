//! A folder of pictures for each class, as ImageNet is kept, with or without folders `train`, `val` and `test` above.
use super::{Contents, Format, Images, Part, PictureFile, closed, entries, name, pictures::is_picture, text};
use crate::{
    data::{Notes, watch::Watch},
    errors::{At as _, Remark},
    spec::{Choice, ComponentInfo},
};
use anyhow::{Context as _, Result, anyhow, ensure};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "class_folders",
        label: "Folder of pictures for each class",
        help: "JPEG, PNG, WebP or BMP in a folder named after their class, as ImageNet is kept; with train and val or test above, or without.",
        params: &[],
    },
    recognises: |path| path.is_dir() && root(path).is_some(),
    read,
};

/// Folders within a class's folder are searched as deep as this.
const MAX_DEPTH: usize = 3;
/// More pictures than this are a mistake, such as choosing a whole disk.
const MAX_PICTURES: usize = 2_000_000;
/// Folders of the parts, the best first.
const TRAIN_FOLDERS: [&str; 2] = ["train", "training"];
const TEST_FOLDERS: [&str; 5] = ["test", "testing", "val", "valid", "validation"];

fn read(path: &Path, _: &Choice, watch: &Watch) -> Result<Contents> {
    let train = root(path).context("There are no folders with pictures")?;
    let mut contents = Contents::default();
    let test = (train != path).then(|| part_folder(path, &TEST_FOLDERS)).flatten();
    let folders: Vec<String> = classes(&train).iter().map(|class| folder_name(class)).collect();
    let titles = titles(path);
    contents.class_names =
        folders.iter().map(|folder| titles.get(folder).unwrap_or(folder).clone()).collect();
    contents.train = part(&train, &folders, watch, &mut contents.notes)?;
    contents.test = test.map(|test| part(&test, &folders, watch, &mut contents.notes)).transpose()?;
    Ok(contents)
}

/// The folder that the folders of the training pictures are in.
fn root(path: &Path) -> Option<PathBuf> {
    let root = part_folder(path, &TRAIN_FOLDERS).unwrap_or(path.to_path_buf());
    classes(&root).iter().any(|class| has_picture(class, MAX_DEPTH)).then_some(root)
}

/// The folder of one of these names that has folders of classes in it.
fn part_folder(path: &Path, names: &[&str]) -> Option<PathBuf> {
    let folders = classes(path);
    let named = |wanted: &&str| folders.iter().find(|folder| name(folder) == **wanted);
    names.iter().filter_map(named).find(|folder| !classes(folder).is_empty()).cloned()
}

fn classes(folder: &Path) -> Vec<PathBuf> {
    entries(folder).into_iter().filter(|path| path.is_dir() && !name(path).starts_with('.')).collect()
}

fn folder_name(path: &Path) -> String {
    path.file_name().map_or(String::new(), |name| name.to_string_lossy().into_owned())
}

fn has_picture(folder: &Path, depth: usize) -> bool {
    let entries = entries(folder);
    entries.iter().any(|path| is_picture(path))
        || depth > 1 && entries.iter().any(|path| path.is_dir() && has_picture(path, depth - 1))
}

fn part(root: &Path, folders: &[String], watch: &Watch, notes: &mut Notes) -> Result<Part> {
    let stray = entries(root).into_iter().filter(|path| is_picture(path)).count();
    if stray > 0 {
        let text = format!("{stray} pictures lie in no class's folder and are not used: move them into one");
        notes.remarks.push(Remark::new(text, root).to_string());
    }
    let (mut pictures, mut labels) = (vec![], vec![]);
    for class in classes(root) {
        watch.go_on()?;
        let Some(label) = folders.iter().position(|folder| *folder == folder_name(&class)) else {
            let text = "There is no such class among the training pictures, so its pictures are not used: rename its folder";
            notes.remarks.push(Remark::new(text, &class).to_string());
            continue;
        };
        collect(&class, MAX_DEPTH, &mut pictures, notes);
        labels.resize(pictures.len(), label);
        ensure!(
            pictures.len() <= MAX_PICTURES,
            anyhow!("There are more than 2,000,000 pictures: choose a smaller folder").at(root)
        );
    }
    Ok(Part { images: Images::Pictures(pictures), labels })
}

fn collect(folder: &Path, depth: usize, pictures: &mut Vec<PictureFile>, notes: &mut Notes) {
    if let Err(error) = std::fs::read_dir(folder) {
        return notes.pass_over(&closed(error, folder));
    }
    for path in entries(folder) {
        if is_picture(&path) {
            pictures.push(PictureFile { path, crop: None });
        } else if path.is_dir() && depth > 1 {
            collect(&path, depth - 1, pictures, notes);
        }
    }
}

/// Class names of folders, where a table next to them lists them: `n01443537<tab>goldfish`.
pub(super) fn titles(path: &Path) -> BTreeMap<String, String> {
    let tables = ["classes.tsv", "words.txt"].map(|name| path.join(name));
    let text = tables.iter().find_map(|table| text::read(table, &Watch::default()).ok()).unwrap_or_default();
    let pair = |line: &str| {
        let (folder, title) = line.split_once('\t')?;
        let first = title.split(',').next()?.trim();
        (!first.is_empty()).then(|| (folder.trim().to_owned(), first.to_owned()))
    };
    text.lines().filter_map(pair).collect()
}
