//! Convolution by windows of 3 × 3 with four times fewer products: Winograd's F(4×4, 3×3).
//!
//! A tile of 4 × 4 outputs sees 6 × 6 inputs d. With weights g it is y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A, so that all tiles
//! share 36 small matrix products over the channels, one for each point of a transformed tile. The gradient of g is
//! the transpose of that, Gᵀ[(A dy Aᵀ) ⊙ (Bᵀ d B)]G, summed over the tiles
//! (Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016, section 4.2).
//!
//! Long, as the transforms and their transposes are right only together.

use super::clamp::Clamp;
use super::simd::{Kernel, SimdLevel, Vector};
use super::tile::{AccumulateOuter, Correlate, Panels, Window};
use super::{Columns, Scratch, as_room, write_columns};
use rayon::prelude::*;
use std::mem::MaybeUninit;

/// Numbers in a transformed tile.
pub const POINTS: usize = SIDE * SIDE;
/// Rows and columns of a transformed tile, and of the inputs that it sees.
const SIDE: usize = STEP + 2;
/// Rows and columns of outputs in a tile.
pub const STEP: usize = 4;
/// Pairs of inputs and outputs whose weights are transformed at a time.
const PAIRS: usize = 512;
/// With fewer channels on either side the transforms cost more than they save.
const MIN_CHANNELS: usize = 8;
/// With fewer tiles the transform of the weights does.
const MIN_TILES: usize = 64;
/// Numbers between two planes of points, a cache line: where planes are a power of two apart, all points of a tile fall on
/// the same few lines of the L1 cache.
const GAP: usize = 16;
/// Numbers in the transformed tiles worked on at once: they stay in the L2 cache.
const L2_NUMBERS: usize = 256 * 1024;

/// Whether the products saved outweigh the transforms, for a batch with outputs of this many pixels in all.
pub fn fits(window: &Window, pixels: usize, outputs: usize) -> bool {
    let is_small = window.channels.min(outputs) < MIN_CHANNELS || pixels < MIN_TILES * STEP * STEP;
    (window.rows, window.columns, window.stride) == (3, 3, 1) && !is_small
}

/// Tiles over the rows of some images' frames, for the rows of output that each of them gives.
#[derive(Clone, Copy)]
pub struct Tiles {
    /// Small images give few tiles, and products of few rows are slow: several share them.
    pub images: usize,
    pub channels: usize,
    pub out_rows: usize,
    pub out_width: usize,
}

impl Tiles {
    /// How many images with such tiles to process at once, of at most `most`.
    pub fn images_at_once(&self, outputs: usize, most: usize) -> usize {
        (L2_NUMBERS / (POINTS * self.rows() * self.columns() * (self.channels + outputs)))
            .clamp(1, most.max(1))
    }

    /// Rows of each frame that the tiles see.
    pub fn frame_rows(&self) -> usize {
        STEP * self.rows() + 2
    }

    /// Pixels in a row of the frame.
    pub fn frame_width(&self) -> usize {
        STEP * self.columns() + 2
    }

    fn rows(&self) -> usize {
        self.out_rows.div_ceil(STEP)
    }

    fn columns(&self) -> usize {
        self.out_width.div_ceil(STEP)
    }

    /// The tiles of one image cut into bands that fit the cache, each with its first row of output; those of several
    /// images stay together. `outputs` is the number of output channels.
    fn bands(self, outputs: usize) -> impl Iterator<Item = (usize, Tiles)> {
        let row = POINTS * self.columns() * (self.channels + outputs);
        let rows = if self.images == 1 { STEP * (L2_NUMBERS / row).max(1) } else { self.out_rows };
        (0..self.out_rows)
            .step_by(rows)
            .map(move |first| (first, Tiles { out_rows: rows.min(self.out_rows - first), ..self }))
    }

    fn count(&self) -> usize {
        self.images * self.rows() * self.columns()
    }

    /// Numbers from one point of all tiles to the next.
    fn plane(&self, channels: usize) -> usize {
        self.count() * channels + GAP
    }

