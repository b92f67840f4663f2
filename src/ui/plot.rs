//! One metric's plot.
use super::{
    Action,
    decimate::CurveView,
    save::{self, Mark},
    settings::{CurveOptions, XAxis},
    widgets::{card, number, percent, strong},
};
use crate::{
    metrics::{MetricInfo, Split, Unit},
    session::Run,
    spec::{Catalog, dotted},
};
use egui::{Align2, Color32, FontId, Id, RichText, Ui, pos2, vec2};
use egui_plot::{
    AxisHints, ColorConflictHandling, Corner, GridInput, GridMark, HoverPosition, Legend, Line, LineStyle,
    MarkerShape, Plot, PlotPoint, PlotPoints, PlotUi, Points, VLine,
};

/// A run's curves of one metric.
pub struct Shown<'a> {
    pub run: &'a Run,
    pub color: Color32,
    pub selected: bool,
    pub train: Option<&'a CurveView>,
    pub validation: Option<&'a CurveView>,
    /// The final evaluation.
    pub test: Option<[f64; 2]>,
    /// Steps at which live hyperparameters were changed, and how.
    pub changes: Vec<(f64, String)>,
}

/// Draws the plot into a card of the given height. `reset` shows everything again.
pub fn ui(
    ui: &mut Ui,
    metric: &'static MetricInfo,
    curves: &[Shown<'_>],
    options: &CurveOptions,
    height: f32,
    reset: bool,
    actions: &mut Vec<Action>,
) {
    let logarithmic = options.logarithmic.contains(metric.id);
    let axis = options.x_axis;
    let mut wanted = None;
    card(ui).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(strong(metric.label)).on_hover_text(metric.help);
            let logarithmic = if logarithmic { ", logarithmic" } else { "" };
            ui.label(
                RichText::new(format!("training thin, validation dotted, test a diamond{logarithmic}"))
                    .small()
                    .weak(),
            );
            wanted = save::menu(ui, &metric.label.to_lowercase(), &save::PLOT);
        });
        let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
        let frame = 24.0 + ui.min_rect().height() + 2.0 * ui.spacing().item_spacing.y;
        let mut plot = framed(ui, metric, axis, logarithmic, (height - frame).max(80.0));
        if reset {
            plot = plot.reset();
        }
        let mut labels = vec![];
        let shown = plot.show(ui, |plot| {
            for curve in curves {
                draw(plot, curve, axis, logarithmic);
                labels.extend(mark_changes(plot, curve, axis));
            }
        });
        // Text inside the plot would take part in its bounds and push them outwards without end: paint it over the plot.
        let frame = *shown.transform.frame();
        let color = ui.visuals().weak_text_color();
        for (row, (x, text)) in labels.into_iter().enumerate() {
            let at = pos2(x + 5.0, frame.top() + 3.0 + (row % 3) as f32 * 16.0);
            ui.painter().with_clip_rect(frame).text(
                at,
                Align2::LEFT_TOP,
                text,
                FontId::proportional(13.0),
                color,
            );
        }
        let within = ui.min_rect().with_min_y(top);
        actions.extend(mark.save(ui, wanted, within, metric.label, || table(metric, curves)));
    });
}

/// Every point of the curves as it was measured.
fn table(metric: &MetricInfo, curves: &[Shown<'_>]) -> anyhow::Result<save::File> {
    let rows = curves.iter().flat_map(|curve| {
        Split::ALL.into_iter().flat_map(move |split| {
            let points = curve.run.curve(metric.id, split).iter();
            points.map(move |[step, value]| {
                let split = split.id().to_owned();
                vec![curve.run.spec.name.clone(), split, step.to_string(), value.to_string()]
            })
        })
    });
    save::table(metric.label, &["run", "split", "step", metric.id], rows)
}

fn framed<'a>(ui: &Ui, metric: &'static MetricInfo, axis: XAxis, logarithmic: bool, height: f32) -> Plot<'a> {
    let weak = ui.visuals().weak_text_color();
    let font = FontId::proportional(14.0);
    let group = Id::unique("curves");
    let written = move |value: f64| write_value(metric.unit, unmap(value, logarithmic));
    let x_axis = AxisHints::new_x().tick_label_font(font.clone()).tick_label_color(weak);
    let y_axis = AxisHints::new_y()
        .tick_label_font(font)
        .tick_label_color(weak)
        .min_thickness(62.0)
        .label_spacing(14.0..=22.0);
    let plot = Plot::new(("curves", metric.id))
        .height(height)
        .link_axis(group, [true, false])
        .link_cursor(group, [true, false])
        .show_background(false)
        .grid_color(weak.gamma_multiply(0.35))
        .set_margin_fraction(vec2(0.02, 0.06))
        .legend(legend(metric))
        .custom_x_axes(vec![x_axis])
        .custom_y_axes(vec![
            y_axis.formatter(move |mark, _| tick(metric.unit, unmap(mark.value, logarithmic))),
        ])
        .label_formatter(move |hover| match hover {
            HoverPosition::NearDataPoint { plot_name, position, .. } => Some(format!(
                "{plot_name}\n{} {}\n{} {}",
                axis_name(axis),
                number(position.x),
                metric.label,
                written(position.y)
            )),
            HoverPosition::Elsewhere { .. } => None,
        });
    let plot = if logarithmic { plot.y_grid_spacer(decades) } else { plot };
    match metric.unit {
        Unit::Share if !logarithmic => plot.include_y(1.0),
        _ => plot,
    }
}

