//! The pad to draw on, what the network sees of it, and what it thinks.
use super::{
    Action,
    asking::Asker,
    strips::Strips,
    widgets::{card, icon_button, strong},
};
use crate::{
    data::{
        drawing::{Found, SIDE, Sheet},
        picture::Picture,
    },
    sample::Image,
    session::Run,
    shape::ImageShape,
};
use answer::{Classes, Questions};
pub use digits::{Digits, paint};
use egui::{Align, Label, Layout, RichText, Slider, TextureHandle, Ui, vec2};
use egui_material_icons::icons::{
    ICON_DELETE, ICON_FULLSCREEN, ICON_FULLSCREEN_EXIT, ICON_IMAGE, ICON_REDO, ICON_SHUFFLE, ICON_UNDO,
};
use history::History;
use keeping::{Deed, Keeping};
pub use keys::are_free;
use opening::{Decoded, Openings};
use page::{Opened, Page};
use pen::Pen;
use room::Room;
use std::path::Path;
use test_images::TestImages;

mod answer;
mod digits;
mod history;
mod keeping;
mod keys;
mod opening;
mod page;
mod paper;
mod pen;
mod room;
mod test_images;
#[cfg(test)]
mod tests;

/// The margin within its card, in points.
const MARGIN: f32 = 12.0;
/// What is above the pad and beneath it, in points.
const AROUND: f32 = 126.0;
/// What the digits of a picture take, in points.
const ROW: f32 = 22.0;
/// The side of what the network sees, in points.
const SEEN: f32 = 64.0;
/// In less width there is no title beside the buttons, in points.
const TITLE: f32 = 60.0;

/// What the keys of the pad do.
const KEYS: &str =
    "The keys 0 to 9 keep the drawing under that label in Handwriting, and clear the pad for the next.";

/// What a view can want of the pad.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// That it shows this image of a data set.
    Show(Image),
    /// That it shows one of the test images of the selected run's data set.
    TestImage,
    /// That it keeps the drawing under this label, and makes room for the next.
    Keep(usize),
    /// That the bars and the views are about this digit of the picture.
    Digit(usize),
}

#[derive(Default)]
pub struct DrawPad {
    page: Page,
    openings: Openings,
    history: History,
    pen: Pen,
    /// Whichever of the two it is, as ink on paper; nothing where it is no drawing.
    sheet: Option<Sheet>,
    /// What the network is shown.
    image: Option<Image>,
    /// What it was shown before.
    before: Option<Image>,
    /// What is shown, and the picture that was opened.
    textures: Option<[TextureHandle; 2]>,
    /// What a network without classes makes of it, and what is nearest to it.
    looks: Strips,
    nearest: Strips,
    /// Whether they are wanted where the network knows classes.
    with_nearest: bool,
    /// Counts changes of the drawing.
    version: u64,
    /// Counts the pictures that were opened.
    pictures: u64,
    classes: Classes,
    questions: Questions,
    keeping: Keeping,
    test_images: TestImages,
    fills_screen: bool,
    /// Of its card, in points.
    height: f32,
}

impl DrawPad {
    /// Begins to open a picture, which is shown and scored instead of strokes once it is there. `is_typed` says that its
    /// path was typed in the window.
    pub fn open_file(&mut self, path: &Path, is_typed: bool) {
        self.openings.begin(path.into(), is_typed);
    }

    /// Whether a picture is being opened.
    pub fn is_opening(&self) -> bool {
        !self.openings.is_empty()
    }

    /// Shows the next picture that has been opened, as a drawing where it looks like one and the run learns from drawings.
    /// Gives whether its path was typed, and why there is no picture.
    pub fn opened(&mut self, run: Option<&Run>) -> Option<(bool, Result<(), String>)> {
        let Decoded { is_typed, found } = self.openings.next()?;
        let shown = found.map(|Picture { shape, pixels, digits, is_coloured }| {
            let is_suited = run.is_none_or(|run| run.learns_from_drawings);
            let as_drawing = !digits.is_empty() && !is_coloured && is_suited;
            let picture = Image { shape, pixels };
            self.open(Opened {
                picture,
                number: 0,
                digits,
                at: 0,
                as_drawing,
                is_framed: false,
                class: None,
            });
        });
        Some((is_typed, shown))
    }

    /// Shows and scores an image of a data set instead of strokes. One that looks framed, 28 by 28 in grey, is a drawing.
    pub fn show(&mut self, image: Image) {
        let is_framed = image.shape == ImageShape::new(SIDE, SIDE, 1);
        let sheet = Sheet::framed(&image.pixels).filter(|_| is_framed);
        let as_drawing = sheet.is_some();
        let digits = sheet
            .into_iter()
            .map(|sheet| Found { bounds: [0.0, 0.0, 1.0, 1.0], sheet, is_everything: false })
            .collect();
        let picture = image;
        self.open(Opened { picture, number: 0, digits, at: 0, as_drawing, is_framed, class: None });
    }

