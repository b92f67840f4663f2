//! What is asked and shown of images. Of the protocol, this file alone names them: what it carries is to be seen, so it has
//! a height, a width and bytes. What is shown of another kind of data has a file of its own.
use super::data::ExampleId;
use crate::{
    sample::Image,
    shape::ImageShape,
    spec::{Choice, Values},
};
use std::sync::Arc;

/// What a face asks the librarian to show, or to find out, of a data set of images.
#[derive(Clone, Debug, PartialEq)]
pub enum VisualRequest {
    /// Small pictures of some images of the data set that is open.
    Sheet {
        /// The number that the report repeats.
        request: u64,
        /// In the order of the report.
        images: Vec<ExampleId>,
    },
    /// One image of the data set that is open, pixel by pixel.
    Enlarge {
        /// The number that the report repeats.
        request: u64,
        /// Its part and place.
        image: ExampleId,
    },
    /// Some images of any data set as a run of it sees them: corrected, narrowed and fitted; at most `side` pixels wide
    /// and high.
    RunSheet {
        /// The number that the report repeats.
        request: u64,
        /// The data set and its options.
        dataset: Box<Choice>,
        /// In the order of the report.
        images: Vec<ExampleId>,
        /// In pixels.
        side: usize,
    },
    /// One test image of any data set, as a run of it sees it.
    TestExample {
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
        /// As in [`RunSpec::augmentation`](crate::spec::RunSpec::augmentation).
        augmentation: Values,
    },
    /// Measures the images of the data set that is open and looks for twins among them, in many portions.
    Survey {
        /// The number that the report repeats.
        request: u64,
    },
    /// Stops the survey; what it has found stays.
    EndSurvey,
}

/// What the librarian shows.
#[derive(Clone, Debug, PartialEq)]
pub enum VisualReport {
    /// Answers [`VisualRequest::Sheet`].
    Sheet(Thumbnails),
    /// Answers [`VisualRequest::Enlarge`].
    Enlarged(Enlarged),
    /// Answers [`VisualRequest::RunSheet`].
    RunSheet(Thumbnails),
    /// Answers [`VisualRequest::TestExample`].
    TestExample(TestExample),
    /// Answers [`VisualRequest::Alter`].
    Altered(Altered),
    /// What a survey has found so far; one report for each portion.
    Survey(Survey),
}

/// A test image, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct TestExample {
    /// The number of the request.
    pub request: u64,
    /// The image and the name of its class.
    pub found: Result<(Image, String), String>,
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

/// One image, pixel by pixel.
#[derive(Clone, Debug, PartialEq)]
pub struct Enlarged {
    /// The number of the request.
    pub request: u64,
    /// Which one it is.
    pub image: ExampleId,
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
    pub images: [ExampleId; 2],
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

/// Images that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    /// What they are, such as "Reconstruction".
    pub name: &'static str,
    /// One sentence on what is to be seen.
    pub help: &'static str,
    /// Height, width and channels of each.
    pub shape: ImageShape,
    /// One image after another, row by row, 255 for ink.
    pub pixels: Vec<u8>,
    /// One an image, or none.
    pub captions: Vec<Caption>,
}

/// What stands beneath an image.
#[derive(Clone, Debug, PartialEq)]
pub struct Caption {
    /// Such as the name of a class.
    pub text: String,
    /// Whether the network is right, where that can be said.
    pub is_right: Option<bool>,
}
