//! The selected run while it trains: its progress, and the hyperparameters that may be turned.
use super::{
    Action,
    finder::Wanted,
    param,
    widgets::{
        card, duration, figure, icon_button, labeled_button, number, prepared, steady, strong, thousands,
    },
};
use crate::{
    metrics::{LOSS, MetricInfo, Split},
    protocol::{Command, Control, Phase},
    session::Run,
    spec::{BATCH_SIZE, Catalog, Param, dotted},
};
use egui::{Label, ProgressBar, RichText, Role, Ui, WidgetInfo};
use egui_material_icons::icons::{ICON_CALL_SPLIT, ICON_PAUSE, ICON_PLAY_ARROW, ICON_SKIP_NEXT, ICON_STOP};

/// In less width there are icons only on the buttons, in points.
const NARROW: f32 = 300.0;

/// What is wanted of the run that takes more than a command.
#[derive(Clone, Copy, PartialEq)]
pub enum Wish {
    /// A run that goes on from here with other values.
    Fork,
    /// What suits its weights as they are.
    Find(Wanted),
}

pub fn ui(ui: &mut Ui, run: &Run, catalog: &Catalog, actions: &mut Vec<Action>) -> Option<Wish> {
    let card = card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.add(Label::new(strong(&run.spec.name)).truncate());
        let is_narrow = ui.available_width() < NARROW;
        let forks = ui.horizontal_wrapped(|ui| controls(ui, run, is_narrow, actions)).inner;
        progress(ui, run, catalog.headline(&run.spec));
        let wanted = live(ui, run, catalog, actions);
        forks.then_some(Wish::Fork).or(wanted.map(Wish::Find))
    });
    card.inner
}

/// Says whether a fork is wanted.
fn controls(ui: &mut Ui, run: &Run, is_narrow: bool, actions: &mut Vec<Action>) -> bool {
    let first = match run.phase {
        Phase::Running => (ICON_PAUSE, "Pause", Control::Pause),
        _ => (ICON_PLAY_ARROW, "Continue", Control::Continue),
    };
    let buttons = [
        (first, "Space does the same"),
        ((ICON_SKIP_NEXT, "One step", Control::Step), "Train one batch, then pause"),
        ((ICON_STOP, "Stop", Control::Stop), "Save a checkpoint and end here; the run can be resumed"),
    ];
    let button = if is_narrow { icon_button } else { labeled_button };
    for ((icon, text, control), help) in buttons {
        if button(ui, icon, text).on_hover_text(help).clicked() {
            actions.push(Action::Send(Command::Control(run.id.clone(), control)));
        }
    }
    let help = "Fills in the form for a run that goes on from here with other values, beside this one";
    button(ui, ICON_CALL_SPLIT, "Fork").on_hover_text(help).clicked()
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
        parts.push(format!("{} examples/s", thousands(progress.examples_per_sec as u64)));
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

/// Gives what is to be looked for.
fn live(ui: &mut Ui, run: &Run, catalog: &Catalog, actions: &mut Vec<Action>) -> Option<Wanted> {
    ui.add_space(2.0);
    ui.label(RichText::new("Turn these while it trains").small().weak()).on_hover_text(
        "A change counts from the next batch on. It is marked on the curves and kept in the run's log, so that the run can be repeated exactly.",
    );
    let mut live = run.live.clone();
    let (mut changed, mut wanted) = (false, None);
    let mut turned: Vec<_> = catalog.params(&run.spec).filter(|(_, param)| param.live).collect();
    // What is turned most is in sight in the smallest window.
    turned.sort_by_key(|(_, param)| param.key != "learning_rate");
    for (section, param) in turned {
        let key = dotted(section, param);
        let mut value = live.get(section, param);
        let started_with = run.spec.get(section, param);
        if steady(ui, &key, |ui| param::row(ui, param, &mut value, started_with, None)) {
            live.set(section, param, value);
            changed = true;
        }
        wanted = find(ui, param).or(wanted);
    }
    if changed {
        actions.push(Action::Send(Command::Tune(run.id.clone(), live)));
    }
    wanted.or_else(|| find(ui, &BATCH_SIZE))
}

/// The button that finds out about a hyperparameter, where there is one.
pub fn find(ui: &mut Ui, of: &Param) -> Option<Wanted> {
    let (what, text, help) = match of.key {
        "learning_rate" => (
            Wanted::Rate,
            "Find a learning rate…",
            "Tries rising learning rates in a copy that is thrown away, and suggests one",
        ),
        "batch_size" => (
            Wanted::Batches,
            "Another batch size?",
            "What larger and smaller batches would cost and change, by the noise of the gradient",
        ),
        _ => return None,
    };
    ui.button(text).on_hover_text(help).clicked().then_some(what)
}
