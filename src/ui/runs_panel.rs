//! The list of runs.
mod deeds;
mod families;
mod waiting;

use super::{
    Action, Settings, comparison,
    look::{self, Look},
    theme,
    widgets::{
        card, figure, labeled_button, pill, preparation, quiet_icon_button, star, steady, strong, title,
    },
};
use crate::{
    experiment::Experiment,
    metrics::{ACCURACY, Split},
    protocol::{Command, ComparisonId, ComparisonInfo, Mark, Phase, RunId},
    session::{Run, State},
    spec::{BATCH_SIZE, Catalog, Section},
};
use egui::{
    Align, Button, FontId, Label, Layout, ProgressBar, RichText, Role, Sense, Stroke, TextEdit, Ui,
    UiBuilder, WidgetInfo, text::LayoutJob, vec2,
};
use egui_material_icons::icons::{
    ICON_DELETE, ICON_EDIT, ICON_FILTER_1, ICON_FILTER_NONE, ICON_FOLDER_OPEN, ICON_PLAY_ARROW, ICON_REFRESH,
    ICON_RESTART_ALT, ICON_SPORTS_SCORE, ICON_STOP, ICON_VISIBILITY, ICON_VISIBILITY_OFF,
};

use std::collections::BTreeMap;

/// What the list keeps between frames.
#[derive(Default)]
pub struct RunsPanel {
    pub selected: Option<RunId>,
    /// The comparison that is shown in place of the curves.
    pub comparison: Option<ComparisonId>,
    renaming: Option<(RunId, String)>,
    /// The race that was asked for, which begins once its cost has been shown.
    pub proposed: Option<Experiment>,
    /// What can be undone.
    pub deeds: deeds::Deeds,
    /// Of each entry, in points, so that those out of sight need not be drawn.
    heights: BTreeMap<RunId, f32>,
}

/// So many entries are drawn whether they are in sight or not.
const FEW: usize = 40;
/// The height of an entry that has not been drawn yet, and how far out of sight entries are drawn, in points.
const USUAL: f32 = 78.0;
const MARGIN: f32 = 400.0;

impl RunsPanel {
    /// What stays in sight above the list.
    pub fn head(&mut self, ui: &mut Ui, state: &State, actions: &mut Vec<Action>) {
        title(ui, "Runs");
        self.deeds.ui(ui, actions);
        if let Some(preparing) = &state.preparing {
            card(ui).show(ui, |ui| {
                ui.set_width(ui.available_width());
                preparation(ui, preparing);
                if labeled_button(ui, ICON_STOP, "Stop preparing").clicked() {
                    actions.push(Action::Send(Command::StopPreparing));
                }
            });
        }
    }

    pub fn ui(
        &mut self,
        ui: &mut Ui,
        state: &State,
        catalog: &Catalog,
        settings: &mut Settings,
        actions: &mut Vec<Action>,
    ) {
        for info in state.comparisons.values().rev() {
            steady(ui, &info.id, |ui| self.comparison(ui, state, info));
        }
        let listed = |run: &&Run| !state.is_race(run) && (settings.show_archived || !run.marks.archived);
        let runs: Vec<&Run> = state.runs.values().rev().filter(listed).collect();
        let seen = ui.clip_rect().expand(MARGIN);
        for (run, depth) in families::ordered(&runs) {
            let top = ui.cursor().top();
            let height = self.heights.get(&run.id).copied().unwrap_or(USUAL);
            if runs.len() > FEW && (top + height < seen.top() || top > seen.bottom()) {
                ui.allocate_space(vec2(ui.available_width(), height));
                continue;
            }
            families::beside(ui, depth, |ui| {
                steady(ui, &run.id, |ui| self.run(ui, state, run, catalog, settings, actions));
            });
            self.heights.insert(run.id.clone(), ui.cursor().top() - top - ui.spacing().item_spacing.y);
        }
        let away = state.runs.values().filter(|run| run.marks.archived && !state.is_race(run)).count();
        if away > 0 {
            let text = format!("Show the {away} that were put away");
            ui.checkbox(&mut settings.show_archived, text).on_hover_text("Runs are put away in the table");
        }
        if state.is_untrained() {
            nothing_yet(ui, state);
        }
    }

