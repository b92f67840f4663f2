//! Feature maps of an image in every layer, and the images that activate a filter most.
use crate::shape::ImageShape;

/// The filters of the first convolution, and the feature maps of all of them for one image.
#[derive(Clone, Debug, PartialEq)]
pub struct Inside {
    /// None where the network has no convolution.
    pub filters: Option<Filters>,
    /// From the image to the embedding.
    pub layers: Vec<FeatureMaps>,
}

/// The weights of a convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Filters {
    /// Height, width and input channels of each.
    pub shape: ImageShape,
    /// (filters, height, width, input channels).
    pub values: Vec<f32>,
}

/// The output of a convolution for one image: a map for each filter, after normalisation and activation where the network has them.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureMaps {
    /// As in the names of its weights, such as "conv1".
    pub name: String,
    /// Rows of a map.
    pub height: usize,
    /// Columns of a map.
    pub width: usize,
    /// (maps, height, width).
    pub values: Vec<f32>,
}

/// The images of a data set that a filter answers to most.
#[derive(Clone, Debug, PartialEq)]
pub struct Strongest {
    /// Counted among the convolutions.
    pub layer: usize,
    /// Index of the filter in its layer.
    pub filter: usize,
    /// Images searched so far.
    pub looked_at: usize,
    /// Height, width and channels of an image.
    pub shape: ImageShape,
    /// The strongest first.
    pub images: Vec<StrongImage>,
    /// What each label stands for.
    pub class_names: Vec<String>,
}

/// An image, and where in it the filter answers most.
#[derive(Clone, Debug, PartialEq)]
pub struct StrongImage {
    /// Its place among the training images.
    pub image: u32,
    /// The image's label.
    pub label: u16,
    /// The largest value in the filter's feature map.
    pub activation: f32,
    /// What the filter sees there, which may reach beyond the edges: top, left, and the length of a side.
    pub window: [i32; 3],
    /// (height, width, channels) of the whole image.
    pub pixels: Vec<u8>,
}

impl Filters {
    /// The number of filters.
    pub fn count(&self) -> usize {
        self.values.len() / self.shape.len().max(1)
    }
}

impl FeatureMaps {
    /// The number of maps.
    pub fn count(&self) -> usize {
        self.values.len() / (self.height * self.width).max(1)
    }

    /// The map of a filter, (height, width).
    pub fn map(&self, filter: usize) -> &[f32] {
        &self.values[filter * self.height * self.width..][..self.height * self.width]
    }

    /// The largest number of all maps.
    pub fn strongest(&self) -> f32 {
        self.values.iter().copied().fold(0.0, f32::max)
    }
}
