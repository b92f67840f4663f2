//! An operation of this module: its kernels on plain slices, and nothing else. candle's custom operations and the links
//! of chains are derived from it.

use super::{numbers, read};
use candle_core::{CpuStorage, CustomOp1, CustomOp2, CustomOp3, Device, Layout, Result, Shape, Tensor, bail};
use std::{array, sync::Arc};

/// A differentiable function of `N` contiguous `f32` tensors on the CPU. Shapes have been checked where it is made.
pub(super) trait Operation<const N: usize>: Send + Sync + 'static {
    fn name(&self) -> &'static str;

    /// The output.
    fn forward(&self, inputs: [&[f32]; N]) -> Vec<f32>;

    /// The gradients of the inputs, at least of those that ask for one.
    fn backward(&self, pass: BackwardPass<'_, N>) -> [Option<Vec<f32>>; N];
}

/// What an operation may need on the way back.
#[derive(Clone, Copy)]
pub(super) struct BackwardPass<'a, const N: usize> {
    pub inputs: [&'a [f32]; N],
    pub output: &'a [f32],
    /// Of the output.
    pub gradient: &'a [f32],
    /// Which of the inputs ask for a gradient.
    pub wanted: [bool; N],
}

/// The gradients of those inputs that ask for one, shaped as they are.
pub(super) fn gradients<const N: usize>(
    operation: &impl Operation<N>,
    inputs: [&Tensor; N],
    output: &Tensor,
    gradient: &Tensor,
) -> Result<[Option<Tensor>; N]> {
    let gradient = gradient.contiguous()?;
    let readers = (inputs.map(read), read(output), read(&gradient));
    let mut slices = [&[][..]; N];
    for (slice, reader) in slices.iter_mut().zip(&readers.0) {
        *slice = reader.numbers()?;
    }
    let pass = BackwardPass {
        inputs: slices,
        output: readers.1.numbers()?,
        gradient: readers.2.numbers()?,
        wanted: inputs.map(Tensor::track_op),
    };
    let mut gradients = array::from_fn(|_| None);
    for ((gradient, numbers), input) in gradients.iter_mut().zip(operation.backward(pass)).zip(inputs) {
        if let Some(numbers) = numbers.filter(|_| input.track_op()) {
            *gradient = Some(Tensor::from_vec(numbers, input.shape(), &Device::Cpu)?);
        }
    }
    Ok(gradients)
}

/// An operation as candle sees it.
pub(super) struct Custom<O> {
    pub operation: Arc<O>,
    /// Of the output.
    pub shape: Shape,
}

impl<O> Custom<O> {
    fn output(&self, numbers: Vec<f32>) -> Result<(CpuStorage, Shape)> {
        if numbers.len() != self.shape.elem_count() {
            bail!("{} numbers do not make {:?}", numbers.len(), self.shape)
        }
        Ok((CpuStorage::F32(numbers), self.shape.clone()))
    }
}

impl<O: Operation<1>> CustomOp1 for Custom<O> {
    fn name(&self) -> &'static str {
        self.operation.name()
    }

    fn cpu_fwd(&self, a: &CpuStorage, a_layout: &Layout) -> Result<(CpuStorage, Shape)> {
        self.output(self.operation.forward([numbers(a, a_layout)?]))
    }

    fn bwd(&self, a: &Tensor, output: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let [of_a] = gradients(&*self.operation, [a], output, gradient)?;
        Ok(of_a)
    }
}

impl<O: Operation<2>> CustomOp2 for Custom<O> {
    fn name(&self) -> &'static str {
        self.operation.name()
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        self.output(self.operation.forward([numbers(a, a_layout)?, numbers(b, b_layout)?]))
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        Ok(gradients(&*self.operation, [a, b], output, gradient)?.into())
    }
}

impl<O: Operation<3>> CustomOp3 for Custom<O> {
    fn name(&self) -> &'static str {
        self.operation.name()
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
        c: &CpuStorage,
        c_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let inputs = [numbers(a, a_layout)?, numbers(b, b_layout)?, numbers(c, c_layout)?];
        self.output(self.operation.forward(inputs))
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        Ok(gradients(&*self.operation, [a, b, c], output, gradient)?.into())
    }
}
