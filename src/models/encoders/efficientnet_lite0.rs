//! EfficientNet-Lite0: EfficientNet-B0 without what small processors are slow at.
//!
//! Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", 2019, table 1; Lite0 by its
//! authors (tensorflow/tpu, models/official/efficientnet/lite): ReLU6, no squeeze and excitation. Named as timm's, and
//! padded as TensorFlow's SAME.
use super::EncoderEntry;
use crate::{
    models::{
        INPUTS, Initial,
        blocks::{
            BatchNormalization, Convolution, Dropout, GlobalAveragePooling, InvertedResidual, Padding,
            Sequence, Stage,
        },
    },
    ops::{Activation, DropoutUnit},
    sample::Modality,
    spec::{ComponentInfo, Param, ParamKind},
};

/// 16 inverted residual blocks between two convolutions, and an embedding of 1,280 numbers.
pub const ENTRY: EncoderEntry = EncoderEntry {
    info: ComponentInfo {
        id: "efficientnet_lite0",
        label: "EfficientNet-Lite0",
        help: "A network for photographs that takes few operations for what it recognises. Its weights for photographs come with the program.",
        params: &[DROPOUT, INPUTS],
    },
    serves: &[Modality::Images],
    blocks: |_| {
        let network = Sequence::new().then(Stage(convolved("conv_stem", "bn1", 32, 3, 2)));
        let network = GROUPS.iter().enumerate().fold(network, |network, (index, group)| {
            let blocks = (0..group.blocks).fold(Sequence::new(), |blocks, block| {
                let stride = if block == 0 { group.stride } else { 1 };
                blocks.named(&block.to_string(), group.block(stride))
            });
            network.named(&format!("blocks.{index}"), Stage(blocks))
        });
        network
            .then(Stage(convolved("conv_head", "bn2", 1280, 1, 1)))
            .then(GlobalAveragePooling)
            .then(Dropout { param: DROPOUT, unit: DropoutUnit::Elements })
    },
};

/// Blocks at one size of the image.
struct Group {
    expansion: usize,
    channels: usize,
    blocks: usize,
    /// Of the filters of each channel.
    kernel: usize,
    /// Of the first block.
    stride: usize,
}

const fn group(expansion: usize, channels: usize, blocks: usize, kernel: usize, stride: usize) -> Group {
    Group { expansion, channels, blocks, kernel, stride }
}

const GROUPS: [Group; 7] = [
    group(1, 16, 1, 3, 1),
    group(6, 24, 2, 3, 2),
    group(6, 40, 2, 5, 2),
    group(6, 80, 3, 3, 2),
    group(6, 112, 3, 5, 1),
    group(6, 192, 4, 5, 2),
    group(6, 320, 1, 3, 1),
];

const NAMES: &[[&str; 2]] = &[["conv_pw", "bn1"], ["conv_dw", "bn2"], ["conv_pwl", "bn3"]];
/// Of a block that does not widen.
const SHORT_NAMES: &[[&str; 2]] = &[["conv_dw", "bn1"], ["conv_pw", "bn2"]];

impl Group {
    fn block(&self, stride: usize) -> InvertedResidual {
        let Self { expansion, channels, kernel, .. } = *self;
        let (padding, epsilon) = (Padding::Same, EPSILON);
        let names = if expansion == 1 { SHORT_NAMES } else { NAMES };
        InvertedResidual { expansion, channels, kernel, stride, padding, epsilon, names }
    }
}

/// TensorFlow's, of normalisations.
const EPSILON: f64 = 1e-3;

/// A convolution, normalised, and ReLU6.
fn convolved(name: &str, norm_name: &str, channels: usize, kernel: usize, stride: usize) -> Sequence {
    let (padding, initial) = (Padding::Same, Initial::He);
    let convolution =
        Convolution { stride, padding, has_bias: false, initial, ..Convolution::new(channels, kernel) };
    Sequence::new()
        .named(name, convolution)
        .named(norm_name, BatchNormalization { epsilon: EPSILON, activation: Activation::Relu6 })
}

const DROPOUT: Param = Param {
    key: "dropout",
    label: "Dropout",
    unit: "",
    help: "The share of the embedding's numbers that are switched off at random in each training step. Higher fights overfitting, and slows learning.",
    kind: ParamKind::Float { min: 0.0, max: 0.95, logarithmic: false },
    default: 0.2,
    live: true,
};

#[cfg(test)]
mod tests {
    use crate::models::encoders::tests::{chosen, published};

    /// The authors' table: 4.7 M parameters, 407 M multiply-adds. timm's `tf_efficientnet_lite0` has the same parameters.
    #[test]
    fn parameters_and_operations_are_those_published() {
        let (parameters, operations) = published(&chosen("efficientnet_lite0", &[]), 224);
        assert_eq!(parameters, 4_652_008);
        assert_eq!(operations / 1_000_000, 385);
    }
}
