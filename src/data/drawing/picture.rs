//! Ink of any picture.
use super::{Sheet, grid::Grid};
use crate::{data::files::open_picture, errors::At as _};
use anyhow::{Context as _, Result};
use image::DynamicImage;
use std::path::Path;

/// Reads a picture file (PNG, JPEG, WebP, BMP).
///
/// # Errors
/// Where the file cannot be read, is no picture, or holds no ink.
pub fn read(path: &Path) -> Result<Sheet> {
    of(&open_picture(path)?).at(path)
}

/// The ink of a picture.
///
/// # Errors
/// Where there is none.
pub fn of(picture: &DynamicImage) -> Result<Sheet> {
    Sheet::pictured(&ink(picture))
        .context("There is no ink in the picture: draw darker or lighter than the paper")
}

/// Dark on light or light on dark, detected by the border, which is mostly paper. Transparent pixels are paper too.
pub fn ink(picture: &DynamicImage) -> Grid {
    let rgba = picture.to_rgba8();
    let (width, height) = (rgba.width() as usize, rgba.height() as usize);
    let light: Vec<f32> = rgba.pixels().map(|p| luminance(p.0)).collect();
    let alpha: Vec<f32> = rgba.pixels().map(|p| f32::from(p.0[3]) / 255.0).collect();
    let transparent = alpha.iter().filter(|a| **a < 0.5).count() * 20 > alpha.len();
    let coverage =
        if transparent { ink_over_nothing(&light, alpha) } else { ink_over_paper(&light, width, height) };
    Grid { width, height, coverage: unfaded(coverage) }
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
