//! Fashion-MNIST (Xiao, Rasul, Vollgraf 2017): 60,000 training and 10,000 test images of clothes, 28 by 28 pixels.
use super::{
    DatasetEntry,
    augment::suited,
    published::{Published, PublishedFile},
};
use crate::shape::ImageShape;

pub(crate) const ENTRY: DatasetEntry = PUBLISHED.entry(
    "fashion_mnist",
    "Fashion-MNIST clothes",
    "70,000 pictures of shirts, shoes and bags as small as MNIST's and harder (Zalando; MIT licence); fetched once.",
    suited::things,
);

static PUBLISHED: Published = Published {
    shape: ImageShape { height: 28, width: 28, channels: 1 },
    class_names: &[
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ],
    files: &[
        PublishedFile {
            name: "train-images-idx3-ubyte.gz",
            bytes: 26_421_880,
            sha256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        },
        PublishedFile {
            name: "train-labels-idx1-ubyte.gz",
            bytes: 29_515,
            sha256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        },
        PublishedFile {
            name: "t10k-images-idx3-ubyte.gz",
            bytes: 4_422_102,
            sha256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        },
        PublishedFile {
            name: "t10k-labels-idx1-ubyte.gz",
            bytes: 5148,
            sha256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
    ],
    mirrors: &[
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ],
    members: &[],
    // Debian's package dataset-fashion-mnist.
    installed: &["/usr/share/datasets/fashion-mnist"],
};
