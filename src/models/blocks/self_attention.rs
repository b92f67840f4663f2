//! Multi-head self-attention.
use super::{Block, Linear, Module, Step, row, run};
use crate::{
    models::{Builder, Flow, Initial, Pass},
    ops::{self, Activation},
    protocol::LayerInfo,
    shape::Shape,
};
use anyhow::{Result, bail, ensure};
use candle_core::Tensor;

/// Each token asks all tokens, and takes a mean of what they say, weighted by how well they answer; in several heads at once.
///
/// Vaswani et al., "Attention is all you need", 2017, section 3.2. Queries, keys and values come from one linear layer.
#[derive(Clone, Copy, Debug)]
pub struct SelfAttention {
    /// Heads, which share the features evenly.
    pub heads: usize,
}

impl SelfAttention {
    /// (length, features)
    fn tokens(&self, input: Flow) -> Result<(usize, usize)> {
        let Shape::Sequence { length, features } = input.shape else {
            bail!("{self:?} cannot follow {:?}", input.shape)
        };
        ensure!(
            features.is_multiple_of(self.heads.max(1)),
            "{self:?} cannot share {features} features evenly"
        );
        Ok((length, features))
    }

    /// To queries, keys and values, and from what the heads took.
    fn layers(&self, features: usize) -> [Linear; 2] {
        let initial = Initial::Normal(0.02);
        [3 * features, features].map(|features| Linear { initial, ..Linear::new(features, Activation::None) })
    }
}

impl Block for SelfAttention {
    fn output(&self, input: Flow) -> Result<Flow> {
        self.tokens(input)?;
        Ok(input)
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        let (length, features) = self.tokens(input)?;
        let [packed, projection] = self.layers(features);
        let mut rows = packed.describe(input, &format!("{name}.qkv"))?;
        // scores of all pairs of tokens, and the sums that they weigh
        let flops = (4 * length * length * features) as u64;
        let kind = format!("Attention, {} heads", self.heads);
        rows.push(LayerInfo { flops, ..row(name, kind, self.output(input)?) });
        rows.extend(projection.describe(input, &format!("{name}.proj"))?);
        Ok(rows)
    }

    fn stages(&self) -> usize {
        2
    }

    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>> {
        let (_, features) = self.tokens(input)?;
        let [packed, projection] = self.layers(features);
        if input.flattened.is_some() {
            at.add_map(self.heads, input.field);
        }
        let built = Built {
            grid: input.flattened.map(|image| (image.height, image.width)),
            packed: at.child(0, "qkv", &packed, input)?,
            projection: at.child(1, "proj", &projection, input)?,
            heads: self.heads,
        };
        Ok(vec![Step::new(built, self.output(input)?)])
    }
}

struct Built {
    packed: Vec<Step>,
    projection: Vec<Step>,
    heads: usize,
    /// Height and width of the image whose places the tokens are.
    grid: Option<(usize, usize)>,
}

impl Module for Built {
    fn forward(&self, x: &Tensor, pass: &Pass<'_>) -> candle_core::Result<Tensor> {
        let packed = run(&self.packed, x, pass)?;
        if let Some(grid) = self.grid.filter(|_| pass.records()) {
            let attention = ops::attention_probabilities(&packed, self.heads)?;
            pass.record_map(&to_places(&attention, grid)?);
            pass.record_attention(attention);
        }
        run(&self.projection, &ops::self_attention(&packed, self.heads, false)?, pass)
    }
}

/// How much each place is attended to: from (batch, heads, tokens, tokens) to (batch, height, width, heads). The class token
/// attends where there is one, in front; otherwise it is the mean over all tokens.
///
/// # Errors
/// Where there are other tokens than places, and a class token.
pub fn to_places(attention: &Tensor, (height, width): (usize, usize)) -> candle_core::Result<Tensor> {
    let (batch, heads, tokens, _) = attention.dims4()?;
    let attending = match tokens.checked_sub(height * width) {
        Some(1) => attention.narrow(2, 0, 1)?.narrow(3, 1, height * width)?.squeeze(2)?,
        _ => attention.mean(2)?,
    };
    attending.reshape((batch, heads, height, width))?.permute((0, 2, 3, 1))?.contiguous()
}
