//! A picture out of egui's shapes, and how it becomes an SVG or a PNG.
use super::{File, Format, svg};
use crate::ui::{
    raster::{Canvas, Texture},
    theme,
};
use anyhow::{Context as _, Result, ensure};
use egui::{
    Align2, Color32, ColorImage, Context, FontId, Mesh, Pos2, RawInput, Rect, Shape, Vec2,
    epaint::{ClippedShape, Primitive, TextShape},
    pos2, vec2,
};
use image::{ImageFormat, RgbaImage};
use std::io::Cursor;

/// Around everything, in points.
const MARGIN: f32 = 10.0;
/// Room for the title, in points.
const TITLE: f32 = 28.0;
/// Pixels of a PNG for each point of the screen.
const SCALE: f32 = 2.0;
/// More pixels than this are refused.
const MAX_PIXELS: f32 = 64e6;

/// Shapes and images on paper; the point 0, 0 is its upper left corner.
pub struct Picture {
    pub size: Vec2,
    pub paper: Color32,
    /// Images lie beneath the shapes, pixel by pixel.
    pub images: Vec<(Rect, ColorImage)>,
    pub shapes: Vec<ClippedShape>,
}

impl Picture {
    /// A picture with room for `size` points beneath its title.
    pub fn new(ctx: &Context, size: Vec2, title: &str, paper: Color32, ink: Color32) -> Self {
        let size = size + vec2(2.0 * MARGIN, 2.0 * MARGIN + TITLE);
        let mut picture = Self { size, paper, images: vec![], shapes: vec![] };
        let font = FontId::new(16.0, theme::semibold());
        picture.write(ctx, pos2(MARGIN, MARGIN), Align2::LEFT_TOP, title, font, ink);
        picture
    }

    /// The upper left corner of what lies beneath the title.
    pub fn origin(&self) -> Pos2 {
        pos2(MARGIN, MARGIN + TITLE)
    }

    pub fn write(
        &mut self,
        ctx: &Context,
        at: Pos2,
        anchor: Align2,
        text: &str,
        font: FontId,
        color: Color32,
    ) {
        let text = ctx.fonts_mut(|fonts| Shape::text(fonts, at, anchor, text, font, color));
        self.shapes.push(ClippedShape::new(Rect::from_min_size(Pos2::ZERO, self.size), text));
    }

    /// # Errors
    /// Where the picture has too many pixels.
    pub fn file(self, what: &str, format: Format) -> Result<File> {
        let bytes = match format {
            Format::Png => self.png()?,
            Format::Svg | Format::Csv => svg::write(&self, what)?.into_bytes(),
        };
        Ok(File::new(what, format, bytes))
    }

    fn png(mut self) -> Result<Vec<u8>> {
        let size = (self.size * SCALE).ceil();
        ensure!(
            size.x * size.y <= MAX_PIXELS,
            "The picture is too large: make it smaller, or save it as SVG"
        );
        let ctx = Context::default();
        theme::install(&ctx);
        let input = || {
            let mut input = RawInput {
                screen_rect: Some(Rect::from_min_size(Pos2::ZERO, self.size)),
                ..RawInput::default()
            };
            input.viewports.entry(input.viewport_id).or_default().native_pixels_per_point = Some(SCALE);
            input
        };
        // Fonts are there from the first frame on, at their size from the second on.
        let _empty = [ctx.run_ui(input(), |_| {}), ctx.run_ui(input(), |_| {})];
        self.shapes.iter_mut().for_each(|shape| lay_out(&ctx, &mut shape.shape));
        let mut canvas = Canvas::new(size.x as usize, size.y as usize);
        let whole = Rect::from_min_size(Pos2::ZERO, self.size);
        let plain = Texture::new(&ColorImage::filled([1, 1], Color32::WHITE), true);
        let mut paper = Mesh::default();
        paper.add_colored_rect(whole, self.paper);
        canvas.draw(&paper, &plain, whole, SCALE);
        for (place, image) in &self.images {
            let mut mesh = Mesh::default();
            mesh.add_rect_with_uv(*place, Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0)), Color32::WHITE);
            canvas.draw(&mesh, &Texture::new(image, true), whole, SCALE);
        }
        let primitives = ctx.tessellate(self.shapes, SCALE);
        let letters = Texture::new(&ctx.fonts(|fonts| fonts.image()), false);
        for primitive in primitives {
            if let Primitive::Mesh(mesh) = &primitive.primitive {
                canvas.draw(mesh, &letters, primitive.clip_rect, SCALE);
            }
        }
        let image =
            RgbaImage::from_raw(size.x as u32, size.y as u32, canvas.bytes()).context("no picture")?;
        let mut bytes = Cursor::new(vec![]);
        image.write_to(&mut bytes, ImageFormat::Png)?;
        Ok(bytes.into_inner())
    }
}

/// Lays out text anew, at the size that it has in this context.
fn lay_out(ctx: &Context, shape: &mut Shape) {
    match shape {
        Shape::Vec(shapes) => shapes.iter_mut().for_each(|shape| lay_out(ctx, shape)),
        Shape::Text(TextShape { galley, .. }) => {
            let job = galley.job.clone();
            *galley = ctx.fonts_mut(|fonts| fonts.layout_job((*job).clone()));
        }
        _ => {}
    }
}
