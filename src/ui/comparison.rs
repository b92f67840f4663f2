//! A comparison: its races as they run, accuracy against labels, the figures, and what they allow to be said.
use super::{
    Action,
    look::{self, Look},
    save::{self, Caption, Format, Source},
    theme,
    widgets::{self, card, columns, labeled_button, pill, strong, title},
};
use crate::{
    experiment::{Cell, Experiment, PointResult, Results, Setting, signed},
    metrics::{MetricInfo, Unit},
    protocol::{Command, ComparisonInfo, Control, Order, Phase},
    session::{Run, State},
    spec::Catalog,
};
use egui::{Color32, Grid, ProgressBar, RichText, Role, ScrollArea, Ui, WidgetInfo};
use egui_material_icons::icons::{
    ICON_DELETE, ICON_FOLDER_OPEN, ICON_PAUSE, ICON_PLAY_ARROW, ICON_REFRESH, ICON_STOP,
};
use std::collections::BTreeMap;

mod points;
pub mod proposal;
mod race;
mod standing;
mod sweep;
pub use standing::stand;

/// In less width the plots are one beneath the other, in points.
const NARROW: f32 = 680.0;

/// What the panel keeps between frames.
#[derive(Default)]
pub struct ComparisonPanel {
    /// The point whose races are shown, by its place. It changes when a person chooses another, and not by itself.
    point: usize,
    sweep: sweep::Kept,
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
        let experiment = &info.experiment;
        let source = Source::of_experiment(experiment, catalog);
        ScrollArea::vertical().id_salt("comparison").auto_shrink(false).show(ui, |ui| {
            header(ui, info, &entrants, actions);
            if let Some(search) = &experiment.search {
                let found = state.found(info);
                return sweep::ui(ui, &mut self.sweep, (info, search, &found), &entrants, &source, actions);
            }
            let height = ((ui.available_height() - 330.0) / 2.0).clamp(190.0, 420.0);
            let across = if ui.available_width() < NARROW { 1 } else { 2 };
            columns(ui, across, |column, ui| {
                if column == 0 {
                    race::ui(ui, (&mut self.point, height), (info, &entrants), &source, actions);
                }
                if column == across - 1 {
                    points::ui(ui, experiment, &results, height, &source, actions);
                }
            });
            figures(ui, experiment, &results, &source, actions);
            conclusions_of(ui, &results.conclusions(experiment));
        });
    }
}

/// How an arm is drawn.
fn arm_look(arm: usize, dark: bool) -> Look {
    Look::of_few(arm, dark)
}

/// The title of a saved picture, and which line is which arm's.
fn caption(what: &str, source: &Source, experiment: &Experiment, dark: bool) -> Caption {
    let arms = experiment.arms.iter().enumerate();
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
        // A pill does not wrap: after a long name there would be no room for it.
        pill(ui, text, color);
        title(ui, &info.experiment.name);
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
        Phase::Elsewhere => ("Elsewhere", colors[0]),
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
            format!("{}: {:.0} %", info.experiment.name, share * 100.0),
        )
    });
}

/// Mean, deviation and the paired difference, an arm a row; with more points than arms, a point a row.
fn figures(
    ui: &mut Ui,
    experiment: &Experiment,
    results: &Results,
    source: &Source,
    actions: &mut Vec<Action>,
) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let mut wanted = None;
        ui.horizontal(|ui| {
            ui.label(strong(experiment.measured())).on_hover_text(figures_help(experiment));
            wanted = save::menu(ui, "the figures", &[Format::Csv]);
        });
        actions.extend(wanted.map(|_| save::action(table(experiment, results, source))));
        let (arms, points) = (experiment.arms.len(), results.points.len());
        let by_point = points > arms;
        ScrollArea::horizontal().show(ui, |ui| {
            Grid::new("figures").striped(true).spacing([14.0, 6.0]).show(ui, |ui| {
                // a single point has no name where nothing is varied
                if by_point || !experiment.axes.is_empty() {
                    ui.label("");
                    for column in 0..if by_point { arms } else { points } {
                        heading(ui, experiment, column, by_point);
                    }
                    ui.end_row();
                }
                for row in 0..if by_point { points } else { arms } {
                    heading(ui, experiment, row, !by_point);
                    for column in 0..if by_point { arms } else { points } {
                        let (point, arm) = if by_point { (row, column) } else { (column, row) };
                        ui.horizontal(|ui| {
                            let [mean, difference] = figure(experiment.metric, &results.points[point], arm);
                            ui.label(mean);
                            ui.label(RichText::new(difference).small().weak());
                        });
                    }
                    ui.end_row();
                }
            });
        });
    });
}

