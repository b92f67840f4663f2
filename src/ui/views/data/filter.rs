//! Which images are shown.
use super::{overview::Tally, role_text};
use crate::protocol::data::{Collection, ExampleId, Item, Role};
use crate::ui::widgets::thousands;
use egui::{ComboBox, Ui};

/// What an image must be to be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Filter {
    pub class: Option<u16>,
    pub role: Option<Role>,
    /// Only corrected images.
    pub corrected: bool,
}

const ROLES: [Role; 5] = [Role::Train, Role::Unlabelled, Role::Validation, Role::Test, Role::Excluded];

impl Filter {
    pub fn apply(&self, collection: &Collection) -> Vec<ExampleId> {
        collection.items().filter(|(_, item)| self.passes(item)).map(|(image, _)| image).collect()
    }

    fn passes(&self, item: &Item) -> bool {
        self.class.is_none_or(|class| item.label == class)
            && self.role.is_none_or(|role| item.role == role)
            && (!self.corrected || item.corrected_from.is_some() || item.role == Role::Excluded)
    }

    /// Says whether it was changed.
    pub fn ui(&mut self, ui: &mut Ui, collection: &Collection, tally: &Tally) -> bool {
        let before = *self;
        ui.horizontal_wrapped(|ui| {
            self.classes(ui, collection);
            ui.selectable_value(&mut self.role, None, "All").on_hover_text("Images of every role");
            for role in ROLES {
                let count = tally.roles.get(&role).copied().unwrap_or_default();
                if count == 0 && self.role != Some(role) {
                    continue;
                }
                let [name, help] = role_text(role);
                let text = format!("{name} {}", thousands(count as u64));
                ui.selectable_value(&mut self.role, Some(role), text).on_hover_text(help);
            }
            ui.toggle_value(&mut self.corrected, "Corrected")
                .on_hover_text("Only images that you have given another label or left out");
        });
        *self != before
    }

    fn classes(&mut self, ui: &mut Ui, collection: &Collection) {
        let name = |class: Option<u16>| match class {
            None => "All classes",
            Some(class) => collection.class_names.get(usize::from(class)).map_or("?", String::as_str),
        };
        let menu = ComboBox::from_id_salt("data class").selected_text(name(self.class));
        let shown = menu.show_ui(ui, |ui| {
            let classes = (0..collection.class_names.len()).map(|class| Some(class as u16));
            for class in std::iter::once(None).chain(classes) {
                ui.selectable_value(&mut self.class, class, name(class));
            }
        });
        let info =
            || egui::WidgetInfo::labeled(egui::Role::ComboBox, true, format!("Class: {}", name(self.class)));
        shown.response.widget_info(info);
    }
}
