//! Layers, losses and optimizer steps as candle operations with gradients of their own, over `kernels`.
//!
//! Images are NHWC, convolution weights (height, width, in, out), linear weights (in, out), all `f32`. A wrong shape or
//! type, or tensors on several devices, are an error, never a panic. A gradient that nothing asks for is not computed.
//! Tensors that are not on the CPU use `fallback`: the same formulae in candle's own operations.

mod activation;
mod add;
mod attention;
mod chain;
mod conv;
mod conv_transpose;
mod depthwise;
mod dropout;
mod embedding;
mod fallback;
mod interrupt;
mod linear;
mod loss;
mod norm;
mod operation;
mod optimizer;
mod pool;
mod sequence;
mod subsample;
mod unit_rows;
mod weighted;

pub use crate::kernels::activation::Activation;
pub use crate::kernels::loss::IGNORED as IGNORED_LABEL;
pub use crate::kernels::padding::Padding;
pub use activation::activate;
pub use add::add;
pub use attention::{attention_probabilities, self_attention};
pub use chain::{Sink, chain, reshape};
pub use conv::{ConvShape, conv2d, conv2d_max_pool2d};
pub use conv_transpose::{ConvTransposeShape, conv_transpose2d};
pub use depthwise::depthwise_conv2d;
pub use dropout::{DropoutUnit, dropout};
pub use embedding::embedding;
pub use interrupt::{Interrupt, on_pool};
pub use linear::linear;
pub use loss::{
    binary_cross_entropy, cross_entropy, mean_squared_error, nt_xent, softmax, weighted_cross_entropy,
};
pub use norm::{BatchStatistics, batch_norm, batch_norm_running, group_norm, layer_norm};
pub use optimizer::{AdamStep, SgdStep, adam, sgd, sum_squares};
pub use pool::{PoolShape, avg_pool2d, global_avg_pool2d, max_pool2d, upsample_nearest2d};
pub use sequence::{add_positions, prepend_token, take_token};
pub use subsample::subsample_and_pad;
pub use unit_rows::unit_rows;

use candle_core::{CpuStorage, DType, Device, Layout, Result, Storage, Tensor, bail};
use chain::{apply1, apply2, apply3};
use std::ops::Deref;
use weighted::{WeightedKernel, apply_weighted, check_bias};

/// Whether the kernels can work on the tensors: an error unless all are `f32` and on one device.
fn is_on_cpu<'a>(name: &str, tensors: impl IntoIterator<Item = &'a Tensor>) -> Result<bool> {
    let mut tensors = tensors.into_iter().peekable();
    let device = tensors.peek().map_or(&Device::Cpu, |first| first.device());
    for tensor in tensors {
        if tensor.dtype() != DType::F32 || !tensor.device().same_device(device) {
            let (wanted, found) = (device.location(), tensor.device().location());
            bail!("{name} wants f32 on {wanted:?}, got {:?} on {found:?}", tensor.dtype())
        }
    }
    Ok(device.is_cpu())
}

/// The numbers that a storage holds for a contiguous layout.
fn numbers<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(numbers), Some((start, end))) => Ok(&numbers[start..end]),
        _ => bail!("expected contiguous f32 numbers, got {layout:?}"),
    }
}

/// Access to a contiguous `f32` tensor on the CPU as a slice. `S` is candle's lock guard.
struct Reader<'a, S> {
    storage: S,
    layout: &'a Layout,
}

fn read(tensor: &Tensor) -> Reader<'_, impl Deref<Target = Storage>> {
    let (storage, layout) = tensor.storage_and_layout();
    Reader { storage, layout }
}

impl<S: Deref<Target = Storage>> Reader<'_, S> {
    fn numbers(&self) -> Result<&[f32]> {
        match &*self.storage {
            Storage::Cpu(storage) => numbers(storage, self.layout),
            _ => bail!("expected a tensor on the CPU"),
        }
    }
}

#[cfg(test)]
mod pytorch;
#[cfg(test)]
pub(crate) mod testing;
