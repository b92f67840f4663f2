//! Masked autoencoding: minimise E[−log p(x_hidden | x_visible)] for patches that are hidden at random
//! (He et al., "Masked autoencoders are scalable vision learners", 2022, with a convolutional encoder that sees zeros
//! in the place of hidden patches).
use super::{Batch, Looks, Loss, Objective, ObjectiveEntry, TensorStrip, decoder::Decoder};
use crate::{
    metrics::LOSS,
    models::{Network, Pass, Vars},
    ops,
    rng::rng,
    sample::Modality,
    shape::ImageShape,
    spec::{Choice, ComponentInfo, LiveParams, Param, ParamKind},
};
use anyhow::Result;
use candle_core::Tensor;
use rand::seq::SliceRandom as _;
use std::{f64::consts::LN_2, sync::Arc};

pub(crate) const ENTRY: ObjectiveEntry = ObjectiveEntry {
    info: ComponentInfo {
        id: "masked",
        label: "Masked",
        help: "Learn without labels: patches of each image are hidden, and the network reconstructs them.",
        params: &[MASK_SHARE, PATCH_SIZE],
    },
    serves: &[Modality::Images],
    needs_labels: false,
    headline: LOSS,
    augmentation: &[],
    build: |choice, encoder, data, vars| {
        Ok(Box::new(Masked::new(choice, encoder, data.shape.image()?, vars)?))
    },
};

const MASK_SHARE: Param = Param {
    key: "mask_share",
    label: "Hidden share",
    unit: "",
    help: "The share of each image that is hidden.",
    kind: ParamKind::Float { min: 0.05, max: 0.95, logarithmic: false },
    default: 0.5,
    live: false,
};

const PATCH_SIZE: Param = Param {
    key: "patch_size",
    label: "Patch size",
    unit: "px",
    help: "The side of the squares that are hidden or seen as a whole.",
    kind: ParamKind::Integer { min: 1, max: 64 },
    default: 4.0,
    live: false,
};

/// The grey of a hidden pixel where it is shown.
const HIDDEN_GREY: f64 = 0.35;

struct Masked {
    encoder: Arc<Network>,
    decoder: Decoder,
    image: ImageShape,
    patch: usize,
    share: f64,
}

impl Masked {
    fn new(choice: &Choice, encoder: Arc<Network>, image: ImageShape, vars: &mut Vars) -> Result<Self> {
        let decoder = Decoder::new(encoder.embed_dim(), image, vars)?;
        let (patch, share) = (choice.get(&PATCH_SIZE) as usize, choice.get(&MASK_SHARE));
        Ok(Self { encoder, decoder, image, patch, share })
    }

    /// (images, height, width, channels): 1 where a pixel is hidden, 0 where it is seen.
    fn masks(&self, images: usize, seed: u64, step: u64) -> Vec<f32> {
        let ImageShape { height, width, channels } = self.image;
        let across = width.div_ceil(self.patch);
        let patches = height.div_ceil(self.patch) * across;
        let hidden = ((patches as f64 * self.share).round() as usize).clamp(1, patches);
        let patch_of = |pixel: usize| pixel / width / self.patch * across + pixel % width / self.patch;
        let patch_of: Vec<usize> = (0..height * width).map(patch_of).collect();
        let mut rng = rng(seed, "mask", step);
        let mut is_hidden: Vec<bool> = (0..patches).map(|patch| patch < hidden).collect();
        let mut masks = Vec::with_capacity(images * self.image.len());
        for _ in 0..images {
            is_hidden.shuffle(&mut rng);
            for patch in &patch_of {
                masks.extend(std::iter::repeat_n(f32::from(is_hidden[*patch]), channels));
            }
        }
        masks
    }
}

impl Objective for Masked {
    fn loss(&self, batch: &Batch, pass: &Pass<'_>) -> Result<Loss> {
        let (seed, step) = match pass {
            Pass::Training { seed, step, .. } => (*seed, *step),
            _ => (0, 0),
        };
        let masks = self.masks(batch.inputs.dim(0)?, seed, step);
        let hidden = masks.iter().map(|mask| f64::from(*mask)).sum::<f64>() / masks.len() as f64;
        let masks = Tensor::from_vec(masks, batch.inputs.shape(), batch.inputs.device())?;
        let missing = (&batch.inputs * &masks)?;
        let logits =
            self.decoder.forward(&self.encoder.forward(&(&batch.inputs - &missing)?, pass)?, pass)?;
        // A pixel that is seen counts as logit 0 against 0, which costs ln 2 for any weights.
        let over_all = ops::binary_cross_entropy(&(logits * masks)?, &missing)?;
        let loss = ((over_all - LN_2 * (1.0 - hidden))? / hidden)?;
        Ok(Loss { loss, metrics: vec![] })
    }

    fn looks(&self, batch: &Batch, _: &LiveParams) -> Result<Looks> {
        let masks = self.masks(batch.inputs.dim(0)?, 0, 0);
        let masks = Tensor::from_vec(masks, batch.inputs.shape(), batch.inputs.device())?;
        let seen = (&batch.inputs * (1.0 - &masks)?)?;
        let painted = self.decoder.paint(&self.encoder.forward(&seen, &Pass::Evaluation)?)?;
        let filled = (&seen + (painted * &masks)?)?;
        Ok(vec![
            TensorStrip::new("Original", "Images that it was not fitted to.", batch.inputs.clone()),
            TensorStrip::new(
                "What it sees",
                "The grey squares are hidden from it.",
                (seen + (masks * HIDDEN_GREY)?)?,
            ),
            TensorStrip::new("Filled in", "The hidden squares as it paints them.", filled),
        ]
        .into())
    }
}
