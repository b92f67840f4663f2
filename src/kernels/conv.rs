//! Two-dimensional convolution (cross-correlation, as in PyTorch) with fused bias and ReLU.
//!
//! Implicit GEMM: a register tile slides over the image itself, so there is no im2col. The input's gradient is the same
//! correlation over the output's gradient with the weights flipped, once for each phase of the stride
//! (Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, section 4).

use super::frame::Frame;
use super::pool::{self, MaxPool, Pooled};
use super::simd::Level;
use super::tile::{AccumulateOuter, AddRows, Correlate, Panels, Window};
use super::winograd::{self, AccumulateWeights, Convolve, Tiles};
use super::{OutputGradient, Scratch, as_room, build_pieces, write_chunks};
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// Partial sums of a weight gradient: more would use more threads and more memory.
const PARTIAL_SUMS: usize = 8;
/// Images and bands of images that a pass is cut into, at least, where the problem has as many rows.
const MIN_PIECES: usize = 16;
/// Numbers of both operands that the weight gradient walks again and again: they stay in the L1 cache.
const L1_NUMBERS: usize = 16 * 1024;

/// The shape of a convolution: x (batch, height, width, in_channels), weight (kernel_height, kernel_width, in_channels,
/// out_channels), bias (out_channels), y (batch, out_height, out_width, out_channels).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    pub batch: usize,
    pub height: usize,
    pub width: usize,
    pub in_channels: usize,
    pub kernel_height: usize,
    pub kernel_width: usize,
    pub out_channels: usize,
    pub stride: usize,
    pub padding: usize,
}

/// `relu?(conv(x, weight) + bias)`.
///
/// # Panics
/// When a slice's length is not that of the shape, or the kernel does not fit the padded image.
pub fn forward(conv: &Conv, x: &[f32], weight: &[f32], bias: &[f32], relu: bool) -> Vec<f32> {
    let correlation = Correlation::forward(conv, x, weight, bias, relu);
    correlation.run(conv.batch, Images::of(x), conv.out_height())
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
    bias: &[f32],
    relu: bool,
) -> (Vec<f32>, Vec<u16>) {
    assert_eq!((pool.batch, pool.in_len()), (conv.batch, conv.out_len()));
    let correlation = Correlation::forward(conv, x, weight, bias, relu);
    pool::collect(pool, |image, y, winners| {
        let mut between = Scratch::new();
        let x = Images::of(&x[image * conv.in_len()..][..conv.in_len()]);
        let between = between.numbers(conv.out_len());
        correlation.run_image(conv.batch, (x, 0), as_room(between));
        pool::forward_image(correlation.level, pool, between, y, winners);
    })
}

