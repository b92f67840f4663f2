//! The form for a new run, every control made from the catalog.
use super::{
    Action, param, summary,
    theme::semibold,
    widgets::{card, icon_button, title},
};
use crate::{
    protocol::{Command, LayerInfo, RunId},
    session::Run,
    spec::{
        BATCH_SIZE, Catalog, Choice, ENCODER_LR_FACTOR, EPOCHS, FREEZE_STAGES, FieldError, RunSpec, Section,
        UNFREEZE_EVERY, dotted,
    },
};
use egui::{
    Button, CollapsingHeader, Color32, ComboBox, DragValue, Response, RichText, Role, TextEdit, Ui,
    WidgetInfo,
};
use egui_material_icons::icons::{ICON_EXPAND_LESS, ICON_EXPAND_MORE, ICON_FOLDER_OPEN, ICON_PLAY_ARROW};
use std::{collections::BTreeMap, path::PathBuf};

/// The spec that is being written.
#[derive(Default)]
pub struct Form {
    pub spec: RunSpec,
    path: String,
    /// Chosen by hand; otherwise the form is open while nothing trains.
    open: Option<bool>,
    /// The spec that the summary was made for.
    summary: Option<(RunSpec, Result<Vec<LayerInfo>, String>)>,
}

/// Hyperparameters that stand together.
#[derive(Clone, Copy, PartialEq)]
enum Group {
    /// What somebody most likely wants to change.
    Prominent,
    FineTuning,
    Augmentation,
    Other,
}

impl Group {
    fn of(section: Section, key: &str) -> Self {
        const PROMINENT: [&str; 4] = ["learning_rate", "labels_per_class", BATCH_SIZE.key, EPOCHS.key];
        const FINE_TUNING: [&str; 3] = [FREEZE_STAGES.key, UNFREEZE_EVERY.key, ENCODER_LR_FACTOR.key];
        match section {
            Section::Encoder | Section::Objective => Group::Prominent,
            Section::Augmentation => Group::Augmentation,
            _ if PROMINENT.contains(&key) => Group::Prominent,
            _ if FINE_TUNING.contains(&key) => Group::FineTuning,
            _ => Group::Other,
        }
    }
}

impl Form {
    /// The folder that a dialog chose.
    pub fn picked_dataset(&mut self, path: PathBuf) {
        self.path = path.display().to_string();
        self.spec.dataset = Choice { path: Some(path), ..Choice::new("idx") };
    }

