//! Several digits on one picture, told from each other.
//!
//! Ink that hangs together is a part. Parts one above the other, such as the two strokes of a 4 or the bar of a 5, are one
//! digit; specks and what comes in from the border are none.
use crate::data::drawing::grid::{Bounds, Grid, TRACE, longest};

/// A picture with more digits, or with more parts that may be one, is no number that somebody wrote: all of its ink is one.
const MOST: usize = 32;
const MOST_PARTS: usize = 4 * MOST;
/// A part is a digit, or most of one, where it is this share of the highest part's height.
const DIGIT: f32 = 0.45;
/// Smaller than this share of it, a part is a speck.
const SPECK: f32 = 0.06;
/// Parts belong together where they share this much of the narrower one's width and are near each other from top to
/// bottom...
const SHARED: f32 = 0.3;
const NEAR: f32 = 0.25;
/// ...or are beside each other with such a gap between them: between digits it is larger than one that a removed line may
/// have left. As shares of the highest part's height.
const GAP: f32 = 0.04;
/// What a removed line may have left at the border is no wider, as a share of the picture's shorter side.
const SLIVER: f32 = 0.03;
/// What a removed line may have left elsewhere is at least this many times as long as wide, and its strokes are at most this
/// share as wide as the widest.
const LONG: usize = 5;
const THIN: f32 = 0.5;
/// A bar or a dot belongs to the digit that is no farther away.
const BAR: f32 = 0.15;

/// Ink that hangs together.
pub struct Part {
    pub bounds: Bounds,
    /// Indices of its places, row by row.
    pub places: Vec<usize>,
    /// Pixels in a row of the picture.
    width: usize,
}

/// The digits of a picture in the order in which they are read; none where it has too many to be a number. What comes in from
/// the border of a photograph is no digit.
pub fn digits(ink: &Grid, is_photographed: bool) -> Vec<Part> {
    let mut parts = without_border(parts(ink), ink, is_photographed);
    let highest = parts.iter().map(Part::height).max().unwrap_or_default() as f32;
    parts.retain(|part| longest(part.bounds) as f32 > SPECK * highest);
    let (high, low): (Vec<Part>, Vec<Part>) =
        parts.into_iter().partition(|part| part.height() as f32 > DIGIT * highest);
    if high.len() > MOST_PARTS {
        return vec![];
    }
    let mut groups = grouped(high, highest);
    for bar in low {
        if let Some(group) = groups.iter_mut().find(|group| belong(group.bounds, bar.bounds, highest, BAR)) {
            group.add(bar);
        }
    }
    if groups.len() > MOST {
        return vec![];
    }
    in_order(&mut groups);
    without_remains(groups, ink)
}

/// Without what is left of printed lines: long, and thinner than half of the widest strokes.
fn without_remains(mut digits: Vec<Part>, ink: &Grid) -> Vec<Part> {
    let width = |digit: &Part| digit.stroke_width(ink);
    let widest = digits.iter().map(width).fold(0.0, f32::max);
    let is_long = |[left, top, right, bottom]: Bounds| {
        let sides = [right - left, bottom - top];
        sides.into_iter().max() > sides.into_iter().min().map(|side| LONG * side)
    };
    digits.retain(|digit| !is_long(digit.bounds) || width(digit) > THIN * widest);
    digits
}

/// All parts, in order of their first places.
pub fn parts(ink: &Grid) -> Vec<Part> {
    let mut seen = vec![false; ink.coverage.len()];
    let mut parts = vec![];
    for first in 0..seen.len() {
        if !seen[first] && ink.coverage[first] > TRACE {
            parts.push(Part::from(ink, first, &mut seen));
        }
    }
    parts
}

