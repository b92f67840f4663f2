//! Ink on a grid, and what is done to it: lines are drawn, strokes thickened, parts scaled.

/// Ink on paper: `width * height` coverages from 0 (paper) to 1 (ink), row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    pub width: usize,
    pub height: usize,
    pub coverage: Vec<f32>,
}

/// Left, top, right and bottom of a part, in cells, the last two excluded.
pub type Bounds = [usize; 4];

/// Less ink is none.
pub const TRACE: f32 = 0.15;

/// Where the outline of enlarged ink is drawn: a hairline that lies between two cells has half of its ink in each, and is
/// ink.
const OUTLINE: f32 = 0.4;
/// How steep the outline is, as a multiple of what the enlarged cells made of it.
const OUTLINE_SLOPE: f32 = 2.0;

impl Grid {
    pub fn blank(width: usize, height: usize) -> Self {
        Self { width, height, coverage: vec![0.0; width * height] }
    }

    pub fn get(&self, x: usize, y: usize) -> f32 {
        self.coverage[y * self.width + x]
    }

    /// The longer side.
    pub fn longest(&self) -> usize {
        longest(self.whole())
    }

    /// All of it.
    pub fn whole(&self) -> Bounds {
        [0, 0, self.width, self.height]
    }

    /// Draws a line with round ends.
    pub fn line(&mut self, from: [f32; 2], to: [f32; 2], radius: f32) {
        let reach = |axis: usize, limit: usize| {
            let low = (from[axis].min(to[axis]) - radius - 1.0).floor().max(0.0) as usize;
            let high = (from[axis].max(to[axis]) + radius + 1.0).ceil().max(0.0) as usize;
            low..high.min(limit)
        };
        for y in reach(1, self.height) {
            for x in reach(0, self.width) {
                let away = distance([x as f32 + 0.5, y as f32 + 0.5], from, to);
                let pixel = &mut self.coverage[y * self.width + x];
                *pixel = pixel.max((radius + 0.5 - away).clamp(0.0, 1.0));
            }
        }
    }

    /// Where there is ink.
    pub fn bounds(&self) -> Option<Bounds> {
        let rows: Vec<_> =
            (0..self.height).filter(|&y| (0..self.width).any(|x| self.get(x, y) > TRACE)).collect();
        let columns: Vec<_> =
            (0..self.width).filter(|&x| (0..self.height).any(|y| self.get(x, y) > TRACE)).collect();
        Some([*columns.first()?, *rows.first()?, columns.last()? + 1, rows.last()? + 1])
    }

    /// The same ink, with strokes no thinner than `pen` cells, on paper that has grown by a margin on each side; the margin.
    pub fn thickened(&self, pen: f32) -> (Grid, usize) {
        let radius = (pen - self.stroke_width()) / 2.0;
        if radius <= 0.0 {
            return (self.clone(), 0);
        }
        let margin = radius.ceil() as usize;
        let mut thick = Grid::blank(self.width + 2 * margin, self.height + 2 * margin);
        let disc = disc(radius);
        let inked = (0..self.coverage.len()).filter(|at| self.coverage[*at] > 0.0);
        for at in inked {
            let (x, y, value) = (at % self.width + margin, at / self.width + margin, self.coverage[at]);
            for (down, reach) in &disc {
                let middle = y.wrapping_add_signed(*down) * thick.width + x;
                let covered = &mut thick.coverage[middle - reach..=middle + reach];
                covered.iter_mut().for_each(|cell| *cell = cell.max(value));
            }
        }
        (thick, margin)
    }

    /// The mean width of the strokes: a line of length l and width w has the area l·w and an outline of 2·l, which is
    /// what the absolute gradient adds up to.
    pub fn stroke_width(&self) -> f32 {
        let get = |x: usize, y: usize| if x < self.width && y < self.height { self.get(x, y) } else { 0.0 };
        let area: f32 = self.coverage.iter().sum();
        let slope = |x: usize, y: usize| (get(x + 1, y) - get(x, y)).hypot(get(x, y + 1) - get(x, y));
        let outline: f32 = (0..self.height)
            .flat_map(|y| (0..self.width).map(move |x| (x, y)))
            .map(|(x, y)| slope(x, y))
            .sum();
        2.0 * area / outline.max(f32::EPSILON)
    }

    /// The bounded part, scaled so that its longer side is `longest`, each cell the mean of what it covers.
    pub fn fitted(&self, bounds: Bounds, longest: usize) -> Grid {
        self.scaled(bounds, longest, |mean, value, share| mean + value * share)
    }

    /// The same, each cell the largest of what it covers: a hairline does not fade.
    pub fn fitted_sharp(&self, bounds: Bounds, longest: usize) -> Grid {
        self.scaled(bounds, longest, |darkest, value, _| darkest.max(value))
    }

