//! Max pooling over square windows that do not overlap.

use super::build_pieces;
use super::frame::copy_where_positive;
use super::simd::{Kernel, Level, Vector};

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

/// The largest number of each window; NaN where it holds one.
///
/// # Panics
/// When x does not have the shape.
pub fn forward(pool: &MaxPool, x: &[f32]) -> Vec<f32> {
    assert_eq!(x.len(), pool.batch * pool.in_len());
    let level = Level::current();
    build_pieces(pool.batch, pool.out_len(), |image, y| {
        level.run(Forward { pool, x: &x[image * pool.in_len()..][..pool.in_len()], y });
    })
}

/// The gradient of x: the whole gradient of a window goes to the first of its maxima, row by row, as in PyTorch. With
/// `relu` it also goes back through the ReLU that made x: a maximum of zero lets nothing through.
///
/// # Panics
/// When a slice does not have the shape.
pub fn backward(pool: &MaxPool, x: &[f32], y: &[f32], gradient: &[f32], relu: bool) -> Vec<f32> {
    assert_eq!(x.len(), pool.batch * pool.in_len());
    assert_eq!((y.len(), gradient.len()), (pool.batch * pool.out_len(), y.len()));
    let level = Level::current();
    let (in_len, out_len) = (pool.in_len(), pool.out_len());
    build_pieces(pool.batch, in_len, |image, dx| {
        let x = &x[image * in_len..][..in_len];
        let (y, gradient) = (&y[image * out_len..][..out_len], &gradient[image * out_len..][..out_len]);
        level.run(Backward { pool, x, y, gradient, relu, dx });
    })
}

impl MaxPool {
    fn in_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    fn out_len(&self) -> usize {
        (self.height / self.size) * (self.width / self.size) * self.channels
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
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let channels = self.pool.channels;
        for (index, best) in self.y.chunks_exact_mut(channels).enumerate() {
            best.fill(f32::NEG_INFINITY);
            for at in self.pool.window(index) {
                for (best, x) in best.iter_mut().zip(&self.x[at..][..channels]) {
                    *best = if *x > *best || x.is_nan() { *x } else { *best };
                }
            }
        }
    }
}

struct Backward<'a> {
    pool: &'a MaxPool,
    x: &'a [f32],
    y: &'a [f32],
    gradient: &'a [f32],
    relu: bool,
    dx: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let channels = self.pool.channels;
        let mut left = vec![0.0; channels];
        for (index, y) in self.y.chunks_exact(channels).enumerate() {
            let gradient = &self.gradient[index * channels..][..channels];
            match self.relu {
                true => copy_where_positive(gradient, y, &mut left),
                false => left.copy_from_slice(gradient),
            }
            for at in self.pool.window(index) {
                let (x, dx) = (&self.x[at..][..channels], &mut self.dx[at..][..channels]);
                for (((left, y), x), dx) in left.iter_mut().zip(y).zip(x).zip(dx) {
                    let is_maximum = x == y;
                    *dx = if is_maximum { *left } else { 0.0 };
                    *left = if is_maximum { 0.0 } else { *left };
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
                assert_eq!(forward(&pool, &x), y, "{pool:?}");
                assert_eq!(backward(&pool, &x, &y, &gradient, false), dx, "{pool:?}");
                let through_relu: Vec<f32> =
                    dx.iter().zip(&x).map(|(dx, x)| if *x > 0.0 { *dx } else { 0.0 }).collect();
                assert_eq!(backward(&pool, &x, &y, &gradient, true), through_relu, "{pool:?}");
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
                let y = forward(&pool, &x);
                expected.assert_value(&y, &format!("{pool:?}"));
                let dx = backward(&pool, &x, &y, &expected.output_gradient, false);
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
            assert!(forward(&pool, &x)[0].is_nan());
        }
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let pool = MaxPool { batch: 9, height: 12, width: 12, channels: 19, size: 2 };
        let mut random = Random::new(2);
        let (x, gradient) = (random.numbers(9 * pool.in_len()), random.numbers(9 * pool.out_len()));
        same_bits_on_any_threads(|| {
            let y = forward(&pool, &x);
            let dx = backward(&pool, &x, &y, &gradient, false);
            vec![y, dx]
        });
    }
}
