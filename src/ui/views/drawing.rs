//! What becomes of the drawing before a network sees it, how its answer changes as the drawing moves, what it said at each
//! of its checkpoints, and what other networks say.
use super::{Scene, View, ViewEntry, asking::Asking};
use crate::{
    data::drawing::{Framing, Sheet, poses::Pose},
    protocol::{Question, RunId},
    spec::ComponentInfo,
    ui::widgets::{card, strong},
};
use egui::{RichText, ScrollArea, Ui};
use std::sync::Arc;
use variants::Reading;

mod history;
mod networks;
mod odds;
mod poses;
mod steps;
mod variants;

pub const ENTRY: ViewEntry = ViewEntry {
    info: ComponentInfo {
        id: "drawing",
        label: "Drawing",
        help: "What becomes of your drawing before the network sees it, how its answer changes as the drawing moves, when it learnt that answer, and what other networks say.",
        params: &[],
    },
    open: || Box::new(Drawing::default()),
};

/// Where a network cannot say which digit it is.
const NO_NAMES: &str = "It has no names for digits: it learns without labels, or from other images. Fine-tune it on digits, and it will.";

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

/// What the variants of a drawing are made of, and who is asked about them.
#[derive(PartialEq)]
struct Subject {
    run: RunId,
    step: u64,
    sheet: Sheet,
    framing: Framing,
    pose: Pose,
}

impl View for Drawing {
    fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let (Some(run), Some(sheet)) = (scene.run, scene.sheet) else { return nothing_yet(ui, scene) };
        let key = Subject {
            run: run.id.clone(),
            step: run.progress.step,
            sheet: sheet.clone(),
            framing: self.framing,
            pose: self.pose,
        };
        self.reading.follow(ui, scene, &run.id, key, |key| {
            let images = Arc::new(variants::images(&key.sheet, key.framing, key.pose));
            Question::Scores { images }
        });
        let found = self.reading.scores().filter(|(key, _)| key.run == run.id);
        let reading = found.and_then(|(_, scores)| Reading::new(scores));
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            if found.is_some() && reading.is_none() {
                ui.label(NO_NAMES);
            }
            part(ui, |ui| self.steps.ui(ui, sheet, &mut self.framing, reading));
            part(ui, |ui| poses::ui(ui, &mut self.pose, reading));
            part(ui, |ui| self.history.ui(ui, scene));
            part(ui, |ui| self.networks.ui(ui, scene));
        });
    }
}

fn part(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        content(ui);
    });
}

fn nothing_yet(ui: &mut Ui, scene: &Scene<'_>) {
    let (first, then) = match scene.run {
        None => ("No network yet", "Start or select a run: its network reads your drawing here."),
        Some(_) => ("Nothing is drawn", "Draw a digit on the pad, or drop an image on the window."),
    };
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.38);
        ui.label(strong(first).heading());
        ui.label(RichText::new(then).weak());
    });
}
