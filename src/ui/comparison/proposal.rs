//! The card that a race starts from: what is compared, how much work that is, and how long it will take here.
mod searching;

use super::arm_look;
use crate::{
    experiment::{Experiment, Setting},
    protocol::Command,
    session::{DataState, State},
    spec::{
        BATCH_SIZE, Catalog, EPOCH_STEPS, EPOCHS, FREEZE_STAGES, FieldError, RunSpec, SELF_LABELS, Section,
    },
    ui::{
        Action, fetch,
        look::swatch,
        save::data_name,
        theme::{self, semibold},
        widgets::{duration, strong, thousands},
    },
};
use egui::{Button, Color32, Id, Label, Modal, RichText, Role, ScrollArea, Ui, Vec2, WidgetInfo};

/// The place of a row's name, in points.
const NAME: Vec2 = Vec2::new(92.0, 18.0);

/// Gives whether the card stays open.
pub fn ui(
    ui: &Ui,
    experiment: &mut Experiment,
    state: &State,
    catalog: &Catalog,
    actions: &mut Vec<Action>,
) -> bool {
    let screen = ui.ctx().content_rect();
    let modal = Modal::new(Id::unique("proposed race")).show(ui.ctx(), |ui| {
        ui.set_width((screen.width() - 80.0).clamp(240.0, 560.0));
        ui.label(strong(heading(experiment)).heading());
        searching::ui(ui, experiment);
        ScrollArea::vertical().max_height((screen.height() - 220.0).max(120.0)).show(ui, |ui| {
            content(ui, experiment, state, catalog);
        });
        ui.add_space(6.0);
        let wrong = experiment.search.as_ref().and_then(|_| experiment.validate(catalog).into_iter().next());
        if let Some(FieldError { field, message }) = &wrong {
            let text = RichText::new(format!("{field}: {message}")).small();
            ui.label(text.color(theme::alarm(ui.visuals().dark_mode)));
        }
        buttons(ui, experiment, wrong.is_none(), &state.data, actions)
    });
    modal.inner && !ui.input(|input| input.key_pressed(egui::Key::Escape))
}

fn content(ui: &mut Ui, experiment: &Experiment, state: &State, catalog: &Catalog) {
    if experiment.arms.len() > 1 {
        let examples = if experiment.varies_labels() { "few labels" } else { "examples" };
        ui.label(format!(
            "The same network learns from the same {examples} in several ways, side by side: the arms."
        ));
    }
    let dark = ui.visuals().dark_mode;
    ui.add_space(4.0);
    for (index, arm) in experiment.arms.iter().enumerate() {
        ui.horizontal_wrapped(|ui| {
            swatch(ui, &arm_look(index, dark));
            ui.label(strong(&arm.name));
            ui.label(RichText::new(explained(experiment, index)).weak());
        });
    }
    ui.add_space(4.0);
    let work = Work::of(experiment, state);
    for (name, text) in rows(experiment, &work, catalog) {
        ui.horizontal_top(|ui| {
            ui.allocate_ui(NAME, |ui| {
                ui.set_min_width(NAME.x);
                ui.label(RichText::new(name).weak());
            });
            ui.add(Label::new(text).wrap());
        });
    }
}

/// What there is to do, in words.
fn rows(experiment: &Experiment, work: &Work, catalog: &Catalog) -> Vec<(String, String)> {
    let mut rows = vec![("Data".to_owned(), data_name(&experiment.base, catalog))];
    let mut add = |name: &str, text: String| rows.push((name.to_owned(), text));
    let pretrainings: Vec<&str> = experiment.pretrain.iter().map(|spec| spec.name.as_str()).collect();
    if !pretrainings.is_empty() {
        add("First", format!("{}, once", pretrainings.join(", ")));
    }
    for axis in &experiment.axes {
        let values: Vec<String> = axis.settings.iter().map(Setting::short).collect();
        add(&axis.settings[0].title(), axis.text().unwrap_or_else(|| values.join(", ")));
    }
    let (arms, seeds) = (experiment.arms.len(), experiment.seeds.len());
    let races = experiment.search.as_ref().map_or(experiment.races(), |search| search.trials * seeds);
    if experiment.search.is_none() {
        add("Seeds", if seeds == 1 { "1".into() } else { format!("{seeds} for each") });
    }
    let of_arms = if arms == 1 { String::new() } else { format!("{races} races of {arms} arms: ") };
    if let Some(search) = &experiment.search {
        add("Side by side", search.at_once.to_string());
    }
    add("Runs", format!("{of_arms}{} runs", thousands((races * arms) as u64)));
    if let Some(steps) = work.steps {
        let most = if experiment.search.is_some() { " at most" } else { " in all" };
        add("Steps", format!("{}{most}", thousands(steps)));
    }
    add(
        "Time",
        match work.secs {
            Some(secs) => format!("about {} on this computer; it can be stopped and resumed", duration(secs)),
            None => {
                "not known yet, as no such network has been trained here: it is shown once it runs".into()
            }
        },
    );
    rows
}

