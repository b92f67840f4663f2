//! Layers of x, a weight and a bias, with an activation: convolutions and linear layers differ in their kernels alone.

use super::operation::{BackwardPass, Operation};
use super::{Activation, activate, apply3};
use crate::kernels::OutputGradient;
use candle_core::{Result, Shape, Tensor};

/// The kernels of such a layer.
pub(super) trait WeightedKernel: Send + Sync + 'static {
    const NAME: &'static str;
    /// Whether the kernels of the gradients take a ReLU's mask along. Otherwise it has been applied before they run.
    const TAKES_MASK: bool = false;

    /// Of the output.
    fn shape(&self) -> Shape;

    fn forward(&self, x: &[f32], weight: &[f32], bias: &[f32], relu: bool) -> Vec<f32>;

    /// The gradient of x.
    fn input_gradient(&self, weight: &[f32], output: OutputGradient) -> Vec<f32>;

    /// The gradients of weight and bias.
    fn weight_gradient(&self, x: &[f32], output: OutputGradient) -> (Vec<f32>, Vec<f32>);
}

/// Applies the kernel, and the activation along with it or after it.
pub(super) fn apply_weighted(
    kernel: impl WeightedKernel,
    inputs: [&Tensor; 3],
    activation: Activation,
) -> Result<Tensor> {
    let shape = kernel.shape();
    let y = apply3(inputs, shape, Weighted { kernel, relu: activation == Activation::Relu })?;
    if is_fused(activation) { Ok(y) } else { activate(&y, activation) }
}

/// Whether layers apply it along with their own work; the others are a step of their own.
pub(super) fn is_fused(activation: Activation) -> bool {
    matches!(activation, Activation::None | Activation::Relu)
}

struct Weighted<K> {
    kernel: K,
    relu: bool,
}

impl<K: WeightedKernel> Operation<3> for Weighted<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn forward(&self, [x, weight, bias]: [&[f32]; 3]) -> Vec<f32> {
        self.kernel.forward(x, weight, bias, self.relu)
    }

    fn backward(&self, pass: BackwardPass<'_, 3>) -> [Option<Vec<f32>>; 3] {
        let BackwardPass { inputs: [x, weight, _], output, gradient, wanted } = pass;
        let output = OutputGradient { gradient, relu_output: self.relu.then_some(output) };
        let unmasked;
        let output = if K::TAKES_MASK {
            output
        } else {
            unmasked = output.through_relu();
            OutputGradient { gradient: &unmasked, relu_output: None }
        };
        let of_weights = (wanted[1] || wanted[2]).then(|| self.kernel.weight_gradient(x, output));
        let of_x = wanted[0].then(|| self.kernel.input_gradient(weight, output));
        let (of_weight, of_bias) = of_weights.unzip();
        [of_x, of_weight, of_bias]
    }
}
