//! The same operations made of candle's own, for tensors that are not on the CPU. candle differentiates them.
//!
//! Arguments have been checked. Written around what candle does differently from PyTorch: its max pooling's gradient
//! is wrong, its ReLU has slope 1 at 0, its convolution's gradient fails where the window leaves pixels over in one
//! direction only.

use super::conv::ConvShape;
use super::conv_transpose::ConvTransposeShape;
use crate::kernels::activation::{Activation, LEAKY_SLOPE};
use crate::kernels::attention::Attention;
use crate::kernels::loss::IGNORED;
use crate::kernels::norm::Norm;
use crate::kernels::padding::Padding;
use crate::kernels::pair_loss::PairLoss;
use crate::kernels::pool::MaxPool;
use crate::kernels::subsample::Subsample;
use candle_core::{D, DType, Result, Tensor};

pub fn activate(x: &Tensor, activation: Activation) -> Result<Tensor> {
    match activation {
        Activation::None => Ok(x.clone()),
        Activation::Relu => x.le(0.0)?.where_cond(&x.zeros_like()?, x),
        Activation::Relu6 => {
            let below = x.ge(6.0)?.where_cond(&(x.zeros_like()? + 6.0)?, x)?;
            x.le(0.0)?.where_cond(&x.zeros_like()?, &below)
        }
        Activation::LeakyRelu => x.le(0.0)?.where_cond(&(x * LEAKY_SLOPE as f64)?, x),
        Activation::Gelu => x.gelu_erf(),
        Activation::Silu => x.silu(),
        Activation::Sigmoid => candle_nn::ops::sigmoid(x),
        Activation::Tanh => x.tanh(),
    }
}

pub fn add(a: &Tensor, b: &Tensor, activation: Activation) -> Result<Tensor> {
    activate(&(a + b)?, activation)
}

/// What a layer does after its products.
fn add_bias(y: Tensor, bias: Option<&Tensor>, activation: Activation) -> Result<Tensor> {
    let y = match bias {
        Some(bias) => y.broadcast_add(bias)?,
        None => y,
    };
    activate(&y, activation)
}

pub fn embedding(ids: Vec<u32>, table: &Tensor, shape: Vec<usize>) -> Result<Tensor> {
    let ids = Tensor::from_iter(ids, table.device())?;
    table.index_select(&ids, 0)?.reshape(shape)
}

pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, activation: Activation) -> Result<Tensor> {
    let (inputs, outputs) = weight.dims2()?;
    let mut shape = x.dims().to_vec();
    shape[x.rank() - 1] = outputs;
    add_bias(x.reshape(((), inputs))?.matmul(weight)?.reshape(shape)?, bias, activation)
}

pub fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    ConvShape { stride, padding }: ConvShape,
    activation: Activation,
) -> Result<Tensor> {
    let mut x = to_channels_first(x)?;
    let Padding { top, left, bottom, right } = padding;
    for (dim, kernel, before, after) in [(2, weight.dim(0)?, top, bottom), (3, weight.dim(1)?, left, right)] {
        x = x.pad_with_zeros(dim, before, after)?;
        let used = (x.dim(dim)? - kernel) / stride * stride + kernel;
        x = x.narrow(dim, 0, used)?;
    }
    let weight = weight.permute((3, 2, 0, 1))?.contiguous()?;
    let y = x.contiguous()?.conv2d(&weight, 0, stride, 1, 1)?;
    add_bias(to_channels_last(&y)?, bias, activation)
}

pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    ConvTransposeShape { stride, padding, output_padding }: ConvTransposeShape,
    activation: Activation,
) -> Result<Tensor> {
    let weight = weight.permute((3, 2, 0, 1))?.contiguous()?;
    let mut y = to_channels_first(x)?.conv_transpose2d(&weight, 0, 0, stride, 1)?;
    for dim in [2, 3] {
        let len = y.dim(dim)? + output_padding - 2 * padding;
        y = y.pad_with_zeros(dim, 0, output_padding)?.narrow(dim, padding, len)?;
    }
    add_bias(to_channels_last(&y)?, bias, activation)
}

pub fn depthwise_conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    ConvShape { stride, padding }: ConvShape,
    activation: Activation,
) -> Result<Tensor> {
    let (kernel_height, kernel_width, _) = weight.dims3()?;
    let (batch, height, width, channels) = x.dims4()?;
    let rows = (padding.rows(height) - kernel_height) / stride + 1;
    let columns = (padding.columns(width) - kernel_width) / stride + 1;
    // more than the padding at the end, so that the last steps are whole
    let Padding { top, left, bottom, right } = padding;
    let x = x.pad_with_zeros(1, top, bottom + stride)?.pad_with_zeros(2, left, right + stride)?;
    let mut y = Tensor::zeros((batch, rows, columns, channels), DType::F32, x.device())?;
    for row in 0..kernel_height {
        let x = every(&x.narrow(1, row, rows * stride)?, 1, stride)?;
        for column in 0..kernel_width {
            let x = every(&x.narrow(2, column, columns * stride)?, 2, stride)?;
            y = (y + x.broadcast_mul(&weight.get(row)?.get(column)?)?)?;
        }
    }
    add_bias(y, bias, activation)
}

