//! Depthwise convolution, each channel by itself (cross-correlation, as in PyTorch), with fused bias and clamp.
//!
//! Chollet, "Xception: deep learning with depthwise separable convolutions", 2017.

use super::clamp::Clamp;
use super::simd::{Kernel, SimdLevel, Vector};
use super::{OutputGradient, build_pieces, padding::Padding, windows};
use rayon::prelude::*;

/// Partial sums of a weight gradient: more would use more threads and more memory.
const PARTIAL_SUMS: usize = 8;
/// Channels whose sums are held in registers.
const BLOCK: usize = 16;

/// The shape of a depthwise convolution: x (batch, height, width, channels), weight (kernel_height, kernel_width,
/// channels), bias (channels), y (batch, out_height, out_width, channels).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depthwise {
    /// Images.
    pub batch: usize,
    /// Of x, in pixels.
    pub height: usize,
    /// Of x, in pixels.
    pub width: usize,
    /// Of x and y: each has a filter of its own.
    pub channels: usize,
    /// Rows of the window.
    pub kernel_height: usize,
    /// Columns of the window.
    pub kernel_width: usize,
    /// Pixels between windows, in both directions.
    pub stride: usize,
    /// Zeros around x.
    pub padding: Padding,
}

/// `clamp(conv(x, weight) + bias?)`.
///
/// # Panics
/// When a slice's length is not that of the shape, or the kernel does not fit the padded image.
pub fn forward(conv: &Depthwise, x: &[f32], weight: &[f32], bias: Option<&[f32]>, clamp: Clamp) -> Vec<f32> {
    assert_eq!(weight.len(), conv.taps() * conv.channels);
    assert!(bias.is_none_or(|bias| bias.len() == conv.channels));
    assert_eq!(x.len(), conv.batch * conv.height * conv.width * conv.channels);
    let (rows, columns) = (conv.out_height(), conv.out_width());
    let lines = [
        pairs(rows, conv.kernel_height, |row, tap| conv.source(row, tap, conv.padding.top, conv.height)),
        pairs(columns, conv.kernel_width, |column, tap| {
            conv.source(column, tap, conv.padding.left, conv.width)
        }),
    ];
    let gather = Gather { conv, weight, bias, clamp, source_width: conv.width, lines: &lines };
    gather.run(x, conv.height)
}

/// The gradient of x, shaped as x.
///
/// # Panics
/// When a slice's length is not that of the shape.
pub fn input_gradient(conv: &Depthwise, weight: &[f32], output: OutputGradient) -> Vec<f32> {
    let (rows, columns) = (conv.out_height(), conv.out_width());
    assert_eq!(weight.len(), conv.taps() * conv.channels);
    assert_eq!(output.gradient.len(), conv.batch * rows * columns * conv.channels);
    let lines = [
        pairs(conv.height, conv.kernel_height, |row, tap| conv.target(row, tap, conv.padding.top, rows)),
        pairs(conv.width, conv.kernel_width, |column, tap| {
            conv.target(column, tap, conv.padding.left, columns)
        }),
    ];
    let gather =
        Gather { conv, weight, bias: None, clamp: Clamp::None, source_width: columns, lines: &lines };
    gather.run(&output.through_clamp(), rows)
}

/// The gradient of weight and, where it is wanted, that of bias, summed over the batch.
///
/// # Panics
/// When a slice's length is not that of the shape.
pub fn weight_gradient(
    conv: &Depthwise,
    x: &[f32],
    output: OutputGradient,
    with_bias: bool,
) -> (Vec<f32>, Option<Vec<f32>>) {
    let (rows, columns, channels) = (conv.out_height(), conv.out_width(), conv.channels);
    assert_eq!(x.len(), conv.batch * conv.height * conv.width * channels);
    assert_eq!(output.gradient.len(), conv.batch * rows * columns * channels);
    let (level, gradient) = (SimdLevel::current(), output.through_clamp());
    // for each tap, the pixels of y that it makes and those of x that it sees
    let of_columns = pairs(conv.kernel_width, columns, |tap, column| {
        conv.source(column, tap, conv.padding.left, conv.width)
    });
    let pieces = conv.batch * rows;
    let per_sum = pieces.div_ceil(PARTIAL_SUMS).max(1);
    let partial_sums: Vec<Vec<f32>> = (0..pieces.div_ceil(per_sum))
        .into_par_iter()
        .map(|index| {
            let mut sums = vec![0.0; conv.taps() * channels];
            for piece in index * per_sum..((index + 1) * per_sum).min(pieces) {
                let (image, row) = (piece / rows, piece % rows);
                let dy = &gradient[piece * columns * channels..][..columns * channels];
                for (tap, sums) in sums.chunks_exact_mut(conv.kernel_width * channels).enumerate() {
                    if let Some(from) = conv.source(row, tap, conv.padding.top, conv.height) {
                        let row_len = conv.width * channels;
                        let x = &x[(image * conv.height + from) * row_len..][..row_len];
                        level.run(AccumulateRow { channels, pairs: &of_columns, x, dy, sums });
                    }
                }
            }
            sums
        })
        .collect();
    let mut weight = vec![0.0; conv.taps() * channels];
    for sums in partial_sums {
        weight.iter_mut().zip(sums).for_each(|(weight, sum)| *weight += sum);
    }
    (weight, with_bias.then(|| windows::channel_sums(conv.batch, rows * columns, channels, &gradient)))
}

