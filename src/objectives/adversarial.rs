//! Adversarial learning: a generator G paints images from noise, and the encoder under a linear layer, the discriminator
//! D, says how likely an image is a real one. D minimises
//! E[log(1 + e^−D(x))] + E[log(1 + e^D(G(z)))] + γ/2 · E[‖∇ₓD(x)‖²], G minimises E[log(1 + e^−D(G(z)))]
//! (Goodfellow et al., "Generative adversarial nets", 2014, with the loss for G that does not saturate; Radford, Metz and
//! Chintala, "Unsupervised representation learning with deep convolutional generative adversarial networks", 2016; the
//! penalty R₁ of Mescheder, Geiger and Nowozin, "Which training methods for GANs do actually converge?", 2018).
//!
//! The penalty's gradient would be a second derivative; ‖∇ₓD(x)‖² is the mean of ((D(x + σε) − D(x)) / σ)² over
//! ε ~ N(0, 1) for a small σ, which needs none. Both sides learn in one step from one sum: G's weights have no part in
//! D's loss, and D's are held in G's. z is normal noise about one of as many points as the data has classes. Samples are
//! painted by a moving average of G's weights.
use super::{Batch, Looks, Loss, Objective, ObjectiveEntry, TensorStrip, decoder::Decoder};
use crate::{
    data::DatasetInfo,
    evaluation,
    metrics::{DISCRIMINATOR_LOSS, GENERATED_CONFIDENCE, GENERATOR_LOSS, REAL_CONFIDENCE, SAMPLE_DIVERSITY},
    models::{Changes, Network, Pass, Vars},
    ops::{self, Activation},
    protocol::Caption,
    rng::{key, normal, rng},
    sample::Modality,
    spec::{Choice, ComponentInfo, LiveParams, Param, ParamKind, Section},
};
use anyhow::Result;
use candle_core::Tensor;
use rand::RngExt as _;
use std::sync::Arc;

pub(crate) const ENTRY: ObjectiveEntry = ObjectiveEntry {
    info: ComponentInfo {
        id: "adversarial",
        label: "Adversarial",
        help: "Learn without labels: a generator makes images from noise, a discriminator tries to recognise them among real ones, and each improves against the other.",
        params: &[LATENT_DIM, GRADIENT_PENALTY],
    },
    serves: &[Modality::Images],
    needs_labels: false,
    headline: SAMPLE_DIVERSITY,
    augmentation: &[],
    build: |choice, encoder, data, vars| Ok(Box::new(Adversarial::new(choice, encoder, data, vars)?)),
};

const LATENT_DIM: Param = Param {
    key: "latent_dim",
    label: "Latent size",
    unit: "numbers",
    help: "How many random numbers an image is painted from.",
    kind: ParamKind::Integer { min: 1, max: 1024 },
    default: 64.0,
    live: false,
};

const GRADIENT_PENALTY: Param = Param {
    key: "gradient_penalty",
    label: "Gradient penalty",
    unit: "",
    help: "Keeps the discriminator from becoming too sharp, which would leave the generator nothing to learn from.",
    kind: ParamKind::Float { min: 0.0, max: 100.0, logarithmic: true },
    default: 0.1,
    live: true,
};

/// σ of the penalty, in shares of the range of a pixel.
const NUDGE: f64 = 0.05;
/// How far each cloud of latents lies from the middle, in standard deviations: images of different kinds should not have
/// to pass into each other (Gurumurthy, Sarvadevabhatla and Babu, "DeLiGAN: generative adversarial networks for diverse
/// and limited data", 2017).
const APART: f32 = 4.0;
/// Every fourth image of a batch is nudged.
const NUDGED: usize = 4;
/// Of the noise that images to be shown are painted from: towards the middle of a cloud they are less varied and better
/// (the truncation trick of Brock, Donahue and Simonyan, "Large scale GAN training for high fidelity natural image
/// synthesis", 2019).
const SHOWN_SPREAD: f32 = 0.7;
/// How far the average moves towards the generator at each step, once it has seen some.
const AVERAGING: f64 = 0.005;

struct Adversarial {
    encoder: Arc<Network>,
    /// From the embedding to the logit of being real.
    weight: Tensor,
    bias: Tensor,
    generator: Decoder,
    /// The generator's weights, averaged over the last few hundred steps.
    average: Decoder,
    latent: usize,
    /// Clouds that latents are drawn from.
    kinds: usize,
    gradient_penalty: f64,
}

impl Adversarial {
    fn new(choice: &Choice, encoder: Arc<Network>, data: &DatasetInfo, vars: &mut Vars) -> Result<Self> {
        let (features, latent) = (encoder.embed_dim(), choice.get(&LATENT_DIM) as usize);
        let generator = Decoder::normalized(latent, data.shape.image()?, vars)?;
        Ok(Self {
            encoder,
            weight: vars.weight("objective.head.weight", &[features, 1], features)?,
            bias: vars.weight("objective.head.bias", &[1], features)?,
            average: generator.follower(vars)?,
            generator,
            latent,
            kinds: data.classes().min(latent),
            gradient_penalty: choice.get(&GRADIENT_PENALTY),
        })
    }

    /// (images) logits of being real.
    fn discriminate(&self, images: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        let embedding = self.encoder.forward(images, pass)?;
        let (weight, bias) = (pass.weight(&self.weight), pass.weight(&self.bias));
        Ok(ops::linear(&embedding, &weight, Some(&bias), Activation::None)?.flatten_all()?)
    }

