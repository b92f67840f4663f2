//! How the answer changes as the drawing moves, turns and grows.
use super::{
    odds::{self, Odds},
    variants::{PLACES, Reading, pixels, rotations, said, sizes},
};
use crate::{
    data::drawing::poses::Pose,
    ui::{
        Action,
        bars::{best, name},
        save::{self, Format, Mark, Source},
        views::pointed::Pointed,
        widgets::title,
    },
};
use egui::{
    Align2, Color32, FontId, Label, Rect, RichText, Role, Sense, Slider, Ui, Vec2, WidgetInfo, lerp, pos2,
    vec2,
};
use std::ops::RangeInclusive;

/// The side of a place on the map.
const CELL: f32 = 22.0;
/// The side of the map.
const SIDE: f32 = CELL * PLACES as f32;
/// The height of a plot.
const CURVE: f32 = 150.0;

pub fn ui(
    ui: &mut Ui,
    pose: &mut Pose,
    reading: Option<Reading<'_>>,
    source: &Source,
    actions: &mut Vec<Action>,
) {
    ui.horizontal(|ui| {
        title(ui, "Moved, turned, larger or smaller").on_hover_text(
            "The framed image is moved by whole pixels, turned and scaled, and read again each time.",
        );
        if *pose != Pose::default() && ui.button("As it was").clicked() {
            *pose = Pose::default();
        }
    });
    if ui.available_width() < 2.0 * SIDE {
        map(ui, reading, source, actions);
        return curves(ui, pose, reading, source, actions);
    }
    ui.horizontal_top(|ui| {
        ui.allocate_ui(Vec2::splat(SIDE), |ui| ui.vertical(|ui| map(ui, reading, source, actions)));
        ui.add_space(12.0);
        ui.vertical(|ui| curves(ui, pose, reading, source, actions));
    });
}

fn curves(
    ui: &mut Ui,
    pose: &mut Pose,
    reading: Option<Reading<'_>>,
    source: &Source,
    actions: &mut Vec<Action>,
) {
    for (axis, value) in [(&ROTATION, &mut pose.rotation), (&SIZE, &mut pose.size)] {
        let wanted = slider(ui, axis, value);
        actions.extend(curve(ui, axis, reading, source, *value, wanted));
    }
}

