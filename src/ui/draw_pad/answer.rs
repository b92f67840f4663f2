//! What a network thinks of what is on the pad, and asking it.
use super::DrawPad;
use crate::{
    protocol::{Command, Confidence, Prediction, RunId},
    session::Run,
    ui::{Action, bars, theme, views::UNSAVED, widgets::strong},
};
use egui::{RichText, Ui};
use std::time::Duration;

/// The fewest seconds between two questions about the same drawing while the weights change.
const ASK_AGAIN: f64 = 0.1;

/// What it means to look like nothing that is known.
const OUTSIDER: &str = "Its strokes, to the eyes of the network, are farther from those of every class than 97 of 100 images that it was not fitted to. It has to choose a class all the same: do not rely on it.";

/// The height of all bars, at least.
const LOWEST: f32 = 150.0;

/// How high the pictures are that a network makes of the drawing.
const LOOK: f32 = 56.0;

/// The newest question.
pub struct Asked {
    request: u64,
    version: u64,
    run: RunId,
    step: u64,
    at: f64,
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
    pub(super) fn answered<'a>(
        &self,
        prediction: Option<&'a Prediction>,
        run: Option<&Run>,
    ) -> Option<&'a Prediction> {
        prediction.filter(|answer| self.image.is_some() && run.is_some_and(|run| run.id == answer.run))
    }

    /// The training images nearest to the drawing: at once where the network has no classes, else where they are wanted.
    pub(super) fn neighbours(&mut self, ui: &mut Ui, prediction: Option<&Prediction>, run: Option<&Run>) {
        let Some(answer) = self.answered(prediction, run) else { return };
        if !answer.probabilities.is_empty() {
            let help = "Those that look most like the drawing to the network. Some thousand of them are looked at, between batches of training";
            let toggle =
                ui.checkbox(&mut self.with_nearest, "Show the nearest training images").on_hover_text(help);
            // what has been asked before was asked without them
            self.version += u64::from(toggle.changed());
            if !self.with_nearest {
                return;
            }
        }
        match &answer.nearest {
            Some(Ok(nearest)) => self.nearest.ui(ui, std::slice::from_ref(nearest), 28.0),
            Some(Err(reason)) => {
                let text = format!("The training images cannot be searched for the nearest: {reason}");
                ui.label(RichText::new(text).small().weak());
            }
            None => drop(ui.label(RichText::new("Looking for the nearest training images…").small().weak())),
        }
        if answer.probabilities.is_empty() {
            let text = "It learns without labels, so it has no names for what it sees yet. Fine-tune it, and it will.";
            ui.label(RichText::new(text).small().weak());
        }
    }

    pub(super) fn answer(
        &mut self,
        ui: &mut Ui,
        prediction: Option<&Prediction>,
        run: Option<&Run>,
        height: f32,
    ) {
        match self.answered(prediction, run) {
            Some(answer) if answer.probabilities.is_empty() => {
                self.looks.ui(ui, &answer.strips, LOOK);
            }
            Some(answer) if answer.confidence == (Confidence::Calibrated { is_outsider: true }) => {
                let color = theme::run_colors(ui.visuals().dark_mode)[1];
                let text = "This does not look like anything I was trained on.";
                let top = ui.cursor().top();
                ui.label(strong(text).color(color)).on_hover_text(OUTSIDER);
                bars::ui(
                    ui,
                    &answer.probabilities,
                    &answer.class_names,
                    (height - (ui.cursor().top() - top)).max(LOWEST),
                );
            }
            Some(answer) => bars::ui(ui, &answer.probabilities, &answer.class_names, height),
            None => bars::empty(ui, &self.classes.names, height),
        }
    }

    /// Asks the run's network about the drawing when either has changed; one question at a time.
    pub(super) fn ask(
        &mut self,
        ui: &Ui,
        run: Option<&Run>,
        prediction: Option<&Prediction>,
        actions: &mut Vec<Action>,
    ) {
        let (Some(run), Some(image)) = (run.filter(|run| run.has_weights()), &self.image) else { return };
        let now = ui.input(|input| input.time);
        if let Some(asked) = &self.asked {
            let same = asked.version == self.version && asked.run == run.id;
            let waiting =
                prediction.is_none_or(|answer| answer.request < asked.request) && now - asked.at < 2.0;
            if waiting || (same && asked.step == run.progress.step) {
                return;
            }
            if same && now - asked.at < ASK_AGAIN {
                return ui.ctx().request_repaint_after(Duration::from_secs_f64(ASK_AGAIN));
            }
        }
        self.requests += 1;
        self.asked = Some(Asked {
            request: self.requests,
            version: self.version,
            run: run.id.clone(),
            step: run.progress.step,
            at: now,
        });
        actions.push(Action::Send(Command::Predict {
            request: self.requests,
            run: run.id.clone(),
            sample: image.clone().into(),
            with_nearest: self.with_nearest,
        }));
    }
}

pub fn caption(run: Option<&Run>, drawn: bool, answer: Option<&Prediction>) -> String {
    match (run, drawn) {
        (None, _) => "Start or select a run: its network scores your drawing.".into(),
        (Some(run), true) if !run.has_weights() => UNSAVED.into(),
        (Some(run), true) => format!("Scored by {}{}", run.spec.name, answer.map(kind).unwrap_or_default()),
        (Some(_), false) => "Draw here, or drop an image on the window.".into(),
    }
}

/// How far the bars can be taken at their word: ", calibrated".
fn kind(answer: &Prediction) -> String {
    if answer.probabilities.is_empty() {
        return String::new();
    }
    match answer.confidence {
        Confidence::Pending { share_done } => format!(", calibrating: {:.0} %", share_done * 100.0),
        confidence => format!(", {}", bars::kind(matches!(confidence, Confidence::Calibrated { .. }))),
    }
}
