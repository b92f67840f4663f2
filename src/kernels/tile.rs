//! The register tiles of convolution: products of a sliding window with a matrix, without im2col.
//!
//! One inner loop serves both passes. `ROWS` × 2 vectors of sums stay in registers while it walks two operands: `a`
//! gives one number per row of the tile, `b` gives two vectors of columns.

use super::clamp::Clamp;
use super::simd::{Kernel, MAX_LANES, Vector};
use std::mem::MaybeUninit;

/// The widest panel of any level.
const MAX_PANEL: usize = 2 * MAX_LANES;
/// In bytes.
const CACHE_LINE: usize = 64;

/// A (depth, columns) matrix cut into panels of `width` columns, (panel, depth, width), with zeros at the end.
pub struct Panels {
    numbers: Vec<f32>,
    /// Numbers before the first panel, which begins a cache line: vectors that straddle two are slower to load.
    start: usize,
    depth: usize,
    columns: usize,
    width: usize,
}

impl Panels {
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// `lanes` is that of the level which will use the panels.
    pub fn pack(matrix: &[f32], depth: usize, columns: usize, lanes: usize) -> Self {
        assert_eq!(matrix.len(), depth * columns);
        let width = 2 * lanes;
        let mut numbers = vec![0.0; columns.div_ceil(width) * depth * width + MAX_PANEL];
        let start = numbers.as_ptr().align_offset(CACHE_LINE).min(MAX_PANEL);
        for (index, row) in matrix.chunks_exact(columns).enumerate() {
            for (panel, part) in row.chunks(width).enumerate() {
                numbers[start + (panel * depth + index) * width..][..part.len()].copy_from_slice(part);
            }
        }
        Panels { numbers, start, depth, columns, width }
    }

    /// Each (depth, width).
    fn iter(&self) -> impl Iterator<Item = &[f32]> {
        let panel = self.depth * self.width;
        self.numbers[self.start..].chunks_exact(panel).take(self.columns.div_ceil(self.width))
    }
}

/// A window of (rows, columns) pixels that moves over a frame `frame_width` pixels wide, `stride` pixels at a time.
#[derive(Clone, Copy)]
pub struct Window {
    pub rows: usize,
    pub columns: usize,
    pub channels: usize,
    pub frame_width: usize,
    pub stride: usize,
    /// Positions of the window along one row.
    pub out_width: usize,
}

impl Window {
    fn frame_row(&self) -> usize {
        self.frame_width * self.channels
    }

    fn depth(&self) -> usize {
        self.rows * self.columns * self.channels
    }

    /// Where in the frame the window's first number lies at each position, the last position again and again.
    fn starts(&self, positions: usize) -> Offsets {
        let (run, step) = (self.out_width, self.stride * self.channels);
        Offsets::new(positions, run, step, self.stride * self.frame_row())
    }

    /// Where in the window each of its numbers lies, from the first; the last again and again.
    fn taps(&self) -> Offsets {
        Offsets::new(self.depth(), self.columns * self.channels, 1, self.frame_row())
    }

    fn assert_inside(&self, frame: &[f32], out_rows: usize) {
        assert!(self.out_width > 0 && (self.out_width - 1) * self.stride + self.columns <= self.frame_width);
        assert!(out_rows > 0 && ((out_rows - 1) * self.stride + self.rows) * self.frame_row() <= frame.len());
    }
}

/// Offsets in rows of `run`, `step` apart, the last of them repeated without end: tiles are filled up with it.
struct Offsets {
    offset: usize,
    left: usize,
    left_in_run: usize,
    run: usize,
    step: usize,
    /// From the last of a row to the first of the next.
    turn: usize,
}

impl Offsets {
    #[inline(always)]
    fn new(count: usize, run: usize, step: usize, row: usize) -> Self {
        Offsets { offset: 0, left: count, left_in_run: run, run, step, turn: row - (run - 1) * step }
    }

    #[inline(always)]
    fn next(&mut self) -> usize {
        let offset = self.offset;
        if self.left > 1 {
            self.left -= 1;
            self.left_in_run -= 1;
            if self.left_in_run == 0 {
                self.left_in_run = self.run;
                self.offset += self.turn;
            } else {
                self.offset += self.step;
            }
        }
        offset
    }
}

