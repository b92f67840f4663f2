//! Plots: nothing covers the data, no impossible values on the axes, and saved plots look as on the screen.
#[path = "support/screen.rs"]
mod screen;

use egui::{
    Event as Input, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, Rect, Shape, TouchPhase, vec2,
};
use egui_kittest::kittest::Queryable as _;
use headstart::{
    metrics::{ACCURACY, KNN_ACCURACY, LOSS, Point, Split},
    protocol::{Event, Phase, Progress, RunId, RunInfo},
    session::{State, catalog},
    spec::RunSpec,
    ui::Settings,
};
use screen::{Window, click, open, save_all};

const LONG: &str =
    "A very long name: learning rate 0.003, dropout 0.25, batch 64, second attempt on Friday afternoon";

/// Finished runs, one of which was validated once only.
fn state(runs: usize) -> State {
    let mut state = State::default();
    for run in 0..runs {
        let name = if run == 1 { LONG.into() } else { format!("Run {run}") };
        add(&mut state, run, &name);
    }
    state
}

fn id(run: usize) -> RunId {
    format!("2026-11-23-14{run:02}-run").into()
}

fn add(state: &mut State, run: usize, name: &str) {
    let spec = RunSpec { name: name.into(), ..RunSpec::default() };
    let steps = 400 - 40 * (run as u64 % 5);
    state.apply(Event::Run(Box::new(RunInfo {
        marks: Default::default(),
        id: id(run),
        folder: "/runs".into(),
        live: catalog().live_params(&spec),
        spec,
        phase: Phase::Finished,
        changes: vec![],
        progress: Progress { step: steps, steps, steps_per_epoch: 100, ..Progress::default() },
        timing: vec![],
        class_names: (0..10).map(|digit| digit.to_string()).collect(),
        saved: None,
        checkpoints: vec![],
        is_sketch: false,
        learns_from_drawings: true,
        remedy: None,
    })));
    let mut points = vec![];
    for step in 1..=steps {
        let noise = ((step.wrapping_mul(2_654_435_761) >> 7) % 1000) as f64 / 1000.0 - 0.5;
        let fall = (-(step as f64) / (60.0 + 9.0 * run as f64)).exp();
        let values = [
            (LOSS, 2.3 * fall * (1.0 + 0.5 * noise) + 0.05),
            (ACCURACY, (1.0 - 0.9 * fall + 0.05 * noise).clamp(0.0, 1.0)),
        ];
        points.extend(values.map(|(metric, value)| Point { step, split: Split::Train, metric, value }));
        if step % 50 == 0 {
            let values = [(LOSS, 2.0 * fall + 0.04), (ACCURACY, 1.0 - 0.8 * fall)];
            points.extend(values.map(|(metric, value)| Point {
                step,
                split: Split::Validation,
                metric,
                value,
            }));
        }
    }
    if run == 0 {
        points.push(Point { step: 108, split: Split::Validation, metric: KNN_ACCURACY, value: 0.9 });
    }
    state.apply(Event::Points(id(run), points));
}

/// All texts on the screen, with their places.
fn texts(window: &Window) -> Vec<(String, Rect)> {
    let mut found = vec![];
    for shape in &window.output().shapes {
        collect(&shape.shape, shape.clip_rect, &mut found);
    }
    found
}

fn collect(shape: &Shape, clip: Rect, found: &mut Vec<(String, Rect)>) {
    match shape {
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| collect(shape, clip, found)),
        Shape::Text(text) => {
            let place = text.visual_bounding_rect().intersect(clip);
            let letters = text.galley.rows.iter().flat_map(|row| row.glyphs.iter().map(|glyph| glyph.chr));
            if place.is_positive() {
                found.push((letters.collect(), place));
            }
        }
        _ => {}
    }
}

/// Between the list of runs and the controls.
fn in_the_middle(window: &Window) -> Vec<(String, Rect)> {
    let left = window.get_by_label("Learning curves").rect().left() - 4.0;
    let right = window.get_by_label("New run").rect().left() - 12.0;
    let mut found = texts(window);
    found.retain(|(_, place)| place.left() > left && place.right() < right);
    found
}

/// The numbers beside and beneath the plots.
fn marks(window: &Window) -> Vec<String> {
    let is_mark = |text: &String| {
        let number = text.trim_end_matches(" %").replace(',', "");
        number.parse::<f64>().is_ok()
    };
    in_the_middle(window).into_iter().map(|(text, _)| text).filter(is_mark).collect()
}

fn assert_possible(window: &Window, when: &str) {
    let marks = marks(window);
    assert!(marks.len() > 4, "{when}: {marks:?}");
    for mark in marks {
        let number: f64 = mark.trim_end_matches(" %").replace(',', "").parse().unwrap();
        let is_share = mark.ends_with(" %");
        assert!(number >= 0.0 && (!is_share || number <= 100.0), "{when}: {mark}");
    }
}

