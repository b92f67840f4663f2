//! Data sets as bytes: formats, the split into training and validation, and the order of a run's batches.
use crate::{
    errors::{At as _, Remark, visible},
    registry,
    sample::Modality,
    shape::{ImageShape, Shape},
    spec::{Choice, ComponentInfo, Param, Values},
};
use anyhow::{Context as _, Error, Result, ensure};
use classes::{FIRST_CLASS, LAST_CLASS};
use fitting::{CHANNELS, IMAGE_SIZE};
use pixels::{Pixels, Stream};
use published::Published;
use sampling::USE;
use std::{
    fmt,
    path::{Path, PathBuf},
};
use watch::Watch;

mod as_read;
pub mod augment;
mod checksum;
pub mod classes;
pub mod download;
pub mod drawing;
pub mod edits;
mod examples;
pub mod fitting;
pub mod handwriting;
mod idx_file;
pub mod memory;
pub mod picture;
pub mod pixels;
pub mod published;
mod sampling;
mod shelf;
pub mod thumbnails;
pub mod watch;
pub mod weights;
pub use as_read::AsRead;
pub use examples::{Draw, Examples, Gathered, Inputs, Numbers, Targets, Tokens};
pub use sampling::{
    Balance, LABELS_PER_CLASS, Partition, VALIDATION_IMAGES, balanced_order, class_weights, order, partition,
};
pub use shelf::open;

registry!(
    "data set",
    DatasetEntry:
    mnist,
    fashion_mnist,
    kmnist,
    emnist_letters,
    cifar10,
    cifar100,
    strokes,
    files,
    #[cfg(test)]
    toy,
);

/// A way to get at labelled images.
pub struct DatasetEntry {
    /// Its name, help and hyperparameters.
    pub info: ComponentInfo,
    /// The kind of data that it holds.
    pub modality: Modality,
    /// Where its images come from.
    pub source: Source,
    /// The recommended augmentation for images of a shape.
    pub augmentation: fn(ImageShape) -> Values,
    /// Images that are of none of its classes, where it has such.
    pub outsiders: Option<OutsiderImages>,
}

/// Images by which a network learns what is of none of the classes, as many as are wanted.
#[derive(Clone, Copy)]
pub struct OutsiderImages {
    /// Height, width and channels.
    pub shape: ImageShape,
    /// The image at a place: the same one each time.
    pub image: fn(usize) -> Vec<u8>,
}

/// Where the images of a data set come from.
pub enum Source {
    /// Downloaded once, in the files that its authors published.
    Published(&'static Published),
    /// Part of the program, or files of the user.
    Own {
        /// Reads the images.
        load: fn(&Choice, &Watch) -> Result<Dataset>,
        /// Shape and classes without reading the images.
        peek: fn(&Choice, &Watch) -> Result<DatasetInfo>,
    },
}

impl DatasetEntry {
    /// Its published files; none where it is part of the program or the user's own.
    pub fn published(&self) -> Option<&'static Published> {
        match self.source {
            Source::Published(published) => Some(published),
            Source::Own { .. } => None,
        }
    }

    /// `fetched` is the folder with the downloaded data sets, one folder each.
    fn load(&self, choice: &Choice, fetched: &Path, watch: &Watch) -> Result<Dataset> {
        match self.source {
            Source::Published(published) => published.load(choice, fetched, watch),
            Source::Own { load, .. } => load(choice, watch),
        }
    }

    fn peek(&self, choice: &Choice, watch: &Watch) -> Result<DatasetInfo> {
        match self.source {
            Source::Published(published) => Ok(published.peek(choice)),
            Source::Own { peek, .. } => peek(choice, watch),
        }
    }

    /// Whether the user can say where its files are.
    pub fn takes_path(&self) -> bool {
        self.published().is_some() || self.info.id == files::ENTRY.info.id
    }
}

/// Shape and classes of a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetInfo {
    /// The shape of an example.
    pub shape: Shape,
    /// What each label stands for, in order of the labels.
    pub class_names: Vec<String>,
}

impl DatasetInfo {
    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }
}

/// Images and labels.
#[derive(Debug)]
pub struct Dataset {
    /// Shape and classes.
    pub info: DatasetInfo,
    /// The training part, from which runs set validation images aside.
    pub train: Examples,
    /// The test part.
    pub test: Examples,
    /// Remarks on how the data set was read.
    pub notes: Notes,
}

