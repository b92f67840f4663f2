//! What strokes are made of: points along lines, arcs and curves, and the chances that bend them.
use crate::{data::drawing, rng::rng};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// x to the right and y downwards.
pub type Point = [f32; 2];
/// The way of a pen from where it touches the paper to where it is lifted.
pub type Line = Vec<Point>;

/// Points on an arc, to each degree of it.
const POINTS_PER_DEGREE: f32 = 1.0 / 10.0;
/// Points between two that a curve leads through.
const POINTS_BETWEEN: usize = 8;

/// The chances of one drawing, in the order in which they are taken.
pub struct Dice(ChaCha8Rng);

impl Dice {
    pub fn new(seed: u64, purpose: &str, index: u64) -> Self {
        Self(rng(seed, purpose, index))
    }

    /// Evenly from `low` to `high`.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        self.0.random_range(low..=high)
    }

    /// Evenly from −range to range.
    pub fn within(&mut self, range: f32) -> f32 {
        self.between(-range, range)
    }

    /// A whole number below `count`, which is above 0.
    pub fn below(&mut self, count: usize) -> usize {
        self.0.random_range(0..count)
    }

    /// Whether something happens that happens with this share.
    pub fn chance(&mut self, share: f32) -> bool {
        self.between(0.0, 1.0) < share
    }

    /// A point at most `range` from another along either axis.
    pub fn near(&mut self, point: Point, range: f32) -> Point {
        point.map(|at| at + self.within(range))
    }

    /// A point in a box, given by two of its corners.
    pub fn inside(&mut self, low: Point, high: Point) -> Point {
        [0, 1].map(|axis| self.between(low[axis], high[axis]))
    }
}

/// Part of an ellipse, between angles in degrees: 0 lies to the right, 90 below. Towards its end it has grown by the factor
/// `growth`.
pub fn spiral(centre: Point, radii: Point, [from, to]: [f32; 2], growth: f32) -> Line {
    let steps = ((to - from).abs() * POINTS_PER_DEGREE).ceil().max(2.0);
    let point = |step: usize| {
        let done = step as f32 / steps;
        let (sin, cos) = (from + (to - from) * done).to_radians().sin_cos();
        let size = 1.0 + (growth - 1.0) * done;
        [centre[0] + radii[0] * size * cos, centre[1] + radii[1] * size * sin]
    };
    (0..=steps as usize).map(point).collect()
}

/// A spiral that does not grow.
pub fn arc(centre: Point, radii: Point, angles: [f32; 2]) -> Line {
    spiral(centre, radii, angles, 1.0)
}

/// A smooth curve through points (Catmull and Rom, 1974).
pub fn curve(points: &[Point]) -> Line {
    let Some(last) = points.len().checked_sub(1) else { return vec![] };
    let part = |at: usize| {
        let around = [at.saturating_sub(1), at, at + 1, (at + 2).min(last)].map(|at| points[at]);
        (0..POINTS_BETWEEN).map(move |step| on_curve(around, step as f32 / POINTS_BETWEEN as f32))
    };
    (0..last).flat_map(part).chain([points[last]]).collect()
}

/// The point a share of the way from the second to the third of four points.
fn on_curve([before, from, to, after]: [Point; 4], t: f32) -> Point {
    [0, 1].map(|axis| {
        let [a, b, c, d] = [before, from, to, after].map(|point| point[axis]);
        let bend = 2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a);
        b + 0.5 * t * (c - a + t * bend)
    })
}

/// The point a share of the way along a straight line.
pub fn on_line(from: Point, to: Point, share: f32) -> Point {
    [0, 1].map(|axis| from[axis] + (to[axis] - from[axis]) * share)
}

/// The distance of two points.
pub fn distance(a: Point, b: Point) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// The same way in steps of one length, of which the first is only a share; its ends stay.
pub fn paced(line: &[Point], step: f32, first: f32) -> Line {
    let [Some(start), Some(end)] = [line.first(), line.last()] else { return vec![] };
    let mut paced = vec![*start];
    let mut ahead = step * first;
    for ends in line.windows(2) {
        let length = distance(ends[0], ends[1]);
        while ahead < length {
            paced.push(on_line(ends[0], ends[1], ahead / length));
            ahead += step;
        }
        ahead -= length;
    }
    paced.push(*end);
    paced
}

/// Without the points that are within `tolerance` of the line that the others make (Douglas and Peucker, 1973).
pub fn thinned(line: &[Point], tolerance: f32) -> Line {
    let [Some(first), Some(last)] = [line.first(), line.last()] else { return vec![] };
    let away = |at: &usize| drawing::distance(line[*at], *first, *last);
    match (1..line.len() - 1).max_by(|a, b| away(a).total_cmp(&away(b))) {
        Some(at) if away(&at) > tolerance => {
            let mut thinned = thinned(&line[..=at], tolerance);
            thinned.extend(&self::thinned(&line[at..], tolerance)[1..]);
            thinned
        }
        _ => vec![*first, *last],
    }
}

/// Left and top, and right and bottom.
pub fn bounds<'a>(points: impl Iterator<Item = &'a Point> + Clone) -> [Point; 2] {
    let fold = |axis: usize, from: f32, pick: fn(f32, f32) -> f32| {
        points.clone().map(|point| point[axis]).fold(from, pick)
    };
    [
        [0, 1].map(|axis| fold(axis, f32::INFINITY, f32::min)),
        [0, 1].map(|axis| fold(axis, f32::NEG_INFINITY, f32::max)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_near(a: Point, b: Point) -> bool {
        distance(a, b) < 1e-4
    }

    #[test]
    fn curves_lead_through_their_points_and_arcs_from_angle_to_angle() {
        let points = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]];
        let line = curve(&points);
        assert_eq!(line.len(), 2 * POINTS_BETWEEN + 1);
        assert_eq!([line[0], line[POINTS_BETWEEN], line[2 * POINTS_BETWEEN]], points);
        assert!(line[POINTS_BETWEEN - 1][1] < 0.0, "it swings out before a corner");
        let arc = arc([0.5, 0.5], [0.2, 0.4], [0.0, 90.0]);
        assert!(is_near(arc[0], [0.7, 0.5]) && is_near(*arc.last().unwrap(), [0.5, 0.9]));
        let grown = spiral([0.0; 2], [1.0; 2], [0.0, 720.0], 3.0);
        assert!(is_near(*grown.last().unwrap(), [3.0, 0.0]), "{:?}", grown.last());
    }

    #[test]
    fn a_pace_keeps_the_ends_and_its_length() {
        let line = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]];
        let paced = paced(&line, 0.3, 0.5);
        assert_eq!(paced.len(), 9);
        assert!(is_near(paced[1], [0.15, 0.0]) && is_near(paced[4], [1.0, 0.05]), "{paced:?}");
        assert!(is_near(paced[8], [1.0, 1.0]));
        assert_eq!(thinned(&paced, 0.01), [paced[0], paced[3], paced[4], paced[8]]);
        assert_eq!(super::paced(&[[0.5, 0.5]], 0.1, 1.0), [[0.5, 0.5]; 2]);
        assert_eq!(bounds(line.iter()), [[0.0, 0.0], [1.0, 1.0]]);
    }
}
