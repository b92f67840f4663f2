//! A strip of images as a picture.
use super::picture::Figure;
use crate::{protocol::Strip, ui::widgets};
use egui::{Align2, Color32, ColorImage, Context, FontId, Rect, Vec2, vec2};

/// Of an image, in points, where that is at least a point for a pixel.
const SIDE: f32 = 84.0;
const GAP: f32 = 8.0;
const CAPTION: f32 = 18.0;
/// The most images in a row.
const ACROSS: usize = 10;
/// Dark on white in every theme. Wrong answers are marked by a word as well as by colour.
const INK: Color32 = Color32::from_rgb(31, 39, 51);
const WRONG: Color32 = Color32::from_rgb(196, 30, 80);

/// All images of a strip with their captions.
pub fn picture(ctx: &Context, what: &str, strip: &Strip) -> Figure {
    let size = widgets::size_of(strip.shape);
    let size = size * (SIDE / size.max_elem().max(1.0)).max(1.0).floor();
    let images: Vec<ColorImage> = images(strip);
    let captions = if strip.captions.is_empty() { 0.0 } else { CAPTION };
    let cell = size + vec2(GAP, GAP + captions);
    let (across, down) = (images.len().clamp(1, ACROSS), images.len().div_ceil(ACROSS).max(1));
    let whole = vec2(across as f32, down as f32) * cell - Vec2::splat(GAP);
    let mut picture = Figure::new(ctx, whole, &what.into(), Color32::WHITE, INK);
    for (index, image) in images.into_iter().enumerate() {
        let at = picture.origin() + vec2((index % ACROSS) as f32, (index / ACROSS) as f32) * cell;
        let place = Rect::from_min_size(at, size);
        picture.images.push((place, image));
        let Some(caption) = strip.captions.get(index) else { continue };
        let (text, color) = match caption.is_right {
            Some(false) => (format!("{} wrong", caption.text), WRONG),
            _ => (caption.text.clone(), INK),
        };
        let below = place.center_bottom() + vec2(0.0, 2.0);
        picture.write(ctx, below, Align2::CENTER_TOP, &text, FontId::proportional(12.5), color);
    }
    picture
}

fn images(strip: &Strip) -> Vec<ColorImage> {
    let images = strip.pixels.chunks_exact(strip.shape.len().max(1));
    images.map(|pixels| widgets::picture(strip.shape, pixels)).collect()
}