impl Depthwise {
    /// Rows of y.
    pub fn out_height(&self) -> usize {
        (self.padding.rows(self.height) - self.kernel_height) / self.stride + 1
    }

    /// Columns of y.
    pub fn out_width(&self) -> usize {
        (self.padding.columns(self.width) - self.kernel_width) / self.stride + 1
    }

    fn taps(&self) -> usize {
        self.kernel_height * self.kernel_width
    }

    /// The row or column of x, of `len` with `before` zeros before them, that a tap sees from a row or column of y.
    fn source(&self, position: usize, tap: usize, before: usize, len: usize) -> Option<usize> {
        (position * self.stride + tap).checked_sub(before).filter(|source| *source < len)
    }

    /// The row or column of y, of `len`, from which a tap sees a row or column of x.
    fn target(&self, position: usize, tap: usize, before: usize, len: usize) -> Option<usize> {
        let offset = (position + before).checked_sub(tap)?;
        (offset.is_multiple_of(self.stride)).then_some(offset / self.stride).filter(|target| *target < len)
    }
}

/// For each of `count` positions, the partners among `0..others` that have something in common with it, and what.
type Pairs = Vec<Vec<(usize, usize)>>;

fn pairs(count: usize, others: usize, common: impl Fn(usize, usize) -> Option<usize>) -> Pairs {
    let of = |index| (0..others).filter_map(|other| Some((other, common(index, other)?))).collect();
    (0..count).map(of).collect()
}

/// Each pixel of an image as the sum over taps of weight times a source pixel; `lines` has, for rows and for columns,
/// the (tap, source) pairs of each.
struct Gather<'a> {
    conv: &'a Depthwise,
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    clamp: Clamp,
    source_width: usize,
    lines: &'a [Pairs; 2],
}

impl Gather<'_> {
    fn run(&self, source: &[f32], source_height: usize) -> Vec<f32> {
        let (level, channels) = (SimdLevel::current(), self.conv.channels);
        let [rows, columns] = self.lines;
        let image_len = source_height * self.source_width * channels;
        build_pieces(self.conv.batch * rows.len(), columns.len() * channels, |index, out| {
            let source = &source[index / rows.len() * image_len..][..image_len];
            level.run(GatherRow { gather: self, rows: &rows[index % rows.len()], source, out });
        })
    }
}

struct GatherRow<'a> {
    gather: &'a Gather<'a>,
    rows: &'a [(usize, usize)],
    source: &'a [f32],
    out: &'a mut [f32],
}

impl GatherRow<'_> {
    /// Where the weights and the source of each tap of a column start.
    #[inline(always)]
    fn starts(&self, column: usize) -> impl Iterator<Item = (usize, usize)> {
        let Gather { conv, source_width, lines, .. } = *self.gather;
        let of_row = move |(tap_row, row): &(usize, usize)| {
            let (taps, source) = (tap_row * conv.kernel_width, row * source_width);
            let of_column = move |(tap, at): &(usize, usize)| {
                ((taps + tap) * conv.channels, (source + at) * conv.channels)
            };
            lines[1][column].iter().map(of_column)
        };
        self.rows.iter().flat_map(of_row)
    }
}

impl Kernel for GatherRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(mut self) {
        let Gather { conv, weight, bias, clamp, .. } = *self.gather;
        let source = self.source;
        for (column, out) in std::mem::take(&mut self.out).chunks_exact_mut(conv.channels).enumerate() {
            if let Some(bias) = bias {
                out.copy_from_slice(bias);
            }
            let (blocks, rest) = out.as_chunks_mut::<BLOCK>();
            let rest_at = blocks.len() * BLOCK;
            for (block, out) in blocks.iter_mut().enumerate() {
                let mut sums = *out;
                for (taps, from) in self.starts(column) {
                    let weight = &weight[taps + block * BLOCK..][..BLOCK];
                    let source = &source[from + block * BLOCK..][..BLOCK];
                    for ((sum, weight), source) in sums.iter_mut().zip(weight).zip(source) {
                        *sum += weight * source;
                    }
                }
                *out = sums;
            }
            for (taps, from) in self.starts(column) {
                let (weight, source) = (&weight[taps + rest_at..], &source[from + rest_at..]);
                for ((sum, weight), source) in rest.iter_mut().zip(weight).zip(source) {
                    *sum += weight * source;
                }
            }
            if clamp != Clamp::None {
                out.iter_mut().for_each(|sum| *sum = clamp.number(*sum));
            }
        }
    }
}

