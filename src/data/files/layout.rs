//! Which folders are parts of a data set, and which are classes.
use super::{
    parts::{self, PartName},
    tree::Folder,
};
use crate::{
    data::Notes,
    errors::{At as _, Place},
};
use anyhow::{Result, anyhow, bail};

/// Folders of pictures, each with the name of its class.
pub type Classes<'a> = Vec<(&'a str, &'a Folder)>;

/// The folders of classes of each part.
pub struct Layout<'a> {
    pub train: Classes<'a>,
    pub test: Option<Classes<'a>>,
}

const STRAY: &str = "they lie in no class's folder";
const NO_CLASS: &str = "they have no class: no class folders are above them";

/// Finds the folders of classes below a folder, and notes all pictures that are in none.
///
/// First folders are descended through whose only content is one folder of folders, such as `dataset/dataset/train`. What
/// is found there are parts, and never classes, where
///
/// * all folders with pictures have names of parts ([`parts::named`]), such as `Training_Set`, `val` and `test2017`, among
///   which is a training part or at least two parts differ; or
/// * a training part has folders of classes, and there is another part, or none of the other folders has folders itself.
///   So `train` beside `car` and `bus` is a class of its own, and `seg_pred` beside `seg_train` and `seg_test` is none.
///
/// Otherwise they are classes. Where each of these has parts in it, as in `cat/train` and `cat/test`, those are the parts.
/// The test part is the one of that name, else the one for validation, of those that have folders of classes.
///
/// # Errors
/// Where there are parts, but the training part has no folders of classes.
pub fn find<'a>(root: &'a Folder, notes: &mut Notes) -> Result<Layout<'a>> {
    let at = descended(root, notes);
    let folders: Vec<&Folder> = at.full().collect();
    let (parts, others): (Vec<_>, Vec<_>) =
        folders.iter().copied().partition(|folder| parts::named(&folder.name).is_some());
    if are_parts(&parts, &others) {
        others.iter().for_each(|folder| folder.leave_out("they lie beside the parts of the data set", notes));
        return of_parts(&parts, at, notes);
    }
    if let Some(layout) = inner_parts(&folders, notes) {
        return Ok(layout);
    }
    Ok(Layout { train: named(at, notes), test: None })
}

/// The only folder with pictures, if these lie in folders of their own.
fn wrapped(at: &Folder) -> Option<&Folder> {
    let mut full = at.full();
    full.next().filter(|only| full.next().is_none() && only.has_folders())
}

/// Descends through folders whose only content is one folder of folders.
fn inner(at: &Folder) -> &Folder {
    wrapped(at).map_or(at, inner)
}

/// As [`inner`], and notes the pictures on the way there.
fn descended<'a>(at: &'a Folder, notes: &mut Notes) -> &'a Folder {
    at.pictures.iter().for_each(|picture| notes.leave_out(STRAY, picture));
    at.leave_unreadable(notes);
    wrapped(at).map_or(at, |only| descended(only, notes))
}

fn are_parts(parts: &[&Folder], others: &[&Folder]) -> bool {
    let of = |folder: &&Folder| parts::named(&folder.name);
    let differ = parts.iter().any(|folder| of(folder) != of(&parts[0]));
    let trains = || parts.iter().filter(|folder| of(folder) == Some(PartName::Train));
    if others.is_empty() {
        return differ || trains().next().is_some();
    }
    trains().any(|train| train.has_folders()) && (differ || !others.iter().any(|folder| folder.has_folders()))
}

fn of_parts<'a>(parts: &[&'a Folder], at: &Folder, notes: &mut Notes) -> Result<Layout<'a>> {
    let of = |part: PartName| -> Vec<&'a Folder> {
        parts.iter().copied().filter(|folder| parts::named(&folder.name) == Some(part)).collect()
    };
    let trained = trained_on(&of, parts, at, notes)?;
    let folders = of(trained);
    if !folders.iter().any(|folder| folder.has_folders()) {
        bail!(without_classes(folders.first().unwrap_or(&parts[0])));
    }
    let train = classes_of(&folders, notes);
    let is_known = |folder: &&Folder| {
        inner(folder).full().any(|class| train.iter().any(|(name, _)| *name == class.name.trim()))
    };
    let mut others = [PartName::Test, PartName::Validation].into_iter().filter(|part| *part != trained);
    let tested = others.find(|part| of(*part).iter().any(is_known));
    for folder in parts {
        let part = parts::named(&folder.name);
        if part != Some(trained) && part != tested {
            let beside = format!("the part {:?} is not used, as there is a test part", folder.name);
            folder.leave_out(if is_known(folder) { &beside } else { NO_CLASS }, notes);
        }
    }
    let test = tested.map(|part| classes_of(&of(part), notes));
    Ok(Layout { train, test })
}

