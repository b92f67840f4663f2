//! IDX files, as MNIST, Fashion-MNIST, KMNIST, EMNIST and QMNIST are published: images and labels of each part, raw or gzip.
use super::{Contents, Format, Images, Part, entries, name};
use crate::{
    data::{idx_file, numbered, watch::Watch},
    errors::At as _,
    shape::ImageShape,
    spec::{Choice, ComponentInfo},
};
use anyhow::{Context as _, Result, anyhow, ensure};
use std::path::{Path, PathBuf};

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "idx",
        label: "IDX files",
        help: "As MNIST, Fashion-MNIST, KMNIST, EMNIST and QMNIST are published: four files, images and labels of the training and of the test part.",
        params: &[],
    },
    recognises: |path| train_images(path).is_some(),
    read,
};

fn read(path: &Path, _: &Choice, watch: &Watch) -> Result<Contents> {
    let images = train_images(path).context("There are no training images")?;
    let mut train = part(&images, watch)?;
    let test = name(&images)
        .contains("train")
        .then(|| ["t10k", "test"].iter().find_map(|word| sibling(&images, "train", word)));
    let mut test = test.flatten().map(|images| part(&images, watch)).transpose()?;
    // A label that no training image has is a damaged one.
    let most = train.labels.iter().max().copied().unwrap_or_default();
    // EMNIST's letters count from 1.
    let is_letters = name(&images).contains("letters") && most == 26;
    let class_names = if is_letters { ('A'..='Z').map(String::from).collect() } else { numbered(most + 1) };
    if is_letters {
        for part in [Some(&mut train), test.as_mut()].into_iter().flatten() {
            part.labels.iter_mut().for_each(|label| *label = label.saturating_sub(1));
        }
    }
    Ok(Contents { class_names, train, test, ..Contents::default() })
}

/// The file of training images in a folder, or the one that is meant by a file.
fn train_images(path: &Path) -> Option<PathBuf> {
    let is_images = |path: &PathBuf| name(path).contains("images") && name(path).contains("idx3");
    if path.is_dir() {
        let all: Vec<_> = entries(path).into_iter().filter(is_images).collect();
        let train = all.iter().find(|path| name(path).contains("train"));
        return train.or(all.first()).cloned();
    }
    let path = path.to_path_buf();
    let is_labels = ["idx1", "idx2"].iter().any(|word| name(&path).contains(word));
    let images = if is_labels { labels_to_images(&path)? } else { path };
    if !is_images(&images) {
        return None;
    }
    let train = ["t10k", "test"].iter().find_map(|word| sibling(&images, word, "train"));
    Some(train.unwrap_or(images))
}

fn part(images: &Path, watch: &Watch) -> Result<Part> {
    let labels = images_to_labels(images)
        .context(
            "There are no labels for these images: the file of the same name with labels-idx1 is missing",
        )
        .at(images)?;
    let (shape, mut pixels) = idx_file::images_from(images, watch)?;
    if name(images).starts_with("emnist") {
        transpose(&mut pixels, shape);
    }
    let labels_read = idx_file::labels_from(&labels, watch)?;
    let count = pixels.len() / shape.len();
    ensure!(
        count == labels_read.len(),
        anyhow!("There are {count} images, but {} labels for them", labels_read.len()).at(&labels)
    );
    let labels = labels_read.into_iter().map(usize::from).collect();
    Ok(Part { images: Images::Raw { shape, pixels }, labels })
}

/// EMNIST is published with rows and columns exchanged.
pub(super) fn transpose(pixels: &mut [u8], shape: ImageShape) {
    let side = shape.width;
    if shape.height != side {
        return;
    }
    for image in pixels.chunks_exact_mut(side * side) {
        for y in 0..side {
            for x in y + 1..side {
                image.swap(y * side + x, x * side + y);
            }
        }
    }
}

fn images_to_labels(images: &Path) -> Option<PathBuf> {
    let own = images.file_name()?.to_str()?.replace("images", "labels");
    // QMNIST's labels are integers in rows
    let endings =
        ["idx1", "idx2"].map(|ending| own.replace("idx3", ending).replace("idx2-ubyte", "idx2-int"));
    endings.into_iter().find_map(|own| packed_or_not(images.with_file_name(own)))
}

fn labels_to_images(labels: &Path) -> Option<PathBuf> {
    let own = labels.file_name()?.to_str()?.replace("labels", "images").replace("idx1", "idx3");
    let own = own.replace("idx2-int", "idx3-ubyte");
    packed_or_not(labels.with_file_name(own))
}

fn sibling(path: &Path, word: &str, other: &str) -> Option<PathBuf> {
    let own = path.file_name()?.to_str()?;
    own.contains(word).then(|| packed_or_not(path.with_file_name(own.replace(word, other))))?
}

/// The file, with or without `.gz`.
fn packed_or_not(path: PathBuf) -> Option<PathBuf> {
    let text = path.to_str()?;
    let other = text.strip_suffix(".gz").map_or_else(|| format!("{text}.gz"), Into::into);
    [path.clone(), other.into()].into_iter().find(|path| path.is_file())
}
