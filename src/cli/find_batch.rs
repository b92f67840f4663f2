//! `find-batch`: what another batch size would cost and change, for a run's weights as they are, or a recipe.
use super::{Common, Outcome, find_rate::subject, open, output::line, score::answer};
use crate::{
    noise::Alternative,
    protocol::{Finding, Question},
};
use anyhow::{Result, bail};
use serde_json::json;

/// Measures the gradient noise scale in a copy that is thrown away.
///
/// # Errors
/// Where `name` is neither a run nor a recipe, or what it means cannot be trained.
pub fn find_batch(name: &str, set: &[String], common: &Common) -> Result<Outcome> {
    let (run, spec) = subject(name, set, common)?;
    let mut session = open(common)?;
    let (step, finding) = answer(&mut session, &run, Question::NoiseScale { spec })?;
    session.close();
    let Finding::NoiseScale(noise) = finding else { bail!("The answer is to another question") };
    let alternatives = noise.alternatives();
    if common.json {
        let object = |Alternative { batch_size, steps, examples }: &Alternative| json!({ "batch_size": batch_size, "steps": steps, "examples": examples });
        line(json!({
            "step": step, "batch_size": noise.batch_size, "batches": noise.batches, "noise_scale": noise.scale,
            "alternatives": alternatives.iter().map(object).collect::<Vec<_>>(),
        }));
        return Ok(Outcome::Done);
    }
    line(noise.conclusion());
    if !alternatives.is_empty() {
        line("To the same loss, against the present batch size:\nBatch size   Steps      Examples");
    }
    for Alternative { batch_size, steps, examples } in alternatives {
        line(format!("{batch_size:<12} {steps:<6.2} ×   {examples:.2} ×"));
    }
    Ok(Outcome::Done)
}
