//! Augmentation: an image as it might have been drawn as well. A function of (seed, image, epoch, view) alone.
use super::ImageShape;
use crate::{
    rng::{key, rng},
    spec::{ComponentInfo, Param, ParamKind, Values},
};
use rand::RngExt as _;

/// How far an image may be changed; nothing is changed where all are 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Augmentation {
    /// In degrees, either way.
    rotation: f32,
    /// A share of the size, either way.
    scale: f32,
    /// A share of the height, either way.
    shear: f32,
    /// In pixels, either way along both axes.
    shift: f32,
    /// In pixels: how far each of the points that the image is pulled by may move along either axis.
    elastic: f32,
    /// A share of the step to one pixel thicker or thinner.
    thickness: f32,
}

/// The hyperparameters that every run has for it.
pub const INFO: ComponentInfo = ComponentInfo {
    id: "augmentation",
    label: "Augmentation",
    help: "Changes each training image a little, anew each time it is looked at.",
    params: &[ROTATION, SCALE, SHEAR, SHIFT, ELASTIC, THICKNESS],
};

const ROTATION: Param = Param {
    key: "rotation",
    label: "Rotation",
    unit: "°",
    help: "Training images are turned by up to this angle, either way.",
    kind: ParamKind::Float { min: 0.0, max: 180.0, logarithmic: false },
    default: 0.0,
    live: false,
};
const SCALE: Param = Param {
    key: "scale",
    label: "Scale",
    unit: "",
    help: "Training images are made larger or smaller by up to this share.",
    kind: ParamKind::Float { min: 0.0, max: 0.8, logarithmic: false },
    ..ROTATION
};
const SHEAR: Param = Param {
    key: "shear",
    label: "Shear",
    help: "Training images are slanted, as handwriting is, by up to this share of their height.",
    kind: ParamKind::Float { min: 0.0, max: 1.0, logarithmic: false },
    ..SCALE
};
const SHIFT: Param = Param {
    key: "shift",
    label: "Shift",
    unit: "px",
    help: "Training images are moved by up to so many pixels, either way.",
    kind: ParamKind::Float { min: 0.0, max: 32.0, logarithmic: false },
    ..ROTATION
};
const ELASTIC: Param = Param {
    key: "elastic",
    label: "Elastic",
    help: "Training images are pulled about like rubber, by up to so many pixels.",
    kind: ParamKind::Float { min: 0.0, max: 16.0, logarithmic: false },
    ..SHIFT
};
const THICKNESS: Param = Param {
    key: "thickness",
    label: "Thickness",
    help: "Strokes are made thicker or thinner; 1 is up to a pixel on either side.",
    kind: ParamKind::Float { min: 0.0, max: 1.0, logarithmic: false },
    ..SCALE
};

/// Points along each side of an image that it is pulled by.
const PULLS: usize = 4;

impl Augmentation {
    pub fn new(values: &Values) -> Self {
        let value = |param: &Param| values.get(param.key).copied().unwrap_or(param.default) as f32;
        Self {
            rotation: value(&ROTATION),
            scale: value(&SCALE),
            shear: value(&SHEAR),
            shift: value(&SHIFT),
            elastic: value(&ELASTIC),
            thickness: value(&THICKNESS),
        }
    }

    /// Whether images stay as they are.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// An image of numbers from 0 to 1 as it looks in a view; what comes in from outside is as the edge is.
    pub fn apply(&self, image: &[f32], shape: ImageShape, look: Look, out: &mut [f32]) {
        let mut rng = rng(look.seed, look.view, key(look.epoch, "image", look.image));
        let mut within = |range: f32| if range > 0.0 { rng.random_range(-range..=range) } else { 0.0 };
        let (sin, cos) = within(self.rotation).to_radians().sin_cos();
        let (zoom, slant) = (1.0 / (1.0 + within(self.scale)), within(self.shear));
        let warp = Warp {
            // turned, then slanted, then zoomed
            matrix: [[cos * zoom, (slant * cos - sin) * zoom], [sin * zoom, (slant * sin + cos) * zoom]],
            shift: [within(self.shift), within(self.shift)],
            pulls: std::array::from_fn(|_| {
                std::array::from_fn(|_| [within(self.elastic), within(self.elastic)])
            }),
        };
        let thicker = within(self.thickness);
        if thicker == 0.0 {
            return warp.apply(image, shape, out);
        }
        let mut warped = vec![0.0; image.len()];
        warp.apply(image, shape, &mut warped);
        thicken(&warped, shape, thicker, out);
    }
}

/// Which of all looks of an image is meant.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    pub seed: u64,
    pub image: u64,
    pub epoch: u64,
    /// Sets several looks of one image in one epoch apart.
    pub view: &'a str,
}

/// Where in an image each pixel of another comes from.
struct Warp {
    /// From (x, y) about the centre to (x, y) about the centre.
    matrix: [[f32; 2]; 2],
    shift: [f32; 2],
    /// (row, column, x and y), spread evenly over the image.
    pulls: [[[f32; 2]; PULLS]; PULLS],
}

