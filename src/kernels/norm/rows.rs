//! Layer normalisation: each row has statistics of its own and fits the L1 cache, so that sums over it are taken in lanes,
//! in single precision, and its mean is subtracted before its variance is summed.

use super::super::{
    OutputGradient, PIECE,
    clamp::Clamp,
    simd::{Kernel, SimdLevel, Vector},
    write_chunks,
};
use super::{GradientSums, Norm, Statistics};
use rayon::prelude::*;
use std::{mem::MaybeUninit, ops::Range};

/// Partial sums, so that steps need not wait for each other.
const LANES: usize = 16;

/// Whether each place is a sample of one group.
pub fn fits(norm: &Norm) -> bool {
    (norm.places, norm.groups) == (1, 1)
}

/// As [`super::statistics`].
pub fn statistics(norm: &Norm, x: &[f32]) -> Statistics {
    assert_eq!(x.len(), norm.samples * norm.channels);
    let level = SimdLevel::current();
    let rows = x.par_chunks(rows(norm) * norm.channels);
    let of_rows: Vec<_> = rows.map(|x| level.run(RowStatistics { x, channels: norm.channels })).collect();
    let (mean, variance) = of_rows.into_iter().flatten().unzip();
    Statistics { mean, variance }
}

/// As [`super::forward`], by the roots of the variances.
pub fn forward(
    norm: &Norm,
    x: &[f32],
    (mean, roots): (&[f64], &[f64]),
    [weight, bias]: [&[f32]; 2],
    clamp: Clamp,
) -> Vec<f32> {
    let level = SimdLevel::current();
    let write = |index: usize, y: &mut [MaybeUninit<f32>]| {
        let piece = Piece::new(norm, index, y.len());
        let (mean, roots) = (&mean[piece.rows.clone()], &roots[piece.rows]);
        level.run(Forward { x: &x[piece.numbers], mean, roots, weight, bias, clamp, y });
    };
    // SAFETY: `Forward` writes every number.
    unsafe { write_chunks(x.len(), rows(norm) * norm.channels, write) }
}

/// As [`super::gradient_sums`].
pub fn gradient_sums(
    norm: &Norm,
    x: &[f32],
    (mean, roots): (&[f64], &[f64]),
    weight: &[f32],
    output: OutputGradient,
) -> GradientSums {
    let (level, channels) = (SimdLevel::current(), norm.channels);
    let gradient = output.through_clamp();
    assert_eq!(gradient.len(), x.len());
    let len = rows(norm) * channels;
    let pieces: Vec<_> = (0..x.len().div_ceil(len))
        .into_par_iter()
        .map(|index| {
            let piece = Piece::new(norm, index, len.min(x.len() - index * len));
            let (mean, roots) = (&mean[piece.rows.clone()], &roots[piece.rows]);
            let (x, gradient) = (&x[piece.numbers.clone()], &gradient[piece.numbers]);
            level.run(Sums { x, mean, roots, weight, gradient })
        })
        .collect();
    let mut channel_sums = vec![[0.0; 2]; channels];
    let mut groups = Vec::with_capacity(norm.samples);
    for [of_weight, of_bias, of_rows] in pieces {
        for ((sums, weight), bias) in channel_sums.iter_mut().zip(of_weight).zip(of_bias) {
            *sums = [sums[0] + f64::from(weight), sums[1] + f64::from(bias)];
        }
        groups.extend(of_rows.chunks_exact(2).map(|sums| [f64::from(sums[0]), f64::from(sums[1])]));
    }
    let (weight, bias) = channel_sums.iter().map(|sums| (sums[0] as f32, sums[1] as f32)).unzip();
    GradientSums { weight, bias, groups }
}

/// As [`super::input_gradient`].
pub fn input_gradient(
    norm: &Norm,
    x: &[f32],
    (mean, roots): (&[f64], &[f64]),
    weight: &[f32],
    output: OutputGradient,
    sums: &GradientSums,
) -> Vec<f32> {
    let level = SimdLevel::current();
    let gradient = output.through_clamp();
    let write = |index: usize, dx: &mut [MaybeUninit<f32>]| {
        let piece = Piece::new(norm, index, dx.len());
        let (rows, numbers) = (piece.rows, piece.numbers);
        let (mean, roots, sums) = (&mean[rows.clone()], &roots[rows.clone()], &sums.groups[rows]);
        let (x, gradient) = (&x[numbers.clone()], &gradient[numbers]);
        level.run(Backward { x, mean, roots, weight, gradient, sums, dx });
    };
    // SAFETY: `Backward` writes every number.
    unsafe { write_chunks(x.len(), rows(norm) * norm.channels, write) }
}

/// Rows of a piece of work.
fn rows(norm: &Norm) -> usize {
    (PIECE / norm.channels).max(1)
}

/// Some rows, and their numbers.
struct Piece {
    rows: Range<usize>,
    numbers: Range<usize>,
}

