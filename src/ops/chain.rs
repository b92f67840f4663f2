//! A network as one operation of candle's: its layers run one after the other, and only its weights' gradients leave it.
//!
//! candle clears and adds up a gradient for every tensor between two operations, which costs as much memory traffic as
//! the layers themselves. Inside a chain a gradient is handed on as it is.

use super::output;
use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, Device, Layout, Result, Shape, Storage, Tensor, Var,
    backprop::GradStore, bail,
};
use std::sync::{Arc, Mutex, PoisonError};

/// An operation on one tensor, with its weights.
pub enum Op {
    Plain(Arc<Box<dyn CustomOp1 + Send + Sync>>),
    Weighted {
        op: Arc<Box<dyn CustomOp3 + Send + Sync>>,
        weight: Tensor,
        bias: Tensor,
    },
    /// The same numbers in another shape.
    Reshape(Shape),
}

impl Op {
    pub(super) fn plain(op: impl CustomOp1 + Send + Sync + 'static) -> Self {
        Op::Plain(Arc::new(Box::new(op)))
    }

    pub(super) fn weighted(
        op: impl CustomOp3 + Send + Sync + 'static,
        weight: &Tensor,
        bias: &Tensor,
    ) -> Self {
        Op::Weighted { op: Arc::new(Box::new(op)), weight: weight.clone(), bias: bias.clone() }
    }

    /// The result, a node of candle's graph where a gradient is asked for.
    ///
    /// # Errors
    /// The operation's own.
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Op::Plain(op) => x.contiguous()?.apply_op1_arc(op.clone()),
            Op::Weighted { op, weight, bias } => {
                x.contiguous()?.apply_op3_arc(&weight.contiguous()?, &bias.contiguous()?, op.clone())
            }
            Op::Reshape(shape) => x.reshape(shape),
        }
    }

    /// The gradient of x, if one is asked for; those of the weights go to `sink`.
    fn backward(&self, x: &Tensor, y: &Tensor, gradient: &Tensor, sink: &Sink) -> Result<Option<Tensor>> {
        match self {
            Op::Plain(op) if x.track_op() => op.bwd(x, y, gradient),
            Op::Plain(_) => Ok(None),
            Op::Weighted { op, weight, bias } => {
                let (dx, dw, db) = op.bwd(x, weight, bias, y, gradient)?;
                sink.add(weight, dw);
                sink.add(bias, db);
                Ok(dx)
            }
            Op::Reshape(_) => gradient.reshape(x.shape()).map(Some),
        }
    }
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

    fn add(&self, weight: &Tensor, gradient: Option<Tensor>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(gradient.filter(|_| weight.is_variable()).map(|gradient| (weight.clone(), gradient)));
    }

    fn take(&self) -> Vec<(Tensor, Tensor)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Runs layers one after the other on x, in the CPU's memory: `layers` make the operation for what comes out of the one
/// before, `None` where nothing is to be done. Gradients of the weights arrive at `sink` when candle goes backward.
///
/// # Errors
/// The operations' own.
pub fn chain(
    x: &Tensor,
    layers: impl IntoIterator<Item = impl FnOnce(&Tensor) -> Result<Option<Op>>>,
    sink: &Sink,
) -> Result<Tensor> {
    let (mut links, mut last) = (vec![], x.clone());
    for layer in layers {
        let Some(op) = layer(&last)? else { continue };
        let y = op.apply(&last)?;
        if y.track_op() {
            links.push(Link { op, x: last, y: y.clone() });
        }
        last = y;
    }
    if !last.track_op() {
        return Ok(last);
    }
    let token = Var::zeros((), last.dtype(), &Device::Cpu)?;
    let chain = Chain { result: last.detach(), links: Mutex::new(links), sink: sink.clone() };
    x.contiguous()?.apply_op2(&token, chain)
}

struct Link {
    op: Op,
    x: Tensor,
    y: Tensor,
}

