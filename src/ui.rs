//! The window: shows the session's [`State`] and returns what the user asks for as a list of [`Action`]s. It depends
//! on egui alone; main drives it in a real window, tests without one.
use crate::{
    engine::LEARNING_RATE,
    experiment::Experiment,
    protocol::{Command, ComparisonId, Control, Notice, Phase, RunId, data::DataRequest},
    session::{Run, State, forking},
    spec::{Catalog, RunSpec, Section},
};
use advice::Act;
use asking::Asker;
use egui::{Frame, Key, Margin, Modifiers, Panel, Theme, Ui};
use finder::{Target, Wanted};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

mod advice;
mod alterations;
mod asking;
mod bars;
mod comparison;
mod decimate;
pub mod dialogs;
mod draw_pad;
mod fetch;
mod files;
mod finder;
mod form;
mod layout;
mod look;
mod markdown;
mod notices;
mod opening;
mod param;
mod plot;
mod preview;
pub mod raster;
mod runs_panel;
mod save;
mod settings;
mod sheet;
mod strips;
mod summary;
mod theme;
mod top_bar;
mod training;
mod typed_path;
mod views;
mod widgets;
pub use save::File;
pub use settings::Settings;
pub use theme::install;

/// The identifiers of what the middle of the window can show.
pub fn view_ids() -> impl Iterator<Item = &'static str> {
    views::ALL.iter().map(|entry| entry.info.id)
}

/// What the window cannot do by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A command for the trainer.
    Send(Command),
    /// A question for the librarian.
    Data(DataRequest),
    /// Show a folder in the system's file manager.
    OpenFolder(PathBuf),
    /// Choose a folder with images in a dialog.
    PickDataset,
    /// Choose a file with images in a dialog.
    PickDataFile,
    /// Choose a picture to be read in a dialog.
    PickImage,
    /// A file to be saved, or why it could not be made.
    Save(Result<save::File, String>),
}

/// The whole screen.
pub struct Workbench {
    /// What is remembered between two starts of the program.
    pub settings: Settings,
    runs: runs_panel::RunsPanel,
    /// Those that have been shown, by their identifiers.
    views: BTreeMap<&'static str, Box<dyn views::View>>,
    form: form::Form,
    opening: opening::Opening,
    draw_pad: draw_pad::DrawPad,
    preview: preview::PreviewPanel,
    comparison: comparison::ComparisonPanel,
    finder: finder::Finder,
    /// A race that waits for the user's confirmation.
    proposed: Option<Experiment>,
    /// How many questions have been asked.
    questions: u64,
    notices: notices::Notices,
    typed_path: typed_path::TypedPath,
    /// The newest run that was selected by itself.
    followed: Option<RunId>,
    followed_comparison: Option<ComparisonId>,
    /// Failed runs whose banner was closed.
    dismissed: BTreeSet<RunId>,
    /// Runs whose warning was closed.
    unworried: BTreeSet<RunId>,
    tab: Tab,
}

/// What the middle shows where the window is too small for everything.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Tab {
    /// The chosen view, or a comparison.
    #[default]
    View,
    Preview,
    Controls,
}

