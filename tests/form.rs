//! The form, the panels around the middle, notices and paths, at the sizes that windows have.
#[path = "support/screen.rs"]
mod screen;

use egui::{Key, Modifiers, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use headstart::{
    metrics::{self, Point, Split},
    protocol::{
        About, Command, Event, Level, Notice, Phase, Preparing, Progress, RunId, RunInfo,
        data::{Collection, DataReport, Opened},
    },
    sample::Modality,
    session::{State, catalog},
    shape::ImageShape,
    spec::{Choice, RunSpec},
    ui::{
        Action, Settings,
        dialogs::{Ended, Wanted},
    },
};
use screen::{Window, click, until_opened};
use std::sync::Arc;

const LONG: &str =
    "A very long name: learning rate 0.003, dropout 0.25, batch 64, the second attempt on a Friday afternoon";

/// The margin that the harness leaves around the window.
const MARGIN: f32 = 8.0;

fn open(size: [f32; 2], state: State) -> Window {
    screen::open(size.map(|side| side + 2.0 * MARGIN), state, Settings::default())
}

fn id(index: usize) -> RunId {
    format!("2026-11-28-14{index:02}-run").into()
}

fn state(count: usize, objective: &str, phase: &Phase) -> State {
    let mut state = State::default();
    for index in 0..count {
        let mut spec = RunSpec { name: format!("{index} {LONG}"), ..RunSpec::default() };
        spec.encoder = Choice::new("compact_cnn");
        spec.objective = Choice::new(objective);
        state.apply(Event::Run(Box::new(RunInfo {
            marks: Default::default(),
            id: id(index),
            folder: "/home/runs/run".into(),
            live: catalog().live_params(&spec),
            phase: phase.clone(),
            changes: vec![],
            progress: Progress { steps: 100, steps_per_epoch: 10, ..Progress::default() },
            timing: vec![],
            class_names: (0..10).map(|digit| digit.to_string()).collect(),
            remedy: None,
            saved: None,
            checkpoints: vec![],
            is_sketch: false,
            learns_from_drawings: true,
            spec,
        })));
    }
    state
}

fn started(window: &mut Window) -> RunSpec {
    window.state_mut().actions.clear();
    click(window, "Start training");
    let mut actions = window.state().actions.iter();
    let started = actions.find_map(|action| match action {
        Action::Send(Command::Start(spec)) => Some((**spec).clone()),
        _ => None,
    });
    started.expect("nothing was started")
}

fn is_startable(window: &Window) -> bool {
    !window.get_by_label("Start training").accesskit_node().is_disabled()
}

/// The window sizes and zooms of the tests: pixels, then the factor.
const SIZES: [([f32; 2], f32); 9] = [
    ([2560.0, 1440.0], 1.0),
    ([1440.0, 900.0], 1.0),
    ([1440.0, 900.0], 1.25),
    ([1440.0, 900.0], 1.5),
    ([1440.0, 900.0], 2.0),
    ([1024.0, 700.0], 1.0),
    ([1024.0, 700.0], 1.25),
    ([1024.0, 700.0], 1.5),
    ([1024.0, 700.0], 2.0),
];

#[test]
fn curves_and_what_is_turned_are_together_at_every_size() {
    for (pixels, zoom) in SIZES {
        let size = pixels.map(|side| side / zoom);
        let mut window = open(size, state(7, "classify", &Phase::Running));
        window.run_steps(8);
        let [width, height] = size;
        for (role, name) in
            [(Role::Button, "Follow"), (Role::Button, "Pause"), (Role::Slider, "Learning rate")]
        {
            let rect = window.get_by_role_and_label(role, name).rect();
            let inside = egui::Rect::from_min_size(egui::pos2(MARGIN, MARGIN), egui::vec2(width, height));
            let is_whole = inside.contains_rect(rect);
            assert!(is_whole, "{name} at {pixels:?}, zoom {zoom}: {rect:?}");
        }
    }
}

#[test]
fn at_the_first_start_the_whole_pad_and_the_first_button_are_in_sight() {
    for size in [[1440.0, 900.0], [1024.0, 700.0]] {
        let window = open(size, State::default());
        let inside = egui::Rect::from_min_size(egui::pos2(MARGIN, MARGIN), size.into());
        for (role, name) in [(Role::Canvas, "Draw pad"), (Role::Button, "Start training")] {
            let rect = window.get_by_role_and_label(role, name).rect();
            assert!(inside.contains_rect(rect), "{name} at {size:?}: {rect:?}");
        }
    }
}

#[test]
fn no_panel_grows_whatever_is_in_it() {
    for size in [[1440.0, 900.0], [1024.0, 700.0]] {
        let mut window = open(size, state(7, "contrastive", &Phase::Finished));
        let left = |window: &Window| window.get_by_label("Start training").rect();
        let before = left(&window);
        for section in ["More settings", "Augmentation", "Labels and validation", "Fine-tuning"] {
            click(&mut window, section);
            window.run_steps(20);
        }
        window.get_by_role_and_label(Role::ComboBox, "Begin with").click_accesskit();
        window.run_steps(4);
        let name =
            window.query_all_by_label_contains("3 A very long name").last().expect("the run is offered");
        name.click_accesskit();
        window.run_steps(20);
        assert_eq!(left(&window).x_range(), before.x_range(), "{size:?}");
        for label in ["Name", "Begin with", "Validations per epoch"] {
            let rect = window.get_all_by_label(label).next().expect(label).rect();
            assert!(rect.min.x >= before.min.x - 1.0, "{label} {rect:?}");
        }
        assert_eq!(started(&mut window).init_from.as_deref(), Some(&*id(3)));
    }
}

#[test]
fn what_does_not_serve_the_data_is_greyed_out() {
    let mut catalog = catalog();
    catalog.modalities.values_mut().for_each(|modality| *modality = Modality::Text);
    let state = state(1, "classify", &Phase::Finished);
    let mut window = screen::open_with(catalog, [1440.0, 900.0], state, Settings::default());
    window.get_by_label_contains("Choose another network");
    window.get_by_label("Works with images, and this data set holds text");
    window.get_by_role_and_label(Role::ComboBox, "Network").click_accesskit();
    window.run_steps(4);
    let is_offered = |label| !window.get_by_label(label).accesskit_node().is_disabled();
    assert!(!is_startable(&window) && !is_offered("Multilayer perceptron"));
    assert!(!is_offered("Why") && is_offered("Curves"), "views of the selected run");
}

#[test]
fn a_path_is_typed_letter_by_letter() {
    let mut window = open([1440.0, 900.0], State::default());
    window.state_mut().bench.picked_dataset("/".into());
    window.run_steps(4);
    let path = |window: &Window| {
        let field = window.get_by_role_and_label(Role::TextInput, "Path");
        (field.is_focused(), field.value())
    };
    window.get_by_role_and_label(Role::TextInput, "Path").focus();
    window.run_steps(2);
    window.key_press(Key::Backspace);
    window.run_steps(2);
    assert_eq!(path(&window), (true, Some(String::new())), "emptied, and a reason appears above");
    for letter in "/tmp/images".chars() {
        window.event(egui::Event::Text(letter.into()));
        window.run_steps(2);
    }
    assert_eq!(path(&window), (true, Some("/tmp/images".into())));
}

#[test]
fn fine_tuning_begins_with_the_selected_run_or_asks() {
    let preset = |state| {
        let mut window = open([1440.0, 900.0], state);
        click(&mut window, "Presets…");
        click(&mut window, "Fine-tuning on 10 labels");
        window
    };
    let mut window = preset(state(1, "contrastive", &Phase::Finished));
    assert_eq!(started(&mut window).init_from.as_deref(), Some(&*id(0)));
    let mut window = preset(State::default());
    assert!(!is_startable(&window));
    window.get_by_label_contains("Choose what to begin with");
    window.get_by_role_and_label(Role::ComboBox, "Begin with").click_accesskit();
    window.run_steps(4);
    click(&mut window, "Nothing: from scratch");
    let spec = started(&mut window);
    assert_eq!((spec.init_from, spec.training.get("encoder_lr_factor")), (None, None));
}

#[test]
fn photographs_of_ones_own_get_a_recipe_that_suits_them_and_the_former_one_back() {
    let mut window = open([1440.0, 900.0], State::default());
    window.state_mut().bench.picked_dataset("/photographs".into());
    window.run_steps(4);
    let collection = Collection {
        shape: ImageShape::new(64, 64, 3).into(),
        class_names: vec!["ant".into(), "bee".into()],
        train: vec![],
        test: vec![],
        memory: 123 << 20,
        free: 5 << 30,
        remarks: vec![],
        kept: Default::default(),
    };
    let dataset = Choice { path: Some("/photographs".into()), ..Choice::new("files") };
    let opened = Opened { request: 9, dataset, found: Ok(Arc::new(collection)) };
    window.state_mut().state.apply_report(DataReport::Opened(opened));
    window.run_steps(4);
    window.get_by_label_contains("These look like photographs: ");
    let spec = started(&mut window);
    assert_eq!(spec.init_from.as_deref(), Some("imagenet_efficientnet_lite0"));
    assert_eq!(spec.dataset.path, Some("/photographs".into()));
    click(&mut window, "Keep my recipe");
    assert!(window.query_by_label_contains("These look like photographs: ").is_none());
    window.get_by_label(
        "123 MiB of memory for 0 examples of 64 by 64 pixels in 3 channels; 5.0 GiB more are free",
    );
    let spec = started(&mut window);
    assert_eq!((spec.encoder.id.as_str(), spec.init_from), ("compact_cnn", None));
    assert!(!spec.augmentation.contains_key("elastic") && spec.augmentation["flip"] > 0.0);
}

#[test]
fn images_that_cannot_be_taken_are_refused_before_a_run_begins() {
    let mut window = open([1440.0, 900.0], State::default());
    let why = "Its images would take 15.7 GiB of memory, and 8.0 GiB are free";
    let dataset = started(&mut window).dataset;
    let opened = Opened { request: 9, dataset, found: Err(why.into()) };
    window.state_mut().state.apply_report(DataReport::Opened(opened));
    window.run_steps(4);
    window.get_by_label_contains(why);
}

/// The commands that the window has sent since the last call.
fn commands(window: &mut Window) -> Vec<Command> {
    let taken = window.state_mut().actions.drain(..).filter_map(|action| match action {
        Action::Send(command) => Some(command),
        _ => None,
    });
    taken.collect()
}

#[test]
fn a_run_in_the_hands_of_another_program_is_looked_at_and_not_resumed() {
    let mut window = open([1440.0, 900.0], state(1, "classify", &Phase::Elsewhere));
    window.get_by_label("Elsewhere");
    assert!(window.query_by_label("Resume").is_none() && window.query_by_label("Delete").is_none());
    commands(&mut window);
    click(&mut window, "Look again");
    assert_eq!(commands(&mut window), [Command::Reopen(id(0))]);
}

#[test]
fn a_run_without_weights_is_not_asked_and_says_why() {
    for view in ["drawing", "why", "inside", "map"] {
        let state = state(1, "classify", &Phase::Stopped);
        let mut window = screen::open_view(view, [1440.0, 900.0], true, state);
        screen::draw_seven(&mut window);
        window.run_steps(20);
        let asked = commands(&mut window);
        assert_eq!(asked, [], "{view}");
        let said = window.query_all_by_label_contains("This run has not been saved yet. Resume it first.");
        assert_eq!(said.count(), 2, "{view}: on the pad and in the view");
    }
}

#[test]
fn the_training_panel_has_the_headline_of_the_objective_and_what_holds_up_the_next_step() {
    let mut window = open([1440.0, 900.0], state(1, "rotation", &Phase::Running));
    let point = |split, metric, value| Point { step: 9, split, metric, value };
    let points = vec![
        point(Split::Train, metrics::LOSS, 1.25),
        point(Split::Validation, metrics::LINEAR_ACCURACY, 0.9),
        point(Split::Validation, metrics::ROTATION_ACCURACY, 0.5),
    ];
    let aside = Preparing { what: "Validating", done: 3000, total: 16_000, secs_left: Some(5.0) };
    let progress =
        Progress { aside: Some(aside), step: 9, steps: 100, steps_per_epoch: 10, ..Progress::default() };
    window.state_mut().state.apply(Event::Points(id(0), points));
    window.state_mut().state.apply(Event::Progress(id(0), progress));
    window.run_steps(4);
    window.get_by_label("Loss 1.25 · validation rotation accuracy 50.0 %");
    window.get_by_label_contains("Validating: 3,000 of 16,000 · 5 s left");
    let plots = window.query_all_by_label("Rotation accuracy").count();
    assert!(plots > 0, "the headline is among the curves that are shown at first");
}

#[test]
fn the_same_notice_is_kept_once_and_counted() {
    let mut window = open([1440.0, 900.0], State::default());
    for text in ["Could not score the drawing", "Saved", "Could not score the drawing"] {
        window.state_mut().bench.notify(Notice {
            about: About::Request,
            level: Level::Error,
            text: text.into(),
        });
    }
    window.run_steps(4);
    assert_eq!(window.query_all_by_label("Could not score the drawing").count(), 1);
    window.run_steps(2000);
    click(&mut window, "Notices: 2 unread");
    window.get_by_label_contains("ago, 2 times");
}

#[test]
fn notices_are_whole_inside_the_middle_and_kept() {
    for size in [[1440.0, 900.0], [720.0, 450.0]] {
        let mut window = open(size, state(3, "classify", &Phase::Finished));
        let text = "Could not start the comparison: the images are not on this computer yet. ".repeat(3);
        for level in [Level::Info, Level::Error] {
            let text = format!("{level:?}: {text}");
            window.state_mut().bench.notify(Notice { about: About::Request, level, text });
        }
        window.run_steps(4);
        let popped_up = window.get_by_label_contains("Error: Could not start").rect();
        assert!(popped_up.min.x > 0.0 && popped_up.max.x < size[0], "{popped_up:?}");
        if size[0] > 1100.0 {
            let runs = window.get_by_label("Runs").rect();
            assert!(popped_up.min.x > runs.min.x + 220.0, "{popped_up:?} covers the runs");
        }
        window.run_steps(2000);
        assert!(window.query_by_label_contains("Error: Could not start").is_none(), "it stays for ever");
        click(&mut window, "Notices: 2 unread");
        window.get_by_label_contains("Error: Could not start");
        window.get_by_label("Information");
        click(&mut window, "Dismiss all");
        window.get_by_label_contains("There are none.");
        window.get_by_label("Notices: 0 unread");
    }
}

#[test]
fn zoom_buttons_stay_under_the_pointer() {
    let mut window = open([1440.0, 900.0], State::default());
    // The harness leaves a margin, which zooms too.
    let pixels = |window: &Window, name: &str| {
        let rect = window.get_by_label(name).rect().translate(egui::vec2(MARGIN, -MARGIN));
        rect * window.ctx.zoom_factor()
    };
    let at = pixels(&window, "Larger (Ctrl and +)").center();
    for zoom in [1.25, 1.5, 1.75, 2.0] {
        click(&mut window, "Larger (Ctrl and +)");
        assert_eq!(window.state().bench.settings.zoom, zoom);
        assert!(pixels(&window, "Larger (Ctrl and +)").contains(at), "{zoom}");
    }
    let at = pixels(&window, "Smaller (Ctrl and −)").center();
    for zoom in [1.75, 1.5, 1.25, 1.0] {
        assert!(pixels(&window, "Smaller (Ctrl and −)").contains(at), "{zoom}");
        click(&mut window, "Smaller (Ctrl and −)");
        assert_eq!(window.state().bench.settings.zoom, zoom);
    }
    for (key, zoom) in [(Key::Plus, 1.25), (Key::Equals, 1.5), (Key::Minus, 1.25), (Key::Num0, 1.0)] {
        window.key_press_modifiers(Modifiers::COMMAND, key);
        window.run_steps(3);
        assert_eq!((window.state().bench.settings.zoom, window.ctx.zoom_factor()), (zoom, zoom));
    }
}

#[test]
fn without_a_dialog_a_path_is_typed() {
    let mut window = open([1440.0, 900.0], State::default());
    click(&mut window, "Open an image…");
    assert!(window.state().actions.contains(&Action::PickImage));
    window.get_by_label("Type the path instead");
    window.state_mut().bench.dialog_ended(Ended::Failed);
    window.run_steps(4);
    window.get_by_label_contains("zenity");
    let folder = tempfile::tempdir().unwrap();
    let type_path = |window: &mut Window, name: &str| {
        let path = folder.path().join(name).display().to_string();
        window.event(egui::Event::Text(path));
        window.run_steps(2);
        window.key_press(Key::Enter);
        window.run_steps(4);
        until_opened(window);
    };
    type_path(&mut window, "nothing.png");
    window.get_by_label_contains("nothing.png");
    window.get_by_label("Open");
    click(&mut window, "Cancel");
    assert!(window.query_by_label("Open").is_none());
    click(&mut window, "Open an image…");
    click(&mut window, "Type the path instead");
    image::GrayImage::from_fn(28, 28, |x, _| image::Luma([if x == 9 { 255 } else { 0 }]))
        .save(folder.path().join("one.png"))
        .unwrap();
    type_path(&mut window, "one.png");
    assert!(window.query_by_label("Cancel").is_none(), "the picture was opened");
    window.state_mut().bench.dialog_ended(Ended::Chosen(Wanted::DataFolder, "/data".into()));
    window.run_steps(4);
    assert_eq!(window.state().bench.settings.view, "data");
}

#[test]
fn a_number_that_is_given_a_range_makes_a_sweep_of_the_form() {
    let mut window = open([1440.0, 2400.0], State::default());
    window.get_by_role_and_label(Role::SpinButton, "Batch size").focus();
    window.run_steps(2);
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.event(egui::Event::Text("16, 32, 64".into()));
    window.run_steps(2);
    window.key_press(Key::Enter);
    window.run_steps(4);
    assert!(window.query_by_label("Start training").is_none());
    click(&mut window, "Start a sweep…");
    window.get_by_label("Start the sweep");
    window.get_by_label("16, 32, 64");
    window.get_by_role_and_label(Role::ComboBox, "Search").click_accesskit();
    window.run_steps(4);
    click(&mut window, "Grid");
    window.get_by_role_and_label(Role::ComboBox, "Early stopping").click_accesskit();
    window.run_steps(4);
    click(&mut window, "At each look one of 2 goes on");
    assert!(!window.get_by_label("Start the sweep").accesskit_node().is_disabled());
    click(&mut window, "At most");
    window.state_mut().actions.clear();
    click(&mut window, "Start the sweep");
    let asked = window.state().actions.iter().find_map(|action| match action {
        Action::Send(Command::Compare(sweep)) => Some((**sweep).clone()),
        _ => None,
    });
    let sweep = asked.expect("nothing was started");
    let search = sweep.search.as_ref().unwrap();
    assert_eq!((search.kind, search.trials, sweep.axes.len()), ("grid", 3, 1));
    assert_eq!((search.halving, search.minutes), (2, Some(10.0)));
    click(&mut window, "Try one value of batch size alone");
    window.get_by_label("Start training");
}

#[test]
fn a_run_that_waits_says_its_place_and_can_begin_or_move() {
    let mut state = state(3, "classify", &Phase::Stopped);
    state.apply(Event::Queue(vec![id(0), id(2), id(1)]));
    let mut window = open([1440.0, 1400.0], state);
    window.get_by_label("Waits, next in line");
    window.get_by_label("Waits, number 3 of 3");
    assert!(window.query_by_label("Resume").is_none(), "the newest is selected, and waits");
    for (label, order) in [
        ("Let it begin earlier", vec![id(2), id(0), id(1)]),
        ("Let it begin later", vec![id(0), id(1), id(2)]),
        ("Take it out of the queue: it can be resumed later", vec![id(0), id(1)]),
    ] {
        commands(&mut window);
        click(&mut window, label);
        assert_eq!(commands(&mut window), [Command::Queue(order)]);
    }
    click(&mut window, "Start now");
    assert_eq!(commands(&mut window), [Command::Resume(id(2))]);
    window.state_mut().state.apply(Event::Queue(vec![]));
    window.run_steps(2);
    window.get_by_label("Resume");
}

#[test]
fn a_beginning_is_chosen_with_its_step_and_its_figure() {
    let mut state = state(1, "contrastive", &Phase::Finished);
    let run = state.runs.get_mut(&id(0)).unwrap();
    (run.saved, run.checkpoints) = (Some(200), vec![100, 200]);
    let metric = catalog().headline(&run.spec).id;
    let point = |step, value| Point { step, split: Split::Validation, metric, value };
    state.apply(Event::Points(id(0), vec![point(100, 0.5), point(200, 0.75)]));
    let mut window = open([1440.0, 1400.0], state);
    click(&mut window, "Presets…");
    click(&mut window, "Fine-tuning on 10 labels");
    assert_eq!(started(&mut window).init_from.as_deref(), Some(&*id(0)), "the newest checkpoint");
    window.get_by_role_and_label(Role::ComboBox, "At").click_accesskit();
    window.run_steps(4);
    window.get_by_label_contains("Step 200: 75.00 %");
    window.get_by_label_contains("Step 100: 50.00 %").click();
    window.run_steps(4);
    assert_eq!(started(&mut window).init_from, Some(format!("{}@100", id(0))));
}

#[test]
fn curves_that_are_shown_are_asked_for_in_full_once() {
    let mut state = state(2, "classify", &Phase::Finished);
    let point = |step, value| Point { step, split: Split::Train, metric: metrics::LOSS, value };
    for run in 0..2 {
        state.apply(Event::Points(id(run), vec![point(1, 2.0), point(9, 1.0)]));
    }
    state.runs.get_mut(&id(0)).unwrap().is_sketch = true;
    let mut window = open([1440.0, 900.0], state);
    let asked = |window: &mut Window| -> Vec<Command> {
        let all = commands(window).into_iter();
        all.filter(|command| matches!(command, Command::ReadCurves(_))).collect()
    };
    window.run_steps(4);
    assert_eq!(asked(&mut window), [Command::ReadCurves(id(0))]);
    let all: Vec<Point> = (1..=9).map(|step| point(step, 2.0 / step as f64)).collect();
    window.state_mut().state.apply(Event::Curves(id(0), Some(all)));
    window.run_steps(4);
    assert_eq!(asked(&mut window), []);
    let run = &window.state().state.runs[&id(0)];
    assert_eq!((run.is_sketch, run.curve(metrics::LOSS, Split::Train).len()), (false, 9));
}
