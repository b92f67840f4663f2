//! Compares every operation with PyTorch 2.15, forward and backward, by weighted sums of its results for the same
//! numbers. The table is printed by tests/support/ops_by_pytorch.py.

use super::*;
use candle_core::{Device, Var};

/// Σ of the output times a wave, then Σ of each input's gradient times another.
#[rustfmt::skip]
const EXPECTED: &[(&str, &[f64])] = &[
    ("relu", &[-4.13707, -17.1398]),
    ("relu6", &[-31.6125, -138.281]),
    ("leaky relu", &[-5.12207, -21.4422]),
    ("gelu", &[-4.66402, -19.5444]),
    ("silu", &[-4.61849, -19.4717]),
    ("sigmoid", &[-2.63909, -9.24941]),
    ("tanh", &[-7.39328, -32.9014]),
    ("add", &[35.6038, -38.6518, -38.6518]),
    ("add with relu", &[18.1759, -21.9298, -21.9298]),
    ("embedding", &[-2.23965, 0.604433]),
    ("linear", &[1.87621, -2.87761, -1.09157, -2.41997]),
    ("add_positions", &[-2.94908, -7.67005, 2.46344]),
    ("prepend_token", &[5.14824, -1.88532, -2.66845]),
    ("take_token", &[2.81124, -0.215166]),
    ("conv2d", &[-6.05743, 2.10104, 6.42525, -0.0510832]),
    ("depthwise_conv2d", &[2.55218, -1.27489, -1.3013, -1.30193]),
    ("uneven conv2d", &[0.493835, -2.63722, -0.0555619, -0.0510832]),
    ("uneven depthwise_conv2d", &[0.517073, 2.79821, 0.711375, -1.30193]),
    ("conv_transpose2d", &[1.64438, -0.650359, -0.390078, 0.0420833]),
    ("max_pool2d", &[-1.58659, 0.742482]),
    ("overlapping max_pool2d", &[-0.15208, -0.841078]),
    ("avg_pool2d", &[0.266571, 0.0325272]),
    ("global_avg_pool2d", &[0.140964, -0.132046]),
    ("subsample_and_pad", &[4.49868, -16.9969]),
    ("upsample_nearest2d", &[-2.84449, -2.24926]),
    ("batch_norm", &[3.17423, -2.46396, -0.23086, -1.27733]),
    ("batch_norm_running", &[2.34491, 0.910936, -0.159766, -1.27733]),
    ("group_norm", &[3.14198, -2.43856, -0.210451, -1.27733]),
    ("layer_norm", &[-37.4304, 1.01702, 38.7392, -1.27733]),
    ("self_attention", &[-6.15231, 3.8768]),
    ("causal self_attention", &[-6.46987, 1.60959]),
    ("cross_entropy", &[0.575475, -0.231134]),
    ("weighted cross_entropy", &[0.608898, -0.237735]),
    ("cross_entropy of some", &[0.527825, -0.0949849]),
    ("binary_cross_entropy", &[0.306277, -0.0196038]),
    ("mean_squared_error", &[0.183349, 0.0950179, -0.0950179]),
    ("nt_xent", &[1.36492, -0.0921268]),
];

fn wave(shape: &[usize], phase: f64) -> Result<Tensor> {
    let count = shape.iter().product();
    let numbers: Vec<f32> =
        (0..count).map(|index: usize| (phase + 0.7 * index as f64).sin() as f32).collect();
    Tensor::from_vec(numbers, shape, &Device::Cpu)
}

fn check(name: &str, shapes: &[&[usize]], f: impl Fn(&[Var]) -> Result<Tensor>) -> Result<()> {
    let inputs =
        shapes.iter().enumerate().map(|(index, shape)| Var::from_tensor(&wave(shape, 1.0 + index as f64)?));
    let inputs = inputs.collect::<Result<Vec<Var>>>()?;
    let weighted = |tensor: &Tensor, phase| (tensor * wave(tensor.dims(), phase)?)?.sum_all();
    let value = weighted(&f(&inputs)?, 9.0)?;
    let grads = value.backward()?;
    let mut sums = vec![value];
    for input in &inputs {
        sums.push(weighted(grads.get(input).unwrap(), 5.0)?);
    }
    let (_, expected) = EXPECTED.iter().find(|(known, _)| *known == name).unwrap();
    assert_eq!(sums.len(), expected.len());
    for (sum, expected) in sums.iter().zip(*expected) {
        let sum = sum.to_scalar::<f32>()? as f64;
        assert!((sum - expected).abs() < 1e-4 * (1.0 + expected.abs()), "{name}: {sum} for {expected}");
    }
    Ok(())
}

const IMAGE: &[usize] = &[2, 5, 3, 4];
const CHANNELS: &[usize] = &[4];
const SEQUENCE: &[usize] = &[2, 3, 4];
const NONE: Activation = Activation::None;

#[test]
fn activations() -> Result<()> {
    for (name, activation) in [
        ("relu", Activation::Relu),
        ("leaky relu", Activation::LeakyRelu),
        ("gelu", Activation::Gelu),
        ("silu", Activation::Silu),
        ("sigmoid", Activation::Sigmoid),
        ("tanh", Activation::Tanh),
    ] {
        check(name, &[IMAGE], |x| activate(&x[0], activation))?;
    }
    check("relu6", &[IMAGE], |x| activate(&(x[0].as_tensor() * 9.0)?, Activation::Relu6))
}

