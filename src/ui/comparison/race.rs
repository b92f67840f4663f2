//! Validation accuracy of every arm while it trains, over the draws of labels of one budget.
use super::{Entrants, arm_look, awaited, caption};
use crate::{
    comparison::{Band, Cell, Comparison, band, labels},
    metrics::{ACCURACY, Split, Unit},
    protocol::{ComparisonInfo, Phase},
    ui::{
        Action,
        plot::bounds,
        save::{self, Mark, Source},
        widgets::{card, percent, strong},
    },
};
use egui::{Color32, FontId, Id, Ui};
use egui_plot::{AxisHints, HoverPosition, Plot, PlotBounds, Polygon};

pub fn ui(
    ui: &mut Ui,
    (budget, height): (&mut usize, f32),
    (info, entrants): (&ComparisonInfo, &Entrants<'_>),
    source: &Source,
    actions: &mut Vec<Action>,
) {
    let comparison = &info.comparison;
    *budget = (*budget).min(comparison.labels_per_class.len() - 1);
    let mut wanted = None;
    card(ui).show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.label(strong("The race")).on_hover_text(
                "Accuracy on validation images while the arms train side by side: the mean over the draws of labels, and between what they lie.",
            );
            choose(ui, info, entrants, budget);
            wanted = save::menu(ui, "the race", &save::PLOT);
        });
        let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
        let bands: Vec<Vec<Band>> =
            (0..comparison.arms.len()).map(|arm| band_of(comparison, entrants, *budget, arm)).collect();
        if bands.iter().all(Vec::is_empty) {
            awaited(ui, height, &waits_for(info, entrants, *budget));
        } else {
            plot(ui, comparison, &bands, height);
        }
        let within = ui.min_rect().with_min_y(top);
        let what = format!("Validation accuracy with {}", labels(comparison.labels_per_class[*budget]));
        let caption = caption(&what, source, comparison, ui.visuals().dark_mode);
        let table = || table(&what, comparison, &bands, source);
        actions.extend(mark.save(ui, wanted, within, &caption, table));
    });
}

/// Which races are shown; those that run now are marked.
fn choose(ui: &mut Ui, info: &ComparisonInfo, entrants: &Entrants<'_>, budget: &mut usize) {
    let comparison = &info.comparison;
    for (index, labels_per_class) in comparison.labels_per_class.iter().enumerate() {
        let runs_now = entrants.iter().any(|(cell, run)| {
            let is_here = |race: &usize| race % comparison.labels_per_class.len() == index;
            matches!(cell, Cell::Arm { race, .. } if is_here(race)) && run.phase == Phase::Running
        });
        let now = if runs_now { " · now" } else { "" };
        let text = format!("{}{now}", short(*labels_per_class));
        let help = if runs_now { "Labelled images. A race on as many runs now." } else { "Labelled images" };
        ui.selectable_value(budget, index, text).on_hover_text(help);
    }
}

/// What the plot waits for.
fn waits_for(info: &ComparisonInfo, entrants: &Entrants<'_>, budget: usize) -> String {
    let budgets = info.comparison.labels_per_class.len();
    let is_here = |cell: &Cell| matches!(cell, Cell::Arm { race, .. } if race % budgets == budget);
    let has_begun = entrants.keys().any(is_here);
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

fn plot(ui: &mut Ui, comparison: &Comparison, bands: &[Vec<Band>], height: f32) {
    let dark = ui.visuals().dark_mode;
    let all = || bands.iter().flatten();
    let last = all().map(|at| at.step).fold(1.0, f64::max);
    let shares = bounds::extent(all().flat_map(|at| [at.low, at.high]));
    let [y0, y1] = bounds::padded(bounds::fitted(Unit::Share, shares, false), height - 20.0);
    framed("races", height).show(ui, |plot| {
        plot.set_plot_bounds(PlotBounds::from_min_max([0.0, y0], [last * 1.02, y1]));
        for (index, (arm, points)) in comparison.arms.iter().zip(bands).enumerate() {
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

/// A plot of accuracy that stays as it is under the pointer.
pub fn framed<'a>(id: &str, height: f32) -> Plot<'a> {
    let font = FontId::proportional(14.0);
    let y_axis = AxisHints::new_y().tick_label_font(font.clone()).min_thickness(52.0);
    Plot::new(("comparison", id))
        .height(height)
        .show_background(false)
        .allow_scroll(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .custom_x_axes(vec![AxisHints::new_x().tick_label_font(font)])
        .custom_y_axes(vec![y_axis.formatter(|mark, _| bounds::share_tick(mark.value))])
        .label_formatter(|hover| match hover {
            HoverPosition::NearDataPoint { plot_name, position, .. } => {
                Some(format!("{plot_name}\nsteps {:.0}\naccuracy {}", position.x, percent(position.y)))
            }
            HoverPosition::Elsewhere { .. } => None,
        })
}

fn band_of(comparison: &Comparison, entrants: &Entrants<'_>, budget: usize, arm: usize) -> Vec<Band> {
    let races = comparison.races();
    let wanted = comparison.labels_per_class[budget];
    let on_budget = (0..races.len()).filter(|race| races[*race].labels_per_class == wanted);
    let curves: Vec<&[[f64; 2]]> = on_budget
        .filter_map(|race| Some(entrants.get(&Cell::Arm { race, arm })?.curve(ACCURACY, Split::Validation)))
        .filter(|curve| !curve.is_empty())
        .collect();
    band(&curves)
}

/// What is drawn of a race, an arm and a step a row.
fn table(
    what: &str,
    comparison: &Comparison,
    bands: &[Vec<Band>],
    source: &Source,
) -> anyhow::Result<save::File> {
    let rows = comparison.arms.iter().zip(bands).flat_map(|(arm, points)| {
        points.iter().map(move |at| {
            let figures = [at.step, at.mean, at.low, at.high].map(|value| value.to_string());
            std::iter::once(arm.name.clone()).chain(figures).collect()
        })
    });
    source.table(what, &["arm", "step", "mean", "lowest", "highest"], rows)
}

/// "10 a class" or "all", where it is plain that labels are meant.
pub fn short(budget: u64) -> String {
    if budget == 0 { "all".into() } else { format!("{budget} a class") }
}
