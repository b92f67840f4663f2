//! One image, pixel by pixel, and how to correct it.
use super::{correct, role_text, spoken};
use crate::{
    protocol::{
        data::{Collection, ExampleId, Item, Role},
        visual::{Enlarged, VisualRequest},
    },
    sample::Image,
    shape::ImageShape,
    spec::{Edit, Edits},
    ui::{
        Action,
        views::Scene,
        widgets::{self, icon_button, strong},
    },
};
use egui::{
    ComboBox, Key, KeyboardShortcut, Modifiers, Rect, RichText, Sense, TextureHandle, TextureOptions, Ui,
    WidgetInfo, pos2, vec2,
};
use egui_material_icons::icons::{ICON_REDO, ICON_UNDO};

/// What is kept of the selected image and of the corrections made.
#[derive(Default)]
pub struct Sample {
    asked: Option<ExampleId>,
    requests: u64,
    /// With the request that it answers.
    texture: Option<(u64, TextureHandle)>,
    /// The corrections before each change, and those that were taken back.
    past: Vec<Edits>,
    future: Vec<Edits>,
}

impl Sample {
    /// Without an image or a past; what was asked for before is no answer to what will be.
    pub fn reset(&self) -> Self {
        Self { requests: self.requests, ..Self::default() }
    }

