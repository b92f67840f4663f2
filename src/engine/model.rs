//! A model with its weights, and how it is scored on a whole split.
use super::{devices, frozen::FrozenFeatures, preparation::Preparation, probe, trust::Impression};
use crate::{
    data::{Dataset, DatasetInfo, Draw, Examples, Gathered, Numbers, augment::Augmentation, fitting},
    metrics::{ACCURACY, LOSS, Point, Split},
    models::{MapInfo, Network, Pass, Vars, encoders},
    objectives::{self, Batch, Looks, Objective},
    ops,
    sample::{Image, Sample},
    shape::{ImageShape, Shape},
    spec::{LiveParams, RunSpec},
};
use anyhow::{Context as _, Result, ensure};
use candle_core::Tensor;
use std::{collections::BTreeMap, sync::Arc};

/// A network, its head and their weights.
pub struct Model {
    /// Every weight and buffer, by name.
    pub vars: Vars,
    /// What is minimised, with its head.
    pub objective: Box<dyn Objective>,
    encoder: Arc<Network>,
    /// Turns batches of the data set into inputs of the network.
    pub preparation: Arc<Preparation>,
    class_names: Arc<[String]>,
}

/// How much the tokens of some images attend to each other.
pub struct Attention {
    /// (images, heads, tokens, tokens), by layer.
    pub layers: Vec<Tensor>,
    /// Height and width of the map whose places the tokens are.
    pub grid: (usize, usize),
}

impl Model {
    /// Builds what `spec` describes, its weights drawn from its seed.
    ///
    /// # Errors
    /// Where a component is unknown or the layers do not fit the inputs.
    pub fn build(spec: &RunSpec, data: &DatasetInfo) -> Result<Self> {
        let mut vars = Vars::new(spec.seed, devices::open(&spec.device.id)?);
        let encoder = Network::build(&encoders::blocks(&spec.encoder)?, data.shape, &mut vars)?;
        let (entry, encoder) = (objectives::find(&spec.objective.id)?, Arc::new(encoder));
        let objective = (entry.build)(&spec.objective, encoder.clone(), data, &mut vars)?;
        let augmentation = Augmentation::new(&spec.augmentation);
        ensure!(
            objective.views() == 1 || !augmentation.is_none(),
            "{} compares altered copies of each image, and nothing alters them: set a rotation, a shift or another \
             augmentation",
            entry.info.label
        );
        let views = objective.views();
        let preparation = Preparation { augmentation, seed: spec.seed, shape: data.shape, views };
        Ok(Self {
            vars,
            objective,
            encoder,
            preparation: Arc::new(preparation),
            class_names: data.class_names.as_slice().into(),
        })
    }

    /// A copy with the weights as they are now, which training does not change.
    ///
    /// # Errors
    /// As [`build`](Self::build), and where `spec` describes another model.
    pub fn copy(&self, spec: &RunSpec, data: &DatasetInfo) -> Result<Self> {
        let copy = Self::build(spec, data)?;
        copy.vars.copy_from(&self.vars)?;
        Ok(copy)
    }

    /// The names of the classes, in order of the labels.
    pub fn class_names(&self) -> &Arc<[String]> {
        &self.class_names
    }

    /// The shape of an example.
    pub fn shape(&self) -> Shape {
        self.preparation.shape
    }

    /// The shape of its input images.
    ///
    /// # Errors
    /// Where its inputs are not images.
    pub fn image_shape(&self) -> Result<ImageShape> {
        self.shape().image()
    }

    /// Convolutions and linear layers of the encoder.
    pub fn stages(&self) -> usize {
        self.encoder.stages()
    }

    /// Inputs and labels as tensors.
    ///
    /// # Errors
    /// Where they have another shape than the model was made for.
    pub fn batch(&self, examples: &Examples, indices: &[usize]) -> Result<Batch> {
        self.tensors(examples.gather(indices)?)
    }