    /// What the network is shown; nothing where nothing is drawn.
    pub fn image(&self) -> Option<&Image> {
        self.image.as_ref()
    }

    /// The same before it is framed.
    pub fn sheet(&self) -> Option<&Sheet> {
        self.sheet.as_ref()
    }

    /// What the network is shown of this drawing and of the one before it.
    pub fn newest_two(&self) -> Vec<Image> {
        [&self.image, &self.before].into_iter().flatten().cloned().collect()
    }

    /// What a view wants of it.
    pub fn grant(&mut self, wish: Wish, run: Option<&Run>, asker: &mut Asker<'_>) {
        match (wish, run) {
            (Wish::Show(image), _) => self.show(image),
            (Wish::Keep(label), _) => self.keep(label, asker),
            (Wish::Digit(at), _) => self.choose_digit(at),
            (Wish::TestImage, Some(run)) => self.take_test_image(run, asker),
            (Wish::TestImage, None) => {}
        }
    }

    /// The height of its card when it was last shown, in points.
    pub fn height(&self) -> f32 {
        self.height
    }

    /// Whether it is all that is shown.
    pub fn fills_screen(&self) -> bool {
        self.fills_screen
    }

    /// The pad in a card that is no higher than `most` points, where that leaves it large enough.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        run: Option<&Run>,
        pen_width: &mut f32,
        most: f32,
        asker: &mut Asker<'_>,
    ) {
        let card = card(ui).show(ui, |ui| self.contents(ui, run, pen_width, most - 2.0 * MARGIN, asker));
        self.height = card.response.rect.height();
    }

    /// The same without a card, in a height in points.
    pub fn contents(
        &mut self,
        ui: &mut Ui,
        run: Option<&Run>,
        pen_width: &mut f32,
        height: f32,
        asker: &mut Asker<'_>,
    ) {
        self.questions.take_in(asker.answers, ui.input(|input| input.time));
        self.classes.follow(run, self.answered(run).as_deref());
        let row = if self.digits(run).is_some_and(|digits| digits.are_several()) { ROW } else { 0.0 };
        let room = Room::of(vec2(ui.available_width(), height - AROUND - row));
        ui.set_width(ui.available_width());
        self.header(ui, run, asker);
        self.pad_and_bars(ui, run, room, *pen_width, asker);
        ui.horizontal_top(|ui| {
            self.seen(ui, SEEN);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                choose_pen(ui, pen_width);
                self.choose_reading(ui);
                self.choose_among_digits(ui, run);
                self.status(ui, run, asker);
                self.choose_nearest(ui, run);
            });
        });
        self.neighbours(ui, run);
        self.ask(ui, run, asker);
    }

    fn header(&mut self, ui: &mut Ui, run: Option<&Run>, asker: &mut Asker<'_>) {
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                self.buttons(ui, run, asker);
                if ui.available_width() < TITLE {
                    return;
                }
                let text = if self.classes.are_digits() { "Draw a digit" } else { "Draw an image" };
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.add(Label::new(strong(text)).truncate()).on_hover_text(KEYS);
                });
            });
        });
    }

    /// From right to left.
    fn buttons(&mut self, ui: &mut Ui, run: Option<&Run>, asker: &mut Asker<'_>) {
        ui.spacing_mut().item_spacing.x = 4.0;
        let button = |ui: &mut Ui, enabled, icon, name| {
            ui.add_enabled_ui(enabled, |ui| icon_button(ui, icon, name)).inner
        };
        let (icon, name) = if self.fills_screen {
            (ICON_FULLSCREEN_EXIT, "Leave the full screen")
        } else {
            (ICON_FULLSCREEN, "Fill the screen with the pad")
        };
        if button(ui, true, icon, name).on_hover_text("F does the same").clicked() {
            self.toggle_screen(ui.ctx());
        }
        let clear = button(ui, !self.page.is_blank(), ICON_DELETE, "Clear the pad");
        if clear.on_hover_text("Delete does the same; it can be undone").clicked() {
            self.clear();
        }
        let redo = button(ui, self.history.can_redo(), ICON_REDO, "Redo on the pad");
        if redo.on_hover_text("Ctrl and Y").clicked() {
            self.redo(asker);
        }
        let undo = button(ui, self.history.can_undo(), ICON_UNDO, "Undo on the pad");
        if undo.on_hover_text("Ctrl and Z").clicked() {
            self.undo(asker);
        }
        if icon_button(ui, ICON_IMAGE, "Open an image…").clicked() {
            asker.actions.push(Action::PickImage);
        }
        let help =
            "Another image of the selected run's data set each time, from the part that it was not fitted to";
        let take = button(ui, run.is_some(), ICON_SHUFFLE, "Put a test image on the pad").on_hover_text(help);
        if let Some(run) = run.filter(|_| take.clicked()) {
            self.take_test_image(run, asker);
        }
    }

    fn pad_and_bars(
        &mut self,
        ui: &mut Ui,
        run: Option<&Run>,
        room: Room,
        pen_width: f32,
        asker: &mut Asker<'_>,
    ) {
        let around =
            if room.is_beside { Layout::left_to_right(Align::Min) } else { Layout::top_down(Align::Min) };
        let size = if room.is_beside { vec2(ui.available_width(), room.side) } else { vec2(room.side, 0.0) };
        ui.allocate_ui_with_layout(size, around, |ui| {
            ui.spacing_mut().item_spacing.x = room::GAP;
            self.pad(ui, run, room.side, pen_width, asker);
            ui.vertical(|ui| {
                ui.set_width(room.bars.x);
                self.answer(ui, run, room.bars.y);
            });
        });
    }

    /// What is going on, in a line or two.
    fn status(&mut self, ui: &mut Ui, run: Option<&Run>, asker: &mut Asker<'_>) {
        // one line, so that what is beneath the pad stays where it is
        let small =
            |ui: &mut Ui, text: &str| drop(ui.add(Label::new(RichText::new(text).small().weak()).truncate()));
        if self.is_opening() {
            return small(ui, "Opening the picture…");
        }
        if let Some(text) = self.test_images.status() {
            return small(ui, text);
        }
        if !self.say_what_was_kept(ui, asker) {
            small(ui, &self.caption(run));
        }
    }

    /// Where a picture is open: a drawing, or not.
    fn choose_reading(&mut self, ui: &mut Ui) {
        let Some(opened) =
            self.page.opened.as_mut().filter(|opened| opened.sheet().is_some() && !opened.is_framed)
        else {
            return;
        };
        let help =
            "On, its ink is framed as MNIST's digits are. Off, the network is shown the picture as it is.";
        if ui.checkbox(&mut opened.as_drawing, "Read it as a drawing").on_hover_text(help).changed() {
            self.changed();
        }
    }

    /// Where there are several digits on a picture: which of them the bars are about.
    fn choose_among_digits(&mut self, ui: &mut Ui, run: Option<&Run>) {
        let Some(digits) = self.digits(run).filter(|digits| digits.are_several()) else { return };
        let chosen = ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new("Digits").small());
            digits.choose(ui)
        });
        if let Some(at) = chosen.inner {
            self.choose_digit(at);
        }
    }

    fn open(&mut self, opened: Opened) {
        self.turn_page(None);
        self.pictures += 1;
        self.page.opened = Some(Opened { number: self.pictures, ..opened });
        self.replaced();
    }

    fn clear(&mut self) {
        self.turn_page(None);
        self.replaced();
    }

    /// Where another page is on the pad: what the pen draws before it is put down again belongs to none.
    fn replaced(&mut self) {
        self.pen = Pen::Up;
        self.changed();
    }

    /// An empty page; what was on the pad can be undone to, and stays at hand as the drawing before.
    fn turn_page(&mut self, deed: Option<Deed>) {
        self.keeping.forget_newest();
        if self.image.is_some() {
            self.before = self.image.take();
        }
        let page = std::mem::take(&mut self.page);
        if !page.is_blank() {
            self.history.keep(page, deed);
        }
    }

    fn changed(&mut self) {
        self.version += 1;
        self.sheet = match &self.page.opened {
            Some(opened) => opened.sheet().cloned().filter(|_| opened.as_drawing),
            None => self.page.drawing.sheet(),
        };
        self.image = match &self.page.opened {
            // what is framed already would be changed by framing it once more
            Some(opened) if opened.is_framed || !opened.as_drawing => Some(opened.picture.clone()),
            _ => self.sheet.as_ref().map(|sheet| Image::drawing(sheet.frame())),
        };
        self.textures = None;
    }
}

fn choose_pen(ui: &mut Ui, width: &mut f32) {
    ui.spacing_mut().slider_width = (ui.available_width() - 110.0).clamp(50.0, 140.0);
    ui.horizontal(|ui| {
        let label = ui
            .label(RichText::new("Pen").small())
            .on_hover_text("How wide the pen draws, as a share of the pad");
        let slider =
            Slider::new(width, 0.03..=0.16).custom_formatter(|value, _| format!("{:.0} %", value * 100.0));
        ui.add(slider).labelled_by(label.id);
    });
}
