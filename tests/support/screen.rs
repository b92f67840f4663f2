//! A window without a screen, and a session behind it.
#![allow(dead_code, reason = "each test file uses its own part")]
use cpu_renderer::CpuRenderer;
use egui::Theme;
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use headstart::{
    session::{Session, State, catalog},
    spec::Catalog,
    ui::{Action, Settings, Workbench, install},
};
use std::time::Duration;

pub mod cpu_renderer;
mod svg;

pub struct Screen {
    pub bench: Workbench,
    pub state: State,
    /// What was wished for and nobody has taken yet.
    pub actions: Vec<Action>,
}

pub type Window = Harness<'static, Screen>;

pub fn open(size: [f32; 2], state: State, settings: Settings) -> Window {
    open_with(catalog(), size, state, settings)
}

/// As [`open`], with something else to choose from.
pub fn open_with(catalog: Catalog, size: [f32; 2], state: State, settings: Settings) -> Window {
    let builder = Harness::builder().with_size(size).with_theme(Theme::Dark).renderer(CpuRenderer::default());
    let screen = Screen { bench: Workbench::new(settings), state, actions: vec![] };
    let mut window = builder.with_context_setup(install).build_ui_state(
        move |ui, screen: &mut Screen| {
            let asked = screen.bench.ui(ui, &screen.state, &catalog);
            screen.actions.extend(asked);
        },
        screen,
    );
    window.run_steps(4);
    window
}

/// As [`open`], with a view in the middle.
pub fn open_view(view: &str, size: [f32; 2], dark: bool, state: State) -> Window {
    open(size, state, Settings { view: view.into(), dark, ..Settings::default() })
}

/// Carries wishes to the session and answers back until something is there; gives what was wished for.
#[track_caller]
pub fn wait(window: &mut Window, session: &mut Session, found: impl Fn(&Window) -> bool) -> Vec<Action> {
    let mut asked = vec![];
    for _ in 0..3000 {
        window.step();
        for action in std::mem::take(&mut window.state_mut().actions) {
            asked.push(action.clone());
            match action {
                Action::Send(command) => session.send(command),
                Action::Data(request) => session.ask(request),
                _ => {}
            }
        }
        session.wait(Duration::from_millis(10));
        window.state_mut().state = session.state.clone();
        window.step();
        if found(window) {
            window.run_steps(8);
            return asked;
        }
    }
    panic!("waited in vain; asked {asked:?}, notices: {:?}", session.state.notices);
}

pub fn has(label: &'static str) -> impl Fn(&Window) -> bool {
    move |window| window.query_by_label_contains(label).is_some()
}

/// Also what is scrolled out of sight.
pub fn click(window: &mut Window, label: &str) {
    window.get_by_label(label).click_accesskit();
    window.run_steps(4);
}

/// Waits until the pictures that are being opened are there, or what is wrong with them is said.
#[track_caller]
pub fn until_opened(window: &mut Window) {
    for _ in 0..3000 {
        window.step();
        if window.query_by_label("Opening the picture…").is_none() {
            return window.run_steps(4);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no picture came");
}

/// Saves all that is offered to be saved, in every format; gives the names of the files.
pub fn save_all(window: &mut Window) -> Vec<String> {
    let named = |window: &Window| -> Vec<String> {
        let buttons = window.query_all_by_role(egui::Role::Button);
        buttons.filter_map(|node| node.accesskit_node().label()).collect()
    };
    window.state_mut().actions.clear();
    for what in named(window).into_iter().filter(|name| name.starts_with("Save ")) {
        for format in ["As SVG…", "As PNG…", "As CSV…"] {
            click(window, &what);
            if named(window).iter().any(|name| name == format) {
                click(window, format);
            } else {
                click(window, &what);
            }
            window.run_steps(24);
        }
    }
    let saved = window.state_mut().actions.drain(..).filter_map(|action| match action {
        Action::Save(file) => Some(file.unwrap()),
        _ => None,
    });
    let saved: Vec<_> = saved.collect();
    for pair in saved.windows(2) {
        let stem =
            |file: &headstart::ui::File, ending: &str| file.name.strip_suffix(ending).map(str::to_owned);
        if let (Some(svg), Some(png)) = (stem(&pair[0], ".svg"), stem(&pair[1], ".png")) {
            assert_eq!(svg, png, "the same picture in two formats");
            svg::assert_same(&svg, &pair[0].bytes, &pair[1].bytes);
        }
    }
    saved
        .into_iter()
        .inspect(|file| assert!(file.bytes.len() > 60, "{} is empty", file.name))
        .map(|file| file.name)
        .collect()
}

/// Draws on the pad, by the pointer.
pub fn draw_seven(window: &mut Window) {
    let pad = window.get_by_label("Draw pad").rect();
    let at = |x: f32, y: f32| pad.min + pad.size() * egui::vec2(x, y);
    let mut way: Vec<_> = (0..=10).map(|i| at(0.25 + 0.05 * i as f32, 0.22)).collect();
    way.extend((1..=10).map(|i| at(0.75 - 0.033 * i as f32, 0.22 + 0.06 * i as f32)));
    window.drag_at(way[0]);
    window.step();
    for point in &way[1..] {
        window.hover_at(*point);
        window.step();
    }
    window.drop_at(way[way.len() - 1]);
    window.run_steps(4);
    window.remove_cursor();
    window.run_steps(4);
}
