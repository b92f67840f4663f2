//! The form's menus of components and of what to begin with, and what a choice leaves out.
use super::{
    Form, OWN_IMAGES, checkpoint, field,
    suggested::{Suggested, suggested},
};
use crate::{
    metrics::MetricInfo,
    protocol::RunId,
    session::{
        DataState, Run,
        fitting::{self, Fitted},
    },
    spec::{Catalog, Choice, RunSpec, Section},
    ui::widgets::{elided, offered, steady},
};
use egui::{ComboBox, Response, RichText, Ui};
use std::collections::BTreeMap;

const FROM_SCRATCH: &str = "Nothing: from scratch";

/// What no longer fitted a choice, and the spec before it.
pub struct LeftOut {
    what: Vec<String>,
    before: RunSpec,
}

impl Form {
    /// Chooses a component, and leaves out what no longer fits.
    pub fn choose(&mut self, section: Section, choice: Choice, catalog: &Catalog) {
        self.awaits_images = section == Section::Dataset && choice.id == OWN_IMAGES;
        self.suggested = None;
        self.take(fitting::choose(&self.spec, section, choice, catalog));
    }

    fn take(&mut self, fitted: Fitted) {
        let before = std::mem::replace(&mut self.spec, fitted.spec);
        self.left_out = (!fitted.left_out.is_empty()).then_some(LeftOut { what: fitted.left_out, before });
    }

    /// The recommended augmentation of the user's own images, once they have been read.
    pub fn fit_to_data(&mut self, data: &DataState, catalog: &Catalog) {
        let Some(Ok(found)) = data.found(&self.spec.dataset).filter(|_| self.awaits_images) else { return };
        self.awaits_images = false;
        let keeps_recipe = std::mem::take(&mut self.keeps_recipe);
        let suggested = || suggested(&self.spec, found.shape, catalog);
        if let Some(Suggested { spec, reason }) = if keeps_recipe { None } else { suggested() } {
            self.left_out = None;
            self.suggested = Some((reason, std::mem::replace(&mut self.spec, spec)));
            return;
        }
        let (Ok(entry), Ok(shape)) = (crate::data::find(&self.spec.dataset.id), found.shape.image()) else {
            return;
        };
        let suited = (entry.augmentation)(shape);
        let fitted = fitting::fit_to_data(&self.spec, suited, catalog);
        if fitted.left_out.is_empty() {
            return;
        }
        let earlier = self.left_out.take();
        self.take(fitted);
        if let (Some(earlier), Some(now)) = (earlier, &mut self.left_out) {
            now.what.splice(0..0, earlier.what);
            now.before = earlier.before;
        }
    }

    /// A menu of the encoders that this run may begin with: shipped ones, and those of other runs.
    pub fn init_from(&mut self, ui: &mut Ui, catalog: &Catalog, runs: &BTreeMap<RunId, Run>) {
        let shipped: Vec<_> = catalog
            .shipped_encoders
            .iter()
            .filter(|shipped| shipped.encoder == self.spec.encoder.id)
            .collect();
        let source = self.spec.init_from.clone().map(|source| fitting::at(&source));
        let named = |(id, _): &(String, Option<u64>)| {
            let shipped = shipped.iter().find(|shipped| shipped.id == id).map(|shipped| shipped.label);
            let run = runs.get(id.as_str()).map(|run| run.spec.name.as_str());
            shipped.or(run).unwrap_or(id).to_owned()
        };
        let lacks = fitting::lacks_beginning(&self.spec);
        let nothing = if lacks { "Choose a run" } else { FROM_SCRATCH };
        let chosen = source.as_ref().map_or(nothing.into(), named);
        let help = "The encoder begins with what another run has learnt; the head is new. Only a run of the same network fits.";
        let mut beginning = None;
        field(ui, "Begin with", help, |ui, label| {
            let menu = ComboBox::from_id_salt("init_from").selected_text(&chosen).truncate();
            let shown = menu.width(ui.available_width()).show_ui(ui, |ui| {
                let mut offer = |id: Option<&str>, text: &str, whole: &str| {
                    let is_chosen =
                        source.as_ref().map(|(id, _)| id.as_str()) == id && !(lacks && id.is_none());
                    if ui.selectable_label(is_chosen, text).on_hover_text(whole).clicked() {
                        beginning = Some(id.map(str::to_owned));
                    }
                };
                offer(None, FROM_SCRATCH, "Random weights, all of which are trained alike");
                for shipped in &shipped {
                    offer(Some(shipped.id), shipped.label, "Comes with the program");
                }
                for (id, run) in runs.iter().rev().filter(|(_, run)| fitting::fits(run, &self.spec)) {
                    offer(Some(id), &elided(&run.spec.name, 48), &format!("{}\n{id}", run.spec.name));
                }
            });
            shown.response.on_hover_text(format!("{chosen}\n{help}")).labelled_by(label);
        });
        if let Some(beginning) = beginning {
            fitting::begin_with(&mut self.spec, beginning);
        } else if let Some((id, step)) = source
            && let Some(run) = runs.get(id.as_str())
        {
            self.checkpoint(ui, (run, catalog.headline(&run.spec)), step);
        }
    }

