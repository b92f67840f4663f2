//! Test accuracy against the number of labels, evenly spaced by budget.
use super::{
    arm_look, awaited, caption,
    race::{framed, short},
    table,
};
use crate::{
    comparison::{BudgetResult, Comparison, Results},
    metrics::Unit,
    ui::{
        Action,
        plot::bounds,
        save::{self, Mark, Source},
        widgets::{card, percent, strong},
    },
};
use egui::{FontId, Id, Ui};
use egui_plot::{AxisHints, GridMark, HoverPosition, LineStyle, PlotBounds, Points};

/// What one arm has reached on one budget.
struct Reached {
    place: f64,
    mean: f64,
    deviation: f64,
}

pub fn ui(
    ui: &mut Ui,
    comparison: &Comparison,
    results: &Results,
    height: f32,
    source: &Source,
    actions: &mut Vec<Action>,
) {
    card(ui).show(ui, |ui| {
        let mut wanted = None;
        ui.horizontal_wrapped(|ui| {
            ui.label(strong("What labels are worth")).on_hover_text(
                "Accuracy on the test images at the end of each race, by the number of labels: the mean over the draws, and one standard deviation either way.",
            );
            wanted = save::menu(ui, "what labels are worth", &save::PLOT);
        });
        let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
        let reached: Vec<Vec<Reached>> =
            (0..comparison.arms.len()).map(|arm| reached(results, arm)).collect();
        if reached.iter().all(Vec::is_empty) {
            awaited(ui, height, "A point for each arm appears when the first race has ended.");
        } else {
            plot(ui, comparison, &reached, height);
        }
        let within = ui.min_rect().with_min_y(top);
        let caption = caption("What labels are worth", source, comparison, ui.visuals().dark_mode);
        actions.extend(mark.save(ui, wanted, within, &caption, || table(comparison, results, source)));
    });
}

fn reached(results: &Results, arm: usize) -> Vec<Reached> {
    let of = |(place, budget): (usize, &BudgetResult)| {
        let result = &budget.arms[arm];
        let deviation = result.deviation.unwrap_or_default();
        Some(Reached { place: place as f64, mean: result.mean?, deviation })
    };
    results.budgets.iter().enumerate().filter_map(of).collect()
}

fn plot(ui: &mut Ui, comparison: &Comparison, reached: &[Vec<Reached>], height: f32) {
    let budgets = comparison.labels_per_class.clone();
    let count = budgets.len();
    let name = move |value: f64| {
        let place = value.round();
        let budget = budgets.get(place as usize).filter(|_| (value - place).abs() < 1e-6 && place >= 0.0);
        budget.map_or(String::new(), |budget| short(*budget))
    };
    let hovered = name.clone();
    let (font, weak) = (FontId::proportional(14.0), ui.visuals().weak_text_color());
    let axis = AxisHints::new_x().tick_label_font(font).tick_label_color(weak);
    let marks = move |_| (0..count).map(|place| GridMark { value: place as f64, step_size: 1.0 }).collect();
    let ends = |at: &Reached| [at.mean - at.deviation, at.mean + at.deviation].map(|end| end.clamp(0.0, 1.0));
    let shares = bounds::extent(reached.iter().flatten().flat_map(ends));
    let [y0, y1] = bounds::padded(bounds::fitted(Unit::Share, shares, false), height - 20.0);
    let dark = ui.visuals().dark_mode;
    let plot = framed("efficiency", height)
        .custom_x_axes(vec![axis.formatter(move |mark, _| name(mark.value))])
        .x_grid_spacer(marks)
        .label_formatter(move |hover| match hover {
            HoverPosition::NearDataPoint { plot_name, position, .. } => {
                let labels = hovered(position.x);
                Some(format!("{plot_name}\nlabels: {labels}\naccuracy {}", percent(position.y)))
            }
            HoverPosition::Elsewhere { .. } => None,
        });
    plot.show(ui, |plot| {
        plot.set_plot_bounds(PlotBounds::from_min_max([-0.4, y0], [count as f64 - 0.6, y1]));
        for (index, (arm, found)) in comparison.arms.iter().zip(reached).enumerate() {
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