/// The part to train on: that of this name, or the only one that there is.
fn trained_on<'a>(
    of: &impl Fn(PartName) -> Vec<&'a Folder>,
    parts: &[&Folder],
    at: &Folder,
    notes: &mut Notes,
) -> Result<PartName> {
    if !of(PartName::Train).is_empty() {
        return Ok(PartName::Train);
    }
    let listed = parts.iter().map(|folder| folder.name.as_str()).collect::<Vec<_>>().join(", ");
    let mut others = [PartName::Validation, PartName::Test]
        .into_iter()
        .filter(|part| of(*part).iter().any(|folder| folder.has_folders()));
    let (Some(only), None) = (others.next(), others.next()) else {
        let text = format!("There is no training part, but {listed}: choose one of these folders itself");
        bail!(anyhow!(text).at(Place::folder(&at.path)));
    };
    notes.remarks.push(format!("There is no training part beside {listed}, which is trained on"));
    Ok(only)
}

/// The classes of the folders of one part: of those whose names have the fewest words, so that `train_masks` is left out
/// beside `train`, and `train1` and `train2` are one part.
fn classes_of<'a>(folders: &[&'a Folder], notes: &mut Notes) -> Classes<'a> {
    let words = |folder: &Folder| parts::words(&folder.name);
    let own = folders.iter().filter(|folder| folder.has_folders()).map(|folder| words(folder));
    let fewest = own.min_by_key(Vec::len);
    let mut classes = vec![];
    for folder in folders {
        if !folder.has_folders() {
            folder.leave_out(NO_CLASS, notes);
        } else if Some(words(folder)) == fewest {
            classes.extend(named(descended(folder, notes), notes));
        } else {
            folder.leave_out(&format!("the folder {:?} lies beside the part", folder.name), notes);
        }
    }
    classes
}

/// The classes in a folder: its folders, but those that hold no pictures and other files, and those in which all classes
/// are there again, as in some archives.
fn named<'a>(folder: &'a Folder, notes: &mut Notes) -> Classes<'a> {
    let (classes, others): (Vec<_>, Vec<_>) =
        folder.folders.iter().partition(|class| class.total > 0 || class.files == 0);
    for other in others {
        let name = &other.name;
        notes.remarks.push(format!("The folder {name:?} holds files that are no pictures, and is no class"));
    }
    let names: Vec<&str> = classes.iter().map(|class| class.name.trim()).collect();
    let is_copy = |class: &&Folder| {
        class.full().count() > 1 && class.full().all(|inner| names.contains(&inner.name.trim()))
    };
    let (copies, classes): (Vec<&Folder>, Vec<&Folder>) = classes.into_iter().partition(is_copy);
    for copy in copies {
        copy.leave_out(&format!("the folder {:?} holds the same classes again", copy.name), notes);
    }
    classes.into_iter().map(|class| (class.name.trim(), class)).collect()
}

/// The layout in which parts lie within classes, if every class has a training part and nothing else than parts.
fn inner_parts<'a>(classes: &[&'a Folder], notes: &mut Notes) -> Option<Layout<'a>> {
    let part = |folder: &Folder, wanted: PartName| parts::named(&folder.name) == Some(wanted);
    let is_split = |class: &&Folder| {
        class.full().any(|folder| part(folder, PartName::Train))
            && class.full().all(|folder| parts::named(&folder.name).is_some())
    };
    if classes.len() < 2 || !classes.iter().all(is_split) {
        return None;
    }
    let of = |wanted: PartName| -> Classes<'a> {
        let found = |class: &&'a Folder| -> Vec<(&'a str, &'a Folder)> {
            class
                .full()
                .filter(|folder| part(folder, wanted))
                .map(|folder| (class.name.trim(), folder))
                .collect()
        };
        classes.iter().flat_map(found).collect()
    };
    let [train, validation, test] = [PartName::Train, PartName::Validation, PartName::Test].map(of);
    for class in classes {
        class.pictures.iter().for_each(|picture| notes.leave_out(STRAY, picture));
        class.leave_unreadable(notes);
    }
    if test.is_empty() {
        return Some(Layout { train, test: (!validation.is_empty()).then_some(validation) });
    }
    let why = "the validation part is not used, as there is a test part";
    validation.iter().for_each(|(_, folder)| folder.leave_out(why, notes));
    Some(Layout { train, test: Some(test) })
}

fn without_classes(folder: &Folder) -> anyhow::Error {
    let name = &folder.name;
    let classes = super::named_pictures::classes(&folder.pictures);
    let other = classes.map(|names| {
        let shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
        format!(", or choose {name} itself to learn the words of its file names ({}, …)", shown.join(", "))
    });
    anyhow!(
        "There are no class folders in {name}, which holds pictures by themselves: put those of each class into a folder named after it, such as {name}/cat{}",
        other.unwrap_or_default()
    )
    .at(Place::folder(&folder.path))
}
