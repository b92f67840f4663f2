//! MNIST, embedded: 60,000 training and 10,000 test images of handwritten digits, 28 by 28 pixels.
use super::{Dataset, DatasetEntry, DatasetInfo, PARAMS, Source, augment::suited, idx_file, numbered};
use crate::{sample::Modality, shape::ImageShape, spec::ComponentInfo};
use anyhow::Result;

pub(crate) const ENTRY: DatasetEntry = DatasetEntry {
    info: ComponentInfo {
        id: "mnist",
        label: "MNIST digits",
        help: "70,000 handwritten digits (Yann LeCun, Corinna Cortes; CC BY-SA 3.0), part of this program.",
        params: &PARAMS,
    },
    modality: Modality::Images,
    source: Source::Own { load: |_, _| load(), peek: |_, _| Ok(info()) },
    augmentation: suited::handwriting,
    outsiders: None,
};

const TRAIN_IMAGES: &[u8] = include_bytes!("../../assets/mnist/train-images-idx3-ubyte.gz");
const TRAIN_LABELS: &[u8] = include_bytes!("../../assets/mnist/train-labels-idx1-ubyte.gz");
const TEST_IMAGES: &[u8] = include_bytes!("../../assets/mnist/t10k-images-idx3-ubyte.gz");
const TEST_LABELS: &[u8] = include_bytes!("../../assets/mnist/t10k-labels-idx1-ubyte.gz");

fn info() -> DatasetInfo {
    DatasetInfo { shape: ImageShape::new(28, 28, 1).into(), class_names: numbered(10) }
}

fn load() -> Result<Dataset> {
    let train = idx_file::examples(TRAIN_IMAGES, TRAIN_LABELS)?;
    let test = idx_file::examples(TEST_IMAGES, TEST_LABELS)?;
    Dataset::new(info(), train, test)
}

#[cfg(test)]
mod tests {
    use super::*;
    use md5::{Digest as _, Md5};

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
        let set = load().unwrap();
        assert_eq!((set.train.len(), set.test.len()), (60_000, 10_000));
        assert_eq!(set.train.labels()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
        assert_eq!(set.test.labels()[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    }
}
