//! The pad to draw on, in the whole window.
#[path = "support/screen.rs"]
mod screen;
mod support;

use egui::{Event, Key, Modifiers, PointerButton, Pos2, Rect, Shape};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use headstart::{
    evaluation::LabelCounts,
    protocol::{
        self, Answer, Command, Confidence, Familiarity, Finding, Prediction, Question,
        data::{DataReport, DataRequest},
        visual::{TestExample, VisualReport, VisualRequest},
    },
    runs::Home,
    sample::Image,
    session::{Session, State},
    shape::ImageShape,
    ui::{Action, Settings, view_ids},
};
use screen::{Window, click, draw_seven, has, open};

/// A run that was trained.
fn trained() -> State {
    let fixture = support::Fixture::with_images(300, 100);
    fixture.train(&["encoder=mlp", "epochs=1"]);
    let mut session = fixture.session();
    support::wait(&mut session, |session| session.state.runs.keys().next().cloned());
    let state = session.state.clone();
    session.close();
    state
}

fn window() -> Window {
    open([1440.0, 1400.0], trained(), Settings::default())
}

/// Before anything was trained, and until the user does not want it any more.
#[test]
fn on_a_fresh_home_the_first_digit_is_read_by_the_shipped_example() {
    let folder = tempfile::tempdir().unwrap();
    let open_again = || Session::welcome(folder.path().into(), || {}).unwrap();
    let mut session = open_again();
    let run = support::wait(&mut session, |session| session.state.runs.keys().next().cloned());
    let mut window = open([1440.0, 900.0], session.state.clone(), Settings::default());
    window.get_by_label("Watch a network learn");
    window.get_by_label_contains("This network came with the program");
    window.get_by_label("Draw a digit: the shipped example reads it.");
    draw_seven(&mut window);
    screen::wait(&mut window, &mut session, has("By the shipped example, calibrat"));
    let bars: Vec<_> = window.query_all_by_role(egui::Role::Meter).collect();
    let label = |bar: &egui_kittest::Node<'_>| bar.accesskit_node().label().unwrap_or_default();
    let sure: Vec<_> = bars.iter().map(label).filter(|label| label.ends_with("9 %")).collect();
    assert!(
        sure.len() == 1 && sure[0].starts_with("7: "),
        "{:?}",
        bars.iter().map(label).collect::<Vec<_>>()
    );
    drop(bars);
    click(&mut window, "Delete");
    screen::wait(&mut window, &mut session, has("There are no runs yet."));
    session.close();
    let session = open_again();
    session.close();
    let home = Home::open(folder.path().into()).unwrap();
    assert_eq!((home.list().unwrap(), home.is_fresh()), (vec![], false), "{run} came back");
}

#[test]
fn where_the_shipped_example_cannot_be_installed_the_window_opens_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    drop(Home::open(folder.path().into()).unwrap());
    // what is to be locked there is no file
    std::fs::create_dir(folder.path().join("runs/.lock")).unwrap();
    let mut session = Session::welcome(folder.path().into(), || {}).unwrap();
    session.poll();
    let said: Vec<_> = session.state.notices.iter().map(|notice| notice.text.as_str()).collect();
    assert!(said.len() == 1 && said[0].starts_with("Could not install the shipped example"), "{said:?}");
    session.close();
}

/// What the librarian is asked.
fn asked(window: &mut Window) -> Vec<DataRequest> {
    let actions = std::mem::take(&mut window.state_mut().actions).into_iter();
    let requests = actions.filter_map(|action| match action {
        Action::Data(request) => Some(request),
        _ => None,
    });
    requests.collect()
}

