//! The pad to draw on, in the whole window.
#[path = "support/screen.rs"]
mod screen;
mod support;

use egui::{Event, Modifiers, PointerButton, Pos2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use headstart::{
    protocol::{Command, Question},
    sample::Image,
    ui::{Action, Settings},
};
use screen::{Window, click, open};

/// A window whose pad is drawn on, with a run that was trained.
fn window() -> Window {
    let fixture = support::Fixture::with_images(300, 100);
    fixture.train(&["encoder=mlp", "epochs=1"]);
    let mut session = fixture.session();
    support::wait(&mut session, |session| session.state.runs.keys().next().cloned());
    let mut window = open([1440.0, 1400.0], session.state.clone(), Settings::default());
    session.close();
    window.run_steps(4);
    window
}

/// A vertical stroke and a horizontal one, apart from each other.
fn two_strokes(window: &Window) -> Vec<Event> {
    let pad = window.get_by_label("Draw pad").rect();
    let at = |x: f32, y: f32| pad.min + pad.size() * egui::vec2(x, y);
    let button = |pos: Pos2, pressed| Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    let stroke = |from: Pos2, to: Pos2| {
        let way = (0..=20).map(|step| Event::PointerMoved(from.lerp(to, step as f32 / 20.0)));
        let mut events = vec![Event::PointerMoved(from), button(from, true)];
        events.extend(way);
        events.push(button(to, false));
        events
    };
    [stroke(at(0.2, 0.1), at(0.2, 0.9)), stroke(at(0.5, 0.2), at(0.9, 0.2))].concat()
}

/// The image that the network is given in the end.
fn shown(window: &mut Window) -> Option<Image> {
    window.run_steps(200);
    let actions = std::mem::take(&mut window.state_mut().actions);
    actions.into_iter().rev().find_map(|action| match action {
        Action::Send(Command::Ask { question: Question::Prediction { sample }, .. }) => {
            sample.image().ok().cloned()
        }
        _ => None,
    })
}

#[test]
fn strokes_within_one_frame_are_seen_as_slow_ones_are() {
    let [mut slow, mut fast] = [window(), window()];
    for event in two_strokes(&slow) {
        slow.input_mut().events.push(event);
        slow.step();
    }
    let events = two_strokes(&fast);
    fast.input_mut().events.extend(events);
    fast.step();
    let seen = shown(&mut fast).expect("nothing was drawn");
    assert_eq!(Some(&seen), shown(&mut slow).as_ref());
    let is_inked = |x: usize, y: usize| seen.pixels[y * 28 + x] > 100;
    assert!((0..28).all(|y| !is_inked(14, y) || y < 10), "something joins the strokes");
}

#[test]
fn clearing_the_pad_is_undone() {
    let mut window = window();
    let is_enabled = |window: &Window, label| !window.get_by_label(label).accesskit_node().is_disabled();
    let buttons = ["Undo on the pad", "Redo on the pad", "Clear the pad"];
    assert_eq!(buttons.map(|label| is_enabled(&window, label)), [false; 3]);
    let events = two_strokes(&window);
    window.input_mut().events.extend(events);
    window.step();
    let drawn = shown(&mut window);
    assert!(drawn.is_some());
    click(&mut window, "Clear the pad");
    assert_eq!(buttons.map(|label| is_enabled(&window, label)), [true, false, false]);
    click(&mut window, "Undo on the pad");
    assert_eq!(shown(&mut window), drawn);
    assert_eq!(buttons.map(|label| is_enabled(&window, label)), [true; 3]);
}
