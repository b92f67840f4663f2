//! Attributions: how much each pixel of an image speaks for or against a class, and their colours.
use crate::shape::ImageShape;

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
            attributions: vec![],
        };
        let painted = explanation.paint(&attribution(&[0.0, 4.0, -2.0]));
        assert_eq!((&painted[..3], &painted[3..6]), (&[0, 0, 0][..], &[255, 170, 20][..]));
        assert!(painted[8] > painted[6] && painted[8] < 255, "{painted:?}");
        assert_eq!(explanation.subject(), "two instead of one");
    }
}
