//! From ink to the image that a network sees, by the steps that MNIST's authors took.
//!
//! "The original black and white images were size normalized to fit in a 20x20 pixel box while preserving their aspect
//! ratio. The resulting images contain grey levels as a result of the anti-aliasing technique used by the
//! normalization algorithm. The images were centered in a 28x28 image by computing the center of mass of the pixels."
//! (LeCun, Cortes and Burges, *The MNIST database of handwritten digits*)
//!
//! Before that, strokes thinner than their pens are brought to that width.
use anyhow::{Context as _, Result, bail, ensure};
use image::{DynamicImage, ImageReader, Limits};
use std::{io::Cursor, path::Path};

/// Width and height of a framed image.
pub const SIDE: usize = 28;
/// Width and height of the box that the ink is fitted into.
const BOX: usize = 20;
/// Cells to a pixel of the box, where strokes are measured and thickened.
const FINE: usize = 8;
/// The width of MNIST's strokes in pixels of the box, by [`Ink::stroke_width`]: their median. They were written with
/// pens and pencils; a hairline drawn with a mouse would vanish in 20 pixels.
const PEN: f32 = 2.3;

/// Strokes of a pen on a square pad whose sides are 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    /// Points from 0 to 1, x to the right and y downwards.
    pub strokes: Vec<Vec<[f32; 2]>>,
    /// Width of the pen, as a share of the pad's side.
    pub pen_width: f32,
}

/// Ink on paper: `width * height` coverages from 0 (paper) to 1 (ink), row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Ink {
    width: usize,
    height: usize,
    coverage: Vec<f32>,
}

impl Drawing {
    /// The 28 by 28 image that a network sees, row by row, 255 for ink; nothing where nothing is drawn.
    pub fn frame(&self) -> Option<Vec<u8>> {
        frame(&self.ink())
    }

    /// The strokes on a grid that they fill, antialiased: a pixel is as dark as the nearest line is near.
    fn ink(&self) -> Ink {
        let strokes: Vec<Vec<[f32; 2]>> = self.strokes.iter().map(|stroke| finite(stroke)).collect();
        let points = || strokes.iter().flatten();
        let low = [0, 1].map(|axis| points().map(|point| point[axis]).fold(1.0, f32::min));
        let high = [0, 1].map(|axis| points().map(|point| point[axis]).fold(0.0, f32::max));
        let pen = self.pen_width.clamp(0.001, 1.0);
        let extent = (high[0] - low[0]).max(high[1] - low[1]).max(0.0) + pen;
        let grid = (BOX * FINE) as f32;
        let place =
            |point: [f32; 2]| [0, 1].map(|axis| 1.0 + (point[axis] - low[axis] + pen / 2.0) / extent * grid);
        let mut ink = Ink::blank(BOX * FINE + 2, BOX * FINE + 2);
        for stroke in &strokes {
            let placed: Vec<_> = stroke.iter().map(|point| place(*point)).collect();
            let radius = pen / extent * grid / 2.0;
            if let [only] = placed[..] {
                ink.line(only, only, radius);
            }
            placed.windows(2).for_each(|ends| ink.line(ends[0], ends[1], radius));
        }
        ink
    }
}

/// The points of a stroke that are on the pad.
fn finite(stroke: &[[f32; 2]]) -> Vec<[f32; 2]> {
    let points = stroke.iter().filter(|point| point.iter().all(|v| v.is_finite()));
    points.map(|point| point.map(|v| v.clamp(0.0, 1.0))).collect()
}

impl Ink {
    /// Draws a line with round ends.
    fn line(&mut self, from: [f32; 2], to: [f32; 2], radius: f32) {
        let reach = |axis: usize, limit: usize| {
            let low = (from[axis].min(to[axis]) - radius - 1.0).floor().max(0.0) as usize;
            let high = (from[axis].max(to[axis]) + radius + 1.0).ceil().max(0.0) as usize;
            low..high.min(limit)
        };
        for y in reach(1, self.height) {
            for x in reach(0, self.width) {
                let away = distance([x as f32 + 0.5, y as f32 + 0.5], from, to);
                let pixel = &mut self.coverage[y * self.width + x];
                *pixel = pixel.max((radius + 0.5 - away).clamp(0.0, 1.0));
            }
        }
    }

