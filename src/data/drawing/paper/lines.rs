//! Printed lines and boxes, which are no ink.
//!
//! A printed line is straight, runs across the whole picture, and is thinner or paler than the strokes. It is taken away
//! only where it is no thicker than elsewhere, so that strokes that cross it stay (as staff lines are removed from scores).
use super::apart::{self, Part};
use crate::data::drawing::grid::Grid;
use std::ops::Range;

/// Ink from which a place may belong to a line.
const MARKED: f32 = 0.1;
/// The share of the way across the picture on which a line is seen.
const SEEN: f32 = 0.6;
/// The steepest line, in rows a column, and the slopes that are tried on either side of level.
const STEEPEST: f32 = 0.25;
const SLOPES: i32 = 50;
/// Lines beside each other that are printed, however strong they are.
const SEVERAL: usize = 3;
/// Where a larger share of the picture is marked, it is no paper with lines.
const CROWDED: f32 = 0.3;
/// Lines that are looked at, at most, in either direction.
const MOST: usize = 200;
/// A printed line has at most this share of the ink of a stroke, across.
const THINNER: f32 = 0.75;
/// A box fills at least this share of its bounds, which no ellipse does; what is written in it is at least this share of its
/// height.
const RECTANGULAR: f32 = 0.8;
const WRITTEN: f32 = 0.25;
/// A box is at least this share of the picture's shorter side high.
const LEAST: f32 = 0.03;

/// The ink without lines and boxes; all of it where only these would be left, or lines as strong as they.
pub fn removed(ink: Grid) -> Grid {
    let marked = ink.coverage.iter().filter(|ink| **ink > MARKED).count();
    if marked as f32 > CROWDED * ink.coverage.len() as f32 {
        return ink;
    }
    let ink = without_boxes(ink);
    let (level, rows) = without_level_lines(&ink);
    let (unlined, columns) = without_level_lines(&level.transposed());
    let unlined = unlined.transposed();
    let is_strong = || ink.minus(&unlined).stroke_width() > THINNER * unlined.stroke_width();
    // no digit has so many lines
    let is_ink = unlined.bounds().is_none() || rows.max(columns) < SEVERAL && is_strong();
    if is_ink { ink } else { unlined }
}

/// The rest, and how many lines there were.
fn without_level_lines(ink: &Grid) -> (Grid, usize) {
    let mut lines = 0;
    let mut rest = ink.clone();
    let mut votes = Votes::of(ink);
    for _ in 0..MOST {
        let Some(line) = votes.most() else { break };
        let runs: Vec<(usize, Range<usize>)> =
            (0..rest.width).filter_map(|x| Some((x, run(&rest, x, line.row(x))?))).collect();
        if !reaches_border(&runs, rest.width) {
            votes.forget(line);
            continue;
        }
        let limit = 1 + 3 * middle_length(&runs) / 2;
        for (x, rows) in runs.into_iter().filter(|(_, rows)| rows.len() <= limit) {
            for y in rows {
                // lines that were forgotten have no votes any more
                votes.change(x, y, |count| count.saturating_sub(1));
                rest.coverage[y * rest.width + x] = 0.0;
            }
        }
        votes.forget(line);
        lines += 1;
    }
    (rest, lines)
}

/// Whether a line is seen on half of the outermost eighth of the way, at one end at least: a stroke of a digit is not.
fn reaches_border(runs: &[(usize, Range<usize>)], width: usize) -> bool {
    let eighth = width / 8;
    let seen = |columns: Range<usize>| 2 * runs.iter().filter(|(x, _)| columns.contains(x)).count() > eighth;
    seen(0..eighth) || seen(width - eighth..width)
}

/// Half of the runs are no longer than this.
fn middle_length(runs: &[(usize, Range<usize>)]) -> usize {
    let mut lengths: Vec<usize> = runs.iter().map(|(_, rows)| rows.len()).collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or_default()
}

/// The marked rows of a column, without a gap, in which or beside which a row lies.
fn run(ink: &Grid, x: usize, row: f32) -> Option<Range<usize>> {
    let is_marked = |y: usize| y < ink.height && ink.get(x, y) > MARKED;
    let near = row.round() as isize;
    let at =
        [0, -1, 1].into_iter().filter_map(|off| usize::try_from(near + off).ok()).find(|y| is_marked(*y))?;
    let first = (0..at).rev().take_while(|y| is_marked(*y)).last().unwrap_or(at);
    let end = (at..ink.height).find(|y| !is_marked(*y)).unwrap_or(ink.height);
    Some(first..end)
}

/// A line, by its row in the first column and its slope in rows a column.
#[derive(Clone, Copy)]
struct Line {
    slope: i32,
    first: isize,
}

impl Line {
    fn row(self, x: usize) -> f32 {
        self.first as f32 + slope(self.slope) * x as f32
    }
}

/// The rows a column of a slope that is counted in steps.
fn slope(step: i32) -> f32 {
    step as f32 * STEEPEST / SLOPES as f32
}

/// How many marked places lie on each line (Hough's transform).
struct Votes {
    width: usize,
    /// Rows above the picture in which lines may begin.
    margin: isize,
    rows: usize,
    /// (slopes, rows).
    counts: Vec<u32>,
}

impl Votes {
    fn of(ink: &Grid) -> Self {
        let margin = (ink.width as f32 * STEEPEST).ceil() as usize + 1;
        let rows = ink.height + 2 * margin;
        let slopes = 2 * SLOPES as usize + 1;
        let mut votes =
            Self { width: ink.width, margin: margin as isize, rows, counts: vec![0; slopes * rows] };
        for (place, _) in ink.coverage.iter().enumerate().filter(|(_, ink)| **ink > MARKED) {
            votes.change(place % ink.width, place / ink.width, |count| count + 1);
        }
        votes
    }

