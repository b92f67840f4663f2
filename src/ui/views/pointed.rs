//! What is beneath the pointer is said in a line of its own, so that nothing pops up over what it explains.
use egui::{Label, Rect, RichText, Sense, TextStyle, Ui, UiBuilder, vec2};

/// A line that is kept free, above what it is about or beneath it. It keeps its height, whatever it says.
#[must_use]
pub struct Pointed(Rect);

impl Pointed {
    pub fn reserve(ui: &mut Ui) -> Self {
        let size = vec2(ui.available_width(), ui.text_style_height(&TextStyle::Small));
        Self(ui.allocate_exact_size(size, Sense::hover()).0)
    }

    /// Says it, or, where the pointer is on nothing, what can be pointed at.
    pub fn say(self, ui: &mut Ui, said: Option<&str>, hint: &str) {
        let text = RichText::new(said.unwrap_or(hint)).small();
        let mut line = ui.new_child(UiBuilder::new().id_salt("pointed").max_rect(self.0));
        line.add(Label::new(if said.is_some() { text } else { text.weak() }).truncate());
    }
}
