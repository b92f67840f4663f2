use super::{Activation, WeightedKernel, apply_weighted, check_bias, fallback, is_on_cpu};
use crate::kernels::OutputGradient;
use crate::kernels::clamp::Clamp;
use crate::kernels::linear::{self, Linear};
use candle_core::{Result, Tensor, bail};

/// `activation(x · weight + bias)` along the last dimension: x (…, inputs), weight (inputs, outputs), and bias (outputs)
/// where there is one, to (…, outputs).
///
/// # Errors
/// When shapes do not fit, or a tensor is not `f32`.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, activation: Activation) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("linear", [x, weight].into_iter().chain(bias))?;
    let (inputs, outputs) = weight.dims2()?;
    check_bias("linear", bias, outputs)?;
    if x.dims().last() != Some(&inputs) {
        bail!("linear: x {:?} and weight {:?} do not fit", x.shape(), weight.shape())
    }
    if x.elem_count() == 0 || weight.elem_count() == 0 {
        bail!("linear: x {:?} and weight {:?} must not be empty", x.shape(), weight.shape())
    }
    if !is_on_cpu {
        return fallback::linear(x, weight, bias, activation);
    }
    let mut shape = x.dims().to_vec();
    shape[x.rank() - 1] = outputs;
    let linear = Linear { batch: x.elem_count() / inputs, inputs, outputs };
    apply_weighted(linear, shape, [x, weight], bias, activation)
}

impl WeightedKernel for Linear {
    const NAME: &'static str = "linear";

    fn forward(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>, clamp: Clamp) -> Vec<f32> {
        linear::forward(self, x, weight, bias, clamp)
    }

    fn input_gradient(&self, weight: &[f32], output: OutputGradient) -> Vec<f32> {
        linear::input_gradient(self, weight, output)
    }

    fn weight_gradient(
        &self,
        x: &[f32],
        output: OutputGradient,
        with_bias: bool,
    ) -> (Vec<f32>, Option<Vec<f32>>) {
        linear::weight_gradient(self, x, output, with_bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, random};
    use candle_core::{Device, Var};

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let vars = [random((3, 4), 1)?, random((4, 5), 2)?, random(5, 3)?];
        for activation in [Activation::None, Activation::Tanh] {
            assert_gradients(&vars, |vars| linear(&vars[0], &vars[1], Some(&vars[2]), activation))?;
        }
        Ok(())
    }

    #[test]
    fn each_row_of_a_sequence_is_one_of_a_batch() -> Result<()> {
        let vars = [random((3, 2, 4), 1)?, random((4, 5), 2)?, random(5, 3)?];
        let run = |vars: &[Var]| linear(&vars[0], &vars[1], Some(&vars[2]), Activation::None);
        let y = run(&vars)?;
        assert_eq!(y.dims(), [3, 2, 5]);
        let flat = linear(&vars[0].flatten_to(1)?, &vars[1], Some(&vars[2]), Activation::None)?;
        assert_eq!(y.flatten_to(1)?.to_vec2::<f32>()?, flat.to_vec2::<f32>()?);
        let row = linear(&vars[0].get(2)?.get(1)?, &vars[1], Some(&vars[2]), Activation::None)?;
        assert_eq!(row.dims(), [5]);
        assert_gradients(&vars, run)
    }

    #[test]
    fn relu_has_no_slope_at_zero() -> Result<()> {
        let x = Tensor::new(&[[1f32]], &Device::Cpu)?;
        let weight = Var::new(&[[-1f32, 0., 1.]], &Device::Cpu)?;
        let bias = Var::new(&[0f32, 0., 0.], &Device::Cpu)?;
        let grads = linear(&x, &weight, Some(&bias), Activation::Relu)?.sum_all()?.backward()?;
        assert_eq!(grads.get(&weight).unwrap().to_vec2::<f32>()?, [[0., 0., 1.]]);
        Ok(())
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let (x, weight, bias) = (random((3, 4), 1)?, random((4, 5), 2)?, random(5, 3)?);
        assert!(linear(&weight, &x, Some(&bias), Activation::None).is_err());
        assert!(linear(&x, &weight, Some(random(4, 3)?.as_tensor()), Activation::None).is_err());
        assert!(linear(&x.flatten_all()?, &weight, Some(&bias), Activation::None).is_err());
        Ok(())
    }
}
