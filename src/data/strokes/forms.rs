//! The digits and their regional forms, in a box whose height is 1.
use super::lines::{Dice, Line, Point, arc, curve, on_line, spiral};

/// A way to write a digit.
#[derive(Debug)]
pub struct Form {
    /// The digit.
    pub digit: u8,
    /// What this way is called among those of the digit.
    pub name: &'static str,
    /// Whether it is the way that most of MNIST's writers have.
    pub is_plain: bool,
    /// Its strokes, with what differs between two who write it so.
    pub(super) strokes: fn(&mut Dice) -> Vec<Line>,
}

/// Every form, by digit.
pub static FORMS: [Form; 31] = [
    plain(0, "plain", |dice| vec![zero(dice).0]),
    form(0, "slashed", slashed_zero),
    form(0, "dotted", dotted_zero),
    plain(1, "plain", |dice| vec![stem(dice)]),
    form(1, "flagged", flagged),
    form(1, "footed", |dice| with_foot(vec![stem(dice)], dice)),
    form(1, "flagged and footed", |dice| with_foot(flagged(dice), dice)),
    plain(2, "plain", two),
    form(2, "looped", looped_two),
    form(2, "angular", angular_two),
    plain(3, "round", round_three),
    form(3, "looped", looped_three),
    form(3, "flat", flat_three),
    plain(4, "open", open_four),
    form(4, "rounded", rounded_four),
    form(4, "short", short_four),
    form(4, "closed", closed_four),
    plain(5, "separate", separate_five),
    form(5, "joined", joined_five),
    form(5, "curved", curved_five),
    plain(6, "curled", curled_six),
    form(6, "straight", straight_six),
    plain(7, "plain", |dice| seven(dice, false)),
    form(7, "serif", |dice| seven(dice, true)),
    form(7, "crossed", |dice| crossed_seven(dice, false)),
    form(7, "crossed with serif", |dice| crossed_seven(dice, true)),
    plain(8, "crossing", crossing_eight),
    form(8, "circles", circles_eight),
    plain(9, "straight", straight_nine),
    form(9, "curled", curled_nine),
    form(9, "hooked", hooked_nine),
];

const fn plain(digit: u8, name: &'static str, strokes: fn(&mut Dice) -> Vec<Line>) -> Form {
    Form { digit, name, is_plain: true, strokes }
}

const fn form(digit: u8, name: &'static str, strokes: fn(&mut Dice) -> Vec<Line>) -> Form {
    Form { digit, name, is_plain: false, strokes }
}

/// How far two writers' turning points are apart.
const LOOSE: f32 = 0.05;

/// A curve near some points.
fn bent(dice: &mut Dice, points: &[Point]) -> Line {
    curve(&points.iter().map(|point| dice.near(*point, LOOSE)).collect::<Vec<_>>())
}

/// A line that bulges to one side in its middle.
fn bowed(dice: &mut Dice, from: Point, to: Point, most: f32) -> Line {
    let bulge = dice.within(most);
    let middle = on_line(from, to, 0.5);
    curve(&[from, [middle[0] - bulge * (to[1] - from[1]), middle[1] + bulge * (to[0] - from[0])], to])
}

/// A round line that may not close, or close twice; and its half width.
fn zero(dice: &mut Dice) -> (Line, f32) {
    let width = dice.between(0.19, 0.45);
    let start = -90.0 + dice.within(50.0);
    let turn = 360.0 + dice.between(-25.0, 50.0);
    let turn = if dice.chance(0.8) { -turn } else { turn };
    (spiral([0.5, 0.5], [width, 0.45], [start, start + turn], dice.between(0.9, 1.08)), width)
}

fn slashed_zero(dice: &mut Dice) -> Vec<Line> {
    let (outline, width) = zero(dice);
    let reach = dice.between(0.55, 1.3);
    let [x, y] = [width * dice.between(0.5, 0.9) * reach, 0.4 * dice.between(0.6, 0.9) * reach];
    let x = if dice.chance(0.1) { -x } else { x };
    let middle = dice.near([0.5, 0.5], LOOSE);
    let [from, to] = [[middle[0] + x, middle[1] - y], [middle[0] - x, middle[1] + y]];
    vec![outline, bowed(dice, from, to, 0.05)]
}

