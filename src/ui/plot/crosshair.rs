//! What all curves are at the place that the pointer is at in any of the plots, written above each of them.
use super::{Curves, MetricPlot, along, axes::written, axis_name};
use crate::ui::{settings::XAxis, widgets::number};
use egui::{Color32, FontId, Id, Label, TextFormat, Ui, text::LayoutJob};

/// The most runs that are read out: what does not fit is cut off, and nobody reads that many.
const MOST: usize = 12;
const FONT: f32 = 12.5;

/// Where the pointer was in the last frame, in terms of the x axis.
#[derive(Clone, Copy)]
struct Crosshair {
    x: f64,
    frame: u64,
}

fn id() -> Id {
    Id::unique("crosshair")
}

/// Keeps where the pointer is in a plot.
pub fn keep(ui: &Ui, x: f64) {
    let frame = ui.ctx().cumulative_frame_nr();
    ui.data_mut(|data| data.insert_temp(id(), Crosshair { x, frame }));
}

/// Where the pointer is in one of the plots, or was a frame ago.
pub fn at(ui: &Ui) -> Option<f64> {
    let now = ui.ctx().cumulative_frame_nr();
    let kept = ui.data(|data| data.get_temp::<Crosshair>(id()))?;
    (kept.frame + 1 >= now).then_some(kept.x)
}

/// The curves at a place, as one line of text; nothing where none of them reaches there.
pub fn ui(ui: &mut Ui, plot: &MetricPlot<'_>, x: f64) -> bool {
    let readings = readings(plot, x);
    if readings.is_empty() {
        return false;
    }
    let axis = plot.options.x_axis;
    let at = if axis == XAxis::Step { format!("{x:.0}") } else { number(x) };
    let font = FontId::proportional(FONT);
    let mut job = LayoutJob::default();
    let mut add = |text: &str, color| job.append(text, 0.0, TextFormat::simple(font.clone(), color));
    add(&format!("{} {at}", axis_name(axis)), ui.visuals().weak_text_color());
    for (name, color, text) in readings {
        add(&format!("   {name} "), color);
        add(&text, ui.visuals().text_color());
    }
    ui.add(Label::new(job).truncate());
    true
}

/// Names, colours and values, the selected run first, then the best.
fn readings(plot: &MetricPlot<'_>, x: f64) -> Vec<(String, Color32, String)> {
    let sign = if plot.metric.higher_is_better { -1.0 } else { 1.0 };
    let value = |curve: &Curves<'_>| {
        let along = |step| along(curve.run, plot.options.x_axis, step);
        let of_validation = || curve.validation.and_then(|view| view.at(along, x));
        curve.train.and_then(|view| view.at(along, x)).or_else(of_validation)
    };
    let mut all: Vec<_> = plot.curves.iter().filter_map(|curve| Some((curve, value(curve)?))).collect();
    all.sort_by(|(a, x), (b, y)| b.selected.cmp(&a.selected).then((sign * x).total_cmp(&(sign * y))));
    let reading = |(curve, value): (&Curves<'_>, f64)| {
        (curve.run.spec.name.clone(), curve.look.color, written(plot.metric.unit, value))
    };
    all.into_iter().take(MOST).map(reading).collect()
}
