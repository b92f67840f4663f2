//! The variational autoencoder: minimise a bound on −log p(x),
//! E_{q(z|x)}[−log p(x | z)] + β · KL(q(z | x) ‖ N(0, 1)), with q(z | x) = N(μ(x), σ²(x))
//! (Kingma and Welling, "Auto-encoding variational Bayes", 2014; β of Higgins et al., 2017; 1 gives the bound itself).
//!
//! Images are binarised at random each time they are used: a pixel is ink with the probability of its grey.
use super::{Batch, Looks, Loss, Objective, ObjectiveEntry, TensorStrip, decoder::Decoder};
use crate::{
    data::DatasetInfo,
    metrics::{BITS_PER_DIM, ELBO, KL},
    models::{Network, Pass, Vars},
    ops::{self, Activation},
    rng::{normal, rng},
    sample::Modality,
    spec::{Choice, ComponentInfo, LiveParams, Param, ParamKind, Section},
};
use anyhow::Result;
use candle_core::{D, Tensor};
use rand::RngExt as _;
use std::{f64::consts::LN_2, sync::Arc};

pub(crate) const ENTRY: ObjectiveEntry = ObjectiveEntry {
    info: ComponentInfo {
        id: "variational",
        label: "Variational autoencoder",
        help: "Learn without labels: encode each image as a small distribution of latents, arranged so that every latent decodes to a plausible image.",
        params: &[LATENT_DIM, BETA, BINARIZE],
    },
    serves: &[Modality::Images],
    needs_labels: false,
    headline: ELBO,
    augmentation: &[],
    build: |choice, encoder, data, vars| Ok(Box::new(Variational::new(choice, encoder, data, vars)?)),
};

const LATENT_DIM: Param = Param {
    key: "latent_dim",
    label: "Latent size",
    unit: "numbers",
    help: "How many numbers an image is squeezed into.",
    kind: ParamKind::Integer { min: 1, max: 1024 },
    default: 20.0,
    live: false,
};

const BETA: Param = Param {
    key: "beta",
    label: "Beta",
    unit: "",
    help: "The price of telling images apart: more of it gives simpler, more evenly packed latents and blurrier images.",
    kind: ParamKind::Float { min: 0.0, max: 10.0, logarithmic: false },
    default: 1.0,
    live: true,
};

const BINARIZE: Param = Param {
    key: "binarize",
    label: "Binarise",
    unit: "",
    help: "Makes each pixel black or white at random, with its grey as the probability, so that the bound can be compared with the literature.",
    kind: ParamKind::Switch,
    default: 1.0,
    live: false,
};

/// Images on the way from one to another, both included.
const BETWEEN: usize = 10;

struct Variational {
    encoder: Arc<Network>,
    /// From the embedding to means, then logarithms of variances.
    weight: Tensor,
    bias: Tensor,
    decoder: Decoder,
    latent: usize,
    binarize: bool,
}

impl Variational {
    fn new(choice: &Choice, encoder: Arc<Network>, data: &DatasetInfo, vars: &mut Vars) -> Result<Self> {
        let (features, latent) = (encoder.embed_dim(), choice.get(&LATENT_DIM) as usize);
        Ok(Self {
            encoder,
            weight: vars.weight("objective.latent.weight", &[features, 2 * latent], features)?,
            bias: vars.weight("objective.latent.bias", &[2 * latent], features)?,
            decoder: Decoder::new(latent, data.shape.image()?, vars)?,
            latent,
            binarize: choice.get(&BINARIZE) != 0.0,
        })
    }
}