/// The first of each `step` along a dimension.
fn every(x: &Tensor, dim: usize, step: usize) -> Result<Tensor> {
    let mut split = x.dims().to_vec();
    split[dim] /= step;
    split.insert(dim + 1, step);
    x.reshape(split)?.narrow(dim + 1, 0, 1)?.squeeze(dim + 1)
}

pub fn max_pool2d(x: &Tensor, pool: &MaxPool) -> Result<Tensor> {
    let MaxPool { size, stride, padding, .. } = *pool;
    let (rows, columns) = (pool.out_height(), pool.out_width());
    let x = pad_below(&pad_below(x, 1, padding, stride)?, 2, padding, stride)?;
    let mut places = vec![];
    for row in 0..size {
        let x = every(&x.narrow(1, row, rows * stride)?, 1, stride)?;
        for column in 0..size {
            places.push(every(&x.narrow(2, column, columns * stride)?, 2, stride)?);
        }
    }
    let places = Tensor::stack(&places, D::Minus1)?.contiguous()?;
    places.gather(&places.argmax_keepdim(D::Minus1)?, D::Minus1)?.squeeze(D::Minus1)
}

/// Numbers below all others on both sides of a dimension, and more at the end, so that the last steps are whole.
fn pad_below(x: &Tensor, dim: usize, padding: usize, stride: usize) -> Result<Tensor> {
    let lowest = |len: usize| {
        let mut dims = x.dims().to_vec();
        dims[dim] = len;
        Tensor::full(f32::NEG_INFINITY, dims, x.device())
    };
    Tensor::cat(&[&lowest(padding)?, x, &lowest(padding + stride)?], dim)
}

pub fn average(x: &Tensor, window: [usize; 2]) -> Result<Tensor> {
    windows(x, window)?.mean((2, 4))
}

/// (batch, rows, window height, columns, window width, channels)
fn windows(x: &Tensor, [height, width]: [usize; 2]) -> Result<Tensor> {
    let (batch, rows, columns, channels) = x.dims4()?;
    let (rows, columns) = (rows / height, columns / width);
    x.narrow(1, 0, rows * height)?
        .narrow(2, 0, columns * width)?
        .reshape(&[batch, rows, height, columns, width, channels])
}

pub fn upsample_nearest2d(x: &Tensor, factor: usize) -> Result<Tensor> {
    let (batch, height, width, channels) = x.dims4()?;
    x.reshape(&[batch, height, 1, width, 1, channels])?
        .broadcast_as(&[batch, height, factor, width, factor, channels])?
        .reshape((batch, height * factor, width * factor, channels))
}

/// Also the mean and the variance that were used, constants of (samples · groups).
pub fn normalize(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    norm: &Norm,
    fixed: Option<[&Tensor; 2]>,
    activation: Activation,
) -> Result<(Tensor, [Tensor; 2])> {
    let Norm { samples, places, channels, groups, epsilon } = *norm;
    let grouped = x.reshape((samples, places, groups, channels / groups))?;
    let of_groups = |statistic: &Tensor| statistic.detach().reshape((samples, 1, groups, 1));
    let mean = match fixed {
        Some([mean, _]) => of_groups(mean)?,
        None => grouped.mean_keepdim((1, 3))?,
    };
    let centered = grouped.broadcast_sub(&mean)?;
    let variance = match fixed {
        Some([_, variance]) => of_groups(variance)?,
        None => centered.sqr()?.mean_keepdim((1, 3))?,
    };
    let standard = centered.broadcast_div(&(&variance + epsilon)?.sqrt()?)?.reshape(x.shape())?;
    let y = activate(&standard.broadcast_mul(weight)?.broadcast_add(bias)?, activation)?;
    Ok((y, [mean.detach().flatten_all()?, variance.detach().flatten_all()?]))
}

pub fn cross_entropy(
    logits: &Tensor,
    labels: Vec<u32>,
    label_smoothing: f64,
    class_weights: Option<&[f32]>,
) -> Result<Tensor> {
    let logits = logits.reshape(((), logits.dim(D::Minus1)?))?;
    let rows = (0..).zip(&labels).filter(|(_, label)| **label != IGNORED).map(|(row, _)| row);
    let counted = Tensor::from_iter(rows.collect::<Vec<u32>>(), logits.device())?;
    if counted.elem_count() == 0 {
        return (logits * 0.0)?.sum_all();
    }
    let labels: Vec<u32> = labels.into_iter().filter(|label| *label != IGNORED).collect();
    let logits = logits.index_select(&counted, 0)?;
    let mut log_probabilities = log_softmax(&logits)?;
    if let Some(weights) = class_weights {
        // divided by the mean weight of the labels, so that a mean over the batch is one over the weights
        let of_labels = labels.iter().map(|label| f64::from(weights[*label as usize])).sum::<f64>();
        let weights = Tensor::new(weights, logits.device())?;
        log_probabilities = (log_probabilities.broadcast_mul(&weights)? * (labels.len() as f64 / of_labels))?;
    }
    let labels = Tensor::from_vec(labels, (logits.dim(0)?, 1), logits.device())?;
    let of_label = log_probabilities.gather(&labels, 1)?.mean_all()?;
    if label_smoothing == 0.0 {
        return of_label.neg();
    }
    (of_label * (label_smoothing - 1.0))? - (log_probabilities.mean_all()? * label_smoothing)?
}

