use super::{Activation, ConvShape, WeightedKernel, apply_weighted, check_bias, fallback, is_on_cpu};
use crate::kernels::OutputGradient;
use crate::kernels::clamp::Clamp;
use crate::kernels::depthwise::{self, Depthwise};
use candle_core::{Result, Tensor, bail};

/// Convolution of each channel by itself, with fused activation: x (batch, height, width, channels), weight (kernel
/// height, kernel width, channels), and bias (channels) where there is one, to (batch, out height, out width, channels).
///
/// Chollet, "Xception: deep learning with depthwise separable convolutions", 2017.
///
/// # Errors
/// When shapes do not fit, or a tensor is not `f32`.
pub fn depthwise_conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    conv: ConvShape,
    activation: Activation,
) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("depthwise_conv2d", [x, weight].into_iter().chain(bias))?;
    let shape = shape(x, weight, bias, conv)?;
    if !is_on_cpu {
        return fallback::depthwise_conv2d(x, weight, bias, conv, activation);
    }
    let out_shape = (shape.batch, shape.out_height(), shape.out_width(), shape.channels);
    apply_weighted(shape, out_shape, [x, weight], bias, activation)
}

fn shape(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, conv: ConvShape) -> Result<Depthwise> {
    let ConvShape { stride, padding } = conv;
    let (batch, height, width, channels) = x.dims4()?;
    let (kernel_height, kernel_width, weight_channels) = weight.dims3()?;
    check_bias("depthwise_conv2d", bias, channels)?;
    if weight_channels != channels {
        bail!("depthwise_conv2d: x {:?} and weight {:?} do not fit", x.shape(), weight.shape())
    }
    if x.elem_count() == 0 || weight.elem_count() == 0 || stride == 0 {
        let (x, weight) = (x.shape(), weight.shape());
        bail!("depthwise_conv2d: x {x:?}, weight {weight:?} and stride {stride} must not be empty")
    }
    if kernel_height > padding.rows(height) || kernel_width > padding.columns(width) {
        let (x, weight) = (x.shape(), weight.shape());
        bail!("depthwise_conv2d: weight {weight:?} is larger than x {x:?} with {padding:?}")
    }
    Ok(Depthwise { batch, height, width, channels, kernel_height, kernel_width, stride, padding })
}

impl WeightedKernel for Depthwise {
    const NAME: &'static str = "depthwise_conv2d";

    fn forward(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>, clamp: Clamp) -> Vec<f32> {
        depthwise::forward(self, x, weight, bias, clamp)
    }

    fn input_gradient(&self, weight: &[f32], output: OutputGradient) -> Vec<f32> {
        depthwise::input_gradient(self, weight, output)
    }

    fn weight_gradient(
        &self,
        x: &[f32],
        output: OutputGradient,
        with_bias: bool,
    ) -> (Vec<f32>, Option<Vec<f32>>) {
        depthwise::weight_gradient(self, x, output, with_bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Padding;
    use crate::ops::testing::{assert_gradients, random};

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let vars = [random((2, 5, 4, 3), 1)?, random((3, 2, 3), 2)?, random(3, 3)?];
        let conv = ConvShape { stride: 2, padding: Padding::all(1) };
        for activation in [Activation::None, Activation::Tanh] {
            assert_gradients(&vars, |vars| {
                depthwise_conv2d(&vars[0], &vars[1], Some(&vars[2]), conv, activation)
            })?;
        }
        Ok(())
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let (x, weight, bias) = (random((1, 4, 4, 2), 1)?, random((3, 3, 2), 2)?, random(2, 3)?);
        let run = |x: &Tensor, weight: &Tensor, bias: &Tensor, stride| {
            depthwise_conv2d(
                x,
                weight,
                Some(bias),
                ConvShape { stride, padding: Padding::all(0) },
                Activation::Relu,
            )
        };
        assert!(run(&x, &weight, &bias, 1).is_ok());
        assert!(run(&x, &weight, &bias, 0).is_err());
        assert!(run(&x, &weight, random(3, 1)?.as_tensor(), 1).is_err());
        assert!(run(&x, random((3, 3, 1), 1)?.as_tensor(), &bias, 1).is_err());
        assert!(run(&x, random((5, 3, 2), 1)?.as_tensor(), &bias, 1).is_err());
        assert!(run(&x.narrow(0, 0, 0)?, &weight, &bias, 1).is_err());
        Ok(())
    }
}
