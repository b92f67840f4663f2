//! Convolution by windows of 3 × 3 with 2.25 times fewer products: Winograd's F(2×2, 3×3).
//!
//! A tile of 2 × 2 outputs sees 4 × 4 inputs d. With weights g it is y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A, so that all tiles
//! share 16 small matrix products over the channels, one for each point of a transformed tile. The gradient of g is
//! the transpose of that, Gᵀ[(A dy Aᵀ) ⊙ (Bᵀ d B)]G, summed over the tiles
//! (Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016, section 4.1).

use super::Scratch;
use super::simd::{Kernel, Level, Vector};
use super::tile::{AccumulateOuter, Correlate, Panels, Window};
use std::mem::MaybeUninit;

/// Numbers in a transformed tile.
pub const POINTS: usize = 16;
/// Rows and columns of outputs in a tile.
const STEP: usize = 2;
/// With fewer channels on either side the transforms cost more than they save.
const MIN_CHANNELS: usize = 8;
/// Numbers in the transformed tiles worked on at once: they stay in the L2 cache.
const L2_NUMBERS: usize = 256 * 1024;

/// Whether the products saved outweigh the transforms.
pub fn fits(window: &Window, outputs: usize) -> bool {
    (window.rows, window.columns, window.stride) == (3, 3, 1) && window.channels.min(outputs) >= MIN_CHANNELS
}

/// Tiles over the rows of a frame, for the rows of output that it gives.
#[derive(Clone, Copy)]
pub struct Tiles {
    pub channels: usize,
    pub out_rows: usize,
    pub out_width: usize,
}

impl Tiles {
    /// Rows of the frame that the tiles see.
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

    /// The tiles cut into bands that fit the cache, each with its first row of output. `outputs` is the number of
    /// output channels.
    fn bands(self, outputs: usize) -> impl Iterator<Item = (usize, Tiles)> {
        let row = POINTS * self.columns() * (self.channels + outputs);
        let rows = STEP * (L2_NUMBERS / row).max(1);
        (0..self.out_rows)
            .step_by(rows)
            .map(move |first| (first, Tiles { out_rows: rows.min(self.out_rows - first), ..self }))
    }

    fn count(&self) -> usize {
        self.rows() * self.columns()
    }

    /// Rows and columns of output where each tile starts.
    fn starts(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.rows()).flat_map(move |y| (0..self.columns()).map(move |x| (STEP * y, STEP * x)))
    }

    /// The window of a product over one point of all tiles.
    fn window(&self) -> Window {
        let (frame_width, out_width) = (self.count(), self.count());
        Window { rows: 1, columns: 1, channels: self.channels, frame_width, stride: 1, out_width }
    }
}

/// `G g Gᵀ` for weights (3, 3, inputs, outputs): a matrix (inputs, outputs) for each point.
pub fn spread_weights(level: Level, weight: &[f32], inputs: usize, outputs: usize) -> Vec<Panels> {
    let mut points = vec![0.0; POINTS * inputs * outputs];
    level.run(Spread { weight, points: &mut points });
    let matrices = points.chunks_exact(inputs * outputs);
    matrices.map(|matrix| Panels::pack(matrix, inputs, outputs, level.lanes())).collect()
}

/// `Gᵀ p G` for sums (16, inputs, outputs): the gradient of weights (3, 3, inputs, outputs).
pub fn gather_weights(level: Level, points: &[f32]) -> Vec<f32> {
    let mut weight = vec![0.0; points.len() / POINTS * 9];
    level.run(Gather { points, weight: &mut weight });
    weight
}

/// `out = relu?(correlation of the frame with the weights + bias)`: out is (out_rows, out_width, outputs), frame
/// (frame_rows, frame_width, channels). Every number of out is written.
pub struct Convolve<'a> {
    pub tiles: Tiles,
    pub frame: &'a [f32],
    pub weights: &'a [Panels],
    pub bias: Option<&'a [f32]>,
    pub relu: bool,
    pub out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Convolve<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let Convolve { tiles, frame, weights, bias, relu, out } = self;
        let outputs = weights[0].columns();
        let (mut inputs, mut products) = (Scratch::new(), Scratch::new());
        for (first, band) in tiles.bands(outputs) {
            let frame = &frame[first * tiles.frame_width() * tiles.channels..];
            transform_inputs::<V>(band, frame, &mut inputs);
            let of_point = band.count() * outputs;
            products.clear();
            products.reserve(POINTS * of_point);
            let inputs = inputs.chunks_exact(band.count() * band.channels);
            let points = products.spare_capacity_mut()[..POINTS * of_point].chunks_exact_mut(of_point);
            for ((frame, weights), out) in inputs.zip(weights).zip(points) {
                let window = band.window();
                Correlate { window, frame, weights, bias: None, relu: false, out }.run::<V, ROWS>();
            }
            // SAFETY: `Correlate` wrote every point.
            unsafe { products.set_len(POINTS * of_point) };
            let out =
                &mut out[first * band.out_width * outputs..][..band.out_rows * band.out_width * outputs];
            transform_outputs::<V>(band, &products, bias, relu, out);
        }
    }
}

