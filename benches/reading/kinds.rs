//! Things that are no digits, drawn on the pad by unsteady hands.
use headstart::{
    data::drawing::{Drawing, SIDE},
    rng::rng,
};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng as Dice;
use rayon::prelude::*;
use std::f32::consts::TAU;

/// Letters and kana in pen strokes: a kind, a style, a name, and strokes as "x,y x,y;x,y x,y" from 0 to 99. Letters in the
/// styles `simplex` and `script` are A. V. Hershey's; the others are from KanjiVG (Ulrich Apel, CC BY-SA 3.0).
const CHARACTERS: &str = include_str!("characters.tsv");
/// Letters that look like a digit, or like one in some hands.
const TWINS_OF_DIGITS: &str = "OoDQIilZzSsbGBqgyノフワろる";
/// Drawings of each character, and of each other kind.
const OF_EACH: u64 = 12;
const OF_KIND: u64 = 1000;

/// Something as a network sees it.
pub struct Shown {
    /// What it is, within its kind.
    pub name: String,
    pub framed: Vec<u8>,
}

impl Shown {
    pub fn new(name: impl Into<String>, framed: Vec<u8>) -> Self {
        Self { name: name.into(), framed }
    }
}

/// Draws all images of a kind.
type Draw = fn() -> Vec<Shown>;

/// Kinds by name.
pub const KINDS: [(&str, Draw); 9] = [
    ("letters", || characters("letter", false)),
    ("letters with a digit for a twin", || characters("letter", true)),
    ("kana", || characters("kana", false)),
    ("kana with a digit for a twin", || characters("kana", true)),
    ("scribbles", || drawn("scribble", walk)),
    ("crosses", || drawn("cross", cross)),
    ("boxes and triangles", || drawn("polygon", polygon)),
    ("faces", || drawn("face", face)),
    ("empty", || vec![Shown::new("", vec![0; SIDE * SIDE])]),
];

type Point = [f32; 2];
type Strokes = Vec<Vec<Point>>;

/// A drawing as a network sees it.
fn frame(drawing: &Drawing) -> Vec<u8> {
    drawing.sheet().map_or_else(|| vec![0; SIDE * SIDE], |sheet| sheet.frame())
}

fn characters(kind: &str, twins: bool) -> Vec<Shown> {
    let of_kind = CHARACTERS.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let wanted = of_kind.filter(|parts| parts[0] == kind && TWINS_OF_DIGITS.contains(parts[2]) == twins);
    let all: Vec<_> = wanted.flat_map(|parts| (0..OF_EACH).map(move |copy| (parts.clone(), copy))).collect();
    let show = |(parts, copy): &(Vec<&str>, u64)| {
        let dice = &mut rng(*copy, &parts.concat(), 0);
        Shown::new(format!("{} ({})", parts[2], parts[1]), frame(&by_hand(strokes(parts[3]), dice)))
    };
    all.par_iter().map(show).collect()
}

fn strokes(text: &str) -> Strokes {
    let number = |text: &str| text.parse::<f32>().expect("a number") / 99.0;
    let point = |text: &str| text.split_once(',').map(|(x, y)| [number(x), number(y)]).expect("a point");
    text.split(';').map(|stroke| stroke.split(' ').map(point).collect()).collect()
}

fn drawn(purpose: &str, draw: fn(&mut Dice) -> Strokes) -> Vec<Shown> {
    let show = |index| {
        let dice = &mut rng(0, purpose, index);
        let strokes = draw(dice);
        Shown::new("", frame(&by_hand(strokes, dice)))
    };
    (0..OF_KIND).into_par_iter().map(show).collect()
}

fn within(dice: &mut Dice, most: f32) -> f32 {
    dice.random_range(-most..most)
}

