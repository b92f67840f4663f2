//! A comparison: its races as they run, accuracy against labels, the figures, and what they allow to be said.
use super::{
    Action,
    look::{self, Look},
    save::{self, Caption, Format, Source},
    theme,
    widgets::{card, labeled_button, percent, pill, strong, title},
};
use crate::{
    comparison::{BudgetResult, Cell, Comparison, Results, labels},
    protocol::{Command, ComparisonInfo, Control, Order, Phase},
    session::{Run, State},
    spec::Catalog,
};
use egui::{Color32, Grid, ProgressBar, RichText, Role, ScrollArea, Ui, WidgetInfo};
use egui_material_icons::icons::{
    ICON_DELETE, ICON_FOLDER_OPEN, ICON_PAUSE, ICON_PLAY_ARROW, ICON_REFRESH, ICON_STOP,
};
use std::collections::BTreeMap;

mod budgets;
pub mod proposal;
mod race;
mod standing;
pub use standing::stand;

/// What the panel keeps between frames.
#[derive(Default)]
pub struct ComparisonPanel {
    /// The budget whose races are shown, by its place. It changes when a person chooses another, and not by itself.
    budget: usize,
}

type Entrants<'a> = BTreeMap<Cell, &'a Run>;

impl ComparisonPanel {
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        state: &State,
        catalog: &Catalog,
        info: &ComparisonInfo,
        actions: &mut Vec<Action>,
    ) {
        let entrants = state.entrants(info);
        let results = state.results(info);
        let comparison = &info.comparison;
        let source = Source::of_comparison(comparison, catalog);
        ScrollArea::vertical().id_salt("comparison").auto_shrink(false).show(ui, |ui| {
            header(ui, info, &entrants, actions);
            let height = ((ui.available_height() - 330.0) / 2.0).clamp(190.0, 420.0);
            ui.columns(2, |columns| {
                race::ui(&mut columns[0], (&mut self.budget, height), (info, &entrants), &source, actions);
                budgets::ui(&mut columns[1], comparison, &results, height, &source, actions);
            });
            figures(ui, comparison, &results, &source, actions);
            conclusions(ui, comparison, &results);
        });
    }
}

/// How an arm is drawn.
fn arm_look(arm: usize, dark: bool) -> Look {
    Look::of_few(arm, dark)
}

/// The title of a saved picture, and which line is which arm's.
fn caption(what: &str, source: &Source, comparison: &Comparison, dark: bool) -> Caption {
    let arms = comparison.arms.iter().enumerate();
    let key = arms.map(|(index, arm)| (arm_look(index, dark), arm.name.clone())).collect();
    Caption { title: source.title(what), key }
}

/// In place of a plot for which there is nothing yet: what it waits for.
fn awaited(ui: &mut Ui, height: f32, text: &str) {
    let size = egui::vec2(ui.available_width(), height);
    ui.allocate_ui_with_layout(size, egui::Layout::top_down(egui::Align::Center), |ui| {
        ui.set_min_size(size);
        ui.add_space(height * 0.35);
        ui.label(RichText::new(text).weak());
    });
}

fn header(ui: &mut Ui, info: &ComparisonInfo, entrants: &Entrants<'_>, actions: &mut Vec<Action>) {
    let (text, color) = state_of(&info.phase, ui.visuals().dark_mode, ui.visuals().weak_text_color());
    let mut order = |order| actions.push(Action::Send(Command::Order(info.id.clone(), order)));
    let mut open_folder = false;
    ui.horizontal_wrapped(|ui| {
        title(ui, &info.comparison.name);
        pill(ui, text, color);
        match info.phase {
            Phase::Running => {
                if labeled_button(ui, ICON_PAUSE, "Pause").clicked() {
                    order(Order::Control(Control::Pause));
                }
            }
            Phase::Paused => {
                if labeled_button(ui, ICON_PLAY_ARROW, "Continue").clicked() {
                    order(Order::Control(Control::Continue));
                }
            }
            Phase::Elsewhere => {
                let help = "Another program works at it. Reads again how far it is; once it is not worked at there any more, it can be resumed here";
                if labeled_button(ui, ICON_REFRESH, "Look again").on_hover_text(help).clicked() {
                    order(Order::Reopen);
                }
            }
            Phase::Stopped | Phase::Failed(_) => {
                let help = "Goes on just where it was, with the same figures as if it had never stopped.";
                if labeled_button(ui, ICON_PLAY_ARROW, "Resume").on_hover_text(help).clicked() {
                    order(Order::Resume);
                }
            }
            Phase::Finished => {}
        }
        if info.phase.is_active()
            && labeled_button(ui, ICON_STOP, "Stop").on_hover_text("It can be resumed.").clicked()
        {
            order(Order::Control(Control::Stop));
        }
        open_folder = labeled_button(ui, ICON_FOLDER_OPEN, "Open folder").clicked();
        let help = "Moves the comparison and its races to the trash; what was pretrained stays.";
        let is_free = !info.phase.is_active() && info.phase != Phase::Elsewhere;
        if is_free
            && labeled_button(ui, ICON_DELETE, "Delete comparison").on_hover_text(help).clicked()
        {
            order(Order::Delete);
        }
    });
    if open_folder {
        actions.push(Action::OpenFolder(info.folder.clone()));
    }
    if let Phase::Failed(message) = &info.phase {
        ui.label(RichText::new(message).color(theme::alarm(ui.visuals().dark_mode)));
    }
    progress(ui, info, entrants);
}

