//! VGG: nothing but 3 × 3 convolutions and poolings, one after another.
//!
//! Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015, table 1, columns A,
//! B and D; built and named as torchvision's.
use super::EncoderEntry;
use crate::{
    models::{
        INPUTS, Initial,
        blocks::{
            BatchNormalization, Convolution, Dropout, Flatten, GlobalAveragePooling, Linear,
            MaxPoolingWhereItFits, Padding, Sequence, Stage,
        },
    },
    ops::{Activation, DropoutUnit, PoolShape},
    sample::Modality,
    spec::{ComponentInfo, Param, ParamKind},
};

/// 8 to 13 convolutions in five groups, then an average over the image or two hidden layers.
pub const ENTRY: EncoderEntry = EncoderEntry {
    info: ComponentInfo {
        id: "vgg",
        label: "VGG",
        help: "3 × 3 convolutions one after another, with a pooling after each group. Simple, and slow for what it does.",
        params: &[DEPTH, NORMALIZED, WIDTH, HIDDEN_LAYERS, DROPOUT, INPUTS],
    },
    serves: &[Modality::Images],
    blocks: |choice| {
        let convolutions = GROUPS[(choice.get(&DEPTH) as usize).min(GROUPS.len() - 1)];
        let width = |channels: usize| ((channels as f64 * choice.get(&WIDTH)).round() as usize).max(1);
        let is_normalized = choice.get(&NORMALIZED) > 0.0;
        // torchvision numbers all that lies between the image and the hidden layers
        let mut number = 0;
        let groups = CHANNELS.into_iter().zip(convolutions);
        let network = groups.fold(Sequence::new(), |network, (channels, count)| {
            network.then(Stage(group(width(channels), count, is_normalized, &mut number)))
        });
        if choice.get(&HIDDEN_LAYERS) == 0.0 {
            return network.then(GlobalAveragePooling);
        }
        let features = width(4096);
        let hidden = Linear { initial: Initial::Normal(0.01), ..Linear::new(features, Activation::Relu) };
        let dropout = Dropout { param: DROPOUT, unit: DropoutUnit::Elements };
        let network = network.then(Flatten).named("classifier.0", hidden).then(dropout);
        network.named("classifier.3", hidden).then(dropout)
    },
};

/// Convolutions of each group, of 11, 13 and 16 layers.
const GROUPS: [[usize; 5]; 3] = [[1, 1, 2, 2, 2], [2, 2, 2, 2, 2], [2, 2, 3, 3, 3]];
/// Of each group.
const CHANNELS: [usize; 5] = [64, 128, 256, 512, 512];

/// Convolutions at one size of the image, and the pooling that halves it. `number` goes on from group to group.
fn group(channels: usize, convolutions: usize, is_normalized: bool, number: &mut usize) -> Sequence {
    let mut next = || {
        let name = format!("features.{number}");
        *number += 1;
        name
    };
    let mut group = Sequence::new();
    for _ in 0..convolutions {
        let activation = if is_normalized { Activation::None } else { Activation::Relu };
        let (padding, initial) = (Padding::Around(1), Initial::He);
        let convolution = Convolution { padding, initial, activation, ..Convolution::new(channels, 3) };
        group = group.named(&next(), convolution);
        if is_normalized {
            group = group.named(&next(), BatchNormalization::new(Activation::Relu));
        }
        // the ReLU's
        next();
    }
    // the pooling's
    next();
    group.then(MaxPoolingWhereItFits(PoolShape::side_by_side(2)))
}

const DEPTH: Param = Param {
    key: "depth",
    label: "Layers",
    unit: "",
    help: "Convolutions, and the three linear layers that the published network ends in.",
    kind: ParamKind::Choice(&[("11", "11"), ("13", "13"), ("16", "16")]),
    default: 0.0,
    live: false,
};

const NORMALIZED: Param = Param {
    key: "batch_norm",
    label: "Batch normalisation",
    unit: "",
    help: "Normalises after each convolution, without which a network this deep learns slowly or not at all.",
    kind: ParamKind::Switch,
    default: 1.0,
    live: false,
};

const WIDTH: Param = Param {
    key: "width",
    label: "Width",
    unit: "×",
    help: "How many channels each layer has, against the published network. Twice as many take four times as long.",
    kind: ParamKind::Float { min: 0.125, max: 2.0, logarithmic: true },
    default: 1.0,
    live: false,
};

const HIDDEN_LAYERS: Param = Param {
    key: "hidden_layers",
    label: "Hidden layers",
    unit: "",
    help: "Ends in the two linear layers of the published network, which hold most of its weights. They fit images of one size alone. Without them it ends in an average over the image.",
    kind: ParamKind::Switch,
    default: 0.0,
    live: false,
};

const DROPOUT: Param = Param {
    key: "dropout",
    label: "Dropout",
    unit: "",
    help: "The share of the features of each hidden layer that are switched off at random in each training step. Does nothing without hidden layers.",
    kind: ParamKind::Float { min: 0.0, max: 0.95, logarithmic: false },
    default: 0.5,
    live: true,
};

#[cfg(test)]
mod tests {
    use crate::{
        models::encoders::tests::{chosen, published},
        spec::Choice,
    };

    fn vgg(depth: f64, batch_norm: f64) -> Choice {
        let values = [("depth", depth), ("batch_norm", batch_norm), ("hidden_layers", 1.0)];
        chosen("vgg", &values)
    }

    /// torchvision 0.30: `sum(p.numel() for p in vgg16().parameters())` and so on.
    #[test]
    fn parameters_and_operations_are_those_published() {
        assert_eq!(published(&vgg(2.0, 0.0), 224).0, 138_357_544);
        assert_eq!(published(&vgg(0.0, 0.0), 224).0, 132_863_336);
        assert_eq!(published(&vgg(0.0, 1.0), 224).0, 132_868_840);
        assert_eq!(published(&vgg(1.0, 1.0), 224).0, 133_053_736);
        // 15.47 GMAC by convolutions and linear layers
        assert_eq!(published(&vgg(2.0, 0.0), 224).1 / 10_000_000, 1547);
    }
}