fn report(window: &mut Window, report: DataReport) {
    window.state_mut().state.apply_report(report);
    window.run_steps(4);
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

#[test]
fn the_pad_is_large_and_in_sight_beside_a_run_in_every_view() {
    let state = trained();
    for size in [[1440.0, 900.0], [1024.0, 700.0], [1920.0, 1080.0], [1152.0, 720.0]] {
        let mut window = open(size, state.clone(), Settings::default());
        let inside = Rect::from_min_size(Pos2::ZERO, size.into());
        for view in view_ids() {
            window.state_mut().bench.settings.view = view.into();
            window.run_steps(6);
            let pad = window.get_by_label("Draw pad").rect();
            assert!(pad.width() >= 240.0 && inside.contains_rect(pad), "{view} at {size:?}: {pad:?}");
        }
    }
}

#[test]
fn one_key_fills_the_screen_with_the_pad() {
    let mut window = open([1440.0, 900.0], trained(), Settings::default());
    draw_seven(&mut window);
    window.state_mut().actions.clear();
    let side = |window: &Window| window.get_by_label("Draw pad").rect().width();
    let before = side(&window);
    window.key_press(Key::F);
    window.run_steps(4);
    assert!(side(&window) > 2.0 * before, "{} after {before}", side(&window));
    assert!(window.query_by_label("Evaluation").is_none());
    click(&mut window, "Clear the pad");
    window.key_press(Key::Escape);
    window.run_steps(4);
    assert_eq!(side(&window), before);
    window.get_by_label("Evaluation");
    click(&mut window, "Fill the screen with the pad");
    click(&mut window, "Leave the full screen");
    assert_eq!(side(&window), before);
}

#[test]
fn a_digit_keeps_the_drawing_and_says_so_until_it_is_taken_back() {
    let mut window = window();
    draw_seven(&mut window);
    window.state_mut().actions.clear();
    window.key_press(Key::Num7);
    window.run_steps(4);
    let requests = asked(&mut window);
    let [DataRequest::KeepDrawing { request, label: 7, framed }] = &requests[..] else {
        panic!("{requests:?}")
    };
    assert!(framed.iter().filter(|ink| **ink > 127).count() > 30);
    window.get_by_label("Keeping it as 7…");
    report(&mut window, DataReport::Kept { request: *request, place: Some("train/7/0001.png".into()) });
    window.get_by_label("Kept as 7: 0 in Handwriting");
    assert!(window.get_by_label("Clear the pad").accesskit_node().is_disabled(), "the pad is not cleared");
    click(&mut window, "Take it back");
    let places = vec!["train/7/0001.png".into()];
    assert_eq!(asked(&mut window), [DataRequest::RemoveDrawings { places }]);
    assert!(!window.get_by_label("Clear the pad").accesskit_node().is_disabled(), "the drawing is not back");
}

#[test]
fn a_blot_is_asked_about_before_it_is_kept() {
    let mut window = window();
    let pad = window.get_by_label("Draw pad").rect();
    let dot = |window: &mut Window| {
        window.drag_at(pad.center());
        window.drop_at(pad.center());
        window.remove_cursor();
        window.run_steps(4);
        window.state_mut().actions.clear();
        window.key_press(Key::Num0);
        window.run_steps(4);
        window.get_by_label("Is this a 0?");
        assert_eq!(asked(window), []);
    };
    dot(&mut window);
    click(&mut window, "Do not keep it");
    assert!(window.query_by_label("Is this a 0?").is_none());
    assert_eq!(asked(&mut window), []);
    click(&mut window, "Clear the pad");
    dot(&mut window);
    click(&mut window, "Keep it as 0");
    assert!(matches!(asked(&mut window)[..], [DataRequest::KeepDrawing { label: 0, .. }]));
}

#[test]
fn a_test_image_stands_in_for_a_drawing() {
    let mut window = window();
    window.state_mut().bench.settings.view = "drawing".into();
    window.run_steps(4);
    window.state_mut().actions.clear();
    click(&mut window, "Take a test image");
    let requests = asked(&mut window);
    let [DataRequest::Visual(VisualRequest::TestExample { request, turn: 0, .. })] = requests[..] else {
        panic!("{requests:?}")
    };
    window.get_by_label("Taking a test image…");
    let image = Image { shape: ImageShape::new(2, 2, 3), pixels: vec![7; 12] };
    let found = Ok((image.clone(), "frog".into()));
    report(&mut window, DataReport::Visual(VisualReport::TestExample(TestExample { request, found })));
    assert_eq!(shown(&mut window), Some(image));
    window.get_by_label_contains("A test image, labelled frog.");
    click(&mut window, "Put a test image on the pad");
    let requests = asked(&mut window);
    let [DataRequest::Visual(VisualRequest::TestExample { request, turn: 1, .. })] = requests[..] else {
        panic!("{requests:?}")
    };
    report(
        &mut window,
        DataReport::Visual(VisualReport::TestExample(TestExample {
            request,
            found: Err("There are none".into()),
        })),
    );
    window.get_by_label("There are none");
}

#[test]
fn the_bars_of_an_outsider_are_grey_and_its_numbers_small() {
    let mut window = window();
    draw_seven(&mut window);
    window.run_steps(60);
    let actions = std::mem::take(&mut window.state_mut().actions).into_iter();
    let (request, run) = actions
        .filter_map(|action| match action {
            Action::Send(Command::Ask { request, run, question: Question::Prediction { .. } }) => {
                Some((request, run))
            }
            _ => None,
        })
        .last()
        .unwrap();
    let class_names: std::sync::Arc<[String]> = (0..12).map(|class| format!("class {class}")).collect();
    let mut probabilities = vec![0.0003; 12];
    probabilities[11] = 0.9967;
    let mut answer = |is_outsider| {
        let prediction = Prediction {
            class_names: class_names.clone(),
            probabilities: probabilities.clone(),
            confidence: Confidence::Calibrated { labels: LabelCounts::default() },
            familiarity: if is_outsider { Familiarity::Outside } else { Familiarity::Inside },
            strips: vec![],
        };
        let (run, finding) = (run.clone(), Some(Ok(Finding::Prediction(prediction.into()))));
        let answer =
            Answer { request, run, step: 5, share_done: if is_outsider { 1.0 } else { 0.5 }, finding };
        window.state_mut().state.apply(protocol::Event::Answer(answer));
        window.run_steps(4);
        let best = window.get_by_label("class 11: >99 %").rect();
        assert!(best.top() < window.get_by_label("class 3: <1 %").rect().top(), "the likeliest is first");
        window.get_by_label("2 other classes: <1 %");
        let mut painted: Vec<(Option<egui::Color32>, f32)> = vec![];
        for shape in &window.output().shapes {
            match &shape.shape {
                Shape::Rect(bar) if best.expand(1.0).contains_rect(bar.rect) => {
                    painted.push((Some(bar.fill), 0.0))
                }
                Shape::Text(text)
                    if best.contains(text.visual_bounding_rect().center())
                        && text.galley.text() == ">99 %" =>
                {
                    painted.push((None, text.galley.size().y));
                }
                _ => {}
            }
        }
        let selection = window.ctx.style_of(egui::Theme::Dark).visuals.selection.bg_fill;
        let is_coloured = painted.iter().any(|(fill, _)| *fill == Some(selection));
        (is_coloured, painted.iter().map(|(_, height)| *height).fold(0.0, f32::max))
    };
    let (known, height) = answer(false);
    let (outsider, small) = answer(true);
    assert_eq!([known, outsider], [true, false]);
    assert!(small > 0.0 && small < 0.9 * height, "{small} beside {height}");
}
