//! The confusion matrix: a row for each label, a column for each class that its images are taken for.
use super::{
    figures::Figures,
    list::{Kind, cell_name},
};
use crate::ui::{
    Action,
    save::{self, Mark, Source},
    theme,
    views::pointed::Pointed,
    widgets::{card, percent, strong, thousands},
};
use egui::{
    Align2, Color32, EventFilter, FontId, Key, Mesh, Painter, Pos2, Rect, Response, RichText, Role,
    ScrollArea, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, vec2,
};
use names::Names;
use std::ops::RangeInclusive;

mod names;

/// The side of a cell: as large as there is room for, and no smaller than a name needs; in points.
const CELL: RangeInclusive<f32> = 17.0..=44.0;
/// The smallest cell width for numbers.
const LEGIBLE: f32 = 21.0;
/// What is higher scrolls.
const HIGHEST: f32 = 560.0;
/// More classes than that are shown in groups at first.
const MANY: usize = 20;

const KEYS: &str = "The arrow keys lead from cell to cell, and Enter shows the images of one";

/// What it keeps between frames.
#[derive(Default)]
pub struct Matrix {
    shares: bool,
    /// Whether classes that are confused lie together, where somebody has chosen.
    grouped: Option<bool>,
    /// The cell that the arrow keys have led to: its label and class.
    cursor: Option<[usize; 2]>,
}

/// Where its cells are, whether in sight or not.
#[derive(Clone, Copy)]
struct Layout<'a> {
    origin: Pos2,
    cell: f32,
    /// Classes from the top, and from the left.
    order: &'a [usize],
    /// The part of the screen in which cells are in sight.
    seen: Rect,
}

