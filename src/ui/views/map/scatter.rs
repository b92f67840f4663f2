//! The marks of a map.
use crate::{
    embedding::{Map, Placement},
    ui::{
        plot::bounds::{self, Range, Shown},
        theme::{RUN_COLORS, run_colors, semibold},
        widgets::{card, fitted, picture, thousands},
    },
};
use egui::{
    Color32, ColorImage, FontId, Image, Painter, Pos2, Rect, Response, RichText, Sense, Shape, Stroke,
    TextureHandle, TextureOptions, Ui, Vec2, vec2,
};
use egui_plot::{MarkerShape, Plot, PlotPoint, PlotPoints, PlotTransform, Points};
use std::f32::consts::TAU;

/// With more classes than that, names are shown only under the pointer.
const NAMED: usize = 20;
/// How near to a mark the pointer has to be, in points.
const NEAR: f32 = 14.0;
const MARK: f32 = 2.6;
/// The widest name on the map, in points.
const NAME: f32 = 180.0;
/// Times as much room around the marks as a mark at the edge of a plot needs.
const ROOM: f32 = 2.0;

/// What the marks keep between frames.
#[derive(Default)]
pub struct Scatter {
    /// Of x and y.
    shown: [Shown; 2],
    /// The image beneath the pointer.
    hovered: Option<(usize, TextureHandle)>,
}

impl Scatter {
    /// Shows all marks again.
    pub fn reset(&mut self) {
        self.shown = [Shown::default(); 2];
    }

    /// `placed` is where the image on the draw pad lies, and what it is called. Gives where the map is on the screen.
    pub fn ui(&mut self, ui: &mut Ui, map: &Map, placed: Option<(&Placement, &str)>, height: f32) -> Rect {
        let frame = card(ui).show(ui, |ui| {
            let classes = map.embedded.class_names.len();
            let top = ui.cursor().top();
            if classes <= NAMED {
                legend(ui, &map.embedded.class_names);
            }
            let size = vec2(ui.available_width(), height - 26.0 - (ui.cursor().top() - top));
            let all = everything(map, placed.map(|(placement, _)| placement), size);
            let set = bounds::alike(self.shown, all);
            let plot = Plot::new("map")
                .width(size.x)
                .height(size.y)
                .show_axes(false)
                .show_background(false)
                .show_crosshair(false)
                // The page scrolls by the wheel; what else hands do is followed within bounds.
                .allow_scroll(false)
                .allow_drag(false)
                .allow_zoom(false)
                .allow_double_click_reset(false)
                .grid_color(ui.visuals().weak_text_color().gamma_multiply(0.2))
                .label_formatter(|_| None);
            let dark = ui.visuals().dark_mode;
            let shown = plot.show(ui, |plot| {
                let steered = bounds::steered(plot, set);
                plot.set_plot_bounds(bounds::to_set(set));
                for class in 0..classes {
                    plot.points(marks(map, class, dark));
                }
                steered
            });
            self.steer(&shown.response, shown.inner.or_else(|| bounds::boxed(&shown.transform, set)), all);
            let spoken = format!("Map of {} images", thousands(map.positions.len() as u64));
            shown.response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &spoken));
            let taken = placed.map(|placed| drawing(ui, map, placed, &shown.transform));
            if classes <= NAMED {
                names(ui, map, &shown.transform, taken);
            }
            self.hover(ui, map, &shown.response, &shown.transform);
        });
        frame.response.rect
    }

    /// Pans and zooms, within the bounds of the map.
    fn steer(&mut self, response: &Response, chosen: Option<[Range; 2]>, all: [Range; 2]) {
        if response.double_clicked() {
            self.reset();
        } else if let Some(chosen) = chosen {
            (0..2).for_each(|axis| self.shown[axis].choose(chosen[axis], all[axis]));
        }
    }

    /// The image nearest to the pointer, and what it is.
    fn hover(&mut self, ui: &Ui, map: &Map, response: &Response, transform: &PlotTransform) {
        let nearest = response.hover_pos().and_then(|pointer| {
            let distance = |position: &[f32; 2]| on_screen(transform, *position).distance(pointer);
            let all = map.positions.iter().map(distance).enumerate();
            all.min_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, distance)| *distance < NEAR)
        });
        let Some((image, _)) = nearest else { return };
        if self.hovered.as_ref().is_none_or(|(known, _)| *known != image) {
            let texture = ui.ctx().load_texture("hovered", thumbnail(map, image), TextureOptions::NEAREST);
            self.hovered = Some((image, texture));
        }
        let Some((_, texture)) = &self.hovered else { return };
        response.clone().on_hover_ui_at_pointer(|ui| {
            let size = texture.size_vec2();
            ui.add(Image::new((texture.id(), size * (84.0 / size.max_elem()))));
            let number = thousands(map.embedded.examples[image].into());
            ui.label(RichText::new(map.embedded.class_name(image)).strong());
            ui.label(RichText::new(format!("{} image {number}", map.embedded.split.id())).small());
        });
    }
}

