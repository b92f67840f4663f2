//! Forks, planned changes and the learning-rate finder in the window, over a real session.
#[path = "support/screen.rs"]
mod screen;
mod support;

use egui::Role;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use headstart::{
    engine::LEARNING_RATE,
    protocol::{Command, Control, Phase},
    session::Session,
    spec::{RunSpec, Section},
    ui::{Action, Settings},
};
use screen::{Window, click, has, open, wait};
use support::{Fixture, start, until};

/// A window on a run that is paused after a few steps.
fn paused(fixture: &Fixture) -> (Window, Session) {
    let mut session = fixture.session();
    let id = start(&mut session, fixture.spec(&["encoder=mlp", "epochs=40"]));
    until(&mut session, &id, |run| run.progress.step >= 9);
    session.send(Command::Control(id.clone(), Control::Pause));
    until(&mut session, &id, |run| run.phase == Phase::Paused);
    let window = open([1440.0, 1400.0], session.state.clone(), Settings::default());
    (window, session)
}

fn started(actions: &[Action]) -> Option<&RunSpec> {
    actions.iter().find_map(|action| match action {
        Action::Send(Command::Start(spec)) => Some(&**spec),
        _ => None,
    })
}

#[test]
fn a_fork_is_put_into_the_form_and_started_beside_its_parent() {
    let fixture = Fixture::new();
    let (mut window, mut session) = paused(&fixture);
    let parent = session.state.newest.clone().unwrap();
    click(&mut window, "Fork");
    window.get_by_value("Where it is now");
    click(&mut window, "Start training");
    let asked = wait(&mut window, &mut session, |window| window.state().state.runs.len() == 2);
    let spec = started(&asked).unwrap();
    assert_eq!(
        (spec.name.as_str(), spec.branch.as_ref().unwrap().run.as_str()),
        ("Seed CNN (fork)", &*parent)
    );
    let fork = session.state.newest.clone().filter(|id| *id != parent).unwrap();
    let step = session.state.runs[&fork].spec.branch.as_ref().unwrap().step;
    assert_eq!(step, Some(session.state.runs[&parent].progress.step));
    session.close();
}

#[test]
fn a_fork_that_cannot_be_says_why_and_can_begin_at_step_0_instead() {
    let fixture = Fixture::new();
    let (mut window, session) = paused(&fixture);
    click(&mut window, "Fork");
    // by keyboard, as a person would
    click(&mut window, "Network");
    click(&mut window, "Compact CNN");
    assert!(window.query_by_label_contains("the weights would not fit").is_some());
    let start = window.get_by_role_and_label(Role::Button, "Start training");
    assert!(start.accesskit_node().is_disabled());
    click(&mut window, "Begin at step 0");
    assert!(window.query_by_label_contains("would not fit").is_none());
    session.close();
}

#[test]
fn a_learning_rate_is_found_for_a_run_and_for_the_form_and_used() {
    let fixture = Fixture::new();
    let (mut window, mut session) = paused(&fixture);
    // The run's is the first, above the form.
    window.get_all_by_label("Find a learning rate…").next().unwrap().click();
    window.run_steps(4);
    let tested = |window: &Window| window.query_by_label_contains("Use ").is_some();
    wait(&mut window, &mut session, tested);
    assert!(window.query_by_label_contains("Suggested: ").is_some());
    let before = session.state.runs.values().next().unwrap().live.clone();
    window.get_by_label_contains("Use ").click();
    window.run_steps(4);
    let asked = std::mem::take(&mut window.state_mut().actions);
    let tuned = asked.iter().find_map(|action| match action {
        Action::Send(Command::Tune(_, live)) => Some(live.get(Section::Optimizer, &LEARNING_RATE)),
        _ => None,
    });
    assert!(tuned.is_some_and(|rate| rate != before.get(Section::Optimizer, &LEARNING_RATE)), "{asked:?}");
    assert!(window.query_by_label_contains("Suggested: ").is_none(), "the card is closed");
    session.close();
}

#[test]
fn a_change_is_planned_in_the_form() {
    let mut window = open([1440.0, 1400.0], Default::default(), Settings::default());
    click(&mut window, "Planned changes");
    click(&mut window, "Plan a change of…");
    window.get_by_role_and_label(Role::Button, "Learning rate").click();
    window.run_steps(4);
    click(&mut window, "Start training");
    let actions = std::mem::take(&mut window.state_mut().actions);
    let spec = started(&actions).unwrap();
    let planned: Vec<_> =
        spec.changes.iter().flat_map(|at| at.values.keys().map(move |key| (at.step, key))).collect();
    assert_eq!(planned, [(500, "optimizer.learning_rate")]);
    assert!(has("Remove the change of Learning rate")(&window));
}

#[test]
fn a_run_that_overfits_is_forked_from_where_it_turned() {
    use headstart::{
        metrics::{LOSS, Point, Split},
        protocol::Event,
    };
    let fixture = Fixture::new();
    let (mut window, session) = paused(&fixture);
    let id = session.state.newest.clone().unwrap();
    session.close();
    let point = |step: u64, split, value| Point { step, split, metric: LOSS, value };
    let validated =
        (1..=10).map(|at| point(100 * at, Split::Validation, 1.0 + (at as f64 - 3.0).abs() / 5.0));
    let trained = (11..=1000).map(|step| point(step, Split::Train, 300.0 / step as f64));
    let state = &mut window.state_mut().state;
    state.runs.get_mut(&id).unwrap().curves.clear();
    state.apply(Event::Saved(id.clone(), vec![300, 1000]));
    state.apply(Event::Points(id, trained.chain(validated).collect()));
    window.run_steps(4);
    assert!(
        window.query_by_label_contains("Since step 300 the validation loss has risen from 1 to").is_some()
    );
    click(&mut window, "Fork from step 300…");
    window.get_by_value("Step 300, not validated there, lowest validation loss");
    assert!(window.query_by_label_contains("overfits").is_none(), "what was acted on is not said again");
}

#[derive(Debug)]
struct Dropped;

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &std::path::Path {
        std::path::Path::new("/tmp/a.headstart")
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Ok(vec![])
    }
}

#[test]
fn a_file_that_is_dropped_is_a_run_that_was_sent() {
    let mut window = open([1440.0, 900.0], Default::default(), Settings::default());
    window.input_mut().dropped_files.push(std::sync::Arc::new(Dropped));
    window.run_steps(2);
    let sent = Action::Send(Command::Receive("/tmp/a.headstart".into()));
    assert!(window.state().actions.contains(&sent));
}
