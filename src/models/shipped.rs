//! Pretrained encoders that come with the program, so that a comparison can begin at once.
use crate::{shape::ImageShape, spec::ShippedEncoder};

/// Every encoder that comes with the program.
pub static ALL: &[Shipped] = &[
    Shipped {
        info: ShippedEncoder {
            id: "mnist_contrastive",
            label: "Shipped: contrastive, MNIST without labels",
            encoder: "compact_cnn",
        },
        shape: ImageShape { height: 28, width: 28, channels: 1 },
        inputs: "plain",
        bytes: include_bytes!("../../assets/encoders/mnist_contrastive.safetensors"),
    },
    Shipped {
        info: ShippedEncoder {
            id: "imagenet_efficientnet_lite0",
            label: "Shipped: ImageNet, a million labelled photographs",
            encoder: "efficientnet_lite0",
        },
        shape: ImageShape { height: 224, width: 224, channels: 3 },
        inputs: "centred",
        bytes: include_bytes!("../../assets/encoders/imagenet_efficientnet_lite0.safetensors"),
    },
];

/// An encoder's weights inside the program.
#[derive(Debug)]
pub struct Shipped {
    /// Its identifier and what a person should know of it.
    pub info: ShippedEncoder,
    /// Of the images that it was trained on.
    pub shape: ImageShape,
    /// Of [`INPUT_SCALES`](super::INPUT_SCALES), how they were normalised, by its identifier.
    pub inputs: &'static str,
    /// A checkpoint's `model.safetensors`, or weights by PyTorch's names, in single or half precision.
    pub bytes: &'static [u8],
}

/// The encoder that goes by a name.
pub fn find(id: &str) -> Option<&'static Shipped> {
    ALL.iter().find(|shipped| shipped.info.id == id)
}