    fn run(
        &mut self,
        ui: &mut Ui,
        state: &State,
        run: &Run,
        catalog: &Catalog,
        settings: &mut Settings,
        actions: &mut Vec<Action>,
    ) {
        let selected = self.comparison.is_none() && self.selected.as_ref() == Some(&run.id);
        let stroke = if selected {
            Stroke::new(2.0, ui.visuals().selection.bg_fill)
        } else {
            ui.visuals().window_stroke
        };
        // The card senses the click before its children do, so that their own clicks stay theirs.
        let builder = UiBuilder::new().id_salt("card").sense(Sense::click());
        let response = ui.scope_builder(builder, |ui| {
            card(ui).stroke(stroke).show(ui, |ui| {
                ui.set_width(ui.available_width());
                self.name(ui, state, run, settings, actions);
                stand(ui, state, run, catalog, settings, actions);
                if selected {
                    let text = RichText::new(describe(run, catalog)).small().weak();
                    ui.add(Label::new(text).truncate().selectable(false));
                }
                if selected {
                    waiting::ui(ui, &run.id, &state.queue, actions);
                    self.buttons(ui, state, run, catalog, settings, actions);
                }
            });
        });
        let response = response.response;
        response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, selected, &run.spec.name));
        if response.clicked() {
            self.selected = Some(run.id.clone());
            self.comparison = None;
        }
    }

    fn comparison(&mut self, ui: &mut Ui, state: &State, info: &ComparisonInfo) {
        let selected = self.comparison.as_ref() == Some(&info.id);
        let stroke = if selected {
            Stroke::new(2.0, ui.visuals().selection.bg_fill)
        } else {
            ui.visuals().window_stroke
        };
        let builder = UiBuilder::new().id_salt("comparison").sense(Sense::click());
        let response = ui.scope_builder(builder, |ui| {
            card(ui).stroke(stroke).show(ui, |ui| {
                ui.set_width(ui.available_width());
                ui.add(Label::new(strong(&info.experiment.name)).truncate().selectable(false));
                let (text, color) =
                    comparison::state_of(&info.phase, ui.visuals().dark_mode, ui.visuals().weak_text_color());
                let (_, stand) = comparison::stand(info, &state.entrants(info));
                pill(ui, text, color);
                ui.add(Label::new(RichText::new(stand).small().weak()).selectable(false));
            });
        });
        let response = response.response;
        let name = &info.experiment.name;
        response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, selected, name));
        if response.clicked() {
            self.comparison = if selected { None } else { Some(info.id.clone()) };
        }
    }

    fn name(
        &mut self,
        ui: &mut Ui,
        state: &State,
        run: &Run,
        settings: &mut Settings,
        actions: &mut Vec<Action>,
    ) {
        ui.horizontal_top(|ui| {
            let selected = self.selected.as_ref() == Some(&run.id);
            let mut look = Look::of_run(settings.look(&run.id), selected, ui.visuals());
            let is_shown = settings.is_shown(run, state);
            if !is_shown {
                look.color = ui.visuals().weak_text_color().gamma_multiply(0.4);
            }
            look::swatch(ui, &look).on_hover_text("The line of this run in the plots");
            ui.vertical(|ui| self.name_or_edit(ui, run, actions));
        });
    }

    fn name_or_edit(&mut self, ui: &mut Ui, run: &Run, actions: &mut Vec<Action>) {
        let Some((id, text)) = self.renaming.as_mut().filter(|(id, _)| *id == run.id) else {
            let label = Label::new(in_two_lines(ui, &run.spec.name)).wrap().selectable(false);
            ui.add(label).on_hover_text(format!("{}\n{}", run.spec.name, run.id));
            return;
        };
        let edit = ui.add(TextEdit::singleline(text).desired_width(f32::INFINITY));
        edit.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "New name"));
        if edit.lost_focus() {
            let cancelled = ui.input(|input| input.key_pressed(egui::Key::Escape));
            if !cancelled && !text.trim().is_empty() && *text != run.spec.name {
                actions.push(Action::Send(Command::Rename(id.clone(), text.trim().into())));
            }
            self.renaming = None;
        } else if !edit.has_focus() {
            edit.request_focus();
        }
    }

    fn buttons(
        &mut self,
        ui: &mut Ui,
        state: &State,
        run: &Run,
        catalog: &Catalog,
        settings: &mut Settings,
        actions: &mut Vec<Action>,
    ) {
        let rests = matches!(run.phase, Phase::Stopped | Phase::Failed(_));
        let resumable = rests && !state.queue.contains(&run.id);
        if let Some((remedy, command)) = run.remedied() {
            let help = format!(
                "Takes up the weights of step {} and goes on with a learning rate of {}, a tenth of what it was",
                remedy.step, remedy.learning_rate
            );
            let text = format!("Go on from step {}", remedy.step);
            if labeled_button(ui, ICON_PLAY_ARROW, &text).on_hover_text(help).clicked() {
                actions.push(Action::Send(command));
            }
        } else if resumable
            && labeled_button(ui, ICON_PLAY_ARROW, "Resume")
                .on_hover_text("Go on from the newest checkpoint")
                .clicked()
        {
            actions.push(Action::Send(Command::Resume(run.id.clone())));
        }
        if run.phase == Phase::Elsewhere {
            ui.label(
                RichText::new("Another program trains this run. It can be paused and stopped there.").small(),
            );
            let help =
                "Reads again how far it is. Once it is not trained there any more, it can be resumed here";
            if labeled_button(ui, ICON_REFRESH, "Look again").on_hover_text(help).clicked() {
                actions.push(Action::Send(Command::Reopen(run.id.clone())));
            }
        }
        let help = "Races the same network on 10 and on 100 labels, with and without what this run has learnt, five times each. First it says what that takes.";
        if run.saved.is_some() || run.phase == Phase::Finished {
            let pressed =
                labeled_button(ui, ICON_SPORTS_SCORE, "Race its head start…").on_hover_text(help).clicked();
            if pressed && let Ok(experiment) = Experiment::of_run(&run.id, &run.spec, catalog) {
                self.proposed = Some(experiment);
            }
        }
        ui.horizontal(|ui| {
            solo(ui, run, settings);
            if quiet_icon_button(ui, ICON_RESTART_ALT, "Start again with the same initial weights").clicked()
            {
                actions.push(Action::Send(Command::Start(Box::new(run.spec.clone()))));
            }
            if quiet_icon_button(ui, ICON_EDIT, "Rename").clicked() {
                self.renaming = Some((run.id.clone(), run.spec.name.clone()));
            }
            if quiet_icon_button(ui, ICON_FOLDER_OPEN, "Open the run's folder").clicked() {
                actions.push(Action::OpenFolder(run.folder.clone()));
            }
            let is_deletable = run.phase != Phase::Elsewhere;
            if is_deletable && quiet_icon_button(ui, ICON_DELETE, "Delete").clicked() {
                actions.push(Action::Send(Command::Delete(run.id.clone())));
            }
        });
    }
}

