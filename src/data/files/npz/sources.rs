//! Which arrays of which files belong together, by their names: `x_train`, `train_images`, `images` and the like.
use super::array::Place;
use crate::{
    data::files::{
        entries, name, open,
        parts::{self, PartName},
    },
    errors::At as _,
};
use anyhow::{Context as _, Result};
use std::{
    collections::BTreeMap,
    io::BufReader,
    path::{Path, PathBuf},
};

/// Names of arrays of images without the word for their part, the best first.
const IMAGES: [&str; 9] = ["x", "images", "image", "imgs", "img", "data", "pixels", "features", "inputs"];
/// Names of arrays of labels, the best first.
const LABELS: [&str; 7] = ["y", "labels", "label", "targets", "target", "classes", "outputs"];
/// Names of arrays of the classes' names.
const NAMES: [&str; 4] = ["class_names", "label_names", "target_names", "names"];

/// Arrays that belong together.
#[derive(Default)]
pub struct Pair {
    /// Images, with the array's name.
    pub images: Option<(String, Place)>,
    /// Their labels.
    pub labels: Option<(String, Place)>,
}

/// The arrays of a data set.
#[derive(Default)]
pub struct Sources {
    /// Pairs of a part, each of one file or folder.
    pub pairs: Vec<(Option<PartName>, PathBuf, Pair)>,
    /// The names of the classes.
    pub names: Option<Place>,
    /// Files that say no part, where others do.
    pub unnamed: Vec<PathBuf>,
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Images,
    Labels,
    Names,
}

/// What an array holds, how good its name is, its name, and where it is.
type Ranked = (Role, usize, String, Place);

/// What an array holds, how good its name is, and which part it is of.
fn role(array: &str) -> Option<(Role, usize, Option<PartName>)> {
    let lower = array.to_lowercase();
    if NAMES.contains(&lower.as_str()) {
        return Some((Role::Names, 0, None));
    }
    let mut words = vec![];
    for word in parts::words(array) {
        // xtrain, trainx
        let apart = ['x', 'y'].into_iter().find_map(|letter| {
            let rest = word.strip_prefix(letter).or_else(|| word.strip_suffix(letter))?;
            parts::named(rest).map(|_| [letter.to_string(), rest.to_owned()])
        });
        words.extend(apart.map_or_else(|| vec![word], |apart| apart.to_vec()));
    }
    let part = words.iter().find_map(|word| parts::named(word));
    words.retain(|word| parts::named(word).is_none());
    let [word] = &words[..] else { return None };
    let place = |names: &[&str]| names.iter().position(|known| known == word);
    let images = place(&IMAGES).map(|place| (Role::Images, place, part));
    images.or_else(|| place(&LABELS).map(|place| (Role::Labels, place, part)))
}

/// The files of arrays at a path: an archive; or all archives of a folder, and arrays by themselves, within it and the
/// folders of its parts.
pub fn files(path: &Path) -> Vec<PathBuf> {
    let is_single = |path: &Path| name(path).ends_with(".npy") && role(&stem(path)).is_some();
    let is_archive = |path: &Path| name(path).ends_with(".npz");
    if path.is_file() && is_archive(path) {
        return vec![path.to_path_buf()];
    }
    let folder = if path.is_dir() { path } else { path.parent().filter(|_| is_single(path)).unwrap_or(path) };
    let mut found = vec![];
    for entry in entries(folder).into_iter().filter(|entry| !name(entry).starts_with('.')) {
        if entry.is_dir() && parts::named(&name(&entry)).is_some() {
            found.extend(entries(&entry));
        } else {
            found.push(entry);
        }
    }
    found.retain(|path| path.is_file() && (is_archive(path) || is_single(path)));
    let has_images =
        |path: &PathBuf| is_archive(path) || role(&stem(path)).is_some_and(|(role, ..)| role == Role::Images);
    if found.iter().any(has_images) { found } else { vec![] }
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or(String::new(), |stem| stem.to_string_lossy().into_owned())
}

