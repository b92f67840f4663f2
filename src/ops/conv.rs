use super::pool::max_pool;
use super::{
    Activation, Padding, PoolShape, WeightedKernel, apply_weighted, check_bias, fallback, is_on_cpu,
    max_pool2d,
};
use crate::kernels::OutputGradient;
use crate::kernels::clamp::Clamp;
use crate::kernels::conv::{self, Conv};
use crate::kernels::pool::{MaxPool, Pooled};
use candle_core::{Result, Tensor, bail};
use std::sync::OnceLock;

/// How a convolution's window moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
    /// Pixels between windows, in both directions.
    pub stride: usize,
    /// Zeros around the image.
    pub padding: Padding,
}

/// Convolution with fused activation: x (batch, height, width, in), weight (kernel height, kernel width, in, out), and
/// bias (out) where there is one, to (batch, out height, out width, out).
///
/// # Errors
/// When shapes do not fit, or a tensor is not `f32`.
pub fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    conv: ConvShape,
    activation: Activation,
) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("conv2d", [x, weight].into_iter().chain(bias))?;
    let shape = shape(x, weight, bias, conv)?;
    if !is_on_cpu {
        return fallback::conv2d(x, weight, bias, conv, activation);
    }
    let out_shape = (shape.batch, shape.out_height(), shape.out_width(), shape.out_channels);
    apply_weighted(shape, out_shape, [x, weight], bias, activation)
}

fn shape(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, conv: ConvShape) -> Result<Conv> {
    let ConvShape { stride, padding } = conv;
    let (batch, height, width, in_channels) = x.dims4()?;
    let (kernel_height, kernel_width, weight_channels, out_channels) = weight.dims4()?;
    check_bias("conv2d", bias, out_channels)?;
    if weight_channels != in_channels {
        bail!("conv2d: x {:?} and weight {:?} do not fit", x.shape(), weight.shape())
    }
    if x.elem_count() == 0 || weight.elem_count() == 0 || stride == 0 {
        bail!("conv2d: x {:?}, weight {:?} and stride {stride} must not be empty", x.shape(), weight.shape())
    }
    if kernel_height > padding.rows(height) || kernel_width > padding.columns(width) {
        bail!("conv2d: weight {:?} is larger than x {:?} with {padding:?}", weight.shape(), x.shape())
    }
    Ok(Conv { batch, height, width, in_channels, kernel_height, kernel_width, out_channels, stride, padding })
}

impl WeightedKernel for Conv {
    const NAME: &'static str = "conv2d";
    const TAKES_MASK: bool = true;

    fn forward(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>, clamp: Clamp) -> Vec<f32> {
        conv::forward(self, x, weight, bias, clamp)
    }

    fn input_gradient(&self, weight: &[f32], output: OutputGradient) -> Vec<f32> {
        conv::input_gradient(self, weight, output)
    }

    fn weight_gradient(
        &self,
        x: &[f32],
        output: OutputGradient,
        with_bias: bool,
    ) -> (Vec<f32>, Option<Vec<f32>>) {
        conv::weight_gradient(self, x, output, with_bias)
    }
}

/// [`conv2d`] and [`max_pool2d`](super::max_pool2d) in one, the same to the bit: faster, because what lies between
/// them stays in the cache.
///
/// # Errors
/// As theirs.
pub fn conv2d_max_pool2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    conv: ConvShape,
    activation: Activation,
    pool: PoolShape,
) -> Result<Tensor> {
    if !is_on_cpu("conv2d_max_pool2d", [x, weight].into_iter().chain(bias))?
        || Clamp::of(activation).is_none()
    {
        return max_pool2d(&conv2d(x, weight, bias, conv, activation)?, pool);
    }
    let conv = shape(x, weight, bias, conv)?;
    let between = (conv.batch, conv.out_height(), conv.out_width(), conv.out_channels);
    let pool = max_pool("conv2d_max_pool2d", between, pool)?;
    let kernel = PooledConv { conv, pool, winners: OnceLock::new() };
    let out_shape = (pool.batch, pool.out_height(), pool.out_width(), pool.channels);
    apply_weighted(kernel, out_shape, [x, weight], bias, activation)
}

struct PooledConv {
    conv: Conv,
    pool: MaxPool,
    /// Where the pooling took its maxima from, for the backward pass.
    winners: OnceLock<Vec<u16>>,
}

impl PooledConv {
    /// A maximum at an end of a clamp lets nothing through it: the mask of the maxima is that of the pooling.
    fn unpooled<'a>(&'a self, output: OutputGradient<'a>) -> Pooled<'a> {
        let winners = self.winners.get().expect("a forward pass comes before the backward pass");
        Pooled { pool: self.pool, winners, gradient: output.gradient }
    }
}

impl WeightedKernel for PooledConv {
    const NAME: &'static str = "conv2d_max_pool2d";

    fn forward(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>, clamp: Clamp) -> Vec<f32> {
        let (y, winners) = conv::forward_pooled(&self.conv, &self.pool, x, weight, bias, clamp);
        self.winners.get_or_init(|| winners);
        y
    }

    fn input_gradient(&self, weight: &[f32], output: OutputGradient) -> Vec<f32> {
        conv::input_gradient(&self.conv, weight, self.unpooled(output))
    }

