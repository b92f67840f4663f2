//! The confusion matrix: a row for each label, a column for each class that its images are taken for.
use super::{
    figures::Figures,
    list::{Kind, cell_name},
};
use crate::ui::{
    Action,
    save::{self, Mark, Source},
    theme,
    widgets::{card, fitted, percent, strong, thousands},
};
use egui::{
    Align2, Color32, EventFilter, FontId, Galley, Key, Mesh, Pos2, Rect, Response, RichText, Role, Sense,
    Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use std::sync::Arc;

/// The smallest cell width for numbers, and the smallest row height for names, in points.
const LEGIBLE: f32 = 21.0;
const NAMED: f32 = 12.0;
/// The largest letters of a name, in points.
const LARGEST: f32 = 13.5;

/// What it keeps between frames.
#[derive(Default)]
pub struct Matrix {
    shares: bool,
    /// The cell that the arrow keys have led to: its row and column.
    cursor: Option<[usize; 2]>,
}

/// Where its cells are.
#[derive(Clone, Copy)]
struct Layout {
    origin: Pos2,
    cell: f32,
    classes: usize,
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
            ui.horizontal_wrapped(|ui| {
            ui.label(strong("Confusion matrix")).on_hover_text("Each row holds the images of one class, each column those taken for one class. What is right lies on the diagonal. Click a cell to see its images, or lead to it with the arrow keys and press Enter.");
                ui.selectable_value(&mut self.shares, false, "Counts").on_hover_text("Numbers of images");
                ui.selectable_value(&mut self.shares, true, "Shares").on_hover_text("Of the images of a row, in per cent");
                wanted = save::menu(ui, "the confusion matrix", &save::PLOT);
            });
            let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
            ui.label(RichText::new("Rows: what it is. Columns: what it is taken for.").small().weak());
            let layout;
            (chosen, layout) = self.cells(ui, figures);
            let within = ui.min_rect().with_min_y(top);
            let caption = source.title("Confusion matrix").into();
            actions.extend(mark.save(ui, wanted, within, &caption, || table(figures, source)));
            // What is chosen is no part of what is saved.
            self.mark_chosen(ui, layout, shown);
        });
        chosen
    }

    /// Gives what is chosen now, and where the cells are.
    fn cells(&mut self, ui: &mut Ui, figures: &Figures) -> (Option<(u16, u16)>, Layout) {
        let names = &figures.class_names;
        let width = ui.available_width();
        let widest = names.iter().map(|name| written(ui, name, LARGEST).size().x).fold(0.0, f32::max);
        let margin = 10.0 + widest;
        let cell = ((width - margin) / names.len().max(1) as f32).clamp(1.0, 44.0);
        let is_named = cell >= NAMED;
        let margin = if is_named { margin } else { 0.0 };
        let side = cell * names.len() as f32;
        let beneath = if is_named && widest < cell { 20.0 } else { 0.0 };
        let (rect, response) = ui.allocate_exact_size(vec2(margin + side, side + beneath), Sense::click());
        let layout = Layout { origin: pos2(rect.left() + margin, rect.top()), cell, classes: names.len() };
        let chosen = self.follow(ui, &response, layout);
        self.paint(ui, layout, figures);
        if is_named {
            write_names(ui, layout, names, beneath > 0.0);
        }
        self.describe(&response, ui.is_enabled(), figures);
        if let Some([row, column]) = response.hover_pos().and_then(|at| layout.at(at)) {
            response.on_hover_text_at_pointer(spoken(figures, row, column));
        }
        (chosen.map(|[row, column]| (row as u16, column as u16)), layout)
    }

    /// Clicks and keys.
    fn follow(&mut self, ui: &Ui, response: &Response, layout: Layout) -> Option<[usize; 2]> {
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
        let last = layout.classes.saturating_sub(1);
        let [row, column] = self.cursor.unwrap_or_default().map(|at| at.min(last));
        let ways = [
            (Key::ArrowUp, [row.saturating_sub(1), column]),
            (Key::ArrowDown, [(row + 1).min(last), column]),
            (Key::ArrowLeft, [row, column.saturating_sub(1)]),
            (Key::ArrowRight, [row, (column + 1).min(last)]),
        ];
        for (key, to) in ways {
            if pressed(key) {
                self.cursor = Some(if self.cursor.is_some() { to } else { [0, 0] });
            }
        }
        self.cursor.filter(|_| pressed(Key::Enter) || pressed(Key::Space))
    }

    fn paint(&self, ui: &Ui, layout: Layout, figures: &Figures) {
        let colors = theme::run_colors(ui.visuals().dark_mode);
        let painter = ui.painter();
        let whole =
            Rect::from_min_size(layout.origin, vec2(layout.cell, layout.cell) * layout.classes as f32);
        painter.rect_filled(whole, 0.0, ui.visuals().extreme_bg_color);
        let mut mesh = Mesh::default();
        let gap = if layout.cell >= 6.0 { 0.5 } else { 0.0 };
        let mut numbers = vec![];
        for (row, counts) in figures.confusion.iter().enumerate() {
            let images: usize = counts.iter().sum();
            for (column, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                let share = *count as f64 / images.max(1) as f64;
                // Rare mistakes must stay visible where most answers are right.
                let strength = (0.12 + 0.78 * share.powf(0.4)) as f32;
                let place = layout.place(row, column).shrink(gap);
                let hue = if row == column { colors[0] } else { colors[1] };
                mesh.add_colored_rect(place, hue.gamma_multiply(strength));
                numbers.push((place, *count, share, strength));
            }
        }
        painter.add(Shape::mesh(mesh));
        if layout.cell >= LEGIBLE {
            for (place, count, share, strength) in numbers {
                self.number(ui, place, count, share, strength);
            }
        }
        painter.rect_stroke(whole, 0.0, ui.visuals().window_stroke, StrokeKind::Outside);
    }

    fn mark_chosen(&self, ui: &Ui, layout: Layout, shown: Kind) {
        let mark = |at: [usize; 2], stroke: Stroke| {
            ui.painter().rect_stroke(layout.place(at[0], at[1]), 2.0, stroke, StrokeKind::Outside);
        };
        if let Kind::Cell(row, column) = shown {
            mark([row.into(), column.into()], Stroke::new(3.0, ui.visuals().strong_text_color()));
        }
        if let Some(at) = self.cursor {
            mark(at, Stroke::new(2.0, ui.visuals().selection.bg_fill));
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
            Some([row, column]) => format!("Confusion matrix, at {}", spoken(figures, row, column)),
            None => format!("Confusion matrix of {} classes", figures.class_names.len()),
        };
        response.widget_info(|| WidgetInfo::labeled(Role::ListBox, is_enabled, &text));
    }
}

