//! Which axis of an array counts images, rows, columns and channels.
use crate::shape::ImageShape;
use anyhow::{Context as _, Result, bail, ensure};

/// How the numbers of images lie in an array.
#[derive(Debug, PartialEq)]
pub struct Layout {
    /// The shape of an image.
    pub image: ImageShape,
    /// How many images there are.
    pub count: usize,
    /// How far two images, rows, columns and channels are apart.
    steps: [usize; 4],
    /// What had to be guessed.
    pub said: Option<&'static str>,
}

/// The layout of an array of a shape, of as many images as there are labels; `is_by_columns` where the first index runs
/// fastest.
///
/// # Errors
/// Where it holds no images, or another number of them.
pub fn layout(shape: &[usize], is_by_columns: bool, labels: usize) -> Result<Layout> {
    let axes = axes(shape, is_by_columns);
    let (first, last) = (axes.first().copied().unwrap_or_default(), axes.last().copied().unwrap_or_default());
    let mut ways = vec![];
    if first.0 == labels && !axes.is_empty() {
        ways.push((first.1, &axes[1..], None));
    }
    if last.0 == labels && axes.len() > 2 {
        let said = "The last axis of its images counts them, as in MATLAB";
        ways.push((last.1, &axes[..axes.len() - 1], Some(said)));
    }
    let mut found = ways.into_iter().map(|(step, axes, said)| Ok((step, inner(axes)?, said)));
    let one: Result<_> = found.next().with_context(|| {
        format!("There are {} images but {labels} labels: the arrays do not belong together", first.0)
    })?;
    let one = one.or_else(|error| found.find_map(Result::ok).ok_or(error));
    let (step, inner, said) = one.with_context(|| {
        format!(
            "images need the shape (images, height, width) or (images, height, width, 1 or 3), not {shape:?}: reshape them"
        )
    })?;
    ensure!(!inner.image.is_empty(), "the images have no pixels: write them again");
    let [row, column, channel] = inner.steps;
    let steps = [step, row, column, channel];
    Ok(Layout { image: inner.image, count: labels, steps, said: said.or(inner.said) })
}

/// How the numbers of an image lie.
struct Inner {
    image: ImageShape,
    steps: [usize; 3],
    said: Option<&'static str>,
}

fn inner(axes: &[Axis]) -> Result<Inner> {
    let mut said = None;
    let (image, steps) = match *axes {
        [(numbers, step)] | [(1, _), (numbers, step)] if axes.len() == 1 || square(numbers).is_ok() => {
            let image = square(numbers)?;
            (image, [image.width * image.channels * step, image.channels * step, step])
        }
        [rows, columns] => two(rows, columns, (1, 0)),
        [channels, _, (last @ (1 | 3), _)] => {
            if matches!(channels.0, 1 | 3) {
                said = Some("Its channels could be on two axes: the last one is taken for them");
            }
            two(axes[0], axes[1], (last, axes[2].1))
        }
        [channels @ (1 | 3, _), rows, columns] => two(rows, columns, channels),
        [.., (4, _)] | [(4, _), ..] if axes.len() == 3 => {
            bail!("its images have 4 channels: leave out the fourth, which says how solid a pixel is")
        }
        _ => bail!("no axis of theirs has 1 or 3 channels"),
    };
    Ok(Inner { image, steps, said })
}

type Axis = (usize, usize);

fn two(rows: Axis, columns: Axis, channels: Axis) -> (ImageShape, [usize; 3]) {
    let image = ImageShape { height: rows.0, width: columns.0, channels: channels.0 };
    (image, [rows.1, columns.1, channels.1])
}

/// The length of each axis, and how far apart two numbers are along it.
fn axes(shape: &[usize], is_by_columns: bool) -> Vec<Axis> {
    let mut step = 1;
    let mut one = |length: &usize| {
        let axis = (*length, step);
        step *= length;
        axis
    };
    if is_by_columns {
        return shape.iter().map(one).collect();
    }
    let mut axes: Vec<Axis> = shape.iter().rev().map(&mut one).collect();
    axes.reverse();
    axes
}

impl Layout {
    /// Numbers as bytes in the order of the array, as (images, height, width, channels).
    pub fn arranged(&self, bytes: Vec<u8>) -> Vec<u8> {
        let ImageShape { height, width, channels } = self.image;
        let plain = [width * height * channels, width * channels, channels, 1];
        if self.steps == plain || channels == 1 && self.steps[..3] == plain[..3] {
            return bytes;
        }
        let mut arranged = Vec::with_capacity(bytes.len());
        for image in 0..self.count {
            for row in 0..height {
                for column in 0..width {
                    for channel in 0..channels {
                        let [a, b, c, d] = self.steps;
                        arranged.push(bytes[image * a + row * b + column * c + channel * d]);
                    }
                }
            }
        }
        arranged
    }

