//! Whether the images of a data set are drawings, framed as the pad frames them.
use super::SIDE;
use crate::{
    data::Examples,
    shape::{ImageShape, Shape},
};

/// Images that are looked at.
const LOOKED_AT: usize = 200;
/// The share of them that has to look like a drawing: 98 of 100 of MNIST's do.
const SHARE: f64 = 0.9;
/// The brightest paper, and the darkest that is ink for sure.
const PAPER: u8 = 32;
const INK: u8 = 128;

/// The shape of a drawing that was framed.
pub const SHAPE: Shape = Shape::Image(ImageShape::new(SIDE, SIDE, 1));

/// Whether images of this shape are drawings of 28 by 28, bright ink on black paper that does not reach the border. A picture
/// is framed like a drawing for a network that learns from such images alone. Images that cannot be read are none.
pub fn are_drawings(images: &Examples, shape: Shape) -> bool {
    if shape != SHAPE || images.is_empty() {
        return false;
    }
    let chosen: Vec<usize> = (0..images.len()).step_by(images.len().div_ceil(LOOKED_AT)).collect();
    let Ok(pixels) = images.bytes(&chosen) else { return false };
    let drawings = pixels.chunks_exact(SIDE * SIDE).filter(|image| is_drawing(image)).count();
    drawings as f64 >= SHARE * chosen.len() as f64
}

fn is_drawing(image: &[u8]) -> bool {
    let is_paper = |value: &u8| *value <= PAPER;
    let rows = || image.chunks_exact(SIDE);
    let is_border_free = rows().next().is_some_and(|row| row.iter().all(is_paper))
        && rows().next_back().is_some_and(|row| row.iter().all(is_paper))
        && rows().all(|row| is_paper(&row[0]) && is_paper(&row[SIDE - 1]));
    let paper = image.iter().filter(|value| is_paper(value)).count();
    is_border_free && 2 * paper > image.len() && image.iter().any(|value| *value >= INK)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Images with a square of ink in the middle, so many pixels from the border.
    fn squares(margin: usize, count: usize) -> Examples {
        let inside = |at: usize| (margin..SIDE - margin).contains(&at);
        let one = (0..SIDE * SIDE).map(|at| if inside(at / SIDE) && inside(at % SIDE) { 255 } else { 0 });
        let one: Vec<u8> = one.collect();
        Examples::images(one.repeat(count), vec![0; count])
    }

    #[test]
    fn drawings_leave_their_border_free_and_are_of_one_size() {
        let drawn = SHAPE;
        assert!(are_drawings(&squares(6, 1000), drawn));
        assert!(!are_drawings(&squares(0, 10), drawn), "clothes fill their images");
        assert!(!are_drawings(&squares(2, 10), drawn), "most of it is ink");
        assert!(!are_drawings(&squares(6, 10), ImageShape::new(14, 56, 1).into()));
        assert!(!are_drawings(&Examples::images(vec![], vec![]), drawn));
        let mut some = squares(6, 7);
        some = Examples::images(
            [some.bytes(&[0, 1, 2, 3, 4, 5, 6]).unwrap(), vec![90; SIDE * SIDE]].concat(),
            vec![0; 8],
        );
        assert!(!are_drawings(&some, drawn), "one of eight is a photograph");
    }
}
