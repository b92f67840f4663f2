//! What was done to runs, and how it is undone: by a card above the list, and by Ctrl+Z wherever one has scrolled.
use crate::{
    protocol::{Command, Mark, Order, RunId},
    session::{Run, State},
    ui::{
        Action,
        widgets::{card, labeled_button},
    },
};
use egui::{Label, Ui};
use egui_material_icons::icons::ICON_UNDO;

/// How many deeds can be undone.
const KEPT: usize = 50;

/// What can be undone, the newest last.
#[derive(Default)]
pub struct Deeds {
    all: Vec<Deed>,
    /// What is sent now undoes something, and is no deed of its own.
    is_undoing: bool,
}

struct Deed {
    text: String,
    undo: Vec<Command>,
    /// Changes of the draw pad that came before it.
    after: usize,
}

impl Deeds {
    /// Takes note of what is sent in one go, after so many changes of the draw pad.
    pub fn remember<'a>(&mut self, sent: impl Iterator<Item = &'a Command>, state: &State, after: usize) {
        let undone: Vec<(What, Vec<Command>)> = sent.filter_map(|command| undone(command, state)).collect();
        if std::mem::take(&mut self.is_undoing) {
            return;
        }
        let Some((what, _)) = undone.first() else { return };
        let count: usize = undone.iter().map(|(what, _)| what.runs.len()).sum();
        let text = match (&what.runs[..], count) {
            ([name], 1) => format!("{} {name}{}", what.verb, what.rest),
            _ => format!("{} {count} runs{}", what.verb, what.rest),
        };
        let undo = undone.into_iter().flat_map(|(_, undo)| undo).collect();
        self.all.push(Deed { text, undo, after });
        if self.all.len() > KEPT {
            self.all.remove(0);
        }
    }

    /// Whether Ctrl+Z means the newest deed: the draw pad has not changed since, or has nothing to undo.
    pub fn comes_next(&self, pad_changes: usize, pad_can_undo: bool) -> bool {
        self.all.last().is_some_and(|deed| deed.after == pad_changes || !pad_can_undo)
    }

    /// Undoes the newest deed.
    pub fn undo(&mut self, actions: &mut Vec<Action>) {
        if let Some(deed) = self.all.pop() {
            self.is_undoing = true;
            actions.extend(deed.undo.into_iter().map(Action::Send));
        }
    }

    /// The newest deed, and what takes it back.
    pub fn ui(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        let Some(deed) = self.all.last() else { return };
        let text = deed.text.clone();
        card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.add(Label::new(text).truncate());
            ui.horizontal(|ui| {
                if labeled_button(ui, ICON_UNDO, "Undo").on_hover_text("Ctrl and Z does the same").clicked() {
                    self.undo(actions);
                }
                if ui.button("Dismiss").clicked() {
                    self.all.clear();
                }
            });
        });
    }
}

/// What was done, in words.
struct What {
    verb: &'static str,
    /// The names of those that it was done to.
    runs: Vec<String>,
    rest: &'static str,
}

/// What undoes a command; none where it changes nothing that is to be undone.
fn undone(command: &Command, state: &State) -> Option<(What, Vec<Command>)> {
    let what = |verb, runs: Vec<String>, rest| What { verb, runs, rest };
    match command {
        Command::Delete(id) => {
            let name = state.runs.get(id)?.spec.name.clone();
            Some((what("Deleted", vec![name], ""), vec![Command::Restore(id.clone())]))
        }
        Command::Order(id, Order::Delete) => {
            let name = state.comparisons.get(id)?.experiment.name.clone();
            Some((what("Deleted", vec![name], ""), vec![Command::Order(id.clone(), Order::Restore)]))
        }
        Command::Mark(ids, mark) => {
            let is_changed: &dyn Fn(&Run) -> bool = match mark {
                Mark::Archived(away) => &|run| run.marks.archived != *away,
                Mark::Tag(tag) => &|run| !run.marks.tags.contains(tag),
                Mark::Untag(tag) => &|run| run.marks.tags.contains(tag),
                // one click takes them back, and the text of a note is undone where it is written
                Mark::Star(_) | Mark::Note(_) => return None,
            };
            let changed: Vec<&Run> =
                ids.iter().filter_map(|id| state.runs.get(id)).filter(|run| is_changed(run)).collect();
            let (verb, rest, inverse) = match mark {
                Mark::Archived(true) => ("Put", " away", Mark::Archived(false)),
                Mark::Archived(false) => ("Brought", " back", Mark::Archived(true)),
                Mark::Tag(tag) => ("Tagged", "", Mark::Untag(tag.clone())),
                Mark::Untag(tag) => ("Untagged", "", Mark::Tag(tag.clone())),
                Mark::Star(_) | Mark::Note(_) => return None,
            };
            let runs: Vec<RunId> = changed.iter().map(|run| run.id.clone()).collect();
            let names: Vec<String> = changed.iter().map(|run| run.spec.name.clone()).collect();
            (!runs.is_empty()).then(|| (what(verb, names, rest), vec![Command::Mark(runs, inverse)]))
        }
        _ => None,
    }
}
