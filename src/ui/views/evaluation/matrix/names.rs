//! The names of a confusion matrix: beside its rows and above its columns, in sight however the cells are scrolled.
use super::Layout;
use crate::ui::{
    look::{MARK_ROOM, class_mark},
    widgets::fitted,
};
use egui::{FontId, Galley, Rect, Role, Sense, Ui, Vec2, WidgetInfo, epaint::TextShape, pos2, vec2};
use std::{f32::consts::FRAC_PI_2, sync::Arc};

/// The letters of a name, in points.
const SIZE: f32 = 13.0;
/// The greatest width of a name, in points and as a share of the room for the matrix.
const WIDEST: f32 = 150.0;
const SHARE: f32 = 0.3;
/// Between a name and what is beside it.
const GAP: f32 = 4.0;

pub struct Names {
    written: Vec<Arc<Galley>>,
    widest: f32,
}

impl Names {
    pub fn new(ui: &Ui, names: &[String]) -> Self {
        let color = ui.visuals().text_color();
        let most = (ui.available_width() * SHARE).min(WIDEST);
        let written = |name: &String| fitted(ui, name, FontId::proportional(SIZE), color, most);
        let written: Vec<_> = names.iter().map(written).collect();
        let widest = written.iter().map(|name| name.size().x).fold(0.0, f32::max);
        Self { written, widest }
    }

    /// What they take beside the rows.
    pub fn margin(&self) -> f32 {
        self.widest + MARK_ROOM + GAP
    }

    /// What they take above the columns.
    pub fn head(&self, cell: f32) -> f32 {
        MARK_ROOM + GAP + if self.is_upright(cell) { self.widest } else { SIZE + 3.0 }
    }

    /// Whether the names of columns have to be turned.
    fn is_upright(&self, cell: f32) -> bool {
        self.widest > cell - 2.0
    }

    /// Those of the rows and columns that are in sight as a whole.
    pub fn paint(&self, ui: &Ui, layout: Layout<'_>, head: f32) {
        for class in layout.order {
            let Some((place, name)) = layout.place([*class, *class]).zip(self.written.get(*class)) else {
                continue;
            };
            let seen = layout.seen.expand(1.0);
            if seen.y_range().contains(place.top()) && seen.y_range().contains(place.bottom()) {
                let left = layout.seen.left() - self.margin();
                let row = Rect::from_x_y_ranges(left..=layout.seen.left() - GAP, place.y_range());
                beside(ui, row, name, *class);
            }
            if seen.x_range().contains(place.left()) && seen.x_range().contains(place.right()) {
                let top = layout.seen.top() - head;
                let column = Rect::from_x_y_ranges(place.x_range(), top..=layout.seen.top() - GAP);
                self.above(ui, column, name, *class);
            }
        }
    }

    fn above(&self, ui: &Ui, column: Rect, name: &Arc<Galley>, class: usize) {
        let mark = Rect::from_center_size(
            pos2(column.center().x, column.bottom() - MARK_ROOM / 2.0),
            Vec2::splat(MARK_ROOM),
        );
        class_mark(ui, mark, class);
        let color = ui.visuals().text_color();
        if !self.is_upright(column.width()) {
            let at = pos2(column.center().x - name.size().x / 2.0, mark.top() - name.size().y);
            ui.painter().galley(at, name.clone(), color);
            return;
        }
        let at = pos2(column.center().x - name.size().y / 2.0, mark.top() - 1.0);
        ui.painter().add(TextShape::new(at, name.clone(), color).with_angle(-FRAC_PI_2));
    }
}

/// At the right end of a row, before its mark. One that is shortened has the whole of it as its tooltip.
fn beside(ui: &Ui, row: Rect, name: &Arc<Galley>, class: usize) {
    class_mark(ui, row.with_min_x(row.right() - MARK_ROOM), class);
    if name.elided {
        let place = ui.interact(row, ui.scope_id().with(("name", class)), Sense::hover());
        place.widget_info(|| WidgetInfo::labeled(Role::Label, true, &name.job.text));
        place.on_hover_text(&name.job.text);
    }
    let at = row.right_center() - vec2(MARK_ROOM + name.size().x, name.size().y / 2.0);
    ui.painter().galley(at, name.clone(), ui.visuals().text_color());
}
