//! Tags and the note of a run.
use crate::{
    protocol::{Command, Mark, RunId},
    session::Run,
    ui::{Action, markdown, views::Scene, widgets::strong},
};
use egui::{Button, Key, RichText, Role, TextEdit, Ui, WidgetInfo};

/// What is being written.
#[derive(Default)]
pub struct Note {
    /// The run whose note is open, and its text.
    open: Option<(RunId, String)>,
    tag: String,
}

impl Note {
    pub fn ui(&mut self, ui: &mut Ui, run: &Run, scene: &mut Scene<'_>) {
        self.tags(ui, run, scene);
        ui.add_space(4.0);
        // what was being written on another run's page is kept there
        if let Some((id, text)) = self.open.take_if(|(id, _)| *id != run.id) {
            scene.actions.push(Action::Send(Command::Mark(vec![id], Mark::Note(text))));
        }
        let Some((_, text)) = &mut self.open else {
            ui.horizontal(|ui| {
                ui.label(strong("Note"));
                let text = if run.marks.note.is_empty() { "Write a note" } else { "Edit the note" };
                if ui.button(text).clicked() {
                    self.open = Some((run.id.clone(), run.marks.note.clone()));
                }
            });
            return markdown::ui(ui, &run.marks.note);
        };
        let edit = ui.add(TextEdit::multiline(text).desired_rows(5).desired_width(f32::INFINITY));
        edit.widget_info(|| WidgetInfo::labeled(Role::MultilineTextInput, true, "Note"));
        let (mut is_kept, mut is_left) = (false, false);
        ui.horizontal_wrapped(|ui| {
            is_kept = ui.button("Keep the note").clicked();
            is_left = ui.button("Cancel").clicked();
            let help = "# heading, **bold**, *slanted*, `code`, - item";
            ui.label(RichText::new(help).small().weak());
        });
        if is_kept {
            let note = Mark::Note(std::mem::take(text));
            scene.actions.push(Action::Send(Command::Mark(vec![run.id.clone()], note)));
        }
        if is_kept || is_left {
            self.open = None;
        }
    }

    fn tags(&mut self, ui: &mut Ui, run: &Run, scene: &mut Scene<'_>) {
        ui.horizontal_wrapped(|ui| {
            ui.label(strong("Tags"));
            for tag in &run.marks.tags {
                let button = ui.add(Button::new(format!("{tag} ×")).small());
                let spoken = format!("Take the tag {tag} off");
                button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &spoken));
                if button.on_hover_text(&spoken).clicked() {
                    let command = Command::Mark(vec![run.id.clone()], Mark::Untag(tag.clone()));
                    scene.actions.push(Action::Send(command));
                }
            }
            let edit =
                ui.add(TextEdit::singleline(&mut self.tag).desired_width(110.0).hint_text("another tag"));
            edit.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Another tag"));
            let is_entered = edit.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if is_entered && !self.tag.trim().is_empty() {
                let mark = Mark::Tag(self.tag.trim().to_owned());
                scene.actions.push(Action::Send(Command::Mark(vec![run.id.clone()], mark)));
                self.tag.clear();
            }
        });
    }
}