    fn get(&self, x: usize, y: usize) -> f32 {
        self.coverage[y * self.width + x]
    }

    /// Left, top, right and bottom of the pixels with ink, the last two excluded.
    fn bounds(&self) -> Option<[usize; 4]> {
        const TRACE: f32 = 0.15;
        let rows: Vec<_> =
            (0..self.height).filter(|&y| (0..self.width).any(|x| self.get(x, y) > TRACE)).collect();
        let columns: Vec<_> =
            (0..self.width).filter(|&x| (0..self.height).any(|y| self.get(x, y) > TRACE)).collect();
        Some([*columns.first()?, *rows.first()?, columns.last()? + 1, rows.last()? + 1])
    }

    /// The same ink, no thinner than MNIST's pens.
    fn thickened(&self) -> Ink {
        let radius = (PEN * FINE as f32 - self.stroke_width()) / 2.0;
        if radius <= 0.0 {
            return self.clone();
        }
        let margin = radius.ceil() as usize;
        let mut thick = Ink::blank(self.width + 2 * margin, self.height + 2 * margin);
        let disc = disc(radius);
        for y in 0..self.height {
            for x in 0..self.width {
                let value = self.get(x, y);
                for [dx, dy] in disc.iter().filter(|_| value > 0.0) {
                    let at = (y + margin).wrapping_add_signed(*dy) * thick.width
                        + (x + margin).wrapping_add_signed(*dx);
                    thick.coverage[at] = thick.coverage[at].max(value);
                }
            }
        }
        thick
    }

    /// The mean width of the strokes: a line of length l and width w has the area l·w and an outline of 2·l, which is
    /// what the absolute gradient adds up to.
    fn stroke_width(&self) -> f32 {
        let get = |x: usize, y: usize| if x < self.width && y < self.height { self.get(x, y) } else { 0.0 };
        let area: f32 = self.coverage.iter().sum();
        let slope = |x: usize, y: usize| (get(x + 1, y) - get(x, y)).hypot(get(x, y + 1) - get(x, y));
        let outline: f32 = (0..self.height)
            .flat_map(|y| (0..self.width).map(move |x| (x, y)))
            .map(|(x, y)| slope(x, y))
            .sum();
        2.0 * area / outline.max(f32::EPSILON)
    }

    fn blank(width: usize, height: usize) -> Self {
        Self { width, height, coverage: vec![0.0; width * height] }
    }

    /// Ink of any picture: dark on light or light on dark, told apart by the border, which is mostly paper; what is
    /// transparent is paper too.
    fn from_picture(picture: &DynamicImage) -> Self {
        let rgba = picture.to_rgba8();
        let (width, height) = (rgba.width() as usize, rgba.height() as usize);
        let light: Vec<f32> = rgba.pixels().map(|p| luminance(p.0)).collect();
        let alpha: Vec<f32> = rgba.pixels().map(|p| f32::from(p.0[3]) / 255.0).collect();
        let transparent = alpha.iter().filter(|a| **a < 0.5).count() * 20 > alpha.len();
        let coverage =
            if transparent { ink_over_nothing(&light, alpha) } else { ink_over_paper(&light, width, height) };
        Self { width, height, coverage }
    }
}

/// The distance of `p` from the line between `a` and `b`.
fn distance(p: [f32; 2], a: [f32; 2], b: [f32; 2]) -> f32 {
    let (ab, ap) = ([b[0] - a[0], b[1] - a[1]], [p[0] - a[0], p[1] - a[1]]);
    let length2 = ab[0] * ab[0] + ab[1] * ab[1];
    let along = if length2 > 0.0 { ((ap[0] * ab[0] + ap[1] * ab[1]) / length2).clamp(0.0, 1.0) } else { 0.0 };
    (ap[0] - along * ab[0]).hypot(ap[1] - along * ab[1])
}

/// Rec. 709 luma from 0 to 1.
fn luminance([r, g, b, _]: [u8; 4]) -> f32 {
    (0.2126 * f32::from(r) + 0.7152 * f32::from(g) + 0.0722 * f32::from(b)) / 255.0
}

