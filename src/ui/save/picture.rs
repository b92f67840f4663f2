//! A picture out of egui's shapes, and how it becomes an SVG or a PNG.
use super::{Caption, File, Format, svg};
use crate::ui::{
    look::SWATCH,
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

/// Between the entries of the key, and the height of one of its rows, in points.
const GAP: f32 = 16.0;
const ROW: f32 = 20.0;

/// Shapes and images on paper; the point 0, 0 is its upper left corner.
pub struct Figure {
    pub size: Vec2,
    /// Of the title and the key, in points.
    head: f32,
    pub paper: Color32,
    /// Images lie beneath the shapes, pixel by pixel.
    pub images: Vec<(Rect, ColorImage)>,
    pub shapes: Vec<ClippedShape>,
}

impl Figure {
    /// A picture with room for `size` points beneath its title and the key of its lines.
    pub fn new(ctx: &Context, size: Vec2, caption: &Caption, paper: Color32, ink: Color32) -> Self {
        let mut picture = Self { size, head: TITLE, paper, images: vec![], shapes: vec![] };
        let font = FontId::new(16.0, theme::semibold());
        let title = ctx.fonts_mut(|fonts| fonts.layout_no_wrap(caption.title.clone(), font.clone(), ink));
        picture.size.x = size.x.max(title.size().x);
        let mut head = vec![Shape::galley(pos2(MARGIN, MARGIN), title, ink)];
        head.extend(picture.key(ctx, caption, ink));
        picture.size = vec2(picture.size.x + 2.0 * MARGIN, size.y + picture.head + 2.0 * MARGIN);
        let page = Rect::from_min_size(Pos2::ZERO, picture.size);
        picture.shapes = head.into_iter().map(|shape| ClippedShape::new(page, shape)).collect();
        picture
    }

    /// What each line is, in as many rows as that takes.
    fn key(&mut self, ctx: &Context, caption: &Caption, ink: Color32) -> Vec<Shape> {
        let (mut at, mut shapes) = (pos2(MARGIN, MARGIN + TITLE), vec![]);
        for (look, name) in &caption.key {
            let font = FontId::proportional(13.0);
            let name = ctx.fonts_mut(|fonts| fonts.layout_no_wrap(name.clone(), font, ink));
            let width = SWATCH.x + 6.0 + name.size().x;
            if at.x > MARGIN && at.x + width > MARGIN + self.size.x {
                at = pos2(MARGIN, at.y + ROW);
            }
            self.size.x = self.size.x.max(width);
            let swatch = Rect::from_min_size(at + vec2(0.0, (ROW - SWATCH.y) / 2.0), SWATCH);
            shapes.extend(look.shapes(swatch));
            let below = at + vec2(SWATCH.x + 6.0, (ROW - name.size().y) / 2.0);
            shapes.push(Shape::galley(below, name, ink));
            at.x += width + GAP;
        }
        if !caption.key.is_empty() {
            self.head = at.y + ROW + 6.0 - MARGIN;
        }
        shapes
    }

    /// The upper left corner of what lies beneath the title.
    pub fn origin(&self) -> Pos2 {
        pos2(MARGIN, MARGIN + self.head)
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
        (0..2).for_each(|_| ctx.run_ui(input(), |_| {}).textures_delta.clear());
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

/// Lays text out again, at the size that it has in this context.
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
