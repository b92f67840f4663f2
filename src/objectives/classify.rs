//! Classification: minimise E[−log p(y | x, θ)], the cross-entropy of a linear layer on the embedding.
use super::{Batch, Looks, Loss, Objective, ObjectiveEntry, TensorStrip};
use crate::{
    data::DatasetInfo,
    evaluation::{argmax, confidence},
    metrics::ACCURACY,
    models::{
        Builder, Flow, Network, Pass, Vars,
        blocks::{Block as _, Step, run},
        encoders::{self, HEAD},
    },
    ops,
    protocol::Caption,
    sample::Modality,
    shape::Shape,
    spec::{ComponentInfo, LiveParams, Param, ParamKind, Section},
};
use anyhow::Result;
use candle_core::Tensor;
use std::sync::Arc;

pub(crate) const ENTRY: ObjectiveEntry = ObjectiveEntry {
    info: ComponentInfo {
        id: "classify",
        label: "Classification",
        help: "Learn the label of each image: the more probable the right answer, the smaller the loss.",
        params: &[LABEL_SMOOTHING],
    },
    serves: Modality::ALL,
    needs_labels: true,
    headline: ACCURACY,
    augmentation: &[],
    build: |_, encoder, data, vars| Ok(Box::new(Classify::new(encoder, data, vars)?)),
};

const LABEL_SMOOTHING: Param = Param {
    key: "label_smoothing",
    label: "Label smoothing",
    unit: "",
    help: "Asks the network to keep this share of its belief for the other classes, so that it is less sure of itself.",
    kind: ParamKind::Float { min: 0.0, max: 0.5, logarithmic: false },
    default: 0.0,
    live: true,
};

struct Classify {
    encoder: Arc<Network>,
    head: Vec<Step>,
    class_names: Vec<String>,
}

impl Classify {
    fn new(encoder: Arc<Network>, data: &DatasetInfo, vars: &mut Vars) -> Result<Self> {
        let embedding = Flow::of(Shape::Features(encoder.embed_dim()));
        let head = encoders::head(data.classes()).build(embedding, &mut Builder::head(HEAD, vars))?;
        Ok(Self { encoder, head, class_names: data.class_names.clone() })
    }

    fn forward(&self, images: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        let embedding = self.encoder.forward(images, pass)?;
        Ok(run(&self.head, &embedding, pass)?)
    }
}

impl Objective for Classify {
    fn loss(&self, batch: &Batch, pass: &Pass<'_>) -> Result<Loss> {
        let logits = self.forward(&batch.inputs, pass)?;
        // Validation and test losses are of the labels as they are.
        let (smoothing, weights) = match pass {
            Pass::Training { live, .. } => {
                let smoothing = live.get(Section::Objective, &LABEL_SMOOTHING);
                (smoothing, batch.class_weights.as_deref())
            }
            _ => (0.0, None),
        };
        let labels = batch.labels()?;
        let loss = ops::weighted_cross_entropy(&logits, labels, smoothing, weights)?;
        Ok(Loss { loss, metrics: vec![(ACCURACY, accuracy(&logits, labels)?)] })
    }

    fn looks(&self, batch: &Batch, _: &LiveParams) -> Result<Looks> {
        if batch.inputs.rank() != 4 {
            return Ok(vec![].into());
        }
        let probabilities =
            ops::softmax(&self.forward(&batch.inputs, &Pass::Evaluation)?)?.to_vec2::<f32>()?;
        let labels = batch.labels.as_ref().map(Tensor::to_vec1::<u32>).transpose()?;
        let caption = |(at, row): (usize, &Vec<f32>)| {
            let class = argmax(row);
            let sure = confidence(row.get(class).copied().unwrap_or_default().into(), 0);
            let name = &self.class_names[class];
            let is_right = labels.as_ref().map(|labels| class == labels[at] as usize);
            Caption { text: format!("{name} · {sure}"), is_right }
        };
        let captions = probabilities.iter().enumerate().map(caption).collect();
        let help = "Images that it was not fitted to, the class it takes each for, and how sure it is.";
        Ok(vec![TensorStrip { captions, ..TensorStrip::new("Images", help, batch.inputs.clone()) }].into())
    }

    fn logits(&self, embeddings: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(run(&self.head, embeddings, &Pass::Evaluation)?))
    }

    fn predict(&self, images: &Tensor) -> Result<Option<Tensor>> {
        Ok(Some(ops::softmax(&self.forward(images, &Pass::Evaluation)?)?))
    }
}

/// The share of rows whose largest logit is at the label.
pub(super) fn accuracy(logits: &Tensor, labels: &Tensor) -> Result<f64> {
    let (rows, labels) = (logits.detach().to_vec2::<f32>()?, labels.to_vec1::<u32>()?);
    let right = rows.iter().zip(&labels).filter(|(row, label)| argmax(row) == **label as usize).count();
    Ok(right as f64 / labels.len() as f64)
}
