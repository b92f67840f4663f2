//! The pad under pointers, fingers and keys, at any frame rate.
use super::*;
use crate::{
    protocol::data::{DataReport, DataRequest},
    session::State,
    shape::ImageShape,
};
use egui::{
    Area, Context, Event, Id, Key, Modifiers, Order, PointerButton, Pos2, RawInput, Rect, Sense,
    TouchDeviceId, TouchId, TouchPhase,
};

const SIDE: f32 = 260.0;

/// A pad in a context, as wide as [`SIDE`], with a field for text below it.
struct Desk {
    ctx: Context,
    pad: DrawPad,
    state: State,
    /// Questions that have been asked.
    questions: u64,
    actions: Vec<Action>,
    text: String,
    /// Where the pad is.
    rect: Rect,
    /// Something lies above the whole pad.
    is_covered: bool,
    is_shown: bool,
}

impl Desk {
    fn new() -> Self {
        let ctx = Context::default();
        let mut desk = Self {
            ctx,
            pad: DrawPad::default(),
            state: State::default(),
            questions: 0,
            actions: vec![],
            text: String::new(),
            rect: Rect::NOTHING,
            is_covered: false,
            is_shown: true,
        };
        (0..3).for_each(|_| desk.frame(&[]));
        desk
    }

    fn frame(&mut self, events: &[Event]) {
        let screen_rect = Some(Rect::from_min_size(Pos2::ZERO, vec2(600.0, 600.0)));
        let input = RawInput { screen_rect, events: events.to_vec(), ..RawInput::default() };
        let ctx = self.ctx.clone();
        let mut output = ctx.run_ui(input, |ui| {
            if self.is_covered {
                let above = Area::new(Id::unique("above")).order(Order::Foreground).fixed_pos(self.rect.min);
                above.show(ui.ctx(), |ui| ui.allocate_exact_size(self.rect.size(), Sense::click()));
            }
            let at = ui.cursor().min;
            if self.is_shown {
                let asker = &mut Asker::new(&self.state, &mut self.questions, &mut self.actions);
                self.pad.pad(ui, None, SIDE, 0.08, asker);
            }
            self.rect = Rect::from_min_size(at, vec2(SIDE, SIDE));
            ui.text_edit_singleline(&mut self.text);
        });
        // nothing is painted
        output.textures_delta.clear();
    }

    /// The events in so many frames.
    fn frames(&mut self, frames: &[&[Event]]) {
        frames.iter().for_each(|events| self.frame(events));
    }

    fn at(&self, [x, y]: [f32; 2]) -> Pos2 {
        self.rect.min + vec2(x, y) * SIDE
    }

    fn press(&self, at: [f32; 2]) -> Event {
        self.button(at, true)
    }

    fn release(&self, at: [f32; 2]) -> Event {
        self.button(at, false)
    }

    fn button(&self, at: [f32; 2], pressed: bool) -> Event {
        let button = PointerButton::Primary;
        Event::PointerButton { pos: self.at(at), button, pressed, modifiers: Modifiers::NONE }
    }

    fn to(&self, at: [f32; 2]) -> Event {
        Event::PointerMoved(self.at(at))
    }

    fn touch(&self, finger: u64, phase: TouchPhase, at: [f32; 2]) -> Event {
        Event::Touch {
            device_id: TouchDeviceId(0),
            id: TouchId(finger),
            phase,
            pos: self.at(at),
            force: None,
        }
    }

    fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.frame(&[Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers }]);
    }

    /// A stroke from place to place, without any motion before it.
    fn stroke(&self, way: &[[f32; 2]]) -> Vec<Event> {
        let mut events = vec![self.press(way[0])];
        events.extend(way[1..].iter().map(|at| self.to(*at)));
        events.push(self.release(way[way.len() - 1]));
        events
    }

    /// The strokes on the pad, to a thousandth.
    fn strokes(&self) -> Vec<Vec<[f32; 2]>> {
        let rounded = |at: &[f32; 2]| at.map(|v| (v * 1000.0).round() / 1000.0);
        let strokes = self.pad.page.drawing.strokes.iter();
        strokes.map(|stroke| stroke.iter().map(rounded).collect()).collect()
    }
}