    /// Whether rows of numbers are (images, numbers) of three colours, so that it is not said in which order.
    pub fn is_flat_colour(&self, axes: usize) -> bool {
        axes == 2 && self.image.channels == 3
    }

    /// The same with red, green and blue one after another, each of a whole image, as CIFAR's rows are.
    pub fn planar(mut self) -> Self {
        let step = self.steps[3];
        let ImageShape { height, width, .. } = self.image;
        self.steps = [self.steps[0], width * step, step, height * width * step];
        self
    }
}

/// Whether rows of colours, given with the last channel running fastest, are in truth planes of red, green and blue: then
/// a number is more like the one a row of one plane further on than like the one a row of three colours further on.
pub fn is_planar(bytes: &[u8], image: ImageShape) -> bool {
    let unlike = |apart: usize| {
        let of = |image: &[u8]| {
            image.iter().zip(&image[apart..]).map(|(one, other)| u64::from(one.abs_diff(*other))).sum::<u64>()
                as f64
        };
        let pairs = (image.len() - apart) as f64;
        bytes.chunks_exact(image.len()).take(256).map(of).sum::<f64>() / pairs
    };
    unlike(image.width) < unlike(3 * image.width)
}

/// The shape of an image that is given as a row of numbers.
///
/// # Errors
/// Where it is no square, grey or coloured.
pub fn square(numbers: usize) -> Result<ImageShape> {
    let side = |pixels: usize| Some(pixels.isqrt()).filter(|side| side * side == pixels);
    let (side, channels) = match (side(numbers), side(numbers / 3)) {
        (Some(side), _) => (side, 1),
        (None, Some(side)) if numbers.is_multiple_of(3) => (side, 3),
        _ => bail!("{numbers} numbers an image are no square, grey or coloured: cut or fill it up to one"),
    };
    Ok(ImageShape { height: side, width: side, channels })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_told_by_their_lengths() {
        let shape = |height, width, channels| ImageShape { height, width, channels };
        for (axes, image) in [
            (&[5, 4, 6][..], shape(4, 6, 1)),
            (&[5, 4, 6, 1], shape(4, 6, 1)),
            (&[5, 1, 4, 6], shape(4, 6, 1)),
            (&[5, 4, 6, 3], shape(4, 6, 3)),
            (&[5, 3, 4, 6], shape(4, 6, 3)),
            (&[4, 6, 3, 5], shape(4, 6, 3)),
            (&[4, 6, 5], shape(4, 6, 1)),
            (&[5, 36], shape(6, 6, 1)),
            (&[5, 1, 36], shape(6, 6, 1)),
            (&[5, 48], shape(4, 4, 3)),
        ] {
            for is_by_columns in [false, true] {
                let layout = layout(axes, is_by_columns, 5).unwrap();
                assert_eq!((layout.image, layout.count), (image, 5), "{axes:?}");
            }
        }
        assert!(layout(&[5, 3, 6, 3], false, 5).unwrap().said.is_some());
        assert_eq!(layout(&[5, 3, 6, 3], false, 5).unwrap().image, shape(3, 6, 3));
        for wrong in [&[5][..], &[5, 5, 5, 5, 5], &[5, 4, 6, 2], &[5, 4, 4, 6], &[5, 0, 4], &[6, 4, 4], &[]] {
            assert!(layout(wrong, false, 5).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn numbers_are_put_in_order() {
        // two images of one row of two pixels, with three channels first
        let first = layout(&[2, 3, 1, 2], false, 2).unwrap();
        let bytes: Vec<u8> = (0..12).collect();
        assert_eq!(first.arranged(bytes.clone()), [0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]);
        // the first index runs fastest
        let by_columns = layout(&[2, 1, 3], true, 2).unwrap();
        assert_eq!(by_columns.arranged((0..6).collect()), [0, 2, 4, 1, 3, 5]);
        let rows = layout(&[1, 12], false, 1).unwrap();
        assert_eq!(rows.planar().arranged(bytes), [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
    }

    #[test]
    fn planes_are_told_from_pixels() {
        let image = ImageShape { height: 8, width: 8, channels: 3 };
        let grey = |y: usize, x: usize, channel: usize| (20 * y + 3 * x + 40 * channel) as u8;
        let mut pixels = vec![];
        let mut planes = vec![];
        for place in 0..64 {
            pixels.extend((0..3).map(|channel| grey(place / 8, place % 8, channel)));
        }
        for channel in 0..3 {
            planes.extend((0..64).map(|place| grey(place / 8, place % 8, channel)));
        }
        assert!(is_planar(&planes, image) && !is_planar(&pixels, image));
    }
}
