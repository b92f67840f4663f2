//! What the trials came to, by one hyperparameter.
use super::{Shown, trials};
use crate::{
    experiment::{Axis, Standing},
    ui::{
        Action,
        comparison::{awaited, race::framed},
        plot::bounds,
        save::{self, Mark},
        widgets::{card, figure, strong},
    },
};
use egui::{FontId, Id, Ui};
use egui_plot::{AxisHints, GridMark, HoverPosition, MarkerShape, PlotBounds, Points};

/// Named values along the axis, at most.
const MOST_MARKS: usize = 8;

pub fn ui(ui: &mut Ui, shown: &Shown<'_>, axis: usize, height: f32, actions: &mut Vec<Action>) {
    let of = &shown.experiment.axes[axis];
    let what = format!("{} by {}", shown.experiment.measured(), of.settings[0].title().to_lowercase());
    card(ui).show(ui, |ui| {
        let mut wanted = None;
        ui.horizontal_wrapped(|ui| {
            let help = "A filled circle is a setting that was trained to its end, a diamond one that was not: its figure is of less training.";
            ui.label(strong(&what)).on_hover_text(help);
            wanted = save::menu(ui, &what.to_lowercase(), &save::PLOT);
        });
        let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
        if shown.analysis.figures.iter().all(Option::is_none) {
            awaited(ui, height, "A point for each setting appears once it has come to its first figure.");
        } else {
            plot(ui, shown, axis, height);
        }
        let within = ui.min_rect().with_min_y(top);
        let caption = shown.source.title(&what).into();
        actions.extend(mark.save(ui, wanted, within, &caption, || trials::table(shown)));
    });
}

fn plot(ui: &mut Ui, shown: &Shown<'_>, axis: usize, height: f32) {
    let (experiment, metric) = (shown.experiment, shown.experiment.metric);
    let of = &experiment.axes[axis];
    let (font, weak) = (FontId::proportional(14.0), ui.visuals().weak_text_color());
    let marks = marks(of);
    // labels that would not fit at this distance are left out
    let step = marks.windows(2).map(|pair| pair[1].0 - pair[0].0).fold(1.0, f64::min);
    let places: Vec<f64> = marks.iter().map(|(place, _)| *place).collect();
    let longest = marks.iter().map(|(_, text)| text.chars().count()).max().unwrap_or_default() as f32;
    let room = longest * 7.0 + 8.0;
    let hints =
        AxisHints::new_x().tick_label_font(font).tick_label_color(weak).label_spacing(room..=room * 1.4);
    let named = move |place: f64| {
        let found = marks.iter().find(|(at, _)| (at - place).abs() < 1e-6);
        found.map_or(String::new(), |(_, text)| text.clone())
    };
    let grid = move |_| places.iter().map(|place| GridMark { value: *place, step_size: step }).collect();
    let values = bounds::extent(shown.analysis.figures.iter().flatten().map(|figure| figure.value));
    let [y0, y1] = bounds::padded(bounds::fitted(metric.unit, values, false), height - 20.0);
    let plot = framed(&format!("scatter {axis}"), height, metric)
        .custom_x_axes(vec![hints.formatter(move |mark, _| named(mark.value))])
        .x_grid_spacer(grid)
        .label_formatter(move |hover| match hover {
            HoverPosition::NearDataPoint { plot_name, position, .. } => {
                Some(format!("{plot_name}\n{}", figure(metric, position.y)))
            }
            HoverPosition::Elsewhere { .. } => None,
        });
    let dots: Vec<_> = (0..shown.analysis.figures.len())
        .filter_map(|trial| {
            let at = [of.share_of(&shown.search.drawn[trial][axis])?, shown.analysis.figures[trial]?.value];
            Some((trial, at, shown.analysis.color(trial, ui)))
        })
        .collect();
    plot.show(ui, |plot| {
        plot.set_plot_bounds(PlotBounds::from_min_max([-0.06, y0], [1.06, y1]));
        for (trial, at, color) in dots {
            let is_whole = shown.analysis.standings[trial] == Standing::Finished;
            let shape = if is_whole { MarkerShape::Circle } else { MarkerShape::Diamond };
            let name = format!("Trial {}: {}", trial + 1, experiment.point_label(trial));
            let dot = Points::new(name, vec![at]).shape(shape).radius(4.5).filled(is_whole).color(color);
            plot.points(dot.id(Id::unique(("dot", axis, trial))));
        }
    });
}

/// Places along an axis, and the values there.
fn marks(axis: &Axis) -> Vec<(f64, String)> {
    let at = |place: f64| (place, axis.at(place).short());
    match axis.choices() {
        None => [0.0, 0.25, 0.5, 0.75, 1.0].map(at).into(),
        Some(count) => {
            let every = count.div_ceil(MOST_MARKS);
            (0..count).step_by(every).map(|place| at((place as f64 + 0.5) / count as f64)).collect()
        }
    }
}