impl Workbench {
    /// The window as it was left.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            runs: runs_panel::RunsPanel::default(),
            views: BTreeMap::new(),
            form: form::Form::default(),
            opening: opening::Opening::default(),
            draw_pad: draw_pad::DrawPad::default(),
            preview: preview::PreviewPanel::default(),
            comparison: comparison::ComparisonPanel::default(),
            finder: finder::Finder::default(),
            proposed: None,
            questions: 0,
            notices: notices::Notices::default(),
            typed_path: typed_path::TypedPath::default(),
            followed: None,
            followed_comparison: None,
            dismissed: BTreeSet::new(),
            unworried: BTreeSet::new(),
            tab: Tab::default(),
        }
    }

    /// Draws everything; returns what the user asked for.
    pub fn ui(&mut self, ui: &mut Ui, state: &State, catalog: &Catalog) -> Vec<Action> {
        let mut actions = vec![];
        self.apply_settings(ui, state);
        self.select(state);
        self.keys(ui, state, &mut actions);
        self.dropped_files(ui, &mut actions);
        self.opened_images(ui, state);
        self.draw_pad.take_in_test_image(&state.data);
        if !self.draw_pad.fills_screen() {
            self.top_bar(ui, state, catalog, &mut actions);
            self.banner(ui, state, &mut actions);
            self.warning(ui, state, catalog);
        }
        let middle = layout::Parts { bench: self, state, catalog, actions: &mut actions }.ui(ui);
        let asker = &mut Asker::new(state, &mut self.questions, &mut actions);
        self.draw_pad.ask_about_a_blot(ui, asker);
        self.notices.pop_up(ui, middle);
        actions.iter().filter_map(dialogs::Wanted::of).for_each(|wanted| self.typed_path.ask(wanted));
        if let Some((wanted, path)) = self.typed_path.ui(ui, middle) {
            self.typed(wanted, &path);
        }
        self.propose(ui, state, catalog, &mut actions);
        self.find_rate(ui, state, &mut actions);
        self.opening.follow(&self.form.spec, &mut actions);
        let sent = actions
            .iter()
            .filter_map(|action| if let Action::Send(sent) = action { Some(sent) } else { None });
        self.runs.deeds.remember(sent, state, self.draw_pad.past().0);
        for action in &mut actions {
            let Action::Send(command) = action else { continue };
            if let Command::Start(spec) = command {
                // what is trained here by the recipe of the shipped example is not shipped
                spec.name = unique_name(spec.shipped.as_ref().unwrap_or(&spec.name), state);
            }
        }
        actions
    }

    /// The name of the program, or, where every line counts, what else the middle can show.
    fn top_bar(&mut self, ui: &mut Ui, state: &State, catalog: &Catalog, actions: &mut Vec<Action>) {
        let (wide, size) = (layout::is_wide(ui), ui.available_size());
        let frame = Frame::new().fill(ui.visuals().window_fill).inner_margin(top_bar::MARGIN);
        Panel::top("top").frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                if layout::is_low(ui) {
                    layout::Parts { bench: self, state, catalog, actions }.menus(ui, size);
                } else {
                    ui.label(widgets::strong("Headstart").heading());
                }
                top_bar::ui(ui, &mut self.settings, &mut self.notices, wide);
            });
        });
    }

    /// The card of the race that was asked for.
    fn propose(&mut self, ui: &Ui, state: &State, catalog: &Catalog, actions: &mut Vec<Action>) {
        let asked = [self.form.proposed.take(), self.runs.proposed.take()];
        self.proposed = asked.into_iter().flatten().next().or(self.proposed.take());
        let Some(proposed) = &mut self.proposed else { return };
        if !comparison::proposal::ui(ui, proposed, state, catalog, actions) {
            self.proposed = None;
        }
    }

    /// The card of the learning-rate finder, and what is done with a rate that was chosen there.
    fn find_rate(&mut self, ui: &Ui, state: &State, actions: &mut Vec<Action>) {
        if let Some(what) = self.form.wanted.take() {
            self.finder.find(what, Target::Recipe(Box::new(self.form.spec.clone())));
        }
        let asker = &mut Asker::new(state, &mut self.questions, actions);
        let Some(chosen) = self.finder.ui(ui, state, asker) else { return };
        match &chosen.target {
            Target::Recipe(_) => self.form.spec.set(Section::Optimizer, &LEARNING_RATE, chosen.rate),
            Target::Run(run) => actions.extend(state.runs.get(run).map(|run| chosen.tuned(run))),
        }
    }

    /// Puts a fork of a run as it is now into the form.
    fn fork(&mut self, run: &Run, catalog: &Catalog) {
        self.put_fork(forking::forked(&run.spec, &run.live, &run.id, None, catalog));
    }

    fn put_fork(&mut self, spec: RunSpec) {
        self.form.put(spec);
        self.form.unfold();
        self.show_controls();
    }

    /// Shows a notice for a while, and keeps it in the list.
    pub fn notify(&mut self, notice: Notice) {
        self.notices.add(notice);
    }

    fn show_controls(&mut self) {
        self.settings.show_controls = true;
        self.tab = Tab::Controls;
    }

    fn apply_settings(&mut self, ui: &Ui, state: &State) {
        self.settings.assign_looks(state);
        ui.ctx().set_theme(if self.settings.dark { Theme::Dark } else { Theme::Light });
        // egui's own steps would not end at the setting's bounds.
        ui.ctx().options_mut(|options| options.zoom_with_keyboard = false);
        for (key, steps) in [(Key::Plus, 1.0), (Key::Equals, 1.0), (Key::Minus, -1.0)] {
            if ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, key)) {
                self.settings.zoom = self.settings.zoomed(steps);
            }
        }
        if ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::Num0)) {
            self.settings.zoom = 1.0;
        }
        self.settings.zoom = self.settings.zoom.clamp(1.0, 2.0);
        if ui.ctx().zoom_factor() != self.settings.zoom {
            ui.ctx().set_zoom_factor(self.settings.zoom);
        }
    }

    /// A run that was just started is selected; so is another one when the selected one is gone.
    fn select(&mut self, state: &State) {
        if state.newest != self.followed {
            self.followed.clone_from(&state.newest);
            self.runs.selected.clone_from(&state.newest);
        }
        if state.newest_comparison != self.followed_comparison {
            self.followed_comparison.clone_from(&state.newest_comparison);
            self.runs.comparison.clone_from(&state.newest_comparison);
            self.tab = Tab::View;
        }
        if self.runs.comparison.as_ref().is_some_and(|id| !state.comparisons.contains_key(id)) {
            self.runs.comparison = None;
        }
        if self.selected(state).is_none() {
            let last = state.runs.values().rev().find(|run| !state.is_race(run));
            self.runs.selected = last.map(|run| run.id.clone());
        }
    }

    fn selected<'a>(&self, state: &'a State) -> Option<&'a Run> {
        state.runs.get(self.runs.selected.as_ref()?)
    }

    fn keys(&mut self, ui: &Ui, state: &State, actions: &mut Vec<Action>) {
        self.draw_pad.follow_screen_keys(ui.ctx());
        let (changes, can_undo) = self.draw_pad.past();
        if draw_pad::are_free(ui.ctx())
            && self.runs.deeds.comes_next(changes, can_undo)
            && !ui.input(|input| input.modifiers.shift)
            && ui.input_mut(|input| input.consume_key(Modifiers::COMMAND, Key::Z))
        {
            self.runs.deeds.undo(actions);
        }
        let Some(run) = self.selected(state).filter(|_| ui.memory(|memory| memory.focused().is_none()))
        else {
            return;
        };
        if ui.input(|input| input.key_pressed(Key::Space)) && run.phase.is_active() {
            let control = if run.phase == Phase::Running { Control::Pause } else { Control::Continue };
            actions.push(Action::Send(Command::Control(run.id.clone(), control)));
        }
    }

    /// The failed run that is selected, in words, with what can be done.
    fn banner(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        let Some(run) = self.selected(state).filter(|run| !self.dismissed.contains(&run.id)) else { return };
        let Phase::Failed(message) = &run.phase else { return };
        let alarm = theme::alarm(ui.visuals().dark_mode);
        let frame = Frame::new().fill(alarm.gamma_multiply(0.16)).inner_margin(Margin::symmetric(14, 8));
        Panel::top("banner").frame(frame).show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.label(widgets::strong(format!("{} failed.", run.spec.name)).color(alarm));
                ui.label(message.as_str());
                if let Some((remedy, command)) = run.remedied() {
                    let text = format!("Go on from step {} with a tenth of the learning rate", remedy.step);
                    let help = "Takes up the last good weights. What came after them is removed.";
                    if ui.button(text).on_hover_text(help).clicked() {
                        actions.push(Action::Send(command));
                    }
                }
                if ui
                    .button("Start again")
                    .on_hover_text("The same settings and the same initial weights")
                    .clicked()
                {
                    actions.push(Action::Send(Command::Start(Box::new(run.spec.clone()))));
                }
                if ui
                    .button("Change the settings")
                    .on_hover_text("Copies them into the form for a new run")
                    .clicked()
                {
                    self.form.put(run.spec.clone());
                    self.show_controls();
                    self.dismissed.insert(run.id.clone());
                }
                if ui.button("Dismiss").clicked() {
                    self.dismissed.insert(run.id.clone());
                }
            });
        });
    }

    /// What is the matter with the selected run, and what to try.
    fn warning(&mut self, ui: &mut Ui, state: &State, catalog: &Catalog) {
        let Some(run) = self.selected(state).filter(|run| !self.unworried.contains(&run.id)) else { return };
        let Some(act) = advice::banner(ui, run) else { return };
        self.unworried.insert(run.id.clone());
        match act {
            Act::Dismiss => {}
            Act::FindRate => self.finder.find(Wanted::Rate, Target::Run(run.id.clone())),
            Act::Fork { step, factor } => {
                let mut live = run.live.clone();
                let rate = factor * live.get(Section::Optimizer, &LEARNING_RATE);
                live.set(Section::Optimizer, &LEARNING_RATE, rate);
                self.put_fork(forking::forked(&run.spec, &live, &run.id, Some(step), catalog));
            }
        }
    }
}

/// The name, with a number behind it if another run has it: "Seed CNN 2".
fn unique_name(name: &str, state: &State) -> String {
    let taken = |name: &str| state.runs.values().any(|run| run.spec.name == name);
    let (stem, last) = name.rsplit_once(' ').unwrap_or((name, ""));
    let stem = if last.parse::<u32>().is_ok() { stem } else { name };
    let numbered = (2..).map(|number| format!("{stem} {number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}