/// An operation on x and on a token: without it, candle would not come back to a chain whose x asks for no gradient.
struct Chain {
    result: Tensor,
    /// Let go of on the way back.
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
        output(super::numbers(storage, layout)?.to_vec(), self.result.shape())
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let mut links = std::mem::take(&mut *self.links.lock().unwrap_or_else(PoisonError::into_inner));
        let mut gradient = gradient.clone();
        while let Some(Link { op, x, y }) = links.pop() {
            match op.backward(&x, &y, &gradient, &self.sink)? {
                Some(of_x) => gradient = of_x,
                None => return Ok((None, None)),
            }
        }
        Ok((Some(gradient), None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::random;
    use crate::ops::{Activation, ConvShape, DropoutUnit, conv2d_op, dropout_op, linear_op, max_pool2d_op};

    type Layer<'a> = Box<dyn FnOnce(&Tensor) -> Result<Option<Op>> + 'a>;

    fn layers(vars: &[Var]) -> Vec<Layer<'_>> {
        let conv = ConvShape { stride: 1, padding: 1 };
        vec![
            Box::new(move |x| conv2d_op(x, &vars[0], &vars[1], conv, Activation::Relu, None).map(Some)),
            Box::new(|x| max_pool2d_op(x, 2).map(Some)),
            Box::new(|x| dropout_op(x, 0.5, DropoutUnit::Elements, 9)),
            Box::new(|x| Ok(Some(Op::Reshape(x.flatten_from(1)?.shape().clone())))),
            Box::new(|x| linear_op(x, &vars[2], &vars[3], Activation::None).map(Some)),
        ]
    }

    fn bits(tensor: &Tensor) -> Result<Vec<f32>> {
        tensor.flatten_all()?.to_vec1()
    }

    #[test]
    fn a_chain_gives_what_its_layers_give() -> Result<()> {
        let vars = [random((3, 3, 2, 4), 1)?, random(4, 2)?, random((36, 5), 3)?, random(5, 4)?];
        let x = random((2, 6, 7, 2), 5)?;
        let sink = Sink::default();
        let weights = random((2, 5), 6)?.as_tensor().detach();
        // twice the same network, as for two views of an image
        let chained = (chain(&x, layers(&vars), &sink)? + chain(&x, layers(&vars), &sink)?)?;
        let alone = layers(&vars).into_iter().try_fold(x.as_tensor().clone(), |x, layer| {
            layer(&x)?.map_or(Ok(x.clone()), |op| op.apply(&x))
        })?;
        let (chained, alone) = ((chained * &weights)?, ((alone * 2.)? * &weights)?);
        assert_eq!(bits(&chained)?, bits(&alone)?);
        let gradients = sink.backward(&chained.sum_all()?)?;
        let expected = alone.sum_all()?.backward()?;
        for var in vars.iter().chain([&x]) {
            let (actual, expected) = (bits(gradients.get(var).unwrap())?, bits(expected.get(var).unwrap())?);
            assert!(actual.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-5 * b.abs().max(1.)));
        }
        Ok(())
    }

    #[test]
    fn what_asks_for_no_gradient_gets_none() -> Result<()> {
        let vars = [random((3, 3, 2, 4), 1)?, random(4, 2)?, random((36, 5), 3)?, random(5, 4)?];
        let x = random((2, 6, 7, 2), 5)?.as_tensor().detach();
        let sink = Sink::default();
        let gradients = sink.backward(&chain(&x, layers(&vars), &sink)?.sum_all()?)?;
        assert!(gradients.get(&x).is_none() && gradients.get(&vars[0]).is_some());
        let conv = ConvShape { stride: 1, padding: 1 };
        let frozen = [vars[0].as_tensor().detach(), vars[1].as_tensor().detach()];
        let layer = |x: &Tensor| conv2d_op(x, &frozen[0], &frozen[1], conv, Activation::Relu, None).map(Some);
        assert!(!chain(&x, [layer], &sink)?.track_op());
        Ok(())
    }
}