/// What can be done where nothing was trained yet.
fn nothing_yet(ui: &mut Ui, state: &State) {
    card(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.label(match state.runs.is_empty() {
            true => "There are no runs yet.",
            false => "This network came with the program: draw a digit, and it reads it.",
        });
        ui.label(RichText::new("Start training with the form for a new run: a real network begins to learn, and its curves appear.").weak());
    });
}

/// Shows or hides a run's curves; with Alt, shows them alone.
fn eye(ui: &mut Ui, run: &Run, is_shown: bool, settings: &mut Settings) {
    let icon = if is_shown { ICON_VISIBILITY } else { ICON_VISIBILITY_OFF };
    let button = ui.add(Button::new(icon.rich_text().size(17.0)).frame(false));
    button.widget_info(|| {
        WidgetInfo::selected(Role::CheckBox, true, is_shown, format!("Show {}", run.spec.name))
    });
    let button = button.on_hover_text("Show or hide the curves. With Alt: show only these");
    if !button.clicked() {
        return;
    }
    if ui.input(|input| input.modifiers.alt) {
        settings.toggle_solo(&run.id);
        return;
    }
    let was_alone = settings.solo.take().is_some();
    settings.show(run, !is_shown || was_alone);
}

/// Shows the curves of this run alone, or those of the others again.
fn solo(ui: &mut Ui, run: &Run, settings: &mut Settings) {
    let is_alone = settings.solo.as_ref() == Some(&run.id);
    let (icon, name) = if is_alone {
        (ICON_FILTER_NONE, "Show the other runs again")
    } else {
        (ICON_FILTER_1, "Show only this run's curves")
    };
    if quiet_icon_button(ui, icon, name).clicked() {
        settings.toggle_solo(&run.id);
    }
}

