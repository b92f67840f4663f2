//! Max pooling over square windows. Where they lie side by side, which is the common case, each pixel is touched once.

use super::build_pieces;
use super::simd::{Kernel, SimdLevel, Vector};
use rayon::prelude::*;

/// The shape of a pooling: x (batch, height, width, channels), y (batch, out_height, out_width, channels). Windows of
/// `size` × `size` pixels lie `stride` apart and may hang over each side by `padding` pixels, which never win. Rows and
/// columns that fill no window are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// Images.
    pub batch: usize,
    /// Of x, in pixels.
    pub height: usize,
    /// Of x, in pixels.
    pub width: usize,
    /// Of x and y.
    pub channels: usize,
    /// The side of a window, in pixels, at most 256.
    pub size: usize,
    /// Pixels between windows, in both directions.
    pub stride: usize,
    /// Pixels beyond each side; fewer than `size`.
    pub padding: usize,
}

/// The largest number of each window, NaN where it holds one, and which of the window's numbers it is, counted row by
/// row: the first of several.
///
/// # Panics
/// When x does not have the shape, a window has more than 65,536 pixels, or none of an image.
pub fn forward(pool: &MaxPool, x: &[f32]) -> (Vec<f32>, Vec<u16>) {
    assert_eq!(x.len(), pool.batch * pool.in_len());
    let level = SimdLevel::current();
    collect(pool, |image, y, winners| {
        forward_image(level, pool, &x[image * pool.in_len()..][..pool.in_len()], y, winners)
    })
}

/// The gradient of x: the whole gradient of a window goes to its winner, as in PyTorch.
///
/// # Panics
/// When a slice does not have the shape.
pub fn backward(pool: &MaxPool, winners: &[u16], gradient: &[f32]) -> Vec<f32> {
    let pooled = Pooled { pool: *pool, winners, gradient };
    pooled.check();
    let level = SimdLevel::current();
    build_pieces(pool.batch, pool.in_len(), |image, dx| pooled.spread(level, image, dx))
}

/// Outputs and winners of all images, each image's filled by `fill(image, y, winners)`.
pub(super) fn collect(
    pool: &MaxPool,
    fill: impl Fn(usize, &mut [f32], &mut [u16]) + Sync,
) -> (Vec<f32>, Vec<u16>) {
    let total = pool.batch * pool.out_len();
    let (mut y, mut winners) = (vec![0.0; total], vec![0; total]);
    let images = y.par_chunks_mut(pool.out_len().max(1)).zip(winners.par_chunks_mut(pool.out_len().max(1)));
    images.enumerate().for_each(|(image, (y, winners))| fill(image, y, winners));
    (y, winners)
}

/// [`forward`] for one image, written into slices of its size.
pub(super) fn forward_image(level: SimdLevel, pool: &MaxPool, x: &[f32], y: &mut [f32], winners: &mut [u16]) {
    assert!(pool.size <= 256 && pool.padding < pool.size && pool.stride > 0);
    assert_eq!((x.len(), y.len(), winners.len()), (pool.in_len(), pool.out_len(), y.len()));
    level.run(Forward { pool, x, y, winners });
}

/// The gradient of a pooling's output.
#[derive(Clone, Copy)]
pub struct Pooled<'a> {
    /// The pooling's shape.
    pub pool: MaxPool,
    /// As [`forward`] gives them.
    pub winners: &'a [u16],
    /// (batch, out_height, out_width, channels).
    pub gradient: &'a [f32],
}

impl Pooled<'_> {
    pub(super) fn check(&self) {
        let total = self.pool.batch * self.pool.out_len();
        assert_eq!((self.winners.len(), self.gradient.len()), (total, total));
    }

    /// The gradient of one image of x, into zeros unless the pooling covers all.
    pub(super) fn spread(&self, level: SimdLevel, image: usize, dx: &mut [f32]) {
        let len = self.pool.out_len();
        let (winners, gradient) = (&self.winners[image * len..][..len], &self.gradient[image * len..][..len]);
        assert_eq!(dx.len(), self.pool.in_len());
        level.run(Backward { pool: &self.pool, winners, gradient, dx });
    }
}

