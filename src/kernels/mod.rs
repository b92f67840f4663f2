//! Forward and backward passes on plain slices, for the CPU.
//!
//! Images are NHWC, convolution weights (height, width, in, out), linear weights (in, out), all `f32`. Every result
//! has the same bits whatever the number of threads: sums are cut into pieces by the problem alone and added up in
//! order. No candle and no I/O here; the only `unsafe` code of the library is.

pub mod activation;
pub mod add;
pub mod attention;
pub mod clamp;
pub mod contrastive;
pub mod conv;
pub mod conv_transpose;
pub mod depthwise;
pub mod dropout;
pub mod embedding;
mod frame;
mod gemm;
pub mod linear;
pub mod loss;
mod math;
pub mod norm;
pub mod optimizer;
pub mod padding;
pub mod pair_loss;
pub mod pool;
pub mod repulsion;
pub mod sequence;
pub mod simd;
pub mod subsample;
mod tile;
pub mod windows;
mod winograd;

use clamp::{Clamp, Mask};
use rayon::prelude::*;
use simd::SimdLevel;
use std::borrow::Cow;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;

/// Runs `work` on one of the threads that the kernels share. From any other thread, each kernel would be handed over and
/// waited for on its own.
pub fn on_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    let level = SimdLevel::current();
    rayon::scope(|_| level.with(work))
}

/// The gradient of a layer's output, and the clamp that it has yet to pass through, if any.
#[derive(Clone, Copy)]
pub struct OutputGradient<'a> {
    /// Of the shape of the layer's output.
    pub gradient: &'a [f32],
    /// Where it counts, if not everywhere; of the same shape.
    pub mask: Option<Mask<'a>>,
}

impl<'a> OutputGradient<'a> {
    /// The gradient of an output that was clamped.
    pub fn new(gradient: &'a [f32], clamp: Clamp, output: &'a [f32]) -> Self {
        OutputGradient { gradient, mask: clamp.mask(output) }
    }

    /// A gradient that counts everywhere.
    pub fn whole(gradient: &'a [f32]) -> Self {
        OutputGradient { gradient, mask: None }
    }

    /// A stretch of it.
    fn part(self, range: Range<usize>) -> Self {
        let mask = self.mask.map(|mask| mask.part(range.clone()));
        OutputGradient { gradient: &self.gradient[range], mask }
    }

    /// The gradient before the clamp.
    pub fn through_clamp(self) -> Cow<'a, [f32]> {
        match self.mask {
            None => Cow::Borrowed(self.gradient),
            Some(Mask { output, clamp }) => {
                Cow::Owned(activation::backward(clamp.activation(), output, self.gradient))
            }
        }
    }
}

/// Numbers that one piece of work holds where each number stands alone: some tens of microseconds.
const PIECE: usize = 1 << 14;

/// A vector of `count` pieces of `len` numbers, each filled by `fill(index, piece)`; a piece starts as zeros.
fn build_pieces(count: usize, len: usize, fill: impl Fn(usize, &mut [f32]) + Sync) -> Vec<f32> {
    build_chunks(count * len, len, fill)
}

/// As [`build_pieces`], for `total` numbers, of which the last piece may hold fewer than `len`.
fn build_chunks(total: usize, len: usize, fill: impl Fn(usize, &mut [f32]) + Sync) -> Vec<f32> {
    let fill = |index, piece: &mut [MaybeUninit<f32>]| {
        piece.fill(MaybeUninit::new(0.0));
        // SAFETY: every number of the piece was just written.
        fill(index, unsafe { &mut *(piece as *mut [MaybeUninit<f32>] as *mut [f32]) });
    };
    // SAFETY: the pieces are filled before all else.
    unsafe { write_chunks(total, len, fill) }
}

/// A vector of `total` numbers, each piece of `len` of them written by `write(index, piece)`; the last may be shorter.
///
/// # Safety
/// `write` writes every number of the piece.
unsafe fn write_chunks(
    total: usize,
    len: usize,
    write: impl Fn(usize, &mut [MaybeUninit<f32>]) + Sync,
) -> Vec<f32> {
    let mut all = Vec::new();
    let pieces = room(&mut all, total).par_chunks_mut(len.max(1));
    pieces.enumerate().for_each(|(index, piece)| write(index, piece));
    // SAFETY: the pieces cover the vector, and each was written.
    unsafe { all.set_len(total) };
    all
}