    fn weight_gradient(
        &self,
        x: &[f32],
        output: OutputGradient,
        with_bias: bool,
    ) -> (Vec<f32>, Option<Vec<f32>>) {
        conv::weight_gradient(&self.conv, x, self.unpooled(output), with_bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, random};
    use candle_core::{DType, Device, Var};

    const CONV: ConvShape = ConvShape { stride: 2, padding: Padding::all(1) };

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let vars = [random((2, 5, 4, 3), 1)?, random((3, 2, 3, 5), 2)?, random(5, 3)?];
        assert_gradients(&vars, |vars| conv2d(&vars[0], &vars[1], Some(&vars[2]), CONV, Activation::None))
    }

    #[test]
    fn pooling_along_is_the_same_to_the_bit() -> Result<()> {
        let vars = [random((3, 9, 11, 3), 1)?, random((3, 3, 3, 20), 2)?, random(20, 3)?];
        let conv = ConvShape { stride: 1, padding: Padding::all(1) };
        let [x, weight, bias] = &vars;
        let bits = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        for pool in [PoolShape::side_by_side(2), PoolShape { size: 3, stride: 2, padding: 1 }] {
            for activation in [Activation::None, Activation::Relu, Activation::Relu6, Activation::Silu] {
                let y = conv2d_max_pool2d(x, weight, Some(bias), conv, activation, pool)?;
                let expected = max_pool2d(&conv2d(x, weight, Some(bias), conv, activation)?, pool)?;
                assert_eq!(y.dims(), expected.dims());
                let weights = random(y.shape(), 4)?.as_tensor().detach();
                let grads = (&y * &weights)?.sum_all()?.backward()?;
                let expected_grads = (&expected * &weights)?.sum_all()?.backward()?;
                assert_eq!(bits(&y)?, bits(&expected)?);
                for var in &vars {
                    assert_eq!(bits(grads.get(var).unwrap())?, bits(expected_grads.get(var).unwrap())?);
                }
            }
        }
        let too_large = PoolShape::side_by_side(12);
        assert!(conv2d_max_pool2d(x, weight, Some(bias), conv, Activation::Relu, too_large).is_err());
        Ok(())
    }

    #[test]
    fn only_the_gradients_asked_for_are_computed() -> Result<()> {
        let (x, weight, bias) = (random((1, 5, 5, 2), 1)?, random((3, 3, 2, 4), 2)?, random(4, 3)?);
        let (frozen_weight, frozen_bias) = (weight.as_tensor().detach(), bias.as_tensor().detach());
        let y = conv2d(&x, &frozen_weight, Some(&frozen_bias), CONV, Activation::Relu)?;
        let grads = y.sum_all()?.backward()?;
        assert!(grads.get(&x).is_some());
        assert!(grads.get(&frozen_weight).is_none() && grads.get(&frozen_bias).is_none());
        let x = x.as_tensor().detach();
        let grads = conv2d(&x, &weight, Some(&bias), CONV, Activation::Relu)?.sum_all()?.backward()?;
        assert!(grads.get(&x).is_none() && grads.get(&weight).is_some() && grads.get(&bias).is_some());
        Ok(())
    }

    #[test]
    fn views_are_read_through_their_layout() -> Result<()> {
        let (x, weight, bias) = (random((4, 6, 5, 3), 1)?, random((3, 3, 3, 2), 2)?, random(2, 3)?);
        let whole = conv2d(&x, &weight, Some(&bias), CONV, Activation::Relu)?;
        let part = conv2d(&x.narrow(0, 1, 2)?, &weight, Some(&bias), CONV, Activation::Relu)?;
        assert_eq!(
            whole.narrow(0, 1, 2)?.flatten_all()?.to_vec1::<f32>()?,
            part.flatten_all()?.to_vec1::<f32>()?
        );
        let turned = x.transpose(1, 2)?;
        let expected = conv2d(&turned.contiguous()?, &weight, Some(&bias), CONV, Activation::Relu)?;
        let actual = conv2d(&turned, &weight, Some(&bias), CONV, Activation::Relu)?;
        assert_eq!(actual.flatten_all()?.to_vec1::<f32>()?, expected.flatten_all()?.to_vec1::<f32>()?);
        Ok(())
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu);
        let (x, weight, bias) = (zeros(&[1, 4, 4, 2])?, zeros(&[3, 3, 2, 5])?, zeros(&[5])?);
        let run = |x: &Tensor, weight: &Tensor, bias: &Tensor, stride| {
            conv2d(x, weight, Some(bias), ConvShape { stride, padding: Padding::all(0) }, Activation::None)
        };
        assert!(run(&x, &weight, &bias, 1).is_ok());
        assert!(run(&x, &weight, &bias, 0).is_err());
        assert!(run(&x, &weight, &zeros(&[4])?, 1).is_err());
        assert!(run(&x, &zeros(&[3, 3, 3, 5])?, &bias, 1).is_err());
        assert!(run(&x, &zeros(&[5, 5, 2, 5])?, &bias, 1).is_err());
        assert!(run(&zeros(&[0, 4, 4, 2])?, &weight, &bias, 1).is_err());
        assert!(run(&zeros(&[4, 4, 2])?, &weight, &bias, 1).is_err());
        assert!(run(&x.to_dtype(DType::F64)?, &weight, &bias, 1).is_err());
        let var = Var::from_tensor(&weight)?;
        assert!(run(&x, &var, &bias, 1).is_ok());
        Ok(())
    }
}