/// Where the paper is transparent, what is opaque is ink, whatever its colour; unless the opaque part is itself a
/// picture with light and dark in it.
fn ink_over_nothing(light: &[f32], alpha: Vec<f32>) -> Vec<f32> {
    let opaque = || light.iter().zip(&alpha).filter(|(_, a)| **a > 0.9).map(|(l, _)| *l);
    let (low, high) = opaque().fold((1.0f32, 0.0f32), |(low, high), l| (low.min(l), high.max(l)));
    let covered = opaque().count() * 2 > light.len();
    if covered && high - low > 0.5 {
        let on_white: Vec<f32> = light.iter().zip(&alpha).map(|(l, a)| l * a + (1.0 - a)).collect();
        return on_white.iter().map(|l| 1.0 - l).collect();
    }
    alpha
}

/// Where there is paper: its light is the median of the border, and the ink is what lies farthest from it.
fn ink_over_paper(light: &[f32], width: usize, height: usize) -> Vec<f32> {
    let mut border: Vec<f32> = (0..width)
        .flat_map(|x| [light[x], light[(height - 1) * width + x]])
        .chain((0..height).flat_map(|y| [light[y * width], light[y * width + width - 1]]))
        .collect();
    border.sort_by(f32::total_cmp);
    let paper = border[border.len() / 2];
    let darkest = light.iter().copied().fold(1.0, f32::min);
    let lightest = light.iter().copied().fold(0.0, f32::max);
    let ink = if paper - darkest >= lightest - paper { darkest } else { lightest };
    if (ink - paper).abs() < 0.05 {
        return vec![0.0; light.len()];
    }
    light.iter().map(|l| ((l - paper) / (ink - paper)).clamp(0.0, 1.0)).collect()
}

/// Reads a picture file and frames it: 28 by 28, row by row, 255 for ink.
///
/// # Errors
/// Where the file cannot be read, is no picture, is larger than 16,384 pixels a side, or holds no ink.
pub fn frame_file(path: &Path) -> Result<Vec<u8>> {
    const MAX_BYTES: u64 = 64 << 20;
    let size = std::fs::metadata(path)
        .with_context(|| format!("Could not read the picture\nFile: {}", path.display()))?
        .len();
    ensure!(
        size <= MAX_BYTES,
        "The picture is larger than 64 MiB: make it smaller\nFile: {}",
        path.display()
    );
    let bytes = std::fs::read(path)
        .with_context(|| format!("Could not read the picture\nFile: {}", path.display()))?;
    frame_bytes(&bytes).with_context(|| format!("File: {}", path.display()))
}

/// As [`frame_file`], for a picture in memory (PNG, JPEG, WebP, BMP).
///
/// # Errors
/// As [`frame_file`].
fn frame_bytes(bytes: &[u8]) -> Result<Vec<u8>> {
    const HELP: &str = "not a picture that can be read: use PNG, JPEG, WebP or BMP";
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().context(HELP)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(16_384);
    limits.max_image_height = Some(16_384);
    limits.max_alloc = Some(1 << 30);
    reader.limits(limits);
    let picture = match reader.decode() {
        Ok(picture) => picture,
        Err(image::ImageError::Limits(_)) => {
            bail!("the picture is too large: at most 16,384 pixels a side can be read")
        }
        Err(error) => return Err(error).context(HELP),
    };
    frame(&Ink::from_picture(&picture))
        .context("there is no ink in the picture: draw darker or lighter than the paper")
}

/// Fits the ink into a 20 by 20 box, aspect kept, and puts its centre of mass into the middle of 28 by 28.
fn frame(ink: &Ink) -> Option<Vec<u8>> {
    // The largest of what a cell covers: a hairline must not fade before it is thickened.
    let fine = fit(ink, ink.bounds()?, BOX * FINE, |darkest, value, _| darkest.max(value));
    let inked = fine.thickened();
    let boxed = fit(&inked, inked.bounds()?, BOX, |mean, value, share| mean + value * share);
    let shift = centre_shift(&boxed);
    let mut framed = vec![0; SIDE * SIDE];
    for y in 0..boxed.height {
        for x in 0..boxed.width {
            let (to_x, to_y) = (x as isize + shift[0], y as isize + shift[1]);
            if (0..SIDE as isize).contains(&to_x) && (0..SIDE as isize).contains(&to_y) {
                framed[to_y as usize * SIDE + to_x as usize] = (boxed.get(x, y) * 255.0).round() as u8;
            }
        }
    }
    Some(framed)
}

