//! The state of a home after a day's work: runs of every phase, races, and a network's answer to a drawing.
#![allow(dead_code, reason = "each test file uses its own part")]
use headstart::{
    experiment::{Cell, Experiment, Found},
    metrics::{ACCURACY, LEARNING_RATE, LOSS, Point, Split},
    protocol::{ComparisonId, ComparisonInfo, Event, Phase, Progress, RunId, RunInfo},
    session::{State, catalog},
    spec::{Choice, RunSpec},
};

const STEPS: u64 = 8600;

/// Most runs finished, one failed, one stopped, the newest in training. Every third has one of the names. From two
/// runs on, races follow from the first.
pub fn state(runs: usize, names: [&str; 3]) -> State {
    let mut state = State::default();
    for index in 0..runs {
        let age = runs - 1 - index;
        let phase = match age {
            0 => Phase::Running,
            1 => Phase::Stopped,
            2 => Phase::Failed("The loss is no longer a number: lower the learning rate".into()),
            _ => Phase::Finished,
        };
        let encoder = Choice::new(["seed_cnn", "mlp"][index % 2]);
        let spec = RunSpec { name: names[age % 3].into(), encoder, ..RunSpec::default() };
        add(&mut state, id(index), spec, phase, index);
    }
    if runs > 1 {
        race(&mut state, "2026-11-23-races", Phase::Running);
        state.newest_comparison = None;
    }
    state
}

fn id(index: usize) -> RunId {
    format!("2026-11-23-14{index:02}-run").into()
}

/// The identifier of the running comparison, if there is one.
pub fn race_of(state: &State) -> Option<ComparisonId> {
    state.comparisons.keys().next().cloned()
}

/// Half of the races have ended; one is under way.
fn race(state: &mut State, races: &str, phase: Phase) {
    let first = state.runs[&id(0)].clone();
    let experiment = Experiment::of_run(&first.id, &first.spec, &catalog()).unwrap();
    let races_begun = experiment.races() / 2;
    let cells = (0..=races_begun).flat_map(|race| (0..experiment.arms.len()).map(move |arm| (race, arm)));
    let (info_id, folder) = (ComparisonId::from(races), format!("/home/comparisons/{races}").into());
    let info = ComparisonInfo { id: info_id, folder, experiment: experiment.clone(), phase };
    state.apply(Event::Comparison(Box::new(info)));
    for (race, arm) in cells {
        let spec = experiment.spec(races, Cell::Arm { race, arm }, &|_| None);
        let phase = if race < races_begun { Phase::Finished } else { Phase::Running };
        let id = format!("{races}-{race}-{arm}").into();
        add(state, id, spec, phase, 3 * arm + race);
    }
}

/// The identifier of [`sweep`].
pub const SWEEP: &str = "2026-11-23-sweep";

/// A sweep of 18 settings, of which nine race.
pub fn sweep(state: &mut State) {
    let text = include_str!("../../configs/rate_and_dropout.toml");
    let mut experiment = Experiment::from_toml(text, &[], &catalog()).unwrap();
    let search = experiment.search.clone().unwrap();
    let drawn = experiment.draw(&search, &Found::new(), 18);
    experiment.search.as_mut().unwrap().drawn = drawn;
    let (info_id, folder) = (ComparisonId::from(SWEEP), format!("/home/comparisons/{SWEEP}").into());
    let info = ComparisonInfo { id: info_id, folder, experiment: experiment.clone(), phase: Phase::Running };
    state.apply(Event::Comparison(Box::new(info)));
    for race in 0..18 {
        let spec = experiment.spec(SWEEP, Cell::Arm { race, arm: 0 }, &|_| None);
        let phase = match race {
            0 => Phase::Finished,
            1..9 => Phase::Stopped,
            _ => Phase::Running,
        };
        // best at a learning rate of 0.01, whatever the dropout
        let pace = (8.0 * (spec.optimizer.values["learning_rate"].log10() + 2.0).abs()) as usize;
        add(state, format!("{SWEEP}-{race}").into(), spec, phase, pace);
    }
}

/// Takes it away again.
pub fn without_sweep(state: &mut State) {
    state.apply(Event::ComparisonRemoved(SWEEP.into()));
    (0..18).for_each(|race| state.apply(Event::Removed(format!("{SWEEP}-{race}").into())));
}

/// A run with loss and accuracy curves of its own.
fn add(state: &mut State, id: RunId, spec: RunSpec, phase: Phase, pace: usize) {
    let step = if phase == Phase::Finished { STEPS } else { 5200 };
    let progress = Progress {
        step,
        steps: STEPS,
        steps_per_epoch: 860,
        elapsed_secs: 286.0,
        examples_per_sec: 12_400.0,
        ..Progress::default()
    };
    let curves = (1..=40).flat_map(|at| {
        let loss = 2.3 * (-(at as f64) / (5.0 + pace as f64)).exp() + 0.02;
        let values = [(LOSS, loss), (ACCURACY, 1.0 - loss / 3.0), (LEARNING_RATE, 0.001)];
        let of = |split| values.map(|(metric, value)| Point { step: at * step / 40, split, metric, value });
        [of(Split::Train).to_vec(), of(Split::Validation)[..2].to_vec()].concat()
    });
    let value = 0.9 - 0.01 * pace as f64;
    let test = Point { step, split: Split::Test, metric: ACCURACY, value };
    let points = curves.chain((phase == Phase::Finished).then_some(test)).collect();
    state.apply(Event::Run(Box::new(RunInfo {
        marks: Default::default(),
        id: id.clone(),
        folder: format!("/home/runs/{id}").into(),
        live: catalog().live_params(&spec),
        phase,
        changes: vec![],
        progress: Progress::default(),
        timing: vec![],
        class_names: (0..10).map(|digit| digit.to_string()).collect(),
        saved: Some(step),
        checkpoints: vec![step],
        is_sketch: false,
        learns_from_drawings: true,
        remedy: None,
        spec,
    })));
    state.apply(Event::Points(id.clone(), points));
    state.apply(Event::Progress(id, progress));
}
