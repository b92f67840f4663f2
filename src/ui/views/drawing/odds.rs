//! Probabilities of a few classes along an axis.
use crate::evaluation::confidence;
use crate::metrics::Unit;
use crate::ui::{
    Action,
    bars::{best, name},
    look::{self, Look},
    plot::bounds,
    save::{self, Format, Mark, Source},
    widgets::number,
};
use egui::{FontId, Id, Ui};
use egui_plot::{
    AxisHints, HoverPosition, LineStyle, Plot, PlotBounds, PlotPoint, PlotPoints, Points, VLine,
    uniform_grid_spacer,
};

/// The most classes that get a curve of their own.
const MOST: usize = 4;
/// Classes whose probability never exceeds this are not shown.
const FAINT: f32 = 0.1;

/// What is to be drawn.
pub struct Odds<'a> {
    pub id: &'a str,
    /// The run whose answers they are.
    pub source: &'a Source,
    pub x_name: &'static str,
    pub height: f32,
    /// The places along the axis, rising, as many as there are scores.
    pub xs: &'a [f64],
    pub scores: &'a [&'a [f32]],
    pub is_calibrated: bool,
    pub class_names: &'a [String],
    /// Distances between grid lines, the widest first, where not any will do.
    pub grid: Option<[f64; 3]>,
    /// The position that is marked on the axis.
    pub mark: f64,
    /// Positions at which the most probable class changes.
    pub turns: &'a [f64],
}

/// Draws them under the names of their lines, and saves them in the chosen format, under a title.
pub fn ui(ui: &mut Ui, odds: &Odds<'_>, what: &str, wanted: Option<Format>) -> Option<Action> {
    let mark = Mark::new(ui);
    let dark = ui.visuals().dark_mode;
    let shown = ui.scope(|ui| {
        let entry = |class| (Look::of_few(class, dark), name(odds.class_names, class));
        look::key(ui, classes(odds.scores).into_iter().map(entry));
        plot(ui, odds);
    });
    let caption = odds.source.title(what).into();
    mark.save(ui, wanted, shown.response.rect, &caption, || table(what, odds))
}

fn plot(ui: &mut Ui, odds: &Odds<'_>) {
    let font = FontId::proportional(13.0);
    let weak = ui.visuals().weak_text_color();
    let x_name = odds.x_name;
    let x_axis = AxisHints::new_x().tick_label_font(font.clone()).label(x_name);
    let y_axis = AxisHints::new_y().tick_label_font(font).min_thickness(46.0);
    let plot = Plot::new(("odds", odds.id))
        .height(odds.height)
        .show_background(false)
        .grid_color(weak.gamma_multiply(0.35))
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .custom_x_axes(vec![x_axis.formatter(|mark, _| number(mark.value))])
        .custom_y_axes(vec![y_axis.formatter(|mark, _| bounds::share_tick(mark.value))])
        .label_formatter(move |hover| match hover {
            HoverPosition::NearDataPoint { plot_name, position, .. } => {
                Some(format!("{plot_name}: {}\n{x_name} {}", confidence(position.y, 0), number(position.x)))
            }
            HoverPosition::Elsewhere { .. } => None,
        });
    let plot = match odds.grid {
        Some(grid) => plot.x_grid_spacer(uniform_grid_spacer(move |_| grid)),
        None => plot,
    };
    let dark = ui.visuals().dark_mode;
    let [x0, x1] = bounds::padded(bounds::spread(odds.xs.iter().copied()), ui.available_width() - 46.0);
    let [y0, y1] = bounds::padded(Unit::SHARES, odds.height - 40.0);
    plot.show(ui, |plot| {
        plot.set_plot_bounds(PlotBounds::from_min_max([x0, y0], [x1, y1]));
        for turn in odds.turns {
            let line = VLine::new("", *turn).id(Id::unique((odds.id, "turn", turn.to_bits())));
            plot.vline(line.color(weak).style(LineStyle::dashed_dense()));
        }
        let mark = VLine::new("", odds.mark).id(Id::unique((odds.id, "mark")));
        plot.vline(mark.color(weak).width(1.5));
        for class in classes(odds.scores) {
            let look = Look::of_few(class, dark);
            let name = name(odds.class_names, class);
            let at =
                |(x, scores): (&f64, &&[f32])| [*x, f64::from(scores.get(class).copied().unwrap_or(0.0))];
            let points: Vec<[f64; 2]> = odds.xs.iter().zip(odds.scores).map(at).collect();
            if let [only] = points[..] {
                let only = PlotPoint::new(only[0], only[1]);
                let dot = Points::new(name, PlotPoints::Owned(vec![only])).color(look.color);
                plot.points(dot.shape(look.marker).radius(4.0));
                continue;
            }
            plot.line(look.line(name, points, 2.4));
        }
    });
}

fn table(what: &str, odds: &Odds<'_>) -> anyhow::Result<save::File> {
    let rows = odds.xs.iter().zip(odds.scores).flat_map(|(x, scores)| {
        scores.iter().enumerate().map(move |(class, score)| {
            let class = name(odds.class_names, class).to_owned();
            vec![x.to_string(), class, score.to_string(), odds.is_calibrated.to_string()]
        })
    });
    odds.source.table(what, &[odds.x_name, "class", "probability", "calibrated"], rows)
}

/// The classes that matter, those that become most probable first.
fn classes(scores: &[&[f32]]) -> Vec<usize> {
    let count = scores.iter().map(|scores| scores.len()).max().unwrap_or_default();
    let highest = |class: usize| {
        scores.iter().filter_map(|scores| scores.get(class)).fold(0.0f32, |most, score| most.max(*score))
    };
    let mut classes: Vec<usize> = (0..count).filter(|class| highest(*class) >= FAINT).collect();
    classes.sort_by(|a, b| highest(*b).total_cmp(&highest(*a)));
    classes.truncate(MOST);
    classes
}

/// The places before which the most probable class changed, and from which to which.
pub fn turns(scores: &[&[f32]]) -> Vec<(usize, [usize; 2])> {
    let classes: Vec<usize> = scores.iter().map(|scores| best(scores).0).collect();
    let changed = classes.windows(2).enumerate().filter(|(_, pair)| pair[0] != pair[1]);
    changed.map(|(at, pair)| (at + 1, [pair[0], pair[1]])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_that_matter_are_shown_and_changes_of_mind_found() {
        let scores: [&[f32]; 3] = [&[0.5, 0.45, 0.05], &[0.1, 0.82, 0.08], &[0.6, 0.4, 0.0]];
        assert_eq!(classes(&scores), [1, 0]);
        assert_eq!(turns(&scores), [(1, [0, 1]), (2, [1, 0])]);
        assert!(classes(&[]).is_empty() && turns(&[]).is_empty());
    }
}