fn dotted_zero(dice: &mut Dice) -> Vec<Line> {
    let (outline, width) = zero(dice);
    let dot = dice.near([0.5, 0.5], 0.06);
    let dash = if dice.chance(0.5) { dice.between(0.0, 0.12) } else { 0.0 };
    let wide = dice.within(0.2) * width;
    vec![outline, vec![dot, [dot[0] + wide, dot[1] + dash]]]
}

/// The upright of a 1.
fn stem(dice: &mut Dice) -> Line {
    let lean = dice.within(0.05);
    bowed(dice, [0.5, 0.05], [0.5 + lean, 0.95], 0.05)
}

fn flagged(dice: &mut Dice) -> Vec<Line> {
    let stem = stem(dice);
    let reach = dice.between(0.1, 0.36);
    // A flag that rises less is the bar of a 7.
    let fall = (reach * dice.between(1.5, 3.0)).min(0.6);
    let tip = stem[0];
    let flag = bowed(dice, [tip[0] - reach, tip[1] + fall], tip, 0.06);
    if dice.chance(0.8) { vec![[flag, stem].concat()] } else { vec![stem, flag] }
}

/// With a bar below, which may be drawn without lifting the pen.
fn with_foot(mut strokes: Vec<Line>, dice: &mut Dice) -> Vec<Line> {
    let base =
        strokes.iter().flatten().copied().fold([0.5, 0.0], |a: Point, b| if b[1] > a[1] { b } else { a });
    let [left, right] =
        [-1.0, 1.0].map(|side| [base[0] + side * dice.between(0.1, 0.3), base[1] + dice.within(0.04)]);
    match strokes.first_mut() {
        Some(only) if dice.chance(0.2) => only.extend([left, right]),
        _ => strokes.push(bowed(dice, left, right, 0.06)),
    }
    strokes
}

/// The bow of a 2, down to a corner.
fn bow(dice: &mut Dice, corner: Point) -> Line {
    let right = dice.between(0.66, 0.84);
    let start = [dice.between(0.14, 0.28), dice.between(0.14, 0.36)];
    bent(dice, &[start, [0.46, 0.06], [right, 0.26], [0.58, 0.58], corner])
}

fn two(dice: &mut Dice) -> Vec<Line> {
    let corner = dice.near([0.18, 0.92], 0.05);
    let bow = bow(dice, corner);
    let end = [dice.between(0.72, 0.95), 0.92 + dice.within(0.07)];
    let wave = dice.within(0.06);
    let base = curve(&[bow[bow.len() - 1], [0.4, 0.92 - wave], [0.65, 0.92 + wave], end]);
    vec![[bow, base].concat()]
}

fn looped_two(dice: &mut Dice) -> Vec<Line> {
    let size = dice.between(0.5, 1.3);
    let around = |x: f32, y: f32| [0.24 + x * size, 0.84 + y * size];
    let right = dice.between(0.66, 0.84);
    let start = [dice.between(0.14, 0.28), dice.between(0.14, 0.36)];
    let end = [dice.between(0.75, 0.98), 0.9 + dice.within(0.07)];
    let upper = [start, [0.46, 0.06], [right, 0.26], [0.6, 0.55], around(0.1, 0.02)];
    let lower = [around(-0.06, 0.07), around(-0.12, -0.01), around(-0.03, -0.08), around(0.16, 0.03), end];
    vec![curve(&[upper, lower].concat().iter().map(|point| dice.near(*point, 0.02)).collect::<Vec<_>>())]
}

fn angular_two(dice: &mut Dice) -> Vec<Line> {
    let [start, corner] = [[0.2, 0.12], [0.2, 0.93]].map(|point| dice.near(point, 0.06));
    let [top, end] = [[0.74, 0.1], [0.82, 0.92]].map(|point| dice.near(point, 0.06));
    let over = bowed(dice, start, top, 0.15);
    vec![[over, bowed(dice, top, corner, 0.08), bowed(dice, corner, end, 0.08)].concat()]
}