const ONE: [[f32; 2]; 3] = [[0.1, 0.1], [0.1, 0.5], [0.1, 0.9]];
const OTHER: [[f32; 2]; 4] = [[0.9, 0.1], [0.8, 0.4], [0.9, 0.6], [0.9, 0.9]];
const DOT: [[f32; 2]; 1] = [[0.5, 0.5]];

#[test]
fn strokes_are_the_same_at_any_frame_rate() {
    let desk = Desk::new();
    let mut events = vec![desk.to([0.7, 0.3]), desk.to([0.2, 0.2])];
    for way in [&ONE[..], &OTHER, &DOT] {
        events.extend(desk.stroke(way));
        events.extend([desk.to([0.6, 0.2]), desk.to([0.3, 0.8])]);
    }
    let whole = vec![events.len()];
    let single = vec![1; events.len()];
    // Frames of 0 to 6 events, by a generator of its own.
    let mut random = 1_u32;
    let mut drawn = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 16) as usize % 7
    };
    let mixed = (0..200).map(|_| (0..events.len()).map(|_| drawn()).collect::<Vec<_>>());
    for sizes in [whole, single].into_iter().chain(mixed) {
        let mut desk = Desk::new();
        let mut left = &events[..];
        for size in &sizes {
            let (frame, rest) = left.split_at((*size).min(left.len()));
            desk.frame(frame);
            left = rest;
        }
        desk.frame(left);
        assert_eq!(desk.strokes(), [ONE.to_vec(), OTHER.to_vec(), DOT.to_vec()], "in frames of {sizes:?}");
    }
}

#[test]
fn a_stroke_begins_on_the_pad_and_stays_on_it() {
    let mut desk = Desk::new();
    let from_outside = desk.stroke(&[[-0.1, 0.5], [0.5, 0.5]]);
    desk.frame(&from_outside);
    assert!(desk.strokes().is_empty());
    let to_outside = desk.stroke(&[[0.5, 0.5], [1.5, 0.6], [0.5, 0.7]]);
    desk.frame(&to_outside);
    assert_eq!(desk.strokes(), [[[0.5, 0.5], [1.0, 0.6], [0.5, 0.7]]]);
}

#[test]
fn what_lies_above_the_pad_is_pressed_instead() {
    let mut desk = Desk::new();
    desk.is_covered = true;
    desk.frame(&[]);
    let stroke = desk.stroke(&ONE);
    desk.frame(&stroke);
    assert!(desk.strokes().is_empty());
    desk.is_covered = false;
    desk.frames(&[&[], &[]]);
    desk.frame(&stroke);
    assert_eq!(desk.strokes(), [ONE]);
}

/// In the order of egui-winit.
#[test]
fn fingers_draw_one_line_each() {
    use TouchPhase::{Cancel, End, Move, Start};
    let mut desk = Desk::new();
    let start = |desk: &Desk, at| [desk.touch(1, Start, at), desk.to(at), desk.press(at)];
    let end = |desk: &Desk, at| [desk.touch(1, End, at), desk.release(at), Event::PointerGone];
    let events = [
        start(&desk, ONE[0]).to_vec(),
        // A second finger is no pointer while the first one is.
        vec![desk.touch(2, Start, [0.9, 0.9]), desk.touch(1, Move, ONE[1]), desk.to(ONE[1])],
        vec![desk.touch(2, Move, [0.8, 0.9]), desk.touch(1, Move, ONE[2]), desk.to(ONE[2])],
        end(&desk, ONE[2]).to_vec(),
        // It becomes one without having been pressed.
        vec![desk.touch(2, Move, [0.7, 0.9]), desk.to([0.7, 0.9])],
        vec![desk.touch(2, End, [0.7, 0.9]), desk.release([0.7, 0.9]), Event::PointerGone],
        start(&desk, OTHER[0]).to_vec(),
        vec![desk.touch(1, Cancel, OTHER[0]), Event::PointerGone, desk.to([0.5, 0.5])],
    ];
    let wanted = [ONE.to_vec(), vec![OTHER[0]]];
    desk.frame(&events.concat());
    assert_eq!(desk.strokes(), wanted);
    let mut slow = Desk::new();
    events.concat().iter().for_each(|event| slow.frame(std::slice::from_ref(event)));
    assert_eq!(slow.strokes(), wanted);
}

