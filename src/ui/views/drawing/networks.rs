//! The same drawing, read by several networks.
use super::{NO_NAMES, variants::said};
use crate::{
    protocol::{Question, RunId},
    session::Run,
    ui::{
        bars, theme,
        views::{Scene, asking::Asking},
        widgets::{strong, title},
    },
};
use egui::{RichText, Ui};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// So many fit side by side.
const MOST: usize = 4;

/// The runs that were chosen, and what they say.
#[derive(Default)]
pub struct Networks {
    chosen: BTreeSet<RunId>,
    asking: BTreeMap<RunId, Asking<About>>,
}

/// The weights of a run after a step, and a drawing.
#[derive(PartialEq)]
struct About {
    step: u64,
    drawing: Vec<u8>,
}

impl Networks {
    pub fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let Some(drawing) = scene.drawing else { return };
        let state = scene.state;
        self.chosen.retain(|id| state.runs.contains_key(id));
        ui.horizontal(|ui| {
            title(ui, "Several networks")
                .on_hover_text("The same drawing, read by the networks that you choose");
            let response = ui.menu_button("Choose runs", |ui| {
                for run in state.runs.values().rev().filter(|run| !state.is_race(run)) {
                    self.choice(ui, run);
                }
            });
            response.response.on_hover_text(format!("Up to {MOST} of them"));
        });
        if self.chosen.is_empty() {
            let text = "Choose the runs whose answers you want to see side by side.";
            ui.label(RichText::new(text).weak());
            return;
        }
        let chosen: Vec<&Run> = self.chosen.iter().filter_map(|id| state.runs.get(id)).collect();
        let colors = theme::run_colors(ui.visuals().dark_mode);
        ui.columns(chosen.len(), |columns| {
            for (ui, run) in columns.iter_mut().zip(chosen) {
                let asking = self.asking.entry(run.id.clone()).or_default();
                let about = About { step: run.progress.step, drawing: drawing.into() };
                asking.follow(ui, scene, &run.id, about, |about| {
                    let images = Arc::new(vec![about.drawing.clone()]);
                    Question::Scores { images }
                });
                ui.label(strong(&run.spec.name).color(colors[scene.settings.color(&run.id)]));
                match asking.scores().and_then(|(_, scores)| scores.first()) {
                    None => bars::empty(ui, 10, 200.0),
                    Some(scores) if scores.is_empty() => {
                        drop(ui.label(RichText::new(NO_NAMES).weak()));
                    }
                    Some(scores) => {
                        ui.label(RichText::new(said(scores)).small());
                        bars::ui(ui, scores, 200.0);
                    }
                }
            }
        });
    }

    fn choice(&mut self, ui: &mut Ui, run: &Run) {
        let mut on = self.chosen.contains(&run.id);
        let is_free = on || self.chosen.len() < MOST;
        if !ui.add_enabled(is_free, egui::Checkbox::new(&mut on, &run.spec.name)).changed() {
            return;
        }
        if on {
            self.chosen.insert(run.id.clone());
        } else {
            self.chosen.remove(&run.id);
        }
    }
}
