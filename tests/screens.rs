//! The layout of everything that the window shows, at many sizes, zooms and numbers of runs: nothing is cut, covered, or
//! outside of the window. `SCREENS=FOLDER cargo test --release --test screens` saves a picture of each.
#[path = "support/answers.rs"]
mod answers;
#[path = "support/home.rs"]
mod home;
#[path = "support/layout.rs"]
mod layout;
#[path = "support/screen.rs"]
mod screen;

use egui::{Button, Color32, Key, Modifiers, Rect, Role, pos2, vec2};
use egui_kittest::{Harness, kittest::Queryable as _};
use headstart::{
    protocol::{About, Level, Notice},
    ui::{Settings, dialogs::Ended, view_ids},
};
use screen::{Window, draw_seven, open};
use std::{fmt, path::Path};

/// 100 characters.
const LONG: &str =
    "Seed CNN, Adam at 0.001, batches of 64, dropout 0.25, on digits that are turned, slanted and thinned";
const CHINESE: &str = "手写数字识别：先对比学习，再用十个标签微调，学习率零点零零一，丢弃率四分之一，第三次";
const ZOOMS: [f32; 5] = [1.0, 1.25, 1.5, 1.75, 2.0];
const RUNS: [usize; 4] = [1, 7, 16, 60];
/// The margin that the harness leaves around the window, in points.
const MARGIN: f32 = 8.0;

/// The settings of a window under test.
#[derive(Clone, Copy)]
struct Setup {
    /// Width and height of the screen in pixels.
    size: [f32; 2],
    zoom: f32,
    dark: bool,
    runs: usize,
    /// The name of the selected run, and of every third one.
    name: &'static str,
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size: [width, height], zoom, dark, runs, name } = self;
        let theme = if *dark { "dark" } else { "light" };
        let name: String = name.chars().take(4).collect();
        write!(f, "{width}×{height} at {:.0} %, {theme}, {runs} runs, {name}…", zoom * 100.0)
    }
}

#[test]
fn what_is_cut_or_covered_is_found() {
    let rect = |x, y| Rect::from_min_size(pos2(x, y), vec2(80.0, 20.0));
    let window = Harness::builder().with_size([200.0, 100.0]).build_ui(move |ui| {
        for (at, name) in [(rect(10.0, 10.0), "one"), (rect(60.0, 20.0), "two"), (rect(160.0, 60.0), "three")]
        {
            ui.put(at, Button::new(name));
        }
        for (x, y, text) in [(190.0, 90.0, "letters"), (20.0, 80.0, "under"), (30.0, 82.0, "over")] {
            let font = Default::default();
            ui.painter().text(pos2(x, y), egui::Align2::LEFT_CENTER, text, font, Color32::RED);
        }
    });
    let found = layout::problems(&window);
    let is_found =
        |words: [&str; 2]| found.iter().any(|problem| words.iter().all(|word| problem.contains(word)));
    for words in [
        ["covers", "\"one\""],
        ["lacks", "\"three\""],
        ["is cut by", "\"letters\""],
        ["\"over\"", "\"under\""],
    ] {
        assert!(is_found(words), "{words:?} in {found:?}");
    }
}

#[test]
fn nothing_is_cut_or_covered_on_a_screen_of_1024_by_700() {
    check(looks([1024.0, 700.0], 0));
}

#[test]
fn nothing_is_cut_or_covered_on_a_screen_of_1440_by_900() {
    check(looks([1440.0, 900.0], 1));
}

#[test]
fn nothing_is_cut_or_covered_on_a_screen_of_2560_by_1440() {
    check(looks([2560.0, 1440.0], 2));
}

/// Texts that are scrolled out of view are not painted: here none is.
#[test]
fn nothing_is_cut_further_down_either() {
    let high = |width, zoom| Setup { size: [width, 5000.0], zoom, dark: false, runs: 7, name: LONG };
    check([high(1024.0, 1.0), high(1024.0, 1.5), high(1440.0, 1.0), high(2560.0, 2.0)]);
}

/// A screen at each zoom, with alternating numbers of runs, names and themes, and at the first start.
fn looks(size: [f32; 2], turn: usize) -> impl Iterator<Item = Setup> {
    let later = ZOOMS.into_iter().enumerate().map(move |(at, zoom)| Setup {
        size,
        zoom,
        dark: (at + turn).is_multiple_of(2),
        runs: RUNS[(at + turn) % RUNS.len()],
        name: [LONG, CHINESE][(at + turn) / 2 % 2],
    });
    let first = [1.0, 1.5].map(|zoom| Setup { size, zoom, dark: false, runs: 0, name: LONG });
    later.chain(first)
}

