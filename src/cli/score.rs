//! `predict`: a network's answers on single images.
use super::{
    Common, Outcome,
    explain::{self, Explain},
    open,
    output::{complain, line},
    reading,
    waiting::Waiting,
};
use crate::{
    data::{
        DatasetInfo,
        drawing::{self, Found},
        files::{self, PictureFile},
        fitting,
        watch::Watch,
    },
    engine::{Model, newest_model},
    errors::{message, name},
    evaluation::{LabelCounts, argmax, confidence},
    protocol::{
        About, Answer, Command, Confidence, Familiarity, Finding, Level, Notice, Prediction, Question, RunId,
    },
    runs::Home,
    sample::{Image, Sample},
    session::{Session, State, catalog},
};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// One question at a time.
const REQUEST: u64 = 0;

pub fn predict(name: &str, images: &[PathBuf], explain: &Explain, common: &Common) -> Result<Outcome> {
    let run = find(name, common)?;
    let images_of_run = images_of(&run, common)?;
    let explained = explain.wish(&images_of_run.info.class_names)?;
    let network =
        newest_model(&Home::open(super::home(common)?)?.folder(&run), &catalog(), &Watch::default())?.loaded;
    let mut session = open(common)?;
    let mut outcome = Outcome::Done;
    for image in images {
        let shown = if image.is_dir() {
            reading::read(&mut session, &run, &network, image, common)
        } else {
            read(&mut session, &run, &network, image, &images_of_run).and_then(|found| {
                show(image, &found, common.json);
                let explain = |wish| {
                    let mut each = found.iter();
                    each.try_for_each(|digit| {
                        explain::explain(&mut session, &run, (image, digit.seen.clone()), wish, common.json)
                    })
                };
                explained.as_ref().map_or(Ok(()), explain)
            })
        };
        if let Err(error) = shown {
            complain(message(&error));
            outcome = Outcome::Failed;
        }
    }
    session.close();
    Ok(outcome)
}

/// The images that a run learns from.
pub struct Images {
    pub info: DatasetInfo,
    /// Whether they are drawings, so that a picture is framed like one.
    pub are_drawings: bool,
}

/// The images that a run learns from.
///
/// # Errors
/// Where neither the run nor its data set says what they are.
pub fn images_of(run: &RunId, common: &Common) -> Result<Images> {
    let folder = Home::open(super::home(common)?)?.folder(run);
    let spec = folder.spec(&catalog())?;
    let info = folder.dataset_info(&spec, &Watch::default())?;
    let are_drawings = folder.learns_from_drawings(&spec);
    Ok(Images { info, are_drawings })
}

/// What is on a picture, and what a network makes of it.
struct Digit {
    /// Left, top, right and bottom, as shares of the picture's width and height.
    bounds: [f32; 4],
    /// What may be wrong about taking it for one digit.
    remark: Option<&'static str>,
    seen: Sample,
    reading: Reading,
}

/// Reads all digits on a picture where a network learns from drawings, else the picture.
fn read(
    session: &mut Session,
    run: &RunId,
    network: &Model,
    picture: &Path,
    images: &Images,
) -> Result<Vec<Digit>> {
    let seen: Vec<([f32; 4], Option<&'static str>, Sample)> = if images.are_drawings {
        let framed =
            |found: Found| (found.bounds, found.remark(), Image::drawing(found.sheet.frame()).into());
        drawing::read(picture)?.into_iter().map(framed).collect()
    } else {
        vec![([0.0, 0.0, 1.0, 1.0], None, see(images, &whole(picture))?)]
    };
    let read = |(bounds, remark, seen): ([f32; 4], Option<&'static str>, Sample)| {
        let reading = Reading::of(session, run, network, seen.clone())?;
        Ok(Digit { bounds, remark, seen, reading })
    };
    seen.into_iter().map(read).collect()
}

/// A picture of one thing as a network is to see it that learns from such images: framed like a drawing where they are
/// drawings, else brought to their shape as in training.
pub fn see(images: &Images, picture: &PictureFile) -> Result<Sample> {
    if images.are_drawings && picture.crop.is_none() {
        return Ok(Image::drawing(drawing::read_one(&picture.path)?.frame()).into());
    }
    let shape = images.info.shape.image()?;
    Ok(Image { shape, pixels: fitting::fitted(files::open_piece(picture)?, shape) }.into())
}

