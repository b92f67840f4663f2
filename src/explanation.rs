//! Attributions: how much each pixel of an image speaks for or against a class, and their colours.
use crate::shape::ImageShape;

mod parts;
pub use parts::{Part, Third, Without, parts};

/// What every method found in one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// What each label stands for.
    pub class_names: Vec<String>,
    /// What is explained is the logit of this class,
    pub class: u16,
    /// less that of this one, where there is one.
    pub instead_of: Option<u16>,
    /// The class that the network takes the image for.
    pub predicted: u16,
    /// Height, width and channels.
    pub shape: ImageShape,
    /// Row by row, 255 for ink.
    pub pixels: Vec<u8>,
    /// What is explained, of the image and of an empty one.
    pub output: f32,
    /// The same for an empty image.
    pub empty_output: f32,
    /// What the network makes of the image without each part of what is drawn.
    pub without: Vec<Without>,
    /// Those that are done so far, in the order of their registry.
    pub attributions: Vec<Attribution>,
}

/// How much each pixel speaks for the class, by one method.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    /// The method's identifier.
    pub id: &'static str,
    /// The method's name.
    pub label: &'static str,
    /// One sentence on how it is computed.
    pub help: &'static str,
    /// One number a pixel, row by row: above 0 it speaks for the class, below 0 against it. None where the network has
    /// nothing that the method looks at.
    pub values: Option<Vec<f32>>,
}

/// Pixels that are brighter are ink.
const INK: u8 = 25;
/// What is nearer to ink than this share of the longer side belongs to it: feature maps are coarse.
const BESIDE: f32 = 1.0 / 14.0;

/// Quantile of the absolute values that gets the strongest colour; larger values are clipped.
const SHOWN_APART: f64 = 0.99;

