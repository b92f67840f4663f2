use super::operation::{BackwardPass, Operation};
use super::{apply1, fallback, is_on_cpu};
use crate::kernels::subsample::{self, Subsample};
use candle_core::{Result, Tensor, bail};

/// Every `stride`th pixel of x (batch, height, width, channels), with zeros as further channels, half of them before
/// those of x (rounded down) and the others after: (batch, ⌈height / stride⌉, ⌈width / stride⌉, out_channels).
///
/// He et al., "Deep residual learning for image recognition", 2016, section 3.3, option A.
///
/// # Errors
/// When there are fewer channels than x has, the stride is 0, x is empty, or it is not `f32`.
pub fn subsample_and_pad(x: &Tensor, stride: usize, out_channels: usize) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("subsample_and_pad", [x])?;
    let (batch, height, width, channels) = x.dims4()?;
    if stride == 0 || out_channels < channels || x.elem_count() == 0 {
        bail!("subsample_and_pad: x {:?} does not fit stride {stride}, {out_channels} channels", x.shape())
    }
    let shape = Subsample { batch, height, width, channels, stride, out_channels };
    if !is_on_cpu {
        return fallback::subsample_and_pad(x, &shape);
    }
    apply1(x, (batch, shape.out_height(), shape.out_width(), out_channels), shape)
}

impl Operation<1> for Subsample {
    fn name(&self) -> &'static str {
        "subsample_and_pad"
    }

    fn forward(&self, [x]: [&[f32]; 1]) -> Vec<f32> {
        subsample::forward(self, x)
    }

    fn backward(&self, pass: BackwardPass<'_, 1>) -> [Option<Vec<f32>>; 1] {
        [Some(subsample::backward(self, pass.gradient))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, random};

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let x = [random((2, 5, 4, 3), 1)?];
        assert_gradients(&x, |x| subsample_and_pad(&x[0], 2, 6))?;
        assert_gradients(&x, |x| subsample_and_pad(&x[0], 1, 3))
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let x = random((2, 5, 4, 3), 1)?;
        assert!(subsample_and_pad(&x, 2, 2).is_err());
        assert!(subsample_and_pad(&x, 0, 3).is_err());
        assert!(subsample_and_pad(&x.narrow(0, 0, 0)?, 2, 3).is_err());
        assert!(subsample_and_pad(&x.flatten_to(1)?, 2, 3).is_err());
        Ok(())
    }
}