    /// With which checkpoint of a run the encoder begins.
    fn checkpoint(&mut self, ui: &mut Ui, of: (&Run, &MetricInfo), mut step: Option<u64>) {
        field(ui, "At", "The checkpoint of that run with which the encoder begins", |ui, label| {
            let (menu, is_changed) = checkpoint::menu(ui, "init_at", of, &mut step, "Its newest checkpoint");
            menu.labelled_by(label);
            if is_changed {
                let id = &of.0.id;
                self.spec.init_from = Some(step.map_or(id.to_string(), |step| format!("{id}@{step}")));
            }
        });
    }

    /// Why another recipe was taken for the images that were picked, and a way back.
    pub fn suggested(&mut self, ui: &mut Ui) {
        let Some((reason, before)) = &self.suggested else { return };
        let is_unwanted = steady(ui, "suggested", |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.label(RichText::new(*reason).small());
                let help = "Goes back to the recipe that was in the form, with these images";
                ui.small_button("Keep my recipe").on_hover_text(help).clicked()
            })
            .inner
        });
        if is_unwanted {
            self.spec = before.clone();
            self.suggested = None;
            self.awaits_images = true;
            self.keeps_recipe = true;
        }
    }

    /// What the newest choice left out, and a way to have it back.
    pub fn left_out(&mut self, ui: &mut Ui, catalog: &Catalog) {
        let Some(LeftOut { what, before }) = &self.left_out else { return };
        let text = format!("Left out, as it does not fit: {}.", what.join(", "));
        let is_wanted = steady(ui, "left out", |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.label(RichText::new(text).small().weak());
                let help = "Sets it again as it was before the choice";
                ui.small_button("Bring it back").on_hover_text(help).clicked()
            })
            .inner
        });
        if is_wanted {
            fitting::bring_back(&mut self.spec, before, catalog);
            self.left_out = None;
        }
    }

    /// A menu of the components of a section, some with a mark behind their names; those that do not serve the data are
    /// greyed out. A new one starts from its own defaults.
    pub fn menu(
        &mut self,
        ui: &mut Ui,
        catalog: &Catalog,
        section: Section,
        mark: &dyn Fn(&str) -> Option<String>,
    ) -> Response {
        let chosen = catalog.component(section, self.spec.id(section));
        let text = chosen.map_or(self.spec.id(section), |info| info.label).to_owned();
        let help = chosen.map_or("", |info| info.help);
        let menu = ComboBox::from_id_salt(section.id()).selected_text(text).truncate();
        let shown = menu.width(ui.available_width()).show_ui(ui, |ui| {
            for info in catalog.section(section) {
                let selected = self.spec.id(section) == info.id;
                let text = mark(info.id).map_or(info.label.into(), |mark| format!("{} ({mark})", info.label));
                let misfit = catalog.misfit(&self.spec, section, info.id);
                if offered(ui, selected, text, info.help, misfit).clicked() && !selected {
                    self.choose(section, Choice::new(info.id), catalog);
                }
            }
        });
        shown.response.on_hover_text(help)
    }
}
