//! The time per frame while ten thousand thumbnails are scrolled: `cargo bench --bench browser`.
use egui_kittest::Harness;
use headstart::{
    protocol::{
        data::{Collection, DataReport, DataRequest, Item, Opened, Role},
        visual::{Thumbnails, VisualReport, VisualRequest},
    },
    session::{State, catalog},
    shape::ImageShape,
    spec::Choice,
    ui::{Action, Settings, Workbench, install},
};
use std::{sync::Arc, time::Instant};

const IMAGES: usize = 10_000;
const FRAMES: usize = 400;
/// The side of the largest thumbnails of a sheet, in pixels.
const SHAPE: ImageShape = ImageShape::new(64, 64, 3);

fn main() {
    for (name, shape) in [("28 × 28, grey", ImageShape::new(28, 28, 1)), ("64 × 64, colour", SHAPE)] {
        for (how, step) in [("standing still", 0.0), ("a row a frame", 52.0), ("a screen a frame", 700.0)] {
            let [median, worst] = frames(shape, step);
            println!(
                "{IMAGES} pictures, {name:15} {how:16} median {median:.2} ms, 99th percentile {worst:.2} ms"
            );
        }
    }
}

/// The median and the 99th percentile over many frames, in milliseconds, uploads included.
fn frames(shape: ImageShape, step: f32) -> [f64; 2] {
    let catalog = catalog();
    let builder = Harness::builder().with_size([1440.0, 900.0]).with_context_setup(install);
    let settings = Settings { view: "data".into(), ..Settings::default() };
    let mut window = builder.build_ui_state(
        move |ui, (bench, state, actions): &mut (Workbench, State, Vec<Action>)| {
            actions.extend(bench.ui(ui, state, &catalog));
        },
        (Workbench::new(settings), state(shape), vec![]),
    );
    window.run_steps(10);
    let centre = egui::pos2(620.0, 500.0);
    window.hover_at(centre);
    let mut times: Vec<f64> = (0..FRAMES)
        .map(|frame| {
            let (_, state, actions) = window.state_mut();
            answer(state, actions, shape);
            let direction = if frame < FRAMES / 2 { -1.0 } else { 1.0 };
            if step > 0.0 {
                window.event(egui::Event::MouseWheel {
                    unit: egui::MouseWheelUnit::Point,
                    delta: egui::vec2(0.0, direction * step),
                    phase: egui::TouchPhase::Move,
                    source: egui::MouseWheelSource::Unknown,
                    modifiers: egui::Modifiers::NONE,
                });
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
    [times[FRAMES / 2], times[FRAMES * 99 / 100]]
}

fn state(shape: ImageShape) -> State {
    let item = |index: usize| Item {
        label: (index % 10) as u16,
        role: [Role::Train, Role::Validation, Role::Unlabelled, Role::Excluded][index % 4],
        corrected_from: None,
    };
    let collection = Collection {
        shape: shape.into(),
        class_names: (0..10).map(|class| class.to_string()).collect(),
        train: (0..IMAGES).map(item).collect(),
        test: vec![],
        memory: 0,
        free: 0,
        remarks: vec![],
        kept: Default::default(),
    };
    let mut state = State::default();
    let dataset = Choice::new("mnist");
    state.apply_report(DataReport::Opened(Opened { request: 1, dataset, found: Ok(collection.into()) }));
    state
}

/// Answers in place of the librarian.
fn answer(state: &mut State, actions: &mut Vec<Action>, shape: ImageShape) {
    for action in actions.drain(..) {
        if let Action::Data(DataRequest::Visual(VisualRequest::Sheet { request, images })) = action {
            let pixels = (0..images.len() * shape.len()).map(|at| (at % 251) as u8);
            let pixels = Arc::new(pixels.collect());
            let sheet = VisualReport::Sheet(Thumbnails { request, shape, pixels });
            state.apply_report(DataReport::Visual(sheet));
        }
    }
}
