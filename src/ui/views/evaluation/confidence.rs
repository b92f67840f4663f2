//! How far the network can be taken at its word: confidence against accuracy, and whether it notices outsiders.
use super::{Found, figures::Figures};
use crate::{
    evaluation::Reliability,
    spec::Section,
    ui::{
        save::{self, Mark},
        theme,
        views::Scene,
        widgets::{card, percent, strong, thousands},
    },
};
use egui::{FontId, Ui};
use egui_plot::{
    AxisHints, Corner, HoverPosition, Legend, Line, LineStyle, MarkerShape, Plot, PlotPoints, Points,
};

pub fn ui(ui: &mut Ui, found: &Found, figures: &Figures, scene: &mut Scene<'_>) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let mut wanted = None;
        ui.horizontal(|ui| {
        ui.label(strong("Reliability")).on_hover_text("Images of which the network is about equally sure, together: how sure it is, and how many of them it has right. Of a network that can be taken at its word, all points lie on the diagonal.");
            wanted = save::menu(ui, "the reliability diagram", &save::PLOT);
        });
        let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
        diagram(ui, &figures.reliability);
        let within = ui.min_rect().with_min_y(top);
        let table = || table(&figures.reliability);
        scene.actions.extend(mark.save(ui, wanted, within, "Reliability", table));
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
    let mut sentences = vec![format!(
        "Taken for outsiders, though they are none: {} of the {split} images, {} of the validation images by which the threshold was set.",
        percent(figures.flagged),
        percent(figures.trust.validation_flagged)
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
fn table(reliability: &[Reliability; 2]) -> anyhow::Result<save::File> {
    let rows = reliability.iter().zip(["no", "yes"]).flat_map(|(reliability, calibrated)| {
        reliability.bins.iter().filter(|bin| bin.images > 0).map(move |bin| {
            let figures = [bin.images as f64, bin.confidence, bin.accuracy].map(|value| value.to_string());
            std::iter::once(calibrated.to_owned()).chain(figures).collect()
        })
    });
    save::table("Reliability", &["calibrated", "images", "confidence", "accuracy"], rows)
}

/// Confidence against accuracy, before calibration and after.
fn diagram(ui: &mut Ui, reliability: &[Reliability; 2]) {
    let colors = theme::run_colors(ui.visuals().dark_mode);
    let weak = ui.visuals().weak_text_color();
    let font = FontId::proportional(13.0);
    let written =
        |mark: egui_plot::GridMark, _: &std::ops::RangeInclusive<f64>| format!("{:.0} %", mark.value * 100.0);
    let axis = |axis: AxisHints<'static>, name: &str| {
        axis.label(name.to_owned()).tick_label_font(font.clone()).tick_label_color(weak).formatter(written)
    };
    let plot = Plot::new("reliability")
        .height(240.0)
        .show_background(false)
        .grid_color(weak.gamma_multiply(0.35))
        .legend(
            Legend::default().position(Corner::LeftTop).background_alpha(0.85).follow_insertion_order(true),
        )
        .custom_x_axes(vec![axis(AxisHints::new_x(), "Confidence")])
        .custom_y_axes(vec![axis(AxisHints::new_y(), "Right").min_thickness(46.0)])
        .include_x(0.0)
        .include_x(1.0)
        .include_y(0.0)
        .include_y(1.0)
        .allow_scroll(false)
        .allow_drag(false)
        .allow_zoom(false)
        .label_formatter(|hover| match hover {
            HoverPosition::NearDataPoint { plot_name, position, .. } => {
                Some(format!("{plot_name}\n{} sure\n{} right", percent(position.x), percent(position.y)))
            }
            HoverPosition::Elsewhere { .. } => None,
        });
    plot.show(ui, |plot| {
        let diagonal =
            Line::new("", vec![[0.0, 0.0], [1.0, 1.0]]).color(weak).style(LineStyle::dashed_dense());
        plot.line(diagonal.allow_hover(false));
        let looks = [
            ("As the network gives it", colors[1], MarkerShape::Square, LineStyle::dotted_dense()),
            ("Calibrated", colors[0], MarkerShape::Circle, LineStyle::Solid),
        ];
        for (reliability, (name, color, marker, style)) in reliability.iter().zip(looks) {
            let bins = reliability.bins.iter().filter(|bin| bin.images > 0);
            let points: Vec<[f64; 2]> = bins.map(|bin| [bin.confidence, bin.accuracy]).collect();
            let line: PlotPoints<'_> = points.clone().into();
            plot.line(
                Line::new(name, line)
                    .color(color)
                    .style(style)
                    .width(2.0)
                    .id(egui::Id::unique((name, "line")))
                    .allow_hover(false),
            );
            plot.points(
                Points::new(name, points)
                    .color(color)
                    .shape(marker)
                    .radius(4.5)
                    .filled(true)
                    .id(egui::Id::unique((name, "points"))),
            );
        }
    });
}
