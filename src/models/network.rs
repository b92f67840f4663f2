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

/// From images to embeddings.
pub struct Network {
    steps: Vec<Step>,
    maps: Vec<MapInfo>,
    stages: usize,
    embed_dim: usize,
    sink: Sink,
}

/// What an encoder makes of some images.
pub struct Encoded {
    /// (batch, embed_dim)
    pub embedding: Tensor,
    /// (batch, height, width, channels): the last values that still have places; none where the first step makes
    /// features of all that goes in.
    pub features: Option<Tensor>,
}

impl Encoded {
    /// (batch, features): what the images look like to the network. These are the means of the channels of the last
    /// feature map, which keep what an embedding, made to tell classes apart, throws away; where there is no such map,
    /// the embeddings themselves.
    ///
    /// # Errors
    /// Propagates candle errors.
    pub fn look(&self) -> Result<Tensor> {
        Ok(match &self.features {
            Some(features) => features.mean((1, 2))?,
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

    pub fn embed_dim(&self) -> usize {
        self.embed_dim
    }

    /// Convolutions and linear layers.
    pub fn stages(&self) -> usize {
        self.stages
    }

    /// Its feature maps: the convolutions that make them, and what of an image they see.
    pub fn map_infos(&self) -> &[MapInfo] {
        &self.maps
    }

    /// (batch, height, width, channels) to (batch, embed_dim).
    ///
    /// # Errors
    /// Where the images have another shape than the network was built for.
    pub fn forward(&self, images: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        Ok(ops::chain(images, &self.sink, |x| run(&self.steps, x, pass))?)
    }

    /// (batch, height, width, channels) to all that there is to know of the images.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn encode(&self, images: &Tensor) -> Result<Encoded> {
        let (with_places, rest) = self.steps_until(|flow| flow.has_places());
        let features = run(with_places, images, &Pass::Evaluation)?;
        let embedding = run(rest, &features, &Pass::Evaluation)?;
        Ok(Encoded { embedding, features: (!with_places.is_empty()).then_some(features) })
    }

    /// The feature maps of images, (batch, height, width, channels), one a convolution: normalised and activated where
    /// they are, before they are pooled.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn maps(&self, images: &Tensor) -> Result<Vec<Tensor>> {
        let maps = Maps::default();
        run(self.steps_until(|flow| flow.is_map).0, images, &Pass::Recording(&maps))?;
        Ok(maps.into_inner())
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