/// The lower bow of a 3 or 5, from its beginning on.
fn belly(dice: &mut Dice, from: Point) -> Line {
    let right = dice.between(0.7, 0.88);
    let end = [dice.between(0.1, 0.3), dice.between(0.76, 0.95)];
    let rise = from[1] + dice.within(0.04);
    let points = [[0.6, rise], [right, 0.69], [0.5, 0.95], end];
    curve(&[&[from][..], &points.map(|point| dice.near(point, 0.03))].concat())
}

fn round_three(dice: &mut Dice) -> Vec<Line> {
    let waist = [dice.between(0.28, 0.58), dice.between(0.4, 0.52)];
    let right = dice.between(0.62, 0.82);
    let start = [dice.between(0.14, 0.3), dice.between(0.08, 0.26)];
    let head = bent(dice, &[start, [0.46, 0.06], [right, 0.22], [0.58, 0.42]]);
    vec![[head, belly(dice, waist)].concat()]
}

fn looped_three(dice: &mut Dice) -> Vec<Line> {
    let size = dice.between(0.6, 1.4);
    let around = |x: f32, y: f32| [0.42 + x * size, 0.46 + y * size];
    let head = [[0.2, 0.18], [0.46, 0.06], [0.73, 0.22], around(0.08, 0.0)];
    let knot = [around(-0.06, 0.01), around(-0.05, -0.07), around(0.06, -0.03)];
    let belly = [[0.76, 0.68], [0.5, 0.95], [0.2, 0.86]];
    let points = [&head[..], &knot, &belly].concat();
    vec![curve(&points.iter().map(|point| dice.near(*point, 0.025)).collect::<Vec<_>>())]
}

fn flat_three(dice: &mut Dice) -> Vec<Line> {
    let [left, right] = [[0.2, 0.1], [0.74, 0.09]].map(|point| dice.near(point, 0.05));
    let waist = [dice.between(0.34, 0.54), dice.between(0.36, 0.48)];
    let bar = bowed(dice, left, right, 0.08);
    vec![[bar, bowed(dice, right, waist, 0.06), belly(dice, waist)].concat()]
}

/// The stem of a 4, from a height down.
fn four_stem(dice: &mut Dice, top: f32) -> Line {
    let at = dice.between(0.55, 0.7);
    let lean = dice.within(0.06);
    bowed(dice, [at + lean, top], [at - lean, 0.95], 0.05)
}

fn open_four(dice: &mut Dice) -> Vec<Line> {
    let bar = dice.between(0.46, 0.64);
    let top = [dice.between(0.18, 0.4), dice.between(0.05, 0.2)];
    let corner = [dice.between(0.12, 0.25), bar];
    let end = [dice.between(0.68, 0.95), bar + dice.within(0.06)];
    let hook = [bowed(dice, top, corner, 0.08), bowed(dice, corner, end, 0.05)].concat();
    let from = dice.between(0.04, 0.3);
    vec![hook, four_stem(dice, from)]
}

fn rounded_four(dice: &mut Dice) -> Vec<Line> {
    let bar = dice.between(0.48, 0.62);
    let reach = dice.between(0.62, 0.85);
    let hook = bent(dice, &[[0.24, 0.1], [0.2, bar - 0.15], [0.36, bar], [reach, bar - 0.04]]);
    let from = dice.between(0.04, 0.2);
    vec![hook, four_stem(dice, from)]
}

fn short_four(dice: &mut Dice) -> Vec<Line> {
    let bar = dice.between(0.52, 0.7);
    let top = [dice.between(0.4, 0.58), 0.06];
    let corner = [dice.between(0.08, 0.2), bar];
    let end = [dice.between(0.75, 0.95), bar + dice.within(0.05)];
    let hook = [bowed(dice, top, corner, 0.06), bowed(dice, corner, end, 0.05)].concat();
    let from = bar - dice.between(0.1, 0.35);
    vec![hook, four_stem(dice, from)]
}

