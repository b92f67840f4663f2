//! The reliability diagram: confidence against accuracy, and how many images are behind each point.
use crate::{
    evaluation::Reliability,
    metrics::Unit,
    ui::{
        look::{self, Look},
        plot::bounds,
        save::{self, Source},
        views::pointed::Pointed,
        widgets::{percent, thousands},
    },
};
use egui::{Align2, FontId, RichText, Sense, Ui, pos2, vec2};
use egui_plot::{AxisHints, Line, LineStyle, Plot, PlotBounds, PlotPoint, PlotTransform, Points};

/// The height of the diagram, in points.
const HEIGHT: f32 = 240.0;
/// Of fewer images, a share says too little to be drawn.
const FEW: usize = 20;
/// How near to a point the pointer has to be, in points of the screen.
const NEAR: f32 = 16.0;
/// The letters of a count, and the height of one of the two lines of counts.
const COUNT: f32 = 10.5;
const COUNTS: f32 = 13.0;
const NAMES: [&str; 2] = ["As the network gives it", "Calibrated"];

/// Confidence against accuracy, before calibration and after, and the counts beneath.
pub fn ui(ui: &mut Ui, reliability: &[Reliability; 2]) {
    let dark = ui.visuals().dark_mode;
    let looks = [Look::of_few(1, dark), Look::of_few(0, dark)];
    look::key(ui, looks.into_iter().zip(NAMES));
    let [x0, x1] = bounds::padded(Unit::SHARES, ui.available_width() - 60.0);
    let [y0, y1] = bounds::padded(Unit::SHARES, HEIGHT - 40.0);
    let weak = ui.visuals().weak_text_color();
    let shown = framed(ui).show(ui, |plot| {
        plot.set_plot_bounds(PlotBounds::from_min_max([x0, y0], [x1, y1]));
        let diagonal =
            Line::new("", vec![[0.0, 0.0], [1.0, 1.0]]).color(weak).style(LineStyle::dashed_dense());
        plot.line(diagonal.allow_hover(false));
        for (reliability, (look, name)) in reliability.iter().zip(looks.into_iter().zip(NAMES)) {
            let points: Vec<[f64; 2]> = drawn(reliability).map(|(_, point)| point).collect();
            let dots = Points::new(name, points.clone()).color(look.color).shape(look.marker);
            let line = look.line(name, points, 2.0).id(egui::Id::unique((name, "line")));
            plot.line(line.allow_hover(false));
            plot.points(dots.radius(4.5).filled(true).id(egui::Id::unique((name, "points"))));
        }
    });
    counts(ui, &reliability[1], &shown.transform);
    let said = shown.response.hover_pos().and_then(|at| pointed(reliability, &shown.transform, at));
    Pointed::reserve(ui).say(ui, said.as_deref(), "Point at a group of images to read its figures.");
    if let Some(text) = left_out(&reliability[1]) {
        ui.label(RichText::new(text).small().weak());
    }
}

/// The bins that are drawn, with their confidence and the share that is right.
fn drawn(reliability: &Reliability) -> impl Iterator<Item = (usize, [f64; 2])> {
    let bins = reliability.bins.iter().filter(|bin| bin.examples >= FEW);
    bins.map(|bin| (bin.examples, [bin.confidence, bin.accuracy]))
}

/// "2 groups of fewer than 20 images are left out, 17 images in all."
fn left_out(reliability: &Reliability) -> Option<String> {
    let few = reliability.bins.iter().filter(|bin| (1..FEW).contains(&bin.examples));
    let (groups, images) = few.fold((0, 0), |(groups, images), bin| (groups + 1, images + bin.examples));
    let group = if groups == 1 { "1 group".into() } else { format!("{groups} groups") };
    let verb = if groups == 1 { "is" } else { "are" };
    let image = if images == 1 { "1 image".into() } else { format!("{images} images") };
    (groups > 0).then(|| format!("{group} of fewer than {FEW} images {verb} left out, {image} in all."))
}

