//! What augmentation does to an image, as its sliders move, and how it is set to what suits the data.
use super::{
    Action,
    strips::Strips,
    widgets::{labeled_button, labeled_button_if},
};
use crate::{
    data,
    protocol::{
        Strip,
        data::Collection,
        visual::{Altered, VisualRequest},
    },
    session::DataState,
    spec::{Choice, RunSpec, Values},
};
use egui::{RichText, Ui};
use egui_material_icons::icons::{ICON_AUTO_FIX_HIGH, ICON_CLOSE, ICON_SHUFFLE};

/// The height of an image, in points.
const SIDE: f32 = 56.0;

/// The image that is shown, and what was asked for.
#[derive(Default)]
pub struct Alterations {
    /// How often another image was wanted.
    turn: u64,
    asked: Option<(Choice, u64, u64, Values)>,
    requests: u64,
    strips: Strips,
}

impl Alterations {
    pub fn ui(&mut self, ui: &mut Ui, spec: &mut RunSpec, state: &DataState, actions: &mut Vec<Action>) {
        let Some(Ok(collection)) = state.found(&spec.dataset) else {
            let text = "What it does to an image is shown here once the images are read.";
            ui.label(RichText::new(text).small().weak());
            return;
        };
        self.buttons(ui, spec, collection);
        self.ask(spec, actions);
        if spec.augmentation.values().all(|value| *value == 0.0) {
            let text = "Nothing is altered yet: use what suits this data set, or move a slider.";
            ui.label(RichText::new(text).small().weak());
        }
        if let Some(altered) = &state.altered {
            self.strips.ui(ui, &[strip(altered)], SIDE);
        }
    }

    fn buttons(&mut self, ui: &mut Ui, spec: &mut RunSpec, collection: &Collection) {
        let suits = |entry: &data::DatasetEntry| Ok((entry.augmentation)(collection.shape.image()?));
        let suited = data::find(&spec.dataset.id).and_then(suits);
        let set = |values: &Values| -> Values {
            values
                .iter()
                .filter(|(_, value)| **value != 0.0)
                .map(|(key, value)| (key.clone(), *value))
                .collect()
        };
        ui.horizontal_wrapped(|ui| {
            if let Ok(suited) = suited {
                let is_other = set(&spec.augmentation) != suited;
                let help = "Alters images as far as what they show stays the same: digits are turned a little and never mirrored, photographs are mirrored and cropped.";
                let text = "Use what suits this data set";
                let button = labeled_button_if(ui, is_other, ICON_AUTO_FIX_HIGH, text);
                if button.on_hover_text(help).clicked() {
                    spec.augmentation = suited;
                }
            }
            let is_altered = !set(&spec.augmentation).is_empty();
            let button = labeled_button_if(ui, is_altered, ICON_CLOSE, "None");
            if button.on_hover_text("Leaves images as they are").clicked() {
                spec.augmentation.clear();
            }
            let button = labeled_button(ui, ICON_SHUFFLE, "Another image");
            if button.on_hover_text("Shows what happens to another training image").clicked() {
                self.turn += 1;
            }
        });
    }

    fn ask(&mut self, spec: &RunSpec, actions: &mut Vec<Action>) {
        let wanted = (data::source(&spec.dataset), self.turn, spec.seed, spec.augmentation.clone());
        if self.asked.as_ref() == Some(&wanted) {
            return;
        }
        let (_, turn, seed, augmentation) = wanted.clone();
        self.asked = Some(wanted);
        self.requests += 1;
        let request = self.requests;
        actions.push(Action::Data(VisualRequest::Alter { request, turn, seed, augmentation }.into()));
    }
}

fn strip(altered: &Altered) -> Strip {
    Strip {
        name: "A training image as it is, then how it may look",
        help: "The first is the image itself. The others are what a network would see of it in its first epochs.",
        shape: altered.shape,
        pixels: altered.pixels.to_vec(),
        captions: vec![],
    }
}