/// Scales the bounded part so that its longer side is `longest`; `add` puts together what a pixel covers, given the
/// result so far, a value and its share of the pixel.
fn fit(
    ink: &Ink,
    [left, top, right, bottom]: [usize; 4],
    longest: usize,
    add: impl Fn(f32, f32, f32) -> f32,
) -> Ink {
    let scale = longest as f32 / (right - left).max(bottom - top) as f32;
    let scaled = |length: usize| ((length as f32 * scale).round() as usize).clamp(1, longest);
    let (width, height) = (scaled(right - left), scaled(bottom - top));
    let columns = shares(left, right, width);
    let rows = shares(top, bottom, height);
    let mut coverage = vec![0.0; width * height];
    for (pixel, value) in coverage.iter_mut().enumerate() {
        for &(y, row_share) in &rows[pixel / width] {
            for &(x, column_share) in &columns[pixel % width] {
                *value = add(*value, ink.get(x, y), row_share * column_share);
            }
        }
    }
    Ink { width, height, coverage }
}

/// Offsets of the cells within a radius.
fn disc(radius: f32) -> Vec<[isize; 2]> {
    let reach = radius.ceil() as isize;
    let offsets = (-reach..=reach).flat_map(|y| (-reach..=reach).map(move |x| [x, y]));
    offsets.filter(|[x, y]| (*x as f32).hypot(*y as f32) <= radius).collect()
}

/// For each of `count` equal parts of `from..to`, the cells it covers and their shares, which add up to 1.
fn shares(from: usize, to: usize, count: usize) -> Vec<Vec<(usize, f32)>> {
    let part = (to - from) as f32 / count as f32;
    let share = |i: usize| {
        let (low, high) = (i as f32 * part, (i + 1) as f32 * part);
        let last = (high.ceil() as usize).min(to - from);
        let covered = move |cell: usize| (high.min(cell as f32 + 1.0) - low.max(cell as f32)).max(0.0) / part;
        (low as usize..last).map(|cell| (from + cell, covered(cell))).collect()
    };
    (0..count).map(share).collect()
}

