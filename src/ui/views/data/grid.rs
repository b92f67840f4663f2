//! Thousands of small pictures that scroll at full speed: only the rows in sight are drawn, and pictures come in pages,
//! each one texture, of which a bounded number is kept.
use super::{role_color, spoken};
use crate::{
    protocol::{
        data::{Collection, ExampleId, Role},
        visual::VisualRequest,
    },
    session::DataState,
    shape::ImageShape,
    ui::{Action, sheet::SheetTexture},
};
use egui::{
    Color32, Context, EventFilter, Key, Mesh, Rect, Response, ScrollArea, Sense, Shape, Stroke, StrokeKind,
    TextureOptions, Ui, WidgetInfo, vec2,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// Pictures in a page.
const PAGE: usize = 128;
/// Pages that are kept.
const PAGES: usize = 32;
/// Pages that are asked for at once.
const AT_ONCE: usize = 4;
/// Of a picture, in points; small images are shown at a half multiple of their pixels.
const SIDE: f32 = 48.0;
const GAP: f32 = 4.0;

/// What is shown of a list of images.
#[derive(Default)]
pub struct ImageGrid {
    /// Of its widget.
    pub id: Option<egui::Id>,
    pub selected: Option<ExampleId>,
    pages: BTreeMap<usize, Page>,
    /// Pages that are under way, by request.
    asked: BTreeMap<u64, usize>,
    requests: u64,
    /// Bring the selected image into sight.
    reveal: bool,
}

struct Page {
    shown: SheetTexture,
    /// The frame in which it was shown last.
    used: u64,
}

/// Where the pictures are.
#[derive(Clone, Copy)]
struct Layout {
    columns: usize,
    picture: egui::Vec2,
    cell: egui::Vec2,
}

impl ImageGrid {
    /// Without pages or a selection; what was asked for before is no answer to what will be.
    pub fn reset(&self) -> Self {
        Self { requests: self.requests, ..Self::default() }
    }

    /// The list has changed: every page is another one.
    pub fn forget(&mut self) {
        self.pages.clear();
        self.asked.clear();
        self.reveal = true;
    }

    pub fn select(&mut self, image: ExampleId) {
        self.selected = Some(image);
        self.reveal = true;
    }

    pub fn ui(
        &mut self,
        ui: &mut Ui,
        collection: &Collection,
        shape: ImageShape,
        images: &[ExampleId],
        data: &DataState,
        actions: &mut Vec<Action>,
    ) {
        if images.is_empty() {
            ui.label("No image is like that: choose another class or another part.");
            return;
        }
        self.take(ui.ctx(), data);
        let layout = Layout::new(shape, ui.available_width() - 14.0);
        // However little room there is, it leaves what is beneath alone.
        let area = ScrollArea::vertical().auto_shrink(false).min_scrolled_height(0.0);
        area.show_viewport(ui, |ui, viewport| {
            let rows = images.len().div_ceil(layout.columns);
            let size = vec2(ui.available_width(), rows as f32 * layout.cell.y);
            let (rect, response) = ui.allocate_exact_size(size, Sense::click());
            self.id = Some(response.id);
            let row = |y: f32| ((y / layout.cell.y).max(0.0) as usize).min(rows);
            let in_sight = row(viewport.top()) * layout.columns
                ..(row(viewport.bottom() + layout.cell.y) * layout.columns).min(images.len());
            self.follow(ui, &response, layout, images, viewport.height());
            self.ask(in_sight.clone(), images, actions);
            self.paint(ui, rect, layout, collection, images, in_sight);
            self.describe(ui, response, layout, collection, images);
        });
    }

    /// Uploads pages that have arrived, two in a frame.
    fn take(&mut self, ctx: &Context, data: &DataState) {
        let arrived = data.sheets.iter().filter(|sheet| self.asked.contains_key(&sheet.request));
        for sheet in arrived.take(2).collect::<Vec<_>>() {
            let Some(page) = self.asked.remove(&sheet.request) else { continue };
            let shown = SheetTexture::new(ctx, sheet, TextureOptions::LINEAR);
            self.pages.insert(page, Page { shown, used: ctx.cumulative_frame_nr() });
        }
        while self.pages.len() > PAGES {
            let oldest = self.pages.iter().min_by_key(|(_, page)| page.used).map(|(at, _)| *at);
            oldest.and_then(|oldest| self.pages.remove(&oldest));
        }
        if !self.asked.is_empty() {
            ctx.request_repaint_after_secs(0.1);
        }
    }

    fn ask(&mut self, in_sight: Range<usize>, images: &[ExampleId], actions: &mut Vec<Action>) {
        let wanted = in_sight.start / PAGE..(in_sight.end + PAGE).div_ceil(PAGE);
        let under_way: BTreeSet<usize> = self.asked.values().copied().collect();
        for page in wanted {
            if self.asked.len() >= AT_ONCE {
                break;
            }
            let on_page = page * PAGE..((page + 1) * PAGE).min(images.len());
            if on_page.is_empty() || self.pages.contains_key(&page) || under_way.contains(&page) {
                continue;
            }
            self.requests += 1;
            self.asked.insert(self.requests, page);
            let images = images[on_page].to_vec();
            actions.push(Action::Data(VisualRequest::Sheet { request: self.requests, images }.into()));
        }
    }

    fn paint(
        &mut self,
        ui: &Ui,
        rect: Rect,
        layout: Layout,
        collection: &Collection,
        images: &[ExampleId],
        in_sight: Range<usize>,
    ) {
        let frame = ui.ctx().cumulative_frame_nr();
        let (dark, rail) = (ui.visuals().dark_mode, ui.visuals().widgets.inactive.weak_bg_fill);
        let mut meshes: BTreeMap<usize, Mesh> = BTreeMap::new();
        let (mut beneath, mut above) = (Mesh::default(), Mesh::default());
        for at in in_sight {
            let (place, page) = (layout.place(rect, at), at / PAGE);
            let Some(item) = collection.item(images[at]) else { continue };
            let is_dim = matches!(item.role, Role::Excluded | Role::Unlabelled);
            if let Some(page_shown) = self.pages.get_mut(&page) {
                page_shown.used = frame;
                let texture = page_shown.shown.id();
                let tint = if is_dim { Color32::from_gray(96) } else { Color32::WHITE };
                let mesh = meshes.entry(page).or_insert_with(|| Mesh::with_texture(texture));
                mesh.add_rect_with_uv(place, page_shown.shown.part(at % PAGE), tint);
            } else {
                beneath.add_colored_rect(place, rail);
            }
            mark(&mut above, place, item.role, item.corrected_from.is_some(), dark);
        }
        let painter = ui.painter();
        painter.add(Shape::mesh(beneath));
        painter.extend(meshes.into_values().map(Shape::mesh));
        painter.add(Shape::mesh(above));
        if let Some(at) = self.place_of_selected(images) {
            let color = ui.visuals().selection.bg_fill;
            let place = layout.place(rect, at).expand(2.0);
            painter.rect_stroke(place, 2.0, Stroke::new(3.0, color), StrokeKind::Outside);
        }
    }

    fn place_of_selected(&self, images: &[ExampleId]) -> Option<usize> {
        // Lists are in order.
        images.binary_search(&self.selected?).ok()
    }

    /// Clicks, keys, and the way to an image that is to be shown.
    fn follow(&mut self, ui: &Ui, response: &Response, layout: Layout, images: &[ExampleId], height: f32) {
        let here = self.place_of_selected(images);
        if response.clicked()
            && let Some(at) = response.interact_pointer_pos().and_then(|at| layout.at(response.rect, at))
            && let Some(image) = images.get(at)
        {
            self.selected = Some(*image);
            response.request_focus();
        }
        if response.has_focus() {
            let filter =
                EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
            let page = (height / layout.cell.y).max(1.0) as usize * layout.columns;
            if let Some(at) = moved(ui, here, layout.columns, page, images.len()) {
                self.select(images[at]);
            }
        }
        if std::mem::take(&mut self.reveal)
            && let Some(at) = self.place_of_selected(images)
        {
            ui.scroll_to_rect(layout.place(response.rect, at).expand(GAP), None);
        }
    }

    fn describe(
        &self,
        ui: &Ui,
        response: Response,
        layout: Layout,
        collection: &Collection,
        images: &[ExampleId],
    ) {
        response.widget_info(|| {
            let selected = self.selected.map(|image| format!(", selected: {}", spoken(collection, image)));
            let text = format!("{} images{}", images.len(), selected.unwrap_or_default());
            WidgetInfo::labeled(egui::Role::ListBox, ui.is_enabled(), text)
        });
        let hovered = response.hover_pos().and_then(|at| layout.at(response.rect, at));
        if let Some(image) = hovered.and_then(|at| images.get(at)) {
            response.on_hover_ui_at_pointer(|ui| drop(ui.label(spoken(collection, *image))));
        }
    }
}

/// Where the arrow keys lead from an image.
fn moved(ui: &Ui, here: Option<usize>, columns: usize, page: usize, count: usize) -> Option<usize> {
    let pressed = |key| ui.input(|input| input.key_pressed(key));
    let last = count.checked_sub(1)?;
    let Some(here) = here else {
        return [Key::ArrowRight, Key::ArrowDown, Key::Home].into_iter().any(pressed).then_some(0);
    };
    let steps = [
        (Key::ArrowLeft, here.saturating_sub(1)),
        (Key::ArrowRight, here + 1),
        (Key::ArrowUp, here.checked_sub(columns).unwrap_or(here)),
        (Key::ArrowDown, here + columns),
        (Key::PageUp, here.saturating_sub(page)),
        (Key::PageDown, here + page),
        (Key::Home, 0),
        (Key::End, last),
    ];
    steps.into_iter().find(|(key, _)| pressed(*key)).map(|(_, to)| to.min(last))
}

/// What a run does with an image: nothing for one it trains on, a bar beneath one it is validated or tested on, a cross
/// over one that is left out; and a corner where the label was corrected.
fn mark(mesh: &mut Mesh, place: Rect, role: Role, corrected: bool, dark: bool) {
    let bar =
        |share: f32| place.with_min_y(place.bottom() - 4.0).with_max_x(place.left() + share * place.width());
    match role {
        Role::Validation => mesh.add_colored_rect(bar(1.0), role_color(role, dark)),
        Role::Test => mesh.add_colored_rect(bar(0.4), role_color(role, dark)),
        Role::Excluded => {
            let thick = vec2(3.0, 3.0);
            for step in 0..=12 {
                let share = step as f32 / 12.0;
                for x in [share, 1.0 - share] {
                    let at = place.min + place.size() * vec2(x, share);
                    mesh.add_colored_rect(Rect::from_center_size(at, thick), role_color(role, dark));
                }
            }
        }
        Role::Train | Role::Unlabelled => {}
    }
    if corrected {
        let corner = Rect::from_min_size(place.right_top() - vec2(10.0, 0.0), vec2(10.0, 10.0));
        mesh.add_colored_rect(corner, role_color(Role::Excluded, dark));
    }
}

impl Layout {
    fn new(ImageShape { height, width, .. }: ImageShape, available: f32) -> Self {
        let [height, width] = [height.max(1) as f32, width.max(1) as f32];
        let longest = height.max(width);
        let scale = if longest < SIDE { (2.0 * SIDE / longest).floor() / 2.0 } else { SIDE / longest };
        let picture = vec2(width, height) * scale;
        let cell = picture + vec2(GAP, GAP);
        Self { columns: ((available / cell.x) as usize).max(1), picture, cell }
    }

    fn place(self, rect: Rect, at: usize) -> Rect {
        let [column, row] = [at % self.columns, at / self.columns].map(|count| count as f32);
        Rect::from_min_size(rect.min + self.cell * vec2(column, row) + vec2(GAP, GAP) / 2.0, self.picture)
    }

    fn at(self, rect: Rect, point: egui::Pos2) -> Option<usize> {
        let way = (point - rect.min) / self.cell;
        let column = way.x.max(0.0) as usize;
        (column < self.columns).then_some(way.y.max(0.0) as usize * self.columns + column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    #[test]
    fn a_point_on_a_picture_is_that_picture() {
        let layout = Layout::new(ImageShape::new(28, 28, 1), 500.0);
        let rect = Rect::from_min_size(pos2(10.0, 20.0), vec2(500.0, 10_000.0));
        for at in [0, 1, layout.columns - 1, layout.columns, 1234] {
            assert_eq!(layout.at(rect, layout.place(rect, at).center()), Some(at));
        }
        assert_eq!(layout.at(rect, pos2(509.0, 25.0)), None, "the margin is no picture");
        assert_eq!(Layout::new(ImageShape::new(500, 250, 3), 500.0).picture, vec2(24.0, 48.0));
    }
}
