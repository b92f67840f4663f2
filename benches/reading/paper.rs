//! Digits on photographed paper: under shadows, on ruled, squared and boxed paper, seen from aside, and two at a time.
use crate::{
    asking::{Asked, Reader},
    ink::{self, Ink},
    photograph::{Camera, Colour, Light, Photograph, Placed, Print, Shadow},
};
use anyhow::Result;
use headstart::rng::rng;
use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Of all pictures.
const SEED: u64 = 16;
/// Pictures of each kind.
const PICTURES: u64 = 60;
/// Width and height in pixels, as telephones take pictures or send them; half of them lie on their side.
const SIZES: [[u32; 2]; 6] = [[480, 640], [768, 1024], [720, 1280], [1080, 1440], [1200, 1600], [2268, 4032]];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Plain,
    Shadow,
    Vignette,
    Ruled,
    Squared,
    Boxed,
    Perspective,
    Desk,
    Two,
}

const KINDS: [Kind; 9] = [
    Kind::Plain,
    Kind::Shadow,
    Kind::Vignette,
    Kind::Ruled,
    Kind::Squared,
    Kind::Boxed,
    Kind::Perspective,
    Kind::Desk,
    Kind::Two,
];

/// Makes the pictures in a folder, has a run read them, and says how many it read right, by kind.
pub fn measure(reader: &Reader, data: &Path, folder: &Path) -> Result<()> {
    let inks = ink::all(data)?;
    let mut sure = Asked::default();
    for kind in KINDS {
        let made: Vec<(PathBuf, String)> = (0..PICTURES)
            .into_par_iter()
            .map(|index| make(kind, index, &inks, folder))
            .collect::<Result<_>>()?;
        let asked = reader.ask(&made)?;
        println!("paper, {:12} {asked}", format!("{kind:?}").to_lowercase());
        sure.add(&asked);
    }
    println!("paper, all          {sure}");
    Ok(())
}

/// A picture's file and the digits on it.
fn make(kind: Kind, index: u64, inks: &[Ink], folder: &Path) -> Result<(PathBuf, String)> {
    let mut numbers = rng(SEED, &format!("paper {kind:?}"), index);
    let photograph = photograph(kind, index, inks, &mut numbers);
    let digits: String = photograph.digits.iter().map(|placed| placed.digit.digit.to_string()).collect();
    let path = folder.join(format!("{kind:?}-{index:02}-{digits}.jpg").to_lowercase());
    std::fs::write(&path, photograph.jpeg(ChaCha8Rng::from_rng(&mut numbers))?)?;
    Ok((path, digits))
}

fn photograph<'a>(kind: Kind, index: u64, inks: &'a [Ink], numbers: &mut impl Rng) -> Photograph<'a> {
    let is_wide = index / SIZES.len() as u64 % 2 == 1;
    let [width, height] = SIZES[index as usize % SIZES.len()];
    let digits = placed(kind, inks, numbers);
    let height_of_digit = digits[0].size;
    let light = numbers.random_range(0.72..0.97);
    let warmth = numbers.random_range(-0.04..0.04);
    let boxed = kind == Kind::Boxed;
    Photograph {
        size: if is_wide { [height, width] } else { [width, height] },
        camera: camera(kind, numbers),
        boxes: if boxed { boxes(&digits, numbers) } else { vec![] },
        print: print(kind, height_of_digit, numbers),
        digits,
        pen: if numbers.random() { numbers.random_range(0.4..1.0) } else { numbers.random_range(-1.0..-0.4) },
        ink: pick(&[[0.1, 0.1, 0.12], [0.12, 0.16, 0.45], [0.22, 0.22, 0.24]], numbers),
        paper: [light + warmth, light, light - warmth],
        edges: if kind == Kind::Desk { edges(numbers) } else { vec![] },
        desk: pick(&[[0.35, 0.24, 0.16], [0.18, 0.17, 0.17], [0.5, 0.4, 0.3]], numbers),
        light: lit(kind, numbers),
        noise: numbers.random_range(0.005..0.02),
    }
}

