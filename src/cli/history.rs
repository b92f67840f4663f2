//! `history`: a drawing through time. Of the newest weights it says what `predict` says; older ones are not calibrated, for
//! which each of them would have to look at thousands of images.
use super::{
    Common, Outcome, open,
    output::line,
    score::{Reading, answer, find, images_of, see, whole},
};
use crate::{
    data::watch::Watch,
    engine::newest_model,
    protocol::{Finding, Question},
    runs::Home,
    session::catalog,
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
    let seen = see(&images_of(&run, common)?, &whole(image))?;
    let newest =
        newest_model(&Home::open(super::home(common)?)?.folder(&run), &catalog(), &Watch::default())?;
    let mut session = open(common)?;
    let question = Question::History { samples: Arc::new(vec![seen.clone()]), after: None };
    let Finding::History { class_names, moments } = answer(&mut session, &run, question)?.1 else {
        bail!("The answer is to another question")
    };
    for moment in moments.iter() {
        let probabilities = &moment.scores[0];
        ensure!(
            !probabilities.is_empty(),
            "The run {run} learns without labels: it has no names for what it sees"
        );
        let reading = if moment.step == newest.state.step {
            Reading::of(&mut session, &run, &newest.loaded, seen.clone())?
        } else {
            Reading::uncalibrated(&run, &class_names, probabilities)?
        };
        if common.json {
            let mut object = reading.as_json(image);
            object["step"] = json!(moment.step);
            line(object);
        } else {
            line(format!("step {:>7}: {}", moment.step, reading.text()));
        }
    }
    session.close();
    Ok(Outcome::Done)
}
