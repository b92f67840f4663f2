//! The metric on validation examples of every arm while it trains, over the seeds of one point.
use super::{Entrants, arm_look, awaited, caption};
use crate::{
    experiment::{Band, Cell, Experiment, Setting, band},
    metrics::{MetricInfo, Split},
    protocol::{ComparisonInfo, Phase},
    ui::{
        Action,
        plot::{
            axes::{linear_marks, x_axis, x_tick, y_axis, y_tick},
            bounds,
        },
        save::{self, Mark, Source},
        settings::XAxis,
        widgets::{card, figure, strong},
    },
};
use egui::{Color32, ComboBox, FontId, Id, Role, Ui, WidgetInfo};
use egui_plot::{HoverPosition, Plot, PlotBounds, Polygon};
use std::collections::BTreeSet;

/// With more points than this, they are in a menu.
const MOST_BUTTONS: usize = 6;

pub fn ui(
    ui: &mut Ui,
    (point, height): (&mut usize, f32),
    (info, entrants): (&ComparisonInfo, &Entrants<'_>),
    source: &Source,
    actions: &mut Vec<Action>,
) {
    let experiment = &info.experiment;
    *point = (*point).min(experiment.points() - 1);
    let mut wanted = None;
    card(ui).show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.label(strong("The race")).on_hover_text(format!(
                "{} on validation data while the arms train side by side: the mean over the seeds, and between what they lie.",
                experiment.metric.label
            ));
            choose(ui, info, entrants, point);
            wanted = save::menu(ui, "the race", &save::PLOT);
        });
        let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
        let bands: Vec<Vec<Band>> =
            (0..experiment.arms.len()).map(|arm| band_of(experiment, entrants, *point, arm)).collect();
        if bands.iter().all(Vec::is_empty) {
            awaited(ui, height, &waits_for(info, entrants, *point));
        } else {
            plot(ui, experiment, &bands, height);
        }
        let within = ui.min_rect().with_min_y(top);
        let what = title(experiment, *point);
        let caption = caption(&what, source, experiment, ui.visuals().dark_mode);
        let table = || table(&what, experiment, &bands, source);
        actions.extend(mark.save(ui, wanted, within, &caption, table));
    });
}

/// "Validation accuracy with 10 labels a class".
fn title(experiment: &Experiment, point: usize) -> String {
    let label = experiment.point_label(point);
    let with = if label.is_empty() { String::new() } else { format!(" with {label}") };
    format!("Validation {}{with}", experiment.metric.label.to_lowercase())
}

/// Which races are shown; those that run now are marked. What does not fit into a row of buttons is a menu.
fn choose(ui: &mut Ui, info: &ComparisonInfo, entrants: &Entrants<'_>, point: &mut usize) {
    let experiment = &info.experiment;
    let running: BTreeSet<usize> = entrants
        .iter()
        .filter(|(_, run)| run.phase == Phase::Running)
        .filter_map(|(cell, _)| point_of(experiment, cell))
        .collect();
    let choices = |ui: &mut Ui, point: &mut usize| {
        for index in 0..experiment.points() {
            let (now, help) = if running.contains(&index) {
                (" · now", "A race there runs now.")
            } else {
                ("", "The races that are shown")
            };
            let text = format!("{}{now}", short(experiment, index));
            ui.selectable_value(point, index, text).on_hover_text(help);
        }
    };
    match experiment.points() {
        1 => {}
        2..=MOST_BUTTONS if experiment.axes.len() == 1 => choices(ui, point),
        _ => {
            let menu = ComboBox::from_id_salt("shown races").selected_text(short(experiment, *point));
            let menu = menu.show_ui(ui, |ui| choices(ui, point)).response;
            menu.widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, "The races that are shown"));
        }
    }
}

/// The point of a cell; pretrainings have none.
fn point_of(experiment: &Experiment, cell: &Cell) -> Option<usize> {
    match cell {
        Cell::Arm { race, .. } => Some(experiment.race(*race).point),
        Cell::Pretraining(_) => None,
    }
}

/// What the plot waits for.
fn waits_for(info: &ComparisonInfo, entrants: &Entrants<'_>, point: usize) -> String {
    let has_begun = entrants.keys().any(|cell| point_of(&info.experiment, cell) == Some(point));
    match info.phase {
        Phase::Running | Phase::Paused if has_begun => {
            "The arms are on their way: a point appears at each validation.".into()
        }
        Phase::Running | Phase::Paused if entrants.keys().any(|cell| matches!(cell, Cell::Arm { .. })) => {
            "These races begin once the one that runs now has ended.".into()
        }
        Phase::Running | Phase::Paused => "The race begins once pretraining has ended.".into(),
        Phase::Finished => "None of the arms was validated while it trained.".into(),
        Phase::Elsewhere => "Another program works at this comparison: look again later.".into(),
        Phase::Stopped | Phase::Failed(_) => "Press Resume: the race goes on from here.".into(),
    }
}

