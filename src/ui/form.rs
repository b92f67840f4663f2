//! The form for a new run, every control made from the catalog.
use super::{
    Action,
    alterations::Alterations,
    comparison::proposal,
    fetch,
    finder::Wanted,
    param,
    theme::{self, semibold},
    widgets::{card, icon_button, menu_items, preparation, steady, thousands, title},
};
use crate::{
    disk,
    experiment::Experiment,
    presets::{self, Recipe},
    protocol::{Command, data::Collection},
    session::{DataState, Run, State, catalog, fitting},
    spec::{Catalog, Choice, FieldError, RunSpec, Section, dotted},
};
use egui::{Button, Color32, RichText, Role, TextEdit, Ui, WidgetInfo, containers::menu::MenuButton};
use egui_material_icons::icons::{ICON_EXPAND_LESS, ICON_EXPAND_MORE, ICON_FOLDER_OPEN, ICON_PLAY_ARROW};
use std::{collections::BTreeMap, path::PathBuf};

mod branch;
mod checkpoint;
mod choosing;
mod script;
mod sections;
mod suggested;
use sections::Group;
use suggested::{lacks_images, take_images};

/// The data set that is read from a path of the user.
const OWN_IMAGES: &str = crate::data::files::ENTRY.info.id;

/// The spec that is being written.
pub struct Form {
    pub spec: RunSpec,
    /// The race that was chosen among the presets.
    pub proposed: Option<Experiment>,
    path: String,
    alterations: Alterations,
    /// Whether the user opened or closed the form; if neither, it is open while nothing trains.
    open: Option<bool>,
    /// What the newest choice left out.
    left_out: Option<choosing::LeftOut>,
    /// Why another recipe was taken for the images that were picked, and the spec before that.
    suggested: Option<(&'static str, RunSpec)>,
    /// What is to be looked for.
    pub wanted: Option<Wanted>,
    script: script::Script,
    /// Another recipe was suggested for the images that were picked, and declined.
    keeps_recipe: bool,
    /// The user's own images were chosen; their recommended augmentation is known once they are read.
    awaits_images: bool,
    /// Hyperparameters of which several values or a range are tried, as they were typed, by their dotted keys.
    varied: BTreeMap<String, String>,
}

/// Begins with the first of the presets.
impl Default for Form {
    fn default() -> Self {
        let spec = match presets::ALL[0].recipe(&catalog()) {
            Ok(Recipe::Run(spec)) => *spec,
            Ok(Recipe::Experiment(_)) | Err(_) => RunSpec::default(),
        };
        let (path, alterations) = (String::new(), Alterations::default());
        Self {
            spec,
            proposed: None,
            path,
            alterations,
            open: None,
            left_out: None,
            suggested: None,
            wanted: None,
            script: script::Script::default(),
            keeps_recipe: false,
            awaits_images: false,
            varied: BTreeMap::new(),
        }
    }
}

impl Form {
    /// The folder that a dialog chose.
    pub fn picked_dataset(&mut self, path: PathBuf) {
        self.path = path.display().to_string();
        let choice = Choice { path: Some(path), ..Choice::new(OWN_IMAGES) };
        self.choose(Section::Dataset, choice, &catalog());
    }

    /// A spec to be changed, in place of what was in the form.
    pub fn put(&mut self, spec: RunSpec) {
        self.path = spec.dataset.path.as_ref().map_or(String::new(), |path| path.display().to_string());
        self.spec = spec;
        (self.left_out, self.suggested, self.awaits_images) = (None, None, false);
        self.varied.clear();
    }

    /// Shows the whole form, whatever trains.
    pub fn unfold(&mut self) {
        self.open = Some(true);
    }

