//! Where the parts of the window are: in three columns, or, where it is smaller, the middle with the controls beside or
//! beneath it, and the runs in a menu.
use super::{
    Action, Tab, Workbench,
    asking::Asker,
    draw_pad::Wish,
    finder::Target,
    training, views,
    widgets::{self, contained, steady},
};
use crate::{session::State, spec::Catalog};
use egui::{Align, CentralPanel, Frame, Layout, Margin, Panel, Rect, ScrollArea, Ui, Vec2};
use egui_material_icons::icons::{ICON_EXPAND_LESS, ICON_EXPAND_MORE};

mod menus;

/// Width in points from which there is room for three columns.
const WIDE: f32 = 1100.0;
/// Width in points below which only the curves have the controls beside them.
const ROOMY: f32 = 640.0;
/// Width in points below which the views are in a menu.
const TABBED: f32 = 940.0;
/// Height in points below which the preview is a view like the others.
const HIGH: f32 = 640.0;
/// Height in points that the preview below the curves leaves to everything else.
const CURVES: f32 = 520.0;
/// Height in points below which the menus of runs and views are in the top bar.
const LOW: f32 = 500.0;
/// The most that the button takes up behind which the runs are, in points.
const RUNS_MENU: Vec2 = Vec2::new(190.0, 28.0);
/// The height of the draw pad's card, and of the form down to its first button.
const PAD_AND_START: f32 = 480.0;
/// The least height of the draw pad's card, in points.
const LOW_PAD: f32 = 380.0;
/// The height beneath the pad's card that holds what is turned most, in points.
const TURNED: f32 = 190.0;
/// The height beneath the pad's card that is left where there is more room, in points.
const BENEATH: f32 = 320.0;
/// The width of the controls that has the bars beside a pad that is large enough, in points.
const CONTROLS: f32 = 408.0;
/// The same where the pad is as wide as the controls.
const NARROW_CONTROLS: f32 = 288.0;

pub fn is_wide(ui: &Ui) -> bool {
    ui.available_width() >= WIDE
}

/// Whether the window is narrow, and every line of it counts.
pub fn is_low(ui: &Ui) -> bool {
    let window = ui.ctx().content_rect();
    window.width() < TABBED && window.height() < LOW
}

/// The parts of the screen, in every layout.
pub struct Parts<'a> {
    pub bench: &'a mut Workbench,
    pub state: &'a State,
    pub catalog: &'a Catalog,
    pub actions: &'a mut Vec<Action>,
}