#[test]
fn sums() -> Result<()> {
    check("add", &[IMAGE; 2], |x| add(&x[0], &x[1], NONE))?;
    check("add with relu", &[IMAGE; 2], |x| add(&x[0], &x[1], Activation::Relu))
}

#[test]
fn sequences() -> Result<()> {
    let tokens = Tensor::new(&[[2u32, 0, 2], [4, 2, 0]], &Device::Cpu)?;
    check("embedding", &[&[5, 4]], |x| embedding(&tokens, &x[0]))?;
    check("linear", &[&[2, 3, 4], &[4, 5], &[5]], |x| linear(&x[0], &x[1], Some(&x[2]), NONE))?;
    check("add_positions", &[SEQUENCE, &[3, 4]], |x| add_positions(&x[0], &x[1]))?;
    check("prepend_token", &[SEQUENCE, &[4]], |x| prepend_token(&x[0], &x[1]))?;
    check("take_token", &[SEQUENCE], |x| take_token(&x[0], 1))
}

#[test]
fn convolutions() -> Result<()> {
    let conv = ConvShape { stride: 2, padding: Padding::all(1) };
    check("conv2d", &[IMAGE, &[3, 2, 4, 3], &[3]], |x| conv2d(&x[0], &x[1], Some(&x[2]), conv, NONE))?;
    check("depthwise_conv2d", &[IMAGE, &[3, 2, 4], CHANNELS], |x| {
        depthwise_conv2d(&x[0], &x[1], Some(&x[2]), conv, NONE)
    })?;
    let uneven = ConvShape { stride: 2, padding: Padding { top: 0, left: 1, bottom: 1, right: 2 } };
    check("uneven conv2d", &[IMAGE, &[3, 2, 4, 3], &[3]], |x| {
        conv2d(&x[0], &x[1], Some(&x[2]), uneven, NONE)
    })?;
    check("uneven depthwise_conv2d", &[IMAGE, &[3, 2, 4], CHANNELS], |x| {
        depthwise_conv2d(&x[0], &x[1], Some(&x[2]), uneven, NONE)
    })?;
    let conv = ConvTransposeShape { stride: 2, padding: 1, output_padding: 1 };
    check("conv_transpose2d", &[IMAGE, &[3, 2, 3, 4], &[3]], |x| {
        conv_transpose2d(&x[0], &x[1], Some(&x[2]), conv, NONE)
    })
}

#[test]
fn pooling() -> Result<()> {
    check("max_pool2d", &[IMAGE], |x| max_pool2d(&x[0], PoolShape::side_by_side(2)))?;
    let overlapping = PoolShape { size: 3, stride: 2, padding: 1 };
    check("overlapping max_pool2d", &[IMAGE], |x| max_pool2d(&x[0], overlapping))?;
    check("avg_pool2d", &[IMAGE], |x| avg_pool2d(&x[0], 2))?;
    check("global_avg_pool2d", &[IMAGE], |x| global_avg_pool2d(&x[0]))?;
    check("subsample_and_pad", &[IMAGE], |x| subsample_and_pad(&x[0], 2, 7))?;
    check("upsample_nearest2d", &[IMAGE], |x| upsample_nearest2d(&x[0], 2))
}

#[test]
fn normalisations() -> Result<()> {
    let inputs = [IMAGE, CHANNELS, CHANNELS];
    let (mean, variance) = (wave(CHANNELS, 7.0)?, (wave(CHANNELS, 8.0)? + 2.0)?);
    check("batch_norm", &inputs, |x| Ok(batch_norm(&x[0], &x[1], &x[2], 1e-5, NONE)?.0))?;
    check("batch_norm_running", &inputs, |x| {
        batch_norm_running(&x[0], &x[1], &x[2], [&mean, &variance], 1e-5, NONE)
    })?;
    check("group_norm", &inputs, |x| group_norm(&x[0], &x[1], &x[2], 2, 1e-5, NONE))?;
    check("layer_norm", &inputs, |x| layer_norm(&x[0], &x[1], &x[2], 1e-5))
}

#[test]
fn attentions() -> Result<()> {
    check("self_attention", &[&[2, 5, 24]], |x| self_attention(&x[0], 2, false))?;
    check("causal self_attention", &[&[2, 5, 24]], |x| self_attention(&x[0], 2, true))
}

#[test]
fn losses() -> Result<()> {
    let labels = Tensor::new(&[2u32, 0, 3], &Device::Cpu)?;
    let targets = wave(&[3, 4], 2.0)?.abs()?;
    check("cross_entropy", &[&[3, 4]], |x| cross_entropy(&x[0], &labels, 0.1))?;
    let weights = [0.5, 3.0, 1.0, 2.0];
    check("weighted cross_entropy", &[&[3, 4]], |x| {
        weighted_cross_entropy(&x[0], &labels, 0.1, Some(&weights))
    })?;
    let some = Tensor::new(&[[2u32, IGNORED_LABEL], [IGNORED_LABEL, 1], [3, 0]], &Device::Cpu)?;
    check("cross_entropy of some", &[&[3, 2, 4]], |x| {
        weighted_cross_entropy(&x[0], &some, 0.1, Some(&weights))
    })?;
    check("binary_cross_entropy", &[&[3, 4]], |x| binary_cross_entropy(&x[0], &targets))?;
    check("mean_squared_error", &[&[3, 4], &[3, 4]], |x| mean_squared_error(&x[0], &x[1]))?;
    check("nt_xent", &[&[6, 4]], |x| nt_xent(&x[0], 0.5))
}