/// "Training", and the colour of that.
pub fn state_of(phase: &Phase, dark: bool, weak: Color32) -> (&'static str, Color32) {
    let colors = theme::run_colors(dark);
    match phase {
        Phase::Running => ("Racing", colors[0]),
        Phase::Paused => ("Paused", colors[1]),
        Phase::Elsewhere => ("In another program", colors[0]),
        Phase::Stopped => ("Stopped", weak),
        Phase::Finished => ("Finished", colors[2]),
        Phase::Failed(_) => ("Failed", theme::alarm(dark)),
    }
}

fn progress(ui: &mut Ui, info: &ComparisonInfo, entrants: &Entrants<'_>) {
    if info.phase == Phase::Finished {
        return;
    }
    let (share, text) = stand(info, entrants);
    ui.label(RichText::new(text).weak());
    let (_, color) = state_of(&info.phase, ui.visuals().dark_mode, ui.visuals().weak_text_color());
    let bar = ui.add(ProgressBar::new(share).desired_height(6.0).corner_radius(3.0).fill(color));
    bar.widget_info(|| {
        WidgetInfo::labeled(
            Role::ProgressIndicator,
            true,
            format!("{}: {:.0} %", info.comparison.name, share * 100.0),
        )
    });
}

/// Mean, deviation and the paired difference, an arm a row.
fn figures(
    ui: &mut Ui,
    comparison: &Comparison,
    results: &Results,
    source: &Source,
    actions: &mut Vec<Action>,
) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let control = &comparison.arms[comparison.control()].name;
        let mut wanted = None;
        ui.horizontal(|ui| {
        ui.label(strong("Test accuracy")).on_hover_text(format!(
            "The lines of the plots above are those of the arms here. Mean ± standard deviation over the draws of labels. In brackets the mean difference from “{control}” in the same races, with its 95 % interval, in percentage points."
        ));
        wanted = save::menu(ui, "the figures", &[Format::Csv]);
        });
        actions.extend(wanted.map(|_| save::action(table(comparison, results, source))));
        ScrollArea::horizontal().show(ui, |ui| {
            Grid::new("figures").striped(true).spacing([22.0, 6.0]).show(ui, |ui| {
                ui.label("");
                for budget in &results.budgets {
                    ui.label(strong(labels(budget.labels_per_class)));
                }
                ui.end_row();
                for (index, arm) in comparison.arms.iter().enumerate() {
                    ui.horizontal(|ui| {
                        look::swatch(ui, &arm_look(index, ui.visuals().dark_mode));
                        ui.label(strong(&arm.name)).on_hover_text(proposal::explained(arm));
                    });
                    for budget in &results.budgets {
                        ui.label(figure(budget, index));
                    }
                    ui.end_row();
                }
            });
        });
    });
}

/// The same figures, an arm and a number of labels a row.
fn table(comparison: &Comparison, results: &Results, source: &Source) -> anyhow::Result<save::File> {
    let header = ["arm", "labels", "mean", "deviation", "difference", "difference_low", "difference_high"];
    let written = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let rows = results.budgets.iter().flat_map(|budget| {
        budget.arms.iter().zip(&comparison.arms).map(move |(result, arm)| {
            let [low, high] =
                [0, 1].map(|end| result.difference.and_then(|found| Some(found.interval?[end])));
            let difference = result.difference.map(|found| found.mean);
            let figures = [result.mean, result.deviation, difference, low, high].map(written);
            [arm.name.clone(), labels(budget.labels_per_class)].into_iter().chain(figures).collect()
        })
    });
    source.table("Test accuracy", &header, rows)
}

/// "87.8 % ± 3.7 (+19.2, 12.0 to 26.4)".
fn figure(budget: &BudgetResult, arm: usize) -> String {
    let result = &budget.arms[arm];
    let Some(mean) = result.mean else { return "–".into() };
    let deviation = result.deviation.map_or(String::new(), |share| format!(" ± {:.1}", share * 100.0));
    let difference = result.difference.map_or(String::new(), |difference| {
        let interval = difference
            .interval
            .map_or(String::new(), |[low, high]| format!(", {:+.1} to {:+.1}", low * 100.0, high * 100.0));
        format!("  ({:+.1}{interval})", difference.mean * 100.0)
    });
    format!("{}{deviation}{difference}", percent(mean)).replace('-', "−")
}

fn conclusions(ui: &mut Ui, comparison: &Comparison, results: &Results) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(strong("What may be concluded"));
        for sentence in results.conclusions(comparison) {
            ui.label(sentence);
        }
    });
}
