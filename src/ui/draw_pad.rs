//! The pad to draw on, what the network sees of it, and what it thinks.
use super::{
    Action, bars,
    strips::Strips,
    theme,
    widgets::{card, icon_button, strong, title},
};
use crate::{
    data::drawing::{self, Drawing, SIDE, Sheet},
    protocol::{Command, Confidence, Prediction},
    session::Run,
};
use anyhow::Result;
use egui::{
    Align, Align2, Color32, ColorImage, Event, FontId, Layout, Painter, Pos2, Rect, Response, RichText, Role,
    Sense, Shape, Slider, Stroke, StrokeKind, TextureHandle, TextureOptions, Ui, WidgetInfo,
    emath::RectTransform, pos2, vec2,
};
use egui_material_icons::icons::{ICON_DELETE, ICON_EDIT, ICON_IMAGE, ICON_UNDO};
use std::{path::Path, time::Duration};

/// The fewest seconds between two questions about the same drawing while the weights change.
const ASK_AGAIN: f64 = 0.1;

/// What it means to look like nothing that is known.
const OUTSIDER: &str = "Its strokes, to the eyes of the network, are farther from those of every class than 97 of 100 images that it was not fitted to. It has to choose a class all the same: do not take it at its word.";

/// How high the pictures are that a network makes of the drawing.
const LOOK: f32 = 56.0;

/// What is drawn, or the picture that was opened instead.
#[derive(Default)]
pub struct DrawPad {
    drawing: Drawing,
    picture: Option<Sheet>,
    /// Whichever of the two it is, as ink on paper.
    sheet: Option<Sheet>,
    /// What the network sees: 28 by 28.
    framed: Option<Vec<u8>>,
    /// What it saw of the drawing before.
    before: Option<Vec<u8>>,
    texture: Option<TextureHandle>,
    /// What a network without classes makes of it, and what is nearest to it.
    looks: Strips,
    nearest: Strips,
    /// Counts changes of the drawing.
    version: u64,
    asked: Option<Asked>,
    requests: u64,
}

/// The newest question.
struct Asked {
    request: u64,
    version: u64,
    run: crate::protocol::RunId,
    step: u64,
    at: f64,
}

impl DrawPad {
    /// Shows and scores a picture instead of strokes.
    ///
    /// # Errors
    /// Where it cannot be read, or holds no ink.
    pub fn open_file(&mut self, path: &Path) -> Result<()> {
        self.open(drawing::read(path)?);
        Ok(())
    }

    /// Shows and scores an image as a network sees it, 28 by 28, instead of strokes.
    pub fn show(&mut self, framed: Vec<u8>) {
        if let Some(sheet) = Sheet::framed(&framed) {
            self.open(sheet);
            // As it is: to frame it once more would change it.
            self.framed = Some(framed);
        }
    }

    /// What the network sees of what is drawn, 28 by 28; nothing where nothing is.
    pub fn framed(&self) -> Option<&[u8]> {
        self.framed.as_deref()
    }

    /// The same before it is framed.
    pub fn sheet(&self) -> Option<&Sheet> {
        self.sheet.as_ref()
    }

    /// What the network sees of this drawing and of the one before it.
    pub fn newest_two(&self) -> Vec<Vec<u8>> {
        [&self.framed, &self.before].into_iter().flatten().cloned().collect()
    }

