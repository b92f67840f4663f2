//! The shortcut of a residual block that halves its image and adds channels, without weights.
//!
//! He et al., "Deep residual learning for image recognition", 2016, section 3.3, option A.

use super::build_pieces;

/// Every `stride`th pixel of x (batch, height, width, channels), its channels in the midst of more: y (batch, out_height,
/// out_width, out_channels).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subsample {
    /// Images.
    pub batch: usize,
    /// Of x, in pixels.
    pub height: usize,
    /// Of x, in pixels.
    pub width: usize,
    /// Of x.
    pub channels: usize,
    /// From one pixel that is kept to the next, in both directions.
    pub stride: usize,
    /// Of y, at least as many as of x: half of the new ones come before those of x, rounded down.
    pub out_channels: usize,
}

/// The pixels that are kept, with zeros for the new channels.
///
/// # Panics
/// When x does not have the shape.
pub fn forward(subsample: &Subsample, x: &[f32]) -> Vec<f32> {
    let Subsample { batch, height, width, channels, out_channels, .. } = *subsample;
    assert_eq!(x.len(), batch * height * width * channels);
    let rows = subsample.out_height();
    build_pieces(batch * rows, subsample.out_width() * out_channels, |index, y| {
        let from = (index / rows * height + index % rows * subsample.stride) * width * channels;
        let x = x[from..][..width * channels].chunks(subsample.stride * channels);
        for (y, x) in y.chunks_exact_mut(out_channels).zip(x) {
            y[subsample.before()..][..channels].copy_from_slice(&x[..channels]);
        }
    })
}

/// The gradient of x.
///
/// # Panics
/// When the gradient does not have the shape of y.
pub fn backward(subsample: &Subsample, gradient: &[f32]) -> Vec<f32> {
    let Subsample { batch, height, width, channels, out_channels, stride } = *subsample;
    let (rows, row_len) = (subsample.out_height(), subsample.out_width() * out_channels);
    assert_eq!(gradient.len(), batch * rows * row_len);
    build_pieces(batch * height, width * channels, |index, dx| {
        let (image, row) = (index / height, index % height);
        if row.is_multiple_of(stride) {
            let dy = &gradient[(image * rows + row / stride) * row_len..][..row_len];
            for (dx, dy) in dx.chunks_mut(stride * channels).zip(dy.chunks_exact(out_channels)) {
                dx[..channels].copy_from_slice(&dy[subsample.before()..][..channels]);
            }
        }
    })
}

impl Subsample {
    /// Rows of y.
    pub fn out_height(&self) -> usize {
        self.height.div_ceil(self.stride)
    }

    /// Columns of y.
    pub fn out_width(&self) -> usize {
        self.width.div_ceil(self.stride)
    }

    /// Channels of zeros before those of x.
    fn before(&self) -> usize {
        (self.out_channels - self.channels) / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, Reference};

    #[test]
    fn forward_and_backward_match_the_reference() {
        let mut random = Random::new(1);
        for _ in 0..20 {
            let channels = 1 + random.below(9);
            let subsample = Subsample {
                batch: 1 + random.below(4),
                height: 1 + random.below(9),
                width: 1 + random.below(9),
                channels,
                stride: 1 + random.below(3),
                out_channels: channels + random.below(9),
            };
            let Subsample { batch, height, width, stride, out_channels, .. } = subsample;
            let x = random.numbers(batch * height * width * channels);
            let reference = Reference::new(&mut random, &[&x], |inputs| {
                let mut y = Vec::new();
                for image in 0..batch {
                    for row in (0..height).step_by(stride) {
                        for column in (0..width).step_by(stride) {
                            let at = ((image * height + row) * width + column) * channels;
                            let start = y.len() + (out_channels - channels) / 2;
                            y.resize(start, 0.0);
                            y.extend_from_slice(&inputs[0][at..at + channels]);
                            y.resize(y.len().next_multiple_of(out_channels), 0.0);
                        }
                    }
                }
                y
            });
            let what = format!("{subsample:?}");
            reference.assert_value(&forward(&subsample, &x), &what);
            reference.assert_gradients(&[&backward(&subsample, &reference.output_gradient)], &what);
        }
    }
}