/// The mark of each class and its name.
fn legend(ui: &mut Ui, class_names: &[String]) {
    let dark = ui.visuals().dark_mode;
    ui.horizontal_wrapped(|ui| {
        for (class, name) in class_names.iter().enumerate() {
            ui.spacing_mut().item_spacing.x = 5.0;
            let (rect, _) = ui.allocate_exact_size(vec2(11.0, 14.0), Sense::hover());
            let (color, shape) = look(class, dark);
            mark(ui.painter(), rect.center(), shape, color);
            ui.label(name);
            ui.add_space(9.0);
        }
    });
}

/// As egui_plot draws it.
fn mark(painter: &Painter, at: Pos2, shape: MarkerShape, color: Color32) {
    const RADIUS: f32 = 5.0;
    let stroke = Stroke::new(1.6, color);
    let around = |count: usize, turn: f32| -> Vec<Pos2> {
        let corner = |corner: usize| at + RADIUS * Vec2::angled((corner as f32 / count as f32 + turn) * TAU);
        (0..count).map(corner).collect()
    };
    let filled = |corners| Shape::convex_polygon(corners, color, Stroke::NONE);
    let rays = |ends: Vec<Pos2>| {
        Shape::Vec(ends.into_iter().map(|end| Shape::line_segment([at, end], stroke)).collect())
    };
    painter.add(match shape {
        MarkerShape::Circle => Shape::circle_filled(at, RADIUS * 0.9, color),
        MarkerShape::Diamond => filled(around(4, 0.0)),
        MarkerShape::Square => filled(around(4, 0.125)),
        MarkerShape::Cross => rays(around(4, 0.125)),
        MarkerShape::Plus => rays(around(4, 0.0)),
        MarkerShape::Up => filled(around(3, 0.75)),
        MarkerShape::Down => filled(around(3, 0.25)),
        MarkerShape::Left => filled(around(3, 0.5)),
        MarkerShape::Right => filled(around(3, 0.0)),
        MarkerShape::Asterisk => rays(around(6, 0.25)),
    });
}

/// The colour and the shape of a class's marks.
fn look(class: usize, dark: bool) -> (Color32, MarkerShape) {
    let shapes = MarkerShape::all().count();
    let shape = MarkerShape::all().nth(class % shapes).unwrap_or(MarkerShape::Circle);
    (run_colors(dark)[class % RUN_COLORS], shape)
}

/// Of one class, in a colour and a shape of its own.
fn marks(map: &Map, class: usize, dark: bool) -> Points<'static> {
    let (color, shape) = look(class, dark);
    let labelled = map.positions.iter().zip(&map.embedded.labels);
    let points = labelled
        .filter(|(_, label)| usize::from(**label) == class)
        .map(|([x, y], _)| PlotPoint::new(*x, *y))
        .collect();
    let name = map.embedded.class_names.get(class).cloned().unwrap_or_default();
    Points::new(name, PlotPoints::Owned(points)).color(color).radius(MARK).shape(shape)
}

