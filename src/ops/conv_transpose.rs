use super::{Activation, Padding, WeightedKernel, apply_weighted, check_bias, fallback, is_on_cpu};
use crate::kernels::OutputGradient;
use crate::kernels::clamp::Clamp;
use crate::kernels::conv::Conv;
use crate::kernels::conv_transpose;
use candle_core::{Result, Tensor, bail};

/// How a transposed convolution spreads its input, alike in both directions, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTransposeShape {
    /// Output pixels between the windows of neighbouring inputs.
    pub stride: usize,
    /// Taken off each side.
    pub padding: usize,
    /// Added at the bottom and at the right; below the stride.
    pub output_padding: usize,
}

/// Transposed convolution, the gradient of [`conv2d`](super::conv2d) as a layer, with fused activation:
/// x (batch, height, width, in), weight (kernel height, kernel width, out, in) as that of the convolution it transposes,
/// and bias (out) where there is one, to (batch, out height, out width, out), where
///
/// out height = (height − 1) · stride − 2 · padding + kernel height + output_padding, as `torch.nn.ConvTranspose2d`.
///
/// # Errors
/// When shapes do not fit, or a tensor is not `f32`.
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    conv: ConvTransposeShape,
    activation: Activation,
) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("conv_transpose2d", [x, weight].into_iter().chain(bias))?;
    let shape = transposed(x, weight, bias, conv)?;
    if !is_on_cpu {
        return fallback::conv_transpose2d(x, weight, bias, conv, activation);
    }
    let out_shape = (shape.batch, shape.height, shape.width, shape.in_channels);
    apply_weighted(Transposed(shape), out_shape, [x, weight], bias, activation)
}

/// The convolution from y to x.
fn transposed(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, conv: ConvTransposeShape) -> Result<Conv> {
    let ConvTransposeShape { stride, padding, output_padding } = conv;
    let (batch, x_height, x_width, channels) = x.dims4()?;
    let (kernel_height, kernel_width, in_channels, out_channels) = weight.dims4()?;
    check_bias("conv_transpose2d", bias, in_channels)?;
    if out_channels != channels {
        bail!("conv_transpose2d: x {:?} and weight {:?} do not fit", x.shape(), weight.shape())
    }
    if x.elem_count() == 0 || weight.elem_count() == 0 {
        bail!("conv_transpose2d: x {:?} and weight {:?} must not be empty", x.shape(), weight.shape())
    }
    if output_padding >= stride {
        bail!("conv_transpose2d: output padding {output_padding} must be below stride {stride}")
    }
    let size = |len: usize, kernel: usize| {
        ((len - 1) * stride + kernel + output_padding).checked_sub(2 * padding).filter(|size| *size > 0)
    };
    let (Some(height), Some(width)) = (size(x_height, kernel_height), size(x_width, kernel_width)) else {
        bail!("conv_transpose2d: padding {padding} leaves nothing of x {:?}", x.shape())
    };
    let padding = Padding::all(padding);
    Ok(Conv { batch, height, width, in_channels, kernel_height, kernel_width, out_channels, stride, padding })
}

/// A convolution from y to x.
struct Transposed(Conv);

impl WeightedKernel for Transposed {
    const NAME: &'static str = "conv_transpose2d";

    fn forward(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>, clamp: Clamp) -> Vec<f32> {
        conv_transpose::forward(&self.0, x, weight, bias, clamp)
    }

    fn input_gradient(&self, weight: &[f32], output: OutputGradient) -> Vec<f32> {
        conv_transpose::input_gradient(&self.0, weight, output)
    }

    fn weight_gradient(
        &self,
        x: &[f32],
        output: OutputGradient,
        with_bias: bool,
    ) -> (Vec<f32>, Option<Vec<f32>>) {
        conv_transpose::weight_gradient(&self.0, x, output, with_bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, random};

    const CONV: ConvTransposeShape = ConvTransposeShape { stride: 2, padding: 1, output_padding: 1 };

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let vars = [random((2, 3, 2, 3), 1)?, random((3, 2, 4, 3), 2)?, random(4, 3)?];
        for activation in [Activation::None, Activation::Tanh] {
            assert_gradients(&vars, |vars| {
                conv_transpose2d(&vars[0], &vars[1], Some(&vars[2]), CONV, activation)
            })?;
        }
        Ok(())
    }

    #[test]
    fn sizes_are_those_of_pytorch() -> Result<()> {
        let (weight, bias) = (random((4, 4, 2, 3), 1)?, random(2, 2)?);
        for (stride, padding, output_padding, expected) in [(2, 1, 0, 14), (1, 0, 0, 10), (3, 2, 2, 20)] {
            let conv = ConvTransposeShape { stride, padding, output_padding };
            let x = random((1, 7, 7, 3), 3)?;
            let y = conv_transpose2d(&x, &weight, Some(&bias), conv, Activation::Relu)?;
            assert_eq!(y.dims(), [1, expected, expected, 2]);
        }
        Ok(())
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let (x, weight, bias) = (random((1, 2, 2, 3), 1)?, random((2, 2, 4, 3), 2)?, random(4, 3)?);
        let run = |x: &Tensor, weight: &Tensor, bias: &Tensor, stride, padding, output_padding| {
            let conv = ConvTransposeShape { stride, padding, output_padding };
            conv_transpose2d(x, weight, Some(bias), conv, Activation::None)
        };
        assert!(run(&x, &weight, &bias, 1, 0, 0).is_ok());
        assert!(run(&x, &weight, &bias, 1, 2, 0).is_err());
        assert!(run(&x, &weight, &bias, 2, 0, 2).is_err());
        assert!(run(&x, &weight, &bias, 0, 0, 0).is_err());
        assert!(run(&x, &weight, random(3, 1)?.as_tensor(), 1, 0, 0).is_err());
        assert!(run(&x, &weight.transpose(2, 3)?, &bias, 1, 0, 0).is_err());
        assert!(run(&x.narrow(0, 0, 0)?, &weight, &bias, 1, 0, 0).is_err());
        Ok(())
    }
}
