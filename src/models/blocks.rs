//! What networks are made of: one file for each kind of block.
//!
//! A block is plain data. It can be described without being built, and builds modules, which hold weights. A new kind is
//! a file here and a word in `blocks!`; what a network knows of its parts, each block says of itself.
use super::{builder::Builder, flow::Flow, pass::Pass};
use crate::{
    ops::{Activation, PoolShape},
    protocol::LayerInfo,
};
use anyhow::Result;
use candle_core::Tensor;
use std::fmt::Debug;

/// Declares one module for each kind of block, and brings its block into scope.
macro_rules! blocks {
    ($($(#[$when:meta])? $module:ident),* $(,)?) => {
        $($(#[$when])? mod $module; $(#[$when])? pub use $module::*;)*
    };
}

blocks!(
    average_pooling,
    batch_norm,
    convolution,
    depthwise_convolution,
    dropout,
    flatten,
    inverted_residual,
    layer_norm,
    linear,
    max_pooling,
    normalized_inputs,
    padded_shortcut,
    residual,
    self_attention,
    sequence,
    stage,
    tokens,
    #[cfg(test)]
    toy,
);

#[cfg(test)]
mod tests;

/// A part of a network, as plain data.
pub trait Block: Debug {
    /// What comes out of what goes in.
    ///
    /// # Errors
    /// Where the block does not fit what goes in.
    fn output(&self, input: Flow) -> Result<Flow>;

    /// Its rows in the summary, where its variables are named `NAME.weight` and so on.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>>;

    /// Its stages, which fine-tuning counts what it freezes by: convolutions and linear layers, and groups of them.
    fn stages(&self) -> usize {
        0
    }

    /// Makes its variables, and the steps that use them.
    ///
    /// # Errors
    /// As [`output`](Self::output), and where a name is taken.
    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>>;
}

impl Block for Box<dyn Block> {
    fn output(&self, input: Flow) -> Result<Flow> {
        (**self).output(input)
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        (**self).describe(input, name)
    }

    fn stages(&self) -> usize {
        (**self).stages()
    }

    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>> {
        (**self).build(input, at)
    }
}

/// A built block.
pub trait Module: Send + Sync {
    /// What it makes of x.
    ///
    /// # Errors
    /// Where x has another shape than the module was built for.
    fn forward(&self, x: &Tensor, pass: &Pass<'_>) -> candle_core::Result<Tensor>;

    /// Its windows, if all that it does is to take their maxima.
    fn max_pooling(&self) -> Option<PoolShape> {
        None
    }

    /// What it multiplies and adds to each channel, if that is all that it does but for its activation: a normalisation by
    /// running statistics, where nothing asks for gradients of its weights.
    ///
    /// # Errors
    /// candle's own.
    fn affine(&self, _pass: &Pass<'_>) -> candle_core::Result<Option<Affine>> {
        Ok(None)
    }

    /// As [`forward`](Self::forward), then an affine map; none where it cannot do both at once.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    fn forward_affine(
        &self,
        _x: &Tensor,
        _pass: &Pass<'_>,
        _affine: &Affine,
    ) -> candle_core::Result<Option<Tensor>> {
        Ok(None)
    }

    /// As [`forward`](Self::forward), then max pooling; none where it cannot do both at once.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    fn forward_pooled(
        &self,
        _x: &Tensor,
        _pass: &Pass<'_>,
        _pool: PoolShape,
    ) -> candle_core::Result<Option<Tensor>> {
        Ok(None)
    }
}

/// y = activation(scale · x + shift), by channel.
pub struct Affine {
    /// (channels)
    pub scale: Tensor,
    /// (channels)
    pub shift: Tensor,
    /// Applied to the sum.
    pub activation: Activation,
}

/// A module in its place.
pub struct Step {
    module: Box<dyn Module>,
    /// What comes out.
    pub output: Flow,
    /// That it is frozen with; none where it never is.
    pub stage: Option<usize>,
}

impl Step {
    /// `output` is what the module makes of one example.
    pub fn new(module: impl Module + 'static, output: Flow) -> Self {
        Self { module: Box::new(module), output, stage: None }
    }
}

/// One step after another. Pooling, and a normalisation by running statistics, are done along with the step before them where
/// that can, but for a pass that records what lies between them.
///
/// # Errors
/// As [`Module::forward`].
pub fn run(steps: &[Step], x: &Tensor, pass: &Pass<'_>) -> candle_core::Result<Tensor> {
    let (mut x, mut rest) = (x.clone(), steps);
    while let Some((Step { module, .. }, after)) = rest.split_first() {
        let next = after.first().filter(|_| !pass.records());
        let both = match next {
            Some(next) => with_next(&**module, &*next.module, &x, pass)?,
            None => None,
        };
        (x, rest) = match both {
            Some(both) => (both, &after[1..]),
            None => (module.forward(&x, pass)?, after),
        };
    }
    Ok(x)
}

/// What a module and the next one make of x together; none where they cannot do both at once.
fn with_next(
    module: &dyn Module,
    next: &dyn Module,
    x: &Tensor,
    pass: &Pass<'_>,
) -> candle_core::Result<Option<Tensor>> {
    if let Some(pool) = next.max_pooling() {
        return module.forward_pooled(x, pass, pool);
    }
    match next.affine(pass)? {
        Some(affine) => module.forward_affine(x, pass, &affine),
        None => Ok(None),
    }
}

/// A row of the summary, of a block without weights.
fn row(name: &str, kind: String, output: Flow) -> LayerInfo {
    LayerInfo { name: name.into(), kind, output_shape: output.shape.dims(), parameters: 0, flops: 0 }
}

/// What a row says of a block that applies an activation along with its own work.
fn activated(kind: String, activation: Activation) -> String {
    match activation {
        Activation::None => kind,
        other => format!("{kind}, {}", other.label()),
    }
}