impl Matrix {
    /// Gives the label and the class of a cell whose images are to be shown.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        figures: &Figures,
        shown: Kind,
        source: &Source,
        actions: &mut Vec<Action>,
    ) -> Option<(u16, u16)> {
        let (mut chosen, mut wanted) = (None, None);
        card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            let order = self.order(figures);
            ui.horizontal_wrapped(|ui| {
                ui.label(strong("Confusion matrix")).on_hover_text(KEYS);
                self.switches(ui, figures.class_names.len());
                wanted = save::menu(ui, "the confusion matrix", &save::PLOT);
            });
            let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
            ui.label(RichText::new("Rows: what it is. Columns: what it is taken for.").small().weak());
            let names = Names::new(ui, &figures.class_names);
            let room = ui.available_width() - names.margin();
            let cell = (room / order.len().max(1) as f32).clamp(*CELL.start(), *CELL.end());
            let head = names.head(cell);
            let area = ScrollArea::both().id_salt("matrix").max_height(HIGHEST).auto_shrink(true);
            let pointed = area.show(ui, |ui| {
                let size = vec2(names.margin(), head) + vec2(cell, cell) * order.len() as f32;
                let (rect, response) = ui.allocate_exact_size(size, Sense::click());
                let seen = rect.intersect(ui.clip_rect());
                let layout = Layout {
                    origin: rect.min + vec2(names.margin(), head),
                    cell,
                    order: &order,
                    seen: seen.with_min_x(seen.left() + names.margin()).with_min_y(seen.top() + head),
                };
                chosen = self.follow(ui, &response, layout, vec2(names.margin(), head));
                self.paint(ui, layout, figures);
                names.paint(ui, layout, head);
                self.describe(&response, ui.is_enabled(), figures);
                // What is chosen is no part of what is saved.
                if wanted.is_none() {
                    self.mark_chosen(&ui.painter().with_clip_rect(layout.seen), ui, layout, shown);
                }
                response.hover_pos().and_then(|at| layout.at(at))
            });
            let within = ui.min_rect().with_min_y(top);
            let caption = source.title("Confusion matrix").into();
            actions.extend(mark.save(ui, wanted, within, &caption, || table(figures, source)));
            let said = pointed.inner.map(|[label, predicted]| spoken(figures, label, predicted));
            let hint = "Point at a cell to read it, click it to see its images.";
            Pointed::reserve(ui).say(ui, said.as_deref(), hint);
        });
        chosen.map(|[label, predicted]| (label as u16, predicted as u16))
    }

    fn order(&self, figures: &Figures) -> Vec<usize> {
        let count = figures.class_names.len();
        if self.grouped.unwrap_or(count > MANY) { figures.groups.clone() } else { (0..count).collect() }
    }

    fn switches(&mut self, ui: &mut Ui, count: usize) {
        ui.selectable_value(&mut self.shares, false, "Counts").on_hover_text("Numbers of images");
        ui.selectable_value(&mut self.shares, true, "Shares")
            .on_hover_text("Of the images of a row, in per cent");
        let mut grouped = self.grouped.unwrap_or(count > MANY);
        let help = "Puts classes that are taken for each other side by side, the most confused ones first";
        if ui.checkbox(&mut grouped, "Grouped").on_hover_text(help).changed() {
            self.grouped = Some(grouped);
        }
    }

    /// Clicks and keys. `around` is the room that names take above and beside the cells.
    fn follow(
        &mut self,
        ui: &Ui,
        response: &Response,
        layout: Layout<'_>,
        around: egui::Vec2,
    ) -> Option<[usize; 2]> {
        if response.clicked()
            && let Some(at) = response.interact_pointer_pos().and_then(|at| layout.at(at))
        {
            self.cursor = Some(at);
            response.request_focus();
            return Some(at);
        }
        if !response.has_focus() {
            return None;
        }
        let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        let ways = [
            (Key::ArrowUp, [-1, 0]),
            (Key::ArrowDown, [1, 0]),
            (Key::ArrowLeft, [0, -1]),
            (Key::ArrowRight, [0, 1]),
        ];
        for (_, way) in ways.into_iter().filter(|(key, _)| pressed(*key)) {
            let to = layout.beside(self.cursor, way);
            self.cursor = to;
            if let Some(place) = to.and_then(|cell| layout.place(cell)) {
                ui.scroll_to_rect(Rect::from_min_max(place.min - around, place.max), None);
            }
        }
        self.cursor.filter(|_| pressed(Key::Enter) || pressed(Key::Space))
    }

    fn paint(&self, ui: &Ui, layout: Layout<'_>, figures: &Figures) {
        let colors = theme::run_colors(ui.visuals().dark_mode);
        let painter = ui.painter().with_clip_rect(layout.seen);
        painter.rect_filled(layout.seen, 0.0, ui.visuals().extreme_bg_color);
        let (mut mesh, mut numbers) = (Mesh::default(), vec![]);
        for (label, counts) in figures.confusion.iter().enumerate() {
            let images: usize = counts.iter().sum();
            for (predicted, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let Some(place) = layout.place([label, predicted]) else { continue };
                if !layout.seen.intersects(place) {
                    continue;
                }
                let share = *count as f64 / images.max(1) as f64;
                // Rare mistakes must stay visible where most answers are right.
                let strength = (0.12 + 0.78 * share.powf(0.4)) as f32;
                let hue = if label == predicted { colors[0] } else { colors[1] };
                mesh.add_colored_rect(place.shrink(0.5), hue.gamma_multiply(strength));
                // Half a number would be another one.
                if layout.cell >= LEGIBLE && layout.seen.expand(1.0).contains_rect(place) {
                    numbers.push((place, *count, share, strength));
                }
            }
        }
        painter.add(Shape::mesh(mesh));
        for (place, count, share, strength) in numbers {
            self.number(ui, place, count, share, strength);
        }
        ui.painter().rect_stroke(layout.seen, 0.0, ui.visuals().window_stroke, StrokeKind::Inside);
    }

    fn mark_chosen(&self, painter: &Painter, ui: &Ui, layout: Layout<'_>, shown: Kind) {
        let mark = |cell: [usize; 2], stroke: Stroke| {
            let place = layout.place(cell);
            place.map(|place| painter.rect_stroke(place, 2.0, stroke, StrokeKind::Middle))
        };
        if let Kind::Cell(label, predicted) = shown {
            mark([label.into(), predicted.into()], Stroke::new(3.0, ui.visuals().strong_text_color()));
        }
        if let Some(cell) = self.cursor {
            mark(cell, Stroke::new(2.0, ui.visuals().selection.bg_fill));
        }
    }

    fn number(&self, ui: &Ui, place: Rect, count: usize, share: f64, strength: f32) {
        let text = match self.shares {
            true if share >= 0.0995 => format!("{:.0}", share * 100.0),
            true => format!("{:.1}", share * 100.0),
            false => count.to_string(),
        };
        let room = place.width() / text.len().max(2) as f32;
        let size = (room * 1.55).clamp(8.0, 14.0);
        let strong = ui.visuals().strong_text_color();
        // On full colour the ink of the theme is hard to read.
        let ink = match (ui.visuals().dark_mode, strength > 0.6) {
            (true, true) => Color32::BLACK,
            (false, true) => Color32::WHITE,
            _ => strong,
        };
        ui.painter().text(place.center(), Align2::CENTER_CENTER, text, FontId::proportional(size), ink);
    }

    fn describe(&self, response: &Response, is_enabled: bool, figures: &Figures) {
        let text = match self.cursor {
            Some([label, predicted]) => format!("Confusion matrix, at {}", spoken(figures, label, predicted)),
            None => format!("Confusion matrix of {} classes", figures.class_names.len()),
        };
        response.widget_info(|| WidgetInfo::labeled(Role::ListBox, is_enabled, &text));
    }
}