fn plot(ui: &mut Ui, experiment: &Experiment, bands: &[Vec<Band>], height: f32) {
    let dark = ui.visuals().dark_mode;
    let all = || bands.iter().flatten();
    let last = all().map(|at| at.step).fold(1.0, f64::max);
    let values = bounds::extent(all().flat_map(|at| [at.low, at.high]));
    let [y0, y1] = bounds::padded(bounds::fitted(experiment.metric.unit, values, false), height - 20.0);
    framed("races", height, experiment.metric).show(ui, |plot| {
        plot.set_plot_bounds(PlotBounds::from_min_max([0.0, y0], [last * 1.02, y1]));
        for (index, (arm, points)) in experiment.arms.iter().zip(bands).enumerate() {
            let look = arm_look(index, dark);
            for (at, pair) in points.windows(2).enumerate() {
                let id = Id::unique(("band", index, at));
                plot.polygon(between(&pair[0], &pair[1], look.color).id(id));
            }
            let mean: Vec<[f64; 2]> = points.iter().map(|at| [at.step, at.mean]).collect();
            plot.line(look.line(&arm.name, mean, 2.6));
        }
    });
}

/// A piece of a band; the whole would not be convex, which egui cannot fill.
fn between<'a>(from: &Band, to: &Band, color: Color32) -> Polygon<'a> {
    let corners = vec![[from.step, from.low], [from.step, from.high], [to.step, to.high], [to.step, to.low]];
    Polygon::new("", corners).fill_color(color.gamma_multiply(0.16)).stroke((0.0, color)).allow_hover(false)
}

/// A plot of the metric that stays as it is under the pointer.
pub fn framed<'a>(id: &str, height: f32, metric: &'static MetricInfo) -> Plot<'a> {
    let limits = bounds::possible(metric.unit, None, false);
    let font = FontId::proportional(14.0);
    Plot::new(("comparison", id))
        .height(height)
        .show_background(false)
        .allow_scroll(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .x_grid_spacer(linear_marks)
        .y_grid_spacer(linear_marks)
        .custom_x_axes(vec![x_axis(font.clone()).formatter(|mark, _| x_tick(XAxis::Step, mark.value))])
        .custom_y_axes(vec![
            y_axis(font, 52.0).formatter(move |mark, _| y_tick(metric.unit, mark.value, limits)),
        ])
        .label_formatter(move |hover| match hover {
            HoverPosition::NearDataPoint { plot_name, position, .. } => {
                let (name, value) = (metric.label.to_lowercase(), figure(metric, position.y));
                Some(format!("{plot_name}\nsteps {:.0}\n{name} {value}", position.x))
            }
            HoverPosition::Elsewhere { .. } => None,
        })
}

fn band_of(experiment: &Experiment, entrants: &Entrants<'_>, point: usize, arm: usize) -> Vec<Band> {
    let cells =
        (0..experiment.seeds.len()).map(|seed| Cell::Arm { race: experiment.race_at(point, seed), arm });
    let curves: Vec<&[[f64; 2]]> = cells
        .filter_map(|cell| Some(entrants.get(&cell)?.curve(experiment.metric.id, Split::Validation)))
        .filter(|curve| !curve.is_empty())
        .collect();
    band(&curves)
}

/// What is drawn of a race, an arm and a step a row.
fn table(
    what: &str,
    experiment: &Experiment,
    bands: &[Vec<Band>],
    source: &Source,
) -> anyhow::Result<save::File> {
    let rows = experiment.arms.iter().zip(bands).flat_map(|(arm, points)| {
        points.iter().map(move |at| {
            let figures = [at.step, at.mean, at.low, at.high].map(|value| value.to_string());
            std::iter::once(arm.name.clone()).chain(figures).collect()
        })
    });
    source.table(what, &["arm", "step", "mean", "lowest", "highest"], rows)
}

/// A point beside an axis: by its value, or where it has several, by its number.
pub fn tick(experiment: &Experiment, point: usize) -> String {
    if experiment.axes.len() > 1 { (point + 1).to_string() } else { short(experiment, point) }
}

/// A point by its values alone, such as "10 a class" or "0.01, 64".
pub fn short(experiment: &Experiment, point: usize) -> String {
    experiment.point(point).into_iter().map(Setting::short).collect::<Vec<_>>().join(", ")
}
