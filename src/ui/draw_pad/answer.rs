//! What a network thinks of what is on the pad, and asking it.
use super::DrawPad;
use crate::{
    protocol::{Answer, Confidence, Familiarity, Finding, Prediction, Question, RunId},
    session::Run,
    ui::{
        asking::{Asker, Asking, Pace},
        bars, theme,
        views::UNSAVED,
        widgets::{elided, strong, thousands},
    },
};
use egui::{RichText, Ui};
use std::{collections::BTreeMap, sync::Arc};

/// Bars follow the pen as closely as they can, and the weights often enough. What is calibrated meanwhile comes later.
const PACE: Pace = Pace { settled: 0.0, pause: 0.0, pause_of_weights: 0.1, rest: 0.0, awaits_all: false };

/// What it means to look like nothing that is known.
const OUTSIDER: &str = "Its strokes, to the eyes of the network, are farther from those of every class than 97 of 100 images that it was not fitted to. It has to choose a class all the same: do not rely on it.";

/// What it means to be judged only later, or not at all.
const UNJUDGED: &str = "Whether the drawing looks like anything that the network was trained on is found out beside training, from validation images.";
const TOO_FEW: &str = "Whether the drawing looks like anything that the network was trained on cannot be told from so few labels.";

/// The height of all bars, at least.
const LOWEST: f32 = 150.0;
/// The most characters of a run's name that leave room for what is said of its answer.
const NAME: usize = 16;
/// In less width the letters are small, in points.
const NARROW: f32 = 200.0;

/// How high the pictures are that a network makes of the drawing.
const LOOK: f32 = 56.0;

/// What is asked about the drawing, of which the number counts the changes.
pub struct Questions {
    prediction: Asking<u64>,
    nearest: Asking<u64>,
    /// About all digits of a picture, by its number.
    pub digits: Asking<u64>,
}

impl Default for Questions {
    fn default() -> Self {
        Self { prediction: Asking::at(PACE), nearest: Asking::at(PACE), digits: Asking::default() }
    }
}

impl Questions {
    pub fn take_in(&mut self, answers: &BTreeMap<u64, Answer>, now: f64) {
        self.prediction.take_in(answers, now);
        self.nearest.take_in(answers, now);
        self.digits.take_in(answers, now);
    }
}

/// The names of a run's classes, as far as they are known; the digits where there is no run.
pub struct Classes {
    run: Option<RunId>,
    pub names: Vec<String>,
}

impl Default for Classes {
    fn default() -> Self {
        Self { run: None, names: (0..10).map(|digit| digit.to_string()).collect() }
    }
}

impl Classes {
    pub fn are_digits(&self) -> bool {
        let is_digit = |name: &String| name.len() == 1 && name.as_bytes()[0].is_ascii_digit();
        !self.names.is_empty() && self.names.iter().all(is_digit)
    }

    /// Follows the selected run. Where it has not written down its classes, the first answer names them.
    pub fn follow(&mut self, run: Option<&Run>, answer: Option<&Prediction>) {
        if self.run.as_ref() != run.map(|run| &run.id) {
            *self = Self::default();
            if let Some(run) = run {
                *self = Self { run: Some(run.id.clone()), names: run.class_names.to_vec() };
            }
        }
        let answered = answer.map(|answer| &answer.class_names).filter(|names| !names.is_empty());
        if let Some(names) = answered.filter(|names| ***names != *self.names) {
            self.names = names.to_vec();
        }
    }
}

impl DrawPad {
    /// The run whose answers about the drawing are calibrated.
    pub fn calibrated(&self) -> Option<&RunId> {
        let found = self.questions.prediction.newest()?;
        let Ok(Finding::Prediction(prediction)) = &found.finding else { return None };
        matches!(prediction.confidence, Confidence::Calibrated { .. }).then_some(&found.run)
    }

    /// What a run makes of the drawing, or made of it before it was drawn on.
    pub(super) fn answered(&self, run: Option<&Run>) -> Option<Arc<Prediction>> {
        let found = self.questions.prediction.found(&run?.id).filter(|_| self.image.is_some())?;
        match &found.finding {
            Ok(Finding::Prediction(prediction)) => Some(prediction.clone()),
            _ => None,
        }
    }

    /// Whether the training images nearest to the drawing are wanted, where the network has classes.
    pub(super) fn choose_nearest(&mut self, ui: &mut Ui, run: Option<&Run>) {
        if self.answered(run).is_some_and(|answer| !answer.probabilities.is_empty()) {
            let help = "Those that look most like the drawing to the network. Some thousand of them are looked at, between batches of training";
            ui.checkbox(&mut self.with_nearest, "Show the nearest training images").on_hover_text(help);
        }
    }

    /// The training images nearest to the drawing: at once where the network has no classes, else where they are wanted.
    pub(super) fn neighbours(&mut self, ui: &mut Ui, run: Option<&Run>) {
        let (Some(answer), Some(run)) = (self.answered(run), run) else { return };
        if !answer.probabilities.is_empty() && !self.with_nearest {
            return;
        }
        match self.questions.nearest.found(&run.id).map(|found| &found.finding) {
            Some(Ok(Finding::Nearest(nearest))) => {
                self.nearest.ui(ui, std::slice::from_ref(&**nearest), 28.0);
            }
            Some(Err(reason)) => {
                let text = format!("The training images cannot be searched for the nearest: {reason}");
                ui.label(RichText::new(text).small().weak());
            }
            _ => drop(ui.label(RichText::new("Looking for the nearest training images…").small().weak())),
        }
        if answer.probabilities.is_empty() {
            let text = "It learns without labels, so it has no names for what it sees yet. Fine-tune it, and it will.";
            ui.label(RichText::new(text).small().weak());
        }
    }

