//! Two-dimensional convolution (cross-correlation, as in PyTorch) with fused bias and clamp.
//!
//! Implicit GEMM: a register tile slides over the image itself, so there is no im2col. The input's gradient is the same
//! correlation over the output's gradient with the weights flipped, once for each phase of the stride
//! (Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, section 4).
//!
//! Long, as the passes forward and back are one correlation and share how it is prepared.

use super::clamp::{Clamp, Mask};
use super::frame::Frame;
use super::padding::Padding;
use super::pool::{self, MaxPool, Pooled};
use super::simd::SimdLevel;
use super::tile::{Correlate, Panels, Window};
use super::winograd::{self, Convolve, Tiles};
use super::{OutputGradient, Scratch, as_room, build_pieces, write_chunks};
use rayon::prelude::*;
use std::mem::MaybeUninit;

mod few_outputs;
mod large_weight;
mod weight_gradient;
pub use weight_gradient::weight_gradient;

/// Images and bands of images that a pass is cut into, at least, where the problem has as many rows.
const MIN_PIECES: usize = 16;

/// The shape of a convolution: x (batch, height, width, in_channels), weight (kernel_height, kernel_width, in_channels,
/// out_channels), bias (out_channels), y (batch, out_height, out_width, out_channels).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Images.
    pub batch: usize,
    /// Of x, in pixels.
    pub height: usize,
    /// Of x, in pixels.
    pub width: usize,
    /// Of x.
    pub in_channels: usize,
    /// Rows of the window.
    pub kernel_height: usize,
    /// Columns of the window.
    pub kernel_width: usize,
    /// Of y: filters.
    pub out_channels: usize,
    /// Pixels between windows, in both directions.
    pub stride: usize,
    /// Zeros around x.
    pub padding: Padding,
}

/// `clamp(conv(x, weight) + bias?)`.
///
/// # Panics
/// When a slice's length is not that of the shape, or the kernel does not fit the padded image.
pub fn forward(conv: &Conv, x: &[f32], weight: &[f32], bias: Option<&[f32]>, clamp: Clamp) -> Vec<f32> {
    let correlation = Correlation::forward(conv, x, weight, bias, clamp);
    correlation.run(conv.batch, ImageBatch::of(x), conv.out_height())
}

/// [`forward`], then [`pool::forward`], image by image: what lies between them never leaves the cache.
///
/// # Panics
/// As theirs.
pub fn forward_pooled(
    conv: &Conv,
    pool: &MaxPool,
    x: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    clamp: Clamp,
) -> (Vec<f32>, Vec<u16>) {
    assert_eq!((pool.batch, pool.in_len()), (conv.batch, conv.out_len()));
    let correlation = Correlation::forward(conv, x, weight, bias, clamp);
    pool::collect(pool, |image, y, winners| {
        let mut between = Scratch::new();
        let x = ImageBatch::of(&x[image * conv.in_len()..][..conv.in_len()]);
        let between = between.numbers(conv.out_len());
        // SAFETY: `run_image` writes numbers alone.
        correlation.run_image(conv.batch, (x, 0), unsafe { as_room(between) });
        pool::forward_image(correlation.level, pool, between, y, winners);
    })
}

/// The gradient of x, shaped as x.
///
/// # Panics
/// When a slice's length is not that of the shape.
pub fn input_gradient<'a>(conv: &Conv, weight: &[f32], output: impl Into<ImageBatch<'a>>) -> Vec<f32> {
    let output = output.into();
    conv.check_output(output);
    assert_eq!(weight.len(), conv.depth() * conv.out_channels);
    let phases = |len, kernel, before| {
        (0..conv.stride).filter_map(move |rest| StridePhase::new((len, kernel, conv.stride), before, rest))
    };
    let of_columns = || phases(conv.width, conv.kernel_width, conv.padding.left);
    let phases: Vec<_> = phases(conv.height, conv.kernel_height, conv.padding.top)
        .flat_map(|rows| of_columns().map(move |columns| [rows, columns]))
        .map(|phase| (phase, conv.phase_gradient(weight, phase)))
        .collect();
    if let (1, [([rows, _], correlation)]) = (conv.stride, &phases[..]) {
        return correlation.run(conv.batch, output, rows.count);
    }
    build_pieces(conv.batch, conv.in_len(), |image, dx| {
        let mut scratch = Scratch::new();
        for ([rows, columns], correlation) in &phases {
            let row_len = columns.count * conv.in_channels;
            let part = scratch.numbers(rows.count * row_len);
            // SAFETY: `run_image` writes numbers alone.
            correlation.run_image(conv.batch, (output, image), unsafe { as_room(part) });
            for (y, row) in part.chunks_exact(row_len).enumerate() {
                let y = (rows.first + y * conv.stride) * conv.width;
                for (x, pixel) in row.chunks_exact(conv.in_channels).enumerate() {
                    let at = (y + columns.first + x * conv.stride) * conv.in_channels;
                    dx[at..][..conv.in_channels].copy_from_slice(pixel);
                }
            }
        }
    })
}