/// The name of each class in the middle of its images, where that is not `taken` by another one.
fn names(ui: &Ui, map: &Map, transform: &PlotTransform, taken: Option<Rect>) {
    let (frame, mut taken) = (*transform.frame(), Vec::from_iter(taken));
    let (ink, around) = (ui.visuals().strong_text_color(), ui.visuals().window_fill.gamma_multiply(0.8));
    for (class, name) in map.embedded.class_names.iter().enumerate() {
        let mine = map.positions.iter().zip(&map.embedded.labels);
        let mine = mine.filter(|(_, label)| usize::from(**label) == class).map(|(position, _)| *position);
        let positions: Vec<[f32; 2]> = mine.collect();
        let middle = [0, 1].map(|axis| median(positions.iter().map(|position| position[axis]).collect()));
        let [Some(x), Some(y)] = middle else { continue };
        let name = fitted(ui, name, FontId::new(19.0, semibold()), ink, NAME);
        let place = Rect::from_center_size(on_screen(transform, [x, y]), name.size());
        if !frame.contains_rect(place) || taken.iter().any(|other| other.intersects(place)) {
            continue;
        }
        taken.push(place);
        for shift in [vec2(-1.5, 0.0), vec2(1.5, 0.0), vec2(0.0, -1.5), vec2(0.0, 1.5)] {
            ui.painter().galley_with_override_text_color(place.min + shift, name.clone(), around);
        }
        ui.painter().galley(place.min, name, ink);
    }
}

fn median(mut numbers: Vec<f32>) -> Option<f32> {
    numbers.sort_unstable_by(f32::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}

/// The drawing, with lines to its nearest neighbours. Gives where its name stands.
fn drawing(ui: &Ui, map: &Map, (placement, name): (&Placement, &str), transform: &PlotTransform) -> Rect {
    let painter = ui.painter().with_clip_rect(*transform.frame());
    let color = ui.visuals().strong_text_color();
    let at = on_screen(transform, placement.position);
    for (image, _) in &placement.nearest {
        let other = on_screen(transform, map.positions[*image]);
        painter.line_segment([at, other], Stroke::new(1.0, color.gamma_multiply(0.5)));
    }
    painter.circle(at, 8.0, ui.visuals().window_fill, Stroke::new(3.0, color));
    painter.circle_filled(at, 3.0, color);
    let text = painter.layout_no_wrap(name.into(), FontId::new(15.0, semibold()), color);
    // Beside it, where there is room.
    let is_at_the_edge = at.x + 16.0 + text.size().x > transform.frame().right();
    let label = at + vec2(if is_at_the_edge { -12.0 - text.size().x } else { 12.0 }, 0.0);
    let behind = Rect::from_min_size(label - vec2(0.0, text.size().y / 2.0), text.size()).expand(3.0);
    painter.rect_filled(behind, 4.0, ui.visuals().window_fill.gamma_multiply(0.85));
    painter.galley(behind.min + Vec2::splat(3.0), text, Color32::PLACEHOLDER);
    behind
}

/// Where there is anything on the map, with a little room around it, at one scale.
fn everything(map: &Map, placed: Option<&Placement>, size: Vec2) -> [Range; 2] {
    let data = [0, 1].map(|axis| {
        let drawing = placed.map(|placement| placement.position[axis]);
        let places = map.positions.iter().map(|position| position[axis]).chain(drawing);
        bounds::padded(bounds::spread(places.map(f64::from)), if axis == 0 { size.x } else { size.y } / ROOM)
    });
    bounds::at_one_scale(data, size)
}

fn on_screen(transform: &PlotTransform, [x, y]: [f32; 2]) -> Pos2 {
    transform.position_from_point(&PlotPoint::new(x, y))
}

fn thumbnail(map: &Map, image: usize) -> ColorImage {
    let shape = map.embedded.thumbnail_shape;
    let size = shape.len();
    picture(shape, &map.embedded.thumbnails[image * size..][..size])
}
