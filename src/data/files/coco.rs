//! COCO: photographs with boxes in a JSON file; each box that is large enough becomes an image (Lin et al., "Microsoft COCO:
//! common objects in context", 2014).
use super::{
    Contents, Format, MIN_BOX_SIZE, beside,
    boxes::{self, Found, Marked, Measure},
    entries, name, open,
    parts::{self, PartName, Use},
    text,
};
use crate::{
    data::{Notes, watch::Watch},
    errors::{At as _, Remark},
    spec::{Choice, ComponentInfo},
};
use anyhow::{Context as _, Result, anyhow, ensure};
use json::{Id, Instances};
use std::{
    collections::{BTreeMap, HashMap},
    io::{BufReader, Read as _},
    path::{Path, PathBuf},
};

mod json;

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "coco",
        label: "COCO objects",
        help: "A folder with annotations/instances_*.json, or with _annotations.coco.json, result.json or another such file for each part, and the photographs beside it: every box that is large enough becomes an image. Its classes are in the order of the file's categories, in which kindred ones are neighbours: the first and the last class choose some of them.",
        params: &[],
    },
    recognises: |path| !annotations(path).is_empty(),
    read,
};

/// What is read of a file to see whether it is one of boxes.
const HEAD_BYTES: u64 = 64 << 10;

/// Where there are more JSON files, each is of one photograph, as other programs write them.
const LOOKED_AT: usize = 64;

fn read(path: &Path, choice: &Choice, watch: &Watch) -> Result<Contents> {
    let files = annotations(path);
    let mut notes = Notes::default();
    let uses = parts::uses(&files.iter().map(|(_, part)| *part).collect::<Vec<_>>());
    ensure!(
        uses.contains(&Use::Train),
        anyhow!("There are only boxes to test on: add those to train on, or choose one of the files itself")
            .at(path)
    );
    let mut classes = Classes::default();
    let (mut train, mut test) = (vec![], vec![]);
    for ((file, _), used) in files.iter().zip(&uses) {
        let part = match used {
            Use::Train => &mut train,
            Use::Test => &mut test,
            Use::LeftOut(why) => {
                notes.leave_out(why, file);
                continue;
            }
        };
        part.push(found(file, parse(file, watch)?, &mut classes, watch, &mut notes)?);
    }
    boxes::cut(&classes.names, train, test, choice.get(&MIN_BOX_SIZE), watch, notes)
}

/// Names of classes, those of the first file first, in the order of its categories.
#[derive(Default)]
struct Classes {
    names: Vec<String>,
    places: HashMap<String, usize>,
}

impl Classes {
    fn place(&mut self, name: &str) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        self.places.insert(name.into(), self.names.len());
        self.names.push(name.into());
        self.names.len() - 1
    }
}

/// The boxes of a file, and the photographs that they lie in.
fn found(
    file: &Path,
    instances: Instances,
    classes: &mut Classes,
    watch: &Watch,
    notes: &mut Notes,
) -> Result<Found> {
    let names: BTreeMap<&Id, String> =
        instances.categories.iter().map(|category| (&category.id, category.name.to_string())).collect();
    let classes: HashMap<&Id, usize> = names.iter().map(|(id, name)| (*id, classes.place(name))).collect();
    let folders = folders(file);
    let known: HashMap<&Id, &json::Photograph> =
        instances.images.iter().map(|photograph| (&photograph.id, photograph)).collect();
    let mut found = Found { path: file.to_path_buf(), ..Found::default() };
    let mut places: HashMap<&Id, Option<usize>> = HashMap::new();
    for annotation in &instances.annotations {
        watch.go_on()?;
        let class = annotation.category_id.as_ref().and_then(|id| classes.get(id));
        let (class, rect) = match (class, annotation.rect()) {
            _ if annotation.iscrowd.0 != 0.0 => {
                *found.left.entry("mark crowds").or_default() += 1;
                continue;
            }
            (None, _) => {
                *found.left.entry("are of no class").or_default() += 1;
                continue;
            }
            (_, None) => {
                *found.left.entry("have neither a box nor an outline").or_default() += 1;
                continue;
            }
            (Some(class), Some(rect)) => (*class, rect),
        };
        let place = *places.entry(&annotation.image_id).or_insert_with(|| {
            let photograph = known.get(&annotation.image_id);
            let path = photograph.and_then(|photograph| beside::find(&photograph.file_name, &folders));
            let (Some(photograph), Some(path)) = (photograph, path) else {
                let file_name = photograph.map_or("that is not listed", |photograph| &photograph.file_name);
                notes.pass_over(missing(&annotation.image_id, file_name, file));
                return None;
            };
            let size = [photograph.width.0, photograph.height.0];
            let size = size.iter().all(|side| *side >= 1.0).then(|| size.map(|side| side as u32));
            found.photographs.push(boxes::Photograph { path, measure: Measure::Pixels(size) });
            Some(found.photographs.len() - 1)
        });
        match place {
            Some(photograph) => found.boxes.push(Marked { photograph, class, rect }),
            None => *found.left.entry("lie in photographs that are not there").or_default() += 1,
        }
    }
    Ok(found)
}