    /// The bounded part and a cell around it, enlarged so that the part's longer side is `longest`: between cells along
    /// straight lines, then with outlines about as sharp as before.
    pub fn enlarged(&self, bounds: Bounds, longest: usize) -> Grid {
        let cell = self::longest(bounds) as f32 / longest as f32;
        let [left, top, right, bottom] = bounds;
        let count = |length: usize| ((length + 2) as f32 / cell).round() as usize;
        let mut grid = Grid::blank(count(right - left), count(bottom - top));
        for y in 0..grid.height {
            for x in 0..grid.width {
                let at = [(x, left), (y, top)].map(|(at, from)| (at as f32 + 0.5) * cell + from as f32 - 1.5);
                let sharp = 0.5 + OUTLINE_SLOPE * (self.between(at) - OUTLINE);
                grid.coverage[y * grid.width + x] = sharp.clamp(0.0, 1.0);
            }
        }
        grid
    }

    /// What lies at a point, in cells from the middle of the first, along straight lines between cells.
    fn between(&self, [x, y]: [f32; 2]) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let [right, below] = [x - left, y - top];
        let ink = |dx: isize, dy: isize| {
            let (x, y) = (left as isize + dx, top as isize + dy);
            let is_inside = (0..self.width as isize).contains(&x) && (0..self.height as isize).contains(&y);
            if is_inside { self.get(x as usize, y as usize) } else { 0.0 }
        };
        let upper = ink(0, 0) * (1.0 - right) + ink(1, 0) * right;
        let lower = ink(0, 1) * (1.0 - right) + ink(1, 1) * right;
        upper * (1.0 - below) + lower * below
    }

    /// `add` puts together what a cell covers, given the result so far, a value and its share of the cell.
    fn scaled(
        &self,
        [left, top, right, bottom]: Bounds,
        longest: usize,
        add: impl Fn(f32, f32, f32) -> f32,
    ) -> Grid {
        let scale = longest as f32 / self::longest([left, top, right, bottom]) as f32;
        let scaled = |length: usize| ((length as f32 * scale).round() as usize).clamp(1, longest);
        let (width, height) = (scaled(right - left), scaled(bottom - top));
        let columns = shares(left, right, width);
        let rows = shares(top, bottom, height);
        let mut grid = Grid::blank(width, height);
        for (cell, value) in grid.coverage.iter_mut().enumerate() {
            for &(y, row_share) in &rows[cell / width] {
                for &(x, column_share) in &columns[cell % width] {
                    *value = add(*value, self.get(x, y), row_share * column_share);
                }
            }
        }
        grid
    }

    /// Softened a little, with a cell more on each side: along either axis each cell keeps three quarters, and its neighbours
    /// get an eighth each, as much as straight lines between the cells would give them.
    pub fn softened(&self) -> Grid {
        let mut soft = Grid::blank(self.width + 2, self.height + 2);
        let shares = [0.125, 0.75, 0.125];
        for y in 0..self.height {
            for x in 0..self.width {
                for (down, row_share) in shares.iter().enumerate() {
                    for (right, column_share) in shares.iter().enumerate() {
                        let at = (y + down) * soft.width + x + right;
                        soft.coverage[at] += self.get(x, y) * row_share * column_share;
                    }
                }
            }
        }
        soft
    }

    /// The centre of mass, in cells; the middle where there is no ink.
    pub fn centre_of_mass(&self) -> [f32; 2] {
        let (mut mass, mut moments) = (0.0, [0.0; 2]);
        for y in 0..self.height {
            for x in 0..self.width {
                let m = self.get(x, y);
                mass += m;
                moments[0] += m * (x as f32 + 0.5);
                moments[1] += m * (y as f32 + 0.5);
            }
        }
        if mass > 0.0 { moments.map(|moment| moment / mass) } else { self.middle() }
    }

    pub fn middle(&self) -> [f32; 2] {
        [self.width as f32 / 2.0, self.height as f32 / 2.0]
    }

    /// A square of bytes, 255 for ink, in whose middle lies the given point of this grid, as nearly as whole cells allow.
    pub fn on_square(&self, side: usize, point: [f32; 2]) -> Vec<u8> {
        let shift = point.map(|at| (side as f32 / 2.0 - at).round() as isize);
        let mut square = vec![0; side * side];
        for y in 0..self.height {
            for x in 0..self.width {
                let (to_x, to_y) = (x as isize + shift[0], y as isize + shift[1]);
                if (0..side as isize).contains(&to_x) && (0..side as isize).contains(&to_y) {
                    square[to_y as usize * side + to_x as usize] = (self.get(x, y) * 255.0).round() as u8;
                }
            }
        }
        square
    }
}

