//! The letters of EMNIST (Cohen et al. 2017): 124,800 training and 20,800 test images, 28 by 28 pixels, capital and small
//! ones in one class.
use super::{
    DatasetEntry,
    augment::suited,
    published::{Published, PublishedFile},
};
use crate::shape::ImageShape;

pub(crate) const ENTRY: DatasetEntry = PUBLISHED.entry(
    "emnist_letters",
    "EMNIST letters",
    "145,600 handwritten letters, A to Z, capital and small ones together (NIST); fetched once, as part of a large archive.",
    suited::handwriting,
);

static PUBLISHED: Published = Published {
    shape: ImageShape { height: 28, width: 28, channels: 1 },
    class_names: &[
        "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q", "R", "S", "T",
        "U", "V", "W", "X", "Y", "Z",
    ],
    files: &[PublishedFile {
        name: "gzip.zip",
        bytes: 561_753_746,
        sha256: "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
    }],
    mirrors: &[
        "https://biometrics.nist.gov/cs_links/EMNIST/",
        "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/",
    ],
    members: &[
        "gzip/emnist-letters-train-images-idx3-ubyte.gz",
        "gzip/emnist-letters-train-labels-idx1-ubyte.gz",
        "gzip/emnist-letters-test-images-idx3-ubyte.gz",
        "gzip/emnist-letters-test-labels-idx1-ubyte.gz",
    ],
    installed: &[],
};
