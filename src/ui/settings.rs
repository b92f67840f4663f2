//! What the window remembers from one day to the next.
use super::{theme::RUN_COLORS, views};
use crate::{metrics, protocol::RunId, session::State};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Layout and looks; runs themselves are on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub dark: bool,
    /// From 1 to 2.
    pub zoom: f32,
    pub show_runs: bool,
    pub show_controls: bool,
    pub show_preview: bool,
    /// The identifier of the view in the middle.
    pub view: String,
    /// Runs whose curves are hidden.
    pub hidden: BTreeSet<RunId>,
    /// The index of each run's colour.
    pub colors: BTreeMap<RunId, usize>,
    pub curves: CurveOptions,
    /// Share of the pad's side.
    pub pen_width: f32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CurveOptions {
    /// Metrics that have a plot, by identifier.
    pub plots: BTreeSet<String>,
    /// Metrics whose axis is logarithmic.
    pub logarithmic: BTreeSet<String>,
    pub x_axis: XAxis,
    /// Weight of the past in the moving average, from 0 to 0.99.
    pub smoothing: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum XAxis {
    Step,
    Epoch,
    Seconds,
}

impl XAxis {
    pub const ALL: [(XAxis, &'static str, &'static str); 3] = [
        (XAxis::Step, "Step", "Batches trained"),
        (XAxis::Epoch, "Epoch", "Times through all the training images"),
        (XAxis::Seconds, "Seconds", "Time spent training, without pauses"),
    ];
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dark: true,
            zoom: 1.0,
            show_runs: true,
            show_controls: true,
            show_preview: true,
            view: views::ALL[0].info.id.into(),
            hidden: BTreeSet::new(),
            colors: BTreeMap::new(),
            curves: CurveOptions::default(),
            pen_width: 0.08,
        }
    }
}

impl Default for CurveOptions {
    fn default() -> Self {
        Self {
            plots: [metrics::LOSS, metrics::ACCURACY, metrics::KNN_ACCURACY].map(String::from).into(),
            logarithmic: [metrics::LOSS].map(String::from).into(),
            x_axis: XAxis::Step,
            smoothing: 0.9,
        }
    }
}

impl Settings {
    /// The zoom so many steps of a quarter larger, within its bounds.
    pub fn zoomed(&self, steps: f32) -> f32 {
        (((self.zoom * 4.0).round() + steps) / 4.0).clamp(1.0, 2.0)
    }

    /// Gives every new run the colour that is used least, and keeps it.
    pub fn assign_colors(&mut self, state: &State) {
        for id in state.runs.keys() {
            if self.colors.contains_key(id) {
                continue;
            }
            let uses =
                |color: usize| state.runs.keys().filter(|id| self.colors.get(*id) == Some(&color)).count();
            let color = (0..RUN_COLORS).min_by_key(|color| uses(*color)).unwrap_or_default();
            self.colors.insert(id.clone(), color);
        }
    }

    pub fn color(&self, id: &RunId) -> usize {
        self.colors.get(id).map_or(0, |color| color % RUN_COLORS)
    }
}