    /// Changes the counts of all lines through a place.
    fn change(&mut self, x: usize, y: usize, change: impl Fn(u32) -> u32) {
        for step in -SLOPES..=SLOPES {
            let first = (y as f32 - slope(step) * x as f32).round() as isize;
            let count = &mut self.counts[Self::place(self.rows, self.margin, Line { slope: step, first })];
            *count = change(*count);
        }
    }

    fn place(rows: usize, margin: isize, line: Line) -> usize {
        (line.slope + SLOPES) as usize * rows + (line.first + margin) as usize
    }

    /// The line on which most places lie, where it is seen on enough of the way.
    fn most(&self) -> Option<Line> {
        let (place, count) = self.counts.iter().enumerate().max_by_key(|(_, count)| **count)?;
        let line = Line {
            slope: (place / self.rows) as i32 - SLOPES,
            first: (place % self.rows) as isize - self.margin,
        };
        (*count as f32 > SEEN * self.width as f32).then_some(line)
    }

    /// Leaves out a line that has been looked at.
    fn forget(&mut self, line: Line) {
        let place = Self::place(self.rows, self.margin, line);
        self.counts[place] = 0;
    }
}

/// Takes away outlines of rectangles that have something written in them.
fn without_boxes(mut ink: Grid) -> Grid {
    let parts = apart::parts(&ink);
    let boxes: Vec<&Part> = parts.iter().filter(|part| is_box(part, &parts, &ink)).collect();
    for place in boxes.iter().flat_map(|part| &part.places) {
        ink.coverage[*place] = 0.0;
    }
    ink
}

/// Whether something is written in an outline, with strokes that are wider than its own: the slash of a 0 is not.
fn is_box(part: &Part, all: &[Part], ink: &Grid) -> bool {
    let is_written = |other: &Part| {
        other.is_within(part.bounds)
            && other.height() as f32 > WRITTEN * part.height() as f32
            && part.stroke_width(ink) < THINNER * other.stroke_width(ink)
    };
    let is_large = part.height() as f32 > LEAST * ink.width.min(ink.height) as f32;
    is_large && part.filled() > RECTANGULAR && all.iter().any(is_written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::drawing::grid::distance;

    /// Strokes of a width on a grid 200 wide and 160 high.
    fn drawn(strokes: &[[[f32; 2]; 2]], width: f32) -> Grid {
        let mut grid = Grid::blank(200, 160);
        strokes.iter().for_each(|[from, to]| grid.line(*from, *to, width / 2.0));
        grid
    }

    fn together(a: &Grid, b: &Grid) -> Grid {
        let coverage = a.coverage.iter().zip(&b.coverage).map(|(a, b)| a.max(*b)).collect();
        Grid { coverage, ..*a }
    }

    fn mass(grid: &Grid) -> f32 {
        grid.coverage.iter().sum()
    }

    fn seven() -> Grid {
        drawn(&[[[70.0, 40.0], [120.0, 40.0]], [[120.0, 40.0], [90.0, 130.0]]], 9.0)
    }

    #[test]
    fn lines_that_lean_are_taken_away_and_strokes_that_cross_them_stay() {
        let level: Vec<_> =
            (0..6).map(|i| i as f32 * 30.0 + 8.0).map(|y| [[-5.0, y], [205.0, y + 9.0]]).collect();
        let upright: Vec<_> =
            (0..7).map(|i| i as f32 * 30.0 + 9.0).map(|x| [[x, -5.0], [x - 5.0, 165.0]]).collect();
        let seven = seven();
        for lines in [level.clone(), [level, upright].concat()] {
            let found = removed(together(&seven, &drawn(&lines, 2.0)));
            let [wanted, kept] = [mass(&seven), mass(&found)];
            let lost = mass(&seven.minus(&found));
            assert!(lost < 0.06 * wanted && (kept - wanted + lost) < 0.12 * wanted, "{wanted} {kept} {lost}");
        }
    }

    #[test]
    fn a_digit_that_fills_its_picture_is_no_line() {
        let seven = drawn(&[[[-9.0, 5.0], [209.0, 5.0]], [[195.0, 5.0], [60.0, 170.0]]], 9.0);
        assert!(removed(seven.clone()) == seven);
        let one = drawn(&[[[100.0, -5.0], [100.0, 165.0]]], 9.0);
        assert!(removed(one.clone()) == one);
    }

    #[test]
    fn a_box_is_taken_away_and_a_dotted_zero_is_none() {
        let corners = [[50.0, 20.0], [150.0, 24.0], [147.0, 150.0], [47.0, 146.0]];
        let sides: Vec<_> = (0..4).map(|i| [corners[i], corners[(i + 1) % 4]]).collect();
        assert_eq!(removed(together(&seven(), &drawn(&sides, 4.0))).bounds(), seven().bounds());
        let mut zero = Grid::blank(200, 160);
        for place in 0..200 * 160 {
            let at = [(place % 200) as f32, (place / 200) as f32];
            let off = distance(at, [100.0, 80.0], [100.0, 80.0]);
            zero.coverage[place] = f32::from(u8::from((40.0..50.0).contains(&off) || off < 5.0));
        }
        assert!(removed(zero.clone()) == zero);
        // nor is a slashed one, whether it is round or square
        let slash = drawn(&[[[112.0, 60.0], [88.0, 104.0]]], 9.0);
        let square = corners.map(|[x, y]| [x + 0.25 * (100.0 - x), y]);
        let sides: Vec<_> = (0..4).map(|i| [square[i], square[(i + 1) % 4]]).collect();
        for outline in [zero, drawn(&sides, 9.0)] {
            let slashed = together(&outline, &slash);
            assert!(removed(slashed.clone()) == slashed);
        }
    }
}
