//! What the two faces and the librarian thread say to each other about data sets.
use super::Notice;
use crate::{
    sample::Image,
    shape::ImageShape,
    spec::{Choice, Edits, RunSpec, Values},
};
use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

/// What a face asks the librarian. None of it stalls training or the window.
#[derive(Clone, Debug, PartialEq)]
pub enum DataRequest {
    /// Opens the data set of a spec, as a run of that spec would use it. The newest request wins.
    Open {
        /// The number that the report repeats.
        request: u64,
        /// The spec whose data set is meant: its split and its corrections apply.
        spec: Box<RunSpec>,
    },
    /// Small pictures of some images of the data set that is open.
    Sheet {
        /// The number that the report repeats.
        request: u64,
        /// In the order of the report.
        images: Vec<ImageId>,
    },
    /// One image of the data set that is open, pixel by pixel.
    Look {
        /// The number that the report repeats.
        request: u64,
        /// Its part and place.
        image: ImageId,
    },
    /// Some images of any data set as a run of it sees them: corrected, narrowed and fitted; at most `side` pixels wide
    /// and high.
    Pictures {
        /// The number that the report repeats.
        request: u64,
        /// The data set and its options.
        dataset: Box<Choice>,
        /// In the order of the report.
        images: Vec<ImageId>,
        /// In pixels.
        side: usize,
    },
    /// One test image of any data set, as a run of it sees it.
    TestImage {
        /// The number that the report repeats.
        request: u64,
        /// The data set and its options.
        dataset: Box<Choice>,
        /// Which one: each number stands for another image.
        turn: u64,
    },
    /// A training image of the data set that is open, and how augmentation alters it. The newest request wins.
    Alter {
        /// The number that the report repeats.
        request: u64,
        /// Which one: each number stands for another image.
        turn: u64,
        /// The seed of the run that would be.
        seed: u64,
        /// As in [`RunSpec::augmentation`].
        augmentation: Values,
    },
    /// Measures the images of the data set that is open and looks for twins among them, in many portions.
    Survey {
        /// The number that the report repeats.
        request: u64,
    },
    /// Stops the survey; what it has found stays.
    EndSurvey,
    /// Keeps a person's corrections of a data set, beside the runs.
    Keep {
        /// The data set that is open, whose corrections are kept.
        dataset: Choice,
    },
    /// Fetches a published data set, by its identifier, from the internet. One at a time.
    Fetch {
        /// Its identifier, such as `fashion_mnist`.
        dataset: String,
    },
    /// Stops the download. What has arrived is kept, and fetching again continues from there.
    StopFetching,
    /// Reads a person's own drawings.
    Handwriting,
    /// Keeps a framed drawing with its right label.
    KeepDrawing {
        /// The number that the report repeats.
        request: u64,
        /// The digit that it shows.
        label: usize,
        /// 28 by 28 bytes, row by row, 255 for ink.
        framed: Vec<u8>,
    },
    /// Removes some of them.
    RemoveDrawings {
        /// As in [`Written::place`].
        places: Vec<PathBuf>,
    },
    /// Puts back what was removed, held out or not as it was.
    RestoreDrawings {
        /// As they were.
        drawings: Vec<Written>,
    },
}

/// What the librarian reports.
#[derive(Clone, Debug, PartialEq)]
pub enum DataReport {
    /// Answers [`DataRequest::Open`].
    Opened(Opened),
    /// Answers [`DataRequest::Sheet`].
    Sheet(Thumbnails),
    /// Answers [`DataRequest::Look`].
    Look(FullImage),
    /// Answers [`DataRequest::Pictures`].
    Pictures(Thumbnails),
    /// Answers [`DataRequest::TestImage`].
    TestImage(TestImage),
    /// Answers [`DataRequest::Alter`].
    Altered(Altered),
    /// What a survey has found so far; one report for each portion.
    Survey(Survey),
    /// The published data sets that are on this computer, by their identifiers.
    Present(BTreeSet<String>),
    /// The state of a download, while it runs and when it ends.
    Fetch(Fetch),
    /// Every drawing there is, after each change.
    Handwriting(Arc<Handwriting>),
    /// Answers [`DataRequest::KeepDrawing`], once the drawing is on the disk.
    Kept {
        /// The number of the request.
        request: u64,
        /// As in [`Written::place`]; none where it was not kept, which a notice says the reason of.
        place: Option<PathBuf>,
    },
    /// Something that a person should know.
    Notice(Notice),
}

/// A person's own drawings.
#[derive(Clone, Debug, PartialEq)]
pub struct Handwriting {
    /// Where they are: a data set in itself.
    pub folder: PathBuf,
    /// By class, the oldest first.
    pub drawings: Vec<Written>,
}

/// A drawing that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// Where it is, beneath the folder.
    pub place: PathBuf,
    /// The digit that it shows.
    pub label: usize,
    /// Held out: never trained on.
    pub is_test: bool,
    /// 28 by 28, row by row, 255 for ink.
    pub pixels: Vec<u8>,
}

/// How the fetching of a data set goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetch {
    /// Its identifier.
    pub dataset: String,
    /// Running, or how it ended.
    pub phase: FetchPhase,
}

