//! `predict RUN FOLDER`: what a run's network makes of a folder of pictures, and how many it reads right of those that have
//! labels.
use super::{
    Common,
    output::{complain, is_read, line, percent},
    score::{Reading, images_of, see, whole},
};
use crate::{
    data::files::{self, PictureFile},
    engine::Model,
    errors::{At as _, message, name},
    protocol::RunId,
    session::Session,
};
use anyhow::{Result, anyhow, bail};
use serde_json::json;
use std::{collections::BTreeSet, path::Path};

/// What has been counted.
#[derive(Default)]
struct Counts {
    images: usize,
    /// Images whose label is a class of the run.
    labelled: usize,
    right: usize,
    unknown_classes: BTreeSet<String>,
}

/// Scores every picture as `predict` does, and counts.
///
/// # Errors
/// Where the folder has no pictures, or the run cannot be asked.
pub fn read(
    session: &mut Session,
    run: &RunId,
    network: &Model,
    folder: &Path,
    common: &Common,
) -> Result<()> {
    let pictures = pictures(folder)?;
    let images = images_of(run, common)?;
    let mut counts = Counts::default();
    for (picture, label) in pictures.iter().take_while(|_| is_read()) {
        let reading = see(&images, picture).and_then(|seen| Reading::of(session, run, network, seen));
        match reading {
            Ok(reading) => {
                let wanted = counts.count(&reading, label.as_deref(), &images.info.class_names);
                show(&reading, picture, label.as_deref(), wanted, common.json);
            }
            Err(error) => complain(message(&error)),
        }
    }
    if counts.images == 0 && is_read() {
        bail!(anyhow!("None of the {} pictures could be read", pictures.len()).at(folder));
    }
    counts.show(folder, common.json);
    Ok(())
}

/// The pictures of a folder with their labels; those that lie in it by themselves have none.
fn pictures(folder: &Path) -> Result<Vec<(PictureFile, Option<String>)>> {
    let loose = files::loose_pictures(folder);
    if !loose.is_empty() && files::recognise(folder).is_err() {
        return Ok(loose.iter().map(|picture| (whole(picture), None)).collect());
    }
    let labelled = files::labelled_pictures(folder)?;
    Ok(labelled.into_iter().map(|(picture, label)| (picture, Some(label))).collect())
}

fn show(reading: &Reading, picture: &PictureFile, label: Option<&str>, wanted: Option<usize>, json: bool) {
    if json {
        let mut object = reading.as_json(&picture.path);
        if let Some(bounds) = picture.crop {
            object["box"] = json!(bounds);
        }
        object["label"] = json!(wanted);
        object["label_class"] = json!(label);
        return line(object);
    }
    let mut path = name(&picture.path.to_string_lossy());
    if let Some([left, top, width, height]) = picture.crop {
        path += &format!(", the box of {width} by {height} at {left}, {top}");
    }
    match (label, wanted) {
        (Some(_), Some(wanted)) if wanted == reading.class => {}
        (Some(label), Some(_)) => line(format!("{}, but it is {}: {path}", reading.text(), name(label))),
        (Some(label), None) => {
            line(format!(
                "{}, labelled {}, which the run does not know: {path}",
                reading.text(),
                name(label)
            ));
        }
        (None, _) => line(format!("{}  {path}", reading.text())),
    }
}

impl Counts {
    /// Takes one picture in; gives the place of its label among the classes of the run.
    fn count(&mut self, reading: &Reading, label: Option<&str>, classes: &[String]) -> Option<usize> {
        self.images += 1;
        let wanted = classes.iter().position(|class| Some(class.as_str()) == label);
        match (label, wanted) {
            (_, Some(wanted)) => {
                self.labelled += 1;
                self.right += usize::from(wanted == reading.class);
            }
            (Some(label), None) => drop(self.unknown_classes.insert(label.into())),
            (None, None) => {}
        }
        wanted
    }

    fn show(&self, folder: &Path, json: bool) {
        let Self { images, labelled, right, unknown_classes } = self;
        let accuracy = (*labelled > 0).then(|| *right as f64 / *labelled as f64);
        if json {
            return line(json!({
                "folder": folder, "images": images, "labelled": labelled, "right": right, "accuracy": accuracy,
                "unknown_classes": unknown_classes,
            }));
        }
        let path = folder.display();
        line(match accuracy {
            Some(accuracy) => format!("{right} of {labelled} right, {}  {path}", percent(accuracy)),
            None => format!("{images} pictures without a label that the run knows  {path}"),
        });
        if *labelled > 0 && labelled < images {
            line(format!(
                "{} more are of {} classes that the run does not know",
                images - labelled,
                unknown_classes.len()
            ));
        }
    }
}