/// Slanted, turned, stretched and wobbling strokes in the middle of the pad.
fn by_hand(strokes: Strokes, dice: &mut Dice) -> Drawing {
    let (slant, angle) = (within(dice, 0.25), within(dice, 0.15));
    let [width, height]: [f32; 2] = [(); 2].map(|()| dice.random_range(0.4..0.7));
    let waves: [[f32; 3]; 4] = [(); 4]
        .map(|()| [dice.random_range(0.0..0.02), dice.random_range(2.0..7.0), dice.random_range(0.0..TAU)]);
    let wave = |at: usize, along: f32| waves[at][0] * (waves[at][1] * along + waves[at][2]).sin();
    let moved = |[x, y]: Point| {
        let [x, y] = [x - 0.5 + wave(0, y) + wave(1, x), y - 0.5 + wave(2, x) + wave(3, y)];
        let [x, y] = [width * (x - slant * y), height * y];
        let (sin, cos) = angle.sin_cos();
        [0.5 + cos * x - sin * y, 0.5 + sin * x + cos * y]
    };
    let strokes = strokes.iter().map(|stroke| fine(stroke).into_iter().map(moved).collect()).collect();
    Drawing { strokes, pen_width: dice.random_range(0.03..0.09) }
}

/// The same way in short steps.
fn fine(stroke: &[Point]) -> Vec<Point> {
    let between = |ends: &[Point]| {
        let (from, to) = (ends[0], ends[1]);
        (0..6).map(move |step| [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * step as f32 / 6.0))
    };
    stroke.windows(2).flat_map(between).chain(stroke.last().copied()).collect()
}

/// One to three smooth random walks, each at least twice as long as the pad.
fn walk(dice: &mut Dice) -> Strokes {
    let one = |dice: &mut Dice| {
        let (mut at, mut angle, mut turn) = ([0.5, 0.5], dice.random_range(0.0..TAU), 0.0);
        let steps = dice.random_range(60..220);
        (0..steps)
            .map(|_| {
                turn = 0.8 * turn + within(dice, 0.35);
                angle += turn;
                for (axis, way) in [angle.cos(), angle.sin()].into_iter().enumerate() {
                    at[axis] = (at[axis] + 0.035 * way).clamp(0.0, 1.0);
                }
                at
            })
            .collect()
    };
    (0..dice.random_range(1..4)).map(|_| one(dice)).collect()
}

/// Upright or lying.
fn cross(dice: &mut Dice) -> Strokes {
    let shift = [(); 2].map(|()| within(dice, 0.12));
    match dice.random_bool(0.5) {
        true => vec![
            vec![[0.5 + shift[0], 0.0], [0.5 + shift[0], 1.0]],
            vec![[0.0, 0.5 + shift[1]], [1.0, 0.5 + shift[1]]],
        ],
        false => vec![vec![[0.0, 0.0], [1.0, 1.0 + shift[0]]], vec![[1.0, 0.0], [0.0, 1.0 + shift[1]]]],
    }
}

/// A box or a triangle, in one stroke or a stroke a side.
fn polygon(dice: &mut Dice) -> Strokes {
    let corners = match dice.random_bool(0.5) {
        true => vec![[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]],
        false => vec![[0.5 + within(dice, 0.4), 0.0], [1.0, 1.0], [0.0, 1.0]],
    };
    let mut corners: Vec<Point> =
        corners.into_iter().map(|corner| corner.map(|v| v + within(dice, 0.06))).collect();
    corners.push(corners[0]);
    match dice.random_bool(0.5) {
        true => vec![corners],
        false => corners.windows(2).map(<[Point]>::to_vec).collect(),
    }
}

/// A circle with two eyes and a mouth, and now and then a nose.
fn face(dice: &mut Dice) -> Strokes {
    let arc = |middle: Point, radii: Point, from: f32, to: f32| -> Vec<Point> {
        let angle = |step: i32| from + (to - from) * step as f32 / 24.0;
        let point = |angle: f32| [middle[0] + radii[0] * angle.cos(), middle[1] + radii[1] * angle.sin()];
        (0..=24).map(angle).map(point).collect()
    };
    let mut strokes = vec![arc([0.5, 0.5], [0.5, 0.5], 0.0, TAU + within(dice, 0.2))];
    let eye = dice.random_range(0.02..0.07);
    for x in [0.32, 0.68] {
        strokes.push(arc([x + within(dice, 0.04), 0.36 + within(dice, 0.04)], [eye, eye], 0.0, TAU));
    }
    let (low, bend) = (0.62 + within(dice, 0.06), dice.random_range(0.05..0.18));
    strokes.push(arc([0.5, low], [dice.random_range(0.18..0.3), bend], 0.1, TAU / 2.0 - 0.1));
    if dice.random_bool(0.4) {
        strokes.push(vec![[0.5, 0.42], [0.5 + within(dice, 0.05), 0.56]]);
    }
    strokes
}
