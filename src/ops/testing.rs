//! What the ops' tests share.

use crate::kernels::testing::Random;
use candle_core::{Device, Result, Shape, Tensor, Var};

/// A variable with seeded numbers in [-1, 1).
pub fn random(shape: impl Into<Shape>, seed: u64) -> Result<Var> {
    let shape = shape.into();
    let numbers = Random::new(seed).numbers(shape.elem_count());
    Var::from_tensor(&Tensor::from_vec(numbers, shape, &Device::Cpu)?)
}

/// The gradients of a randomly weighted sum of `f`'s output agree with central differences of it, in every direction.
pub fn assert_gradients(vars: &[Var], f: impl Fn(&[Var]) -> Result<Tensor>) -> Result<()> {
    const STEP: f32 = 1e-2;
    let weights = random(f(vars)?.shape(), 99)?.as_tensor().detach();
    let value = || (f(vars)? * &weights)?.sum_all();
    let grads = value()?.backward()?;
    for (index, var) in vars.iter().enumerate() {
        let grad = grads.get(var).expect("every variable has a gradient").flatten_all()?.to_vec1::<f32>()?;
        let numbers = var.flatten_all()?.to_vec1::<f32>()?;
        for at in 0..numbers.len() {
            let value_at = |number: f32| {
                let mut moved = numbers.clone();
                moved[at] = number;
                var.set(&Tensor::from_vec(moved, var.shape(), &Device::Cpu)?)?;
                value()?.to_scalar::<f32>()
            };
            let slope = (value_at(numbers[at] + STEP)? - value_at(numbers[at] - STEP)?) / (2.0 * STEP);
            value_at(numbers[at])?;
            assert!((slope - grad[at]).abs() < 2e-3, "variable {index} at {at}: {} for {slope}", grad[at]);
        }
    }
    Ok(())
}