fn figures_help(experiment: &Experiment) -> String {
    let unit = match experiment.metric.unit {
        Unit::Share => ", in percentage points",
        Unit::Number => "",
    };
    let control = match experiment.arms.len() {
        1 => format!("“{}”", experiment.point_label(0)),
        _ => format!("“{}” in the same races", experiment.arms[experiment.control].name),
    };
    format!(
        "The lines of the plots above are those of the arms here. Mean ± standard deviation over the seeds. In brackets the mean difference from {control}, with its 95 % interval{unit}."
    )
}

/// The name of an arm with its line, or of a point.
fn heading(ui: &mut Ui, experiment: &Experiment, place: usize, is_arm: bool) {
    if !is_arm {
        let number = if experiment.axes.len() > 1 { format!("{}: ", place + 1) } else { String::new() };
        ui.label(strong(number + &experiment.point_label(place)));
        return;
    }
    ui.horizontal(|ui| {
        look::swatch(ui, &arm_look(place, ui.visuals().dark_mode));
        let explained = proposal::explained(experiment, place);
        ui.label(strong(&experiment.arms[place].name)).on_hover_text(explained);
    });
}

/// The same figures, an arm at a point a row.
fn table(experiment: &Experiment, results: &Results, source: &Source) -> anyhow::Result<save::File> {
    let axes: Vec<&str> = experiment.axes.iter().map(|axis| axis.settings[0].name()).collect();
    let mut header = vec!["arm"];
    header.extend(&axes);
    header.extend(["mean", "deviation", "difference", "difference_low", "difference_high"]);
    let written = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let rows = results.points.iter().enumerate().flat_map(|(place, point)| {
        point.arms.iter().zip(&experiment.arms).map(move |(result, arm)| {
            let [low, high] =
                [0, 1].map(|end| result.difference.and_then(|found| Some(found.interval?[end])));
            let difference = result.difference.map(|found| found.mean);
            let figures = [result.mean, result.deviation, difference, low, high].map(written);
            let values = experiment.point(place).into_iter().map(Setting::text);
            [arm.name.clone()].into_iter().chain(values).chain(figures).collect()
        })
    });
    source.table(&experiment.measured(), &header, rows)
}

/// "87.8 % ± 3.7" and "(+19.2, 12.0 to 26.4)".
fn figure(metric: &MetricInfo, point: &PointResult, arm: usize) -> [String; 2] {
    let result = &point.arms[arm];
    let Some(mean) = result.mean else { return ["–".into(), String::new()] };
    let deviation = result.deviation.map_or(String::new(), |deviation| match metric.unit {
        Unit::Share => format!(" ± {:.1}", deviation * 100.0),
        Unit::Number => format!(" ± {deviation:.4}"),
    });
    let difference = result.difference.map_or(String::new(), |difference| {
        let interval = difference.interval.map_or(String::new(), |[low, high]| {
            format!(", {} to {}", signed(metric, low), signed(metric, high))
        });
        format!("({}{interval})", signed(metric, difference.mean))
    });
    [widgets::figure(metric, mean) + &deviation, difference]
}

fn conclusions_of(ui: &mut Ui, said: &[String]) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(strong("What may be concluded"));
        for sentence in said {
            ui.label(sentence);
        }
    });
}
