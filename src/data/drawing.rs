//! From ink to the image that a network sees, by the steps that MNIST's authors took.
//!
//! "The original black and white images were size normalized to fit in a 20x20 pixel box while preserving their aspect
//! ratio. The resulting images contain grey levels as a result of the anti-aliasing technique used by the
//! normalization algorithm. The images were centered in a 28x28 image by computing the center of mass of the pixels."
//! (LeCun, Cortes and Burges, *The MNIST database of handwritten digits*)
//!
//! Before that, small pictures are enlarged smoothly, and strokes thinner than their pens are brought to that width. In the
//! box the ink is softened a little, so that the same drawing at another size is the same to a network.
use framing::Framed;
use grid::Grid;
use std::sync::Arc;

mod framing;
mod grid;
mod likeness;
mod paper;
mod picture;
pub mod poses;
pub use framing::{Framing, Steps, Tone};
pub(super) use grid::distance;
pub use likeness::{SHAPE, are_drawings};
pub use picture::{Found, of, read, read_one};

/// Width and height of a framed image.
pub const SIDE: usize = 28;
/// Width and height of the box that the ink is fitted into.
const BOX: usize = 20;
/// The longer side of the ink alone, where strokes are measured and thickened: 8 cells to a pixel of the box.
const CLOSE: usize = 8 * BOX;
/// Ink that is wider than it is high by this factor may be several digits.
const WIDE: f32 = 1.4;
/// The longer side of the whole paper.
const WHOLE: usize = 4 * SIDE;

/// Strokes of a pen on a square pad whose sides are 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    /// Points from 0 to 1, x to the right and y downwards.
    pub strokes: Vec<Vec<[f32; 2]>>,
    /// Width of the pen, as a share of the pad's side.
    pub pen_width: f32,
}

/// A sheet of paper with ink on it, drawn or photographed.
#[derive(Clone, Debug, PartialEq)]
pub struct Sheet {
    /// Its ink, with everything else taken away.
    inked: Inked,
    /// Of a photograph.
    uncleaned: Option<Arc<Uncleaned>>,
}

/// Ink on all of the paper, and close by.
#[derive(Clone, Debug, PartialEq)]
struct Inked {
    /// All of the paper.
    whole: Grid,
    /// The part that has ink on it.
    close: Grid,
}

/// All ink of a photograph, without some of the cleaning.
#[derive(Debug, PartialEq)]
struct Uncleaned {
    /// Without any.
    flat: Inked,
    /// With the paper's own brightness in it.
    unlevelled: Inked,
    /// With printed lines.
    lined: Inked,
}

impl Inked {
    /// Nothing where there is no ink.
    fn new(ink: &Grid) -> Option<Self> {
        let bounds = ink.bounds()?;
        Some(Self { whole: ink.fitted_sharp(ink.whole(), WHOLE), close: ink.fitted_sharp(bounds, CLOSE) })
    }

    /// Ink of any picture: where it is small, it is enlarged smoothly before it is measured.
    fn pictured(ink: &Grid) -> Option<Self> {
        let inked = Self::new(ink)?;
        let bounds = ink.bounds()?;
        if grid::longest(bounds) >= CLOSE {
            return Some(inked);
        }
        let large = ink.enlarged(bounds, CLOSE);
        Some(Self { close: large.fitted_sharp(large.bounds()?, CLOSE), ..inked })
    }
}

impl Sheet {
    /// An image that is framed already, row by row, 255 for ink.
    pub fn framed(pixels: &[u8]) -> Option<Self> {
        let coverage: Vec<f32> = pixels.iter().map(|ink| f32::from(*ink) / 255.0).collect();
        let is_whole = coverage.len() == SIDE * SIDE;
        let ink = is_whole.then_some(Grid { width: SIDE, height: SIDE, coverage })?;
        Inked::new(&ink).map(Self::from)
    }

    /// Whether it is a photograph, whose ink is told from shadows and printed lines.
    pub fn is_photographed(&self) -> bool {
        self.uncleaned.is_some()
    }

    /// Whether its ink is wider than digits are, 98 of 100 of which are less than 1.4 times as wide as they are high (those
    /// of MNIST): it may be several that touch.
    pub fn is_wide(&self) -> bool {
        self.inked
            .close
            .bounds()
            .is_some_and(|[left, top, right, bottom]| (right - left) as f32 > WIDE * (bottom - top) as f32)
    }

    /// The 28 by 28 image that a network sees, row by row, 255 for ink.
    pub fn frame(&self) -> Vec<u8> {
        Framed::new(&self.inked.close, Framing::default()).framed
    }

