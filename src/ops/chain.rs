//! A whole network as one operation of candle's graph: its layers run in order, and of the gradients only those of the
//! weights, and of x where it asks, leave the chain.
//!
//! candle clears and adds up a gradient for every tensor between two operations, which costs as much memory traffic as
//! the layers themselves. Inside a chain a gradient is handed on as it is.

use super::operation::{Custom, Operation, gradients};
use super::{Activation, add, interrupt::pause, numbers};
use candle_core::{
    CpuStorage, CustomOp2, Device, Layout, Result, Shape, Storage, Tensor, TensorId, Var,
    backprop::GradStore, bail,
};
use std::array;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Runs `layers` on x: operations of this module alone, one on the result of another in any order. candle sees a single
/// operation; gradients of the weights arrive at `sink` when it goes backward. Where x is not on the CPU, candle sees
/// them all.
///
/// # Errors
/// The operations' own, and on the way back where one of them is not of this module.
pub fn chain(x: &Tensor, sink: &Sink, layers: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    if !x.device().is_cpu() {
        return layers(x);
    }
    let x = x.contiguous()?;
    let (result, links) = record(|| layers(&x))?;
    if !result.track_op() || result.id() == x.id() {
        return Ok(result);
    }
    let token = Var::zeros((), result.dtype(), &Device::Cpu)?;
    x.apply_op2(&token, Chain { result, links: Mutex::new(links), sink: sink.clone() })
}

/// The same numbers in another shape.
///
/// # Errors
/// Where their number differs.
pub fn reshape(x: &Tensor, shape: impl Into<Shape>) -> Result<Tensor> {
    let x = x.contiguous()?;
    let y = x.reshape(shape.into())?;
    note_link(&y, || Link {
        y: y.clone(),
        inputs: vec![x],
        backward: Box::new(|inputs, _, gradient| Ok(vec![Some(gradient.reshape(inputs[0].shape())?)])),
    });
    Ok(y)
}

/// Applies an operation whose output has this shape, and records it in this thread's chain, if any.
pub(super) fn apply1(x: &Tensor, shape: impl Into<Shape>, operation: impl Operation<1>) -> Result<Tensor> {
    pause()?;
    let (x, operation) = (x.contiguous()?, Arc::new(operation));
    let y = x.apply_op1(Custom { operation: operation.clone(), shape: shape.into() })?;
    note([x], &y, operation);
    Ok(y)
}

/// As [`apply1`], for two tensors.
pub(super) fn apply2(
    [a, b]: [&Tensor; 2],
    shape: impl Into<Shape>,
    operation: impl Operation<2>,
) -> Result<Tensor> {
    pause()?;
    let (a, b, operation) = (a.contiguous()?, b.contiguous()?, Arc::new(operation));
    let y = a.apply_op2(&b, Custom { operation: operation.clone(), shape: shape.into() })?;
    note([a, b], &y, operation);
    Ok(y)
}

/// As [`apply1`], for three tensors.
pub(super) fn apply3(
    [a, b, c]: [&Tensor; 3],
    shape: impl Into<Shape>,
    operation: impl Operation<3>,
) -> Result<Tensor> {
    pause()?;
    let (a, b, c, operation) = (a.contiguous()?, b.contiguous()?, c.contiguous()?, Arc::new(operation));
    let y = a.apply_op3(&b, &c, Custom { operation: operation.clone(), shape: shape.into() })?;
    note([a, b, c], &y, operation);
    Ok(y)
}

/// Where chains leave the gradients of their weights.
#[derive(Clone, Default)]
pub struct Sink(Arc<Mutex<Vec<(Tensor, Tensor)>>>);

impl Sink {
    /// The gradients of a loss: candle's own, and those of the weights in chains.
    ///
    /// # Errors
    /// candle's own.
    pub fn backward(&self, loss: &Tensor) -> Result<GradStore> {
        self.take();
        let mut gradients = loss.backward()?;
        for (weight, gradient) in self.take() {
            let sum = match gradients.remove(&weight) {
                Some(other) => (other + gradient)?,
                None => gradient,
            };
            gradients.insert(&weight, sum);
        }
        Ok(gradients)
    }

    fn add(&self, weight: &Tensor, gradient: Tensor) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((weight.clone(), gradient));
    }

    fn take(&self) -> Vec<(Tensor, Tensor)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One recorded operation.
struct Link {
    inputs: Vec<Tensor>,
    y: Tensor,
    backward: Backward,
}

/// The gradients of the inputs that ask for one, from inputs, output and the output's gradient.
type Backward = Box<dyn Fn(&[Tensor], &Tensor, &Tensor) -> Result<Vec<Option<Tensor>>> + Send + Sync>;

thread_local! {
    /// What this thread's chain has done so far, while it runs.
    static LINKS: RefCell<Option<Vec<Link>>> = const { RefCell::new(None) };
}

