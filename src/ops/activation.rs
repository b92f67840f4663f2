use super::operation::{BackwardPass, Operation};
use super::{Activation, apply1, fallback, is_on_cpu};
use crate::kernels::activation;
use candle_core::{Result, Tensor};

/// The activation of each number of x, which may have any shape.
///
/// # Errors
/// When x is not `f32`.
pub fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    if !is_on_cpu("activate", [x])? {
        return fallback::activate(x, activation);
    }
    if activation == Activation::None {
        return Ok(x.clone());
    }
    apply1(x, x.shape(), Activate(activation))
}

struct Activate(Activation);

impl Operation<1> for Activate {
    fn name(&self) -> &'static str {
        "activate"
    }

    fn forward(&self, [x]: [&[f32]; 1]) -> Vec<f32> {
        activation::forward(self.0, x)
    }

    fn backward(&self, pass: BackwardPass<'_, 1>) -> [Option<Vec<f32>>; 1] {
        [Some(activation::backward(self.0, pass.inputs[0], pass.gradient))]
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
