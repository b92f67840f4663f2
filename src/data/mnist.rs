//! MNIST, embedded: 60,000 training and 10,000 test images of handwritten digits, 28 by 28 pixels. Drawn digits may stand
//! beside those that are trained on.
use super::{
    AsRead, Dataset, DatasetEntry, DatasetInfo, Examples, PARAMS, Source, augment::suited, idx_file,
    numbered, pixels::Stream, strokes, watch::Watch,
};
use crate::{
    sample::Modality,
    shape::ImageShape,
    spec::{Choice, ComponentInfo, Param, ParamKind},
};
use anyhow::{Context as _, Result};

pub(crate) const ENTRY: DatasetEntry = DatasetEntry {
    info: ComponentInfo {
        id: "mnist",
        label: "MNIST digits",
        help: "70,000 handwritten digits (Yann LeCun, Corinna Cortes; CC BY-SA 3.0), part of this program.",
        params: &PARAMS_OF_MNIST,
    },
    modality: Modality::Images,
    source: Source::Own { load, peek: |_, _| Ok(info()) },
    augmentation: suited::handwriting,
    outsiders: Some(strokes::OUTSIDERS),
};

const PARAMS_OF_MNIST: [Param; PARAMS.len() + 1] = super::with_own(&[STROKES]);

const STROKES: Param = Param {
    key: "strokes",
    label: "Drawn digits beside",
    unit: "images",
    help: "So many digits that this program draws, in the forms that people write all over the world, are trained on beside those of MNIST. None of them is validated on or tested with, and they are left out where only some labels may be seen.",
    kind: ParamKind::Integer { min: 0, max: 200_000 },
    default: 0.0,
    live: false,
};

const TRAIN_IMAGES: &[u8] = include_bytes!("../../assets/mnist/train-images-idx3-ubyte.gz");
const TRAIN_LABELS: &[u8] = include_bytes!("../../assets/mnist/train-labels-idx1-ubyte.gz");
const TEST_IMAGES: &[u8] = include_bytes!("../../assets/mnist/t10k-images-idx3-ubyte.gz");
const TEST_LABELS: &[u8] = include_bytes!("../../assets/mnist/t10k-labels-idx1-ubyte.gz");

fn info() -> DatasetInfo {
    DatasetInfo { shape: ImageShape::new(28, 28, 1).into(), class_names: numbered(10) }
}

fn load(choice: &Choice, _: &Watch) -> Result<Dataset> {
    let mut train = idx_file::examples(TRAIN_IMAGES, TRAIN_LABELS)?;
    let test = idx_file::examples(TEST_IMAGES, TEST_LABELS)?;
    let own = train.len();
    let drawn = choice.get(&STROKES) as usize;
    if drawn > 0 {
        train = with_strokes(&train, drawn)?;
    }
    let mut dataset = Dataset::new(info(), train, test)?;
    if drawn > 0 {
        dataset
            .notes
            .remarks
            .push(format!("The training images from {own} on are drawn by this program: {drawn}"));
    }
    Ok(dataset)
}

/// MNIST's images and so many drawn ones after them, which no split sets aside: it is drawn from what was read, and they
/// were not. Each is drawn when it is first asked for: all of them take many seconds.
fn with_strokes(own: &Examples, count: usize) -> Result<Examples> {
    let (pixels, size) = own.inputs.in_memory().context("MNIST is in memory")?;
    let labels = [own.labels(), &strokes::labels(count)].concat();
    let (before, draw) = (own.len(), strokes::beside());
    let stream = Stream::new(labels.len(), count * size, move |place| Ok(draw(place - before)));
    let all = Examples::streamed(stream.beginning_with(pixels.chunks_exact(size)), labels, size);
    Ok(Examples { as_read: Some(AsRead::of(own.labels())), ..all })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{self, partition};
    use md5::{Digest as _, Md5};
    use std::path::Path;

    #[test]
    fn the_files_are_the_published_ones() {
        let md5 =
            |bytes: &[u8]| Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(md5(TRAIN_IMAGES), "f68b3c2dcbeaaa9fbdd348bbdeb94873");
        assert_eq!(md5(TRAIN_LABELS), "d53e105ee54ea40749a09fcbcd1e9432");
        assert_eq!(md5(TEST_IMAGES), "9fb629c4189551a2d022fa330f9573f3");
        assert_eq!(md5(TEST_LABELS), "ec29112dd5afa0611ce80d1b7f02629c");
    }

    #[test]
    fn it_is_complete() {
        let set = load(&Choice::new("mnist"), &Watch::default()).unwrap();
        assert_eq!((set.train.len(), set.test.len()), (60_000, 10_000));
        assert_eq!(set.train.labels()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
        assert_eq!(set.test.labels()[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    }

    /// MNIST with drawn digits, by a key and its value.
    fn mixed(with: &[(&str, f64)]) -> (Choice, Dataset) {
        let values = [&[("strokes", 1_000.0)], with].concat();
        let values = values.iter().map(|(key, value)| (key.to_string(), *value)).collect();
        let choice = Choice { values, ..Choice::new("mnist") };
        let set = data::load(&choice, Path::new("/nowhere"), &Watch::default()).unwrap();
        (choice, set)
    }

    #[test]
    fn drawn_digits_stand_after_its_own_and_are_only_trained_on() {
        let (choice, set) = mixed(&[]);
        assert_eq!((set.train.len(), set.test.len()), (61_000, 10_000));
        let plain = load(&Choice::new("mnist"), &Watch::default()).unwrap();
        assert_eq!(set.train.labels()[..60_000], *plain.train.labels());
        assert_eq!(set.train.bytes(&[59_999]).unwrap(), plain.train.bytes(&[59_999]).unwrap());
        assert_eq!(set.train.labels()[60_000..60_012], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
        let parts = |choice: &Choice, set: &Dataset| partition(choice, &set.train, 10, 3, true).unwrap();
        let (alone, beside) = (parts(&Choice::new("mnist"), &plain), parts(&choice, &set));
        assert_eq!(beside.validation, alone.validation, "the same images are set aside");
        let drawn: Vec<usize> = (60_000..61_000).collect();
        assert_eq!(beside.train, [alone.train, drawn].concat());
        assert_eq!(set.notes.remarks, ["The training images from 60000 on are drawn by this program: 1000"]);
    }

    #[test]
    fn drawn_digits_are_left_out_of_few_labels_and_narrowed_as_others_are() {
        let (choice, set) = mixed(&[("labels_per_class", 2.0)]);
        let few = partition(&choice, &set.train, 10, 0, true).unwrap();
        assert_eq!((few.train.len(), few.train.iter().max() < Some(&60_000)), (20, true));
        let (choice, set) = mixed(&[("last_class", 4.0)]);
        let low = partition(&choice, &set.train, 5, 0, true).unwrap();
        let own = set.train.len() - 500;
        assert_eq!(low.train[low.train.len() - 500..], (own..own + 500).collect::<Vec<_>>());
        assert!(low.validation.iter().all(|image| *image < own));
        assert_eq!(set.train.labels()[own..own + 6], [0, 1, 2, 3, 4, 0]);
    }
}