/// `out = clamp(window · weights + bias)` at every position of the window; `out` is (positions, columns), and every
/// number of it is written.
pub struct Correlate<'a> {
    pub window: Window,
    pub frame: &'a [f32],
    pub weights: &'a Panels,
    pub bias: Option<&'a [f32]>,
    pub clamp: Clamp,
    pub out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Correlate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let Correlate { window, frame, weights, bias, clamp, out } = self;
        let Panels { depth, columns, width, .. } = *weights;
        let positions = out.len() / columns;
        window.assert_inside(frame, positions / window.out_width);
        assert_eq!((width, depth), (2 * V::LANES, window.depth()));
        assert!(out.len() == positions * columns && positions % window.out_width == 0);
        let run = window.columns * window.channels;
        let (a_row, b_row) = (window.frame_row(), run * width);
        let walk = Walk { rows: window.rows, columns: run, a_row, a_column: 1, b_row, b_column: width };

        for (panel, b) in weights.iter().enumerate() {
            let first_column = panel * width;
            let kept = (columns - first_column).min(width);
            let start = read_pair::<V>(bias.map_or(&[], |bias| &bias[first_column..][..kept]));
            let mut starts = window.starts(positions);
            let mut first = 0;
            while first < positions {
                let out = &mut out[first * columns + first_column..];
                let panel = Panel { frame, b, start, clamp, columns, kept, walk };
                // the last tile is no higher than it must be
                first += match positions - first {
                    left @ 1 => panel.correlate::<1>(left, &mut starts, out),
                    left @ 2..=4 => panel.correlate::<4>(left, &mut starts, out),
                    left @ 5..=8 if ROWS > 8 => panel.correlate::<8>(left, &mut starts, out),
                    left => panel.correlate::<ROWS>(left, &mut starts, out),
                };
            }
        }
    }
}

/// A panel of weights, and what it is slid over.
struct Panel<'a, V> {
    frame: &'a [f32],
    b: &'a [f32],
    start: [V; 2],
    clamp: Clamp,
    columns: usize,
    /// Columns of the panel that there are.
    kept: usize,
    walk: Walk,
}

impl<V: Vector> Panel<'_, V> {
    /// Writes the outputs of the next `ROWS` positions, or of the `left` that there are, and says of how many.
    #[inline(always)]
    fn correlate<const ROWS: usize>(
        &self,
        left: usize,
        starts: &mut Offsets,
        out: &mut [MaybeUninit<f32>],
    ) -> usize {
        let mut a = [self.frame; ROWS];
        for a in &mut a {
            *a = &self.frame[starts.next()..];
        }
        // SAFETY: `Correlate` checked that every position lies inside the frame and that the panel has a row for every
        // step of the walk.
        let sums = unsafe { multiply::<V, ROWS>([self.start; ROWS], a, self.b, self.walk) };
        let rows = ROWS.min(left);
        for (row, sums) in sums.iter().enumerate().take(rows) {
            let [first, second] = *sums;
            let sums = [self.clamp.vector(first), self.clamp.vector(second)];
            fill_pair(sums, &mut out[row * self.columns..][..self.kept]);
        }
        rows
    }
}

/// Adds to `sums` (window numbers, columns) the product of what the window sees with `gradient`
/// (positions, columns), summed over the positions. `columns` is a multiple of two vectors.
pub struct AccumulateOuter<'a> {
    pub window: Window,
    pub frame: &'a [f32],
    pub gradient: &'a [f32],
    pub columns: usize,
    pub sums: &'a mut [f32],
}

impl Kernel for AccumulateOuter<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let AccumulateOuter { window, frame, gradient, columns, sums } = self;
        let (depth, width, rows) =
            (window.depth(), 2 * V::LANES, gradient.len() / (columns * window.out_width));
        window.assert_inside(frame, rows);
        assert_eq!((columns % width, gradient.len()), (0, rows * window.out_width * columns));
        assert_eq!(sums.len(), depth * columns);
        let a_row = window.stride * window.frame_row();
        let (a_column, b_row) = (window.stride * window.channels, window.out_width * columns);
        let walk = Walk { rows, columns: window.out_width, a_row, a_column, b_row, b_column: columns };

        for column in (0..columns).step_by(width) {
            let mut taps = window.taps();
            let mut first = 0;
            while first < depth {
                let sums = &mut sums[first * columns + column..];
                let gradient = &gradient[column..];
                first += match depth - first {
                    left @ 1..=4 => {
                        add_outer::<V, 4>(left, &mut taps, frame, gradient, (sums, columns), walk)
                    }
                    left @ 5..=8 if ROWS > 8 => {
                        add_outer::<V, 8>(left, &mut taps, frame, gradient, (sums, columns), walk)
                    }
                    left => add_outer::<V, ROWS>(left, &mut taps, frame, gradient, (sums, columns), walk),
                };
            }
        }
    }
}

