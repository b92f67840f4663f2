//! Pretrained encoders that come with the program, so that a comparison can begin at once.
use crate::{shape::ImageShape, spec::ShippedEncoder};

/// Every encoder that comes with the program.
pub static ALL: &[Shipped] = &[Shipped {
    info: ShippedEncoder {
        id: "mnist_contrastive",
        label: "Shipped: contrastive, MNIST without labels",
        encoder: "compact_cnn",
    },
    shape: ImageShape { height: 28, width: 28, channels: 1 },
    bytes: include_bytes!("../../assets/encoders/mnist_contrastive.safetensors"),
}];

/// An encoder's weights inside the program.
#[derive(Debug)]
pub struct Shipped {
    /// Its identifier and what a person should know of it.
    pub info: ShippedEncoder,
    /// Of the images that it was trained on.
    pub shape: ImageShape,
    /// A checkpoint's `model.safetensors`.
    pub bytes: &'static [u8],
}

/// The encoder that goes by a name.
pub fn find(id: &str) -> Option<&'static Shipped> {
    ALL.iter().find(|shipped| shipped.info.id == id)
}
