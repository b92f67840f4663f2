//! CIFAR-10 (Krizhevsky 2009): 50,000 training and 10,000 test photographs of ten kinds of things, 32 by 32 pixels.
use super::{
    DatasetEntry,
    augment::suited,
    files,
    published::{Published, PublishedFile},
};
use crate::{sample::Modality, shape::ImageShape, spec::ComponentInfo};

pub const ENTRY: DatasetEntry = DatasetEntry {
    info: ComponentInfo {
        id: "cifar10",
        label: "CIFAR-10 photographs",
        help: "60,000 tiny colour photographs of animals and vehicles, ten kinds (Alex Krizhevsky); fetched once.",
        params: files::ENTRY.info.params,
    },
    modality: Modality::Images,
    load: |choice, fetched, watch| PUBLISHED.load(choice, fetched, watch),
    peek: |choice, _| Ok(PUBLISHED.peek(choice)),
    published: Some(&PUBLISHED),
    augmentation: suited::photographs,
};

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
