//! The networks that are measured, and on what.
use crate::{shape::ImageShape, spec::Choice};

/// A network, and the images that it is measured on.
#[derive(Debug)]
pub struct Network {
    /// What it is called among those that are measured.
    pub id: &'static str,
    /// Its encoder.
    pub encoder: &'static str,
    /// The encoder's hyperparameters that are not as by default.
    values: &'static [(&'static str, f64)],
    /// Of the images, in pixels.
    pub side: usize,
    channels: usize,
    /// Images a batch while it trains.
    pub train_batch: usize,
    /// Images a batch while it infers.
    pub infer_batch: usize,
    /// Whether it takes so long that it is measured only where it is named.
    pub is_large: bool,
}

impl Network {
    /// Its encoder and its hyperparameters.
    pub fn choice(&self) -> Choice {
        let values = self.values.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
        Choice { values, ..Choice::new(self.encoder) }
    }

    /// Of its images.
    pub fn shape(&self) -> ImageShape {
        ImageShape::new(self.side, self.side, self.channels)
    }
}

/// On digits, in batches of 64 to train and 256 to infer.
const fn digits(encoder: &'static str) -> Network {
    Network {
        id: encoder,
        encoder,
        values: &[],
        side: 28,
        channels: 1,
        train_batch: super::TRAIN_BATCH,
        infer_batch: super::INFER_BATCH,
        is_large: false,
    }
}

/// On colour images of so many pixels on each side, in batches of one size.
const fn colours(
    id: &'static str,
    encoder: &'static str,
    values: &'static [(&'static str, f64)],
    side: usize,
    batch: usize,
) -> Network {
    Network { id, encoder, values, side, channels: 3, train_batch: batch, infer_batch: batch, is_large: true }
}

const RESNET_18: &[(&str, f64)] = &[("depth", 3.0)];
const PATCHES_OF_16: &[(&str, f64)] = &[("patch_size", 16.0)];

/// Every network that can be measured.
pub static NETWORKS: &[Network] = &[
    digits("seed_cnn"),
    digits("compact_cnn"),
    digits("mlp"),
    colours("resnet20_32", "resnet", &[], 32, 64),
    colours("resnet18_64", "resnet", RESNET_18, 64, 16),
    colours("resnet18_224", "resnet", RESNET_18, 224, 8),
    colours("vgg11_bn_64", "vgg", &[], 64, 16),
    colours("vgg11_bn_224", "vgg", &[], 224, 4),
    colours("mobilenet_v2_64", "mobilenet_v2", &[], 64, 16),
    colours("efficientnet_lite0_64", "efficientnet_lite0", &[], 64, 16),
    colours("efficientnet_lite0_224", "efficientnet_lite0", &[], 224, 16),
    colours("vit_tiny_64", "vit", PATCHES_OF_16, 64, 32),
    colours("vit_tiny_224", "vit", PATCHES_OF_16, 224, 8),
];
