//! How long the window takes to draw four curves of a million points: `cargo bench --bench curves`.
use egui_kittest::Harness;
use headstart::{
    metrics::{LOSS, Point, Split},
    protocol::{Event, Phase, Progress, RunId, RunInfo},
    session::{State, catalog},
    spec::RunSpec,
    ui::{Settings, Workbench, install},
};
use std::time::Instant;

const RUNS: usize = 4;
const POINTS: u64 = 1_000_000;
const FRAMES: usize = 300;

fn main() {
    for (name, points, grows) in
        [("empty curves", 2, false), ("standing still", POINTS, false), ("a point a frame", POINTS, true)]
    {
        let mut state = State::default();
        (0..RUNS).for_each(|run| add(&mut state, run, points));
        let milliseconds = frames(state, points, grows);
        println!("{name:16} {RUNS} series of {points:9} points: median {milliseconds:.2} ms a frame");
    }
}

/// The median over many frames.
fn frames(state: State, points: u64, grows: bool) -> f64 {
    let catalog = catalog();
    let builder = Harness::builder().with_size([1440.0, 900.0]).with_context_setup(install);
    let mut window = builder.build_ui_state(
        move |ui, (bench, state): &mut (Workbench, State)| {
            bench.ui(ui, state, &catalog);
        },
        (Workbench::new(Settings::default()), state),
    );
    window.run_steps(10);
    let mut times: Vec<f64> = (0..FRAMES as u64)
        .map(|frame| {
            if grows {
                (0..RUNS).for_each(|run| grow(&mut window.state_mut().1, run, points + frame + 1));
            }
            let began = Instant::now();
            window.step();
            // The meshes for a graphics card.
            let shapes = window.output().shapes.clone();
            std::hint::black_box(window.ctx.tessellate(shapes, 1.0));
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[FRAMES / 2]
}

fn id(run: usize) -> RunId {
    format!("run-{run}").into()
}

fn add(state: &mut State, run: usize, points: u64) {
    let spec = RunSpec::default();
    state.apply(Event::Run(Box::new(RunInfo {
        marks: Default::default(),
        id: id(run),
        folder: "runs".into(),
        live: catalog().live_params(&spec),
        spec: RunSpec { name: format!("Run {run}"), ..spec },
        phase: Phase::Finished,
        remedy: None,
        saved: None,
        checkpoints: vec![],
        is_sketch: false,
        learns_from_drawings: true,
        changes: vec![],
        progress: Progress { step: points, steps: points, steps_per_epoch: 860, ..Progress::default() },
        timing: vec![],
        class_names: (0..10).map(|digit| digit.to_string()).collect(),
    })));
    state.apply(Event::Points(id(run), (1..=points).map(|step| point(run, step)).collect()));
}

fn grow(state: &mut State, run: usize, step: u64) {
    state.apply(Event::Points(id(run), vec![point(run, step)]));
}

fn point(run: usize, step: u64) -> Point {
    let noise = (step.wrapping_mul(2_654_435_761) >> 7) % 1000;
    Point { step, split: Split::Train, metric: LOSS, value: 1.0 + run as f64 + noise as f64 / 1000.0 }
}