/// "Race: The head start".
pub fn heading(experiment: &Experiment) -> String {
    let kind = if experiment.search.is_some() { "Sweep" } else { "Race" };
    format!("{kind}: {}", experiment.name)
}

/// Gives whether the card stays open.
fn buttons(
    ui: &mut Ui,
    experiment: &Experiment,
    is_right: bool,
    data: &DataState,
    actions: &mut Vec<Action>,
) -> bool {
    let specs = experiment.pretrain.iter().chain([&experiment.base]);
    let is_missing = specs.into_iter().any(|spec| fetch::is_missing(&spec.dataset, data));
    if is_missing {
        ui.label(
            "Its data are not on this computer yet: choose them under Data in the form and press Fetch.",
        );
    }
    let mut stays = true;
    ui.horizontal(|ui| {
        let text = if experiment.search.is_some() { "Start the sweep" } else { "Start the race" };
        let label = RichText::new(text).color(Color32::WHITE).family(semibold());
        let button = Button::new(label).fill(ui.visuals().selection.bg_fill);
        let can_start = is_right && !is_missing;
        let start = ui.add_enabled(can_start, button);
        start.widget_info(|| WidgetInfo::labeled(Role::Button, can_start, text));
        if start.clicked() {
            actions.push(Action::Send(Command::Compare(Box::new(experiment.clone()))));
            stays = false;
        }
        stays &= !ui.button("Cancel").clicked();
    });
    stays
}

/// What an arm does, in a sentence, or as a list of what it changes.
pub fn explained(experiment: &Experiment, arm: usize) -> String {
    let settings = &experiment.arms[arm].settings;
    let spec = experiment.recipe_at(arm, experiment.probes().first().map_or(&[], Vec::as_slice));
    let is_pretrained = experiment.is_pretrained(arm);
    let is_of_a_head_start = |setting: &Setting| match setting {
        Setting::InitFrom(_) => true,
        Setting::Component(section, _) => *section == Section::Augmentation,
        Setting::Param(section, ..) => *section == Section::Training,
    };
    if settings.is_empty() {
        return "the recipe as it is".into();
    }
    let has_source = settings.iter().any(|setting| matches!(setting, Setting::InitFrom(_)));
    if !has_source || !settings.iter().all(is_of_a_head_start) {
        return settings.iter().map(Setting::label).collect::<Vec<_>>().join(", ");
    }
    let is_frozen = spec.training(&FREEZE_STAGES) >= FREEZE_STAGES.max();
    match (is_pretrained, is_frozen, spec.training(&SELF_LABELS) > 0.0, !spec.is_unaltered()) {
        (false, _, true, _) => "from random weights; labels further examples itself",
        (false, _, _, false) => "from random weights; the examples stay as they are",
        (false, ..) => "from random weights",
        (true, true, ..) => "the pretrained encoder stays as it is; only the last layer learns",
        (true, _, true, _) => "from the pretrained encoder; labels further examples itself",
        (true, ..) => "from the pretrained encoder, all of which goes on learning",
    }
    .into()
}

/// How much there is to do.
struct Work {
    /// Training steps of all runs, where every one is known before it starts.
    steps: Option<u64>,
    /// Seconds, by the pace of earlier runs of the same network.
    secs: Option<f64>,
}

