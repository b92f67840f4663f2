//! Sums of two tensors: residual connections.

use super::operation::{BackwardPass, Operation};
use super::{Activation, activate, apply2, fallback, is_on_cpu};
use crate::kernels::{OutputGradient, add, clamp::Clamp};
use candle_core::{Result, Tensor, bail};

/// `activation(a + b)` of two tensors of one shape, such as a residual block's input and the output of its body.
///
/// He et al., "Deep residual learning for image recognition", 2016.
///
/// # Errors
/// When the shapes differ, or a tensor is not `f32`.
pub fn add(a: &Tensor, b: &Tensor, activation: Activation) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("add", [a, b])?;
    if a.shape() != b.shape() {
        bail!("add: {:?} and {:?} have different shapes", a.shape(), b.shape())
    }
    if !is_on_cpu {
        return fallback::add(a, b, activation);
    }
    let clamp = Clamp::of(activation);
    let y = apply2([a, b], a.shape(), Add { clamp: clamp.unwrap_or(Clamp::None) })?;
    if clamp.is_some() { Ok(y) } else { activate(&y, activation) }
}

struct Add {
    clamp: Clamp,
}

impl Operation<2> for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn forward(&self, [a, b]: [&[f32]; 2]) -> Vec<f32> {
        add::forward(a, b, self.clamp)
    }

    fn backward(&self, pass: BackwardPass<'_, 2>) -> [Option<Vec<f32>>; 2] {
        let BackwardPass { output, gradient, wanted: [of_a, of_b], .. } = pass;
        let gradient = OutputGradient::new(gradient, self.clamp, output).through_clamp();
        [of_a.then(|| gradient.to_vec()), of_b.then(|| gradient.into_owned())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, random};

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let vars = [random((2, 3, 4), 1)?, random((2, 3, 4), 2)?];
        for activation in [Activation::None, Activation::Gelu] {
            assert_gradients(&vars, |vars| add(&vars[0], &vars[1], activation))?;
        }
        // a tensor on itself, and as a view
        assert_gradients(&[random((3, 3), 3)?], |vars| add(&vars[0], &vars[0].t()?, Activation::None))
    }

    #[test]
    fn only_what_asks_for_a_gradient_gets_one() -> Result<()> {
        let (a, b) = (random((2, 3), 1)?, random((2, 3), 2)?.as_tensor().detach());
        for y in [add(&a, &b, Activation::Relu)?, add(&b, &a, Activation::Relu)?] {
            let grads = y.sum_all()?.backward()?;
            let slopes = y.gt(0.0)?.to_dtype(y.dtype())?;
            assert_eq!(grads.get(&a).unwrap().to_vec2::<f32>()?, slopes.to_vec2::<f32>()?);
            assert!(grads.get(&b).is_none());
        }
        Ok(())
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let (a, b) = (random((2, 3), 1)?, random((3, 2), 2)?);
        assert!(add(&a, &b, Activation::None).is_err());
        assert!(add(&a, &b.to_dtype(candle_core::DType::F64)?, Activation::None).is_err());
        Ok(())
    }
}
