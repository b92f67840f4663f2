//! Draws egui's meshes on the CPU: no GPU, no driver, the same bytes everywhere.
use egui::{
    Color32, ColorImage, Rect,
    epaint::{Mesh, Vertex},
};

/// Premultiplied red, green, blue and alpha, from 0 to 1.
type Rgba = [f32; 4];

/// A picture that is being drawn.
pub struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Rgba>,
}

/// What meshes are covered with.
pub struct Texture {
    width: usize,
    height: usize,
    pixels: Vec<Rgba>,
    /// Each pixel as a square, instead of a smooth way between their centres.
    nearest: bool,
}

/// Pixels, from `min` to before `max`.
#[derive(Clone, Copy)]
struct Clip {
    min: [usize; 2],
    max: [usize; 2],
}

impl Canvas {
    /// A picture without anything on it.
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![[0.0; 4]; width * height] }
    }

    /// Draws what of a mesh lies within `clip`, at `scale` pixels for each point.
    pub fn draw(&mut self, mesh: &Mesh, texture: &Texture, clip: Rect, scale: f32) {
        let clip = clip * scale;
        let pixel = |value: f32, limit: usize| (value.round().max(0.0) as usize).min(limit);
        let min = [pixel(clip.min.x, self.width), pixel(clip.min.y, self.height)];
        let max = [pixel(clip.max.x, self.width), pixel(clip.max.y, self.height)];
        for triangle in mesh.indices.chunks_exact(3) {
            let corners = [0, 1, 2].map(|corner| &mesh.vertices[triangle[corner] as usize]);
            self.fill(Clip { min, max }, scale, texture, corners);
        }
    }

    /// Red, green, blue and alpha of each pixel, row by row, not premultiplied.
    pub fn bytes(&self) -> Vec<u8> {
        self.pixels.iter().flat_map(|color| to_bytes(*color)).collect()
    }

    /// Fills a triangle by its barycentric coordinates, with the top-left rule at shared edges.
    fn fill(&mut self, clip: Clip, scale: f32, texture: &Texture, corners: [&Vertex; 3]) {
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
            let values = || p.iter().map(|point| point[axis]);
            let low = values().fold(f64::INFINITY, f64::min).floor().max(0.0) as usize;
            let high = values().fold(f64::NEG_INFINITY, f64::max).ceil().max(0.0) as usize;
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
                let [u, v] = [weighted(corners.map(|c| c.uv.x)), weighted(corners.map(|c| c.uv.y))];
                let texel = texture.sample(u, v);
                let source: Rgba = std::array::from_fn(|i| texel[i] * weighted(colors.map(|color| color[i])));
                let pixel = &mut self.pixels[y * self.width + x];
                *pixel = std::array::from_fn(|i| source[i] + pixel[i] * (1.0 - source[3]));
            }
        }
    }
}

impl Texture {
    /// A texture; `nearest` shows its pixels as squares instead of smoothing them.
    pub fn new(image: &ColorImage, nearest: bool) -> Self {
        let [width, height] = image.size;
        Self { width, height, pixels: image.pixels.iter().map(to_rgba).collect(), nearest }
    }

    /// Replaces a part of it.
    pub fn update(&mut self, [left, top]: [usize; 2], image: &ColorImage) {
        let [width, height] = image.size;
        for row in 0..height {
            let start = (top + row) * self.width + left;
            let source = &image.pixels[row * width..][..width];
            self.pixels[start..start + width]
                .iter_mut()
                .zip(source)
                .for_each(|(to, from)| *to = to_rgba(from));
        }
    }

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

fn to_rgba(color: &Color32) -> Rgba {
    color.to_array().map(|value| f32::from(value) / 255.0)
}

fn to_bytes([r, g, b, a]: Rgba) -> [u8; 4] {
    let straight = |value: f32| if a > 0.0 { (value / a * 255.0 + 0.5).min(255.0) as u8 } else { 0 };
    [straight(r), straight(g), straight(b), (a * 255.0 + 0.5) as u8]
}
