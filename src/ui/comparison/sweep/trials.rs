//! The trials as a list, the best first, with what can be done about each.
use super::{Shown, written};
use crate::{
    experiment::{Experiment, Search, Setting, Standing},
    protocol::{Command, ComparisonInfo, Order, Phase},
    ui::{
        Action,
        comparison::Entrants,
        save::{self, Format},
        widgets::{card, labeled_button, strong},
    },
};
use egui::{Button, Grid, RichText, Role, ScrollArea, Ui, WidgetInfo};
use egui_material_icons::icons::ICON_EXPAND_MORE;

/// So many are listed before all are asked for.
const LISTED: usize = 10;

pub fn ui(
    ui: &mut Ui,
    all: &mut bool,
    (info, shown): (&ComparisonInfo, &Shown<'_>),
    entrants: &Entrants<'_>,
    actions: &mut Vec<Action>,
) {
    let trials = order(shown);
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        let mut wanted = None;
        ui.horizontal(|ui| {
            let help = "The mean over the seeds after the longest training that all of a setting's runs have had. Only validation decides; test figures are shown with each run alone.";
            ui.label(strong(shown.experiment.measured())).on_hover_text(help);
            wanted = save::menu(ui, "the trials as a table", &[Format::Csv]);
        });
        actions.extend(wanted.map(|_| save::action(table(shown))));
        if trials.is_empty() {
            ui.label(RichText::new("No setting has been chosen yet.").weak());
        }
        let listed = if *all { trials.len() } else { trials.len().min(LISTED) };
        ScrollArea::horizontal().id_salt("trials").show(ui, |ui| {
            Grid::new("trials").striped(true).spacing([14.0, 6.0]).show(ui, |ui| {
                for trial in &trials[..listed] {
                    row(ui, *trial, (info, shown), entrants, actions);
                    ui.end_row();
                }
            });
        });
        if listed < trials.len() && labeled_button(ui, ICON_EXPAND_MORE, &format!("Show all {}", trials.len())).clicked()
        {
            *all = true;
        }
    });
}

/// Those with a figure, the best first, then the others.
fn order(shown: &Shown<'_>) -> Vec<usize> {
    let ranked = &shown.analysis.ranked;
    let others = (0..shown.analysis.figures.len()).filter(|trial| !ranked.contains(trial));
    ranked.iter().copied().chain(others).collect()
}

fn row(
    ui: &mut Ui,
    trial: usize,
    (info, shown): (&ComparisonInfo, &Shown<'_>),
    entrants: &Entrants<'_>,
    actions: &mut Vec<Action>,
) {
    let (analysis, standing) = (shown.analysis, shown.analysis.standings[trial]);
    ui.label(strong(written(shown.experiment, analysis.figures[trial])));
    ui.label(format!("Trial {}: {}", trial + 1, shown.experiment.point_label(trial)));
    ui.label(RichText::new(state(shown, trial)).weak());
    let button = |ui: &mut Ui, text: &str, help: &str| {
        let name = format!("{text}: trial {}", trial + 1);
        let response = ui.add(Button::new(text));
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        response.on_hover_text(help).clicked()
    };
    let skip = "Stops it, and goes on with the others; it does not count any more.";
    if standing == Standing::Racing && button(ui, "Skip", skip) {
        let mut search: Search = shown.search.clone();
        search.skipped.insert(trial);
        let wanted = Experiment { search: Some(search), ..info.experiment.clone() };
        actions.push(Action::Send(Command::Order(info.id.clone(), Order::Revise(Box::new(wanted)))));
    }
    let cells: Vec<_> = shown.experiment.cells_of(trial).collect();
    let runs = || cells.iter().filter_map(|cell| entrants.get(cell));
    let is_at_rest = runs().all(|run| !run.phase.is_active()) && info.phase != Phase::Elsewhere;
    let go_on =
        "Others were better when it was stopped. It is trained on to its end, from just where it was.";
    if standing == Standing::StoppedEarly && is_at_rest && button(ui, "Go on", go_on) {
        actions.extend(runs().map(|run| Action::Send(Command::Resume(run.id.clone()))));
    }
}

/// "stopped early after 11 %".
fn state(shown: &Shown<'_>, trial: usize) -> String {
    let standing = shown.analysis.standings[trial];
    let name = if standing == Standing::Racing { "under way" } else { standing.id() };
    match shown.analysis.figures[trial].filter(|of| of.share < 1.0) {
        Some(of) => format!("{name} after {:.0} %", 100.0 * of.share),
        None => name.into(),
    }
}

/// The trials, one a row.
pub fn table(shown: &Shown<'_>) -> anyhow::Result<save::File> {
    let axes: Vec<&str> = shown.experiment.axes.iter().map(|axis| axis.settings[0].name()).collect();
    let header: Vec<&str> =
        ["trial"].into_iter().chain(axes).chain(["state", "share_trained", "figure"]).collect();
    let rows = (0..shown.analysis.figures.len()).map(|trial| {
        let of = shown.analysis.figures[trial];
        let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let figures = [of.map(|of| of.share), of.map(|of| of.value)].map(number);
        [(trial + 1).to_string()]
            .into_iter()
            .chain(shown.search.drawn[trial].iter().map(Setting::text))
            .chain([shown.analysis.standings[trial].id().to_owned()])
            .chain(figures)
            .collect()
    });
    shown.source.table(&shown.experiment.measured(), &header, rows)
}
