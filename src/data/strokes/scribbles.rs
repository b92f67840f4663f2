//! Strokes that are no digit: what a network is shown so that it learns to say so.
use super::{
    hand::{Habits, Hand},
    lines::{Dice, Line, Point, arc, curve, on_line, spiral},
};
use crate::data::drawing::Drawing;

/// As different as hands can be.
const HABITS: Habits = Habits { slant: 25.0, rotation: 180.0, wobble: 0.04, haste: 0.7, pen_width: 0.045 };

/// What alone is no digit, in a box whose sides are 1.
const WHOLES: [fn(&mut Dice) -> Vec<Line>; 8] =
    [zigzag, coil, loops, star, bundle, grid_of_parts, rays, tangle];

/// What may be a digit alone, and is none beside other strokes. A ring is not among them: crossed it is a slashed zero.
const PARTS: [fn(&mut Dice) -> Line; 4] = [bar, bowl, hook, dot];

/// The most parts beside each other.
const MOST_PARTS: usize = 5;

/// One to five random strokes or so that rarely look like a digit, a function of seed and index. Half of them are characters
/// of no script: what is likest to digits is hardest to tell from them.
pub fn scribble(seed: u64, index: u64) -> Drawing {
    let dice = &mut Dice::new(seed, "scribble", index);
    let strokes = match dice.below(8) {
        0 => scattered(dice),
        1 => pair(dice),
        2 | 3 => whole(dice),
        _ => character(dice),
    };
    Hand::new(&HABITS, dice).write(&strokes, dice)
}

fn whole(dice: &mut Dice) -> Vec<Line> {
    WHOLES[dice.below(WHOLES.len())](dice)
}

/// Two bars and up to three other parts, anywhere.
fn scattered(dice: &mut Dice) -> Vec<Line> {
    let others = 1 + dice.below(MOST_PARTS - 2);
    let place = |at: usize| {
        let part = if at < 2 { bar } else { PARTS[dice.below(PARTS.len())] };
        let line = part(dice);
        moved(vec![line], dice)
    };
    (0..2 + others).flat_map(place).collect()
}

/// Two wholes, each at a place and size of its own.
fn pair(dice: &mut Dice) -> Vec<Line> {
    let mut one = || {
        let strokes = whole(dice);
        moved(strokes, dice)
    };
    [one(), one()].concat()
}

/// Smaller, somewhere in the box.
fn moved(mut strokes: Vec<Line>, dice: &mut Dice) -> Vec<Line> {
    let size = dice.inside([0.25; 2], [0.8; 2]);
    let corner = size.map(|side| dice.between(0.0, 1.0 - side));
    for point in strokes.iter_mut().flatten() {
        *point = [0, 1].map(|axis| corner[axis] + size[axis] * point[axis]);
    }
    strokes
}

fn anywhere(dice: &mut Dice) -> Point {
    dice.inside([0.0; 2], [1.0; 2])
}

fn some(dice: &mut Dice, least: usize, most: usize, mut one: impl FnMut(&mut Dice) -> Point) -> Vec<Point> {
    let count = least + dice.below(most - least + 1);
    (0..count).map(|_| one(dice)).collect()
}

/// Up and down at least twice.
fn zigzag(dice: &mut Dice) -> Vec<Line> {
    let count = 6 + dice.below(8);
    let corner = |at: usize, dice: &mut Dice| {
        let across = (at as f32 + dice.within(0.3)) / (count - 1) as f32;
        [across, if at.is_multiple_of(2) { dice.between(0.0, 0.35) } else { dice.between(0.65, 1.0) }]
    };
    let corners: Vec<Point> = (0..count).map(|at| corner(at, dice)).collect();
    vec![if dice.chance(0.4) { curve(&corners) } else { corners }]
}

/// A spiral of two turns or more.
fn coil(dice: &mut Dice) -> Vec<Line> {
    let from = dice.between(0.0, 360.0);
    let turns = dice.between(2.0, 4.5);
    let radii = [dice.between(0.04, 0.1), dice.between(0.04, 0.1)];
    vec![spiral([0.5; 2], radii, [from, from + 360.0 * turns], dice.between(4.0, 6.0))]
}

/// A chain of loops, as one tries a pen.
fn loops(dice: &mut Dice) -> Vec<Line> {
    let turns = dice.between(2.6, 6.0);
    let [width, height] = [dice.between(0.08, 0.22), dice.between(0.2, 0.45)];
    let steps = (turns * 24.0) as usize;
    let point = |step: usize| {
        let (sin, cos) = (step as f32 * 15.0).to_radians().sin_cos();
        [step as f32 / steps as f32 + width * cos, 0.5 + height * sin]
    };
    vec![(0..=steps).map(point).collect()]
}

