//! The gradient of a weight of many channels: sums of it would leave the caches again and again. Each tap's part is one
//! product of matrices over all pixels, and written once.
use super::super::{
    Scratch,
    gemm::Gemm,
    simd::{Kernel, SimdLevel, Vector},
    winograd, write_chunks,
};
use super::Conv;
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// Products of input and output channels that are many.
const MANY: usize = 1 << 15;
/// As [`MANY`], where transformed tiles have four times fewer products, but sums four times as large.
const MANY_OF_POINTS: usize = 1 << 17;
/// Input channels whose weights' gradients are computed together: a few tiles high.
const INPUT_BLOCK: usize = 96;

/// Whether a convolution has such a weight.
pub fn fits(conv: &Conv) -> bool {
    let pixels = conv.batch * conv.out_height() * conv.out_width();
    let has_points = winograd::fits(&conv.window(), pixels, conv.out_channels);
    conv.in_channels * conv.out_channels >= if has_points { MANY_OF_POINTS } else { MANY }
}

/// The gradient of the weight by that of the whole output.
pub fn gradient(level: SimdLevel, conv: &Conv, x: &[f32], gradient: &[f32]) -> Vec<f32> {
    let Conv { in_channels, out_channels, .. } = *conv;
    let pixels = gradient.len() / out_channels;
    let blocks = in_channels.div_ceil(INPUT_BLOCK);
    let block = in_channels.div_ceil(blocks).next_multiple_of(12);
    let write = |tap: usize, weight: &mut [MaybeUninit<f32>]| {
        weight.par_chunks_mut(block * out_channels).enumerate().for_each(|(index, out)| {
            let len = out.len() / out_channels;
            let mut seen = Scratch::new();
            let seen = seen.numbers(pixels * len);
            level.run(Gather { conv, x, tap, first: index * block, len, out: seen });
            level.run(Gemm { a: seen, a_row: 1, a_step: len, b: gradient, columns: out_channels, out });
        });
    };
    let of_tap = in_channels * out_channels;
    // SAFETY: `Gemm` writes every number.
    unsafe { write_chunks(conv.kernel_height * conv.kernel_width * of_tap, of_tap, write) }
}

/// What a tap sees of `len` channels from `first` on, at each position of the window: (positions, len).
struct Gather<'a> {
    conv: &'a Conv,
    x: &'a [f32],
    tap: usize,
    first: usize,
    len: usize,
    out: &'a mut [f32],
}

impl Kernel for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let Gather { conv, x, tap, first, len, out } = self;
        let (rows, columns) = (conv.out_height(), conv.out_width());
        let (tap_row, tap_column) = (tap / conv.kernel_width, tap % conv.kernel_width);
        let inside = |at: usize, before: usize, len: usize| at.checked_sub(before).filter(|at| *at < len);
        for (line, out) in out.chunks_exact_mut(columns * len).enumerate() {
            let row = inside(line % rows * conv.stride + tap_row, conv.padding.top, conv.height);
            for (column, out) in out.chunks_exact_mut(len).enumerate() {
                let column = inside(column * conv.stride + tap_column, conv.padding.left, conv.width);
                match row.zip(column) {
                    Some((row, column)) => {
                        let pixel = (line / rows * conv.height + row) * conv.width + column;
                        out.copy_from_slice(&x[pixel * conv.in_channels + first..][..len]);
                    }
                    None => out.fill(0.0),
                }
            }
        }
    }
}
