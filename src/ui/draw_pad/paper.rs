//! The paper of the pad: where the pen draws, and what a network sees of that.
use super::{
    DrawPad,
    digits::{self, fitted},
    pen::{Mark, Pen},
};
use crate::{
    sample::Image,
    session::Run,
    ui::{asking::Asker, widgets::picture},
};
use egui::{
    Align2, Color32, Event, FontId, Painter, PointerButton, Pos2, Rect, Response, Role, Sense, Shape, Stroke,
    StrokeKind, TextureOptions, Ui, WidgetInfo, emath::RectTransform, pos2, vec2,
};
use egui_material_icons::icons::ICON_EDIT;

/// Around a picture, in points.
const MARGIN: f32 = 4.0;

impl DrawPad {
    /// Follows the pen and the keys, and shows what is on the pad.
    pub(super) fn pad(
        &mut self,
        ui: &mut Ui,
        run: Option<&Run>,
        side: f32,
        pen_width: f32,
        asker: &mut Asker<'_>,
    ) {
        let (response, painter) = ui.allocate_painter(vec2(side, side), Sense::drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, "Draw pad"));
        let to_unit = RectTransform::from_to(response.rect, Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0)));
        self.keys(ui, asker);
        let has_inked = self.follow(ui, &response, to_unit);
        if has_inked || self.page.drawing.pen_width != pen_width {
            self.page.drawing.pen_width = pen_width;
            self.changed();
        }
        self.upload(ui.ctx());
        self.paint(ui, run, &painter, response.rect, to_unit.inverse());
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
            if let Mark::Press(at) = mark {
                if let Some(digit) = self.digit_at(at, response.rect.shrink(MARGIN)) {
                    self.choose_digit(digit);
                    self.pen = Pen::Up;
                    continue;
                }
                self.begin_stroke();
            }
            has_inked |= self.page.ink(mark, to_unit);
        }
        has_inked
    }

    /// What was on the pad can be gone back to; a picture makes room.
    fn begin_stroke(&mut self) {
        self.keeping.forget_newest();
        if self.page.opened.is_some() {
            self.turn_page(None);
        } else {
            self.history.keep(self.page.clone(), None);
        }
    }

    fn paint(&self, ui: &Ui, run: Option<&Run>, painter: &Painter, rect: Rect, from_unit: RectTransform) {
        painter.rect_filled(rect, 8.0, Color32::BLACK);
        painter.rect_stroke(rect, 8.0, ui.visuals().window_stroke, StrokeKind::Inside);
        if let Some([_, picture]) = self.textures.as_ref().filter(|_| self.page.opened.is_some()) {
            let place = fitted(picture, rect.shrink(MARGIN));
            digits::paint(painter, picture, place);
            if let Some(digits) = self.digits(run) {
                digits.paint(painter, place);
            }
            return;
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
    pub(super) fn seen(&self, ui: &mut Ui, side: f32) {
        let (response, painter) = ui.allocate_painter(vec2(side, side), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "What the network sees"));
        painter.rect_filled(response.rect, 4.0, Color32::BLACK);
        painter.rect_stroke(response.rect, 4.0, ui.visuals().window_stroke, StrokeKind::Outside);
        if let Some([seen, _]) = self.textures.as_ref().filter(|_| self.image.is_some()) {
            digits::paint(&painter, seen, fitted(seen, response.rect));
        }
        response.on_hover_text(if self.image.is_some() && self.sheet.is_none() {
            "What the network is shown: the picture, which it sees at the size that it knows"
        } else {
            "What the network sees: the ink fitted into 20 × 20 pixels, its centre of mass in the middle of 28 × 28, as MNIST's authors did it"
        });
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
