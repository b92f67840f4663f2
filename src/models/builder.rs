//! Where the variables of blocks are made.
use super::{
    Flow, Initial, LayerShape, Vars,
    blocks::{Block, Step},
    flow::{MapInfo, ReceptiveField},
    pytorch::Layout,
    vars::BlockVar,
};
use anyhow::Result;
use candle_core::{Device, Tensor, Var};
use std::mem;

/// What blocks are built with: it knows the name and the position of the block that is being built, and makes its
/// variables. Their names nest as those of PyTorch's modules do.
pub struct Builder<'a> {
    vars: &'a mut Vars,
    /// What all names begin with, which PyTorch's lack.
    root: &'static str,
    /// Of the block, such as `layer1.0.conv1`.
    name: String,
    /// Of the block in its sequence, and of that in the one around it, such as `3.0`.
    position: String,
    /// Stages begun; none where there are none that could be frozen.
    stages: Option<usize>,
    /// Whether the block is a part of a stage, so that its layers begin none.
    is_within_stage: bool,
    /// One a convolution.
    maps: Vec<MapInfo>,
}

impl<'a> Builder<'a> {
    /// For an encoder, whose variables are named `encoder.*`.
    pub fn encoder(vars: &'a mut Vars) -> Self {
        Self::new("encoder", "", Some(0), vars)
    }

    /// For a block of an objective, which is never frozen; its variables are named `objective.NAME.*`.
    pub fn head(name: &str, vars: &'a mut Vars) -> Self {
        Self::new("objective", name, None, vars)
    }

    fn new(root: &'static str, name: &str, stages: Option<usize>, vars: &'a mut Vars) -> Self {
        Self {
            vars,
            root,
            name: name.into(),
            position: String::new(),
            stages,
            is_within_stage: false,
            maps: vec![],
        }
    }

    /// Builds a block inside of this one.
    ///
    /// # Errors
    /// The block's own.
    pub fn child(
        &mut self,
        position: usize,
        name: &str,
        block: &dyn Block,
        input: Flow,
    ) -> Result<Vec<Step>> {
        let inner = (nested(&self.name, name), nested(&self.position, &position.to_string()));
        let outer = (mem::replace(&mut self.name, inner.0), mem::replace(&mut self.position, inner.1));
        let steps = block.build(input, self);
        (self.name, self.position) = outer;
        steps
    }

    /// A weight or bias, as [`Vars::weight`] draws it, named `NAME.END`.
    ///
    /// # Errors
    /// Where the name is taken.
    pub fn weight(&mut self, end: &str, dims: &[usize], fan_in: usize, layout: Layout) -> Result<Tensor> {
        let name = self.variable(end, layout);
        self.vars.weight(&name, dims, fan_in)
    }

    /// The weight and the bias of a layer, named `NAME.weight` and `NAME.bias`.
    ///
    /// # Errors
    /// Where the names are taken.
    pub fn layer(&mut self, initial: Initial, layer: LayerShape<'_>) -> Result<(Tensor, Option<Tensor>)> {
        let LayerShape { dims, fan_in, fan_out, layout, biases } = layer;
        let deviation = match initial {
            Initial::Uniform => {
                let weight = self.weight("weight", dims, fan_in, layout)?;
                let bias = biases.map(|count| self.weight("bias", &[count], fan_in, Layout::Same));
                return Ok((weight, bias.transpose()?));
            }
            Initial::He => (2.0 / fan_out as f32).sqrt(),
            Initial::Normal(deviation) => deviation,
        };
        let weight = self.normal("weight", dims, deviation, layout)?;
        Ok((weight, biases.map(|count| self.constant("bias", &[count], 0.0)).transpose()?))
    }

    /// A weight, as [`Vars::normal`] draws it.
    ///
    /// # Errors
    /// Where the name is taken.
    pub fn normal(&mut self, end: &str, dims: &[usize], deviation: f32, layout: Layout) -> Result<Tensor> {
        let name = self.variable(end, layout);
        self.vars.normal(&name, dims, deviation)
    }

    /// A weight whose numbers all begin as `value`, the same in PyTorch.
    ///
    /// # Errors
    /// Where the name is taken.
    pub fn constant(&mut self, end: &str, dims: &[usize], value: f32) -> Result<Tensor> {
        let name = self.variable(end, Layout::Same);
        self.vars.constant(&name, dims, value)
    }

    /// What is kept beside the weights and changed by no optimiser, the same in PyTorch.
    ///
    /// # Errors
    /// Where the name is taken.
    pub fn buffer(&mut self, end: &str, dims: &[usize], value: f32) -> Result<Var> {
        let name = self.variable(end, Layout::Same);
        self.vars.buffer(&name, dims, value)
    }

    /// Where variables live.
    pub fn device(&self) -> &Device {
        self.vars.device()
    }

    /// The name of a variable, which is noted with its counterpart in PyTorch.
    fn variable(&mut self, end: &str, layout: Layout) -> String {
        let pytorch = nested(&self.name, end);
        let name = nested(self.root, &pytorch);
        self.vars.note(BlockVar { name: name.clone(), pytorch, layout, stage: self.stage() });
        name
    }

    /// Notes that the block is a convolution with so many filters.
    pub fn add_map(&mut self, filters: usize, field: ReceptiveField) {
        self.maps.push(MapInfo { name: self.name.clone(), filters, field });
    }

    /// Begins a stage, with a convolution or a linear layer, unless it is a part of one.
    pub fn begin_stage(&mut self) -> Option<usize> {
        if !self.is_within_stage {
            self.stages.iter_mut().for_each(|stages| *stages += 1);
        }
        self.stage()
    }

    /// Builds blocks that are one stage together.
    ///
    /// # Errors
    /// Those of `build`.
    pub fn as_stage<T>(&mut self, build: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.begin_stage();
        let outer = mem::replace(&mut self.is_within_stage, true);
        let built = build(self);
        self.is_within_stage = outer;
        built
    }

    /// The stage that the block belongs to; the first where none has begun, and none where nothing can be frozen.
    pub fn stage(&self) -> Option<usize> {
        self.stages.map(|stages| stages.saturating_sub(1))
    }

    /// Where the block stands: its place in the sequence, after that of the sequence in the one around it. No other
    /// block of the network has the same.
    pub fn position(&self) -> &str {
        &self.position
    }

    /// The convolutions so far.
    pub fn into_maps(self) -> Vec<MapInfo> {
        self.maps
    }
}

/// A name inside of another, either of which may be empty.
pub fn nested(outer: &str, inner: &str) -> String {
    match (outer, inner) {
        ("", name) | (name, "") => name.into(),
        (outer, inner) => format!("{outer}.{inner}"),
    }
}