impl Part {
    /// All that hangs together with a place.
    fn from(ink: &Grid, first: usize, seen: &mut [bool]) -> Self {
        let mut part = Part { bounds: [ink.width, ink.height, 0, 0], places: vec![], width: ink.width };
        let mut next = vec![first];
        seen[first] = true;
        while let Some(place) = next.pop() {
            let (x, y) = (place % ink.width, place / ink.width);
            let [left, top, right, bottom] = part.bounds;
            part.bounds = [left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1)];
            part.places.push(place);
            for y in y.saturating_sub(1)..(y + 2).min(ink.height) {
                for x in x.saturating_sub(1)..(x + 2).min(ink.width) {
                    let place = y * ink.width + x;
                    if !seen[place] && ink.coverage[place] > TRACE {
                        seen[place] = true;
                        next.push(place);
                    }
                }
            }
        }
        part
    }

    /// The mean width of its strokes.
    pub fn stroke_width(&self, ink: &Grid) -> f32 {
        let [left, top, right, bottom] = self.bounds;
        let mut close = Grid::blank(right - left, bottom - top);
        for place in &self.places {
            let (x, y) = (place % self.width - left, place / self.width - top);
            close.coverage[y * close.width + x] = ink.coverage[*place];
        }
        close.stroke_width()
    }

    /// Its ink, with all other ink taken away.
    pub fn alone(&self, ink: &Grid) -> Grid {
        let mut alone = Grid::blank(ink.width, ink.height);
        self.places.iter().for_each(|place| alone.coverage[*place] = ink.coverage[*place]);
        alone
    }

    /// In rows.
    pub fn height(&self) -> usize {
        self.bounds[3] - self.bounds[1]
    }

    /// Takes in another part.
    fn add(&mut self, other: Part) {
        let ([l, t, r, b], [left, top, right, bottom]) = (self.bounds, other.bounds);
        self.bounds = [l.min(left), t.min(top), r.max(right), b.max(bottom)];
        self.places.extend(other.places);
    }

    /// Whether it lies in a part of the picture and does not touch its border.
    pub fn is_within(&self, [left, top, right, bottom]: Bounds) -> bool {
        let [l, t, r, b] = self.bounds;
        l > left && t > top && r < right && b < bottom
    }

    /// The share of its bounds that lies between the outermost places of each row.
    pub fn filled(&self) -> f32 {
        let [left, top, right, bottom] = self.bounds;
        let mut ends = vec![[right, left]; bottom - top];
        for place in &self.places {
            let (x, row) = (place % self.width, place / self.width - top);
            ends[row] = [ends[row][0].min(x), ends[row][1].max(x + 1)];
        }
        let between: usize = ends.iter().map(|[first, end]| end.saturating_sub(*first)).sum();
        between as f32 / ((right - left) * (bottom - top)) as f32
    }
}

/// Without what comes in from the border, where something at least half as high lies inside. In a drawing only slivers of
/// lines do.
fn without_border(parts: Vec<Part>, ink: &Grid, is_photographed: bool) -> Vec<Part> {
    let whole = ink.whole();
    let inside =
        parts.iter().filter(|part| part.is_within(whole)).map(Part::height).max().unwrap_or_default();
    let short = ink.width.min(ink.height);
    let is_sliver =
        |[left, top, right, bottom]: Bounds| (right - left).min(bottom - top) as f32 <= SLIVER * short as f32;
    let is_foreign = |part: &Part| {
        let is_high = inside * 8 > short && inside * 2 > part.height();
        !part.is_within(whole) && is_high && (is_photographed || is_sliver(part.bounds))
    };
    parts.into_iter().filter(|part| !is_foreign(part)).collect()
}

/// Puts parts together that belong together.
fn grouped(parts: Vec<Part>, highest: f32) -> Vec<Part> {
    let mut groups: Vec<Part> = vec![];
    for mut part in parts {
        // what belonged to none of two groups may belong to both of them put together
        while let Some(at) = groups.iter().position(|group| belong(group.bounds, part.bounds, highest, GAP)) {
            part.add(groups.swap_remove(at));
        }
        groups.push(part);
    }
    groups
}

/// Whether two parts are of one digit.
fn belong(a: Bounds, b: Bounds, highest: f32, gap: f32) -> bool {
    let shared = |low: usize, high: usize| a[high].min(b[high]) as f32 - a[low].max(b[low]) as f32;
    let (across, down) = (shared(0, 2), shared(1, 3));
    let narrower = (a[2] - a[0]).min(b[2] - b[0]) as f32;
    let is_above = across > SHARED * narrower && down > -NEAR * highest;
    let is_beside = across > -gap * highest && down > 0.0;
    is_above || is_beside
}

