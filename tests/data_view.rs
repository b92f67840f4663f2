//! The Data view without a window: its requests to the librarian, what it shows, and corrections.
#[path = "support/screen.rs"]
mod screen;
mod support;

use egui::{Key, Role as Kind};
use egui_kittest::kittest::Queryable as _;
use headstart::{
    presets::{self, Recipe},
    protocol::{
        Command,
        data::{DataReport, DataRequest, ExampleId, Role},
    },
    session::{Session, State, catalog},
    shape::ImageShape,
    spec::Edit,
    ui::Action,
};
use screen::{Window, click, has, open_view};

fn open(width: f32) -> Window {
    open_view("data", [width, 900.0], true, State::default())
}

/// Carries questions to the session and answers back until something is there.
#[track_caller]
fn wait(window: &mut Window, session: &mut Session, found: impl Fn(&Window) -> bool) -> Vec<DataRequest> {
    let mut asked = vec![];
    for _ in 0..1000 {
        window.step();
        for action in std::mem::take(&mut window.state_mut().actions) {
            if let Action::Data(request) = action {
                asked.push(request.clone());
                session.ask(request);
            }
        }
        session.wait(std::time::Duration::from_millis(10));
        window.state_mut().state.data = session.state.data.clone();
        if found(window) && !session.poll() {
            window.run_steps(3);
            return asked;
        }
    }
    panic!("waited in vain; notices: {:?}", session.state.notices);
}

#[test]
fn images_are_browsed_corrected_and_the_run_says_so() {
    let fixture = support::Fixture::with_images(600, 200);
    let mut session = fixture.session();
    let mut window = open(1440.0);
    window.get_by_label("Reading the images…");
    window.state_mut().bench.picked_dataset(fixture.data());
    wait(&mut window, &mut session, has("800 images of 28 × 28 pixels in grey"));
    wait(&mut window, &mut session, |window| !window.state().state.data.sheets.is_empty());
    window.get_by_label_contains("Split: Training 480, Validation 120, Test 200");
    click(&mut window, "Test 200");
    window.get_by_label_contains("200 images");
    click(&mut window, "All");

    // the grid by keyboard
    window.get_by_label("800 images").focus();
    window.run_steps(2);
    window.key_press(Key::ArrowRight);
    window.run_steps(2);
    wait(&mut window, &mut session, has("Enlarged: 5 · "));
    window.key_press(Key::ArrowRight);
    window.run_steps(2);
    wait(&mut window, &mut session, has("Enlarged: 0 · "));

    // another label, and back
    click(&mut window, "Label");
    window.get_all_by_label("7").last().unwrap().click_accesskit();
    window.run_steps(3);
    let asked = wait(&mut window, &mut session, has("Enlarged: 7 (was 0) · "));
    let kept = asked.iter().find_map(|request| match request {
        DataRequest::Keep { dataset } => Some(dataset.edits.clone()),
        _ => None,
    });
    let kept = kept.expect("the correction was not kept");
    assert_eq!(kept.values().collect::<Vec<_>>(), [&Edit::Label("7".into())]);
    assert_eq!(session.state.data.opened.as_ref().unwrap().found.as_ref().unwrap().kept, kept);
    click(&mut window, "Take back the last correction (Ctrl and Z)");
    wait(&mut window, &mut session, has("Enlarged: 0 · "));
    click(&mut window, "Leave out");
    wait(&mut window, &mut session, has("Enlarged: 0 · left out"));

    // the run that starts has the correction in its spec
    click(&mut window, "Start training");
    let actions = std::mem::take(&mut window.state_mut().actions);
    let spec = actions.into_iter().find_map(|action| match action {
        Action::Send(Command::Start(spec)) => Some(*spec),
        _ => None,
    });
    let spec = spec.expect("no run was started");
    assert_eq!(spec.dataset.edits.values().collect::<Vec<_>>(), [&Edit::Exclude]);
    let run = support::start(&mut session, spec.clone());
    let run = support::until(&mut session, &run, |run| run.progress.steps > 0);
    assert_eq!(run.spec.dataset.edits, spec.dataset.edits);
    let toml = std::fs::read_to_string(run.folder.join("spec.toml")).unwrap();
    assert!(toml.contains("[dataset.edits]"), "{toml}");
    session.close();
}

#[test]
fn duplicates_are_looked_for_and_led_to() {
    let fixture = support::Fixture::with_images(300, 100);
    // the first test image becomes the first training image
    let [train, test] =
        ["train", "t10k"].map(|part| fixture.data().join(format!("{part}-images-idx3-ubyte")));
    let image = std::fs::read(train).unwrap()[16..16 + 784].to_vec();
    let mut bytes = std::fs::read(&test).unwrap();
    bytes[16..16 + 784].copy_from_slice(&image);
    std::fs::write(test, bytes).unwrap();
    let mut session = fixture.session();
    let mut window = open(1440.0);
    window.state_mut().bench.picked_dataset(fixture.data());
    wait(&mut window, &mut session, has("Look for duplicates"));
    click(&mut window, "Look for duplicates");
    wait(&mut window, &mut session, has("1 pairs are in both the training and the test part"));
    window.get_by_label_contains("Brightness: 1");
    click(&mut window, "Test 0");
    wait(&mut window, &mut session, has("Enlarged: 7 · test"));
    session.close();
}