    /// Examples without augmentation; where the objective needs several views, those of an epoch that no run reaches.
    fn scoring_batch(&self, examples: &Examples, indices: &[usize]) -> Result<Batch> {
        if self.objective.views() == 1 {
            return self.batch(examples, indices);
        }
        let draw = |example: &usize| Draw { example: *example, epoch: u64::MAX };
        self.tensors(self.preparation.gather(examples, &indices.iter().map(draw).collect::<Vec<_>>())?)
    }

    /// Gathered examples as tensors on the model's device.
    ///
    /// # Errors
    /// As [`batch`](Self::batch).
    pub fn tensors(&self, Gathered { inputs, labels }: Gathered) -> Result<Batch> {
        let device = self.vars.device();
        let dims = |numbers: usize| [vec![numbers / self.shape().len().max(1)], self.shape().dims()].concat();
        let inputs = match inputs {
            Numbers::Floats(floats) => {
                let dims = dims(floats.len());
                Tensor::from_vec(floats, dims, device)?
            }
            Numbers::Ids(ids) => {
                let dims = dims(ids.len());
                Tensor::from_vec(ids, dims, device)?
            }
        };
        let labels = labels.map(|labels| Tensor::new(labels, device)).transpose()?;
        Ok(Batch { inputs, labels, class_weights: None, outsiders: None, stages_done: 0 })
    }

    /// What the objective shows of some examples, such as their reconstructions.
    ///
    /// # Errors
    /// As [`batch`](Self::batch).
    pub fn looks(&self, examples: &Examples, live: &LiveParams) -> Result<Looks> {
        let all: Vec<usize> = (0..examples.len()).collect();
        self.objective.looks(&self.scoring_batch(examples, &all)?, live)
    }

    /// (examples, features): the embeddings of some examples as they are.
    ///
    /// # Errors
    /// As [`batch`](Self::batch).
    pub fn embed(&self, examples: &Examples, indices: &[usize]) -> Result<Tensor> {
        let batch = self.batch(examples, indices)?;
        ops::on_pool(|| self.encoder.forward(&batch.inputs, &Pass::Evaluation))
    }

    /// (images, height, width, channels) to (images, classes): log probabilities up to a constant for each image,
    /// differentiable with respect to the images.
    ///
    /// # Errors
    /// Where the images do not fit the model, or the network learns without labels.
    pub fn logits(&self, images: &Tensor) -> Result<Tensor> {
        self.classify(&self.encoder.forward(images, &Pass::Evaluation)?)
    }

    /// The encoder's feature maps: the convolutions that make them, and their receptive fields.
    pub fn map_infos(&self) -> &[MapInfo] {
        self.encoder.map_infos()
    }

    /// The feature maps of some images, (images, height, width, channels), one for each convolution.
    ///
    /// # Errors
    /// Where the images do not fit the model.
    pub fn maps(&self, images: &Tensor) -> Result<Vec<Tensor>> {
        self.encoder.maps(images)
    }

    /// How much each token attends to each, by layer; none where nothing attends.
    ///
    /// # Errors
    /// Where the images do not fit the model.
    pub fn attention(&self, images: &Tensor) -> Result<Option<Attention>> {
        let Some(grid) = self.encoder.grid() else { return Ok(None) };
        Ok(Some(Attention { layers: self.encoder.attention(images)?, grid }))
    }

    /// (images, height, width, channels): the last feature map of some images; none where there is no convolution.
    ///
    /// # Errors
    /// Where the images do not fit the model.
    pub fn last_map(&self, images: &Tensor) -> Result<Option<Tensor>> {
        self.encoder.last_map(images)
    }

    /// As [`logits`](Self::logits), from the last feature maps, differentiable with respect to these.
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
    pub fn logits_of_map(&self, maps: &Tensor) -> Result<Tensor> {
        self.classify(&self.encoder.after_last_map(maps)?)
    }

    fn classify(&self, embeddings: &Tensor) -> Result<Tensor> {
        let logits = self.objective.logits(embeddings)?;
        logits.context("The network learns without labels: it has no classes")
    }

