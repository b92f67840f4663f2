//! The steps from paper to framed image, one by one.
use super::{BOX, SIDE, Sheet, grid::Grid};

/// The width of MNIST's strokes in pixels of the box, by their area and outline: their median. They were written with pens
/// and pencils; a hairline drawn with a mouse would vanish in 20 pixels.
const PEN: f32 = 2.3;

/// Which of the steps are taken: all of them, unless one wants to see what each is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// A photograph's own brightness, which shadows and lamps change from place to place, is subtracted.
    pub level: bool,
    /// Printed lines and boxes on a photograph are taken away.
    pub lines: bool,
    /// The paper about the ink is cut off.
    pub crop: bool,
    /// Strokes are made no thinner than MNIST's pens.
    pub thicken: bool,
    /// The longer side becomes 20 pixels, not 28, with edges that are softened a little.
    pub fit: bool,
    /// The centre of mass comes into the middle, not the middle of the box.
    pub centre: bool,
}

impl Default for Framing {
    fn default() -> Self {
        Self { level: true, lines: true, crop: true, thicken: true, fit: true, centre: true }
    }
}

/// What paper looks like after each step.
#[derive(Clone, Debug, PartialEq)]
pub struct Steps {
    /// The whole sheet.
    pub paper: Tone,
    /// After the paper's own brightness was subtracted.
    pub levelled: Tone,
    /// After printed lines were taken away.
    pub unlined: Tone,
    /// After cropping to the ink.
    pub cropped: Tone,
    /// After thickening the strokes.
    pub thickened: Tone,
    /// After scaling to the box.
    pub boxed: Tone,
    /// What the network sees: 28 by 28, row by row, 255 for ink.
    pub framed: Vec<u8>,
}

/// A grey image, row by row, 255 for ink.
#[derive(Clone, Debug, PartialEq)]
pub struct Tone {
    /// Pixels in a row.
    pub width: usize,
    /// (height, width).
    pub pixels: Vec<u8>,
}

impl Sheet {
    /// Takes the chosen steps and keeps the result of each.
    pub fn steps(&self, framing: Framing) -> Steps {
        let inked = self.inked(framing.level, framing.lines);
        let cropped = if framing.crop { &inked.close } else { &inked.whole };
        let Framed { thick, boxed, framed } = Framed::new(cropped, framing);
        Steps {
            paper: Tone::new(&self.inked(false, false).whole),
            levelled: Tone::new(&self.inked(framing.level, false).whole),
            unlined: Tone::new(&inked.whole),
            cropped: Tone::new(cropped),
            thickened: Tone::new(&thick),
            boxed: Tone::new(&boxed),
            framed,
        }
    }
}

/// What comes of paper that is cropped, or not.
pub struct Framed {
    thick: Grid,
    boxed: Grid,
    /// 28 by 28, row by row, 255 for ink.
    pub framed: Vec<u8>,
}

impl Framed {
    /// Takes the chosen steps after cropping.
    pub fn new(cropped: &Grid, framing: Framing) -> Self {
        let longest = if framing.fit { BOX } else { SIDE };
        let pen = PEN * cropped.longest() as f32 / longest as f32;
        let (thick, margin) = if framing.thicken { cropped.thickened(pen) } else { (cropped.clone(), 0) };
        // Thicker strokes need more room, unless the paper is to stay as it is.
        let bounds = thick.bounds().filter(|_| framing.crop);
        let paper = [margin, margin, margin + cropped.width, margin + cropped.height];
        let boxed = thick.fitted(bounds.unwrap_or(paper), longest);
        let boxed = if framing.fit { boxed.softened() } else { boxed };
        let middle = if framing.centre { boxed.centre_of_mass() } else { boxed.middle() };
        let framed = boxed.on_square(SIDE, middle);
        Self { thick, boxed, framed }
    }
}

impl Tone {
    fn new(grid: &Grid) -> Self {
        let byte = |coverage: &f32| (coverage * 255.0).round() as u8;
        Self { width: grid.width, pixels: grid.coverage.iter().map(byte).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::drawing::Drawing;

    /// A small hairline L in the upper left corner of the pad.
    fn corner() -> Sheet {
        let stroke = vec![[0.1, 0.1], [0.1, 0.4], [0.3, 0.4]];
        Drawing { strokes: vec![stroke], pen_width: 0.01 }.sheet().unwrap()
    }

    /// Width, height and ink of a framed image.
    fn extent(framed: &[u8]) -> [usize; 3] {
        let is_ink = |x: usize, y: usize| framed[y * SIDE + x] > 64;
        let columns = (0..SIDE).filter(|x| (0..SIDE).any(|y| is_ink(*x, y))).count();
        let rows = (0..SIDE).filter(|y| (0..SIDE).any(|x| is_ink(x, *y))).count();
        [columns, rows, framed.iter().map(|v| usize::from(*v)).sum::<usize>() / 255]
    }

    #[test]
    fn each_step_does_what_its_switch_says() {
        let framed = |framing| corner().steps(framing).framed;
        let all = Framing::default();
        let [width, height, ink] = extent(&framed(all));
        assert!(height == 20 && (13..=15).contains(&width), "{width} × {height}");
        let uncropped = extent(&framed(Framing { crop: false, ..all }));
        assert!(uncropped[1] <= 9 && uncropped[0] <= 7, "{uncropped:?}");
        let thin = extent(&framed(Framing { thicken: false, ..all }));
        assert!(thin[2] * 2 < ink, "{thin:?}, {ink}");
        let filling = extent(&framed(Framing { fit: false, ..all }))[1];
        assert!((21..28).contains(&filling), "what is moved out of 28 rows is cut off: {filling}");
        let off_centre = framed(Framing { centre: false, ..all });
        assert_eq!(extent(&off_centre), [width, height, ink]);
        assert_ne!(off_centre, framed(all));
    }

    #[test]
    fn without_any_step_the_pad_is_only_made_smaller() {
        let none = Framing { crop: false, thicken: false, fit: false, centre: false, ..Framing::default() };
        let steps = corner().steps(none);
        assert_eq!([steps.paper.width, steps.boxed.width], [112, 28]);
        assert_eq!(steps.boxed.pixels, steps.framed);
        assert_eq!((steps.cropped, steps.paper.pixels[0]), (steps.paper, 0));
    }
}