/// Row by row, and from left to right. Digits are in one row where the middle of one is beside the other.
fn in_order(groups: &mut [Part]) {
    groups.sort_by_key(|group| group.bounds[1]);
    let mut first = 0;
    while first < groups.len() {
        let bottom = groups[first].bounds[3];
        let row =
            groups[first..].iter().take_while(|group| group.bounds[1] + group.bounds[3] < 2 * bottom).count();
        groups[first..first + row].sort_by_key(|group| group.bounds[0]);
        first += row;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(strokes: &[&[[f32; 2]]]) -> Grid {
        let mut grid = Grid::blank(300, 200);
        for ends in strokes.iter().flat_map(|stroke| stroke.windows(2)) {
            grid.line(ends[0], ends[1], 5.0);
        }
        grid
    }

    const FOUR: &[[f32; 2]] = &[[60.0, 40.0], [40.0, 90.0], [100.0, 90.0]];
    const STEM: &[[f32; 2]] = &[[88.0, 50.0], [86.0, 77.0]];
    const ONE: &[[f32; 2]] = &[[180.0, 40.0], [180.0, 130.0]];

    fn lefts(strokes: &[&[[f32; 2]]], is_photographed: bool) -> Vec<usize> {
        digits(&drawn(strokes), is_photographed).iter().map(|digit| digit.bounds[0]).collect()
    }

    #[test]
    fn digits_are_read_from_left_to_right_and_row_by_row() {
        assert_eq!(lefts(&[ONE, FOUR], false), [35, 175]);
        let lower: Vec<[f32; 2]> = ONE.iter().map(|[x, y]| [x + 70.0, y + 8.0]).collect();
        assert_eq!(lefts(&[&lower, ONE], false), [175, 245]);
        let (first, second) = ([[20.0, 10.0], [20.0, 80.0]], [[60.0, 110.0], [60.0, 180.0]]);
        assert_eq!(lefts(&[&second, &first], false), [15, 55]);
    }

    #[test]
    fn strokes_of_one_digit_stay_together_and_specks_are_left_out() {
        let speck: &[[f32; 2]] = &[[250.0, 20.0], [250.0, 20.5]];
        let found = digits(&drawn(&[FOUR, STEM, speck]), false);
        assert_eq!(found.len(), 1);
        let whole = drawn(&[FOUR, STEM]);
        let alone = found[0].alone(&drawn(&[FOUR, STEM, speck]));
        let missing: f32 = whole.minus(&alone).coverage.iter().sum();
        assert!(missing < 0.01 * whole.coverage.iter().sum::<f32>(), "{missing}");
        // the bar of a 5 that does not touch the rest
        let five: &[[f32; 2]] = &[[150.0, 40.0], [150.0, 80.0], [180.0, 100.0], [150.0, 130.0]];
        assert_eq!(lefts(&[five, &[[165.0, 36.0], [200.0, 34.0]]], false), [145]);
    }

    #[test]
    fn what_is_left_of_a_printed_line_is_no_digit() {
        let mut ink = drawn(&[FOUR, STEM, ONE]);
        ink.line([250.0, 40.0], [250.0, 130.0], 1.0);
        assert_eq!(digits(&ink, false).iter().map(|digit| digit.bounds[0]).collect::<Vec<_>>(), [35, 175]);
    }

    #[test]
    fn a_page_full_of_marks_is_no_number() {
        let marked = |count: usize| {
            let mut ink = Grid::blank(20 * count, 60);
            (0..count).for_each(|at| {
                let x = 20.0 * at as f32 + 10.0;
                ink.line([x, 10.0], [x, 50.0], 2.0);
            });
            digits(&ink, false).len()
        };
        assert_eq!([MOST, MOST + 1, MOST_PARTS + 1].map(marked), [MOST, 0, 0]);
    }

    #[test]
    fn what_comes_in_from_the_border_of_a_photograph_is_no_digit() {
        let thumb: &[[f32; 2]] = &[[280.0, 100.0], [299.0, 160.0]];
        assert_eq!(lefts(&[ONE, thumb], true), [175]);
        assert_eq!(lefts(&[ONE, thumb], false).len(), 2);
        assert_eq!(lefts(&[thumb], true).len(), 1);
        assert_eq!(lefts(&[], true).len(), 0);
    }
}
