//! The hand that writes a form: slant, haste, pen and the like, each of which is known of every drawing.
use super::lines::{Dice, Line, Point, bounds, paced, thinned};
use crate::data::drawing::Drawing;
use std::f32::consts::TAU;

/// How far hands may differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Habits {
    /// The largest slant to either side, in degrees.
    pub slant: f32,
    /// The largest turn to either side, in degrees.
    pub rotation: f32,
    /// How far a line strays at most, as a share of the height.
    pub wobble: f32,
    /// The greatest haste, up to 1.
    pub haste: f32,
    /// The usual width of the pen, as a share of the longer side of what is written.
    pub pen_width: f32,
}

/// One hand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hand {
    /// Degrees that uprights lean to the right.
    pub slant: f32,
    /// Degrees, clockwise.
    pub rotation: f32,
    /// Width as a multiple of what the form has.
    pub stretch: f32,
    /// How much wider the lower end is than the upper, as a share of the width.
    pub taper: f32,
    /// How much higher the upper half is than the lower, as a share of the height.
    pub balance: f32,
    /// How far a line strays, as a share of the height.
    pub wobble: f32,
    /// From 0, where every corner is kept, to 1: few points, corners cut, ends that overshoot.
    pub haste: f32,
    /// As a share of the longer side of what is written.
    pub pen_width: f32,
    /// The longer side, pen and all, as a share of the pad's.
    pub size: f32,
}

/// Steps in which a slow hand's pen is followed.
const STEP: f32 = 0.012;
/// Steps of the hastiest hand.
const LARGEST_STEP: f32 = 0.11;
/// How far a line may move without anybody seeing it, as a share of the longer side of what is written.
const INVISIBLE: f32 = 0.003;
/// How many steps to either side the hastiest hand takes the mean of.
const WIDEST_MEAN: f32 = 5.0;

impl Hand {
    /// A hand of people with these habits.
    pub(super) fn new(habits: &Habits, dice: &mut Dice) -> Self {
        Self {
            slant: habits.slant * dice.between(-0.7, 1.0),
            rotation: dice.within(habits.rotation),
            stretch: dice.between(-0.6, 0.3).exp2(),
            taper: dice.within(0.25),
            balance: dice.within(0.2),
            wobble: dice.between(0.0, habits.wobble),
            haste: dice.between(0.0, habits.haste),
            pen_width: habits.pen_width * dice.between(-2.0, 1.0).exp2(),
            size: dice.between(0.25, 0.95),
        }
    }

    /// Writes strokes that have a height of about 1, somewhere on the pad.
    pub(super) fn write(&self, strokes: &[Line], dice: &mut Dice) -> Drawing {
        let stray = Stray::new(self.wobble, dice);
        let written = strokes.iter().enumerate().map(|(at, stroke)| {
            let aim = if at == 0 { [0.0; 2] } else { dice.near([0.0; 2], 0.03 * (0.3 + self.haste)) };
            let line = self.ends(paced(stroke, STEP, 1.0), dice);
            let line = stray.along(&line, aim, dice);
            self.hurried(&line, dice).into_iter().map(|point| self.lean(point)).collect()
        });
        let written: Vec<Line> = written.collect();
        self.place(written, dice)
    }

    /// With ends that overshoot, and sometimes hooks where the pen comes down or is lifted.
    fn ends(&self, mut line: Line, dice: &mut Dice) -> Line {
        for _ in 0..2 {
            line.reverse();
            if line.len() < 4 {
                continue;
            }
            let (end, before) = (line[line.len() - 1], line[line.len() - 4]);
            let onward = 1.5 * self.haste * dice.between(-0.3, 1.0);
            let mut last = [0, 1].map(|axis| end[axis] + onward * (end[axis] - before[axis]));
            line.push(last);
            if dice.chance(0.15) {
                last = dice.near(last, 0.05);
                line.push(last);
            }
        }
        line
    }

    /// With corners cut, and points only where a pad asks for them.
    fn hurried(&self, line: &[Point], dice: &mut Dice) -> Line {
        let reach = (WIDEST_MEAN * self.haste * dice.between(0.3, 1.0)).round() as usize;
        let step = STEP + (LARGEST_STEP - STEP) * self.haste.powi(2);
        paced(&mean(line, reach), step, dice.between(0.2, 1.0))
    }

    /// In its proportions, slanted and turned about the middle of the form.
    fn lean(&self, [x, y]: Point) -> Point {
        let [x, y] = [x - 0.5, y + self.balance * y * (1.0 - y) - 0.5];
        let x = x * self.stretch * (1.0 + self.taper * y) - y * self.slant.to_radians().tan();
        let (sin, cos) = self.rotation.to_radians().sin_cos();
        [x * cos - y * sin, x * sin + y * cos]
    }