    /// The image of each tile, and the row and column of its outputs where it starts.
    fn starts(self) -> impl Iterator<Item = (usize, usize, usize)> {
        let row = move |row| (row / self.rows(), STEP * (row % self.rows()));
        (0..self.images * self.rows()).flat_map(move |y| {
            let (image, y) = row(y);
            (0..self.columns()).map(move |x| (image, y, STEP * x))
        })
    }

    /// The window of a product over one point of all tiles.
    fn window(&self) -> Window {
        let (frame_width, out_width) = (self.count(), self.count());
        Window { rows: 1, columns: 1, channels: self.channels, frame_width, stride: 1, out_width }
    }
}

/// `G g Gᵀ` for weights (3, 3, inputs, outputs): a matrix (inputs, outputs) for each point.
pub fn spread_weights(level: SimdLevel, weight: &[f32], inputs: usize, outputs: usize) -> Vec<Panels> {
    let pairs = inputs * outputs;
    let spread = |index, points: Columns| level.run(Spread { weight, first: index * PAIRS, points });
    // SAFETY: `Spread` writes every number of its columns.
    let points = unsafe { write_columns((POINTS, pairs), PAIRS, spread) };
    let matrices = points.par_chunks_exact(pairs);
    matrices.map(|matrix| Panels::pack(matrix, inputs, outputs, level.lanes())).collect()
}

/// `Gᵀ p G` for sums (36, inputs, outputs): the gradient of weights (3, 3, inputs, outputs).
pub fn gather_weights(level: SimdLevel, points: &[f32]) -> Vec<f32> {
    let gather = |index, weight: Columns| level.run(Gather { points, first: index * PAIRS, weight });
    // SAFETY: `Gather` writes every number of its columns.
    unsafe { write_columns((9, points.len() / POINTS), PAIRS, gather) }
}

/// `out = clamp(correlation of the frames with the weights + bias)`: out is (images, out_rows, out_width, outputs), frame
/// (images, frame_rows, frame_width, channels). Every number of out is written.
pub struct Convolve<'a> {
    pub tiles: Tiles,
    pub frame: &'a [f32],
    pub weights: &'a [Panels],
    pub bias: Option<&'a [f32]>,
    pub clamp: Clamp,
    pub out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Convolve<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let Convolve { tiles, frame, weights, bias, clamp, out } = self;
        let outputs = weights[0].columns();
        let (mut inputs, mut products) = (Scratch::new(), Scratch::new());
        for (first, band) in tiles.bands(outputs) {
            let frame = &frame[first * tiles.frame_width() * tiles.channels..];
            let (from_point, of_point) = (band.plane(band.channels), band.plane(outputs));
            let inputs = inputs.numbers(POINTS * from_point);
            transform_inputs::<V>(band, frame, inputs);
            let products = products.numbers(POINTS * of_point);
            // SAFETY: `Correlate` writes numbers alone.
            let points = unsafe { as_room(products) }.chunks_exact_mut(of_point);
            for ((frame, weights), out) in inputs.chunks_exact(from_point).zip(weights).zip(points) {
                let (window, out) = (band.window(), &mut out[..band.count() * outputs]);
                Correlate { window, frame, weights, bias: None, clamp: Clamp::None, out }.run::<V, ROWS>();
            }
            let len = band.images * band.out_rows * band.out_width * outputs;
            let out = &mut out[first * band.out_width * outputs..][..len];
            transform_outputs::<V>(band, products, bias, clamp, out);
        }
    }
}

/// Adds to `sums` (36, channels, columns) what the rows of frames and the gradient of their outputs contribute, and
/// to `bias` (columns) the sum of that gradient. The gradient is (images, 4 × tile rows, 4 × tile columns, columns), zeros
/// past the outputs; `columns` is a multiple of two vectors.
pub struct AccumulateWeights<'a> {
    pub tiles: Tiles,
    pub frame: &'a [f32],
    pub gradient: &'a [f32],
    pub columns: usize,
    pub sums: &'a mut [f32],
    pub bias: &'a mut [f32],
}