#[test]
fn nothing_is_drawn_between_leaving_the_window_and_coming_back() {
    let mut desk = Desk::new();
    let away = [desk.press(ONE[0]), desk.to(ONE[1]), Event::PointerGone];
    let back = [desk.to(OTHER[1]), desk.to(OTHER[2]), desk.release(OTHER[2])];
    desk.frames(&[&away, &[], &back]);
    assert_eq!(desk.strokes(), [ONE[..2].to_vec(), OTHER[1..3].to_vec()]);
    desk.key(Modifiers::COMMAND, Key::Z);
    assert!(desk.strokes().is_empty(), "it was one stroke of the pen");
}

#[test]
fn a_pen_that_was_lifted_out_of_sight_draws_no_more() {
    let mut desk = Desk::new();
    desk.frame(&[desk.press(ONE[0]), desk.to(ONE[1])]);
    desk.is_shown = false;
    desk.frame(&[desk.release(ONE[2])]);
    desk.is_shown = true;
    desk.frame(&[desk.to(OTHER[1])]);
    assert_eq!(desk.strokes(), [ONE[..2].to_vec()]);
}

#[test]
fn strokes_and_clearing_are_undone_and_redone() {
    let mut desk = Desk::new();
    let both = [desk.stroke(&ONE), desk.stroke(&OTHER)].concat();
    desk.frame(&both);
    desk.pad.clear();
    desk.frame(&[]);
    assert!(desk.strokes().is_empty() && desk.pad.image().is_none());
    let [two, one, none] = [vec![ONE.to_vec(), OTHER.to_vec()], vec![ONE.to_vec()], vec![]];
    let undo = (Modifiers::COMMAND, Key::Z);
    let redo = (Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    let keys = [undo, undo, undo, undo, redo, (Modifiers::COMMAND, Key::Y), redo, redo, undo];
    let wanted = [&two, &one, &none, &none, &one, &two, &none, &none, &two];
    for ((modifiers, key), wanted) in keys.into_iter().zip(wanted) {
        desk.key(modifiers, key);
        assert_eq!(desk.strokes(), *wanted);
        assert_eq!(desk.pad.image().is_some(), !wanted.is_empty(), "what the network sees lags behind");
    }
    let dot = desk.stroke(&DOT);
    desk.frame(&dot);
    desk.key(Modifiers::COMMAND, Key::Y);
    assert_eq!(desk.strokes().len(), 3, "there is nothing to redo after a new stroke");
}

#[test]
fn a_picture_makes_room_for_the_pen_and_comes_back() {
    let mut desk = Desk::new();
    let one = desk.stroke(&ONE);
    desk.frame(&one);
    let photograph = Image { shape: ImageShape::new(2, 2, 3), pixels: vec![7; 12] };
    desk.pad.show(photograph.clone());
    let other = desk.stroke(&OTHER);
    desk.frame(&other);
    assert_eq!(desk.strokes(), [OTHER]);
    desk.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(desk.pad.image(), Some(&photograph));
    desk.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(desk.strokes(), [ONE]);
}

#[test]
fn a_field_for_text_keeps_its_own_undo() {
    let mut desk = Desk::new();
    let mut events = desk.stroke(&ONE);
    events.extend(desk.stroke(&[[0.2, 1.05]]));
    desk.frames(&[&events, &[], &[]]);
    let field = desk.stroke(&[[0.2, 1.05]]);
    desk.frames(&[&field[..1], &field[1..], &[]]);
    assert!(desk.ctx.text_edit_focused());
    desk.frame(&[Event::Text("a".into())]);
    desk.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(desk.strokes(), [ONE]);
}

/// What the librarian was asked.
fn asked(desk: &mut Desk) -> Vec<DataRequest> {
    let requests = desk.actions.drain(..).filter_map(|action| match action {
        Action::Data(request) => Some(request),
        _ => None,
    });
    requests.collect()
}

#[test]
fn a_digit_keeps_the_drawing_clears_the_pad_and_is_undone_and_redone() {
    let mut desk = Desk::new();
    desk.key(Modifiers::NONE, Key::Num7);
    assert_eq!(asked(&mut desk), [], "there is nothing to keep");
    let stroke = desk.stroke(&OTHER);
    desk.frame(&stroke);
    let framed = desk.pad.image().unwrap().pixels.clone();
    desk.key(Modifiers::NONE, Key::Num7);
    let kept = |request| DataRequest::KeepDrawing { request, label: 7, framed: framed.clone() };
    assert_eq!((asked(&mut desk), desk.pad.image()), (vec![kept(1)], None));
    let place = std::path::PathBuf::from("train/7/0001.png");
    desk.state.apply_report(DataReport::Kept { request: 1, place: Some(place.clone()) });
    desk.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(asked(&mut desk), [DataRequest::RemoveDrawings { places: vec![place] }]);
    assert_eq!(desk.strokes(), [OTHER]);
    desk.key(Modifiers::COMMAND, Key::Y);
    assert_eq!((asked(&mut desk), desk.pad.image()), (vec![kept(3)], None));
    desk.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(asked(&mut desk), [], "it is not known yet where it is");
    let place = std::path::PathBuf::from("test/7/0002.png");
    desk.state.apply_report(DataReport::Kept { request: 3, place: Some(place.clone()) });
    desk.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(asked(&mut desk), [DataRequest::RemoveDrawings { places: vec![place] }]);
    assert!(desk.strokes().is_empty());
}

#[test]
fn blots_images_of_a_data_set_and_typed_digits_are_not_kept() {
    let mut desk = Desk::new();
    let dot = desk.stroke(&DOT);
    desk.frame(&dot);
    desk.key(Modifiers::NONE, Key::Num0);
    assert_eq!(asked(&mut desk), []);
    assert_eq!(desk.strokes(), [DOT], "it is asked about first");
    let mut desk = Desk::new();
    let seven = Image {
        shape: ImageShape::new(28, 28, 1),
        pixels: (0..784).map(|at| if at % 28 == 9 { 255 } else { 0 }).collect(),
    };
    desk.pad.show(seven);
    desk.key(Modifiers::NONE, Key::Num1);
    assert_eq!(asked(&mut desk), []);
    let mut desk = Desk::new();
    let mut events = desk.stroke(&OTHER);
    events.extend(desk.stroke(&[[0.2, 1.05]]));
    desk.frames(&[&events, &[], &[]]);
    let field = desk.stroke(&[[0.2, 1.05]]);
    desk.frames(&[&field[..1], &field[1..], &[]]);
    assert!(desk.ctx.text_edit_focused());
    desk.key(Modifiers::NONE, Key::Num1);
    assert_eq!((asked(&mut desk), desk.strokes()), (vec![], vec![OTHER.to_vec()]));
}

#[test]
fn delete_clears_the_pad() {
    let mut desk = Desk::new();
    let one = desk.stroke(&ONE);
    desk.frame(&one);
    desk.key(Modifiers::NONE, Key::Delete);
    assert!(desk.strokes().is_empty());
    desk.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(desk.strokes(), [ONE]);
}
