//! The share of the drawings that is read right at each checkpoint, beside validation accuracy.
use super::right_of;
use crate::{
    metrics::{ACCURACY, Split, Unit},
    protocol::{Moment, data::Handwriting},
    session::Run,
    ui::{
        Action,
        look::{self, Look},
        plot::bounds,
        save::{self, Mark, Source},
        widgets::{number, percent, title},
    },
};
use egui::{FontId, RichText, Ui};
use egui_plot::{AxisHints, HoverPosition, Plot, PlotBounds, PlotPoints, Points};

const HEIGHT: f32 = 200.0;
/// The line of the drawings.
const MINE: &str = "My handwriting";

pub fn ui(
    ui: &mut Ui,
    (run, source): (&Run, &Source),
    handwriting: &Handwriting,
    (moments, is_reading): (&[Moment], bool),
    actions: &mut Vec<Action>,
) {
    let wanted = ui.horizontal(|ui| {
        title(ui, "Accuracy").on_hover_text("The share of your drawings that is read right at each checkpoint, beside that of the validation images.");
        save::menu(ui, "the accuracy on my handwriting", &save::PLOT)
    });
    let shares: Vec<([f64; 2], [usize; 2])> = moments
        .iter()
        .filter_map(|moment| {
            let [right, all] = right_of(run, handwriting, moment)?;
            (all > 0).then(|| ([moment.step as f64, right as f64 / all as f64], [right, all]))
        })
        .collect();
    let Some((_, [right, all])) = shares.last().copied() else {
        let text = match is_reading {
            true => "How many it reads right is shown here, as soon as its checkpoints have been asked.",
            false if run.saved.is_none() => "It has no checkpoints to ask yet: let it train.",
            false if moments.iter().all(|moment| moment.scores.iter().all(Vec::is_empty)) => {
                "This run has no names for digits: fine-tune it on digits first."
            }
            false => "All your drawings were trained on, and none is held out: keep more.",
        };
        ui.label(RichText::new(text).weak());
        return;
    };
    ui.label(format!("{} reads {right} of {all} of your drawings right.", run.spec.name));
    let drawn: Vec<[f64; 2]> = shares.iter().map(|(point, _)| *point).collect();
    let validated = run.curve(ACCURACY, Split::Validation).to_vec();
    let mark = Mark::new(ui);
    let lines = [("Validation images", &validated), (MINE, &drawn)];
    let shown = ui.scope(|ui| {
        let dark = ui.visuals().dark_mode;
        look::key(ui, lines.iter().enumerate().map(|(at, (name, _))| (Look::of_few(at, dark), *name)));
        plot(ui, lines, shares);
    });
    let table = || table(source, &drawn, &validated);
    let caption = source.title("Accuracy on my handwriting").into();
    actions.extend(mark.save(ui, wanted.inner, shown.response.rect, &caption, table));
}

/// Shares by step, a line each. `counts` are those behind the points of the drawings: how many of how many.
fn plot(ui: &mut Ui, lines: [(&str, &Vec<[f64; 2]>); 2], counts: Vec<([f64; 2], [usize; 2])>) {
    let font = FontId::proportional(13.0);
    let y_axis = AxisHints::new_y().tick_label_font(font.clone()).min_thickness(46.0);
    let all = || lines.iter().flat_map(|(_, points)| points.iter());
    let steps = bounds::spread(all().map(|point| point[0]).chain([0.0]));
    let [x0, x1] = bounds::padded(steps, ui.available_width() - 46.0);
    let shares = bounds::fitted(Unit::Share, bounds::extent(all().map(|point| point[1])), false);
    let [y0, y1] = bounds::padded(shares, HEIGHT - 40.0);
    let dark = ui.visuals().dark_mode;
    Plot::new("handwriting accuracy")
        .height(HEIGHT)
        .show_background(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .custom_x_axes(vec![AxisHints::new_x().tick_label_font(font).label("step")])
        .custom_y_axes(vec![y_axis.formatter(|mark, _| bounds::share_tick(mark.value))])
        .label_formatter(move |hover| match hover {
            HoverPosition::NearDataPoint { plot_name, position, .. } => {
                let is_here = |[x, y]: [f64; 2]| x == position.x && y == position.y && **plot_name == *MINE;
                let count = counts.iter().find(|(point, _)| is_here(*point));
                let count = count.map_or(String::new(), |(_, [right, all])| format!(" ({right} of {all})"));
                Some(format!("{plot_name}\nstep {}\n{}{count}", number(position.x), percent(position.y)))
            }
            HoverPosition::Elsewhere { .. } => None,
        })
        .show(ui, |plot| {
            plot.set_plot_bounds(PlotBounds::from_min_max([x0, y0], [x1, y1]));
            for (at, (name, points)) in lines.into_iter().enumerate() {
                let look = Look::of_few(at, dark);
                let dots = Points::new(name, PlotPoints::from(points.clone())).radius(4.0);
                plot.points(dots.shape(look.marker).color(look.color).filled(true));
                plot.line(look.line(name, points.clone(), 2.4));
            }
        });
}

fn table(source: &Source, drawn: &[[f64; 2]], validated: &[[f64; 2]]) -> anyhow::Result<save::File> {
    let rows = [("handwriting", drawn), ("validation", validated)].into_iter().flat_map(|(name, points)| {
        points.iter().map(move |[step, share]| vec![name.to_owned(), step.to_string(), share.to_string()])
    });
    source.table("Accuracy on my handwriting", &["images", "step", "accuracy"], rows)
}
