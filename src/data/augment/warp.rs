//! Turning, zooming, moving and pulling at an image, all in one step.
use crate::shape::ImageShape;

/// Points along each side of an image that it is pulled by.
pub const PULLS: usize = 4;

/// What is done to where things are; by default nothing.
pub struct Warp {
    /// In degrees.
    pub angle: f32,
    /// A share that the image is larger by.
    pub scale: f32,
    /// A share of its height that the image is slanted by.
    pub slant: f32,
    /// In pixels, x and y.
    pub shift: [f32; 2],
    /// In pixels: (row, column, x and y), spread evenly over the image.
    pub pulls: [[[f32; 2]; PULLS]; PULLS],
    pub crop: Crop,
    /// Left is right.
    pub is_mirrored: bool,
}

/// The part of an image that becomes the whole.
pub struct Crop {
    /// Its sides, as a share of the image's.
    pub side: f32,
    /// Its centre, in pixels from that of the image, x and y.
    pub centre: [f32; 2],
}

impl Default for Warp {
    fn default() -> Self {
        Self {
            angle: 0.0,
            scale: 0.0,
            slant: 0.0,
            shift: [0.0; 2],
            pulls: [[[0.0; 2]; PULLS]; PULLS],
            crop: Crop { side: 1.0, centre: [0.0; 2] },
            is_mirrored: false,
        }
    }
}

impl Warp {
    /// An image as it is after that, interpolated linearly; what comes in from outside is as the edge is.
    pub fn apply(&self, image: &[f32], shape: ImageShape, out: &mut [f32]) {
        match shape.channels {
            1 => self.apply_to::<1>(image, shape, out),
            3 => self.apply_to::<3>(image, shape, out),
            _ => (0..shape.channels).for_each(|channel| self.apply_to_one(image, shape, channel, out)),
        }
    }

    /// One of any number of channels.
    fn apply_to_one(&self, image: &[f32], shape: ImageShape, channel: usize, out: &mut [f32]) {
        let plane: Vec<f32> = image.iter().skip(channel).step_by(shape.channels).copied().collect();
        let mut warped = vec![0.0; plane.len()];
        self.apply_to::<1>(&plane, ImageShape { channels: 1, ..shape }, &mut warped);
        out.iter_mut().skip(channel).step_by(shape.channels).zip(warped).for_each(|(out, new)| *out = new);
    }

    fn apply_to<const CHANNELS: usize>(&self, image: &[f32], shape: ImageShape, out: &mut [f32]) {
        let ImageShape { height, width, .. } = shape;
        let (image, _) = image.as_chunks::<CHANNELS>();
        let (out, _) = out.as_chunks_mut::<CHANNELS>();
        let (matrix, shift) = self.affine();
        let centre = [(width - 1) as f32 / 2.0, (height - 1) as f32 / 2.0];
        let columns: Vec<_> = (0..width).map(|x| (x as f32 - centre[0], between(x, width))).collect();
        let (last_x, last_y) = ((width - 1) as f32, (height - 1) as f32);
        for (y, row) in out.chunks_exact_mut(width).enumerate() {
            // the pulls of this row
            let (above, share) = between(y, height);
            let pulls: [[f32; 2]; PULLS] = std::array::from_fn(|column| {
                mix(self.pulls[above][column], self.pulls[above + 1][column], share)
            });
            let v = y as f32 - centre[1];
            let by_v = [matrix[0][1] * v, matrix[1][1] * v];
            for (pixel, (u, (left, share))) in row.iter_mut().zip(&columns) {
                let pull = mix(pulls[*left], pulls[left + 1], *share);
                let at =
                    |axis: usize| matrix[axis][0] * u + by_v[axis] + centre[axis] + shift[axis] + pull[axis];
                let (x, y) = (at(0).clamp(0.0, last_x), at(1).clamp(0.0, last_y));
                let (left, top) = (x as usize, y as usize);
                let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
                let (share_x, share_y) = (x - left as f32, y - top as f32);
                let (above, below) = (&image[top * width..][..width], &image[bottom * width..][..width]);
                for (channel, pixel) in pixel.iter_mut().enumerate() {
                    let along = |row: &[[f32; CHANNELS]]| {
                        let before = row[left][channel];
                        before + (row[right][channel] - before) * share_x
                    };
                    let (above, below) = (along(above), along(below));
                    *pixel = above + (below - above) * share_y;
                }
            }
        }
    }

    /// From (x, y) about the centre to (x, y) about the centre: a matrix, and what is added.
    fn affine(&self) -> ([[f32; 2]; 2], [f32; 2]) {
        let (sin, cos) = self.angle.to_radians().sin_cos();
        let (zoom, slant) = (1.0 / (1.0 + self.scale), self.slant);
        // turned, then slanted, then zoomed
        let matrix = [[cos * zoom, (slant * cos - sin) * zoom], [sin * zoom, (slant * sin + cos) * zoom]];
        let Crop { side, centre } = self.crop;
        let shift = std::array::from_fn(|axis: usize| {
            self.shift[axis] + matrix[axis][0] * centre[0] + matrix[axis][1] * centre[1]
        });
        let across = if self.is_mirrored { -side } else { side };
        (matrix.map(|[by_u, by_v]| [by_u * across, by_v * side]), shift)
    }
}

/// The point before a pixel, of `PULLS` along `len` pixels, and how far the pixel is on its way to the next.
fn between(pixel: usize, len: usize) -> (usize, f32) {
    let at = pixel as f32 * (PULLS - 1) as f32 / (len.max(2) - 1) as f32;
    let before = (at as usize).min(PULLS - 2);
    (before, at - before as f32)
}

fn mix(a: [f32; 2], b: [f32; 2], share: f32) -> [f32; 2] {
    std::array::from_fn(|axis| a[axis] + (b[axis] - a[axis]) * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape { height: 2, width: 3, channels: 1 };

    pub fn warped(warp: &Warp, shape: ImageShape, image: &[f32]) -> Vec<f32> {
        let mut out = vec![f32::NAN; image.len()];
        warp.apply(image, shape, &mut out);
        out
    }

    #[test]
    fn channels_are_warped_alike() {
        let shape = ImageShape { height: 4, width: 5, channels: 1 };
        let warp = Warp { angle: 20.0, shift: [0.3, -0.7], is_mirrored: true, ..Warp::default() };
        let plane: Vec<f32> = (0..20).map(|at| (at * 7 % 20) as f32).collect();
        let alone = warped(&warp, shape, &plane);
        for channels in [2, 3] {
            let image: Vec<f32> = plane.iter().flat_map(|number| vec![*number; channels]).collect();
            let together = warped(&warp, ImageShape { channels, ..shape }, &image);
            assert!(
                together.chunks(channels).zip(&alone).all(|(pixel, number)| pixel == vec![*number; channels])
            );
        }
    }

    #[test]
    fn a_single_pixel_can_be_warped() {
        let shape = ImageShape { height: 1, width: 1, channels: 1 };
        let warp = Warp { angle: 90.0, shift: [9.0, 9.0], ..Warp::default() };
        assert_eq!(warped(&warp, shape, &[0.5]), [0.5]);
        assert_eq!(warped(&Warp::default(), SHAPE, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])[5], 6.0);
    }
}