/// Rows (or columns) of x that meet the same rows of the kernel: every `stride`th. To them the gradient comes by a
/// convolution of stride 1 with those rows alone.
#[derive(Clone, Copy)]
struct StridePhase {
    /// The first row of the kernel that they meet; the others follow by the stride.
    rest: usize,
    taps: usize,
    /// The first of them, and how many there are.
    first: usize,
    count: usize,
    /// The row of the output that the last of the `taps` lies on for the first of them.
    output: isize,
}

impl StridePhase {
    /// For `len` rows of x with `before` zeros above them. `None` where no row of x or of the kernel belongs to it.
    fn new((len, kernel, stride): (usize, usize, usize), before: usize, rest: usize) -> Option<Self> {
        let taps = kernel.saturating_sub(rest).div_ceil(stride);
        // row i of x meets row k of the kernel where i + before - k is a multiple of the stride
        let first = (rest + stride - before % stride) % stride;
        let output = ((first + before - rest) / stride) as isize;
        let count = len.saturating_sub(first).div_ceil(stride);
        (taps > 0 && count > 0).then_some(StridePhase { rest, taps, first, count, output })
    }
}

impl Conv {
    /// Rows of y.
    pub fn out_height(&self) -> usize {
        (self.padding.rows(self.height) - self.kernel_height) / self.stride + 1
    }

    /// Columns of y.
    pub fn out_width(&self) -> usize {
        (self.padding.columns(self.width) - self.kernel_width) / self.stride + 1
    }

    /// Numbers the window sees at one position.
    fn depth(&self) -> usize {
        self.kernel_height * self.kernel_width * self.in_channels
    }

    fn in_len(&self) -> usize {
        self.height * self.width * self.in_channels
    }

    fn out_len(&self) -> usize {
        self.out_height() * self.out_width() * self.out_channels
    }

    fn window(&self) -> Window {
        Window {
            rows: self.kernel_height,
            columns: self.kernel_width,
            channels: self.in_channels,
            frame_width: self.padding.columns(self.width),
            stride: self.stride,
            out_width: self.out_width(),
        }
    }

    fn tiles(&self, images: usize, out_rows: usize) -> Tiles {
        Tiles { images, channels: self.in_channels, out_rows, out_width: self.out_width() }
    }

    fn input_frame(&self) -> Frame {
        Frame {
            height: self.height,
            width: self.width,
            channels: self.in_channels,
            top: self.padding.top as isize,
            left: self.padding.left as isize,
            frame_width: self.padding.columns(self.width),
            frame_channels: self.in_channels,
        }
    }

    fn output_frame(&self, frame_channels: usize) -> Frame {
        Frame {
            height: self.out_height(),
            width: self.out_width(),
            channels: self.out_channels,
            top: 0,
            left: 0,
            frame_width: self.out_width(),
            frame_channels,
        }
    }

    /// The correlation from the output's gradient to that of x's pixels in a phase: (rows.count, columns.count, in_channels).
    fn phase_gradient(&self, weight: &[f32], [rows, columns]: [StridePhase; 2]) -> Correlation<'static> {
        let frame_width = columns.count + columns.taps - 1;
        let frame = Frame {
            top: rows.taps as isize - 1 - rows.output,
            left: columns.taps as isize - 1 - columns.output,
            frame_width,
            ..self.output_frame(self.out_channels)
        };
        let window = Window {
            rows: rows.taps,
            columns: columns.taps,
            channels: self.out_channels,
            frame_width,
            stride: 1,
            out_width: columns.count,
        };
        let level = SimdLevel::current();
        let pixels = self.batch * rows.count * columns.count;
        let weight = self.flip(weight, [rows, columns]);
        let weights = PackedWeights::pack(level, &window, pixels, &weight, self.in_channels);
        Correlation { level, frame, window, weights, bias: None, clamp: Clamp::None }
    }

    /// The taps of a phase turned by half a turn, each transposed: (rows.taps, columns.taps, out, in).
    fn flip(&self, weight: &[f32], [rows, columns]: [StridePhase; 2]) -> Vec<f32> {
        let (inputs, outputs) = (self.in_channels, self.out_channels);
        build_pieces(rows.taps * columns.taps, inputs * outputs, |index, flipped| {
            let y = rows.rest + (rows.taps - 1 - index / columns.taps) * self.stride;
            let x = columns.rest + (columns.taps - 1 - index % columns.taps) * self.stride;
            let tap = &weight[(y * self.kernel_width + x) * inputs * outputs..][..inputs * outputs];
            for (output, flipped) in flipped.chunks_exact_mut(inputs).enumerate() {
                flipped
                    .iter_mut()
                    .zip(tap[output..].iter().step_by(outputs))
                    .for_each(|(to, from)| *to = *from);
            }
        })
    }

    fn check(&self, x: &[f32], weight: &[f32]) {
        assert_eq!(x.len(), self.batch * self.in_len());
        assert_eq!(weight.len(), self.depth() * self.out_channels);
        assert!(self.stride > 0 && weight.len() * self.in_len() > 0);
        assert!(self.kernel_height <= self.padding.rows(self.height));
        assert!(self.kernel_width <= self.padding.columns(self.width));
    }

    fn check_output(&self, output: ImageBatch) {
        match output {
            ImageBatch::Whole { numbers, mask } => {
                assert_eq!(numbers.len(), self.batch * self.out_len());
                assert!(mask.is_none_or(|mask| mask.output.len() == numbers.len()));
            }
            ImageBatch::Pooled(pooled) => {
                pooled.check();
                assert_eq!((pooled.pool.batch, pooled.pool.in_len()), (self.batch, self.out_len()));
            }
        }
    }
}

