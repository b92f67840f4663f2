//! Average pooling and nearest-neighbour upsampling: sums over windows that do not overlap, and copies of one pixel over a
//! window, each the other's gradient.

use super::simd::{Kernel, SimdLevel, Vector};
use super::{build_pieces, write_chunks};
use std::mem::MaybeUninit;

/// Images (batch, height, width, channels) and windows side by side, one for each pixel of (batch, height /
/// window_height, width / window_width, channels). Rows and columns that fill no window belong to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Images.
    pub batch: usize,
    /// Of an image, in pixels.
    pub height: usize,
    /// Of an image, in pixels.
    pub width: usize,
    /// Numbers of one pixel.
    pub channels: usize,
    /// In pixels.
    pub window_height: usize,
    /// In pixels.
    pub window_width: usize,
}

/// `scale` times the sum of each window of x (batch, height, width, channels).
///
/// # Panics
/// When x does not have the shape.
pub fn sum(windows: &Windows, x: &[f32], scale: f32) -> Vec<f32> {
    let row_len = windows.width * windows.channels;
    assert_eq!(x.len(), windows.batch * windows.height * row_len);
    let level = SimdLevel::current();
    let rows = windows.rows();
    build_pieces(windows.batch * rows, windows.columns() * windows.channels, |index, y| {
        let first = index / rows * windows.height + index % rows * windows.window_height;
        let x = &x[first * row_len..][..windows.window_height * row_len];
        level.run(Sum { windows, x, scale, y });
    })
}

/// `scale` times each pixel of y, all over its window; zeros outside: (batch, height, width, channels).
///
/// # Panics
/// When y does not have the shape.
pub fn spread(windows: &Windows, y: &[f32], scale: f32) -> Vec<f32> {
    let (rows, row_len) = (windows.rows(), windows.columns() * windows.channels);
    assert_eq!(y.len(), windows.batch * rows * row_len);
    let level = SimdLevel::current();
    let len = windows.width * windows.channels;
    let write = |index: usize, x: &mut [MaybeUninit<f32>]| {
        let (image, row) = (index / windows.height, index % windows.height / windows.window_height);
        if row < rows {
            level.run(Spread { windows, y: &y[(image * rows + row) * row_len..][..row_len], scale, x });
        } else {
            x.fill(MaybeUninit::new(0.0));
        }
    };
    // SAFETY: `Spread` writes every number of a row.
    unsafe { write_chunks(windows.batch * windows.height * len, len, write) }
}

/// The sum of each channel of x (batch, pixels, channels): (channels).
///
/// # Panics
/// When x does not have the shape.
pub fn channel_sums(batch: usize, pixels: usize, channels: usize, x: &[f32]) -> Vec<f32> {
    let column =
        |batch, height| Windows { batch, height, width: 1, channels, window_height: height, window_width: 1 };
    sum(&column(1, batch), &sum(&column(batch, pixels), x, 1.0), 1.0)
}

impl Windows {
    fn rows(&self) -> usize {
        self.height / self.window_height
    }

    fn columns(&self) -> usize {
        self.width / self.window_width
    }
}

/// One row of windows.
struct Sum<'a> {
    windows: &'a Windows,
    x: &'a [f32],
    scale: f32,
    y: &'a mut [f32],
}

impl Kernel for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let Windows { width, channels, window_width, .. } = *self.windows;
        for row in self.x.chunks_exact(width * channels) {
            for (y, x) in self.y.chunks_exact_mut(channels).zip(row.chunks_exact(window_width * channels)) {
                for x in x.chunks_exact(channels) {
                    y.iter_mut().zip(x).for_each(|(y, x)| *y += x);
                }
            }
        }
        self.y.iter_mut().for_each(|y| *y *= self.scale);
    }
}

/// One row of pixels.
struct Spread<'a> {
    windows: &'a Windows,
    y: &'a [f32],
    scale: f32,
    x: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) {
        let Windows { channels, window_width, .. } = *self.windows;
        let (covered, outside) = self.x.split_at_mut(self.y.len() * window_width);
        outside.fill(MaybeUninit::new(0.0));
        for (y, x) in self.y.chunks_exact(channels).zip(covered.chunks_exact_mut(window_width * channels)) {
            for x in x.chunks_exact_mut(channels) {
                x.iter_mut().zip(y).for_each(|(x, y)| _ = x.write(self.scale * y));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, Reference, at_every_level, same_bits_on_any_threads};

    /// Each pixel of x that is in a window, and the pixel of y whose window it is.
    fn plain(windows: &Windows, mut pair: impl FnMut(usize, usize)) {
        let Windows { batch, height, width, channels, window_height, window_width } = *windows;
        let (rows, columns) = (height / window_height, width / window_width);
        for image in 0..batch {
            for (row, column) in (0..height).flat_map(|row| (0..width).map(move |column| (row, column))) {
                let (y, x) = (row / window_height, column / window_width);
                for channel in 0..channels {
                    if y < rows && x < columns {
                        let at = |height: usize, width: usize, y: usize, x: usize| {
                            ((image * height + y) * width + x) * channels + channel
                        };
                        pair(at(height, width, row, column), at(rows, columns, y, x));
                    }
                }
            }
        }
    }

    #[test]
    fn both_ways_match_the_reference_and_are_each_others_gradient() {
        let mut random = Random::new(1);
        for _ in 0..40 {
            let (window_height, window_width) = (1 + random.below(4), 1 + random.below(4));
            let windows = Windows {
                batch: 1 + random.below(9),
                height: window_height + random.below(9),
                width: window_width + random.below(9),
                channels: 1 + random.below(67),
                window_height,
                window_width,
            };
            let x = random.numbers(windows.batch * windows.height * windows.width * windows.channels);
            let y_len = windows.batch * windows.rows() * windows.columns() * windows.channels;
            let reference = Reference::new(&mut random, &[&x], |x| {
                let mut y = vec![0.0; y_len];
                plain(&windows, |from, to| y[to] += 0.7 * x[0][from]);
                y
            });
            let y = random.numbers(y_len);
            let opposite = Reference::new(&mut random, &[&y], |y| {
                let mut spread = vec![0.0; x.len()];
                plain(&windows, |to, from| spread[to] = 0.7 * y[0][from]);
                spread
            });
            at_every_level(|| {
                let what = format!("{windows:?}");
                reference.assert_value(&sum(&windows, &x, 0.7), &what);
                reference.assert_gradients(&[&spread(&windows, &reference.output_gradient, 0.7)], &what);
                opposite.assert_value(&spread(&windows, &y, 0.7), &what);
                opposite.assert_gradients(&[&sum(&windows, &opposite.output_gradient, 0.7)], &what);
            });
        }
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let windows =
            Windows { batch: 9, height: 13, width: 12, channels: 19, window_height: 3, window_width: 2 };
        let x = Random::new(2).numbers(9 * 13 * 12 * 19);
        same_bits_on_any_threads(|| {
            let y = sum(&windows, &x, 0.1);
            let dx = spread(&windows, &y, 0.1);
            vec![y, dx]
        });
    }
}
