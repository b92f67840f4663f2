use super::*;
use crate::data;
use std::path::Path;

fn choice(values: &[(&str, f64)]) -> Choice {
    let values = values.iter().map(|(key, value)| (key.to_string(), *value)).collect();
    Choice { values, ..Choice::new(ENTRY.info.id) }
}

fn loaded(values: &[(&str, f64)]) -> Dataset {
    data::load(&choice(values), Path::new("/nowhere"), &Watch::default()).unwrap()
}

fn pixels(examples: &Examples) -> Vec<u8> {
    examples.bytes(&(0..examples.len()).collect::<Vec<_>>()).unwrap()
}

/// Pixels of ink.
fn mass(framed: &[u8]) -> f32 {
    framed.iter().map(|ink| f32::from(*ink) / 255.0).sum()
}

fn frame(drawing: &Drawing) -> Vec<u8> {
    drawing.frame().expect("nothing is drawn")
}

fn form(digit: u8, name: &str) -> &'static Form {
    FORMS.iter().find(|form| (form.digit, form.name) == (digit, name)).unwrap()
}

#[test]
fn every_form_of_every_digit_is_drawn_and_framed() {
    for digit in 0..10 {
        let plain = FORMS.iter().filter(|form| form.digit == digit && form.is_plain).count();
        let others = FORMS.iter().filter(|form| form.digit == digit && !form.is_plain).count();
        assert!(plain == 1 && others >= 1, "{digit}: {plain} and {others}");
    }
    for form in &FORMS {
        for index in 0..30 {
            let framed = frame(&draw(form, 3, index).drawing);
            let ink = mass(&framed);
            assert!((20.0..330.0).contains(&ink), "{form:?} {index}: {ink} pixels of ink");
        }
    }
}

#[test]
fn what_tells_forms_apart_is_in_sight() {
    // Columns with ink in the lower rows.
    let foot = |name, index| {
        let framed = frame(&draw(form(1, name), 5, index).drawing);
        (0..SIDE).filter(|x| (20..SIDE).any(|y| framed[y * SIDE + x] > 64)).count()
    };
    let mean = |name| (0..40).map(|index| foot(name, index)).sum::<usize>() / 40;
    assert!(mean("footed") > mean("plain") + 3, "{} and {}", mean("footed"), mean("plain"));
    let strokes = |digit, name, index| draw(form(digit, name), 5, index).drawing.strokes.len();
    for index in 0..40 {
        assert_eq!([strokes(7, "plain", index), strokes(7, "crossed", index)], [1, 2]);
        assert_eq!([strokes(0, "plain", index), strokes(0, "slashed", index)], [1, 2]);
    }
}

#[test]
fn drawings_are_the_same_for_any_number_of_threads_and_parts_share_none() {
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| loaded(&[("count", 200.0)]))
    };
    let [one, three] = [1, 3].map(with);
    assert_eq!(pixels(&one.train), pixels(&three.train));
    assert_eq!((one.train.len(), one.test.len()), (200, 40));
    let labels: Vec<u16> = (0..200).map(|at| at % 10).collect();
    assert_eq!(one.train.labels(), labels);
    assert_eq!(one.test.count_in(&one.train), 0);
    let fewer = loaded(&[("count", 50.0)]);
    assert_eq!(pixels(&fewer.train), pixels(&one.train)[..50 * SIDE * SIDE], "more begin with the same");
    let [a, b, c] = [(1, 0), (2, 0), (1, 1)].map(|(seed, index)| draw(form(4, "open"), seed, index).drawing);
    assert!(a != b && a != c && a == draw(form(4, "open"), 1, 0).drawing);
}

#[test]
fn factors_and_forms_are_those_asked_for() {
    let drawn = |values: &[(&str, f64)]| {
        let style = Style::new(&choice(values));
        (0..300).map(move |index| style.drawn(TRAIN, index))
    };
    assert!(drawn(&[("forms", 1.0)]).all(|one| one.form.is_plain));
    assert!(drawn(&[("forms", 2.0)]).all(|one| !one.form.is_plain));
    let seen: std::collections::HashSet<_> = drawn(&[]).map(|one| (one.form.digit, one.form.name)).collect();
    assert_eq!(seen.len(), FORMS.len(), "a form is never drawn");
    let steady = [("slant", 0.0), ("turn", 0.0), ("wobble", 0.0), ("haste", 0.0)];
    assert!(drawn(&steady).all(|one| [one.hand.slant, one.hand.rotation, one.hand.wobble] == [0.0; 3]));
    let widest = |values: &[(&str, f64)]| drawn(values).map(|one| one.hand.slant).fold(0.0, f32::max);
    assert!(widest(&[]) > 18.0 && widest(&[("slant", 40.0)]) > 36.0);
    let ink = |values: &[(&str, f64)]| mass(&pixels(&loaded(&[values, &[("count", 100.0)]].concat()).train));
    assert!(ink(&[("pen_width", 15.0)]) > 1.3 * ink(&[("pen_width", 4.0)]));
}

#[test]
fn scribbles_are_framed_and_each_is_another() {
    let images: Vec<Vec<u8>> = (0..200).map(OUTSIDERS.image).collect();
    assert!(images.iter().all(|image| mass(image) > 15.0));
    assert_eq!(images.iter().collect::<std::collections::HashSet<_>>().len(), 200);
    assert_eq!(images[7], (OUTSIDERS.image)(7));
    assert_ne!(scribble(2, 7), scribble(1, 7));
}

#[test]
fn drawing_them_can_be_stopped() {
    let watch = Watch::default();
    watch.stop();
    assert!(load(&choice(&[]), &watch).unwrap_err().is::<data::watch::Stopped>());
}