/// Images one after the other, or the gradients of images.
#[derive(Clone, Copy)]
pub enum ImageBatch<'a> {
    /// All of them, as they are.
    Whole {
        /// (images, height, width, channels).
        numbers: &'a [f32],
        /// Which of them count, if not all; of the same shape.
        mask: Option<Mask<'a>>,
    },
    /// Made from the gradient of a pooling, an image at a time.
    Pooled(Pooled<'a>),
}

impl<'a> From<OutputGradient<'a>> for ImageBatch<'a> {
    fn from(output: OutputGradient<'a>) -> Self {
        ImageBatch::Whole { numbers: output.gradient, mask: output.mask }
    }
}

impl<'a> From<Pooled<'a>> for ImageBatch<'a> {
    fn from(pooled: Pooled<'a>) -> Self {
        ImageBatch::Pooled(pooled)
    }
}

impl<'a> ImageBatch<'a> {
    fn of(numbers: &'a [f32]) -> Self {
        ImageBatch::Whole { numbers, mask: None }
    }

    /// One image of `len` numbers, and its mask.
    fn image<'b>(
        &'b self,
        level: SimdLevel,
        index: usize,
        len: usize,
        scratch: &'b mut Scratch,
    ) -> (&'b [f32], Option<Mask<'b>>) {
        match self {
            ImageBatch::Whole { numbers, mask } => {
                let image = index * len..(index + 1) * len;
                (&numbers[image.clone()], mask.map(|mask| mask.part(image)))
            }
            ImageBatch::Pooled(pooled) => {
                let image = scratch.numbers(len);
                if !pooled.pool.covers_all() {
                    image.fill(0.0);
                }
                pooled.spread(level, index, image);
                (image, None)
            }
        }
    }
}

/// A window with weights, slid over the frames of a batch of images.
struct Correlation<'a> {
    level: SimdLevel,
    frame: Frame,
    window: Window,
    weights: PackedWeights,
    bias: Option<&'a [f32]>,
    clamp: Clamp,
}

/// Weights as the kernels read them.
enum PackedWeights {
    Direct(Panels),
    /// (outputs, window numbers), and how many outputs.
    FewOutputs(Vec<f32>, usize),
    /// Transformed, a matrix for each point of a tile.
    Points(Vec<Panels>),
}

impl PackedWeights {
    fn pack(level: SimdLevel, window: &Window, pixels: usize, weight: &[f32], outputs: usize) -> Self {
        if winograd::fits(window, pixels, outputs) {
            return PackedWeights::Points(winograd::spread_weights(level, weight, window.channels, outputs));
        }
        if few_outputs::fits(window, outputs) {
            return PackedWeights::FewOutputs(few_outputs::pack(weight, outputs), outputs);
        }
        let depth = window.rows * window.columns * window.channels;
        PackedWeights::Direct(Panels::pack(weight, depth, outputs, level.lanes()))
    }

    fn outputs(&self) -> usize {
        match self {
            PackedWeights::Direct(panels) => panels.columns(),
            PackedWeights::FewOutputs(_, outputs) => *outputs,
            PackedWeights::Points(points) => points[0].columns(),
        }
    }
}

impl<'a> Correlation<'a> {
    fn forward(conv: &Conv, x: &[f32], weight: &[f32], bias: Option<&'a [f32]>, clamp: Clamp) -> Self {
        conv.check(x, weight);
        assert!(bias.is_none_or(|bias| bias.len() == conv.out_channels));
        let (level, window) = (SimdLevel::current(), conv.window());
        let pixels = conv.batch * conv.out_height() * conv.out_width();
        let weights = PackedWeights::pack(level, &window, pixels, weight, conv.out_channels);
        Correlation { level, frame: conv.input_frame(), window, weights, bias, clamp }
    }

