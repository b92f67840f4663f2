//! Drawings in which no line can be made out: a dot, or a page of ink.
use super::SIDE;

/// Ink counts from this value on.
const INK: u8 = 128;
/// The side of a square of ink, in pixels, from which it is no stroke. Of 12,000 of MNIST's digits 7 have such a square.
const SQUARE: usize = 10;
/// How much ink is too much, in whole pixels. The most of 12,000 of MNIST's digits is 270.
const MOST: f32 = 290.0;

/// Whether a framed drawing is more of a blot than of a digit.
pub fn is_blot(framed: &[u8]) -> bool {
    let mass: f32 = framed.iter().map(|value| f32::from(*value) / 255.0).sum();
    mass > MOST || largest_square(framed) >= SQUARE
}

/// The side of the largest square that is all ink, in pixels.
fn largest_square(framed: &[u8]) -> usize {
    let mut largest = 0;
    // the side of the largest square that ends at each pixel of the row above, after a column of none
    let mut above = [0; SIDE + 1];
    for row in framed.chunks_exact(SIDE) {
        let mut here = [0; SIDE + 1];
        for (x, _) in row.iter().enumerate().filter(|(_, value)| **value >= INK) {
            here[x + 1] = 1 + above[x].min(above[x + 1]).min(here[x]);
            largest = largest.max(here[x + 1]);
        }
        above = here;
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::drawing::Drawing;

    fn framed(strokes: &[&[[f32; 2]]], pen_width: f32) -> Vec<u8> {
        let strokes = strokes.iter().map(|stroke| stroke.to_vec()).collect();
        Drawing { strokes, pen_width }.sheet().unwrap().frame()
    }

    #[test]
    fn dots_and_pages_of_ink_are_blots() {
        assert!(is_blot(&framed(&[&[[0.5, 0.5]]], 0.08)), "a dot");
        assert!(is_blot(&framed(&[&[[0.5, 0.5], [0.52, 0.51]]], 0.1)), "a pen that hardly moved");
        let page: Vec<[f32; 2]> = (0..40)
            .map(|line| [if line % 2 == 0 { 0.05 } else { 0.95 }, 0.05 + 0.0225 * line as f32])
            .collect();
        assert!(is_blot(&framed(&[&page], 0.08)), "a page of ink");
    }

    #[test]
    fn digits_are_not() {
        let one: &[[f32; 2]] = &[[0.5, 0.1], [0.5, 0.9]];
        let seven: &[[f32; 2]] = &[[0.2, 0.1], [0.8, 0.1], [0.4, 0.9]];
        let circle: Vec<[f32; 2]> = (0..=24)
            .map(|turn| (turn as f32 / 24.0 * std::f32::consts::TAU).sin_cos())
            .map(|(sin, cos)| [0.5 + 0.25 * cos, 0.5 + 0.4 * sin])
            .collect();
        for pen in [0.03, 0.08, 0.16] {
            for digit in [one, seven, &circle] {
                assert!(!is_blot(&framed(&[digit], pen)), "{digit:?} with a pen of {pen}");
            }
        }
    }
}