    /// What the first stages of the encoder make of inputs, as they are evaluated: (batch, …).
    ///
    /// # Errors
    /// Where the inputs do not fit the model.
    pub fn first_stages(&self, inputs: &Tensor, stages: usize) -> Result<Tensor> {
        self.encoder.first_stages(inputs, stages)
    }

    /// The shape of what the first stages make of an example; none where there are none.
    pub fn shape_after(&self, stages: usize) -> Option<Shape> {
        self.encoder.shape_after(stages)
    }

    /// A classifier's answer for some examples, without augmentation.
    ///
    /// # Errors
    /// As [`batch`](Self::batch), and where the network learns without labels.
    pub fn impressions(&self, examples: &Examples, indices: &[usize]) -> Result<Vec<Impression>> {
        let batch = self.batch(examples, indices)?;
        ops::on_pool(|| {
            let encoded = self.encoder.encode(&batch.inputs)?;
            let logits: Vec<Vec<f32>> = self.classify(&encoded.embedding)?.to_vec2()?;
            let strangeness = self.objective.strangeness(&encoded.embedding)?;
            let strangeness = strangeness.map(|odds| odds.to_vec1::<f32>()).transpose()?;
            let all = logits.into_iter().zip(encoded.look()?.to_vec2()?).enumerate();
            let impression = |(at, (logits, features))| Impression {
                logits,
                features,
                strangeness: strangeness.as_ref().map(|odds| odds[at]),
            };
            Ok(all.map(impression).collect())
        })
    }

    /// Images brought to the size and channels of this model's training images.
    ///
    /// # Errors
    /// Where an image has other bytes than its shape says.
    pub fn fitted(&self, samples: &[Sample]) -> Result<Examples> {
        let shape = self.image_shape()?;
        let pixels =
            samples.iter().map(|sample| fitted(sample.image()?, shape)).collect::<Result<Vec<_>>>()?;
        Ok(Examples::unlabelled(pixels.concat(), shape.len()))
    }

    /// The probability of each class for each of some samples; none where the network learns without labels.
    ///
    /// # Errors
    /// As [`fitted`](Self::fitted), and where the weights are ruined.
    pub fn scores(&self, samples: &[Sample]) -> Result<Vec<Vec<f32>>> {
        if samples.is_empty() {
            return Ok(vec![]);
        }
        let (examples, all) = (self.fitted(samples)?, (0..samples.len()).collect::<Vec<_>>());
        let probabilities = ops::on_pool(|| self.objective.predict(&self.batch(&examples, &all)?.inputs))?;
        let Some(probabilities) = probabilities else { return Ok(vec![vec![]; all.len()]) };
        let scores: Vec<Vec<f32>> = probabilities.to_vec2()?;
        ensure!(
            scores.iter().flatten().all(|probability| probability.is_finite()),
            "The network answers with no numbers: training has ruined its weights, go back to an earlier checkpoint"
        );
        Ok(scores)
    }
}

fn fitted(image: &Image, shape: ImageShape) -> Result<Vec<u8>> {
    let own @ ImageShape { height, width, channels } = image.shape;
    ensure!(
        own.len() == image.pixels.len() && !own.is_empty() && [1, 3].contains(&channels),
        "An image of {width} by {height} pixels in {channels} channels cannot have {} bytes",
        image.pixels.len()
    );
    if own == shape {
        return Ok(image.pixels.clone());
    }
    Ok(fitting::fitted(own.image(&image.pixels).context("An image is cut short")?, shape))
}

/// Scores a split, one batch per call.
pub struct Scoring {
    split: Split,
    dataset: Arc<Dataset>,
    indices: Vec<usize>,
    done: usize,
    /// Sums over the examples done, by metric.
    sums: BTreeMap<&'static str, f64>,
    /// Embeddings of the first validation examples and their labels, for objectives that learn without labels.
    embeddings: Vec<Tensor>,
    labels: Vec<u32>,
}

