//! Takes the pictures in `screenshots/` again: `cargo test --release --test screenshots -- --ignored`.
//! A light one of each is put into `target/tmp`, to look at.
#[path = "support/screen.rs"]
mod screen;
mod support;

use headstart::{
    engine,
    protocol::{Command, Event, Finding, Question},
    session::{Session, State},
    spec::Section,
    ui::{Action, Settings},
};
use screen::{Window, draw_seven, has, open, open_view, wait};
use std::{mem::discriminant, path::Path};

const SIZE: [f32; 2] = [1456.0, 916.0];
/// The margin that the harness leaves around the window.
const MARGIN: u32 = 8;

#[test]
#[ignore = "writes into screenshots/"]
fn of_two_runs_that_train() {
    let fixture = support::Fixture::with_images(2000, 500);
    let mut session = fixture.session();
    let mlp = fixture.spec(&["name=MLP, SGD 0.05", "encoder=mlp", "optimizer=sgd", "epochs=6"]);
    let mlp = support::start(&mut session, mlp);
    support::until(&mut session, &mlp, support::finished);
    let cnn = support::start(&mut session, fixture.spec(&["name=Seed CNN, Adam 0.001", "epochs=8"]));
    let mut live = support::until(&mut session, &cnn, |run| run.progress.step >= 200).live;
    live.set(Section::Optimizer, &engine::LEARNING_RATE, 0.0002);
    session.send(Command::Tune(cnn.clone(), live));
    support::until(&mut session, &cnn, |run| run.progress.step >= 380);
    for (name, dark) in [("dark", true), ("light", false)] {
        let mut window = open(SIZE, session.state.clone(), Settings { dark, ..Settings::default() });
        draw_seven(&mut window);
        show_the_answers(&mut window, &mut session);
        save(&mut window, &in_checkout(name));
    }
    session.close();
}

#[test]
#[ignore = "writes into screenshots/"]
fn of_the_views_that_look_into_a_network() {
    let fixture = support::Fixture::with_images(2000, 500);
    let mut session = fixture.session();
    let run = support::start(&mut session, fixture.spec(&["name=Seed CNN", "epochs=4"]));
    support::until(&mut session, &run, support::finished);
    for (view, dark) in ["why", "inside", "map"].into_iter().flat_map(|view| [(view, true), (view, false)]) {
        // each window counts its questions from 1
        session.state.answers.clear();
        let mut window = open_view(view, [1440.0, 900.0], dark, session.state.clone());
        draw_seven(&mut window);
        wait(&mut window, &mut session, |window| match view {
            "why" => is_explained(&window.state().state),
            "inside" => has("Map 63 of conv2")(window),
            _ => has("Nearest images: ")(window) && !has("Stop")(window),
        });
        let light = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{view}-light.png"));
        save(&mut window, &if dark { in_checkout(view) } else { light });
    }
    session.close();
}

/// Passes the newest question of each kind to the session, and its answer to the window.
fn show_the_answers(window: &mut Window, session: &mut Session) {
    let actions = std::mem::take(&mut window.state_mut().actions);
    let mut newest = vec![];
    for action in actions {
        let Action::Send(Command::Ask { request, run, question }) = action else { continue };
        newest.retain(|(_, _, older)| discriminant(older) != discriminant(&question));
        newest.push((request, run, question));
    }
    assert!(newest.iter().any(|(_, _, question)| matches!(question, Question::Prediction { .. })));
    for (request, run, question) in newest {
        session.send(Command::Ask { request, run, question });
        let answer = support::wait(session, |session| {
            session.state.answers.get(&request).filter(|answer| answer.share_done >= 1.0).cloned()
        });
        window.state_mut().state.apply(Event::Answer(answer));
    }
    window.run_steps(8);
}

fn is_explained(state: &State) -> bool {
    let explains = |finding: &Option<_>| matches!(finding, Some(Ok(Finding::Explanation(_))));
    state.answers.values().any(|answer| answer.share_done >= 1.0 && explains(&answer.finding))
}

fn in_checkout(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots").join(format!("{name}.png"))
}

/// The picture without the margin that the harness leaves around it.
fn save(window: &mut Window, path: &Path) {
    let picture = window.render().unwrap();
    let (width, height) = (picture.width() - 2 * MARGIN, picture.height() - 2 * MARGIN);
    image::imageops::crop_imm(&picture, MARGIN, MARGIN, width, height).to_image().save(path).unwrap();
}