/// Runs `layers` and records its operations.
fn record<T>(layers: impl FnOnce() -> Result<T>) -> Result<(T, Vec<Link>)> {
    noting(Some(vec![]), || Ok((layers()?, LINKS.take().unwrap_or_default())))
}

/// Does some work that is no part of the chain that runs on this thread, if any does.
pub(super) fn apart<T>(work: impl FnOnce() -> T) -> T {
    noting(None, work)
}

fn noting<T>(links: Option<Vec<Link>>, work: impl FnOnce() -> T) -> T {
    struct Restore(Option<Vec<Link>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            LINKS.set(self.0.take());
        }
    }
    let _restore = Restore(LINKS.replace(links));
    work()
}

fn note<const N: usize>(inputs: [Tensor; N], y: &Tensor, operation: Arc<impl Operation<N>>) {
    note_link(y, || Link {
        y: y.clone(),
        inputs: inputs.into(),
        backward: Box::new(move |inputs, y, gradient| {
            let inputs = array::from_fn(|index| &inputs[index]);
            Ok(gradients(&*operation, inputs, y, gradient)?.into())
        }),
    });
}

fn note_link(y: &Tensor, link: impl FnOnce() -> Link) {
    LINKS.with_borrow_mut(|links| {
        if let Some(links) = links.as_mut().filter(|_| y.track_op()) {
            links.push(link());
        }
    });
}

/// An operation on x and on a token: without it, candle would not come back to a chain whose x asks for no gradient.
struct Chain {
    result: Tensor,
    /// Dropped by the backward pass.
    links: Mutex<Vec<Link>>,
    sink: Sink,
}

