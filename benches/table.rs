//! How long the window takes to draw a thousand runs, in the list and in the table, at rest and scrolling:
//! `cargo bench --bench table`.
use egui::{Event as Input, MouseWheelSource, MouseWheelUnit, TouchPhase, vec2};
use egui_kittest::Harness;
use headstart::{
    metrics::{ACCURACY, LOSS, Point, Split},
    protocol::{Event, Phase, Progress, RunId, RunInfo},
    session::{State, catalog},
    spec::RunSpec,
    ui::{Settings, Workbench, install},
};
use std::time::Instant;

const RUNS: usize = 1000;
const FRAMES: usize = 300;

fn main() {
    for (name, view, at) in [
        ("the table at rest", "table", None),
        ("the table scrolling", "table", Some([700.0, 500.0])),
        ("the list scrolling", "page", Some([100.0, 500.0])),
    ] {
        let mut state = State::default();
        (0..RUNS).for_each(|run| add(&mut state, run));
        let (median, slowest) = frames(state, view, at);
        println!("{name:20} {RUNS} runs: median {median:.2} ms a frame, 99 % under {slowest:.2} ms");
    }
}

/// The median and the 99th percentile over many frames.
fn frames(state: State, view: &str, scrolled_at: Option<[f32; 2]>) -> (f64, f64) {
    let catalog = catalog();
    // the runs' curves have benchmarks of their own
    let hidden = state.runs.keys().cloned().collect();
    let settings = Settings { view: view.into(), hidden, ..Settings::default() };
    let builder = Harness::builder().with_size([1440.0, 900.0]).with_context_setup(install);
    let mut window = builder.build_ui_state(
        move |ui, (bench, state): &mut (Workbench, State)| {
            bench.ui(ui, state, &catalog);
        },
        (Workbench::new(settings), state),
    );
    window.run_steps(10);
    if let Some([x, y]) = scrolled_at {
        window.hover_at(egui::pos2(x, y));
        window.run_steps(2);
    }
    let mut times: Vec<f64> = (0..FRAMES)
        .map(|_| {
            if scrolled_at.is_some() {
                let delta = vec2(0.0, -60.0);
                let (unit, phase) = (MouseWheelUnit::Point, TouchPhase::Move);
                let (source, modifiers) = (MouseWheelSource::Wheel, Default::default());
                window.event(Input::MouseWheel { unit, delta, phase, source, modifiers });
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
    (times[FRAMES / 2], times[FRAMES * 99 / 100])
}

fn add(state: &mut State, run: usize) {
    let set = [
        format!("learning_rate={}", 1e-4 * (run + 1) as f64),
        format!("name=Run {run}, of a thousand"),
        format!("seed={run}"),
    ];
    let catalog = catalog();
    let spec = RunSpec::from_toml("", &set, &catalog).expect("it is allowed");
    // as they are on the disk, with every default written out
    let spec = RunSpec::from_toml(&spec.to_toml(&catalog), &[], &catalog).expect("it was written by itself");
    let id = RunId::from(format!("2026-11-23-{run:04}-run"));
    state.apply(Event::Run(Box::new(RunInfo {
        id: id.clone(),
        folder: "runs".into(),
        live: catalog.live_params(&spec),
        spec,
        phase: Phase::Finished,
        remedy: None,
        saved: None,
        checkpoints: vec![],
        is_sketch: false,
        learns_from_drawings: true,
        changes: vec![],
        progress: Progress { step: 5000, steps: 5000, steps_per_epoch: 860, ..Progress::default() },
        timing: vec![],
        class_names: std::sync::Arc::default(),
        marks: Default::default(),
    })));
    let validated = (1..=12).flat_map(|at| {
        let value = 1.0 - 1.0 / (at * (run as u64 + 1)) as f64;
        let point = move |metric, value| Point { step: at * 430, split: Split::Validation, metric, value };
        [point(ACCURACY, value), point(LOSS, 1.0 - value)]
    });
    state.apply(Event::Points(id, validated.collect()));
}
