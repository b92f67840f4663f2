//! Kuzushiji-MNIST (Clanuwat et al. 2018): 60,000 training and 10,000 test images of ten cursive hiragana, 28 by 28 pixels.
use super::{
    DatasetEntry,
    augment::suited,
    published::{Published, PublishedFile},
};
use crate::shape::ImageShape;

pub(crate) const ENTRY: DatasetEntry = PUBLISHED.entry(
    "kmnist",
    "KMNIST hiragana",
    "70,000 characters out of old Japanese books, ten kinds (ROIS-DS Center for Open Data in the Humanities; CC BY-SA 4.0); fetched once.",
    suited::handwriting,
);

static PUBLISHED: Published = Published {
    shape: ImageShape { height: 28, width: 28, channels: 1 },
    class_names: &["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
    files: &[
        PublishedFile {
            name: "train-images-idx3-ubyte.gz",
            bytes: 18_165_135,
            sha256: "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        },
        PublishedFile {
            name: "train-labels-idx1-ubyte.gz",
            bytes: 29_497,
            sha256: "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        },
        PublishedFile {
            name: "t10k-images-idx3-ubyte.gz",
            bytes: 3_041_136,
            sha256: "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        },
        PublishedFile {
            name: "t10k-labels-idx1-ubyte.gz",
            bytes: 5120,
            sha256: "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        },
    ],
    mirrors: &[
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    ],
    members: &[],
    installed: &[],
};