    /// At its size, somewhere on the pad.
    fn place(&self, mut strokes: Vec<Line>, dice: &mut Dice) -> Drawing {
        let [low, high] = bounds(strokes.iter().flatten());
        let extent = [high[0] - low[0], high[1] - low[1]];
        let scale = self.size * (1.0 - self.pen_width) / extent[0].max(extent[1]).max(STEP);
        let pen_width = self.pen_width * self.size;
        let corner = extent.map(|side| {
            let free = (1.0 - side * scale - pen_width).max(0.0);
            pen_width / 2.0 + dice.between(0.0, free)
        });
        for point in strokes.iter_mut().flatten() {
            *point = [0, 1].map(|axis| corner[axis] + (point[axis] - low[axis]) * scale);
        }
        let strokes = strokes.iter().map(|stroke| thinned(stroke, INVISIBLE * self.size)).collect();
        Drawing { strokes, pen_width }
    }
}

/// Each point as the mean of those around it; fewer of them towards the ends, which stay.
fn mean(line: &[Point], reach: usize) -> Line {
    let around = |at: usize| {
        let reach = reach.min(at).min(line.len() - 1 - at);
        let points = &line[at - reach..=at + reach];
        [0, 1].map(|axis| points.iter().map(|point| point[axis]).sum::<f32>() / points.len() as f32)
    };
    (0..line.len()).map(around).collect()
}

/// How lines stray: slowly over the paper, alike for all strokes, and a little along each of them.
struct Stray {
    amount: f32,
    waves: [[Wave; 2]; 2],
}

/// (waves along x, waves along y, phase)
type Wave = [f32; 3];

impl Stray {
    fn new(amount: f32, dice: &mut Dice) -> Self {
        let mut wave = || [dice.within(1.3), dice.within(1.3), dice.between(0.0, TAU)];
        Self { amount, waves: [[wave(), wave()], [wave(), wave()]] }
    }

    fn along(&self, line: &[Point], aim: Point, dice: &mut Dice) -> Line {
        let tremor = [dice.between(3.0, 9.0), dice.between(0.0, TAU), dice.between(0.0, TAU)];
        let strayed = |(at, point): (usize, &Point)| {
            let length = at as f32 * STEP * TAU * tremor[0];
            let shaken = [1, 2].map(|phase| 0.35 * self.amount * (length + tremor[phase]).sin());
            [0, 1].map(|axis| {
                let slow: f32 = self.waves[axis].iter().map(|wave| swing(wave, *point)).sum();
                point[axis] + aim[axis] + self.amount * slow + shaken[axis]
            })
        };
        line.iter().enumerate().map(strayed).collect()
    }
}

fn swing([across, down, phase]: &Wave, [x, y]: Point) -> f32 {
    (TAU * (across * x + down * y) + phase).sin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::strokes::lines::{curve, distance};

    const STEADY: Habits = Habits { slant: 0.0, rotation: 0.0, wobble: 0.0, haste: 0.0, pen_width: 0.1 };

    #[test]
    fn a_hand_keeps_to_its_habits_and_on_the_pad() {
        let habits = Habits { slant: 30.0, rotation: 10.0, wobble: 0.03, haste: 0.5, pen_width: 0.08 };
        let corner = vec![[0.2, 0.1], [0.8, 0.1], [0.4, 0.9]];
        for index in 0..200 {
            let mut dice = Dice::new(1, "hands", index);
            let hand = Hand::new(&habits, &mut dice);
            assert!((-21.0..=30.0).contains(&hand.slant) && hand.rotation.abs() <= 10.0, "{hand:?}");
            assert!((0.0..=0.03).contains(&hand.wobble) && (0.0..=0.5).contains(&hand.haste), "{hand:?}");
            assert!((0.02..=0.16).contains(&hand.pen_width), "{hand:?}");
            let drawing = hand.write(std::slice::from_ref(&corner), &mut dice);
            let [low, high] = bounds(drawing.strokes.iter().flatten());
            let room = drawing.pen_width / 2.0 - 1e-4;
            assert!([low, high].iter().flatten().all(|at| (room..=1.0 - room).contains(at)), "{hand:?}");
            let side = (high[0] - low[0]).max(high[1] - low[1]) + drawing.pen_width;
            assert!((side - hand.size).abs() < 0.01, "{side} instead of {}", hand.size);
        }
    }

    #[test]
    fn a_hasty_hand_makes_fewer_points_and_cuts_corners() {
        let tip = [1.0, 0.0];
        let corner = paced(&[[0.0, 0.0], tip, [1.0, 1.0]], STEP, 1.0);
        let hurried = |haste: f32| {
            let mut dice = Dice::new(2, "haste", 0);
            let hand = Hand { haste, ..Hand::new(&STEADY, &mut dice) };
            let line = hand.hurried(&corner, &mut dice);
            let nearest = line.iter().map(|point| distance(*point, tip)).fold(f32::INFINITY, f32::min);
            (line.len(), nearest)
        };
        let [slow, hasty] = [hurried(0.0), hurried(1.0)];
        assert!(slow.0 > 150 && slow.1 < 0.01, "{slow:?}");
        assert!(hasty.0 < 30 && hasty.1 > 0.02, "{hasty:?}");
    }

    #[test]
    fn means_keep_the_ends() {
        let line = curve(&[[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]]);
        let mean = mean(&line, 3);
        assert_eq!((mean[0], mean[16]), (line[0], line[16]));
        assert!(mean[8][0] < line[8][0]);
    }
}