/// Room for `len` numbers in an emptied vector, not initialised. In tests they are NaN, so that a number that is read
/// before it is written shows.
fn room(vec: &mut Vec<f32>, len: usize) -> &mut [MaybeUninit<f32>] {
    vec.clear();
    vec.reserve(len);
    let room = &mut vec.spare_capacity_mut()[..len];
    if cfg!(test) {
        room.fill(MaybeUninit::new(f32::NAN));
    }
    room
}

/// Neighbouring columns of a matrix, borrowed by one thread alone.
struct Columns<'a> {
    start: *mut MaybeUninit<f32>,
    rows: usize,
    row_len: usize,
    width: usize,
    matrix: PhantomData<&'a mut [MaybeUninit<f32>]>,
}

impl<'a> Columns<'a> {
    /// All columns of a matrix of `rows` rows.
    fn all(matrix: &'a mut [MaybeUninit<f32>], rows: usize) -> Self {
        let row_len = matrix.len() / rows;
        Columns { start: matrix.as_mut_ptr(), rows, row_len, width: row_len, matrix: PhantomData }
    }

    /// The part of a row in these columns.
    fn row(&mut self, index: usize) -> &mut [MaybeUninit<f32>] {
        assert!(index < self.rows);
        // SAFETY: `write_columns` made these columns inside a matrix of `rows` rows, and gave them to nobody else.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(index * self.row_len), self.width) }
    }
}

/// A matrix (rows, row_len), every `width` columns of which are written by `write(index, columns)`; the last may be
/// fewer.
///
/// # Safety
/// `write` writes every number of the columns.
unsafe fn write_columns(
    (rows, row_len): (usize, usize),
    width: usize,
    write: impl Fn(usize, Columns) + Sync,
) -> Vec<f32> {
    struct Start(*mut MaybeUninit<f32>);
    // SAFETY: each thread writes columns of its own.
    unsafe impl Sync for Start {}
    let mut matrix = Vec::new();
    let start = &Start(room(&mut matrix, rows * row_len).as_mut_ptr());
    (0..row_len.div_ceil(width)).into_par_iter().for_each(|index| {
        let first = index * width;
        // SAFETY: the first row holds the columns, and every row after it is `row_len` numbers on.
        let start = unsafe { start.0.add(first) };
        write(
            index,
            Columns { start, rows, row_len, width: width.min(row_len - first), matrix: PhantomData },
        );
    });
    // SAFETY: the columns cover the matrix, and each was written.
    unsafe { matrix.set_len(rows * row_len) };
    matrix
}

/// Initialised numbers as room for others.
///
/// # Safety
/// Only numbers are written to it, never what is uninitialised: the numbers are read as such afterwards.
unsafe fn as_room(numbers: &mut [f32]) -> &mut [MaybeUninit<f32>] {
    // SAFETY: the same layout, and the caller vouches for what is written.
    unsafe { &mut *(numbers as *mut [f32] as *mut [MaybeUninit<f32>]) }
}

/// A buffer of this thread, handed back for the next user when dropped.
struct Scratch(Vec<f32>);

thread_local! {
    static UNUSED: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

impl Scratch {
    fn new() -> Self {
        Scratch(UNUSED.with_borrow_mut(Vec::pop).unwrap_or_default())
    }

    /// `len` numbers, whatever the last user left in them; NaN in tests, as in [`room`]. The buffer never shrinks, or
    /// it would be cleared whenever it grows again.
    fn numbers(&mut self, len: usize) -> &mut [f32] {
        if self.0.len() < len {
            self.0.resize(len, 0.0);
        }
        let numbers = &mut self.0[..len];
        if cfg!(test) {
            numbers.fill(f32::NAN);
        }
        numbers
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        UNUSED.with_borrow_mut(|unused| unused.push(std::mem::take(&mut self.0)));
    }
}

#[cfg(test)]
pub(crate) mod testing;
