//! Runs as a table, and the page of a run: what is shown for a state, and what clicks and keys do.
#[path = "support/layout.rs"]
mod layout;
#[path = "support/screen.rs"]
mod screen;

use egui::{Key, Modifiers, Role, accesskit::Toggled};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use headstart::{
    metrics::{ACCURACY, LOSS, Point, Split},
    protocol::{Command, Event, Mark, Marks, Phase, Progress, RunId, RunInfo},
    session::{State, catalog},
    spec::RunSpec,
    ui::{Action, Settings},
};
use screen::{Window, click, open};

/// Runs whose learning rates rise and whose accuracy falls.
fn state(count: usize) -> State {
    let mut state = State::default();
    for at in 0..count {
        let set = [format!("learning_rate={}", 0.0001 * (at + 1) as f64), format!("name=Run {at}")];
        add(&mut state, at, RunSpec::from_toml("", &set, &catalog()).unwrap(), Marks::default());
    }
    state
}

fn id(at: usize) -> RunId {
    format!("2026-11-23-{at:04}-run").into()
}

fn add(state: &mut State, at: usize, spec: RunSpec, marks: Marks) {
    let (id, live) = (id(at), catalog().live_params(&spec));
    let point = |step, split, metric, value| Point { step, split, metric, value };
    let best = 0.99 - 0.0001 * at as f64;
    state.apply(Event::Run(Box::new(RunInfo {
        id: id.clone(),
        folder: format!("/home/runs/{id}").into(),
        spec,
        live,
        phase: Phase::Finished,
        remedy: None,
        saved: Some(20),
        checkpoints: vec![20],
        is_sketch: false,
        learns_from_drawings: true,
        changes: vec![],
        progress: Progress { step: 20, steps: 20, ..Progress::default() },
        timing: vec![],
        class_names: std::sync::Arc::default(),
        marks,
    })));
    state.apply(Event::Points(
        id,
        vec![
            point(10, Split::Validation, ACCURACY, best),
            point(20, Split::Validation, ACCURACY, best - 0.01),
            point(20, Split::Validation, LOSS, 0.5),
            point(20, Split::Test, ACCURACY, 0.1234),
        ],
    ));
}

fn table(state: State) -> Window {
    open([1440.0, 900.0], state, Settings { view: "table".into(), ..Settings::default() })
}

fn commands(window: &mut Window) -> Vec<Command> {
    let actions = std::mem::take(&mut window.state_mut().actions);
    let sent = actions
        .into_iter()
        .filter_map(|action| if let Action::Send(command) = action { Some(command) } else { None });
    let is_of_itself = |command: &Command| matches!(command, Command::Ask { .. } | Command::Dismiss(_));
    sent.filter(|command| !is_of_itself(command)).collect()
}

/// The names of the runs that are listed, from the top.
fn listed(window: &Window) -> Vec<String> {
    let lines = window.query_all_by_label_contains(", Best validation: ");
    let mut lines: Vec<(f32, String)> =
        lines.map(|line| (line.rect().top(), line.accesskit_node().label().unwrap_or_default())).collect();
    lines.sort_by(|a, b| a.0.total_cmp(&b.0));
    lines.into_iter().map(|(_, label)| label.split(", ").next().unwrap_or_default().to_owned()).collect()
}

/// Clicks a run's line, with keys held down.
fn pick(window: &mut Window, name: &str, modifiers: Modifiers) {
    let label = format!("{name}, Best validation: ");
    window.get_by_label_contains(&label).click_modifiers(modifiers);
    window.run_steps(4);
}

#[test]
fn a_heading_sorts_and_again_the_other_way_round() {
    let mut window = table(state(4));
    assert_eq!(listed(&window), ["Run 3", "Run 2", "Run 1", "Run 0"], "the newest first");
    click(&mut window, "Best validation");
    assert_eq!(listed(&window), ["Run 0", "Run 1", "Run 2", "Run 3"]);
    click(&mut window, "Best validation, sorted by it");
    assert_eq!(listed(&window), ["Run 3", "Run 2", "Run 1", "Run 0"]);
    click(&mut window, "Best validation, sorted by it the other way round");
    window.get_by_role_and_label(Role::Button, "Learning rate").click_accesskit();
    window.run_steps(4);
    assert_eq!(listed(&window), ["Run 0", "Run 1", "Run 2", "Run 3"]);
}

#[test]
fn what_is_typed_filters_and_what_is_not_understood_is_said() {
    let mut window = table(state(4));
    let field = |window: &mut Window, text: &str| {
        window.get_by_label("Filter the runs").focus();
        window.run_steps(2);
        window.key_press_modifiers(Modifiers::COMMAND, Key::A);
        window.get_by_label("Filter the runs").type_text(text);
        window.run_steps(4);
    };
    field(&mut window, "lr>0.0002");
    assert_eq!(listed(&window), ["Run 3", "Run 2"]);
    field(&mut window, "learnin_rate>1");
    window.get_by_label_contains("did you mean learning_rate?");
    assert_eq!(listed(&window), ["Run 3", "Run 2"], "the last one that was understood goes on");
    field(&mut window, "nothing-is-called-so");
    window.get_by_label("No run is as asked for.");
}

