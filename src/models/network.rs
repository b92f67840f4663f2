//! A list of layers with its weights.
use super::{BatchNorm, Layer, Vars, Window, windows::windows};
use crate::{
    ops::{self, Activation, ConvShape, DropoutUnit, Sink},
    rng,
    shape::{ImageShape, Shape},
    spec::{LiveParams, Param, Section},
};
use anyhow::Result;
use candle_core::Tensor;

/// From images to embeddings.
pub struct Network {
    steps: Vec<Step>,
    /// One a convolution.
    windows: Vec<Window>,
    sink: Sink,
    embed_dim: usize,
}

/// Whether a forward pass trains, and with what.
#[derive(Clone, Copy)]
pub enum Pass<'a> {
    /// No dropout.
    Evaluation,
    Training {
        seed: u64,
        step: u64,
        live: &'a LiveParams,
        /// Convolutions and linear layers, from the first, that stay as they are, with all that lies between them.
        frozen_stages: usize,
        changes: Changes,
    },
}

/// What a batch may leave behind in the network that it trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes {
    /// Weights have gradients, and running statistics move.
    All,
    /// Weights have gradients; the images are not data whose statistics should be kept.
    Weights,
    /// The network is held as it is, and a gradient passes through it to its images.
    Nothing,
}

impl Pass<'_> {
    /// The same, but for what it changes; an evaluation changes nothing anyway.
    pub fn changing(self, what: Changes) -> Self {
        match self {
            Pass::Training { seed, step, live, frozen_stages, .. } => {
                Pass::Training { seed, step, live, frozen_stages, changes: what }
            }
            Pass::Evaluation => Pass::Evaluation,
        }
    }

    /// A weight as the pass uses it: one that nothing will ask a gradient of keeps no inputs alive.
    pub fn weight(&self, tensor: &Tensor) -> Tensor {
        match self {
            Pass::Evaluation | Pass::Training { changes: Changes::Nothing, .. } => tensor.detach(),
            Pass::Training { .. } => tensor.clone(),
        }
    }
}

#[derive(Clone)]
enum Step {
    Conv {
        weight: Tensor,
        bias: Tensor,
        shape: ConvShape,
        activation: Activation,
        /// The side of the windows that are pooled at once.
        pool: Option<usize>,
    },
    MaxPool {
        size: usize,
    },
    BatchNorm {
        norm: BatchNorm,
        activation: Activation,
    },
    /// `purpose` names the layer's own random numbers.
    Dropout {
        param: Param,
        purpose: String,
        unit: DropoutUnit,
    },
    Flatten,
    Linear {
        weight: Tensor,
        bias: Tensor,
        activation: Activation,
    },
}

impl Network {
    /// Makes the weights, named `PREFIX.LAYER.weight` and `PREFIX.LAYER.bias`.
    ///
    /// # Errors
    /// Where the layers do not fit the images.
    pub fn build(layers: &[Layer], image: ImageShape, prefix: &str, vars: &mut Vars) -> Result<Self> {
        let mut shape = Shape::from(image);
        let mut steps = vec![];
        for (index, layer) in layers.iter().enumerate() {
            let output = layer.output(shape)?;
            steps.push(Step::build(layer, shape, prefix, index, vars)?);
            shape = output;
        }
        let embed_dim = match shape {
            Shape::Features(features) => features,
            other => anyhow::bail!("an encoder must end in features, not in {other:?}"),
        };
        let (windows, sink) = (windows(layers), vars.sink().clone());
        Ok(Self { steps: fuse(steps), windows, sink, embed_dim })
    }

    pub fn embed_dim(&self) -> usize {
        self.embed_dim
    }

