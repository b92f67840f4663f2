//! The learning curves of the visible runs, one plot a metric.
use super::{Scene, View, ViewEntry};
use crate::{
    metrics::{self, MetricInfo, Split},
    protocol::RunId,
    session::{Curve, Run, State},
    spec::{Catalog, ComponentInfo},
    ui::{
        Settings,
        decimate::{CurveView, points_per_bucket},
        plot::{self, Shown},
        settings::XAxis,
        theme,
        widgets::{strong, title},
    },
};
use egui::{RichText, Slider, Ui};
use std::collections::BTreeMap;

pub const ENTRY: ViewEntry = ViewEntry {
    info: ComponentInfo {
        id: "curves",
        label: "Curves",
        help: "How loss, accuracy and whatever else is measured change while networks learn.",
        params: &[],
    },
    looks_at_the_pad: false,
    open: || Box::new(Curves::default()),
};

/// What the curves keep between frames.
#[derive(Default)]
struct Curves {
    views: BTreeMap<(RunId, Curve), CurveView>,
    /// Show everything again in the next frame.
    reset: bool,
}

impl View for Curves {
    fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>) {
        let Scene { state, catalog, settings, .. } = scene;
        let selected = scene.run.map(|run| &run.id);
        self.header(ui, settings);
        let shown: Vec<_> =
            metrics::ALL.iter().filter(|metric| settings.curves.plots.contains(metric.id)).collect();
        if shown.is_empty() {
            ui.label("Choose above which curves to show.");
            return;
        }
        let is_shown = |run: &&Run| !settings.hidden.contains(&run.id) && !state.is_race(run);
        let runs: Vec<_> = state.runs.values().filter(is_shown).collect();
        if runs.iter().all(|run| run.curves.is_empty()) {
            return nothing_yet(ui, state, settings);
        }
        // Where no run measures a metric, its plot makes room for the others.
        let is_measured = |metric: &&MetricInfo| {
            runs.iter().any(|run| run.curves.keys().any(|(measured, _)| *measured == metric.id))
        };
        let shown: Vec<_> = shown.into_iter().filter(is_measured).collect();
        let gap = ui.spacing().item_spacing.y;
        let height = (ui.available_height() + gap) / shown.len().max(1) as f32 - gap;
        let reset = std::mem::take(&mut self.reset);
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            for metric in shown {
                self.update(&runs, metric, settings, ui.available_width() as usize);
                let curves = self.collect(&runs, metric, selected, catalog, settings, ui.visuals().dark_mode);
                plot::ui(ui, metric, &curves, &settings.curves, height.max(150.0), reset, scene.actions);
            }
        });
    }
}

impl Curves {
    fn header(&mut self, ui: &mut Ui, settings: &mut Settings) {
        let options = &mut settings.curves;
        ui.horizontal_wrapped(|ui| {
            title(ui, "Learning curves").on_hover_text("Thin: on training images. Thick with dots: on validation images, which the network is not fitted to.");
            ui.menu_button("Show", |ui| {
                for metric in metrics::ALL {
                    toggle(ui, &mut options.plots, metric.id, metric.label, metric.help);
                }
                ui.separator();
                for metric in metrics::ALL {
                    let text = format!("{}: logarithmic axis", metric.label);
                    toggle(ui, &mut options.logarithmic, metric.id, &text, "Equal distances stand for equal factors.");
                }
            })
            .response
            .on_hover_text("Choose the curves and their axes");
            for (axis, text, help) in XAxis::ALL {
                ui.selectable_value(&mut options.x_axis, axis, text).on_hover_text(help);
            }
            let help = "Shows everything, and goes on doing so as points arrive. Drag to move, Ctrl and the wheel to zoom, drag with the right button to zoom into a box.";
            if ui.button("Follow").on_hover_text(help).clicked() {
                self.reset = true;
            }
            let label = ui.label("Smoothing").on_hover_text(
                "How much of the past each point of a training curve contains; the points themselves stay visible behind.",
            );
            ui.spacing_mut().slider_width = 90.0;
            ui.add(Slider::new(&mut options.smoothing, 0.0..=0.99).fixed_decimals(2)).labelled_by(label.id);
        });
    }

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
                self.views
                    .entry((run.id.clone(), (metric.id, split)))
                    .or_default()
                    .update(series, smoothing, bucket);
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
        dark: bool,
    ) -> Vec<Shown<'a>> {
        let colors = theme::run_colors(dark);
        let view = |run: &Run, split| self.views.get(&(run.id.clone(), (metric.id, split)));
        let shown = |run: &&'a Run| Shown {
            run,
            color: colors[settings.color(&run.id)],
            selected: selected == Some(&run.id),
            train: view(run, Split::Train),
            validation: view(run, Split::Validation),
            test: run.curve(metric.id, Split::Test).last().copied(),
            changes: plot::changes(run, catalog),
        };
        runs.iter().map(shown).collect()
    }
}

fn nothing_yet(ui: &mut Ui, state: &State, settings: &mut Settings) {
    let (first, then) = if state.runs.is_empty() && settings.show_controls {
        (
            "Watch a network learn",
            "Press Start training. Its loss falls and its accuracy rises here, batch by batch.",
        )
    } else if state.runs.is_empty() {
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

fn toggle(ui: &mut Ui, set: &mut std::collections::BTreeSet<String>, id: &str, text: &str, help: &str) {
    let mut on = set.contains(id);
    if ui.checkbox(&mut on, RichText::new(text)).on_hover_text(help).changed() {
        if on {
            set.insert(id.into())
        } else {
            set.remove(id)
        };
    }
}
