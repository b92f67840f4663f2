//! Makes a data set of what a format has found: images are looked at, decoded and brought to one shape, and a test part is
//! drawn where there is none.
use super::{Contents, Images, Part, labels, pictures};
use crate::{
    data::{
        Dataset, DatasetInfo, Examples, Notes, fitting, memory, pixels::Stream, sampling::split, watch::Watch,
    },
    disk,
    shape::ImageShape,
    spec::{Choice, SplitRule},
};
use anyhow::{Context as _, Result, bail, ensure};
use rayon::prelude::*;

/// Images of one size up to this stay as they are.
const LARGEST_OWN: usize = 128;
/// The side of squares where images have many sizes.
const COMMON_SIDE: usize = 64;
/// Pictures that are decoded at a time.
const PORTION: usize = 256;
/// Ratio of the largest class to the smallest from which classes count as uneven.
const UNEVEN: usize = 3;
/// Denominator of the test share that is set aside where a data set has no test part.
pub const TEST_SHARE: usize = 6;
/// Labels are kept in two bytes.
const MAX_CLASSES: usize = 1 << 16;

/// Parts whose image headers have been read, and whose images are not decoded yet.
struct Surveyed {
    info: DatasetInfo,
    parts: Vec<Part>,
    headers: Vec<pictures::Headers>,
}

/// Shape and classes of what a format has found.
///
/// # Errors
/// Where its parts contradict themselves, or it was stopped.
pub fn info(contents: Contents, choice: &Choice, watch: &Watch) -> Result<DatasetInfo> {
    Ok(survey(contents, choice, watch)?.0.info)
}

/// The data set of what a format has found.
///
/// # Errors
/// Where it is none, too little of it can be read, memory is short, or it was stopped.
pub fn assemble(contents: Contents, choice: &Choice, watch: &Watch) -> Result<Dataset> {
    let (Surveyed { info, parts, headers }, mut notes) = survey(contents, choice, watch)?;
    let shape = info.shape.image()?;
    let images: usize = headers.iter().map(|headers| headers.good().count()).sum();
    let memory = Memory { bytes: memory::MOST, images };
    watch.expect("Preparing images", images);
    let decoded = parts
        .into_iter()
        .zip(headers)
        .map(|(part, headers)| part.decode(headers, shape, memory, watch, &mut notes));
    let mut decoded = decoded.collect::<Result<Vec<_>>>()?.into_iter();
    let mut train = decoded.next().unwrap_or_default();
    if train.is_empty() && !notes.passed_over.is_empty() {
        return Err(notes.nothing_left("There are no training images"));
    }
    if choice.split_rule == SplitRule::AsRead {
        train.find_twins();
        watch.go_on()?;
    }
    let test = match decoded.next() {
        Some(test) => test,
        None => carve(&mut train, info.classes(), &mut notes)?,
    };
    note_twins(&train, &test, &mut notes);
    note_classes(&info, &train, &mut notes);
    Ok(Dataset { notes, ..Dataset::new(info, train, test)? })
}

fn survey(contents: Contents, choice: &Choice, watch: &Watch) -> Result<(Surveyed, Notes)> {
    let Contents { class_names, train, test, notes } = contents;
    let classes = class_names.len();
    ensure!(
        classes <= MAX_CLASSES,
        "It has {classes} classes, and a classifier can have {MAX_CLASSES} at most: choose a set with fewer"
    );
    let test = test.filter(|test| test.images.count() > 0);
    let parts: Vec<Part> = [Some(train), test].into_iter().flatten().collect();
    parts.iter().try_for_each(|part| part.check(classes))?;
    watch.expect("Looking at images", parts.iter().map(|part| part.images.count()).sum());
    let headers: Vec<_> = parts.iter().map(|part| pictures::headers(&part.images, watch)).collect();
    watch.go_on()?;
    let info = DatasetInfo { shape: common_shape(&headers, choice).into(), class_names };
    Ok((Surveyed { info, parts, headers }, notes))
}

/// How much memory may be taken, and how many images have to share it.
#[derive(Clone, Copy)]
pub struct Memory {
    pub bytes: u64,
    pub images: usize,
}

impl Part {
    fn check(&self, classes: usize) -> Result<()> {
        let images = self.images.count();
        ensure!(
            images == self.labels.len(),
            "There are {images} images but {} labels: the files do not belong together",
            self.labels.len()
        );
        let wrong = self.labels.iter().find(|label| **label >= classes);
        if let Some(label) = wrong {
            bail!(
                "A label is {label}, but there are only {classes} classes: the file is damaged, get it again"
            );
        }
        Ok(())
    }

