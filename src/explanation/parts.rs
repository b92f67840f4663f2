//! Parts of what is drawn, and what a network makes of the image without each of them.
use crate::shape::ImageShape;
use std::ops::Range;

/// One of three parts of an axis, which runs down or to the right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Third {
    /// Above, or left.
    First,
    /// Between them.
    Middle,
    /// Below, or right.
    Last,
}

/// A part of what is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Where it lies in what is drawn, from the top; none where that is too flat to be divided.
    pub row: Option<Third>,
    /// The same from the left; none where that is too narrow.
    pub column: Option<Third>,
    /// Its pixels.
    pub rows: Range<usize>,
    /// Its pixels.
    pub columns: Range<usize>,
}

/// What a network makes of the image once a part of it is covered.
#[derive(Clone, Debug, PartialEq)]
pub struct Without {
    /// What is covered.
    pub part: Part,
    /// The class that the network takes the rest for.
    pub predicted: u16,
    /// What is explained, of the rest.
    pub output: f32,
}

impl Third {
    /// All of them, in order.
    pub const ALL: [Third; 3] = [Third::First, Third::Middle, Third::Last];

    /// In which third of a length a place lies; none where there is nothing to divide.
    pub fn of(at: usize, length: usize) -> Option<Self> {
        (length > 1).then(|| Self::ALL[(at * 3 / length).min(2)])
    }
}

/// What is drawn, that is, the box around all pixels that are not 0, in up to nine parts; none of an empty image. A side that
/// is shorter than half the other one is not divided.
pub fn parts(ImageShape { height, width, channels }: ImageShape, pixels: &[u8]) -> Vec<Part> {
    let row = width * channels;
    let is_drawn = |row: &[u8]| row.iter().any(|byte| *byte > 0);
    let column_is_drawn =
        |column: usize| (0..height).any(|y| is_drawn(&pixels[y * row + column * channels..][..channels]));
    let rows = drawn(height, |y| is_drawn(&pixels[y * row..][..row]));
    let columns = drawn(width, column_is_drawn);
    let (down, across) = (thirds(&rows, columns.len()), thirds(&columns, rows.len()));
    let part = |(row, rows): &(Option<Third>, Range<usize>)| {
        let rows = rows.clone();
        let part = move |(column, columns): (Option<Third>, Range<usize>)| Part {
            row: *row,
            column,
            rows: rows.clone(),
            columns,
        };
        across.iter().cloned().map(part).collect::<Vec<_>>()
    };
    let parts = down.iter().flat_map(part);
    parts.filter(|part| !part.rows.is_empty() && !part.columns.is_empty()).collect()
}

/// From the first to the last of `length` lines in which there is something.
fn drawn(length: usize, is_drawn: impl Fn(usize) -> bool) -> Range<usize> {
    let first = (0..length).find(|at| is_drawn(*at)).unwrap_or(length);
    let last = (first..length).rfind(|at| is_drawn(*at)).map_or(first, |last| last + 1);
    first..last
}

/// The parts of a side, beside which the other one is so long.
fn thirds(side: &Range<usize>, other: usize) -> Vec<(Option<Third>, Range<usize>)> {
    if side.len() < 3 || side.len() * 2 < other {
        return vec![(None, side.clone())];
    }
    let at = |part: usize| side.start + side.len() * part / 3;
    (0..3).map(|part| (Some(Third::ALL[part]), at(part)..at(part + 1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image of a height and a width, with ink from the first to the last of some rows and columns.
    fn image([height, width]: [usize; 2], rows: Range<usize>, columns: Range<usize>) -> Vec<Part> {
        let ink = |at: usize| u8::from(rows.contains(&(at / width)) && columns.contains(&(at % width)));
        parts(ImageShape::new(height, width, 1), &(0..height * width).map(ink).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_drawn_has_nine_parts_which_cover_it() {
        let found = image([28, 28], 4..24, 5..19);
        assert_eq!(found.len(), 9);
        let all: usize = found.iter().map(|part| part.rows.len() * part.columns.len()).sum();
        assert_eq!(all, 20 * 14);
        let last = Part { row: Some(Third::Last), column: Some(Third::Last), rows: 17..24, columns: 14..19 };
        assert_eq!(found[8], last);
        assert_eq!((found[1].row, found[1].column), (Some(Third::First), Some(Third::Middle)));
    }

    #[test]
    fn a_one_has_no_left_part_and_an_empty_image_none_at_all() {
        let found = image([28, 28], 4..24, 12..16);
        let places: Vec<_> = found.iter().map(|part| (part.row, part.column)).collect();
        assert_eq!(places, Third::ALL.map(|third| (Some(third), None)));
        assert!(image([28, 28], 4..4, 0..28).is_empty());
        let dot = Part { row: None, column: None, rows: 3..4, columns: 7..8 };
        assert_eq!(image([28, 28], 3..4, 7..8), [dot]);
    }

    #[test]
    fn pixels_of_colours_belong_together() {
        let shape = ImageShape::new(1, 3, 3);
        let found = parts(shape, &[0, 0, 0, 0, 9, 0, 0, 0, 0]);
        assert!(found.len() == 1 && found[0].columns == (1..2), "{found:?}");
    }

    #[test]
    fn a_place_lies_in_a_third() {
        let places: Vec<_> = (0..7).map(|at| Third::of(at, 7).unwrap()).collect();
        assert_eq!(places.iter().filter(|third| **third == Third::First).count(), 3);
        assert_eq!((places[0], places[3], places[6]), (Third::First, Third::Middle, Third::Last));
        assert_eq!(Third::of(0, 1), None);
    }
}
