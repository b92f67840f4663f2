//! A path that is typed in the window, where the platform's own dialog does not appear or is not wanted.
use super::{
    dialogs::{Ended, Wanted},
    theme,
    widgets::{card, strong},
};
use egui::{Align2, Area, Id, Key, Modal, Order, Rect, RichText, Role, TextEdit, Ui, WidgetInfo, vec2};
use std::path::PathBuf;

/// What a path is asked for at present, if anything.
#[derive(Default)]
pub struct TypedPath {
    wanted: Option<Wanted>,
    /// The path is being typed; otherwise the platform's dialog is waited for.
    is_typed: bool,
    has_failed: bool,
    text: String,
    error: Option<String>,
    /// A file that is there already, and that one more click replaces.
    replaced: Option<PathBuf>,
}

impl TypedPath {
    /// The platform's dialog was asked for.
    pub fn ask(&mut self, wanted: Wanted) {
        let text = match &wanted {
            Wanted::Save(file) => home().join(&file.name).display().to_string(),
            _ => String::new(),
        };
        *self = Self { wanted: Some(wanted), text, ..Self::default() };
    }

    /// The platform's dialog has ended. Where there was none, the path can be typed.
    pub fn dialog_ended(&mut self, ended: &Ended) {
        match ended {
            Ended::Failed => (self.is_typed, self.has_failed) = (true, true),
            Ended::Cancelled if self.is_typed => {}
            Ended::Chosen(..) | Ended::Cancelled => self.wanted = None,
        }
    }

    /// Says why the path that was typed will not do.
    pub fn refuse(&mut self, wanted: Wanted, error: String) {
        (self.wanted, self.error) = (Some(wanted), Some(error));
    }

    /// Returns the path that was typed, and what it is for.
    pub fn ui(&mut self, ui: &Ui, within: Rect) -> Option<(Wanted, PathBuf)> {
        self.wanted.as_ref()?;
        if self.is_typed { self.field(ui) } else { self.waiting(ui, within) }
    }

    /// The platform's dialog may be hidden, or take long.
    fn waiting(&mut self, ui: &Ui, within: Rect) -> Option<(Wanted, PathBuf)> {
        let area = Area::new(Id::unique("dialog")).order(Order::Foreground).pivot(Align2::CENTER_TOP);
        let area = area.fixed_pos(within.center_top() + vec2(0.0, 12.0)).constrain_to(within);
        area.show(ui.ctx(), |ui| {
            card(ui).shadow(ui.visuals().popup_shadow).show(ui, |ui| {
                ui.set_max_width((within.width() - 48.0).min(460.0));
                ui.label("A dialog of the system is open, perhaps behind this window.");
                ui.horizontal(|ui| {
                    self.is_typed = ui.button("Type the path instead").clicked();
                    if ui.button("Leave it").clicked() {
                        self.wanted = None;
                    }
                });
            });
        });
        None
    }

    fn field(&mut self, ui: &Ui) -> Option<(Wanted, PathBuf)> {
        let wanted = self.wanted.clone()?;
        let (mut is_given, mut is_left) = (false, false);
        let modal = Modal::new(Id::unique("path")).show(ui.ctx(), |ui| {
            ui.set_width((ui.ctx().content_rect().width() - 64.0).min(520.0));
            ui.label(strong(wanted.title()).heading());
            if self.has_failed {
                ui.label("No dialog could be opened here: on Linux it takes the package zenity, or xdg-desktop-portal-gtk. Until then, a path can be typed.");
            }
            let edit = TextEdit::singleline(&mut self.text)
                .id_salt("typed path")
                .hint_text("/path/to/it, or ~/path")
                .desired_width(f32::INFINITY);
            let edit = ui.add(edit);
            edit.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Path"));
            if edit.changed() {
                (self.error, self.replaced) = (None, None);
            }
            is_given = edit.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            if !edit.has_focus() && ui.memory(|memory| memory.focused().is_none()) {
                edit.request_focus();
            }
            if let Some(error) = &self.error {
                ui.label(RichText::new(error).color(theme::alarm(ui.visuals().dark_mode)));
            }
            ui.horizontal(|ui| {
                let text = match (&wanted, &self.replaced) {
                    (Wanted::Save(_), Some(_)) => "Replace",
                    (Wanted::Save(_), None) => "Save",
                    _ => "Open",
                };
                let is_empty = self.text.trim().is_empty();
                is_given |= ui.add_enabled(!is_empty, egui::Button::new(text)).clicked();
                is_left = ui.button("Cancel").clicked();
            });
        });
        if is_left || modal.should_close() {
            self.wanted = None;
        } else if is_given && !self.text.trim().is_empty() {
            return self.given(wanted);
        }
        None
    }

    fn given(&mut self, wanted: Wanted) -> Option<(Wanted, PathBuf)> {
        let mut path = absolute(self.text.trim());
        if let Wanted::Save(file) = &wanted {
            if path.is_dir() {
                path.push(&file.name);
            }
            if path.exists() && self.replaced.as_ref() != Some(&path) {
                self.error = Some("There is a file of this name already. Replace it?".into());
                self.replaced = Some(path);
                return None;
            }
        }
        self.wanted = None;
        Some((wanted, path))
    }
}

fn home() -> PathBuf {
    std::env::home_dir().unwrap_or_else(|| PathBuf::from("/"))
}

/// A typed path from the root on; "~" is the person's own folder.
fn absolute(text: &str) -> PathBuf {
    let path = match text.strip_prefix('~') {
        Some(rest) => home().join(rest.trim_start_matches('/')),
        None => PathBuf::from(text),
    };
    std::path::absolute(&path).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_begin_at_the_root_or_at_home() {
        assert_eq!(absolute("/a/b"), PathBuf::from("/a/b"));
        assert_eq!(absolute("~/images"), home().join("images"));
        assert!(absolute("images").is_absolute());
    }
}
