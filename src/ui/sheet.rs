//! Many small pictures in one texture.
use crate::{protocol::visual::Thumbnails, shape::ImageShape};
use egui::{Color32, ColorImage, Context, Rect, TextureHandle, TextureId, TextureOptions, pos2, vec2};

/// The most pictures in a row of a texture.
const ACROSS: usize = 16;

/// A sheet of pictures, ready to be painted.
pub struct SheetTexture {
    texture: TextureHandle,
    /// Height and width of a picture, in pixels.
    pub size: [usize; 2],
    across: usize,
}

impl SheetTexture {
    pub fn new(ctx: &Context, sheet: &Thumbnails, options: TextureOptions) -> Self {
        let texture = ctx.load_texture("pictures", picture(sheet), options);
        Self { texture, size: [sheet.shape.height, sheet.shape.width], across: across(sheet) }
    }

    pub fn id(&self) -> TextureId {
        self.texture.id()
    }

    /// The part of the texture that shows a picture.
    pub fn part(&self, at: usize) -> Rect {
        let [height, width] = self.size.map(|side| side as f32);
        let [total_width, total_height] = self.texture.size().map(|side| side as f32);
        let [x, y] = [(at % self.across) as f32 * width, (at / self.across) as f32 * height];
        // Half a pixel less, so that neighbours do not shine through.
        let inset = if self.across == 1 { vec2(0.0, 0.0) } else { vec2(0.5, 0.5) };
        let pixels = Rect::from_min_size(pos2(x, y) + inset, vec2(width, height) - 2.0 * inset);
        let uv = |at: egui::Pos2| pos2(at.x / total_width, at.y / total_height);
        Rect::from_min_max(uv(pixels.min), uv(pixels.max))
    }
}

fn count(sheet: &Thumbnails) -> usize {
    sheet.pixels.len() / sheet.shape.len().max(1)
}

fn across(sheet: &Thumbnails) -> usize {
    count(sheet).clamp(1, ACROSS)
}

/// All pictures of a sheet, in rows of [`ACROSS`].
fn picture(sheet: &Thumbnails) -> ColorImage {
    let ImageShape { height, width, channels } = sheet.shape;
    let line = (width * channels).max(1);
    let across = across(sheet);
    let size = [width * across, height * count(sheet).div_ceil(across).max(1)];
    let mut image = ColorImage::filled(size, Color32::TRANSPARENT);
    for (at, source) in sheet.pixels.chunks_exact(line).enumerate() {
        let (index, row) = (at / height, at % height);
        let start = ((index / across * height + row) * across + index % across) * width;
        let target = &mut image.pixels[start..start + width];
        if channels == 3 {
            let colors = source.chunks_exact(3).map(|rgb| Color32::from_rgb(rgb[0], rgb[1], rgb[2]));
            target.iter_mut().zip(colors).for_each(|(to, from)| *to = from);
        } else {
            target.iter_mut().zip(source).for_each(|(to, from)| *to = Color32::from_gray(*from));
        }
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_becomes_rows_of_pictures() {
        let pixels = (0..18).flat_map(|image| [image, image, image + 100, image + 100]).collect::<Vec<u8>>();
        let sheet =
            Thumbnails { request: 1, shape: ImageShape::new(2, 2, 1), pixels: std::sync::Arc::new(pixels) };
        let image = picture(&sheet);
        assert_eq!(image.size, [32, 4]);
        assert_eq!(image[(2, 0)], Color32::from_gray(1));
        assert_eq!(image[(31, 1)], Color32::from_gray(115));
        assert_eq!(image[(0, 2)], Color32::from_gray(16));
        assert_eq!(image[(3, 3)], Color32::from_gray(117));
    }
}
