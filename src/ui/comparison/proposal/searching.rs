//! How a sweep chooses its settings, which the card that it starts from lets a person change.
use crate::{
    experiment::{Axis, Experiment, Search, search},
    ui::widgets::steady,
};
use egui::{ComboBox, DragValue, Ui};

/// Seeds that can be asked for; more are a matter of a file.
const MOST_SEEDS: usize = 20;
/// One of so many goes on, in the menu.
const HALVINGS: [usize; 3] = [2, 3, 4];
/// Minutes of training at first, where there is a limit.
const MINUTES: f64 = 10.0;

/// The controls of an experiment's search; nothing where it has none.
pub fn ui(ui: &mut Ui, experiment: &mut Experiment) {
    let Some(mut search) = experiment.search.clone() else { return };
    steady(ui, "search", |ui| {
        ui.horizontal_wrapped(|ui| {
            kind(ui, &mut search, &experiment.axes);
            trials(ui, &mut search, &experiment.axes);
            seeds(ui, &mut experiment.seeds);
        });
        ui.horizontal_wrapped(|ui| {
            halving(ui, &mut search);
            minutes(ui, &mut search);
        });
    });
    experiment.search = Some(search);
}

fn kind(ui: &mut Ui, search: &mut Search, axes: &[Axis]) {
    let chosen = search::find(search.kind).map_or(search.kind, |entry| entry.info.label);
    let label = ui.label("Search");
    let menu = ComboBox::from_id_salt("kind of search").selected_text(chosen).width(170.0);
    let shown = menu.show_ui(ui, |ui| {
        for entry in search::ALL {
            let item = ui.add_enabled_ui(Search::can_choose(entry.info.id, axes), |ui| {
                ui.selectable_label(search.kind == entry.info.id, entry.info.label)
            });
            if item.inner.on_hover_text(entry.info.help).clicked() {
                let trials = Search::new(entry.info.id, axes).trials;
                (search.kind, search.trials) = (entry.info.id, trials);
            }
        }
    });
    shown.response.labelled_by(label.id);
}

/// Whether an axis is a range of which any value can be chosen.
fn is_open(axes: &[Axis]) -> bool {
    axes.iter().any(|axis| axis.choices().is_none())
}

fn trials(ui: &mut Ui, search: &mut Search, axes: &[Axis]) {
    let most = axes.iter().filter_map(Axis::choices).fold(1_usize, usize::saturating_mul);
    let most = if is_open(axes) { 5000 } else { most.clamp(1, 5000) };
    let label = ui.label("Settings to try").on_hover_text("More can be asked for while it is at work");
    ui.add(DragValue::new(&mut search.trials).range(1..=most).speed(0.2)).labelled_by(label.id);
}

fn seeds(ui: &mut Ui, seeds: &mut Vec<u64>) {
    let mut count = seeds.len().max(1);
    let help =
        "How often each setting is trained, from other initial weights: how much is chance is seen by that";
    let label = ui.label("Seeds for each").on_hover_text(help);
    let changed = ui.add(DragValue::new(&mut count).range(1..=MOST_SEEDS.max(seeds.len())).speed(0.05));
    if changed.labelled_by(label.id).changed() {
        seeds.truncate(count);
        while seeds.len() < count {
            let next = seeds.iter().max().map_or(0, |last| last.wrapping_add(1));
            seeds.push(next);
        }
    }
}

fn halving(ui: &mut Ui, search: &mut Search) {
    let text = |halving| match halving {
        1 => "All are trained to the end".into(),
        of => format!("At each look one of {of} goes on"),
    };
    let help = "Ends those that are behind early, so that more settings can be tried in the same time: successive halving";
    let label = ui.label("Early stopping").on_hover_text(help);
    let before = search.halving;
    let menu = ComboBox::from_id_salt("halving").selected_text(text(before)).width(210.0);
    let shown = menu.show_ui(ui, |ui| {
        for halving in [1].into_iter().chain(HALVINGS) {
            ui.selectable_value(&mut search.halving, halving, text(halving));
        }
    });
    shown.response.labelled_by(label.id);
    if search.halving != before {
        search.at_once = Search::usual_at_once(search.halving);
    }
}

fn minutes(ui: &mut Ui, search: &mut Search) {
    let mut is_limited = search.minutes.is_some();
    let help = "No further setting is begun once all of them have trained for so long";
    ui.checkbox(&mut is_limited, "At most").on_hover_text(help);
    let mut minutes = search.minutes.unwrap_or(MINUTES);
    let value = DragValue::new(&mut minutes).range(0.1..=10_000.0).speed(0.1).suffix(" min");
    let value = ui.add_enabled(is_limited, value);
    value.widget_info(|| egui::WidgetInfo::drag_value(is_limited, minutes));
    search.minutes = is_limited.then_some(minutes);
}