    /// Its convolutions, and what their filters see.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// (batch, height, width, channels) to (batch, embed_dim).
    ///
    /// # Errors
    /// Where the images have another shape than the network was built for.
    pub fn forward(&self, images: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        let (frozen, trained) = self.steps.split_at(self.frozen_steps(pass));
        let run = |steps: &[Step], x: &Tensor, pass: &Pass<'_>| {
            steps.iter().try_fold(x.clone(), |x, step| step.forward(&x, pass))
        };
        let x = run(frozen, images, &Pass::Evaluation)?;
        Ok(ops::chain(&x, &self.sink, |x| run(trained, x, pass))?)
    }

    /// (batch, height, width, channels) to (batch, features) and (batch, embed_dim): what the images look like to the
    /// network, and their embeddings. The former are the means of the channels of the last feature map, which keep what
    /// an embedding, made to tell classes apart, throws away; where there is no convolution, the embeddings themselves.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn look(&self, images: &Tensor) -> Result<(Tensor, Tensor)> {
        let is_map = |step: &Step| !matches!(step, Step::Flatten | Step::Linear { .. });
        let (maps, rest) = self.steps.split_at(self.steps.iter().take_while(|step| is_map(step)).count());
        let run = |steps: &[Step], x: &Tensor| {
            steps.iter().try_fold(x.clone(), |x, step| step.forward(&x, &Pass::Evaluation))
        };
        let map = run(maps, images)?;
        let embedding = run(rest, &map)?;
        let has_maps = maps.iter().any(|step| matches!(step, Step::Conv { .. }));
        Ok(if has_maps { (map.mean((1, 2))?, embedding) } else { (embedding.clone(), embedding) })
    }

    /// The last feature map of images, (batch, height, width, channels), before it is pooled; none where there is no
    /// convolution.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn last_map(&self, images: &Tensor) -> Result<Option<Tensor>> {
        Ok(self.maps(images)?.pop())
    }

    /// The feature maps of images, (batch, height, width, channels), one a convolution: normalised and activated where
    /// they are, before they are pooled.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn maps(&self, images: &Tensor) -> Result<Vec<Tensor>> {
        let steps = self.unfused();
        let mut maps = vec![];
        let mut x = images.clone();
        for step in &steps[..map_ends(&steps).last().copied().unwrap_or_default()] {
            x = step.forward(&x, &Pass::Evaluation)?;
            match step {
                Step::Conv { .. } => maps.push(x.clone()),
                Step::BatchNorm { .. } => maps.last_mut().into_iter().for_each(|map| map.clone_from(&x)),
                _ => {}
            }
        }
        Ok(maps)
    }

    /// From last feature maps to embeddings.
    ///
    /// # Errors
    /// Where the maps are of another network.
    pub fn after_last_map(&self, maps: &Tensor) -> Result<Tensor> {
        let steps = self.unfused();
        let rest = &steps[map_ends(&steps).last().copied().unwrap_or_default()..];
        Ok(rest.iter().try_fold(maps.clone(), |x, step| step.forward(&x, &Pass::Evaluation))?)
    }

    /// The steps with each pooling on its own.
    fn unfused(&self) -> Vec<Step> {
        let mut unfused = vec![];
        for mut step in self.steps.iter().cloned() {
            let pool = if let Step::Conv { pool, .. } = &mut step { pool.take() } else { None };
            unfused.push(step);
            unfused.extend(pool.map(|size| Step::MaxPool { size }));
        }
        unfused
    }

    /// Steps before the first stage that is trained.
    fn frozen_steps(&self, pass: &Pass<'_>) -> usize {
        match pass {
            Pass::Evaluation | Pass::Training { frozen_stages: 0, .. } => 0,
            Pass::Training { frozen_stages, .. } => {
                self.stage_starts().nth(*frozen_stages).unwrap_or(self.steps.len())
            }
        }
    }

    /// Convolutions and linear layers.
    pub fn stages(&self) -> usize {
        self.stage_starts().count()
    }

    fn stage_starts(&self) -> impl Iterator<Item = usize> {
        let is_stage = |step: &Step| matches!(step, Step::Conv { .. } | Step::Linear { .. });
        self.steps.iter().enumerate().filter(move |(_, step)| is_stage(step)).map(|(at, _)| at)
    }
}

