//! Ink on photographed paper: shadows, desks, printed lines and boxes are told from it, and several digits from each other.
use super::grid::Grid;
pub use apart::digits;
pub use level::ink as levelled;
pub use lines::removed as without_lines;

mod apart;
mod level;
mod lines;
mod raster;

/// Tones of a border that differ by less from its median are of the same paper.
const TONE: f32 = 0.02;

/// Whether luminances are those of a photograph, and not of a drawing on paper of one tone: its border has many tones.
pub fn is_photographed(light: &Grid) -> bool {
    let border = light.border();
    let paper = median(border.clone());
    let other = border.iter().filter(|tone| (*tone - paper).abs() > TONE).count();
    4 * other > border.len()
}

/// The value in the middle.
pub fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
