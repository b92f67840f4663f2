//! Data sets as bytes: formats, the split into training and validation, and the order of a run's batches.
use crate::{
    registry,
    rng::rng,
    spec::{Choice, ComponentInfo, Param, ParamKind},
};
use anyhow::{Context as _, Result, ensure};
use augment::{Augmentation, Look};
use classes::{FIRST_CLASS, LAST_CLASS};
use rand::seq::SliceRandom as _;
use rayon::prelude::*;

pub mod augment;
pub mod classes;
pub mod drawing;
mod idx_file;

registry!("data set", DatasetEntry: mnist, idx);

/// Height, width and channels of every image of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageShape {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl ImageShape {
    /// Numbers an image has.
    pub fn len(self) -> usize {
        self.height * self.width * self.channels
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// A way to get at labelled images.
pub struct DatasetEntry {
    pub info: ComponentInfo,
    pub load: fn(&Choice) -> Result<Dataset>,
    /// Shape and classes without reading the images.
    pub peek: fn(&Choice) -> Result<DatasetInfo>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DatasetInfo {
    pub shape: ImageShape,
    /// What each label stands for, in order of the labels.
    pub class_names: Vec<String>,
}

impl DatasetInfo {
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }
}

/// Images and labels, in memory.
#[derive(Debug, PartialEq)]
pub struct Dataset {
    pub info: DatasetInfo,
    pub train: Examples,
    pub test: Examples,
}

/// Labelled images: `labels.len()` images, one after another, (height, width, channels) each.
#[derive(Debug, Default, PartialEq)]
pub struct Examples {
    pub pixels: Vec<u8>,
    pub labels: Vec<u8>,
}

/// Common to every data set.
pub const VALIDATION_IMAGES: Param = Param {
    key: "validation_images",
    label: "Validation images",
    unit: "images",
    help: "Training images that are set aside, the same share of each class, to see how well the network does on images it was not fitted to.",
    kind: ParamKind::Integer { min: 1, max: 1_000_000 },
    default: 5000.0,
    live: false,
};

/// Common to every data set.
pub const LABELS_PER_CLASS: Param = Param {
    key: "labels_per_class",
    label: "Labels per class",
    unit: "labels",
    help: "How many labelled training images of each class a classifier may learn from, drawn by the seed. 0 is all of them.",
    kind: ParamKind::Integer { min: 0, max: 1_000_000 },
    default: 0.0,
    live: false,
};

/// The hyperparameters of every data set.
pub const PARAMS: [Param; 4] = [VALIDATION_IMAGES, LABELS_PER_CLASS, FIRST_CLASS, LAST_CLASS];

/// Reads the data set of a choice, narrowed to the classes that it asks for.
///
/// # Errors
/// Where it is unknown, cannot be read, or contradicts itself.
pub fn load(choice: &Choice) -> Result<Dataset> {
    let dataset = (find(&choice.id)?.load)(choice)?;
    let classes = classes::wanted(choice, dataset.info.classes())?;
    dataset.narrowed(classes)
}

/// Shape and classes of the data set of a choice, without reading its images.
///
/// # Errors
/// As [`load`].
pub fn peek(choice: &Choice) -> Result<DatasetInfo> {
    let info = (find(&choice.id)?.peek)(choice)?;
    let classes = classes::wanted(choice, info.classes())?;
    Ok(info.narrowed(classes))
}

/// What of a choice decides which images there are; the rest says how a run uses them.
pub fn source(choice: &Choice) -> Choice {
    let mut source = choice.clone();
    source.values.retain(|key, _| ![VALIDATION_IMAGES.key, LABELS_PER_CLASS.key].contains(&key.as_str()));
    source
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
        Ok(Self { info, train, test })
    }
}

impl Examples {
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The chosen images and their labels.
    pub fn subset(&self, indices: &[usize]) -> Examples {
        let size = self.pixels.len() / self.len().max(1);
        let pixels = indices.iter().flat_map(|&index| &self.pixels[index * size..][..size]).copied();
        Examples {
            pixels: pixels.collect(),
            labels: indices.iter().map(|&index| self.labels[index]).collect(),
        }
    }

    /// The chosen images as numbers from 0 to 1, (images, height, width, channels), and their labels.
    pub fn gather(&self, indices: &[usize]) -> (Vec<f32>, Vec<u32>) {
        let size = self.pixels.len() / self.len().max(1);
        let mut pixels = Vec::with_capacity(indices.len() * size);
        for &index in indices {
            pixels.extend(self.pixels[index * size..][..size].iter().map(|byte| f32::from(*byte) / 255.0));
        }
        (pixels, indices.iter().map(|&index| u32::from(self.labels[index])).collect())
    }

    /// As [`gather`](Self::gather), `views` times over, each image in a look of its own for each epoch and view.
    pub fn gather_views(
        &self,
        draws: &[Draw],
        shape: ImageShape,
        augmentation: &Augmentation,
        seed: u64,
        views: usize,
    ) -> (Vec<f32>, Vec<u32>) {
        let (images, labels) = self.gather(&draws.iter().map(|draw| draw.image).collect::<Vec<_>>());
        let mut pixels = vec![0.0; images.len() * views];
        pixels.par_chunks_exact_mut(shape.len()).enumerate().for_each(|(place, out)| {
            let (view, at) = (place / draws.len(), place % draws.len());
            let (view, Draw { image, epoch }) = (format!("view {view}"), draws[at]);
            let look = Look { seed, epoch, image: image as u64, view: &view };
            augmentation.apply(&images[at * shape.len()..][..shape.len()], shape, look, out);
        });
        (pixels, labels.repeat(views))
    }

