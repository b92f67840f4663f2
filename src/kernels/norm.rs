//! Normalisation to mean 0 and variance 1, then an affine map of each channel.
//!
//! Batch, group and layer normalisation differ only in which numbers share a mean and a variance, see [`Norm`].
//!
//! Long, as the statistics and both passes walk over the numbers in the same lines.

use super::clamp::{Clamp, Mask};
use super::simd::{Kernel, SimdLevel, Vector};
use super::{OutputGradient, PIECE, write_chunks};
use rayon::prelude::*;
use std::{mem::MaybeUninit, ops::Range};

mod rows;

/// What is normalised together, of x (samples, places, channels): the numbers of one sample in one of `groups` equal
/// runs of neighbouring channels.
///
/// - Batch normalisation (Ioffe and Szegedy, 2015): one sample of all examples' places, as many groups as channels.
/// - Group normalisation (Wu and He, 2018): a sample is an example.
/// - Layer normalisation (Ba, Kiros and Hinton, 2016): a sample is one row of features, as one place and one group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norm {
    /// Sets of numbers that have statistics of their own.
    pub samples: usize,
    /// Places of one sample.
    pub places: usize,
    /// Numbers of one place.
    pub channels: usize,
    /// Divides `channels`.
    pub groups: usize,
    /// Added to the variance.
    pub epsilon: f64,
}

/// Mean and variance, (samples, groups).
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// The arithmetic mean.
    pub mean: Vec<f64>,
    /// The mean square distance from the mean: not PyTorch's running variance, which divides by one less.
    pub variance: Vec<f64>,
}

/// Sums over the output's gradient.
pub struct GradientSums {
    /// The gradient of weight (channels).
    pub weight: Vec<f32>,
    /// The gradient of bias (channels).
    pub bias: Vec<f32>,
    /// Σ weight · gradient and Σ weight · gradient · x̂, (samples, groups).
    groups: Vec<[f64; 2]>,
}

/// Means and variances, in double precision but for rows.
///
/// # Panics
/// When x does not have the shape.
pub fn statistics(norm: &Norm, x: &[f32]) -> Statistics {
    if rows::fits(norm) {
        return rows::statistics(norm, x);
    }
    let own = OutputGradient::whole(x);
    let (of_groups, _) = norm.sums(own, x, |_, sums| sums, |_| 1.0);
    let count = norm.group_len() as f64;
    let (mean, variance) = of_groups
        .iter()
        .map(|[sum, squares]| {
            let mean = sum / count;
            let variance = squares / count - mean * mean;
            // written so that NaN stays NaN
            (mean, if variance < 0.0 { 0.0 } else { variance })
        })
        .unzip();
    Statistics { mean, variance }
}

/// `clamp(x̂ · weight + bias)`, where x̂ = (x − mean) / √(variance + ε).
///
/// # Panics
/// When a slice does not have the shape.
pub fn forward(
    norm: &Norm,
    x: &[f32],
    statistics: &Statistics,
    weight: &[f32],
    bias: &[f32],
    clamp: Clamp,
) -> Vec<f32> {
    norm.check(x, weight);
    assert_eq!(bias.len(), norm.channels);
    let (level, roots) = (SimdLevel::current(), norm.roots(statistics));
    if rows::fits(norm) {
        return rows::forward(norm, x, (&statistics.mean, &roots), [weight, bias], clamp);
    }
    let line = |at: usize| Line { center: statistics.mean[at], slope: roots[at], shift: 0.0, gain: 0.0 };
    let (weight, bias) = (norm.repeat(weight), norm.repeat(bias));
    norm.map_rows(line, |lines, range, y| {
        level.run(Forward { lines, weight: &weight, bias: &bias, x: &x[range], clamp, y })
    })
}