/// All of a picture.
pub fn whole(path: &Path) -> PictureFile {
    PictureFile { path: path.into(), crop: None }
}

fn score(session: &mut Session, run: &RunId, sample: Sample) -> Result<Arc<Prediction>> {
    let answered = answer(session, run, Question::Prediction { sample });
    let (_, Finding::Prediction(found)) = answered.context("Could not score the drawing")? else {
        bail!("The answer is to another question")
    };
    ensure!(
        !found.probabilities.is_empty(),
        "The run {run} learns without labels, so that it has no names for what it sees: fine-tune it with init_from = {run:?}"
    );
    Ok(found)
}

/// One line for a picture.
fn show(picture: &Path, found: &[Digit], json: bool) {
    match found {
        [only] if json => line(only.reading.as_json(picture)),
        [only] => {
            let remark = only.remark.map_or(String::new(), |remark| format!(" ({remark})"));
            line(format!("{}{remark}  {}", only.reading.text(), name(&picture.to_string_lossy())));
        }
        several if json => line(several_as_json(picture, several)),
        several => {
            line(format!("{} from left to right  {}", together(several), name(&picture.to_string_lossy())));
            several.iter().for_each(|digit| line(format!("    {}", digit.reading.text())));
        }
    }
}

fn several_as_json(picture: &Path, digits: &[Digit]) -> Value {
    let digit = |digit: &Digit| {
        let mut object = digit.reading.as_json(picture);
        object["bounds"] = json!(digit.bounds);
        object
    };
    json!({ "image": picture, "text": together(digits), "digits": digits.iter().map(digit).collect::<Vec<_>>() })
}

/// The classes as one text, such as "42".
fn together(digits: &[Digit]) -> String {
    digits.iter().map(|digit| digit.reading.class_name.as_str()).collect()
}

/// A network's answer on a picture.
pub struct Reading {
    /// The place of the most probable class.
    pub class: usize,
    pub class_name: String,
    pub confidence: f64,
    /// Of the same class, as the network itself has it, before calibration.
    pub raw_confidence: f64,
    /// Of how many labels its calibration comes; none where the confidence could not be calibrated.
    labels: Option<LabelCounts>,
    familiarity: Familiarity,
    probabilities: Vec<f32>,
}

impl Reading {
    /// Asks a run about an image, and its network itself for the uncalibrated figure.
    ///
    /// # Errors
    /// Where the network cannot be asked, learns without labels, or answers with no numbers.
    pub fn of(session: &mut Session, run: &RunId, network: &Model, sample: Sample) -> Result<Self> {
        let scores = network.scores(std::slice::from_ref(&sample))?;
        let found = score(session, run, sample)?;
        let Prediction { class_names, probabilities, confidence, familiarity, .. } = &*found;
        let class = argmax(probabilities);
        let of = |all: &[f32]| all.get(class).copied().map(f64::from).filter(|share| share.is_finite());
        let figures = of(probabilities).zip(scores.first().and_then(|scores| of(scores)));
        let (confidence_of_class, raw_confidence) = figures.with_context(|| diverged(run))?;
        let labels = match confidence {
            Confidence::Calibrated { labels } => Some(*labels),
            Confidence::Raw | Confidence::Pending => None,
        };
        Ok(Self {
            class,
            class_name: class_names.get(class).map_or("?".into(), |class| name(class)),
            confidence: confidence_of_class,
            raw_confidence,
            labels,
            familiarity: *familiarity,
            probabilities: probabilities.clone(),
        })
    }

    /// What a network itself made of an image, from which it cannot be asked any more.
    ///
    /// # Errors
    /// Where it answered with no numbers.
    pub fn uncalibrated(run: &RunId, class_names: &[String], probabilities: &[f32]) -> Result<Self> {
        let class = argmax(probabilities);
        let confidence = probabilities.get(class).copied().map(f64::from).filter(|share| share.is_finite());
        let confidence = confidence.with_context(|| diverged(run))?;
        Ok(Self {
            class,
            class_name: class_names.get(class).map_or("?".into(), |class| name(class)),
            confidence,
            raw_confidence: confidence,
            labels: None,
            familiarity: Familiarity::Unknown,
            probabilities: probabilities.to_vec(),
        })
    }

