//! Warns where a run's curves ask for it, in a banner with the reason and a way to act.
use super::{
    theme,
    widgets::{number, strong, thousands},
};
use crate::{
    metrics::{EFFECTIVE_RANK, FEATURE_SPREAD, KL, SAMPLE_DIVERSITY, Split},
    session::{
        Run,
        advice::{Advice, advice},
    },
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

/// What somebody wants to be done about a warning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    /// Not to see it again.
    Dismiss,
    /// To go on from the checkpoint of a step, with the learning rate scaled by a factor.
    Fork {
        /// The checkpoint's step.
        step: u64,
        /// 1 leaves the learning rate as it is.
        factor: f64,
    },
    /// To find a learning rate.
    FindRate,
}

/// What has happened, what to try, and what a button does about it.
struct Warning {
    what: &'static str,
    advice: String,
    act: Option<(String, Act)>,
}

/// A banner where something is the matter; returns what the user wants to be done.
pub fn banner(ui: &mut Ui, run: &Run) -> Option<Act> {
    let Warning { what, advice, act } = warning(run)?;
    let color = theme::run_colors(ui.visuals().dark_mode)[1];
    let frame = Frame::new().fill(color.gamma_multiply(0.16)).inner_margin(Margin::symmetric(14, 8));
    let row = |ui: &mut Ui| {
        ui.label(ICON_WARNING.rich_text().size(18.0).color(color));
        ui.label(strong(what).color(color));
        ui.label(advice);
        let wanted = act.filter(|(text, _)| ui.button(text).clicked()).map(|(_, act)| act);
        wanted.or(ui.button("Dismiss").clicked().then_some(Act::Dismiss))
    };
    Panel::top("warning").frame(frame).show(ui, |ui| ui.horizontal_wrapped(row).inner).inner
}

fn warning(run: &Run) -> Option<Warning> {
    if let Some([what, advice]) = collapse(run) {
        return Some(Warning { what, advice: advice.into(), act: None });
    }
    // A run that has ended is not to be saved any more.
    let found = advice(run).filter(|_| run.phase.is_active())?;
    Some(in_words(found, run))
}

fn in_words(found: Advice, run: &Run) -> Warning {
    let fork = |step, factor, what: &str| {
        let text = format!("Fork from step {}{what}…", thousands(step));
        run.saved.map(|_| (text, Act::Fork { step, factor }))
    };
    match found {
        Advice::Diverging { lowest, now, best } => Warning {
            what: "The run diverges.",
            advice: format!(
                "Its training loss was {} at best and is {} now: the learning rate is too high.",
                number(lowest),
                number(now)
            ),
            act: fork(best, 0.1, " with a tenth of the learning rate"),
        },
        Advice::Vanishing { norm } => Warning {
            what: "The gradient vanishes.",
            advice: format!(
                "Its norm is {norm:.0e}, so no step changes the weights. Try another learning rate, fewer layers, or another objective."
            ),
            act: Some(("Find a learning rate…".into(), Act::FindRate)),
        },
        Advice::TooSlow { first, now } => Warning {
            what: "The loss hardly falls.",
            advice: format!(
                "It was {} at first and is {} now: the learning rate may be too small, or far too high.",
                number(first),
                number(now)
            ),
            act: Some(("Find a learning rate…".into(), Act::FindRate)),
        },
        Advice::Plateau { since, validation, best } => Warning {
            what: "The loss stands still.",
            advice: format!(
                "Since step {} the validation loss has stayed at {}, and the training loss does not fall either. A lower learning rate often lets them fall on.",
                thousands(since),
                number(validation)
            ),
            act: fork(best, 0.1, " with a tenth of the learning rate"),
        },
        Advice::Overfitting { best, validation: [then, now], train: [before, after] } => Warning {
            what: "The run overfits.",
            advice: format!(
                "Since step {} the validation loss has risen from {} to {}, while the training loss fell from {} to {}. More dropout, augmentation or data may help; early stopping keeps the best weights.",
                thousands(best),
                number(then),
                number(now),
                number(before),
                number(after)
            ),
            act: fork(best, 1.0, ""),
        },
    }
}

/// What has happened and what to try, by the newest validation; nothing where all is well.
fn collapse(run: &Run) -> Option<[&'static str; 2]> {
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
