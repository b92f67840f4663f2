//! The workbench without a window: what is shown for a state, and what clicks and keys do.
//!
//! Long, as each test file is a program of its own, which takes long to link.
#[path = "support/home.rs"]
mod home;
#[path = "support/screen.rs"]
mod screen;
mod support;

use egui::{Role, accesskit::Toggled};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use headstart::{
    engine,
    evaluation::LabelCounts,
    experiment::{Cell, Experiment, Setting},
    metrics::{
        ACCURACY, EFFECTIVE_RANK, FEATURE_SPREAD, GRADIENT_NORM, KL, LEARNING_RATE, LOSS, Point,
        SAMPLE_DIVERSITY, Split,
    },
    presets,
    protocol::{
        Answer, Caption, Command, ComparisonInfo, Confidence, Control, Cosines, Event, Familiarity, Finding,
        Order, Phase, Prediction, Preparing, Preview, Progress, Question, Remedy, RunInfo, Similarities,
        Strip,
        data::{DataReport, DataRequest, Fetch, FetchPhase},
    },
    session::{State, catalog},
    shape::ImageShape,
    spec::{Choice, RunSpec, Section},
    ui::{Action, Settings},
};
use screen::{Window, draw_seven, open, until_opened};
use std::path::Path;

fn wide(state: State) -> Window {
    open([1440.0, 900.0], state, Settings::default())
}

fn numbers() -> std::sync::Arc<[String]> {
    (0..10).map(|class| class.to_string()).collect()
}

fn commands(window: &mut Window) -> Vec<Command> {
    let actions = std::mem::take(&mut window.state_mut().actions);
    let sent = actions
        .into_iter()
        .filter_map(|action| if let Action::Send(command) = action { Some(command) } else { None });
    // Previews, which the window asks for by itself, have tests of their own.
    let is_of_itself = |command: &Command| match command {
        Command::Ask { question, .. } => matches!(question, Question::Preview { .. }),
        Command::Dismiss(_) => true,
        _ => false,
    };
    sent.filter(|command| !is_of_itself(command)).collect()
}

fn click(window: &mut Window, label: &str) {
    window.get_by_label(label).click();
    window.run_steps(4);
}

/// A state built from the worker's events.
fn state(runs: &[(&str, Phase)]) -> State {
    let mut state = State::default();
    for (index, (name, phase)) in runs.iter().enumerate() {
        for event in events(index, name, phase) {
            state.apply(event);
        }
    }
    state
}

fn events(index: usize, name: &str, phase: &Phase) -> Vec<Event> {
    let id = headstart::protocol::RunId::from(format!("2026-11-23-140{index}-run"));
    let mut spec = RunSpec { name: name.into(), ..RunSpec::default() };
    if index % 2 == 1 {
        spec.encoder = Choice::new("mlp");
    }
    let live = catalog().live_params(&spec);
    let mut tuned = live.clone();
    tuned.set(Section::Optimizer, &engine::LEARNING_RATE, 0.0003);
    let steps = 8600;
    let step = if *phase == Phase::Finished { steps } else { 5200 };
    let info = RunInfo {
        marks: Default::default(),
        id: id.clone(),
        folder: format!("/home/runs/{id}").into(),
        live: live.clone(),
        phase: phase.clone(),
        remedy: None,
        saved: None,
        checkpoints: vec![],
        is_sketch: false,
        learns_from_drawings: true,
        changes: vec![],
        progress: Progress::default(),
        timing: vec![],
        class_names: (0..10).map(|digit| digit.to_string()).collect(),
        spec,
    };
    let progress = Progress {
        aside: None,
        step,
        steps,
        steps_per_epoch: 860,
        elapsed_secs: step as f64 * 0.055,
        examples_per_sec: 1240.0,
    };
    let mut events = vec![
        Event::Run(Box::new(info)),
        Event::Points(id.clone(), points(index, step)),
        Event::Progress(id.clone(), progress),
    ];
    if phase.is_active() {
        let changes = live.changes(&tuned, 3000);
        events.push(Event::Tuned(id, tuned, changes));
    }
    events
}