    fn check(&self, info: &DatasetInfo) -> Result<()> {
        ensure!(!self.is_empty(), "There are none");
        let images = self.pixels.len() / info.shape.len();
        ensure!(images == self.len(), "There are {images} images but {} labels", self.len());
        let wrong = self.labels.iter().position(|label| usize::from(*label) >= info.classes());
        match wrong {
            Some(at) => anyhow::bail!(
                "The label of image {at} is {}, but the classes are 0 to {}",
                self.labels[at],
                info.classes() - 1
            ),
            None => Ok(()),
        }
    }
}

/// An image, and how often the others had been looked at when its turn came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    pub image: usize,
    pub epoch: u64,
}

/// Indices of the training images: those to fit, and those set aside for validation.
#[derive(Debug, PartialEq)]
pub struct Partition {
    pub train: Vec<usize>,
    pub validation: Vec<usize>,
}

/// Sets `validation` images aside, of each class its share, drawn by `seed`.
///
/// # Errors
/// Where no image would be left to train on.
pub fn split(labels: &[u8], classes: usize, validation: usize, seed: u64) -> Result<Partition> {
    ensure!(
        validation < labels.len(),
        "{validation} validation images leave none of the {} training images to train on: ask for fewer",
        labels.len()
    );
    let mut by_class = vec![vec![]; classes];
    for (index, label) in labels.iter().enumerate() {
        by_class[usize::from(*label)].push(index);
    }
    let mut partition = Partition { train: vec![], validation: vec![] };
    let (mut seen, mut taken) = (0, 0);
    for (class, mut indices) in by_class.into_iter().enumerate() {
        indices.shuffle(&mut rng(seed, "validation", class as u64));
        seen += indices.len();
        // Rounding the running total, not each class, makes the counts add up.
        let share = (seen * validation + labels.len() / 2) / labels.len() - taken;
        taken += share;
        partition.validation.extend(&indices[..share]);
        partition.train.extend(&indices[share..]);
    }
    partition.train.sort_unstable();
    partition.validation.sort_unstable();
    Ok(partition)
}

/// Keeps `count` images of each class, drawn by `seed`.
///
/// # Errors
/// Where a class has fewer.
pub fn draw_labels(
    train: &[usize],
    labels: &[u8],
    classes: usize,
    count: usize,
    seed: u64,
) -> Result<Vec<usize>> {
    let mut kept = vec![];
    for class in 0..classes {
        let mut indices: Vec<usize> =
            train.iter().copied().filter(|index| usize::from(labels[*index]) == class).collect();
        ensure!(
            indices.len() >= count,
            "Class {class} has {} training images, fewer than the {count} labels asked for: ask for fewer labels per class",
            indices.len()
        );
        indices.shuffle(&mut rng(seed, "labels", class as u64));
        kept.extend(&indices[..count]);
    }
    kept.sort_unstable();
    Ok(kept)
}

/// The order in which an epoch goes through the training images.
pub fn order(train: &[usize], seed: u64, epoch: u64) -> Vec<usize> {
    let mut order = train.to_vec();
    order.shuffle(&mut rng(seed, "shuffle", epoch));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_split_is_stratified_complete_and_seeded() {
        let labels: Vec<u8> = (0..1000).map(|i| if i < 700 { 0 } else { 1 + (i % 2) as u8 }).collect();
        let partition = split(&labels, 3, 101, 5).unwrap();
        let count = |class| partition.validation.iter().filter(|i| labels[**i] == class).count();
        assert_eq!([count(0), count(1), count(2)].iter().sum::<usize>(), 101);
        assert!((70..=71).contains(&count(0)) && (15..=16).contains(&count(1)));
        let all: BTreeSet<_> = partition.train.iter().chain(&partition.validation).collect();
        assert_eq!((all.len(), partition.train.len()), (1000, 899));
        assert_eq!(partition, split(&labels, 3, 101, 5).unwrap());
        assert_ne!(partition, split(&labels, 3, 101, 6).unwrap());
        assert!(split(&labels, 3, 1000, 5).is_err());
    }

    #[test]
    fn labels_are_drawn_alike_for_each_class() {
        let labels: Vec<u8> = (0..100).map(|i| (i % 4) as u8).collect();
        let train: Vec<usize> = (0..80).collect();
        let drawn = draw_labels(&train, &labels, 4, 3, 7).unwrap();
        assert!((0..4).all(|class| drawn.iter().filter(|i| labels[**i] == class).count() == 3));
        assert!(drawn.iter().all(|i| *i < 80));
        assert_eq!(drawn, draw_labels(&train, &labels, 4, 3, 7).unwrap());
        assert_ne!(drawn, draw_labels(&train, &labels, 4, 3, 8).unwrap());
        let error = draw_labels(&train, &labels, 4, 21, 7).unwrap_err().to_string();
        assert!(error.contains("has 20 training images, fewer than the 21"), "{error}");
        assert!(draw_labels(&train, &labels, 5, 1, 7).is_err());
    }

    #[test]
    fn every_epoch_has_its_own_order() {
        let train: Vec<_> = (0..100).collect();
        let [first, second] = [order(&train, 1, 0), order(&train, 1, 1)];
        assert_ne!(first, second);
        assert_eq!(first, order(&train, 1, 0));
        assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 100);
    }

    #[test]
    fn contradictions_are_refused() {
        let info =
            DatasetInfo { shape: ImageShape { height: 1, width: 2, channels: 1 }, class_names: numbered(2) };
        let set = |train: &[u8]| {
            let examples = |labels: &[u8]| Examples { pixels: vec![0; 4], labels: labels.to_vec() };
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