    /// The ink after some of the cleaning.
    fn inked(&self, level: bool, lines: bool) -> &Inked {
        match (self.uncleaned.as_deref(), level, lines) {
            (None, ..) | (_, true, true) => &self.inked,
            (Some(uncleaned), true, false) => &uncleaned.lined,
            (Some(uncleaned), false, true) => &uncleaned.unlevelled,
            (Some(uncleaned), false, false) => &uncleaned.flat,
        }
    }
}

impl From<Inked> for Sheet {
    fn from(inked: Inked) -> Self {
        Self { inked, uncleaned: None }
    }
}

impl Drawing {
    /// Nothing where nothing is drawn.
    pub fn sheet(&self) -> Option<Sheet> {
        let (strokes, pen) = self.on_pad();
        let close = close(&strokes, pen)?;
        let mut whole = Grid::blank(WHOLE, WHOLE);
        draw(&mut whole, &strokes, |point| point.map(|v| v * WHOLE as f32), pen * WHOLE as f32 / 2.0);
        Some(Inked { whole, close }.into())
    }

    /// The image that a network sees, as [`Sheet::frame`] has it, without the paper around the ink; nothing where nothing is
    /// drawn.
    pub fn frame(&self) -> Option<Vec<u8>> {
        let (strokes, pen) = self.on_pad();
        Some(Framed::new(&close(&strokes, pen)?, Framing::default()).framed)
    }

    /// The points that are on the pad, and the width of a pen that there is.
    fn on_pad(&self) -> (Vec<Vec<[f32; 2]>>, f32) {
        (self.strokes.iter().map(|stroke| finite(stroke)).collect(), self.pen_width.clamp(0.001, 1.0))
    }
}

/// The strokes on a grid that they fill; nothing where there are none.
fn close(strokes: &[Vec<[f32; 2]>], pen: f32) -> Option<Grid> {
    let points = || strokes.iter().flatten();
    let low = [0, 1].map(|axis| points().map(|point| point[axis]).fold(1.0, f32::min));
    let high = [0, 1].map(|axis| points().map(|point| point[axis]).fold(0.0, f32::max));
    let extent = (high[0] - low[0]).max(high[1] - low[1]).max(0.0) + pen;
    let scale = CLOSE as f32 / extent;
    let place = |point: [f32; 2]| [0, 1].map(|axis| 1.0 + (point[axis] - low[axis] + pen / 2.0) * scale);
    let mut ink = Grid::blank(CLOSE + 2, CLOSE + 2);
    draw(&mut ink, strokes, place, pen * scale / 2.0);
    Some(ink.fitted_sharp(ink.bounds()?, CLOSE))
}

/// Draws strokes, antialiased: a cell is as dark as the nearest line is near.
fn draw(ink: &mut Grid, strokes: &[Vec<[f32; 2]>], place: impl Fn([f32; 2]) -> [f32; 2], radius: f32) {
    for stroke in strokes {
        let placed: Vec<_> = stroke.iter().map(|point| place(*point)).collect();
        if let [only] = placed[..] {
            ink.line(only, only, radius);
        }
        placed.windows(2).for_each(|ends| ink.line(ends[0], ends[1], radius));
    }
}

/// The points of a stroke that are on the pad.
fn finite(stroke: &[[f32; 2]]) -> Vec<[f32; 2]> {
    let points = stroke.iter().filter(|point| point.iter().all(|v| v.is_finite()));
    points.map(|point| point.map(|v| v.clamp(0.0, 1.0))).collect()
}

#[cfg(test)]
mod tests {
    use super::{grid::distance, *};
    use image::{DynamicImage, Rgba, RgbaImage};

    fn seven(scale: f32, shift: f32) -> Drawing {
        let way = [[0.2, 0.2], [0.7, 0.2], [0.45, 0.9]];
        let stroke = way.map(|point: [f32; 2]| point.map(|v| v * scale + shift)).to_vec();
        Drawing { strokes: vec![stroke], pen_width: 0.08 * scale }
    }

    /// The largest difference of two framed images, once both are blurred a little.
    fn difference(a: &[u8], b: &[u8]) -> f32 {
        let around = |image: &[u8], at: usize| -> f32 {
            let rows = [at.wrapping_sub(SIDE), at, at + SIDE];
            let cells = rows.into_iter().flat_map(|row| [row.wrapping_sub(1), row, row.wrapping_add(1)]);
            cells.filter_map(|cell| image.get(cell)).map(|value| f32::from(*value) / 255.0 / 9.0).sum()
        };
        (0..SIDE * SIDE).map(|at| (around(a, at) - around(b, at)).abs()).fold(0.0, f32::max)
    }

    /// How much ink there is, in pixels.
    fn mass(framed: &[u8]) -> f32 {
        framed.iter().map(|v| f32::from(*v) / 255.0).sum()
    }

