//! Ink of any picture, and the digits on it. The border, which is mostly paper, says whether the ink is darker or lighter than
//! that; transparent pixels are paper too.
use super::{
    Inked, Sheet, Uncleaned,
    grid::{Bounds, Grid},
    paper,
};
use crate::{data::files::open_picture, errors::At as _};
use anyhow::{Context as _, Result, ensure};
use image::DynamicImage;
use std::{path::Path, sync::Arc};

/// The longer side in pixels at which a photograph is looked at.
const LOOKED_AT: usize = 800;
/// Smaller pictures, by their shorter side in pixels, have no room for printed lines, or several digits.
const SMALL: usize = 64;

const NO_INK: &str = "There is no ink in the picture: draw darker or lighter than the paper";

/// A digit on a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Left, top, right and bottom, as shares of the picture's width and height.
    pub bounds: [f32; 4],
    /// Its ink alone.
    pub sheet: Sheet,
    /// It is all ink of a picture on which no digits stand out from the rest.
    pub is_everything: bool,
}

impl Found {
    /// What may be wrong about taking it for one digit.
    pub fn remark(&self) -> Option<&'static str> {
        match (self.is_everything, self.sheet.is_wide()) {
            (true, _) => Some("No digit stands out: all ink is read as one"),
            (false, true) => Some("Wide for one digit: digits that touch are read as one"),
            (false, false) => None,
        }
    }
}

/// Reads a picture file (PNG, JPEG, WebP, BMP): the digits on it, in the order in which they are read.
///
/// # Errors
/// Where the file cannot be read, is no picture, or holds no ink.
pub fn read(path: &Path) -> Result<Vec<Found>> {
    of(&open_picture(path)?).at(path)
}

/// Reads a picture of one digit, which all of its ink belongs to even where it looks like several.
///
/// # Errors
/// As for [`read`].
pub fn read_one(path: &Path) -> Result<Sheet> {
    let seen = Seen::of(&open_picture(path)?);
    let mut digits = seen.digits();
    let only = if digits.len() == 1 { digits.pop() } else { seen.all() };
    only.map(|digit| digit.sheet).context(NO_INK).at(path)
}

/// The digits on a picture, in the order in which they are read; all of its ink, where none stands out.
///
/// # Errors
/// Where there is no ink.
pub fn of(picture: &DynamicImage) -> Result<Vec<Found>> {
    let seen = Seen::of(picture);
    let digits = seen.digits();
    let found = if digits.is_empty() { seen.all().into_iter().collect() } else { digits };
    ensure!(!found.is_empty(), NO_INK);
    Ok(found)
}

/// A picture as it is looked at.
struct Seen {
    /// The ink, with everything else taken away.
    ink: Grid,
    is_photograph: bool,
    uncleaned: Option<Arc<Uncleaned>>,
}

impl Seen {
    fn of(picture: &DynamicImage) -> Self {
        let rgba = picture.to_rgba8();
        let (width, height) = (rgba.width() as usize, rgba.height() as usize);
        let light = Grid { width, height, coverage: rgba.pixels().map(|p| luminance(p.0)).collect() };
        let alpha: Vec<f32> = rgba.pixels().map(|p| f32::from(p.0[3]) / 255.0).collect();
        if alpha.iter().filter(|a| **a < 0.5).count() * 20 > alpha.len() {
            let coverage = unfaded(ink_over_nothing(&light.coverage, alpha));
            return Self::drawn(Grid { coverage, ..light });
        }
        if is_small(&light) || !paper::is_photographed(&light) {
            return Self::drawn(flat(light));
        }
        let size = light.longest().min(LOOKED_AT);
        Self::photographed(light.fitted(light.whole(), size))
    }

    fn drawn(ink: Grid) -> Self {
        let ink = if is_small(&ink) { ink } else { paper::without_lines(ink) };
        Self { ink, is_photograph: false, uncleaned: None }
    }

    fn photographed(light: Grid) -> Self {
        let [levelled, flat] = [paper::levelled(&light), flat(light)];
        let [ink, unlevelled] = [&levelled, &flat].map(|ink| paper::without_lines(ink.clone()));
        let uncleaned = || {
            let [flat, unlevelled, lined] = [&flat, &unlevelled, &levelled].map(Inked::pictured);
            Some(Arc::new(Uncleaned { flat: flat?, unlevelled: unlevelled?, lined: lined? }))
        };
        Self { uncleaned: uncleaned(), ink, is_photograph: true }
    }

    /// The digits that stand out.
    fn digits(&self) -> Vec<Found> {
        let digits = if is_small(&self.ink) { vec![] } else { paper::digits(&self.ink, self.is_photograph) };
        digits.iter().filter_map(|digit| self.found(digit.bounds, &digit.alone(&self.ink))).collect()
    }

    /// All of the ink as one.
    fn all(&self) -> Option<Found> {
        let found = self.found(self.ink.whole(), &self.ink)?;
        Some(Found { is_everything: !is_small(&self.ink), ..found })
    }

    fn found(&self, bounds: Bounds, ink: &Grid) -> Option<Found> {
        let [width, height] = [ink.width, ink.height].map(|length| length as f32);
        let [left, top, right, bottom] = bounds.map(|at| at as f32);
        let sheet = Sheet { inked: Inked::pictured(ink)?, uncleaned: self.uncleaned.clone() };
        let bounds = [left / width, top / height, right / width, bottom / height];
        Some(Found { bounds, sheet, is_everything: false })
    }
}

/// Whether there is no room for printed lines, or several digits.
fn is_small(grid: &Grid) -> bool {
    grid.width.min(grid.height) < SMALL
}

/// The ink on paper of one tone.
fn flat(light: Grid) -> Grid {
    Grid { coverage: unfaded(ink_over_paper(&light)), ..light }
}

/// Ink as dark as most of it becomes 1: in a small picture hairlines are pale, but where they cross.
fn unfaded(coverage: Vec<f32>) -> Vec<f32> {
    let sum: f32 = coverage.iter().sum();
    let squares: f32 = coverage.iter().map(|ink| ink * ink).sum();
    let most = squares / sum.max(f32::EPSILON);
    coverage.into_iter().map(|ink| (ink / most.max(f32::EPSILON)).min(1.0)).collect()
}

/// Rec. 709 luma from 0 to 1.
fn luminance([r, g, b, _]: [u8; 4]) -> f32 {
    (0.2126 * f32::from(r) + 0.7152 * f32::from(g) + 0.0722 * f32::from(b)) / 255.0
}

/// Where the paper is transparent, opaque pixels are ink of any colour; unless the opaque part is itself a
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

/// Where the paper has one tone: it is the median of the border, and the ink is what lies farthest from it.
fn ink_over_paper(light: &Grid) -> Vec<f32> {
    let paper = paper::median(light.border());
    let light = &light.coverage;
    let darkest = light.iter().copied().fold(1.0, f32::min);
    let lightest = light.iter().copied().fold(0.0, f32::max);
    let ink = if paper - darkest >= lightest - paper { darkest } else { lightest };
    if (ink - paper).abs() < 0.05 {
        return vec![0.0; light.len()];
    }
    light.iter().map(|l| ((l - paper) / (ink - paper)).clamp(0.0, 1.0)).collect()
}