impl Parts<'_> {
    /// Gives the place of the middle.
    pub fn ui(&mut self, ui: &mut Ui) -> Rect {
        if self.bench.draw_pad.fills_screen() {
            self.pad_alone(ui)
        } else if is_wide(ui) {
            self.columns(ui)
        } else {
            self.compact(ui)
        }
    }

    fn columns(&mut self, ui: &mut Ui) -> Rect {
        let (frame, width) = (frame(ui), ui.available_width());
        self.bench.tab = Tab::View;
        if self.bench.settings.show_runs {
            let panel = Panel::left("runs").default_size(250.0).size_range(220.0..=width.min(1400.0) * 0.27);
            panel.frame(frame).show(ui, |ui| {
                contained(ui, |ui| self.bench.runs.head(ui, self.state, self.actions));
                scrolled(ui, |ui| self.run_list(ui));
            });
        }
        if self.bench.settings.show_controls {
            let panel = Panel::right("controls").default_size((width * 0.32).clamp(CONTROLS, 580.0));
            let panel = panel.size_range(CONTROLS..=(width * 0.4).max(CONTROLS));
            panel.frame(frame).show(ui, |ui| self.controls(ui));
        }
        if self.shown() == Shown::Curves {
            self.preview_below(ui);
        }
        let middle = CentralPanel::default().frame(frame).show(ui, |ui| {
            ui.horizontal_wrapped(|ui| self.strip(ui, false));
            self.middle(ui);
        });
        middle.response.rect
    }

    /// Without a column for the runs. The curves and the controls are together at any size.
    fn compact(&mut self, ui: &mut Ui) -> Rect {
        let (frame, size) = (frame(ui), ui.available_size());
        let (is_roomy, is_high) = (size.x >= ROOMY, size.y >= HIGH);
        if is_high && self.bench.tab == Tab::Preview || is_roomy && self.bench.tab == Tab::Controls {
            self.bench.tab = Tab::View;
        }
        if !is_low(ui) {
            let strip = frame.inner_margin(Margin::symmetric(12, 6));
            Panel::top("strip").frame(strip).show(ui, |ui| {
                ui.horizontal_wrapped(|ui| self.menus(ui, size));
            });
        }
        let shown = self.shown();
        let is_beside = is_roomy || shown == Shown::Curves;
        if self.bench.settings.show_controls && is_beside {
            let panel = self.compact_panel(size);
            panel.frame(frame).show(ui, |ui| self.controls(ui));
        }
        if shown == Shown::Curves && is_high {
            self.preview_below(ui);
        }
        let middle = CentralPanel::default().frame(frame).show(ui, |ui| match shown {
            Shown::Tab(Tab::Preview) => scrolled(ui, |ui| self.preview(ui, size.y)),
            Shown::Tab(Tab::Controls) => self.controls(ui),
            _ => self.middle(ui),
        });
        middle.response.rect
    }

    /// Beside the middle, or beneath it where the window is narrow and high.
    fn compact_panel(&self, size: Vec2) -> Panel {
        if size.x < ROOMY && size.y > size.x {
            return Panel::bottom("controls below")
                .resizable(true)
                .default_size(size.y * 0.45)
                .size_range(size.y * 0.25..=size.y * 0.6);
        }
        let most = (size.x * 0.5).clamp(NARROW_CONTROLS, 480.0);
        let least = if most < CONTROLS { NARROW_CONTROLS } else { CONTROLS };
        Panel::right("controls beside").default_size(most.min(CONTROLS)).size_range(least..=most)
    }

    /// What can be drawn, what can be turned, and the form for a new run. Where there is room, the pad stays in sight.
    fn controls(&mut self, ui: &mut Ui) {
        let height = ui.available_height();
        if self.bench.draw_pad.height().max(LOW_PAD) + TURNED <= height {
            contained(ui, |ui| self.draw(ui, height - BENEATH));
            return scrolled(ui, |ui| {
                self.training(ui);
                self.new_run(ui);
            });
        }
        scrolled(ui, |ui| self.controls_in_turn(ui));
    }

    /// The same where it cannot all be in sight.
    fn controls_in_turn(&mut self, ui: &mut Ui) {
        let height = ui.clip_rect().height();
        let is_drawn_on = self.bench.runs.comparison.is_none() && self.view().looks_at_the_pad;
        if is_drawn_on {
            self.draw(ui, height);
        }
        let has_room = height >= PAD_AND_START;
        // The form makes room for the run that it started.
        let comes_before = self.training(ui) || has_room;
        if comes_before && !is_drawn_on {
            self.draw(ui, height);
        }
        self.new_run(ui);
        if !comes_before && !is_drawn_on {
            self.draw(ui, height);
        }
    }

    /// What the middle shows.
    fn shown(&self) -> Shown {
        match self.bench.tab {
            Tab::View if self.bench.runs.comparison.is_some() => Shown::Comparison,
            Tab::View if self.view().info.id == views::ALL[0].info.id => Shown::Curves,
            Tab::View => Shown::OtherView,
            tab => Shown::Tab(tab),
        }
    }

    fn preview_below(&mut self, ui: &mut Ui) {
        let id = if self.bench.settings.show_preview { "preview" } else { "folded preview" };
        Panel::bottom(id).resizable(false).frame(frame(ui)).show(ui, |ui| self.foldable_preview(ui));
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
            let window = ui.ctx().content_rect().height();
            self.preview(ui, (window - CURVES).clamp(100.0, (window * 0.45).max(100.0)));
        }
    }

    /// Images that take more than `most` points of height scroll.
    fn preview(&mut self, ui: &mut Ui, most: f32) {
        let run = self.bench.selected(self.state);
        let drawings = self.bench.draw_pad.newest_two();
        let asker = &mut Asker::new(self.state, &mut self.bench.questions, self.actions);
        self.bench.preview.ui(ui, (run, most), self.catalog, drawings, asker);
    }

    fn runs(&mut self, ui: &mut Ui) {
        self.bench.runs.head(ui, self.state, self.actions);
        self.run_list(ui);
    }

    fn run_list(&mut self, ui: &mut Ui) {
        let before = self.bench.runs.comparison.clone();
        self.bench.runs.ui(ui, self.state, self.catalog, &mut self.bench.settings, self.actions);
        if self.bench.runs.comparison != before {
            self.bench.tab = Tab::View;
        }
    }

    fn view(&self) -> &'static views::ViewEntry {
        views::find(&self.bench.settings.view).unwrap_or(&views::ALL[0])
    }

    /// The comparison that is selected, or else one of the views.
    fn middle(&mut self, ui: &mut Ui) {
        let shown = self.bench.runs.comparison.as_ref().and_then(|id| self.state.comparisons.get(id));
        if let Some(info) = shown {
            let comparison = &mut self.bench.comparison;
            return steady(ui, &info.id, |ui| {
                comparison.ui(ui, self.state, self.catalog, info, self.actions)
            });
        }
        let entry = self.view();
        let run = self.bench.runs.selected.as_ref().and_then(|id| self.state.runs.get(id));
        let mut pad: Option<Wish> = None;
        let (mut select, mut copied) = (None, None);
        let mut scene = views::Scene {
            state: self.state,
            catalog: self.catalog,
            run,
            image: self.bench.draw_pad.image(),
            sheet: self.bench.draw_pad.sheet(),
            digits: self.bench.draw_pad.digits(run),
            is_own_drawing: self.bench.draw_pad.own_drawing().is_some(),
            calibrated: self.bench.draw_pad.calibrated(),
            select: &mut select,
            copied: &mut copied,
            pad: &mut pad,
            spec: &mut self.bench.form.spec,
            settings: &mut self.bench.settings,
            questions: &mut self.bench.questions,
            actions: self.actions,
        };
        let view = self.bench.views.entry(entry.info.id).or_insert_with(entry.open);
        steady(ui, entry.info.id, |ui| view.ui(ui, &mut scene));
        let asker = &mut Asker::new(self.state, &mut self.bench.questions, self.actions);
        if let Some(wish) = pad {
            self.bench.draw_pad.grant(wish, run, asker);
        }
        if let Some(spec) = copied {
            self.bench.form.put(spec);
            self.bench.show_controls();
        }
        if select.is_some() {
            self.bench.runs.selected = select;
        }
    }

    /// Says whether there is a run to show.
    fn training(&mut self, ui: &mut Ui) -> bool {
        let Some(run) = self.bench.selected(self.state).filter(|run| run.phase.is_active()) else {
            return false;
        };
        match steady(ui, "training", |ui| training::ui(ui, run, self.catalog, self.actions)) {
            Some(training::Wish::Fork) => self.bench.fork(run, self.catalog),
            Some(training::Wish::Find(what)) => {
                self.bench.finder.find(what, Target::Run(run.id.clone()));
            }
            None => {}
        }
        true
    }

    /// The card of the pad, no higher than `most` points, where it can be that low.
    fn draw(&mut self, ui: &mut Ui, most: f32) {
        let run = self.bench.runs.selected.as_ref().and_then(|id| self.state.runs.get(id));
        let pen_width = &mut self.bench.settings.pen_width;
        let pad = &mut self.bench.draw_pad;
        let asker = &mut Asker::new(self.state, &mut self.bench.questions, self.actions);
        steady(ui, "draw", |ui| pad.ui(ui, run, pen_width, most, asker));
    }

    /// The pad in all of the window.
    fn pad_alone(&mut self, ui: &mut Ui) -> Rect {
        let run = self.bench.runs.selected.as_ref().and_then(|id| self.state.runs.get(id));
        let pen_width = &mut self.bench.settings.pen_width;
        let pad = &mut self.bench.draw_pad;
        let asker = &mut Asker::new(self.state, &mut self.bench.questions, self.actions);
        let middle = CentralPanel::default().frame(frame(ui)).show(ui, |ui| {
            let height = ui.available_height();
            scrolled(ui, |ui| pad.contents(ui, run, pen_width, height, asker));
        });
        middle.response.rect
    }

    fn new_run(&mut self, ui: &mut Ui) {
        let selected = self.bench.runs.selected.as_ref().and_then(|id| self.state.runs.get(id));
        let form = &mut self.bench.form;
        steady(ui, "form", |ui| form.ui(ui, self.catalog, self.state, selected, self.actions));
    }
}

/// What the middle shows.
#[derive(Clone, Copy, PartialEq)]
enum Shown {
    Comparison,
    Curves,
    OtherView,
    Tab(Tab),
}

fn frame(ui: &Ui) -> Frame {
    Frame::new().fill(ui.visuals().panel_fill).inner_margin(12)
}

fn scrolled(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| contained(ui, content));
}