pub fn pair_loss(loss: PairLoss, x: &Tensor, targets: &Tensor) -> Result<Tensor> {
    match loss {
        PairLoss::BinaryCrossEntropy => {
            // ln(1 + eˣ) with the larger of 0 and x taken out as a constant
            let largest = x.relu()?.detach();
            let softplus = (((x - &largest)?.exp()? + largest.neg()?.exp()?)?.log()? + largest)?;
            (softplus - (x * targets)?)?.mean_all()
        }
        PairLoss::SquaredError => (x - targets)?.sqr()?.mean_all(),
    }
}

pub fn nt_xent(embeddings: &Tensor, temperature: f64) -> Result<Tensor> {
    let (rows, device) = (embeddings.dim(0)?, embeddings.device());
    let lengths = (embeddings.sqr()?.sum_keepdim(1)? + 1e-24)?.sqrt()?;
    let unit = embeddings.broadcast_div(&lengths)?;
    let itself = (Tensor::eye(rows, DType::F32, device)? * -1e30)?;
    let logits = ((unit.matmul(&unit.t()?)? / temperature)? + itself)?;
    let partners: Vec<u32> = (0..rows).map(|row| ((row + rows / 2) % rows) as u32).collect();
    cross_entropy(&logits, partners, 0.0, None)
}

pub fn self_attention(qkv: &Tensor, attention: &Attention) -> Result<Tensor> {
    let [_, _, v] = heads(qkv, attention)?;
    let y = attention_probabilities(qkv, attention)?.matmul(&v)?;
    let Attention { batch, tokens, heads, head_dim, .. } = *attention;
    y.transpose(1, 2)?.reshape((batch, tokens, heads * head_dim))
}

pub fn attention_probabilities(qkv: &Tensor, attention: &Attention) -> Result<Tensor> {
    let [q, k, _] = heads(qkv, attention)?;
    let mut scores = (q.matmul(&k.transpose(2, 3)?.contiguous()?)? / (attention.head_dim as f64).sqrt())?;
    if attention.is_causal {
        let seen = Tensor::tril2(attention.tokens, DType::F32, qkv.device())?;
        scores = scores.broadcast_add(&((seen - 1.0)? * 1e30)?)?;
    }
    log_softmax(&scores)?.exp()
}

/// Queries, keys and values, each (batch, heads, tokens, head_dim).
fn heads(qkv: &Tensor, attention: &Attention) -> Result<[Tensor; 3]> {
    let Attention { batch, tokens, heads, head_dim, .. } = *attention;
    let packed = qkv.reshape((batch, tokens, 3, heads, head_dim))?;
    let part = |index| packed.narrow(2, index, 1)?.squeeze(2)?.transpose(1, 2)?.contiguous();
    Ok([part(0)?, part(1)?, part(2)?])
}

pub fn prepend_token(x: &Tensor, token: &Tensor) -> Result<Tensor> {
    let (batch, _, features) = x.dims3()?;
    Tensor::cat(&[&token.broadcast_as((batch, 1, features))?.contiguous()?, x], 1)
}

pub fn subsample_and_pad(x: &Tensor, subsample: &Subsample) -> Result<Tensor> {
    let Subsample { channels, stride, out_channels, .. } = *subsample;
    let mut x = x.clone();
    for dim in [1, 2] {
        let whole = x.dim(dim)?.next_multiple_of(stride);
        x = every(&x.pad_with_zeros(dim, 0, whole - x.dim(dim)?)?, dim, stride)?;
    }
    let before = (out_channels - channels) / 2;
    x.pad_with_zeros(3, before, out_channels - channels - before)
}

fn log_softmax(logits: &Tensor) -> Result<Tensor> {
    let shifted = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?.detach())?;
    shifted.broadcast_sub(&shifted.exp()?.sum_keepdim(D::Minus1)?.log()?)
}

fn to_channels_first(x: &Tensor) -> Result<Tensor> {
    x.permute((0, 3, 1, 2))?.contiguous()
}

fn to_channels_last(x: &Tensor) -> Result<Tensor> {
    x.permute((0, 2, 3, 1))?.contiguous()
}

#[cfg(test)]
mod tests;