    /// `selected` is the run that is selected.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        catalog: &Catalog,
        state: &State,
        selected: Option<&Run>,
        actions: &mut Vec<Action>,
    ) {
        self.fit_to_data(&state.data, catalog);
        let known: Vec<String> =
            catalog.params(&self.spec).map(|(section, param)| dotted(section, param)).collect();
        self.varied.retain(|key, _| known.contains(key));
        let busy = selected.is_some_and(|run| run.phase.is_active());
        card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            let open = self.open.unwrap_or(!busy);
            self.header(ui, open);
            if !open {
                return;
            }
            self.presets(ui, catalog, selected);
            let errors = catalog.validate(&self.spec);
            self.start(ui, catalog, &errors, state, actions);
            self.components(ui, catalog, state, actions);
            self.params(ui, catalog, &errors, Group::Prominent);
            self.sections(ui, catalog, state, &errors, actions);
        });
    }

    fn header(&mut self, ui: &mut Ui, open: bool) {
        ui.horizontal(|ui| {
            title(ui, "New run");
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let (icon, name) = if open {
                    (ICON_EXPAND_LESS, "Fold the form")
                } else {
                    (ICON_EXPAND_MORE, "Unfold the form")
                };
                if icon_button(ui, icon, name).clicked() {
                    self.open = Some(!open);
                }
            });
        });
    }

    /// A menu of the recipes that are part of the program: a run's is put into the form, a comparison's is shown
    /// with what it takes.
    fn presets(&mut self, ui: &mut Ui, catalog: &Catalog, selected: Option<&Run>) {
        let button = MenuButton::new("Presets…").ui(ui, |ui| {
            menu_items(ui, |ui| {
                for preset in presets::ALL {
                    let Ok(mut recipe) = preset.recipe(catalog) else { continue };
                    let of_all = recipe.base_mut();
                    take_images(of_all, &self.spec);
                    let is_waiting = lacks_images(of_all) && matches!(recipe, Recipe::Experiment(_));
                    let (name, then) = match &recipe {
                        Recipe::Run(spec) => (spec.name.clone(), "Fills in the form."),
                        Recipe::Experiment(experiment) => {
                            (proposal::heading(experiment), "Says first what it takes.")
                        }
                    };
                    let button = ui.add_enabled(!is_waiting, Button::new(name));
                    let button = button.on_disabled_hover_text(
                        "It compares networks on images of your own: choose a folder of them under Data first",
                    );
                    if button.on_hover_text(format!("{}\n{then}", preset.help())).clicked() {
                        match recipe {
                            Recipe::Run(spec) => self.put(fitting::prepared(*spec, selected)),
                            Recipe::Experiment(experiment) => self.proposed = Some(*experiment),
                        }
                    }
                }
            })
        });
        button.0.on_hover_text("Recipes that come with the program, to start from");
    }

    fn components(&mut self, ui: &mut Ui, catalog: &Catalog, state: &State, actions: &mut Vec<Action>) {
        let data = &state.data;
        field(ui, "Name", "What the run is called in the list and in the curves.", |ui, label| {
            ui.add(TextEdit::singleline(&mut self.spec.name).desired_width(f32::INFINITY)).labelled_by(label);
        });
        field(ui, "Data", "The images that the network learns from.", |ui, label| {
            let mark = |id: &str| fetch::mark(id, data);
            self.menu(ui, catalog, Section::Dataset, &mark).labelled_by(label);
        });
        self.left_out(ui, catalog);
        self.suggested(ui);
        if self.spec.dataset.id == OWN_IMAGES || self.spec.dataset.path.is_some() {
            self.folder(ui, actions);
        }
        fetch::ui(ui, &self.spec.dataset, data, actions);
        self.images(ui, data);
        self.component(ui, catalog, Section::Encoder, "Network", "What turns an image into an answer.");
        if self.spec.branch.is_some() {
            self.branch(ui, catalog, &state.runs);
        } else {
            self.init_from(ui, catalog, &state.runs);
        }
        let help = "What the network is asked to become good at.";
        self.component(ui, catalog, Section::Objective, "Objective", help);
        self.component(ui, catalog, Section::Optimizer, "Optimiser", "How a gradient changes the weights.");
    }

    fn component(&mut self, ui: &mut Ui, catalog: &Catalog, section: Section, text: &str, help: &str) {
        field(ui, text, help, |ui, label| {
            self.menu(ui, catalog, section, &|_| None).labelled_by(label);
        });
        if let Some(misfit) = catalog.misfit(&self.spec, section, self.spec.id(section)) {
            let text = RichText::new(misfit.to_string()).small();
            ui.label(text.color(theme::alarm(ui.visuals().dark_mode)));
        }
    }

    fn folder(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        let help = "A folder or a file with labelled images: IDX, CIFAR, a folder for each class, CSV, .npz, COCO. The format is detected automatically.";
        field(ui, "Path", help, |ui, label| {
            if icon_button(ui, ICON_FOLDER_OPEN, "Choose a folder…").clicked() {
                actions.push(Action::PickDataset);
            }
            let edit = TextEdit::singleline(&mut self.path)
                .hint_text("/path/to/images")
                .desired_width(f32::INFINITY);
            if ui.add(edit).labelled_by(label).changed() {
                self.spec.dataset.path =
                    (!self.path.trim().is_empty()).then(|| PathBuf::from(self.path.trim()));
            }
        });
    }

    /// What the images of the data set are and take, before a run takes it.
    fn images(&self, ui: &mut Ui, data: &DataState) {
        if self.lacks_path() || fetch::is_missing(&self.spec.dataset, data) {
            return;
        }
        match (data.found(&self.spec.dataset), &data.reading) {
            (Some(Ok(found)), _) => drop(ui.label(RichText::new(taken(found)).small().weak())),
            (Some(Err(error)), _) => {
                ui.label(RichText::new(error).small().color(theme::alarm(ui.visuals().dark_mode)));
            }
            (None, Some(reading)) => preparation(ui, reading),
            (None, None) => {}
        }
    }

    fn lacks_path(&self) -> bool {
        self.spec.dataset.id == OWN_IMAGES && self.spec.dataset.path.is_none()
    }

    fn start(
        &mut self,
        ui: &mut Ui,
        catalog: &Catalog,
        errors: &[FieldError],
        state: &State,
        actions: &mut Vec<Action>,
    ) {
        let unfit = self.left_behind(catalog, &state.runs).is_err();
        let unfit =
            unfit.then(|| "It does not fit the run that it goes on from: see Goes on from below".into());
        let sweep = self.sweep(catalog);
        let wrong = sweep.as_ref().and_then(|sweep| sweep.as_ref().err()).cloned();
        let reason = self.reason(catalog, errors, &state.data).or(unfit).or(wrong);
        let name = if sweep.is_some() { "Start a sweep…" } else { "Start training" };
        let text = RichText::new(name).color(Color32::WHITE).family(semibold());
        let icon = ICON_PLAY_ARROW.rich_text().size(20.0).color(Color32::WHITE);
        let fill = ui.visuals().selection.bg_fill;
        let size = egui::vec2(ui.available_width(), 38.0);
        let button = ui.add_enabled(reason.is_none(), Button::new((icon, text)).fill(fill).min_size(size));
        button.widget_info(|| WidgetInfo::labeled(Role::Button, reason.is_none(), name));
        if button.clicked()
            && let Some(Ok(sweep)) = sweep
        {
            self.proposed = Some(sweep);
        } else if button.clicked() {
            actions.push(Action::Send(Command::Start(Box::new(self.spec.clone()))));
            self.open = None;
        }
        if let Some(reason) = reason {
            ui.label(RichText::new(reason).small().weak());
        }
    }

    /// Why the run cannot be started.
    fn reason(&self, catalog: &Catalog, errors: &[FieldError], data: &DataState) -> Option<String> {
        if self.spec.name.trim().is_empty() {
            return Some("Give the run a name".into());
        }
        if self.lacks_path() {
            return Some("Choose the folder or the file with the images".into());
        }
        if fitting::lacks_beginning(&self.spec) {
            return Some(
                "Choose what to begin with, a run that was trained before or nothing: see Begin with below"
                    .into(),
            );
        }
        if fetch::is_missing(&self.spec.dataset, data) {
            return Some("Fetch the images first: see Data below".into());
        }
        if catalog.lacks_augmentation(&self.spec) {
            return Some(
                "The objective compares altered images: set a rotation or another augmentation".into(),
            );
        }
        for (section, name) in [(Section::Encoder, "network"), (Section::Objective, "objective")] {
            if catalog.misfit(&self.spec, section, self.spec.id(section)).is_some() {
                return Some(format!("Choose another {name}: see below"));
            }
        }
        if let Some(wrong) = errors.iter().find(|error| error.field.starts_with("changes")) {
            return Some(format!("Planned changes: {}", wrong.message));
        }
        (!errors.is_empty()).then(|| "Some settings are out of range".into())
    }
}

/// "52 MiB of memory for 70,000 examples of 28 by 28 pixels in 1 channel; 5.1 GiB more are free".
fn taken(of: &Collection) -> String {
    let examples = thousands((of.train.len() + of.test.len()) as u64);
    let [taken, free] = [of.memory, of.free].map(disk::size);
    format!("{taken} of memory for {examples} examples of {}; {free} more are free", of.shape)
}

/// A row of the form.
fn field(ui: &mut Ui, text: &str, help: &str, control: impl FnOnce(&mut Ui, egui::Id)) {
    steady(ui, text, |ui| {
        ui.horizontal(|ui| {
            let label = param::label(ui, text, help);
            control(ui, label);
        })
    });
}
