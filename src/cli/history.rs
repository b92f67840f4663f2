//! `history`: a drawing through time.
use super::{
    Common, Outcome, open,
    output::{line, percent},
    score::{answer, best, find, images_of, see},
};
use crate::protocol::{Finding, Question};
use anyhow::{Result, bail, ensure};
use serde_json::json;
use std::{path::Path, sync::Arc};

/// What a run made of a picture at each of its checkpoints.
///
/// # Errors
/// Where the picture cannot be read, or the run learns without labels.
pub fn history(name: &str, image: &Path, common: &Common) -> Result<Outcome> {
    let run = find(name, common)?;
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
        let read = best(probabilities);
        if common.json {
            let class = &class_names[read];
            line(
                json!({ "step": moment.step, "prediction": read, "class": class, "probabilities": probabilities }),
            );
        } else {
            line(format!(
                "step {:>7}: {}  {:>9}",
                moment.step,
                class_names[read],
                percent(f64::from(probabilities[read]))
            ));
        }
    }
    Ok(Outcome::Done)
}