/// The gradients of weight and bias, and what [`input_gradient`] needs besides.
///
/// # Panics
/// When a slice does not have the shape.
pub fn gradient_sums(
    norm: &Norm,
    x: &[f32],
    statistics: &Statistics,
    weight: &[f32],
    output: OutputGradient,
) -> GradientSums {
    norm.check(x, weight);
    let roots = norm.roots(statistics);
    if rows::fits(norm) {
        return rows::gradient_sums(norm, x, (&statistics.mean, &roots), weight, output);
    }
    let standardize =
        |at: usize, [sum, product]: [f64; 2]| [sum, (product - statistics.mean[at] * sum) * roots[at]];
    let (groups, channels) = norm.sums(output, x, standardize, |channel| weight[channel] as f64);
    let (bias, weight) = channels.iter().map(|[sum, product]| (*sum as f32, *product as f32)).unzip();
    GradientSums { weight, bias, groups }
}

/// The gradient of x. Without `sums` the statistics are fixed numbers; with them they are those of x itself, and so
/// move along with it:
///
/// dx = (weight · dy − mean(weight · dy) − x̂ · mean(weight · dy · x̂)) / √(variance + ε)
///
/// # Panics
/// When a slice does not have the shape.
pub fn input_gradient(
    norm: &Norm,
    x: &[f32],
    statistics: &Statistics,
    weight: &[f32],
    output: OutputGradient,
    sums: Option<&GradientSums>,
) -> Vec<f32> {
    norm.check(x, weight);
    assert_eq!(output.gradient.len(), x.len());
    let (level, roots, count) = (SimdLevel::current(), norm.roots(statistics), norm.group_len() as f64);
    if let (true, Some(sums)) = (rows::fits(norm), sums) {
        return rows::input_gradient(norm, x, (&statistics.mean, &roots), weight, output, sums);
    }
    let line = |at: usize| {
        let (center, root) = (statistics.mean[at], roots[at]);
        let [mean, product] = sums.map_or([0.0; 2], |sums| sums.groups[at].map(|sum| sum / count));
        Line { center, slope: -root * root * product, shift: -root * mean, gain: root }
    };
    let weight = norm.repeat(weight);
    norm.map_rows(line, |lines, range, dx| {
        level.run(Backward { lines, weight: &weight, x: &x[range.clone()], output: output.part(range), dx })
    })
}

impl Norm {
    fn check(&self, x: &[f32], weight: &[f32]) {
        assert_eq!((x.len(), weight.len()), (self.samples * self.places * self.channels, self.channels));
        assert!(self.channels > 0 && self.channels.is_multiple_of(self.groups));
    }

    /// Numbers that share a mean.
    fn group_len(&self) -> usize {
        self.places * self.channels / self.groups
    }

    fn roots(&self, statistics: &Statistics) -> Vec<f64> {
        let groups = self.samples * self.groups;
        assert_eq!((statistics.mean.len(), statistics.variance.len()), (groups, groups));
        statistics.variance.iter().map(|variance| 1.0 / (variance + self.epsilon).sqrt()).collect()
    }

    /// Places whose channels are worked on as one long row, so that loops over few channels are long enough.
    fn places_per_row(&self) -> usize {
        (64 / self.channels).clamp(1, self.places.max(1))
    }

    /// Numbers of the channels, again for each place of a row.
    fn repeat(&self, channels: &[f32]) -> Vec<f32> {
        channels.repeat(self.places_per_row())
    }

    /// Numbers of a piece of work, whole places.
    fn piece(&self) -> usize {
        (PIECE / self.channels).max(1) * self.channels
    }

    /// The numbers of a piece by the sample they belong to, the first and the last sample perhaps in part.
    fn samples_of(&self, piece: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
        let sample_len = self.places * self.channels;
        let (start, len) = (piece * self.piece(), self.samples * sample_len);
        let end = (start + self.piece()).min(len);
        (start / sample_len..end.div_ceil(sample_len)).map(move |sample| {
            (sample, (sample * sample_len).max(start)..((sample + 1) * sample_len).min(end))
        })
    }

