//! A person's own drawings with their right labels: a data set that other programs open too.
//!
//! ```text
//! HOME/handwriting/train/7/0001.png     what a network sees of a drawing: 28 by 28, grey, 255 for ink
//! HOME/handwriting/test/7/0002.png      every other drawing of a class is held out
//! ```
use super::drawing::SIDE;
use crate::{
    disk,
    errors::{At as _, Place, Remark},
    protocol::data::Written,
};
use anyhow::{Context as _, Result, ensure};
use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};
use rayon::prelude::*;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

mod blot;
pub use blot::is_blot;

/// The digits.
pub const CLASSES: usize = 10;
/// More drawings than this are not read: they would be no handwriting.
const MOST: usize = 20_000;
/// A picture of 28 by 28 has fewer bytes.
const MOST_BYTES: u64 = 1 << 20;
/// Files that a message names.
const NAMED: usize = 5;
const PARTS: [&str; 2] = ["train", "test"];
const FAILED: &str = "Could not keep the drawing: is the disk full?";
/// The correlation from which two drawings are nearly the same. Of 1,000 digits that one person wrote, none but a few
/// upright ones are that alike; one drawing at two sizes is.
const ALIKE: f32 = 0.95;

/// What became of a drawing that was to be kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    /// Kept at this place, unlike any other.
    New(PathBuf),
    /// Kept on the side of a nearly equal one, so that test drawings do not resemble training drawings.
    BesideAlike {
        /// Where it is.
        place: PathBuf,
        /// Where the nearly equal one is.
        alike: PathBuf,
    },
    /// An equal drawing exists already; this one was not kept.
    Already(PathBuf),
}

impl Kept {
    /// Where the drawing was put; none where it was not kept.
    pub fn place(&self) -> Option<&Path> {
        match self {
            Kept::New(place) | Kept::BesideAlike { place, .. } => Some(place),
            Kept::Already(_) => None,
        }
    }

    /// A sentence for the user where the drawing was not kept in the usual way.
    pub fn remark(&self) -> Option<String> {
        match self {
            Kept::New(_) => None,
            Kept::BesideAlike { alike, .. } => Some(format!(
                "The drawing is nearly the same as {}, so it is kept on the same side: test drawings must not resemble training drawings",
                alike.display()
            )),
            Kept::Already(place) => Some(format!(
                "This very drawing is kept already as {}, and was not kept again",
                place.display()
            )),
        }
    }
}

/// The drawings of a folder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawings {
    /// Those that can be read, by class, the oldest first.
    pub read: Vec<Written>,
    /// Files that are none, or past those that are read.
    pub unreadable: Vec<PathBuf>,
}

/// Keeps a framed drawing of a digit: of each about as many to train on as to test with, and what is nearly the same on
/// one side. Programs that keep drawings at once wait for each other.
///
/// # Errors
/// Where it has another size, is no digit, or cannot be written.
pub fn keep(folder: &Path, label: usize, framed: &[u8]) -> Result<Kept> {
    ensure!(framed.len() == SIDE * SIDE && label < CLASSES, "This is no framed drawing of a digit");
    make_folders(folder).context(FAILED).at(Place::folder(folder))?;
    let _alone = disk::lock_folder(folder).context(FAILED).at(folder)?;
    let drawings = read(folder).read;
    if let Some(same) = drawings.iter().find(|one| one.label == label && one.framed == framed) {
        return Ok(Kept::Already(same.place.clone()));
    }
    let nearest = nearest(framed, &drawings);
    let of_class = |part: usize| files(folder, PARTS[part], label).count();
    let is_test = nearest.map_or(of_class(1) < of_class(0), |one| one.is_test);
    let place = place(is_test, label, next_number(folder, label));
    write(folder, &place, framed)?;
    Ok(match nearest {
        Some(one) => Kept::BesideAlike { place, alike: one.place.clone() },
        None => Kept::New(place),
    })
}

/// Puts drawings back that were removed, held out or not as they were. Where another one has taken a number since, the
/// next free one is given.
///
/// # Errors
/// Where one has another size, is no digit, or cannot be written.
pub fn restore(folder: &Path, drawings: &[Written]) -> Result<()> {
    make_folders(folder).context(FAILED).at(Place::folder(folder))?;
    let _alone = disk::lock_folder(folder).context(FAILED).at(folder)?;
    for Written { place: was, label, is_test, framed } in drawings {
        ensure!(framed.len() == SIDE * SIDE && *label < CLASSES, "This is no framed drawing of a digit");
        let number = was.file_name().and_then(|name| number(name.to_str()?));
        let is_free = |number: &usize| numbers(folder, *label).all(|taken| taken != *number);
        let number = number.filter(is_free).unwrap_or_else(|| next_number(folder, *label));
        write(folder, &place(*is_test, *label, number), framed)?;
    }
    Ok(())
}

/// "train/7/0001.png"
fn place(is_test: bool, label: usize, number: usize) -> PathBuf {
    Path::new(PARTS[usize::from(is_test)]).join(label.to_string()).join(format!("{number:04}.png"))
}

fn next_number(folder: &Path, label: usize) -> usize {
    1 + numbers(folder, label).max().unwrap_or(0)
}

fn write(folder: &Path, place: &Path, framed: &[u8]) -> Result<()> {
    let mut bytes = vec![];
    PngEncoder::new(&mut bytes).write_image(framed, SIDE as u32, SIDE as u32, ExtendedColorType::L8)?;
    // One name for all drawings: the next one replaces what a killed program left.
    let partial = disk::partial(&folder.join("drawing.png"));
    disk::write_synced(&partial, &bytes)
        .and_then(|()| disk::rename(&partial, &folder.join(place)))
        .context(FAILED)
        .at(folder)
}