/// The gradient of x, shaped as x.
///
/// # Panics
/// When a slice's length is not that of the shape.
pub fn input_gradient<'a>(conv: &Conv, weight: &[f32], output: impl Into<Images<'a>>) -> Vec<f32> {
    let output = output.into();
    conv.check_output(output);
    assert_eq!(weight.len(), conv.depth() * conv.out_channels);
    let phases = |len, kernel| (0..conv.stride).filter_map(move |rest| Phase::new(conv, len, kernel, rest));
    let mut parts: Vec<_> = phases(conv.height, conv.kernel_height)
        .flat_map(|rows| phases(conv.width, conv.kernel_width).map(move |columns| [rows, columns]))
        .map(|phase| (phase, conv.phase_gradient(weight, output, phase)))
        .collect();
    if conv.stride == 1 {
        return parts.remove(0).1;
    }
    build_pieces(conv.batch, conv.in_len(), |image, dx| {
        for ([rows, columns], part) in &parts {
            let row_len = columns.count * conv.in_channels;
            let part = &part[image * rows.count * row_len..][..rows.count * row_len];
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
struct Phase {
    /// The first row of the kernel that they meet; the others follow by the stride.
    rest: usize,
    taps: usize,
    /// The first of them, and how many there are.
    first: usize,
    count: usize,
    /// The row of the output that the last of the `taps` lies on for the first of them.
    output: isize,
}

impl Phase {
    /// `None` where no row of x or of the kernel belongs to it.
    fn new(conv: &Conv, len: usize, kernel: usize, rest: usize) -> Option<Self> {
        let taps = kernel.saturating_sub(rest).div_ceil(conv.stride);
        // row i of x meets row k of the kernel where i + padding - k is a multiple of the stride
        let first = (rest + conv.stride - conv.padding % conv.stride) % conv.stride;
        let output = ((first + conv.padding - rest) / conv.stride) as isize;
        let count = len.saturating_sub(first).div_ceil(conv.stride);
        (taps > 0 && count > 0).then_some(Phase { rest, taps, first, count, output })
    }
}

/// The gradients of weight and bias, summed over the batch.
///
/// # Panics
/// When a slice's length is not that of the shape.
pub fn weight_gradient<'a>(conv: &Conv, x: &[f32], output: impl Into<Images<'a>>) -> (Vec<f32>, Vec<f32>) {
    let output = output.into();
    assert_eq!(x.len(), conv.batch * conv.in_len());
    conv.check_output(output);
    let level = Level::current();
    let columns = conv.out_channels.next_multiple_of(2 * level.lanes());
    let pixels = conv.batch * conv.out_height() * conv.out_width();
    let by_points = winograd::fits(&conv.window(), pixels, conv.out_channels);
    let band = conv.gradient_band(columns, by_points);
    let bands = conv.out_height().div_ceil(band);
    let pieces = conv.batch * bands;
    let per_sum = pieces.div_ceil(PARTIAL_SUMS).max(1);
    let partial_sums: Vec<_> = (0..pieces.div_ceil(per_sum))
        .into_par_iter()
        .map(|index| {
            let mut sums = WeightSums::new(conv, columns, by_points);
            for piece in index * per_sum..((index + 1) * per_sum).min(pieces) {
                let first = piece % bands * band;
                sums.add(level, x, &output, piece / bands, (first, band.min(conv.out_height() - first)));
            }
            (sums.weight, sums.bias)
        })
        .collect();
    let (weight, bias): (Vec<_>, Vec<_>) = partial_sums.into_iter().unzip();
    let bias = add_up(&bias, columns, conv.out_channels, 1);
    if by_points {
        let points = add_up(&weight, columns, conv.out_channels, winograd::POINTS * conv.in_channels);
        return (winograd::gather_weights(level, &points), bias);
    }
    (add_up(&weight, columns, conv.out_channels, conv.depth()), bias)
}

impl Conv {
    pub fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel_height) / self.stride + 1
    }

    pub fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel_width) / self.stride + 1
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

    /// Output rows that the weight gradient takes at a time.
    fn gradient_band(&self, columns: usize, by_points: bool) -> usize {
        if by_points {
            let band = self.out_height().div_ceil(PARTIAL_SUMS.div_ceil(self.batch.max(1)));
            return band.next_multiple_of(winograd::STEP);
        }
        let x_numbers = self.window().frame_width * self.in_channels * self.stride;
        (L1_NUMBERS / (x_numbers + self.out_width() * columns)).clamp(1, self.out_height())
    }

    fn window(&self) -> Window {
        Window {
            rows: self.kernel_height,
            columns: self.kernel_width,
            channels: self.in_channels,
            frame_width: self.width + 2 * self.padding,
            stride: self.stride,
            out_width: self.out_width(),
        }
    }

    fn input_frame(&self) -> Frame {
        Frame {
            height: self.height,
            width: self.width,
            channels: self.in_channels,
            top: self.padding as isize,
            left: self.padding as isize,
            frame_width: self.width + 2 * self.padding,
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

    /// The gradient of the pixels of x in a phase: (batch, rows.count, columns.count, in_channels).
    fn phase_gradient(&self, weight: &[f32], output: Images, [rows, columns]: [Phase; 2]) -> Vec<f32> {
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
        let level = Level::current();
        let pixels = self.batch * rows.count * columns.count;
        let weight = self.flip(weight, [rows, columns]);
        let weights = Weights::pack(level, &window, pixels, &weight, self.in_channels);
        let correlation = Correlation { level, frame, window, weights, bias: None, relu: false };
        correlation.run(self.batch, output, rows.count)
    }

    /// The taps of a phase turned by half a turn, each transposed: (rows.taps, columns.taps, out, in).
    fn flip(&self, weight: &[f32], [rows, columns]: [Phase; 2]) -> Vec<f32> {
        let (inputs, outputs) = (self.in_channels, self.out_channels);
        let mut flipped = Vec::with_capacity(rows.taps * columns.taps * inputs * outputs);
        for y in (0..rows.taps).rev().map(|tap| rows.rest + tap * self.stride) {
            for x in (0..columns.taps).rev().map(|tap| columns.rest + tap * self.stride) {
                let tap = &weight[(y * self.kernel_width + x) * inputs * outputs..][..inputs * outputs];
                for output in 0..outputs {
                    flipped.extend(tap.iter().skip(output).step_by(outputs));
                }
            }
        }
        flipped
    }

    fn check(&self, x: &[f32], weight: &[f32]) {
        assert_eq!(x.len(), self.batch * self.in_len());
        assert_eq!(weight.len(), self.depth() * self.out_channels);
        assert!(self.stride > 0 && weight.len() * self.in_len() > 0);
        assert!(self.kernel_height <= self.height + 2 * self.padding);
        assert!(self.kernel_width <= self.width + 2 * self.padding);
    }

    fn check_output(&self, output: Images) {
        match output {
            Images::Whole { numbers, mask } => {
                assert_eq!(numbers.len(), self.batch * self.out_len());
                assert!(mask.is_none_or(|mask| mask.len() == numbers.len()));
            }
            Images::Pooled(pooled) => {
                pooled.check();
                assert_eq!((pooled.pool.batch, pooled.pool.in_len()), (self.batch, self.out_len()));
            }
        }
    }
}

/// Images one after the other, or the gradients of images.
#[derive(Clone, Copy)]
pub enum Images<'a> {
    /// The numbers count where the mask, if any, is above zero.
    Whole { numbers: &'a [f32], mask: Option<&'a [f32]> },
    /// Made from the gradient of a pooling, an image at a time.
    Pooled(Pooled<'a>),
}

impl<'a> From<OutputGradient<'a>> for Images<'a> {
    fn from(output: OutputGradient<'a>) -> Self {
        Images::Whole { numbers: output.gradient, mask: output.relu_output }
    }
}

impl<'a> From<Pooled<'a>> for Images<'a> {
    fn from(pooled: Pooled<'a>) -> Self {
        Images::Pooled(pooled)
    }
}