/// The phases of a download.
#[derive(Clone, Debug, PartialEq)]
pub enum FetchPhase {
    /// Bytes arrive, or are waited for.
    Running {
        /// Of all its files, those of an earlier attempt included.
        bytes_done: u64,
        /// Of all its files, as published.
        bytes_total: u64,
        /// At the present pace; nothing before there is one.
        secs_left: Option<f64>,
        /// The mirror broke off or stalled, and is asked again after a pause.
        is_pausing: bool,
    },
    /// By a person; what has come is kept.
    Stopped,
    /// Says what happened and what to do.
    Failed(String),
    /// All files have arrived and their hashes are right.
    Done,
}

/// What came of opening a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The number of the request.
    pub request: u64,
    /// The data set that was asked for.
    pub dataset: Choice,
    /// What there is, or why it cannot be read.
    pub found: Result<Arc<Collection>, String>,
}

/// A data set, as far as it is small: its images stay with the librarian.
#[derive(Clone, Debug, PartialEq)]
pub struct Collection {
    /// Height, width and channels of every image, as the encoder gets it.
    pub shape: ImageShape,
    /// What each label stands for.
    pub class_names: Vec<String>,
    /// The training part, validation images included.
    pub train: Vec<Item>,
    /// The test part.
    pub test: Vec<Item>,
    /// Bytes that its images take, or will at most where they are prepared while a network learns.
    pub memory: u64,
    /// Bytes that were free beside that once it was read.
    pub free: u64,
    /// What a person should know of how it was read.
    pub remarks: Vec<String>,
    /// Corrections that a person has made to this data set before.
    pub kept: Edits,
}

impl Collection {
    /// What is known of an image; none where the data set has no such image.
    pub fn item(&self, image: ImageId) -> Option<Item> {
        let part = if image.is_test { &self.test } else { &self.train };
        part.get(image.index as usize).copied()
    }

    /// Every image and what is known of it, the training part first.
    pub fn items(&self) -> impl Iterator<Item = (ImageId, Item)> + '_ {
        named(&self.train, false).chain(named(&self.test, true))
    }
}

fn named(items: &[Item], is_test: bool) -> impl Iterator<Item = (ImageId, Item)> + '_ {
    items.iter().enumerate().map(move |(index, item)| (ImageId { is_test, index: index as u32 }, *item))
}

/// Which image of a data set: its part, and its place there before anything is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImageId {
    /// In the test part, not in the training part.
    pub is_test: bool,
    /// Counts from 0 in its part.
    pub index: u32,
}

/// What is known of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The index of its class.
    pub label: u16,
    /// What a run of the spec that was opened does with it.
    pub role: Role,
    /// Its label before a person corrected it.
    pub corrected_from: Option<u16>,
}

/// What a run does with an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Fits it, with its label.
    Train,
    /// Has it in the training part, but may not learn from its label.
    Unlabelled,
    /// Held out of the training part, to follow and choose weights by.
    Validation,
    /// Held out for the final figures.
    Test,
    /// Never sees it: a person has left it out.
    Excluded,
}

/// Small pictures, in the order in which they were asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Thumbnails {
    /// The number of the request.
    pub request: u64,
    /// Height, width and channels (1 or 3) of each.
    pub shape: ImageShape,
    /// (images, height, width, channels) bytes.
    pub pixels: Arc<Vec<u8>>,
}

/// A test image, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct TestImage {
    /// The number of the request.
    pub request: u64,
    /// The image and the name of its class.
    pub found: Result<(Image, String), String>,
}

/// One image, pixel by pixel.
#[derive(Clone, Debug, PartialEq)]
pub struct FullImage {
    /// The number of the request.
    pub request: u64,
    /// Which one it is.
    pub image: ImageId,
    /// Height, width and channels.
    pub shape: ImageShape,
    /// (height, width, channels) bytes.
    pub pixels: Arc<Vec<u8>>,
    /// What corrections call it.
    pub key: String,
}

/// A training image and how augmentation alters it.
#[derive(Clone, Debug, PartialEq)]
pub struct Altered {
    /// The number of the request.
    pub request: u64,
    /// Height, width and channels of each.
    pub shape: ImageShape,
    /// The image as it is, then as it looks in one epoch after the other.
    pub pixels: Arc<Vec<u8>>,
}

/// What a look at all images has found so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Survey {
    /// The number of the request.
    pub request: u64,
    /// How much of the work is done, from 0 to 1.
    pub share_done: f32,
    /// Of the training part, by channel, from 0 to 1; none before they are known.
    pub mean: Vec<f64>,
    /// The standard deviation, as [`mean`](Self::mean).
    pub deviation: Vec<f64>,
    /// Pairs of images that are the same or nearly so: those between the parts first, then the most alike.
    pub twins: Arc<Vec<Twins>>,
    /// How many there are of each kind, those that are not listed included.
    pub counts: TwinCounts,
    /// Images that were compared, where there are too many to compare all.
    pub compared: usize,
}

/// Two images that are alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Twins {
    /// A training image before a test image.
    pub images: [ImageId; 2],
    /// The correlation of their pixels; 1 where every pixel is the same.
    pub likeness: f32,
}

impl Twins {
    /// Whether every pixel is the same.
    pub fn is_exact(&self) -> bool {
        self.likeness >= 1.0
    }

    /// One is trained on and the other tested on.
    pub fn is_leak(&self) -> bool {
        self.images[0].is_test != self.images[1].is_test
    }
}

/// Pairs of alike images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TwinCounts {
    /// Every pixel is the same.
    pub exact: usize,
    /// Alike, but not the same.
    pub near: usize,
    /// Of both kinds: between the training and the test part.
    pub leaks: usize,
}