    /// A picture of an ink and a paper; `side` pixels wide and high.
    fn picture(side: u32, ink: [u8; 4], paper: [u8; 4]) -> Vec<u8> {
        let strokes = seven(1.0, 0.0).strokes;
        let picture = RgbaImage::from_fn(side, side, |x, y| {
            let at = [x, y].map(|v| (v as f32 + 0.5) / side as f32);
            let near = strokes[0].windows(2).any(|ends| distance(at, ends[0], ends[1]) < 0.04);
            Rgba(if near { ink } else { paper })
        });
        of(&DynamicImage::ImageRgba8(picture)).unwrap()[0].sheet.frame()
    }

    #[test]
    fn the_box_is_20_pixels_and_the_centre_of_mass_is_in_the_middle() {
        let framed = seven(1.0, 0.0).sheet().unwrap().frame();
        let rows: Vec<_> = (0..SIDE).filter(|y| framed[y * SIDE..][..SIDE].iter().any(|v| *v > 64)).collect();
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
        let framed = seven(1.0, 0.0).sheet().unwrap().frame();
        for (scale, shift) in [(0.5, 0.0), (0.5, 0.45), (0.3, 0.2)] {
            let other = seven(scale, shift).sheet().unwrap().frame();
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

    const CANVAS: u32 = 1120;

    /// A hairline 4 on a large canvas, each pixel of which becomes the mean of `cell` by `cell` of its pixels.
    fn shrunk(cell: u32) -> Vec<u8> {
        let way = [[0.42, 0.3], [0.35, 0.55], [0.66, 0.52], [0.6, 0.38], [0.53, 0.75]];
        let way = way.map(|point: [f32; 2]| point.map(|v| v * CANVAS as f32));
        let is_ink = |at: [u32; 2]| {
            way.windows(2).any(|ends| distance(at.map(|v| v as f32 + 0.5), ends[0], ends[1]) < 2.0)
        };
        let picture = RgbaImage::from_fn(CANVAS / cell, CANVAS / cell, |x, y| {
            let pixels = (0..cell * cell).map(|at| [x * cell + at % cell, y * cell + at / cell]);
            let share = pixels.filter(|at| is_ink(*at)).count() as f32 / (cell * cell) as f32;
            let light = (255.0 * (1.0 - share)).round() as u8;
            Rgba([light, light, light, 255])
        });
        of(&DynamicImage::ImageRgba8(picture)).unwrap()[0].sheet.frame()
    }

    #[test]
    fn hairlines_that_fade_where_a_picture_is_shrunk_are_still_ink() {
        let whole = mass(&shrunk(1));
        let shares = [10, 20, 28, 40].map(|cell| mass(&shrunk(cell)) / whole);
        assert!(shares.iter().all(|share| (0.9..1.1).contains(share)), "{shares:?}");
    }

    #[test]
    fn what_may_be_several_digits_is_wide() {
        let drawn = |strokes: &[Drawing]| {
            let strokes = strokes.iter().flat_map(|drawing| drawing.strokes.clone()).collect();
            Drawing { strokes, pen_width: 0.04 }.sheet().unwrap().is_wide()
        };
        assert!(!drawn(&[seven(0.5, 0.0)]));
        let beside = [0.0, 0.28].map(|right| {
            let mut drawing = seven(0.5, 0.1);
            drawing.strokes.iter_mut().flatten().for_each(|point| point[0] += right);
            drawing
        });
        assert!(drawn(&beside), "two sevens whose bars touch");
    }

    #[test]
    fn hairlines_become_as_wide_as_a_pen() {
        let mut thin = seven(1.0, 0.0);
        thin.pen_width = 0.008;
        // Some 33 pixels of line, 2.3 wide.
        let found = mass(&thin.sheet().unwrap().frame());
        assert!((60.0..95.0).contains(&found), "{found}");
    }

    #[test]
    fn odd_drawings_and_pictures_do_no_harm() {
        assert_eq!(Drawing::default().sheet(), None);
        let odd = |points: &[[f32; 2]]| Drawing { strokes: vec![points.to_vec()], pen_width: 0.08 }.sheet();
        assert!(odd(&[[0.5, 0.5]]).is_some(), "a dot is ink");
        odd(&[[-3.0, 9.0], [f32::INFINITY, 0.5], [f32::NAN, f32::NAN]]);
        for (width, height) in [(1, 1), (1, 300), (300, 1), (2, 2)] {
            let mut picture = RgbaImage::from_pixel(width, height, Rgba([255; 4]));
            picture.put_pixel(0, 0, Rgba([0, 0, 0, 255]));
            of(&DynamicImage::ImageRgba8(picture))
                .into_iter()
                .flatten()
                .for_each(|found| drop(found.sheet.frame()));
        }
    }
}
