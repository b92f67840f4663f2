//! All that is known of the selected run: what it was set to, what was changed, its checkpoints, and what a person says.
use super::{Scene, View, ViewEntry, empty, part};
use crate::{
    protocol::{Command, Mark, RunId},
    runs::{Provenance, RunFolder, last_provenance},
    sample::Modality,
    session::{Run, command, forking},
    spec::{ComponentInfo, SplitRule},
    ui::{
        Action,
        widgets::{labeled_button, labeled_button_if, quiet_icon_button, star, strong},
    },
};
use egui::{RichText, ScrollArea, Ui};
use egui_material_icons::icons::{ICON_CODE, ICON_CONTENT_COPY, ICON_FOLDER_OPEN, ICON_INPUT};

mod note;
mod settings;
mod timeline;

pub(crate) const ENTRY: ViewEntry = ViewEntry {
    info: ComponentInfo {
        id: "page",
        label: "Run",
        help: "All that is known of the selected run: its settings, what was changed, its checkpoints, and your notes.",
        params: &[],
    },
    serves: Modality::ALL,
    looks_at_the_pad: false,
    open: || Box::new(Page::default()),
};

/// What the page keeps between frames.
#[derive(Default)]
struct Page {
    facts: Option<Facts>,
    note: note::Note,
    settings: settings::Settings,
}

/// What is in the run's folder alone, read again when it begins to train and when it ends.
struct Facts {
    of: (RunId, bool),
    provenance: Option<Provenance>,
}

impl Facts {
    fn read(run: &Run) -> Self {
        let entries = RunFolder::new(&run.folder).entries().unwrap_or_default();
        Self { of: (run.id.clone(), run.phase.is_active()), provenance: last_provenance(&entries).cloned() }
    }
}

impl View for Page {
    fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let Some(run) = scene.run else {
            return empty(ui, "No run is selected", "Select one in the list of runs, or in the table.");
        };
        let facts = match self.facts.take() {
            Some(facts) if facts.of == (run.id.clone(), run.phase.is_active()) => facts,
            _ => Facts::read(run),
        };
        ScrollArea::vertical().id_salt(&run.id).auto_shrink(false).show(ui, |ui| {
            part(ui, |ui| heading(ui, run, scene));
            part(ui, |ui| self.note.ui(ui, run, scene));
            part(ui, |ui| timeline::changes(ui, run));
            part(ui, |ui| timeline::checkpoints(ui, run, scene));
            part(ui, |ui| self.settings.ui(ui, run, scene));
            part(ui, |ui| provenance(ui, facts.provenance.as_ref()));
        });
        self.facts = Some(facts);
    }
}

/// Name, state and figures, and what can be taken from the run.
fn heading(ui: &mut Ui, run: &Run, scene: &mut Scene<'_>) {
    ui.horizontal_wrapped(|ui| {
        if star(ui, run.marks.star, &run.spec.name).clicked() {
            let command = Command::Mark(vec![run.id.clone()], Mark::Star(!run.marks.star));
            scene.actions.push(Action::Send(command));
        }
        ui.label(strong(&run.spec.name).heading());
    });
    let row = run.row(scene.catalog);
    let figures = row.figures(row.headline.id);
    let of = |what: &str, at: Option<(u64, f64)>| {
        at.map(|(step, value)| format!("{what} validation {} at step {step}", row.headline.written(value)))
    };
    let best = of("best", figures.and_then(|figures| figures.best));
    let latest = of("latest", figures.and_then(|figures| figures.latest));
    let stand = format!(
        "{}, step {} of {}, {} of training",
        crate::listing::state(&run.phase),
        run.progress.step,
        run.progress.steps,
        crate::listing::duration(run.progress.elapsed_secs)
    );
    let figures: Vec<String> =
        [Some(row.headline.label.to_owned()), best, latest].into_iter().flatten().collect();
    ui.label(stand);
    if figures.len() > 1 {
        ui.label(figures.join(" · "));
    }
    ui.label(RichText::new(&*run.id).small().weak());
    ui.horizontal_wrapped(|ui| buttons(ui, run, scene));
}

fn buttons(ui: &mut Ui, run: &Run, scene: &mut Scene<'_>) {
    let catalog = scene.catalog;
    let recipe = || forking::replayed(&run.spec, &run.changes, run.progress.step, catalog);
    let copy = labeled_button(ui, ICON_INPUT, "Copy into the form");
    if copy.on_hover_text("Its settings and its changes become those of the form for a new run").clicked() {
        *scene.copied = Some(recipe());
    }
    let spec = &run.spec;
    let is_simple = spec.branch.is_none() && spec.changes.is_empty() && run.changes.is_empty();
    let is_plain = is_simple && spec.dataset.edits.is_empty() && spec.dataset.split_rule == SplitRule::AsRead;
    let copy = labeled_button_if(ui, is_plain, ICON_CODE, "Copy as command");
    let copy = copy.on_disabled_hover_text(
        "No command says its changes, its beginning or its corrections of the data: copy it as TOML",
    );
    if copy.on_hover_text("As headstart train … --set …, to be pasted into a terminal").clicked() {
        let said = command::command(&run.spec, scene.catalog);
        ui.ctx().copy_text(said.unwrap_or_else(|| recipe().to_toml(scene.catalog)));
    }
    let copy = labeled_button(ui, ICON_CONTENT_COPY, "Copy as TOML");
    if copy.on_hover_text("As a recipe, which headstart train FILE takes").clicked() {
        ui.ctx().copy_text(recipe().to_toml(scene.catalog));
    }
    if quiet_icon_button(ui, ICON_FOLDER_OPEN, "Open the run's folder ").clicked() {
        scene.actions.push(Action::OpenFolder(run.folder.clone()));
    }
}

/// By what it was trained.
fn provenance(ui: &mut Ui, known: Option<&Provenance>) {
    ui.label(strong("Where it was trained"));
    let Some(Provenance { version, processor, instruction_set, threads, command, data }) = known else {
        ui.label(RichText::new("The version that trained it did not write that down.").weak());
        return;
    };
    ui.label(format!("Headstart {version} on {processor}, {instruction_set}, {threads} threads"));
    ui.label(RichText::new(command).monospace());
    if let Some(data) = data {
        ui.label(RichText::new(format!("Checksum of its data: {data}")).small().weak());
    }
}