fn check(looks: impl IntoIterator<Item = Setup>) {
    let wrong: Vec<String> = looks.into_iter().flat_map(problems).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Checks every part of a window; returns what is wrong with each.
fn problems(look: Setup) -> Vec<String> {
    let mut wrong = vec![];
    let mut note = |window: &mut Window, part: &str| {
        picture(window, look, part);
        let found = layout::problems(window);
        wrong.extend((!found.is_empty()).then(|| format!("{look}, {part}:\n  {}", found.join("\n  "))));
    };
    let mut window = window(look);
    for view in view_ids() {
        window.state_mut().bench.settings.view = view.into();
        settle(&mut window);
        note(&mut window, view);
    }
    for (part, show, leave) in PARTS {
        if show(&mut window) {
            settle(&mut window);
            note(&mut window, part);
            leave(&mut window);
            settle(&mut window);
        }
    }
    wrong
}

/// Saves a picture, if `SCREENS` names a folder.
fn picture(window: &mut Window, look: Setup, part: &str) {
    let Some(folder) = std::env::var_os("SCREENS") else { return };
    let name = format!("{look}, {part}.png").replace(['…', '%'], "");
    window.render().unwrap().save(Path::new(&folder).join(name)).unwrap();
}

/// Something that can be opened in a window, how, and how it is closed again. Returns whether it is there.
type Part = (&'static str, fn(&mut Window) -> bool, fn(&mut Window));

const PARTS: [Part; 16] = [
    ("the evaluation", evaluate, |_| {}),
    ("runs that are picked", pick_all, escape),
    ("the columns", choose_columns, escape),
    ("the preview", |window| choose(window, "Preview"), to_the_curves),
    ("the controls", |window| choose(window, "Controls"), to_the_curves),
    ("the form", unfold, to_the_curves),
    ("the pad alone", pad_alone, escape),
    ("a test image", |window| press(window, "Put a test image on the pad"), |_| {}),
    ("the menu of runs", |window| press(window, "Runs: "), escape),
    ("the race", race, leave_race),
    ("the sweep", sweep, leave_sweep),
    ("the card of a sweep", propose_sweep, escape),
    ("the card of a race", propose, escape),
    ("a path that is typed", type_path, escape),
    ("notices that pop up", notify, |_| {}),
    ("the list of notices", |window| press(window, "Notices: "), escape),
];

/// A window of a screen's size, with something drawn on its pad.
fn window(look: Setup) -> Window {
    let size = look.size.map(|pixels| pixels + 2.0 * MARGIN * look.zoom);
    let settings = Settings { dark: look.dark, zoom: look.zoom, ..Settings::default() };
    let mut window = open(size, home::state(look.runs, [look.name, CHINESE, "MLP"]), settings);
    // In narrow windows the pad comes first.
    window.state_mut().bench.settings.view = "drawing".into();
    settle(&mut window);
    choose(&mut window, "Controls");
    if look.runs > 0 {
        draw_seven(&mut window);
        settle(&mut window);
    }
    to_the_curves(&mut window);
    window
}

/// Runs frames until all questions are answered and shown.
fn settle(window: &mut Window) {
    window.run_steps(3);
    answers::answer(window);
}

/// Clicks the widget whose label begins with a text, visible or not.
fn press(window: &mut Window, label: &str) -> bool {
    let node = window.query_all_by_label_contains(label).next();
    let is_there = node.map(|node| node.click_accesskit()).is_some();
    settle(window);
    is_there
}

fn escape(window: &mut Window) {
    window.key_press(Key::Escape);
    settle(window);
}

fn to_the_curves(window: &mut Window) {
    assert!(choose(window, "Curves"), "the curves are not among the views");
}

fn evaluate(window: &mut Window) -> bool {
    window.state_mut().bench.settings.view = "evaluation".into();
    settle(window);
    press(window, "Evaluate on the ")
}

fn pick_all(window: &mut Window) -> bool {
    window.state_mut().bench.settings.view = "table".into();
    settle(window);
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    settle(window);
    window.query_all_by_label_contains(" picked").next().is_some()
}

fn choose_columns(window: &mut Window) -> bool {
    window.state_mut().bench.settings.view = "table".into();
    settle(window);
    press(window, "Columns")
}

/// Opens a part of the window that is listed with the views, or in their menu.
fn choose(window: &mut Window, part: &str) -> bool {
    if let Some(menu) = window.query_by_role_and_label(Role::ComboBox, "View") {
        menu.click();
        settle(window);
    }
    let entry = window.query_by_role_and_label(Role::Button, part);
    let is_there = entry.map(|entry| entry.click_accesskit()).is_some();
    escape(window);
    is_there
}

/// Opens every section of the form, wherever it is.
fn unfold(window: &mut Window) -> bool {
    choose(window, "Controls");
    press(window, "Unfold the form");
    let sections =
        ["Fine-tuning", "Labels and validation", "Augmentation", "More settings", "Layers of the network"];
    sections.into_iter().all(|section| press(window, section))
}

fn pad_alone(window: &mut Window) -> bool {
    window.key_press(Key::F);
    true
}

fn race(window: &mut Window) -> bool {
    let race = home::race_of(&window.state().state);
    window.state_mut().state.newest_comparison = race.clone();
    race.is_some()
}

fn leave_race(window: &mut Window) {
    window.state_mut().state.newest_comparison = None;
}

fn sweep(window: &mut Window) -> bool {
    home::sweep(&mut window.state_mut().state);
    true
}

fn leave_sweep(window: &mut Window) {
    home::without_sweep(&mut window.state_mut().state);
    leave_race(window);
}

fn propose_sweep(window: &mut Window) -> bool {
    choose(window, "Controls");
    press(window, "Unfold the form");
    press(window, "Presets…") && press(window, "Sweep: Learning rate and dropout")
}

fn propose(window: &mut Window) -> bool {
    if window.query_by_label_contains("Race its head start").is_none() {
        press(window, "Runs: ");
    }
    press(window, "Race its head start")
}

/// As where no dialog of the platform can be opened.
fn type_path(window: &mut Window) -> bool {
    window.state_mut().bench.settings.view = "data".into();
    settle(window);
    let is_asked = press(window, "Open a folder…");
    window.state_mut().bench.dialog_ended(Ended::Failed);
    is_asked
}

fn notify(window: &mut Window) -> bool {
    for level in [Level::Info, Level::Warning, Level::Error] {
        let text = format!(
            "Could not save the checkpoint of {LONG}: there is no space left on the disk.\nFile: /home/runs/2026-11-23-1405-run/checkpoints/step-005200"
        );
        window.state_mut().bench.notify(Notice { about: About::Request, level, text });
    }
    true
}