impl Kernel for AccumulateWeights<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let AccumulateWeights { tiles, frame, gradient, columns, sums, bias } = self;
        let (mut inputs, mut gradients) = (Scratch::new(), Scratch::new());
        for (first, band) in tiles.bands(columns) {
            let frame = &frame[first * tiles.frame_width() * tiles.channels..];
            let (from_point, of_point) = (band.plane(band.channels), band.plane(columns));
            let inputs = inputs.numbers(POINTS * from_point);
            transform_inputs::<V>(band, frame, inputs);
            let gradient = &gradient[first * STEP * tiles.columns() * columns..];
            let gradients = gradients.numbers(POINTS * of_point);
            transform_gradients::<V>(band, gradient, columns, gradients, bias);
            let points = inputs.chunks_exact(from_point).zip(gradients.chunks_exact(of_point));
            let sums = sums.chunks_exact_mut(band.channels * columns);
            for ((frame, gradient), sums) in points.zip(sums) {
                let (window, gradient) = (band.window(), &gradient[..band.count() * columns]);
                AccumulateOuter { window, frame, gradient, columns, sums }.run::<V, ROWS>();
            }
        }
    }
}

/// `Bᵀ d B` of each tile, (36, tiles, channels).
#[inline(always)]
fn transform_inputs<V: Vector>(tiles: Tiles, frame: &[f32], points: &mut [f32]) {
    let (channels, row) = (tiles.channels, tiles.frame_width() * tiles.channels);
    let (of_point, of_image) = (tiles.plane(channels), tiles.frame_rows() * row);
    for (tile, (image, y, x)) in tiles.starts().enumerate() {
        for channel in (0..channels).step_by(V::LANES) {
            let len = channels - channel;
            let at = image * of_image + y * row + x * channels + channel;
            let pixels = TileLayout { at, row, column: channels, len };
            let d = pixels.load::<V, SIDE>(frame);
            let to = TileLayout::of_points(of_point, tile * channels + channel, len);
            to.store(transform::<Inputs, V, 6, 6>(d), points);
        }
    }
}

/// `A dy Aᵀ` of each tile, (36, tiles, columns), and the sums of dy.
#[inline(always)]
fn transform_gradients<V: Vector>(
    tiles: Tiles,
    gradient: &[f32],
    columns: usize,
    points: &mut [f32],
    bias: &mut [f32],
) {
    let (row, of_point) = (STEP * tiles.columns() * columns, tiles.plane(columns));
    let of_image = STEP * tiles.rows() * row;
    for (tile, (image, y, x)) in tiles.starts().enumerate() {
        for column in (0..columns).step_by(V::LANES) {
            let len = columns - column;
            let at = image * of_image + y * row + x * columns + column;
            let pixels = TileLayout { at, row, column: columns, len };
            let dy = pixels.load::<V, STEP>(gradient);
            let bias = &mut bias[column..];
            let mut sum = V::read(bias);
            for dy in dy.as_flattened() {
                sum = sum.add(*dy);
            }
            sum.write(bias);
            let to = TileLayout::of_points(of_point, tile * columns + column, len);
            to.store(transform::<Gradients, V, 4, 6>(dy), points);
        }
    }
}

/// `Aᵀ m A` of each tile, with bias and clamp, to the pixels that there are.
#[inline(always)]
fn transform_outputs<V: Vector>(
    tiles: Tiles,
    points: &[f32],
    bias: Option<&[f32]>,
    clamp: Clamp,
    out: &mut [MaybeUninit<f32>],
) {
    let outputs = out.len() / (tiles.images * tiles.out_rows * tiles.out_width);
    let of_point = tiles.plane(outputs);
    for (tile, (image, y, x)) in tiles.starts().enumerate() {
        let (height, width) = (STEP.min(tiles.out_rows - y), STEP.min(tiles.out_width - x));
        for channel in (0..outputs).step_by(V::LANES) {
            let len = outputs - channel;
            let m = TileLayout::of_points(of_point, tile * outputs + channel, len).load::<V, SIDE>(points);
            let pixels = transform::<Outputs, V, 6, 4>(m);
            let bias = bias.map_or(V::splat(0.0), |bias| V::read(&bias[channel..]));
            for (step_y, pixels) in pixels.iter().enumerate().take(height) {
                let row = image * tiles.out_rows + y + step_y;
                let start = (row * tiles.out_width + x) * outputs + channel;
                let out = &mut out[start..][..(width - 1) * outputs + len.min(V::LANES)];
                for (pixel, out) in pixels.iter().zip(out.chunks_mut(outputs)) {
                    let sum = clamp.vector(pixel.add(bias));
                    let kept = out.len().min(V::LANES).min(len);
                    sum.fill(&mut out[..kept]);
                }
            }
        }
    }
}

