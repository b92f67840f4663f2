//! The learning curves of the visible runs, one plot a metric.
use super::{Scene, View, ViewEntry};
use crate::{
    metrics::{self, MetricInfo, Split},
    protocol::{Command, RunId},
    sample::Modality,
    session::{Curve, Run, State},
    spec::{Catalog, ComponentInfo},
    ui::{
        Action, Settings,
        decimate::{CurveView, points_per_bucket},
        look::Look,
        plot::{self, MetricPlot, Viewport},
        save::Source,
        settings::{CurveOptions, XAxis},
        widgets::{lasting_menu, strong, title},
    },
};
use egui::{RichText, Role, Slider, Ui, Visuals, WidgetInfo};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const ENTRY: ViewEntry = ViewEntry {
    info: ComponentInfo {
        id: "curves",
        label: "Curves",
        help: "How loss, accuracy and all other metrics change during training.",
        params: &[],
    },
    serves: Modality::ALL,
    looks_at_the_pad: false,
    open: || Box::new(Curves::default()),
};

/// In less width, axis and smoothing are in the menu.
const NARROW: f32 = 420.0;
/// The least height of a plot with its title, in points.
const LOWEST: f32 = 150.0;

/// Of more runs the curves are drawn as sketches, where they were not trained in this program.
const MOST_IN_FULL: usize = 120;

/// So many are read at a time, so that they do not all wait in memory to be taken over.
const AWAITED: usize = 4;

/// What the curves keep between frames.
#[derive(Default)]
struct Curves {
    views: Views,
    viewport: Viewport,
    /// Runs whose curves are on their way in full.
    awaited: BTreeSet<RunId>,
}

/// The curves of the runs, ready to draw, and since when they are what they are made of.
#[derive(Default)]
struct Views(BTreeMap<(RunId, Curve), (u64, CurveView)>);

impl View for Curves {
    fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let Scene { state, catalog, settings, .. } = scene;
        let selected = scene.run.map(|run| &run.id);
        let runs: Vec<&Run> = state.runs.values().filter(|run| settings.is_shown(run, state)).collect();
        self.complete(&runs, scene.actions);
        self.header(ui, settings, &runs);
        if settings.curves.plots.is_empty() {
            ui.label("Choose above which curves to show.");
            return;
        }
        if runs.iter().all(|run| run.curves.is_empty()) {
            return nothing_yet(ui, state, settings);
        }
        // Where no run measures a metric, its plot makes room for the others.
        let is_chosen = |metric: &&MetricInfo| settings.curves.plots.contains(metric.id);
        let shown: Vec<_> = measured(&runs).filter(is_chosen).collect();
        if shown.is_empty() {
            ui.label("None of the runs that are shown measures what is chosen under Show.");
            return;
        }
        let gap = ui.spacing().item_spacing.y;
        let height = (ui.available_height() + gap) / shown.len() as f32 - gap;
        let last = last(&runs, &shown, settings.curves.x_axis);
        egui::ScrollArea::vertical().id_salt("curves").auto_shrink(false).show(ui, |ui| {
            for metric in shown {
                self.views.update(&runs, metric, settings, ui.available_width() as usize);
                let curves = self.views.collect(&runs, metric, selected, catalog, settings, ui.visuals());
                let options = &settings.curves;
                let plot = MetricPlot {
                    metric,
                    curves: &curves,
                    options,
                    height: height.max(LOWEST),
                    last,
                    runs: runs.len(),
                };
                plot.ui(ui, &mut self.viewport, scene.actions);
            }
        });
    }
}

/// The metrics that any of the runs measures.
fn measured<'a>(runs: &'a [&Run]) -> impl Iterator<Item = &'static MetricInfo> + use<'a> {
    let is_measured = |metric: &&MetricInfo| {
        runs.iter().any(|run| run.curves.keys().any(|(measured, _)| *measured == metric.id))
    };
    metrics::ALL.iter().filter(is_measured)
}

/// How far the runs' curves reach, in terms of the x axis.
fn last(runs: &[&Run], shown: &[&MetricInfo], axis: XAxis) -> f64 {
    let furthest = |run: &&Run| {
        let curves = shown.iter().flat_map(|metric| Split::ALL.map(|split| run.curve(metric.id, split)));
        let step = curves.filter_map(|curve| Some(curve.last()?[0])).fold(0.0, f64::max);
        plot::along(run, axis, step)
    };
    runs.iter().map(furthest).fold(0.0, f64::max)
}

impl Curves {
    /// Asks for the curves of which only a sketch is known. Of many runs that is enough: no eye tells their points apart.
    fn complete(&mut self, runs: &[&Run], actions: &mut Vec<Action>) {
        self.awaited.retain(|id| runs.iter().any(|run| run.id == *id && run.is_sketch));
        if runs.len() > MOST_IN_FULL {
            return;
        }
        for run in runs.iter().rev().filter(|run| run.is_sketch) {
            if self.awaited.len() < AWAITED && self.awaited.insert(run.id.clone()) {
                actions.push(Action::Send(Command::ReadCurves(run.id.clone())));
            }
        }
    }

