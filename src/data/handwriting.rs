//! A person's own drawings with their right labels: a data set that other programs open too.
//!
//! ```text
//! HOME/handwriting/train/7/0001.png     what a network sees of a drawing: 28 by 28, grey, 255 for ink
//! HOME/handwriting/test/7/0002.png      every other drawing of a class is held out
//! ```
use super::drawing::SIDE;
use crate::protocol::data::Written;
use anyhow::{Context as _, Result, ensure};
use image::{ExtendedColorType, ImageEncoder as _, codecs::png::PngEncoder};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The digits.
pub const CLASSES: usize = 10;
/// More drawings than this are not read: they would be no handwriting.
const MOST: usize = 20_000;
const PARTS: [&str; 2] = ["train", "test"];

/// Keeps a framed drawing of a digit: the first, third, fifth… of each to train on, the others to test with.
///
/// # Errors
/// Where it has another size, is no digit, or cannot be written.
pub fn keep(folder: &Path, label: usize, framed: &[u8]) -> Result<()> {
    ensure!(framed.len() == SIDE * SIDE && label < CLASSES, "This is no framed drawing of a digit");
    let number = 1 + numbers(folder, label).max().unwrap_or(0);
    let part = PARTS[(number + 1) % 2];
    let target = folder.join(part).join(label.to_string()).join(format!("{number:04}.png"));
    let mut bytes = vec![];
    PngEncoder::new(&mut bytes).write_image(framed, SIDE as u32, SIDE as u32, ExtendedColorType::L8)?;
    let write = || -> std::io::Result<()> {
        // Every class has its folder, so that labels stay what they are whichever digits were drawn.
        for part in PARTS {
            (0..CLASSES)
                .try_for_each(|class| fs::create_dir_all(folder.join(part).join(class.to_string())))?;
        }
        let partial = target.with_extension("partial");
        fs::write(&partial, &bytes)?;
        fs::rename(&partial, &target)
    };
    write()
        .with_context(|| format!("Could not keep the drawing: is the disk full?\nFile: {}", target.display()))
}

/// Removes a drawing.
///
/// # Errors
/// Where it is not one of these, or cannot be removed.
pub fn remove(folder: &Path, place: &Path) -> Result<()> {
    ensure!(all(folder).iter().any(|(known, ..)| known == place), "There is no such drawing");
    let path = folder.join(place);
    fs::remove_file(&path).with_context(|| format!("Could not remove the drawing\nFile: {}", path.display()))
}

/// All drawings that were kept and can be read, by class, the oldest first.
pub fn read(folder: &Path) -> Vec<Written> {
    let read = |(place, label, is_test): (PathBuf, usize, bool)| {
        let picture = image::open(folder.join(&place)).ok()?.into_luma8();
        let is_framed = picture.width() as usize == SIDE && picture.height() as usize == SIDE;
        is_framed.then(|| Written { place, label, is_test, pixels: picture.into_raw() })
    };
    all(folder).into_iter().take(MOST).filter_map(read).collect()
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
    use crate::{data, spec::Choice};

    #[test]
    fn drawings_are_kept_half_of_them_held_out_and_are_a_data_set() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("handwriting");
        assert!(read(&folder).is_empty());
        let image = |value: u8| vec![value; SIDE * SIDE];
        for value in 0..6 {
            keep(&folder, 7, &image(value)).unwrap();
        }
        keep(&folder, 3, &image(9)).unwrap();
        keep(&folder, 3, &image(10)).unwrap();
        let kept = read(&folder);
        let seen: Vec<_> = kept.iter().map(|one| (one.label, one.pixels[0], one.is_test)).collect();
        let sevens = (0..6).map(|value| (7, value, value % 2 == 1));
        assert_eq!(seen, [(3, 9, false), (3, 10, true)].into_iter().chain(sevens).collect::<Vec<_>>());
        let choice = Choice { path: Some(folder.clone()), ..Choice::new("files") };
        let dataset = data::load(&choice, home.path()).unwrap();
        assert_eq!((dataset.info.classes(), dataset.info.shape.len()), (10, 784));
        assert_eq!((dataset.train.labels, dataset.test.labels), (vec![3, 7, 7, 7], vec![3, 7, 7, 7]));
        remove(&folder, &kept[2].place).unwrap();
        assert_eq!(read(&folder).len(), 7);
        keep(&folder, 7, &image(6)).unwrap();
        assert!(!read(&folder).last().unwrap().is_test, "a number is not given twice");
        assert!(remove(&folder, Path::new("../outside.png")).is_err());
        assert!(keep(&folder, 10, &image(0)).is_err() && keep(&folder, 1, &[0]).is_err());
    }
}
