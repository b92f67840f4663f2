//! `predict RUN FOLDER`: how many of a folder's labelled pictures a run's network reads right.
use super::{
    Common,
    output::{line, percent},
    score::{best, images_of, score, see},
};
use crate::{
    data::{DatasetInfo, files},
    protocol::RunId,
    session::Session,
    told::told,
};
use anyhow::{Context as _, Result};
use serde_json::json;
use std::path::Path;

/// Scores every picture as `predict` does, names those that are read wrong, and counts.
///
/// # Errors
/// Where the folder has no labelled pictures, or labels that the network does not know.
pub fn read(session: &mut Session, run: &RunId, folder: &Path, common: &Common) -> Result<()> {
    let pictures = files::labelled_pictures(folder)?;
    let DatasetInfo { shape, class_names: classes } = images_of(run, common)?;
    let (mut right, mut scored) = (0, 0);
    // Of two answers to one request the older must not be taken for the newer: requests go on from those of single files.
    const REQUESTS: u64 = 1 << 32;
    for (place, (picture, label)) in pictures.iter().enumerate() {
        let wanted = classes.iter().position(|class| class == label).with_context(|| {
            format!(
                "The run knows no class {label:?}, only {}\nFile: {}",
                classes.join(", "),
                picture.display()
            )
        })?;
        let seen = see(shape, picture);
        let answer = match seen.and_then(|seen| score(session, run, REQUESTS + place as u64, seen)) {
            Ok(answer) => answer,
            Err(error) => {
                eprintln!("{}", told(&error));
                continue;
            }
        };
        scored += 1;
        let found = best(&answer.probabilities);
        right += usize::from(found == wanted);
        let confidence = answer.probabilities.get(found).copied().unwrap_or_default();
        if common.json {
            line(json!({ "image": picture, "label": wanted, "prediction": found, "confidence": confidence }));
        } else if found != wanted {
            let percent = percent(f64::from(confidence));
            line(format!("{} {percent:>9}, but it is {label}: {}", classes[found], picture.display()));
        }
    }
    let accuracy = f64::from(right as u32) / f64::from(scored.max(1) as u32);
    if common.json {
        line(json!({ "folder": folder, "images": scored, "right": right, "accuracy": accuracy }));
    } else {
        line(format!("{right} of {scored} right, {}  {}", percent(accuracy), folder.display()));
    }
    Ok(())
}
