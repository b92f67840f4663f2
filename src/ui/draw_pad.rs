//! The pad to draw on, what the network sees of it, and what it thinks.
use super::{
    Action,
    asking::Asker,
    strips::Strips,
    widgets::{card, icon_button, picture, title},
};
use crate::{
    data::{
        drawing::{SIDE, Sheet},
        picture::Picture,
    },
    sample::Image,
    session::Run,
    shape::ImageShape,
};
use answer::{Classes, Questions, caption};
use egui::{
    Align, Align2, Color32, Event, FontId, Key, Layout, Modifiers, Painter, PointerButton, Pos2, Rect,
    Response, RichText, Role, Sense, Shape, Slider, Stroke, StrokeKind, TextureHandle, TextureOptions, Ui,
    WidgetInfo, emath::RectTransform, pos2, vec2,
};
use egui_material_icons::icons::{ICON_DELETE, ICON_EDIT, ICON_IMAGE, ICON_REDO, ICON_UNDO};
use history::History;
use opening::{Decoded, Openings};
use page::{Opened, Page};
use pen::{Mark, Pen};
use std::path::Path;

mod answer;
mod history;
mod opening;
mod page;
mod pen;
#[cfg(test)]
mod tests;

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
    classes: Classes,
    questions: Questions,
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

    /// Shows the next picture that has been opened. Gives whether its path was typed, and why there is no picture.
    pub fn opened(&mut self) -> Option<(bool, Result<(), String>)> {
        let Decoded { is_typed, found } = self.openings.next()?;
        let shown = found.map(|Picture { shape, pixels, digits, is_coloured }| {
            let sheet = digits.into_iter().next().map(|digit| digit.sheet);
            let as_drawing = sheet.is_some() && !is_coloured;
            self.open(Opened { picture: Image { shape, pixels }, sheet, as_drawing, is_framed: false });
        });
        Some((is_typed, shown))
    }

    /// Shows and scores an image of a data set instead of strokes. One that looks framed, 28 by 28 in grey, is a drawing.
    pub fn show(&mut self, image: Image) {
        let is_framed = image.shape == ImageShape::new(SIDE, SIDE, 1);
        let sheet = Sheet::framed(&image.pixels).filter(|_| is_framed);
        self.open(Opened { as_drawing: sheet.is_some(), picture: image, sheet, is_framed });
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

    pub fn ui(&mut self, ui: &mut Ui, run: Option<&Run>, pen_width: &mut f32, asker: &mut Asker<'_>) {
        self.questions.take_in(asker.answers, ui.input(|input| input.time));
        self.classes.follow(run, self.answered(run).as_deref());
        card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                title(ui, if self.classes.are_digits() { "Draw a digit" } else { "Draw an image" });
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| self.buttons(ui, asker.actions));
            });
            let side = (ui.available_width() * 0.54).clamp(120.0, 260.0);
            ui.horizontal_top(|ui| {
                self.pad(ui, side, *pen_width);
                ui.vertical(|ui| self.answer(ui, run, side));
            });
            self.neighbours(ui, run);
            ui.horizontal(|ui| {
                self.seen(ui);
                ui.vertical(|ui| {
                    ui.spacing_mut().slider_width = (ui.available_width() - 110.0).clamp(50.0, 140.0);
                    ui.horizontal(|ui| {
                        let label = ui
                            .label(RichText::new("Pen").small())
                            .on_hover_text("How wide the pen draws, as a share of the pad");
                        let slider = Slider::new(pen_width, 0.03..=0.16)
                            .custom_formatter(|value, _| format!("{:.0} %", value * 100.0));
                        ui.add(slider).labelled_by(label.id);
                    });
                    self.choose_reading(ui);
                    let text = if self.is_opening() {
                        "Opening the picture…".into()
                    } else {
                        caption(run, self.image.is_some(), &self.kind(run))
                    };
                    ui.label(RichText::new(text).small().weak());
                });
            });
        });
        self.ask(ui, run, asker);
    }

    fn buttons(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        let button = |ui: &mut Ui, enabled, icon, name| {
            ui.add_enabled_ui(enabled, |ui| icon_button(ui, icon, name)).inner.clicked()
        };
        if button(ui, !self.page.is_blank(), ICON_DELETE, "Clear the pad") {
            self.clear();
        }
        if button(ui, self.history.can_redo(), ICON_REDO, "Redo on the pad") {
            self.redo();
        }
        if button(ui, self.history.can_undo(), ICON_UNDO, "Undo on the pad") {
            self.undo();
        }
        if icon_button(ui, ICON_IMAGE, "Open an image…").clicked() {
            actions.push(Action::PickImage);
        }
    }

    /// Where a picture is open: a drawing, or not.
    fn choose_reading(&mut self, ui: &mut Ui) {
        let Some(opened) =
            self.page.opened.as_mut().filter(|opened| opened.sheet.is_some() && !opened.is_framed)
        else {
            return;
        };
        let help =
            "On, its ink is framed as MNIST's digits are. Off, the network is shown the picture as it is.";
        if ui.checkbox(&mut opened.as_drawing, "Read it as a drawing").on_hover_text(help).changed() {
            self.changed();
        }
    }

    fn pad(&mut self, ui: &mut Ui, side: f32, pen_width: f32) {
        let (response, painter) = ui.allocate_painter(vec2(side, side), Sense::drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, "Draw pad"));
        let to_unit = RectTransform::from_to(response.rect, Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0)));
        self.keys(ui);
        let has_inked = self.follow(ui, &response, to_unit);
        if has_inked || self.page.drawing.pen_width != pen_width {
            self.page.drawing.pen_width = pen_width;
            self.changed();
        }
        self.upload(ui.ctx());
        self.paint(ui, &painter, response.rect, to_unit.inverse());
    }

    /// Wherever the pointer is; a field for text undoes its own letters.
    fn keys(&mut self, ui: &Ui) {
        if ui.ctx().text_edit_focused() {
            return;
        }
        let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
        // First, because Ctrl+Z is found in Ctrl+Shift+Z too.
        let wants_redo =
            pressed(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z) || pressed(Modifiers::COMMAND, Key::Y);
        if wants_redo && self.history.can_redo() {
            self.redo();
        } else if self.history.can_undo() && pressed(Modifiers::COMMAND, Key::Z) {
            self.undo();
        }
    }

    /// Adds the pen's way since the last frame to the strokes; says whether there was any.
    fn follow(&mut self, ui: &Ui, response: &Response, to_unit: RectTransform) -> bool {
        // A press on what lies above the pad, such as a menu, is not the pad's.
        let is_pad = |at: Pos2| {
            response.enabled()
                && response.interact_rect.contains(at)
                && ui.ctx().layer_id_at(at) == Some(response.layer_id)
        };
        let events = ui.input(|input| input.events.clone());
        let changes =
            |event: &Event| matches!(event, Event::PointerButton { button: PointerButton::Primary, .. });
        let is_held = ui.input(|input| input.pointer.primary_down());
        if !is_held && !events.iter().any(changes) {
            // It was lifted while the pad was out of sight.
            self.pen = Pen::Up;
        }
        let mut has_inked = false;
        for event in &events {
            let Some(mark) = self.pen.follow(event, is_pad) else { continue };
            if let Mark::Press(_) = mark {
                self.begin_stroke();
            }
            has_inked |= self.page.ink(mark, to_unit);
        }
        has_inked
    }

    /// What was on the pad can be gone back to; a picture makes room.
    fn begin_stroke(&mut self) {
        if self.page.opened.is_some() {
            self.turn_page();
        } else {
            self.history.keep(self.page.clone());
        }
    }

    fn paint(&self, ui: &Ui, painter: &Painter, rect: Rect, from_unit: RectTransform) {
        painter.rect_filled(rect, 8.0, Color32::BLACK);
        painter.rect_stroke(rect, 8.0, ui.visuals().window_stroke, StrokeKind::Inside);
        if let Some([_, picture]) = self.textures.as_ref().filter(|_| self.page.opened.is_some()) {
            return whole(painter, picture, rect.shrink(4.0));
        }
        if self.page.drawing.strokes.is_empty() {
            let font = FontId::new(34.0, ICON_EDIT.font_family());
            painter.text(
                rect.center(),
                Align2::CENTER_CENTER,
                ICON_EDIT.codepoint,
                font,
                Color32::from_gray(110),
            );
        }
        let width = self.page.drawing.pen_width * rect.width();
        for stroke in &self.page.drawing.strokes {
            let points: Vec<_> =
                stroke.iter().map(|point| from_unit.transform_pos(Pos2::from(*point))).collect();
            for end in [points.first(), points.last()].into_iter().flatten() {
                painter.circle_filled(*end, width / 2.0, Color32::WHITE);
            }
            painter.with_clip_rect(rect).add(Shape::line(points, Stroke::new(width, Color32::WHITE)));
        }
    }

    /// The image that the network sees, pixel by pixel.
    fn seen(&self, ui: &mut Ui) {
        let (response, painter) = ui.allocate_painter(vec2(56.0, 56.0), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "What the network sees"));
        painter.rect_filled(response.rect, 4.0, Color32::BLACK);
        painter.rect_stroke(response.rect, 4.0, ui.visuals().window_stroke, StrokeKind::Outside);
        if let Some([seen, _]) = self.textures.as_ref().filter(|_| self.image.is_some()) {
            whole(&painter, seen, response.rect);
        }
        response.on_hover_text(if self.image.is_some() && self.sheet.is_none() {
            "What the network is shown: the picture, which it sees at the size that it knows"
        } else {
            "What the network sees: the ink fitted into 20 × 20 pixels, its centre of mass in the middle of 28 × 28, as MNIST's authors did it"
        });
    }

    fn open(&mut self, opened: Opened) {
        self.turn_page();
        self.page.opened = Some(opened);
        self.replaced();
    }

    fn undo(&mut self) {
        self.history.undo(&mut self.page);
        self.replaced();
    }

    fn redo(&mut self) {
        self.history.redo(&mut self.page);
        self.replaced();
    }

    fn clear(&mut self) {
        self.turn_page();
        self.replaced();
    }

    /// Where another page is on the pad: what the pen draws before it is put down again belongs to none.
    fn replaced(&mut self) {
        self.pen = Pen::Up;
        self.changed();
    }

    /// An empty page; what was on the pad can be undone to, and stays at hand as the drawing before.
    fn turn_page(&mut self) {
        if self.image.is_some() {
            self.before = self.image.take();
        }
        let page = std::mem::take(&mut self.page);
        if !page.is_blank() {
            self.history.keep(page);
        }
    }

    fn changed(&mut self) {
        self.version += 1;
        self.sheet = match &self.page.opened {
            Some(opened) => opened.sheet.clone().filter(|_| opened.as_drawing),
            None => self.page.drawing.sheet(),
        };
        self.image = match &self.page.opened {
            // what is framed already would be changed by framing it once more
            Some(opened) if opened.is_framed || !opened.as_drawing => Some(opened.picture.clone()),
            _ => self.sheet.as_ref().map(|sheet| Image::drawing(sheet.frame())),
        };
        self.textures = None;
    }

    /// Uploads what is shown once it has changed, before it is painted.
    fn upload(&mut self, ctx: &egui::Context) {
        if let (None, Some(image)) = (&self.textures, &self.image) {
            let upload = |image: &Image| {
                ctx.load_texture("drawing", picture(image.shape, &image.pixels), TextureOptions::NEAREST)
            };
            let seen = upload(image);
            let opened = self.page.opened.as_ref().filter(|opened| opened.picture != *image);
            let shown = opened.map_or_else(|| seen.clone(), |opened| upload(&opened.picture));
            self.textures = Some([seen, shown]);
        }
    }
}

/// A texture as large as fits.
fn whole(painter: &Painter, texture: &TextureHandle, rect: Rect) {
    let size = texture.size_vec2();
    let scale = (rect.size() / size).min_elem();
    let part = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
    painter.image(texture.id(), Rect::from_center_size(rect.center(), size * scale), part, Color32::WHITE);
}
