//! How the answer changes as the drawing moves, turns and grows.
use super::{
    odds::{self, Odds},
    variants::{PLACES, Reading, best, pixels, rotations, said, sizes},
};
use crate::{
    data::drawing::poses::Pose,
    ui::{
        Action,
        bars::name,
        save::{self, Format, Mark, Source},
        widgets::title,
    },
};
use egui::{
    Align2, Color32, FontId, Rect, RichText, Role, Sense, Slider, Ui, Vec2, WidgetInfo, lerp, pos2, vec2,
};

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
    ui.horizontal_top(|ui| {
        ui.allocate_ui(Vec2::splat(SIDE), |ui| ui.vertical(|ui| map(ui, reading, source, actions)));
        ui.add_space(12.0);
        ui.vertical(|ui| {
            let degrees: Vec<f64> = rotations().map(f64::from).collect();
            let slider =
                Slider::new(&mut pose.rotation, -90.0..=90.0).suffix(" °").fixed_decimals(0).step_by(1.0);
            let wanted = turn(ui, "Rotation", "Turns the image clockwise", slider);
            let axis = Axis {
                id: "rotation",
                source,
                name: "degrees clockwise",
                grid: [90.0, 30.0, 10.0],
                xs: &degrees,
                reading,
                scores: Reading::rotations,
            };
            actions.extend(along(ui, &axis, pose.rotation, wanted));
            let factors: Vec<f64> = sizes().map(f64::from).collect();
            let slider = Slider::new(&mut pose.size, 0.5..=1.5).suffix(" ×").fixed_decimals(2);
            let wanted = turn(ui, "Size", "Makes the image larger or smaller", slider);
            let axis = Axis {
                id: "size",
                source,
                name: "times as large",
                grid: [0.5, 0.25, 0.05],
                xs: &factors,
                reading,
                scores: Reading::sizes,
            };
            actions.extend(along(ui, &axis, pose.size, wanted));
        });
    });
}

/// Gives the format in which the curve beneath is to be saved.
fn turn(ui: &mut Ui, name: &str, help: &str, slider: Slider<'_>) -> Option<Format> {
    let wanted = ui.horizontal(|ui| {
        let label = ui.label(name).on_hover_text(help);
        ui.spacing_mut().slider_width = (ui.available_width() - 120.0).clamp(80.0, 400.0);
        ui.add(slider).labelled_by(label.id);
        save::menu(ui, &format!("the curve over {}", name.to_lowercase()), &save::PLOT)
    });
    wanted.inner
}

/// What a curve is over.
struct Axis<'a> {
    id: &'static str,
    source: &'a Source,
    name: &'static str,
    /// Distances between grid lines, the widest first.
    grid: [f64; 3],
    xs: &'a [f64],
    reading: Option<Reading<'a>>,
    /// Those at `xs`.
    scores: fn(Reading<'a>) -> &'a [Vec<f32>],
}

fn along(ui: &mut Ui, axis: &Axis<'_>, mark: f32, wanted: Option<Format>) -> Option<Action> {
    let Axis { id, source, name: x_name, grid, xs, reading, scores } = *axis;
    let scores: Vec<&[f32]> = reading.map(scores).unwrap_or_default().iter().map(Vec::as_slice).collect();
    let turns: Vec<f64> =
        odds::turns(&scores).into_iter().map(|(at, _)| (xs[at - 1] + xs[at]) / 2.0).collect();
    let mark = f64::from(mark);
    let odds = Odds {
        id,
        source,
        x_name,
        height: CURVE,
        xs,
        scores: &scores,
        is_calibrated: reading.is_some_and(|reading| reading.is_calibrated),
        class_names: reading.map(|reading| reading.class_names).unwrap_or_default(),
        grid: Some(grid),
        mark,
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
        ui.label(RichText::new(format!("Probability of {subject}, by place")).small());
        save::menu(ui, "the map of places", &save::PLOT)
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
            ui.painter().text(
                cell(at).center(),
                Align2::CENTER_CENTER,
                name(reading.class_names, other).chars().take(2).collect::<String>(),
                FontId::proportional(13.0),
                ink,
            );
        }
    }
    let stroke = ui.visuals().widgets.hovered.fg_stroke;
    ui.painter().rect_stroke(cell(places.len() / 2), 2.0, stroke, egui::StrokeKind::Inside);
    legend(ui);
    let within = rect.with_min_y(top).with_max_y(ui.min_rect().bottom());
    let caption = source.title(&format!("Probability of {subject}, by place")).into();
    actions.extend(mark.save(ui, wanted.inner, within, &caption, || table(reading, source)));
    if let Some(pointer) = response.hover_pos() {
        let [x, y] = [pointer.x - rect.left(), pointer.y - rect.top()].map(|at| (at / CELL) as usize);
        let place = [x, y].map(|at| at.min(PLACES - 1));
        let [right, down] = place.map(pixels);
        let scores = &places[place[1] * PLACES + place[0]];
        response.on_hover_text(format!(
            "{right:+} px to the right, {down:+} px down: {}",
            said(scores, reading.class_names)
        ));
    }
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
