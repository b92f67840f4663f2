//! The views Why, Inside and Map, with a trained network.
#[path = "support/screen.rs"]
mod screen;
mod support;

use egui_kittest::kittest::Queryable as _;
use headstart::{
    explanation::Explanation,
    protocol::{Command, Finding, Question, RunId},
    sample::Image,
    session::{Session, State},
    ui::Action,
};
use screen::{Window, draw_seven, open_view, save_all, wait};
use std::sync::Arc;

fn open(view: &str, dark: bool, state: State) -> Window {
    open_view(view, [1440.0, 900.0], dark, state)
}

/// As [`wait`]; returns the questions that were asked.
fn carry(window: &mut Window, session: &mut Session, found: impl Fn(&Window) -> bool) -> Vec<Question> {
    let question = |action| match action {
        Action::Send(Command::Ask { question, .. }) => Some(question),
        _ => None,
    };
    wait(window, session, found).into_iter().filter_map(question).collect()
}

fn click(window: &mut Window, label: &str) {
    window.get_by_label(label).click();
    window.run_steps(4);
}

/// A trained network of a kind, and a session that knows it.
fn trained(overrides: &[&str]) -> (support::Fixture, Session, RunId) {
    let fixture = support::Fixture::with_images(2000, 500);
    let mut session = fixture.session();
    let run = support::start(&mut session, fixture.spec(overrides));
    support::until(&mut session, &run, support::finished);
    (fixture, session, run)
}

fn explanation(state: &State) -> Option<Arc<Explanation>> {
    let complete = |answer: &&headstart::protocol::Answer| answer.share_done >= 1.0;
    state.answers.values().filter(complete).rev().find_map(|answer| match &answer.finding {
        Some(Ok(Finding::Explanation(found))) => Some(found.clone()),
        _ => None,
    })
}

#[test]
fn a_drawing_is_explained_for_any_class_and_instead_of_any_other() {
    let (_fixture, mut session, _) = trained(&["name=Seed CNN", "epochs=4"]);
    let mut window = open("why", true, session.state.clone());
    window.get_by_label("Draw a digit, or open an image");
    draw_seven(&mut window);
    carry(&mut window, &mut session, |window| explanation(&window.state().state).is_some());
    let found = explanation(&window.state().state).unwrap();
    assert_eq!((found.class, found.instead_of), (found.predicted, None));
    for label in ["Gradient × input", "Integrated gradients", "Grad-CAM", "Occlusion"] {
        window.get_by_label_contains(&format!("{label}: for {}", found.class_name(found.class)));
    }
    let ids: Vec<_> = found.attributions.iter().map(|attribution| attribution.id).collect();
    assert_eq!(ids, ["gradient_input", "integrated_gradients", "grad_cam", "occlusion"]);
    let integrated = found.attributions[1].values.as_ref().unwrap().iter().sum::<f32>();
    let difference = found.output - found.empty_output;
    assert!((integrated - difference).abs() <= 0.01 * difference.abs(), "{integrated} {difference}");
    let what = format!("what-speaks-for-{}-seed-cnn-on-data", found.class_name(found.class));
    assert_eq!(save_all(&mut window), ["svg", "png"].map(|ending| format!("{what}.{ending}")));
    // nothing has changed: nothing is asked again
    let again = carry(&mut window, &mut session, |_| true);
    assert!(again.is_empty(), "{again:?}");

    let other = if found.predicted == 1 { "2" } else { "1" };
    // Not by the pointer: its first click would only close the menu of what was saved.
    window.get_by_value("nothing").click_accesskit();
    window.run_steps(4);
    click(&mut window, other);
    let wanted = |state: &State| explanation(state).is_some_and(|found| found.instead_of.is_some());
    let asked = carry(&mut window, &mut session, |window| wanted(&window.state().state));
    let [Question::Explanation { class: None, instead_of, .. }] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(*instead_of, other.parse().ok());
    window.get_by_label_contains(&format!("instead of {other}"));
}

#[test]
fn what_cannot_be_explained_says_why() {
    let (_fixture, mut session, _) = trained(&["encoder=compact_cnn", "objective=autoencoder", "epochs=1"]);
    let mut window = open("why", true, session.state.clone());
    draw_seven(&mut window);
    let text = "The network learns without labels: it has no classes";
    carry(&mut window, &mut session, |window| window.query_by_label_contains(text).is_some());
}

