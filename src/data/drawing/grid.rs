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

impl Grid {
    pub fn blank(width: usize, height: usize) -> Self {
        Self { width, height, coverage: vec![0.0; width * height] }
    }

    pub fn get(&self, x: usize, y: usize) -> f32 {
        self.coverage[y * self.width + x]
    }

    /// The longer side.
    pub fn longest(&self) -> usize {
        self.width.max(self.height)
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
        const TRACE: f32 = 0.15;
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
        for y in 0..self.height {
            for x in 0..self.width {
                let value = self.get(x, y);
                for [dx, dy] in disc.iter().filter(|_| value > 0.0) {
                    let at = (y + margin).wrapping_add_signed(*dy) * thick.width
                        + (x + margin).wrapping_add_signed(*dx);
                    thick.coverage[at] = thick.coverage[at].max(value);
                }
            }
        }
        (thick, margin)
    }

    /// The mean width of the strokes: a line of length l and width w has the area l·w and an outline of 2·l, which is
    /// what the absolute gradient adds up to.
    fn stroke_width(&self) -> f32 {
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

    /// `add` puts together what a cell covers, given the result so far, a value and its share of the cell.
    fn scaled(
        &self,
        [left, top, right, bottom]: Bounds,
        longest: usize,
        add: impl Fn(f32, f32, f32) -> f32,
    ) -> Grid {
        let scale = longest as f32 / (right - left).max(bottom - top) as f32;
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

/// The distance of `p` from the line between `a` and `b`.
pub fn distance(p: [f32; 2], a: [f32; 2], b: [f32; 2]) -> f32 {
    let (ab, ap) = ([b[0] - a[0], b[1] - a[1]], [p[0] - a[0], p[1] - a[1]]);
    let length2 = ab[0] * ab[0] + ab[1] * ab[1];
    let along = if length2 > 0.0 { ((ap[0] * ab[0] + ap[1] * ab[1]) / length2).clamp(0.0, 1.0) } else { 0.0 };
    (ap[0] - along * ab[0]).hypot(ap[1] - along * ab[1])
}

/// Offsets of the cells within a radius.
fn disc(radius: f32) -> Vec<[isize; 2]> {
    let reach = radius.ceil() as isize;
    let offsets = (-reach..=reach).flat_map(|y| (-reach..=reach).map(move |x| [x, y]));
    offsets.filter(|[x, y]| (*x as f32).hypot(*y as f32) <= radius).collect()
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