fn closed_four(dice: &mut Dice) -> Vec<Line> {
    let bar = dice.between(0.54, 0.72);
    let stem = four_stem(dice, 0.05);
    let top = dice.near(stem[0], 0.03);
    let corner = [dice.between(0.05, 0.2), bar];
    let end = [dice.between(0.72, 0.98), bar + dice.within(0.06)];
    let hook = [bowed(dice, top, corner, 0.06), bowed(dice, corner, end, 0.05)].concat();
    if dice.chance(0.4) {
        return vec![[stem.into_iter().rev().collect(), hook].concat()];
    }
    vec![hook, stem]
}

/// A 5 without its bar.
fn five_body(dice: &mut Dice) -> Line {
    let top = [dice.between(0.22, 0.4), dice.between(0.06, 0.14)];
    let corner = [dice.between(0.18, 0.34), dice.between(0.38, 0.52)];
    [bowed(dice, top, corner, 0.08), belly(dice, corner)].concat()
}

fn five_bar(dice: &mut Dice, from: Point) -> Line {
    let end = [dice.between(0.62, 0.92), from[1] + dice.within(0.06)];
    bowed(dice, from, end, 0.08)
}

fn separate_five(dice: &mut Dice) -> Vec<Line> {
    let body = five_body(dice);
    let from = [body[0][0] + dice.between(-0.06, 0.07), body[0][1] + dice.within(0.05)];
    vec![body, five_bar(dice, from)]
}

fn joined_five(dice: &mut Dice) -> Vec<Line> {
    let body = five_body(dice);
    let bar = five_bar(dice, body[0]);
    vec![[bar.into_iter().rev().collect(), body].concat()]
}

fn curved_five(dice: &mut Dice) -> Vec<Line> {
    let points =
        [[0.76, 0.1], [0.46, 0.09], [0.3, 0.28], [0.52, 0.44], [0.74, 0.66], [0.52, 0.93], [0.2, 0.86]];
    vec![bent(dice, &points)]
}

fn curled_six(dice: &mut Dice) -> Vec<Line> {
    let top = [dice.between(0.55, 0.8), dice.between(0.05, 0.16)];
    let [width, height] = [dice.between(0.2, 0.3), dice.between(0.18, 0.28)];
    let middle = [0.2 + width, 0.95 - height];
    let points = [top, [0.36, 0.24], [0.2, middle[1] - 0.05], [0.25, middle[1] + height * 0.7]];
    let down = bent(dice, &points);
    let end = dice.between(-230.0, -150.0);
    vec![[down, arc(middle, [width, height], [110.0, end])].concat()]
}

fn straight_six(dice: &mut Dice) -> Vec<Line> {
    let [width, height] = [dice.between(0.18, 0.28), dice.between(0.17, 0.27)];
    let middle = [0.22 + width, 0.95 - height];
    let start = dice.between(165.0, 200.0);
    let ring = arc(middle, [width, height], [start, dice.between(-235.0, -160.0)]);
    let top = [dice.between(0.2, 0.7), 0.05];
    vec![[bowed(dice, top, ring[0], 0.12), ring].concat()]
}

/// Corners of a 7: the left and right end of its bar, and the foot of its stem.
fn seven_corners(dice: &mut Dice) -> [Point; 3] {
    let left = [dice.between(0.1, 0.28), 0.1 + dice.within(0.04)];
    let right = [dice.between(0.7, 0.88), 0.1 + dice.within(0.06)];
    let foot = [right[0] - dice.between(0.02, 0.5), 0.95];
    [left, right, foot]
}

fn seven(dice: &mut Dice, has_serif: bool) -> Vec<Line> {
    let corners = seven_corners(dice);
    vec![seven_line(dice, corners, has_serif).concat()]
}

/// Bar, which may have a serif, and stem.
fn seven_line(dice: &mut Dice, [left, right, foot]: [Point; 3], has_serif: bool) -> [Line; 2] {
    let wave = dice.within(0.05);
    let [a, b] = [1.0, 2.0].map(|third| on_line(left, right, third / 3.0));
    let bar = curve(&[left, [a[0], a[1] + wave], [b[0], b[1] - wave], right]);
    let serif = [left[0] + dice.within(0.05), left[1] + dice.between(0.07, 0.22)];
    let bar = if has_serif { [vec![serif], bar].concat() } else { bar };
    [bar, bowed(dice, right, foot, 0.14)]
}