impl Attribution {
    /// The value that has the strongest colour; 0 where nothing speaks either way.
    pub fn scale(&self) -> f32 {
        let mut sizes: Vec<f32> = self.numbers().iter().map(|value| value.abs()).collect();
        sizes.retain(|size| *size > 0.0 && size.is_finite());
        sizes.sort_unstable_by(f32::total_cmp);
        let at = (sizes.len() as f64 * SHOWN_APART) as usize;
        sizes.get(at.min(sizes.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    /// What all pixels say together, for the class and against it: the sums of the positive and of the negative values.
    pub fn sums(&self) -> [f32; 2] {
        let sum = |sign: f32| self.numbers().iter().map(|value| (value * sign).max(0.0)).sum::<f32>() * sign;
        [sum(1.0), sum(-1.0)]
    }

    fn numbers(&self) -> &[f32] {
        self.values.as_deref().unwrap_or_default()
    }
}

impl Explanation {
    /// The name of a class; "?" where it has none.
    pub fn class_name(&self, class: u16) -> &str {
        self.class_names.get(usize::from(class)).map_or("?", String::as_str)
    }

    /// "7" or "7 instead of 1".
    pub fn subject(&self) -> String {
        let class = self.class_name(self.class);
        self.instead_of.map_or(class.into(), |other| format!("{class} instead of {}", self.class_name(other)))
    }

    /// The part of what is drawn that the class loses most without; none where it loses nothing without any of them.
    pub fn strongest_part(&self) -> Option<&Without> {
        let least = self.without.iter().min_by(|a, b| a.output.total_cmp(&b.output));
        least.filter(|without| without.output < self.output)
    }

    /// The share of what speaks for the class that lies on bare paper, away from any ink. None where nothing speaks for it, or
    /// the image has colours.
    pub fn on_paper(&self, attribution: &Attribution) -> Option<f32> {
        let [all, _] = attribution.sums();
        if self.shape.channels != 1 || all.is_nan() || all <= 0.0 {
            return None;
        }
        let near = beside_ink(self.shape, &self.pixels);
        let far = attribution.numbers().iter().zip(near).filter(|(_, near)| !near);
        Some(far.map(|(value, _)| value.max(0.0)).sum::<f32>() / all)
    }

    /// The image in dim greys with an attribution over it: red, green and blue, pixel by pixel.
    pub fn paint(&self, attribution: &Attribution) -> Vec<u8> {
        let scale = attribution.scale().max(f32::MIN_POSITIVE);
        let pixels = self.pixels.chunks_exact(self.shape.channels.max(1));
        let paint = |(pixel, value): (&[u8], &f32)| {
            let brightness = pixel.iter().map(|byte| f32::from(*byte)).sum::<f32>() / pixel.len() as f32;
            colour(brightness / 255.0, value / scale)
        };
        pixels.zip(attribution.numbers()).flat_map(paint).collect()
    }
}

/// Of each pixel, whether there is ink in the square around it.
fn beside_ink(ImageShape { height, width, .. }: ImageShape, pixels: &[u8]) -> Vec<bool> {
    let reach = (height.max(width) as f32 * BESIDE) as usize;
    let around = |at: usize, length: usize| at.saturating_sub(reach)..(at + reach + 1).min(length);
    let places = || (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
    let in_row = |(y, x): (usize, usize)| around(x, width).any(|x| pixels[y * width + x] > INK);
    let in_row: Vec<bool> = places().map(in_row).collect();
    places().map(|(y, x)| around(y, height).any(|y| in_row[y * width + x])).collect()
}

/// The colour of a pixel of some brightness (0 to 1) that speaks for a class (1) or against it (−1): grey, orange or blue,
/// which colour-blind eyes tell apart too (Okabe and Ito).
pub fn colour(brightness: f32, value: f32) -> [u8; 3] {
    const FOR: [f32; 3] = [255.0, 170.0, 20.0];
    const AGAINST: [f32; 3] = [70.0, 150.0, 255.0];
    /// The greys stay dim, so that colours stand out from them.
    const DIM: f32 = 0.45;
    let (hue, strength) = (if value < 0.0 { AGAINST } else { FOR }, value.abs().min(1.0));
    let grey = brightness.clamp(0.0, 1.0) * 255.0 * DIM;
    hue.map(|hue| (grey + (hue - grey) * strength) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribution(values: &[f32]) -> Attribution {
        Attribution { id: "a", label: "A", help: "", values: Some(values.to_vec()) }
    }

    #[test]
    fn one_outlier_does_not_set_the_scale() {
        let mut values = vec![0.0; 500];
        values[..200].fill(-2.0);
        values[7] = 90.0;
        assert_eq!(attribution(&values).scale(), 2.0);
        assert_eq!(attribution(&[0.0, -0.5]).scale(), 0.5);
        assert_eq!(attribution(&[0.0, f32::NAN]).scale(), 0.0);
        assert_eq!(Attribution { values: None, ..attribution(&[]) }.scale(), 0.0);
        assert_eq!(attribution(&[1.0, -3.0, 0.5]).sums(), [1.5, -3.0]);
    }

    #[test]
    fn colours_tell_for_from_against() {
        let explanation = Explanation {
            class_names: vec!["one".into(), "two".into()],
            class: 1,
            instead_of: Some(0),
            predicted: 1,
            shape: ImageShape::new(1, 3, 1),
            pixels: vec![0, 255, 255],
            output: 0.0,
            empty_output: 0.0,
            without: vec![],
            attributions: vec![],
        };
        let painted = explanation.paint(&attribution(&[0.0, 4.0, -2.0]));
        assert_eq!((&painted[..3], &painted[3..6]), (&[0, 0, 0][..], &[255, 170, 20][..]));
        assert!(painted[8] > painted[6] && painted[8] < 255, "{painted:?}");
        assert_eq!(explanation.subject(), "two instead of one");
    }

    #[test]
    fn what_lies_far_from_ink_lies_on_paper() {
        let mut explanation = Explanation {
            class_names: vec!["one".into(), "two".into()],
            class: 1,
            instead_of: None,
            predicted: 1,
            shape: ImageShape::new(1, 28, 1),
            pixels: vec![0; 28],
            output: 3.0,
            empty_output: 0.0,
            without: vec![],
            attributions: vec![],
        };
        explanation.pixels[5] = 200;
        // Beside the ink, two pixels from it, three pixels from it, and against the class.
        let mut values = vec![0.0; 28];
        (values[6], values[7], values[8], values[20]) = (1.0, 2.0, 1.0, -9.0);
        assert_eq!(explanation.on_paper(&attribution(&values)), Some(0.25));
        assert_eq!(explanation.on_paper(&attribution(&[-1.0; 28])), None);
        explanation.pixels.fill(0);
        assert_eq!(explanation.on_paper(&attribution(&values)), Some(1.0));
        let part = Part { row: None, column: Some(Third::First), rows: 0..1, columns: 0..9 };
        let without = |output| Without { part: part.clone(), predicted: 0, output };
        explanation.without = vec![without(2.0), without(-1.0), without(5.0)];
        assert_eq!(explanation.strongest_part().map(|part| part.output), Some(-1.0));
        explanation.without = vec![without(3.0), without(5.0)];
        assert_eq!(explanation.strongest_part(), None, "no part speaks for it");
    }
}