    pub fn ui(
        &mut self,
        ui: &mut Ui,
        catalog: &Catalog,
        runs: &BTreeMap<RunId, Run>,
        busy: bool,
        summarize: &dyn Fn(&RunSpec) -> Result<Vec<LayerInfo>, String>,
        actions: &mut Vec<Action>,
    ) {
        card(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            let open = self.open.unwrap_or(!busy);
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
            if !open {
                return;
            }
            let errors = catalog.validate(&self.spec);
            self.start(ui, catalog, &errors, actions);
            self.components(ui, catalog, actions);
            self.params(ui, catalog, &errors, Group::Prominent);
            CollapsingHeader::new("Fine-tuning").show(ui, |ui| {
                self.init_from(ui, runs);
                self.params(ui, catalog, &errors, Group::FineTuning);
            });
            if catalog.needed_augmentation.contains_key(self.spec.objective.id.as_str()) {
                let text =
                    "This objective compares altered images: how they are altered is under Augmentation.";
                ui.label(RichText::new(text).small().weak());
            }
            CollapsingHeader::new("Augmentation").show(ui, |ui| {
                self.params(ui, catalog, &errors, Group::Augmentation);
            });
            CollapsingHeader::new("More settings").show(ui, |ui| {
                self.seed(ui);
                self.component(
                    ui,
                    catalog,
                    Section::Schedule,
                    "Schedule",
                    "How the learning rate changes over the run.",
                );
                // where there is nothing to choose from, there is no choice
                if cfg!(any(feature = "cuda", feature = "metal")) {
                    self.component(ui, catalog, Section::Device, "Device", "What does the arithmetic.");
                }
                self.params(ui, catalog, &errors, Group::Other);
            });
            CollapsingHeader::new("Layers of the network").show(ui, |ui| self.summary(ui, summarize));
        });
    }

    fn components(&mut self, ui: &mut Ui, catalog: &Catalog, actions: &mut Vec<Action>) {
        ui.horizontal(|ui| {
            let label = param::label(ui, "Name", "What the run is called in the list and in the curves.");
            ui.add(TextEdit::singleline(&mut self.spec.name).desired_width(f32::INFINITY)).labelled_by(label);
        });
        self.component(ui, catalog, Section::Dataset, "Data", "The images that the network learns from.");
        if self.spec.dataset.id != "mnist" {
            self.folder(ui, actions);
        }
        self.component(ui, catalog, Section::Encoder, "Network", "What turns an image into an answer.");
        let help = "What the network is asked to become good at.";
        self.component(ui, catalog, Section::Objective, "Objective", help);
        self.component(ui, catalog, Section::Optimizer, "Optimiser", "How a gradient changes the weights.");
    }

    fn component(&mut self, ui: &mut Ui, catalog: &Catalog, section: Section, text: &str, help: &str) {
        ui.horizontal(|ui| {
            let label = param::label(ui, text, help);
            menu(ui, catalog, &mut self.spec, section).labelled_by(label);
        });
    }

    fn folder(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        ui.horizontal(|ui| {
            let label = param::label(ui, "Folder", "Where the four IDX files are, raw or packed with gzip.");
            if icon_button(ui, ICON_FOLDER_OPEN, "Choose a folder…").clicked() {
                actions.push(Action::PickDataset);
            }
            let edit = TextEdit::singleline(&mut self.path)
                .hint_text("/path/to/fashion-mnist")
                .desired_width(f32::INFINITY);
            if ui.add(edit).labelled_by(label).changed() {
                self.spec.dataset.path =
                    (!self.path.trim().is_empty()).then(|| PathBuf::from(self.path.trim()));
            }
        });
    }

    /// A menu of the runs whose encoder this one may begin with.
    fn init_from(&mut self, ui: &mut Ui, runs: &BTreeMap<RunId, Run>) {
        let named = |id: &str| runs.get(id).map_or(id.to_owned(), |run| run.spec.name.clone());
        let chosen = self.spec.init_from.as_deref().map_or("Nothing: from scratch".into(), named);
        ui.horizontal(|ui| {
            let help = "The encoder begins with what another run has learnt; the head is new. Only a run of the same network fits.";
            let label = param::label(ui, "Begin with", help);
            let menu = ComboBox::from_id_salt("init_from").selected_text(chosen).width(ui.available_width());
            let shown = menu.show_ui(ui, |ui| {
                ui.selectable_value(&mut self.spec.init_from, None, "Nothing: from scratch");
                for (id, run) in runs.iter().rev().filter(|(_, run)| run.spec.encoder.id == self.spec.encoder.id) {
                    let text = format!("{} ({id})", run.spec.name);
                    ui.selectable_value(&mut self.spec.init_from, Some(id.to_string()), text);
                }
            });
            shown.response.on_hover_text(help).labelled_by(label);
        });
    }

    fn seed(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            let label = param::label(
                ui,
                "Seed",
                "Every random number comes from it: the same seed gives the same run, to the bit.",
            );
            ui.add(DragValue::new(&mut self.spec.seed).speed(0.1).update_while_editing(false))
                .labelled_by(label);
        });
    }

    fn params(&mut self, ui: &mut Ui, catalog: &Catalog, errors: &[FieldError], group: Group) {
        let shown: Vec<_> = catalog
            .params(&self.spec)
            .filter(|(section, param)| Group::of(*section, param.key) == group)
            .collect();
        for (section, param) in shown {
            let key = dotted(section, param);
            let error = errors.iter().find(|error| error.field == key).map(|error| error.message.as_str());
            let mut value = self.spec.get(section, param);
            if ui.push_id(&key, |ui| param::row(ui, param, &mut value, param.default, error)).inner {
                self.spec.set(section, param, value);
            }
        }
    }

    fn summary(&mut self, ui: &mut Ui, summarize: &dyn Fn(&RunSpec) -> Result<Vec<LayerInfo>, String>) {
        let stale = self
            .summary
            .as_ref()
            .is_none_or(|(of, _)| of.encoder != self.spec.encoder || of.dataset != self.spec.dataset);
        if stale {
            self.summary = Some((self.spec.clone(), summarize(&self.spec)));
        }
        match &self.summary {
            Some((_, Ok(layers))) => summary::ui(ui, layers),
            Some((_, Err(error))) => drop(ui.label(error)),
            None => {}
        }
    }

    fn start(&mut self, ui: &mut Ui, catalog: &Catalog, errors: &[FieldError], actions: &mut Vec<Action>) {
        let reason = self.reason(catalog, errors);
        let text = RichText::new("Start training").color(Color32::WHITE).family(semibold());
        let icon = ICON_PLAY_ARROW.rich_text().size(20.0).color(Color32::WHITE);
        let fill = ui.visuals().selection.bg_fill;
        let size = egui::vec2(ui.available_width(), 38.0);
        let button = ui.add_enabled(reason.is_none(), Button::new((icon, text)).fill(fill).min_size(size));
        button.widget_info(|| WidgetInfo::labeled(Role::Button, reason.is_none(), "Start training"));
        if button.clicked() {
            actions.push(Action::Send(Command::Start(Box::new(self.spec.clone()))));
            self.open = None;
        }
        if let Some(reason) = reason {
            ui.label(RichText::new(reason).small().weak());
        }
    }

    /// Why the run cannot be started.
    fn reason(&self, catalog: &Catalog, errors: &[FieldError]) -> Option<String> {
        if self.spec.name.trim().is_empty() {
            return Some("Give the run a name".into());
        }
        if self.spec.dataset.id != "mnist" && self.spec.dataset.path.is_none() {
            return Some("Choose the folder of the data set".into());
        }
        if catalog.lacks_augmentation(&self.spec) {
            return Some(
                "The objective compares altered images: set a rotation or another augmentation".into(),
            );
        }
        (!errors.is_empty()).then(|| "Some settings are out of range".into())
    }
}

/// A menu of the components of a section. A new one starts from its own defaults.
fn menu(ui: &mut Ui, catalog: &Catalog, spec: &mut RunSpec, section: Section) -> Response {
    let chosen = catalog.component(section, spec.id(section));
    let text = chosen.map_or(spec.id(section), |info| info.label).to_owned();
    let help = chosen.map_or("", |info| info.help);
    let menu = ComboBox::from_id_salt(section.id()).selected_text(text).width(ui.available_width());
    let shown = menu.show_ui(ui, |ui| {
        for info in catalog.section(section) {
            let selected = spec.id(section) == info.id;
            if ui.selectable_label(selected, info.label).on_hover_text(info.help).clicked()
                && !selected
                && let Some(choice) = spec.choice_mut(section)
            {
                *choice = Choice::new(info.id);
                catalog.augment_as_needed(spec);
            }
        }
    });
    shown.response.on_hover_text(help)
}
