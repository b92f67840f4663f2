//! One image of an evaluation, large, with the probabilities of its classes.
use super::{
    gallery::spoken,
    list::{Item, List, class_name},
};
use crate::{
    evaluation::{Verdict, confidence},
    protocol::data::ExampleId,
    sample::Image,
    session::Run,
    ui::{
        look::{MARK_ROOM, class_mark},
        sheet::SheetTexture,
        theme,
        views::Scene,
        widgets::{fitted, strong},
    },
};
use egui::{
    Align2, Color32, FontId, Id, Key, Modal, Rect, RichText, Role, Sense, TextureOptions, Ui, WidgetInfo,
    pos2, vec2,
};
use egui_material_icons::icons::ICON_CHECK;

/// The longest side, in points.
const SIDE: f32 = 280.0;
/// Images that are larger than this many pixels are shown smaller than they are.
const PIXELS: usize = 512;

/// What is kept of the image that is open.
#[derive(Default)]
pub struct Closer {
    /// Its place in the list.
    at: Option<usize>,
    /// The image that was asked for last, and the question's number.
    asked: Option<(ExampleId, u64)>,
    shown: Option<Shown>,
}

/// An image that has arrived.
struct Shown {
    request: u64,
    texture: SheetTexture,
    image: Image,
}

impl Closer {
    pub fn open(&mut self, at: usize) {
        self.at = Some(at);
    }

    pub fn ui(
        &mut self,
        ui: &Ui,
        run: &Run,
        list: &List,
        names: &[String],
        runs: &[String; 2],
        scene: &mut Scene<'_>,
    ) {
        let items = list.items();
        let Some((at, item)) = self.at.and_then(|at| Some((at, items.get(at)?))) else {
            self.at = None;
            return;
        };
        self.ask(run, ExampleId { is_test: list.is_of_test(), index: item.verdict.example }, scene);
        self.take(ui, scene);
        let modal = Modal::new(Id::unique("closer")).show(ui.ctx(), |ui| {
            ui.set_width(SIDE * 2.0 + 24.0);
            ui.label(strong(spoken(item, names)));
            ui.horizontal_top(|ui| {
                self.picture(ui, item, names);
                ui.vertical(|ui| {
                    let verdicts = [Some(&item.verdict), item.other.as_ref()];
                    for (verdict, name) in
                        verdicts.into_iter().zip(runs).filter_map(|(verdict, name)| Some((verdict?, name)))
                    {
                        if item.other.is_some() {
                            ui.label(strong(name));
                        }
                        probabilities(ui, verdict, names);
                    }
                });
            });
            self.buttons(ui, at, items.len(), scene)
        });
        let keys = ui.input(|input| [Key::ArrowLeft, Key::ArrowRight].map(|key| input.key_pressed(key)));
        let last = items.len() - 1;
        self.at = match keys {
            _ if modal.should_close() || modal.inner => None,
            [true, _] => self.at.map(|at| at.saturating_sub(1)),
            [_, true] => self.at.map(|at| (at + 1).min(last)),
            _ => self.at,
        };
    }

    fn ask(&mut self, run: &Run, image: ExampleId, scene: &mut Scene<'_>) {
        if self.asked.is_none_or(|(asked, _)| asked != image) {
            self.asked = Some((image, scene.pictures(run, vec![image], PIXELS)));
        }
    }

    fn take(&mut self, ui: &Ui, scene: &Scene<'_>) {
        let Some((_, request)) = self.asked else { return };
        if self.shown.as_ref().is_some_and(|shown| shown.request == request) {
            return;
        }
        let arrived = scene.state.data.run_sheets.iter().find(|sheet| sheet.request == request);
        self.shown = arrived.map(|sheet| {
            let texture = SheetTexture::new(ui.ctx(), sheet, TextureOptions::NEAREST);
            let image = Image { shape: sheet.shape, pixels: sheet.pixels.to_vec() };
            Shown { request, texture, image }
        });
    }

