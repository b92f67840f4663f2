//! What is done to whole grids: windows slide over them, parts are cut out.
use crate::data::drawing::grid::{Bounds, Grid};

impl Grid {
    pub fn transposed(&self) -> Grid {
        let places = (0..self.width).flat_map(|x| (0..self.height).map(move |y| (x, y)));
        let coverage = places.map(|(x, y)| self.get(x, y)).collect();
        Grid { width: self.height, height: self.width, coverage }
    }

    /// The outermost cells, corners twice.
    pub fn border(&self) -> Vec<f32> {
        let across = (0..self.width).flat_map(|x| [self.get(x, 0), self.get(x, self.height - 1)]);
        let down = (0..self.height).flat_map(|y| [self.get(0, y), self.get(self.width - 1, y)]);
        across.chain(down).collect()
    }

    /// What is not in another grid of the same size.
    pub fn minus(&self, other: &Grid) -> Grid {
        let coverage = self.coverage.iter().zip(&other.coverage).map(|(a, b)| (a - b).max(0.0)).collect();
        Grid { coverage, ..*self }
    }

    pub fn part(&self, [left, top, right, bottom]: Bounds) -> Grid {
        let rows = (top..bottom).flat_map(|y| &self.coverage[y * self.width + left..y * self.width + right]);
        Grid { width: right - left, height: bottom - top, coverage: rows.copied().collect() }
    }

    /// Goes on for some cells on each side as it ends there.
    pub fn extended(&self, by: usize) -> Grid {
        let [width, height] = [self.width + 2 * by, self.height + 2 * by];
        let inside = |at: usize, length: usize| at.saturating_sub(by).min(length - 1);
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let coverage = places.map(|(x, y)| self.get(inside(x, self.width), inside(y, self.height))).collect();
        Grid { width, height, coverage }
    }

    /// Each cell becomes what `choose` leaves of all cells of the square around it, which reaches so far to each side.
    pub fn slid(&self, reach: usize, choose: fn(f32, f32) -> f32) -> Grid {
        let across = self.slid_across(reach, choose);
        across.transposed().slid_across(reach, choose).transposed()
    }

    /// Along rows, by van Herk's algorithm: three comparisons a cell for windows of any length.
    fn slid_across(&self, reach: usize, choose: fn(f32, f32) -> f32) -> Grid {
        let window = 2 * reach + 1;
        let mut slid = Grid::blank(self.width, self.height);
        for (row, out) in self.coverage.chunks(self.width).zip(slid.coverage.chunks_mut(self.width)) {
            let mut from_left = row.to_vec();
            let mut from_right = row.to_vec();
            for x in (1..row.len()).filter(|x| x % window != 0) {
                from_left[x] = choose(from_left[x], from_left[x - 1]);
            }
            for x in (0..row.len() - 1).rev().filter(|x| (x + 1) % window != 0) {
                from_right[x] = choose(from_right[x], from_right[x + 1]);
            }
            for (x, out) in out.iter_mut().enumerate() {
                let (first, last) = (x.saturating_sub(reach), (x + reach).min(row.len() - 1));
                *out = match (first / window == last / window, first % window) {
                    (false, _) => choose(from_right[first], from_left[last]),
                    // cut off at the left end of the row, or at the right one
                    (true, 0) => from_left[last],
                    (true, _) => from_right[first],
                };
            }
        }
        slid
    }

    /// The mean of the square around each cell, which reaches so far to each side.
    pub fn blurred(&self, reach: usize) -> Grid {
        let across = self.blurred_across(reach);
        across.transposed().blurred_across(reach).transposed()
    }

    fn blurred_across(&self, reach: usize) -> Grid {
        let mut blurred = Grid::blank(self.width, self.height);
        for (row, out) in self.coverage.chunks(self.width).zip(blurred.coverage.chunks_mut(self.width)) {
            let sums: Vec<f64> = std::iter::once(0.0)
                .chain(row.iter().scan(0.0, |sum, value| {
                    *sum += f64::from(*value);
                    Some(*sum)
                }))
                .collect();
            for (x, out) in out.iter_mut().enumerate() {
                let (first, end) = (x.saturating_sub(reach), (x + reach + 1).min(row.len()));
                *out = ((sums[end] - sums[first]) / (end - first) as f64) as f32;
            }
        }
        blurred
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let value = |at: usize| (at * 37 % 101) as f32;
        Grid { width: 13, height: 9, coverage: (0..13 * 9).map(value).collect() }
    }

    /// All cells around one, as far as they are on the grid.
    fn around(grid: &Grid, [x, y]: [usize; 2], reach: usize) -> Vec<f32> {
        let near = |at: usize, length: usize| at.saturating_sub(reach)..(at + reach + 1).min(length);
        let rows = near(y, grid.height);
        rows.flat_map(|y| near(x, grid.width).map(move |x| (x, y))).map(|(x, y)| grid.get(x, y)).collect()
    }

    #[test]
    fn windows_slide_as_if_each_were_looked_through() {
        let grid = grid();
        for reach in [1, 2, 3, 7, 20] {
            let [most, mean] = [grid.slid(reach, f32::max), grid.blurred(reach)];
            for place in (0..13).flat_map(|x| (0..9).map(move |y| [x, y])) {
                let all = around(&grid, place, reach);
                let [x, y] = place;
                assert_eq!(most.get(x, y), all.iter().copied().fold(0.0, f32::max), "{place:?} {reach}");
                let expected = all.iter().sum::<f32>() / all.len() as f32;
                assert!((mean.get(x, y) - expected).abs() < 1e-3, "{place:?} {reach}");
            }
        }
    }

    #[test]
    fn parts_and_margins_are_cut_and_added() {
        let grid = grid();
        assert_eq!(grid.extended(3).part([3, 3, 16, 12]), grid);
        assert_eq!(grid.extended(3).get(0, 0), grid.get(0, 0));
        assert_eq!(grid.transposed().get(2, 5), grid.get(5, 2));
        assert_eq!(grid.part([4, 2, 6, 3]).coverage, [grid.get(4, 2), grid.get(5, 2)]);
    }
}
