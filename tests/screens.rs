//! The layout of every view at many sizes, zooms and numbers of runs: nothing is cut, covered, or outside of the window.
#[path = "support/layout.rs"]
mod layout;
#[path = "support/screen.rs"]
mod screen;

use egui::{Button, Event as Input, Key, Modifiers, PointerButton, Rect, Role, pos2, vec2};
use egui_kittest::{Harness, kittest::Queryable as _};
use headstart::{
    metrics::{ACCURACY, LEARNING_RATE, LOSS, Point, Split},
    protocol::{Confidence, Event, Phase, Prediction, Progress, RunInfo},
    session::{State, catalog},
    spec::{Choice, RunSpec},
    ui::{Settings, view_ids},
};
use screen::{Window, open};
use std::fmt;

/// 100 characters.
const LONG: &str =
    "Seed CNN, Adam at 0.001, batches of 64, dropout 0.25, on digits that are turned, slanted and thinned";
const CHINESE: &str = "手写数字识别：先对比学习，再用十个标签微调，学习率零点零零一，丢弃率四分之一，第三次";
/// Width and height of the screen in pixels.
const SIZES: [[f32; 2]; 3] = [[1024.0, 700.0], [1440.0, 900.0], [2560.0, 1440.0]];
const ZOOMS: [f32; 4] = [1.0, 1.25, 1.5, 2.0];

/// What a window shows.
#[derive(Clone, Copy)]
struct Look {
    size: [f32; 2],
    zoom: f32,
    dark: bool,
    runs: usize,
    /// Of the selected run, and of every third one.
    name: &'static str,
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size: [width, height], zoom, dark, runs, name } = self;
        let theme = if *dark { "dark" } else { "light" };
        let name: String = name.chars().take(4).collect();
        write!(f, "{width}×{height} at {:.0} %, {theme}, {runs} runs, {name}…", zoom * 100.0)
    }
}

const USUAL: Look = Look { size: SIZES[1], zoom: 1.0, dark: true, runs: 16, name: LONG };

#[test]
fn what_is_cut_or_covered_is_found() {
    let rect = |x, y| Rect::from_min_size(pos2(x, y), vec2(80.0, 20.0));
    let window = Harness::builder().with_size([200.0, 100.0]).build_ui(move |ui| {
        for (at, name) in [(rect(10.0, 10.0), "one"), (rect(60.0, 20.0), "two"), (rect(160.0, 60.0), "three")]
        {
            ui.put(at, Button::new(name));
        }
        ui.painter().text(
            pos2(190.0, 90.0),
            egui::Align2::LEFT_CENTER,
            "letters",
            Default::default(),
            egui::Color32::RED,
        );
    });
    let found = layout::problems(&window);
    let is_found =
        |words: [&str; 2]| found.iter().any(|problem| words.iter().all(|word| problem.contains(word)));
    for words in [["covers", "\"one\""], ["lacks 40", "\"three\""], ["is cut by", "\"letters\""]] {
        assert!(is_found(words), "{words:?} in {found:?}");
    }
}

#[test]
fn nothing_is_cut_or_covered_at_any_size_and_zoom() {
    let sizes = SIZES.into_iter().flat_map(|size| ZOOMS.map(|zoom| Look { size, zoom, ..USUAL }));
    check(sizes);
}

#[test]
fn nothing_is_cut_or_covered_with_any_number_of_runs_and_any_name() {
    let counts = [0, 1, 7, 60].map(|runs| Look { runs, ..USUAL });
    let chinese = [1.0, 1.5].map(|zoom| Look { name: CHINESE, dark: false, zoom, runs: 7, ..USUAL });
    check(counts.into_iter().chain(chinese));
}

