//! A photograph of a sheet of paper with digits on it, pixel by pixel.
//!
//! Places on paper are in units of the picture's shorter side, from its middle, x to the right and y downwards.
use crate::ink::Ink;
use anyhow::Result;
use image::{ImageEncoder as _, Rgb, RgbImage, codecs::jpeg::JpegEncoder};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

/// What a camera sees, and how.
pub struct Photograph<'a> {
    /// Width and height in pixels.
    pub size: [u32; 2],
    pub camera: Camera,
    pub digits: Vec<Placed<'a>>,
    /// From -1, thin, to 1, thick.
    pub pen: f32,
    pub ink: Colour,
    pub paper: Colour,
    pub print: Option<Print>,
    /// Boxes printed around the digits, each a middle and half a side.
    pub boxes: Vec<([f32; 2], f32)>,
    /// The paper ends where `normal · place` exceeds a distance; a desk lies behind it.
    pub edges: Vec<([f32; 2], f32)>,
    pub desk: Colour,
    pub light: Light,
    /// The standard deviation of the sensor's noise, of 1 for white.
    pub noise: f32,
}

/// Red, green and blue, from 0 to 1.
pub type Colour = [f32; 3];

/// A digit on paper.
pub struct Placed<'a> {
    pub digit: &'a Ink,
    pub middle: [f32; 2],
    /// The longer side of its ink.
    pub size: f32,
}

/// Where the paper lies before the camera: a turn, and how much farther away it is to the right and below.
#[derive(Clone, Copy)]
pub struct Camera {
    pub turn: f32,
    pub tilt: [f32; 2],
}

/// Lines that are printed on paper: across it, and down it where it is squared.
pub struct Print {
    pub spacing: f32,
    pub width: f32,
    pub is_squared: bool,
    /// Where a line lies, as a share of the spacing.
    pub start: [f32; 2],
    pub colour: Colour,
}

/// How brightly the paper is lit.
pub struct Light {
    /// How much darker it is at one side than at the other, and the direction of that.
    pub slope: f32,
    pub direction: [f32; 2],
    /// How much darker the corners are.
    pub vignette: f32,
    pub shadow: Option<Shadow>,
}

/// What lies in shadow: where `normal · place` exceeds a distance.
pub struct Shadow {
    pub normal: [f32; 2],
    pub distance: f32,
    /// The share of the light that is missing.
    pub depth: f32,
    /// The width of its soft edge.
    pub softness: f32,
}

impl Photograph<'_> {
    /// The picture as a JPEG file of quality 40. `noise` are the random numbers of the sensor.
    pub fn jpeg(&self, mut noise: ChaCha8Rng) -> Result<Vec<u8>> {
        let [width, height] = self.size;
        let squares: Vec<[f32; 3]> = self.digits.iter().map(|placed| placed.digit.square()).collect();
        let middle = [width as f32 / 2.0, height as f32 / 2.0];
        let short = width.min(height) as f32;
        let picture = RgbImage::from_fn(width, height, |x, y| {
            let seen = [(x as f32 + 0.5 - middle[0]) / short, (y as f32 + 0.5 - middle[1]) / short];
            let place = self.camera.on_paper(seen);
            let light = self.light.at(seen, place);
            let grain = gaussian(&mut noise) * self.noise;
            Rgb(self.colour(place, &squares).map(|part| ((part * light + grain) * 255.0).round() as u8))
        });
        let mut file = vec![];
        JpegEncoder::new_with_quality(&mut file, 40).write_image(
            &picture,
            width,
            height,
            image::ExtendedColorType::Rgb8,
        )?;
        Ok(file)
    }

    fn colour(&self, place: [f32; 2], squares: &[[f32; 3]]) -> Colour {
        if self.edges.iter().any(|(normal, distance)| dot(*normal, place) > *distance) {
            let grain = 0.06 * ((place[0] * 9.0 + place[1] * 160.0).sin() + (place[1] * 47.0).sin());
            return self.desk.map(|part| part * (1.0 + grain));
        }
        let printed =
            self.print.as_ref().map_or(self.paper, |print| mixed(self.paper, print.colour, print.at(place)));
        let boxed =
            mixed(printed, [0.25; 3], self.boxes.iter().map(|one| outline(one, place)).fold(0.0, f32::max));
        let covered =
            self.digits.iter().zip(squares).map(|(placed, square)| placed.at(place, *square, self.pen));
        mixed(boxed, self.ink, covered.fold(0.0, f32::max))
    }
}

impl Placed<'_> {
    fn at(&self, place: [f32; 2], square: [f32; 3], pen: f32) -> f32 {
        let within = [0, 1].map(|axis| (place[axis] - self.middle[axis]) / self.size + 0.5);
        let is_near = within.iter().all(|at| (-0.2..1.2).contains(at));
        if is_near { self.digit.at(within, square, pen) } else { 0.0 }
    }
}

impl Camera {
    /// The place on paper that is seen at a place in the picture.
    pub fn on_paper(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let away = 1.0 + self.tilt[0] * x + self.tilt[1] * y;
        let (sin, cos) = self.turn.sin_cos();
        [(cos * x - sin * y) / away, (sin * x + cos * y) / away]
    }
}

impl Print {
    fn at(&self, place: [f32; 2]) -> f32 {
        let line = |axis: usize| {
            let share = (place[axis] / self.spacing + self.start[axis]).rem_euclid(1.0);
            let off = share.min(1.0 - share) * self.spacing;
            (1.5 - off / (self.width / 2.0)).clamp(0.0, 1.0)
        };
        if self.is_squared { line(0).max(line(1)) } else { line(1) }
    }
}

impl Light {
    fn at(&self, seen: [f32; 2], place: [f32; 2]) -> f32 {
        let slope = 1.0 + self.slope * dot(self.direction, seen);
        let corner = 1.0 - self.vignette * dot(seen, seen);
        let shadow = self.shadow.as_ref().map_or(1.0, |shadow| {
            let inside = (dot(shadow.normal, place) - shadow.distance) / shadow.softness + 0.5;
            1.0 - shadow.depth * inside.clamp(0.0, 1.0)
        });
        slope * corner.max(0.05) * shadow
    }
}

/// The outline of a square, drawn with a line of a fortieth of its side.
fn outline((middle, half): &([f32; 2], f32), place: [f32; 2]) -> f32 {
    let off = [0, 1].map(|axis| (place[axis] - middle[axis]).abs());
    let from_edge = (off[0].max(off[1]) - half).abs();
    (1.5 - from_edge / (half / 40.0)).clamp(0.0, 1.0)
}

fn mixed(under: Colour, over: Colour, share: f32) -> Colour {
    [0, 1, 2].map(|part| under[part] + (over[part] - under[part]) * share)
}

fn dot(a: [f32; 2], b: [f32; 2]) -> f32 {
    a[0] * b[0] + a[1] * b[1]
}

/// About normally distributed, with a standard deviation of 1: the sum of four bytes.
fn gaussian(numbers: &mut ChaCha8Rng) -> f32 {
    let sum: u32 = numbers.next_u32().to_le_bytes().iter().map(|byte| u32::from(*byte)).sum();
    (sum as f32 - 510.0) / 147.8
}
