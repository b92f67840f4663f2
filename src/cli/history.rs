//! `history`: a drawing through time. Its figures are the network's own: only weights that rest are calibrated, and
//! `predict` gives both figures of those.
use super::{
    Common, Outcome, open,
    output::{line, percent},
    score::{answer, best, diverged, find, images_of, see},
};
use crate::{
    protocol::{Finding, Question},
    told::name,
};
use anyhow::{Result, bail, ensure};
use serde_json::json;
use std::{path::Path, sync::Arc};

/// What a run made of a picture at each of its checkpoints.
///
/// # Errors
/// Where the picture cannot be read, or the run learns without labels.
pub fn history(run: &str, image: &Path, common: &Common) -> Result<Outcome> {
    let run = find(run, common)?;
    let images = Arc::new(vec![see(images_of(&run, common)?.shape, image)?]);
    let mut session = open(common)?;
    let found = answer(&mut session, &run, Question::History { images, after: None });
    session.close();
    let Finding::History { class_names, moments } = found?.1 else {
        bail!("The answer is to another question")
    };
    for moment in moments.iter() {
        let probabilities = &moment.scores[0];
        ensure!(
            !probabilities.is_empty(),
            "The run {run} learns without labels: it has no names for what it sees"
        );
        ensure!(probabilities.iter().all(|share| share.is_finite()), diverged(&run));
        let read = best(probabilities);
        let (class, raw_confidence) = (&class_names[read], f64::from(probabilities[read]));
        if common.json {
            line(json!({
                "step": moment.step, "prediction": read, "class": class, "raw_confidence": raw_confidence,
                "calibrated": false, "probabilities": probabilities,
            }));
        } else {
            let (class, raw) = (name(class), percent(raw_confidence));
            line(format!("step {:>7}: {class}  {raw:>9} uncalibrated", moment.step));
        }
    }
    Ok(Outcome::Done)
}
