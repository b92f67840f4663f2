//! Settings that are kept between two starts of the program.
use super::{look::PAIRS, views};
use crate::{
    metrics,
    protocol::RunId,
    session::{Run, State, catalog},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Of more runs, the curves of the newest ones are shown at first: no eye tells more of them apart.
const SHOWN: usize = 60;

/// Layout and looks; runs themselves are on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Whether the dark theme is used.
    pub dark: bool,
    /// From 1 to 2.
    pub zoom: f32,
    /// Whether the list of runs is open.
    pub show_runs: bool,
    /// Whether the controls are open.
    pub show_controls: bool,
    /// Whether the preview below the curves is open.
    pub show_preview: bool,
    /// The identifier of the view in the middle.
    pub view: String,
    /// Runs whose curves are hidden.
    pub hidden: BTreeSet<RunId>,
    /// Shipped runs, and older ones of many, whose curves are shown, which they are not at first.
    pub shown: BTreeSet<RunId>,
    /// Of many runs the oldest whose curves are shown unless somebody has asked for those of older ones.
    #[serde(skip)]
    pub oldest: Option<RunId>,
    /// The only run whose curves are shown, if any.
    #[serde(skip)]
    pub solo: Option<RunId>,
    /// The number of each run's pair of colour and dash. No two runs have the same.
    #[serde(alias = "colors")]
    pub looks: BTreeMap<RunId, usize>,
    /// How curves are drawn.
    pub curves: CurveOptions,
    /// What the table shows, and in which order.
    pub table: TableOptions,
    /// Whether runs that were put away are listed.
    pub show_archived: bool,
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

/// Columns and order of the table of runs. Fields are named as `listing::Field` names them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableOptions {
    /// Whether every hyperparameter in which the runs differ has a column.
    pub differing: bool,
    /// Whether figures on the test examples have one.
    pub test: bool,
    /// Further columns.
    pub extra: Vec<String>,
    /// What it is sorted by; empty for the order of time.
    pub sort: String,
    /// The other way round.
    pub reversed: bool,
    /// By what runs are put together.
    pub group: String,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            differing: true,
            test: false,
            extra: vec![],
            sort: String::new(),
            reversed: false,
            group: "none".into(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum XAxis {
    Step,
    Epoch,
    Seconds,
    Examples,
}

impl XAxis {
    pub const ALL: [(XAxis, &'static str, &'static str); 4] = [
        (XAxis::Step, "Step", "Batches trained"),
        (XAxis::Epoch, "Epoch", "Times through all the training examples"),
        (XAxis::Seconds, "Seconds", "Time spent training, without pauses"),
        (
            XAxis::Examples,
            "Examples",
            "Training examples seen, each as often as it was seen: fair between batch sizes",
        ),
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
            shown: BTreeSet::new(),
            oldest: None,
            solo: None,
            looks: BTreeMap::new(),
            curves: CurveOptions::default(),
            table: TableOptions::default(),
            show_archived: false,
            pen_width: 0.08,
        }
    }
}

impl Default for CurveOptions {
    fn default() -> Self {
        Self {
            plots: catalog()
                .headlines
                .values()
                .map(|of| of.id)
                .chain([metrics::LOSS])
                .map(Into::into)
                .collect(),
            logarithmic: [metrics::LOSS].map(String::from).into(),
            x_axis: XAxis::Step,
            smoothing: 0.9,
        }
    }
}

impl Settings {
    /// The zoom after a number of steps of a quarter, within its bounds.
    pub fn zoomed(&self, steps: f32) -> f32 {
        (((self.zoom * 4.0).round() + steps) / 4.0).clamp(1.0, 2.0)
    }

    /// Whether a run's curves are shown.
    pub fn is_shown(&self, run: &Run, state: &State) -> bool {
        let is_alone = match &self.solo {
            Some(only) if state.runs.contains_key(only) => *only == run.id,
            _ => !self.is_hidden(run),
        };
        is_alone && !state.is_race(run)
    }

    fn is_hidden(&self, run: &Run) -> bool {
        if run.marks.archived {
            return true;
        }
        self.hidden.contains(&run.id) || self.is_hidden_at_first(run) && !self.shown.contains(&run.id)
    }

    fn is_hidden_at_first(&self, run: &Run) -> bool {
        run.spec.shipped.is_some() || self.oldest.as_ref().is_some_and(|oldest| run.id < *oldest)
    }

    /// Shows or hides a run's curves.
    pub fn show(&mut self, run: &Run, is_shown: bool) {
        let id = run.id.clone();
        match (self.is_hidden_at_first(run), is_shown) {
            (true, true) => drop((self.hidden.remove(&id), self.shown.insert(id))),
            (true, false) => drop(self.shown.remove(&id)),
            (false, true) => drop(self.hidden.remove(&id)),
            (false, false) => drop(self.hidden.insert(id)),
        }
    }

    /// Shows the curves of this run only, or those of the others again.
    pub fn toggle_solo(&mut self, run: &RunId) {
        self.solo = if self.solo.as_ref() == Some(run) { None } else { Some(run.clone()) };
    }

    /// Gives each run whose curves are not hidden a pair of colour and dash of its own, as long as there are any, and
    /// lets it keep that. A hidden run keeps its pair until another one needs it.
    pub fn assign_looks(&mut self, state: &State) {
        let mine = state.runs.values().rev().filter(|run| run.spec.shipped.is_none() && !state.is_race(run));
        self.oldest = mine.map(|run| &run.id).nth(SHOWN - 1).cloned();
        let is_visible = |run: &&Run| !self.is_hidden(run) && !state.is_race(run);
        let visible: BTreeSet<&RunId> = state.runs.values().filter(is_visible).map(|run| &run.id).collect();
        let mut owners: [Option<RunId>; PAIRS] = Default::default();
        let others = self.looks.keys().filter(|id| !visible.contains(id));
        // An older file may give several runs the same.
        for id in visible.iter().copied().chain(others) {
            if let Some(owner @ None) = self.looks.get(id).and_then(|pair| owners.get_mut(*pair)) {
                *owner = Some(id.clone());
            }
        }
        for id in visible.iter().copied() {
            if owners.iter().flatten().any(|owner| owner == id) {
                continue;
            }
            let unused = owners.iter().position(Option::is_none);
            let is_given_up =
                |owner: &Option<RunId>| !owner.as_ref().is_some_and(|owner| visible.contains(owner));
            // where every pair is in use, none is left for any other run either
            let Some(pair) = unused.or_else(|| owners.iter().position(is_given_up)) else { break };
            owners[pair] = Some(id.clone());
        }
        let owned = owners.into_iter().enumerate();
        self.looks = owned.filter_map(|(pair, owner)| Some((owner?, pair))).collect();
    }

    /// The number of a run's pair of colour and dash; none where more runs are shown than there are pairs.
    pub fn look(&self, id: &RunId) -> Option<usize> {
        self.looks.get(id).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        protocol::{Event, Phase, Progress, RunInfo},
        spec::RunSpec,
    };

    fn add(state: &mut State, id: &str) {
        state.apply(Event::Run(Box::new(RunInfo {
            marks: Default::default(),
            id: id.into(),
            folder: id.into(),
            spec: RunSpec::default(),
            live: Default::default(),
            phase: Phase::Finished,
            changes: vec![],
            progress: Progress::default(),
            timing: vec![],
            class_names: (0..10).map(|digit| digit.to_string()).collect(),
            saved: None,
            checkpoints: vec![],
            is_sketch: false,
            learns_from_drawings: true,
            remedy: None,
        })));
    }

    fn runs(count: usize) -> State {
        let mut state = State::default();
        (0..count).for_each(|run| add(&mut state, &format!("run-{run:02}")));
        state
    }

    #[test]
    fn no_two_shown_runs_look_the_same_and_none_changes() {
        let (mut settings, mut state) = (Settings::default(), runs(16));
        settings.assign_looks(&state);
        let before = settings.looks.clone();
        let mut pairs: Vec<usize> = before.values().copied().collect();
        pairs.sort_unstable();
        assert_eq!(pairs, (0..16).collect::<Vec<_>>());
        // A run from elsewhere may stand anywhere in the order.
        add(&mut state, "run-00-from-elsewhere");
        settings.assign_looks(&state);
        assert!(before.iter().all(|(id, pair)| settings.look(id) == Some(*pair)));
        assert_eq!(settings.look(&"run-00-from-elsewhere".into()), Some(16));
        let text = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings, "after a restart");
    }

    #[test]
    fn past_the_last_pair_runs_have_none_until_one_is_hidden() {
        let (mut settings, state) = (Settings::default(), runs(60));
        settings.assign_looks(&state);
        assert_eq!(settings.looks.len(), PAIRS);
        let [first, last]: [RunId; 2] = ["run-00".into(), "run-59".into()];
        assert_eq!((settings.look(&first), settings.look(&last)), (Some(0), None));
        settings.hidden = state.runs.keys().take(59).cloned().collect();
        settings.assign_looks(&state);
        assert_eq!(settings.look(&last), Some(0), "that of a hidden run");
        settings.hidden.clear();
        settings.assign_looks(&state);
        assert_eq!(
            (settings.look(&first), settings.look(&last)),
            (None, Some(0)),
            "while it is shown it keeps it"
        );
        assert_eq!(settings.looks.len(), PAIRS);
    }

    #[test]
    fn an_older_file_gave_many_runs_the_same_colour() {
        let text = r#"{"dark": false, "colors": {"run-00": 1, "run-01": 1, "run-02": 99, "gone": 1}}"#;
        let (mut settings, state) = (serde_json::from_str::<Settings>(text).unwrap(), runs(3));
        settings.assign_looks(&state);
        let looks = ["run-00", "run-01", "run-02"].map(|id| settings.look(&id.into()));
        assert_eq!(looks, [Some(1), Some(0), Some(2)]);
    }

    #[test]
    fn of_many_runs_the_newest_are_shown_and_others_by_their_eye() {
        let (mut settings, mut state) = (Settings::default(), runs(0));
        (0..200).for_each(|run| add(&mut state, &format!("run-{run:03}")));
        settings.assign_looks(&state);
        let shown = |settings: &Settings| -> Vec<RunId> {
            let runs = state.runs.values().filter(|run| settings.is_shown(run, &state));
            runs.map(|run| run.id.clone()).collect()
        };
        assert_eq!((shown(&settings).len(), &*shown(&settings)[0]), (SHOWN, "run-140"));
        let [old, new] = ["run-003", "run-199"].map(|id| &state.runs[&RunId::from(id)]);
        settings.show(old, true);
        settings.show(new, false);
        assert_eq!((shown(&settings).len(), &*shown(&settings)[0]), (SHOWN, "run-003"));
        settings.show(old, false);
        settings.show(new, true);
        assert_eq!((shown(&settings).len(), &*shown(&settings)[0]), (SHOWN, "run-140"));
    }

    #[test]
    fn one_run_alone_is_shown_and_the_others_come_back() {
        let (mut settings, state) = (Settings::default(), runs(3));
        let shown = |settings: &Settings| -> Vec<bool> {
            state.runs.values().map(|run| settings.is_shown(run, &state)).collect()
        };
        settings.hidden.insert("run-00".into());
        settings.toggle_solo(&"run-01".into());
        assert_eq!(shown(&settings), [false, true, false]);
        settings.toggle_solo(&"run-01".into());
        assert_eq!(shown(&settings), [false, true, true]);
        settings.solo = Some("deleted".into());
        assert_eq!(shown(&settings), [false, true, true]);
    }
}
