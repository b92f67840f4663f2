//! The way from paper to what the network sees, each step with a switch.
use super::variants::{OF_PHOTOGRAPHS, Reading, SWITCHES, said};
use crate::{
    data::drawing::{Framing, SIDE, Sheet, Tone},
    protocol::{Caption, Strip},
    shape::ImageShape,
    ui::{
        Action,
        bars::{best, kind},
        save::{self, Source},
        widgets::{strong, title},
    },
};
use egui::{
    Color32, ColorImage, Pos2, Rect, RichText, Role, Sense, StrokeKind, TextureHandle, TextureOptions, Ui,
    Vec2, WidgetInfo, pos2, vec2,
};

/// How high the pictures are.
const HEIGHT: f32 = 96.0;

/// How wide a step is, its switch included.
const WIDTH: f32 = 144.0;

/// The pictures of the steps, with their textures.
#[derive(Default)]
pub struct Pictures(Vec<(Tone, TextureHandle)>);

impl Pictures {
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        sheet: &Sheet,
        framing: &mut Framing,
        reading: Option<Reading<'_>>,
        source: &Source,
        actions: &mut Vec<Action>,
    ) {
        let steps = sheet.steps(*framing);
        let framed = Tone { width: SIDE, pixels: steps.framed };
        let tones =
            [steps.paper, steps.levelled, steps.unlined, steps.cropped, steps.thickened, steps.boxed, framed];
        let shown: Vec<usize> = (0..tones.len())
            .filter(|place| sheet.is_photographed() || !(1..=OF_PHOTOGRAPHS).contains(place))
            .collect();
        let wanted = ui.horizontal(|ui| {
            title(ui, "What the network sees").on_hover_text("The steps that MNIST's authors took with their digits. Switch one off to see what it is worth.");
            save::menu(ui, "the steps", &save::PICTURE)
        });
        let picture = |format| source.strip(ui, "What the network sees", &strip(&tones, &shown), format);
        actions.extend(wanted.inner.map(picture).map(save::action));
        let across = ((ui.available_width() / WIDTH) as usize).clamp(1, shown.len());
        for row in shown.chunks(across) {
            ui.horizontal_top(|ui| {
                for place in row {
                    ui.allocate_ui(vec2(WIDTH - ui.spacing().item_spacing.x, HEIGHT), |ui| {
                        ui.vertical(|ui| self.step(ui, *place, &tones[*place], framing, reading));
                    });
                }
            });
        }
        let said = reading.map(|reading| {
            let (read, kind) = (said(reading.subject(), reading.class_names), kind(reading.is_calibrated));
            format!("With these steps it reads {read}, {kind}.")
        });
        ui.label(said.unwrap_or_default());
    }

    fn step(
        &mut self,
        ui: &mut Ui,
        place: usize,
        tone: &Tone,
        framing: &mut Framing,
        reading: Option<Reading<'_>>,
    ) {
        ui.set_min_width(ui.available_width());
        let name = if place == 0 { "Paper" } else { SWITCHES[place - 1].label };
        self.picture(ui, place, tone, name);
        match place.checked_sub(1) {
            None => drop(ui.label(strong(name)).on_hover_text("The pad or the picture as it is")),
            Some(switch) => self::switch(ui, switch, framing, reading),
        }
    }

    fn picture(&mut self, ui: &mut Ui, place: usize, tone: &Tone, name: &str) {
        if self.0.get(place).is_none_or(|(shown, _)| shown != tone) {
            let height = tone.pixels.len() / tone.width.max(1);
            let image = ColorImage::from_gray([tone.width, height], &tone.pixels);
            let shown = (tone.clone(), ui.ctx().load_texture("step", image, TextureOptions::NEAREST));
            match self.0.get_mut(place) {
                Some(older) => *older = shown,
                None => self.0.push(shown),
            }
        }
        let (rect, response) = ui.allocate_exact_size(Vec2::splat(HEIGHT), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("After the step {name}")));
        ui.painter().rect_filled(rect, 4.0, Color32::BLACK);
        ui.painter().rect_stroke(rect, 4.0, ui.visuals().window_stroke, StrokeKind::Outside);
        let Some((_, texture)) = self.0.get(place) else { return };
        let size = texture.size_vec2();
        let shown = Rect::from_center_size(rect.center(), size * (HEIGHT / size.max_elem().max(1.0)));
        let all = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
        ui.painter().image(texture.id(), shown, all, Color32::WHITE);
    }
}

/// The steps that are shown, at one size.
fn strip(tones: &[Tone], shown: &[usize]) -> Strip {
    const SIDE: usize = 112;
    let pixels = |tone: &Tone| -> Vec<u8> {
        let height = tone.pixels.len() / tone.width.max(1);
        let longest = height.max(tone.width).max(1);
        // in the middle of a square, pixel by pixel
        let at = |place: usize, length: usize| {
            (place * longest / SIDE).checked_sub((longest - length) / 2).filter(|at| *at < length)
        };
        let ink = |place: usize| {
            let (x, y) = (at(place % SIDE, tone.width)?, at(place / SIDE, height)?);
            Some(tone.pixels[y * tone.width + x])
        };
        (0..SIDE * SIDE).map(|place| ink(place).unwrap_or_default()).collect()
    };
    let name = |place: usize| if place == 0 { "Paper" } else { SWITCHES[place - 1].label };
    Strip {
        name: "Steps",
        help: "",
        shape: ImageShape::new(SIDE, SIDE, 1),
        pixels: shown.iter().flat_map(|place| pixels(&tones[*place])).collect(),
        captions: shown.iter().map(|place| Caption { text: name(*place).into(), is_right: None }).collect(),
    }
}

/// A step's switch, and what the network would say with the other position of it.
fn switch(ui: &mut Ui, switch: usize, framing: &mut Framing, reading: Option<Reading<'_>>) {
    let step = &SWITCHES[switch];
    let on = (step.of)(framing);
    ui.checkbox(on, step.label).on_hover_text(step.help);
    let other = if *on { "without" } else { "with it" };
    let Some(reading) = reading else {
        ui.add_space(14.0);
        return;
    };
    let scores = reading.toggled(switch);
    let differs = best(scores).0 != best(reading.subject()).0;
    let text = RichText::new(format!("{other}: {}", said(scores, reading.class_names))).small();
    ui.label(if differs { text.strong() } else { text.weak() })
        .on_hover_text("What the network reads with only this switch in its other position");
}
