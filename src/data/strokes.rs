//! Digits drawn by a program, stroke by stroke, with their regional forms: all that makes one look unlike another is known.
//!
//! A drawing is a form (`strokes/forms`), written by a hand (`strokes/hand`) on the pad and framed like anything drawn there.
use super::{
    Dataset, DatasetEntry, DatasetInfo, Examples, OutsiderImages, PARAMS, Source,
    augment::suited,
    drawing::{Drawing, SIDE},
    numbered,
    watch::Watch,
};
use crate::{
    sample::Modality,
    shape::ImageShape,
    spec::{Choice, ComponentInfo, Param, ParamKind},
};
use anyhow::Result;
use lines::Dice;
use rayon::prelude::*;

mod forms;
mod hand;
mod lines;
mod scribbles;
pub use forms::{FORMS, Form};
pub use hand::{Habits, Hand};
pub use scribbles::scribble;

pub(crate) const ENTRY: DatasetEntry = DatasetEntry {
    info: ComponentInfo {
        id: "strokes",
        label: "Drawn digits",
        help: "Digits that this program draws stroke by stroke, in the forms that people write all over the world: 1 with a flag and a foot, 7 with a bar, 4 open and closed, 0 slashed and dotted.",
        params: &PARAMS_OF_STROKES,
    },
    modality: Modality::Images,
    source: Source::Own { load, peek: |_, _| Ok(info()) },
    augmentation: suited::handwriting,
    outsiders: Some(OUTSIDERS),
};

const OWN: [Param; 7] = [COUNT, FORMS_DRAWN, SLANT, ROTATION, WOBBLE, HASTE, PEN_WIDTH];

const PARAMS_OF_STROKES: [Param; OWN.len() + PARAMS.len()] = super::with_own(&OWN);

const COUNT: Param = Param {
    key: "count",
    label: "Drawings",
    unit: "images",
    help: "How many digits are drawn to train on. A fifth as many others are drawn to test with.",
    kind: ParamKind::Integer { min: 50, max: 200_000 },
    default: 20_000.0,
    live: false,
};

const FORMS_DRAWN: Param = Param {
    key: "forms",
    label: "Forms",
    unit: "",
    help: "Which forms of each digit are drawn: all of them, a plain one alone, as most writers of MNIST have it, or only the others, such as a 1 with a flag and a 7 with a bar.",
    kind: ParamKind::Choice(&[("all", "All"), ("plain", "Plain"), ("regional", "Regional")]),
    default: 0.0,
    ..COUNT
};

const SLANT: Param = Param {
    key: "slant",
    label: "Slant",
    unit: "°",
    help: "How far uprights lean at most, to the right more often than to the left.",
    kind: ParamKind::Float { min: 0.0, max: 45.0, logarithmic: false },
    default: 20.0,
    ..COUNT
};

const ROTATION: Param = Param {
    key: "turn",
    label: "Turn",
    help: "How far a drawing is turned at most, to either side.",
    default: 8.0,
    ..SLANT
};

const WOBBLE: Param = Param {
    key: "wobble",
    label: "Wobble",
    unit: "%",
    help: "How far lines stray at most from where they should be, as a share of the digit's height.",
    kind: ParamKind::Float { min: 0.0, max: 10.0, logarithmic: false },
    default: 3.0,
    ..COUNT
};

const HASTE: Param = Param {
    key: "haste",
    label: "Haste",
    unit: "",
    help: "How quickly is written at most: 0 keeps every corner, 1 cuts corners, overshoots, and leaves few points.",
    kind: ParamKind::Float { min: 0.0, max: 1.0, logarithmic: false },
    default: 0.8,
    ..COUNT
};

const PEN_WIDTH: Param = Param {
    key: "pen_width",
    label: "Pen width",
    help: "The width of a usual pen, as a share of the digit's longer side. Pens are from a quarter as wide to twice as wide; framing makes none thinner than MNIST's.",
    kind: ParamKind::Float { min: 1.0, max: 15.0, logarithmic: false },
    default: 8.0,
    ..WOBBLE
};

/// A drawing of which everything is known.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// What is drawn.
    pub form: &'static Form,
    /// Who drew it, so to speak.
    pub hand: Hand,
    /// The strokes on the pad.
    pub drawing: Drawing,
}

/// A form in a hand of its own, a function of seed and index. No data set is drawn by such a seed, so that these drawings
/// can test a network that was trained on one.
pub fn draw(form: &'static Form, seed: u64, index: u64) -> Drawn {
    let habits = Style::new(&Choice::new(ENTRY.info.id)).habits;
    written(form, &habits, &mut Dice::new(seed, "strokes of a form", index))
}