    pub fn ui(
        &mut self,
        ui: &mut Ui,
        collection: &Collection,
        selected: Option<ExampleId>,
        grid: Option<egui::Id>,
        scene: &mut Scene<'_>,
    ) {
        ui.horizontal(|ui| {
            ui.label(strong("Image"));
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                self.history(ui, grid, scene);
            });
        });
        let Some(image) = selected else {
            ui.label(RichText::new("Click an image, or press Tab and the arrow keys, to see it large and to correct its label.").weak());
            return;
        };
        self.ask(image, scene.actions);
        let enlarged = scene.state.data.enlarged.as_ref().filter(|found| found.request == self.requests);
        let Some((enlarged, item)) = enlarged.zip(collection.item(image)) else {
            ui.spinner();
            return;
        };
        let enlarged = enlarged.clone();
        self.picture(ui, collection, &enlarged);
        ui.label(spoken(collection, image));
        ui.horizontal_wrapped(|ui| {
            scene.look_into(ui, Some(&Image { shape: enlarged.shape, pixels: enlarged.pixels.to_vec() }))
        });
        self.corrections(ui, collection, &enlarged, item, scene);
    }

    fn ask(&mut self, image: ExampleId, actions: &mut Vec<Action>) {
        if self.asked == Some(image) {
            return;
        }
        self.asked = Some(image);
        self.requests += 1;
        actions.push(Action::Data(VisualRequest::Enlarge { request: self.requests, image }.into()));
    }

    /// The image as large as there is room; under the pointer, a pixel's place and its values.
    fn picture(&mut self, ui: &mut Ui, collection: &Collection, enlarged: &Enlarged) {
        let ImageShape { height, width, channels } = enlarged.shape;
        if self.texture.as_ref().is_none_or(|(of, _)| *of != enlarged.request) {
            let picture = widgets::picture(enlarged.shape, &enlarged.pixels);
            let texture = ui.ctx().load_texture("sample", picture, TextureOptions::NEAREST);
            self.texture = Some((enlarged.request, texture));
        }
        let Some((_, texture)) = &self.texture else { return };
        let scale = (ui.available_width().min(280.0) / width.max(height).max(1) as f32).max(0.5);
        let (rect, response) =
            ui.allocate_exact_size(vec2(width as f32, height as f32) * scale, Sense::hover());
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        ui.painter().image(texture.id(), rect, whole, egui::Color32::WHITE);
        let name = format!("Enlarged: {}", spoken(collection, enlarged.image));
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &name));
        if let Some(at) = response.hover_pos() {
            let [x, y] =
                [(at.x - rect.left()) / scale, (at.y - rect.top()) / scale].map(|v| v.max(0.0) as usize);
            let (x, y) = (x.min(width.saturating_sub(1)), y.min(height.saturating_sub(1)));
            let values = &enlarged.pixels[(y * width + x) * channels..][..channels];
            let values: Vec<_> = values.iter().map(ToString::to_string).collect();
            let text = format!("Column {x}, row {y}: {}", values.join(", "));
            response.on_hover_text_at_pointer(text);
        }
    }

    fn corrections(
        &mut self,
        ui: &mut Ui,
        collection: &Collection,
        enlarged: &Enlarged,
        item: Item,
        scene: &mut Scene<'_>,
    ) {
        let name = |label: u16| collection.class_names.get(usize::from(label)).map_or("?", String::as_str);
        let mut wanted = scene.spec.dataset.edits.get(&enlarged.key).cloned();
        let before = wanted.clone();
        ui.horizontal_wrapped(|ui| {
            let help = "What is in the image, if its label is wrong. The data itself is not changed.";
            let label = ui.label("Label").on_hover_text(help);
            let menu = ComboBox::from_id_salt("corrected label").selected_text(name(item.label)).width(110.0);
            let shown = menu.show_ui(ui, |ui| {
                for (class, text) in collection.class_names.iter().enumerate() {
                    if ui.selectable_label(usize::from(item.label) == class, text).clicked() {
                        let is_own = item.corrected_from.unwrap_or(item.label) == class as u16;
                        wanted = (!is_own).then(|| Edit::Label(text.clone()));
                    }
                }
            });
            shown.response.on_hover_text(help).labelled_by(label.id);
            let mut is_out = item.role == Role::Excluded;
            let help = role_text(Role::Excluded)[1];
            if ui.toggle_value(&mut is_out, "Leave out").on_hover_text(help).changed() {
                wanted = is_out.then_some(Edit::Exclude);
            }
        });
        if wanted != before {
            let mut edits = scene.spec.dataset.edits.clone();
            match wanted {
                Some(edit) => drop(edits.insert(enlarged.key.clone(), edit)),
                None => drop(edits.remove(&enlarged.key)),
            }
            self.past.push(scene.spec.dataset.edits.clone());
            self.future.clear();
            correct(scene, edits);
        }
        let count = scene.spec.dataset.edits.len();
        if count > 0 {
            let what = if count == 1 { "1 correction".into() } else { format!("{count} corrections") };
            let text =
                format!("{what} in the next run, written in its spec. The data itself stays as it is.");
            ui.label(RichText::new(text).small().weak());
        }
    }

    /// Buttons and keys; `grid` is the widget whose focus leaves the keys to them.
    fn history(&mut self, ui: &mut Ui, grid: Option<egui::Id>, scene: &mut Scene<'_>) {
        let key = |ui: &mut Ui, modifiers: Modifiers| {
            let focused = ui.memory(|memory| memory.focused());
            let is_free = focused.is_none() || focused == grid;
            is_free && ui.input_mut(|input| input.consume_shortcut(&KeyboardShortcut::new(modifiers, Key::Z)))
        };
        let redo_key = key(ui, Modifiers::COMMAND | Modifiers::SHIFT);
        let undo_key = key(ui, Modifiers::COMMAND);
        let redo = |ui: &mut Ui| icon_button(ui, ICON_REDO, "Correct it again (Ctrl, Shift and Z)");
        let undo = |ui: &mut Ui| icon_button(ui, ICON_UNDO, "Take back the last correction (Ctrl and Z)");
        let redo = ui.add_enabled_ui(!self.future.is_empty(), redo).inner.clicked() || redo_key;
        let undo = ui.add_enabled_ui(!self.past.is_empty(), undo).inner.clicked() || undo_key;
        let (from, to) = match (undo, redo) {
            (true, _) => (&mut self.past, &mut self.future),
            (_, true) => (&mut self.future, &mut self.past),
            _ => return,
        };
        if let Some(edits) = from.pop() {
            to.push(scene.spec.dataset.edits.clone());
            correct(scene, edits);
        }
    }
}