    /// Σ a and Σ a · b, where a has passed its clamp, of each channel of each sample, standardized for its group; summed over
    /// groups, times `weight(channel)`, to (samples, groups), and over samples to (channels).
    fn sums(
        &self,
        a: OutputGradient,
        b: &[f32],
        standardize: impl Fn(usize, [f64; 2]) -> [f64; 2] + Sync,
        weight: impl Fn(usize) -> f64 + Sync,
    ) -> (Vec<[f64; 2]>, Vec<[f64; 2]>) {
        let len = self.samples * self.places * self.channels;
        assert_eq!((a.gradient.len(), b.len()), (len, len));
        let level = SimdLevel::current();
        let pieces: Vec<_> = (0..len.div_ceil(self.piece()))
            .into_par_iter()
            .map(|piece| {
                let (mut of_groups, mut of_channels) = (Vec::new(), vec![[0.0; 2]; self.channels]);
                let mut sums = vec![0.0; self.places_per_row() * self.channels];
                let mut products = sums.clone();
                for (sample, range) in self.samples_of(piece) {
                    sums.fill(0.0);
                    products.fill(0.0);
                    let (a, b) = (a.part(range.clone()), &b[range]);
                    level.run(AddUp { a, b, sums: &mut sums, products: &mut products });
                    fold(&mut sums, self.channels);
                    fold(&mut products, self.channels);
                    for (group, channels) in self.groups() {
                        let mut of_group = [0.0; 2];
                        let sums = sums[channels.clone()].iter().zip(&products[channels.clone()]);
                        for ((channel, of_channel), (sum, product)) in
                            channels.clone().zip(&mut of_channels[channels]).zip(sums)
                        {
                            let sum = standardize(sample * self.groups + group, [*sum, *product]);
                            *of_channel = add(*of_channel, sum);
                            of_group = add(of_group, sum.map(|sum| sum * weight(channel)));
                        }
                        of_groups.push(of_group);
                    }
                }
                (of_groups, of_channels)
            })
            .collect();
        let mut of_groups = vec![[0.0; 2]; self.samples * self.groups];
        let mut of_channels = vec![[0.0; 2]; self.channels];
        for (piece, (groups, channels)) in pieces.iter().enumerate() {
            let first = piece * self.piece() / (self.places * self.channels) * self.groups;
            add_all(&mut of_groups[first..], groups);
            add_all(&mut of_channels, channels);
        }
        (of_groups, of_channels)
    }

    /// Each group and its channels.
    fn groups(&self) -> impl Iterator<Item = (usize, Range<usize>)> {
        let len = self.channels / self.groups;
        (0..self.groups).map(move |group| (group, group * len..(group + 1) * len))
    }

    /// Numbers shaped as x: `work` writes every number of a stretch of them by the lines of its groups.
    fn map_rows(
        &self,
        line: impl Fn(usize) -> Line + Sync,
        work: impl Fn(&Lines, Range<usize>, &mut [MaybeUninit<f32>]) + Sync,
    ) -> Vec<f32> {
        let write = |piece: usize, out: &mut [MaybeUninit<f32>]| {
            let mut lines = Lines::new(self.places_per_row() * self.channels);
            for (sample, range) in self.samples_of(piece) {
                for (group, channels) in self.groups() {
                    lines.set(channels, line(sample * self.groups + group));
                }
                lines.repeat(self.channels);
                let start = piece * self.piece();
                work(&lines, range.clone(), &mut out[range.start - start..range.end - start]);
            }
        };
        // SAFETY: the samples of a piece cover it, and `work` writes every number of a stretch.
        unsafe { write_chunks(self.samples * self.places * self.channels, self.piece(), write) }
    }
}

