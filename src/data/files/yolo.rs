//! YOLO: a text file for each photograph, with a class and a box or an outline on each line, in shares of its width and height
//! (Redmon et al., "You only look once", 2016); folders called images beside ones called labels, and names in `data.yaml`.
use super::{
    Contents, Format, MIN_BOX_SIZE,
    boxes::{self, Found, Marked, Measure},
    entries, name,
    parts::{self, PartName, Use},
    pictures::is_picture,
    text,
};
use crate::{
    data::{Notes, numbered, watch::Watch},
    disk,
    errors::{At as _, Remark},
    spec::{Choice, ComponentInfo},
};
use anyhow::{Result, anyhow, ensure};
use std::path::{Component, Path, PathBuf};

mod yaml;

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "yolo",
        label: "YOLO objects",
        help: "A folder images with photographs and one called labels with a text file for each: class, middle and size of every box, or its outline, in shares of the photograph. What the classes are called is in data.yaml or classes.txt. Every box that is large enough becomes an image.",
        params: &[],
    },
    recognises: |path| has_labels(&root(path), MAX_DEPTH),
    read,
};

/// Folders within the folder are searched as deep as this.
const MAX_DEPTH: usize = 5;
/// Photographs of a folder that are looked at to see whether it is one of YOLO's.
const LOOKED_AT: usize = 200;
/// Longer files are none of boxes.
const MAX_BYTES: u64 = 16 << 20;
/// More classes than this are a slip.
const MAX_CLASSES: usize = 1 << 16;

fn read(path: &Path, choice: &Choice, watch: &Watch) -> Result<Contents> {
    let root = root(path);
    let config = config(&root, watch)?;
    let mut notes = Notes::default();
    let mut photographs = vec![];
    collect(&root, MAX_DEPTH, &mut photographs);
    let part = |photograph: &PathBuf| {
        config.part(photograph, &root).or_else(|| parts::of(photograph.parent().unwrap_or(&root), &root))
    };
    let parts: Vec<Option<PartName>> = photographs.iter().map(part).collect();
    let uses = parts::uses(&parts);
    ensure!(
        uses.contains(&Use::Train),
        anyhow!(
            "There are only boxes to test on: add those to train on, or choose one of the folders itself"
        )
        .at(path)
    );
    let mut part_of = [(); 2].map(|()| Found { path: root.clone(), ..Found::default() });
    let (mut empty, mut classes) = (0, config.names.len());
    for (photograph, used) in photographs.iter().zip(uses) {
        watch.go_on()?;
        let found = match used {
            Use::Train => &mut part_of[0],
            Use::Test => &mut part_of[1],
            Use::LeftOut(why) => {
                notes.leave_out(why, photograph);
                continue;
            }
        };
        let Some(labels) = labels(photograph) else {
            empty += 1;
            continue;
        };
        let boxes = match boxes_of(&labels, config.has_points, &mut notes) {
            Ok(boxes) => boxes,
            Err(error) => {
                notes.pass_over(&error.at(&labels));
                continue;
            }
        };
        empty += usize::from(boxes.is_empty());
        let at = found.photographs.len();
        found.photographs.push(boxes::Photograph { path: photograph.clone(), measure: Measure::Shares });
        for (class, rect) in boxes {
            classes = classes.max(class + 1);
            found.boxes.push(Marked { photograph: at, class, rect });
        }
    }
    if empty > 0 {
        notes.remarks.push(format!("{empty} photographs have no boxes in them"));
    }
    let mut names = config.names;
    names.extend(numbered(classes).into_iter().skip(names.len()));
    let [train, test] = part_of.map(|found| vec![found]);
    boxes::cut(&names, train, test, choice.get(&MIN_BOX_SIZE), watch, notes)
}

/// The folder of a data set: the path itself, or the one that its description is in.
fn root(path: &Path) -> PathBuf {
    let is_description = path.is_file() && (is_yaml(path) || is_list_of_names(path));
    let folder = path.parent().filter(|_| is_description).unwrap_or(path);
    folder.to_path_buf()
}

fn is_yaml(path: &Path) -> bool {
    [".yaml", ".yml"].iter().any(|ending| name(path).ends_with(ending))
}

fn is_list_of_names(path: &Path) -> bool {
    let name = name(path);
    ["classes.txt", "obj.names"].contains(&name.as_str()) || name.ends_with(".names")
}

/// What is said of a data set beside its photographs.
#[derive(Default)]
struct Config {
    names: Vec<String>,
    /// Folders, and which part each is.
    folders: Vec<(String, PartName)>,
    /// Whether a box is followed by points of the object, rather than lines being outlines.
    has_points: bool,
}

impl Config {
    /// The part that a photograph's folder is said to be.
    fn part(&self, photograph: &Path, root: &Path) -> Option<PartName> {
        let inner = photograph.strip_prefix(root).ok()?.parent()?;
        self.folders
            .iter()
            .find(|(folder, _)| !folder.is_empty() && inner.starts_with(folder))
            .map(|(_, part)| *part)
    }
}