/// Where the curves end up leaves the other corner free.
fn legend(metric: &MetricInfo) -> Legend {
    let corner = if metric.higher_is_better { Corner::RightBottom } else { Corner::RightTop };
    let legend = Legend::default().position(corner).background_alpha(0.85).follow_insertion_order(true);
    // The faint line comes first; the run's colour is that of the last.
    legend.color_conflict_handling(ColorConflictHandling::PickLast)
}

fn draw(plot: &mut PlotUi<'_>, curve: &Shown<'_>, axis: XAxis, logarithmic: bool) {
    let bounds = plot.plot_bounds();
    let [x0, x1] =
        if plot.auto_bounds().x { [f64::MIN, f64::MAX] } else { [bounds.min()[0], bounds.max()[0]] };
    let x = |step: f64| along(curve.run, axis, step);
    let name = curve.run.spec.name.clone();
    let id = |part: &str| Id::unique((&curve.run.id, part));
    let points = |envelope: &super::decimate::Envelope| -> Vec<PlotPoint> {
        let visible = envelope.visible(x, x0, x1).map(|[step, y]| [x(step), map(y, logarithmic)]);
        visible.filter(|point| point[1].is_finite()).map(|[x, y]| PlotPoint::new(x, y)).collect()
    };
    if let Some(view) = curve.train {
        let raw = Line::new(name.clone(), PlotPoints::Owned(points(&view.raw)));
        plot.line(raw.id(id("raw")).color(curve.color.gamma_multiply(0.22)).width(1.0).allow_hover(false));
        let smooth = Line::new(name.clone(), PlotPoints::Owned(points(&view.smooth)));
        plot.line(smooth.id(id("train")).color(curve.color).width(1.6));
    }
    if let Some(view) = curve.validation {
        let points = points(&view.raw);
        let dots = Points::new(name.clone(), PlotPoints::Owned(points.clone()));
        plot.points(
            dots.id(id("dots"))
                .color(curve.color)
                .radius(4.0)
                .shape(MarkerShape::Circle)
                .filled(true)
                .allow_hover(false),
        );
        plot.line(
            Line::new(name.clone(), PlotPoints::Owned(points))
                .id(id("validation"))
                .color(curve.color)
                .width(2.8),
        );
    }
    if let Some([step, value]) = curve.test {
        let point = PlotPoint::new(x(step), map(value, logarithmic));
        let diamond = Points::new(name, PlotPoints::Owned(vec![point])).id(id("test"));
        plot.points(diamond.color(curve.color).radius(6.0).shape(MarkerShape::Diamond).filled(true));
    }
}

/// Marks live changes; returns where the labels of the selected run go.
fn mark_changes(plot: &mut PlotUi<'_>, curve: &Shown<'_>, axis: XAxis) -> Vec<(f32, String)> {
    let mut labels = vec![];
    for (step, text) in &curve.changes {
        let x = along(curve.run, axis, *step);
        let line = VLine::new("", x).id(Id::unique((&curve.run.id, "change", step.to_bits())));
        plot.vline(
            line.color(curve.color.gamma_multiply(0.7))
                .width(1.0)
                .style(LineStyle::dashed_dense())
                .allow_hover(false),
        );
        if curve.selected {
            labels.push((plot.transform().position_from_point_x(x), text.clone()));
        }
    }
    labels
}

