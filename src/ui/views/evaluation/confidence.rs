//! Calibration: confidence against accuracy, and whether the network notices outsiders.
use super::{Found, figures::Figures};
use crate::{
    evaluation::Reliability,
    metrics::Unit,
    spec::Section,
    ui::{
        look::{self, Look},
        plot::bounds,
        save::{self, Mark, Source},
        views::Scene,
        widgets::{card, percent, strong, thousands},
    },
};
use egui::{FontId, Ui};
use egui_plot::{AxisHints, HoverPosition, Line, LineStyle, Plot, PlotBounds, Points};

pub fn ui(ui: &mut Ui, found: &Found, figures: &Figures, source: &Source, scene: &mut Scene<'_>) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let mut wanted = None;
        ui.horizontal(|ui| {
        ui.label(strong("Reliability")).on_hover_text("Groups of images by confidence: the mean confidence of each group against the share that is right. The points of a well calibrated network lie on the diagonal.");
            wanted = save::menu(ui, "the reliability diagram", &save::PLOT);
        });
        let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
        diagram(ui, &figures.reliability);
        let within = ui.min_rect().with_min_y(top);
        let table = || table(&figures.reliability, source);
        scene.actions.extend(mark.save(ui, wanted, within, &source.title("Reliability").into(), table));
        let [before, after] = figures.reliability.each_ref().map(|reliability| percent(reliability.ece));
        let text = format!(
            "Expected calibration error {after}, before calibration {before}; temperature {:.2}",
            figures.trust.temperature
        );
        ui.label(text).on_hover_text("The mean distance from the diagonal. Logits are divided by the temperature, which was fitted on validation images; above 1, the network was too sure of itself.");
        ui.add_space(4.0);
        ui.label(strong("Outsiders")).on_hover_text("An image is called an outsider where its features lie farther from those of every class than those of 97 % of the validation images do.");
        for sentence in outsiders(found, figures, scene) {
            ui.label(sentence);
        }
    });
}

/// What the threshold lets through and what it does not.
fn outsiders(found: &Found, figures: &Figures, scene: &Scene<'_>) -> Vec<String> {
    let split = found.evaluation.split.id();
    let Some(validation_flagged) = figures.trust.validation_flagged else {
        let labels = thousands(figures.trust.labels.training as u64);
        return vec![format!("It has learnt from {labels} labels, too few to tell what is an outsider.")];
    };
    let mut sentences = vec![format!(
        "Taken for outsiders, though they are none: {} of the {split} images, {} of the validation images by which the threshold was set.",
        percent(figures.flagged),
        percent(validation_flagged)
    )];
    let id = found.wish.outsiders.as_deref().unwrap_or_default();
    let label = scene.catalog.component(Section::Dataset, id).map_or("another data set", |info| info.label);
    sentences.push(match figures.trust.outsiders {
        Some((images, flagged)) => format!(
            "Of {} images of {label}, {} are noticed and {} pass for what they are not.",
            thousands(images as u64),
            percent(flagged),
            percent(1.0 - flagged)
        ),
        None => {
            "Choose another data set under Outsiders above to see how many of its images are noticed.".into()
        }
    });
    sentences
}

/// The bins before calibration and after, those without images left out.
fn table(reliability: &[Reliability; 2], source: &Source) -> anyhow::Result<save::File> {
    let rows = reliability.iter().zip(["no", "yes"]).flat_map(|(reliability, calibrated)| {
        reliability.bins.iter().filter(|bin| bin.examples > 0).map(move |bin| {
            let figures = [bin.examples as f64, bin.confidence, bin.accuracy].map(|value| value.to_string());
            std::iter::once(calibrated.to_owned()).chain(figures).collect()
        })
    });
    source.table("Reliability", &["calibrated", "images", "confidence", "accuracy"], rows)
}

/// Confidence against accuracy, before calibration and after. Points of few images are small: they say little.
fn diagram(ui: &mut Ui, reliability: &[Reliability; 2]) {
    let dark = ui.visuals().dark_mode;
    let looks = [Look::of_few(1, dark), Look::of_few(0, dark)];
    let names = ["As the network gives it", "Calibrated"];
    look::key(ui, looks.into_iter().zip(names));
    let weak = ui.visuals().weak_text_color();
    let font = FontId::proportional(13.0);
    let axis = |axis: AxisHints<'static>, name: &str| {
        axis.label(name.to_owned())
            .tick_label_font(font.clone())
            .tick_label_color(weak)
            .formatter(|mark, _| bounds::share_tick(mark.value))
    };
    let [x0, x1] = bounds::padded(Unit::SHARES, ui.available_width() - 60.0);
    let [y0, y1] = bounds::padded(Unit::SHARES, HEIGHT - 40.0);
    let plot = Plot::new("reliability")
        .height(HEIGHT)
        .show_background(false)
        .grid_color(weak.gamma_multiply(0.35))
        .custom_x_axes(vec![axis(AxisHints::new_x(), "Confidence")])
        .custom_y_axes(vec![axis(AxisHints::new_y(), "Right").min_thickness(46.0)])
        .allow_scroll(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .label_formatter(|hover| match hover {
            HoverPosition::NearDataPoint { plot_name, position, .. } => {
                Some(format!("{plot_name}\n{} sure\n{} right", percent(position.x), percent(position.y)))
            }
            HoverPosition::Elsewhere { .. } => None,
        });
    plot.show(ui, |plot| {
        plot.set_plot_bounds(PlotBounds::from_min_max([x0, y0], [x1, y1]));
        let diagonal =
            Line::new("", vec![[0.0, 0.0], [1.0, 1.0]]).color(weak).style(LineStyle::dashed_dense());
        plot.line(diagonal.allow_hover(false));
        for (reliability, (look, name)) in reliability.iter().zip(looks.into_iter().zip(names)) {
            let bins: Vec<_> = reliability.bins.iter().filter(|bin| bin.examples > 0).collect();
            let points: Vec<[f64; 2]> = bins.iter().map(|bin| [bin.confidence, bin.accuracy]).collect();
            let line = look.line(name, points, 2.0).id(egui::Id::unique((name, "line")));
            plot.line(line.allow_hover(false));
            for (at, bin) in bins.into_iter().enumerate() {
                let radius = if bin.examples < FEW { 2.5 } else { 4.5 };
                let text = format!("{name}, {} images", thousands(bin.examples as u64));
                let dot = Points::new(text, vec![[bin.confidence, bin.accuracy]]).color(look.color);
                let dot = dot.shape(look.marker).radius(radius).filled(true);
                plot.points(dot.id(egui::Id::unique((name, "points", at))));
            }
        }
    });
}

/// The height of the diagram, in points.
const HEIGHT: f32 = 240.0;
/// Of fewer images, a share says little.
const FEW: usize = 30;
