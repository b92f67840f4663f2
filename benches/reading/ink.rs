//! Digits that people wrote, from data sets that the recipes never see.
use anyhow::{Context as _, Result};
use std::{fs::File, io::Read as _, path::Path};

/// Anything paler is paper.
const PALEST: f32 = 0.35;

/// A digit as it was written, on a square of which it covers any part.
pub struct Ink {
    pub digit: u8,
    pub side: usize,
    /// Row by row, 0 for paper and 1 for ink.
    pub coverage: Vec<f32>,
}

/// The digits of HwD-1000, 28 by 28, and of the test part of USPS, 16 by 16.
pub fn all(data: &Path) -> Result<Vec<Ink>> {
    let mut all = hwd(&data.join("hwd-1000"))?;
    all.extend(usps(&data.join("usps/zip.test-first-half.gz"))?);
    Ok(all)
}

fn hwd(folder: &Path) -> Result<Vec<Ink>> {
    let mut table = csv::Reader::from_path(folder.join("dataset.csv"))?;
    let digit = |row: (String, u8)| {
        let (image, digit) = row;
        let grey = image::open(folder.join(image))?.to_luma8();
        let coverage = grey.pixels().map(|pixel| 1.0 - f32::from(pixel.0[0]) / 255.0).collect();
        Ok(Ink::new(digit, grey.width() as usize, coverage))
    };
    table.deserialize().map(|row| digit(row?)).collect()
}

/// A line for each digit: the digit and 256 values from -1 to 1.
fn usps(path: &Path) -> Result<Vec<Ink>> {
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(File::open(path)?).read_to_string(&mut text)?;
    let digit = |line: &str| {
        let values: Vec<f32> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let (digit, ink) = values.split_first().context("an empty line")?;
        let coverage = ink.iter().map(|value| (value + 1.0) / 2.0).collect();
        Ok(Ink::new(*digit as u8, 16, coverage))
    };
    text.lines().map(digit).collect()
}

impl Ink {
    /// Pale strokes become as dark as the others: each cell in units of the darkest one around it, so that a thin pen
    /// leaves them on paper.
    fn new(digit: u8, side: usize, coverage: Vec<f32>) -> Self {
        let near = |at: usize| at.saturating_sub(1)..(at + 2).min(side);
        let darkest = |place: usize| {
            let (x, y) = (place % side, place / side);
            near(y)
                .flat_map(|y| near(x).map(move |x| y * side + x))
                .map(|at| coverage[at])
                .fold(PALEST, f32::max)
        };
        let coverage = (0..side * side).map(|place| coverage[place] / darkest(place)).collect();
        Self { digit, side, coverage }
    }

    /// The smallest square around the ink: left, top and side, in cells.
    pub fn square(&self) -> [f32; 3] {
        let marked = |x: usize, y: usize| self.coverage[y * self.side + x] > 0.3;
        let all = 0..self.side;
        let rows: Vec<usize> = all.clone().filter(|y| all.clone().any(|x| marked(x, *y))).collect();
        let columns: Vec<usize> = all.clone().filter(|x| all.clone().any(|y| marked(*x, y))).collect();
        let extent = |cells: &[usize]| match cells {
            [first, .., last] => [*first as f32, (last - first + 1) as f32],
            [only] => [*only as f32, 1.0],
            [] => [0.0, self.side as f32],
        };
        let ([left, width], [top, height]) = (extent(&columns), extent(&rows));
        let side = width.max(height);
        [left - (side - width) / 2.0, top - (side - height) / 2.0, side]
    }

    /// How much ink there is at a point of the smallest square around the digit, whose sides are 1, with a pen that is
    /// thicker or thinner than it was (`pen` from -1 to 1).
    pub fn at(&self, [x, y]: [f32; 2], square: [f32; 3], pen: f32) -> f32 {
        let [left, top, side] = square;
        let cell = [left + x * side - 0.5, top + y * side - 0.5];
        // An outline about a fifth of a cell wide.
        ((self.between(cell) - 0.5 + 0.1 * pen) * 5.0 + 0.5).clamp(0.0, 1.0)
    }

    /// Catmull-Rom interpolation between cells.
    fn between(&self, [x, y]: [f32; 2]) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let (across, down) = (weights(x - left), weights(y - top));
        let cell = |dx: usize, dy: usize| {
            let (x, y) = (left as isize + dx as isize - 1, top as isize + dy as isize - 1);
            let is_inside = (0..self.side as isize).contains(&x) && (0..self.side as isize).contains(&y);
            if is_inside { self.coverage[y as usize * self.side + x as usize] } else { 0.0 }
        };
        let row = |dy: usize| (0..4).map(|dx| across[dx] * cell(dx, dy)).sum::<f32>();
        (0..4).map(|dy| down[dy] * row(dy)).sum()
    }
}

/// Of four cells, for a point between the second and the third.
fn weights(t: f32) -> [f32; 4] {
    [
        ((-0.5 * t + 1.0) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((-1.5 * t + 2.0) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    ]
}