    /// (count, latent): noise of this spread about the middle of a cloud.
    fn latents(&self, count: usize, spread: f32, seed: u64, purpose: &str, step: u64) -> Result<Tensor> {
        let mut numbers = normal(count * self.latent, seed, purpose, step);
        numbers.iter_mut().for_each(|number| *number *= spread);
        let mut rng = rng(seed, "kind", key(step, purpose, 0));
        for latent in numbers.chunks_exact_mut(self.latent) {
            latent[rng.random_range(0..self.kinds)] += APART;
        }
        Ok(Tensor::from_vec(numbers, (count, self.latent), self.weight.device())?)
    }

    /// The logits of real images, and R₁ of the first few of them.
    fn discriminate_real(
        &self,
        images: &Tensor,
        seed: u64,
        step: u64,
        pass: &Pass<'_>,
    ) -> Result<(Tensor, Tensor)> {
        let count = images.dim(0)?;
        let some = images.narrow(0, 0, count.div_ceil(NUDGED))?;
        let nudge = normal(some.elem_count(), seed, "nudge", step);
        let nudge = Tensor::from_vec(nudge, some.shape(), images.device())?;
        // in one batch, so that both are normalised alike
        let both = Tensor::cat(&[images, &(&some + (nudge * NUDGE)?)?], 0)?;
        let logits = self.discriminate(&both, pass)?;
        let nudged = logits.narrow(0, count, some.dim(0)?)?;
        let slopes = ((nudged - logits.narrow(0, 0, some.dim(0)?)?)? / NUDGE)?;
        Ok((logits.narrow(0, 0, count)?, slopes.sqr()?.mean_all()?))
    }
}

impl Objective for Adversarial {
    fn before_step(&self, step: u64) -> Result<()> {
        self.average.follow(&self.generator, AVERAGING.max(1.0 / (1.0 + step as f64)))
    }

    fn loss(&self, batch: &Batch, pass: &Pass<'_>) -> Result<Loss> {
        let (seed, step, penalty, source) = match pass {
            Pass::Training { seed, step, live, .. } => {
                (*seed, *step, live.get(Section::Objective, &GRADIENT_PENALTY), &self.generator)
            }
            _ => (0, 0, self.gradient_penalty, &self.average),
        };
        let count = batch.inputs.dim(0)?;
        let generated = source.forward(&self.latents(count, 1.0, seed, "latent", step)?, pass)?;
        let generated = ops::activate(&generated, Activation::Sigmoid)?;
        let (real, slopes) = self.discriminate_real(&batch.inputs, seed, step, pass)?;
        let fake = self.discriminate(&generated.detach(), &pass.changing(Changes::Weights))?;
        let fooled = self.discriminate(&generated, &pass.changing(Changes::Nothing))?;
        let (yes, no) = (real.ones_like()?, real.zeros_like()?);
        let discriminator =
            (ops::binary_cross_entropy(&real, &yes)? + ops::binary_cross_entropy(&fake, &no)?)?;
        let generator = ops::binary_cross_entropy(&fooled, &yes)?;
        let mut metrics = vec![
            (DISCRIMINATOR_LOSS, number(&discriminator)?),
            (GENERATOR_LOSS, number(&generator)?),
            (REAL_CONFIDENCE, confidence(&real)?),
            (GENERATED_CONFIDENCE, confidence(&fake)?),
        ];
        if let (Pass::Evaluation, 2..) = (pass, count) {
            metrics.push((SAMPLE_DIVERSITY, spread(&generated)? / spread(&batch.inputs)?.max(1e-12)));
        }
        let penalty = (slopes * (0.5 * penalty))?;
        Ok(Loss { loss: ((discriminator + penalty)? + generator)?, metrics })
    }

    fn looks(&self, batch: &Batch, _: &LiveParams) -> Result<Looks> {
        let logits = self.discriminate(&batch.inputs, &Pass::Evaluation)?.to_vec1::<f32>()?;
        let caption = |logit: &f32| Caption {
            text: evaluation::confidence(1.0 / (1.0 + f64::from(-logit).exp()), 0),
            is_right: None,
        };
        let captions = logits.iter().map(caption).collect();
        let help = "Validation images, and the probability that the discriminator gives each of being real.";
        Ok(vec![TensorStrip { captions, ..TensorStrip::new("Real?", help, batch.inputs.clone()) }].into())
    }

    fn sample(&self, count: usize, seed: u64) -> Result<Option<Tensor>> {
        Ok(Some(self.average.paint(&self.latents(count, SHOWN_SPREAD, seed, "sample", 0)?)?))
    }
}

fn number(scalar: &Tensor) -> Result<f64> {
    Ok(f64::from(scalar.to_scalar::<f32>()?))
}

/// The mean probability of being real.
fn confidence(logits: &Tensor) -> Result<f64> {
    let logits = logits.to_vec1::<f32>()?;
    let sum: f64 = logits.iter().map(|logit| 1.0 / (1.0 + f64::from(-logit).exp())).sum();
    Ok(sum / logits.len().max(1) as f64)
}

/// The mean squared distance of two images: twice the sum of the pixels' variances.
fn spread(images: &Tensor) -> Result<f64> {
    let flat = images.detach().flatten_from(1)?;
    let count = flat.dim(0)? as f64;
    let around = flat.broadcast_sub(&flat.mean_keepdim(0)?)?;
    Ok(2.0 * number(&around.sqr()?.sum_all()?)? / (count - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn the_spread_is_the_mean_squared_distance_of_pairs() -> Result<()> {
        let images = Tensor::new(&[[0f32, 0.], [1., 0.], [0., 2.]], &Device::Cpu)?.reshape((3, 1, 2, 1))?;
        // (1 + 4 + 5) / 3
        assert!((spread(&images)? - 10.0 / 3.0).abs() < 1e-6);
        assert!(spread(&images.zeros_like()?)?.abs() < 1e-9);
        Ok(())
    }
}
