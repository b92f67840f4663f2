//! Probabilities of a few classes along an axis.
use super::variants::best;
use crate::ui::{
    Action,
    bars::name,
    save::{self, Format, Mark},
    theme,
    widgets::number,
};
use egui::{Color32, FontId, Id, Ui};
use egui_plot::{
    AxisHints, Corner, HoverPosition, Legend, Line, LineStyle, Plot, PlotPoint, PlotPoints, Points, VLine,
    uniform_grid_spacer,
};

/// More classes than that are not told apart.
const MOST: usize = 4;
/// What never becomes more probable than this is not shown.
const FAINT: f32 = 0.1;

/// What is to be drawn.
pub struct Odds<'a> {
    pub id: &'a str,
    pub x_name: &'static str,
    pub height: f32,
    /// The places along the axis, rising, as many as there are scores.
    pub xs: &'a [f64],
    pub scores: &'a [&'a [f32]],
    pub class_names: &'a [String],
    /// Distances between grid lines, the widest first, where not any will do.
    pub grid: Option<[f64; 3]>,
    /// The place that is looked at.
    pub mark: f64,
    /// Places where something is to be noticed.
    pub turns: &'a [f64],
}

/// Draws them, and saves them in the format that somebody wants, under a title.
pub fn ui(ui: &mut Ui, odds: &Odds<'_>, what: &str, wanted: Option<Format>) -> Option<Action> {
    let mark = Mark::new(ui);
    let font = FontId::proportional(13.0);
    let weak = ui.visuals().weak_text_color();
    let x_name = odds.x_name;
    let x_axis = AxisHints::new_x().tick_label_font(font.clone()).label(x_name);
    let y_axis = AxisHints::new_y().tick_label_font(font).min_thickness(46.0);
    let legend =
        Legend::default().position(Corner::LeftTop).background_alpha(0.8).follow_insertion_order(true);
    let [first, last] = [odds.xs.first(), odds.xs.last()].map(|x| x.copied().unwrap_or_default());
    let letters = classes(odds.scores).into_iter().map(|class| name(odds.class_names, class).chars().count());
    let room = 0.12 + 0.03 * letters.max().unwrap_or(1).min(12) as f64;
    let plot = Plot::new(("odds", odds.id))
        .height(odds.height)
        .show_background(false)
        .grid_color(weak.gamma_multiply(0.35))
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .include_y(0.0)
        .include_y(1.0)
        // Room for the legend.
        .include_x(first - (last - first) * room)
        .legend(legend)
        .custom_x_axes(vec![x_axis.formatter(|mark, _| number(mark.value))])
        .custom_y_axes(vec![y_axis.formatter(|mark, _| format!("{:.0} %", mark.value * 100.0))])
        .label_formatter(move |hover| match hover {
            HoverPosition::NearDataPoint { plot_name, position, .. } => {
                Some(format!("{plot_name}: {:.0} %\n{x_name} {}", position.y * 100.0, number(position.x)))
            }
            HoverPosition::Elsewhere { .. } => None,
        });
    let plot = match odds.grid {
        Some(grid) => plot.x_grid_spacer(uniform_grid_spacer(move |_| grid)),
        None => plot,
    };
    let shown = plot.show(ui, |plot| {
        for turn in odds.turns {
            let line = VLine::new("", *turn).id(Id::unique((odds.id, "turn", turn.to_bits())));
            plot.vline(line.color(weak).style(LineStyle::dashed_dense()));
        }
        let mark = VLine::new("", odds.mark).id(Id::unique((odds.id, "mark")));
        plot.vline(mark.color(weak).width(1.5));
        for (place, class) in classes(odds.scores).into_iter().enumerate() {
            let dark = plot.ctx().global_style().visuals.dark_mode;
            let (color, style) = look(place, dark);
            let name = name(odds.class_names, class);
            let at =
                |(x, scores): (&f64, &&[f32])| [*x, f64::from(scores.get(class).copied().unwrap_or(0.0))];
            let points: Vec<[f64; 2]> = odds.xs.iter().zip(odds.scores).map(at).collect();
            if let [only] = points[..] {
                let only = PlotPoint::new(only[0], only[1]);
                plot.points(Points::new(name, PlotPoints::Owned(vec![only])).color(color).radius(4.0));
                continue;
            }
            let points: PlotPoints<'_> = points.into();
            plot.line(Line::new(name, points).color(color).style(style).width(2.4));
        }
    });
    mark.save(ui, wanted, shown.response.rect, what, || table(what, odds))
}

fn table(what: &str, odds: &Odds<'_>) -> anyhow::Result<save::File> {
    let rows = odds.xs.iter().zip(odds.scores).flat_map(|(x, scores)| {
        scores.iter().enumerate().map(move |(class, score)| {
            vec![x.to_string(), name(odds.class_names, class).to_owned(), score.to_string()]
        })
    });
    save::table(what, &[odds.x_name, "class", "probability"], rows)
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

/// A colour and a kind of line of its own.
fn look(place: usize, dark: bool) -> (Color32, LineStyle) {
    let styles =
        [LineStyle::Solid, LineStyle::dashed_dense(), LineStyle::dotted_dense(), LineStyle::dashed_loose()];
    (theme::run_colors(dark)[place], styles[place])
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