/// Sorts the arrays of files within `root`.
///
/// # Errors
/// Where an archive cannot be opened.
pub fn sources(files: &[PathBuf], root: &Path) -> Result<Sources> {
    let mut sources = Sources::default();
    let mut pairs: BTreeMap<(Option<PartName>, PathBuf), Vec<Ranked>> = BTreeMap::new();
    let (archives, singles): (Vec<&PathBuf>, Vec<_>) =
        files.iter().partition(|path| name(path).ends_with(".npz"));
    for file in singles {
        let Some((role, rank, part)) = role(&stem(file)) else { continue };
        let part = part.or_else(|| parts::of(file, root));
        let place = Place { path: file.clone(), index: None };
        let folder = file.parent().unwrap_or(root).to_path_buf();
        pairs.entry((part, folder)).or_default().push((role, rank, stem(file), place));
    }
    let said = archives.iter().any(|file| parts::of(file, root).is_some());
    for (place, file) in archives.into_iter().enumerate() {
        let own = parts::of(file, root);
        // sets of their own rather than parts of one
        if own.is_none() && (said || place > 0) {
            sources.unnamed.push(file.clone());
            continue;
        }
        let arrays = arrays(file)?;
        let named: Vec<PartName> = arrays.iter().filter_map(|(_, (_, _, part), _)| *part).collect();
        let is_of_one = named.windows(2).all(|pair| pair[0] == pair[1]);
        for (array, (role, rank, part), place) in arrays {
            let part = own.filter(|_| is_of_one).or(part);
            pairs.entry((part, file.clone())).or_default().push((role, rank, array, place));
        }
    }
    for ((part, path), mut arrays) in pairs {
        arrays.sort_by_key(|(_, rank, ..)| *rank);
        let mut take = |wanted: Role| {
            let at = arrays.iter().position(|(role, ..)| *role == wanted)?;
            let (_, _, name, place) = arrays.remove(at);
            Some((name, place))
        };
        sources.names = sources.names.or(take(Role::Names).map(|(_, place)| place));
        let pair = Pair { images: take(Role::Images), labels: take(Role::Labels) };
        sources.pairs.push((part, path, pair));
    }
    Ok(sources)
}

type Named = (String, (Role, usize, Option<PartName>), Place);

/// The arrays of an archive that have a name that says what they hold; two without one are images and labels, in this order.
fn arrays(path: &Path) -> Result<Vec<Named>> {
    let file = BufReader::new(open(path)?);
    let archive = zip::ZipArchive::new(file).context("It is no whole zip archive: get it again").at(path)?;
    let all: Vec<(usize, String)> = (0..archive.len())
        .filter_map(|index| {
            let name = archive.name_for_index(index)?;
            Some((index, name.strip_suffix(".npy").unwrap_or(name).to_owned()))
        })
        .collect();
    let place = |index: usize| Place { path: path.to_path_buf(), index: Some(index) };
    let named: Vec<Named> =
        all.iter().filter_map(|(index, name)| Some((name.clone(), role(name)?, place(*index)))).collect();
    // numpy.savez(file, images, labels)
    let unnamed: Vec<&(usize, String)> =
        ["arr_0", "arr_1"].iter().filter_map(|wanted| all.iter().find(|(_, name)| name == wanted)).collect();
    if let ([], [(images, _), (labels, _)], 2) = (&named[..], &unnamed[..], all.len()) {
        let named = |name: &str, index: usize, role| (name.to_owned(), (role, 0, None), place(index));
        return Ok(vec![named("arr_0", *images, Role::Images), named("arr_1", *labels, Role::Labels)]);
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_an_array_holds_and_of_which_part() {
        use PartName::{Test, Train, Validation};
        let role = |name: &str| {
            role(name)
                .map(|(role, _, part)| (matches!(role, Role::Images), matches!(role, Role::Labels), part))
        };
        let images = |part| Some((true, false, part));
        let labels = |part| Some((false, true, part));
        for (name, expected) in [
            ("x_train", images(Some(Train))),
            ("X_train", images(Some(Train))),
            ("xTrain", images(Some(Train))),
            ("xtrain", images(Some(Train))),
            ("train_images", images(Some(Train))),
            ("trainX", images(Some(Train))),
            ("val_images", images(Some(Validation))),
            ("test_data", images(Some(Test))),
            ("X", images(None)),
            ("images", images(None)),
            ("y_test", labels(Some(Test))),
            ("ytest", labels(Some(Test))),
            ("train_labels", labels(Some(Train))),
            ("target", labels(None)),
            ("class_names", Some((false, false, None))),
            ("z_train", None),
            ("image_ids", None),
            ("train", None),
            ("latest", None),
        ] {
            assert_eq!(role(name), expected, "{name}");
        }
    }
}
