//! Pascal VOC: a file of XML for each photograph, with boxes (Everingham et al., "The Pascal visual object classes (VOC)
//! challenge", 2010); as labelImg and Roboflow write it too, beside the photographs.
use super::{
    Contents, Format, MIN_BOX_SIZE, beside,
    boxes::{self, Found, Marked, Measure},
    entries, name, open,
    parts::{self, PartName, Use},
    pictures,
};
use crate::{
    data::{Notes, watch::Watch},
    disk,
    errors::{At as _, Remark},
    spec::{Choice, ComponentInfo},
};
use anyhow::{Result, anyhow, ensure};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::Read as _,
    path::{Path, PathBuf},
};
use xml::{Annotation, Thing};

mod xml;

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "voc",
        label: "Pascal VOC objects",
        help: "A file of XML for each photograph, in Annotations beside JPEGImages, or beside the photographs: every box that is large enough becomes an image. Parts are those of ImageSets/Main, or folders called train, valid and test.",
        params: &[],
    },
    recognises: |path| annotated(path).is_some(),
    read,
};

/// Folders within the folder are searched as deep as this.
const MAX_DEPTH: usize = 4;
/// Longer files are none of boxes.
const MAX_BYTES: u64 = 16 << 20;
/// What is read of a file to see whether it is one of boxes.
const HEAD_BYTES: u64 = 4 << 10;

fn read(path: &Path, choice: &Choice, watch: &Watch) -> Result<Contents> {
    let files = files(path);
    let mut notes = Notes::default();
    let lists = lists(&files, watch)?;
    let root = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let part = |file: &PathBuf| {
        let listed = lists.get(&stem(file)).copied();
        if lists.is_empty() { parts::of(file, root) } else { listed }
    };
    let parts: Vec<Option<PartName>> = files.iter().map(part).collect();
    let uses = parts::uses(&parts);
    ensure!(
        uses.contains(&Use::Train),
        anyhow!(
            "There are only boxes to test on: add those to train on, or choose one of the folders itself"
        )
        .at(path)
    );
    let mut part_of = [Boxes::default(), Boxes::default()];
    for (file, used) in files.iter().zip(uses) {
        watch.go_on()?;
        let place = match used {
            Use::Train => 0,
            Use::Test => 1,
            Use::LeftOut(why) => {
                notes.leave_out(why, file);
                continue;
            }
        };
        if let Err(error) = part_of[place].add(file) {
            notes.pass_over(&error.at(file));
        }
    }
    let names: BTreeSet<String> = part_of.iter().flat_map(|part| part.names.iter().cloned()).collect();
    let names: Vec<String> = names.into_iter().collect();
    let [train, test] = part_of.map(|part| {
        if part.empty > 0 {
            notes.remarks.push(format!("{} photographs have no boxes in them", part.empty));
        }
        vec![part.found(&names, path)]
    });
    boxes::cut(&names, train, test, choice.get(&MIN_BOX_SIZE), watch, notes)
}

/// The boxes of a part, with their classes as they are written.
#[derive(Default)]
struct Boxes {
    photographs: Vec<boxes::Photograph>,
    boxes: Vec<(usize, String, [f64; 4])>,
    names: BTreeSet<String>,
    left: BTreeMap<&'static str, usize>,
    empty: usize,
}

impl Boxes {
    fn add(&mut self, file: &Path) -> Result<()> {
        let Annotation { filename, size, things } = xml::parse(&disk::read(file, MAX_BYTES)?)?;
        if things.is_empty() {
            self.empty += 1;
            return Ok(());
        }
        let Some(path) = photograph(file, &filename) else {
            let text =
                "Boxes lie in a photograph that is not there: put it beside the file, or into JPEGImages";
            return Err(Remark::new(text, file).into());
        };
        self.photographs.push(boxes::Photograph { path, measure: Measure::Pixels(size) });
        for Thing { name, is_difficult, rect } in things {
            let Some(rect) = rect else {
                *self.left.entry("have no corners").or_default() += 1;
                continue;
            };
            if is_difficult {
                *self.left.entry("are marked as difficult").or_default() += 1;
                continue;
            }
            self.names.insert(name.clone());
            self.boxes.push((self.photographs.len() - 1, name, rect));
        }
        Ok(())
    }

