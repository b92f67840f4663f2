//! Autoencoding: minimise E[−log p(x | z)], z = f(x̃), so that an image can be painted again from its embedding alone.
//!
//! p is a Bernoulli distribution for each pixel, so that −log p is the binary cross-entropy. x̃ is x itself, or x with
//! some pixels blanked (Vincent et al., "Extracting and composing robust features with denoising autoencoders", 2008).
use super::{Batch, Looks, Loss, Objective, ObjectiveEntry, TensorStrip, decoder::Decoder};
use crate::{
    metrics::LOSS,
    models::{Network, Pass, Vars},
    ops::{self, DropoutUnit},
    rng,
    sample::Modality,
    shape::ImageShape,
    spec::{ComponentInfo, LiveParams, Param, ParamKind, Section},
};
use anyhow::Result;
use candle_core::Tensor;
use std::sync::Arc;

pub(crate) const ENTRY: ObjectiveEntry = ObjectiveEntry {
    info: ComponentInfo {
        id: "autoencoder",
        label: "Autoencoder",
        help: "Learn without labels: compress each image to a few numbers from which it can be reconstructed.",
        params: &[NOISE],
    },
    serves: &[Modality::Images],
    needs_labels: false,
    headline: LOSS,
    augmentation: &[],
    build: |_, encoder, data, vars| Ok(Box::new(Autoencoder::new(encoder, data.shape.image()?, vars)?)),
};

const NOISE: Param = Param {
    key: "noise",
    label: "Blanked pixels",
    unit: "",
    help: "The share of pixels that are blanked before the encoder sees the image. It must still reconstruct the whole image, so it cannot just copy.",
    kind: ParamKind::Float { min: 0.0, max: 0.95, logarithmic: false },
    default: 0.0,
    live: true,
};

struct Autoencoder {
    encoder: Arc<Network>,
    decoder: Decoder,
}

impl Autoencoder {
    fn new(encoder: Arc<Network>, image: ImageShape, vars: &mut Vars) -> Result<Self> {
        let decoder = Decoder::new(encoder.embed_dim(), image, vars)?;
        Ok(Self { encoder, decoder })
    }
}

impl Objective for Autoencoder {
    fn loss(&self, batch: &Batch, pass: &Pass<'_>) -> Result<Loss> {
        let seen = match pass {
            Pass::Training { seed, step, live, .. } => blanked(&batch.inputs, share(live), *seed, *step)?,
            _ => batch.inputs.clone(),
        };
        let logits = self.decoder.forward(&self.encoder.forward(&seen, pass)?, pass)?;
        Ok(Loss { loss: ops::binary_cross_entropy(&logits, &batch.inputs)?, metrics: vec![] })
    }

    fn looks(&self, batch: &Batch, live: &LiveParams) -> Result<Looks> {
        let seen = blanked(&batch.inputs, share(live), 0, 0)?;
        let painted = self.decoder.paint(&self.encoder.forward(&seen, &Pass::Evaluation)?)?;
        let mut strips =
            vec![TensorStrip::new("Original", "Images that it was not fitted to.", batch.inputs.clone())];
        if share(live) > 0.0 {
            strips.push(TensorStrip::new("Pixels blanked", "All that the encoder sees of them.", seen));
        }
        strips.push(TensorStrip::new(
            "Reconstruction",
            "Painted from the embedding alone: what is missing here, the embedding does not hold.",
            painted,
        ));
        Ok(strips.into())
    }
}

/// The share of pixels that are blanked.
fn share(live: &LiveParams) -> f64 {
    live.get(Section::Objective, &NOISE)
}

/// The images with a share of their pixels blanked.
fn blanked(images: &Tensor, share: f64, seed: u64, step: u64) -> Result<Tensor> {
    if share == 0.0 {
        return Ok(images.clone());
    }
    let kept = ops::dropout(images, share, DropoutUnit::Elements, rng::key(seed, "noise", step))?;
    // Dropout enlarges what it keeps.
    Ok((kept * (1.0 - share))?)
}
