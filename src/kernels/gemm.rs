//! Matrix products, in tiles of registers.

use super::simd::{Kernel, SimdLevel, Vector};
use super::tile::{self, Walk, fill_pair, read_pair};
use super::{Columns, Scratch, as_room, write_chunks, write_columns};
use std::mem::MaybeUninit;

/// Rows of a product that are computed together: a few tiles high.
const ROW_BLOCK: usize = 56;
/// Rows of b that are multiplied at a time: what of them two vectors hold stays in the L1 cache.
const DEPTH_BLOCK: usize = 256;
/// Of tiles as few as this, b is read where it is.
const FEW_TILES: usize = 4;
/// As [`ROW_BLOCK`], where the product is turned.
const TURNED_BLOCK: usize = 112;

/// Numbers as a matrix, or as its transpose.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    numbers: &'a [f32],
    rows: usize,
    columns: usize,
    row_step: usize,
    column_step: usize,
}

impl<'a> Matrix<'a> {
    pub fn new(numbers: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(numbers.len(), rows * columns);
        Matrix { numbers, rows, columns, row_step: columns, column_step: 1 }
    }

    pub fn transposed(self) -> Self {
        let (rows, columns) = (self.columns, self.rows);
        Matrix { rows, columns, row_step: self.column_step, column_step: self.row_step, ..self }
    }

    /// `rows` rows of `columns` numbers, each `row_step` numbers after the one before.
    pub fn within(numbers: &'a [f32], rows: usize, columns: usize, row_step: usize) -> Self {
        assert!(rows > 0 && columns <= row_step && (rows - 1) * row_step + columns <= numbers.len());
        Matrix { numbers, rows, columns, row_step, column_step: 1 }
    }

    /// `rows` rows from `first` on.
    pub fn rows(self, first: usize, rows: usize) -> Self {
        assert!(first + rows <= self.rows);
        Matrix { numbers: &self.numbers[first * self.row_step..], rows, ..self }
    }

    /// The numbers row by row.
    fn by_rows<'b>(self, level: SimdLevel, scratch: &'b mut Scratch) -> &'b [f32]
    where
        'a: 'b,
    {
        let Matrix { numbers, rows, columns, row_step, column_step } = self;
        if (row_step, column_step) == (columns, 1) {
            return &numbers[..rows * columns];
        }
        let gathered = scratch.numbers(rows * columns);
        if column_step == 1 {
            let rows = numbers.chunks(row_step).zip(gathered.chunks_exact_mut(columns));
            rows.for_each(|(row, out)| out.copy_from_slice(&row[..columns]));
        } else {
            // SAFETY: `Transpose` writes numbers alone.
            let to = Columns::all(unsafe { as_room(gathered) }, rows);
            level.run(Transpose { from: numbers, step: column_step, to });
        }
        gathered
    }
}

/// `a · b`, row by row.
pub fn multiply(level: SimdLevel, a: Matrix, b: Matrix) -> Vec<f32> {
    assert!(b.rows == a.columns && b.rows > 0);
    let mut scratch = Scratch::new();
    let (columns, numbers) = (b.columns, b.by_rows(level, &mut scratch));
    let multiply = |index: usize, out: &mut [MaybeUninit<f32>]| {
        let rows = &a.numbers[index * ROW_BLOCK * a.row_step..];
        level.run(Gemm { a: rows, a_row: a.row_step, a_step: a.column_step, b: numbers, columns, out });
    };
    // SAFETY: `Gemm` writes every number.
    unsafe { write_chunks(a.rows * columns, ROW_BLOCK * columns, multiply) }
}

/// `out = a · b`, row by row, on this thread alone.
pub fn multiply_into(level: SimdLevel, a: Matrix, b: Matrix, out: &mut [f32]) {
    assert!(b.rows == a.columns && out.len() == a.rows * b.columns);
    let mut scratch = Scratch::new();
    let (columns, numbers) = (b.columns, b.by_rows(level, &mut scratch));
    // SAFETY: `Gemm` writes numbers alone.
    let out = unsafe { as_room(out) };
    level.run(Gemm { a: a.numbers, a_row: a.row_step, a_step: a.column_step, b: numbers, columns, out });
}

