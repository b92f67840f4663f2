//! Layers with a weight, an optional bias and an activation: convolutions and linear layers, which differ in their kernels
//! alone.

use super::operation::{BackwardPass, Operation};
use super::{Activation, activate, apply2, apply3};
use crate::kernels::{OutputGradient, clamp::Clamp};
use candle_core::{Result, Shape, Tensor, bail};

/// The kernels of such a layer.
pub(super) trait WeightedKernel: Send + Sync + 'static {
    const NAME: &'static str;
    /// Whether the kernels of the gradients take a clamp's mask along. Otherwise it has been applied before they run.
    const TAKES_MASK: bool = false;

    fn forward(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>, clamp: Clamp) -> Vec<f32>;

    /// The gradient of x.
    fn input_gradient(&self, weight: &[f32], output: OutputGradient) -> Vec<f32>;

    /// The gradient of weight and, where it is wanted, that of bias.
    fn weight_gradient(
        &self,
        x: &[f32],
        output: OutputGradient,
        with_bias: bool,
    ) -> (Vec<f32>, Option<Vec<f32>>);
}

/// Applies a kernel whose output has this shape, and the activation along with it or after it.
pub(super) fn apply_weighted(
    kernel: impl WeightedKernel,
    shape: impl Into<Shape>,
    [x, weight]: [&Tensor; 2],
    bias: Option<&Tensor>,
    activation: Activation,
) -> Result<Tensor> {
    let clamp = Clamp::of(activation);
    let operation = Weighted { kernel, clamp: clamp.unwrap_or(Clamp::None) };
    let y = match bias {
        Some(bias) => apply3([x, weight, bias], shape, operation)?,
        None => apply2([x, weight], shape, operation)?,
    };
    if clamp.is_some() { Ok(y) } else { activate(&y, activation) }
}

/// An error unless the bias, if there is one, is a number for each output.
pub(super) fn check_bias(name: &str, bias: Option<&Tensor>, outputs: usize) -> Result<()> {
    match bias {
        Some(bias) if bias.dims() != [outputs] => {
            bail!("{name}: bias {:?} does not fit {outputs} outputs", bias.shape())
        }
        _ => Ok(()),
    }
}

struct Weighted<K> {
    kernel: K,
    /// Applied by the kernel itself; other activations are a separate step.
    clamp: Clamp,
}

impl<K: WeightedKernel> Weighted<K> {
    /// The gradients of x, weight and bias.
    fn gradients(
        &self,
        [x, weight]: [&[f32]; 2],
        output: OutputGradient,
        wanted: [bool; 3],
    ) -> [Option<Vec<f32>>; 3] {
        let unmasked;
        let output = if K::TAKES_MASK {
            output
        } else {
            unmasked = output.through_clamp();
            OutputGradient::whole(&unmasked)
        };
        let [of_x, of_weight, of_bias] = wanted;
        let (weight_gradient, bias_gradient) =
            (of_weight || of_bias).then(|| self.kernel.weight_gradient(x, output, of_bias)).unzip();
        let input_gradient = of_x.then(|| self.kernel.input_gradient(weight, output));
        [input_gradient, weight_gradient, bias_gradient.flatten()]
    }
}

impl<K: WeightedKernel> Operation<3> for Weighted<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn forward(&self, [x, weight, bias]: [&[f32]; 3]) -> Vec<f32> {
        self.kernel.forward(x, weight, Some(bias), self.clamp)
    }

    fn backward(&self, pass: BackwardPass<'_, 3>) -> [Option<Vec<f32>>; 3] {
        let BackwardPass { inputs: [x, weight, _], output, gradient, wanted } = pass;
        self.gradients([x, weight], OutputGradient::new(gradient, self.clamp, output), wanted)
    }
}

/// Without a bias.
impl<K: WeightedKernel> Operation<2> for Weighted<K> {
    fn name(&self) -> &'static str {
        K::NAME
    }

    fn forward(&self, [x, weight]: [&[f32]; 2]) -> Vec<f32> {
        self.kernel.forward(x, weight, None, self.clamp)
    }

    fn backward(&self, pass: BackwardPass<'_, 2>) -> [Option<Vec<f32>>; 2] {
        let BackwardPass { inputs, output, gradient, wanted: [of_x, of_weight] } = pass;
        let output = OutputGradient::new(gradient, self.clamp, output);
        let [of_x, of_weight, _] = self.gradients(inputs, output, [of_x, of_weight, false]);
        [of_x, of_weight]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::random;
    use crate::ops::{
        ConvShape, ConvTransposeShape, Padding, PoolShape, conv_transpose2d, conv2d, conv2d_max_pool2d,
        depthwise_conv2d, linear,
    };

    type Layer = fn(&Tensor, &Tensor, Option<&Tensor>, Activation) -> Result<Tensor>;

    const CONV: ConvShape = ConvShape { stride: 1, padding: Padding::all(1) };
    const TRANSPOSE: ConvTransposeShape = ConvTransposeShape { stride: 2, padding: 1, output_padding: 1 };

    /// Shapes of x and weight, outputs, and the layer.
    const LAYERS: [(&[usize], &[usize], usize, Layer); 5] = [
        (&[3, 6], &[6, 5], 5, |x, weight, bias, activation| linear(x, weight, bias, activation)),
        (&[2, 6, 7, 3], &[3, 3, 3, 4], 4, |x, weight, bias, activation| {
            conv2d(x, weight, bias, CONV, activation)
        }),
        (&[2, 6, 7, 3], &[3, 3, 3, 4], 4, |x, weight, bias, activation| {
            conv2d_max_pool2d(x, weight, bias, CONV, activation, PoolShape::side_by_side(2))
        }),
        (&[2, 6, 7, 3], &[3, 3, 3], 3, |x, weight, bias, activation| {
            depthwise_conv2d(x, weight, bias, CONV, activation)
        }),
        (&[2, 6, 7, 3], &[3, 3, 4, 3], 4, |x, weight, bias, activation| {
            conv_transpose2d(x, weight, bias, TRANSPOSE, activation)
        }),
    ];

    #[test]
    fn no_bias_is_a_bias_of_zeros() -> Result<()> {
        let numbers = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        for (x, weight, outputs, layer) in LAYERS {
            let (x, weight) = (random(x, 1)?, random(weight, 2)?);
            let zeros = random(outputs, 3)?.zeros_like()?;
            for activation in [Activation::None, Activation::Relu, Activation::Relu6, Activation::Tanh] {
                let y = layer(&x, &weight, None, activation)?;
                let expected = layer(&x, &weight, Some(&zeros), activation)?;
                assert_eq!(numbers(&y)?, numbers(&expected)?);
                let grads = y.sqr()?.sum_all()?.backward()?;
                let expected = expected.sqr()?.sum_all()?.backward()?;
                for var in [&x, &weight] {
                    assert_eq!(numbers(grads.get(var).unwrap())?, numbers(expected.get(var).unwrap())?);
                }
            }
        }
        Ok(())
    }

    #[test]
    fn a_bias_of_another_length_is_an_error() -> Result<()> {
        for (x, weight, outputs, layer) in LAYERS {
            let bias = random(outputs + 1, 3)?;
            let layer = layer(&*random(x, 1)?, &*random(weight, 2)?, Some(&bias), Activation::None);
            assert!(layer.unwrap_err().to_string().contains("bias"));
        }
        Ok(())
    }
}
