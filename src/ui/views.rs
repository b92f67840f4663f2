//! What the middle of the window can show: one file and one word here for each.
use super::{Action, Settings};
use crate::{
    registry,
    session::{Run, State},
    spec::{Catalog, ComponentInfo, RunSpec},
};
use egui::Ui;

registry!("view", ViewEntry: curves, data);

/// One of the things that the middle of the window can show.
pub struct ViewEntry {
    pub info: ComponentInfo,
    pub open: fn() -> Box<dyn View>,
}

/// A view, with what it keeps between frames.
pub trait View {
    fn ui(&mut self, ui: &mut Ui, scene: &mut Scene<'_>);
}

/// All that a view may look at, and what it may change.
pub struct Scene<'a> {
    pub state: &'a State,
    pub catalog: &'a Catalog,
    /// The selected run.
    pub run: Option<&'a Run>,
    /// The spec in the form for a new run.
    pub spec: &'a mut RunSpec,
    pub settings: &'a mut Settings,
    pub actions: &'a mut Vec<Action>,
}