/// From (rows, columns) to (columns, rows).
pub fn transpose(level: SimdLevel, matrix: &[f32], columns: usize) -> Vec<f32> {
    let rows = matrix.len() / columns;
    // SAFETY: `Transpose` writes every number.
    unsafe {
        write_columns((columns, rows), rows, |_, to| level.run(Transpose { from: matrix, step: columns, to }))
    }
}

/// `b · aᵀ` for a (rows, depth) and b (depth, columns) turned to (columns, rows), computed in blocks of `rows`.
pub fn multiply_transposed(level: SimdLevel, a: &[f32], b: &[f32], columns: usize) -> Vec<f32> {
    let depth = b.len() / columns;
    let rows = a.len() / depth;
    let write = |index: usize, to: Columns| {
        let a = &a[index * TURNED_BLOCK * depth..][..to.width * depth];
        let mut product = Scratch::new();
        let product = product.numbers(to.width * columns);
        // SAFETY: `Gemm` writes numbers alone.
        let out = unsafe { as_room(product) };
        level.run(Gemm { a, a_row: depth, a_step: 1, b, columns, out });
        level.run(Transpose { from: product, step: columns, to });
    };
    // SAFETY: `Transpose` writes every number.
    unsafe { write_columns((columns, rows), TURNED_BLOCK, write) }
}

/// `out = a · b`: b is (depth, columns) row by row, out (rows, columns). The number of a at (row, step) is at
/// `row * a_row + step * a_step`. Every number of out is written.
pub struct Gemm<'a> {
    pub a: &'a [f32],
    pub a_row: usize,
    pub a_step: usize,
    pub b: &'a [f32],
    pub columns: usize,
    pub out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Gemm<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(mut self) {
        let (width, columns) = (2 * V::LANES, self.columns);
        let (rows, depth) = (self.out.len() / columns, self.b.len() / columns);
        assert!(rows > 0 && depth > 0 && (self.out.len(), self.b.len()) == (rows * columns, depth * columns));
        assert!((rows - 1) * self.a_row + (depth - 1) * self.a_step < self.a.len());
        if rows == 1 {
            return self.row::<V>();
        }
        let mut copy = Scratch::new();
        let copy = copy.numbers(depth.min(DEPTH_BLOCK) * width);
        for first in (0..depth).step_by(DEPTH_BLOCK) {
            let depth = DEPTH_BLOCK.min(depth - first);
            let b_rows = &self.b[first * columns..][..depth * columns];
            for column in (0..columns).step_by(width) {
                let kept = width.min(columns - column);
                let (b, b_step) = if kept == width && rows <= FEW_TILES * ROWS {
                    (&b_rows[column..], columns)
                } else {
                    copy_panel(b_rows, columns, (column, kept), &mut copy[..depth * width]);
                    (&copy[..depth * width], width)
                };
                let panel = Panel { b, b_step, first, depth, column, kept };
                let mut row = 0;
                while row < rows {
                    row += match rows - row {
                        1..=4 => self.tile::<V, 4>(row, panel),
                        _ => self.tile::<V, ROWS>(row, panel),
                    };
                }
            }
        }
    }
}

/// Some columns of b: each of `depth` rows from the `first` on is two vectors, `b_step` numbers after the row before.
#[derive(Clone, Copy)]
struct Panel<'a> {
    b: &'a [f32],
    b_step: usize,
    first: usize,
    depth: usize,
    column: usize,
    kept: usize,
}

