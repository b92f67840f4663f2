//! Convolution to few channels, such as a painted image: a register tile would be nearly empty.
//!
//! Forward, each output is a dot product of what the window sees, row by row. The weight gradient swaps the operands: a
//! window slides over the outputs' gradient and meets the input's channels as columns.
use super::super::{
    Scratch,
    clamp::{Clamp, Mask},
    frame::Frame,
    simd::{Kernel, MAX_LANES, SimdLevel, Vector},
    tile::{AccumulateOuter, AddRows, Window},
};
use super::Conv;
use std::mem::MaybeUninit;

/// Rows of a weight gradient's tiles, at most: one for each tap and output.
const MAX_ROWS: usize = 32;
/// More of them fill a register tile.
const MAX_OUTPUTS: usize = 8;
/// With fewer channels there is nothing to be saved.
const MIN_CHANNELS: usize = 8;

/// Whether a window with this many outputs is faster this way.
pub fn fits(window: &Window, outputs: usize) -> bool {
    let taps = window.rows * window.columns;
    let is_few = outputs <= MAX_OUTPUTS && taps * outputs <= MAX_ROWS;
    window.stride == 1 && window.channels >= MIN_CHANNELS && taps > 1 && is_few
}

/// Weights (taps, channels, outputs) as (outputs, taps, channels).
pub fn pack(weight: &[f32], outputs: usize) -> Vec<f32> {
    (0..outputs).flat_map(|output| weight.iter().skip(output).step_by(outputs)).copied().collect()
}

/// `out = clamp(window · weights + bias)` at every position of the window; `out` is (positions, outputs), and every number
/// of it is written. Weights are (outputs, window numbers).
pub struct Dot<'a> {
    pub window: Window,
    pub frame: &'a [f32],
    pub weights: &'a [f32],
    pub bias: Option<&'a [f32]>,
    pub clamp: Clamp,
    pub out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Dot<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let Dot { window, frame, weights, bias, clamp, out } = self;
        let (run, frame_row) = (window.columns * window.channels, window.frame_width * window.channels);
        let outputs = weights.len() / (window.rows * run);
        for (y, row) in out.chunks_exact_mut(window.out_width * outputs).enumerate() {
            for (x, pixel) in row.chunks_exact_mut(outputs).enumerate() {
                let seen = &frame[y * frame_row + x * window.channels..];
                let all = pixel.iter_mut().zip(weights.chunks_exact(window.rows * run));
                for (output, (out, weights)) in all.enumerate() {
                    let mut sum = V::splat(0.0);
                    for (seen, weights) in seen.chunks(frame_row).zip(weights.chunks_exact(run)) {
                        sum = add_products(sum, &seen[..run], weights);
                    }
                    let sum = total(sum) + bias.map_or(0.0, |bias| bias[output]);
                    out.write(clamp.number(sum));
                }
            }
        }
    }
}

/// `sum + a · b`, a vector at a time.
#[inline(always)]
fn add_products<V: Vector>(mut sum: V, a: &[f32], b: &[f32]) -> V {
    let (whole_a, whole_b) = (a.chunks_exact(V::LANES), b.chunks_exact(V::LANES));
    let (rest_a, rest_b) = (whole_a.remainder(), whole_b.remainder());
    for (a, b) in whole_a.zip(whole_b) {
        sum = V::read(a).mul_add(V::read(b), sum);
    }
    if rest_a.is_empty() { sum } else { V::read(rest_a).mul_add(V::read(rest_b), sum) }
}

/// The sum of the lanes, in halves.
#[inline(always)]
fn total<V: Vector>(vector: V) -> f32 {
    let mut lanes = [0.0; MAX_LANES];
    vector.write(&mut lanes);
    let mut half = V::LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// Adds to `weight` (taps from the last to the first × outputs, columns) and `bias`? (outputs) what one image contributes.
/// `columns` is the number of input channels, filled up to a multiple of two vectors.
pub fn accumulate(
    level: SimdLevel,
    conv: &Conv,
    x: &[f32],
    gradient: (&[f32], Option<Mask>),
    columns: usize,
    (weight, bias): (&mut [f32], Option<&mut [f32]>),
) {
    let frame_width = conv.width + conv.kernel_width - 1;
    let outputs = Frame {
        top: (conv.kernel_height - 1 - conv.padding.top) as isize,
        left: (conv.kernel_width - 1 - conv.padding.left) as isize,
        frame_width,
        ..conv.output_frame(conv.out_channels)
    };
    let inputs =
        Frame { top: 0, left: 0, frame_width: conv.width, frame_channels: columns, ..conv.input_frame() };
    let window = Window {
        rows: conv.kernel_height,
        columns: conv.kernel_width,
        channels: conv.out_channels,
        frame_width,
        stride: 1,
        out_width: conv.width,
    };
    let (mut x_scratch, mut gradient_scratch) = (Scratch::new(), Scratch::new());
    let rows = (0, conv.height + conv.kernel_height - 1);
    let frame = outputs.rows(level, gradient.0, gradient.1, rows, &mut gradient_scratch);
    let x = inputs.rows(level, x, None, (0, conv.height), &mut x_scratch);
    if let Some(sums) = bias {
        level.run(AddRows { rows: frame, sums });
    }
    level.run(AccumulateOuter { window, frame, gradient: x, columns, sums: weight });
}

/// Sums of (taps from the last to the first × outputs, inputs) as weights (taps, inputs, outputs).
pub fn unswap(sums: &[f32], conv: &Conv) -> Vec<f32> {
    let (inputs, outputs) = (conv.in_channels, conv.out_channels);
    let mut weight = Vec::with_capacity(sums.len());
    for tap in sums.chunks_exact(inputs * outputs).rev() {
        for input in 0..inputs {
            weight.extend(tap.iter().skip(input).step_by(inputs));
        }
    }
    weight
}