impl<'a> Images<'a> {
    fn of(numbers: &'a [f32]) -> Self {
        Images::Whole { numbers, mask: None }
    }

    /// One image of `len` numbers, and its mask.
    fn image<'b>(
        &'b self,
        level: Level,
        index: usize,
        len: usize,
        scratch: &'b mut Scratch,
    ) -> (&'b [f32], Option<&'b [f32]>) {
        match self {
            Images::Whole { numbers, mask } => {
                (&numbers[index * len..][..len], mask.map(|mask| &mask[index * len..][..len]))
            }
            Images::Pooled(pooled) => {
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
    level: Level,
    frame: Frame,
    window: Window,
    weights: Weights,
    bias: Option<&'a [f32]>,
    relu: bool,
}

/// Weights as the kernels read them.
enum Weights {
    Direct(Panels),
    /// Transformed, a matrix for each point of a tile.
    Points(Vec<Panels>),
}

impl Weights {
    fn pack(level: Level, window: &Window, pixels: usize, weight: &[f32], outputs: usize) -> Self {
        if winograd::fits(window, pixels, outputs) {
            return Weights::Points(winograd::spread_weights(level, weight, window.channels, outputs));
        }
        let depth = window.rows * window.columns * window.channels;
        Weights::Direct(Panels::pack(weight, depth, outputs, level.lanes()))
    }

    fn columns(&self) -> usize {
        match self {
            Weights::Direct(panels) => panels.columns(),
            Weights::Points(points) => points[0].columns(),
        }
    }
}

impl<'a> Correlation<'a> {
    fn forward(conv: &Conv, x: &[f32], weight: &[f32], bias: &'a [f32], relu: bool) -> Self {
        conv.check(x, weight);
        assert_eq!(bias.len(), conv.out_channels);
        let (level, window) = (Level::current(), conv.window());
        let pixels = conv.batch * conv.out_height() * conv.out_width();
        let weights = Weights::pack(level, &window, pixels, weight, conv.out_channels);
        Correlation { level, frame: conv.input_frame(), window, weights, bias: Some(bias), relu }
    }

    /// (batch, out_rows, window.out_width, columns of the weights).
    fn run(&self, batch: usize, images: Images, out_rows: usize) -> Vec<f32> {
        let len = out_rows * self.window.out_width * self.weights.columns();
        let write = |index: usize, out: &mut [MaybeUninit<f32>]| self.run_image(batch, (images, index), out);
        // SAFETY: `run_image` writes every number of the piece.
        unsafe { write_chunks(batch * len, len, write) }
    }

    /// The outputs of one of `batch` images, in bands of rows: every number of `out` is written.
    fn run_image(&self, batch: usize, (images, index): (Images, usize), out: &mut [MaybeUninit<f32>]) {
        let row_len = self.window.out_width * self.weights.columns();
        let len = self.frame.height * self.frame.width * self.frame.channels;
        let band = (out.len() / row_len).div_ceil(MIN_PIECES.div_ceil(batch.max(1)));
        let band = band.next_multiple_of(winograd::STEP);
        let mut scratch = Scratch::new();
        let image = images.image(self.level, index, len, &mut scratch);
        out.par_chunks_mut(band * row_len)
            .enumerate()
            .for_each(|(piece, out)| self.run_rows(image, piece * band, out));
    }

    /// The output rows from `first` on, as many as `out` holds. The image comes with its mask.
    fn run_rows(&self, (image, mask): (&[f32], Option<&[f32]>), first: usize, out: &mut [MaybeUninit<f32>]) {
        let Correlation { level, frame, window, bias, relu, ref weights } = *self;
        let rows = out.len() / (window.out_width * weights.columns());
        let mut scratch = Scratch::new();
        match weights {
            Weights::Direct(weights) => {
                let seen = (first * window.stride, (rows - 1) * window.stride + window.rows);
                let frame = frame.rows(level, image, mask, seen, &mut scratch);
                level.run(Correlate { window, frame, weights, bias, relu, out });
            }
            Weights::Points(weights) => {
                let tiles = Tiles { channels: window.channels, out_rows: rows, out_width: window.out_width };
                let frame = Frame { frame_width: tiles.frame_width(), ..frame };
                let frame = frame.rows(level, image, mask, (first, tiles.frame_rows()), &mut scratch);
                level.run(Convolve { tiles, frame, weights, bias, relu, out });
            }
        }
    }
}

/// One partial sum of the gradients of weight (depth or points, columns) and bias (columns).
struct WeightSums<'a> {
    conv: &'a Conv,
    columns: usize,
    by_points: bool,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl<'a> WeightSums<'a> {
    fn new(conv: &'a Conv, columns: usize, by_points: bool) -> Self {
        let rows = if by_points { winograd::POINTS * conv.in_channels } else { conv.depth() };
        let (weight, bias) = (vec![0.0; rows * columns], vec![0.0; columns]);
        WeightSums { conv, columns, by_points, weight, bias }
    }

    /// Adds what the output rows `first..first + rows` of one image contribute.
    fn add(&mut self, level: Level, x: &[f32], output: &Images, image: usize, (first, rows): (usize, usize)) {
        let WeightSums { conv, columns, .. } = *self;
        let window = conv.window();
        let x = &x[image * conv.in_len()..][..conv.in_len()];
        let mut unpooled = Scratch::new();
        let (gradient, mask) = output.image(level, image, conv.out_len(), &mut unpooled);
        let (mut x_scratch, mut gradient_scratch) = (Scratch::new(), Scratch::new());
        let (x_frame, gradient_frame) = (conv.input_frame(), conv.output_frame(columns));
        if self.by_points {
            let tiles = Tiles { channels: conv.in_channels, out_rows: rows, out_width: conv.out_width() };
            let x_frame = Frame { frame_width: tiles.frame_width(), ..x_frame };
            let gradient_frame = Frame { frame_width: tiles.frame_width() - 2, ..gradient_frame };
            let frame = x_frame.rows(level, x, None, (first, tiles.frame_rows()), &mut x_scratch);
            let rows = (first, tiles.frame_rows() - 2);
            let gradient = gradient_frame.rows(level, gradient, mask, rows, &mut gradient_scratch);
            let (sums, bias) = (&mut self.weight, &mut self.bias);
            level.run(AccumulateWeights { tiles, frame, gradient, columns, sums, bias });
            return;
        }
        let x_rows = (first * conv.stride, (rows - 1) * conv.stride + conv.kernel_height);
        let frame = x_frame.rows(level, x, None, x_rows, &mut x_scratch);
        let gradient = gradient_frame.rows(level, gradient, mask, (first, rows), &mut gradient_scratch);
        level.run(AddRows { rows: gradient, sums: &mut self.bias });
        level.run(AccumulateOuter { window, frame, gradient, columns, sums: &mut self.weight });
    }
}

/// The sum of (rows, columns) matrices in their order, cut to the first `kept` columns.
fn add_up(parts: &[Vec<f32>], columns: usize, kept: usize, rows: usize) -> Vec<f32> {
    build_pieces(rows, kept, |row, out| {
        for part in parts {
            for (sum, number) in out.iter_mut().zip(&part[row * columns..]) {
                *sum += number;
            }
        }
    })
}

#[cfg(test)]
mod tests;
