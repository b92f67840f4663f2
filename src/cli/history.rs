//! `history`: a drawing through time.
use super::{
    Common, Outcome, open,
    output::{line, percent},
    score::{answer, best, find},
};
use crate::{
    data::drawing,
    protocol::{Finding, Question},
};
use anyhow::{Result, bail, ensure};
use serde_json::json;
use std::{path::Path, sync::Arc};

/// What a run made of a picture at each of its checkpoints.
///
/// # Errors
/// Where the picture cannot be read, or the run has no names for digits.
pub fn history(name: &str, image: &Path, common: &Common) -> Result<Outcome> {
    let run = find(name, common)?;
    let images = Arc::new(vec![drawing::read(image)?.frame()]);
    let mut session = open(common)?;
    let found = answer(&mut session, &run, Question::History { images, after: None });
    session.close();
    let Finding::History(moments) = found?.1 else { bail!("The answer is to another question") };
    for moment in moments.iter() {
        let probabilities = &moment.scores[0];
        ensure!(!probabilities.is_empty(), "The run {run} learns without labels: it has no names for digits");
        let read = best(probabilities);
        if common.json {
            line(json!({ "step": moment.step, "prediction": read, "probabilities": probabilities }));
        } else {
            line(format!("step {:>7}: {read}  {:>9}", moment.step, percent(f64::from(probabilities[read]))));
        }
    }
    Ok(Outcome::Done)
}