    fn picture(&self, ui: &mut Ui, item: &Item, names: &[String]) {
        let (rect, response) = ui.allocate_exact_size(vec2(SIDE, SIDE), Sense::hover());
        let name = format!("Enlarged: {}", spoken(item, names));
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
        let Some(Shown { texture, .. }) = &self.shown else {
            ui.put(rect, egui::Spinner::new());
            return;
        };
        let [height, width] = texture.size.map(|side| side as f32);
        let size = vec2(width, height) * (SIDE / height.max(width).max(1.0));
        ui.painter().image(
            texture.id(),
            Rect::from_center_size(rect.center(), size),
            texture.part(0),
            Color32::WHITE,
        );
    }

    /// Says whether it is to be closed.
    fn buttons(&mut self, ui: &mut Ui, at: usize, count: usize, scene: &mut Scene<'_>) -> bool {
        let mut is_done = false;
        ui.horizontal(|ui| {
            if ui
                .add_enabled(at > 0, egui::Button::new("Previous"))
                .on_hover_text("Or the left arrow key")
                .clicked()
            {
                self.at = Some(at - 1);
            }
            if ui
                .add_enabled(at + 1 < count, egui::Button::new("Next"))
                .on_hover_text("Or the right arrow key")
                .clicked()
            {
                self.at = Some(at + 1);
            }
            is_done |= ui.button("Close").clicked();
        });
        ui.horizontal_wrapped(|ui| {
            is_done |= scene.look_into(ui, self.shown.as_ref().map(|shown| &shown.image));
        });
        is_done
    }
}

/// The most probable classes and the label, with their calibrated probabilities.
fn probabilities(ui: &mut Ui, verdict: &Verdict, names: &[String]) {
    let mut rows: Vec<(u16, f32)> =
        verdict.candidates().map(|candidate| (candidate.class, candidate.probability)).collect();
    if !rows.iter().any(|(class, _)| *class == verdict.label) {
        rows.push((verdict.label, verdict.label_probability()));
    }
    for (class, probability) in rows {
        bar(ui, (class, class_name(names, class)), probability, class == verdict.label);
    }
    let mut text = format!("Calibrated; uncalibrated {}", confidence(verdict.raw_confidence.into(), 1));
    text += &format!(" sure. Loss {:.3} nats.", verdict.loss);
    ui.label(RichText::new(text).small().weak());
    if verdict.is_outsider {
        ui.label(RichText::new("It looks like nothing that the network was trained on.").small());
    }
}

/// A class's mark and name, its probability as a bar and as a number, and a tick at the label.
fn bar(ui: &mut Ui, (class, name): (u16, &str), probability: f32, is_label: bool) {
    let (rect, response) = ui.allocate_exact_size(vec2(SIDE, 22.0), Sense::hover());
    let written = confidence(probability.into(), 1);
    let label = if is_label { ", the label" } else { "" };
    let spoken = format!("{name}{label}: {written}");
    response.widget_info(|| WidgetInfo::labeled(Role::Meter, true, &spoken));
    response.on_hover_text(spoken);
    let colors = theme::run_colors(ui.visuals().dark_mode);
    let color = if is_label { colors[2] } else { colors[1] };
    let painter = ui.painter();
    let text = ui.visuals().text_color();
    if is_label {
        let font = FontId::new(14.0, ICON_CHECK.font_family());
        painter.text(rect.left_center(), Align2::LEFT_CENTER, ICON_CHECK.codepoint, font, color);
    }
    let font = FontId::proportional(14.0);
    class_mark(ui, rect.with_min_x(rect.left() + 18.0), class.into());
    let short = fitted(ui, name, font.clone(), text, 88.0 - MARK_ROOM);
    painter.galley(rect.left_center() + vec2(18.0 + MARK_ROOM, -short.size().y / 2.0), short, text);
    let rail = Rect::from_min_max(
        pos2(rect.left() + 110.0, rect.top() + 5.0),
        pos2(rect.right() - 60.0, rect.bottom() - 5.0),
    );
    painter.rect_filled(rail, 3.0, ui.visuals().widgets.inactive.bg_fill.gamma_multiply(0.45));
    painter.rect_filled(
        rail.with_max_x(rail.left() + rail.width() * probability.clamp(0.0, 1.0)),
        3.0,
        color,
    );
    painter.text(rect.right_center(), Align2::RIGHT_CENTER, written, font, text);
}
