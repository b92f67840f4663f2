//! Max pooling over square windows that do not overlap.

use super::build_pieces;
use super::simd::{Kernel, Level, Vector};
use rayon::prelude::*;

/// The shape of a pooling: x (batch, height, width, channels), y (batch, height / size, width / size, channels).
/// Rows and columns that fill no window are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool {
    pub batch: usize,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub size: usize,
}

/// The largest number of each window, NaN where it holds one, and which of the window's numbers it is, counted row by
/// row: the first of several.
///
/// # Panics
/// When x does not have the shape, or a window more than 65,536 pixels.
pub fn forward(pool: &MaxPool, x: &[f32]) -> (Vec<f32>, Vec<u16>) {
    assert_eq!(x.len(), pool.batch * pool.in_len());
    let level = Level::current();
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
    let level = Level::current();
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
pub(super) fn forward_image(level: Level, pool: &MaxPool, x: &[f32], y: &mut [f32], winners: &mut [u16]) {
    assert!(
        pool.size <= 256 && (x.len(), y.len(), winners.len()) == (pool.in_len(), pool.out_len(), y.len())
    );
    level.run(Forward { pool, x, y, winners });
}

/// The gradient of a pooling's output.
#[derive(Clone, Copy)]
pub struct Pooled<'a> {
    pub pool: MaxPool,
    pub winners: &'a [u16],
    pub gradient: &'a [f32],
}

impl Pooled<'_> {
    pub(super) fn check(&self) {
        let total = self.pool.batch * self.pool.out_len();
        assert_eq!((self.winners.len(), self.gradient.len()), (total, total));
    }

    /// The gradient of one image of x.
    pub(super) fn spread(&self, level: Level, image: usize, dx: &mut [f32]) {
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

    pub(super) fn out_len(&self) -> usize {
        (self.height / self.size) * (self.width / self.size) * self.channels
    }

    /// Whether every pixel lies in a window.
    pub(super) fn covers_all(&self) -> bool {
        self.height.is_multiple_of(self.size) && self.width.is_multiple_of(self.size)
    }

    /// Where in x each pixel of the window of output pixel `index` starts, row by row.
    #[inline(always)]
    fn window(&self, index: usize) -> impl Iterator<Item = usize> {
        let (out_width, size) = (self.width / self.size, self.size);
        let (top, left) = (index / out_width * size, index % out_width * size);
        let MaxPool { width, channels, .. } = *self;
        (0..size).flat_map(move |y| (0..size).map(move |x| ((top + y) * width + left + x) * channels))
    }
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
        let channels = self.pool.channels;
        let outputs = self.y.chunks_exact_mut(channels).zip(self.winners.chunks_exact_mut(channels));
        for (index, (best, winners)) in outputs.enumerate() {
            best.fill(f32::NEG_INFINITY);
            for (place, at) in (0..).zip(self.pool.window(index)) {
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
        let channels = self.pool.channels;
        let outputs = self.winners.chunks_exact(channels).zip(self.gradient.chunks_exact(channels));
        for (index, (winners, gradient)) in outputs.enumerate() {
            for (place, at) in (0..).zip(self.pool.window(index)) {
                for ((dx, winner), gradient) in
                    self.dx[at..][..channels].iter_mut().zip(winners).zip(gradient)
                {
                    *dx = if *winner == place { *gradient } else { 0.0 };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, Reference, at_every_level, same_bits_on_any_threads};

    fn reference(pool: &MaxPool, x: &[f32], gradient: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let MaxPool { batch, height, width, channels, size } = *pool;
        let (mut y, mut dx) = (Vec::new(), vec![0.0; x.len()]);
        for image in 0..batch {
            for row in 0..height / size {
                for column in 0..width / size {
                    for channel in 0..channels {
                        let at = |k: usize| {
                            let (r, c) = (row * size + k / size, column * size + k % size);
                            ((image * height + r) * width + c) * channels + channel
                        };
                        let mut best = at(0);
                        for k in 1..size * size {
                            if x[at(k)] > x[best] {
                                best = at(k);
                            }
                        }
                        dx[best] = gradient[y.len()];
                        y.push(x[best]);
                    }
                }
            }
        }
        (y, dx)
    }

    #[test]
    fn forward_and_backward_match_the_reference_with_ties() {
        let mut random = Random::new(1);
        for (size, height, width, channels) in
            [(2, 6, 8, 16), (2, 7, 5, 3), (3, 9, 10, 67), (1, 4, 4, 5), (4, 5, 4, 1)]
        {
            let pool = MaxPool { batch: 3, height, width, channels, size };
            // few distinct numbers, so that most windows hold ties
            let x: Vec<f32> = random.numbers(3 * pool.in_len()).iter().map(|x| (x * 2.0).round()).collect();
            let gradient = random.numbers(3 * pool.out_len());
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
        for _ in 0..30 {
            let size = 1 + random.below(4);
            let pool = MaxPool {
                batch: 1 + random.below(9),
                height: size + random.below(9),
                width: size + random.below(9),
                channels: 1 + random.below(67),
                size,
            };
            let x = random.numbers(pool.batch * pool.in_len());
            let expected = Reference::new(&mut random, &[&x], |inputs| {
                let mut y = Vec::new();
                for (image, index) in
                    (0..pool.batch).flat_map(|image| (0..pool.out_len()).map(move |index| (image, index)))
                {
                    let (pixel, channel) = (index / pool.channels, index % pool.channels);
                    let places = pool.window(pixel).map(|at| inputs[0][image * pool.in_len() + at + channel]);
                    y.push(places.fold(f64::NEG_INFINITY, f64::max));
                }
                y
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
    fn a_nan_is_the_largest() {
        let pool = MaxPool { batch: 1, height: 2, width: 2, channels: 1, size: 2 };
        for at in 0..4 {
            let mut x = [1.0, 2.0, 3.0, 4.0];
            x[at] = f32::NAN;
            let (y, winners) = forward(&pool, &x);
            assert!(y[0].is_nan() && usize::from(winners[0]) == at);
        }
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let pool = MaxPool { batch: 9, height: 12, width: 12, channels: 19, size: 2 };
        let mut random = Random::new(2);
        let (x, gradient) = (random.numbers(9 * pool.in_len()), random.numbers(9 * pool.out_len()));
        same_bits_on_any_threads(|| {
            let (y, winners) = forward(&pool, &x);
            let dx = backward(&pool, &winners, &gradient);
            vec![y, dx]
        });
    }
}
