//! MobileNetV2: blocks that widen, look at each channel by itself, and narrow again, which takes few operations.
//!
//! Sandler et al., "MobileNetV2: inverted residuals and linear bottlenecks", 2018, table 2; built and named as
//! torchvision's.
use super::EncoderEntry;
use crate::{
    models::{
        BATCH_NORM_EPSILON, INPUTS, Initial,
        blocks::{
            BatchNormalization, Convolution, Dropout, GlobalAveragePooling, InvertedResidual, Padding,
            Sequence, Stage,
        },
    },
    ops::{Activation, DropoutUnit},
    sample::Modality,
    spec::{ComponentInfo, Param, ParamKind},
};

/// 17 inverted residual blocks between two convolutions, and an embedding of 1,280 numbers.
pub const ENTRY: EncoderEntry = EncoderEntry {
    info: ComponentInfo {
        id: "mobilenet_v2",
        label: "MobileNetV2",
        help: "A network for photographs that takes few operations: it widens, looks at each channel by itself, and narrows again.",
        params: &[WIDTH, DROPOUT, INPUTS],
    },
    serves: &[Modality::Images],
    blocks: |choice| {
        let scale = choice.get(&WIDTH);
        let width = |channels: usize| divisible(channels as f64 * scale);
        let mut network = Sequence::new().then(Stage(convolved("features.0", width(32), 3, 2)));
        let mut number = 1..;
        for group in &GROUPS {
            let blocks = number.by_ref().take(group.blocks).enumerate();
            let blocks = blocks.fold(Sequence::new(), |blocks, (index, number)| {
                let stride = if index == 0 { group.stride } else { 1 };
                blocks.named(&format!("features.{number}"), group.block(width(group.channels), stride))
            });
            network = network.then(Stage(blocks));
        }
        let last = divisible(1280.0 * scale.max(1.0));
        network
            .then(Stage(convolved("features.18", last, 1, 1)))
            .then(GlobalAveragePooling)
            .then(Dropout { param: DROPOUT, unit: DropoutUnit::Elements })
    },
};

/// Blocks at one size of the image.
struct Group {
    expansion: usize,
    channels: usize,
    blocks: usize,
    /// Of the first block.
    stride: usize,
}

const fn group(expansion: usize, channels: usize, blocks: usize, stride: usize) -> Group {
    Group { expansion, channels, blocks, stride }
}

const GROUPS: [Group; 7] = [
    group(1, 16, 1, 1),
    group(6, 24, 2, 2),
    group(6, 32, 3, 2),
    group(6, 64, 4, 2),
    group(6, 96, 3, 1),
    group(6, 160, 3, 2),
    group(6, 320, 1, 1),
];

impl Group {
    fn block(&self, channels: usize, stride: usize) -> InvertedResidual {
        let Self { expansion, .. } = *self;
        InvertedResidual {
            expansion,
            channels,
            kernel: 3,
            stride,
            padding: Padding::Around(1),
            epsilon: BATCH_NORM_EPSILON,
            names: if expansion == 1 { SHORT_NAMES } else { NAMES },
        }
    }
}

/// The nearest multiple of 8, and at least nine tenths of what is asked for.
fn divisible(channels: f64) -> usize {
    let nearest = ((channels + 4.0) as usize / 8 * 8).max(8);
    if (nearest as f64) < 0.9 * channels { nearest + 8 } else { nearest }
}

/// A convolution, normalised, and ReLU6.
fn convolved(name: &str, channels: usize, kernel: usize, stride: usize) -> Sequence {
    Sequence::new()
        .named(&format!("{name}.0"), convolution(channels, kernel, stride))
        .named(&format!("{name}.1"), BatchNormalization::new(Activation::Relu6))
}

fn convolution(channels: usize, kernel: usize, stride: usize) -> Convolution {
    let padding = Padding::Around(kernel / 2);
    Convolution {
        stride,
        padding,
        has_bias: false,
        initial: Initial::He,
        ..Convolution::new(channels, kernel)
    }
}

const NAMES: &[[&str; 2]] = &[["conv.0.0", "conv.0.1"], ["conv.1.0", "conv.1.1"], ["conv.2", "conv.3"]];
/// Of a block that does not widen.
const SHORT_NAMES: &[[&str; 2]] = &[["conv.0.0", "conv.0.1"], ["conv.1", "conv.2"]];

const WIDTH: Param = Param {
    key: "width",
    label: "Width",
    unit: "×",
    help: "How many channels each layer has, against the published network. Twice as many take almost four times as long.",
    kind: ParamKind::Float { min: 0.25, max: 2.0, logarithmic: true },
    default: 1.0,
    live: false,
};

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

    /// torchvision 0.30: `mobilenet_v2(width_mult=...)`; 0.3 GMAC as its page has it.
    #[test]
    fn parameters_and_operations_are_those_published() {
        let of = |width: f64| published(&chosen("mobilenet_v2", &[("width", width)]), 224);
        assert_eq!(of(1.0).0, 3_504_872);
        assert_eq!(of(1.0).1 / 1_000_000, 300);
    }
}