/// The longer side of a part.
pub fn longest([left, top, right, bottom]: Bounds) -> usize {
    (right - left).max(bottom - top)
}

/// The distance of `p` from the line between `a` and `b`.
pub fn distance(p: [f32; 2], a: [f32; 2], b: [f32; 2]) -> f32 {
    let (ab, ap) = ([b[0] - a[0], b[1] - a[1]], [p[0] - a[0], p[1] - a[1]]);
    let length2 = ab[0] * ab[0] + ab[1] * ab[1];
    let along = if length2 > 0.0 { ((ap[0] * ab[0] + ap[1] * ab[1]) / length2).clamp(0.0, 1.0) } else { 0.0 };
    (ap[0] - along * ab[0]).hypot(ap[1] - along * ab[1])
}

/// The rows within a radius, and how many cells to either side are in each.
fn disc(radius: f32) -> Vec<(isize, usize)> {
    let is_within = |x: usize, y: isize| (x as f32).hypot(y as f32) <= radius;
    let most = radius.floor() as usize;
    let reach = |y: isize| (0..=most).rfind(|x| is_within(*x, y)).map(|reach| (y, reach));
    (-(most as isize)..=most as isize).filter_map(reach).collect()
}

/// For each of `count` equal parts of `from..to`, the cells it covers and their shares, which add up to 1.
fn shares(from: usize, to: usize, count: usize) -> Vec<Vec<(usize, f32)>> {
    let part = (to - from) as f32 / count as f32;
    let share = |i: usize| {
        let (low, high) = (i as f32 * part, (i + 1) as f32 * part);
        let last = (high.ceil() as usize).min(to - from);
        let covered = move |cell: usize| (high.min(cell as f32 + 1.0) - low.max(cell as f32)).max(0.0) / part;
        (low as usize..last).map(|cell| (from + cell, covered(cell))).collect()
    };
    (0..count).map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thickened_ink_reaches_as_far_as_a_disc_around_each_cell() {
        let value = |at: usize| if at.is_multiple_of(7) { (at % 5) as f32 / 4.0 } else { 0.0 };
        let grid = Grid { width: 17, height: 11, coverage: (0..17 * 11).map(value).collect() };
        for pen in [2.0, 3.7, 6.0] {
            let radius = (pen - grid.stroke_width()) / 2.0;
            let (thick, margin) = grid.thickened(pen);
            assert_eq!([thick.width, thick.height], [17 + 2 * margin, 11 + 2 * margin]);
            let near = |x: usize, y: usize| {
                let cells = (0..17 * 11).filter(|at| {
                    let [dx, dy] = [(at % 17 + margin).abs_diff(x), (at / 17 + margin).abs_diff(y)];
                    (dx as f32).hypot(dy as f32) <= radius
                });
                cells.map(|at| grid.coverage[at]).fold(0.0, f32::max)
            };
            assert!(
                radius > 0.0
                    && (0..thick.coverage.len())
                        .all(|at| { thick.coverage[at] == near(at % thick.width, at / thick.width) }),
                "pen {pen}"
            );
        }
    }

    #[test]
    fn softened_ink_stays_where_it_was() {
        let grid = Grid { width: 2, height: 1, coverage: vec![1.0, 0.0] };
        let soft = grid.softened();
        assert_eq!([soft.width, soft.height], [4, 3]);
        assert_eq!(soft.coverage[4..8], [0.09375, 0.5625, 0.09375, 0.0]);
        assert_eq!(soft.coverage.iter().sum::<f32>(), 1.0);
        let [before, after] = [&grid, &soft].map(Grid::centre_of_mass);
        assert_eq!(after, before.map(|at| at + 1.0));
    }

    #[test]
    fn enlarged_ink_keeps_its_place_and_hairlines_between_cells() {
        // A stroke of two cells, and a hairline between two others, eight cells high.
        let row = [0.0, 1.0, 1.0, 0.0, 0.0, 0.5, 0.5, 0.0];
        let grid = Grid { width: 8, height: 8, coverage: row.repeat(8) };
        let large = grid.enlarged(grid.bounds().unwrap(), 80);
        // The ink is 6 cells wide, and a cell is added on either side.
        assert_eq!([large.width, large.height], [80, 100]);
        let middle: Vec<f32> = (0..80).map(|x| large.get(x, 50)).collect();
        let stroke: f32 = middle[..40].iter().sum();
        assert!((21.0..23.0).contains(&stroke), "{stroke} of 20 cells, and a little for where outlines lie");
        assert!((0..40).all(|x| (middle[x] - middle[39 - x]).abs() < 1e-4), "it has moved: {middle:?}");
        assert!((middle[60] - 0.7).abs() < 1e-4 && middle[79] == 0.0, "{middle:?}");
    }
}
