//! Contrastive learning without labels: two views of an image should be more similar to each other than to views of other images.
//!
//! For a batch of n images, the projections z of their 2n views, and the partner j of each view i, minimise the mean of
//! −log(exp(sim(zᵢ, zⱼ)/τ) / Σ_{k≠i} exp(sim(zᵢ, zₖ)/τ)) with the cosine similarity sim and the temperature τ
//! (Chen et al., "A simple framework for contrastive learning of visual representations", 2020, equation 1).
use super::{Batch, Looks, Loss, Objective, ObjectiveEntry, TensorStrip};
use crate::{
    metrics::{ALIGNMENT, KNN_ACCURACY, UNIFORMITY},
    models::{Network, Pass, Vars},
    ops::{self, Activation},
    protocol::{Cosines, Similarities},
    sample::Modality,
    spec::{Choice, ComponentInfo, LiveParams, Param, ParamKind, Section},
};
use anyhow::Result;
use candle_core::{D, Tensor};
use std::sync::Arc;

pub(crate) const ENTRY: ObjectiveEntry = ObjectiveEntry {
    info: ComponentInfo {
        id: "contrastive",
        label: "Contrastive",
        help: "Learn without labels: two altered copies of an image must find each other among all the others of the batch.",
        params: &[TEMPERATURE, PROJECTION_DIM],
    },
    serves: &[Modality::Images],
    needs_labels: false,
    headline: KNN_ACCURACY,
    augmentation: &[
        ("rotation", 17.0),
        ("scale", 0.2),
        ("shear", 0.3),
        ("shift", 2.5),
        ("elastic", 1.5),
        ("thickness", 0.7),
    ],
    build: |choice, encoder, _, vars| Ok(Box::new(Contrastive::new(choice, encoder, vars)?)),
};

const TEMPERATURE: Param = Param {
    key: "temperature",
    label: "Temperature",
    unit: "",
    help: "How sharply similar images are distinguished: lower values weigh the nearest ones more.",
    kind: ParamKind::Float { min: 0.01, max: 2.0, logarithmic: true },
    default: 0.2,
    live: true,
};

const PROJECTION_DIM: Param = Param {
    key: "projection_dim",
    label: "Projection",
    unit: "features",
    help: "The size of the vectors that are compared. They are made from the embedding, and thrown away after pretraining.",
    kind: ParamKind::Integer { min: 2, max: 1024 },
    default: 64.0,
    live: false,
};

/// An encoder under the projection of SimCLR: a hidden layer as wide as the embedding, then a linear one.
struct Contrastive {
    encoder: Arc<Network>,
    hidden: [Tensor; 2],
    projection: [Tensor; 2],
    temperature: f64,
}

impl Contrastive {
    fn new(choice: &Choice, encoder: Arc<Network>, vars: &mut Vars) -> Result<Self> {
        let (features, projected) = (encoder.embed_dim(), choice.get(&PROJECTION_DIM) as usize);
        Ok(Self {
            encoder,
            hidden: [
                vars.weight("objective.hidden.weight", &[features, features], features)?,
                vars.weight("objective.hidden.bias", &[features], features)?,
            ],
            projection: [
                vars.weight("objective.projection.weight", &[features, projected], features)?,
                vars.weight("objective.projection.bias", &[projected], features)?,
            ],
            temperature: choice.get(&TEMPERATURE),
        })
    }
}

impl Contrastive {
    /// The vectors that are compared.
    fn project(&self, images: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        let embedding = self.encoder.forward(images, pass)?;
        let hidden = ops::linear(&embedding, &self.hidden[0], Some(&self.hidden[1]), Activation::Relu)?;
        Ok(ops::linear(&hidden, &self.projection[0], Some(&self.projection[1]), Activation::None)?)
    }
}

impl Objective for Contrastive {
    fn views(&self) -> usize {
        2
    }

    fn loss(&self, batch: &Batch, pass: &Pass<'_>) -> Result<Loss> {
        let z = self.project(&batch.inputs, pass)?;
        let temperature = match pass {
            Pass::Training { live, .. } => live.get(Section::Objective, &TEMPERATURE),
            _ => self.temperature,
        };
        let loss = ops::nt_xent(&z, temperature)?;
        let metrics = match pass {
            Pass::Training { .. } => vec![],
            _ => {
                let unit = ops::unit_rows(&z)?;
                vec![(ALIGNMENT, alignment(&unit)?), (UNIFORMITY, uniformity(&unit)?)]
            }
        };
        Ok(Loss { loss, metrics })
    }