/// One digit near the middle, or two beside each other.
fn placed<'a>(kind: Kind, inks: &'a [Ink], numbers: &mut impl Rng) -> Vec<Placed<'a>> {
    let digit = |numbers: &mut dyn Rng| &inks[numbers.random_range(0..inks.len())];
    if kind != Kind::Two {
        let size = numbers.random_range(0.18..0.5);
        let middle = [0; 2].map(|_| numbers.random_range(-0.15..0.15));
        return vec![Placed { digit: digit(numbers), middle, size }];
    }
    let size = numbers.random_range(0.18..0.35);
    // The longer side of a digit is its size: narrow ones stand farther apart than this.
    let apart = size * numbers.random_range(1.05..1.35);
    let (x, y) = (numbers.random_range(-0.1..0.1), numbers.random_range(-0.15..0.15));
    let other = size * numbers.random_range(0.85..1.15);
    let lower = size * numbers.random_range(-0.1..0.1);
    vec![
        Placed { digit: digit(numbers), middle: [x - apart / 2.0, y], size },
        Placed { digit: digit(numbers), middle: [x + apart / 2.0, y + lower], size: other },
    ]
}

fn camera(kind: Kind, numbers: &mut impl Rng) -> Camera {
    let is_tilted = matches!(kind, Kind::Perspective | Kind::Desk);
    let (turn, tilt) = if is_tilted { (0.14, 0.3) } else { (0.05, 0.03) };
    Camera {
        turn: numbers.random_range(-turn..turn),
        tilt: [0; 2].map(|_| numbers.random_range(-tilt..tilt)),
    }
}

fn print(kind: Kind, digit: f32, numbers: &mut impl Rng) -> Option<Print> {
    let is_squared = match kind {
        Kind::Ruled => false,
        Kind::Squared => true,
        Kind::Two if numbers.random() => numbers.random(),
        _ => return None,
    };
    let spacing =
        digit * if is_squared { numbers.random_range(0.3..0.8) } else { numbers.random_range(0.6..1.4) };
    let colour: Colour = pick(&[[0.55, 0.68, 0.85], [0.6, 0.6, 0.62], [0.45, 0.55, 0.75]], numbers);
    let width = spacing * numbers.random_range(0.02..0.04);
    Some(Print { spacing, width, is_squared, start: [0; 2].map(|_| numbers.random()), colour })
}

/// A box around each digit, or around both where they would touch.
fn boxes(digits: &[Placed<'_>], numbers: &mut impl Rng) -> Vec<([f32; 2], f32)> {
    let around = |placed: &Placed<'_>, numbers: &mut dyn Rng| {
        let half = placed.size * numbers.random_range(0.62..0.9);
        (placed.middle, half)
    };
    digits.iter().map(|placed| around(placed, numbers)).collect()
}

/// The paper ends at one side or at two, beyond all digits.
fn edges(numbers: &mut impl Rng) -> Vec<([f32; 2], f32)> {
    let sides = [[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]];
    let first = numbers.random_range(0..4);
    let count = numbers.random_range(1..=2);
    (0..count).map(|next| (sides[(first + next) % 4], numbers.random_range(0.44..0.48))).collect()
}

fn lit(kind: Kind, numbers: &mut impl Rng) -> Light {
    let direction = towards(numbers);
    let is_shadowed = kind == Kind::Shadow || kind == Kind::Two && numbers.random();
    let shadow = is_shadowed.then(|| Shadow {
        normal: towards(numbers),
        distance: numbers.random_range(-0.2..0.25),
        depth: numbers.random_range(0.25..0.6),
        softness: numbers.random_range(0.01..0.15),
    });
    let vignette = if kind == Kind::Vignette { numbers.random_range(0.4..0.9) } else { 0.1 };
    Light { slope: numbers.random_range(0.0..0.15), direction, vignette, shadow }
}

/// A direction of length 1.
fn towards(numbers: &mut impl Rng) -> [f32; 2] {
    let (sin, cos) = numbers.random_range(0.0..std::f32::consts::TAU).sin_cos();
    [cos, sin]
}

fn pick(colours: &[Colour], numbers: &mut impl Rng) -> Colour {
    colours[numbers.random_range(0..colours.len())]
}
