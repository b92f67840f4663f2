//! Rows of images with sharp pixels, and a caption below each.
use super::{
    Action,
    save::{self, Source},
    theme, widgets,
};
use crate::{
    protocol::{Caption, Strip},
    shape::ImageShape,
};
use egui::{
    Align2, Color32, ColorImage, Context, FontId, Galley, Painter, Pos2, Rect, RichText, Role, Sense, Stroke,
    StrokeKind, TextureHandle, TextureOptions, Ui, WidgetInfo, pos2, vec2,
};
use egui_material_icons::icons::ICON_CLOSE;
use std::sync::Arc;

/// The width of the column of names.
pub const NAME_WIDTH: f32 = 116.0;
/// Between two images.
pub const GAP: f32 = 6.0;
const CAPTION_HEIGHT: f32 = 17.0;
const CAPTION_SIZE: f32 = 12.5;
/// The most that a caption takes beneath a small image, in points.
const CAPTION_WIDTH: f32 = 124.0;

/// Strips with their textures.
#[derive(Default)]
pub struct Strips {
    shown: Vec<Strip>,
    textures: Vec<TextureHandle>,
}

impl Strips {
    /// Shows the images about `side` points high, in half multiples of their pixels where they are smaller, under their
    /// names.
    pub fn ui(&mut self, ui: &mut Ui, strips: &[Strip], side: f32) {
        self.upload(ui.ctx(), strips);
        for (strip, texture) in self.shown.iter().zip(&self.textures) {
            ui.label(RichText::new(strip.name).small()).on_hover_text(strip.help);
            images(ui, strip, texture, side, usize::MAX);
        }
    }

    /// As many of a strip's images as fit into one line.
    pub fn line(&mut self, ui: &mut Ui, strip: Strip, side: f32) {
        self.upload(ui.ctx(), &[strip]);
        for (strip, texture) in self.shown.iter().zip(&self.textures) {
            ui.label(RichText::new(strip.name).small()).on_hover_text(strip.help);
            images(ui, strip, texture, side, 1);
        }
    }

    /// The same next to their names, with a menu to save each.
    pub fn beside(
        &mut self,
        ui: &mut Ui,
        strips: &[Strip],
        side: f32,
        source: &Source,
        actions: &mut Vec<Action>,
    ) {
        self.upload(ui.ctx(), strips);
        for (at, (strip, texture)) in self.shown.iter().zip(&self.textures).enumerate() {
            ui.horizontal_top(|ui| {
                ui.allocate_ui(vec2(NAME_WIDTH, side), |ui| {
                    ui.set_min_width(NAME_WIDTH);
                    ui.label(RichText::new(strip.name).small()).on_hover_text(strip.help);
                    let format = ui.push_id(at, |ui| save::menu(ui, strip.name, &save::PICTURE)).inner;
                    let picture = |format| source.strip(ui, strip.name, strip, format);
                    actions.extend(format.map(picture).map(save::action));
                });
                images(ui, strip, texture, side, usize::MAX);
            });
        }
    }

    fn upload(&mut self, ctx: &Context, strips: &[Strip]) {
        if self.shown == strips {
            return;
        }
        let most = ctx.input(|input| input.max_texture_side);
        let fits = |strip: &&Strip| strip.shape.width <= most && strip.shape.height * count(strip) <= most;
        self.shown = strips.iter().filter(fits).cloned().collect();
        let texture = |strip: &Strip| ctx.load_texture(strip.name, picture(strip), TextureOptions::NEAREST);
        self.textures = self.shown.iter().map(texture).collect();
    }
}

fn count(strip: &Strip) -> usize {
    strip.pixels.len() / strip.shape.len().max(1)
}

/// All images of a strip, one beneath the other.
fn picture(strip: &Strip) -> ColorImage {
    let height = strip.shape.height * count(strip);
    widgets::picture(ImageShape { height, ..strip.shape }, &strip.pixels)
}