/// Remarks for the user on how a data set was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notes {
    /// What it was taken for, where that was not chosen.
    pub format: String,
    /// Sentences for the user, such as how images were brought to one size.
    pub remarks: Vec<String>,
    /// What could not be read, images or whole files, and what was wrong with each.
    pub passed_over: Vec<Remark>,
    /// Files that are not used, by the reason, each reason once.
    pub left_out: Vec<LeftOut>,
}

/// Files that a data set does not use, all for the same reason.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOut {
    /// Why, as a clause: "TIFF cannot be read", "no class folder".
    pub why: String,
    /// How many files.
    pub count: usize,
    /// One of them.
    pub example: PathBuf,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { why, count, example } = self;
        write!(f, "Not used: {count}, as {}, such as {}", visible(why), visible(&example.to_string_lossy()))
    }
}

impl Notes {
    /// Notes what could not be read.
    pub fn pass_over(&mut self, reason: impl Into<Remark>) {
        self.passed_over.push(reason.into());
    }

    /// Counts a file that is not used.
    pub fn leave_out(&mut self, why: &str, path: &Path) {
        match self.left_out.iter_mut().find(|group| group.why == why) {
            Some(group) => group.count += 1,
            None => self.left_out.push(LeftOut { why: why.into(), count: 1, example: path.into() }),
        }
    }

    /// How many files are not used, whatever the reason, those that could not be read among them.
    pub fn unused(&self) -> usize {
        self.passed_over.len() + self.left_out.iter().map(|group| group.count).sum::<usize>()
    }

    /// Why nothing is left: the first thing that could not be read or is not used, else `otherwise`.
    fn nothing_left(&self, otherwise: &'static str) -> Error {
        let left_out = || match self.left_out.first() {
            Some(LeftOut { why, count, example }) => {
                Error::msg(format!("{otherwise}: {count} are left out, as {why}")).at(example)
            }
            None => Error::msg(otherwise),
        };
        self.passed_over.first().cloned().map_or_else(left_out, Error::from)
    }
}

/// The hyperparameters of every data set.
pub const PARAMS: [Param; USE.len() + 4] = {
    let mut params = [FIRST_CLASS; USE.len() + 4];
    let mut at = 0;
    while at < USE.len() {
        params[at] = USE[at];
        at += 1;
    }
    [params[at], params[at + 1], params[at + 2], params[at + 3]] =
        [FIRST_CLASS, LAST_CLASS, IMAGE_SIZE, CHANNELS];
    params
};

/// The hyperparameters of a data set that has some of its own, which come first.
const fn with_own<const N: usize>(own: &[Param]) -> [Param; N] {
    let mut params = [FIRST_CLASS; N];
    let mut at = 0;
    while at < N {
        params[at] = if at < own.len() { own[at] } else { PARAMS[at - own.len()] };
        at += 1;
    }
    params
}

/// Reads the data set of a choice with the user's corrections, narrowed to the classes and brought to the shape that it
/// asks for. Fetched ones are in the folder `fetched`, a folder each.
///
/// # Errors
/// Where it is unknown, cannot be read, contradicts itself or takes too much memory; [`Stopped`](watch::Stopped) where
/// it was stopped.
pub fn load(choice: &Choice, fetched: &Path, watch: &Watch) -> Result<Dataset> {
    let read = || -> Result<Dataset> {
        let dataset = find(&choice.id)?.load(choice, fetched, watch)?.edited(&choice.edits)?;
        let classes = classes::wanted(choice, dataset.info.classes())?;
        let dataset = dataset.narrowed(classes)?;
        match dataset.info.shape {
            Shape::Image(own) => dataset.fitted(fitting::wanted(choice, own), watch),
            _ => Ok(dataset),
        }
    };
    let dataset = read();
    // a reader may have turned being stopped into an error of its own
    watch.go_on()?;
    dataset
}

/// Makes sure that a published data set has been fetched, or a copy of it named, without reading it.
///
/// # Errors
/// Where it is not there: the message says how to get it.
pub fn require(choice: &Choice, fetched: &Path) -> Result<()> {
    let published = find(&choice.id)?.published();
    published.map_or(Ok(()), |published| published.locate(choice, fetched).map(drop))
}

