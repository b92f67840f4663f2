//! The menu of a run's checkpoints, wherever one is chosen to begin with: each with its step and what was measured there.
use crate::{
    metrics::{LOSS, MetricInfo, Split},
    session::Run,
    ui::widgets::thousands,
};
use egui::{ComboBox, Response, Ui};

/// Chooses a checkpoint, or none of them, which stands for the newest or for where the run is, as `otherwise` says. Says
/// whether the choice was changed.
pub fn menu(
    ui: &mut Ui,
    name: &str,
    (run, headline): (&Run, &MetricInfo),
    chosen: &mut Option<u64>,
    otherwise: &str,
) -> (Response, bool) {
    let before = *chosen;
    let text = chosen.map_or(otherwise.into(), |step| described(run, headline, step));
    let menu = ComboBox::from_id_salt(name).selected_text(text).truncate().width(ui.available_width());
    let shown = menu.show_ui(ui, |ui| {
        ui.selectable_value(chosen, None, otherwise);
        for step in run.checkpoints.iter().rev() {
            ui.selectable_value(chosen, Some(*step), described(run, headline, *step));
        }
    });
    (shown.response, *chosen != before)
}

/// "Step 1,290: 97.20 % accuracy, lowest validation loss".
fn described(run: &Run, headline: &MetricInfo, step: u64) -> String {
    let mut text = format!("Step {}", thousands(step));
    match run.at_step(headline.id, Split::Validation, step) {
        Some(value) => text += &format!(": {} {}", headline.written(value), headline.name()),
        None => text += ", not validated there",
    }
    if run.best(LOSS, Split::Validation).is_some_and(|[best, _]| best == step as f64) {
        text += ", lowest validation loss";
    }
    text
}
