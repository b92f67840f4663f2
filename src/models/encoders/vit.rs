//! Vision transformers: an image is cut into patches, and each asks all others what they see.
//!
//! Dosovitskiy et al., "An image is worth 16 × 16 words: transformers for image recognition at scale", 2021; the tiny and
//! small widths of Touvron et al., "Training data-efficient image transformers", 2021. Named as timm's.
use super::EncoderEntry;
use crate::{
    models::{
        INPUTS, Initial,
        blocks::{
            Dropout, FirstToken, GlobalAveragePooling, LayerNormalization, Linear, Patches, Positions,
            Residual, SelfAttention, Sequence, Stage,
        },
    },
    ops::{Activation, DropoutUnit},
    sample::Modality,
    spec::{ComponentInfo, Param, ParamKind},
};

/// Transformer blocks over patches.
pub const ENTRY: EncoderEntry = EncoderEntry {
    info: ComponentInfo {
        id: "vit",
        label: "Vision transformer",
        help: "Cuts the image into patches, each of which asks all others what they see. Learns slowly from few images, and goes far with good weights.",
        params: &[WIDTH, DEPTH, PATCH, POOLING, DROPOUT, INPUTS],
    },
    serves: &[Modality::Images],
    blocks: |choice| {
        let (width, heads) = WIDTHS[(choice.get(&WIDTH) as usize).min(WIDTHS.len() - 1)];
        let has_class_token = choice.get(&POOLING) == 0.0;
        let patches = Patches { side: choice.get(&PATCH) as usize, features: width };
        let tokens = Sequence::new().named("patch_embed.proj", patches).then(Positions { has_class_token });
        let network = Sequence::new().then(Stage(tokens));
        let depth = choice.get(&DEPTH) as usize;
        let network = (0..depth).fold(network, |network, index| {
            network.named(&format!("blocks.{index}"), Stage(transformer(width, heads)))
        });
        let network = network.named("norm", NORM);
        if has_class_token { network.then(FirstToken) } else { network.then(GlobalAveragePooling) }
    },
};

/// Features of a token, and heads that share them.
const WIDTHS: [(usize, usize); 3] = [(192, 3), (384, 6), (64, 2)];

const NORM: LayerNormalization = LayerNormalization { epsilon: 1e-6 };

/// Normalised before, and added after: equations 2 and 3.
fn transformer(width: usize, heads: usize) -> Sequence {
    let linear =
        |features, activation| Linear { initial: Initial::Normal(0.02), ..Linear::new(features, activation) };
    let dropout = Dropout { param: DROPOUT, unit: DropoutUnit::Elements };
    let added = |body| Residual { body, shortcut: Sequence::new(), activation: Activation::None };
    let attention = Sequence::new().named("norm1", NORM).named("attn", SelfAttention { heads }).then(dropout);
    let mlp = Sequence::new()
        .named("norm2", NORM)
        .named("mlp.fc1", linear(4 * width, Activation::Gelu))
        .then(dropout)
        .named("mlp.fc2", linear(width, Activation::None))
        .then(dropout);
    Sequence::new().then(added(attention)).then(added(mlp))
}

const WIDTH: Param = Param {
    key: "width",
    label: "Width",
    unit: "",
    help: "Features of each token, which the heads share.",
    kind: ParamKind::Choice(&[
        ("tiny", "Tiny: 192, 3 heads"),
        ("small", "Small: 384, 6 heads"),
        ("toy", "Toy: 64, 2 heads"),
    ]),
    default: 0.0,
    live: false,
};

const DEPTH: Param = Param {
    key: "depth",
    label: "Blocks",
    unit: "",
    help: "How many times the patches ask each other.",
    kind: ParamKind::Integer { min: 1, max: 24 },
    default: 12.0,
    live: false,
};

const PATCH: Param = Param {
    key: "patch_size",
    label: "Patch size",
    unit: "px",
    help: "The side of a patch. It must divide the sides of the images; half of it takes more than four times as long.",
    kind: ParamKind::Integer { min: 2, max: 32 },
    default: 4.0,
    live: false,
};

const POOLING: Param = Param {
    key: "pooling",
    label: "Embedding",
    unit: "",
    help: "What stands for the whole image: a token of its own that asks all patches, or the mean of all patches.",
    kind: ParamKind::Choice(&[("token", "Class token"), ("mean", "Mean of the patches")]),
    default: 0.0,
    live: false,
};

const DROPOUT: Param = Param {
    key: "dropout",
    label: "Dropout",
    unit: "",
    help: "The share of numbers that are switched off at random in each training step, after attention and in the layers behind it. Higher fights overfitting, and slows learning.",
    kind: ParamKind::Float { min: 0.0, max: 0.95, logarithmic: false },
    default: 0.0,
    live: true,
};

#[cfg(test)]
mod tests {
    use crate::{
        models::encoders::{
            summary,
            tests::{chosen, published},
        },
        shape::ImageShape,
    };

    /// timm 1.0.31: `sum(p.numel() for p in timm.create_model("vit_tiny_patch16_224").parameters())`, and small.
    #[test]
    fn parameters_are_those_published() {
        let of = |width: f64| published(&chosen("vit", &[("patch_size", 16.0), ("width", width)]), 224).0;
        assert_eq!([of(0.0), of(1.0)], [5_717_416, 22_050_664]);
    }

    #[test]
    fn patches_must_fit() {
        let error = summary(&chosen("vit", &[("patch_size", 16.0)]), ImageShape::new(28, 28, 1).into(), 10);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("28 by 28 pixels cannot be cut into patches of 16 by 16"), "{error}");
    }
}
