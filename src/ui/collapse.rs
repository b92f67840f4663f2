//! Warns where what a run learns has collapsed.
use super::{theme, widgets::strong};
use crate::{
    metrics::{EFFECTIVE_RANK, FEATURE_SPREAD, KL, SAMPLE_DIVERSITY, Split},
    session::Run,
};
use egui::{Frame, Margin, Panel, Ui};
use egui_material_icons::icons::ICON_WARNING;

/// Fewer directions than this are one.
const LEAST_RANK: f64 = 1.5;
/// Embeddings of length 1 that spread less than this are all the same.
const LEAST_SPREAD: f64 = 0.03;
/// Generated images whose spread is less than this share of the real ones' are all the same.
const LEAST_DIVERSITY: f64 = 0.3;
/// Nats of information that the latents must hold about an image.
const LEAST_KL: f64 = 1.0;

/// A banner where something has collapsed; returns whether the user dismissed it.
pub fn banner(ui: &mut Ui, run: &Run) -> bool {
    let Some([what, advice]) = warning(run) else { return false };
    let color = theme::run_colors(ui.visuals().dark_mode)[1];
    let frame = Frame::new().fill(color.gamma_multiply(0.16)).inner_margin(Margin::symmetric(14, 8));
    let row = |ui: &mut Ui| {
        ui.label(ICON_WARNING.rich_text().size(18.0).color(color));
        ui.label(strong(what).color(color));
        ui.label(advice);
        ui.button("Dismiss").clicked()
    };
    Panel::top("warning").frame(frame).show(ui, |ui| ui.horizontal_wrapped(row).inner).inner
}

/// What has happened and what to try, by the newest validation; nothing where all is well.
fn warning(run: &Run) -> Option<[&'static str; 2]> {
    let is_below = |metric, least| run.latest(metric, Split::Validation).is_some_and(|value| value < least);
    if is_below(EFFECTIVE_RANK, LEAST_RANK) || is_below(FEATURE_SPREAD, LEAST_SPREAD) {
        return Some([
            "The features have collapsed.",
            "All images look the same to the encoder, so there is nothing in its embeddings to build on. Try a lower learning rate, a larger batch, or another objective.",
        ]);
    }
    if is_below(SAMPLE_DIVERSITY, LEAST_DIVERSITY) {
        return Some([
            "The samples have collapsed.",
            "The generator paints the same few images again and again, because they pass for real (mode collapse). Try a lower learning rate, a larger gradient penalty or a larger batch.",
        ]);
    }
    if is_below(KL, LEAST_KL) {
        return Some([
            "The latents have collapsed.",
            "They tell nothing about the image, so the decoder paints the same blur for all of them. Try a smaller beta or a lower learning rate.",
        ]);
    }
    None
}
