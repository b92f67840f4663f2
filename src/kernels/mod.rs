//! Forward and backward passes on plain slices, for the CPU.
//!
//! Images are NHWC, convolution weights (height, width, in, out), linear weights (in, out), all `f32`. Every result
//! has the same bits whatever the number of threads: sums are cut into pieces by the problem alone and added up in
//! order. No candle and no I/O here; the only `unsafe` code of the library is.

pub mod activation;
pub mod attention;
pub mod contrastive;
pub mod conv;
pub mod conv_transpose;
pub mod depthwise;
pub mod dropout;
mod frame;
mod gemm;
pub mod linear;
pub mod loss;
mod math;
pub mod norm;
pub mod optimizer;
pub mod pair_loss;
pub mod pool;
pub mod simd;
mod tile;
pub mod windows;
mod winograd;

use activation::Activation;
use rayon::prelude::*;
use std::borrow::Cow;
use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};

/// The gradient of a layer's output, and the ReLU it has yet to pass through, if any.
#[derive(Clone, Copy)]
pub struct OutputGradient<'a> {
    pub gradient: &'a [f32],
    /// The layer's output where a ReLU made it: the gradient counts where this is above zero.
    pub relu_output: Option<&'a [f32]>,
}

impl<'a> OutputGradient<'a> {
    /// The gradient before the ReLU.
    pub fn through_relu(self) -> Cow<'a, [f32]> {
        match self.relu_output {
            None => Cow::Borrowed(self.gradient),
            Some(y) => Cow::Owned(activation::backward(Activation::Relu, y, self.gradient)),
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

/// Room for `len` numbers in an emptied vector. They are none yet; in tests they are NaN, so that one which is read
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

/// A buffer of this thread, handed back for the next user when dropped. Its contents are whatever the last one left.
struct Scratch(Vec<f32>);

thread_local! {
    static UNUSED: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

impl Scratch {
    fn new() -> Self {
        Scratch(UNUSED.with_borrow_mut(Vec::pop).unwrap_or_default())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        UNUSED.with_borrow_mut(|unused| unused.push(std::mem::take(&mut self.0)));
    }
}

impl Deref for Scratch {
    type Target = Vec<f32>;

    fn deref(&self) -> &Vec<f32> {
        &self.0
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut Vec<f32> {
        &mut self.0
    }
}

#[cfg(test)]
pub(crate) mod testing;