impl Work {
    fn of(experiment: &Experiment, state: &State) -> Self {
        let pretrainings = experiment.pretrain.iter().map(|spec| (spec.clone(), 1));
        let seeds = experiment.seeds.len();
        // of a search the settings are not known yet: as many like the first
        let (most, each) = match &experiment.search {
            Some(search) => (1, search.trials * seeds),
            None => (usize::MAX, seeds),
        };
        let probes = experiment.probes();
        let arms = (0..experiment.arms.len()).flat_map(|arm| {
            probes.iter().take(most).map(move |point| (experiment.recipe_at(arm, point), each))
        });
        let (mut steps, mut secs) = (Some(0), Some(0.0));
        for (spec, runs) in pretrainings.chain(arms) {
            let each = self::steps(&spec, &state.data);
            let each_secs = each.and_then(|each| {
                Some(each as f64 * spec.training(&BATCH_SIZE) * secs_per_example(&spec, state)?)
            });
            steps = steps.zip(each).map(|(all, each)| all + each * runs as u64);
            secs = secs.zip(each_secs).map(|(all, each)| all + each * runs as f64);
        }
        Self { steps, secs }
    }
}

/// The steps that a run will take, where that does not depend on data that were not read yet.
fn steps(spec: &RunSpec, data: &DataState) -> Option<u64> {
    let per_epoch = match spec.training(&EPOCH_STEPS) as u64 {
        0 => {
            let collection = data.found(&spec.dataset)?.ok()?;
            (collection.train.len() as u64).div_ceil(spec.training(&BATCH_SIZE) as u64)
        }
        steps => steps,
    };
    Some(per_epoch * spec.training(&EPOCHS) as u64)
}

/// By the newest run of the same network, with the same objective if there is any.
fn secs_per_example(spec: &RunSpec, state: &State) -> Option<f64> {
    let of = |is_same: &dyn Fn(&RunSpec) -> bool| {
        let known = state.runs.values().rev().filter(|run| is_same(&run.spec) && run.progress.step > 0);
        known
            .map(|run| {
                let examples = run.progress.step as f64 * run.spec.training(&BATCH_SIZE);
                run.progress.elapsed_secs / examples
            })
            .find(|secs| *secs > 0.0)
    };
    let same = |other: &RunSpec| other.encoder == spec.encoder;
    of(&|other| same(other) && other.objective.id == spec.objective.id).or_else(|| of(&same))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        protocol::{Event, Phase, Progress, RunInfo},
        session::catalog,
    };

    #[test]
    fn the_card_says_how_long_a_race_takes_by_an_earlier_run() {
        let experiment =
            Experiment::from_toml(include_str!("../../../configs/head_start.toml"), &[], &catalog()).unwrap();
        let mut state = State::default();
        let work = Work::of(&experiment, &state);
        // 3 draws, 2 budgets, 5 arms, 4 times 100 steps
        assert_eq!((work.steps, work.secs), (Some(12_000), None));
        state.apply(Event::Run(Box::new(RunInfo {
            marks: Default::default(),
            id: "earlier".into(),
            folder: "earlier".into(),
            spec: experiment.base.clone(),
            live: Default::default(),
            phase: Phase::Finished,
            changes: vec![],
            progress: Progress { step: 100, steps: 100, elapsed_secs: 2.0, ..Progress::default() },
            timing: vec![],
            class_names: (0..10).map(|digit| digit.to_string()).collect(),
            saved: None,
            checkpoints: vec![],
            is_sketch: false,
            learns_from_drawings: true,
            remedy: None,
        })));
        let secs = Work::of(&experiment, &state).secs.unwrap();
        assert!((secs - 240.0).abs() < 1e-6, "{secs}");
        let rows = rows(&experiment, &Work::of(&experiment, &state), &catalog());
        let text = |name: &str| rows.iter().find(|(of, _)| *of == name).unwrap().1.clone();
        assert_eq!(text("Runs"), "6 races of 5 arms: 30 runs");
        assert_eq!(text("Steps"), "12,000 in all");
        assert!(text("Time").starts_with("about 4 min 00 s"), "{}", text("Time"));
    }
}
