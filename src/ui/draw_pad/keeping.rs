//! Keeping drawings under their labels, as one's own handwriting, and taking that back.
use super::DrawPad;
use crate::{
    data::handwriting::is_blot,
    protocol::data::DataRequest,
    sample::Image,
    session::DataState,
    ui::{asking::Asker, widgets::strong},
};
use egui::{Id, Modal, RichText, Ui};

/// A drawing that was kept.
#[derive(Clone, Copy)]
pub struct Deed {
    label: usize,
    /// The number of the request to keep it.
    request: u64,
}

impl Deed {
    /// Keeps a drawing.
    fn of(label: usize, drawing: &Image, asker: &mut Asker<'_>) -> Self {
        let framed = drawing.pixels.clone();
        let request = asker.ask_librarian(|request| DataRequest::KeepDrawing { request, label, framed });
        Self { label, request }
    }
}

/// What is going on about keeping drawings.
#[derive(Default)]
pub struct Keeping {
    /// The label under which what may be a blot is to be kept.
    doubted: Option<usize>,
    /// The one that was kept last, until something else is drawn.
    newest: Option<Deed>,
    /// Those that are to be removed again, once it is known where they are.
    unwanted: Vec<u64>,
}

impl Keeping {
    pub fn forget_newest(&mut self) {
        self.newest = None;
    }

    /// Removes what was taken back, as soon as it is there.
    fn remove_unwanted(&mut self, asker: &mut Asker<'_>) {
        let mut places = vec![];
        self.unwanted.retain(|request| {
            let known = asker.data.kept.get(request);
            places.extend(known.cloned().flatten());
            known.is_none()
        });
        if !places.is_empty() {
            asker.ask_librarian(|_| DataRequest::RemoveDrawings { places });
        }
    }
}

impl DrawPad {
    /// What is on the pad, framed, where a person has drawn it: neither a picture as it is nor an image of a data set.
    pub fn own_drawing(&self) -> Option<&Image> {
        let is_own =
            self.sheet.is_some() && !self.page.opened.as_ref().is_some_and(|opened| opened.is_framed);
        self.image.as_ref().filter(|_| is_own)
    }

    /// Keeps the drawing under its label and clears the pad for the next one. Asks first where it may be a blot.
    pub fn keep(&mut self, label: usize, asker: &mut Asker<'_>) {
        let Some(drawing) = self.own_drawing() else { return };
        if is_blot(&drawing.pixels) {
            self.keeping.doubted = Some(label);
        } else {
            self.surely_keep(label, asker);
        }
    }

    fn surely_keep(&mut self, label: usize, asker: &mut Asker<'_>) {
        let Some(drawing) = self.own_drawing() else { return };
        let deed = Deed::of(label, drawing, asker);
        self.turn_page(Some(deed));
        self.replaced();
        self.keeping.newest = Some(deed);
    }

    pub(super) fn undo(&mut self, asker: &mut Asker<'_>) {
        self.keeping.forget_newest();
        if let Some(deed) = self.history.undo(&mut self.page) {
            self.keeping.unwanted.push(deed.request);
        }
        self.replaced();
        self.keeping.remove_unwanted(asker);
    }

    pub(super) fn redo(&mut self, asker: &mut Asker<'_>) {
        self.keeping.forget_newest();
        let drawing = self.own_drawing().cloned();
        if let (Some(deed), Some(drawing)) = (self.history.redo(&mut self.page), drawing) {
            *deed = Deed::of(deed.label, &drawing, asker);
            self.keeping.newest = Some(*deed);
        }
        self.replaced();
    }

    /// What was kept last, and a button to take that back; says whether there is anything to say.
    pub(super) fn say_what_was_kept(&mut self, ui: &mut Ui, asker: &mut Asker<'_>) -> bool {
        self.keeping.remove_unwanted(asker);
        let Some(deed) = self.keeping.newest else { return false };
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new(said(deed, asker.data)).small());
            let is_there = matches!(asker.data.kept.get(&deed.request), Some(Some(_)));
            let help = "The drawing is removed again and comes back to the pad: Ctrl and Z does the same";
            if is_there && ui.small_button("Take it back").on_hover_text(help).clicked() {
                self.undo(asker);
            }
        });
        true
    }

    /// Asks about what may be a blot before it is kept.
    pub fn ask_about_a_blot(&mut self, ui: &Ui, asker: &mut Asker<'_>) {
        let Some(label) = self.keeping.doubted else { return };
        let modal = Modal::new(Id::unique("blot")).show(ui.ctx(), |ui| {
            ui.set_width(300.0);
            ui.label(strong(format!("Is this a {label}?")).heading());
            ui.horizontal_top(|ui| {
                self.seen(ui, 84.0);
                ui.label("No line can be made out in it. A network learns nothing of use from a blot.");
            });
            ui.horizontal(|ui| {
                let leave = ui.button("Do not keep it");
                if ui.memory(|memory| memory.focused().is_none()) {
                    leave.request_focus();
                }
                let keep = ui.button(format!("Keep it as {label}"));
                [leave.clicked(), keep.clicked()]
            })
            .inner
        });
        let [leaves, keeps] = modal.inner;
        if keeps {
            self.surely_keep(label, asker);
        }
        if keeps || leaves || modal.should_close() {
            self.keeping.doubted = None;
        }
    }
}

/// "Kept as 7: 5 in Handwriting"
fn said(deed: Deed, data: &DataState) -> String {
    let label = deed.label;
    match data.kept.get(&deed.request) {
        None => format!("Keeping it as {label}…"),
        Some(None) => "Not kept: the newest notice says why".into(),
        Some(Some(_)) => {
            let drawings = data.handwriting.iter().flat_map(|handwriting| &handwriting.drawings);
            let count = drawings.filter(|one| one.label == label).count();
            format!("Kept as {label}: {count} in Handwriting")
        }
    }
}
