//! Several runs at once: which of them are picked, and what can be done with them.
use crate::{
    protocol::{Command, Mark, Phase, RunId},
    session::Run,
    ui::{Action, views::Scene, widgets::labeled_button},
};
use egui::{Key, RichText, Role, TextEdit, Ui, WidgetInfo};
use egui_material_icons::icons::{
    ICON_ARCHIVE, ICON_DELETE, ICON_FILTER_1, ICON_SELL, ICON_STAR, ICON_UNARCHIVE, ICON_VISIBILITY,
    ICON_VISIBILITY_OFF,
};
use std::collections::BTreeSet;

/// What is picked.
#[derive(Default)]
pub struct Picked {
    runs: BTreeSet<RunId>,
    /// From where Shift picks on.
    anchor: Option<RunId>,
    tag: String,
}

impl Picked {
    pub fn has(&self, run: &RunId) -> bool {
        self.runs.contains(run)
    }

    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// What is no longer listed is no longer picked: nothing is done to a run that nobody sees.
    pub fn keep(&mut self, listed: &[RunId]) {
        if !self.runs.is_empty() {
            let listed: BTreeSet<&RunId> = listed.iter().collect();
            self.runs.retain(|run| listed.contains(run));
        }
    }

    pub fn pick_only(&mut self, run: &RunId) {
        self.runs = [run.clone()].into();
        self.anchor = Some(run.clone());
    }

    pub fn pick_all(&mut self, listed: &[RunId]) {
        self.runs = listed.iter().cloned().collect();
    }

    pub fn toggle(&mut self, run: &RunId) {
        if !self.runs.remove(run) {
            self.runs.insert(run.clone());
        }
        self.anchor = Some(run.clone());
    }

    /// All from the one that was clicked last.
    pub fn pick_up_to(&mut self, run: &RunId, listed: &[RunId]) {
        let place = |id: &RunId| listed.iter().position(|listed| listed == id);
        let Some((from, to)) = self.anchor.as_ref().and_then(place).zip(place(run)) else {
            return self.pick_only(run);
        };
        self.runs = listed[from.min(to)..=from.max(to)].iter().cloned().collect();
    }

    /// What can be done with those that are picked.
    pub fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let runs: Vec<&Run> = self.runs.iter().filter_map(|id| scene.state.runs.get(id)).collect();
        if runs.is_empty() {
            return;
        }
        let ids = || -> Vec<RunId> { runs.iter().map(|run| run.id.clone()).collect() };
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(format!("{} picked", runs.len())).strong());
            for (icon, text, is_shown) in
                [(ICON_VISIBILITY_OFF, "Hide", false), (ICON_VISIBILITY, "Show", true)]
            {
                let button = labeled_button(ui, icon, text);
                if button.on_hover_text("Their curves in the plots").clicked() {
                    runs.iter().for_each(|run| scene.settings.show(run, is_shown));
                }
            }
            if labeled_button(ui, ICON_FILTER_1, "Only these")
                .on_hover_text("Hides the curves of all others")
                .clicked()
            {
                scene.settings.solo = None;
                for run in scene.state.runs.values() {
                    scene.settings.show(run, self.runs.contains(&run.id));
                }
            }
            let has_star = runs.iter().all(|run| run.marks.star);
            if labeled_button(ui, ICON_STAR, if has_star { "Take the star off" } else { "Star" }).clicked() {
                scene.actions.push(Action::Send(Command::Mark(ids(), Mark::Star(!has_star))));
            }
            let is_away = runs.iter().all(|run| run.marks.archived);
            let (icon, text) =
                if is_away { (ICON_UNARCHIVE, "Bring back") } else { (ICON_ARCHIVE, "Put away") };
            let help = "Lists leave out what is put away, until it is asked for. Nothing is deleted.";
            if labeled_button(ui, icon, text).on_hover_text(help).clicked() {
                scene.actions.push(Action::Send(Command::Mark(ids(), Mark::Archived(!is_away))));
            }
            let deletable: Vec<&&Run> = runs.iter().filter(|run| run.phase != Phase::Elsewhere).collect();
            let delete = labeled_button(ui, ICON_DELETE, "Delete these")
                .on_hover_text("Into the trash; Ctrl and Z brings them back");
            if delete.clicked() {
                let delete = |run: &&&Run| Action::Send(Command::Delete(run.id.clone()));
                scene.actions.extend(deletable.iter().map(delete));
            }
            tagging(ui, &mut self.tag, &runs, scene.actions);
        });
    }
}

/// A field for a tag, which is put on all that are picked, and taken off where all have it.
fn tagging(ui: &mut Ui, tag: &mut String, runs: &[&Run], actions: &mut Vec<Action>) {
    let edit = ui.add(TextEdit::singleline(tag).desired_width(90.0).hint_text("tag"));
    edit.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "A tag for those picked"));
    let word = tag.trim().to_owned();
    let has_it = !word.is_empty() && runs.iter().all(|run| run.marks.tags.contains(&word));
    let is_entered = edit.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
    let button = labeled_button(ui, ICON_SELL, if has_it { "Untag" } else { "Tag" });
    if (button.clicked() || is_entered) && !word.is_empty() {
        let mark = if has_it { Mark::Untag(word) } else { Mark::Tag(word) };
        actions.push(Action::Send(Command::Mark(runs.iter().map(|run| run.id.clone()).collect(), mark)));
        tag.clear();
    }
}