impl MaxPool {
    pub(super) fn in_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Rows of y.
    pub fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.size) / self.stride + 1
    }

    /// Columns of y.
    pub fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.size) / self.stride + 1
    }

    pub(super) fn out_len(&self) -> usize {
        self.out_height() * self.out_width() * self.channels
    }

    /// Whether every pixel lies in exactly one window.
    pub(super) fn covers_all(&self) -> bool {
        self.is_side_by_side()
            && self.height.is_multiple_of(self.size)
            && self.width.is_multiple_of(self.size)
    }

    fn is_side_by_side(&self) -> bool {
        (self.stride, self.padding) == (self.size, 0)
    }

    /// The window of output pixel `index`, where windows lie side by side.
    #[inline(always)]
    fn tile(&self, index: usize) -> WindowPixels<impl Iterator<Item = (u16, usize)>> {
        let (out_width, size) = (self.width / self.size, self.size);
        let (top, left) = (index / out_width * size, index % out_width * size);
        let MaxPool { width, channels, .. } = *self;
        let starts =
            (0..size).flat_map(move |y| (0..size).map(move |x| ((top + y) * width + left + x) * channels));
        WindowPixels { first: 0, pixels: (0..).zip(starts) }
    }

    /// The window of output pixel `index`, as much of it as lies in the image.
    #[inline(always)]
    fn window(&self, index: usize) -> WindowPixels<impl Iterator<Item = (u16, usize)>> {
        let MaxPool { height, width, channels, size, stride, padding, .. } = *self;
        let out_width = self.out_width();
        let (top, left) = (index / out_width * stride, index % out_width * stride);
        let inside =
            |start: usize, len: usize| padding.saturating_sub(start)..size.min(len + padding - start);
        let (rows, columns) = (inside(top, height), inside(left, width));
        let place = move |y: usize, x: usize| (y * size + x) as u16;
        let first = place(rows.start, columns.start);
        let pixels = rows.flat_map(move |y| {
            let row = (top + y - padding) * width + left;
            columns.clone().map(move |x| (place(y, x), (row + x - padding) * channels))
        });
        WindowPixels { first, pixels }
    }
}

/// The pixels that a window sees.
struct WindowPixels<P> {
    /// The place of the first of them, counted row by row of the whole window.
    first: u16,
    /// The place of each, and where it starts in x.
    pixels: P,
}

struct Forward<'a> {
    pool: &'a MaxPool,
    x: &'a [f32],
    y: &'a mut [f32],
    winners: &'a mut [u16],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let pool = self.pool;
        if pool.is_side_by_side() {
            self.each(|index| pool.tile(index));
        } else {
            self.each(|index| pool.window(index));
        }
    }
}

impl Forward<'_> {
    #[inline(always)]
    fn each<P: Iterator<Item = (u16, usize)>>(self, window: impl Fn(usize) -> WindowPixels<P>) {
        let channels = self.pool.channels;
        let outputs = self.y.chunks_exact_mut(channels).zip(self.winners.chunks_exact_mut(channels));
        for (index, (best, winners)) in outputs.enumerate() {
            let WindowPixels { first, pixels } = window(index);
            best.fill(f32::NEG_INFINITY);
            if first > 0 {
                winners.fill(first);
            }
            for (place, at) in pixels {
                for ((best, winner), x) in best.iter_mut().zip(&mut *winners).zip(&self.x[at..][..channels]) {
                    let wins = *x > *best || x.is_nan();
                    *best = if wins { *x } else { *best };
                    *winner = if wins { place } else { *winner };
                }
            }
        }
    }
}

struct Backward<'a> {
    pool: &'a MaxPool,
    winners: &'a [u16],
    gradient: &'a [f32],
    dx: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let pool = self.pool;
        if pool.is_side_by_side() {
            self.each(|index| pool.tile(index), |dx, gradient| *dx = gradient);
        } else {
            self.each(|index| pool.window(index), |dx, gradient| *dx += gradient);
        }
    }
}

