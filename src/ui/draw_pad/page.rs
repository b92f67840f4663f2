//! What is on the pad.
use super::pen::Mark;
use crate::{
    data::drawing::{Drawing, Found, Sheet},
    sample::{Image, Sample},
};
use egui::emath::RectTransform;
use std::sync::Arc;

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
    /// A number of its own.
    pub number: u64,
    /// The digits on it, in the order in which they are read; none where there is no ink.
    pub digits: Vec<Found>,
    /// The one that the bars and the views are about.
    pub at: usize,
    /// Its ink is framed, so that the network sees a drawing, and not the picture as it is.
    pub as_drawing: bool,
    /// It was framed before.
    pub is_framed: bool,
    /// What the data set calls it that it was taken from.
    pub class: Option<String>,
}

impl Opened {
    /// The ink of the digit that the bars and the views are about.
    pub fn sheet(&self) -> Option<&Sheet> {
        self.digits.get(self.at).map(|digit| &digit.sheet)
    }

    /// What may be wrong about reading its digit.
    pub fn remark(&self) -> Option<&'static str> {
        self.digits.get(self.at).filter(|_| self.as_drawing && !self.is_framed)?.remark()
    }

    /// Whether it is read as several digits, one after another.
    pub fn has_several(&self) -> bool {
        self.as_drawing && self.digits.len() > 1
    }

    /// All of its digits, as a network sees them.
    pub fn samples(&self) -> Arc<Vec<Sample>> {
        let framed = self.digits.iter().map(|digit| Image::drawing(digit.sheet.frame()).into());
        Arc::new(framed.collect())
    }
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
