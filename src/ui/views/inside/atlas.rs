//! Many small pictures of one size in one texture, each of which can be chosen.
use egui::{
    Color32, ColorImage, Context, Rect, Role, Sense, Stroke, StrokeKind, TextureHandle, TextureOptions, Ui,
    WidgetInfo, pos2, vec2,
};

/// Between two pictures, in points.
const GAP: f32 = 4.0;

/// What the pointer does to the pictures.
#[derive(Clone, Copy, Default)]
pub struct Touched {
    pub pointed: Option<usize>,
    pub clicked: Option<usize>,
}

pub struct Atlas {
    texture: TextureHandle,
    count: usize,
    /// Pictures in a row of the texture, and rows.
    grid: [usize; 2],
    /// Height and width of a picture, in pixels.
    size: [usize; 2],
}

impl Atlas {
    /// Pictures one after another, row by row.
    pub fn new(ctx: &Context, name: &str, size: [usize; 2], pixels: &[[u8; 3]]) -> Self {
        let [height, width] = size;
        let count = pixels.len() / (height * width).max(1);
        let across = (count as f32).sqrt().ceil().max(1.0) as usize;
        let grid = [across, count.div_ceil(across).max(1)];
        let mut image = ColorImage::filled([width * grid[0], height * grid[1]], Color32::BLACK);
        for (index, [red, green, blue]) in pixels.iter().enumerate() {
            let (picture, pixel) = (index / (height * width), index % (height * width));
            let row = picture / across * height + pixel / width;
            let column = picture % across * width + pixel % width;
            image.pixels[row * width * across + column] = Color32::from_rgb(*red, *green, *blue);
        }
        let texture = ctx.load_texture(name, image, TextureOptions::NEAREST);
        Self { texture, count, grid, size }
    }

    /// All pictures, `side` points high.
    pub fn ui(
        &self,
        ui: &mut Ui,
        side: f32,
        chosen: Option<usize>,
        name: impl Fn(usize) -> String,
    ) -> Touched {
        let picture = vec2(side * self.size[1] as f32 / self.size[0].max(1) as f32, side);
        let cell = picture + vec2(GAP, GAP);
        let across = ((ui.available_width() / cell.x) as usize).max(1);
        let down = self.count.div_ceil(across);
        let (area, _) = ui.allocate_exact_size(
            vec2(self.count.min(across) as f32 * cell.x, down as f32 * cell.y),
            Sense::hover(),
        );
        let mut touched = Touched::default();
        for index in 0..self.count {
            let at = vec2((index % across) as f32, (index / across) as f32);
            let place = Rect::from_min_size(area.min + at * cell, picture);
            if !ui.is_rect_visible(place) {
                continue;
            }
            let response =
                ui.interact(place, ui.scope_id().with((self.texture.name(), index)), Sense::click());
            response.widget_info(|| WidgetInfo::labeled(Role::Button, true, name(index)));
            ui.painter().image(self.texture.id(), place, self.part(index), Color32::WHITE);
            let is_chosen = chosen == Some(index);
            if is_chosen || response.hovered() || response.has_focus() {
                let color = ui.visuals().selection.bg_fill;
                let stroke = Stroke::new(if is_chosen { 3.0 } else { 1.5 }, color);
                ui.painter().rect_stroke(place, 0.0, stroke, StrokeKind::Outside);
            }
            if response.hovered() || response.has_focus() {
                touched.pointed = Some(index);
            }
            if response.clicked() {
                touched.clicked = Some(index);
            }
        }
        touched
    }

    fn part(&self, index: usize) -> Rect {
        let [across, down] = self.grid.map(|count| count as f32);
        let at =
            |index: usize| pos2((index % self.grid[0]) as f32 / across, (index / self.grid[0]) as f32 / down);
        Rect::from_min_size(at(index), vec2(1.0 / across, 1.0 / down))
    }
}