/// Adds to `sums` (16, channels, columns) what the rows of a frame and the gradient of their outputs contribute, and
/// to `bias` (columns) the sum of that gradient. The gradient is (2 × tile rows, 2 × tile columns, columns), zeros
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
            transform_inputs::<V>(band, frame, &mut inputs);
            let gradient = &gradient[first * STEP * tiles.columns() * columns..];
            transform_gradients::<V>(band, gradient, columns, &mut gradients, bias);
            let inputs = inputs.chunks_exact(band.count() * band.channels);
            let gradients = gradients.chunks_exact(band.count() * columns);
            let sums = sums.chunks_exact_mut(band.channels * columns);
            for ((frame, gradient), sums) in inputs.zip(gradients).zip(sums) {
                let window = band.window();
                AccumulateOuter { window, frame, gradient, columns, sums }.run::<V, ROWS>();
            }
        }
    }
}

/// `Bᵀ d B` of each tile, (16, tiles, channels).
#[inline(always)]
fn transform_inputs<V: Vector>(tiles: Tiles, frame: &[f32], points: &mut Vec<f32>) {
    let (channels, row) = (tiles.channels, tiles.frame_width() * tiles.channels);
    let of_point = tiles.count() * channels;
    points.resize(POINTS * of_point, 0.0);
    for (tile, (y, x)) in tiles.starts().enumerate() {
        for channel in (0..channels).step_by(V::LANES) {
            let mut d = [[V::splat(0.0); 4]; 4];
            for (dy, d) in d.iter_mut().enumerate() {
                for (dx, d) in d.iter_mut().enumerate() {
                    let pixel = (y + dy) * row + (x + dx) * channels;
                    *d = V::read(&frame[pixel + channel..pixel + channels]);
                }
            }
            store::<V, 4>(
                transform(d, input),
                points,
                of_point,
                (tile * channels + channel, channels - channel),
            );
        }
    }
}

/// `A dy Aᵀ` of each tile, (16, tiles, columns), and the sums of dy.
#[inline(always)]
fn transform_gradients<V: Vector>(
    tiles: Tiles,
    gradient: &[f32],
    columns: usize,
    points: &mut Vec<f32>,
    bias: &mut [f32],
) {
    let (row, of_point) = (STEP * tiles.columns() * columns, tiles.count() * columns);
    points.resize(POINTS * of_point, 0.0);
    for (tile, (y, x)) in tiles.starts().enumerate() {
        for column in (0..columns).step_by(V::LANES) {
            let mut dy = [[V::splat(0.0); 2]; 2];
            for (step_y, dy) in dy.iter_mut().enumerate() {
                for (step_x, dy) in dy.iter_mut().enumerate() {
                    *dy = V::read(&gradient[(y + step_y) * row + (x + step_x) * columns + column..]);
                }
            }
            let bias = &mut bias[column..];
            V::read(bias).add(dy[0][0].add(dy[0][1]).add(dy[1][0].add(dy[1][1]))).write(bias);
            store::<V, 4>(
                transform(dy, expand),
                points,
                of_point,
                (tile * columns + column, columns - column),
            );
        }
    }
}