    /// Its images at a shape; those that cannot be read are noted and left out.
    pub(super) fn decode(
        self,
        headers: pictures::Headers,
        shape: ImageShape,
        memory: Memory,
        watch: &Watch,
        notes: &mut Notes,
    ) -> Result<Examples> {
        let Part { images, labels } = self;
        let labels: Vec<u16> = labels.into_iter().map(|label| label as u16).collect();
        let images = match images {
            Images::Raw { shape: own, pixels } if own == shape => {
                return Ok(Examples::images(pixels, labels));
            }
            other => other,
        };
        let (mut good, mut kept) = (vec![], vec![]);
        for (place, (seen, label)) in headers.seen.into_iter().zip(labels).enumerate() {
            match seen {
                Ok(_) => {
                    good.push(place);
                    kept.push(label);
                }
                Err(reason) => notes.pass_over(reason),
            }
        }
        let bytes = good.len() as u64 * shape.len() as u64;
        if memory.images as u64 * shape.len() as u64 <= memory.bytes {
            memory::ensure_room(&format!("{} images", good.len()), bytes)?;
            return in_memory(&images, &good, &kept, shape, watch, notes);
        }
        notes.remarks.push(too_many(good.len(), bytes));
        let share = memory.bytes.min(memory::room()) as f64 * good.len() as f64 / memory.images as f64;
        let read = move |place: usize| pictures::pixels(&images, good[place], shape);
        Ok(Examples::streamed(Stream::new(kept.len(), share as usize, read), kept, shape.len()))
    }
}

/// What is to be said of more images than are kept in memory.
pub fn too_many(images: usize, bytes: u64) -> String {
    let size = disk::size(bytes);
    format!(
        "{images} images would take {size} of memory: they are prepared again and again while the network learns"
    )
}

fn in_memory(
    images: &Images,
    good: &[usize],
    labels: &[u16],
    shape: ImageShape,
    watch: &Watch,
    notes: &mut Notes,
) -> Result<Examples> {
    let (mut bytes, mut kept) = (Vec::with_capacity(good.len() * shape.len()), vec![]);
    // a portion at a time, or all of them would be there twice
    for (good, labels) in good.chunks(PORTION).zip(labels.chunks(PORTION)) {
        let decoded: Vec<_> = good.par_iter().map(|place| pictures::pixels(images, *place, shape)).collect();
        for (pixels, label) in decoded.into_iter().zip(labels) {
            match pixels {
                Ok(pixels) => {
                    bytes.extend(pixels);
                    kept.push(*label);
                }
                Err(error) => notes.pass_over(&error),
            }
        }
        watch.did(good.len())?;
    }
    Ok(Examples::images(bytes, kept))
}

/// The shape that all images are brought to.
fn common_shape(headers: &[pictures::Headers], choice: &Choice) -> ImageShape {
    let good = || headers.iter().flat_map(pictures::Headers::good);
    let first = good().next().map_or([COMMON_SIDE; 2], |seen| seen.size);
    let is_own = first.iter().all(|side| *side <= LARGEST_OWN) && good().all(|seen| seen.size == first);
    let [height, width] = if is_own { first } else { [COMMON_SIDE; 2] };
    let coloured = good().filter(|seen| seen.coloured).count();
    let channels = if 2 * coloured > good().count() { 3 } else { 1 };
    fitting::wanted(choice, ImageShape { height, width, channels })
}

/// Takes a test part out of the training images, of each class its share, always the same ones.
fn carve(train: &mut Examples, classes: usize, notes: &mut Notes) -> Result<Examples> {
    let count = (train.len() / TEST_SHARE).max(1);
    let twins = train.as_read().into_owned().twins;
    let without = |twins| split(train.labels(), twins, classes, count, 0).context("There are too few images");
    let mut sides = without(&twins)?;
    if sides.iter().any(Vec::is_empty) {
        // almost all of them are equal: a test part that flatters is better than none, and it is said
        sides = without(&Default::default())?;
        notes.remarks.push("Too many images are equal to others to keep all copies on one side".into());
    }
    let [left, carved] = sides;
    ensure!(
        !left.is_empty() && !carved.is_empty(),
        "There is no test part, and too few images to make one: add images"
    );
    let test = train.subset(&carved);
    *train = train.subset(&left);
    if !twins.is_empty() {
        train.find_twins();
    }
    notes
        .remarks
        .push(format!("There is no test part: {} images, always the same, are kept for it", carved.len()));
    Ok(test)
}

/// Says what equal images there are: a test image that is also trained on makes a result look better than it is.
fn note_twins(train: &Examples, test: &Examples, notes: &mut Notes) {
    let twins = train.as_read().twins.len();
    if twins > 0 {
        notes.remarks.push(format!(
            "{twins} training images are equal to others: no split puts equal ones on different sides"
        ));
    }
    let leaks = test.count_in(train);
    if leaks > 0 {
        notes.remarks.push(format!(
            "{leaks} test images are among the training images too, so that the test flatters: remove them from one part"
        ));
    }
}

fn note_classes(info: &DatasetInfo, train: &Examples, notes: &mut Notes) {
    let mut counts = vec![0_usize; info.classes()];
    train.labels().iter().for_each(|label| counts[usize::from(*label)] += 1);
    notes.remarks.extend(labels::empty(&info.class_names, &counts));
    notes.remarks.extend(labels::remarks(&info.class_names));
    let (rarest, commonest) = (counts.iter().filter(|count| **count > 0).min(), counts.iter().max());
    if let (Some(rarest), Some(commonest)) = (rarest, commonest)
        && commonest / rarest >= UNEVEN
    {
        notes.remarks.push(format!(
            "The classes are uneven, of {rarest} to {commonest} training images: class_balance evens them out"
        ));
    }
}