    /// (batch, out_rows, window.out_width, outputs).
    fn run(&self, batch: usize, images: ImageBatch, out_rows: usize) -> Vec<f32> {
        let len = out_rows * self.window.out_width * self.weights.outputs();
        let tiles = self.tiles(1, out_rows);
        if let (PackedWeights::Points(weights), together @ 2..) =
            (&self.weights, tiles.images_at_once(self.weights.outputs(), batch.div_ceil(MIN_PIECES)))
        {
            let write = |piece: usize, out: &mut [MaybeUninit<f32>]| {
                let tiles = Tiles { images: out.len() / len, ..tiles };
                self.run_images(weights, tiles, (images, piece * together), out);
            };
            // SAFETY: `run_images` writes every number of the piece.
            return unsafe { write_chunks(batch * len, together * len, write) };
        }
        let write = |index: usize, out: &mut [MaybeUninit<f32>]| self.run_image(batch, (images, index), out);
        // SAFETY: `run_image` writes every number of the piece.
        unsafe { write_chunks(batch * len, len, write) }
    }

    /// The outputs of as many images as there are tiles for, from one on: every number of `out` is written.
    fn run_images(
        &self,
        weights: &[Panels],
        tiles: Tiles,
        (images, first): (ImageBatch, usize),
        out: &mut [MaybeUninit<f32>],
    ) {
        let Correlation { level, bias, clamp, .. } = *self;
        let frame = Frame { frame_width: tiles.frame_width(), ..self.frame };
        let mut scratch = Scratch::new();
        let rows = (0, tiles.frame_rows());
        let frame = place_all(level, &frame, (images, first, tiles.images), rows, &mut scratch);
        level.run(Convolve { tiles, frame, weights, bias, clamp, out });
    }

    fn tiles(&self, images: usize, out_rows: usize) -> Tiles {
        Tiles { images, channels: self.window.channels, out_rows, out_width: self.window.out_width }
    }

    /// The outputs of one of `batch` images, in bands of rows: every number of `out` is written.
    fn run_image(&self, batch: usize, (images, index): (ImageBatch, usize), out: &mut [MaybeUninit<f32>]) {
        let row_len = self.window.out_width * self.weights.outputs();
        let band = (out.len() / row_len).div_ceil(MIN_PIECES.div_ceil(batch.max(1)));
        let band = band.next_multiple_of(winograd::STEP);
        let mut scratch = Scratch::new();
        let image = images.image(self.level, index, self.frame.image_len(), &mut scratch);
        out.par_chunks_mut(band * row_len)
            .enumerate()
            .for_each(|(piece, out)| self.run_rows(image, piece * band, out));
    }

    /// The output rows from `first` on, as many as `out` holds. The image comes with its mask.
    fn run_rows(&self, (image, mask): (&[f32], Option<Mask>), first: usize, out: &mut [MaybeUninit<f32>]) {
        let Correlation { level, frame, window, bias, clamp, ref weights } = *self;
        let rows = out.len() / (window.out_width * weights.outputs());
        let seen = (first * window.stride, (rows - 1) * window.stride + window.rows);
        let mut scratch = Scratch::new();
        match weights {
            PackedWeights::Direct(weights) => {
                let frame = frame.rows(level, image, mask, seen, &mut scratch);
                level.run(Correlate { window, frame, weights, bias, clamp, out });
            }
            PackedWeights::FewOutputs(weights, _) => {
                let frame = frame.rows(level, image, mask, seen, &mut scratch);
                level.run(few_outputs::Dot { window, frame, weights, bias, clamp, out });
            }
            PackedWeights::Points(weights) => {
                let tiles = self.tiles(1, rows);
                let frame = Frame { frame_width: tiles.frame_width(), ..frame };
                let frame = frame.rows(level, image, mask, (first, tiles.frame_rows()), &mut scratch);
                level.run(Convolve { tiles, frame, weights, bias, clamp, out });
            }
        }
    }
}

/// The same rows of the frames of some images, (images, rows, frame_width, frame_channels).
fn place_all<'a>(
    level: SimdLevel,
    frame: &Frame,
    (images, first, count): (ImageBatch, usize, usize),
    (first_row, rows): (usize, usize),
    scratch: &'a mut Scratch,
) -> &'a [f32] {
    let len = rows * frame.frame_width * frame.frame_channels;
    let framed = scratch.numbers(count * len);
    let mut unpooled = Scratch::new();
    for (index, framed) in framed.chunks_exact_mut(len).enumerate() {
        let image = images.image(level, first + index, frame.image_len(), &mut unpooled);
        frame.place(level, image, first_row, framed);
    }
    framed
}

#[cfg(test)]
mod tests;
