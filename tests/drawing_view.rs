//! The views about drawings, with a session behind them: drawing, switching steps off, keeping drawings, fine-tuning.
#[path = "support/screen.rs"]
mod screen;
mod support;

use egui::{Role, accesskit::Toggled};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use headstart::{
    data::handwriting,
    protocol::{Command, RunId},
    session::{Run, Session, State},
};
use screen::{Window, click, draw_seven, has, open_view, save_all, until_opened, wait};

fn open(view: &str, state: State) -> Window {
    open_view(view, [1440.0, 1400.0], true, state)
}

fn trained(fixture: &support::Fixture) -> (Session, RunId) {
    let mut session = fixture.session();
    let overrides = ["name=Reader", "keep_checkpoints=9", "evaluations_per_epoch=4", "epochs=3"];
    let run = support::start(&mut session, fixture.spec(&overrides));
    support::until(&mut session, &run, support::finished);
    (session, run)
}

#[test]
fn the_steps_the_poses_and_the_past_of_a_drawing_are_shown() {
    let fixture = support::Fixture::with_images(1500, 200);
    let mut window = open("drawing", State::default());
    window.get_by_label("No network yet");
    let (mut session, run) = trained(&fixture);
    wait(&mut window, &mut session, has("Nothing is drawn"));
    draw_seven(&mut window);
    wait(&mut window, &mut session, has("With these steps it reads 7"));
    wait(&mut window, &mut session, has("Map of places: 7 is read in"));
    wait(&mut window, &mut session, |window| {
        has("It changed its mind")(window) || has("It never changed its mind")(window)
    });
    wait(&mut window, &mut session, |window| has(" of 10")(window) || has(" of 11")(window));
    // Without the crop the seven is as it was on the pad.
    let with = window.get_all_by_label_contains("without: ").count();
    assert_eq!(with, 4);
    click(&mut window, "Crop");
    wait(&mut window, &mut session, has("with it: 7"));
    click(&mut window, "Crop");
    wait(&mut window, &mut session, |window| window.query_all_by_label_contains("without: ").count() == 4);
    window.get_by_role_and_label(Role::Slider, "Rotation").set_value_accesskit(-80.0);
    window.run_steps(2);
    wait(&mut window, &mut session, has("As it was"));
    click(&mut window, "As it was");
    window.get_by_role_and_label(Role::Slider, "Checkpoint").set_value_accesskit(0.0);
    wait(&mut window, &mut session, has("Step 0, epoch 0.00"));
    click(&mut window, "Choose runs");
    window.get_by_role_and_label(Role::CheckBox, "Reader").click_accesskit();
    wait(&mut window, &mut session, |window| window.query_all_by_label_contains("7: ").count() == 3);
    let saved = save_all(&mut window);
    for name in [
        "what-the-network-sees-reader-on-data.png",
        "probability-of-7-by-place-reader-on-data.svg",
        "the-drawing-over-rotation-reader-on-data.csv",
    ] {
        assert!(saved.iter().any(|saved| saved == name), "{name} is not among {saved:?}");
    }
    assert_eq!(saved.len(), 2 + 5 * 3, "{saved:?}");
    // A photograph has two steps more. Its digits are read one after another, and each can be looked into.
    let path = fixture.home().join("photograph.png");
    support::photograph_of_two(&path);
    window.state_mut().bench.picked_image(&path);
    until_opened(&mut window);
    wait(&mut window, &mut session, has("Read one after another: "));
    let second = |window: &Window| {
        let found = window.query_all_by_label_contains("Digit 2 of 2, read as ");
        found.map(|node| node.accesskit_node().toggled()).collect::<Vec<_>>()
    };
    assert_eq!(second(&window), [Some(Toggled::False); 2], "by the pad, and on the picture");
    window.query_all_by_label_contains("Digit 2 of 2").for_each(|node| node.click());
    window.run_steps(3);
    assert_eq!(second(&window), [Some(Toggled::True); 2]);
    wait(&mut window, &mut session, |window| window.query_all_by_label_contains("without: ").count() == 6);
    click(&mut window, "Even light");
    wait(&mut window, &mut session, has("with it: "));
    assert!(session.state.runs.contains_key(&run));
    session.close();
}

#[test]
fn drawings_are_kept_read_and_fine_tuned_on() {
    let fixture = support::Fixture::with_images(1500, 200);
    let (mut session, parent) = trained(&fixture);
    for seven in support::digits(&fixture.data(), 7).iter().take(8) {
        handwriting::keep(&fixture.home().join("handwriting"), 7, seven).unwrap();
    }
    let mut window = open("handwriting", session.state.clone());
    wait(&mut window, &mut session, has("Draw a digit on the pad, then say here which one it is."));
    draw_seven(&mut window);
    click(&mut window, "Keep the drawing as 7");
    wait(&mut window, &mut session, has("Kept as 7: 9 in Handwriting"));
    wait(&mut window, &mut session, has("9 drawings, 4 of them held out"));
    wait(&mut window, &mut session, has("Reader reads 9 of 9 of your drawings right."));
    // Any of them can be chosen.
    click(&mut window, "A 7, number 3: to train on, read as 7");
    click(&mut window, "Remove 1 drawing");
    wait(&mut window, &mut session, has("Bring the 7 back"));
    wait(&mut window, &mut session, has("8 drawings, 4 of them held out"));
    wait(&mut window, &mut session, has("Keep 2 more drawings first"));
    click(&mut window, "Bring the 7 back");
    wait(&mut window, &mut session, has("9 drawings, 4 of them held out"));
    wait(&mut window, &mut session, has("Fine-tune on 5 drawings"));
    click(&mut window, "Fine-tune on 5 drawings");
    wait(&mut window, &mut session, has("Your drawings that were held out (4)"));
    wait(&mut window, &mut session, |window| {
        window.query_by_label_contains("Validation images of Reader (100)").is_some()
    });
    let is_tuned = |run: &&Run| run.spec.init_from.as_deref() == Some(&*parent);
    let tuned = session.state.runs.values().find(is_tuned).unwrap().clone();
    wait(&mut window, &mut session, |window| window.query_all_by_label_contains(" points").count() >= 2);
    let saved = save_all(&mut window);
    assert!(saved.iter().any(|name| name.starts_with("accuracy-on-my-handwriting-")), "{saved:?}");
    session.send(Command::Delete(tuned.id));
    session.close();
}