/// Whole pixels by which the box moves so that the centre of mass lies in the middle of the frame.
fn centre_shift(ink: &Ink) -> [isize; 2] {
    let (mut mass, mut x_moment, mut y_moment) = (0.0, 0.0, 0.0);
    for y in 0..ink.height {
        for x in 0..ink.width {
            let m = ink.get(x, y);
            mass += m;
            x_moment += m * (x as f32 + 0.5);
            y_moment += m * (y as f32 + 0.5);
        }
    }
    [x_moment, y_moment].map(|moment| (SIDE as f32 / 2.0 - moment / mass).round() as isize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgba, RgbaImage};

    fn seven(scale: f32, shift: f32) -> Drawing {
        let way = [[0.2, 0.2], [0.7, 0.2], [0.45, 0.9]];
        let stroke = way.map(|point: [f32; 2]| point.map(|v| v * scale + shift)).to_vec();
        Drawing { strokes: vec![stroke], pen_width: 0.08 * scale }
    }

    /// The largest difference of two framed images, once both are blurred a little.
    fn difference(a: &[u8], b: &[u8]) -> f32 {
        let around = |image: &[u8], at: usize| -> f32 {
            let rows = [at.wrapping_sub(SIDE), at, at + SIDE];
            let cells = rows.into_iter().flat_map(|row| [row.wrapping_sub(1), row, row + 1]);
            cells.filter_map(|cell| image.get(cell)).map(|value| f32::from(*value) / 255.0 / 9.0).sum()
        };
        (0..SIDE * SIDE).map(|at| (around(a, at) - around(b, at)).abs()).fold(0.0, f32::max)
    }

    /// A picture of an ink and a paper; `side` pixels wide and high.
    fn picture(side: u32, ink: [u8; 4], paper: [u8; 4]) -> Vec<u8> {
        let strokes = seven(1.0, 0.0).strokes;
        let picture = RgbaImage::from_fn(side, side, |x, y| {
            let at = [x, y].map(|v| (v as f32 + 0.5) / side as f32);
            let near = strokes[0].windows(2).any(|ends| distance(at, ends[0], ends[1]) < 0.04);
            Rgba(if near { ink } else { paper })
        });
        frame(&Ink::from_picture(&DynamicImage::ImageRgba8(picture))).unwrap()
    }

    #[test]
    fn the_box_is_20_pixels_and_the_centre_of_mass_is_in_the_middle() {
        let framed = seven(1.0, 0.0).frame().unwrap();
        let rows: Vec<_> = (0..SIDE).filter(|y| framed[y * SIDE..][..SIDE].iter().any(|v| *v > 0)).collect();
        assert_eq!(rows.len(), BOX);
        let mass: f32 = framed.iter().map(|v| f32::from(*v)).sum();
        let moment = |axis: fn(usize) -> usize| -> f32 {
            framed.iter().enumerate().map(|(at, v)| f32::from(*v) * (axis(at) as f32 + 0.5)).sum::<f32>()
                / mass
        };
        assert!(
            (moment(|at| at % SIDE) - 14.0).abs() <= 0.51 && (moment(|at| at / SIDE) - 14.0).abs() <= 0.51
        );
    }

    #[test]
    fn place_and_size_on_the_pad_do_not_matter() {
        let framed = seven(1.0, 0.0).frame().unwrap();
        for (scale, shift) in [(0.5, 0.0), (0.5, 0.45), (0.3, 0.2)] {
            let other = seven(scale, shift).frame().unwrap();
            assert!(difference(&framed, &other) < 0.12, "{scale} {shift}: {}", difference(&framed, &other));
        }
    }

    #[test]
    fn polarity_alpha_and_resolution_do_not_matter() {
        let [black, white, grey, clear] =
            [[0, 0, 0, 255], [255, 255, 255, 255], [90, 90, 90, 255], [0, 0, 0, 0]];
        let framed = picture(400, black, white);
        let others = [
            (white, black),
            (black, clear),
            (white, clear),
            ([255, 255, 255, 255], grey),
            ([0, 0, 160, 255], white),
        ];
        for (ink, paper) in others {
            let other = picture(400, ink, paper);
            assert!(difference(&framed, &other) < 0.02, "{ink:?} on {paper:?}");
        }
        for side in [56, 1500] {
            assert!(difference(&framed, &picture(side, black, white)) < 0.15, "{side} pixels");
        }
    }

    #[test]
    fn hairlines_become_as_wide_as_a_pen() {
        let mut thin = seven(1.0, 0.0);
        thin.pen_width = 0.008;
        let mass = |framed: Vec<u8>| framed.iter().map(|v| f32::from(*v) / 255.0).sum::<f32>();
        // Some 33 pixels of line, 2.3 wide.
        let found = mass(thin.frame().unwrap());
        assert!((60.0..95.0).contains(&found), "{found}");
    }

    #[test]
    fn odd_drawings_and_pictures_do_no_harm() {
        assert_eq!(Drawing::default().frame(), None);
        let odd = |points: &[[f32; 2]]| Drawing { strokes: vec![points.to_vec()], pen_width: 0.08 }.frame();
        assert!(odd(&[[0.5, 0.5]]).is_some(), "a dot is ink");
        odd(&[[-3.0, 9.0], [f32::INFINITY, 0.5], [f32::NAN, f32::NAN]]);
        for (width, height) in [(1, 1), (1, 300), (300, 1), (2, 2)] {
            let mut picture = RgbaImage::from_pixel(width, height, Rgba([255; 4]));
            picture.put_pixel(0, 0, Rgba([0, 0, 0, 255]));
            frame(&Ink::from_picture(&DynamicImage::ImageRgba8(picture)));
        }
    }
}
