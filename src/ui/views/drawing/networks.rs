//! The same drawing, read by several networks.
use super::{NO_NAMES, variants::said};
use crate::{
    protocol::{Finding, Question, RunId},
    sample::Image,
    session::Run,
    spec::Catalog,
    ui::{
        asking::Asking,
        bars,
        look::{Look, swatch},
        save::{self, Caption, Mark, Source},
        views::Scene,
        widgets::{columns, elided, lasting_menu, menu_items, strong, title},
    },
};
use egui::{Checkbox, Label, RichText, Role, Ui, WidgetInfo};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

const TITLE: &str = "Several networks, one drawing";
/// The most networks that fit side by side.
const MOST: usize = 4;
/// Characters of a name in the menu.
const NAME: usize = 32;

/// The runs that were chosen, and what they say.
#[derive(Default)]
pub struct Networks {
    chosen: BTreeSet<RunId>,
    asking: BTreeMap<RunId, Asking<Image>>,
}

impl Networks {
    pub fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let Some(image) = scene.image else { return };
        let state = scene.state;
        self.chosen.retain(|id| state.runs.contains_key(id));
        let mut wanted = None;
        ui.horizontal(|ui| {
            title(ui, "Several networks")
                .on_hover_text("The same drawing, read by the networks that you choose");
            let (response, _) = lasting_menu("Choose runs").ui(ui, |ui| {
                menu_items(ui, |ui| {
                    for run in state.runs.values().rev().filter(|run| !state.is_race(run)) {
                        self.choice(ui, run);
                    }
                });
            });
            response.on_hover_text(format!("Up to {MOST} of them"));
            if !self.chosen.is_empty() {
                wanted = save::menu(ui, "the answers", &save::PLOT);
            }
        });
        if self.chosen.is_empty() {
            let text = "Choose the runs whose answers you want to see side by side.";
            ui.label(RichText::new(text).weak());
            return;
        }
        let chosen: Vec<&Run> = self.chosen.iter().filter_map(|id| state.runs.get(id)).collect();
        let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
        columns(ui, chosen.len(), |column, ui| {
            let run = chosen[column];
            let asking = self.asking.entry(run.id.clone()).or_default();
            let of = (run, scene.weights(run));
            asking.follow(ui, of, image.clone(), &mut scene.asker(), |image| Question::Scores {
                samples: Arc::new(vec![image.clone().into()]),
            });
            let is_selected = scene.run.is_some_and(|selected| selected.id == run.id);
            let look = Look::of_run(scene.settings.look(&run.id), is_selected, ui.visuals());
            ui.horizontal(|ui| {
                swatch(ui, &look);
                ui.add(Label::new(strong(&run.spec.name)).truncate());
            });
            answer(ui, asking.found(&run.id).map(|found| &found.finding));
        });
        let within = ui.min_rect().with_min_y(top);
        let table = || self.table(&chosen, scene.catalog);
        let key = |run: &&Run| {
            let is_selected = scene.run.is_some_and(|selected| selected.id == run.id);
            let look = Look::of_run(scene.settings.look(&run.id), is_selected, ui.visuals());
            (look, scene.source(run).to_string())
        };
        let caption = Caption { title: TITLE.into(), key: chosen.iter().map(key).collect() };
        let saved = mark.save(ui, wanted, within, &caption, table);
        scene.actions.extend(saved);
    }

    fn table(&self, runs: &[&Run], catalog: &Catalog) -> anyhow::Result<save::File> {
        let answer = |run: &&Run| match &self.asking.get(&run.id)?.found(&run.id)?.finding {
            Ok(Finding::Scores { class_names, scores, is_calibrated }) => {
                let scores = scores.first()?.iter().enumerate();
                let row = |(class, score): (usize, &f32)| {
                    let class = bars::name(class_names, class).to_owned();
                    let cells = [class, score.to_string(), is_calibrated.to_string()];
                    Source::of(&run.spec, catalog).row(cells)
                };
                Some(scores.map(row).collect::<Vec<_>>())
            }
            _ => None,
        };
        let rows = runs.iter().filter_map(answer).flatten();
        save::table("Several networks", &["run", "data", "class", "probability", "calibrated"], rows)
    }

    fn choice(&mut self, ui: &mut Ui, run: &Run) {
        let mut on = self.chosen.contains(&run.id);
        let is_free = on || self.chosen.len() < MOST;
        let name = &run.spec.name;
        let choice = ui.add_enabled(is_free, Checkbox::new(&mut on, elided(name, NAME)));
        choice.widget_info(|| WidgetInfo::selected(Role::CheckBox, is_free, on, name));
        if !choice.on_hover_text(name).changed() {
            return;
        }
        if on {
            self.chosen.insert(run.id.clone());
        } else {
            self.chosen.remove(&run.id);
        }
    }
}

/// What one of them says.
fn answer(ui: &mut Ui, finding: Option<&Result<Finding, String>>) {
    match finding {
        Some(Ok(Finding::Scores { class_names, scores, is_calibrated })) => match scores.first() {
            Some(scores) if !scores.is_empty() => {
                let text = format!("{}, {}", said(scores, class_names), bars::kind(*is_calibrated));
                ui.label(RichText::new(text).small());
                bars::ui(ui, scores, class_names, 200.0, false);
            }
            _ => drop(ui.label(RichText::new(NO_NAMES).weak())),
        },
        Some(Err(problem)) => drop(ui.label(problem)),
        _ => bars::empty(ui, &[], 200.0),
    }
}