/// The images side by side, in as many lines as they need; those that need more than `lines` are left out.
fn images(ui: &mut Ui, strip: &Strip, texture: &TextureHandle, side: f32, lines: usize) {
    let size = widgets::size_of(strip.shape);
    let scale = if size.y < side { (2.0 * side / size.y).floor() / 2.0 } else { side / size.y };
    let image = size * scale;
    let beneath = if strip.captions.is_empty() { 0.0 } else { CAPTION_HEIGHT };
    let width = |caption: &Caption| written(ui, caption, image.x).size().x;
    let widest = strip.captions.iter().map(width).fold(image.x, f32::max);
    let cell = vec2(widest + GAP, image.y + GAP + beneath);
    let across = (((ui.available_width() + GAP) / cell.x) as usize).max(1);
    let all = count(strip);
    let count = all.min(across.saturating_mul(lines));
    let size = vec2(count.min(across) as f32 * cell.x - GAP, count.div_ceil(across) as f32 * cell.y - GAP);
    let (rect, response) = ui.allocate_exact_size(size.max(vec2(1.0, 1.0)), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, spoken(strip)));
    if let Some(pointer) = response.hover_pos() {
        let [x, y] = [0, 1].map(|axis| ((pointer - rect.min)[axis].max(0.0) / cell[axis]) as usize);
        let caption = strip.captions.get(y * across + x.min(across - 1));
        if let Some(caption) = caption.filter(|caption| written(ui, caption, image.x).elided) {
            response.on_hover_text(&caption.text);
        }
    }
    let painter = ui.painter();
    for index in 0..count {
        let at = vec2((index % across) as f32 * cell.x, (index / across) as f32 * cell.y);
        let aside = vec2((widest - image.x) / 2.0, 0.0);
        let place = Rect::from_min_size(rect.min + at + aside, image);
        let part = |index: usize| index as f32 / all as f32;
        let uv = Rect::from_min_max(pos2(0.0, part(index)), pos2(1.0, part(index + 1)));
        painter.image(texture.id(), place, uv, Color32::WHITE);
        if let Some(caption) = strip.captions.get(index) {
            write(ui, painter, caption, place);
        }
    }
}

/// A caption, no wider than beneath an image of this width there is room.
fn written(ui: &Ui, caption: &Caption, width: f32) -> Arc<Galley> {
    let (font, color) = (FontId::proportional(CAPTION_SIZE), ui.visuals().text_color());
    widgets::fitted(ui, &caption.text, font, color, width.max(CAPTION_WIDTH))
}

/// A caption beneath its image; where the network is wrong, a frame and a cross as well.
fn write(ui: &Ui, painter: &Painter, caption: &Caption, place: Rect) {
    let is_wrong = caption.is_right == Some(false);
    let alarm = theme::alarm(ui.visuals().dark_mode);
    let color = if is_wrong { alarm } else { ui.visuals().text_color() };
    let text = written(ui, caption, place.width());
    let at = Pos2::new(place.center().x - text.size().x / 2.0, place.bottom() + 2.0);
    painter.galley_with_override_text_color(at, text, color);
    if is_wrong {
        painter.rect_stroke(place, 0.0, Stroke::new(2.0, alarm), StrokeKind::Inside);
        let font = FontId::new(15.0, ICON_CLOSE.font_family());
        painter.text(place.right_top(), Align2::RIGHT_TOP, ICON_CLOSE.codepoint, font, alarm);
    }
}

/// "Images: 7 · 98 %, 3 · 51 % (wrong)" or "Reconstruction: 10 images".
fn spoken(strip: &Strip) -> String {
    if strip.captions.is_empty() {
        return format!("{}: {} images", strip.name, count(strip));
    }
    let say = |caption: &Caption| match caption.is_right {
        Some(false) => format!("{} (wrong)", caption.text),
        _ => caption.text.clone(),
    };
    format!("{}: {}", strip.name, strip.captions.iter().map(say).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_says_what_it_shows() {
        let caption = |text: &str, is_right| Caption { text: text.into(), is_right };
        let mut strip = Strip {
            name: "Images",
            help: "",
            shape: ImageShape::new(2, 1, 1),
            pixels: vec![0; 4],
            captions: vec![caption("7", Some(true)), caption("3", Some(false))],
        };
        assert_eq!(spoken(&strip), "Images: 7, 3 (wrong)");
        strip.captions.clear();
        assert_eq!(spoken(&strip), "Images: 2 images");
        assert_eq!(picture(&strip).size, [1, 4]);
        let colours = Strip { shape: ImageShape::new(1, 1, 2), ..strip };
        assert_eq!(picture(&colours).size, [1, 2]);
    }
}
