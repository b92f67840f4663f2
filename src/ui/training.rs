//! The selected run while it trains: its progress, and the hyperparameters that may be turned.
use super::{
    Action, param,
    widgets::{card, duration, figure, labeled_button, number, prepared, steady, strong, thousands},
};
use crate::{
    metrics::{LOSS, MetricInfo, Split},
    protocol::{Command, Control, Phase},
    session::Run,
    spec::{Catalog, dotted},
};
use egui::{Label, ProgressBar, RichText, Role, Ui, WidgetInfo};
use egui_material_icons::icons::{ICON_PAUSE, ICON_PLAY_ARROW, ICON_SKIP_NEXT, ICON_STOP};

pub fn ui(ui: &mut Ui, run: &Run, catalog: &Catalog, actions: &mut Vec<Action>) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.add(Label::new(strong(&run.spec.name)).truncate());
        controls(ui, run, actions);
        progress(ui, run, catalog.headline(&run.spec));
        live(ui, run, catalog, actions);
    });
}

fn controls(ui: &mut Ui, run: &Run, actions: &mut Vec<Action>) {
    let mut send = |control| actions.push(Action::Send(Command::Control(run.id.clone(), control)));
    ui.horizontal_wrapped(|ui| {
        if run.phase == Phase::Running {
            if labeled_button(ui, ICON_PAUSE, "Pause").on_hover_text("Space does the same").clicked() {
                send(Control::Pause);
            }
        } else if labeled_button(ui, ICON_PLAY_ARROW, "Continue")
            .on_hover_text("Space does the same")
            .clicked()
        {
            send(Control::Continue);
        }
        if labeled_button(ui, ICON_SKIP_NEXT, "One step")
            .on_hover_text("Train one batch, then pause")
            .clicked()
        {
            send(Control::Step);
        }
        if labeled_button(ui, ICON_STOP, "Stop")
            .on_hover_text("Save a checkpoint and end here; the run can be resumed")
            .clicked()
        {
            send(Control::Stop);
        }
    });
}

fn progress(ui: &mut Ui, run: &Run, headline: &MetricInfo) {
    let progress = &run.progress;
    let share = progress.step as f32 / progress.steps.max(1) as f32;
    let bar = ui.add(ProgressBar::new(share).desired_height(8.0).corner_radius(4.0));
    bar.widget_info(|| {
        WidgetInfo::labeled(
            Role::ProgressIndicator,
            true,
            format!("Training progress: {:.0} %", share * 100.0),
        )
    });
    let epochs = progress.steps / progress.steps_per_epoch.max(1);
    let epoch = (progress.epoch().floor() as u64 + 1).min(epochs);
    let mut parts = vec![format!("Epoch {epoch} of {epochs}")];
    if run.phase == Phase::Paused {
        parts.push(format!("paused at step {}", progress.step));
    } else if let Some(aside) = &progress.aside {
        parts.push(prepared(aside));
    } else {
        parts.push(format!("{} images/s", thousands(progress.images_per_sec as u64)));
        parts.extend(run.secs_left().map(|secs| format!("{} left", duration(secs))));
    }
    ui.label(RichText::new(parts.join(" · ")).small());
    let Some(loss) = run.latest(LOSS, Split::Train) else { return };
    let validation = run.latest(headline.id, Split::Validation);
    let validation = validation
        .map(|value| format!(" · validation {} {}", headline.name(), figure(headline, value)))
        .unwrap_or_default();
    let text = RichText::new(format!("Loss {}{validation}", number(loss))).small();
    ui.label(text).on_hover_text(headline.help);
}

fn live(ui: &mut Ui, run: &Run, catalog: &Catalog, actions: &mut Vec<Action>) {
    ui.add_space(2.0);
    ui.label(RichText::new("Turn these while it trains").small().weak()).on_hover_text(
        "A change counts from the next batch on. It is marked on the curves and kept in the run's log, so that the run can be repeated exactly.",
    );
    let mut live = run.live.clone();
    let mut changed = false;
    for (section, param) in catalog.params(&run.spec).filter(|(_, param)| param.live) {
        let key = dotted(section, param);
        let mut value = live.get(section, param);
        let started_with = run.spec.get(section, param);
        if steady(ui, &key, |ui| param::row(ui, param, &mut value, started_with, None)) {
            live.set(section, param, value);
            changed = true;
        }
    }
    if changed {
        actions.push(Action::Send(Command::Tune(run.id.clone(), live)));
    }
}
