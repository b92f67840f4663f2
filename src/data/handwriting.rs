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

/// The digits.
pub const CLASSES: usize = 10;
/// More drawings than this are not read: they would be no handwriting.
const MOST: usize = 20_000;
/// A picture of 28 by 28 has fewer bytes.
const MOST_BYTES: u64 = 1 << 20;
/// Files that a message names.
const NAMED: usize = 5;
const PARTS: [&str; 2] = ["train", "test"];
/// The correlation from which two drawings are nearly the same. Of 1,000 digits that one person wrote, none but a few
/// upright ones are that alike; one drawing at two sizes is.
const ALIKE: f32 = 0.95;

/// What became of a drawing that was to be kept.
#[derive(Clone, Debug, PartialEq)]
pub enum Kept {
    /// Kept, unlike any other.
    New,
    /// Kept on the side of a nearly equal one, so that test drawings do not resemble training drawings.
    BesideAlike(PathBuf),
    /// An equal drawing exists already; this one was not kept.
    Already(PathBuf),
}

impl Kept {
    /// A sentence for the user where the drawing was not kept in the usual way.
    pub fn remark(&self) -> Option<String> {
        match self {
            Kept::New => None,
            Kept::BesideAlike(place) => Some(format!(
                "The drawing is nearly the same as {}, so it is kept on the same side: test drawings must not resemble training drawings",
                place.display()
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
    const FAILED: &str = "Could not keep the drawing: is the disk full?";
    make_folders(folder).context(FAILED).at(Place::folder(folder))?;
    let _alone = disk::lock_folder(folder).context(FAILED).at(folder)?;
    let drawings = read(folder).read;
    if let Some(same) = drawings.iter().find(|one| one.label == label && one.framed == framed) {
        return Ok(Kept::Already(same.place.clone()));
    }
    let nearest = nearest(framed, &drawings);
    let of_class = |part: usize| files(folder, PARTS[part], label).count();
    let is_test = nearest.map_or(of_class(1) < of_class(0), |one| one.is_test);
    let number = 1 + numbers(folder, label).max().unwrap_or(0);
    let target =
        folder.join(PARTS[usize::from(is_test)]).join(label.to_string()).join(format!("{number:04}.png"));
    let mut bytes = vec![];
    PngEncoder::new(&mut bytes).write_image(framed, SIDE as u32, SIDE as u32, ExtendedColorType::L8)?;
    // One name for all drawings: the next one replaces what a killed program left.
    let partial = disk::partial(&folder.join("drawing.png"));
    disk::write_synced(&partial, &bytes)
        .and_then(|()| disk::rename(&partial, &target))
        .context(FAILED)
        .at(folder)?;
    Ok(nearest.map_or(Kept::New, |one| Kept::BesideAlike(one.place.clone())))
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

/// Removes a drawing.
///
/// # Errors
/// Where it is not one of these, or cannot be removed.
pub fn remove(folder: &Path, place: &Path) -> Result<()> {
    ensure!(all(folder).iter().any(|(known, ..)| known == place), "There is no such drawing");
    let path = folder.join(place);
    fs::remove_file(&path).context("Could not remove the drawing").at(&path)
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
        Some((name.strip_suffix(".png")?.parse().ok()?, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{self, watch::Watch},
        spec::Choice,
    };

    /// A bar of a width and a brightness of its own, which no other is like.
    fn image(value: usize) -> Vec<u8> {
        (0..SIDE * SIDE)
            .map(|at| if at % SIDE / 3 == value || at / SIDE / 3 == value { 250 } else { 0 })
            .collect()
    }

    fn place(text: &str) -> PathBuf {
        text.into()
    }

    #[test]
    fn drawings_are_kept_half_of_them_held_out_and_are_a_data_set() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("handwriting");
        assert!(read(&folder).read.is_empty());
        for value in 0..6 {
            assert_eq!(keep(&folder, 7, &image(value)).unwrap(), Kept::New);
        }
        keep(&folder, 3, &image(7)).unwrap();
        keep(&folder, 3, &image(8)).unwrap();
        let kept = read(&folder).read;
        let seen: Vec<_> = kept.iter().map(|one| (one.label, one.framed.clone(), one.is_test)).collect();
        let sevens = (0..6).map(|value| (7, image(value), value % 2 == 1));
        let threes = [(3, image(7), false), (3, image(8), true)];
        assert_eq!(seen, threes.into_iter().chain(sevens).collect::<Vec<_>>());
        let choice = Choice { path: Some(folder.clone()), ..Choice::new("files") };
        let dataset = data::load(&choice, home.path(), &Watch::default()).unwrap();
        assert_eq!((dataset.info.classes(), dataset.info.shape.len()), (10, 784));
        assert_eq!((dataset.train.labels(), dataset.test.labels()), (&[3, 7, 7, 7][..], &[3, 7, 7, 7][..]));
        remove(&folder, &kept[2].place).unwrap();
        assert_eq!(read(&folder).read.len(), 7);
        keep(&folder, 7, &image(6)).unwrap();
        let last = read(&folder).read.pop().unwrap();
        assert_eq!(
            (last.place, last.is_test),
            (place("train/7/0007.png"), false),
            "a number is not given twice"
        );
        assert!(remove(&folder, Path::new("../outside.png")).is_err());
        assert!(keep(&folder, 10, &image(0)).is_err() && keep(&folder, 1, &[0]).is_err());
    }

    #[test]
    fn what_is_nearly_the_same_is_on_one_side_and_the_same_is_kept_once() {
        let home = tempfile::tempdir().unwrap();
        let keep = |label, framed: &[u8]| keep(home.path(), label, framed).unwrap();
        let faded =
            |by: u8| -> Vec<u8> { image(2).into_iter().map(|value| value.saturating_sub(by)).collect() };
        assert_eq!(keep(7, &image(2)), Kept::New);
        let first = place("train/7/0001.png");
        assert_eq!(keep(7, &image(2)), Kept::Already(first.clone()));
        assert_eq!(keep(7, &faded(20)), Kept::BesideAlike(first));
        assert!(matches!(keep(7, &faded(40)), Kept::BesideAlike(_)));
        // of another class it is a contradiction, but no less known
        assert!(matches!(keep(1, &image(2)), Kept::BesideAlike(_)));
        assert_eq!(keep(7, &image(5)), Kept::New);
        let mut kept = read(home.path()).read;
        assert_eq!(
            kept.iter().filter(|one| one.is_test).map(|one| &one.framed).collect::<Vec<_>>(),
            [&image(5)]
        );
        assert_eq!(leaks(&kept), 0);
        // as it was kept before
        kept[1].is_test = true;
        assert_eq!(leaks(&kept), 1);
    }

    #[test]
    fn drawings_that_cannot_be_read_are_named() {
        let home = tempfile::tempdir().unwrap();
        keep(home.path(), 4, &image(1)).unwrap();
        fs::write(home.path().join("test/4/0002.png"), b"").unwrap();
        let drawings = read(home.path());
        assert_eq!((drawings.read.len(), &drawings.unreadable[..]), (1, &[place("test/4/0002.png")][..]));
        assert!(drawings.complaint(home.path()).unwrap().contains("1 kept drawings cannot be read"));
        keep(home.path(), 4, &image(2)).unwrap();
        assert_eq!(read(home.path()).unreadable, drawings.unreadable, "what is there is not written over");
    }

    #[test]
    fn drawings_that_are_kept_at_once_are_all_there() {
        let home = tempfile::tempdir().unwrap();
        let mark =
            |at: usize| (0..SIDE * SIDE).map(|pixel| if pixel == at { 255 } else { 0 }).collect::<Vec<u8>>();
        let folder = home.path();
        std::thread::scope(|scope| {
            (0..8).for_each(|at| drop(scope.spawn(move || keep(folder, 5, &mark(3 * at)).unwrap())));
        });
        let kept = read(home.path()).read;
        assert_eq!((kept.len(), kept.iter().filter(|one| one.is_test).count()), (8, 4));
        fs::write(folder.join("drawing.png.partial"), "left by a program that was killed").unwrap();
        keep(folder, 6, &mark(100)).unwrap();
        assert!(!folder.join("drawing.png.partial").exists());
        assert_eq!(read(folder).read.len(), 9);
    }
}