impl Scoring {
    /// Small enough that a drawing waits for less than a frame or two.
    const BATCH_SIZE: usize = 128;

    /// Nothing is scored yet. `indices` are places in the split's part of the data set.
    pub fn new(split: Split, dataset: Arc<Dataset>, indices: Vec<usize>) -> Self {
        Self { split, dataset, indices, done: 0, sums: BTreeMap::new(), embeddings: vec![], labels: vec![] }
    }

    /// What is being done, examples done, and examples in all.
    pub fn progress(&self) -> (&'static str, usize, usize) {
        let what = match self.split {
            Split::Train => "Scoring training examples",
            Split::Validation => "Validating",
            Split::Test => "Testing",
        };
        (what, self.done, self.indices.len())
    }

    /// Scores one batch, by features that are known of a run's examples where there are any; says whether it was the last.
    ///
    /// # Errors
    /// Where the examples do not fit the model.
    pub fn advance(&mut self, model: &Model, features: Option<&FrozenFeatures>) -> Result<bool> {
        let end = (self.done + Self::BATCH_SIZE).min(self.indices.len());
        let chosen = &self.indices[self.done..end];
        if !chosen.is_empty() {
            let examples = if self.split == Split::Test { &self.dataset.test } else { &self.dataset.train };
            let batch = match features.filter(|_| self.split != Split::Test) {
                Some(features) => features.batch(model, &self.dataset, chosen)?,
                None => model.scoring_batch(examples, chosen)?,
            };
            let loss = ops::on_pool(|| model.objective.loss(&batch, &Pass::Evaluation))?;
            let mean = f64::from(loss.loss.to_scalar::<f32>()?);
            for (metric, mean) in loss.metrics.into_iter().chain([(LOSS, mean)]) {
                *self.sums.entry(metric).or_default() += mean * chosen.len() as f64;
            }
            if self.split == Split::Validation && !self.sums.contains_key(ACCURACY) {
                self.embed(model, end)?;
            }
        }
        self.done = end;
        let is_done = end == self.indices.len();
        if is_done && !self.embeddings.is_empty() {
            let embeddings = Tensor::cat(&std::mem::take(&mut self.embeddings), 0)?;
            for (metric, value) in ops::on_pool(|| probe::metrics(&embeddings, &self.labels))? {
                self.sums.insert(metric, value * self.done as f64);
            }
        }
        Ok(is_done)
    }

    /// Embeds the examples up to `end`, the first ones only.
    fn embed(&mut self, model: &Model, end: usize) -> Result<()> {
        let chosen = &self.indices[self.done.min(probe::MAX_EXAMPLES)..end.min(probe::MAX_EXAMPLES)];
        if chosen.is_empty() {
            return Ok(());
        }
        self.embeddings.push(model.embed(&self.dataset.train, chosen)?);
        self.labels.extend(chosen.iter().map(|index| u32::from(self.dataset.train.labels()[*index])));
        Ok(())
    }

    /// The split that is scored.
    pub fn split(&self) -> Split {
        self.split
    }

    /// How many examples are scored in all.
    pub fn examples(&self) -> usize {
        self.indices.len()
    }

    /// Of its examples, from 0 to 1.
    pub fn share_done(&self) -> f32 {
        self.done as f32 / self.indices.len().max(1) as f32
    }

    /// The mean of a metric over the examples done; none where the objective does not measure it.
    pub fn mean(&self, metric: &'static str) -> Option<f64> {
        Some(self.sums.get(metric)? / self.done.max(1) as f64)
    }

    /// The means as points of a step: the loss first, then accuracy and what else there is.
    pub fn points(&self, step: u64) -> Vec<Point> {
        let others = self.sums.keys().filter(|metric| ![LOSS, ACCURACY].contains(metric));
        let metrics = [LOSS, ACCURACY].iter().chain(others);
        let point = |metric| Some(Point { step, split: self.split, metric, value: self.mean(metric)? });
        metrics.filter_map(|metric| point(metric)).collect()
    }
}
