//! Where the parts of the window are: in columns, or as tabs where it is narrow.
use super::{Action, Tab, Workbench, training, views, widgets};
use crate::{
    session::State,
    spec::{Catalog, Section},
};
use egui::{Align, CentralPanel, Frame, Layout, Margin, Panel, ScrollArea, Ui};
use egui_material_icons::icons::{ICON_EXPAND_LESS, ICON_EXPAND_MORE};

/// The screen's parts, wherever they are laid out.
pub struct Parts<'a> {
    pub bench: &'a mut Workbench,
    pub state: &'a State,
    pub catalog: &'a Catalog,
    pub actions: &'a mut Vec<Action>,
}

impl Parts<'_> {
    pub fn columns(&mut self, ui: &mut Ui) {
        let frame = Frame::new().fill(ui.visuals().panel_fill).inner_margin(12);
        if self.bench.settings.show_runs {
            Panel::left("runs")
                .default_size(250.0)
                .size_range(220.0..=380.0)
                .frame(frame)
                .show(ui, |ui| scrolled(ui, |ui| self.runs(ui)));
        }
        if self.bench.settings.show_controls {
            Panel::right("controls").default_size(384.0).size_range(350.0..=520.0).frame(frame).show(
                ui,
                |ui| {
                    scrolled(ui, |ui| {
                        let is_drawn_on =
                            self.bench.runs.comparison.is_none() && self.view().looks_at_the_pad;
                        if is_drawn_on {
                            self.draw(ui);
                        }
                        // The form makes room for the run that it started.
                        let is_training = self.training(ui);
                        if is_training && !is_drawn_on {
                            self.draw(ui);
                        }
                        self.new_run(ui);
                        if !is_training && !is_drawn_on {
                            self.draw(ui);
                        }
                    });
                },
            );
        }
        if self.bench.runs.comparison.is_none() && self.bench.settings.view == views::ALL[0].info.id {
            let open = self.bench.settings.show_preview;
            let id = if open { "preview" } else { "folded preview" };
            Panel::bottom(id).resizable(false).frame(frame).show(ui, |ui| self.foldable_preview(ui));
        }
        CentralPanel::default().frame(frame).show(ui, |ui| {
            if self.bench.runs.comparison.is_none() {
                self.strip(ui);
            }
            self.middle(ui);
        });
    }

    fn foldable_preview(&mut self, ui: &mut Ui) {
        let open = self.bench.settings.show_preview;
        ui.horizontal(|ui| {
            let (icon, name) = if open {
                (ICON_EXPAND_MORE, "Fold the preview")
            } else {
                (ICON_EXPAND_LESS, "Unfold the preview")
            };
            widgets::title(ui, "Live preview")
                .on_hover_text("What the network makes of a few images, with its weights as they are now");
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if widgets::icon_button(ui, icon, name).clicked() {
                    self.bench.settings.show_preview = !open;
                }
            });
        });
        if open {
            self.preview(ui);
        }
    }

    fn preview(&mut self, ui: &mut Ui) {
        let run = self.bench.selected(self.state);
        let objective =
            run.and_then(|run| self.catalog.component(Section::Objective, run.spec.id(Section::Objective)));
        let explanation = objective.map_or("", |info| info.help);
        let (answer, drawings) = (self.state.preview.as_ref(), self.bench.draw_pad.newest_two());
        self.bench.preview.ui(ui, run, explanation, answer, &drawings, self.actions);
    }

    pub fn tabs(&mut self, ui: &mut Ui) {
        let frame = Frame::new().fill(ui.visuals().panel_fill).inner_margin(Margin::symmetric(12, 6));
        Panel::top("tabs").frame(frame).show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                self.tab(ui, Tab::Runs, "Runs");
                for entry in views::ALL {
                    let shown = self.bench.tab == Tab::Middle && self.bench.settings.view == entry.info.id;
                    let response = ui.selectable_label(shown, entry.info.label);
                    if response.on_hover_text(entry.info.help).clicked() {
                        self.bench.tab = Tab::Middle;
                        self.bench.settings.view = entry.info.id.into();
                    }
                }
                self.tab(ui, Tab::Preview, "Preview");
                self.tab(ui, Tab::NewRun, "Train");
                self.tab(ui, Tab::Draw, "Draw");
            });
        });
        CentralPanel::default().frame(frame).show(ui, |ui| match self.bench.tab {
            Tab::Runs => scrolled(ui, |ui| self.runs(ui)),
            Tab::Middle => self.middle(ui),
            Tab::Preview => self.preview(ui),
            Tab::NewRun => scrolled(ui, |ui| {
                self.training(ui);
                self.new_run(ui);
            }),
            Tab::Draw => scrolled(ui, |ui| self.draw(ui)),
        });
    }

    fn tab(&mut self, ui: &mut Ui, tab: Tab, name: &str) {
        ui.selectable_value(&mut self.bench.tab, tab, name);
    }

    fn runs(&mut self, ui: &mut Ui) {
        self.bench.runs.ui(ui, self.state, self.catalog, &mut self.bench.settings, self.actions);
    }

    /// What the middle can show, to choose from.
    fn strip(&mut self, ui: &mut Ui) {
        if views::ALL.len() == 1 {
            return;
        }
        ui.horizontal_wrapped(|ui| {
            for entry in views::ALL {
                let view = entry.info.id.to_owned();
                ui.selectable_value(&mut self.bench.settings.view, view, entry.info.label)
                    .on_hover_text(entry.info.help);
            }
        });
    }

    fn view(&self) -> &'static views::ViewEntry {
        views::find(&self.bench.settings.view).unwrap_or(&views::ALL[0])
    }

    /// The comparison that is selected, or else one of the views.
    fn middle(&mut self, ui: &mut Ui) {
        let shown = self.bench.runs.comparison.as_ref().and_then(|id| self.state.comparisons.get(id));
        if let Some(info) = shown {
            return self.bench.comparison.ui(ui, self.state, self.catalog, info, self.actions);
        }
        let entry = self.view();
        let run = self.bench.runs.selected.as_ref().and_then(|id| self.state.runs.get(id));
        let mut pad = None;
        let mut scene = views::Scene {
            state: self.state,
            catalog: self.catalog,
            run,
            image: self.bench.draw_pad.image(),
            sheet: self.bench.draw_pad.sheet(),
            pad: &mut pad,
            spec: &mut self.bench.form.spec,
            settings: &mut self.bench.settings,
            questions: &mut self.bench.questions,
            actions: self.actions,
        };
        self.bench.views.entry(entry.info.id).or_insert_with(entry.open).ui(ui, &mut scene);
        if let Some(image) = pad {
            self.bench.draw_pad.show(image);
        }
    }

    /// Says whether there is a run to show.
    fn training(&mut self, ui: &mut Ui) -> bool {
        let Some(run) = self.bench.selected(self.state).filter(|run| run.phase.is_active()) else {
            return false;
        };
        training::ui(ui, run, self.catalog, self.actions);
        true
    }

    fn draw(&mut self, ui: &mut Ui) {
        let run = self.bench.selected(self.state);
        let pen_width = &mut self.bench.settings.pen_width;
        self.bench.draw_pad.ui(ui, run, self.state.prediction.as_ref(), pen_width, self.actions);
    }

    fn new_run(&mut self, ui: &mut Ui) {
        let busy = self.bench.selected(self.state).is_some_and(|run| run.phase.is_active());
        self.bench.form.ui(ui, self.catalog, self.state, busy, self.actions);
    }
}

fn scrolled(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical().auto_shrink(false).show(ui, content);
}
