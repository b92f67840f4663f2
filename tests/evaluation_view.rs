//! The Evaluation view without a window: its questions to the worker and the librarian, and what it shows of the answers.
#[path = "support/screen.rs"]
mod screen;
mod support;

use egui::{Key, Role};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use headstart::{
    metrics::Split,
    protocol::{Answer, Command, Event, Finding, Question},
    session::State,
    ui::Action,
};
use screen::{Window, click, has, open_view, wait};

fn open(size: [f32; 2]) -> Window {
    open_view("evaluation", size, true, State::default())
}

fn label(window: &Window, part: &str) -> String {
    let node = window.get_by_label_contains(part);
    let node = node.accesskit_node();
    node.label().or_else(|| node.value()).unwrap_or_default()
}

/// The number in front of a word.
fn count(text: &str, before: &str) -> usize {
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words.iter().position(|word| *word == before).expect("no such word");
    words[at - 1].replace(',', "").parse().expect("no number")
}

#[test]
fn a_run_is_evaluated_and_its_mistakes_are_looked_at() {
    let fixture = support::Fixture::with_images(600, 200);
    fixture.train(&["name=First", "epochs=1"]);
    fixture.train(&["name=Second", "encoder=mlp", "epochs=1"]);
    let mut session = fixture.session();
    let mut window = open([1440.0, 900.0]);
    window.get_by_label("Nothing to evaluate yet");
    wait(&mut window, &mut session, has("Evaluation of Second"));
    click(&mut window, "Evaluate on the test images");
    wait(&mut window, &mut session, has("of 200 test images right"));

    // the most confident mistake, large
    let mistakes: usize = {
        let text = label(&window, "Confident mistakes");
        text.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(mistakes > 1, "the test needs mistakes");
    let right = label(&window, "Hesitant hits");
    assert_eq!(right, format!("Hesitant hits {}", 200 - mistakes));
    wait(&mut window, &mut session, |window| !window.state().state.data.run_sheets.is_empty());
    let is_evaluation = |answer: &Answer| matches!(answer.finding, Some(Ok(Finding::Evaluation(_))));
    assert!(!session.state.answers.values().any(is_evaluation), "the answer is kept twice");
    let images = |window: &Window| -> Vec<String> {
        let buttons = window.query_all_by_role(Role::Button);
        let labels = buttons.filter_map(|node| node.accesskit_node().label());
        labels.filter(|label| label.starts_with("Image ")).collect()
    };
    let first = images(&window)[0].clone();
    click(&mut window, &first);
    wait(&mut window, &mut session, has("nats."));
    let enlarged = format!("Enlarged: {first}");
    window.get_by_label(&enlarged);
    window.key_press(Key::ArrowRight);
    window.run_steps(3);
    assert!(window.query_by_label(&enlarged).is_none(), "the arrow key leads nowhere");
    wait(&mut window, &mut session, |window| {
        !window.get_by_label("Open it in Why").accesskit_node().is_disabled()
    });
    click(&mut window, "Open it in Why");
    let is_prediction = |answer: &Answer| matches!(answer.finding, Some(Ok(Finding::Prediction(_))));
    wait(&mut window, &mut session, |window| window.state().state.answers.values().any(is_prediction));
    assert!(window.query_by_label("Close").is_none());
    wait(&mut window, &mut session, has("instead of"));
    click(&mut window, "Evaluation");

    // the matrix by keyboard
    window.get_by_label("Confusion matrix of 10 classes").focus();
    window.run_steps(2);
    for key in [Key::ArrowRight, Key::ArrowDown, Key::ArrowRight, Key::Enter] {
        window.key_press(key);
        window.run_steps(2);
    }
    let cell = label(&window, "Confusion matrix, at 1 taken for what it is");
    let shown = label(&window, "1 taken for what it is ");
    assert_eq!(shown.rsplit(' ').next().unwrap().parse::<usize>().unwrap(), count(&cell, "of"));
    assert!(images(&window).iter().all(|text| text.contains("label 1: taken for 1")));

    // the other run
    click(&mut window, "Compare with…");
    window.get_all_by_label("First").last().unwrap().click_accesskit();
    window.run_steps(3);
    wait(&mut window, &mut session, has("They differ on "));
    let told = label(&window, "They differ on ");
    assert!(told.contains("of 200 images") && told.contains("Second alone is right on"), "{told}");
    let listed = label(&window, "Disagreements ");
    assert_eq!(listed.rsplit(' ').next().unwrap(), count(&told, "of").to_string());
    assert!(images(&window).iter().all(|text| text.contains("; by the other run taken for")));

    // another split is evaluated by itself
    click(&mut window, "Validation");
    wait(&mut window, &mut session, has("of 100 validation images right"));
    window.get_by_label_contains("Expected calibration error");
    session.close();
}

#[test]
fn an_evaluation_shows_how_far_it_is_can_be_stopped_and_says_where_it_failed() {
    let fixture = support::Fixture::with_images(300, 100);
    let run = fixture.train(&["name=One", "epochs=1"]);
    let mut session = fixture.session();
    let mut window = open([720.0, 900.0]);
    wait(&mut window, &mut session, has("Evaluation of One"));
    let asked = |window: &mut Window| {
        let actions = std::mem::take(&mut window.state_mut().actions);
        actions.into_iter().find_map(|action| match action {
            Action::Send(Command::Ask { request, question, .. }) => Some((request, question)),
            _ => None,
        })
    };
    click(&mut window, "Evaluate on the test images");
    let (request, question) = asked(&mut window).expect("nothing was asked");
    assert_eq!(question, Question::Evaluation { split: Split::Test, outsiders: None, data: None });
    let answer = |share_done, finding| {
        Event::Answer(Answer { request, run: run.id.clone(), step: 1, share_done, finding })
    };
    window.state_mut().state.apply(answer(0.4, None));
    window.run_steps(2);
    window.get_all_by_label("Evaluating One: 40 %").next().unwrap();
    click(&mut window, "Stop");
    assert!(window.state().actions.contains(&Action::Send(Command::Dismiss(request))));
    window.get_by_label("Evaluate on the test images");

    // it fails
    click(&mut window, "Evaluate on the test images");
    let (request, _) = asked(&mut window).expect("nothing was asked");
    let failed = Answer {
        request,
        run: run.id.clone(),
        step: 1,
        share_done: 1.0,
        finding: Some(Err("No luck".into())),
    };
    window.state_mut().state.apply(Event::Answer(failed));
    window.run_steps(3);
    window.get_by_label("It could not be evaluated: No luck");
    window.get_by_label("Evaluate on the test images");
    session.close();
}

#[test]
fn a_network_without_classes_and_a_run_that_cannot_be_read_leave_no_dead_end() {
    let fixture = support::Fixture::with_images(300, 100);
    let run = fixture.train(&["name=One", "objective=autoencoder", "epochs=1"]);
    let mut session = fixture.session();
    let mut window = open([1440.0, 900.0]);
    wait(&mut window, &mut session, has("Evaluation of One"));
    click(&mut window, "Evaluate on the test images");
    wait(&mut window, &mut session, has("learns without labels: there are no classes"));
    window.get_by_label("100 test images");
    std::fs::remove_dir_all(run.folder.join("checkpoints")).unwrap();
    std::fs::remove_file(run.folder.join("spec.toml")).unwrap();
    // What was opened for the previous question stays open until the run is read again.
    session.send(Command::Reopen(run.id.clone()));
    click(&mut window, "Validation");
    wait(&mut window, &mut session, has("Evaluate on the validation images"));
    let told = "Could not look into the network";
    support::wait(&mut session, |session| {
        session.state.notices.iter().any(|notice| notice.text.contains(told)).then_some(())
    });
    session.close();
}

/// The worker's result is what the command line prints: the verdicts add up.
#[test]
fn runners_up_are_less_probable_than_the_answer() {
    let fixture = support::Fixture::with_images(300, 100);
    let run = fixture.train(&["epochs=1"]);
    let mut session = fixture.session();
    let question = Question::Evaluation { split: Split::Test, outsiders: None, data: None };
    session.send(Command::Ask { request: 5, run: run.id, question });
    let evaluation = support::wait(&mut session, |session| {
        let Ok(Finding::Evaluation(found)) = session.state.answers.remove(&5)?.finding? else { return None };
        Some(found)
    });
    for verdict in &evaluation.judgement.as_ref().unwrap().verdicts {
        let found: Vec<_> = verdict.candidates().map(|candidate| candidate.probability).collect();
        assert!(found.is_sorted_by(|a, b| a >= b) && found.iter().sum::<f32>() < 1.0001, "{found:?}");
        let own = verdict.candidates().find(|candidate| candidate.class == verdict.label);
        assert!(own.is_none_or(|own| (own.probability - verdict.label_probability()).abs() < 1e-5));
    }
    session.close();
}
