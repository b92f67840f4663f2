//! Calibration: confidence against accuracy, and whether the network notices outsiders.
use super::{Found, figures::Figures, reliability};
use crate::{
    spec::Section,
    ui::{
        save::{self, Mark, Source},
        views::Scene,
        widgets::{card, percent, strong, thousands},
    },
};
use egui::Ui;

pub fn ui(ui: &mut Ui, found: &Found, figures: &Figures, source: &Source, scene: &mut Scene<'_>) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let mut wanted = None;
        ui.horizontal(|ui| {
        ui.label(strong("Reliability")).on_hover_text("Groups of images by confidence: the mean confidence of each group against the share that is right. The points of a well calibrated network lie on the diagonal.");
            wanted = save::menu(ui, "the reliability diagram", &save::PLOT);
        });
        let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
        reliability::ui(ui, &figures.reliability);
        let within = ui.min_rect().with_min_y(top);
        let table = || reliability::table(&figures.reliability, source);
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
