//! From images to sequences of tokens, as transformers take them.
use super::{Block, Convolution, Module, Step, row};
use crate::{
    models::{Builder, Flow, Initial, Layout, Pass},
    ops,
    protocol::LayerInfo,
    shape::Shape,
};
use anyhow::{Result, bail, ensure};
use candle_core::Tensor;

/// Squares side by side, each of which a linear layer makes a token of: from (height, width, channels) to (patches, features),
/// row by row.
///
/// Dosovitskiy et al., "An image is worth 16 × 16 words: transformers for image recognition at scale", 2021, section 3.1.
#[derive(Clone, Copy, Debug)]
pub struct Patches {
    /// In pixels.
    pub side: usize,
    /// Of a token.
    pub features: usize,
}

impl Patches {
    /// The linear layer, as the convolution that it is.
    fn convolution(self, input: Flow) -> Result<Convolution> {
        let (side, image) = (self.side, input.image(&self)?);
        ensure!(
            image.height.is_multiple_of(side) && image.width.is_multiple_of(side),
            "Images of {} by {} pixels cannot be cut into patches of {side} by {side}: choose a patch size that divides both \
             sides",
            image.width,
            image.height
        );
        let initial = Initial::Normal(DEVIATION);
        Ok(Convolution { stride: side, initial, ..Convolution::new(self.features, side) })
    }
}

impl Block for Patches {
    fn output(&self, input: Flow) -> Result<Flow> {
        let output = self.convolution(input)?.output(input)?;
        let map = output.image(self)?;
        let shape = Shape::Sequence { length: map.height * map.width, features: self.features };
        Ok(Flow { shape, is_map: false, flattened: Some(map), ..output })
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        let output_shape = self.output(input)?.shape.dims();
        let rows = self.convolution(input)?.describe(input, name)?.into_iter();
        let kind = format!("Patches {0}×{0}", self.side);
        Ok(rows
            .map(|row| LayerInfo { output_shape: output_shape.clone(), kind: kind.clone(), ..row })
            .collect())
    }

    fn stages(&self) -> usize {
        1
    }

    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>> {
        let mut steps = self.convolution(input)?.build(input, at)?;
        // what is recognised here are patches, and no class: no explanation should take these for the last map
        steps.iter_mut().for_each(|step| step.output.is_map = false);
        steps.push(Step::new(PlacesAsTokens, self.output(input)?));
        Ok(steps)
    }
}

/// (batch, height, width, channels) to (batch, height · width, channels).
struct PlacesAsTokens;

impl Module for PlacesAsTokens {
    fn forward(&self, x: &Tensor, _: &Pass<'_>) -> candle_core::Result<Tensor> {
        let (batch, height, width, channels) = x.dims4()?;
        ops::reshape(x, (batch, height * width, channels))
    }
}

/// What comes before and with the tokens: a learnt one in front that gathers what the others say, where it is wanted, and a
/// learnt vector that is added at each position.
///
/// Dosovitskiy et al., "An image is worth 16 × 16 words: transformers for image recognition at scale", 2021, equation 1.
#[derive(Clone, Copy, Debug)]
pub struct Positions {
    /// Whether there is a token in front.
    pub has_class_token: bool,
}

/// The deviation of learnt vectors before training.
const DEVIATION: f32 = 0.02;

impl Positions {
    fn tokens(self, input: Flow) -> Result<(usize, usize)> {
        match input.shape {
            Shape::Sequence { length, features } => {
                Ok((length + usize::from(self.has_class_token), features))
            }
            other => bail!("{self:?} cannot follow {other:?}"),
        }
    }
}

impl Block for Positions {
    fn output(&self, input: Flow) -> Result<Flow> {
        let (length, features) = self.tokens(input)?;
        Ok(Flow { shape: Shape::Sequence { length, features }, ..input })
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        let (length, features) = self.tokens(input)?;
        let (kind, class) =
            if self.has_class_token { ("Class token and positions", features) } else { ("Positions", 0) };
        let numbers = (length * features) as u64;
        let (parameters, flops) = (numbers + class as u64, numbers);
        Ok(vec![LayerInfo { parameters, flops, ..row(name, kind.into(), self.output(input)?) }])
    }

    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>> {
        let (length, features) = self.tokens(input)?;
        let class =
            self.has_class_token.then(|| at.normal("cls_token", &[features], DEVIATION, Layout::Leading(2)));
        let built = Built {
            class_token: class.transpose()?,
            positions: at.normal("pos_embed", &[length, features], DEVIATION, Layout::Leading(1))?,
            stage: at.stage(),
        };
        Ok(vec![Step::new(built, self.output(input)?)])
    }
}

struct Built {
    /// (features)
    class_token: Option<Tensor>,
    /// (length, features)
    positions: Tensor,
    stage: Option<usize>,
}

impl Module for Built {
    fn forward(&self, x: &Tensor, pass: &Pass<'_>) -> candle_core::Result<Tensor> {
        let pass = pass.of_stage(self.stage);
        let x = match &self.class_token {
            Some(token) => ops::prepend_token(x, &pass.weight(token))?,
            None => x.clone(),
        };
        ops::add_positions(&x, &pass.weight(&self.positions))
    }
}

/// The first token alone: from (length, features) to (features).
#[derive(Clone, Copy, Debug)]
pub struct FirstToken;

impl Block for FirstToken {
    fn output(&self, input: Flow) -> Result<Flow> {
        match input.shape {
            Shape::Sequence { length, features } => {
                ensure!(length > 0, "there is no token");
                Ok(Flow::of(Shape::Features(features)))
            }
            other => bail!("{self:?} cannot follow {other:?}"),
        }
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        Ok(vec![row(name, "Class token".into(), self.output(input)?)])
    }

    fn build(&self, input: Flow, _: &mut Builder<'_>) -> Result<Vec<Step>> {
        Ok(vec![Step::new(*self, self.output(input)?)])
    }
}

impl Module for FirstToken {
    fn forward(&self, x: &Tensor, _: &Pass<'_>) -> candle_core::Result<Tensor> {
        ops::take_token(x, 0)
    }
}
