//! candle's operations also run on the CPU, where each is compared with the kernels, forward and backward.

use super::*;
use crate::kernels::testing::{Random, assert_close};
use crate::ops::{self, Padding, PoolShape, pool::max_pool, testing::random};
use candle_core::{Device, Var};

/// Both give the same output, and the same gradients of its randomly weighted sum.
fn assert_same(
    what: &str,
    vars: &[Var],
    kernel: impl Fn(&[Var]) -> Result<Tensor>,
    fallback: impl Fn(&[Var]) -> Result<Tensor>,
) -> Result<()> {
    let numbers = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
    let (expected, actual) = (kernel(vars)?, fallback(vars)?);
    assert_eq!(actual.dims(), expected.dims(), "{what}");
    assert_close(&numbers(&actual)?, &numbers(&expected)?, what);
    let weights = random(expected.shape(), 99)?.as_tensor().detach();
    let grads = (actual * &weights)?.sum_all()?.backward()?;
    let expected = (expected * &weights)?.sum_all()?.backward()?;
    for (index, var) in vars.iter().enumerate() {
        let grad = |grads: &candle_core::backprop::GradStore| {
            numbers(grads.get(var).unwrap_or_else(|| panic!("{what} has no gradient {index}")))
        };
        assert_close(&grad(&grads)?, &grad(&expected)?, &format!("gradient {index} of {what}"));
    }
    Ok(())
}

const BOTH: [Activation; 2] = [Activation::Relu, Activation::Gelu];

#[test]
fn activations_are_the_same_even_at_zero() -> Result<()> {
    for activation in Activation::ALL {
        let x = (random((7, 9), 1)?.as_tensor() * 8.0)?.round()?;
        let vars = [Var::from_tensor(&x)?, random((3, 5, 2), 2)?];
        for var in vars {
            assert_same(
                &format!("{activation:?}"),
                &[var],
                |vars| ops::activate(&vars[0], activation),
                |vars| activate(&vars[0], activation),
            )?;
        }
    }
    Ok(())
}

#[test]
fn add_is_the_same() -> Result<()> {
    for activation in BOTH {
        let vars = [random((5, 3, 2), 1)?, random((5, 3, 2), 2)?];
        assert_same(
            &format!("add {activation:?}"),
            &vars,
            |vars| ops::add(&vars[0], &vars[1], activation),
            |vars| add(&vars[0], &vars[1], activation),
        )?;
    }
    Ok(())
}

#[test]
fn embedding_is_the_same() -> Result<()> {
    let ids = Tensor::new(&[[2u32, 0, 2], [4, 2, 0]], &Device::Cpu)?;
    assert_same(
        "embedding",
        &[random((5, 3), 1)?],
        |vars| ops::embedding(&ids, &vars[0]),
        |vars| embedding(ids.flatten_all()?.to_vec1()?, &vars[0], vec![2, 3, 3]),
    )
}

#[test]
fn linear_is_the_same() -> Result<()> {
    for activation in BOTH {
        let vars = [random((5, 3, 2, 6), 1)?, random((6, 7), 2)?, random(7, 3)?];
        assert_same(
            &format!("linear {activation:?}"),
            &vars,
            |vars| ops::linear(&vars[0], &vars[1], Some(&vars[2]), activation),
            |vars| linear(&vars[0], &vars[1], Some(&vars[2]), activation),
        )?;
    }
    Ok(())
}

#[test]
fn convolutions_are_the_same() -> Result<()> {
    let mut draw = Random::new(1);
    for round in 0..30 {
        let (kernel_height, kernel_width) = (1 + draw.below(4), 1 + draw.below(4));
        let (height, width) = (kernel_height + draw.below(7), kernel_width + draw.below(7));
        let (channels, out_channels) = (1 + draw.below(9), 1 + draw.below(9));
        let (stride, padding) = (1 + draw.below(3), draw.padding(3));
        let (conv, activation) = (ConvShape { stride, padding }, BOTH[round % 2]);
        let x = random((2, height, width, channels), 1)?;
        let what = format!("{height} x {width}, {kernel_height} x {kernel_width}, {conv:?}");
        let vars = [
            x.clone(),
            random((kernel_height, kernel_width, channels, out_channels), 2)?,
            random(out_channels, 3)?,
        ];
        assert_same(
            &what,
            &vars,
            |vars| ops::conv2d(&vars[0], &vars[1], Some(&vars[2]), conv, activation),
            |vars| conv2d(&vars[0], &vars[1], Some(&vars[2]), conv, activation),
        )?;
        let vars = [x.clone(), random((kernel_height, kernel_width, channels), 2)?, random(channels, 3)?];
        assert_same(
            &format!("depthwise {what}"),
            &vars,
            |vars| ops::depthwise_conv2d(&vars[0], &vars[1], Some(&vars[2]), conv, activation),
            |vars| depthwise_conv2d(&vars[0], &vars[1], Some(&vars[2]), conv, activation),
        )?;
        let padding = draw.below(1 + (kernel_height.min(kernel_width) - 1) / 2);
        let conv = ConvTransposeShape { stride, padding, output_padding: draw.below(stride) };
        let vars =
            [x, random((kernel_height, kernel_width, out_channels, channels), 2)?, random(out_channels, 3)?];
        assert_same(
            &format!("{what} {conv:?}"),
            &vars,
            |vars| ops::conv_transpose2d(&vars[0], &vars[1], Some(&vars[2]), conv, activation),
            |vars| conv_transpose2d(&vars[0], &vars[1], Some(&vars[2]), conv, activation),
        )?;
    }
    Ok(())
}