fn points(index: usize, last: u64) -> Vec<Point> {
    let pace = 150.0 * (1.0 + index as f64);
    let floor = 0.02 * (1.0 + 2.0 * index as f64);
    let mut points = vec![];
    for step in 1..=last {
        let noise = ((step.wrapping_mul(2_654_435_761) >> 7) % 1000) as f64 / 1000.0 - 0.5;
        let loss = (2.3 * (-(step as f64) / pace).exp() + floor) * (1.0 + 0.7 * noise);
        let accuracy =
            (1.0 - floor * 0.5 - 0.9 * (-(step as f64) / pace).exp() + 0.03 * noise).clamp(0.0, 1.0);
        let values =
            [(LOSS, loss), (ACCURACY, accuracy), (LEARNING_RATE, 0.001), (GRADIENT_NORM, 1.0 + noise)];
        points.extend(values.map(|(metric, value)| Point { step, split: Split::Train, metric, value }));
        if step % 430 == 0 {
            let values =
                [(LOSS, loss * 0.8), (ACCURACY, 1.0 - floor * 0.4 - 0.5 * (-(step as f64) / pace).exp())];
            points.extend(values.map(|(metric, value)| Point {
                step,
                split: Split::Validation,
                metric,
                value,
            }));
        }
    }
    points
}

#[test]
fn start_sends_the_spec_in_the_form() {
    let mut window = wide(State::default());
    window.get_by_label("Watch a network learn");
    click(&mut window, "Start training");
    let sent = commands(&mut window);
    let [Command::Start(spec)] = &sent[..] else { panic!("{sent:?}") };
    let text = presets::find("drawing").unwrap().text;
    assert_eq!(**spec, RunSpec::from_toml(text, &[], &catalog()).unwrap());
}

