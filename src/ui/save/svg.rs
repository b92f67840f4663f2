//! egui's shapes as SVG.
use super::picture::Figure;
use crate::ui::theme::semibold;
use anyhow::{Context as _, Result};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use egui::{
    Color32, ColorImage, Pos2, Rect, Shape, Stroke, StrokeKind, Vec2,
    epaint::{
        BandPoint, BandShape, CircleShape, ClippedShape, ColorMode, EllipseShape, Mesh, PathShape,
        PathStroke, RectShape, TextShape, text::TextFormat,
    },
};
use image::{ImageFormat, RgbaImage};
use std::{fmt::Write as _, io::Cursor};

/// A picture as SVG.
///
/// # Errors
/// Where an image of it cannot be packed.
pub fn write(picture: &Figure, title: &str) -> Result<String> {
    let (width, height) = (picture.size.x, picture.size.y);
    let mut page = Page::default();
    page.put(format_args!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}" font-family="Inter, Helvetica, Arial, Noto Sans SC, Noto Sans CJK SC, sans-serif">"#
    ));
    page.put(format_args!("<title>{}</title>", escaped(title)));
    page.put(format_args!(r#"<rect width="100%" height="100%" {}/>"#, fill(picture.paper)));
    for (place, image) in &picture.images {
        page.image(*place, image)?;
    }
    let mut clip = None;
    for ClippedShape { clip_rect, shape, .. } in &picture.shapes {
        if clip != Some(*clip_rect) {
            page.clip(*clip_rect);
            clip = Some(*clip_rect);
        }
        page.shape(shape);
    }
    Ok(page.finish())
}

/// An SVG that is being written.
#[derive(Default)]
struct Page {
    text: String,
    clips: usize,
}

impl Page {
    fn put(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string never fails.
        let _written = self.text.write_fmt(line);
        self.text.push('\n');
    }

    fn finish(mut self) -> String {
        if self.clips > 0 {
            self.text.push_str("</g>\n");
        }
        self.text + "</svg>\n"
    }

    /// What follows is seen within a part of the page only.
    fn clip(&mut self, Rect { min, max }: Rect) {
        if self.clips > 0 {
            self.text.push_str("</g>\n");
        }
        self.clips += 1;
        let (clips, width, height) = (self.clips, (max.x - min.x).max(0.0), (max.y - min.y).max(0.0));
        self.put(format_args!(
            r#"<clipPath id="c{clips}"><rect x="{:.2}" y="{:.2}" width="{width:.2}" height="{height:.2}"/></clipPath><g clip-path="url(#c{clips})">"#,
            min.x, min.y
        ));
    }

    /// An image, its pixels as squares.
    fn image(&mut self, place: Rect, image: &ColorImage) -> Result<()> {
        let [width, height] = image.size.map(|side| side as u32);
        let pixels = image.pixels.iter().flat_map(Color32::to_srgba_unmultiplied).collect();
        let image = RgbaImage::from_raw(width, height, pixels).context("no image")?;
        let mut bytes = Cursor::new(vec![]);
        image.write_to(&mut bytes, ImageFormat::Png)?;
        let packed = BASE64_STANDARD.encode(bytes.into_inner());
        self.put(format_args!(
            r#"<image x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" preserveAspectRatio="none" style="image-rendering:pixelated" href="data:image/png;base64,{packed}"/>"#,
            place.min.x,
            place.min.y,
            place.width(),
            place.height()
        ));
        Ok(())
    }

    fn shape(&mut self, shape: &Shape) {
        match shape {
            Shape::Noop | Shape::Callback(_) => {}
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| self.shape(shape)),
            Shape::Circle(CircleShape { center, radius, fill, stroke }) => {
                let (at, look) = (*center, look(*fill, *stroke));
                self.put(format_args!(
                    r#"<circle cx="{:.2}" cy="{:.2}" r="{radius:.2}" {look}/>"#,
                    at.x, at.y
                ));
            }
            Shape::Ellipse(EllipseShape { center, radius, fill, stroke, .. }) => {
                let (at, look) = (*center, look(*fill, *stroke));
                self.put(format_args!(
                    r#"<ellipse cx="{:.2}" cy="{:.2}" rx="{:.2}" ry="{:.2}" {look}/>"#,
                    at.x, at.y, radius.x, radius.y
                ));
            }
            Shape::LineSegment { points, stroke } => {
                self.put(format_args!(
                    r#"<path d="{}" {}/>"#,
                    way(points, false),
                    look(Color32::TRANSPARENT, *stroke)
                ));
            }
            Shape::Path(PathShape { points, closed, fill, stroke }) => {
                let look = look(*fill, solid(stroke));
                self.put(format_args!(
                    r#"<path d="{}" stroke-linejoin="round" {look}/>"#,
                    way(points, *closed)
                ));
            }
            Shape::QuadraticBezier(curve) => self.curve(&curve.flatten(None), curve.fill, &curve.stroke),
            Shape::CubicBezier(curve) => self.curve(&curve.flatten(None), curve.fill, &curve.stroke),
            Shape::Rect(rect) => self.rect(rect),
            Shape::Text(text) => self.galley(text),
            Shape::Mesh(mesh) => self.mesh(mesh),
            Shape::Band(band) => self.band(band),
        }
    }

    /// Along its upper edge and back along the lower one.
    fn band(&mut self, band: &BandShape) {
        let edge = |upper: bool| {
            let y = move |at: &BandPoint| if upper { at.y.min } else { at.y.max };
            band.points.iter().map(move |at| Pos2::new(at.x, y(at)))
        };
        let points: Vec<Pos2> = edge(true).chain(edge(false).rev()).collect();
        let (turned, look) = (band.angle.to_degrees(), look(band.fill, band.stroke));
        self.put(format_args!(
            r#"<path transform="rotate({turned:.1})" d="{}" {look}/>"#,
            way(&points, true)
        ));
    }

    fn curve(&mut self, points: &[Pos2], fill: Color32, stroke: &PathStroke) {
        self.put(format_args!(r#"<path d="{}" {}/>"#, way(points, false), look(fill, solid(stroke))));
    }

    fn rect(&mut self, shape: &RectShape) {
        let half = shape.stroke.width / 2.0;
        let outwards = match shape.stroke_kind {
            StrokeKind::Inside => -half,
            StrokeKind::Middle => 0.0,
            StrokeKind::Outside => half,
        };
        let rect = shape.rect.expand(if shape.stroke.is_empty() { 0.0 } else { outwards });
        let radius = f32::from(shape.corner_radius.nw);
        self.put(format_args!(
            r#"<rect x="{:.2}" y="{:.2}" width="{:.2}" height="{:.2}" rx="{radius}" {}/>"#,
            rect.min.x,
            rect.min.y,
            rect.width().max(0.0),
            rect.height().max(0.0),
            look(shape.fill, shape.stroke)
        ));
    }

    /// Triangles of one colour each. What has a texture is an image, of which nothing is known here.
    fn mesh(&mut self, mesh: &Mesh) {
        if mesh.texture_id != egui::TextureId::default() {
            return;
        }
        for corners in mesh.indices.chunks_exact(3) {
            let vertices = [0, 1, 2].map(|corner| mesh.vertices[corners[corner] as usize]);
            let points = vertices.map(|vertex| vertex.pos);
            let fill = fill(vertices[0].color);
            self.put(format_args!(
                r#"<path shape-rendering="crispEdges" d="{}" {fill}/>"#,
                way(&points, true)
            ));
        }
    }

    /// Text, a run of letters of the same look at a time, as wide as it is on the screen in any typeface.
    fn galley(&mut self, text: &TextShape) {
        let origin = text.pos;
        let sections = &text.galley.job.sections;
        let mut byte = 0;
        for row in &text.galley.rows {
            let mut from = 0;
            while from < row.glyphs.len() {
                let section =
                    sections.iter().position(|section| section.byte_range.end.0 > byte).unwrap_or_default();
                let Some(format) = sections.get(section).map(|section| &section.format) else { return };
                let end = sections[section].byte_range.end.0;
                let start = from;
                let mut letters = String::new();
                while from < row.glyphs.len() && (byte < end || from == start) {
                    letters.push(row.glyphs[from].chr);
                    byte += row.glyphs[from].chr.len_utf8();
                    from += 1;
                }
                let (first, last) = (row.glyphs[start], row.glyphs[from - 1]);
                let at = row.pos.to_vec2() + first.pos.to_vec2();
                let width = last.pos.x + last.advance_width - first.pos.x;
                self.letters(&letters, origin, at, width, (format, text));
            }
            byte += usize::from(row.ends_with_newline);
        }
    }

    fn letters(
        &mut self,
        letters: &str,
        origin: Pos2,
        at: Vec2,
        width: f32,
        (format, text): (&TextFormat, &TextShape),
    ) {
        if letters.trim().is_empty() {
            return;
        }
        let color = match text.override_text_color {
            Some(color) => color,
            None if format.color == Color32::PLACEHOLDER => text.fallback_color,
            None => format.color,
        };
        let color = color.gamma_multiply(text.opacity_factor);
        let weight = if format.font_id.family == semibold() { 600 } else { 400 };
        let turned = text.angle.to_degrees();
        self.put(format_args!(
            r#"<text transform="translate({:.2} {:.2}) rotate({turned:.1})" x="{:.2}" y="{:.2}" font-size="{}" font-weight="{weight}" textLength="{width:.2}" lengthAdjust="spacingAndGlyphs" xml:space="preserve" {}>{}</text>"#,
            origin.x,
            origin.y,
            at.x,
            at.y,
            format.font_id.size,
            fill(color),
            escaped(letters)
        ));
    }
}

/// "M 1 2 L 3 4 Z".
fn way(points: &[Pos2], closed: bool) -> String {
    let mut text = String::new();
    for (at, point) in points.iter().filter(|point| point.x.is_finite() && point.y.is_finite()).enumerate() {
        let _written = write!(text, "{}{:.2} {:.2}", if at == 0 { 'M' } else { 'L' }, point.x, point.y);
    }
    if closed { text + "Z" } else { text }
}

/// The one colour of a line; those that change along their way are drawn without one.
fn solid(stroke: &PathStroke) -> Stroke {
    match stroke.color {
        ColorMode::Solid(color) => Stroke::new(stroke.width, color),
        ColorMode::UV(_) => Stroke::NONE,
    }
}

fn look(inside: Color32, stroke: Stroke) -> String {
    let inside = if inside == Color32::TRANSPARENT { r#"fill="none""#.into() } else { fill(inside) };
    if stroke.is_empty() {
        return inside;
    }
    let (color, opacity) = written(stroke.color);
    format!(r#"{inside} stroke="{color}" stroke-opacity="{opacity:.3}" stroke-width="{:.2}""#, stroke.width)
}

fn fill(color: Color32) -> String {
    let (color, opacity) = written(color);
    format!(r#"fill="{color}" fill-opacity="{opacity:.3}""#)
}

fn written(color: Color32) -> (String, f32) {
    let [r, g, b, a] = color.to_srgba_unmultiplied();
    (format!("#{r:02x}{g:02x}{b:02x}"), f32::from(a) / 255.0)
}

fn escaped(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_control())
        .map(|letter| match letter {
            '&' => "&amp;".into(),
            '<' => "&lt;".into(),
            '>' => "&gt;".into(),
            other => other.to_string(),
        })
        .collect()
}