    fn found(self, names: &[String], path: &Path) -> Found {
        let places: HashMap<&String, usize> =
            names.iter().enumerate().map(|(place, name)| (name, place)).collect();
        let marked = |(photograph, name, rect): (usize, String, [f64; 4])| Marked {
            photograph,
            class: places.get(&name).copied().unwrap_or_default(),
            rect,
        };
        let boxes = self.boxes.into_iter().map(marked).collect();
        Found { path: path.to_path_buf(), photographs: self.photographs, boxes, left: self.left }
    }
}

/// The photograph of a file of boxes: the one of the same name, else the one that it names, which may have been renamed since.
fn photograph(file: &Path, written: &str) -> Option<PathBuf> {
    let own = file.parent()?;
    let folders = [Some(own), own.parent()].into_iter().flatten().map(Path::to_path_buf).collect::<Vec<_>>();
    let same = pictures::ENDINGS.iter().flat_map(|ending| {
        [ending.to_string(), ending.to_uppercase()].map(|ending| format!("{}.{ending}", stem(file)))
    });
    let mut same = same.filter(|name| !name.contains('/'));
    same.find_map(|name| beside::find(&name, &folders)).or_else(|| beside::find(written, &folders))
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or(String::new(), |stem| stem.to_string_lossy().into_owned())
}

/// The part of each photograph, where lists in ImageSets/Main say it. Lists of single classes say none.
fn lists(files: &[PathBuf], watch: &Watch) -> Result<HashMap<String, PartName>> {
    let folders: BTreeSet<&Path> = files.iter().filter_map(|file| file.parent()?.parent()).collect();
    let mut parts = HashMap::new();
    for folder in folders {
        for (name, part) in [
            ("trainval", PartName::Train),
            ("val", PartName::Validation),
            ("train", PartName::Train),
            ("test", PartName::Test),
        ] {
            let list = folder.join("ImageSets/Main").join(name).with_extension("txt");
            if list.is_file() {
                let text = super::text::read(&list, watch)?;
                let stems = text.lines().filter_map(|line| line.split_whitespace().next());
                parts.extend(stems.map(|stem| (stem.to_owned(), part)));
            }
        }
    }
    Ok(parts)
}

/// A file of boxes at a path: that one, or the first one within a folder.
fn annotated(path: &Path) -> Option<PathBuf> {
    if path.is_file() {
        return is_boxes(path).then(|| path.to_path_buf());
    }
    folders(path, MAX_DEPTH).iter().find_map(|folder| {
        entries(folder).into_iter().find(|path| is_xml(path)).filter(|path| is_boxes(path))
    })
}

/// All files of boxes at a path.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_path_buf()];
    }
    folders(path, MAX_DEPTH).iter().flat_map(|folder| entries(folder)).filter(|path| is_xml(path)).collect()
}

/// A folder, and those within it that files of boxes may be in.
fn folders(path: &Path, depth: usize) -> Vec<PathBuf> {
    let mut found = vec![path.to_path_buf()];
    if depth > 1 {
        for inner in entries(path).into_iter().filter(|path| path.is_dir()) {
            let name = name(&inner);
            let is_usual = ["annotations", "xml", "xmls", "labels", "images"].contains(&name.as_str());
            if is_usual || name.starts_with("voc") || parts::named(&name).is_some() {
                found.extend(folders(&inner, depth - 1));
            }
        }
    }
    found
}

fn is_xml(path: &Path) -> bool {
    let name = name(path);
    name.ends_with(".xml") && !name.starts_with('.') && path.is_file()
}

fn is_boxes(path: &Path) -> bool {
    let mut head = vec![];
    let read = open(path).map(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    read.is_ok() && is_xml(path) && String::from_utf8_lossy(&head).contains("<annotation")
}

#[cfg(test)]
mod tests;
