//! The pad to draw on, what the network sees of it, and what it thinks.
use super::{
    Action, bars,
    strips::Strips,
    theme,
    widgets::{card, icon_button, picture, strong, title},
};
use crate::{
    data::{
        drawing::{Drawing, SIDE, Sheet},
        picture::{self as pictures, Picture},
    },
    protocol::{Command, Confidence, Image, Prediction},
    session::Run,
};
use anyhow::Result;
use egui::{
    Align, Align2, Color32, Event, FontId, Layout, Painter, Pos2, Rect, Response, RichText, Role, Sense,
    Shape, Slider, Stroke, StrokeKind, TextureHandle, TextureOptions, Ui, WidgetInfo, emath::RectTransform,
    pos2, vec2,
};
use egui_material_icons::icons::{ICON_DELETE, ICON_EDIT, ICON_IMAGE, ICON_UNDO};
use std::{path::Path, time::Duration};

/// The fewest seconds between two questions about the same drawing while the weights change.
const ASK_AGAIN: f64 = 0.1;

/// What it means to look like nothing that is known.
const OUTSIDER: &str = "Its strokes, to the eyes of the network, are farther from those of every class than 97 of 100 images that it was not fitted to. It has to choose a class all the same: do not take it at its word.";

/// The height of all bars, at least.
const LOWEST: f32 = 150.0;

/// How high the pictures are that a network makes of the drawing.
const LOOK: f32 = 56.0;

/// What is drawn, or the picture that was opened instead.
#[derive(Default)]
pub struct DrawPad {
    drawing: Drawing,
    opened: Option<Opened>,
    /// Whichever of the two it is, as ink on paper; nothing where it is no drawing.
    sheet: Option<Sheet>,
    /// What the network is shown.
    image: Option<Image>,
    /// What it was shown before.
    before: Option<Image>,
    /// What is shown, and the picture that was opened.
    textures: Option<[TextureHandle; 2]>,
    /// What a network without classes makes of it, and what is nearest to it.
    looks: Strips,
    nearest: Strips,
    /// Whether they are wanted where the network knows classes.
    with_nearest: bool,
    /// Counts changes of the drawing.
    version: u64,
    asked: Option<Asked>,
    requests: u64,
}

/// A picture on the pad.
struct Opened {
    picture: Image,
    /// The ink on it, where there is any.
    sheet: Option<Sheet>,
    /// Its ink is framed, so that the network sees a drawing, and not the picture as it is.
    as_drawing: bool,
    /// It was framed before.
    is_framed: bool,
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
    /// Where it cannot be read, or is blank.
    pub fn open_file(&mut self, path: &Path) -> Result<()> {
        let Picture { shape, pixels, sheet, is_coloured } = pictures::open(path)?;
        let as_drawing = sheet.is_some() && !is_coloured;
        self.open(Opened { picture: Image { shape, pixels }, sheet, as_drawing, is_framed: false });
        Ok(())
    }

    /// Shows and scores an image of a data set instead of strokes. One that looks framed, 28 by 28 in grey, is a drawing.
    pub fn show(&mut self, image: Image) {
        let is_framed = image.shape == [SIDE, SIDE, 1];
        let sheet = Sheet::framed(&image.pixels).filter(|_| is_framed);
        self.open(Opened { as_drawing: sheet.is_some(), picture: image, sheet, is_framed });
    }

    /// What the network is shown; nothing where nothing is drawn.
    pub fn image(&self) -> Option<&Image> {
        self.image.as_ref()
    }

    /// The same before it is framed.
    pub fn sheet(&self) -> Option<&Sheet> {
        self.sheet.as_ref()
    }