/// Shape and classes of the data set of a choice, without reading its images.
///
/// # Errors
/// As [`load`].
pub fn peek(choice: &Choice, watch: &Watch) -> Result<DatasetInfo> {
    let info = find(&choice.id)?.peek(choice, watch);
    // a reader may have turned being stopped into an error of its own
    watch.go_on()?;
    let info = info?;
    let classes = classes::wanted(choice, info.classes())?;
    let shape = match info.shape {
        Shape::Image(own) => fitting::wanted(choice, own).into(),
        other => other,
    };
    Ok(DatasetInfo { shape, ..info.narrowed(classes) })
}

/// At most so many of some examples, evenly drawn.
pub fn evenly(examples: &[usize], most: usize) -> Vec<usize> {
    let every = examples.len().div_ceil(most).max(1);
    examples.iter().copied().step_by(every).collect()
}

/// Whether the data set of a choice has examples of none of its classes to offer.
pub fn offers_outsiders(choice: &Choice) -> bool {
    find(&choice.id).is_ok_and(|entry| entry.outsiders.is_some())
}

/// Images of a shape that are of none of the classes of the data set of a choice, made when they are asked for.
///
/// # Errors
/// Where it has none to offer, or they are of another kind than the shape.
pub fn outsiders(choice: &Choice, shape: Shape, count: usize) -> Result<Examples> {
    let shape = shape.image()?;
    let entry = find(&choice.id)?;
    let OutsiderImages { shape: own, image } = entry.outsiders.with_context(|| {
        let label = entry.info.label;
        format!("The data set {label} has no examples of none of its classes: set objective.outsiders to 0")
    })?;
    let fitted = move |place| {
        let made = image(place);
        if own == shape {
            return Ok(made);
        }
        Ok(fitting::fitted(own.image(&made).context("An image is cut short")?, shape))
    };
    let pixels = Pixels::of(Stream::new(count, count * shape.len(), fitted));
    let inputs = Inputs::Pixels { pixels, size: shape.len() };
    Ok(Examples { inputs, targets: Targets::None, as_read: None })
}

/// The augmentation that suits the data set of a choice, to begin with.
///
/// # Errors
/// As [`load`].
pub fn suited_augmentation(choice: &Choice) -> Result<Values> {
    Ok((find(&choice.id)?.augmentation)(peek(choice, &Watch::default())?.shape.image()?))
}

/// The part of a choice that decides which images there are. The rest says how a run uses them.
pub fn source(choice: &Choice) -> Choice {
    let mut source = choice.clone();
    source.values.retain(|key, _| !decides_use(key));
    source
}

/// Whether a hyperparameter of data sets says how a run uses the images, not which there are.
pub fn decides_use(key: &str) -> bool {
    USE.iter().any(|param| param.key == key)
}

/// Names for classes that have none: their labels.
fn numbered(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}

impl Dataset {
    /// Puts the parts together.
    ///
    /// # Errors
    /// Where counts disagree, a label is out of range, or a part is empty.
    pub fn new(info: DatasetInfo, train: Examples, test: Examples) -> Result<Self> {
        train.check(&info).context("Training images")?;
        test.check(&info).context("Test images")?;
        ensure!(
            info.classes() > 1,
            "All training images have the same label: there is nothing to tell apart"
        );
        Ok(Self { info, train, test, notes: Notes::default() })
    }

    /// Bytes of memory that its images take, or will at most where they are prepared while a network learns.
    pub fn memory(&self) -> u64 {
        [&self.train, &self.test].iter().map(|part| part.memory() as u64).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contradictions_are_refused() {
        let info = DatasetInfo { shape: ImageShape::new(1, 2, 1).into(), class_names: numbered(2) };
        let set = |train: &[u16]| {
            let examples = |labels: &[u16]| Examples::images(vec![0; 4], labels.to_vec());
            Dataset::new(info.clone(), examples(train), examples(&[0, 1]))
                .map_err(|error| format!("{error:#}"))
        };
        assert!(set(&[0, 1]).is_ok());
        assert_eq!(set(&[0, 1, 1]).unwrap_err(), "Training images: There are 2 images but 3 labels");
        assert_eq!(
            set(&[0, 2]).unwrap_err(),
            "Training images: The label of image 1 is 2, but the classes are 0 to 1"
        );
        assert_eq!(set(&[]).unwrap_err(), "Training images: There are none");
    }
}