/// Adds to the next `ROWS` rows of two vectors, or to the `left` that there are, and says to how many.
#[inline(always)]
fn add_outer<V: Vector, const ROWS: usize>(
    left: usize,
    taps: &mut Offsets,
    frame: &[f32],
    gradient: &[f32],
    (sums, columns): (&mut [f32], usize),
    walk: Walk,
) -> usize {
    let rows = ROWS.min(left);
    let mut a = [frame; ROWS];
    let mut tile = [[V::splat(0.0); 2]; ROWS];
    for row in 0..ROWS {
        a[row] = &frame[taps.next()..];
        tile[row] = read_pair(&sums[row.min(rows - 1) * columns..][..2 * V::LANES]);
    }
    // SAFETY: `AccumulateOuter` checked that the window stays inside the frame at each of the positions that the
    // gradient has rows for.
    tile = unsafe { multiply::<V, ROWS>(tile, a, gradient, walk) };
    for (row, tile) in tile.iter().enumerate().take(rows) {
        let sums = &mut sums[row * columns..][..2 * V::LANES];
        tile[0].write(&mut sums[..V::LANES]);
        tile[1].write(&mut sums[V::LANES..]);
    }
    rows
}

/// Adds to `sums` (columns) each row of (rows, columns).
pub struct AddRows<'a> {
    pub rows: &'a [f32],
    pub sums: &'a mut [f32],
}

impl Kernel for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        for row in self.rows.chunks_exact(self.sums.len()) {
            for (sum, number) in self.sums.iter_mut().zip(row) {
                *sum += number;
            }
        }
    }
}

/// The path through both operands: `rows` × `columns` steps, each `_column` numbers on, each row `_row` numbers on.
#[derive(Clone, Copy)]
pub struct Walk {
    pub rows: usize,
    pub columns: usize,
    pub a_row: usize,
    pub a_column: usize,
    pub b_row: usize,
    pub b_column: usize,
}

/// `sums[row] += a[row] · b`, summed along the walk. Tests check every access.
///
/// # Safety
/// On the whole walk each of `a` holds one number, and `b` two vectors.
#[inline(always)]
pub unsafe fn multiply<V: Vector, const ROWS: usize>(
    mut sums: [[V; 2]; ROWS],
    a: [&[f32]; ROWS],
    b: &[f32],
    walk: Walk,
) -> [[V; 2]; ROWS] {
    if cfg!(test) && walk.rows * walk.columns > 0 {
        // steps only grow, so that the last access is the farthest
        let last = |row, column| (walk.rows - 1) * row + (walk.columns - 1) * column;
        assert!(a.iter().all(|a| last(walk.a_row, walk.a_column) < a.len()));
        assert!(last(walk.b_row, walk.b_column) + 2 * V::LANES <= b.len());
    }
    for row in 0..walk.rows {
        let mut step = row * walk.a_row;
        let mut b = b.as_ptr().wrapping_add(row * walk.b_row);
        for _ in 0..walk.columns {
            // SAFETY: the caller vouches for both operands on the whole walk.
            unsafe {
                let columns = [V::load(b), V::load(b.add(V::LANES))];
                for row in 0..ROWS {
                    let number = V::splat(*a[row].get_unchecked(step));
                    sums[row][0] = number.mul_add(columns[0], sums[row][0]);
                    sums[row][1] = number.mul_add(columns[1], sums[row][1]);
                }
            }
            step += walk.a_column;
            b = b.wrapping_add(walk.b_column);
        }
    }
    sums
}

/// The first numbers of a slice, zeros after its end.
#[inline(always)]
pub fn read_pair<V: Vector>(from: &[f32]) -> [V; 2] {
    let (first, second) = from.split_at(V::LANES.min(from.len()));
    [V::read(first), V::read(second)]
}

/// Fills a slice, which may be shorter than the pair.
#[inline(always)]
pub fn fill_pair<V: Vector>(pair: [V; 2], to: &mut [MaybeUninit<f32>]) {
    let (first, second) = to.split_at_mut(V::LANES.min(to.len()));
    pair[0].fill(first);
    pair[1].fill(second);
}