#[test]
fn layers_without_a_bias_are_the_same() -> Result<()> {
    let x = random((2, 6, 7, 3), 1)?;
    let (conv, transposed) = (
        ConvShape { stride: 2, padding: Padding::all(1) },
        ConvTransposeShape { stride: 2, padding: 1, output_padding: 1 },
    );
    for activation in BOTH {
        assert_same(
            "linear",
            &[random((4, 6), 1)?, random((6, 5), 2)?],
            |vars| ops::linear(&vars[0], &vars[1], None, activation),
            |vars| linear(&vars[0], &vars[1], None, activation),
        )?;
        assert_same(
            "conv2d",
            &[x.clone(), random((3, 3, 3, 4), 2)?],
            |vars| ops::conv2d(&vars[0], &vars[1], None, conv, activation),
            |vars| conv2d(&vars[0], &vars[1], None, conv, activation),
        )?;
        assert_same(
            "depthwise_conv2d",
            &[x.clone(), random((3, 3, 3), 2)?],
            |vars| ops::depthwise_conv2d(&vars[0], &vars[1], None, conv, activation),
            |vars| depthwise_conv2d(&vars[0], &vars[1], None, conv, activation),
        )?;
        assert_same(
            "conv_transpose2d",
            &[x.clone(), random((3, 3, 4, 3), 2)?],
            |vars| ops::conv_transpose2d(&vars[0], &vars[1], None, transposed, activation),
            |vars| conv_transpose2d(&vars[0], &vars[1], None, transposed, activation),
        )?;
    }
    Ok(())
}

#[test]
fn pooling_is_the_same_with_ties() -> Result<()> {
    let x = random((3, 7, 9, 5), 1)?;
    let tied = Var::from_tensor(&(x.as_tensor() * 2.0)?.round()?)?;
    for (size, stride, padding) in
        [(1, 1, 0), (2, 2, 0), (3, 3, 0), (4, 4, 0), (3, 2, 1), (2, 3, 1), (3, 1, 0), (4, 3, 2)]
    {
        let shape = PoolShape { size, stride, padding };
        for x in [&x, &tied].map(|var| [var.clone()]) {
            assert_same(
                &format!("max_pool2d {shape:?}"),
                &x,
                |vars| ops::max_pool2d(&vars[0], shape),
                |vars| max_pool2d(&vars[0], &max_pool("max_pool2d", vars[0].dims4()?, shape)?),
            )?;
        }
    }
    for size in 1..=4 {
        let x = [x.clone()];
        assert_same(
            "avg_pool2d",
            &x,
            |vars| ops::avg_pool2d(&vars[0], size),
            |vars| average(&vars[0], [size, size]),
        )?;
        assert_same(
            "upsample_nearest2d",
            &x,
            |vars| ops::upsample_nearest2d(&vars[0], size),
            |vars| upsample_nearest2d(&vars[0], size),
        )?;
    }
    assert_same(
        "global_avg_pool2d",
        &[x],
        |vars| ops::global_avg_pool2d(&vars[0]),
        |vars| average(&vars[0], [7, 9])?.flatten_from(1),
    )
}

#[test]
fn normalisations_are_the_same() -> Result<()> {
    let vars = [random((4, 5, 3, 6), 1)?, random(6, 2)?, random(6, 3)?];
    let [mean, variance] = [random(6, 4)?, Var::from_tensor(&(random(6, 5)?.as_tensor().detach() + 2.0)?)?];
    let fixed = [mean.as_tensor(), variance.as_tensor()];
    let batch = Norm { samples: 1, places: 60, channels: 6, groups: 6, epsilon: 1e-5 };
    let group = Norm { samples: 4, places: 15, groups: 3, ..batch };
    let layer = Norm { samples: 60, places: 1, groups: 1, ..batch };
    let run = |vars: &[Var], norm: &Norm, fixed: Option<[&Tensor; 2]>, activation| {
        Ok(normalize(&vars[0], &vars[1], &vars[2], norm, fixed, activation)?.0)
    };
    for activation in BOTH {
        assert_same(
            "batch_norm",
            &vars,
            |vars| Ok(ops::batch_norm(&vars[0], &vars[1], &vars[2], 1e-5, activation)?.0),
            |vars| run(vars, &batch, None, activation),
        )?;
        assert_same(
            "batch_norm_running",
            &vars,
            |vars| ops::batch_norm_running(&vars[0], &vars[1], &vars[2], fixed, 1e-5, activation),
            |vars| run(vars, &batch, Some(fixed), activation),
        )?;
        assert_same(
            "group_norm",
            &vars,
            |vars| ops::group_norm(&vars[0], &vars[1], &vars[2], 3, 1e-5, activation),
            |vars| run(vars, &group, None, activation),
        )?;
    }
    assert_same(
        "layer_norm",
        &vars,
        |vars| ops::layer_norm(&vars[0], &vars[1], &vars[2], 1e-5),
        |vars| run(vars, &layer, None, Activation::None),
    )?;
    let (_, expected) = ops::batch_norm(&vars[0], &vars[1], &vars[2], 1e-5, Activation::None)?;
    let (_, [mean, variance]) = normalize(&vars[0], &vars[1], &vars[2], &batch, None, Activation::None)?;
    assert_close(&mean.to_vec1()?, &expected.mean.to_vec1()?, "mean");
    assert_close(&(variance * (60.0 / 59.0))?.to_vec1()?, &expected.variance.to_vec1()?, "variance");
    Ok(())
}