/// Pairs of inputs and outputs from `first` on.
struct Spread<'a> {
    weight: &'a [f32],
    first: usize,
    points: Columns<'a>,
}

impl Kernel for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(mut self) {
        let pairs = self.weight.len() / 9;
        for pair in (0..self.points.width).step_by(V::LANES) {
            let len = self.points.width - pair;
            let taps = TileLayout { at: self.first + pair, row: 3 * pairs, column: pairs, len };
            let points = transform::<ToPoints, V, 3, 6>(taps.load::<V, 3>(self.weight));
            for (row, point) in points.as_flattened().iter().enumerate() {
                point.fill(&mut self.points.row(row)[pair..]);
            }
        }
    }
}

/// Pairs of inputs and outputs from `first` on.
struct Gather<'a> {
    points: &'a [f32],
    first: usize,
    weight: Columns<'a>,
}

impl Kernel for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(mut self) {
        let pairs = self.points.len() / POINTS;
        for pair in (0..self.weight.width).step_by(V::LANES) {
            let len = self.weight.width - pair;
            let p = TileLayout::of_points(pairs, self.first + pair, len).load::<V, SIDE>(self.points);
            let taps = transform::<FromPoints, V, 6, 3>(p);
            for (row, tap) in taps.as_flattened().iter().enumerate() {
                tap.fill(&mut self.weight.row(row)[pair..]);
            }
        }
    }
}

/// Where the vectors of a square tile lie: the first number of the first, the steps from row to row and from column to
/// column, and how many numbers there are from the first on, which may be fewer than a vector holds.
#[derive(Clone, Copy)]
struct TileLayout {
    at: usize,
    row: usize,
    column: usize,
    len: usize,
}

impl TileLayout {
    /// A transformed tile: each of its points in a plane of its own.
    #[inline(always)]
    fn of_points(plane: usize, at: usize, len: usize) -> Self {
        TileLayout { at, row: SIDE * plane, column: plane, len }
    }

    /// The tile as vectors, zeros past `len`.
    #[inline(always)]
    fn load<V: Vector, const SIZE: usize>(self, from: &[f32]) -> [[V; SIZE]; SIZE] {
        let mut tile = [[V::splat(0.0); SIZE]; SIZE];
        let is_whole = self.is_whole::<V>(SIZE, from.len());
        for (y, row) in tile.iter_mut().enumerate() {
            for (x, vector) in row.iter_mut().enumerate() {
                let at = self.at + y * self.row + x * self.column;
                *vector = if is_whole {
                    // SAFETY: the last vector of a whole tile ends inside `from`.
                    unsafe { V::load(from.as_ptr().add(at)) }
                } else {
                    V::read(&from[at..][..self.len.min(V::LANES)])
                };
            }
        }
        tile
    }

    #[inline(always)]
    fn store<V: Vector, const SIZE: usize>(self, tile: [[V; SIZE]; SIZE], to: &mut [f32]) {
        let is_whole = self.is_whole::<V>(SIZE, to.len());
        for (y, row) in tile.iter().enumerate() {
            for (x, vector) in row.iter().enumerate() {
                let at = self.at + y * self.row + x * self.column;
                if is_whole {
                    // SAFETY: the last vector of the tile ends inside `to`.
                    unsafe { vector.store(to.as_mut_ptr().add(at)) };
                } else {
                    vector.write(&mut to[at..][..self.len.min(V::LANES)]);
                }
            }
        }
    }

    /// Whether every vector of the tile is full. One check for all of them: each on its own would cost more than the
    /// arithmetic.
    #[inline(always)]
    fn is_whole<V: Vector>(self, size: usize, total: usize) -> bool {
        let end = self.at + (size - 1) * (self.row + self.column) + V::LANES;
        self.len >= V::LANES && end <= total
    }
}

/// A matrix T by what it makes of a vector. A trait, since a function handed over would be compiled without the
/// instructions of the level.
trait Transform<const FROM: usize, const TO: usize> {
    fn apply<V: Vector>(vector: [V; FROM]) -> [V; TO];
}

