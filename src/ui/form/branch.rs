//! Of a fork: which run it goes on from, and what it does not take over.
use super::{Form, checkpoint, field};
use crate::{
    protocol::RunId,
    session::Run,
    spec::{Catalog, FieldError, branch::left_behind},
    ui::{theme, widgets::elided},
};
use egui::{Label, RichText, Ui};
use std::collections::BTreeMap;

impl Form {
    /// Where the run goes on from, and a way to let it begin at step 0 instead.
    pub(super) fn branch(&mut self, ui: &mut Ui, catalog: &Catalog, runs: &BTreeMap<RunId, Run>) {
        let Some(branch) = &mut self.spec.branch else { return };
        let parent = runs.get(branch.run.as_str());
        let text = elided(parent.map_or(branch.run.as_str(), |run| &run.spec.name), 48);
        let help = "The weights, the optimiser's state, the step and the order of the data are taken over.";
        let mut is_over = false;
        field(ui, "Goes on from", help, |ui, _| {
            is_over = ui.small_button("Begin at step 0").on_hover_text("No fork: a run of its own").clicked();
            ui.add(Label::new(&text).truncate()).on_hover_text(format!("{text}\n{help}"));
        });
        if let Some(run) = parent {
            let of = (run, catalog.headline(&run.spec));
            let otherwise = if run.phase.is_active() { "Where it is now" } else { "Its newest checkpoint" };
            field(ui, "At", "The moment of that run with which this one begins", |ui, label| {
                checkpoint::menu(ui, "branch", of, &mut branch.step, otherwise).0.labelled_by(label);
            });
        }
        match self.left_behind(catalog, runs) {
            Ok(left) => left.into_iter().for_each(|text| drop(ui.label(RichText::new(text).small().weak()))),
            Err(FieldError { message, field }) => {
                let text = RichText::new(format!("The {field} {message}.")).small();
                ui.label(text.color(theme::alarm(ui.visuals().dark_mode)));
            }
        }
        if is_over {
            self.spec.branch = None;
        }
    }

    /// What a fork does not take over; nothing where this is none.
    ///
    /// # Errors
    /// Where it cannot go on from that run.
    pub(super) fn left_behind(
        &self,
        catalog: &Catalog,
        runs: &BTreeMap<RunId, Run>,
    ) -> Result<Vec<String>, FieldError> {
        let parent = self.spec.branch.as_ref().and_then(|branch| runs.get(branch.run.as_str()));
        parent.map_or(Ok(vec![]), |parent| left_behind(&parent.spec, &self.spec, catalog))
    }
}
