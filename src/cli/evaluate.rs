//! `evaluate`: how well a network does on a split, and what its confidence is worth.
use super::{
    Common, Outcome, open,
    output::{line, percent},
    score::{answer, find},
};
use crate::{
    errors::name,
    evaluation::{ClassFigures, Evaluation, LabelCounts, Reliability, calibration::Bin, class_figures},
    metrics::Split,
    protocol::{Finding, Question, RunId},
    spec::Choice,
};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use std::path::Path;

pub fn evaluate(
    name: &str,
    split: Option<&str>,
    data: Option<&Path>,
    outsiders: Option<&Path>,
    common: &Common,
) -> Result<Outcome> {
    let run = find(name, common)?;
    let split = split.unwrap_or(if data.is_some() { "test" } else { "validation" });
    let split = Split::find(split).context("the split is one of train, validation and test")?;
    ensure!(
        data.is_none() || split != Split::Validation,
        "Other data is not split for validation: choose --split test or --split train"
    );
    let files = |path: &Path| Choice { path: Some(path.into()), ..Choice::new("files") };
    let (outsiders, data) = (outsiders.map(files), data.map(files));
    let mut session = open(common)?;
    let question = Question::Evaluation { split, outsiders, data };
    let (step, finding) = answer(&mut session, &run, question)?;
    let Finding::Evaluation(found) = finding else { bail!("The answer is to another question") };
    if common.json {
        line(as_json(&run, step, &found));
    } else {
        show_evaluation(step, &found);
    }
    session.close();
    Ok(Outcome::Done)
}

fn as_json(run: &RunId, step: u64, found: &Evaluation) -> Value {
    let mut object = json!({
        "run": run, "split": found.split.id(), "step": step, "images": found.examples,
        "loss": found.loss, "accuracy": found.accuracy,
    });
    let Some(judgement) = &found.judgement else { return object };
    let confusion = judgement.confusion();
    let figures = class_figures(&confusion);
    let class = |(name, figures): (&String, &ClassFigures)| {
        json!({
            "name": name, "images": figures.examples, "precision": figures.precision, "recall": figures.recall,
        })
    };
    let [before, after] = [false, true].map(|calibrated| judgement.reliability(calibrated));
    let bin =
        |bin: &Bin| json!({ "images": bin.examples, "confidence": bin.confidence, "accuracy": bin.accuracy });
    let bins = |reliability: &Reliability| reliability.bins.iter().map(bin).collect::<Vec<_>>();
    let trust = &judgement.trust;
    object["classes"] = judgement.class_names.iter().zip(&figures).map(class).collect();
    object["confusion"] = json!(confusion);
    object["calibration"] = json!({
        "temperature": trust.temperature, "ece_before": before.ece, "ece_after": after.ece,
        "images": trust.labels.calibration, "training_labels": trust.labels.training,
        "validation_ece_before": trust.validation_ece[0], "validation_ece_after": trust.validation_ece[1],
        "reliability_before": bins(&before), "reliability_after": bins(&after),
    });
    object["outsiders"] = json!({
        "flagged": judgement.flagged(), "validation_flagged": trust.validation_flagged,
        "outsiders": trust.outsiders.map(|(images, _)| images),
        "outsiders_flagged": trust.outsiders.map(|(_, flagged)| flagged),
    });
    object
}

fn show_evaluation(step: u64, found: &Evaluation) {
    let (images, split) = (found.examples, found.split.id());
    let scored = found.accuracy.map_or_else(
        || format!("{images} {split} images"),
        |accuracy| format!("{} of {images} {split} images right", percent(accuracy)),
    );
    line(format!("{scored}, loss {:.4} nats, at step {step}", found.loss));
    let Some(judgement) = &found.judgement else { return };
    let share = |share: Option<f64>| share.map_or("–".into(), percent);
    line(format!("{:<24} {:>9} {:>10} {:>10}", "class", "images", "precision", "recall"));
    for (class_name, class) in judgement.class_names.iter().zip(class_figures(&judgement.confusion())) {
        let (precision, recall) = (share(class.precision), share(class.recall));
        line(format!("{:<24} {:>9} {precision:>10} {recall:>10}", name(class_name), class.examples));
    }
    let [before, after] = [false, true].map(|calibrated| percent(judgement.reliability(calibrated).ece));
    line(format!(
        "Calibrated at temperature {:.2}: expected calibration error {after}, before {before}",
        judgement.trust.temperature
    ));
    let LabelCounts { training, calibration } = judgement.trust.labels;
    line(format!("Calibrated on the labels of {calibration} images; trained on those of {training}"));
    if judgement.trust.validation_flagged.is_none() {
        return line("So few labels cannot tell what looks like nothing it was trained on");
    }
    line(format!("{} of the images look like nothing it was trained on", percent(judgement.flagged())));
    if let Some((images, flagged)) = judgement.trust.outsiders {
        line(format!("{} of the {images} outsiders do", percent(flagged)));
    }
}