    /// What the network is shown of this drawing and of the one before it.
    pub fn newest_two(&self) -> Vec<Image> {
        [&self.image, &self.before].into_iter().flatten().cloned().collect()
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
                    self.choose_reading(ui);
                    ui.label(RichText::new(caption(run, self.image.is_some())).small().weak());
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

    /// Where a picture is open: a drawing, or not.
    fn choose_reading(&mut self, ui: &mut Ui) {
        let Some(opened) = self.opened.as_mut().filter(|opened| opened.sheet.is_some() && !opened.is_framed)
        else {
            return;
        };
        let help =
            "On, its ink is framed as MNIST's digits are. Off, the network is shown the picture as it is.";
        if ui.checkbox(&mut opened.as_drawing, "Read it as a drawing").on_hover_text(help).changed() {
            self.changed();
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
            if self.opened.is_some() {
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
        if let Some([_, picture]) = self.textures.as_ref().filter(|_| self.opened.is_some()) {
            return whole(painter, picture, rect.shrink(4.0));
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
        if let Some([seen, _]) = self.textures.as_ref().filter(|_| self.image.is_some()) {
            whole(&painter, seen, response.rect);
        }
        response.on_hover_text(if self.image.is_some() && self.sheet.is_none() {
            "What the network is shown: the picture, which it sees at the size that it knows"
        } else {
            "What the network sees: the ink fitted into 20 × 20 pixels, its centre of mass in the middle of 28 × 28, as MNIST's authors did it"
        });
    }

    fn answered<'a>(&self, prediction: Option<&'a Prediction>, run: Option<&Run>) -> Option<&'a Prediction> {
        prediction.filter(|answer| self.image.is_some() && run.is_some_and(|run| run.id == answer.run))
    }

    /// The training images nearest to the drawing: at once where the network has no classes, else where they are wanted.
    fn neighbours(&mut self, ui: &mut Ui, prediction: Option<&Prediction>, run: Option<&Run>) {
        let Some(answer) = self.answered(prediction, run) else { return };
        if !answer.probabilities.is_empty() {
            let help = "Those that look most like the drawing to the network. Some thousand of them are looked at, between batches of training";
            let toggle =
                ui.checkbox(&mut self.with_nearest, "Show the nearest training images").on_hover_text(help);
            // what has been asked before was asked without them
            self.version += u64::from(toggle.changed());
            if !self.with_nearest {
                return;
            }
        }
        match &answer.nearest {
            Some(nearest) => self.nearest.ui(ui, std::slice::from_ref(nearest), 28.0),
            None => drop(ui.label(RichText::new("Looking for the nearest training images…").small().weak())),
        }
        if answer.probabilities.is_empty() {
            let text = "It learns without labels, so it has no names for what it sees yet. Fine-tune it, and it will.";
            ui.label(RichText::new(text).small().weak());
        }
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
                bars::ui(
                    ui,
                    &answer.probabilities,
                    &answer.class_names,
                    (height - (ui.cursor().top() - top)).max(LOWEST),
                );
            }
            Some(answer) => bars::ui(ui, &answer.probabilities, &answer.class_names, height),
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
        let (Some(run), Some(image)) = (run, &self.image) else { return };
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
            image: image.clone(),
            with_nearest: self.with_nearest,
        }));
    }

    fn open(&mut self, opened: Opened) {
        self.clear();
        self.opened = Some(opened);
        self.changed();
    }

    fn undo(&mut self) {
        self.drawing.strokes.pop();
        self.changed();
    }

    /// An empty pad; what was on it stays at hand as the drawing before.
    fn clear(&mut self) {
        if self.image.is_some() {
            self.before = self.image.take();
        }
        self.drawing.strokes.clear();
        self.opened = None;
        self.changed();
    }

    fn changed(&mut self) {
        self.version += 1;
        self.sheet = match &self.opened {
            Some(opened) => opened.sheet.clone().filter(|_| opened.as_drawing),
            None => self.drawing.sheet(),
        };
        self.image = match &self.opened {
            // what is framed already would be changed by framing it once more
            Some(opened) if opened.is_framed || !opened.as_drawing => Some(opened.picture.clone()),
            _ => self.sheet.as_ref().map(|sheet| Image::drawing(sheet.frame())),
        };
        self.textures = None;
    }

    /// Uploads what is shown once it has changed.
    pub fn prepare(&mut self, ctx: &egui::Context) {
        if let (None, Some(image)) = (&self.textures, &self.image) {
            let upload = |image: &Image| {
                ctx.load_texture("drawing", picture(image.shape, &image.pixels), TextureOptions::NEAREST)
            };
            let seen = upload(image);
            let opened = self.opened.as_ref().filter(|opened| opened.picture != *image);
            let shown = opened.map_or_else(|| seen.clone(), |opened| upload(&opened.picture));
            self.textures = Some([seen, shown]);
        }
    }
}

/// A texture as large as fits.
fn whole(painter: &Painter, texture: &TextureHandle, rect: Rect) {
    let size = texture.size_vec2();
    let scale = (rect.size() / size).min_elem();
    let part = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
    painter.image(texture.id(), Rect::from_center_size(rect.center(), size * scale), part, Color32::WHITE);
}

fn caption(run: Option<&Run>, drawn: bool) -> String {
    match (run, drawn) {
        (None, _) => "Start or select a run: its network scores your drawing.".into(),
        (Some(run), true) => format!("Scored by {}", run.spec.name),
        (Some(_), false) => "Draw here, or drop an image on the window.".into(),
    }
}
