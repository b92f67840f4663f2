use super::{Activation, apply1, fallback, gradient_of, is_on_cpu, numbers, output, read};
use crate::kernels::activation;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

/// The activation of each number of x, which may have any shape.
///
/// # Errors
/// When x is not `f32`.
pub fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    if !is_on_cpu("activate", &[x])? {
        return fallback::activate(x, activation);
    }
    if activation == Activation::None {
        return Ok(x.clone());
    }
    apply1(x, Activate(activation))
}

struct Activate(Activation);

impl CustomOp1 for Activate {
    fn name(&self) -> &'static str {
        "activate"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        output(activation::forward(self.0, numbers(x, layout)?), layout.shape())
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let gradient = gradient.contiguous()?;
        let numbers = activation::backward(self.0, read(x).numbers()?, read(&gradient).numbers()?);
        gradient_of(x, numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, random};

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        for activation in Activation::ALL {
            assert_gradients(&[random((3, 5, 2), 1)?], |vars| activate(&vars[0], activation))?;
            assert_gradients(&[random((3, 5), 1)?], |vars| activate(&vars[0].t()?, activation))?;
        }
        Ok(())
    }
}