/// Draws the training images of the data set one by one, as the defaults have them and a network sees them.
pub(super) fn beside() -> impl Fn(usize) -> Vec<u8> + Send + Sync {
    let style = Style::new(&Choice::new(ENTRY.info.id));
    move |index| frame(&style.drawn(TRAIN, index as u64).drawing)
}

/// The digits that these show.
pub(super) fn labels(count: usize) -> Vec<u16> {
    (0..count).map(|index| (index % 10) as u16).collect()
}

/// Scribbles, by which a network learns that they are no digits.
pub(super) const OUTSIDERS: OutsiderImages = OutsiderImages {
    shape: ImageShape::new(SIDE, SIDE, 1),
    image: |place| frame(&scribble(TRAINED_SCRIBBLES, place as u64)),
};

/// The seed of the scribbles that networks learn from.
const TRAINED_SCRIBBLES: u64 = 0;
/// What the drawings of a part are drawn by.
const TRAIN: &str = "strokes to train on";
const TEST: &str = "strokes to test with";
/// Training images to each test image.
const TRAIN_PER_TEST: usize = 5;

fn info() -> DatasetInfo {
    DatasetInfo { shape: ImageShape::new(SIDE, SIDE, 1).into(), class_names: numbered(10) }
}

fn load(choice: &Choice, watch: &Watch) -> Result<Dataset> {
    let count = choice.get(&COUNT) as usize;
    let tests = count / TRAIN_PER_TEST;
    watch.expect("Drawing digits", count + tests);
    let style = Style::new(choice);
    let part = |purpose, count| {
        style.part(purpose, count, watch).map(|(pixels, labels)| Examples::images(pixels, labels))
    };
    Dataset::new(info(), part(TRAIN, count)?, part(TEST, tests)?)
}

/// What is drawn, and how.
struct Style {
    /// The forms of each digit.
    forms: [Vec<&'static Form>; 10],
    habits: Habits,
}

impl Style {
    fn new(choice: &Choice) -> Self {
        let which = choice.get(&FORMS_DRAWN) as usize;
        let is_drawn = |form: &&Form| which == 0 || form.is_plain == (which == 1);
        let forms = std::array::from_fn(|digit| {
            let of_digit = FORMS.iter().filter(|form| usize::from(form.digit) == digit);
            of_digit.filter(is_drawn).collect()
        });
        let value = |param: &Param| choice.get(param) as f32;
        let habits = Habits {
            slant: value(&SLANT),
            rotation: value(&ROTATION),
            wobble: value(&WOBBLE) / 100.0,
            haste: value(&HASTE),
            pen_width: value(&PEN_WIDTH) / 100.0,
        };
        Self { forms, habits }
    }

    /// The digits in turn, each in one of its forms.
    fn drawn(&self, purpose: &str, index: u64) -> Drawn {
        let dice = &mut Dice::new(0, purpose, index);
        let forms = &self.forms[(index % 10) as usize];
        let form = forms[dice.below(forms.len())];
        written(form, &self.habits, dice)
    }

    /// Framed drawings, one after another, and their labels.
    fn part(&self, purpose: &str, count: usize, watch: &Watch) -> Result<(Vec<u8>, Vec<u16>)> {
        let pixels = framed(count, watch, |index| self.drawn(purpose, index).drawing)?;
        Ok((pixels, labels(count)))
    }
}

fn written(form: &'static Form, habits: &Habits, dice: &mut Dice) -> Drawn {
    let hand = Hand::new(habits, dice);
    let strokes = (form.strokes)(dice);
    Drawn { form, hand, drawing: hand.write(&strokes, dice) }
}

/// Drawings as a network sees them, one after another.
fn framed(count: usize, watch: &Watch, drawing: impl Fn(u64) -> Drawing + Sync) -> Result<Vec<u8>> {
    let mut pixels = vec![0; count * SIDE * SIDE];
    let draw = |(index, out): (usize, &mut [u8])| {
        out.copy_from_slice(&frame(&drawing(index as u64)));
        watch.did(1)
    };
    pixels.par_chunks_exact_mut(SIDE * SIDE).enumerate().try_for_each(draw)?;
    Ok(pixels)
}

/// A drawing as a network sees it; black where nothing is drawn.
fn frame(drawing: &Drawing) -> Vec<u8> {
    drawing.frame().unwrap_or_else(|| vec![0; SIDE * SIDE])
}

#[cfg(test)]
mod tests;