#[test]
fn what_cannot_be_read_says_what_to_do() {
    let fixture = support::Fixture::with_images(100, 50);
    for width in [1440.0, 640.0] {
        let mut session = fixture.session();
        let mut window = open(width);
        window.state_mut().bench.picked_dataset("/nowhere/at/all".into());
        wait(&mut window, &mut session, has("No images yet"));
        // in the view, and in the form where that is visible
        assert!(window.query_all_by_label_contains("There is nothing to be read here").count() > 0);
        click(&mut window, "Open a file…");
        assert!(window.state().actions.contains(&Action::PickDataFile));
        window.state_mut().bench.picked_dataset(fixture.data());
        wait(&mut window, &mut session, has("150 images of 28"));
        session.close();
    }
}

#[test]
fn a_split_is_changed_where_it_is_shown() {
    let mut window = open(1440.0);
    let collection = headstart::protocol::data::Collection {
        shape: ImageShape::new(4, 4, 3).into(),
        class_names: vec!["ant".into(), "bee".into()],
        train: vec![
            headstart::protocol::data::Item { label: 1, role: Role::Train, corrected_from: None };
            40
        ],
        test: vec![],
        memory: 123 << 20,
        free: 5 << 30,
        remarks: vec!["Read as a table".into()],
        kept: [("train-1".to_owned(), Edit::Exclude)].into(),
    };
    assert_eq!(collection.item(ExampleId { is_test: true, index: 0 }), None);
    // what a fresh form is about
    let Recipe::Run(spec) = presets::find("drawing").unwrap().recipe(&catalog()).unwrap() else {
        panic!("no run")
    };
    let dataset = spec.dataset;
    let opened = headstart::protocol::data::Opened { request: 9, dataset, found: Ok(collection.into()) };
    window.state_mut().state.apply_report(DataReport::Opened(opened));
    window.run_steps(4);
    window.get_by_label("Read as a table");
    window.get_by_label("bee: 40 to learn from, 0 others");
    click(&mut window, "Use these corrections");
    click(&mut window, "Change the split");
    let asked = |window: &mut Window| {
        let opens =
            std::mem::take(&mut window.state_mut().actions).into_iter().filter_map(|action| match action {
                Action::Data(DataRequest::Open { spec, .. }) => Some(spec.dataset),
                _ => None,
            });
        opens.collect::<Vec<_>>()
    };
    assert_eq!(asked(&mut window).last().unwrap().edits.len(), 1);
}

#[test]
fn the_form_shows_what_augmentation_does_and_knows_what_suits() {
    let fixture = support::Fixture::with_images(300, 100);
    let mut session = fixture.session();
    let mut window = open(1440.0);
    window.state_mut().bench.picked_dataset(fixture.data());
    wait(&mut window, &mut session, has("400 images of 28"));
    click(&mut window, "Augmentation");
    let looks = |window: &Window| {
        let altered = window.state().state.data.altered.as_ref()?;
        Some(altered.pixels.chunks(28 * 28).map(<[u8]>::to_vec).collect::<Vec<_>>())
    };
    let is_altered = |window: &Window| looks(window).is_some_and(|looks| looks[0] != looks[1]);
    wait(&mut window, &mut session, is_altered);
    click(&mut window, "None");
    wait(&mut window, &mut session, |window| !is_altered(window));
    let plain = looks(&window).unwrap();
    assert!(plain.iter().all(|look| *look == plain[0]));
    window.get_by_label_contains("Nothing is altered yet");
    click(&mut window, "Use what suits this data set");
    wait(&mut window, &mut session, is_altered);
    assert_eq!(looks(&window).unwrap()[0], plain[0]);
    window.get_by_label_contains("A training image as it is, then how it may look: 10 images");
    click(&mut window, "Another image");
    wait(&mut window, &mut session, |window| looks(window).is_some_and(|looks| looks[0] != plain[0]));
    click(&mut window, "Labels and validation");
    window.get_by_role_and_label(Kind::ComboBox, "Class balance").click_accesskit();
    window.run_steps(3);
    click(&mut window, "Oversample rare classes");
    click(&mut window, "Start training");
    let actions = std::mem::take(&mut window.state_mut().actions);
    let spec = actions.into_iter().find_map(|action| match action {
        Action::Send(Command::Start(spec)) => Some(*spec),
        _ => None,
    });
    let spec = spec.expect("no run was started");
    assert!(spec.augmentation["rotation"] > 0.0 && !spec.augmentation.contains_key("flip"));
    assert_eq!(spec.dataset.values["class_balance"], 1.0);
    session.close();
}

/// A panel keeps its height in points, of which a window has fewer at a higher zoom.
#[test]
fn the_filter_and_a_row_of_images_stay_in_sight_at_any_zoom() {
    let fixture = support::Fixture::with_images(600, 200);
    let mut session = fixture.session();
    let mut window = open_view("data", [1152.0, 720.0], true, State::default());
    window.state_mut().bench.picked_dataset(fixture.data());
    wait(&mut window, &mut session, has("800 images of 28"));
    window.set_size(egui::vec2(720.0, 450.0));
    window.run_steps(6);
    let report = window.get_by_label_contains("Click an image, or press Tab").rect().top();
    let filter = window.get_by_label("Corrected").rect().bottom();
    let images = window.get_by_label("800 images").rect();
    assert!(filter < images.top() + 1.0 && images.top() + 30.0 < report, "{filter} {images:?} {report}");
    session.close();
}
