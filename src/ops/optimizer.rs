use super::{is_on_cpu, numbers, read};
use crate::kernels::optimizer::{self, Adam, Sgd};
use candle_core::{CpuStorage, Device, InplaceOp2, Layout, Result, Tensor, Var, bail};
use std::cell::RefCell;

/// One step of Adam, or of AdamW where `decoupled`.
pub type AdamStep = Adam;
/// One step of stochastic gradient descent with momentum.
pub type SgdStep = Sgd;

/// Updates `var` and its moments in place, by PyTorch's formulae.
///
/// # Errors
/// When shapes or lengths differ, or a tensor is not contiguous `f32`.
pub fn adam(
    var: &Var,
    grad: &Tensor,
    first_moment: &mut [f32],
    second_moment: &mut [f32],
    step: AdamStep,
) -> Result<()> {
    if step.step == 0 {
        bail!("adam: steps count from 1")
    }
    let lengths = [first_moment.len(), second_moment.len()];
    update("adam", var, grad, &lengths, |weights, grad| {
        step.update(weights, grad, first_moment, second_moment)
    })
}

/// Updates `var` and its velocity in place, by PyTorch's formulae.
///
/// # Errors
/// As [`adam`].
pub fn sgd(var: &Var, grad: &Tensor, velocity: &mut [f32], step: SgdStep) -> Result<()> {
    update("sgd", var, grad, &[velocity.len()], |weights, grad| step.update(weights, grad, velocity))
}

/// The sum of the squares of a tensor's numbers: the square of its norm.
///
/// # Errors
/// When it is not `f32`.
pub fn sum_squares(t: &Tensor) -> Result<f64> {
    is_on_cpu("sum_squares", [t])?;
    let t = t.to_device(&Device::Cpu)?.contiguous()?;
    Ok(optimizer::sum_squares(read(&t).numbers()?))
}

fn update(
    name: &'static str,
    var: &Var,
    grad: &Tensor,
    state_lengths: &[usize],
    rule: impl FnOnce(&mut [f32], &[f32]),
) -> Result<()> {
    if !is_on_cpu(name, [var, grad])? {
        return update_elsewhere(name, var, grad, state_lengths, rule);
    }
    if grad.shape() != var.shape() || state_lengths.iter().any(|len| *len != var.elem_count()) {
        let (var, grad) = (var.shape(), grad.shape());
        bail!("{name}: variable {var:?}, gradient {grad:?} and state {state_lengths:?} do not fit")
    }
    var.inplace_op2(&grad.contiguous()?, &Update { name, rule: RefCell::new(Some(rule)) })
}

/// Updates on the CPU, where the state is: copies the numbers there and back.
fn update_elsewhere(
    name: &'static str,
    var: &Var,
    grad: &Tensor,
    state_lengths: &[usize],
    rule: impl FnOnce(&mut [f32], &[f32]),
) -> Result<()> {
    let copy = Var::from_tensor(&var.as_tensor().detach().to_device(&Device::Cpu)?)?;
    update(name, &copy, &grad.to_device(&Device::Cpu)?, state_lengths, rule)?;
    var.set(&copy.as_tensor().detach().to_device(var.device())?)
}

/// candle lends the variable's numbers through a shared reference to this; the rule runs once.
struct Update<F> {
    name: &'static str,
    rule: RefCell<Option<F>>,
}

impl<F: FnOnce(&mut [f32], &[f32])> InplaceOp2 for Update<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(
        &self,
        weights: &mut CpuStorage,
        layout: &Layout,
        grad: &CpuStorage,
        grad_layout: &Layout,
    ) -> Result<()> {
        let (CpuStorage::F32(weights), Some((start, end))) = (weights, layout.contiguous_offsets()) else {
            bail!("{}: expected a contiguous f32 variable", self.name)
        };
        let grad = numbers(grad, grad_layout)?;
        if let Some(rule) = self.rule.take() {
            rule(&mut weights[start..end], grad);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_updated_in_place() -> Result<()> {
        let var = Var::new(&[1f32, -2.0], &Device::Cpu)?;
        let same = var.as_tensor().clone();
        let grad = Tensor::new(&[0.5f32, 4.0], &Device::Cpu)?;
        let mut velocity = [0.0; 2];
        let step =
            SgdStep { learning_rate: 0.1, momentum: 0.9, weight_decay: 0.0, first: true, grad_scale: 0.5 };
        sgd(&var, &grad, &mut velocity, step)?;
        assert_eq!(velocity, [0.25, 2.0]);
        assert_eq!(same.to_vec1::<f32>()?, [0.975, -2.2]);
        Ok(())
    }

    #[test]
    fn a_variable_elsewhere_is_updated_the_same() -> Result<()> {
        let grad = Tensor::new(&[0.5f32, 4.0], &Device::Cpu)?;
        let var = Var::new(&[1f32, -2.0], &Device::Cpu)?;
        let rule = |weights: &mut [f32], grad: &[f32]| weights[1] += grad[0];
        update_elsewhere("test", &var, &grad, &[2], rule)?;
        assert_eq!(var.to_vec1::<f32>()?, [1.0, -1.5]);
        assert!(update_elsewhere("test", &var, &grad, &[3], rule).is_err());
        Ok(())
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let var = Var::new(&[1f32, 2.], &Device::Cpu)?;
        let grad = Tensor::new(&[1f32, 2.], &Device::Cpu)?;
        let step = AdamStep {
            learning_rate: 0.1,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            decoupled: false,
            step: 1,
            grad_scale: 1.0,
        };
        assert!(adam(&var, &grad, &mut [0.0; 2], &mut [0.0; 2], step).is_ok());
        assert!(adam(&var, &grad, &mut [0.0; 2], &mut [0.0; 3], step).is_err());
        assert!(adam(&var, &grad, &mut [0.0; 2], &mut [0.0; 2], AdamStep { step: 0, ..step }).is_err());
        assert!(adam(&var, &grad.reshape((1, 2))?, &mut [0.0; 2], &mut [0.0; 2], step).is_err());
        assert!(adam(&var, &var, &mut [0.0; 2], &mut [0.0; 2], step).is_err());
        Ok(())
    }

    #[test]
    fn the_norm_sees_views_and_large_numbers() -> Result<()> {
        let x = Tensor::new(&[[3f32, 4.], [3e20, 1.]], &Device::Cpu)?;
        assert_eq!(sum_squares(&x.narrow(0, 0, 1)?)?, 25.0);
        assert_eq!(sum_squares(&x.t()?.narrow(1, 0, 1)?)?, 25.0);
        assert!(sum_squares(&x)?.is_finite());
        Ok(())
    }
}
