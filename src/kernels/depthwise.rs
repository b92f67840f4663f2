//! Depthwise convolution, each channel by itself (cross-correlation, as in PyTorch), with fused bias and clamp.
//!
//! Chollet, "Xception: deep learning with depthwise separable convolutions", 2017.

use super::clamp::Clamp;
use super::padding::Padding;
use super::simd::{Kernel, MAX_LANES, SimdLevel, Vector, prefetch};
use super::tile::{fill_pair, read_pair};
use super::{OutputGradient, as_room, windows, write_chunks};
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// Partial sums of a weight gradient: more would use more threads and more memory.
const PARTIAL_SUMS: usize = 8;
/// Numbers of an image that the L2 cache does not hold: the processor does not see by itself what is read next, as few
/// columns of several rows are read at a time.
const LARGE_IMAGE: usize = 1 << 18;
/// Taps whose sums are held in registers.
const MAX_TAPS: usize = 5;

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
    let Padding { top, left, .. } = conv.padding;
    let steps = Steps { out: 1, source: conv.stride };
    let columns = |column| partners(conv.kernel_width, |tap| conv.source(column, tap, left, conv.width));
    let gather = Gather {
        conv,
        weight,
        bias,
        clamp,
        steps,
        source_width: conv.width,
        rows: (0..conv.out_height())
            .map(|row| partners(conv.kernel_height, |tap| conv.source(row, tap, top, conv.height)))
            .collect(),
        runs: steps.runs(conv.out_width(), columns),
    };
    gather.run(x, conv.height, conv.out_width())
}

/// The gradient of x, shaped as x.
///
/// # Panics
/// When a slice's length is not that of the shape.
pub fn input_gradient(conv: &Depthwise, weight: &[f32], output: OutputGradient) -> Vec<f32> {
    let (out_height, out_width) = (conv.out_height(), conv.out_width());
    assert_eq!(weight.len(), conv.taps() * conv.channels);
    assert_eq!(output.gradient.len(), conv.batch * out_height * out_width * conv.channels);
    let Padding { top, left, .. } = conv.padding;
    let steps = Steps { out: conv.stride, source: 1 };
    let columns = |column| partners(conv.kernel_width, |tap| conv.target(column, tap, left, out_width));
    let gather = Gather {
        conv,
        weight,
        bias: None,
        clamp: Clamp::None,
        steps,
        source_width: out_width,
        rows: (0..conv.height)
            .map(|row| partners(conv.kernel_height, |tap| conv.target(row, tap, top, out_height)))
            .collect(),
        runs: steps.runs(conv.width, columns),
    };
    gather.run(&output.through_clamp(), out_height, conv.width)
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
    let Padding { top, left, .. } = conv.padding;
    let of_column = |column| partners(conv.kernel_width, |tap| conv.source(column, tap, left, conv.width));
    let runs = Steps { out: 1, source: conv.stride }.runs(columns, of_column);
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
                    if let Some(from) = conv.source(row, tap, top, conv.height) {
                        let row_len = conv.width * channels;
                        let x = &x[(image * conv.height + from) * row_len..][..row_len];
                        level.run(AccumulateRow { conv, runs: &runs, x, dy, sums });
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

/// The taps of a line through the kernel that see something, and the row or column of the source that each sees.
type Partners = Vec<(usize, usize)>;

fn partners(taps: usize, seen: impl Fn(usize) -> Option<usize>) -> Partners {
    (0..taps).filter_map(|tap| Some((tap, seen(tap)?))).collect()
}

/// From one column to the next that sees the source through the same taps, in the output and in the source.
#[derive(Clone, Copy)]
struct Steps {
    out: usize,
    source: usize,
}

/// Columns that are worked on alike: the first and each a step on, `count` in all.
struct Run {
    first: usize,
    count: usize,
    /// Of the first; those of the others lie a step on.
    partners: Partners,
}

impl Run {
    /// It lies within an output of `width` columns, its taps within a kernel, and what they see within a source.
    #[inline(always)]
    fn check(&self, steps: Steps, [kernel_width, source_width, width]: [usize; 3]) {
        let last = self.count - 1;
        assert!(self.first + last * steps.out < width);
        assert!(
            self.partners
                .iter()
                .all(|(tap, at)| *tap < kernel_width && at + last * steps.source < source_width)
        );
    }
}

impl Steps {
    /// All columns of an output: those within are one run for each phase of the step, and those at its ends are runs of
    /// their own.
    fn runs(self, columns: usize, partners: impl Fn(usize) -> Partners) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for phase in 0..self.out.min(columns) {
            let from = runs.len();
            for column in (phase..columns).step_by(self.out) {
                let of_column = partners(column);
                let goes_on = |run: &&mut Run| {
                    let moved = |(tap, at): &(usize, usize)| (*tap, at + run.count * self.source);
                    run.partners.iter().map(moved).eq(of_column.iter().copied())
                };
                match runs[from..].last_mut().filter(goes_on) {
                    Some(run) => run.count += 1,
                    None => runs.push(Run { first: column, count: 1, partners: of_column }),
                }
            }
        }
        runs
    }
}

/// Each pixel of an image as the sum over taps of weight times a source pixel.
struct Gather<'a> {
    conv: &'a Depthwise,
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
    clamp: Clamp,
    steps: Steps,
    source_width: usize,
    /// Of each row of the image.
    rows: Vec<Partners>,
    runs: Vec<Run>,
}