impl Layout<'_> {
    fn position(self, class: usize) -> Option<usize> {
        self.order.iter().position(|of| *of == class)
    }

    /// Of a label and a class.
    fn place(self, [label, predicted]: [usize; 2]) -> Option<Rect> {
        let at = vec2(self.position(predicted)? as f32, self.position(label)? as f32);
        Some(Rect::from_min_size(self.origin + at * self.cell, vec2(self.cell, self.cell)))
    }

    /// The label and the class of the cell in sight at a point.
    fn at(self, point: Pos2) -> Option<[usize; 2]> {
        let way = (point - self.origin) / self.cell;
        let class = |way: f32| self.order.get(way as usize).copied().filter(|_| way >= 0.0);
        self.seen.contains(point).then_some([class(way.y)?, class(way.x)?])
    }

    /// The cell that lies so many rows and columns from another one, the first where there is no other.
    fn beside(self, cell: Option<[usize; 2]>, way: [isize; 2]) -> Option<[usize; 2]> {
        let first = *self.order.first()?;
        let Some(cell) = cell else { return Some([first, first]) };
        let step = |class: usize, way: isize| {
            let at = self.position(class)?.saturating_add_signed(way);
            Some(self.order[at.min(self.order.len() - 1)])
        };
        Some([step(cell[0], way[0])?, step(cell[1], way[1])?])
    }
}

/// A row for each label, a column for each class that its images are taken for.
fn table(figures: &Figures, source: &Source) -> anyhow::Result<save::File> {
    let header: Vec<&str> =
        std::iter::once("label").chain(figures.class_names.iter().map(String::as_str)).collect();
    let rows = figures.class_names.iter().zip(&figures.confusion).map(|(name, counts)| {
        std::iter::once(name.clone()).chain(counts.iter().map(ToString::to_string)).collect()
    });
    source.table("Confusion matrix", &header, rows)
}

/// "4 taken for 9: 12 of 982 images (1.2 %)".
fn spoken(figures: &Figures, label: usize, predicted: usize) -> String {
    let Some(counts) = figures.confusion.get(label) else { return String::new() };
    let (count, images) = (counts.get(predicted).copied().unwrap_or_default(), counts.iter().sum::<usize>());
    let share = percent(count as f64 / images.max(1) as f64);
    let cell = cell_name(&figures.class_names, label as u16, predicted as u16);
    format!("{cell}: {} of {} images ({share})", thousands(count as u64), thousands(images as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    #[test]
    fn a_point_on_a_cell_is_that_cell_in_any_order() {
        let order = [2, 0, 1];
        let seen = Rect::from_min_max(pos2(50.0, 20.0), pos2(140.0, 95.0));
        let layout = Layout { origin: pos2(50.0, 20.0), cell: 30.0, order: &order, seen };
        for cell in [[2, 2], [0, 1], [1, 0]] {
            assert_eq!(layout.at(layout.place(cell).unwrap().center()), Some(cell));
        }
        assert_eq!(layout.place([2, 0]).unwrap().min, pos2(80.0, 20.0));
        let out = [pos2(49.0, 25.0), pos2(60.0, 100.0)];
        assert_eq!(out.map(|at| layout.at(at)), [None, None], "beside the cells, and scrolled out of sight");
    }

    #[test]
    fn arrow_keys_lead_along_the_rows_as_they_are_shown() {
        let order = [2, 0, 1];
        let layout = Layout { origin: Pos2::ZERO, cell: 30.0, order: &order, seen: Rect::EVERYTHING };
        assert_eq!(layout.beside(None, [1, 0]), Some([2, 2]));
        assert_eq!(layout.beside(Some([2, 2]), [1, 0]), Some([0, 2]));
        assert_eq!(layout.beside(Some([0, 2]), [0, -1]), Some([0, 2]), "there is nothing beyond the first");
        assert_eq!(layout.beside(Some([1, 1]), [0, 1]), Some([1, 1]));
    }
}
