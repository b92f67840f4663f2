//! Where the parts of the window are: in three columns, or, where it is smaller, the middle with the controls beside or
//! beneath it, and the runs in a menu.
use super::{
    Action, Tab, Workbench,
    asking::Asker,
    training, views,
    widgets::{self, contained, menu_items, offered, steady},
};
use crate::{session::State, spec::Catalog};
use egui::{
    Align, Button, CentralPanel, ComboBox, Frame, Layout, Margin, Panel, PopupCloseBehavior, Rect, Role,
    ScrollArea, Ui, Vec2, WidgetInfo,
    containers::menu::{MenuButton, MenuConfig},
};
use egui_material_icons::icons::{ICON_EXPAND_LESS, ICON_EXPAND_MORE};

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
        if is_wide(ui) { self.columns(ui) } else { self.compact(ui) }
    }

    fn columns(&mut self, ui: &mut Ui) -> Rect {
        let (frame, width) = (frame(ui), ui.available_width());
        self.bench.tab = Tab::View;
        if self.bench.settings.show_runs {
            let panel = Panel::left("runs").default_size(250.0).size_range(220.0..=width.min(1400.0) * 0.27);
            panel.frame(frame).show(ui, |ui| scrolled(ui, |ui| self.runs(ui)));
        }
        if self.bench.settings.show_controls {
            let panel =
                Panel::right("controls").default_size(384.0).size_range(350.0..=width.min(1444.0) * 0.36);
            panel.frame(frame).show(ui, |ui| scrolled(ui, |ui| self.controls(ui)));
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
            panel.frame(frame).show(ui, |ui| scrolled(ui, |ui| self.controls(ui)));
        }
        if shown == Shown::Curves && is_high {
            self.preview_below(ui);
        }
        let middle = CentralPanel::default().frame(frame).show(ui, |ui| match shown {
            Shown::Tab(Tab::Preview) => scrolled(ui, |ui| self.preview(ui, size.y)),
            Shown::Tab(Tab::Controls) => scrolled(ui, |ui| self.controls(ui)),
            _ => self.middle(ui),
        });
        middle.response.rect
    }

    /// What can be selected, and what the middle can show of it, in a window of this size.
    pub fn menus(&mut self, ui: &mut Ui, size: Vec2) {
        self.runs_menu(ui, size);
        if size.x < TABBED { self.view_menu(ui, size) } else { self.strip(ui, size.y < HIGH) }
    }

    /// Beside the middle, or beneath it where the window is narrow and high.
    fn compact_panel(&self, size: Vec2) -> Panel {
        if size.x < ROOMY && size.y > size.x {
            return Panel::bottom("controls below")
                .resizable(true)
                .default_size(size.y * 0.45)
                .size_range(size.y * 0.25..=size.y * 0.6);
        }
        let most = (size.x * 0.5).min(384.0);
        Panel::right("controls beside").default_size(most.min(340.0)).size_range(most.min(280.0)..=most)
    }

    /// What can be turned, what can be drawn, and the form for a new run.
    fn controls(&mut self, ui: &mut Ui) {
        let is_drawn_on = self.bench.runs.comparison.is_none() && self.view().looks_at_the_pad;
        if is_drawn_on {
            self.draw(ui);
        }
        let has_room = ui.clip_rect().height() >= PAD_AND_START;
        // The form makes room for the run that it started.
        let comes_before = self.training(ui) || has_room;
        if comes_before && !is_drawn_on {
            self.draw(ui);
        }
        self.new_run(ui);
        if !comes_before && !is_drawn_on {
            self.draw(ui);
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
        let before = self.bench.runs.comparison.clone();
        self.bench.runs.ui(ui, self.state, self.catalog, &mut self.bench.settings, self.actions);
        if self.bench.runs.comparison != before {
            self.bench.tab = Tab::View;
        }
    }

    /// The list of runs, behind a button with the name of the selected one.
    fn runs_menu(&mut self, ui: &mut Ui, size: Vec2) {
        let comparison = self.bench.runs.comparison.as_ref().and_then(|id| self.state.comparisons.get(id));
        let run = self.bench.selected(self.state).map(|run| run.spec.name.as_str());
        let selected = comparison.map(|info| info.experiment.name.as_str()).or(run);
        let text = selected.filter(|_| size.x >= ROOMY || !is_low(ui)).unwrap_or("Runs");
        let spoken = selected.map_or("Runs".into(), |name| format!("Runs: {name} is selected"));
        let button = Button::new((text, ICON_EXPAND_MORE.rich_text())).truncate();
        let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        let menu = MenuButton::from_button(button).config(config);
        let response = ui.allocate_ui(RUNS_MENU, |ui| {
            let (response, _) = menu.ui(ui, |ui| {
                ui.set_width((ui.ctx().content_rect().width() - 48.0).min(320.0));
                ui.reset_style();
                // As in the column: nothing is as wide as the menu for being in one.
                menu_items(ui, |ui| ui.with_layout(Layout::top_down(Align::LEFT), |ui| self.runs(ui)));
            });
            response
        });
        let response = response.inner;
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &spoken));
        response.on_hover_text(format!("{spoken}\nSelect, show, hide, rename, resume and delete runs"));
    }

    /// What the middle can show, to choose from.
    fn strip(&mut self, ui: &mut Ui, with_preview: bool) {
        for (choice, info) in choices(with_preview, false) {
            self.offer(ui, choice, info);
        }
    }

    /// The same in a menu.
    fn view_menu(&mut self, ui: &mut Ui, size: Vec2) {
        let all = choices(size.y < HIGH, size.x < ROOMY);
        let chosen = all.iter().find(|(choice, _)| self.is_chosen(*choice));
        let text = chosen.map_or("Race", |(_, info)| info[0]);
        let width = if is_low(ui) { 118.0 } else { 140.0 };
        let menu = ComboBox::from_id_salt("view").selected_text(text).width(width).truncate().height(400.0);
        let shown = menu.show_ui(ui, |ui| {
            for (choice, info) in all {
                self.offer(ui, choice, info);
            }
        });
        shown.response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::ComboBox, true, "View");
            info.current_text_value = Some(text.into());
            info
        });
    }

    /// Greyed out where it does not serve the data of the selected run.
    fn offer(&mut self, ui: &mut Ui, choice: Choice, [label, help]: [&str; 2]) {
        let is_chosen = self.is_chosen(choice);
        let misfit = match choice {
            Choice::View(id) => views::find(id).ok().zip(self.bench.selected(self.state)),
            Choice::Tab(_) => None,
        };
        let misfit = misfit.and_then(|(view, run)| self.catalog.unserved(&run.spec, view.serves));
        if offered(ui, is_chosen, label, help, misfit).clicked() {
            self.choose(choice);
        }
    }

    fn is_chosen(&self, choice: Choice) -> bool {
        match choice {
            Choice::View(id) => {
                matches!(self.shown(), Shown::Curves | Shown::OtherView) && self.view().info.id == id
            }
            Choice::Tab(tab) => self.bench.tab == tab,
        }
    }

    fn choose(&mut self, choice: Choice) {
        match choice {
            Choice::View(id) => {
                self.bench.settings.view = id.into();
                self.bench.tab = Tab::View;
                self.bench.runs.comparison = None;
            }
            Choice::Tab(tab) => self.bench.tab = tab,
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
        let mut pad = None;
        let mut scene = views::Scene {
            state: self.state,
            catalog: self.catalog,
            run,
            image: self.bench.draw_pad.image(),
            sheet: self.bench.draw_pad.sheet(),
            calibrated: self.bench.draw_pad.calibrated(),
            pad: &mut pad,
            spec: &mut self.bench.form.spec,
            settings: &mut self.bench.settings,
            questions: &mut self.bench.questions,
            actions: self.actions,
        };
        let view = self.bench.views.entry(entry.info.id).or_insert_with(entry.open);
        steady(ui, entry.info.id, |ui| view.ui(ui, &mut scene));
        if let Some(image) = pad {
            self.bench.draw_pad.show(image);
        }
    }

    /// Says whether there is a run to show.
    fn training(&mut self, ui: &mut Ui) -> bool {
        let Some(run) = self.bench.selected(self.state).filter(|run| run.phase.is_active()) else {
            return false;
        };
        steady(ui, "training", |ui| training::ui(ui, run, self.catalog, self.actions));
        true
    }

    fn draw(&mut self, ui: &mut Ui) {
        let run = self.bench.selected(self.state);
        let pen_width = &mut self.bench.settings.pen_width;
        let pad = &mut self.bench.draw_pad;
        let asker = &mut Asker::new(self.state, &mut self.bench.questions, self.actions);
        steady(ui, "draw", |ui| pad.ui(ui, run, pen_width, asker));
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

/// What can be chosen for the middle.
#[derive(Clone, Copy)]
enum Choice {
    View(&'static str),
    Tab(Tab),
}

/// Each with its label and its tooltip.
fn choices(with_preview: bool, with_controls: bool) -> Vec<(Choice, [&'static str; 2])> {
    let views =
        views::ALL.iter().map(|entry| (Choice::View(entry.info.id), [entry.info.label, entry.info.help]));
    let preview =
        (Choice::Tab(Tab::Preview), ["Preview", "What the network makes of a few images, as it learns"]);
    let controls = (
        Choice::Tab(Tab::Controls),
        ["Controls", "The run that trains, the draw pad, and the form for a new run"],
    );
    views.chain(with_preview.then_some(preview)).chain(with_controls.then_some(controls)).collect()
}

fn frame(ui: &Ui) -> Frame {
    Frame::new().fill(ui.visuals().panel_fill).inner_margin(12)
}

fn scrolled(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| contained(ui, content));
}