impl Gather<'_> {
    fn run(&self, source: &[f32], source_height: usize, out_width: usize) -> Vec<f32> {
        let (level, conv, channels) = (SimdLevel::current(), self.conv, self.conv.channels);
        let image_len = source_height * self.source_width * channels;
        let lens = [conv.kernel_width, self.source_width, out_width];
        self.runs.iter().for_each(|run| run.check(self.steps, lens));
        let mut rows = self.rows.iter().flatten();
        assert!(rows.all(|(tap, row)| *tap < conv.kernel_height && *row < source_height));
        assert_eq!(self.weight.len(), conv.taps() * channels);
        let write = |index: usize, out: &mut [MaybeUninit<f32>]| {
            let (image, row) = (index / self.rows.len(), index % self.rows.len());
            let source = &source[image * image_len..][..image_len];
            level.run(GatherRow { gather: self, rows: &self.rows[row], source, out });
        };
        let row_len = out_width * channels;
        // SAFETY: `GatherRow` writes every column of a row.
        unsafe { write_chunks(self.conv.batch * self.rows.len() * row_len, row_len, write) }
    }
}

struct GatherRow<'a> {
    gather: &'a Gather<'a>,
    rows: &'a [(usize, usize)],
    source: &'a [f32],
    out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for GatherRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(mut self) {
        for run in &self.gather.runs {
            let mut done = 0;
            while done < run.count {
                done += match run.count - done {
                    1 => self.columns::<V, 1>(run, done),
                    2 | 3 => self.columns::<V, 2>(run, done),
                    _ => self.columns::<V, 4>(run, done),
                };
            }
        }
    }
}

impl GatherRow<'_> {
    /// Does the next `COUNT` columns of a run, and says so.
    #[inline(always)]
    fn columns<V: Vector, const COUNT: usize>(&mut self, run: &Run, done: usize) -> usize {
        let (channels, width) = (self.gather.conv.channels, 2 * V::LANES);
        if self.source.len() >= LARGE_IMAGE {
            self.fetch_ahead(run, done, COUNT);
        }
        if channels < width {
            self.block::<V, COUNT, false>(run, done, 0);
        } else {
            for channel in (0..channels).step_by(width) {
                // the last vectors may overlap those before them, which gives the same numbers again
                self.block::<V, COUNT, true>(run, done, channel.min(channels - width));
            }
        }
        COUNT
    }

    /// Asks for what the next row of the output sees below that which `count` columns of this one see.
    #[inline(always)]
    fn fetch_ahead(&self, run: &Run, done: usize, count: usize) {
        let Gather { conv, steps, source_width, .. } = *self.gather;
        if let (Some((_, row)), Some((_, column))) = (self.rows.last(), run.partners.last()) {
            for row in row + 1..=row + steps.source {
                let at = (row * source_width + column + done * steps.source) * conv.channels;
                let end = (at + count * steps.source * conv.channels).min(self.source.len());
                (at..end).step_by(MAX_LANES).for_each(|at| prefetch(&self.source[at..]));
            }
        }
    }

    /// The same for two vectors of channels, or as many as there are where they are not `WHOLE`.
    #[inline(always)]
    fn block<V: Vector, const COUNT: usize, const WHOLE: bool>(
        &mut self,
        run: &Run,
        done: usize,
        channel: usize,
    ) {
        let Gather { conv, weight, bias, clamp, steps, source_width, .. } = *self.gather;
        let channels = conv.channels;
        let start = match bias {
            // SAFETY: there is a bias for every channel.
            Some(bias) => unsafe { pair::<V, WHOLE>(bias, channel, channels) },
            None => [V::splat(0.0); 2],
        };
        let mut sums = [start; COUNT];
        for (tap_row, row) in self.rows {
            for (tap, column) in &run.partners {
                let tap = (tap_row * conv.kernel_width + tap) * channels + channel;
                // SAFETY: every tap has a weight for every channel, and `Gather::run` has checked the taps.
                let weights = unsafe { pair::<V, WHOLE>(weight, tap, channels) };
                let mut at = (row * source_width + column + done * steps.source) * channels + channel;
                for sums in &mut sums {
                    // SAFETY: the source holds all channels of what the taps see, as has been checked there.
                    let source = unsafe { pair::<V, WHOLE>(self.source, at, channels) };
                    sums[0] = weights[0].mul_add(source[0], sums[0]);
                    sums[1] = weights[1].mul_add(source[1], sums[1]);
                    at += steps.source * channels;
                }
            }
        }
        for (index, [first, second]) in sums.into_iter().enumerate() {
            let at = (run.first + (done + index) * steps.out) * channels + channel;
            let out = &mut self.out[at..][..channels.min(2 * V::LANES)];
            fill_pair([clamp.vector(first), clamp.vector(second)], out);
        }
    }
}