fn wheel(window: &mut Window, at: Pos2, modifiers: Modifiers) {
    window.hover_at(at);
    window.step();
    let delta = vec2(0.0, -3.0);
    let phase = TouchPhase::Move;
    window.event_modifiers(
        Input::MouseWheel {
            unit: MouseWheelUnit::Line,
            delta,
            phase,
            source: MouseWheelSource::Wheel,
            modifiers,
        },
        modifiers,
    );
    window.run_steps(30);
    window.remove_cursor();
    window.run_steps(4);
}

fn over_accuracy(window: &Window) -> Pos2 {
    window.get_by_label("Accuracy").rect().left_bottom() + vec2(260.0, 60.0)
}

#[test]
fn names_stand_at_the_ends_of_few_lines_and_over_nothing() {
    let mut window = open([1440.0, 900.0], state(3), Settings::default());
    let names: Vec<_> = in_the_middle(&window)
        .into_iter()
        .filter(|(text, _)| text.starts_with("Run ") || text.starts_with("A very"))
        .collect();
    assert!(names.len() >= 4, "{names:?}");
    for (at, (text, place)) in names.iter().enumerate() {
        assert!(place.width() <= 125.0, "{text} is too long");
        let other = names[..at].iter().find(|(_, other)| other.intersects(*place));
        assert_eq!(other, None, "over {text}");
    }
    window.state_mut().state = state(16);
    window.run_steps(4);
    let written = in_the_middle(&window);
    let name = written.iter().find(|(text, _)| text.starts_with("Run ") || text.starts_with("A very"));
    assert_eq!(name, None, "with many runs the list is the only legend");
}

#[test]
fn a_plot_is_never_moved_off_its_data() {
    let mut window = open([1440.0, 900.0], state(3), Settings::default());
    assert_possible(&window, "at first");
    let before = marks(&window);
    let at = over_accuracy(&window);
    wheel(&mut window, at, Modifiers::NONE);
    assert_eq!(marks(&window), before, "the wheel alone scrolls the page");
    for (dx, dy) in [(900.0, 0.0), (-900.0, 0.0), (0.0, 400.0), (0.0, -400.0)] {
        let at = over_accuracy(&window);
        window.drag_at(at);
        window.step();
        window.hover_at(at + vec2(dx, dy) * 0.5);
        window.step();
        window.hover_at(at + vec2(dx, dy));
        window.step();
        assert_possible(&window, "while it is dragged");
        window.drop_at(at + vec2(dx, dy));
        window.run_steps(4);
        assert_eq!(marks(&window), before, "all there is was in sight, so nothing moves");
    }
    wheel(&mut window, at, Modifiers::COMMAND);
    assert_eq!(marks(&window), before, "zoomed out, there is no more to see");
    window.hover_at(at);
    window.step();
    window.event(Input::Zoom(3.0));
    window.run_steps(4);
    assert_ne!(marks(&window), before, "zoomed in");
    assert_possible(&window, "zoomed in");
    click(&mut window, "Follow");
    window.remove_cursor();
    window.run_steps(4);
    assert_eq!(marks(&window), before);
}

#[test]
fn a_run_is_shown_alone_and_hidden_with_all_its_lines() {
    let mut window = open([1440.0, 900.0], state(3), Settings::default());
    let lines = |window: &Window| {
        fn count(shape: &Shape) -> usize {
            match shape {
                Shape::Vec(shapes) => shapes.iter().map(count).sum(),
                Shape::Band(_) => 1,
                Shape::Path(path) => usize::from(path.points.len() > 20),
                _ => 0,
            }
        }
        window.output().shapes.iter().map(|shape| count(&shape.shape)).sum::<usize>()
    };
    let all = lines(&window);
    click(&mut window, "Show only this run's curves");
    let alone = lines(&window);
    assert_eq!(all, 3 * alone, "raw and smoothed lines of each run in two plots");
    click(&mut window, "Show the other runs again");
    assert_eq!(lines(&window), all);
    click(&mut window, "Show Run 0");
    assert_eq!(lines(&window), 2 * alone);
}

#[test]
fn the_menu_offers_what_the_shown_runs_measure() {
    let mut window = open([1440.0, 900.0], state(3), Settings::default());
    click(&mut window, "Show");
    window.get_by_label("Accuracy: logarithmic axis");
    assert!(window.query_by_label("Generator loss").is_none(), "no run measures it");
}

#[test]
fn curves_are_saved_as_they_are_seen() {
    let mut window = open([1440.0, 900.0], state(16), Settings::default());
    let saved = save_all(&mut window);
    assert_eq!(saved.iter().filter(|name| name.starts_with("accuracy.")).count(), 3, "{saved:?}");
}