/// Looks at every view and menu; says what is wrong, and in which window.
fn check(looks: impl Iterator<Item = Look>) {
    let mut wrong = vec![];
    for look in looks {
        let mut window = window(look);
        let mut note = |window: &Window, part: &str| {
            let found = layout::problems(window);
            wrong.extend((!found.is_empty()).then(|| format!("{look}, {part}:\n  {}", found.join("\n  "))));
        };
        for view in view_ids() {
            window.state_mut().bench.settings.view = view.into();
            window.run_steps(4);
            note(&window, view);
        }
        // Where there is no room for them beside the views.
        for part in ["Preview", "Controls"] {
            if choose(&mut window, part) {
                note(&window, part);
            }
        }
        if let Some(menu) = window.query_by_label_contains("Runs: ") {
            menu.click();
            window.run_steps(4);
            note(&window, "the menu of runs");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Opens a part of the window that is listed with the views, or in their menu.
fn choose(window: &mut Window, part: &str) -> bool {
    if let Some(menu) = window.query_by_role_and_label(Role::ComboBox, "View") {
        menu.click();
        window.run_steps(4);
    }
    let entry = window.query_by_role_and_label(Role::Button, part);
    let is_there = entry.map(|entry| entry.click_accesskit()).is_some();
    window.run_steps(4);
    window.key_press(Key::Escape);
    window.run_steps(4);
    is_there
}

/// A window as a zoom makes it: as many points less as each of them has pixels more.
fn window(look: Look) -> Window {
    let size = look.size.map(|pixels| pixels / look.zoom);
    let settings = Settings { dark: look.dark, ..Settings::default() };
    let mut window = open(size, state(look), settings);
    window.set_pixels_per_point(look.zoom);
    window.run_steps(4);
    draw(&mut window);
    window
}

/// A stroke on the pad, where it is in sight.
fn draw(window: &mut Window) {
    let Some(pad) = window.query_by_label("Draw pad").map(|node| node.rect()) else { return };
    let at = |x: f32, y: f32| pad.min + pad.size() * vec2(x, y);
    let button = |pos, pressed| Input::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    let (from, to) = (at(0.2, 0.2), at(0.7, 0.8));
    let stroke = [button(from, true), Input::PointerMoved(to), button(to, false), Input::PointerGone];
    window.input_mut().events.extend(stroke);
    window.run_steps(4);
}

/// Runs as a day leaves them: most finished, one stopped, one failed, the newest in training.
fn state(look: Look) -> State {
    let mut state = State::default();
    for index in 0..look.runs {
        let age = look.runs - 1 - index;
        let phase = match age {
            0 => Phase::Running,
            1 => Phase::Stopped,
            2 => Phase::Failed("The loss is no longer a number: lower the learning rate".into()),
            _ => Phase::Finished,
        };
        let name = [look.name, CHINESE, "MLP"][age % 3];
        events(index, name, phase).into_iter().for_each(|event| state.apply(event));
    }
    if let Some(run) = state.runs.keys().next_back().cloned() {
        let names = ["airplane", "automobile", "bird", "golden retriever", "deer", "dog", "frog", "马"];
        let prediction = Prediction {
            nearest: None,
            request: 1,
            run,
            step: 5200,
            class_names: names.map(String::from).into(),
            probabilities: vec![0.86, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02],
            confidence: Confidence::Calibrated { is_outsider: true },
            strips: vec![],
        };
        state.apply(Event::Prediction(prediction));
    }
    state
}

fn events(index: usize, name: &str, phase: Phase) -> [Event; 3] {
    let id = headstart::protocol::RunId::from(format!("2026-11-23-14{index:02}-run"));
    let encoder = Choice::new(["seed_cnn", "mlp"][index % 2]);
    let spec = RunSpec { name: name.into(), encoder, ..RunSpec::default() };
    let progress = Progress {
        step: 5200,
        steps: 8600,
        steps_per_epoch: 860,
        elapsed_secs: 286.0,
        images_per_sec: 12_400.0,
    };
    let info = RunInfo {
        id: id.clone(),
        folder: format!("/home/runs/{id}").into(),
        live: catalog().live_params(&spec),
        phase,
        changes: vec![],
        progress: Progress::default(),
        timing: vec![],
        saved: None,
        remedy: None,
        spec,
    };
    let points = (1..=40).flat_map(|at| {
        let step = at * 130;
        let loss = 2.3 * (-(at as f64) / (5.0 + index as f64)).exp() + 0.02;
        let values = [(LOSS, loss), (ACCURACY, 1.0 - loss / 3.0), (LEARNING_RATE, 0.001)];
        let of = |split| values.map(|(metric, value)| Point { step, split, metric, value });
        [of(Split::Train).to_vec(), of(Split::Validation)[..2].to_vec()].concat()
    });
    let points = points.collect();
    [Event::Run(Box::new(info)), Event::Points(id.clone(), points), Event::Progress(id, progress)]
}