fn config(root: &Path, watch: &Watch) -> Result<Config> {
    let files: Vec<PathBuf> = entries(root).into_iter().filter(|path| path.is_file()).collect();
    for file in files.iter().filter(|path| is_yaml(path)) {
        let said = yaml::parse(&text::read(file, watch)?);
        if said.names.is_empty() && said.count == 0 {
            continue;
        }
        ensure!(
            said.names.len().max(said.count) <= MAX_CLASSES,
            anyhow!("It names more than {MAX_CLASSES} classes: correct it").at(file)
        );
        let names = if said.names.is_empty() { numbered(said.count) } else { said.names };
        let folders =
            [(said.train, PartName::Train), (said.val, PartName::Validation), (said.test, PartName::Test)];
        let folders = folders.into_iter().map(|(folder, part)| (plain(&folder), part)).collect();
        return Ok(Config { names, folders, has_points: said.has_points });
    }
    let inner = entries(&root.join("labels"));
    let Some(list) = files.iter().chain(&inner).find(|path| path.is_file() && is_list_of_names(path)) else {
        return Ok(Config::default());
    };
    let names = text::read(list, watch)?;
    let names = names.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|name| !name.is_empty());
    Ok(Config { names: names.map(Into::into).take(MAX_CLASSES).collect(), ..Config::default() })
}

/// A folder within the data set's, as Roboflow's `../train/images` means it too.
fn plain(folder: &str) -> String {
    let parts = Path::new(folder).components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The photographs of a folder and of those within it.
fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    let (folders, files): (Vec<_>, Vec<_>) = entries(folder)
        .into_iter()
        .filter(|path| !name(path).starts_with('.'))
        .partition(|path| path.is_dir());
    found.extend(files.into_iter().filter(|path| is_picture(path)));
    if depth > 1 {
        folders.iter().for_each(|folder| collect(folder, depth - 1, found));
    }
}

/// The file of a photograph's boxes: in the folder labels where it is in one called images, or beside it.
fn labels(photograph: &Path) -> Option<PathBuf> {
    let parts: Vec<_> = photograph.components().collect();
    let images = parts.iter().rposition(|part| part.as_os_str().eq_ignore_ascii_case("images"));
    let swapped = images.map(|at| {
        let swap = |(place, part): (usize, &Component)| {
            if place == at { PathBuf::from("labels") } else { PathBuf::from(part.as_os_str()) }
        };
        parts.iter().enumerate().map(swap).collect::<PathBuf>()
    });
    let own = photograph.to_path_buf();
    [swapped, Some(own)]
        .into_iter()
        .flatten()
        .map(|path| path.with_extension("txt"))
        .find(|path| path.is_file() && !is_list_of_names(path))
}

/// Whether the first photograph with labels in a folder, or within it, has such ones.
fn has_labels(folder: &Path, depth: usize) -> bool {
    let entries = entries(folder);
    let first = entries.iter().filter(|path| is_picture(path)).take(LOOKED_AT).find_map(|path| labels(path));
    if let Some(labels) = first {
        let text = disk::read_text(&labels, MAX_BYTES).unwrap_or_default();
        let line = text.lines().find(|line| !line.trim().is_empty());
        return line.is_none_or(|line| rect(line, false).or_else(|| rect(line, true)).is_some());
    }
    let is_usual = |path: &&PathBuf| {
        let name = name(path);
        ["images", "obj_train_data", "data"].contains(&name.as_str()) || parts::named(&name).is_some()
    };
    depth > 1
        && entries
            .iter()
            .filter(|path| path.is_dir())
            .filter(is_usual)
            .any(|path| has_labels(path, depth - 1))
}

/// The class and the box of each line.
fn boxes_of(labels: &Path, has_points: bool, notes: &mut Notes) -> Result<Vec<(usize, [f64; 4])>> {
    let text = disk::read_text(labels, MAX_BYTES)?;
    let mut boxes = vec![];
    for (place, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match rect(line, has_points) {
            Some(found) => boxes.push(found),
            None => {
                let text = format!(
                    "Line {} is no class and box in shares of the photograph, and is passed over",
                    place + 1
                );
                notes.pass_over(Remark::new(text, labels));
            }
        }
    }
    Ok(boxes)
}

/// The class of a line and its left, top, width and height: given as middle and size, perhaps with how sure that is or with
/// points of the object, or as an outline.
fn rect(line: &str, has_points: bool) -> Option<(usize, [f64; 4])> {
    let mut words = line.split_whitespace();
    let class = words.next()?;
    let class = class.parse::<usize>().ok().or_else(|| {
        // some write 3.0
        let number = class.parse::<f64>().ok()?;
        (number.fract() == 0.0 && (0.0..MAX_CLASSES as f64).contains(&number)).then_some(number as usize)
    })?;
    let numbers: Vec<f64> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
    if class >= MAX_CLASSES || !numbers.iter().all(|number| number.is_finite()) {
        return None;
    }
    if !has_points && numbers.len() >= 6 && numbers.len().is_multiple_of(2) {
        let least =
            |start: usize| numbers.iter().skip(start).step_by(2).fold(f64::INFINITY, |a, b| a.min(*b));
        let most =
            |start: usize| numbers.iter().skip(start).step_by(2).fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        let (left, top) = (least(0), least(1));
        return within([left, top, most(0) - left, most(1) - top]).map(|rect| (class, rect));
    }
    let [x, y, width, height] = *numbers.first_chunk::<4>()?;
    if numbers.len() > 5 && !has_points {
        return None;
    }
    within([x - width / 2.0, y - height / 2.0, width, height]).map(|rect| (class, rect))
}

/// A box in shares of a photograph; nothing where it is in pixels.
fn within(rect: [f64; 4]) -> Option<[f64; 4]> {
    let [left, top, width, height] = rect;
    let is_share =
        left >= -1.0 && top >= -1.0 && (0.0..=2.0).contains(&width) && (0.0..=2.0).contains(&height);
    (is_share && left <= 1.0 && top <= 1.0).then_some(rect)
}

#[cfg(test)]
mod tests;