impl CustomOp2 for Chain {
    fn name(&self) -> &'static str {
        "chain"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        let (storage, layout) = self.result.storage_and_layout();
        let Storage::Cpu(storage) = &*storage else { bail!("a chain runs on the CPU alone") };
        Ok((CpuStorage::F32(numbers(storage, layout)?.to_vec()), self.result.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        _: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let mut links = std::mem::take(&mut *self.links.lock().unwrap_or_else(PoisonError::into_inner));
        let mut gradients = HashMap::from([(self.result.id(), gradient.clone())]);
        while let Some(link) = links.pop() {
            let Some(gradient) = gradients.remove(&link.y.id()) else { continue };
            pause()?;
            let of_inputs = (link.backward)(&link.inputs, &link.y, &gradient)?;
            for (input, gradient) in link.inputs.iter().zip(of_inputs) {
                match gradient.filter(|_| input.track_op()) {
                    Some(gradient) if input.is_variable() && input.id() != x.id() => {
                        self.sink.add(input, gradient);
                    }
                    Some(gradient) => add_gradient(&mut gradients, input.id(), gradient)?,
                    None => {}
                }
            }
        }
        let of_x = gradients.remove(&x.id());
        if !gradients.is_empty() {
            bail!("a chain holds an operation that is not its own")
        }
        Ok((of_x, None))
    }
}

fn add_gradient(gradients: &mut HashMap<TensorId, Tensor>, id: TensorId, gradient: Tensor) -> Result<()> {
    let sum = match gradients.remove(&id) {
        Some(other) => add(&other, &gradient, Activation::None)?,
        None => gradient,
    };
    gradients.insert(id, sum);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::random;
    use crate::ops::{
        Activation, ConvShape, DropoutUnit, Padding, PoolShape, activate, add, add_positions, batch_norm,
        conv2d, conv2d_max_pool2d, dropout, layer_norm, linear, prepend_token, self_attention,
        subsample_and_pad, take_token,
    };

    const CONV: ConvShape = ConvShape { stride: 1, padding: Padding::all(1) };

    fn vars() -> Result<[Var; 4]> {
        Ok([random((3, 3, 2, 2), 1)?, random(2, 2)?, random((18, 5), 3)?, random(5, 4)?])
    }

    fn network(x: &Tensor, [weight, bias, head, head_bias]: [&Tensor; 4]) -> Result<Tensor> {
        let y = conv2d(x, weight, Some(bias), CONV, Activation::Tanh)?;
        let y = conv2d(&y, weight, None, CONV, Activation::Relu)?;
        // a residual connection: two links contribute to the gradient of x
        let y = add(&y, x, Activation::Relu)?;
        let y =
            conv2d_max_pool2d(&y, weight, Some(bias), CONV, Activation::Relu, PoolShape::side_by_side(2))?;
        let y = dropout(&y, 0.5, DropoutUnit::Elements, 9)?;
        let y = batch_norm(&y, bias, bias, 1e-5, Activation::Silu)?.0;
        let y = reshape(&y, (y.dim(0)?, 18))?;
        linear(&y, head, Some(head_bias), Activation::None)
    }

    fn bits(tensor: &Tensor) -> Result<Vec<f32>> {
        tensor.flatten_all()?.to_vec1()
    }

    #[test]
    fn a_chain_gives_what_its_layers_give() -> Result<()> {
        let vars = vars()?;
        let x = random((2, 6, 7, 2), 5)?;
        let sink = Sink::default();
        let weights = random((2, 5), 6)?.as_tensor().detach();
        let run = |x: &Tensor| network(x, vars.each_ref().map(Var::as_tensor));
        // the same network twice, as for two views of an example; the second input asks for no gradient
        let constant = (x.as_tensor().detach() * 0.5)?;
        let chained = ((chain(&x, &sink, run)? + chain(&constant, &sink, run)?)? * &weights)?;
        let alone = ((run(&x)? + run(&constant)?)? * &weights)?;
        assert_same(&sink, &chained, &alone, vars.iter().chain([&x]))
    }

    /// The same bits forward, and nearly the same gradients.
    fn assert_same<'a>(
        sink: &Sink,
        chained: &Tensor,
        alone: &Tensor,
        vars: impl IntoIterator<Item = &'a Var>,
    ) -> Result<()> {
        assert_eq!(bits(chained)?, bits(alone)?);
        let gradients = sink.backward(&chained.sum_all()?)?;
        let expected = alone.sum_all()?.backward()?;
        for var in vars {
            let (actual, expected) = (bits(gradients.get(var).unwrap())?, bits(expected.get(var).unwrap())?);
            assert!(actual.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-5 * b.abs().max(1.)));
        }
        Ok(())
    }

    /// A block of a transformer over x (2, 4, 12), its first token.
    fn transformer(x: &Tensor, vars: &[Var; 8]) -> Result<Tensor> {
        const NONE: Activation = Activation::None;
        let [token, positions, scale, shift, qkv, merge, widen, narrow] = vars;
        let x = add_positions(&prepend_token(x, token)?, positions)?;
        let y = linear(&layer_norm(&x, scale, shift, 1e-6)?, qkv, None, NONE)?;
        let x = add(&x, &linear(&self_attention(&y, 3, false)?, merge, Some(shift), NONE)?, NONE)?;
        let y = linear(&layer_norm(&x, scale, shift, 1e-6)?, widen, None, Activation::Gelu)?;
        let x = add(&x, &linear(&y, narrow, Some(shift), NONE)?, NONE)?;
        take_token(&layer_norm(&x, scale, shift, 1e-6)?, 0)
    }

    #[test]
    fn so_does_one_of_a_transformer() -> Result<()> {
        let vars = [
            random(12, 1)?,
            random((5, 12), 2)?,
            random(12, 3)?,
            random(12, 4)?,
            random((12, 36), 5)?,
            random((12, 12), 6)?,
            random((12, 20), 7)?,
            random((20, 12), 8)?,
        ];
        let (x, sink) = (random((2, 4, 12), 9)?, Sink::default());
        let run = |x: &Tensor| transformer(x, &vars);
        let weights = random((2, 12), 10)?.as_tensor().detach();
        let (chained, alone) = ((chain(&x, &sink, run)? * &weights)?, (run(&x)? * &weights)?);
        assert_same(&sink, &chained, &alone, vars.iter().chain([&x]))
    }

    #[test]
    fn so_does_one_with_a_shortcut_that_subsamples() -> Result<()> {
        let (x, weight, sink) = (random((2, 6, 5, 2), 1)?, random((3, 3, 2, 4), 2)?, Sink::default());
        let conv = ConvShape { stride: 2, ..CONV };
        let run = |x: &Tensor| {
            let y = conv2d(x, &weight, None, conv, Activation::None)?;
            add(&y, &subsample_and_pad(x, 2, 4)?, Activation::Relu6)
        };
        assert_same(&sink, &chain(&x, &sink, run)?, &run(&x)?, [&x, &weight])
    }

    #[test]
    fn what_asks_for_no_gradient_gets_none() -> Result<()> {
        let vars = vars()?;
        let x = random((2, 6, 7, 2), 5)?.as_tensor().detach();
        let sink = Sink::default();
        let frozen = vars.each_ref().map(|var| var.as_tensor().detach());
        let frozen = frozen.each_ref();
        assert!(!chain(&x, &sink, |x| network(x, frozen))?.track_op());
        let head = [frozen[0], frozen[1], vars[2].as_tensor(), vars[3].as_tensor()];
        let gradients = sink.backward(&chain(&x, &sink, |x| network(x, head))?.sum_all()?)?;
        assert!(gradients.get(&x).is_none() && gradients.get(frozen[0]).is_none());
        assert!(gradients.get(&vars[2]).is_some() && gradients.get(&vars[3]).is_some());
        Ok(())
    }

    #[test]
    fn a_stranger_in_a_chain_is_told_of() -> Result<()> {
        let x = random((2, 3), 1)?;
        let sink = Sink::default();
        let y = chain(&x, &sink, |x| activate(&(activate(x, Activation::Tanh)? * 2.0)?, Activation::Relu))?;
        let error = sink.backward(&y.sum_all()?).unwrap_err().to_string();
        assert!(error.contains("not its own"), "{error}");
        Ok(())
    }
}
