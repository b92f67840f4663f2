//! A folder of pictures for each class, as ImageNet is kept, with or without folders for the parts.
use super::{
    Contents, Format, Images, Part, PictureFile,
    layout::{self, Classes},
    text,
    tree::{Folder, has_inner_picture},
};
use crate::{
    data::{Notes, watch::Watch},
    spec::{Choice, ComponentInfo},
};
use anyhow::{Result, ensure};
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "class_folders",
        label: "Folder of pictures for each class",
        help: "Pictures in a folder named after their class, as ImageNet is kept; with folders for training, validation and test above, or without.",
        params: &[],
    },
    recognises: |path| path.is_dir() && has_inner_picture(path),
    read,
};

fn read(path: &Path, _: &Choice, watch: &Watch) -> Result<Contents> {
    let mut contents = Contents::default();
    let notes = &mut contents.notes;
    let root = Folder::read(path, watch, notes)?;
    let layout = layout::find(&root, notes)?;
    let mut names: Vec<&str> = vec![];
    let mut places = HashMap::new();
    for (name, _) in &layout.train {
        places.entry(*name).or_insert_with(|| {
            names.push(name);
            names.len() - 1
        });
    }
    contents.train = part(&layout.train, &places, notes);
    ensure!(contents.train.images.count() > 0, notes.nothing_left("There are no pictures that can be read"));
    contents.test = layout.test.map(|classes| part(&classes, &places, notes));
    let titles = titles(path);
    contents.class_names =
        names.into_iter().map(|name| titles.get(name).cloned().unwrap_or(name.into())).collect();
    Ok(contents)
}

/// The pictures of the classes that are known; others are noted.
fn part(classes: &Classes<'_>, places: &HashMap<&str, usize>, notes: &mut Notes) -> Part {
    let (mut pictures, mut labels) = (vec![], vec![]);
    for (name, folder) in classes {
        let Some(label) = places.get(name) else {
            folder.leave_out(&format!("no training picture is of the class {name:?}"), notes);
            continue;
        };
        folder.leave_all_unreadable(notes);
        let mut found = vec![];
        folder.all_pictures(&mut found);
        pictures.extend(found.into_iter().map(|path| PictureFile { path: path.clone(), crop: None }));
        labels.resize(pictures.len(), *label);
    }
    Part { images: Images::Pictures(pictures), labels }
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
