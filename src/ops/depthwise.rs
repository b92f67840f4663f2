use super::{
    Activation, ConvShape, activate, apply3, fallback, gradient_of, is_fused, is_on_cpu, numbers, output,
    read,
};
use crate::kernels::OutputGradient;
use crate::kernels::depthwise::{self, Depthwise};
use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Tensor, bail};

/// Convolution of each channel by itself, with bias and activation: x (batch, height, width, channels), weight (kernel
/// height, kernel width, channels), bias (channels), to (batch, out height, out width, channels).
///
/// Chollet, "Xception: deep learning with depthwise separable convolutions", 2017.
///
/// # Errors
/// When shapes do not fit, or a tensor is not `f32`.
pub fn depthwise_conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    conv: ConvShape,
    activation: Activation,
) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("depthwise_conv2d", &[x, weight, bias])?;
    let shape = shape(x, weight, bias, conv)?;
    if !is_on_cpu {
        return fallback::depthwise_conv2d(x, weight, bias, conv, activation);
    }
    let fused = if is_fused(activation) { activation } else { Activation::None };
    let op = DepthwiseConv2d { conv: shape, activation: fused };
    let y = apply3([x, weight, bias], op)?;
    if fused == activation { Ok(y) } else { activate(&y, activation) }
}

fn shape(x: &Tensor, weight: &Tensor, bias: &Tensor, conv: ConvShape) -> Result<Depthwise> {
    let ConvShape { stride, padding } = conv;
    let (batch, height, width, channels) = x.dims4()?;
    let (kernel_height, kernel_width, weight_channels) = weight.dims3()?;
    if weight_channels != channels || bias.dims() != [channels] {
        let (x, weight, bias) = (x.shape(), weight.shape(), bias.shape());
        bail!("depthwise_conv2d: x {x:?}, weight {weight:?} and bias {bias:?} do not fit")
    }
    if x.elem_count() == 0 || weight.elem_count() == 0 || stride == 0 {
        let (x, weight) = (x.shape(), weight.shape());
        bail!("depthwise_conv2d: x {x:?}, weight {weight:?} and stride {stride} must not be empty")
    }
    if kernel_height > height + 2 * padding || kernel_width > width + 2 * padding {
        let (x, weight) = (x.shape(), weight.shape());
        bail!("depthwise_conv2d: weight {weight:?} is larger than x {x:?} with padding {padding}")
    }
    Ok(Depthwise { batch, height, width, channels, kernel_height, kernel_width, stride, padding })
}

struct DepthwiseConv2d {
    conv: Depthwise,
    activation: Activation,
}

impl CustomOp3 for DepthwiseConv2d {
    fn name(&self) -> &'static str {
        "depthwise_conv2d"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (x, weight, bias) =
            (numbers(x, x_layout)?, numbers(weight, weight_layout)?, numbers(bias, bias_layout)?);
        let conv = &self.conv;
        let y = depthwise::forward(conv, x, weight, bias, self.activation == Activation::Relu);
        output(y, (conv.batch, conv.out_height(), conv.out_width(), conv.channels))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        y: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let (x_reader, weight_reader, y, gradient) = (read(x), read(weight), read(y), read(&gradient));
        let output =
            OutputGradient { gradient: gradient.numbers()?, relu_output: y.relu_output(self.activation)? };
        let (mut dx, mut dw, mut db) = (None, None, None);
        if weight.track_op() || bias.track_op() {
            let (weight_gradient, bias_gradient) =
                depthwise::weight_gradient(&self.conv, x_reader.numbers()?, output);
            (dw, db) = (gradient_of(weight, weight_gradient)?, gradient_of(bias, bias_gradient)?);
        }
        if x.track_op() {
            dx = gradient_of(x, depthwise::input_gradient(&self.conv, weight_reader.numbers()?, output))?;
        }
        Ok((dx, dw, db))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, random};

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let vars = [random((2, 5, 4, 3), 1)?, random((3, 2, 3), 2)?, random(3, 3)?];
        let conv = ConvShape { stride: 2, padding: 1 };
        for activation in [Activation::None, Activation::Tanh] {
            assert_gradients(&vars, |vars| depthwise_conv2d(&vars[0], &vars[1], &vars[2], conv, activation))?;
        }
        Ok(())
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let (x, weight, bias) = (random((1, 4, 4, 2), 1)?, random((3, 3, 2), 2)?, random(2, 3)?);
        let run = |x: &Tensor, weight: &Tensor, bias: &Tensor, stride| {
            depthwise_conv2d(x, weight, bias, ConvShape { stride, padding: 0 }, Activation::Relu)
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