/// A closed line whose sides cross each other, or another line.
fn star(dice: &mut Dice) -> Vec<Line> {
    let count = 5 + 2 * dice.below(2);
    let begin = dice.between(0.0, 360.0);
    let corner = |at: usize, dice: &mut Dice| {
        let (sin, cos) = (begin + 720.0 * at as f32 / count as f32).to_radians().sin_cos();
        let radius = dice.between(0.3, 0.5);
        [0.5 + radius * cos, 0.5 + radius * sin]
    };
    let mut corners: Vec<Point> = (0..count).map(|at| corner(at, dice)).collect();
    corners.push(corners[0]);
    let mut strokes = vec![corners];
    if dice.chance(0.5) {
        strokes.push(bar(dice));
    }
    strokes
}

/// Lines beside each other, or such lines crossed by others.
fn bundle(dice: &mut Dice) -> Vec<Line> {
    let count = 3 + dice.below(3);
    let crossing = dice.below(3);
    let across = |at: usize, of: usize, dice: &mut Dice| (at as f32 + dice.between(0.25, 0.75)) / of as f32;
    let mut strokes: Vec<Line> = vec![];
    for at in 0..count {
        let x = across(at, count, dice);
        strokes.push(vec![[x, dice.between(0.0, 0.2)], [x + dice.within(0.08), dice.between(0.8, 1.0)]]);
    }
    for at in 0..crossing {
        let y = across(at, crossing, dice);
        strokes.push(vec![[dice.between(-0.1, 0.1), y], [dice.between(0.9, 1.1), y + dice.within(0.1)]]);
    }
    strokes
}

/// Straight bars and bowls between the nine points of a grid, as most scripts have them.
fn grid_of_parts(dice: &mut Dice) -> Vec<Line> {
    let count = 4 + dice.below(2);
    let mut part = || {
        let [from, to] = [node(dice), node(dice)];
        bowed(from, to, dice)
    };
    (0..count).map(|_| part()).collect()
}

/// One to three strokes through points of a grid, straight or bowed, each often from where another has been.
fn character(dice: &mut Dice) -> Vec<Line> {
    let mut visited: Vec<Point> = vec![];
    let mut stroke = |fewest: usize, dice: &mut Dice| {
        let mut at = match !visited.is_empty() && dice.chance(0.6) {
            true => visited[dice.below(visited.len())],
            false => node(dice),
        };
        visited.push(at);
        let mut line = vec![at];
        for _ in 0..fewest + dice.below(3) {
            let next = node(dice);
            line.extend(bowed(at, next, dice));
            visited.extend([on_line(at, next, 0.5), next]);
            at = next;
        }
        line
    };
    match dice.below(3) {
        // a line alone would be a 1
        0 => vec![stroke(2, dice)],
        more => (0..=more).map(|_| stroke(1, dice)).collect(),
    }
}

/// One of nine points, or near it.
fn node(dice: &mut Dice) -> Point {
    let place = [dice.below(3), dice.below(3)].map(|at| at as f32 / 2.0);
    dice.near(place, 0.06)
}

/// A straight line more often than a bow.
fn bowed(from: Point, to: Point, dice: &mut Dice) -> Line {
    let bulge = if dice.chance(0.4) { dice.within(0.8) } else { 0.0 };
    let middle = on_line(from, to, 0.5);
    curve(&[from, [middle[0] - bulge * (to[1] - from[1]), middle[1] + bulge * (to[0] - from[0])], to])
}

/// Lines through one point, or away from it.
fn rays(dice: &mut Dice) -> Vec<Line> {
    let count = 4 + dice.below(3);
    let middle = dice.near([0.5; 2], 0.08);
    let begin = dice.between(0.0, 360.0);
    let is_through = dice.chance(0.6);
    let span = if is_through { 180.0 } else { 360.0 };
    let ray = |at: usize| {
        let angle = begin + span * (at as f32 + dice.within(0.25)) / count as f32;
        let (sin, cos) = angle.to_radians().sin_cos();
        let end = |radius: f32| [middle[0] + radius * cos, middle[1] + radius * sin];
        let back = if is_through { -dice.between(0.3, 0.5) } else { dice.between(0.0, 0.15) };
        vec![end(back), end(dice.between(0.3, 0.5))]
    };
    (0..count).map(ray).collect()
}

/// A line that goes hither and thither.
fn tangle(dice: &mut Dice) -> Vec<Line> {
    let corners = some(dice, 9, 18, anywhere);
    vec![if dice.chance(0.7) { curve(&corners) } else { corners }]
}

fn bar(dice: &mut Dice) -> Line {
    let from = anywhere(dice);
    let to = match dice.below(3) {
        0 => [from[0] + dice.within(0.1), 1.0 - from[1]],
        1 => [1.0 - from[0], from[1] + dice.within(0.1)],
        _ => anywhere(dice),
    };
    vec![from, to]
}

fn bowl(dice: &mut Dice) -> Line {
    let from = dice.between(0.0, 360.0);
    arc([0.5; 2], [0.5; 2], [from, from + dice.between(120.0, 250.0)])
}

fn hook(dice: &mut Dice) -> Line {
    let corners = some(dice, 3, 4, anywhere);
    if dice.chance(0.5) { curve(&corners) } else { corners }
}

fn dot(dice: &mut Dice) -> Line {
    let at = anywhere(dice);
    vec![at, dice.near(at, 0.05)]
}