impl Layout {
    fn place(self, row: usize, column: usize) -> Rect {
        let at = self.origin + vec2(column as f32, row as f32) * self.cell;
        Rect::from_min_size(at, vec2(self.cell, self.cell))
    }

    fn at(self, point: Pos2) -> Option<[usize; 2]> {
        let way = (point - self.origin) / self.cell;
        let inside = |way: f32| (way >= 0.0 && (way as usize) < self.classes).then_some(way as usize);
        Some([inside(way.y)?, inside(way.x)?])
    }
}

/// Beside each row; beneath the columns only where they are short.
fn write_names(ui: &Ui, layout: Layout, names: &[String], beneath: bool) {
    let color = ui.visuals().text_color();
    for (class, name) in names.iter().enumerate() {
        let name = written(ui, name, (layout.cell * 0.8).clamp(9.0, LARGEST));
        let (row, size) = (layout.place(class, 0), name.size());
        let beside = row.left_center() - vec2(6.0 + size.x, size.y / 2.0);
        ui.painter().galley(beside, name.clone(), color);
        if beneath {
            let last = layout.place(layout.classes - 1, class);
            ui.painter().galley(last.center_bottom() + vec2(-size.x / 2.0, 3.0), name, color);
        }
    }
}

fn written(ui: &Ui, name: &str, size: f32) -> Arc<Galley> {
    fitted(ui, name, FontId::proportional(size), ui.visuals().text_color(), 92.0)
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
fn spoken(figures: &Figures, row: usize, column: usize) -> String {
    let Some(counts) = figures.confusion.get(row) else { return String::new() };
    let (count, images) = (counts.get(column).copied().unwrap_or_default(), counts.iter().sum::<usize>());
    let share = percent(count as f64 / images.max(1) as f64);
    let cell = cell_name(&figures.class_names, row as u16, column as u16);
    format!("{cell}: {} of {} images ({share})", thousands(count as u64), thousands(images as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_on_a_cell_is_that_cell() {
        let layout = Layout { origin: pos2(50.0, 20.0), cell: 30.0, classes: 10 };
        for (row, column) in [(0, 0), (3, 7), (9, 9)] {
            assert_eq!(layout.at(layout.place(row, column).center()), Some([row, column]));
        }
        assert_eq!([pos2(49.0, 25.0), pos2(60.0, 330.0)].map(|at| layout.at(at)), [None, None]);
    }
}
