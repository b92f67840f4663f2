//! The share of the drawings that is read right at each checkpoint, beside validation accuracy.
use super::right_of;
use crate::{
    metrics::{ACCURACY, Split},
    protocol::{Moment, data::Handwriting},
    session::Run,
    ui::{
        Action,
        save::{self, Mark},
        theme,
        widgets::{number, percent, title},
    },
};
use egui::{FontId, RichText, Ui};
use egui_plot::{
    AxisHints, Corner, HoverPosition, Legend, Line, LineStyle, MarkerShape, Plot, PlotPoints, Points,
};

const HEIGHT: f32 = 200.0;

pub fn ui(ui: &mut Ui, run: &Run, handwriting: &Handwriting, moments: &[Moment], actions: &mut Vec<Action>) {
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
    let Some((_, [right, all])) = shares.last() else {
        let text = "The checkpoints of this run say nothing about digits yet: let it train, or fine-tune it.";
        ui.label(RichText::new(text).weak());
        return;
    };
    ui.label(format!("{} reads {right} of {all} of your drawings right.", run.spec.name));
    let drawn: Vec<[f64; 2]> = shares.iter().map(|(point, _)| *point).collect();
    let colors = theme::run_colors(ui.visuals().dark_mode);
    let [mine, validation] = [colors[1], colors[0]];
    let font = FontId::proportional(13.0);
    let y_axis = AxisHints::new_y().tick_label_font(font.clone()).min_thickness(46.0);
    let mark = Mark::new(ui);
    let what = format!("Accuracy of {} on my handwriting", run.spec.name);
    let validated = run.curve(ACCURACY, Split::Validation).to_vec();
    let table = || table(&what, &drawn, &validated);
    let shown = Plot::new("handwriting accuracy")
        .height(HEIGHT)
        .show_background(false)
        .allow_drag(false)
        .allow_zoom(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .include_x(0.0)
        .include_y(0.9)
        .include_y(1.0)
        .legend(Legend::default().position(Corner::RightBottom).follow_insertion_order(true))
        .custom_x_axes(vec![AxisHints::new_x().tick_label_font(font).label("step")])
        .custom_y_axes(vec![y_axis.formatter(|mark, _| format!("{:.0} %", mark.value * 100.0))])
        .label_formatter(|hover| match hover {
            HoverPosition::NearDataPoint { plot_name, position, .. } => {
                Some(format!("{plot_name}\nstep {}\n{}", number(position.x), percent(position.y)))
            }
            HoverPosition::Elsewhere { .. } => None,
        })
        .show(ui, |plot| {
            let line = |name: &str, points: Vec<[f64; 2]>| {
                Line::new(name.to_owned(), PlotPoints::from(points)).width(2.4)
            };
            let dots = Points::new("Validation images", PlotPoints::from(validated.clone())).radius(3.5);
            plot.points(dots.color(validation));
            plot.line(line("Validation images", validated.clone()).color(validation));
            let dots = Points::new("My handwriting", PlotPoints::from(drawn.clone())).radius(4.5);
            plot.points(dots.shape(MarkerShape::Diamond).color(mine));
            plot.line(line("My handwriting", drawn.clone()).color(mine).style(LineStyle::dashed_dense()));
        });
    actions.extend(mark.save(ui, wanted.inner, shown.response.rect, &what, table));
}

fn table(what: &str, drawn: &[[f64; 2]], validated: &[[f64; 2]]) -> anyhow::Result<save::File> {
    let rows = [("handwriting", drawn), ("validation", validated)].into_iter().flat_map(|(name, points)| {
        points.iter().map(move |[step, share]| vec![name.to_owned(), step.to_string(), share.to_string()])
    });
    save::table(what, &["images", "step", "accuracy"], rows)
}