impl Backward<'_> {
    #[inline(always)]
    fn each<P: Iterator<Item = (u16, usize)>>(
        self,
        window: impl Fn(usize) -> WindowPixels<P>,
        put: impl Fn(&mut f32, f32),
    ) {
        let channels = self.pool.channels;
        let outputs = self.winners.chunks_exact(channels).zip(self.gradient.chunks_exact(channels));
        for (index, (winners, gradient)) in outputs.enumerate() {
            for (place, at) in window(index).pixels {
                for ((dx, winner), gradient) in
                    self.dx[at..][..channels].iter_mut().zip(winners).zip(gradient)
                {
                    put(dx, if *winner == place { *gradient } else { 0.0 });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, Reference, at_every_level, same_bits_on_any_threads};

    /// The pixels of x in each window, row by row; windows in the order of y.
    fn windows(pool: &MaxPool) -> Vec<Vec<usize>> {
        let MaxPool { batch, height, width, channels, size, stride, padding } = *pool;
        let (rows, columns) = (pool.out_height(), pool.out_width());
        let of_output = |index: usize| {
            let (channel, pixel) = (index % channels, index / channels);
            let (image, row, column) = (pixel / columns / rows, pixel / columns % rows, pixel % columns);
            let pixel = |place: usize| {
                let y = (row * stride + place / size).checked_sub(padding).filter(|y| *y < height)?;
                let x = (column * stride + place % size).checked_sub(padding).filter(|x| *x < width)?;
                Some(((image * height + y) * width + x) * channels + channel)
            };
            (0..size * size).filter_map(pixel).collect()
        };
        (0..batch * rows * columns * channels).map(of_output).collect()
    }

    fn reference(pool: &MaxPool, x: &[f32], gradient: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (mut y, mut dx) = (Vec::new(), vec![0.0; x.len()]);
        for (window, gradient) in windows(pool).iter().zip(gradient) {
            let mut best = window[0];
            for at in window {
                if x[*at] > x[best] {
                    best = *at;
                }
            }
            dx[best] += gradient;
            y.push(x[best]);
        }
        (y, dx)
    }

    fn random_pool(random: &mut Random) -> MaxPool {
        let size = 1 + random.below(4);
        let (stride, padding) = match random.below(3) {
            0 => (size, 0),
            _ => (1 + random.below(4), random.below(size / 2 + 1)),
        };
        MaxPool {
            batch: 1 + random.below(9),
            height: size + random.below(9),
            width: size + random.below(9),
            channels: 1 + random.below(67),
            size,
            stride,
            padding,
        }
    }

    #[test]
    fn forward_and_backward_match_the_reference_with_ties() {
        let mut random = Random::new(1);
        for _ in 0..60 {
            let pool = random_pool(&mut random);
            // few distinct numbers, so that most windows hold ties
            let x: Vec<f32> =
                random.numbers(pool.batch * pool.in_len()).iter().map(|x| (x * 2.0).round()).collect();
            // whole numbers, whose sums are exact in any order
            let gradient: Vec<f32> =
                random.numbers(pool.batch * pool.out_len()).iter().map(|x| (x * 99.0).round()).collect();
            let (y, dx) = reference(&pool, &x, &gradient);
            at_every_level(|| {
                let (actual, winners) = forward(&pool, &x);
                assert_eq!(actual, y, "{pool:?}");
                assert_eq!(backward(&pool, &winners, &gradient), dx, "{pool:?}");
            });
        }
    }

    #[test]
    fn forward_and_backward_match_double_precision() {
        let mut random = Random::new(3);
        for _ in 0..60 {
            let pool = random_pool(&mut random);
            let (x, windows) = (random.numbers(pool.batch * pool.in_len()), windows(&pool));
            let expected = Reference::new(&mut random, &[&x], |inputs| {
                let largest = |window: &Vec<usize>| {
                    window.iter().map(|at| inputs[0][*at]).fold(f64::NEG_INFINITY, f64::max)
                };
                windows.iter().map(largest).collect()
            });
            at_every_level(|| {
                let (y, winners) = forward(&pool, &x);
                expected.assert_value(&y, &format!("{pool:?}"));
                let dx = backward(&pool, &winners, &expected.output_gradient);
                expected.assert_gradients(&[&dx], &format!("{pool:?}"));
            });
        }
    }

    #[test]
    fn padding_never_wins() {
        let pool = MaxPool { batch: 1, height: 2, width: 2, channels: 1, size: 3, stride: 2, padding: 1 };
        let (y, winners) = forward(&pool, &[f32::NEG_INFINITY; 4]);
        assert_eq!(y, [f32::NEG_INFINITY]);
        assert_eq!(backward(&pool, &winners, &[5.0]), [5.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_nan_is_the_largest() {
        let pool = MaxPool { batch: 1, height: 2, width: 2, channels: 1, size: 2, stride: 2, padding: 0 };
        for at in 0..4 {
            let mut x = [1.0, 2.0, 3.0, 4.0];
            x[at] = f32::NAN;
            let (y, winners) = forward(&pool, &x);
            assert!(y[0].is_nan() && usize::from(winners[0]) == at);
        }
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        for (size, stride, padding) in [(2, 2, 0), (3, 2, 1)] {
            let pool = MaxPool { batch: 9, height: 12, width: 12, channels: 19, size, stride, padding };
            let mut random = Random::new(2);
            let (x, gradient) = (random.numbers(9 * pool.in_len()), random.numbers(9 * pool.out_len()));
            same_bits_on_any_threads(|| {
                let (y, winners) = forward(&pool, &x);
                let dx = backward(&pool, &winners, &gradient);
                vec![y, dx]
            });
        }
    }
}
