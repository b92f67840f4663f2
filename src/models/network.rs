//! An encoder with its weights.
use super::{
    Builder, Flow, MapInfo, Maps, Pass, Vars,
    blocks::{Block, Step, run},
};
use crate::{
    ops::{self, Sink},
    shape::Shape,
};
use anyhow::{Result, bail};
use candle_core::Tensor;

/// From inputs to embeddings.
pub struct Network {
    steps: Vec<Step>,
    maps: Vec<MapInfo>,
    stages: usize,
    embed_dim: usize,
    sink: Sink,
}

/// The output of an encoder.
pub struct Encoded {
    /// (batch, embed_dim)
    pub embedding: Tensor,
    /// The last values that still have places; none where the first step makes features of all that goes in.
    pub places: Option<Places>,
}

/// The values of a network at each place of its inputs.
pub enum Places {
    /// Of images: (batch, height, width, channels).
    Map(Tensor),
    /// Of texts or sound: (batch, length, features).
    Sequence(Tensor),
}

impl Encoded {
    /// (batch, features): what the inputs look like to the network. These are the means over the last places, which keep
    /// what an embedding, made to tell classes apart, throws away; where nothing has places, the embeddings themselves.
    ///
    /// # Errors
    /// Propagates candle errors.
    pub fn look(&self) -> Result<Tensor> {
        Ok(match &self.places {
            Some(Places::Map(map)) => map.mean((1, 2))?,
            Some(Places::Sequence(sequence)) => sequence.mean(1)?,
            None => self.embedding.clone(),
        })
    }
}

impl Network {
    /// Makes the weights, named `encoder.*`.
    ///
    /// # Errors
    /// Where the blocks do not fit the input, or do not end in features.
    pub fn build(encoder: &dyn Block, input: Shape, vars: &mut Vars) -> Result<Self> {
        let (input, sink) = (Flow::of(input), vars.sink().clone());
        let embed_dim = match encoder.output(input)?.shape {
            Shape::Features(features) => features,
            other => bail!("an encoder must end in features, not in {other:?}"),
        };
        let mut at = Builder::encoder(vars);
        let steps = encoder.build(input, &mut at)?;
        Ok(Self { steps, maps: at.into_maps(), stages: encoder.stages(), embed_dim, sink })
    }

    /// The length of an embedding.
    pub fn embed_dim(&self) -> usize {
        self.embed_dim
    }

    /// Convolutions and linear layers.
    pub fn stages(&self) -> usize {
        self.stages
    }

    /// Its feature maps: the convolutions that make them, and their receptive fields.
    pub fn map_infos(&self) -> &[MapInfo] {
        &self.maps
    }

    /// Images (batch, height, width, channels), or tokens (batch, length), to (batch, embed_dim).
    ///
    /// # Errors
    /// Where the inputs have another shape than the network was built for.
    pub fn forward(&self, inputs: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        self.after_stages(0, inputs, pass)
    }

    /// What the first stages make of inputs, as they are evaluated: (batch, …).
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn first_stages(&self, inputs: &Tensor, stages: usize) -> Result<Tensor> {
        Ok(run(self.split_at_stage(stages).0, inputs, &Pass::Evaluation)?)
    }

    /// As [`forward`](Self::forward), from what the first stages made.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn after_stages(&self, stages: usize, values: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        let (_, rest) = self.split_at_stage(stages);
        Ok(ops::chain(values, &self.sink, |x| run(rest, x, pass))?)
    }

    /// The shape of what the first stages make of one example; none where there are none.
    pub fn shape_after(&self, stages: usize) -> Option<Shape> {
        Some(self.split_at_stage(stages).0.last()?.output.shape)
    }

    fn split_at_stage(&self, stages: usize) -> (&[Step], &[Step]) {
        let is_first = |step: &Step| step.stage.is_some_and(|stage| stage < stages);
        self.steps.split_at(self.steps.iter().take_while(|step| is_first(step)).count())
    }

    /// As [`forward`](Self::forward), with all that there is to know of the inputs.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn encode(&self, inputs: &Tensor) -> Result<Encoded> {
        let (with_places, rest) = self.steps_until(|flow| flow.has_places());
        let values = run(with_places, inputs, &Pass::Evaluation)?;
        let embedding = run(rest, &values, &Pass::Evaluation)?;
        let places = with_places.last().map(|step| match step.output.shape {
            Shape::Image(_) => Places::Map(values),
            _ => Places::Sequence(values),
        });
        Ok(Encoded { embedding, places })
    }

    /// The feature maps of images, (batch, height, width, channels), one for each convolution: normalised, added to a shortcut and
    /// activated where they are, before they are pooled. Of attention there is one with a channel for each head.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn maps(&self, images: &Tensor) -> Result<Vec<Tensor>> {
        let maps = Maps::default();
        run(&self.steps, images, &Pass::Recording(&maps))?;
        Ok(maps.into_maps())
    }

    /// How much each token attends to each, by layer: (batch, heads, tokens, tokens).
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn attention(&self, inputs: &Tensor) -> Result<Vec<Tensor>> {
        let maps = Maps::default();
        run(&self.steps, inputs, &Pass::Recording(&maps))?;
        Ok(maps.into_attention())
    }

    /// The height and width of the map whose places tokens are; none where there are no such tokens.
    pub fn grid(&self) -> Option<(usize, usize)> {
        let of_tokens =
            self.steps.iter().filter(|step| step.output.has_places() && step.output.shape.image().is_err());
        of_tokens.filter_map(|step| step.output.flattened).next().map(|image| (image.height, image.width))
    }

    /// The last feature map of images, (batch, height, width, channels), before it is pooled; none where there is no
    /// convolution.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn last_map(&self, images: &Tensor) -> Result<Option<Tensor>> {
        let (steps, _) = self.steps_until(|flow| flow.is_map);
        let map = || run(steps, images, &Pass::Evaluation);
        Ok((!steps.is_empty()).then(map).transpose()?)
    }

    /// From last feature maps to embeddings.
    ///
    /// # Errors
    /// Where the maps are of another network.
    pub fn after_last_map(&self, maps: &Tensor) -> Result<Tensor> {
        Ok(run(self.steps_until(|flow| flow.is_map).1, maps, &Pass::Evaluation)?)
    }

    /// The steps up to the last one whose output is of a kind, and those after it.
    fn steps_until(&self, is_wanted: impl Fn(&Flow) -> bool) -> (&[Step], &[Step]) {
        let last = self.steps.iter().rposition(|step| is_wanted(&step.output));
        self.steps.split_at(last.map_or(0, |last| last + 1))
    }
}
