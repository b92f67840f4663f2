//! A page of images with what the networks make of them; each opens larger.
use super::list::{Item, List, class_name};
use crate::{
    evaluation::{Verdict, confidence},
    protocol::data::ExampleId,
    session::Run,
    ui::{
        look::{MARK_ROOM, class_mark},
        sheet::SheetTexture,
        theme,
        views::Scene,
        widgets::{fitted, thousands},
    },
};
use egui::{
    Align2, Color32, FontId, Rect, RichText, Role, Sense, Stroke, StrokeKind, TextureOptions, Ui, WidgetInfo,
    vec2,
};
use egui_material_icons::icons::{ICON_CHECK, ICON_CLOSE};

/// Images on a page.
const PAGE: usize = 24;
/// The longest side of a picture, in points, and in pixels as it is asked for.
const SIDE: f32 = 56.0;
const PIXELS: usize = 64;
const LINE: f32 = 16.0;
/// Room for ">99 %".
const NUMBER: f32 = 40.0;

/// What is shown of a list.
#[derive(Default)]
pub struct Gallery {
    page: usize,
    /// The list and the page that pictures were asked for last.
    asked: Option<(u64, usize)>,
    request: u64,
    /// With the request that it answers.
    texture: Option<(u64, SheetTexture)>,
}

impl Gallery {
    /// Gives the place in the list of an image that is to be opened.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        run: &Run,
        list: &List,
        names: &[String],
        scene: &mut Scene<'_>,
    ) -> Option<usize> {
        if list.items().is_empty() {
            ui.label(RichText::new("There is no such image.").weak());
            return None;
        }
        self.ask(run, list, scene);
        let arrived = scene.state.data.run_sheets.iter().find(|sheet| sheet.request == self.request);
        if let Some(sheet) =
            arrived.filter(|_| self.texture.as_ref().is_none_or(|(of, _)| *of != self.request))
        {
            self.texture = Some((self.request, SheetTexture::new(ui.ctx(), sheet, TextureOptions::LINEAR)));
        }
        let from = self.page * PAGE;
        let on_page = &list.items()[from..list.items().len().min(from + PAGE)];
        let opened = self.pictures(ui, on_page, from, names);
        self.turn(ui, list.items().len());
        opened
    }

    /// Asks for the pictures of the page that is shown.
    fn ask(&mut self, run: &Run, list: &List, scene: &mut Scene<'_>) {
        if self.asked.is_none_or(|(version, _)| version != list.version()) {
            self.page = 0;
        }
        let now = (list.version(), self.page);
        if self.asked == Some(now) {
            return;
        }
        self.asked = Some(now);
        let items = list.items().iter().skip(self.page * PAGE).take(PAGE);
        let image = |item: &Item| ExampleId { is_test: list.is_of_test(), index: item.verdict.example };
        self.request = scene.pictures(run, items.map(image).collect(), PIXELS);
    }

    fn pictures(&self, ui: &mut Ui, items: &[Item], from: usize, names: &[String]) -> Option<usize> {
        let texture = self.texture.as_ref().filter(|(of, _)| *of == self.request).map(|(_, texture)| texture);
        let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(1);
        let width = SIDE.max(62.0 + MARK_ROOM + 7.0 * longest.min(10) as f32);
        let mut opened = None;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
            for (at, item) in items.iter().enumerate() {
                if self.picture(ui, texture.map(|texture| (texture, at)), item, width, names) {
                    opened = Some(from + at);
                }
            }
        });
        opened
    }

    /// Says whether it was chosen.
    fn picture(
        &self,
        ui: &mut Ui,
        texture: Option<(&SheetTexture, usize)>,
        item: &Item,
        width: f32,
        names: &[String],
    ) -> bool {
        let (rect, response) = ui.allocate_exact_size(vec2(width, SIDE + 2.0 * LINE + 4.0), Sense::click());
        let spoken = spoken(item, names);
        response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), &spoken));
        let place = Rect::from_min_size(rect.min + vec2((width - SIDE) / 2.0, 2.0), vec2(SIDE, SIDE));
        match texture {
            Some((texture, at)) => {
                let [height, width] = texture.size.map(|side| side as f32);
                let size = vec2(width, height) * (SIDE / height.max(width).max(1.0));
                let fitted = Rect::from_center_size(place.center(), size);
                ui.painter().image(texture.id(), fitted, texture.part(at), Color32::WHITE);
            }
            None => drop(ui.painter().rect_filled(place, 0.0, ui.visuals().widgets.inactive.weak_bg_fill)),
        }
        if response.hovered() || response.has_focus() {
            let stroke = Stroke::new(2.0, ui.visuals().selection.bg_fill);
            ui.painter().rect_stroke(rect, 3.0, stroke, StrokeKind::Outside);
        }
        let line = |line: usize| {
            Rect::from_min_size(
                rect.left_top() + vec2(0.0, SIDE + 4.0 + line as f32 * LINE),
                vec2(width, LINE),
            )
        };
        answer(ui, line(0), &item.verdict, names);
        match &item.other {
            Some(other) => answer(ui, line(1), other, names),
            None if !item.verdict.is_right() => {
                let (line, color) = (line(1), ui.visuals().text_color());
                let end = write(ui, line, "is", color);
                let line = line.with_min_x(end + 2.0);
                class_mark(ui, line, item.verdict.label.into());
                write(
                    ui,
                    line.with_min_x(line.left() + MARK_ROOM),
                    class_name(names, item.verdict.label),
                    color,
                );
            }
            None => {}
        }
        response.on_hover_text(spoken).clicked()
    }

    fn turn(&mut self, ui: &mut Ui, count: usize) {
        if count <= PAGE {
            return;
        }
        ui.horizontal(|ui| {
            let last = (count - 1) / PAGE;
            let back = ui.add_enabled(self.page > 0, egui::Button::new("Previous"));
            let on = ui.add_enabled(self.page < last, egui::Button::new("Next"));
            self.page = if back.clicked() {
                self.page - 1
            } else if on.clicked() {
                self.page + 1
            } else {
                self.page
            };
            let from = self.page * PAGE;
            let [from, to, all] =
                [from + 1, (from + PAGE).min(count), count].map(|count| thousands(count as u64));
            ui.label(RichText::new(format!("{from} to {to} of {all}")).small().weak());
        });
    }
}