impl Warp {
    fn apply(&self, image: &[f32], shape: ImageShape, out: &mut [f32]) {
        let ImageShape { height, width, channels } = shape;
        let centre = [(width - 1) as f32 / 2.0, (height - 1) as f32 / 2.0];
        for (y, row) in out.chunks_exact_mut(width * channels).enumerate() {
            // the pulls of this row
            let (above, share) = between(y, height);
            let pulls: [[f32; 2]; PULLS] = std::array::from_fn(|column| {
                mix(self.pulls[above][column], self.pulls[above + 1][column], share)
            });
            let v = y as f32 - centre[1];
            for (x, pixel) in row.chunks_exact_mut(channels).enumerate() {
                let (left, share) = between(x, width);
                let pull = mix(pulls[left], pulls[left + 1], share);
                let u = x as f32 - centre[0];
                let at = |axis: usize| {
                    let [by_u, by_v] = self.matrix[axis];
                    by_u * u + by_v * v + centre[axis] + self.shift[axis] + pull[axis]
                };
                sample(image, shape, at(0), at(1), pixel);
            }
        }
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

/// The image at a place between its pixels.
fn sample(image: &[f32], shape: ImageShape, x: f32, y: f32, pixel: &mut [f32]) {
    let ImageShape { height, width, channels } = shape;
    let (x, y) = (x.clamp(0.0, (width - 1) as f32), y.clamp(0.0, (height - 1) as f32));
    let (left, top) = (x as usize, y as usize);
    let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
    let (share_x, share_y) = (x - left as f32, y - top as f32);
    for (channel, pixel) in pixel.iter_mut().enumerate() {
        let at = |y: usize, x: usize| image[(y * width + x) * channels + channel];
        let above = at(top, left) + (at(top, right) - at(top, left)) * share_x;
        let below = at(bottom, left) + (at(bottom, right) - at(bottom, left)) * share_x;
        *pixel = above + (below - above) * share_y;
    }
}

/// Each pixel on its way, by the size of `share`, to the largest of itself and its four neighbours, or, where that is
/// negative, to the smallest.
fn thicken(image: &[f32], shape: ImageShape, share: f32, out: &mut [f32]) {
    let ImageShape { height, width, channels } = shape;
    let pick = if share > 0.0 { f32::max } else { f32::min };
    for y in 0..height {
        for x in 0..width {
            for channel in 0..channels {
                let at = |y: usize, x: usize| image[(y * width + x) * channels + channel];
                let own = at(y, x);
                let across = pick(at(y, x.saturating_sub(1)), at(y, (x + 1).min(width - 1)));
                let along = pick(at(y.saturating_sub(1), x), at((y + 1).min(height - 1), x));
                let most = pick(own, pick(across, along));
                out[(y * width + x) * channels + channel] = own + (most - own) * share.abs();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape { height: 9, width: 7, channels: 2 };
    const LOOK: Look<'_> = Look { seed: 1, image: 2, epoch: 3, view: "first" };

    fn looks(augmentation: &Augmentation, look: Look<'_>) -> Vec<f32> {
        let image: Vec<f32> = (0..SHAPE.len()).map(|index| (index * 37 % 101) as f32 / 101.0).collect();
        let mut out = vec![f32::NAN; image.len()];
        augmentation.apply(&image, SHAPE, look, &mut out);
        out
    }

    fn with(param: &Param, value: f64) -> Augmentation {
        Augmentation::new(&[(param.key.to_owned(), value)].into())
    }

    #[test]
    fn nothing_changes_at_zero() {
        let none = Augmentation::default();
        assert!(none.is_none());
        let image: Vec<f32> = (0..SHAPE.len()).map(|index| (index * 37 % 101) as f32 / 101.0).collect();
        assert_eq!(looks(&none, LOOK), image);
    }

    #[test]
    fn every_change_depends_on_all_that_names_a_look() {
        for param in INFO.params {
            let augmentation = with(param, 0.5);
            let first = looks(&augmentation, LOOK);
            assert!(
                !augmentation.is_none() && first != looks(&Augmentation::default(), LOOK),
                "{}",
                param.key
            );
            assert!(first.iter().all(|number| (0.0..=1.0).contains(number)), "{}", param.key);
            assert_eq!(first, looks(&augmentation, LOOK));
            let others = [
                Look { seed: 9, ..LOOK },
                Look { image: 9, ..LOOK },
                Look { epoch: 9, ..LOOK },
                Look { view: "second", ..LOOK },
            ];
            assert!(others.into_iter().all(|other| looks(&augmentation, other) != first), "{}", param.key);
        }
    }

    #[test]
    fn a_whole_pixel_to_the_right_is_one() {
        let shape = ImageShape { height: 2, width: 3, channels: 1 };
        let warp =
            Warp { matrix: [[1.0, 0.0], [0.0, 1.0]], shift: [-1.0, 0.0], pulls: [[[0.0; 2]; PULLS]; PULLS] };
        let mut out = [0.0; 6];
        warp.apply(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], shape, &mut out);
        assert_eq!(out, [1.0, 1.0, 2.0, 4.0, 4.0, 5.0]);
    }

    #[test]
    fn strokes_grow_to_all_sides() {
        let shape = ImageShape { height: 3, width: 3, channels: 1 };
        let mut out = [0.0; 9];
        thicken(&[0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0], shape, 0.5, &mut out);
        assert_eq!(out, [0.0, 0.5, 0.0, 0.5, 1.0, 0.5, 0.0, 0.5, 0.0]);
        thicken(&out.clone(), shape, -1.0, &mut out);
        assert_eq!(out, [0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0]);
    }
}