#[test]
fn attention_is_the_same() -> Result<()> {
    let vars = [random((2, 5, 36), 1)?];
    for is_causal in [false, true] {
        let attention = Attention { batch: 2, tokens: 5, heads: 3, head_dim: 4, is_causal };
        assert_same(
            "self_attention",
            &vars,
            |vars| ops::self_attention(&vars[0], 3, is_causal),
            |vars| self_attention(&vars[0], &attention),
        )?;
    }
    let attention = Attention { batch: 2, tokens: 5, heads: 3, head_dim: 4, is_causal: false };
    let numbers = |tensor: Tensor| tensor.flatten_all()?.to_vec1::<f32>();
    let expected = numbers(ops::attention_probabilities(&vars[0], 3)?)?;
    assert_close(&numbers(attention_probabilities(&vars[0], &attention)?)?, &expected, "probabilities");
    Ok(())
}

#[test]
fn sequences_are_the_same() -> Result<()> {
    let vars = [random((2, 5, 4), 1)?, random(4, 2)?];
    assert_same(
        "prepend_token",
        &vars,
        |vars| ops::prepend_token(&vars[0], &vars[1]),
        |vars| prepend_token(&vars[0], &vars[1]),
    )
}

#[test]
fn subsampling_is_the_same() -> Result<()> {
    for (stride, channels, out_channels) in [(1, 3, 3), (2, 3, 6), (3, 2, 5)] {
        let x = random((2, 7, 5, channels), 1)?;
        let subsample = Subsample { batch: 2, height: 7, width: 5, channels, stride, out_channels };
        assert_same(
            &format!("{subsample:?}"),
            &[x],
            |vars| ops::subsample_and_pad(&vars[0], stride, out_channels),
            |vars| subsample_and_pad(&vars[0], &subsample),
        )?;
    }
    Ok(())
}

#[test]
fn losses_are_the_same() -> Result<()> {
    let vars = [Var::from_tensor(&(random((6, 10), 1)?.as_tensor() * 5.0)?)?, random((6, 10), 2)?];
    let labels = [3u32, 9, ops::IGNORED_LABEL, 0, 7, 5];
    let targets = vars[1].as_tensor().detach().abs()?;
    let weights = [0.5, 1.0, 2.0, 0.0, 1.0, 3.0, 1.0, 0.7, 1.0, 4.0_f32];
    for (smoothing, weights) in [(0.0, None), (0.2, None), (0.0, Some(&weights[..])), (0.2, Some(&weights))] {
        let all = Tensor::new(&labels, &Device::Cpu)?;
        assert_same(
            "cross_entropy",
            &vars[..1],
            |vars| ops::weighted_cross_entropy(&vars[0], &all, smoothing, weights),
            |vars| cross_entropy(&vars[0], labels.to_vec(), smoothing, weights),
        )?;
    }
    assert_same(
        "binary_cross_entropy",
        &vars[..1],
        |vars| ops::binary_cross_entropy(&vars[0], &targets),
        |vars| pair_loss(PairLoss::BinaryCrossEntropy, &vars[0], &targets),
    )?;
    assert_same(
        "mean_squared_error",
        &vars,
        |vars| ops::mean_squared_error(&vars[0], &vars[1]),
        |vars| pair_loss(PairLoss::SquaredError, &vars[0], &vars[1]),
    )?;
    assert_same("nt_xent", &vars[..1], |vars| ops::nt_xent(&vars[0], 0.5), |vars| nt_xent(&vars[0], 0.5))
}

#[test]
fn losses_of_huge_logits_stay_finite() -> Result<()> {
    let x = Var::new(&[[1e30f32, -1e30, 0.0, 3e4]], &Device::Cpu)?;
    let targets = Tensor::new(&[[1f32, 0.0, 0.5, 0.0]], &Device::Cpu)?;
    for loss in
        [pair_loss(PairLoss::BinaryCrossEntropy, &x, &targets)?, cross_entropy(&x, vec![2], 0.0, None)?]
    {
        assert!(loss.to_scalar::<f32>()?.is_finite());
        let grads = loss.backward()?;
        assert!(grads.get(&x).unwrap().abs()?.max_all()?.to_scalar::<f32>()? <= 1.0);
    }
    Ok(())
}