    fn looks(&self, batch: &Batch, _: &LiveParams) -> Result<Looks> {
        let pairs = batch.inputs.dim(0)? / 2;
        let view = |first: usize| batch.inputs.narrow(0, first, pairs);
        let strips = vec![
            TensorStrip::new("One view", "Images that it was not fitted to, altered by chance.", view(0)?),
            TensorStrip::new(
                "Another view",
                "The same images, altered in another way: the network must find out which belong together.",
                view(pairs)?,
            ),
        ];
        let unit = ops::unit_rows(&self.project(&batch.inputs, &Pass::Evaluation)?)?;
        let similarities = if pairs > 1 { Some(similarities(&unit)?) } else { None };
        Ok(Looks { strips, similarities })
    }
}

/// How alike the partners, rows i and i + n of (2n, features), are, and how alike all others.
fn similarities(unit: &Tensor) -> Result<Similarities> {
    let cosines = unit.matmul(&unit.t()?)?.to_vec2::<f32>()?;
    let (rows, mut same, mut others) = (cosines.len(), vec![], vec![]);
    for (row, cosines) in cosines.iter().enumerate() {
        for (other, cosine) in cosines.iter().enumerate().skip(row + 1) {
            if other == row + rows / 2 { same.push(*cosine) } else { others.push(*cosine) }
        }
    }
    Ok(Similarities { same: Cosines::new(&same), others: Cosines::new(&others) })
}

/// The mean squared distance of partners, rows i and i + n of (2n, features) (Wang and Isola, "Understanding contrastive
/// representation learning through alignment and uniformity", 2020, equation 4).
fn alignment(unit: &Tensor) -> Result<f64> {
    let pairs = unit.dim(0)? / 2;
    let apart = (unit.narrow(0, 0, pairs)? - unit.narrow(0, pairs, pairs)?)?;
    Ok(f64::from(apart.sqr()?.sum(D::Minus1)?.mean_all()?.to_scalar::<f32>()?))
}

/// The logarithm of the mean of exp(−2 d²) over all pairs of rows at distances d (ibid., equation 5).
fn uniformity(unit: &Tensor) -> Result<f64> {
    let rows = unit.dim(0)?;
    let similarities = unit.matmul(&unit.t()?)?.flatten_all()?.to_vec1::<f32>()?;
    // d² = 2 − 2 cos; the pairs of a row with itself are e⁰ each.
    let sum: f64 = similarities.iter().map(|cosine| (4.0 * (f64::from(*cosine) - 1.0)).exp()).sum();
    Ok(((sum - rows as f64) / (rows * (rows - 1)) as f64).ln())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn views_that_agree_are_aligned_and_those_all_around_are_uniform() -> Result<()> {
        let cross = Tensor::new(&[[2f32, 0.], [0., 1.], [3., 0.], [0., 4.]], &Device::Cpu)?;
        let unit = ops::unit_rows(&cross)?;
        assert!(alignment(&unit)?.abs() < 1e-6);
        // of 12 pairs, 4 at distance 0 and 8 at distance √2
        assert!((uniformity(&unit)? - ((4.0 + 8.0 * (-4f64).exp()) / 12.0).ln()).abs() < 1e-6);
        let apart =
            ops::unit_rows(&Tensor::new(&[[1f32, 0.], [1., 0.], [-1., 0.], [0., 1.]], &Device::Cpu)?)?;
        assert!((alignment(&apart)? - 3.0).abs() < 1e-6);
        // the partners at −1 and 0, the others at 1, 0, −1 and 0
        let found = similarities(&apart)?;
        let shares =
            |cosines: &Cosines| [0, Cosines::BINS / 2, Cosines::BINS - 1].map(|bin| cosines.shares[bin]);
        assert_eq!((found.same.mean, shares(&found.same)), (-0.5, [0.5, 0.5, 0.0]));
        assert_eq!((found.others.mean, shares(&found.others)), (0.0, [0.25, 0.5, 0.25]));
        Ok(())
    }
}