#[test]
fn columns_are_what_differs_and_test_figures_come_only_where_they_are_asked_for() {
    let mut window = table(state(3));
    assert!(window.query_all_by_label_contains("Learning rate: 0.0001").next().is_some());
    assert!(window.query_by_label_contains("12.3").is_none(), "a test figure nobody has asked for");
    click(&mut window, "Columns");
    click(&mut window, "Test figures");
    click(&mut window, "Made");
    window.key_press(Key::Escape);
    window.run_steps(4);
    assert_eq!(window.query_all_by_label_contains("Test: 12.34 % accuracy").count(), 3);
    assert_eq!(window.query_all_by_label_contains("Made: 2026-11-23").count(), 3);
    let options = &window.state().bench.settings.table;
    assert!(options.test && options.extra.contains(&"made".to_owned()), "{options:?}");
}

#[test]
fn several_are_picked_tagged_put_away_and_deleted_and_all_of_it_is_undone() {
    let mut window = table(state(6));
    pick(&mut window, "Run 4", Modifiers::NONE);
    window.get_by_label("1 picked");
    pick(&mut window, "Run 2", Modifiers::SHIFT);
    window.get_by_label("3 picked");
    pick(&mut window, "Run 3", Modifiers::COMMAND);
    window.get_by_label("2 picked");
    let both: Vec<RunId> = vec![id(2), id(4)];
    window.get_by_label("A tag for those picked").focus();
    window.get_by_label("A tag for those picked").type_text("slow");
    window.run_steps(2);
    click(&mut window, "Tag");
    assert_eq!(commands(&mut window), [Command::Mark(both.clone(), Mark::Tag("slow".into()))]);
    click(&mut window, "Put away");
    click(&mut window, "Delete these");
    window.key_press(Key::Escape);
    window.run_steps(2);
    let away = Command::Mark(both.clone(), Mark::Archived(true));
    let deleted: Vec<Command> = both.iter().cloned().map(Command::Delete).collect();
    assert_eq!(commands(&mut window), [vec![away], deleted].concat());
    window.get_by_label("Deleted 2 runs");
    let undo = |window: &mut Window| {
        window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
        window.run_steps(4);
        commands(window)
    };
    let restored: Vec<Command> = both.iter().cloned().map(Command::Restore).collect();
    assert_eq!(undo(&mut window), restored);
    window.get_by_label("Put 2 runs away");
    assert_eq!(undo(&mut window), [Command::Mark(both.clone(), Mark::Archived(false))]);
    assert_eq!(undo(&mut window), [Command::Mark(both, Mark::Untag("slow".into()))]);
    assert_eq!(undo(&mut window), []);
}

#[test]
fn what_is_put_away_is_left_out_until_it_is_asked_for() {
    let mut all = state(3);
    let spec = all.runs[&id(0)].spec.clone();
    add(&mut all, 7, RunSpec { name: "Old".into(), ..spec }, Marks { archived: true, ..Marks::default() });
    let mut window = table(all);
    assert_eq!(listed(&window), ["Run 2", "Run 1", "Run 0"]);
    click(&mut window, "1 put away");
    assert_eq!(listed(&window), ["Old", "Run 2", "Run 1", "Run 0"]);
}

#[test]
fn groups_are_folded() {
    let mut all = state(3);
    let marks = |tag: &str| Marks { tags: [tag.to_owned()].into(), ..Marks::default() };
    all.apply(Event::Marked(id(0), marks("good")));
    all.apply(Event::Marked(id(1), marks("bad")));
    let mut window = table(all);
    window.state_mut().bench.settings.table.group = "tag".into();
    window.run_steps(4);
    assert_eq!(listed(&window), ["Run 1", "Run 0", "Run 2"]);
    click(&mut window, "bad: 1 runs");
    assert_eq!(listed(&window), ["Run 0", "Run 2"]);
    window.get_by_label("The others: 1 runs");
}

#[test]
fn only_what_is_in_sight_of_a_thousand_runs_is_drawn() {
    let window = table(state(1000));
    let drawn = listed(&window).len();
    assert!((10..60).contains(&drawn), "{drawn} lines");
    let entries = window.query_all_by_label_contains("Star Run ").count();
    assert!(entries < 150, "{entries} stars");
    assert!(layout::problems(&window).is_empty(), "{:?}", layout::problems(&window));
}

#[test]
fn the_page_of_a_run_says_what_it_was_set_to_beside_another() {
    let mut all = state(2);
    all.apply(Event::Marked(id(1), Marks { note: "# Why\nIt **works**".into(), ..Marks::default() }));
    let mut window = open([1440.0, 1400.0], all, Settings { view: "page".into(), ..Settings::default() });
    window.get_by_label_contains("best validation 98.99 % at step 10");
    window.get_by_label("It works");
    assert_eq!(window.query_all_by_label("0.0002").count(), 1);
    window.get_by_label("Compare with another run").click();
    window.run_steps(4);
    let offered = window.query_all_by_label("Run 0").last().unwrap();
    offered.click_accesskit();
    window.run_steps(4);
    window.get_by_label("The other run");
    assert!(window.query_all_by_label("0.0001").count() >= 1);
    click(&mut window, "Copy into the form");
    window.run_steps(4);
    click(&mut window, "Start training");
    let sent = commands(&mut window);
    let Some(Command::Start(spec)) = sent.last() else { panic!("{sent:?}") };
    assert_eq!(spec.optimizer.values["learning_rate"], 0.0002);
    click(&mut window, "Edit the note");
    window.get_by_label("Note").focus();
    click(&mut window, "Keep the note");
    let sent = commands(&mut window);
    assert!(sent.contains(&Command::Mark(vec![id(1)], Mark::Note("# Why\nIt **works**".into()))), "{sent:?}");
    assert_eq!(window.get_by_label("Show Run 1").accesskit_node().toggled(), Some(Toggled::True));
}
