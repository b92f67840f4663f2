//! Draws egui's meshes on the CPU: no GPU, no driver, the same bytes everywhere.
use egui::epaint::{ImageData, ImageDelta, Mesh, Primitive, Vertex};
use std::collections::HashMap;

/// Premultiplied red, green, blue and alpha, from 0 to 1.
type Rgba = [f32; 4];

#[derive(Default)]
pub struct CpuRenderer {
    textures: HashMap<egui::TextureId, Texture>,
}

struct Texture {
    width: usize,
    height: usize,
    pixels: Vec<Rgba>,
    nearest: bool,
}

/// Pixels, from `min` to before `max`.
#[derive(Clone, Copy)]
struct Clip {
    min: [usize; 2],
    max: [usize; 2],
}

impl egui_kittest::TestRenderer for CpuRenderer {
    fn handle_delta(&mut self, delta: &mut egui::TexturesDelta) {
        for (id, deltas) in delta.set.drain() {
            for delta in deltas {
                self.update(id, &delta);
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    fn render(&mut self, ctx: &egui::Context, output: &egui::FullOutput) -> Result<image::RgbaImage, String> {
        let scale = ctx.pixels_per_point();
        let size = ctx.content_rect().size() * scale;
        let (width, height) = (size.x.round() as usize, size.y.round() as usize);
        let mut canvas = vec![[0.0; 4]; width * height];
        for primitive in ctx.tessellate(output.shapes.clone(), scale) {
            if let Primitive::Mesh(mesh) = &primitive.primitive {
                let rect = primitive.clip_rect * scale;
                let pixel = |value: f32, limit: usize| (value.round().max(0.0) as usize).min(limit);
                let min = [pixel(rect.min.x, width), pixel(rect.min.y, height)];
                let max = [pixel(rect.max.x, width), pixel(rect.max.y, height)];
                self.draw(&mut canvas, width, Clip { min, max }, scale, mesh);
            }
        }
        let mut image = image::RgbaImage::new(width as u32, height as u32);
        for (pixel, color) in image.pixels_mut().zip(&canvas) {
            pixel.0 = to_bytes(*color);
        }
        Ok(image)
    }
}

impl CpuRenderer {
    fn update(&mut self, id: egui::TextureId, delta: &ImageDelta) {
        let ImageData::Color(image) = &delta.image;
        let [width, height] = image.size;
        let pixels: Vec<Rgba> = image.pixels.iter().map(to_rgba).collect();
        let Some([left, top]) = delta.pos else {
            let nearest = delta.options.magnification == egui::TextureFilter::Nearest;
            self.textures.insert(id, Texture { width, height, pixels, nearest });
            return;
        };
        let texture = self.textures.get_mut(&id).expect("a part of a texture that was never made");
        for row in 0..height {
            let start = (top + row) * texture.width + left;
            texture.pixels[start..start + width].copy_from_slice(&pixels[row * width..][..width]);
        }
    }

    fn draw(&self, canvas: &mut [Rgba], width: usize, clip: Clip, scale: f32, mesh: &Mesh) {
        let Some(texture) = self.textures.get(&mesh.texture_id) else { return };
        for triangle in mesh.indices.chunks_exact(3) {
            let corners = [0, 1, 2].map(|corner| &mesh.vertices[triangle[corner] as usize]);
            fill(canvas, width, clip, scale, texture, corners);
        }
    }
}

impl Texture {
    fn sample(&self, u: f32, v: f32) -> Rgba {
        let (x, y) = (u * self.width as f32 - 0.5, v * self.height as f32 - 0.5);
        let clamp = |value: f32, count: usize| (value.max(0.0) as usize).min(count - 1);
        let get = |x: f32, y: f32| self.pixels[clamp(y, self.height) * self.width + clamp(x, self.width)];
        if self.nearest {
            return get((x + 0.5).floor(), (y + 0.5).floor());
        }
        let (left, top) = (x.floor(), y.floor());
        let (right_share, low_share) = (x - left, y - top);
        let mix = |a: Rgba, b: Rgba, share: f32| std::array::from_fn(|i| a[i] * (1.0 - share) + b[i] * share);
        let upper = mix(get(left, top), get(left + 1.0, top), right_share);
        let lower = mix(get(left, top + 1.0), get(left + 1.0, top + 1.0), right_share);
        mix(upper, lower, low_share)
    }
}

/// Fills a triangle by its barycentric coordinates, with the top-left rule at shared edges.
fn fill(canvas: &mut [Rgba], width: usize, clip: Clip, scale: f32, texture: &Texture, corners: [&Vertex; 3]) {
    let p = corners.map(|vertex| [f64::from(vertex.pos.x * scale), f64::from(vertex.pos.y * scale)]);
    let cross = |a: [f64; 2], b: [f64; 2], at: [f64; 2]| {
        (b[0] - a[0]) * (at[1] - a[1]) - (b[1] - a[1]) * (at[0] - a[0])
    };
    let area = cross(p[0], p[1], p[2]);
    if !area.is_finite() || area.abs() < 1e-9 {
        return;
    }
    let edges = [[1, 2], [2, 0], [0, 1]];
    let is_top_left = edges.map(|[a, b]| {
        let [dx, dy] = [0, 1].map(|axis| (p[b][axis] - p[a][axis]) * area.signum());
        dy < 0.0 || (dy == 0.0 && dx > 0.0)
    });
    let colors = corners.map(|vertex| to_rgba(&vertex.color));
    let reach = |axis: usize| {
        let low = p.iter().map(|point| point[axis]).fold(f64::INFINITY, f64::min).floor().max(0.0) as usize;
        let high =
            p.iter().map(|point| point[axis]).fold(f64::NEG_INFINITY, f64::max).ceil().max(0.0) as usize;
        low.max(clip.min[axis])..high.min(clip.max[axis])
    };
    for y in reach(1) {
        for x in reach(0) {
            let at = [x as f64 + 0.5, y as f64 + 0.5];
            let shares = edges.map(|[a, b]| cross(p[a], p[b], at) / area);
            if (0..3).any(|i| shares[i] < 0.0 || (shares[i] == 0.0 && !is_top_left[i])) {
                continue;
            }
            let shares = shares.map(|share| share as f32);
            let weighted = |values: [f32; 3]| (0..3).map(|i| shares[i] * values[i]).sum::<f32>();
            let texel = texture.sample(weighted(corners.map(|v| v.uv.x)), weighted(corners.map(|v| v.uv.y)));
            let source: Rgba = std::array::from_fn(|i| texel[i] * weighted(colors.map(|color| color[i])));
            let pixel = &mut canvas[y * width + x];
            *pixel = std::array::from_fn(|i| source[i] + pixel[i] * (1.0 - source[3]));
        }
    }
}

fn to_rgba(color: &egui::Color32) -> Rgba {
    color.to_array().map(|value| f32::from(value) / 255.0)
}

fn to_bytes([r, g, b, a]: Rgba) -> [u8; 4] {
    let straight = |value: f32| if a > 0.0 { (value / a * 255.0 + 0.5).min(255.0) as u8 } else { 0 };
    [straight(r), straight(g), straight(b), (a * 255.0 + 0.5) as u8]
}
