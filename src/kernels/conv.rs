//! Two-dimensional convolution (cross-correlation, as in PyTorch) with fused bias and ReLU.
//!
//! Implicit GEMM: a register tile slides over the image itself, so there is no im2col. The input's gradient is the same
//! correlation over the output's gradient, spread out by the stride, with the weights flipped
//! (Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, section 4).

use super::frame::Frame;
use super::simd::Level;
use super::tile::{AccumulateOuter, Correlate, Panels, Window};
use super::winograd::{self, AccumulateWeights, Convolve, Tiles};
use super::{OutputGradient, Scratch, build_pieces, write_chunks};
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
    conv.check(x, weight);
    assert_eq!(bias.len(), conv.out_channels);
    let level = Level::current();
    let weights = Weights::pack(level, &conv.window(), weight, conv.out_channels);
    let correlation =
        Correlation { frame: conv.input_frame(), window: conv.window(), bias: Some(bias), relu };
    correlation.run(level, conv.batch, (x, None), &weights, conv.out_height())
}

/// The gradient of x, shaped as x.
///
/// # Panics
/// When a slice's length is not that of the shape.
pub fn input_gradient(conv: &Conv, weight: &[f32], output: OutputGradient) -> Vec<f32> {
    conv.check_output(output);
    let level = Level::current();
    let frame_width = conv.width + conv.kernel_width - 1;
    let frame = Frame {
        top: conv.kernel_height as isize - 1 - conv.padding as isize,
        left: conv.kernel_width as isize - 1 - conv.padding as isize,
        dilation: conv.stride,
        frame_width,
        ..conv.output_frame(conv.out_channels)
    };
    let window = Window {
        channels: conv.out_channels,
        frame_width,
        stride: 1,
        out_width: conv.width,
        ..conv.window()
    };
    let weights = Weights::pack(level, &window, &conv.flip(weight), conv.in_channels);
    let correlation = Correlation { frame, window, bias: None, relu: false };
    correlation.run(level, conv.batch, (output.gradient, output.relu_output), &weights, conv.height)
}

/// The gradients of weight and bias, summed over the batch.
///
/// # Panics
/// When a slice's length is not that of the shape.
pub fn weight_gradient(conv: &Conv, x: &[f32], output: OutputGradient) -> (Vec<f32>, Vec<f32>) {
    assert_eq!(x.len(), conv.batch * conv.in_len());
    conv.check_output(output);
    let level = Level::current();
    let columns = conv.out_channels.next_multiple_of(2 * level.lanes());
    let by_points = winograd::fits(&conv.window(), conv.out_channels);
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
                sums.add(level, x, output, piece / bands, (first, band.min(conv.out_height() - first)));
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
            dilation: 1,
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
            dilation: 1,
            frame_width: self.out_width(),
            frame_channels,
        }
    }

    /// (kernel_height, kernel_width, in, out) turned by half a turn and transposed to (…, out, in).
    fn flip(&self, weight: &[f32]) -> Vec<f32> {
        let (rows, columns) = (self.in_channels, self.out_channels);
        assert_eq!(weight.len(), self.depth() * columns);
        let mut flipped = Vec::with_capacity(weight.len());
        for tap in weight.chunks_exact(rows * columns).rev() {
            for column in 0..columns {
                flipped.extend((0..rows).map(|row| tap[row * columns + column]));
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

    fn check_output(&self, output: OutputGradient) {
        assert_eq!(output.gradient.len(), self.batch * self.out_len());
        assert!(output.relu_output.is_none_or(|y| y.len() == output.gradient.len()));
    }
}

/// A window with weights, slid over the frames of a batch of images.
struct Correlation<'a> {
    frame: Frame,
    window: Window,
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
    fn pack(level: Level, window: &Window, weight: &[f32], outputs: usize) -> Self {
        if winograd::fits(window, outputs) {
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

impl Correlation<'_> {
    /// (batch, out_rows, window.out_width, columns of the weights). Images come with the mask of their pixels.
    fn run(
        &self,
        level: Level,
        batch: usize,
        (images, mask): (&[f32], Option<&[f32]>),
        weights: &Weights,
        out_rows: usize,
    ) -> Vec<f32> {
        let row_len = self.window.out_width * weights.columns();
        let image_len = self.frame.height * self.frame.width * self.frame.channels;
        let band = out_rows.div_ceil(MIN_PIECES.div_ceil(batch.max(1))).next_multiple_of(winograd::STEP);
        let write = |index: usize, out: &mut [MaybeUninit<f32>]| {
            let image = &images[index * image_len..][..image_len];
            let mask = mask.map(|mask| &mask[index * image_len..][..image_len]);
            out.par_chunks_mut(band * row_len).enumerate().for_each(|(piece, out)| {
                self.run_rows(level, (image, mask), weights, piece * band, out);
            });
        };
        // SAFETY: the bands cover the piece, and the kernels write every number of a band.
        unsafe { write_chunks(batch * out_rows * row_len, out_rows * row_len, write) }
    }

    /// The output rows from `first` on, as many as `out` holds.
    fn run_rows(
        &self,
        level: Level,
        (image, mask): (&[f32], Option<&[f32]>),
        weights: &Weights,
        first: usize,
        out: &mut [MaybeUninit<f32>],
    ) {
        let Correlation { frame, window, bias, relu } = *self;
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
    fn add(
        &mut self,
        level: Level,
        x: &[f32],
        output: OutputGradient,
        image: usize,
        (first, rows): (usize, usize),
    ) {
        let WeightSums { conv, columns, .. } = *self;
        let window = conv.window();
        let x = &x[image * conv.in_len()..][..conv.in_len()];
        let gradient = &output.gradient[image * conv.out_len()..][..conv.out_len()];
        let mask = output.relu_output.map(|y| &y[image * conv.out_len()..][..conv.out_len()]);
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
        for pixel in gradient.chunks_exact(columns) {
            for (sum, number) in self.bias.iter_mut().zip(pixel) {
                *sum += number;
            }
        }
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
