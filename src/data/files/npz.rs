//! NumPy arrays, as Keras keeps MNIST: `x_train`, `y_train`, `x_test` and `y_test`, or one array of images and one of labels;
//! in zip archives or in files of their own.
use super::{
    Contents, Format, Images, Part, named_classes,
    parts::{self, Use},
};
use crate::{
    data::{Notes, memory, watch::Watch},
    errors::At as _,
    spec::{Choice, ComponentInfo},
};
use anyhow::{Context as _, Result};
use array::{Array, MAX_BYTES, Place};
use range::{Range, Scale};
use sources::{Pair, files, sources};
use std::path::{Path, PathBuf};

mod array;
mod labels;
mod layout;
mod range;
mod sources;
pub use layout::square;
pub use range::{INPUT_RANGE, greys};

pub(crate) const ENTRY: Format = Format {
    info: ComponentInfo {
        id: "npz",
        label: "NumPy arrays",
        help: "An archive .npz of arrays, or files .npy: x_train, y_train, x_test, y_test, or images and labels; also one archive for each part.",
        params: &[],
    },
    recognises: |path| !files(path).is_empty(),
    read,
};

const UNNAMED: &str =
    "there are no arrays named x_train and y_train, or images and labels: name them so in numpy.savez";

fn read(path: &Path, choice: &Choice, watch: &Watch) -> Result<Contents> {
    let mut notes = Notes::default();
    let root = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let sources = sources(&files(path), root)?;
    for file in &sources.unnamed {
        notes.leave_out("an archive whose name says no part", file);
    }
    let (mut train, mut test) = (vec![], vec![]);
    let mut left = MAX_BYTES;
    let uses = parts::uses(&sources.pairs.iter().map(|(part, ..)| *part).collect::<Vec<_>>());
    for ((_, path, pair), used) in sources.pairs.into_iter().zip(uses) {
        let blocks = match used {
            Use::Train => &mut train,
            Use::Test => &mut test,
            Use::LeftOut(why) => {
                notes.leave_out(why, &path);
                continue;
            }
        };
        blocks.extend(Block::survey(&path, pair, &mut left, watch, &mut notes)?);
    }
    let first = train.first().context(UNNAMED).at(path)?;
    let trained = train.iter().fold(Range::default(), |range, block: &Block| range.with(block.images.range));
    let scale = Scale::new(first.images.kind.sort, trained, choice.get(&INPUT_RANGE));
    notes.remarks.extend(scale.said(first.images.kind.sort, trained));
    let written: Vec<String> =
        train.iter().chain(&test).flat_map(|block| block.labels.iter().cloned()).collect();
    let (mut class_names, places) = named_classes(&written);
    if let Some(names) = sources.names {
        let names = Array::survey(names, &mut left, watch)?;
        class_names = labels::named(class_names, names.texts(watch)?);
    }
    let count = |blocks: &[Block]| blocks.iter().map(|block| block.labels.len()).sum::<usize>();
    let (train_places, test_places) = places.split_at(count(&train));
    let is_emnist = super::name(path).contains("emnist")
        || train.iter().any(|block| super::name(&block.path).contains("emnist"));
    let mut part = |blocks: &[Block], labels: &[usize]| -> Result<Option<Part>> {
        if blocks.is_empty() {
            return Ok(None);
        }
        let images = pixels(blocks, scale, is_emnist, watch, &mut notes)?;
        Ok(Some(Part { images, labels: labels.to_vec() }))
    };
    let (train, test) = (part(&train, train_places)?, part(&test, test_places)?);
    Ok(Contents { class_names, train: train.unwrap_or_default(), test, notes })
}

/// Images and their labels, out of one file or folder.
struct Block {
    path: PathBuf,
    images: Array,
    labels: Vec<String>,
}

impl Block {
    /// Looks at the arrays of a pair; nothing where they are no images with labels, which is noted.
    fn survey(
        path: &Path,
        pair: Pair,
        left: &mut u64,
        watch: &Watch,
        notes: &mut Notes,
    ) -> Result<Option<Self>> {
        let Pair { images: Some((images_name, images)), labels: Some((labels_name, labels)) } = pair else {
            for (name, place) in [pair.images, pair.labels].into_iter().flatten() {
                let text = format!("The array {name} is by itself, without images or labels for it");
                notes.leave_out(&text, &place.path);
            }
            return Ok(None);
        };
        let mut survey = |name: &str, place: Place| {
            let file = place.path.clone();
            Array::survey(place, left, watch).with_context(|| format!("The array {name}")).at(&file)
        };
        let (mut images, mut labels) = (survey(&images_name, images)?, survey(&labels_name, labels)?);
        if images_name == "arr_0" {
            if images.shape.len() < labels.shape.len() {
                std::mem::swap(&mut images, &mut labels);
            }
            notes.remarks.push(
                "The two arrays of the archive have no names, and are taken for images and their labels"
                    .into(),
            );
        }
        let labels =
            labels::read(&labels, watch).with_context(|| format!("The array {labels_name}")).at(path)?;
        Ok(Some(Self { path: path.to_path_buf(), images, labels }))
    }
}

/// The images of some blocks as pixels.
fn pixels(
    blocks: &[Block],
    scale: Scale,
    is_emnist: bool,
    watch: &Watch,
    notes: &mut Notes,
) -> Result<Images> {
    memory::ensure_room("Its images", blocks.iter().map(|block| block.images.count as u64).sum())?;
    let mut all: Option<(crate::shape::ImageShape, Vec<u8>)> = None;
    let mut remark = |text: &str| {
        if !notes.remarks.iter().any(|known| known == text) {
            notes.remarks.push(text.into());
        }
    };
    for Block { path, images, labels } in blocks {
        let mut layout = layout::layout(&images.shape, images.is_by_columns, labels.len()).at(path)?;
        layout.said.into_iter().for_each(&mut remark);
        let (mut bytes, mut clipped) = (Vec::with_capacity(images.count), 0usize);
        images
            .numbers(watch, |number| {
                let (byte, is_right) = scale.byte(number);
                bytes.push(byte);
                clipped += usize::from(!is_right);
            })
            .at(path)?;
        if clipped > 0 {
            remark(&format!(
                "{clipped} numbers of {} are darker than black or brighter than white, and are made those",
                super::name(path)
            ));
        }
        if layout.is_flat_colour(images.shape.len()) && !images.is_by_columns {
            if layout::is_planar(&bytes, layout.image) {
                layout = layout.planar();
                remark(
                    "Each row has red, green and blue one after another, to judge by how alike neighbours are",
                );
            } else {
                remark(
                    "Each row has the colours of one pixel after another, to judge by how alike neighbours are",
                );
            }
        }
        let mut bytes = layout.arranged(bytes);
        if is_emnist {
            super::idx::transpose(&mut bytes, layout.image);
            remark(
                "EMNIST is published with rows and columns exchanged: its images have been turned upright",
            );
        }
        match &mut all {
            None => all = Some((layout.image, bytes)),
            Some((shape, pixels)) => {
                anyhow::ensure!(
                    *shape == layout.image,
                    anyhow::anyhow!("Its images have another size than those of the other files").at(path)
                );
                pixels.extend(bytes);
            }
        }
    }
    let (shape, pixels) = all.context("There are no images")?;
    Ok(Images::Raw { shape, pixels })
}

#[cfg(test)]
mod tests;