/// `Aᵀ m A` of each tile, with bias and ReLU, to the pixels that there are.
#[inline(always)]
fn transform_outputs<V: Vector>(
    tiles: Tiles,
    points: &[f32],
    bias: Option<&[f32]>,
    relu: bool,
    out: &mut [MaybeUninit<f32>],
) {
    let outputs = out.len() / (tiles.out_rows * tiles.out_width);
    let of_point = tiles.count() * outputs;
    for (tile, (y, x)) in tiles.starts().enumerate() {
        for channel in (0..outputs).step_by(V::LANES) {
            let mut m = [[V::splat(0.0); 4]; 4];
            for (index, m) in m.as_flattened_mut().iter_mut().enumerate() {
                let at = index * of_point + tile * outputs;
                *m = V::read(&points[at + channel..at + outputs]);
            }
            let pixels = transform(m, output);
            let bias = bias.map_or(V::splat(0.0), |bias| V::read(&bias[channel..]));
            for (step_y, pixels) in pixels.iter().enumerate().take(tiles.out_rows - y) {
                for (step_x, pixel) in pixels.iter().enumerate().take(tiles.out_width - x) {
                    let at = ((y + step_y) * tiles.out_width + x + step_x) * outputs;
                    let sum = pixel.add(bias);
                    let sum = if relu { V::splat(0.0).max(sum) } else { sum };
                    sum.fill(&mut out[at + channel..at + outputs]);
                }
            }
        }
    }
}

struct Spread<'a> {
    weight: &'a [f32],
    points: &'a mut [f32],
}

impl Kernel for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let pairs = self.weight.len() / 9;
        for pair in (0..pairs).step_by(V::LANES) {
            let g = load::<V, 3>(self.weight, pairs, (pair, pairs - pair));
            store::<V, 4>(transform(g, spread), self.points, pairs, (pair, pairs - pair));
        }
    }
}

struct Gather<'a> {
    points: &'a [f32],
    weight: &'a mut [f32],
}

impl Kernel for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let pairs = self.weight.len() / 9;
        for pair in (0..pairs).step_by(V::LANES) {
            let p = load::<V, 4>(self.points, pairs, (pair, pairs - pair));
            store::<V, 3>(transform(p, gather), self.weight, pairs, (pair, pairs - pair));
        }
    }
}

/// One vector from `at` on in each of the SIDE × SIDE planes of `plane` numbers, `len` numbers at most.
#[inline(always)]
fn load<V: Vector, const SIDE: usize>(
    planes: &[f32],
    plane: usize,
    (at, len): (usize, usize),
) -> [[V; SIDE]; SIDE] {
    let mut tile = [[V::splat(0.0); SIDE]; SIDE];
    for (index, number) in tile.as_flattened_mut().iter_mut().enumerate() {
        *number = V::read(&planes[index * plane + at..][..len]);
    }
    tile
}

#[inline(always)]
fn store<V: Vector, const SIDE: usize>(
    tile: [[V; SIDE]; SIDE],
    planes: &mut [f32],
    plane: usize,
    (at, len): (usize, usize),
) {
    for (index, number) in tile.as_flattened().iter().enumerate() {
        number.write(&mut planes[index * plane + at..][..len]);
    }
}

/// `T tile Tᵀ`, where `vector` is T times a vector.
#[inline(always)]
fn transform<V: Vector, const FROM: usize, const TO: usize>(
    tile: [[V; FROM]; FROM],
    vector: impl Fn([V; FROM]) -> [V; TO],
) -> [[V; TO]; TO] {
    let mut half = [[V::splat(0.0); FROM]; TO];
    for row in 0..FROM {
        let numbers = vector(tile[row]);
        for column in 0..TO {
            half[column][row] = numbers[column];
        }
    }
    let mut whole = [[V::splat(0.0); TO]; TO];
    for column in 0..TO {
        let numbers = vector(half[column]);
        for row in 0..TO {
            whole[row][column] = numbers[row];
        }
    }
    whole
}

/// Bᵀ
#[inline(always)]
fn input<V: Vector>([a, b, c, d]: [V; 4]) -> [V; 4] {
    [a.sub(c), b.add(c), c.sub(b), b.sub(d)]
}

/// Aᵀ
#[inline(always)]
fn output<V: Vector>([a, b, c, d]: [V; 4]) -> [V; 2] {
    [a.add(b).add(c), b.sub(c).sub(d)]
}

/// A
#[inline(always)]
fn expand<V: Vector>([a, b]: [V; 2]) -> [V; 4] {
    [a, a.add(b), a.sub(b), V::splat(0.0).sub(b)]
}

/// G
#[inline(always)]
fn spread<V: Vector>([a, b, c]: [V; 3]) -> [V; 4] {
    let half = V::splat(0.5);
    let (outer, b) = (a.add(c).mul(half), b.mul(half));
    [a, outer.add(b), outer.sub(b), c]
}

/// Gᵀ
#[inline(always)]
fn gather<V: Vector>([a, b, c, d]: [V; 4]) -> [V; 3] {
    let half = V::splat(0.5);
    let sum = b.add(c).mul(half);
    [a.add(sum), b.sub(c).mul(half), sum.add(d)]
}
