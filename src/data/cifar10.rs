//! CIFAR-10 (Krizhevsky 2009): 50,000 training and 10,000 test photographs of ten kinds of things, 32 by 32 pixels.
use super::{
    DatasetEntry,
    augment::suited,
    published::{Published, PublishedFile},
};
use crate::shape::ImageShape;

pub(crate) const ENTRY: DatasetEntry = PUBLISHED.entry(
    "cifar10",
    "CIFAR-10 photographs",
    "60,000 tiny colour photographs of animals and vehicles, ten kinds (Alex Krizhevsky); fetched once.",
    suited::photographs,
);

static PUBLISHED: Published = Published {
    shape: ImageShape { height: 32, width: 32, channels: 3 },
    class_names: &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    files: &[PublishedFile {
        name: "cifar-10-binary.tar.gz",
        bytes: 170_052_171,
        sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    }],
    mirrors: &["https://www.cs.toronto.edu/~kriz/", "http://www.cs.utoronto.ca/~kriz/"],
    members: &[],
    installed: &[],
};