/// "Seed CNN · Adam · batch 64", after where it came from, if that is not from here.
fn describe(run: &Run, catalog: &Catalog) -> String {
    let label = |section| {
        catalog.component(section, run.spec.id(section)).map_or(run.spec.id(section), |info| info.label)
    };
    let origin = if run.spec.shipped.is_some() { "Came with the program · " } else { "" };
    format!(
        "{origin}{} · {} · batch {}",
        label(Section::Encoder),
        label(Section::Optimizer),
        run.spec.training(&BATCH_SIZE)
    )
}

/// A name in full, as far as two lines hold it.
fn in_two_lines(ui: &Ui, name: &str) -> LayoutJob {
    let font = FontId::new(14.5, theme::semibold());
    let mut job = LayoutJob::simple(name.into(), font, ui.visuals().text_color(), ui.available_width());
    job.wrap.max_rows = 2;
    job
}

/// Eye and star, where the run stands unless it is finished, and its figure.
fn stand(
    ui: &mut Ui,
    state: &State,
    run: &Run,
    catalog: &Catalog,
    settings: &mut Settings,
    actions: &mut Vec<Action>,
) {
    let dark = ui.visuals().dark_mode;
    let colors = theme::run_colors(dark);
    let weak = ui.visuals().weak_text_color();
    let waits = waiting::place(&run.id, &state.queue);
    let (text, color) = match &run.phase {
        Phase::Running => ("Training", colors[0]),
        Phase::Paused => ("Paused", colors[1]),
        Phase::Elsewhere => ("Elsewhere", colors[0]),
        Phase::Stopped => waits.as_deref().map_or(("Stopped", weak), |text| (text, colors[1])),
        Phase::Finished => ("", weak),
        Phase::Failed(_) => ("Failed", theme::alarm(dark)),
    };
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        eye(ui, run, settings.is_shown(run, state), settings);
        if star(ui, run.marks.star, &run.spec.name).clicked() {
            let mark = Mark::Star(!run.marks.star);
            actions.push(Action::Send(Command::Mark(vec![run.id.clone()], mark)));
        }
        ui.label(RichText::new(text).small().color(color));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| best_figure(ui, run, catalog));
    });
    if run.phase.is_active() {
        let share = run.progress.step as f32 / run.progress.steps.max(1) as f32;
        let bar = ui.add(ProgressBar::new(share).desired_height(4.0).corner_radius(2.0).fill(color));
        bar.widget_info(|| {
            WidgetInfo::labeled(
                Role::ProgressIndicator,
                true,
                format!("{}: {:.0} %", run.spec.name, share * 100.0),
            )
        });
    }
}

/// The headline of the run on the validation examples, the best so far: figures on the test examples are shown where they
/// are asked for, so that nobody chooses by them.
fn best_figure(ui: &mut Ui, run: &Run, catalog: &Catalog) {
    let headline = catalog.headline(&run.spec);
    let Some([step, value]) = run.best(headline.id, Split::Validation) else { return };
    let kind =
        if headline.id == ACCURACY { "best validation".into() } else { format!("best {}", headline.name()) };
    let help = format!(
        "{} on the validation examples, the best so far, at step {step}. {}",
        headline.label, headline.help
    );
    ui.label(strong(figure(headline, value))).on_hover_text(help);
    ui.add(Label::new(RichText::new(kind).small().weak()).truncate());
}