#[test]
fn a_network_is_looked_into_and_a_filter_finds_its_images() {
    let (_fixture, mut session, run) = trained(&["name=Seed CNN", "epochs=4"]);
    let mut window = open("inside", true, session.state.clone());
    draw_seven(&mut window);
    carry(&mut window, &mut session, |window| window.query_by_label("Map 63 of conv2").is_some());
    window.get_by_label("Filter 31 of conv1");
    click(&mut window, "Map 5 of conv2");
    let strongest = |state: &State| {
        state.answers.values().find_map(|answer| match &answer.finding {
            Some(Ok(Finding::Strongest(found))) if answer.share_done >= 1.0 => Some(found.clone()),
            _ => None,
        })
    };
    let asked = carry(&mut window, &mut session, |window| strongest(&window.state().state).is_some());
    assert!(asked.contains(&Question::Strongest { layer: 1, filter: 5 }), "{asked:?}");
    let found = strongest(&session.state).unwrap();
    assert_eq!((found.looked_at, found.layer, found.filter), (2000, 1, 5));
    assert!(found.images.is_sorted_by(|a, b| a.activation >= b.activation));
    assert!(found.images.len() <= 9 && found.images.iter().all(|image| image.window[2] == 5));
    // each has the activation in its own feature map
    for strong in &found.images {
        let shape = found.shape;
        let question = Question::Inside { sample: Image { shape, pixels: strong.pixels.clone() }.into() };
        session.send(Command::Ask { request: 900, run: run.clone(), question });
        let inside =
            support::wait(&mut session, |session| match session.state.answers.remove(&900)?.finding? {
                Ok(Finding::Inside(inside)) => Some(inside),
                other => panic!("{other:?}"),
            });
        let map = inside.layers[1].map(5);
        let largest = map.iter().copied().fold(0.0, f32::max);
        assert!((largest - strong.activation).abs() < 1e-4, "{largest} {}", strong.activation);
        let [top, left, _] = strong.window.map(|pixels| pixels as usize);
        assert!((map[top * inside.layers[1].width + left] - largest).abs() < 1e-4);
    }
    let saved = save_all(&mut window);
    assert!(
        saved.contains(&"feature-maps-of-conv2-seed-cnn-on-data.svg".into()) && saved.len() == 6,
        "{saved:?}"
    );
}

#[test]
fn images_are_mapped_and_the_drawing_lies_among_them() {
    let (_fixture, mut session, _) = trained(&["name=Seed CNN", "epochs=4"]);
    let mut window = open("map", true, session.state.clone());
    let map = |state: &State| {
        state.answers.values().find_map(|answer| match &answer.finding {
            Some(Ok(Finding::Map(map))) if answer.share_done >= 1.0 => Some(map.clone()),
            _ => None,
        })
    };
    draw_seven(&mut window);
    let asked = carry(&mut window, &mut session, |window| {
        map(&window.state().state).is_some() && window.query_by_label_contains("Nearest images: ").is_some()
    });
    let maps = asked.iter().filter(|question| matches!(question, Question::Map { .. })).count();
    assert_eq!(maps, 1, "{asked:?}");
    let found = map(&session.state).unwrap();
    assert_eq!((found.positions.len(), found.embedded.labels.len()), (1900, 1900));
    // on the map, most images lie beside one with the same label
    let distance = |a: [f32; 2], b: [f32; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
    let beside = |image: usize| {
        let at = found.positions[image];
        let others = (0..found.positions.len()).filter(|other| *other != image);
        others.min_by(|a, b| distance(at, found.positions[*a]).total_cmp(&distance(at, found.positions[*b])))
    };
    let alike = (0..1900).filter(|image| {
        beside(*image).is_some_and(|other| found.embedded.labels[other] == found.embedded.labels[*image])
    });
    let alike = alike.count();
    assert!(alike > 1600, "{alike} of 1900");
    assert_eq!(
        save_all(&mut window),
        ["svg", "png", "csv"].map(|ending| format!("map-seed-cnn-on-data-train-images.{ending}"))
    );
    click(&mut window, "PCA");
    let mut light = open("map", false, session.state.clone());
    draw_seven(&mut light);
    carry(&mut light, &mut session, |window| {
        window.query_by_label("Stop").is_some()
            && window.query_by_label_contains("Nearest images: ").is_some()
    });
    click(&mut light, "Stop");
    light.get_by_label("Draw again");
    let dismissed = |action: &Action| matches!(action, Action::Send(Command::Dismiss(_)));
    assert!(light.state().actions.iter().any(dismissed));
}