    pub fn ui(
        &mut self,
        ui: &mut Ui,
        run: Option<&Run>,
        prediction: Option<&Prediction>,
        pen_width: &mut f32,
        actions: &mut Vec<Action>,
    ) {
        card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal(|ui| {
                title(ui, "Draw a digit");
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| self.buttons(ui, actions));
            });
            let side = (ui.available_width() * 0.54).clamp(120.0, 260.0);
            ui.horizontal_top(|ui| {
                self.pad(ui, side, *pen_width);
                ui.vertical(|ui| self.answer(ui, prediction, run, side));
            });
            self.neighbours(ui, prediction, run);
            ui.horizontal(|ui| {
                self.seen(ui);
                ui.vertical(|ui| {
                    ui.spacing_mut().slider_width = (ui.available_width() - 110.0).clamp(50.0, 140.0);
                    ui.horizontal(|ui| {
                        let label = ui
                            .label(RichText::new("Pen").small())
                            .on_hover_text("How wide the pen draws, as a share of the pad");
                        let slider = Slider::new(pen_width, 0.03..=0.16)
                            .custom_formatter(|value, _| format!("{:.0} %", value * 100.0));
                        ui.add(slider).labelled_by(label.id);
                    });
                    ui.label(RichText::new(caption(run, self.framed.is_some())).small().weak());
                });
            });
        });
        self.ask(ui, run, prediction, actions);
    }

    fn buttons(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        if icon_button(ui, ICON_DELETE, "Clear the pad").clicked() {
            self.clear();
        }
        let drawn = !self.drawing.strokes.is_empty();
        if ui
            .add_enabled_ui(drawn, |ui| icon_button(ui, ICON_UNDO, "Take back the last stroke"))
            .inner
            .clicked()
        {
            self.undo();
        }
        if icon_button(ui, ICON_IMAGE, "Open an image…").clicked() {
            actions.push(Action::PickImage);
        }
    }

    fn pad(&mut self, ui: &mut Ui, side: f32, pen_width: f32) {
        let (response, painter) = ui.allocate_painter(vec2(side, side), Sense::drag());
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, true, "Draw pad"));
        let to_unit = RectTransform::from_to(response.rect, Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0)));
        self.drawing.pen_width = pen_width;
        if response.hovered()
            && ui.input_mut(|input| input.consume_key(egui::Modifiers::COMMAND, egui::Key::Z))
        {
            self.undo();
        }
        if self.follow(ui, &response, to_unit) {
            self.changed();
        }
        self.paint(ui, &painter, response.rect, to_unit.inverse());
    }

    /// Adds the pen's way in this frame to the strokes; says whether there was any.
    fn follow(&mut self, ui: &Ui, response: &Response, to_unit: RectTransform) -> bool {
        let Some(here) = response.interact_pointer_pos().filter(|_| response.is_pointer_button_down_on())
        else {
            return false;
        };
        if ui.input(|input| input.pointer.any_pressed()) || self.drawing.strokes.is_empty() {
            if self.picture.is_some() {
                self.clear();
            }
            self.drawing.strokes.push(vec![]);
        }
        // Every motion since the last frame, not only the newest: a fast pen must not cut corners.
        let moved = |event: &Event| if let Event::PointerMoved(to) = event { Some(*to) } else { None };
        let way: Vec<Pos2> = ui.input(|input| input.events.iter().filter_map(moved).collect());
        let Some(stroke) = self.drawing.strokes.last_mut() else { return false };
        let before = stroke.len();
        for point in way.into_iter().chain([here]) {
            let point: [f32; 2] = to_unit.transform_pos_clamped(point).into();
            if stroke.last() != Some(&point) {
                stroke.push(point);
            }
        }
        stroke.len() > before
    }

    fn paint(&self, ui: &Ui, painter: &Painter, rect: Rect, from_unit: RectTransform) {
        painter.rect_filled(rect, 8.0, Color32::BLACK);
        painter.rect_stroke(rect, 8.0, ui.visuals().window_stroke, StrokeKind::Inside);
        if let Some(texture) = self.texture.as_ref().filter(|_| self.picture.is_some()) {
            painter.image(
                texture.id(),
                rect.shrink(4.0),
                Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0)),
                Color32::WHITE,
            );
            return;
        }
        if self.drawing.strokes.is_empty() {
            let font = FontId::new(34.0, ICON_EDIT.font_family());
            painter.text(
                rect.center(),
                Align2::CENTER_CENTER,
                ICON_EDIT.codepoint,
                font,
                Color32::from_gray(110),
            );
        }
        let width = self.drawing.pen_width * rect.width();
        for stroke in &self.drawing.strokes {
            let points: Vec<_> =
                stroke.iter().map(|point| from_unit.transform_pos(Pos2::from(*point))).collect();
            for end in [points.first(), points.last()].into_iter().flatten() {
                painter.circle_filled(*end, width / 2.0, Color32::WHITE);
            }
            painter.with_clip_rect(rect).add(Shape::line(points, Stroke::new(width, Color32::WHITE)));
        }
    }

    /// The image that the network sees, pixel by pixel.
    fn seen(&self, ui: &mut Ui) {
        let (response, painter) = ui.allocate_painter(vec2(56.0, 56.0), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "What the network sees"));
        painter.rect_filled(response.rect, 4.0, Color32::BLACK);
        painter.rect_stroke(response.rect, 4.0, ui.visuals().window_stroke, StrokeKind::Outside);
        if let Some(texture) = self.texture.as_ref().filter(|_| self.framed.is_some()) {
            painter.image(
                texture.id(),
                response.rect,
                Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0)),
                Color32::WHITE,
            );
        }
        response.on_hover_text("What the network sees: the ink fitted into 20 × 20 pixels, its centre of mass in the middle of 28 × 28, as MNIST's authors did it");
    }

    fn answered<'a>(&self, prediction: Option<&'a Prediction>, run: Option<&Run>) -> Option<&'a Prediction> {
        prediction.filter(|answer| self.framed.is_some() && run.is_some_and(|run| run.id == answer.run))
    }

    /// The training images nearest to the drawing, where the network has no classes.
    fn neighbours(&mut self, ui: &mut Ui, prediction: Option<&Prediction>, run: Option<&Run>) {
        let Some(answer) = self.answered(prediction, run).filter(|answer| answer.probabilities.is_empty())
        else {
            return;
        };
        match &answer.nearest {
            Some(nearest) => self.nearest.ui(ui, std::slice::from_ref(nearest), 28.0),
            None => drop(ui.label(RichText::new("Looking for the nearest training images…").small().weak())),
        }
        ui.label(
            RichText::new(
                "It learns without labels, so it has no names for digits yet. Fine-tune it, and it will.",
            )
            .small()
            .weak(),
        );
    }

    fn answer(&mut self, ui: &mut Ui, prediction: Option<&Prediction>, run: Option<&Run>, height: f32) {
        match self.answered(prediction, run) {
            Some(answer) if answer.probabilities.is_empty() => {
                self.looks.ui(ui, &answer.strips, LOOK);
            }
            Some(answer) if answer.confidence == (Confidence::Calibrated { is_outsider: true }) => {
                let color = theme::run_colors(ui.visuals().dark_mode)[1];
                let text = "This does not look like anything I was trained on.";
                let top = ui.cursor().top();
                ui.label(strong(text).color(color)).on_hover_text(OUTSIDER);
                bars::ui(ui, &answer.probabilities, (height - (ui.cursor().top() - top)).max(80.0));
            }
            Some(answer) => bars::ui(ui, &answer.probabilities, height),
            None => bars::empty(ui, 10, height),
        }
    }

    /// Asks the run's network about the drawing when either has changed; one question at a time.
    fn ask(
        &mut self,
        ui: &Ui,
        run: Option<&Run>,
        prediction: Option<&Prediction>,
        actions: &mut Vec<Action>,
    ) {
        let (Some(run), Some(pixels)) = (run, &self.framed) else { return };
        let now = ui.input(|input| input.time);
        if let Some(asked) = &self.asked {
            let same = asked.version == self.version && asked.run == run.id;
            let waiting =
                prediction.is_none_or(|answer| answer.request < asked.request) && now - asked.at < 2.0;
            if waiting || (same && asked.step == run.progress.step) {
                return;
            }
            if same && now - asked.at < ASK_AGAIN {
                return ui.ctx().request_repaint_after(Duration::from_secs_f64(ASK_AGAIN));
            }
        }
        self.requests += 1;
        self.asked = Some(Asked {
            request: self.requests,
            version: self.version,
            run: run.id.clone(),
            step: run.progress.step,
            at: now,
        });
        actions.push(Action::Send(Command::Predict {
            request: self.requests,
            run: run.id.clone(),
            pixels: pixels.clone(),
        }));
    }

    fn open(&mut self, sheet: Sheet) {
        self.clear();
        self.picture = Some(sheet);
        self.changed();
    }

    fn undo(&mut self) {
        self.drawing.strokes.pop();
        self.changed();
    }

    /// An empty pad; what was on it stays at hand as the drawing before.
    fn clear(&mut self) {
        if self.framed.is_some() {
            self.before = self.framed.take();
        }
        self.drawing.strokes.clear();
        self.picture = None;
        self.changed();
    }

    fn changed(&mut self) {
        self.version += 1;
        self.sheet = self.picture.clone().or_else(|| self.drawing.sheet());
        self.framed = self.sheet.as_ref().map(Sheet::frame);
        self.texture = None;
    }

    /// Uploads the framed image once it has changed.
    pub fn prepare(&mut self, ctx: &egui::Context) {
        if let (None, Some(pixels)) = (&self.texture, &self.framed) {
            let image = ColorImage::from_gray([SIDE, SIDE], pixels);
            self.texture = Some(ctx.load_texture("drawing", image, TextureOptions::NEAREST));
        }
    }
}

fn caption(run: Option<&Run>, drawn: bool) -> String {
    match (run, drawn) {
        (None, _) => "Start or select a run: its network scores your drawing.".into(),
        (Some(run), true) => format!("Scored by {}", run.spec.name),
        (Some(_), false) => "Draw here, or drop an image on the window.".into(),
    }
}