impl Piece {
    fn new(norm: &Norm, index: usize, len: usize) -> Self {
        let first = index * rows(norm);
        let start = first * norm.channels;
        Piece { rows: first..first + len / norm.channels, numbers: start..start + len }
    }
}

/// The sum of what `term` makes of each place of three rows of one length.
#[inline(always)]
fn sum(a: &[f32], b: &[f32], c: &[f32], term: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let ((a, a_rest), (b, b_rest), (c, c_rest)) =
        (a.as_chunks::<LANES>(), b.as_chunks::<LANES>(), c.as_chunks::<LANES>());
    for ((a, b), c) in a.iter().zip(b).zip(c) {
        for lane in 0..LANES {
            lanes[lane] += term(a[lane], b[lane], c[lane]);
        }
    }
    for (lane, ((a, b), c)) in a_rest.iter().zip(b_rest).zip(c_rest).enumerate() {
        lanes[lane] += term(*a, *b, *c);
    }
    lanes.iter().sum()
}

struct RowStatistics<'a> {
    x: &'a [f32],
    channels: usize,
}

impl Kernel for RowStatistics<'_> {
    /// Mean and variance of each row.
    type Output = Vec<(f64, f64)>;

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) -> Self::Output {
        let count = self.channels as f32;
        let mut all = Vec::with_capacity(self.x.len() / self.channels);
        for row in self.x.chunks_exact(self.channels) {
            let mean = sum(row, row, row, |x, _, _| x) / count;
            let variance = sum(row, row, row, |x, _, _| (x - mean) * (x - mean)) / count;
            all.push((f64::from(mean), f64::from(variance)));
        }
        all
    }
}

struct Forward<'a> {
    x: &'a [f32],
    mean: &'a [f64],
    roots: &'a [f64],
    weight: &'a [f32],
    bias: &'a [f32],
    clamp: Clamp,
    y: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let (channels, clamp) = (self.weight.len(), self.clamp.of_numbers());
        let rows = self.y.chunks_exact_mut(channels).zip(self.x.chunks_exact(channels));
        for ((y, x), (mean, root)) in rows.zip(self.mean.iter().zip(self.roots)) {
            let (mean, root) = (*mean as f32, *root as f32);
            for (((y, x), weight), bias) in y.iter_mut().zip(x).zip(self.weight).zip(self.bias) {
                y.write(clamp((x - mean) * root * weight + bias));
            }
        }
    }
}

struct Sums<'a> {
    x: &'a [f32],
    mean: &'a [f64],
    roots: &'a [f64],
    weight: &'a [f32],
    gradient: &'a [f32],
}

impl Kernel for Sums<'_> {
    /// The gradients of weight and bias, and of each row Σ weight · dy and Σ weight · dy · x̂.
    type Output = [Vec<f32>; 3];

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) -> Self::Output {
        let Sums { x, mean, roots, weight, gradient } = self;
        let channels = weight.len();
        let (mut of_weight, mut of_bias) = (vec![0.0; channels], vec![0.0; channels]);
        let mut of_rows = Vec::with_capacity(2 * mean.len());
        let rows = x.chunks_exact(channels).zip(gradient.chunks_exact(channels));
        for ((x, dy), (mean, root)) in rows.zip(mean.iter().zip(roots)) {
            let (mean, root) = (*mean as f32, *root as f32);
            of_rows.push(sum(dy, weight, x, |dy, weight, _| dy * weight));
            of_rows.push(root * sum(dy, weight, x, |dy, weight, x| dy * weight * (x - mean)));
            let sums = of_weight.iter_mut().zip(&mut of_bias);
            for (((of_weight, of_bias), x), dy) in sums.zip(x).zip(dy) {
                *of_weight += dy * ((x - mean) * root);
                *of_bias += dy;
            }
        }
        [of_weight, of_bias, of_rows]
    }
}

struct Backward<'a> {
    x: &'a [f32],
    mean: &'a [f64],
    roots: &'a [f64],
    weight: &'a [f32],
    gradient: &'a [f32],
    sums: &'a [[f64; 2]],
    dx: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let Backward { x, mean, roots, weight, gradient, sums, dx } = self;
        let channels = weight.len();
        let rows = dx.chunks_exact_mut(channels).zip(x.chunks_exact(channels));
        let lines = mean.iter().zip(roots).zip(sums);
        for (((dx, x), dy), ((mean, root), [sum, product])) in
            rows.zip(gradient.chunks_exact(channels)).zip(lines)
        {
            let count = channels as f64;
            let slope = (-root * root * product / count) as f32;
            let shift = (-root * sum / count) as f32;
            let (mean, root) = (*mean as f32, *root as f32);
            for (((dx, x), dy), weight) in dx.iter_mut().zip(x).zip(dy).zip(weight) {
                dx.write((x - mean) * slope + shift + dy * weight * root);
            }
        }
    }
}