fn missing(photograph: &Id, file_name: &str, file: &Path) -> Remark {
    let text = format!(
        "Boxes lie in the photograph {photograph} ({file_name}), which is not there: put it beside the file"
    );
    Remark::new(text, file)
}

fn parse(path: &Path, watch: &Watch) -> Result<Instances> {
    instances(&text::read(path, watch)?, watch)
        .context("This is no COCO file: choose one with images, annotations with boxes, and categories")
        .at(path)
}

/// Reads the text a piece at a time: half a gigabyte takes seconds, which can be stopped.
fn instances(text: &str, watch: &Watch) -> serde_json::Result<Instances> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_reader(BufReader::new(watch.reading(text.as_bytes())))
}

/// Where the photographs of a file of boxes may be.
fn folders(annotations: &Path) -> Vec<PathBuf> {
    let own = annotations.parent().unwrap_or(Path::new("."));
    let root = if is_annotations(own) { own.parent().unwrap_or(own) } else { own };
    let stem = annotations.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let part = stem.strip_prefix("instances_").unwrap_or(&stem);
    let folders = [root.join(part), root.join("images").join(part), root.join("images")];
    [&folders[..], &[own.to_path_buf(), root.to_path_buf()]].concat()
}

fn is_annotations(folder: &Path) -> bool {
    ["annotations", "labels", "json"].contains(&name(folder).as_str())
}

/// The files of boxes at a path, and which part each is of, as its name and its folder's say.
fn annotations(path: &Path) -> Vec<(PathBuf, Option<PartName>)> {
    if path.is_file() {
        return if is_said(path) || is_like(path) { vec![(path.to_path_buf(), None)] } else { vec![] };
    }
    let is_inner =
        |path: &PathBuf| path.is_dir() && (is_annotations(path) || parts::named(&name(path)).is_some());
    let own = entries(path);
    let inner = own.iter().filter(|path| is_inner(path)).flat_map(|folder| entries(folder));
    let all: Vec<PathBuf> = own.iter().cloned().chain(inner).filter(|path| path.is_file()).collect();
    let mut found: Vec<PathBuf> = all.iter().filter(|path| is_said(path)).cloned().collect();
    if found.is_empty() {
        found = all
            .into_iter()
            .filter(|path| is_json(path))
            .take(LOOKED_AT)
            .filter(|path| is_like(path))
            .collect();
    }
    let part = |file: PathBuf| {
        let part = parts::of(&file, path);
        (file, part)
    };
    found.into_iter().map(part).collect()
}

/// Whether a file's name says that it holds boxes.
fn is_said(path: &Path) -> bool {
    let name = name(path);
    name.starts_with("instances") && name.ends_with(".json") || name.ends_with("coco.json")
}

fn is_json(path: &Path) -> bool {
    name(path).ends_with(".json") && !name(path).starts_with('.')
}

/// Whether a JSON file begins as one of boxes does.
fn is_like(path: &Path) -> bool {
    let mut head = vec![];
    if !is_json(path) {
        return false;
    }
    let read = open(path).map(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    let text = String::from_utf8_lossy(&head);
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    read.is_ok()
        && text.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']).starts_with('{')
        && has(&["\"images\"", "\"annotations\"", "\"categories\""])
        && has(&["\"bbox\"", "\"segmentation\"", "\"category_id\"", "\"supercategory\"", "\"file_name\""])
}

#[cfg(test)]
mod tests;