/// Adds Σ x · dy over the pairs of columns of one row to each tap's sums, (taps, channels).
struct AccumulateRow<'a> {
    channels: usize,
    /// For each tap, columns of y and of x.
    pairs: &'a Pairs,
    x: &'a [f32],
    dy: &'a [f32],
    sums: &'a mut [f32],
}

impl Kernel for AccumulateRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let channels = self.channels;
        for (pairs, sums) in self.pairs.iter().zip(self.sums.chunks_exact_mut(channels)) {
            let (blocks, rest) = sums.as_chunks_mut::<BLOCK>();
            let rest_at = blocks.len() * BLOCK;
            for (block, out) in blocks.iter_mut().enumerate() {
                let mut sums = *out;
                for (to, from) in pairs {
                    let dy = &self.dy[to * channels + block * BLOCK..][..BLOCK];
                    let x = &self.x[from * channels + block * BLOCK..][..BLOCK];
                    for ((sum, dy), x) in sums.iter_mut().zip(dy).zip(x) {
                        *sum += dy * x;
                    }
                }
                *out = sums;
            }
            for (to, from) in pairs {
                let (dy, x) = (&self.dy[to * channels + rest_at..], &self.x[from * channels + rest_at..]);
                for ((sum, dy), x) in rest.iter_mut().zip(dy).zip(x) {
                    *sum += dy * x;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, Reference, at_every_level, same_bits_on_any_threads};

    fn plain(conv: &Depthwise, inputs: &[Vec<f64>], clamp: Clamp) -> Vec<f64> {
        let [x, weight, bias] = inputs else { panic!("three inputs") };
        let Depthwise { batch, height, width, channels, kernel_height, kernel_width, stride, padding } =
            *conv;
        let mut y = Vec::new();
        for (image, row) in (0..batch).flat_map(|image| (0..conv.out_height()).map(move |row| (image, row))) {
            for (column, channel) in
                (0..conv.out_width()).flat_map(|column| (0..channels).map(move |channel| (column, channel)))
            {
                let mut sum = bias[channel];
                for tap in 0..kernel_height * kernel_width {
                    let from_row = (row * stride + tap / kernel_width).wrapping_sub(padding.top);
                    let from_column = (column * stride + tap % kernel_width).wrapping_sub(padding.left);
                    if from_row < height && from_column < width {
                        let from = ((image * height + from_row) * width + from_column) * channels + channel;
                        sum += x[from] * weight[tap * channels + channel];
                    }
                }
                y.push(clamp.plain(sum));
            }
        }
        y
    }

    #[test]
    fn forward_and_backward_match_the_reference() {
        let mut random = Random::new(1);
        for round in 0..40 {
            let (kernel_height, kernel_width) = (1 + random.below(5), 1 + random.below(5));
            let conv = Depthwise {
                batch: 1 + random.below(9),
                height: kernel_height + random.below(9),
                width: kernel_width + random.below(9),
                channels: 1 + random.below(67),
                kernel_height,
                kernel_width,
                stride: 1 + random.below(3),
                padding: random.padding(4),
            };
            let clamp = Clamp::ALL[round % 3];
            let x = random.numbers(conv.batch * conv.height * conv.width * conv.channels);
            let (weight, bias) = (random.numbers(conv.taps() * conv.channels), random.numbers(conv.channels));
            let reference =
                Reference::new(&mut random, &[&x, &weight, &bias], |inputs| plain(&conv, inputs, clamp));
            at_every_level(|| {
                let what = format!("{conv:?}, {clamp:?}");
                let y = forward(&conv, &x, &weight, Some(&bias), clamp);
                reference.assert_value(&y, &what);
                let output = OutputGradient::new(&reference.output_gradient, clamp, &y);
                let dx = input_gradient(&conv, &weight, output);
                let (dw, db) = weight_gradient(&conv, &x, output, true);
                assert_eq!(weight_gradient(&conv, &x, output, false), (dw.clone(), None));
                reference.assert_gradients(&[&dx, &dw, &db.unwrap()], &what);
                let zeros = vec![0.0; bias.len()];
                assert_eq!(
                    forward(&conv, &x, &weight, None, clamp),
                    forward(&conv, &x, &weight, Some(&zeros), clamp)
                );
            });
        }
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let conv = Depthwise {
            batch: 5,
            height: 17,
            width: 14,
            channels: 67,
            kernel_height: 3,
            kernel_width: 5,
            stride: 2,
            padding: Padding::all(1),
        };
        let mut random = Random::new(2);
        let x = random.numbers(5 * 17 * 14 * 67);
        let (weight, bias) = (random.numbers(15 * 67), random.numbers(67));
        same_bits_on_any_threads(|| {
            let y = forward(&conv, &x, &weight, Some(&bias), Clamp::Relu);
            let output = OutputGradient::new(&y, Clamp::Relu, &y);
            let (dw, db) = weight_gradient(&conv, &x, output, true);
            let dx = input_gradient(&conv, &weight, output);
            vec![y, dx, dw, db.unwrap()]
        });
    }
}