impl Step {
    fn build(layer: &Layer, input: Shape, prefix: &str, index: usize, vars: &mut Vars) -> Result<Self> {
        Ok(match (layer, input) {
            (Layer::Conv { name, channels, kernel, stride, padding, activation }, Shape::Image(image)) => {
                let fan_in = kernel * kernel * image.channels;
                let name = format!("{prefix}.{name}");
                Step::Conv {
                    weight: vars.weight(
                        &format!("{name}.weight"),
                        &[*kernel, *kernel, image.channels, *channels],
                        fan_in,
                    )?,
                    bias: vars.weight(&format!("{name}.bias"), &[*channels], fan_in)?,
                    shape: ConvShape { stride: *stride, padding: *padding },
                    activation: *activation,
                    pool: None,
                }
            }
            (Layer::Linear { name, features, activation }, Shape::Features(fan_in)) => {
                let name = format!("{prefix}.{name}");
                Step::Linear {
                    weight: vars.weight(&format!("{name}.weight"), &[fan_in, *features], fan_in)?,
                    bias: vars.weight(&format!("{name}.bias"), &[*features], fan_in)?,
                    activation: *activation,
                }
            }
            (Layer::BatchNorm { name, activation }, Shape::Image(image)) => Step::BatchNorm {
                norm: BatchNorm::new(&format!("{prefix}.{name}"), image.channels, vars)?,
                activation: *activation,
            },
            (Layer::MaxPool { size }, _) => Step::MaxPool { size: *size },
            (Layer::Dropout { param, unit }, _) => {
                Step::Dropout { param: *param, purpose: format!("dropout {index}"), unit: *unit }
            }
            (Layer::Flatten, _) => Step::Flatten,
            _ => unreachable!("the shape was checked by Layer::output"),
        })
    }

    fn forward(&self, x: &Tensor, pass: &Pass<'_>) -> candle_core::Result<Tensor> {
        let weight = |tensor: &Tensor| pass.weight(tensor);
        match self {
            Step::Conv { weight: w, bias, shape, activation, pool: None } => {
                ops::conv2d(x, &weight(w), Some(&weight(bias)), *shape, *activation)
            }
            Step::Conv { weight: w, bias, shape, activation, pool: Some(size) } => {
                ops::conv2d_max_pool2d(x, &weight(w), Some(&weight(bias)), *shape, *activation, *size)
            }
            Step::BatchNorm { norm, activation } => norm.forward(x, pass, *activation),
            Step::MaxPool { size } => ops::max_pool2d(x, *size),
            Step::Flatten => ops::reshape(x, (x.dim(0)?, x.elem_count() / x.dim(0)?.max(1))),
            Step::Linear { weight: w, bias, activation } => {
                ops::linear(x, &weight(w), Some(&weight(bias)), *activation)
            }
            Step::Dropout { param, purpose, unit } => match pass {
                Pass::Evaluation => Ok(x.clone()),
                Pass::Training { seed, step, live, .. } => {
                    let probability = live.get(Section::Encoder, param);
                    ops::dropout(x, probability, *unit, rng::key(*seed, purpose, *step))
                }
            },
        }
    }
}

/// Where the feature map of each convolution is complete: behind it, and behind its normalisation if it has one.
fn map_ends(steps: &[Step]) -> Vec<usize> {
    let is_norm = |at: usize| matches!(steps.get(at), Some(Step::BatchNorm { .. }));
    let ends = steps.iter().enumerate().filter(|(_, step)| matches!(step, Step::Conv { .. }));
    ends.map(|(at, _)| if is_norm(at + 1) { at + 2 } else { at + 1 }).collect()
}

/// Puts a pooling into the convolution before it.
fn fuse(steps: Vec<Step>) -> Vec<Step> {
    let mut fused: Vec<Step> = vec![];
    for step in steps {
        match (fused.last_mut(), step) {
            (Some(Step::Conv { pool: pool @ None, .. }), Step::MaxPool { size }) => *pool = Some(size),
            (_, step) => fused.push(step),
        }
    }
    fused
}