    pub(super) fn answer(&mut self, ui: &mut Ui, run: Option<&Run>, mut height: f32) {
        let Some(answer) = self.answered(run) else {
            return bars::empty(ui, &self.classes.names, height);
        };
        if answer.probabilities.is_empty() {
            return self.looks.ui(ui, &answer.strips, LOOK);
        }
        let remark = remark(answer.familiarity);
        if let Some(Remark { text, help, is_doubtful }) = &remark {
            let is_small = !is_doubtful || ui.available_width() < NARROW;
            let text = match is_doubtful {
                true => strong(text.as_str()).color(theme::run_colors(ui.visuals().dark_mode)[1]),
                false => RichText::new(text).weak(),
            };
            let text = if is_small { text.small() } else { text };
            let top = ui.cursor().top();
            ui.label(text).on_hover_text(*help);
            height = (height - (ui.cursor().top() - top)).max(LOWEST);
        }
        let is_doubtful = remark.is_some_and(|remark| remark.is_doubtful);
        bars::ui(ui, &answer.probabilities, &answer.class_names, height, is_doubtful);
    }

    /// Asks the run's network about the drawing when either has changed.
    pub(super) fn ask(&mut self, ui: &Ui, run: Option<&Run>, asker: &mut Asker<'_>) {
        let wants_nearest =
            self.answered(run).is_some_and(|answer| self.with_nearest || answer.probabilities.is_empty());
        let (Some(run), Some(image)) = (run.filter(|run| run.has_weights()), &self.image) else { return };
        let (of, sample) = ((run, run.progress.step), || image.clone().into());
        let Questions { prediction, nearest, digits } = &mut self.questions;
        prediction.follow(ui, of, self.version, asker, |_| Question::Prediction { sample: sample() });
        if wants_nearest {
            nearest.follow(ui, of, self.version, asker, |_| Question::Nearest { sample: sample() });
        }
        if let Some(opened) = self.page.opened.as_ref().filter(|opened| opened.has_several()) {
            digits.follow(ui, of, opened.number, asker, |_| Question::Scores { samples: opened.samples() });
        }
    }

    /// What is on the pad, and whose answer the bars are.
    pub(super) fn caption(&self, run: Option<&Run>) -> String {
        let about = self.page.opened.as_ref().and_then(|opened| match &opened.class {
            Some(class) => Some(format!("A test image, labelled {class}. ")),
            None => opened.remark().map(|remark| format!("{remark}. ")),
        });
        about.unwrap_or_default() + &caption(run, self.image.is_some(), &self.kind(run))
    }

    /// Whether the bars are calibrated, for the caption: ", calibrated".
    fn kind(&self, run: Option<&Run>) -> String {
        let Some(answer) = self.answered(run).filter(|answer| !answer.probabilities.is_empty()) else {
            return String::new();
        };
        let share_done = self.questions.prediction.newest().map_or(0.0, |found| found.share_done);
        match answer.confidence {
            Confidence::Pending => format!(", calibrating: {:.0} %", share_done * 100.0),
            Confidence::Raw => format!(", {}", bars::kind(false)),
            Confidence::Calibrated { labels } => {
                format!(", {} on {} labels", bars::kind(true), thousands(labels.calibration as u64))
            }
        }
    }
}

/// What is said above the bars.
struct Remark {
    text: String,
    help: &'static str,
    /// The answer is not to be relied on.
    is_doubtful: bool,
}

/// Whether the drawing looks like what the network was trained on, where there is anything to say about that.
fn remark(familiarity: Familiarity) -> Option<Remark> {
    let (text, help) = match familiarity {
        Familiarity::Outside => ("This does not look like anything I was trained on.".into(), OUTSIDER),
        Familiarity::NotYet => ("Not judged yet".into(), UNJUDGED),
        Familiarity::TooFewLabels(labels) => (format!("{labels} labels are too few to judge it"), TOO_FEW),
        Familiarity::Inside | Familiarity::Unknown => return None,
    };
    Some(Remark { text, help, is_doubtful: familiarity == Familiarity::Outside })
}

/// `kind` is that of the bars.
fn caption(run: Option<&Run>, drawn: bool, kind: &str) -> String {
    match (run, drawn) {
        (None, _) => "Start or select a run, and it is scored.".into(),
        (Some(run), true) if !run.has_weights() => UNSAVED.into(),
        (Some(run), true) => format!("{}{kind}", by(run)),
        (Some(run), false) if run.spec.shipped.is_some() => {
            "Draw a digit: the shipped example reads it.".into()
        }
        (Some(_), false) => "Draw here, or drop an image on the window.".into(),
    }
}

/// Whose answer it is. The network that comes with the program is no work of the user's, whatever it is called.
fn by(run: &Run) -> String {
    match run.spec.shipped {
        Some(_) => "By the shipped example".into(),
        None => format!("Scored by {}", elided(&run.spec.name, NAME)),
    }
}
