//! The marks of a map.
use crate::{
    embedding::{Map, Placement},
    ui::{
        look::{Look, MARK_ROOM, class_mark},
        plot::bounds::{self, Range, Shown},
        theme::semibold,
        views::pointed::Pointed,
        widgets::{card, fitted, picture, thousands},
    },
};
use egui::{
    Color32, ColorImage, FontId, Pos2, Rect, Response, Sense, Stroke, TextureHandle, TextureOptions, Ui,
    Vec2, pos2, vec2,
};
use egui_plot::{Plot, PlotPoint, PlotPoints, PlotTransform, Points};

/// With more classes than that, names are shown only under the pointer.
const NAMED: usize = 20;
/// How near to a mark the pointer has to be, in points.
const NEAR: f32 = 14.0;
const MARK: f32 = 2.6;
/// The side of the picture of the image beneath the pointer, in points.
pub const THUMBNAIL: f32 = 36.0;
/// The widest name on the map, in points.
const NAME: f32 = 180.0;
/// Times as much room around the marks as a mark at the edge of a plot needs.
const ROOM: f32 = 2.0;

/// What the marks keep between frames.
#[derive(Default)]
pub struct Scatter {
    /// Of x and y.
    shown: [Shown; 2],
    /// The image beneath the pointer, and the picture of the last one.
    pointed: Option<usize>,
    thumbnail: Option<(usize, TextureHandle)>,
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
            self.pointed = pointed(map, &shown.response, &shown.transform);
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

    /// What the image beneath the pointer is, with its picture, in a line as high as that.
    pub fn pointed(&mut self, ui: &mut Ui, map: &Map) {
        if let Some(image) = self.pointed
            && self.thumbnail.as_ref().is_none_or(|(known, _)| *known != image)
        {
            let texture = ui.ctx().load_texture("pointed", thumbnail(map, image), TextureOptions::NEAREST);
            self.thumbnail = Some((image, texture));
        }
        let said = self.pointed.map(|image| {
            let (class, split) = (map.embedded.class_name(image), map.embedded.split.id());
            format!("{class} · {split} image {}", thousands(map.embedded.examples[image].into()))
        });
        ui.horizontal(|ui| {
            let (place, _) = ui.allocate_exact_size(Vec2::splat(THUMBNAIL), Sense::hover());
            if let Some((_, texture)) = self.thumbnail.as_ref().filter(|_| self.pointed.is_some()) {
                let size = texture.size_vec2();
                let shown = Rect::from_center_size(place.center(), size * (THUMBNAIL / size.max_elem()));
                let whole = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
                ui.painter().image(texture.id(), shown, whole, Color32::WHITE);
            }
            let hint = "Point at a mark to see its image.";
            Pointed::reserve(ui).say(ui, said.as_deref(), hint);
        });
    }
}

/// The image nearest to the pointer.
fn pointed(map: &Map, response: &Response, transform: &PlotTransform) -> Option<usize> {
    let pointer = response.hover_pos()?;
    let distance = |position: &[f32; 2]| on_screen(transform, *position).distance(pointer);
    let all = map.positions.iter().map(distance).enumerate();
    let nearest = all.min_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, distance)| *distance < NEAR);
    nearest.map(|(image, _)| image)
}

/// The mark of each class and its name.
fn legend(ui: &mut Ui, class_names: &[String]) {
    ui.horizontal_wrapped(|ui| {
        for (class, name) in class_names.iter().enumerate() {
            ui.spacing_mut().item_spacing.x = 5.0;
            let (rect, _) = ui.allocate_exact_size(vec2(MARK_ROOM, 14.0), Sense::hover());
            class_mark(ui, rect, class);
            ui.label(name);
            ui.add_space(9.0);
        }
    });
}

/// Of one class, in a colour and a shape of its own.
fn marks(map: &Map, class: usize, dark: bool) -> Points<'static> {
    let Look { color, marker, .. } = Look::of_class(class, dark);
    let labelled = map.positions.iter().zip(&map.embedded.labels);
    let points = labelled
        .filter(|(_, label)| usize::from(**label) == class)
        .map(|([x, y], _)| PlotPoint::new(*x, *y))
        .collect();
    let name = map.embedded.class_names.get(class).cloned().unwrap_or_default();
    Points::new(name, PlotPoints::Owned(points)).color(color).radius(MARK).shape(marker)
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
