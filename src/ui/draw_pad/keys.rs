//! Keys of the pad, which count wherever the pointer is.
use super::DrawPad;
use crate::{data::handwriting::CLASSES, ui::asking::Asker};
use egui::{Context, Key, Modifiers, Ui, ViewportCommand};

/// Each keeps the drawing under its digit.
const DIGITS: [Key; CLASSES] = [
    Key::Num0,
    Key::Num1,
    Key::Num2,
    Key::Num3,
    Key::Num4,
    Key::Num5,
    Key::Num6,
    Key::Num7,
    Key::Num8,
    Key::Num9,
];

impl DrawPad {
    /// Those that change what is on the pad.
    pub(super) fn keys(&mut self, ui: &Ui, asker: &mut Asker<'_>) {
        if !are_free(ui.ctx()) {
            return;
        }
        let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
        // First, because Ctrl+Z is found in Ctrl+Shift+Z too.
        let wants_redo =
            pressed(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z) || pressed(Modifiers::COMMAND, Key::Y);
        if wants_redo && self.history.can_redo() {
            self.redo(asker);
        } else if self.history.can_undo() && pressed(Modifiers::COMMAND, Key::Z) {
            self.undo(asker);
        }
        if [Key::Delete, Key::Backspace].into_iter().any(|key| pressed(Modifiers::NONE, key)) {
            self.clear();
        }
        if let Some(digit) = DIGITS.iter().position(|key| pressed(Modifiers::NONE, *key)) {
            self.keep(digit, asker);
        }
    }

    /// How often it has changed, and whether there is anything to undo.
    pub fn past(&self) -> (usize, bool) {
        (self.history.changes, self.history.can_undo())
    }

    /// F fills the screen with the pad; F or Escape leaves that.
    pub fn follow_screen_keys(&mut self, ctx: &Context) {
        if !are_free(ctx) {
            return;
        }
        let pressed = |key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        if pressed(Key::F) || self.fills_screen && pressed(Key::Escape) {
            self.toggle_screen(ctx);
        }
    }

    pub(super) fn toggle_screen(&mut self, ctx: &Context) {
        self.fills_screen = !self.fills_screen;
        ctx.send_viewport_cmd(ViewportCommand::Fullscreen(self.fills_screen));
    }
}

/// A field for text has its letters and its undo for itself, and a card above everything has all keys.
pub fn are_free(ctx: &Context) -> bool {
    !ctx.text_edit_focused() && ctx.memory(|memory| memory.top_modal_layer().is_none())
}
