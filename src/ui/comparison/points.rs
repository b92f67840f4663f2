//! The metric at each point, such as the accuracy by the number of labels, the points evenly spaced.
use super::{
    arm_look, awaited, caption,
    race::{framed, tick},
    table,
};
use crate::{
    experiment::{Experiment, PointResult, Results},
    metrics::Unit,
    ui::{
        Action,
        plot::bounds,
        save::{self, Mark, Source},
        widgets::{card, figure, strong},
    },
};
use egui::{FontId, Id, Ui};
use egui_plot::{AxisHints, GridMark, HoverPosition, LineStyle, PlotBounds, Points};

/// The width of a character beside the axis, in points.
const CHARACTER: f32 = 7.0;
/// Marks along the axis, at most.
const MOST_MARKS: usize = 12;

/// What one arm has reached at one point.
struct Reached {
    place: f64,
    mean: f64,
    deviation: f64,
}

pub fn ui(
    ui: &mut Ui,
    experiment: &Experiment,
    results: &Results,
    height: f32,
    source: &Source,
    actions: &mut Vec<Action>,
) {
    card(ui).show(ui, |ui| {
        let (what, help) = (title(experiment), help(experiment));
        let mut wanted = None;
        ui.horizontal_wrapped(|ui| {
            ui.label(strong(&what)).on_hover_text(help);
            wanted = save::menu(ui, &what.to_lowercase(), &save::PLOT);
        });
        let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
        let reached: Vec<Vec<Reached>> =
            (0..experiment.arms.len()).map(|arm| reached(results, arm)).collect();
        if reached.iter().all(Vec::is_empty) {
            awaited(ui, height, "A point for each arm appears when the first race has ended.");
        } else {
            plot(ui, experiment, &reached, height);
        }
        let within = ui.min_rect().with_min_y(top);
        let caption = caption(&what, source, experiment, ui.visuals().dark_mode);
        actions.extend(mark.save(ui, wanted, within, &caption, || table(experiment, results, source)));
    });
}

/// "What labels are worth", "Validation accuracy by learning rate".
fn title(experiment: &Experiment) -> String {
    if let [axis] = &experiment.axes[..]
        && axis.settings[0].is_of_labels()
    {
        return "What labels are worth".into();
    }
    let axes: Vec<String> =
        experiment.axes.iter().map(|axis| axis.settings[0].title().to_lowercase()).collect();
    match axes[..] {
        [] => experiment.measured(),
        _ => format!("{} by {}", experiment.measured(), axes.join(", ")),
    }
}

fn help(experiment: &Experiment) -> String {
    format!(
        "{} at the end of each race: the mean over the seeds, and one standard deviation either way.",
        experiment.measured()
    )
}

fn reached(results: &Results, arm: usize) -> Vec<Reached> {
    let of = |(place, point): (usize, &PointResult)| {
        let result = &point.arms[arm];
        let deviation = result.deviation.unwrap_or_default();
        Some(Reached { place: place as f64, mean: result.mean?, deviation })
    };
    results.points.iter().enumerate().filter_map(of).collect()
}

fn plot(ui: &mut Ui, experiment: &Experiment, reached: &[Vec<Reached>], height: f32) {
    let count = experiment.points();
    let ticks: Vec<String> = (0..count).map(|point| tick(experiment, point)).collect();
    let labels: Vec<String> = (0..count).map(|point| experiment.point_label(point)).collect();
    let (font, weak) = (FontId::proportional(14.0), ui.visuals().weak_text_color());
    let longest = ticks.iter().map(|tick| tick.chars().count()).max().unwrap_or_default() as f32;
    let room = longest * CHARACTER + 8.0;
    let axis = AxisHints::new_x().tick_label_font(font).tick_label_color(weak);
    let axis = axis.label_spacing(room..=room * 1.4);
    // no more than fit beside each other
    let every = count.div_ceil(MOST_MARKS);
    let mark = move |place| GridMark { value: place as f64, step_size: every as f64 };
    let marks = move |_| (0..count).step_by(every).map(mark).collect();
    let metric = experiment.metric;
    let ends = |at: &Reached| {
        [at.mean - at.deviation, at.mean + at.deviation].map(|end| match metric.unit {
            Unit::Share => end.clamp(0.0, 1.0),
            Unit::Number => end,
        })
    };
    let values = bounds::extent(reached.iter().flatten().flat_map(ends));
    let [y0, y1] = bounds::padded(bounds::fitted(metric.unit, values, false), height - 20.0);
    let dark = ui.visuals().dark_mode;
    let plot = framed("points", height, metric)
        .custom_x_axes(vec![axis.formatter(move |mark, _| named(&ticks, mark.value))])
        .x_grid_spacer(marks)
        .label_formatter(move |hover| match hover {
            HoverPosition::NearDataPoint { plot_name, position, .. } => {
                let (at, name) = (named(&labels, position.x), metric.label.to_lowercase());
                Some(format!("{plot_name}\n{at}\n{name} {}", figure(metric, position.y)))
            }
            HoverPosition::Elsewhere { .. } => None,
        });
    plot.show(ui, |plot| {
        plot.set_plot_bounds(PlotBounds::from_min_max([-0.4, y0], [count as f64 - 0.6, y1]));
        for (index, (arm, found)) in experiment.arms.iter().zip(reached).enumerate() {
            let look = arm_look(index, dark);
            for at in found {
                let [low, high] = ends(at);
                let whisker =
                    look.line("", vec![[at.place, low], [at.place, high]], 1.4).style(LineStyle::Solid);
                let id = Id::unique(("whisker", index, at.place.to_bits()));
                plot.line(whisker.id(id).allow_hover(false));
            }
            let points: Vec<[f64; 2]> = found.iter().map(|at| [at.place, at.mean]).collect();
            let dots =
                Points::new(arm.name.clone(), points.clone()).shape(look.marker).radius(5.0).filled(true);
            plot.points(dots.color(look.color).id(Id::unique(("dots", index))));
            plot.line(look.line(&arm.name, points, 2.6));
        }
    });
}

/// The name of the point that a value along the axis is of; empty between two points.
fn named(names: &[String], value: f64) -> String {
    let place = value.round();
    let name = names.get(place as usize).filter(|_| (value - place).abs() < 1e-6 && place >= 0.0);
    name.cloned().unwrap_or_default()
}