/// "9 · 98 %", with a sign for right or wrong.
fn answer(ui: &Ui, line: Rect, verdict: &Verdict, names: &[String]) {
    let dark = ui.visuals().dark_mode;
    let (icon, color) = if verdict.is_right() {
        (ICON_CHECK, theme::run_colors(dark)[2])
    } else {
        (ICON_CLOSE, theme::alarm(dark))
    };
    let font = FontId::new(13.0, icon.font_family());
    ui.painter().text(line.left_center(), Align2::LEFT_CENTER, icon.codepoint, font, color);
    let line = line.with_min_x(line.left() + 14.0);
    class_mark(ui, line, verdict.predicted.into());
    let line = line.with_min_x(line.left() + MARK_ROOM);
    let name = class_name(names, verdict.predicted);
    let end = write(ui, line.with_max_x(line.right() - NUMBER), name, color);
    write(ui, line.with_min_x(end + 4.0), &confidence(verdict.confidence.into(), 0), color);
}

/// At the left end of a line. Gives where it ends.
fn write(ui: &Ui, line: Rect, text: &str, color: Color32) -> f32 {
    let text = fitted(ui, text, FontId::proportional(12.5), color, line.width());
    let (at, end) = (line.left_center() - vec2(0.0, text.size().y / 2.0), line.left() + text.size().x);
    ui.painter().galley(at, text, color);
    end
}

/// "Image 1,234, a 4: taken for 9, 98.1 % sure".
pub fn spoken(item: &Item, names: &[String]) -> String {
    let say = |verdict: &Verdict| {
        let taken = class_name(names, verdict.predicted);
        format!("taken for {taken}, {} sure", confidence(verdict.confidence.into(), 1))
    };
    let verdict = &item.verdict;
    let also =
        item.other.as_ref().map_or(String::new(), |other| format!("; by the other run {}", say(other)));
    let label = class_name(names, verdict.label);
    format!("Image {}, label {label}: {}{also}", thousands(verdict.example.into()), say(verdict))
}