#[test]
fn a_run_that_starts_again_has_a_name_of_its_own() {
    let mut window = wide(state(&[("Seed CNN", Phase::Finished), ("Seed CNN 2", Phase::Stopped)]));
    click(&mut window, "Start again with the same initial weights");
    let sent = commands(&mut window);
    let [Command::Start(spec)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((spec.name.as_str(), spec.encoder.id.as_str()), ("Seed CNN 3", "mlp"));
}

#[test]
fn what_is_trained_by_the_recipe_of_the_shipped_example_is_called_after_the_recipe() {
    let mut state = state(&[("Shipped example", Phase::Finished)]);
    state.runs.values_mut().for_each(|run| run.spec.shipped = Some("Drawing".into()));
    let mut window = wide(state);
    assert_eq!(window.get_by_label("Show Shipped example").accesskit_node().toggled(), Some(Toggled::False));
    window.get_by_label_contains("Came with the program");
    window.get_by_label_contains("This network came with the program");
    window.get_by_label("Watch a network learn");
    click(&mut window, "Start again with the same initial weights");
    let sent = commands(&mut window);
    let [Command::Start(spec)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(spec.name, "Drawing");
    click(&mut window, "Show Shipped example");
    assert!(window.query_by_label("Watch a network learn").is_none());
    assert_eq!(window.state().bench.settings.shown.len(), 1);
}

#[test]
fn every_hyperparameter_has_a_named_control() {
    for encoder in catalog().section(Section::Encoder) {
        let mut state = state(&[("one", Phase::Paused)]);
        let run = state.runs.values_mut().next().unwrap();
        run.spec.encoder = Choice::new(encoder.id);
        run.live = catalog().live_params(&run.spec);
        let spec = run.spec.clone();
        let window = wide(state);
        for (_, param) in catalog().params(&spec).filter(|(_, param)| param.live) {
            let found = window.query_all_by_label(param.label).count();
            assert!(found >= 2, "{} needs a label and a control: {found} found", param.label);
        }
    }
}

#[test]
fn turning_a_live_hyperparameter_sends_all_of_them() {
    let mut window = wide(state(&[("one", Phase::Running)]));
    window.get_by_role_and_label(Role::Slider, "Learning rate").set_value_accesskit(0.01);
    window.run_steps(4);
    let sent = commands(&mut window);
    let Some(Command::Tune(_, live)) = sent.iter().find(|command| matches!(command, Command::Tune(..)))
    else {
        panic!("{sent:?}")
    };
    assert!((live.get(Section::Optimizer, &engine::LEARNING_RATE) - 0.01).abs() < 1e-9);
    assert_eq!(live.keys().count(), 8);
}

#[test]
fn a_run_is_paused_stepped_continued_and_stopped() {
    let mut window = wide(state(&[("one", Phase::Running)]));
    click(&mut window, "Pause");
    click(&mut window, "One step");
    click(&mut window, "Stop");
    let sent: Vec<_> = commands(&mut window)
        .into_iter()
        .filter_map(|command| if let Command::Control(_, control) = command { Some(control) } else { None })
        .collect();
    assert_eq!(sent, [Control::Pause, Control::Step, Control::Stop]);
    window.state_mut().state = state(&[("one", Phase::Paused)]);
    window.run_steps(4);
    click(&mut window, "Continue");
    assert!(matches!(commands(&mut window)[..], [Command::Control(_, Control::Continue)]));
}

#[test]
fn images_that_are_prepared_are_counted_and_can_be_stopped() {
    let preparing = Preparing { what: "Preparing images", done: 12_000, total: 60_000, secs_left: Some(8.0) };
    let mut window = wide(State { preparing: Some(preparing), ..State::default() });
    window.get_by_label("Preparing images: 12,000 of 60,000 · 8 s left");
    click(&mut window, "Stop preparing");
    assert_eq!(commands(&mut window), [Command::StopPreparing]);
}

#[test]
fn runs_are_hidden_renamed_deleted_and_brought_back() {
    let mut window = wide(state(&[("one", Phase::Finished), ("two", Phase::Finished)]));
    assert_eq!(window.get_by_label("Show one").accesskit_node().toggled(), Some(Toggled::True));
    click(&mut window, "Show one");
    assert_eq!(window.state().bench.settings.hidden.len(), 1);
    click(&mut window, "Rename");
    window.get_by_label("New name").type_text(" more");
    window.run_steps(2);
    window.key_press(egui::Key::Enter);
    window.run_steps(4);
    click(&mut window, "Delete");
    click(&mut window, "Undo");
    let sent = commands(&mut window);
    let ids: Vec<_> = window.state().state.runs.keys().cloned().collect();
    assert_eq!(
        sent,
        [
            Command::Rename(ids[1].clone(), "two more".into()),
            Command::Delete(ids[1].clone()),
            Command::Restore(ids[1].clone())
        ]
    );
}

#[test]
fn a_drawing_is_scored_by_the_selected_run_and_shown() {
    let mut window = wide(state(&[("one", Phase::Paused)]));
    draw_seven(&mut window);
    let sent = commands(&mut window);
    let Some(Command::Ask { request, run, question: Question::Prediction { sample } }) = sent.last().cloned()
    else {
        panic!("{sent:?}")
    };
    let image = sample.image().unwrap();
    assert_eq!(image.shape, ImageShape::new(28, 28, 1));
    assert!(image.pixels.iter().filter(|pixel| **pixel > 127).count() > 30);
    let mut probabilities = vec![0.01; 10];
    probabilities[7] = 0.91;
    let mut answer = |share_done, judged: Option<(Confidence, Familiarity)>| {
        let prediction = |(confidence, familiarity)| {
            let (class_names, probabilities) = (numbers(), probabilities.clone());
            Prediction { class_names, probabilities, confidence, familiarity, strips: vec![] }
        };
        let finding = judged.map(|judged| Ok(Finding::Prediction(prediction(judged).into())));
        let answer = Answer { request, run: run.clone(), step: 5200, share_done, finding };
        window.state_mut().state.apply(Event::Answer(answer));
        window.run_steps(4);
        window.get_by_label("7: 91 %");
        let caption = window.get_by_label_contains("Scored by one, ").accesskit_node().value();
        let remarks = ["This does not look like", "Not judged yet", "10 labels are too few"];
        let is_said = |remark: &&str| window.query_by_label_contains(remark).is_some();
        (caption.unwrap(), remarks.into_iter().find(is_said))
    };
    let labels = LabelCounts { training: 55_000, calibration: 5000 };
    let calibrated = |familiarity| Some((Confidence::Calibrated { labels }, familiarity));
    let on_labels = "calibrated on 5,000 labels";
    for (share_done, judged, kind, remark) in [
        (0.0, Some((Confidence::Pending, Familiarity::NotYet)), "calibrating: 0 %", Some("Not judged yet")),
        (0.34, None, "calibrating: 34 %", Some("Not judged yet")),
        (0.9, Some((Confidence::Raw, Familiarity::Unknown)), "uncalibrated", None),
        (0.92, calibrated(Familiarity::TooFewLabels(10)), on_labels, Some("10 labels are too few")),
        (0.95, calibrated(Familiarity::Outside), on_labels, Some("This does not look like")),
        (1.0, calibrated(Familiarity::Inside), on_labels, None),
    ] {
        assert_eq!(answer(share_done, judged), (format!("Scored by one, {kind}"), remark));
    }
    assert!(commands(&mut window).is_empty(), "the same drawing and weights need no second answer");
    click(&mut window, "Clear the pad");
    assert!(window.query_by_label("7: 91 %").is_none());
}

#[test]
fn a_photograph_is_shown_as_it_is_unless_it_is_to_be_read_as_a_drawing() {
    let mut window = wide(state(&[("one", Phase::Paused)]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("meadow.png");
    let mut meadow = image::RgbImage::from_pixel(60, 40, image::Rgb([40, 160, 30]));
    (10..30).for_each(|y| meadow.put_pixel(30, y, image::Rgb([250, 240, 250])));
    meadow.save(&path).unwrap();
    window.state_mut().bench.picked_image(&path);
    until_opened(&mut window);
    let shown = |window: &mut Window| match commands(window).pop() {
        Some(Command::Ask { question: Question::Prediction { sample }, .. }) => sample.image().unwrap().shape,
        other => panic!("{other:?}"),
    };
    assert_eq!(shown(&mut window), ImageShape::new(40, 60, 3));
    click(&mut window, "Read it as a drawing");
    window.run_steps(200);
    assert_eq!(shown(&mut window), ImageShape::new(28, 28, 1));
}

#[test]
fn a_failed_run_has_one_banner_that_can_be_dismissed() {
    let mut window = wide(state(&[("one", Phase::Failed("The loss is no longer a number".into()))]));
    window.get_by_label("The loss is no longer a number");
    click(&mut window, "Change the settings");
    assert!(window.query_by_label("The loss is no longer a number").is_none());
}

#[test]
fn a_diverged_run_goes_on_by_a_button_with_a_tenth_of_its_learning_rate() {
    let mut state = state(&[("one", Phase::Failed("The run has diverged".into()))]);
    let run = state.runs.values_mut().next().unwrap();
    run.remedy = Some(Remedy { step: 400, learning_rate: 0.0001 });
    let (id, mut live) = (run.id.clone(), run.live.clone());
    live.set(Section::Optimizer, &engine::LEARNING_RATE, 0.0001);
    let mut window = wide(state);
    assert!(window.query_by_label("Resume").is_none(), "it would only diverge again");
    click(&mut window, "Go on from step 400 with a tenth of the learning rate");
    click(&mut window, "Go on from step 400");
    let rewind = Command::Rewind { run: id, step: 400, live, epochs: None };
    assert_eq!(commands(&mut window), [rewind.clone(), rewind]);
}

/// A comparison of three seeds and two budgets, whose last race is still running.
fn comparison() -> State {
    let mut state = state(&[("Contrastive", Phase::Finished)]);
    let run = state.runs.values().next().unwrap();
    let mut experiment = Experiment::of_run(&run.id, &run.spec, &catalog()).unwrap();
    experiment.seeds.truncate(3);
    let races = experiment.races();
    for (race, arm) in (0..races).flat_map(|race| (0..6).map(move |arm| (race, arm))) {
        let id = format!("race-{race}-{arm}").into();
        let ended = race + 1 < races;
        let phase = if ended { Phase::Finished } else { Phase::Running };
        let reached = if ended { 400 } else { 150 };
        state.apply(Event::Run(Box::new(RunInfo {
            marks: Default::default(),
            id: std::sync::Arc::clone(&id),
            folder: "/races".into(),
            spec: experiment.spec("c", Cell::Arm { race, arm }, &|_| None),
            live: Default::default(),
            phase,
            remedy: None,
            saved: None,
            checkpoints: vec![],
            is_sketch: false,
            learns_from_drawings: true,
            changes: vec![],
            progress: Progress {
                aside: None,
                step: reached,
                steps: 400,
                steps_per_epoch: 100,
                elapsed_secs: 5.0,
                examples_per_sec: 5000.0,
            },
            timing: vec![],
            class_names: (0..10).map(|digit| digit.to_string()).collect(),
        })));
        let ceiling = [0.35, 0.70, 0.62, 0.84, 0.78, 0.89][arm] + 0.1 * experiment.race(race).point as f64;
        let value = |step: u64| {
            ceiling * (1.0 - (-(step as f64) / 60.0).exp()) + 0.004 * ((race * 7 + arm * 3) % 5) as f64
        };
        let point = |step, split| Point { step, split, metric: ACCURACY, value: value(step) };
        let mut points: Vec<Point> = (1..=reached / 50).map(|at| point(at * 50, Split::Validation)).collect();
        points.extend(ended.then(|| point(400, Split::Test)));
        state.apply(Event::Points(id, points));
    }
    state.apply(Event::Comparison(Box::new(ComparisonInfo {
        id: "c".into(),
        folder: "/comparison".into(),
        experiment,
        phase: Phase::Running,
    })));
    state
}

#[test]
fn a_comparison_is_shown_and_controlled() {
    let mut window = wide(comparison());
    assert_eq!(window.query_all_by_label_contains("Race 6 of 6").count(), 2, "in the list and in the panel");
    assert!(window.query_by_label_contains("With 1 label a class, “Pretrained, frozen” is").is_some());
    assert!(
        window.query_all_by_label("Pretrained, frozen, 1 label a class, seed 1").next().is_none(),
        "a race is listed"
    );
    click(&mut window, "Pause");
    click(&mut window, "Stop");
    let order = |control| Command::Order("c".into(), Order::Control(control));
    assert_eq!(commands(&mut window), [order(Control::Pause), order(Control::Stop)]);
    window.state_mut().state.apply(Event::ComparisonPhase("c".into(), Phase::Stopped));
    window.run_steps(4);
    click(&mut window, "Resume");
    click(&mut window, "Delete comparison");
    window.state_mut().state.apply(Event::ComparisonRemoved("c".into()));
    window.run_steps(4);
    window.get_by_label("Evaluation");
    click(&mut window, "Undo");
    let asked = [Order::Resume, Order::Delete, Order::Restore].map(|order| Command::Order("c".into(), order));
    assert_eq!(commands(&mut window), asked);
}

#[test]
fn a_sweep_is_shown_and_changed() {
    let mut state = State::default();
    home::sweep(&mut state);
    let mut window = wide(state);
    assert!(window.query_all_by_label_contains("Settings 10 to 18 of 27").next().is_some());
    window.get_by_label("Validation accuracy by learning rate");
    window.get_by_label("Validation accuracy by all hyperparameters: 18 settings");
    assert!(window.query_by_label_contains("The best of 18 settings is trial 1, dropout").is_some());
    assert!(window.query_all_by_label_contains("Learning rate: ").next().is_some(), "what matters");
    // the list is below what is in sight
    let press = |window: &mut Window, button: &str| {
        window.get_by_label(button).click_accesskit();
        window.run_steps(4);
    };
    press(&mut window, "Show all 18");
    let number = |window: &Window, button: &str| -> usize {
        let name =
            window.query_all_by_label_contains(button).next().unwrap().accesskit_node().label().unwrap();
        name.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let (skipped, stopped) = (number(&window, "Skip: trial "), number(&window, "Go on: trial "));
    press(&mut window, &format!("Skip: trial {skipped}"));
    press(&mut window, &format!("Go on: trial {stopped}"));
    let asked = commands(&mut window);
    let [Command::Order(id, Order::Revise(wanted)), Command::Resume(run)] = &asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!((&**id, &**run), (home::SWEEP, &*format!("{}-{}", home::SWEEP, stopped - 1)));
    assert_eq!(wanted.search.as_ref().unwrap().skipped, [skipped - 1].into());
}

#[test]
fn a_preset_fills_the_form_or_begins_a_race() {
    let mut window = wide(State::default());
    click(&mut window, "Presets…");
    click(&mut window, "Masked");
    click(&mut window, "Start training");
    let [Command::Start(spec)] = &commands(&mut window)[..] else { panic!("no run") };
    assert_eq!(spec.objective.id, "masked");
    click(&mut window, "Presets…");
    click(&mut window, "Race: The head start");
    window.get_by_label("6 races of 5 arms: 30 runs");
    window.get_by_label("12,000 in all");
    click(&mut window, "Cancel");
    assert!(window.query_by_label("Start the race").is_none() && commands(&mut window).is_empty());
    click(&mut window, "Presets…");
    click(&mut window, "Race: The head start");
    click(&mut window, "Start the race");
    let [Command::Compare(comparison)] = &commands(&mut window)[..] else { panic!("no comparison") };
    assert!(comparison.validate(&catalog()).is_empty());
    assert!(window.query_by_label("Start the race").is_none());
}

#[test]
fn one_button_races_what_a_run_has_learnt() {
    let mut window = wide(state(&[("Contrastive", Phase::Finished)]));
    click(&mut window, "Race its head start…");
    assert!(commands(&mut window).is_empty(), "it says first what it takes");
    click(&mut window, "Start the race");
    let [Command::Compare(comparison)] = &commands(&mut window)[..] else { panic!("no comparison") };
    let id = window.state().state.runs.keys().next().unwrap().to_string();
    assert!(comparison.validate(&catalog()).is_empty());
    let begins = Setting::InitFrom(Some(id));
    assert_eq!(comparison.arms.iter().filter(|arm| arm.settings.contains(&begins)).count(), 3);
}

/// A run that learns without labels.
fn pretraining(objective: &str) -> State {
    let mut state = state(&[("one", Phase::Running)]);
    let run = state.runs.values_mut().next().unwrap();
    run.spec.objective = Choice::new(objective);
    run.live = catalog().live_params(&run.spec);
    state
}

fn strip(name: &'static str, captions: &[(&str, Option<bool>)]) -> Strip {
    let pixels = (0..784 * captions.len().max(3)).map(|at| (at % 251) as u8).collect();
    let caption =
        |(text, is_right): &(&str, Option<bool>)| Caption { text: (*text).into(), is_right: *is_right };
    let captions = captions.iter().map(caption).collect();
    Strip { name, help: "What it shows", shape: ImageShape::new(28, 28, 1), pixels, captions }
}

#[test]
fn a_preview_is_asked_for_shown_and_folded() {
    let mut window = wide(pretraining("contrastive"));
    let asked = |window: &mut Window| {
        let actions = std::mem::take(&mut window.state_mut().actions);
        let previews = actions.into_iter().filter_map(|action| match action {
            Action::Send(Command::Ask { request, run, question: Question::Preview { samples } }) => {
                Some((request, run, samples))
            }
            _ => None,
        });
        previews.collect::<Vec<_>>()
    };
    window.get_by_label("Looking at a few images…");
    let first = asked(&mut window);
    let [(request, run, drawings)] = &first[..] else { panic!("{first:?}") };
    assert!(drawings.is_empty());
    let similarities =
        Some(Similarities { same: Cosines::new(&[0.9, 0.8]), others: Cosines::new(&[0.1, -0.1]) });
    let strips = vec![strip("One view", &[]), strip("Turned", &[("0°", Some(true)), ("90°", Some(false))])];
    let finding = Some(Ok(Finding::Preview(Preview { strips, similarities }.into())));
    let answer = Answer { request: *request, run: run.clone(), step: 5200, share_done: 1.0, finding };
    window.state_mut().state.apply(Event::Answer(answer));
    window.run_steps(4);
    window.get_by_label("One view: 3 images");
    window.get_by_label("Turned: 0°, 90° (wrong)");
    window.get_by_label("Similarity of views: 0.85 of the same image, 0 of different images, on average");
    assert!(asked(&mut window).is_empty(), "the same weights need no second look");
    window.state_mut().state.runs.values_mut().next().unwrap().progress.step += 1;
    window.run_steps(60);
    assert_eq!(asked(&mut window).len(), 1);
    click(&mut window, "Fold the preview");
    assert!(window.query_by_label("One view: 3 images").is_none());
    window.state_mut().state.runs.values_mut().next().unwrap().progress.step += 1;
    window.run_steps(60);
    assert!(asked(&mut window).is_empty(), "what is not shown is not asked for");
    assert!(!window.state().bench.settings.show_preview);
    click(&mut window, "Unfold the preview");
    draw_seven(&mut window);
    window.run_steps(400);
    assert!(asked(&mut window).iter().any(|(_, _, drawings)| drawings.len() == 1));
    click(&mut window, "Clear the pad");
    draw_seven(&mut window);
    window.run_steps(400);
    assert!(asked(&mut window).iter().any(|(_, _, drawings)| drawings.len() == 2), "the one before stays");
}

#[test]
fn without_labels_a_drawing_has_pictures_and_neighbours_in_place_of_bars() {
    let mut window = wide(pretraining("autoencoder"));
    draw_seven(&mut window);
    let answer_newest = |window: &mut Window, finding: Finding| {
        let Some(Command::Ask { request, run, question }) = commands(window).pop() else { panic!() };
        let finding = Some(Ok(finding));
        let answer = Answer { request, run, step: 5200, share_done: 1.0, finding };
        window.state_mut().state.apply(Event::Answer(answer));
        window.run_steps(4);
        question
    };
    let prediction = Prediction {
        class_names: numbers(),
        probabilities: vec![],
        confidence: Confidence::Raw,
        familiarity: Familiarity::Unknown,
        strips: vec![strip("Reconstruction", &[])],
    };
    let asked = answer_newest(&mut window, Finding::Prediction(prediction.into()));
    let Question::Prediction { sample } = asked else { panic!("{asked:?}") };
    window.get_by_label("Reconstruction: 3 images");
    window.get_by_label("Looking for the nearest training images…");
    let nearest = strip("Nearest training images", &[("7", None), ("1", None), ("7", None)]);
    let asked = answer_newest(&mut window, Finding::Nearest(nearest.into()));
    assert_eq!(asked, Question::Nearest { sample });
    window.get_by_label("Nearest training images: 7, 1, 7");
}

#[test]
fn a_collapse_is_reported_in_plain_words() {
    for (objective, metric, well, ill, text) in [
        ("contrastive", EFFECTIVE_RANK, 20.0, 1.1, "The features have collapsed."),
        ("contrastive", FEATURE_SPREAD, 0.8, 0.01, "The features have collapsed."),
        ("adversarial", SAMPLE_DIVERSITY, 0.9, 0.1, "The samples have collapsed."),
        ("variational", KL, 25.0, 0.2, "The latents have collapsed."),
    ] {
        let mut window = wide(pretraining(objective));
        let id = window.state().state.runs.keys().next().unwrap().clone();
        for (value, is_told) in [(ill, true), (well, false), (ill, true)] {
            let point = Point { step: 5200, split: Split::Validation, metric, value };
            window.state_mut().state.apply(Event::Points(id.clone(), vec![point]));
            window.run_steps(4);
            assert_eq!(window.query_by_label(text).is_some(), is_told, "{metric} {value}");
        }
        click(&mut window, "Dismiss");
        assert!(window.query_by_label(text).is_none());
    }
}

#[test]
fn an_objective_that_compares_views_brings_its_augmentation() {
    let mut window = wide(State::default());
    window.get_by_role_and_label(Role::ComboBox, "Objective").click();
    window.run_steps(4);
    click(&mut window, "Contrastive");
    click(&mut window, "Start training");
    let sent = commands(&mut window);
    let [Command::Start(spec)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(spec.objective.id, "contrastive");
    assert!(spec.augmentation["rotation"] > 0.0 && !catalog().lacks_augmentation(spec));
}

#[test]
fn values_that_make_no_sense_are_refused_where_they_are_set() {
    let catalog = catalog();
    for (objective, key, value) in [
        ("masked", "mask_share", 1.0),
        ("contrastive", "temperature", 0.0),
        ("variational", "latent_dim", 0.0),
        ("adversarial", "latent_dim", 0.0),
        ("adversarial", "gradient_penalty", -1.0),
    ] {
        let mut spec = RunSpec { objective: Choice::new(objective), ..RunSpec::default() };
        spec.objective.values.insert(key.into(), value);
        let errors = catalog.validate(&spec);
        assert!(errors.iter().any(|error| error.field == format!("objective.{key}")), "{objective} {key}");
        let text = format!("[objective]\nid = \"{objective}\"\n{key} = {value:?}\n");
        let error = RunSpec::from_toml(&text, &[], &catalog).unwrap_err().to_string();
        assert!(error.contains(key), "{error}");
    }
}

#[test]
fn where_it_is_narrow_views_and_runs_are_in_menus() {
    for width in [500.0, 720.0] {
        let mut window = open([width, 450.0], state(&[("one", Phase::Running)]), Settings::default());
        let whole = |window: &Window, found: &str| {
            let rect = window.get_by_label(found).rect();
            assert!(rect.max.x <= width && rect.min.x >= 0.0, "{found} is cut off: {rect:?}");
        };
        click(&mut window, "Runs: one is selected");
        whole(&window, "Show one");
        window.key_press(egui::Key::Escape);
        for (view, found) in [("Preview", "Looking at a few images…"), ("Curves", "Follow")] {
            window.get_by_role_and_label(Role::ComboBox, "View").click();
            window.run_steps(4);
            window.get_by_role_and_label(Role::Button, view).click();
            window.run_steps(4);
            whole(&window, found);
        }
    }
}

#[test]
fn a_race_that_is_shown_gives_way_to_a_view() {
    for width in [720.0, 1000.0, 1440.0] {
        let mut window = open([width, 800.0], comparison(), Settings::default());
        assert!(window.query_by_label("Test accuracy").is_some(), "{width}");
        if width < 940.0 {
            window.get_by_role_and_label(Role::ComboBox, "View").click_accesskit();
            window.run_steps(4);
        }
        window.get_by_role_and_label(Role::Button, "Curves").click_accesskit();
        window.run_steps(4);
        assert!(
            window.query_by_label("Test accuracy").is_none() && window.query_by_label("Follow").is_some()
        );
    }
}

#[test]
fn controls_do_not_overlap_at_any_width() {
    for width in [480.0, 720.0, 1101.0, 1152.0, 1440.0] {
        let mut window = open([width, 800.0], state(&[("one", Phase::Running)]), Settings::default());
        window.run_steps(4);
        if window.query_by_label("Step").is_none() {
            click(&mut window, "Show");
        }
        let rects = ["Show", "Step", "Epoch", "Seconds", "Follow"]
            .map(|label| window.get_by_role_and_label(Role::Button, label).rect());
        let slider = window.get_by_role_and_label(Role::Slider, "Smoothing").rect();
        for rect in rects {
            assert!(rect.intersect(slider).is_negative(), "{width}: {rect:?} {slider:?}");
            assert!(rect.max.x <= width && slider.max.x <= width, "{width}: {rect:?} {slider:?}");
        }
    }
}

#[test]
fn what_cannot_be_started_says_why() {
    let mut failed = state(&[("one", Phase::Failed("no".into()))]);
    failed.runs.values_mut().next().unwrap().spec.dataset = Choice::new("files");
    let mut window = wide(failed);
    click(&mut window, "Change the settings");
    window.get_by_label("Choose the folder or the file with the images");
    click(&mut window, "Start training");
    assert!(commands(&mut window).is_empty());
    click(&mut window, "Choose a folder…");
    window.state_mut().actions.retain(|action| !matches!(action, Action::Data(_)));
    assert_eq!(window.state().actions, [Action::PickDataset]);
    window.state_mut().bench.picked_dataset("/data".into());
    window.run_steps(4);
    click(&mut window, "Start training");
    let sent = commands(&mut window);
    let [Command::Start(spec)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(spec.dataset.path.as_deref(), Some(Path::new("/data")));
}

#[test]
fn a_published_data_set_is_fetched_watched_and_stopped_in_the_form() {
    let mut window = wide(State::default());
    window.get_by_role_and_label(Role::ComboBox, "Data").click();
    window.run_steps(4);
    click(&mut window, "KMNIST hiragana (to be fetched, 22 MB)");
    window.get_by_label("Fetch the images first: see Data below");
    let asked = |window: &mut Window, label: &str| {
        window.state_mut().actions.clear();
        click(window, label);
        let mut data = window.state().actions.iter().filter(|action| matches!(action, Action::Data(_)));
        data.next().cloned()
    };
    let dataset = || "kmnist".to_owned();
    let fetch = Some(Action::Data(DataRequest::Fetch { dataset: dataset() }));
    assert_eq!(asked(&mut window, "Fetch (22 MB)"), fetch);
    let tell = |window: &mut Window, phase| {
        window.state_mut().state.apply_report(DataReport::Fetch(Fetch { dataset: dataset(), phase }));
        window.run_steps(4);
    };
    let running = FetchPhase::Running {
        bytes_done: 9_000_000,
        bytes_total: 21_240_888,
        secs_left: Some(12.0),
        is_pausing: false,
    };
    tell(&mut window, running);
    assert!(window.query_by_label("Fetch (22 MB)").is_none());
    assert_eq!(asked(&mut window, "Stop"), Some(Action::Data(DataRequest::StopFetching)));
    tell(&mut window, FetchPhase::Failed("Nobody answers".into()));
    window.get_by_label("Nobody answers");
    assert_eq!(asked(&mut window, "Fetch (22 MB)"), fetch);
    tell(&mut window, FetchPhase::Done);
    window.state_mut().state.apply_report(DataReport::Present([dataset()].into()));
    window.run_steps(4);
    click(&mut window, "Start training");
    let sent = commands(&mut window);
    let [Command::Start(spec)] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!(spec.dataset, Choice::new("kmnist"));
}
