use super::{Op, expect_f32_on_cpu, gradient_of, numbers, output, read};
use crate::kernels::pool::{self, MaxPool};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};

/// The maximum of each `size` × `size` window, side by side: (batch, height, width, channels) to (batch, height / size,
/// width / size, channels). The gradient goes to the first maximum of a window, as in PyTorch.
///
/// # Errors
/// When x holds no window, or is not `f32` on the CPU.
pub fn max_pool2d(x: &Tensor, size: usize) -> Result<Tensor> {
    max_pool2d_op(x, size)?.apply(x)
}

/// [`max_pool2d`], yet to be applied to x.
///
/// # Errors
/// As there.
pub fn max_pool2d_op(x: &Tensor, size: usize) -> Result<Op> {
    expect_f32_on_cpu("max_pool2d", &[x])?;
    let (batch, height, width, channels) = x.dims4()?;
    if size == 0 || height < size || width < size || x.elem_count() == 0 {
        bail!("max_pool2d: no window of {size} x {size} pixels in {:?}", x.shape())
    }
    Ok(Op::plain(MaxPool2d(MaxPool { batch, height, width, channels, size })))
}

struct MaxPool2d(MaxPool);

impl CustomOp1 for MaxPool2d {
    fn name(&self) -> &'static str {
        "max_pool2d"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let MaxPool { batch, height, width, channels, size } = self.0;
        let y = pool::forward(&self.0, numbers(x, layout)?);
        output(y, (batch, height / size, width / size, channels))
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        let (x_reader, y, gradient) = (read(x), read(y), read(&gradient));
        gradient_of(x, pool::backward(&self.0, x_reader.numbers()?, y.numbers()?, gradient.numbers()?, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, random};
    use candle_core::{Device, Var};

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        assert_gradients(&[random((2, 5, 6, 3), 1)?], |vars| max_pool2d(&vars[0], 2))
    }

    #[test]
    fn the_first_maximum_takes_the_gradient() -> Result<()> {
        let x = Var::new(&[[[[1f32], [7.]], [[7.], [2.]]]], &Device::Cpu)?;
        let grads = (max_pool2d(&x, 2)?.sum_all()? * 3.)?.backward()?;
        assert_eq!(grads.get(&x).unwrap().flatten_all()?.to_vec1::<f32>()?, [0., 3., 0., 0.]);
        Ok(())
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let x = random((1, 3, 3, 1), 1)?;
        assert!(max_pool2d(&x, 0).is_err());
        assert!(max_pool2d(&x, 4).is_err());
        assert!(max_pool2d(&x.flatten_all()?, 2).is_err());
        Ok(())
    }
}