/// Two vectors from `at` on; the `channels` that there are, then zeros, where those are fewer and it is not `WHOLE`.
///
/// # Safety
/// Where it is `WHOLE`, `from` holds two vectors from `at` on.
#[inline(always)]
unsafe fn pair<V: Vector, const WHOLE: bool>(from: &[f32], at: usize, channels: usize) -> [V; 2] {
    if !WHOLE {
        return read_pair(&from[at..][..channels]);
    }
    if cfg!(test) {
        assert!(at + 2 * V::LANES <= from.len());
    }
    // SAFETY: the caller vouches for both.
    unsafe { [V::load(from.as_ptr().add(at)), V::load(from.as_ptr().add(at + V::LANES))] }
}

/// Adds Σ x · dy over the columns of one row to each tap's sums, (taps, channels).
struct AccumulateRow<'a> {
    conv: &'a Depthwise,
    /// Of the columns of y.
    runs: &'a [Run],
    x: &'a [f32],
    dy: &'a [f32],
    sums: &'a mut [f32],
}

impl Kernel for AccumulateRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(mut self) {
        let conv = self.conv;
        assert_eq!(self.dy.len(), conv.out_width() * conv.channels);
        assert_eq!(
            (self.x.len(), self.sums.len()),
            (conv.width * conv.channels, conv.kernel_width * conv.channels)
        );
        for run in self.runs {
            run.check(
                Steps { out: 1, source: conv.stride },
                [conv.kernel_width, conv.width, conv.out_width()],
            );
            for taps in run.partners.chunks(MAX_TAPS) {
                match *taps {
                    [a] => self.taps::<V, 1>(run, [a]),
                    [a, b] => self.taps::<V, 2>(run, [a, b]),
                    [a, b, c] => self.taps::<V, 3>(run, [a, b, c]),
                    [a, b, c, d] => self.taps::<V, 4>(run, [a, b, c, d]),
                    [a, b, c, d, e, ..] => self.taps::<V, 5>(run, [a, b, c, d, e]),
                    [] => {}
                }
            }
        }
    }
}

impl AccumulateRow<'_> {
    #[inline(always)]
    fn taps<V: Vector, const COUNT: usize>(&mut self, run: &Run, taps: [(usize, usize); COUNT]) {
        let (channels, width) = (self.conv.channels, 2 * V::LANES);
        let whole = channels / width * width;
        for channel in (0..whole).step_by(width) {
            self.block::<V, COUNT, true>(run, taps, channel, width);
        }
        if whole < channels {
            self.block::<V, COUNT, false>(run, taps, whole, channels - whole);
        }
    }

    /// Two vectors of channels, or the `kept` that are left where they are not `WHOLE`.
    #[inline(always)]
    fn block<V: Vector, const COUNT: usize, const WHOLE: bool>(
        &mut self,
        run: &Run,
        taps: [(usize, usize); COUNT],
        channel: usize,
        kept: usize,
    ) {
        let Depthwise { channels, stride, .. } = *self.conv;
        let mut sums = [[V::splat(0.0); 2]; COUNT];
        for column in 0..run.count {
            // SAFETY: the run lies within y, and what its taps see within x, as `run` has checked; both hold whole vectors
            // of channels there where it is `WHOLE`.
            let dy: [V; 2] =
                unsafe { pair::<V, WHOLE>(self.dy, (run.first + column) * channels + channel, kept) };
            for (sums, (_, at)) in sums.iter_mut().zip(&taps) {
                // SAFETY: as above.
                let x =
                    unsafe { pair::<V, WHOLE>(self.x, (at + column * stride) * channels + channel, kept) };
                sums[0] = x[0].mul_add(dy[0], sums[0]);
                sums[1] = x[1].mul_add(dy[1], sums[1]);
            }
        }
        for (sums, (tap, _)) in sums.iter().zip(&taps) {
            let all = &mut self.sums[tap * channels + channel..][..kept];
            let before = read_pair::<V>(all);
            // SAFETY: only numbers are written.
            fill_pair([before[0].add(sums[0]), before[1].add(sums[1])], unsafe { as_room(all) });
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