impl Gemm<'_> {
    /// The product of a single row, which reads b once from end to end: memory is its limit. So rows of b that meet a
    /// zero, as a ReLU makes many, are not read.
    #[inline(always)]
    fn row<V: Vector>(self) {
        const WIDTH: usize = 8;
        let columns = self.columns;
        let mut steps = Vec::with_capacity(self.b.len() / columns);
        steps.extend((0..self.b.len() / columns).filter(|step| self.a[step * self.a_step] != 0.0));
        for (column, out) in (0..columns).step_by(WIDTH * V::LANES).zip(self.out.chunks_mut(WIDTH * V::LANES))
        {
            let mut sums = [V::splat(0.0); WIDTH];
            for &step in &steps {
                let number = V::splat(self.a[step * self.a_step]);
                let row = &self.b[step * columns + column..][..out.len()];
                for (sum, numbers) in sums.iter_mut().zip(row.chunks(V::LANES)) {
                    *sum = number.mul_add(V::read(numbers), *sum);
                }
            }
            for (sum, out) in sums.iter().zip(out.chunks_mut(V::LANES)) {
                sum.fill(out);
            }
        }
    }

    /// Does `ROWS` rows, or as many as there are, and says for how many.
    #[inline(always)]
    fn tile<V: Vector, const ROWS: usize>(&mut self, first: usize, panel: Panel) -> usize {
        let rows = ROWS.min(self.out.len() / self.columns - first);
        let mut a = [self.a; ROWS];
        for (row, a) in a.iter_mut().enumerate() {
            *a = &self.a[(first + row.min(rows - 1)) * self.a_row + panel.first * self.a_step..];
        }
        let mut start = [[V::splat(0.0); 2]; ROWS];
        if panel.first > 0 {
            for (row, start) in start.iter_mut().enumerate().take(rows) {
                let at = (first + row) * self.columns + panel.column;
                // SAFETY: the rows of b before these have been multiplied, which wrote the numbers.
                *start = read_pair(unsafe { self.out[at..][..panel.kept].assume_init_ref() });
            }
        }
        let walk = Walk {
            rows: 1,
            columns: panel.depth,
            a_row: 0,
            a_column: self.a_step,
            b_row: 0,
            b_column: panel.b_step,
        };
        assert!((panel.depth - 1) * panel.b_step + 2 * V::LANES <= panel.b.len());
        // SAFETY: `run` checked that a holds a number for every row and step; b holds two vectors at every step, as was
        // just checked.
        let sums = unsafe { tile::multiply::<V, ROWS>(start, a, panel.b, walk) };
        for (row, sums) in sums.iter().enumerate().take(rows) {
            let at = (first + row) * self.columns + panel.column;
            fill_pair(*sums, &mut self.out[at..][..panel.kept]);
        }
        rows
    }
}

/// `to` (columns, rows) is `from` (rows, columns) transposed, whose rows lie `step` numbers apart. Every number of it is
/// written.
struct Transpose<'a> {
    from: &'a [f32],
    step: usize,
    to: Columns<'a>,
}

impl Kernel for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        const SIDE: usize = 8;
        let Transpose { from, step, mut to } = self;
        let (rows, columns) = (to.width, to.rows);
        assert!(columns <= step && (rows - 1) * step + columns <= from.len());
        for row in (0..rows).step_by(SIDE) {
            for column in (0..columns).step_by(SIDE) {
                let (height, width) = (SIDE.min(rows - row), SIDE.min(columns - column));
                let mut block = [[0.0; SIDE]; SIDE];
                for (y, block) in block.iter_mut().enumerate().take(height) {
                    let from = &from[(row + y) * step + column..][..width];
                    match from.first_chunk() {
                        Some(whole) => *block = *whole,
                        None => block[..width].copy_from_slice(from),
                    }
                }
                let turned: [[f32; SIDE]; SIDE] =
                    std::array::from_fn(|x| std::array::from_fn(|y| block[y][x]));
                for (x, turned) in turned.into_iter().enumerate().take(width) {
                    let to = &mut to.row(column + x)[row..][..height];
                    match to.first_chunk_mut::<SIDE>() {
                        Some(whole) => *whole = turned.map(MaybeUninit::new),
                        None => _ = to.write_copy_of_slice(&turned[..height]),
                    }
                }
            }
        }
    }
}

/// `kept` columns of b from `column` on, with zeros after them in each row of `out`.
#[inline(always)]
fn copy_panel(b: &[f32], columns: usize, (column, kept): (usize, usize), out: &mut [f32]) {
    let width = out.len() / (b.len() / columns);
    for (row, out) in b.chunks_exact(columns).zip(out.chunks_exact_mut(width)) {
        let (numbers, rest) = out.split_at_mut(kept);
        numbers.copy_from_slice(&row[column..][..kept]);
        rest.fill(0.0);
    }
}
