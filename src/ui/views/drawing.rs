//! What becomes of the drawing before a network sees it, how its answer changes as the drawing moves, what it said at each
//! of its checkpoints, and what other networks say.
use super::{
    Scene, View, ViewEntry, empty,
    glossary::{FRAMING, PROBABILITY, lead},
    part, without_drawing,
};
use crate::{
    data::drawing::{Framing, Sheet, poses::Pose},
    protocol::{Finding, Question},
    sample::{Image, Modality},
    session::Run,
    spec::ComponentInfo,
    ui::{Action, asking::Asking, save::Source},
};
use egui::{ScrollArea, Ui};
use std::sync::Arc;
use variants::Reading;

mod history;
mod networks;
mod odds;
mod picture;
mod poses;
mod sentence;
mod steps;
mod variants;

pub(crate) const ENTRY: ViewEntry = ViewEntry {
    info: ComponentInfo {
        id: "drawing",
        label: "Drawing",
        help: "What becomes of your drawing before the network sees it, how its answer changes as the drawing moves, when it learnt that answer, and what other networks say.",
        params: &[],
    },
    serves: &[Modality::Images],
    looks_at_the_pad: true,
    open: || Box::new(Drawing::default()),
};

/// Where a network cannot say what it is.
const NO_NAMES: &str =
    "It has no names for what it sees: it learns without labels. Fine-tune it, and it will.";

/// Until there is an answer.
const ASKED: &str = "The network is being asked about the drawing…";

/// What the view keeps between frames.
#[derive(Default)]
struct Drawing {
    framing: Framing,
    pose: Pose,
    reading: Asking<Subject>,
    steps: steps::Pictures,
    history: history::History,
    networks: networks::Networks,
}

/// What the variants of a drawing are made of.
#[derive(PartialEq)]
struct Subject {
    sheet: Sheet,
    framing: Framing,
    pose: Pose,
}

impl View for Drawing {
    fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let Some(run) = scene.run else {
            return empty(
                ui,
                "No network yet",
                "Start or select a run: its network reads your drawing here.",
            );
        };
        if scene.image.is_none() {
            let then = "Draw a digit on the pad, or drop an image on the window.";
            return without_drawing(ui, "Nothing is drawn", then, scene);
        }
        if let Some(sheet) = scene.sheet {
            self.follow(ui, scene, run, sheet);
        }
        ScrollArea::vertical().id_salt(&run.id).auto_shrink(false).show(ui, |ui| {
            let sentence = self.sentence(scene, run).unwrap_or_else(|| ASKED.into());
            lead(ui, &sentence, &[&FRAMING, &PROBABILITY]);
            match scene.sheet {
                Some(sheet) => {
                    picture::ui(ui, scene);
                    let source = scene.source(run);
                    self.variants(ui, run, &source, sheet, scene.actions);
                }
                None => drop(ui.label(
                    "This is no drawing: the network is shown the image as it is, at the size that it knows.",
                )),
            }
            part(ui, |ui| self.history.ui(ui, scene));
            part(ui, |ui| self.networks.ui(ui, scene));
        });
    }
}

impl Drawing {
    fn follow(&mut self, ui: &Ui, scene: &mut Scene<'_>, run: &Run, sheet: &Sheet) {
        let subject = Subject { sheet: sheet.clone(), framing: self.framing, pose: self.pose };
        let of = (run, scene.weights(run));
        self.reading.follow(ui, of, subject, &mut scene.asker(), |subject| {
            let images = variants::images(&subject.sheet, subject.framing, subject.pose);
            Question::Scores {
                samples: Arc::new(images.into_iter().map(|pixels| Image::drawing(pixels).into()).collect()),
            }
        });
    }

    /// What the network reads, as far as that is known; of an image that is no drawing, what its checkpoints read.
    fn sentence(&self, scene: &Scene<'_>, run: &Run) -> Option<String> {
        if scene.sheet.is_none() {
            return self.history.sentence(run, scene.image?);
        }
        match &self.reading.found(&run.id)?.finding {
            Ok(Finding::Scores { class_names, scores, is_calibrated }) => {
                let reading = Reading::new(scores, class_names, *is_calibrated);
                let told = |reading| sentence::of_reading(reading, self.pose.rotation);
                Some(reading.map_or_else(|| NO_NAMES.into(), told))
            }
            Ok(_) => None,
            Err(problem) => Some(problem.clone()),
        }
    }

    /// What comes of the drawing with other steps, elsewhere, turned and in other sizes.
    fn variants(
        &mut self,
        ui: &mut Ui,
        run: &Run,
        source: &Source,
        sheet: &Sheet,
        actions: &mut Vec<Action>,
    ) {
        let found = self.reading.found(&run.id).map(|found| &found.finding);
        let reading = match found {
            Some(Ok(Finding::Scores { class_names, scores, is_calibrated })) => {
                Reading::new(scores, class_names, *is_calibrated)
            }
            _ => None,
        };
        part(ui, |ui| self.steps.ui(ui, sheet, &mut self.framing, reading, source, actions));
        part(ui, |ui| poses::ui(ui, &mut self.pose, reading, source, actions));
    }
}
