//! The views that explain a network, with made-up answers: what they open with, what they say of what is pointed at, and how
//! they look with two, ten, twenty-six and a hundred classes. `SCREENS=FOLDER cargo test --test views` saves pictures.
#[path = "support/answers.rs"]
mod answers;
#[path = "support/home.rs"]
mod home;
#[path = "support/layout.rs"]
mod layout;
#[path = "support/screen.rs"]
mod screen;

use egui::{Key, Order, Shape};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use headstart::ui::Settings;
use screen::{Window, draw_seven, open};

/// What a network knows, by how many classes.
fn names(count: usize) -> Vec<String> {
    match count {
        2 => ["a cat that sleeps", "a dog"].map(String::from).into(),
        10 => ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
            .map(String::from)
            .into(),
        11..=26 => (0..count).map(|letter| char::from(b'a' + letter as u8).to_string()).collect(),
        _ => (0..count).map(|class| format!("species number {class}")).collect(),
    }
}

/// A window with a view, something on its pad, and all its questions answered.
fn shown(view: &str, count: usize, size: [f32; 2], zoom: f32) -> Window {
    let settings =
        Settings { view: "drawing".into(), zoom, dark: count.is_multiple_of(4), ..Settings::default() };
    let mut window =
        open(size.map(|side| side + 16.0 * zoom), home::state(2, ["CNN", "MLP", "SGD"]), settings);
    let settle = |window: &mut Window| {
        window.run_steps(3);
        answers::answer_of(window, &names(count));
    };
    settle(&mut window);
    if window.query_by_label("Draw pad").is_some() {
        draw_seven(&mut window);
    }
    window.state_mut().bench.settings.view = view.into();
    settle(&mut window);
    if view == "evaluation" {
        window.get_by_label_contains("Evaluate on the ").click_accesskit();
        settle(&mut window);
    }
    window
}

/// Every row of letters on the screen.
fn texts(window: &Window) -> Vec<String> {
    fn collect(shape: &Shape, found: &mut Vec<String>) {
        match shape {
            Shape::Vec(shapes) => shapes.iter().for_each(|shape| collect(shape, found)),
            Shape::Text(text) => found.push(text.galley.text().to_owned()),
            _ => {}
        }
    }
    let mut found = vec![];
    window.output().shapes.iter().for_each(|shape| collect(&shape.shape, &mut found));
    found
}

#[test]
fn nothing_is_cut_or_covered_with_any_number_of_classes() {
    let mut wrong = vec![];
    for (count, size, zoom) in [
        (2, [1024.0, 700.0], 1.0),
        (10, [1440.0, 900.0], 1.0),
        (10, [1440.0, 2600.0], 1.0),
        (26, [1920.0, 1080.0], 1.5),
        (100, [1920.0, 1080.0], 1.0),
        (100, [1024.0, 700.0], 2.5),
    ] {
        for view in ["drawing", "why", "inside", "map", "evaluation"] {
            let mut window = shown(view, count, size, zoom);
            if let Some(folder) = std::env::var_os("SCREENS") {
                let name = format!("{view}-{count}-{}-{}.png", size[0], size[1]);
                window.render().unwrap().save(std::path::Path::new(&folder).join(name)).unwrap();
            }
            let found = layout::problems(&window);
            let what = format!("{view}, {count} classes, {size:?} at {zoom}");
            wrong.extend((!found.is_empty()).then(|| format!("{what}:\n  {}", found.join("\n  "))));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Counts how many of the classes stand beside or above the matrix.
fn named(window: &Window, count: usize) -> usize {
    let texts = texts(window);
    names(count).iter().filter(|name| texts.iter().filter(|text| text == name).count() >= 2).count()
}

#[test]
fn the_confusion_matrix_names_its_classes_and_scrolls_where_they_are_many() {
    for count in [2, 10] {
        let window = shown("evaluation", count, [1440.0, 900.0], 1.0);
        assert_eq!(named(&window, count), count, "of {count}");
    }
    let mut window = shown("evaluation", 100, [1440.0, 900.0], 1.0);
    let at_first = named(&window, 100);
    assert!((10..100).contains(&at_first), "{at_first} of 100 are in sight");
    let matrix = window.get_by_label("Confusion matrix of 100 classes");
    assert!(matrix.rect().width() > 1600.0, "cells are too small for names: {}", matrix.rect());
    matrix.focus();
    window.run_steps(2);
    for _ in 0..40 {
        window.key_press(Key::ArrowDown);
        window.key_press(Key::ArrowRight);
        window.run_steps(2);
    }
    window.run_steps(20);
    let at = window.get_by_label_contains("Confusion matrix, at ");
    let told = at.accesskit_node().label().unwrap();
    let class = told.trim_start_matches("Confusion matrix, at ").split(" taken for").next().unwrap();
    let seen = texts(&window).iter().filter(|text| *text == class).count();
    assert!(seen >= 2, "{class} is not named where the keys have led to");
}

#[test]
fn each_view_opens_with_a_sentence_and_says_what_its_terms_mean() {
    for (view, sentence, term, meaning) in [
        (
            "drawing",
            "Read as seven (87 %), and as the same at ",
            "Framing",
            "cropped, scaled to 20 × 20 pixels",
        ),
        (
            "why",
            "The upper left part speaks most for one; without it the network would say zero.",
            "Occlusion",
            "How it is found out.",
        ),
        ("inside", " maps of conv3 light up", "Filter", "a layer lays over every place"),
        ("map", "images nearest to the drawing are of class ", "t-SNE", "neighbours stay neighbours"),
        ("evaluation", "is the most frequent of ", "Calibration", "80 % should be right"),
    ] {
        let mut window = shown(view, 10, [1440.0, 900.0], 1.0);
        window.get_by_label_contains(sentence);
        assert!(window.query_by_label_contains(meaning).is_none(), "{view}: nobody has asked");
        window.get_by_label(&format!("What is {term}?")).click_accesskit();
        window.run_steps(4);
        window.get_by_label_contains(meaning);
    }
}

#[test]
fn nothing_pops_up_over_a_picture_that_is_pointed_at() {
    for (view, picture, said) in [
        ("drawing", "Map of places: ", "px right, "),
        ("why", "Occlusion: for one ", "Occlusion, row "),
        ("inside", "Map 5 of conv1", "Map 5 of conv1: up to "),
        ("map", "Map of 240 images", "train image "),
        ("evaluation", "Confusion matrix of 10 classes", " images ("),
    ] {
        let mut window = shown(view, 10, [1440.0, 900.0], 1.0);
        let place = window.get_by_label_contains(picture).rect();
        // Not beside the cells of the matrix, nor between the marks of the map.
        let at = (0..200).map(|at| place.lerp_inside(egui::vec2(0.3 + at as f32 * 0.002, 0.5))).find(|at| {
            window.hover_at(*at);
            window.run_steps(2);
            window.query_all_by_label_contains(said).next().is_some()
        });
        assert!(at.is_some(), "{view} says nothing of what is pointed at");
        window.run_steps(12);
        let layers = window.ctx.memory(|memory| memory.areas().visible_layer_ids());
        assert!(layers.iter().all(|layer| layer.order != Order::Tooltip), "{view} covers what it explains");
    }
}