/// `T tile Tᵀ`.
#[inline(always)]
fn transform<T: Transform<FROM, TO>, V: Vector, const FROM: usize, const TO: usize>(
    tile: [[V; FROM]; FROM],
) -> [[V; TO]; TO] {
    let mut half = [[V::splat(0.0); FROM]; TO];
    for row in 0..FROM {
        let numbers = T::apply(tile[row]);
        for column in 0..TO {
            half[column][row] = numbers[column];
        }
    }
    let mut whole = [[V::splat(0.0); TO]; TO];
    for column in 0..TO {
        let numbers = T::apply(half[column]);
        for row in 0..TO {
            whole[row][column] = numbers[row];
        }
    }
    whole
}

/// Bᵀ
struct Inputs;

impl Transform<6, 6> for Inputs {
    #[inline(always)]
    fn apply<V: Vector>([a, b, c, d, e, f]: [V; 6]) -> [V; 6] {
        let (two, four, five) = (V::splat(2.0), V::splat(4.0), V::splat(-5.0));
        let (even, odd) = (e.sub(c.mul(four)), d.sub(b.mul(four)));
        let (outer, inner) = (e.sub(c), d.sub(b).mul(two));
        [
            a.mul_add(four, c.mul_add(five, e)),
            even.add(odd),
            even.sub(odd),
            outer.add(inner),
            outer.sub(inner),
            b.mul_add(four, d.mul_add(five, f)),
        ]
    }
}

/// Aᵀ
struct Outputs;

impl Transform<6, 4> for Outputs {
    #[inline(always)]
    fn apply<V: Vector>([a, b, c, d, e, f]: [V; 6]) -> [V; 4] {
        let (sum, difference) = (b.add(c), b.sub(c));
        let (outer_sum, outer_difference) = (d.add(e), d.sub(e));
        [
            a.add(sum).add(outer_sum),
            outer_difference.mul_add(V::splat(2.0), difference),
            outer_sum.mul_add(V::splat(4.0), sum),
            outer_difference.mul_add(V::splat(8.0), difference).add(f),
        ]
    }
}

/// A
struct Gradients;

impl Transform<4, 6> for Gradients {
    #[inline(always)]
    fn apply<V: Vector>([a, b, c, d]: [V; 4]) -> [V; 6] {
        let (even, odd) = (a.add(c), b.add(d));
        let outer_even = c.mul_add(V::splat(4.0), a);
        let outer_odd = d.mul_add(V::splat(4.0), b).mul(V::splat(2.0));
        [a, even.add(odd), even.sub(odd), outer_even.add(outer_odd), outer_even.sub(outer_odd), d]
    }
}

/// G
struct ToPoints;

impl Transform<3, 6> for ToPoints {
    #[inline(always)]
    fn apply<V: Vector>([a, b, c]: [V; 3]) -> [V; 6] {
        let (sixth, twelfth, twenty_fourth) =
            (V::splat(1.0 / 6.0), V::splat(1.0 / 12.0), V::splat(1.0 / 24.0));
        let (inner, odd) = (a.add(c).mul(V::splat(-1.0 / 6.0)), b.mul(sixth));
        let (outer, outer_odd) = (a.mul_add(twenty_fourth, c.mul(sixth)), b.mul(twelfth));
        [a.mul(V::splat(0.25)), inner.sub(odd), inner.add(odd), outer.add(outer_odd), outer.sub(outer_odd), c]
    }
}

/// Gᵀ
struct FromPoints;

impl Transform<6, 3> for FromPoints {
    #[inline(always)]
    fn apply<V: Vector>([a, b, c, d, e, f]: [V; 6]) -> [V; 3] {
        let (sixth, twelfth, twenty_fourth) =
            (V::splat(1.0 / 6.0), V::splat(1.0 / 12.0), V::splat(1.0 / 24.0));
        let (inner, outer) = (b.add(c).mul(sixth), d.add(e));
        [
            a.mul_add(V::splat(0.25), outer.mul_add(twenty_fourth, V::splat(0.0).sub(inner))),
            c.sub(b).mul_add(sixth, d.sub(e).mul(twelfth)),
            outer.mul_add(sixth, f.sub(inner)),
        ]
    }
}
