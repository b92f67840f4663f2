//! What the two faces and the librarian thread say to each other about data sets.
use super::{
    Notice,
    visual::{VisualReport, VisualRequest},
};
use crate::{
    shape::Shape,
    spec::{Choice, Edits, RunSpec},
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
    /// Asks for something to be seen of a data set.
    Visual(VisualRequest),
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

impl From<VisualRequest> for DataRequest {
    fn from(request: VisualRequest) -> Self {
        DataRequest::Visual(request)
    }
}

/// What the librarian reports.
#[derive(Clone, Debug, PartialEq)]
pub enum DataReport {
    /// Answers [`DataRequest::Open`].
    Opened(Opened),
    /// Answers [`DataRequest::Visual`].
    Visual(VisualReport),
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
    /// 28 by 28 bytes, row by row, 255 for ink.
    pub framed: Vec<u8>,
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

/// What is known of a data set, beside the examples themselves, which stay with the librarian.
#[derive(Clone, Debug, PartialEq)]
pub struct Collection {
    /// Of every example, as the encoder gets it.
    pub shape: Shape,
    /// What each label stands for.
    pub class_names: Vec<String>,
    /// The training part, validation examples included.
    pub train: Vec<Item>,
    /// The test part.
    pub test: Vec<Item>,
    /// Bytes that its examples take, or will at most where they are prepared while a network learns.
    pub memory: u64,
    /// Bytes that were free beside that once it was read.
    pub free: u64,
    /// What a person should know of how it was read.
    pub remarks: Vec<String>,
    /// Corrections that a person has made to this data set before.
    pub kept: Edits,
}

impl Collection {
    /// What is known of an example; none where the data set has no such example.
    pub fn item(&self, example: ExampleId) -> Option<Item> {
        let part = if example.is_test { &self.test } else { &self.train };
        part.get(example.index as usize).copied()
    }

    /// Every example and what is known of it, the training part first.
    pub fn items(&self) -> impl Iterator<Item = (ExampleId, Item)> + '_ {
        named(&self.train, false).chain(named(&self.test, true))
    }
}

fn named(items: &[Item], is_test: bool) -> impl Iterator<Item = (ExampleId, Item)> + '_ {
    items.iter().enumerate().map(move |(index, item)| (ExampleId { is_test, index: index as u32 }, *item))
}

/// Which example of a data set: its part, and its place there before anything is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExampleId {
    /// In the test part, not in the training part.
    pub is_test: bool,
    /// Counts from 0 in its part.
    pub index: u32,
}

/// What is known of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The index of its class.
    pub label: u16,
    /// What a run of the spec that was opened does with it.
    pub role: Role,
    /// Its label before a person corrected it.
    pub corrected_from: Option<u16>,
}

/// What a run does with an example.
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