fn crossed_seven(dice: &mut Dice, has_serif: bool) -> Vec<Line> {
    let corners = seven_corners(dice);
    let [bar, stem] = seven_line(dice, corners, has_serif);
    let middle = stem[(stem.len() as f32 * dice.between(0.38, 0.62)) as usize];
    let tilt = dice.within(0.06);
    let left = [middle[0] - dice.between(0.1, 0.28), middle[1] + tilt];
    let right = [middle[0] + dice.between(0.1, 0.28), middle[1] - tilt];
    vec![[bar, stem].concat(), bowed(dice, left, right, 0.06)]
}

fn crossing_eight(dice: &mut Dice) -> Vec<Line> {
    let waist = [0.5, dice.between(0.4, 0.52)];
    let [upper, lower] = [dice.between(0.14, 0.24), dice.between(0.18, 0.3)];
    let head = waist[1] / 2.0 + 0.03;
    let foot = (waist[1] + 0.95) / 2.0;
    let start = [0.5 + upper * dice.between(0.5, 1.0), dice.between(0.1, 0.26)];
    let down = [
        start,
        [0.5, 0.05],
        [0.5 - upper, head],
        waist,
        [0.5 + lower, foot],
        [0.5, 0.95],
        [0.5 - lower, foot],
    ];
    let back = [waist, [0.5 + upper, head + 0.02], dice.near(start, 0.05)];
    let back = if dice.chance(0.3) { &back[2..] } else { &back[..] };
    let points: Vec<Point> =
        [&down[..], back].concat().iter().map(|point| dice.near(*point, 0.025)).collect();
    vec![curve(&points)]
}

fn circles_eight(dice: &mut Dice) -> Vec<Line> {
    let waist = dice.between(0.38, 0.54);
    let apart = dice.between(-0.03, 0.02);
    let mut circle = |top: f32, bottom: f32, width: f32| {
        let start = dice.between(-180.0, 180.0);
        let turn = 360.0 + dice.between(-15.0, 40.0);
        let middle = [0.5 + dice.within(0.04), (top + bottom) / 2.0];
        spiral(
            middle,
            [width * dice.between(0.75, 1.15), (bottom - top) / 2.0],
            [start, start + turn],
            dice.between(0.94, 1.06),
        )
    };
    vec![circle(0.05, waist - apart, 0.21), circle(waist + apart, 0.95, 0.26)]
}

/// The loop of a 9, from the upper right round to where its tail begins.
fn nine_loop(dice: &mut Dice) -> (Line, Point) {
    let [width, height] = [dice.between(0.17, 0.28), dice.between(0.16, 0.26)];
    let middle = [0.7 - width, 0.05 + height];
    let start = dice.between(-60.0, 0.0);
    let around = arc(middle, [width, height], [start, start.min(-20.0) - dice.between(320.0, 365.0)]);
    let right = [middle[0] + width + dice.within(0.03), middle[1] - dice.between(0.0, 0.5) * height];
    (around, right)
}

fn nine(dice: &mut Dice, tail: &[Point]) -> Vec<Line> {
    let (around, right) = nine_loop(dice);
    let tail: Vec<Point> = tail.iter().map(|point| dice.near(*point, LOOSE)).collect();
    let tail = curve(&[&[right][..], &tail].concat());
    if dice.chance(0.75) { vec![[around, tail].concat()] } else { vec![around, tail] }
}

fn straight_nine(dice: &mut Dice) -> Vec<Line> {
    let foot = dice.between(0.45, 0.75);
    nine(dice, &[[(0.7 + foot) / 2.0, 0.6], [foot, 0.95]])
}

fn curled_nine(dice: &mut Dice) -> Vec<Line> {
    let end = [dice.between(0.18, 0.4), dice.between(0.86, 0.95)];
    nine(dice, &[[0.69, 0.6], [0.56, 0.88], end])
}

fn hooked_nine(dice: &mut Dice) -> Vec<Line> {
    let end = [dice.between(0.2, 0.36), dice.between(0.72, 0.86)];
    nine(dice, &[[0.7, 0.62], [0.66, 0.84], [0.48, 0.95], [0.34, 0.9], end])
}
