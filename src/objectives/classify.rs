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
use candle_core::{D, Tensor};
use std::sync::Arc;

pub(crate) const ENTRY: ObjectiveEntry = ObjectiveEntry {
    info: ComponentInfo {
        id: "classify",
        label: "Classification",
        help: "Learn the label of each image: the more probable the right answer, the smaller the loss.",
        params: &[LABEL_SMOOTHING, OUTSIDERS],
    },
    serves: Modality::ALL,
    needs_labels: true,
    headline: ACCURACY,
    augmentation: &[],
    build: |choice, encoder, data, vars| {
        Ok(Box::new(Classify::new(encoder, data, choice.get(&OUTSIDERS) > 0.0, vars)?))
    },
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

/// How many examples of none of the classes a batch has beside its own.
pub const OUTSIDERS: Param = Param {
    key: "outsiders",
    label: "None of these",
    unit: "",
    help: "To each batch come examples of none of the classes, such as random strokes where digits are learnt: this many, as a share of the batch. The network learns to tell them, so that it says of a drawing that it looks like no class. 0 leaves them out.",
    kind: ParamKind::Float { min: 0.0, max: 1.0, logarithmic: false },
    default: 0.0,
    live: false,
};

struct Classify {
    encoder: Arc<Network>,
    /// One output a class; where there are outsiders, one for these, too, which is the last.
    head: Vec<Step>,
    class_names: Vec<String>,
    knows_outsiders: bool,
}

impl Classify {
    fn new(
        encoder: Arc<Network>,
        data: &DatasetInfo,
        knows_outsiders: bool,
        vars: &mut Vars,
    ) -> Result<Self> {
        let embedding = Flow::of(Shape::Features(encoder.embed_dim()));
        let outputs = data.classes() + usize::from(knows_outsiders);
        let head = encoders::head(outputs).build(embedding, &mut Builder::head(HEAD, vars))?;
        Ok(Self { encoder, head, class_names: data.class_names.clone(), knows_outsiders })
    }

    fn forward(&self, inputs: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        self.after_stages(0, inputs, pass)
    }

    /// As [`forward`](Self::forward), from what the first stages of the encoder made of the inputs.
    fn after_stages(&self, stages: usize, values: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        let embedding = self.encoder.after_stages(stages, values, pass)?;
        Ok(run(&self.head, &embedding, pass)?)
    }

    /// (batch, outputs) to (batch, classes)
    fn of_classes(&self, outputs: &Tensor) -> Result<Tensor> {
        match self.knows_outsiders {
            true => Ok(outputs.narrow(1, 0, self.class_names.len())?.contiguous()?),
            false => Ok(outputs.clone()),
        }
    }

    /// The loss of images of the classes and of none of them together; also gives the logits of the former.
    fn loss_with_outsiders(
        &self,
        batch: &Batch,
        outsiders: &Tensor,
        smoothing: f64,
        pass: &Pass<'_>,
    ) -> Result<(Tensor, Tensor)> {
        let (labels, classes) = (batch.labels()?, self.class_names.len());
        let none_of_them = Tensor::full(classes as u32, outsiders.dim(0)?, labels.device())?;
        let labels = Tensor::cat(&[labels, &none_of_them], 0)?;
        let weights = batch.class_weights.as_ref().map(|weights| [weights, &[1.0][..]].concat());
        let outputs = self.forward(&Tensor::cat(&[&batch.inputs, outsiders], 0)?, pass)?;
        let loss = ops::weighted_cross_entropy(&outputs, &labels, smoothing, weights.as_deref())?;
        Ok((loss, self.of_classes(&outputs.detach().narrow(0, 0, batch.inputs.dim(0)?)?)?))
    }
}

impl Objective for Classify {
    fn loss(&self, batch: &Batch, pass: &Pass<'_>) -> Result<Loss> {
        // Validation and test losses are of the labels as they are.
        let (smoothing, weights) = match pass {
            Pass::Training { live, .. } => {
                let smoothing = live.get(Section::Objective, &LABEL_SMOOTHING);
                (smoothing, batch.class_weights.as_deref())
            }
            _ => (0.0, None),
        };
        let labels = batch.labels()?;
        let (loss, logits) = match &batch.outsiders {
            Some(outsiders) => self.loss_with_outsiders(batch, outsiders, smoothing, pass)?,
            None => {
                let logits =
                    self.of_classes(&self.after_stages(batch.stages_done, &batch.inputs, pass)?)?;
                (ops::weighted_cross_entropy(&logits, labels, smoothing, weights)?, logits)
            }
        };
        Ok(Loss { loss, metrics: vec![(ACCURACY, accuracy(&logits, labels)?)] })
    }

    fn takes_features(&self) -> bool {
        true
    }

    fn looks(&self, batch: &Batch, _: &LiveParams) -> Result<Looks> {
        if batch.inputs.rank() != 4 {
            return Ok(vec![].into());
        }
        let logits = self.of_classes(&self.forward(&batch.inputs, &Pass::Evaluation)?)?;
        let probabilities = ops::softmax(&logits)?.to_vec2::<f32>()?;
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
        Ok(Some(self.of_classes(&run(&self.head, embeddings, &Pass::Evaluation)?)?))
    }

    fn strangeness(&self, embeddings: &Tensor) -> Result<Option<Tensor>> {
        if !self.knows_outsiders {
            return Ok(None);
        }
        let outputs = run(&self.head, embeddings, &Pass::Evaluation)?;
        let of_none = outputs.narrow(1, self.class_names.len(), 1)?.squeeze(1)?;
        Ok(Some((of_none - self.of_classes(&outputs)?.log_sum_exp(D::Minus1)?)?))
    }

    fn predict(&self, images: &Tensor) -> Result<Option<Tensor>> {
        let outputs = self.forward(images, &Pass::Evaluation)?;
        Ok(Some(ops::softmax(&self.of_classes(&outputs)?)?))
    }
}

/// The share of rows whose largest logit is at the label.
pub(super) fn accuracy(logits: &Tensor, labels: &Tensor) -> Result<f64> {
    let (rows, labels) = (logits.detach().to_vec2::<f32>()?, labels.to_vec1::<u32>()?);
    let right = rows.iter().zip(&labels).filter(|(row, label)| argmax(row) == **label as usize).count();
    Ok(right as f64 / labels.len() as f64)
}
