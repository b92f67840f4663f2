//! What the weights of a layer begin as, before training.
use super::Layout;

/// How a layer's weights are drawn.
#[derive(Clone, Copy, Debug, Default)]
pub enum Initial {
    /// Uniform within ±1/√fan_in, biases too: how PyTorch begins its layers.
    #[default]
    Uniform,
    /// Normal with variance 2/fan_out, and biases of zero, so that gradients keep their size through many ReLUs.
    ///
    /// He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015, equation 14.
    He,
    /// Normal with this deviation, and biases of zero.
    Normal(f32),
}

/// The weights that a layer asks for.
#[derive(Clone, Copy, Debug)]
pub struct LayerShape<'a> {
    /// Of the weight.
    pub dims: &'a [usize],
    /// Numbers that one output depends on.
    pub fan_in: usize,
    /// Outputs that one input counts for.
    pub fan_out: usize,
    /// The weight's in PyTorch.
    pub layout: Layout,
    /// Numbers of the bias; none where there is no bias.
    pub biases: Option<usize>,
}