/// What the point next to the pointer stands for.
fn pointed(reliability: &[Reliability; 2], transform: &PlotTransform, at: egui::Pos2) -> Option<String> {
    let of = |(reliability, name)| drawn(reliability).map(move |(images, point)| (name, images, point));
    let points = reliability.iter().zip(NAMES).flat_map(of);
    let distance =
        |point: [f64; 2]| transform.position_from_point(&PlotPoint::new(point[0], point[1])).distance(at);
    let near = points.map(|point| (distance(point.2), point)).filter(|(distance, _)| *distance < NEAR);
    let (_, (name, images, [confidence, accuracy])) = near.min_by(|a, b| a.0.total_cmp(&b.0))?;
    let (images, confidence, accuracy) = (thousands(images as u64), percent(confidence), percent(accuracy));
    Some(format!("{name}: {images} images, {confidence} sure on average, {accuracy} right"))
}

/// How many images each group has, beneath it, by turns in two lines; those that are left out are faint.
fn counts(ui: &mut Ui, reliability: &Reliability, transform: &PlotTransform) {
    let label = RichText::new("Images of each calibrated group:").small().weak();
    ui.label(label);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 2.0 * COUNTS), Sense::hover());
    let width = 1.0 / reliability.bins.len().max(1) as f64;
    for (at, bin) in reliability.bins.iter().enumerate().filter(|(_, bin)| bin.examples > 0) {
        let middle = PlotPoint::new((at as f64 + 0.5) * width, 0.0);
        let x = transform.position_from_point(&middle).x;
        let y = rect.top() + COUNTS * (at % 2) as f32;
        let visuals = ui.visuals();
        let color = if bin.examples < FEW { visuals.weak_text_color() } else { visuals.strong_text_color() };
        let font = FontId::proportional(COUNT);
        ui.painter().text(pos2(x, y), Align2::CENTER_TOP, short(bin.examples), font, color);
    }
}

/// "213", "1.2k" or "12k".
fn short(count: usize) -> String {
    match count {
        0..1000 => count.to_string(),
        1000..9950 => format!("{:.1}k", count as f64 / 1000.0),
        _ => format!("{:.0}k", count as f64 / 1000.0),
    }
}

fn framed(ui: &Ui) -> Plot<'static> {
    let weak = ui.visuals().weak_text_color();
    let axis = |axis: AxisHints<'static>, name: &str| {
        axis.label(name.to_owned())
            .tick_label_font(FontId::proportional(13.0))
            .tick_label_color(weak)
            .formatter(|mark, _| bounds::share_tick(mark.value))
    };
    Plot::new("reliability")
        .height(HEIGHT)
        .show_background(false)
        .grid_color(weak.gamma_multiply(0.35))
        .custom_x_axes(vec![axis(AxisHints::new_x(), "Confidence")])
        .custom_y_axes(vec![axis(AxisHints::new_y(), "Right").min_thickness(46.0)])
        .show_crosshair(false)
        .allow_scroll(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .label_formatter(|_| None)
}

/// The bins before calibration and after, those without images left out.
pub fn table(reliability: &[Reliability; 2], source: &Source) -> anyhow::Result<save::File> {
    let rows = reliability.iter().zip(["no", "yes"]).flat_map(|(reliability, calibrated)| {
        reliability.bins.iter().filter(|bin| bin.examples > 0).map(move |bin| {
            let figures = [bin.examples as f64, bin.confidence, bin.accuracy].map(|value| value.to_string());
            std::iter::once(calibrated.to_owned()).chain(figures).collect()
        })
    });
    source.table("Reliability", &["calibrated", "images", "confidence", "accuracy"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_few_images_are_left_out_and_that_is_said() {
        let of = |confidence: f64, images: usize| (0..images).map(move |_| (confidence, true));
        let found = Reliability::new(of(0.99, 400).chain(of(0.7, 20)).chain(of(0.5, 19)).chain(of(0.3, 1)));
        assert_eq!(drawn(&found).map(|(images, _)| images).collect::<Vec<_>>(), [20, 400]);
        let told = "2 groups of fewer than 20 images are left out, 20 images in all.";
        assert_eq!(left_out(&found).as_deref(), Some(told));
        let one = Reliability::new(of(0.99, 400).chain(of(0.3, 1)));
        assert_eq!(left_out(&one).unwrap(), "1 group of fewer than 20 images is left out, 1 image in all.");
        assert_eq!(left_out(&Reliability::new(of(0.99, 400))), None);
        assert_eq!([7, 999, 1234, 9960, 12_400].map(short), ["7", "999", "1.2k", "10k", "12k"]);
    }
}
