//! COCO: photographs with boxes in `instances_*.json`; each box that is large enough becomes an image (Lin et al., "Microsoft
//! COCO: common objects in context", 2014).
use super::{Contents, Format, Images, MIN_BOX_SIZE, Part, PictureFile, entries, name, text};
use crate::{
    data::watch::Watch,
    errors::{At as _, Remark},
    spec::{Choice, ComponentInfo},
};
use anyhow::{Context as _, Result, anyhow, ensure};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    io::BufReader,
    path::{Path, PathBuf},
};

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "coco",
        label: "COCO objects",
        help: "A folder with annotations/instances_*.json and the photographs beside it: every box that is large enough becomes an image. Its classes are in the order of the file's categories, in which kindred ones are neighbours: the first and the last class choose some of them.",
        params: &[],
    },
    recognises: |path| annotations(path).is_some(),
    read,
};

#[derive(Deserialize)]
struct Instances {
    images: Vec<Photograph>,
    annotations: Vec<Annotation>,
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Photograph {
    id: u64,
    file_name: String,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: u64,
    category_id: u64,
    /// Left, top, width and height.
    bbox: [f64; 4],
    #[serde(default)]
    iscrowd: u8,
}

#[derive(Deserialize)]
struct Category {
    id: u64,
    name: String,
}

fn read(path: &Path, choice: &Choice, watch: &Watch) -> Result<Contents> {
    let min_side = choice.get(&MIN_BOX_SIZE);
    let (train, test) = annotations(path).context("There is no instances_*.json")?;
    let mut contents = Contents::default();
    let parsed =
        [Some(&train), test.as_ref()].into_iter().flatten().map(|path| Ok((path, parse(path, watch)?)));
    let parsed: Vec<(&PathBuf, Instances)> = parsed.collect::<Result<_>>()?;
    // Only categories that some object is of become classes.
    let names: BTreeMap<u64, &str> = parsed
        .iter()
        .flat_map(|(_, found)| &found.categories)
        .map(|category| (category.id, category.name.as_str()))
        .collect();
    let large = |annotation: &&Annotation| {
        let [_, _, width, height] = annotation.bbox;
        annotation.iscrowd == 0
            && width.min(height) >= min_side
            && names.contains_key(&annotation.category_id)
    };
    let used: std::collections::BTreeSet<u64> =
        parsed[0].1.annotations.iter().filter(large).map(|annotation| annotation.category_id).collect();
    let places: BTreeMap<u64, usize> = used.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    contents.class_names = used.iter().map(|id| names[id].to_owned()).collect();
    let mut parts = vec![];
    for (path, found) in &parsed {
        let photographs: BTreeMap<u64, PathBuf> = photographs(path, found);
        let (mut pictures, mut labels, mut small) = (vec![], vec![], 0);
        for annotation in &found.annotations {
            watch.go_on()?;
            let Some(label) = places.get(&annotation.category_id).filter(|_| large(&annotation)) else {
                small += 1;
                continue;
            };
            let Some(path) = photographs.get(&annotation.image_id) else {
                contents.notes.pass_over(missing(annotation.image_id, path));
                continue;
            };
            // casts saturate, so that no number in the file overflows
            let [left, top, width, height] = annotation.bbox.map(|number| number as u32);
            pictures.push(PictureFile { path: path.clone(), crop: Some([left, top, width, height]) });
            labels.push(*label);
        }
        if small > 0 {
            contents.notes.remarks.push(format!(
                "{small} boxes of {} are smaller than {min_side} pixels, mark crowds or are of no class, and are left out",
                name(path)
            ));
        }
        ensure!(
            !pictures.is_empty(),
            anyhow!("None of the boxes is large enough and lies in a photograph that is there: put the photographs beside the file, or choose a smaller min_box_size").at(path)
        );
        parts.push(Part { images: Images::Pictures(pictures), labels });
    }
    let mut parts = parts.into_iter();
    contents.train = parts.next().unwrap_or_default();
    contents.test = parts.next();
    Ok(contents)
}

fn missing(photograph: u64, file: &Path) -> Remark {
    let text =
        format!("A box lies in the photograph {photograph}, which is not there: put it beside the file");
    Remark::new(text, file)
}

fn parse(path: &Path, watch: &Watch) -> Result<Instances> {
    instances(&text::read(path, watch)?, watch)
        .context("This is no COCO file: choose one with images, annotations with boxes, and categories")
        .at(path)
}

/// Reads the text a piece at a time: half a gigabyte takes seconds, which can be stopped.
fn instances(text: &str, watch: &Watch) -> serde_json::Result<Instances> {
    serde_json::from_reader(BufReader::new(watch.reading(text.as_bytes())))
}

/// Where the photographs of a file of boxes are, by their numbers.
fn photographs(annotations: &Path, found: &Instances) -> BTreeMap<u64, PathBuf> {
    let own = annotations.parent().unwrap_or(Path::new("."));
    let root = own.parent().unwrap_or(own);
    let stem = name(annotations).replace("instances_", "").replace(".json", "");
    let folders = [
        root.join(&stem),
        root.join("images").join(&stem),
        root.join("images"),
        own.to_path_buf(),
        root.to_path_buf(),
    ];
    let place = |photograph: &Photograph| {
        let file = Path::new(&photograph.file_name).file_name()?;
        let path = folders.iter().map(|folder| folder.join(file)).find(|path| path.is_file())?;
        Some((photograph.id, path))
    };
    found.images.iter().filter_map(place).collect()
}

/// The file of boxes to train on, and one to test on.
fn annotations(path: &Path) -> Option<(PathBuf, Option<PathBuf>)> {
    let is_instances = |path: &PathBuf| name(path).starts_with("instances") && name(path).ends_with(".json");
    if path.is_file() {
        let path = path.to_path_buf();
        return is_instances(&path).then_some((path, None));
    }
    let all: Vec<_> =
        entries(path).into_iter().chain(entries(&path.join("annotations"))).filter(is_instances).collect();
    let find = |word: &str| all.iter().find(|path| name(path).contains(word)).cloned();
    let train = find("train").or_else(|| all.first().cloned())?;
    Some((train.clone(), find("val").filter(|test| *test != train)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_given_up_where_the_reading_is_stopped() {
        let text = r#"{"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": [], "categories": []}"#;
        let watch = Watch::default();
        assert_eq!(instances(text, &watch).unwrap().images[0].file_name, "a.jpg");
        watch.stop();
        assert!(instances(text, &watch).is_err_and(|error| error.is_io()));
    }
}