/// What a curve is drawn over, and its slider.
struct Axis {
    label: &'static str,
    help: &'static str,
    range: RangeInclusive<f32>,
    suffix: &'static str,
    decimals: usize,
    /// 0 where the slider moves freely.
    step: f64,
    /// The title of the axis.
    name: &'static str,
    /// Distances between grid lines, the widest first.
    grid: [f64; 3],
    xs: fn() -> Vec<f64>,
    /// The scores at `xs`.
    scores: fn(Reading<'_>) -> &[Vec<f32>],
}

const ROTATION: Axis = Axis {
    label: "Rotation",
    help: "Turns the image clockwise",
    range: -90.0..=90.0,
    suffix: " °",
    decimals: 0,
    step: 1.0,
    name: "degrees clockwise",
    grid: [90.0, 30.0, 10.0],
    xs: || rotations().map(f64::from).collect(),
    scores: |reading| reading.rotations(),
};

const SIZE: Axis = Axis {
    label: "Size",
    help: "Makes the image larger or smaller",
    range: 0.5..=1.5,
    suffix: " ×",
    decimals: 2,
    step: 0.0,
    name: "times as large",
    grid: [0.5, 0.25, 0.05],
    xs: || sizes().map(f64::from).collect(),
    scores: |reading| reading.sizes(),
};

/// Returns the format in which the curve below is to be saved.
fn slider(ui: &mut Ui, axis: &Axis, value: &mut f32) -> Option<Format> {
    let wanted = ui.horizontal(|ui| {
        let label = ui.label(axis.label).on_hover_text(axis.help);
        ui.spacing_mut().slider_width = (ui.available_width() - 150.0).clamp(40.0, 400.0);
        let slider = Slider::new(value, axis.range.clone()).suffix(axis.suffix);
        ui.add(slider.fixed_decimals(axis.decimals).step_by(axis.step)).labelled_by(label.id);
        save::menu(ui, &format!("the curve over {}", axis.label.to_lowercase()), &save::PLOT)
    });
    wanted.inner
}

fn curve(
    ui: &mut Ui,
    axis: &Axis,
    reading: Option<Reading<'_>>,
    source: &Source,
    mark: f32,
    wanted: Option<Format>,
) -> Option<Action> {
    let xs = (axis.xs)();
    let scores = reading.map(axis.scores).unwrap_or_default();
    let scores: Vec<&[f32]> = scores.iter().map(Vec::as_slice).collect();
    let turns: Vec<f64> =
        odds::turns(&scores).into_iter().map(|(at, _)| (xs[at - 1] + xs[at]) / 2.0).collect();
    let id = axis.label.to_lowercase();
    let odds = Odds {
        id: &id,
        source,
        x_name: axis.name,
        height: CURVE,
        xs: &xs,
        scores: &scores,
        is_calibrated: reading.is_some_and(|reading| reading.is_calibrated),
        class_names: reading.map(|reading| reading.class_names).unwrap_or_default(),
        grid: Some(axis.grid),
        mark: f64::from(mark),
        turns: &turns,
    };
    odds::ui(ui, &odds, &format!("The drawing over {id}"), wanted)
}

/// The probability of the class that is read where the drawing is, for every place that it is moved to.
fn map(ui: &mut Ui, reading: Option<Reading<'_>>, source: &Source, actions: &mut Vec<Action>) {
    let Some(reading) = reading else {
        ui.allocate_space(Vec2::splat(SIDE));
        return;
    };
    let places = reading.places();
    let (class, _) = best(&places[places.len() / 2]);
    let subject = name(reading.class_names, class);
    let wanted = ui.horizontal(|ui| {
        let wanted = save::menu(ui, "the map of places", &save::PLOT);
        let text = RichText::new(format!("Probability of {subject}, by place")).small();
        ui.add(Label::new(text).truncate());
        wanted
    });
    let (mark, top) = (Mark::new(ui), ui.cursor().top());
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(SIDE), Sense::hover());
    let kept = places.iter().filter(|scores| best(scores).0 == class).count();
    let spoken = format!("Map of places: {subject} is read in {kept} of {}", places.len());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &spoken));
    let cell = |at: usize| {
        let corner = rect.min + vec2((at % PLACES) as f32, (at / PLACES) as f32) * CELL;
        Rect::from_min_size(corner, Vec2::splat(CELL))
    };
    for (at, scores) in places.iter().enumerate() {
        let shade = shade(ui, scores[class]);
        ui.painter().rect_filled(cell(at).shrink(0.5), 2.0, shade);
        let (other, _) = best(scores);
        if other != class {
            let ink = if shade.intensity() > 0.5 { Color32::BLACK } else { Color32::WHITE };
            let beginning: String = name(reading.class_names, other).chars().take(2).collect();
            // Two Chinese characters are as wide as three letters.
            let size = if beginning.is_ascii() { 13.0 } else { 9.5 };
            let font = FontId::proportional(size);
            ui.painter().text(cell(at).center(), Align2::CENTER_CENTER, beginning, font, ink);
        }
    }
    let stroke = ui.visuals().widgets.hovered.fg_stroke;
    ui.painter().rect_stroke(cell(places.len() / 2), 2.0, stroke, egui::StrokeKind::Inside);
    legend(ui);
    let within = rect.with_min_y(top).with_max_y(ui.min_rect().bottom());
    let caption = source.title(&format!("Probability of {subject}, by place")).into();
    actions.extend(mark.save(ui, wanted.inner, within, &caption, || table(reading, source)));
    let pointed = response.hover_pos().map(|pointer| {
        let [x, y] = [pointer.x - rect.left(), pointer.y - rect.top()].map(|at| (at / CELL) as usize);
        let place = [x, y].map(|at| at.min(PLACES - 1));
        let [right, down] = place.map(pixels);
        let scores = &places[place[1] * PLACES + place[0]];
        format!("{right:+} px right, {down:+} px down: {}", said(scores, reading.class_names))
    });
    Pointed::reserve(ui).say(ui, pointed.as_deref(), "Point at a place to read it.");
}

/// Every class at every place.
fn table(reading: Reading<'_>, source: &Source) -> anyhow::Result<save::File> {
    let rows = reading.places().iter().enumerate().flat_map(|(at, scores)| {
        let [right, down] = [at % PLACES, at / PLACES].map(|place| pixels(place).to_string());
        scores.iter().enumerate().map(move |(class, score)| {
            let class = name(reading.class_names, class).to_owned();
            let is_calibrated = reading.is_calibrated.to_string();
            vec![right.clone(), down.clone(), class, score.to_string(), is_calibrated]
        })
    });
    let header = ["pixels_right", "pixels_down", "class", "probability", "calibrated"];
    source.table("Probabilities by place", &header, rows)
}

/// The surer, the stronger the colour.
fn shade(ui: &Ui, probability: f32) -> Color32 {
    let (none, all) = (ui.visuals().extreme_bg_color, ui.visuals().selection.bg_fill);
    let mix = |a: u8, b: u8| lerp(f32::from(a)..=f32::from(b), probability.clamp(0.0, 1.0)).round() as u8;
    Color32::from_rgb(mix(none.r(), all.r()), mix(none.g(), all.g()), mix(none.b(), all.b()))
}

fn legend(ui: &mut Ui) {
    const STEPS: usize = 20;
    let (rect, _) = ui.allocate_exact_size(vec2(SIDE, 10.0), Sense::hover());
    for step in 0..STEPS {
        let part = |step: usize| rect.left() + rect.width() * step as f32 / STEPS as f32;
        let bar = Rect::from_min_max(pos2(part(step), rect.top()), pos2(part(step + 1), rect.bottom()));
        ui.painter().rect_filled(bar, 0.0, shade(ui, (step as f32 + 0.5) / STEPS as f32));
    }
    ui.label(
        RichText::new(
            "0 % to 100 %; −10 to 10 pixels each way; the beginning of a name where another is read",
        )
        .small()
        .weak(),
    );
}