impl Objective for Variational {
    fn loss(&self, batch: &Batch, pass: &Pass<'_>) -> Result<Loss> {
        let (seed, step, beta) = match pass {
            Pass::Training { seed, step, live, .. } => (*seed, *step, live.get(Section::Objective, &BETA)),
            _ => (0, 0, 1.0),
        };
        let (images, device) = (batch.inputs.dim(0)?, batch.inputs.device());
        let x = if self.binarize { binarized(&batch.inputs, seed, step)? } else { batch.inputs.clone() };
        let embedding = self.encoder.forward(&x, pass)?;
        let latent = ops::linear(&embedding, &self.weight, Some(&self.bias), Activation::None)?;
        let mean = latent.narrow(1, 0, self.latent)?;
        let log_variance = latent.narrow(1, self.latent, self.latent)?;
        let noise = Tensor::from_vec(
            normal(images * self.latent, seed, "latent", step),
            (images, self.latent),
            device,
        )?;
        let z = (&mean + ((&log_variance * 0.5)?.exp()? * noise)?)?;
        let pixels = batch.inputs.elem_count() / images;
        let painting = (ops::binary_cross_entropy(&self.decoder.forward(&z, pass)?, &x)? * pixels as f64)?;
        // KL(N(μ, σ²) ‖ N(0, 1)) = ½ Σ (μ² + σ² − log σ² − 1)
        let kl = ((mean.sqr()? + log_variance.exp()?)? - &log_variance)?;
        let kl = ((kl - 1.0)?.sum(D::Minus1)?.mean_all()? * 0.5)?;
        let bound = number(&painting)? + number(&kl)?;
        let metrics =
            vec![(ELBO, -bound), (KL, number(&kl)?), (BITS_PER_DIM, bound / (pixels as f64 * LN_2))];
        Ok(Loss { loss: (painting + (kl * beta)?)?, metrics })
    }

    fn looks(&self, batch: &Batch, _: &LiveParams) -> Result<Looks> {
        let seen = if self.binarize { binarized(&batch.inputs, 0, 0)? } else { batch.inputs.clone() };
        let embedding = self.encoder.forward(&seen, &Pass::Evaluation)?;
        let latent = ops::linear(&embedding, &self.weight, Some(&self.bias), Activation::None)?;
        let mean = latent.narrow(1, 0, self.latent)?.detach();
        let mut strips = vec![
            TensorStrip::new("Original", "Images that it was not fitted to.", batch.inputs.clone()),
            TensorStrip::new(
                "Reconstruction",
                "Painted from the middle of each image's cloud of latents.",
                self.decoder.paint(&mean)?,
            ),
        ];
        if mean.dim(0)? > 1 {
            let (from, to) = (mean.narrow(0, 0, 1)?, mean.narrow(0, 1, 1)?);
            let share = |step: usize| step as f64 / (BETWEEN - 1) as f64;
            let way: Vec<Tensor> = (0..BETWEEN)
                .map(|step| (&from * (1.0 - share(step)))? + (&to * share(step))?)
                .collect::<candle_core::Result<_>>()?;
            strips.push(TensorStrip::new(
                "In between",
                "On the straight way from the first image's latents to the second's: every point on it should paint a digit. Draw one, clear the pad and draw another: it leads from one drawing to the other.",
                self.decoder.paint(&Tensor::cat(&way, 0)?)?,
            ));
        }
        Ok(strips.into())
    }

    fn sample(&self, count: usize, seed: u64) -> Result<Option<Tensor>> {
        let latent = normal(count * self.latent, seed, "sample", 0);
        let latent = Tensor::from_vec(latent, (count, self.latent), self.weight.device())?;
        Ok(Some(self.decoder.paint(&latent)?))
    }
}

fn number(scalar: &Tensor) -> Result<f64> {
    Ok(f64::from(scalar.to_scalar::<f32>()?))
}

/// Each pixel 1 with the probability of its grey, or else 0.
fn binarized(images: &Tensor, seed: u64, step: u64) -> Result<Tensor> {
    let mut rng = rng(seed, "binarize", step);
    let greys = images.flatten_all()?.to_vec1::<f32>()?;
    let ink: Vec<f32> = greys.iter().map(|grey| f32::from(rng.random_range(0.0..1.0) < *grey)).collect();
    Ok(Tensor::from_vec(ink, images.shape(), images.device())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn grey_is_a_probability() -> Result<()> {
        let grey = Tensor::full(0.25f32, (10, 100, 100, 1), &Device::Cpu)?;
        let ink = binarized(&grey, 1, 2)?.flatten_all()?.to_vec1::<f32>()?;
        assert!(ink.iter().all(|ink| [0.0, 1.0].contains(ink)));
        assert!((ink.iter().sum::<f32>() / 1e5 - 0.25).abs() < 0.01);
        Ok(())
    }
}