    fn header(&mut self, ui: &mut Ui, settings: &mut Settings, runs: &[&Run]) {
        let options = &mut settings.curves;
        let is_narrow = ui.available_width() < NARROW;
        ui.horizontal_wrapped(|ui| {
            if !is_narrow {
                title(ui, "Learning curves").on_hover_text("Thin: on training examples. Thick with dots: on validation examples, which the network is not fitted to. Which line is whose is in the list of runs.");
            }
            let (menu, _) = lasting_menu("Show").ui(ui, |ui| {
                if is_narrow {
                    ui.horizontal(|ui| x_axis(ui, options));
                    smoothing(ui, options);
                    ui.separator();
                }
                show_menu(ui, options, runs);
            });
            menu.on_hover_text("Choose the curves and their axes");
            if !is_narrow {
                x_axis(ui, options);
            }
            let help = "Shows everything, and goes on doing so as points arrive. Drag to move, Ctrl and the wheel to zoom, drag with the right button to zoom into a box.";
            if ui.button("Follow").on_hover_text(help).clicked() {
                self.viewport.reset();
            }
            if !is_narrow {
                smoothing(ui, options);
            }
        });
    }
}

fn x_axis(ui: &mut Ui, options: &mut CurveOptions) {
    for (axis, text, help) in XAxis::ALL {
        ui.selectable_value(&mut options.x_axis, axis, text).on_hover_text(help);
    }
}

fn smoothing(ui: &mut Ui, options: &mut CurveOptions) {
    // A slider alone would not wrap, and push what is around it.
    let layout = egui::Layout::left_to_right(egui::Align::Center);
    ui.allocate_ui_with_layout(egui::vec2(244.0, 28.0), layout, |ui| {
        let label = ui.label("Smoothing").on_hover_text(
            "How much of the past each point of a training curve contains; the points themselves stay visible behind.",
        );
        ui.spacing_mut().slider_width = 90.0;
        ui.add(Slider::new(&mut options.smoothing, 0.0..=0.99).fixed_decimals(2)).labelled_by(label.id);
    });
}

impl Views {
    /// Takes in new points, of training smoothed.
    fn update(&mut self, runs: &[&Run], metric: &MetricInfo, settings: &Settings, pixels: usize) {
        for run in runs {
            for split in Split::ALL {
                let series = run.curve(metric.id, split);
                if series.is_empty() {
                    continue;
                }
                let smoothing = if split == Split::Train { settings.curves.smoothing } else { 0.0 };
                let bucket = points_per_bucket(series.len(), pixels);
                let (since, view) = self.0.entry((run.id.clone(), (metric.id, split))).or_default();
                if *since != run.curves_since {
                    (*since, *view) = (run.curves_since, CurveView::default());
                }
                view.update(series, smoothing, bucket);
            }
        }
    }

    fn collect<'a>(
        &'a self,
        runs: &[&'a Run],
        metric: &'static MetricInfo,
        selected: Option<&RunId>,
        catalog: &Catalog,
        settings: &Settings,
        visuals: &Visuals,
    ) -> Vec<plot::Curves<'a>> {
        let view = |run: &Run, split| Some(&self.0.get(&(run.id.clone(), (metric.id, split)))?.1);
        let shown = |run: &&'a Run| {
            let (pair, selected) = (settings.look(&run.id), selected == Some(&run.id));
            plot::Curves {
                run,
                source: Source::of(&run.spec, catalog),
                look: Look::of_run(pair, selected, visuals),
                selected,
                stands_back: pair.is_none(),
                train: view(run, Split::Train),
                validation: view(run, Split::Validation),
                test: run.curve(metric.id, Split::Test).last().copied(),
                changes: plot::changes::of(run, catalog),
            }
        };
        let has_curve = |run: &&&Run| Split::ALL.iter().any(|split| !run.curve(metric.id, *split).is_empty());
        runs.iter().filter(has_curve).map(shown).collect()
    }
}

fn nothing_yet(ui: &mut Ui, state: &State, settings: &mut Settings) {
    let (first, then) = if state.is_untrained() && settings.show_controls {
        (
            "Watch a network learn",
            "Press Start training. Its loss falls and its accuracy rises here, batch by batch.",
        )
    } else if state.is_untrained() {
        ("Watch a network learn", "Its loss falls and its accuracy rises here, batch by batch.")
    } else {
        ("Nothing to show", "Show a run with the eye beside its name, or start a new one.")
    };
    ui.vertical_centered(|ui| {
        ui.add_space(ui.available_height() * 0.38);
        ui.label(strong(first).heading());
        ui.label(RichText::new(then).weak());
        if !settings.show_controls && ui.button("Show the form for a new run").clicked() {
            settings.show_controls = true;
        }
    });
}

/// The metrics that the runs measure, each with a switch for its axis.
fn show_menu(ui: &mut Ui, options: &mut CurveOptions, runs: &[&Run]) {
    let metrics: Vec<_> = measured(runs).collect();
    if metrics.is_empty() {
        ui.label("No run has been measured yet.");
        return;
    }
    let height = ui.ctx().content_rect().height() * 0.6;
    egui::ScrollArea::vertical().max_height(height).show(ui, |ui| {
        egui::Grid::new("metrics").show(ui, |ui| {
            for metric in metrics {
                toggle(ui, &mut options.plots, metric.id, metric.label, metric.label, metric.help);
                let spoken = format!("{}: logarithmic axis", metric.label);
                let help = "Equal distances stand for equal factors.";
                toggle(ui, &mut options.logarithmic, metric.id, "logarithmic", &spoken, help);
                ui.end_row();
            }
        });
    });
}

fn toggle(ui: &mut Ui, set: &mut BTreeSet<String>, id: &str, text: &str, spoken: &str, help: &str) {
    let mut on = set.contains(id);
    let switch = ui.checkbox(&mut on, text);
    switch.widget_info(|| WidgetInfo::selected(Role::CheckBox, ui.is_enabled(), on, spoken));
    if switch.on_hover_text(help).changed() {
        if on {
            set.insert(id.into())
        } else {
            set.remove(id)
        };
    }
}