fn add(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

fn add_all(sums: &mut [[f64; 2]], terms: &[[f64; 2]]) {
    for (sum, term) in sums.iter_mut().zip(terms) {
        *sum = add(*sum, *term);
    }
}

/// `(x − center) · slope + shift`, and what to multiply a gradient by.
struct Line {
    center: f64,
    slope: f64,
    shift: f64,
    gain: f64,
}

/// A line for each number of a row.
struct Lines {
    center: Vec<f32>,
    slope: Vec<f32>,
    shift: Vec<f32>,
    gain: Vec<f32>,
}

impl Lines {
    fn new(len: usize) -> Self {
        let zeros = || vec![0.0; len];
        Lines { center: zeros(), slope: zeros(), shift: zeros(), gain: zeros() }
    }

    fn set(&mut self, channels: Range<usize>, line: Line) {
        let center = line.center as f32;
        // corrects the rounding error of the center
        let shift = line.shift + (center as f64 - line.center) * line.slope;
        self.center[channels.clone()].fill(center);
        self.slope[channels.clone()].fill(line.slope as f32);
        self.shift[channels.clone()].fill(shift as f32);
        self.gain[channels].fill(line.gain as f32);
    }

    /// Fills the row with copies of its first `len` lines.
    fn repeat(&mut self, len: usize) {
        for numbers in [&mut self.center, &mut self.slope, &mut self.shift, &mut self.gain] {
            (len..numbers.len()).step_by(len).for_each(|at| numbers.copy_within(..len, at));
        }
    }
}

/// Adds everything after the first `len` sums to them.
fn fold(sums: &mut [f64], len: usize) {
    let (first, rest) = sums.split_at_mut(len);
    for terms in rest.chunks_exact(len) {
        first.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
    }
}

/// Adds rows of a, and of a · b, to the sums.
struct AddUp<'a> {
    a: OutputGradient<'a>,
    b: &'a [f32],
    sums: &'a mut [f64],
    products: &'a mut [f64],
}

impl Kernel for AddUp<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let len = self.sums.len();
        let rows = self.a.gradient.chunks(len).zip(self.b.chunks(len));
        match self.a.mask {
            None => rows.for_each(|(a, b)| add_row(a.iter().copied(), b, self.sums, self.products)),
            Some(Mask { output, clamp }) => rows.zip(output.chunks(len)).for_each(|((a, b), output)| {
                add_row(Mask { output, clamp }.pass(a), b, self.sums, self.products);
            }),
        }
    }
}

#[inline(always)]
fn add_row(a: impl Iterator<Item = f32>, b: &[f32], sums: &mut [f64], products: &mut [f64]) {
    for (((a, b), sum), product) in a.zip(b).zip(sums).zip(products) {
        *sum += a as f64;
        *product += a as f64 * *b as f64;
    }
}

struct Forward<'a> {
    lines: &'a Lines,
    weight: &'a [f32],
    bias: &'a [f32],
    x: &'a [f32],
    clamp: Clamp,
    y: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let (clamp, Lines { center, slope, shift, .. }) = (self.clamp.of_numbers(), self.lines);
        for (y, x) in self.y.chunks_mut(center.len()).zip(self.x.chunks(center.len())) {
            let lines = center.iter().zip(slope).zip(shift).zip(self.weight).zip(self.bias);
            for ((y, x), ((((center, slope), shift), weight), bias)) in y.iter_mut().zip(x).zip(lines) {
                y.write(clamp(((x - center) * slope + shift) * weight + bias));
            }
        }
    }
}

struct Backward<'a> {
    lines: &'a Lines,
    weight: &'a [f32],
    x: &'a [f32],
    output: OutputGradient<'a>,
    dx: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let Backward { lines, weight, x, output, dx } = self;
        let len = weight.len();
        let rows = dx.chunks_mut(len).zip(x.chunks(len)).zip(output.gradient.chunks(len));
        match output.mask {
            None => rows.for_each(|((dx, x), gradient)| {
                write_row(lines, weight, x, gradient.iter().copied(), dx);
            }),
            Some(Mask { output, clamp }) => {
                rows.zip(output.chunks(len)).for_each(|(((dx, x), gradient), output)| {
                    write_row(lines, weight, x, Mask { output, clamp }.pass(gradient), dx);
                })
            }
        }
    }
}

#[inline(always)]
fn write_row(
    lines: &Lines,
    weight: &[f32],
    x: &[f32],
    gradient: impl Iterator<Item = f32>,
    dx: &mut [MaybeUninit<f32>],
) {
    let Lines { center, slope, shift, gain } = lines;
    let lines = center.iter().zip(slope).zip(shift).zip(gain).zip(weight);
    for (((dx, x), gradient), ((((center, slope), shift), gain), weight)) in
        dx.iter_mut().zip(x).zip(gradient).zip(lines)
    {
        dx.write((x - center) * slope + shift + gradient * weight * gain);
    }
}

#[cfg(test)]
mod tests;
