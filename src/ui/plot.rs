//! One metric's plot.
use super::{
    Action,
    decimate::{CurveView, Envelope},
    look::Look,
    save::{self, Caption, Mark, Source},
    settings::{CurveOptions, XAxis},
    widgets::{card, number, strong},
};
use crate::{
    metrics::{MetricInfo, Split},
    session::Run,
    spec::BATCH_SIZE,
};
use axes::{linear_marks, logarithmic_marks, map, unmap, written, x_axis, x_tick, y_axis, y_tick};
use bounds::{Range, Shown, extent, fitted, padded, possible};
use egui::{
    FontId, Id, Label, Pos2, Rect, RichText, Role, Sense, Ui, WidgetInfo,
    text::{LayoutJob, TextWrapping},
};
use egui_plot::{
    HoverPosition, Line, LineStyle, MarkerShape, Plot, PlotPoint, PlotPoints, PlotTransform, PlotUi, Points,
    VLine,
};
use std::collections::BTreeMap;

pub mod axes;
pub mod bounds;
pub mod changes;
mod crosshair;
mod names;

/// A run's curves of one metric.
pub struct Curves<'a> {
    pub run: &'a Run,
    pub source: Source,
    pub look: Look,
    pub selected: bool,
    /// There are more runs than looks, and this one has none of its own.
    pub stands_back: bool,
    pub train: Option<&'a CurveView>,
    pub validation: Option<&'a CurveView>,
    /// The final evaluation.
    pub test: Option<[f64; 2]>,
    /// Steps at which live hyperparameters were changed, and how.
    pub changes: Vec<(f64, String)>,
}

/// The parts of the axes that the plots show: all have the same x axis.
#[derive(Default)]
pub struct Viewport {
    x: Shown,
    y: BTreeMap<&'static str, Shown>,
    /// What the ranges were chosen on.
    axis: Option<XAxis>,
    logarithmic: BTreeMap<&'static str, bool>,
}

impl Viewport {
    /// Shows everything, and follows what is to come.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Lets go of ranges that were chosen on other axes.
    fn follow(&mut self, metric: &'static str, axis: XAxis, logarithmic: bool) {
        if self.axis.replace(axis).is_some_and(|before| before != axis) {
            self.x = Shown::default();
        }
        if self.logarithmic.insert(metric, logarithmic).is_some_and(|before| before != logarithmic) {
            self.y.remove(metric);
        }
    }
}

/// What is drawn of a run, in terms of the axes.
struct Drawn {
    raw: Vec<PlotPoint>,
    smooth: Vec<PlotPoint>,
    validation: Vec<PlotPoint>,
    test: Option<PlotPoint>,
}

impl Drawn {
    fn values(&self) -> impl Iterator<Item = f64> {
        let lines = [&self.raw, &self.smooth, &self.validation];
        lines.into_iter().flatten().chain(&self.test).map(|point| point.y)
    }
}

/// One plot: what it shows, and how.
pub struct MetricPlot<'a> {
    pub metric: &'static MetricInfo,
    pub curves: &'a [Curves<'a>],
    pub options: &'a CurveOptions,
    /// Of the whole card, in points.
    pub height: f32,
    /// How far any of the plots reaches, in terms of the x axis.
    pub last: f64,
    /// The number of runs that the plots show.
    pub runs: usize,
}

