//! The images that a drawing becomes with other steps, elsewhere, turned and in other sizes: what is asked about, and what
//! came of it, in one order.
use crate::{
    data::drawing::{Framing, Sheet, poses::Pose},
    evaluation::confidence,
    ui::bars::{best, name},
};

/// One of the steps that can be left out.
pub struct Switch {
    pub label: &'static str,
    pub help: &'static str,
    pub of: fn(&mut Framing) -> &mut bool,
}

/// Those that are of photographs alone.
pub const OF_PHOTOGRAPHS: usize = 2;

pub const SWITCHES: [Switch; 6] = [
    Switch {
        label: "Even light",
        help: "Subtracts the paper's own brightness, which shadows, lamps and the edge of a desk change from place to place.",
        of: |framing| &mut framing.level,
    },
    Switch {
        label: "Lines",
        help: "Takes printed lines and boxes away, which run straight across the paper or have something in them, and what belongs to other digits.",
        of: |framing| &mut framing.lines,
    },
    Switch {
        label: "Crop",
        help: "Cuts the empty paper off, so that it does not matter where on the pad you draw, or how large.",
        of: |framing| &mut framing.crop,
    },
    Switch {
        label: "Pen width",
        help: "Makes thin strokes as wide as those of MNIST's pens: a hairline would vanish in 20 pixels.",
        of: |framing| &mut framing.thicken,
    },
    Switch {
        label: "20 × 20 box",
        help: "Scales the longer side to 20 pixels with soft edges, as MNIST's authors did. Without it the ink fills all 28.",
        of: |framing| &mut framing.fit,
    },
    Switch {
        label: "Centre of mass",
        help: "Puts the centre of mass of the ink, not the middle of the box, into the middle of the image.",
        of: |framing| &mut framing.centre,
    },
];

/// Places along each axis that the drawing is moved to.
pub const PLACES: usize = 11;
/// Pixels between two of them.
const PIXELS: f32 = 2.0;
const ROTATIONS: usize = 37;
const SIZES: usize = 21;

/// The pixels of a place, from −10 to 10.
pub fn pixels(place: usize) -> f32 {
    (place as f32 - (PLACES / 2) as f32) * PIXELS
}

/// Degrees from −90 to 90.
pub fn rotations() -> impl Iterator<Item = f32> {
    (0..ROTATIONS).map(|at| at as f32 * 5.0 - 90.0)
}

/// Factors from 0.5 to 1.5.
pub fn sizes() -> impl Iterator<Item = f32> {
    (0..SIZES).map(|at| 0.5 + at as f32 * 0.05)
}

/// All images that are asked about, framed.
pub fn images(sheet: &Sheet, framing: Framing, pose: Pose) -> Vec<Vec<u8>> {
    let framed = |framing| sheet.steps(framing).framed;
    let subject = framed(framing);
    let toggled = SWITCHES.iter().map(|switch| {
        let mut other = framing;
        let on = (switch.of)(&mut other);
        *on = !*on;
        framed(other)
    });
    let places = (0..PLACES * PLACES).map(|at| [pixels(at % PLACES), pixels(at / PLACES)]);
    let poses = places
        .map(|shift| Pose { shift, ..pose })
        .chain(rotations().map(|rotation| Pose { rotation, ..pose }))
        .chain(sizes().map(|size| Pose { size, ..pose }));
    let posed = poses.map(|pose| pose.apply(&subject));
    std::iter::once(subject.clone()).chain(toggled).chain(posed).collect()
}

/// The scores of [`images`], in their order.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    scores: &'a [Vec<f32>],
    pub class_names: &'a [String],
    pub is_calibrated: bool,
}

impl<'a> Reading<'a> {
    /// None where the network is no classifier.
    pub fn new(scores: &'a [Vec<f32>], class_names: &'a [String], is_calibrated: bool) -> Option<Self> {
        let all = 1 + SWITCHES.len() + PLACES * PLACES + ROTATIONS + SIZES;
        let is_whole = scores.len() == all && scores.iter().all(|scores| !scores.is_empty());
        is_whole.then_some(Self { scores, class_names, is_calibrated })
    }

    /// The drawing as it is framed.
    pub fn subject(self) -> &'a [f32] {
        &self.scores[0]
    }

    /// With the other position of a switch.
    pub fn toggled(self, switch: usize) -> &'a [f32] {
        &self.scores[1 + switch]
    }

    /// Row by row.
    pub fn places(self) -> &'a [Vec<f32>] {
        &self.scores[1 + SWITCHES.len()..][..PLACES * PLACES]
    }

    pub fn rotations(self) -> &'a [Vec<f32>] {
        &self.scores[1 + SWITCHES.len() + PLACES * PLACES..][..ROTATIONS]
    }

    pub fn sizes(self) -> &'a [Vec<f32>] {
        &self.scores[self.scores.len() - SIZES..]
    }
}

/// "7 · 98 %".
pub fn said(scores: &[f32], class_names: &[String]) -> String {
    let (class, probability) = best(scores);
    format!("{} · {}", name(class_names, class), confidence(probability.into(), 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::drawing::Drawing;

    #[test]
    fn scores_are_found_where_their_images_were() {
        let strokes = vec![vec![[0.2, 0.2], [0.7, 0.2], [0.45, 0.9]]];
        let sheet = Drawing { strokes, pen_width: 0.03 }.sheet().unwrap();
        let pose = Pose { rotation: 10.0, size: 0.8, ..Pose::default() };
        let images = images(&sheet, Framing::default(), pose);
        // Each image is its own score, so to speak.
        let scores: Vec<Vec<f32>> =
            images.iter().map(|image| image.iter().map(|v| f32::from(*v)).collect()).collect();
        let reading = Reading::new(&scores, &[], false).unwrap();
        let same = |scores: &[f32], image: Vec<u8>| scores.iter().zip(image).all(|(a, b)| *a == f32::from(b));
        let framed = sheet.frame();
        assert!(same(reading.subject(), framed.clone()));
        let uncropped = Framing { crop: false, ..Framing::default() };
        assert!(same(reading.toggled(OF_PHOTOGRAPHS), sheet.steps(uncropped).framed));
        assert!(same(&reading.places()[PLACES * PLACES / 2], pose.apply(&framed)));
        let moved = Pose { shift: [10.0, -10.0], ..pose };
        assert!(same(&reading.places()[PLACES - 1], moved.apply(&framed)));
        let at = rotations().position(|rotation| rotation == 45.0).unwrap();
        assert!(same(&reading.rotations()[at], Pose { rotation: 45.0, ..pose }.apply(&framed)));
        assert!(same(&reading.sizes()[0], Pose { size: 0.5, ..pose }.apply(&framed)));
        assert!(Reading::new(&scores[1..], &[], false).is_none());
        let names = ["cat", "dog", "owl"].map(String::from);
        assert_eq!(said(&[0.1, 0.7, 0.2], &names), "dog · 70 %");
    }
}