/// Every class has a folder even without drawings, so that labels do not depend on which digits were drawn.
fn make_folders(folder: &Path) -> io::Result<()> {
    for part in PARTS.map(|part| folder.join(part)) {
        let missing = (0..CLASSES).map(|class| part.join(class.to_string())).filter(|path| !path.is_dir());
        let missing: Vec<PathBuf> = missing.collect();
        missing.iter().try_for_each(fs::create_dir_all)?;
        if !missing.is_empty() {
            [&part, folder].into_iter().try_for_each(disk::sync_folder)?;
            disk::sync_parent(folder)?;
        }
    }
    Ok(())
}

/// The most alike of some drawings, where it is nearly the same.
fn nearest<'a>(framed: &[u8], drawings: &'a [Written]) -> Option<&'a Written> {
    let framed = standardised(framed);
    let all = drawings.iter().map(|one| (likeness(&framed, &standardised(&one.framed)), one));
    all.filter(|(likeness, _)| *likeness >= ALIKE).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, one)| one)
}

/// How many of the drawings that are held out are nearly the same as one that is not.
pub fn leaks(drawings: &[Written]) -> usize {
    let of = |is_test: bool| drawings.iter().filter(move |one| one.is_test == is_test);
    let train: Vec<_> = of(false).map(|one| standardised(&one.framed)).collect();
    let held_out: Vec<_> = of(true).map(|one| standardised(&one.framed)).collect();
    held_out.par_iter().filter(|one| train.iter().any(|other| likeness(one, other) >= ALIKE)).count()
}

/// Values at mean 0 and length 1.
fn standardised(pixels: &[u8]) -> Vec<f32> {
    let mean = pixels.iter().map(|value| f32::from(*value)).sum::<f32>() / pixels.len().max(1) as f32;
    let centred: Vec<f32> = pixels.iter().map(|value| f32::from(*value) - mean).collect();
    let length = likeness(&centred, &centred).sqrt().max(f32::MIN_POSITIVE);
    centred.into_iter().map(|value| value / length).collect()
}

/// The correlation of two drawings that are standardised.
fn likeness(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Removes drawings, by their places.
///
/// # Errors
/// Where one is none of these, or cannot be removed; those before it are gone.
pub fn remove(folder: &Path, places: &[PathBuf]) -> Result<()> {
    let known = all(folder);
    for place in places {
        ensure!(known.iter().any(|(known, ..)| known == place), "There is no such drawing");
        let path = folder.join(place);
        fs::remove_file(&path).context("Could not remove the drawing").at(&path)?;
    }
    Ok(())
}

/// All drawings that were kept.
pub fn read(folder: &Path) -> Drawings {
    let mut drawings = Drawings::default();
    for (place, label, is_test) in all(folder) {
        let pixels = pixels(&folder.join(&place)).filter(|_| drawings.read.len() < MOST);
        match pixels {
            Some(framed) => drawings.read.push(Written { place, label, is_test, framed }),
            None => drawings.unreadable.push(place),
        }
    }
    drawings
}

/// Of a picture that is framed.
fn pixels(path: &Path) -> Option<Vec<u8>> {
    let picture = image::load_from_memory(&disk::read(path, MOST_BYTES).ok()?).ok()?.into_luma8();
    (picture.dimensions() == (SIDE as u32, SIDE as u32)).then(|| picture.into_raw())
}

impl Drawings {
    /// What is to be said of those that cannot be read, by their names.
    pub fn complaint(&self, folder: &Path) -> Option<String> {
        let named = |place: &PathBuf| place.display().to_string();
        let names: Vec<String> = self.unreadable.iter().take(NAMED).map(named).collect();
        let more = if self.unreadable.len() > NAMED { ", and others" } else { "" };
        (!names.is_empty()).then(|| {
            Remark::new(
                format!(
                    "{} kept drawings cannot be read and are not used: replace or remove {}{more}",
                    self.unreadable.len(),
                    names.join(", ")
                ),
                folder,
            )
            .to_string()
        })
    }
}

/// Places, labels, and whether they are held out.
fn all(folder: &Path) -> Vec<(PathBuf, usize, bool)> {
    let mut found = vec![];
    for label in 0..CLASSES {
        let mut of_class: Vec<_> = PARTS
            .iter()
            .flat_map(|part| files(folder, part, label).map(move |(number, name)| (number, *part, name)))
            .collect();
        of_class.sort();
        found.extend(of_class.into_iter().map(|(_, part, name)| {
            (Path::new(part).join(label.to_string()).join(name), label, part == PARTS[1])
        }));
    }
    found
}

fn numbers(folder: &Path, label: usize) -> impl Iterator<Item = usize> {
    PARTS.iter().flat_map(move |part| files(folder, part, label).map(|(number, _)| number))
}

/// The numbers and names of the drawings of a class in a part.
fn files(folder: &Path, part: &str, label: usize) -> impl Iterator<Item = (usize, String)> + use<> {
    let entries = fs::read_dir(folder.join(part).join(label.to_string())).into_iter().flatten();
    entries.filter_map(|entry| {
        let name = entry.ok()?.file_name().into_string().ok()?;
        Some((number(&name)?, name))
    })
}

/// That of "0001.png".
fn number(name: &str) -> Option<usize> {
    name.strip_suffix(".png")?.parse().ok()
}

#[cfg(test)]
mod tests;