/// The live changes of a run in words: "learning rate 0.001 → 0.01".
pub fn changes(run: &Run, catalog: &Catalog) -> Vec<(f64, String)> {
    let mut before = catalog.live_params(&run.spec);
    let mut found: Vec<(f64, String)> = vec![];
    for change in &run.changes {
        let words: Vec<_> = catalog
            .params(&run.spec)
            .filter_map(|(section, param)| {
                let key = dotted(section, param);
                let (from, to) = (before.get(&key)?, change.values.get(&key)?);
                (from != to)
                    .then(|| format!("{} {} → {}", param.label.to_lowercase(), number(*from), number(*to)))
            })
            .collect();
        before.clone_from(&change.values);
        if !words.is_empty() {
            found.push((change.step as f64, words.join(", ")));
        }
    }
    merge(found)
}

/// A slider that was dragged leaves many changes within a few steps: the last of each burst is labelled.
fn merge(changes: Vec<(f64, String)>) -> Vec<(f64, String)> {
    let mut merged: Vec<(f64, String)> = vec![];
    for (step, text) in changes {
        match merged.last_mut() {
            Some(last) if step - last.0 < 20.0 && joined(&last.1, &text).is_some() => {
                last.1 = joined(&last.1, &text).unwrap_or(text);
            }
            _ => merged.push((step, text)),
        }
    }
    merged
}

/// "a 1 → 2" and "a 2 → 3" make "a 1 → 3".
fn joined(first: &str, second: &str) -> Option<String> {
    let (from, _) = first.split_once(" → ")?;
    let (middle, to) = second.split_once(" → ")?;
    let label = |text: &str| text.rsplit_once(' ').map(|(label, _)| label.to_owned());
    (label(from) == label(middle) && !to.contains(',')).then(|| format!("{from} → {to}"))
}

fn along(run: &Run, axis: XAxis, step: f64) -> f64 {
    match axis {
        XAxis::Step => step,
        XAxis::Epoch => step / run.progress.steps_per_epoch.max(1) as f64,
        XAxis::Seconds => run.elapsed_secs(step),
    }
}

fn axis_name(axis: XAxis) -> &'static str {
    XAxis::ALL.into_iter().find(|(of, ..)| *of == axis).map_or("", |(_, name, _)| name)
}

fn map(value: f64, logarithmic: bool) -> f64 {
    if logarithmic { value.log10() } else { value }
}

fn unmap(value: f64, logarithmic: bool) -> f64 {
    if logarithmic { 10f64.powf(value) } else { value }
}

fn write_value(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Share => format!("{:.2} %", value * 100.0),
        Unit::Number => format!("{value:.4}"),
    }
}

fn tick(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Share if (value * 1000.0).round() % 10.0 == 0.0 => format!("{:.0} %", value * 100.0),
        Unit::Share => percent(value),
        Unit::Number => number(value),
    }
}

/// Marks of an axis whose values are logarithms: decades strong, the numbers between them weak.
fn decades(input: GridInput) -> Vec<GridMark> {
    let (low, high) = input.bounds;
    let range = (low.floor().max(-30.0) as i32)..=(high.ceil().min(30.0) as i32);
    let marks = range.flat_map(|decade| (1..10).map(move |k| (k, f64::from(decade) + f64::from(k).log10())));
    let strength = |k| match k {
        1 => 1.0,
        2 | 5 => 0.3,
        _ => 0.05,
    };
    marks
        .filter(|(_, value)| (low..=high).contains(value))
        .map(|(k, value)| GridMark { value, step_size: strength(k) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dragged_slider_is_one_change() {
        let change = |step, text: &str| (step, text.to_owned());
        let merged = merge(vec![
            change(10.0, "learning rate 0.001 → 0.002"),
            change(12.0, "learning rate 0.002 → 0.005"),
            change(13.0, "dropout 0.5 → 0.4"),
            change(90.0, "dropout 0.4 → 0.1"),
        ]);
        assert_eq!(merged[0], change(10.0, "learning rate 0.001 → 0.005"));
        assert_eq!(merged.len(), 3);
    }

    #[test]
    fn decades_are_marked_within_bounds() {
        let marks = decades(GridInput { bounds: (-1.0, 0.0), base_step_size: 0.1 });
        assert_eq!((marks.first().unwrap().value, marks.last().unwrap().value, marks.len()), (-1.0, 0.0, 10));
    }
}
