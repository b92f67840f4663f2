//! Residual networks: each block adds to what it is given, so that very deep networks learn.
//!
//! He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2016. The deep ones are built and named as
//! torchvision's, with the stride in a bottleneck's 3 × 3 convolution; those for CIFAR as in section 4.2.
use super::EncoderEntry;
use crate::{
    models::{
        INPUTS, Initial,
        blocks::{
            BatchNormalization, Convolution, GlobalAveragePooling, MaxPooling, PaddedShortcut, Padding,
            Residual, Sequence, Stage,
        },
    },
    ops::{Activation, PoolShape},
    sample::Modality,
    spec::{Choice, ComponentInfo, Param, ParamKind},
};

/// Residual networks of 18 to 50 layers for photographs, and of 20 to 56 for small images.
pub const ENTRY: EncoderEntry = EncoderEntry {
    info: ComponentInfo {
        id: "resnet",
        label: "ResNet",
        help: "A deep network whose blocks each add a little to what they are given. 20, 32 and 56 layers suit small colour images, 18, 34 and 50 photographs.",
        params: &[DEPTH, WIDTH, SHORTCUT, INPUTS],
    },
    serves: &[Modality::Images],
    blocks: |choice| {
        let plan = Plan::of(choice);
        let network = Sequence::new().then(Stage(plan.stem()));
        let stages = plan.blocks.iter().enumerate();
        let network = stages.fold(network, |network, (index, blocks)| {
            network.named(&format!("layer{}", index + 1), Stage(plan.stage(index, *blocks)))
        });
        network.then(GlobalAveragePooling)
    },
};

const DEPTH: Param = Param {
    key: "depth",
    label: "Layers",
    unit: "",
    help: "Convolutions and linear layers in a row. 20, 32 and 56 keep small images large; 18, 34 and 50 make them small at once, as photographs need.",
    kind: ParamKind::Choice(&[
        ("20", "20, small images"),
        ("32", "32, small images"),
        ("56", "56, small images"),
        ("18", "18, photographs"),
        ("34", "34, photographs"),
        ("50", "50, photographs"),
    ]),
    default: 0.0,
    live: false,
};

const WIDTH: Param = Param {
    key: "width",
    label: "Width",
    unit: "×",
    help: "How many channels each layer has, against the published network. Twice as many take four times as long.",
    kind: ParamKind::Float { min: 0.125, max: 4.0, logarithmic: true },
    default: 1.0,
    live: false,
};

const SHORTCUT: Param = Param {
    key: "shortcut",
    label: "Shortcuts",
    unit: "",
    help: "What a shortcut does where the image gets smaller: drop pixels and add empty channels (A), or a convolution (B).",
    kind: ParamKind::Choice(&[
        ("published", "As published"),
        ("a", "A, without weights"),
        ("b", "B, convolutions"),
    ]),
    default: 0.0,
    live: false,
};

/// One of the published networks.
struct Plan {
    /// Blocks of each stage.
    blocks: &'static [usize],
    /// Channels of the first convolution, of the published width.
    stem_channels: usize,
    /// Each block has three convolutions, of which the outer ones change the number of channels.
    is_bottleneck: bool,
    /// It begins by making images four times smaller.
    is_for_photographs: bool,
    /// A shortcut has a convolution where shapes differ.
    is_projected: bool,
    /// Channels against the published ones.
    scale: f64,
}

impl Plan {
    fn of(choice: &Choice) -> Self {
        let depth = choice.get(&DEPTH) as usize;
        let (blocks, is_bottleneck): (&[usize], bool) = match depth {
            0 => (&[3, 3, 3], false),
            1 => (&[5, 5, 5], false),
            2 => (&[9, 9, 9], false),
            3 => (&[2, 2, 2, 2], false),
            4 => (&[3, 4, 6, 3], false),
            _ => (&[3, 4, 6, 3], true),
        };
        let is_for_photographs = depth > 2;
        Self {
            blocks,
            stem_channels: if is_for_photographs { 64 } else { 16 },
            is_bottleneck,
            is_for_photographs,
            is_projected: match choice.get(&SHORTCUT) as usize {
                0 => is_for_photographs,
                chosen => chosen == 2,
            },
            scale: choice.get(&WIDTH),
        }
    }

    fn width(&self, channels: usize) -> usize {
        ((channels as f64 * self.scale).round() as usize).max(1)
    }

    /// The first convolution, and what brings its maps to the size that the stages work at.
    fn stem(&self) -> Sequence {
        let channels = self.width(self.stem_channels);
        let stem = |kernel, stride| {
            Sequence::new()
                .named("conv1", convolution(channels, kernel, stride))
                .named("bn1", BatchNormalization::new(Activation::Relu))
        };
        if self.is_for_photographs {
            stem(7, 2).then(MaxPooling(PoolShape { size: 3, stride: 2, padding: 1 }))
        } else {
            stem(3, 1)
        }
    }

    /// Blocks at one size of the image, half of that of the stage before.
    fn stage(&self, index: usize, blocks: usize) -> Sequence {
        let width = self.width(self.stem_channels << index);
        (0..blocks).fold(Sequence::new(), |stage, block| {
            let stride = if index > 0 && block == 0 { 2 } else { 1 };
            let is_changing = stride > 1 || (block == 0 && self.is_bottleneck);
            stage.named(&block.to_string(), self.block(width, stride, is_changing))
        })
    }

    /// Figure 5 of the paper, on the left, or on the right for a bottleneck.
    fn block(&self, width: usize, stride: usize, is_changing: bool) -> Residual {
        let norm = BatchNormalization::new;
        let (body, outputs) = if self.is_bottleneck {
            let body = Sequence::new()
                .named("conv1", convolution(width, 1, 1))
                .named("bn1", norm(Activation::Relu))
                .named("conv2", convolution(width, 3, stride))
                .named("bn2", norm(Activation::Relu))
                .named("conv3", convolution(4 * width, 1, 1))
                .named("bn3", norm(Activation::None));
            (body, 4 * width)
        } else {
            let body = Sequence::new()
                .named("conv1", convolution(width, 3, stride))
                .named("bn1", norm(Activation::Relu))
                .named("conv2", convolution(width, 3, 1))
                .named("bn2", norm(Activation::None));
            (body, width)
        };
        let shortcut = match (is_changing, self.is_projected) {
            (false, _) => Sequence::new(),
            (true, false) => Sequence::new().then(PaddedShortcut { channels: outputs, stride }),
            (true, true) => Sequence::new()
                .named("downsample.0", convolution(outputs, 1, stride))
                .named("downsample.1", norm(Activation::None)),
        };
        Residual { body, shortcut, activation: Activation::Relu }
    }
}

/// Square filters, and as much around the image as keeps its size; no bias, as a normalisation follows.
fn convolution(channels: usize, kernel: usize, stride: usize) -> Convolution {
    let (padding, initial) = (Padding::Around(kernel / 2), Initial::He);
    Convolution { stride, padding, has_bias: false, initial, ..Convolution::new(channels, kernel) }
}

#[cfg(test)]
mod tests;