    pub fn as_json(&self, image: &Path) -> Value {
        json!({
            "image": image, "prediction": self.class, "class": self.class_name, "confidence": self.confidence,
            "raw_confidence": self.raw_confidence, "calibrated": self.labels.is_some(),
            "calibration_labels": self.labels.map(|labels| labels.calibration),
            "training_labels": self.labels.map(|labels| labels.training),
            "outsider": self.is_outsider(), "probabilities": self.probabilities,
        })
    }

    /// None where that cannot be told.
    fn is_outsider(&self) -> Option<bool> {
        match self.familiarity {
            Familiarity::Inside => Some(false),
            Familiarity::Outside => Some(true),
            Familiarity::NotYet | Familiarity::TooFewLabels(_) | Familiarity::Unknown => None,
        }
    }

    /// "7    92.93 % (90.34 % uncalibrated)", and whether it is an outsider.
    pub fn text(&self) -> String {
        let raw = confidence(self.raw_confidence, 2);
        let remark = match self.familiarity {
            Familiarity::Outside => ", looks like nothing it was trained on".into(),
            Familiarity::TooFewLabels(labels) => {
                format!(", {labels} labels are too few to tell whether it looks like them")
            }
            Familiarity::Inside | Familiarity::NotYet | Familiarity::Unknown => String::new(),
        };
        match self.labels {
            Some(_) => {
                format!(
                    "{}  {:>9} ({raw} uncalibrated){remark}",
                    self.class_name,
                    confidence(self.confidence, 2)
                )
            }
            None => format!("{}  {raw:>9} uncalibrated", self.class_name),
        }
    }
}

/// What is said of a network whose answers are not finite.
pub fn diverged(run: &RunId) -> String {
    format!(
        "The network of {run} has diverged: its answers are no numbers. Train it again with a lower learning rate"
    )
}

/// The run that a name means, or its checkpoint of a step.
pub fn find(name: &str, common: &Common) -> Result<RunId> {
    Home::open(super::home(common)?)?.find_at(name)
}

/// Asks something of a run's network and waits; the step whose weights answered, and the whole answer.
///
/// # Errors
/// Where it cannot be answered.
pub fn answer(session: &mut Session, run: &RunId, question: Question) -> Result<(u64, Finding)> {
    session.send(Command::Ask { request: REQUEST, run: run.clone(), question });
    let mut waiting = Waiting::new(false);
    loop {
        session.wait(Duration::from_millis(100));
        show_progress(&mut waiting, &session.state);
        complain_of(&mut waiting, std::mem::take(&mut session.state.notices));
        let is_whole = |answer: &Answer| answer.share_done >= 1.0;
        if !session.state.answers.get(&REQUEST).is_some_and(is_whole) {
            continue;
        }
        if let Some(Answer { step, finding: Some(found), .. }) = session.state.answers.remove(&REQUEST) {
            return Ok((step, found.map_err(|error| anyhow!(error))?));
        }
    }
}

/// Why there is no answer, the answer says itself.
fn complain_of(waiting: &mut Waiting, notices: Vec<Notice>) {
    let is_answer = |notice: &Notice| notice.level == Level::Error && notice.about == About::Request;
    for notice in notices.iter().filter(|notice| !is_answer(notice)) {
        waiting.show(None);
        complain(&notice.text);
    }
}

/// Shows how far the answer is that is waited for.
fn show_progress(waiting: &mut Waiting, state: &State) {
    if state.preparing.is_some() {
        return waiting.show(state.preparing);
    }
    let Some(answer) = state.answers.get(&REQUEST) else { return waiting.show(None) };
    let what = match &answer.finding {
        Some(Ok(Finding::Prediction(_))) => "Calibrating the network",
        _ => "Asking the network",
    };
    waiting.show_share(what, answer.share_done);
}
