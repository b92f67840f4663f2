//! Draws every form of every digit as pictures, in a folder each, with all that is known of them. Then
//! `headstart predict RUN FOLDER/1-flagged` counts how many of one form a network reads right.
//!
//! ```sh
//! cargo run --release --example strokes FOLDER [COUNT OF EACH FORM, OR 100] [SEED, OR 1]
//! ```
use anyhow::{Context as _, Result};
use headstart::data::{
    drawing::{Drawing, Framing},
    strokes::{self, Form},
};
use image::GrayImage;
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Paper around the ink, in pixels.
const MARGIN: usize = 20;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().context("the folder to draw into is missing")?);
    let mut number = |otherwise: u64| arguments.next().map_or(Ok(otherwise), |text| text.parse());
    let (count, seed) = (number(100)?, number(1)?);
    for form in &strokes::FORMS {
        let name = format!("{}-{}", form.digit, form.name.replace(' ', "-"));
        draw(&folder.join(name), form, count, seed)?;
    }
    Ok(())
}

fn draw(folder: &Path, form: &'static Form, count: u64, seed: u64) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut table =
        String::from("file,label,form,slant,rotation,stretch,taper,balance,wobble,haste,pen_width,size\n");
    for index in 0..count {
        let file = format!("{index:04}.png");
        let drawn = strokes::draw(form, seed, index);
        let hand = drawn.hand;
        writeln!(
            table,
            "{file},{},{},{},{},{},{},{},{},{},{},{}",
            form.digit,
            form.name,
            hand.slant,
            hand.rotation,
            hand.stretch,
            hand.taper,
            hand.balance,
            hand.wobble,
            hand.haste,
            hand.pen_width,
            hand.size
        )?;
        picture(&drawn.drawing)?.save(folder.join(file))?;
    }
    Ok(fs::write(folder.join("labels.csv"), table)?)
}

/// Black on white, cut out close to the ink.
fn picture(drawing: &Drawing) -> Result<GrayImage> {
    let ink = drawing.sheet().context("nothing is drawn")?.steps(Framing::default()).cropped;
    let height = ink.pixels.len() / ink.width;
    let side = |length: usize| (length + 2 * MARGIN) as u32;
    let mut picture = GrayImage::from_pixel(side(ink.width), side(height), [255].into());
    for (at, coverage) in ink.pixels.iter().enumerate() {
        let [x, y] = [at % ink.width, at / ink.width].map(|at| (at + MARGIN) as u32);
        picture.put_pixel(x, y, [255 - coverage].into());
    }
    Ok(picture)
}