impl MetricPlot<'_> {
    pub fn ui(&self, ui: &mut Ui, viewport: &mut Viewport, actions: &mut Vec<Action>) {
        let metric = self.metric;
        viewport.follow(metric.id, self.options.x_axis, self.is_logarithmic());
        let mut wanted = None;
        card(ui).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(strong(metric.label)).on_hover_text(metric.help);
                let logarithmic = if self.is_logarithmic() { ", logarithmic" } else { "" };
                let text = format!("training thin, validation dotted, test a diamond{logarithmic}");
                wanted = save::menu(ui, &metric.label.to_lowercase(), &save::PLOT);
                let is_read = crosshair::at(ui).is_some_and(|x| crosshair::ui(ui, self, x));
                if !is_read {
                    ui.add(Label::new(RichText::new(text).small().weak()).truncate());
                }
            });
            let (mark, top) = (Mark::new(ui), ui.min_rect().bottom());
            self.plot(ui, viewport);
            let within = ui.min_rect().with_min_y(top);
            actions.extend(mark.save(ui, wanted, within, &self.caption(), || self.table()));
        });
    }

    fn is_logarithmic(&self) -> bool {
        self.options.logarithmic.contains(self.metric.id)
    }

    fn plot(&self, ui: &mut Ui, viewport: &mut Viewport) {
        let has_changes = self.curves.iter().any(|curve| curve.selected && !curve.changes.is_empty());
        let above = if has_changes { changes::HEIGHT } else { 0.0 };
        let used = 24.0 + ui.min_rect().height() + 2.0 * ui.spacing().item_spacing.y;
        let height = (self.height - used - above).max(60.0);
        let (mut row, _) =
            ui.allocate_exact_size(egui::vec2(ui.available_width(), above), egui::Sense::hover());
        let all_x = self.all_x(ui);
        let x = viewport.x.of(all_x);
        let drawn: Vec<Drawn> = self.curves.iter().map(|curve| self.drawn(curve, x)).collect();
        let (all_y, y) = self.all_y(viewport, all_x, &drawn, height);
        let limits =
            possible(self.metric.unit, extent(drawn.iter().flat_map(Drawn::values)), self.is_logarithmic());
        let shown = self.framed(ui, height, limits).show(ui, |plot| {
            let steered = bounds::steered(plot, [x, y]);
            plot.set_plot_bounds(bounds::to_set([x, y]));
            self.in_order().into_iter().for_each(|at| self.draw(plot, at, &drawn[at]));
            (self.mark_changes(plot), steered)
        });
        let (labels, steered) = shown.inner;
        if let Some(pointer) = shown.response.hover_pos() {
            crosshair::keep(ui, shown.transform.value_from_position(pointer).x);
        }
        let chosen = steered.or_else(|| bounds::boxed(&shown.transform, [x, y]));
        if shown.response.double_clicked() {
            viewport.reset();
        } else if let Some([x, y]) = chosen {
            viewport.x.choose(x, all_x);
            viewport.y.entry(self.metric.id).or_default().choose(y, all_y);
        }
        let frame = *shown.transform.frame();
        row = Rect::from_x_y_ranges(frame.x_range(), row.y_range());
        let at = |(x, text): (f64, String)| (shown.transform.position_from_point_x(x), text);
        if above > 0.0 {
            changes::write(ui, row, &labels.into_iter().map(at).collect::<Vec<_>>());
        }
        self.write_names(ui, &drawn, &shown.transform);
    }

    /// Everything there is on the x axis, with room for names at the ends of lines.
    fn all_x(&self, ui: &Ui) -> Range {
        let width = (ui.available_width() - Y_AXIS).max(1.0);
        let room = if self.is_named(width) { names::WIDEST + 24.0 } else { bounds::EDGE as f32 };
        let last = if self.last > 0.0 { self.last } else { 1.0 };
        [0.0, last / f64::from(1.0 - (room / width).min(0.4))]
    }

    fn is_named(&self, width: f32) -> bool {
        (2..=names::MOST).contains(&self.runs) && width > 3.5 * names::WIDEST
    }

    /// Everything there is on the y axis, and the part of it that is shown.
    fn all_y(&self, viewport: &Viewport, all_x: Range, drawn: &[Drawn], height: f32) -> (Range, Range) {
        let range = |drawn: &[Drawn]| {
            let fitted =
                fitted(self.metric.unit, extent(drawn.iter().flat_map(Drawn::values)), self.is_logarithmic());
            padded(fitted, height - X_AXIS)
        };
        let everything = if viewport.x.is_chosen() {
            range(&self.curves.iter().map(|curve| self.drawn(curve, all_x)).collect::<Vec<_>>())
        } else {
            range(drawn)
        };
        let chosen = viewport.y.get(self.metric.id).filter(|y| y.is_chosen());
        (everything, chosen.map_or_else(|| range(drawn), |y| y.of(everything)))
    }

    /// The points of a run's curves that lie within a range of x, with a neighbour on each side.
    fn drawn(&self, curve: &Curves<'_>, [x0, x1]: Range) -> Drawn {
        let logarithmic = self.is_logarithmic();
        let x = |step: f64| along(curve.run, self.options.x_axis, step);
        let points = |envelope: &Envelope| -> Vec<PlotPoint> {
            let visible = envelope.visible(x, x0, x1).map(|[step, y]| [x(step), map(y, logarithmic)]);
            visible.filter(|point| point[1].is_finite()).map(|[x, y]| PlotPoint::new(x, y)).collect()
        };
        let test = curve.test.map(|[step, value]| PlotPoint::new(x(step), map(value, logarithmic)));
        Drawn {
            raw: curve.train.map_or(vec![], |view| points(&view.raw)),
            smooth: curve.train.map_or(vec![], |view| points(&view.smooth)),
            validation: curve.validation.map_or(vec![], |view| points(&view.raw)),
            test: test.filter(|point| point.y.is_finite() && (x0..=x1).contains(&point.x)),
        }
    }

    /// Those that stand back are drawn first, the selected run last.
    fn in_order(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.curves.len()).collect();
        places.sort_by_key(|at| (self.curves[*at].selected, !self.curves[*at].stands_back));
        places
    }

    fn draw(&self, plot: &mut PlotUi<'_>, at: usize, drawn: &Drawn) {
        let curve = &self.curves[at];
        let (name, look) = (&curve.run.spec.name, &curve.look);
        let heavier = if curve.selected { 1.0 } else { 0.0 };
        let id = |part: &str| Id::unique((&curve.run.id, part));
        let owned = |points: &[PlotPoint]| PlotPoints::Owned(points.to_vec());
        let raw = Line::new(name.clone(), owned(&drawn.raw)).id(id("raw"));
        plot.line(raw.color(look.color.gamma_multiply(0.22)).width(1.0).allow_hover(false));
        plot.line(look.line(name, owned(&drawn.smooth), 1.6 + heavier).id(id("train")));
        let dots = Points::new(name.clone(), owned(&drawn.validation)).id(id("dots")).color(look.color);
        let dots = dots.radius(3.4 + heavier).shape(MarkerShape::Circle).filled(true);
        plot.points(dots.allow_hover(false));
        plot.line(look.line(name, owned(&drawn.validation), 2.6 + heavier).id(id("validation")));
        let test = drawn.test.as_slice();
        let diamond = Points::new(name.clone(), owned(test)).id(id("test")).color(look.color);
        plot.points(diamond.radius(6.0 + heavier).shape(MarkerShape::Diamond).filled(true));
    }

    /// Marks live changes; gives those of the selected run in terms of the x axis.
    fn mark_changes(&self, plot: &mut PlotUi<'_>) -> Vec<(f64, String)> {
        let mut labels = vec![];
        let are_few = self.curves.len() <= names::MOST;
        for curve in self.curves.iter().filter(|curve| are_few || curve.selected) {
            for (step, text) in &curve.changes {
                let x = along(curve.run, self.options.x_axis, *step);
                let line = VLine::new("", x).id(Id::unique((&curve.run.id, "change", step.to_bits())));
                plot.vline(
                    line.color(curve.look.color.gamma_multiply(0.7))
                        .width(1.0)
                        .style(LineStyle::dashed_dense())
                        .allow_hover(false),
                );
                labels.extend(curve.selected.then(|| (x, text.clone())));
            }
        }
        labels
    }

    /// The runs' names at the ends of their lines, that of the selected one first.
    fn write_names(&self, ui: &Ui, drawn: &[Drawn], transform: &PlotTransform) {
        let frame = *transform.frame();
        if !self.is_named(frame.width()) {
            return;
        }
        let on_screen = |points: &[PlotPoint]| -> Vec<Pos2> {
            points.iter().map(|point| transform.position_from_point(point)).collect()
        };
        let mut written = vec![];
        for at in self.in_order().into_iter().rev() {
            let (curve, drawn) = (&self.curves[at], &drawn[at]);
            let line = if drawn.validation.is_empty() { &drawn.smooth } else { &drawn.validation };
            let furthest = drawn.smooth.last().into_iter().chain(&drawn.test).map(|point| point.x);
            let Some(end) = names::end(&on_screen(line), frame) else { continue };
            let x = furthest.map(|x| transform.position_from_point_x(x)).fold(end.x, f32::max);
            let name = LayoutJob {
                wrap: TextWrapping::truncate_at_width(names::WIDEST),
                ..LayoutJob::simple_singleline(
                    curve.run.spec.name.clone(),
                    FontId::proportional(12.5),
                    curve.look.color,
                )
            };
            let galley = ui.painter().layout_job(name);
            written.push((Pos2::new(x, end.y), galley));
        }
        let lines: Vec<Vec<Pos2>> = drawn
            .iter()
            .flat_map(|drawn| [&drawn.raw, &drawn.smooth, &drawn.validation].map(|line| on_screen(line)))
            .collect();
        let sizes: Vec<_> = written.iter().map(|(end, galley)| (*end, galley.size())).collect();
        let places = names::places(&sizes, &lines, frame).into_iter().zip(written).enumerate();
        for (at, (place, (_, galley))) in places {
            let Some(place) = place else { continue };
            if galley.elided {
                let whole = ui.interact(place, ui.make_persistent_id(("name", at)), Sense::hover());
                whole.widget_info(|| WidgetInfo::labeled(Role::Label, true, galley.text()));
                whole.on_hover_text(galley.text());
            }
            ui.painter().galley(place.min, galley, egui::Color32::PLACEHOLDER);
        }
    }

    fn framed<'a>(&self, ui: &Ui, height: f32, limits: Range) -> Plot<'a> {
        let weak = ui.visuals().weak_text_color();
        let font = FontId::proportional(14.0);
        let (axis, metric, logarithmic) = (self.options.x_axis, self.metric, self.is_logarithmic());
        let limits = limits.map(|limit| unmap(limit, logarithmic));
        let x_axis = x_axis(font.clone()).tick_label_color(weak);
        let y_axis = y_axis(font, Y_AXIS).tick_label_color(weak);
        let plot = Plot::new(("curves", metric.id))
            .height(height)
            .link_cursor(Id::unique("curves"), [true, false])
            .show_background(false)
            .grid_color(weak.gamma_multiply(0.35))
            // The page scrolls by the wheel; what else hands do is followed within bounds.
            .allow_scroll(false)
            .allow_drag(false)
            .allow_zoom(false)
            .allow_axis_zoom_drag(false)
            .allow_double_click_reset(false)
            .custom_x_axes(vec![x_axis.formatter(move |mark, _| x_tick(axis, mark.value))])
            .custom_y_axes(vec![
                y_axis.formatter(move |mark, _| y_tick(metric.unit, unmap(mark.value, logarithmic), limits)),
            ])
            .label_formatter(move |hover| match hover {
                HoverPosition::NearDataPoint { plot_name, position, .. } => Some(format!(
                    "{plot_name}\n{} {}\n{} {}",
                    axis_name(axis),
                    number(position.x),
                    metric.label,
                    written(metric.unit, unmap(position.y, logarithmic))
                )),
                HoverPosition::Elsewhere { .. } => None,
            });
        plot.x_grid_spacer(linear_marks).y_grid_spacer(if logarithmic {
            logarithmic_marks
        } else {
            linear_marks
        })
    }

    fn caption(&self) -> Caption {
        let key = |curve: &Curves<'_>| (curve.look, curve.source.to_string());
        Caption { title: self.metric.label.into(), key: self.curves.iter().map(key).collect() }
    }

    /// Every point of the curves as it was measured.
    fn table(&self) -> anyhow::Result<save::File> {
        let metric = self.metric;
        let rows = self.curves.iter().flat_map(|curve| {
            Split::ALL.into_iter().flat_map(move |split| {
                let points = curve.run.curve(metric.id, split).iter();
                points.map(move |[step, value]| {
                    let split = split.id().to_owned();
                    curve.source.row([split, step.to_string(), value.to_string()])
                })
            })
        });
        save::table(metric.label, &["run", "data", "split", "step", metric.id], rows)
    }
}

/// The room of the axes, in points.
const Y_AXIS: f32 = 62.0;
const X_AXIS: f32 = 20.0;

/// A step in terms of the x axis.
pub fn along(run: &Run, axis: XAxis, step: f64) -> f64 {
    match axis {
        XAxis::Step => step,
        XAxis::Epoch => step / run.progress.steps_per_epoch.max(1) as f64,
        XAxis::Seconds => run.elapsed_secs(step),
        XAxis::Examples => step * run.spec.training(&BATCH_SIZE),
    }
}

fn axis_name(axis: XAxis) -> &'static str {
    XAxis::ALL.into_iter().find(|(of, ..)| *of == axis).map_or("", |(_, name, _)| name)
}
