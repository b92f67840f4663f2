//! The form's hyperparameters, in groups, most of which are folded away at first.
use super::{Form, field};
use crate::{
    data,
    errors::message,
    experiment::{Axis, Experiment, read_axis},
    session::{DataState, State, fitting, model_summary},
    spec::{BATCH_SIZE, Catalog, EPOCHS, FieldError, Param, SELF_LABELS, Section, dotted},
    ui::{
        Action,
        param::{self, Typed},
        summary, training,
        widgets::steady,
    },
};
use egui::{CollapsingHeader, DragValue, RichText, Ui};

/// Hyperparameters that stand together.
#[derive(Clone, Copy, PartialEq)]
pub enum Group {
    /// The hyperparameters that are changed most often.
    Prominent,
    FineTuning,
    Augmentation,
    /// Which examples are validated on, and which labels are seen.
    Split,
    Other,
}

impl Group {
    fn of(section: Section, key: &str) -> Self {
        const PROMINENT: [&str; 4] = ["learning_rate", "labels_per_class", BATCH_SIZE.key, EPOCHS.key];
        let is_fine_tuning =
            || fitting::FINE_TUNING.iter().chain([&&SELF_LABELS]).any(|param| param.key == key);
        match section {
            Section::Encoder | Section::Objective => Group::Prominent,
            Section::Augmentation => Group::Augmentation,
            _ if PROMINENT.contains(&key) => Group::Prominent,
            _ if is_fine_tuning() => Group::FineTuning,
            Section::Dataset if data::decides_use(key) => Group::Split,
            _ => Group::Other,
        }
    }
}

impl Form {
    /// What is folded away at first.
    pub(super) fn sections(
        &mut self,
        ui: &mut Ui,
        catalog: &Catalog,
        state: &State,
        errors: &[FieldError],
        actions: &mut Vec<Action>,
    ) {
        CollapsingHeader::new("Fine-tuning").show_unindented(ui, |ui| {
                if self.spec.init_from.is_none() {
                    let text = "The rest of this is for runs that begin with what another one has learnt: see Begin with, above.";
                    ui.label(RichText::new(text).small().weak());
                }
                self.params(ui, catalog, errors, Group::FineTuning);
            });
        if catalog.needed_augmentation.contains_key(self.spec.objective.id.as_str()) {
            let text = "This objective compares altered images: how they are altered is under Augmentation.";
            ui.label(RichText::new(text).small().weak());
        }
        CollapsingHeader::new("Labels and validation").show_unindented(ui, |ui| {
            self.params(ui, catalog, errors, Group::Split);
        });
        CollapsingHeader::new("Augmentation").show_unindented(ui, |ui| {
            self.alterations.ui(ui, &mut self.spec, &state.data, actions);
            self.params(ui, catalog, errors, Group::Augmentation);
        });
        CollapsingHeader::new("More settings").show_unindented(ui, |ui| {
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
            self.params(ui, catalog, errors, Group::Other);
        });
        CollapsingHeader::new("Planned changes")
            .show_unindented(ui, |ui| self.script.ui(ui, &mut self.spec, catalog));
        CollapsingHeader::new("Layers of the network")
            .show_unindented(ui, |ui| self.summary(ui, &state.data));
    }

    pub(super) fn params(&mut self, ui: &mut Ui, catalog: &Catalog, errors: &[FieldError], group: Group) {
        let means_something = |section: Section, param: &Param| {
            let is_idle = self.spec.init_from.is_none() && self.spec.get(section, param) == param.default;
            !is_idle || !fitting::FINE_TUNING.iter().any(|idle| idle.key == param.key)
        };
        let shown: Vec<_> = catalog
            .params(&self.spec)
            .filter(|(section, param)| Group::of(*section, param.key) == group)
            .filter(|(section, param)| means_something(*section, param))
            .collect();
        for (section, param) in shown {
            let key = dotted(section, param);
            let error = errors.iter().find(|error| error.field == key).map(|error| error.message.as_str());
            if self.varied.contains_key(&key) {
                self.many(ui, catalog, param, &key);
                continue;
            }
            let mut value = self.spec.get(section, param);
            // What does not serve the data can still be set back.
            let misfit = catalog.misfit(&self.spec, section, param.key).filter(|_| value == param.default);
            let typed = steady(ui, &key, |ui| {
                let control =
                    |ui: &mut Ui| param::row_of_one_or_many(ui, param, &mut value, param.default, error);
                let row = ui.add_enabled_ui(misfit.is_none(), control);
                if let Some(misfit) = misfit {
                    row.response.on_hover_text(misfit.to_string());
                }
                row.inner
            });
            match typed {
                Typed::Nothing => {}
                Typed::Value => self.spec.set(section, param, value),
                Typed::Several(text) => drop(self.varied.insert(key, text)),
            }
            let found = ui.add_enabled_ui(errors.is_empty(), |ui| training::find(ui, param)).inner;
            self.wanted = found.or(self.wanted);
        }
    }

    /// A hyperparameter of which several values are tried.
    fn many(&mut self, ui: &mut Ui, catalog: &Catalog, param: &Param, key: &str) {
        let Some(text) = self.varied.get_mut(key) else { return };
        let error = read_axis(key, &text.as_str().into(), &self.spec, catalog).err();
        let error = error.as_ref().map(|error| error.message.as_str());
        if steady(ui, key, |ui| param::row_of_many(ui, param, text, error)) {
            self.varied.remove(key);
        }
    }

    /// The sweep that several values of hyperparameters make of the form, or the first thing that is wrong with it.
    pub(super) fn sweep(&self, catalog: &Catalog) -> Option<Result<Experiment, String>> {
        if self.varied.is_empty() {
            return None;
        }
        let axes =
            self.varied.iter().map(|(key, text)| read_axis(key, &text.as_str().into(), &self.spec, catalog));
        let axes: Result<Vec<Axis>, FieldError> = axes.collect();
        Some(axes.map_err(|error| error.to_string()).and_then(|axes| {
            let sweep = Experiment::of_sweep(self.spec.clone(), axes);
            match sweep.validate(catalog).first() {
                Some(wrong) => Err(wrong.to_string()),
                None => Ok(sweep),
            }
        }))
    }

    fn seed(&mut self, ui: &mut Ui) {
        let help = "Every random number comes from it: the same seed gives the same run, to the bit.";
        field(ui, "Seed", help, |ui, label| {
            ui.add(DragValue::new(&mut self.spec.seed).speed(0.1).update_while_editing(false))
                .labelled_by(label);
        });
    }

    fn summary(&self, ui: &mut Ui, data: &DataState) {
        let Some(found) = data.found(&self.spec.dataset) else {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(RichText::new("Reading the data…").weak());
            });
            return;
        };
        let layers = found.map_err(str::to_owned).and_then(|found| {
            let layers = model_summary(&self.spec.encoder, found.shape, found.class_names.len());
            layers.map_err(|error| message(&error))
        });
        match layers {
            Ok(layers) => summary::ui(ui, &layers),
            Err(error) => drop(ui.label(error)),
        }
    }
}
