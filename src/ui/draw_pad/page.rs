//! What is on the pad.
use super::pen::Mark;
use crate::{
    data::drawing::{Drawing, Sheet},
    sample::Image,
};
use egui::emath::RectTransform;

/// What is drawn, or the picture that was opened instead.
#[derive(Clone, Default)]
pub struct Page {
    pub drawing: Drawing,
    pub opened: Option<Opened>,
}

/// A picture on the pad.
#[derive(Clone)]
pub struct Opened {
    pub picture: Image,
    /// The ink on it, where there is any.
    pub sheet: Option<Sheet>,
    /// How many digits are on it, of which the first is read.
    pub digits: usize,
    /// Its ink is framed, so that the network sees a drawing, and not the picture as it is.
    pub as_drawing: bool,
    /// It was framed before.
    pub is_framed: bool,
    /// What the data set calls it that it was taken from.
    pub class: Option<String>,
}

impl Page {
    pub fn is_blank(&self) -> bool {
        self.opened.is_none() && self.drawing.strokes.is_empty()
    }

    /// Inks what the pen did; says whether there is more ink than before.
    pub fn ink(&mut self, mark: Mark, to_unit: RectTransform) -> bool {
        let (Mark::Press(at) | Mark::Return(at) | Mark::Draw(at)) = mark;
        let point: [f32; 2] = to_unit.transform_pos_clamped(at).into();
        let strokes = &mut self.drawing.strokes;
        match (mark, strokes.last_mut()) {
            (Mark::Draw(_), Some(stroke)) if stroke.last() == Some(&point) => return false,
            (Mark::Draw(_), Some(stroke)) => stroke.push(point),
            _ => strokes.push(vec![point]),
        }
        true
    }
}
