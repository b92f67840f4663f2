//! What the middle of the window can show: one file and one word here for each.
use super::{
    Action, Settings,
    asking::Asker,
    draw_pad::{Digits, Wish},
    save::Source,
    widgets::{card, labeled_button, strong},
};
use crate::{
    data::drawing::Sheet,
    protocol::{Question, RunId, data::ExampleId, visual::VisualRequest},
    registry,
    sample::{Image, Modality},
    session::{Run, State},
    spec::{Catalog, ComponentInfo, RunSpec},
};
use egui::{Button, RichText, Role, ScrollArea, Ui, WidgetInfo};
use egui_material_icons::icons::ICON_SHUFFLE;

mod glossary;
mod pointed;
mod region;

registry!(
    "view",
    ViewEntry:
    curves,
    table,
    page,
    evaluation,
    data,
    drawing,
    handwriting,
    why,
    inside,
    map,
    #[cfg(test)]
    toy,
);

/// What is said of a run that has no weights to ask.
pub const UNSAVED: &str = "This run has not been saved yet. Resume it first.";

/// One of the things that the middle of the window can show.
pub struct ViewEntry {
    pub info: ComponentInfo,
    /// The kinds of data whose runs it can show.
    pub serves: &'static [Modality],
    /// Whether it shows what is on the draw pad.
    pub looks_at_the_pad: bool,
    pub open: fn() -> Box<dyn View>,
}

/// A view, with what it keeps between frames.
pub trait View {
    fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>);
}

/// All that a view may look at, and what it may change.
pub struct Scene<'a> {
    pub state: &'a State,
    pub catalog: &'a Catalog,
    /// The selected run.
    pub run: Option<&'a Run>,
    /// What is on the draw pad, as a network is shown it.
    pub image: Option<&'a Image>,
    /// The same before it was framed, where it is a drawing.
    pub sheet: Option<&'a Sheet>,
    /// All digits of the picture that it was found on.
    pub digits: Option<Digits<'a>>,
    /// Whether it is a person's own drawing, and no image of a data set.
    pub is_own_drawing: bool,
    /// The run whose answers about it are calibrated.
    pub calibrated: Option<&'a RunId>,
    /// The run that is to be selected.
    pub select: &'a mut Option<RunId>,
    /// A spec that is to be put into the form.
    pub copied: &'a mut Option<RunSpec>,
    /// What is wanted of the draw pad.
    pub pad: &'a mut Option<Wish>,
    /// The spec in the form for a new run.
    pub spec: &'a mut RunSpec,
    pub settings: &'a mut Settings,
    /// The number of the newest question, so that no two of the window's have the same.
    pub questions: &'a mut u64,
    pub actions: &'a mut Vec<Action>,
}

impl Scene<'_> {
    /// Asks something of a run's network; the answer will be in `state.answers` under the number that this returns.
    pub fn ask(&mut self, run: RunId, question: Question) -> u64 {
        self.asker().ask(run, question)
    }

    /// Asks by the numbers that all of the window counts.
    pub fn asker(&mut self) -> Asker<'_> {
        Asker::new(self.state, self.questions, self.actions)
    }

    /// Asks for pictures of a run's data set, at most `side` pixels wide and high; they will be in
    /// `state.data.run_sheets` under the number that this returns.
    pub fn pictures(&mut self, run: &Run, images: Vec<ExampleId>, side: usize) -> u64 {
        let dataset = Box::new(run.spec.dataset.clone());
        let request = |request| VisualRequest::RunSheet { request, dataset, images, side }.into();
        self.asker().ask_librarian(request)
    }

    /// Buttons that put an image on the draw pad and open a view that looks at it; says whether one was clicked.
    pub fn look_into(&mut self, ui: &mut Ui, image: Option<&Image>) -> bool {
        ui.label("Look into it:").on_hover_text(
            "Puts the image on the draw pad, where the selected run answers it like a drawing",
        );
        let mut is_opened = false;
        // an image of the data set does not belong among the user's own handwriting
        for entry in ALL.iter().filter(|entry| entry.looks_at_the_pad && entry.info.id != "handwriting") {
            let button = ui.add_enabled(image.is_some(), Button::new(entry.info.label));
            let spoken = format!("Open it in {}", entry.info.label);
            button.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), &spoken));
            if button.on_hover_text(entry.info.help).clicked() {
                *self.pad = image.cloned().map(Wish::Show);
                self.settings.view = entry.info.id.into();
                is_opened = true;
            }
        }
        is_opened
    }

    /// Changes with a run's weights, and once its answers can be calibrated.
    pub fn weights(&self, run: &Run) -> u64 {
        2 * run.progress.step + u64::from(self.calibrated == Some(&run.id))
    }

    /// Where the figures of a run come from, for what is saved of it.
    pub fn source(&self, run: &Run) -> Source {
        Source::of(&run.spec, self.catalog)
    }

    /// Gives up on a question, or lets go of its answer.
    pub fn dismiss(&mut self, request: u64) {
        self.asker().dismiss(request);
    }
}

/// A part of a view, as wide as there is room.
fn part(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        content(ui);
    });
}

/// Where there is nothing to show yet: what to do, and what will be here then.
fn empty(ui: &mut Ui, what: &str, then: &str) {
    centred(ui, what, then, |_| {});
}

/// Where a drawing is waited for: what to do, what will be here then, and what there is for want of a drawing.
fn without_drawing(ui: &mut Ui, what: &str, then: &str, scene: &mut Scene<'_>) {
    centred(ui, what, then, |ui| {
        ui.add_space(6.0);
        let button = labeled_button(ui, ICON_SHUFFLE, "Take a test image");
        let help = "An image of the run's data set that it was not fitted to";
        if button.on_hover_text(help).clicked() {
            *scene.pad = Some(Wish::TestImage);
        }
    });
}

/// The same, with what can be done about it beneath.
fn centred(ui: &mut Ui, what: &str, then: &str, more: impl FnOnce(&mut Ui)) {
    /// Of all this, where there is room for it.
    const HEIGHT: f32 = 150.0;
    let above = ((ui.available_height() - HEIGHT) * 0.45).max(0.0);
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.vertical_centered(|ui| {
            ui.add_space(above);
            ui.label(strong(what).heading());
            ui.label(RichText::new(then).weak());
            more(ui);
        });
    });
}

/// While an answer is on its way.
fn waiting(ui: &mut Ui) {
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.38);
        ui.spinner();
        ui.label("Looking into the network…");
    });
}
