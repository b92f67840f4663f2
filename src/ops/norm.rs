use super::operation::{BackwardPass, Operation};
use super::{Activation, activate, apply3, fallback, is_on_cpu, read};
use crate::kernels::OutputGradient;
use crate::kernels::clamp::Clamp;
use crate::kernels::norm::{self, Norm, Statistics};
use candle_core::{Result, Tensor, Var, bail};

/// What [`batch_norm`] saw of one batch: constants, without gradients.
#[derive(Clone, Debug)]
pub struct BatchStatistics {
    /// (channels).
    pub mean: Tensor,
    /// (channels), the sum of squares divided by one less than their number, as PyTorch's running variance.
    pub variance: Tensor,
}

impl BatchStatistics {
    /// Moves running statistics towards these: `running += momentum · (batch − running)`, as PyTorch.
    ///
    /// # Errors
    /// When shapes or devices differ.
    pub fn update(&self, running_mean: &Var, running_variance: &Var, momentum: f64) -> Result<()> {
        for (running, batch) in [(running_mean, &self.mean), (running_variance, &self.variance)] {
            let kept = (running.as_tensor().detach() * (1.0 - momentum))?;
            running.set(&(kept + (batch * momentum)?)?)?;
        }
        Ok(())
    }
}

/// Batch normalisation for training: each channel of x (batch, …, channels) to mean 0 and variance 1 over everything
/// else, then times weight (channels) plus bias (channels), then the activation. ε is added to the variance.
///
/// Ioffe and Szegedy, "Batch normalization: accelerating deep network training", 2015.
///
/// # Errors
/// When shapes do not fit, a channel has one number only, or a tensor is not `f32`.
pub fn batch_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epsilon: f64,
    activation: Activation,
) -> Result<(Tensor, BatchStatistics)> {
    let norm = over_the_batch("batch_norm", x, epsilon)?;
    if norm.places < 2 {
        bail!("batch_norm: no variance in one number per channel, {:?}", x.shape())
    }
    let (y, [mean, variance]) = normalize("batch_norm", x, weight, bias, &norm, None, activation)?;
    let variance = (variance * (norm.places as f64 / (norm.places - 1) as f64))?;
    Ok((y, BatchStatistics { mean, variance }))
}

/// Batch normalisation for prediction: as [`batch_norm`], by running mean and variance (channels), which are constants.
///
/// # Errors
/// When shapes do not fit, or a tensor is not `f32`.
pub fn batch_norm_running(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    [mean, variance]: [&Tensor; 2],
    epsilon: f64,
    activation: Activation,
) -> Result<Tensor> {
    let norm = over_the_batch("batch_norm_running", x, epsilon)?;
    let fixed = Some([mean, variance]);
    Ok(normalize("batch_norm_running", x, weight, bias, &norm, fixed, activation)?.0)
}

/// Group normalisation: each of `groups` runs of neighbouring channels of each example of x (batch, …, channels) to mean
/// 0 and variance 1, then times weight (channels) plus bias (channels), then the activation.
///
/// Wu and He, "Group normalization", 2018.
///
/// # Errors
/// When shapes do not fit, the groups do not divide the channels, or a tensor is not `f32`.
pub fn group_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    groups: usize,
    epsilon: f64,
    activation: Activation,
) -> Result<Tensor> {
    let Norm { channels, .. } = over_the_batch("group_norm", x, epsilon)?;
    let samples = x.dims()[0];
    let norm = Norm { samples, places: x.elem_count() / (samples * channels), channels, groups, epsilon };
    if groups == 0 || !channels.is_multiple_of(groups) {
        bail!("group_norm: {groups} groups do not divide {channels} channels")
    }
    Ok(normalize("group_norm", x, weight, bias, &norm, None, activation)?.0)
}

/// Layer normalisation: each row of x (…, features) to mean 0 and variance 1, then times weight (features) plus bias
/// (features).
///
/// Ba, Kiros and Hinton, "Layer normalization", 2016.
///
/// # Errors
/// When shapes do not fit, or a tensor is not `f32`.
pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64) -> Result<Tensor> {
    let rows = over_the_batch("layer_norm", x, epsilon)?;
    let norm = Norm { samples: rows.places, places: 1, groups: 1, ..rows };
    Ok(normalize("layer_norm", x, weight, bias, &norm, None, Activation::None)?.0)
}

fn over_the_batch(name: &str, x: &Tensor, epsilon: f64) -> Result<Norm> {
    let (Some(channels), false) = (x.dims().last().copied(), x.elem_count() == 0) else {
        bail!("{name}: x {:?} must not be empty", x.shape())
    };
    Ok(Norm { samples: 1, places: x.elem_count() / channels, channels, groups: channels, epsilon })
}

/// Also the mean and the variance of each group, by x itself or as `fixed` has them.
fn normalize(
    name: &'static str,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    norm: &Norm,
    fixed: Option<[&Tensor; 2]>,
    activation: Activation,
) -> Result<(Tensor, [Tensor; 2])> {
    let tensors =
        [Some(x), Some(weight), Some(bias), fixed.map(|[mean, _]| mean), fixed.map(|[_, other]| other)];
    let tensors: Vec<&Tensor> = tensors.into_iter().flatten().collect();
    let is_on_cpu = is_on_cpu(name, tensors.iter().copied())?;
    if let Some(wrong) = tensors[1..].iter().find(|tensor| tensor.dims() != [norm.channels]) {
        bail!("{name}: {:?} does not fit the channels of x {:?}", wrong.shape(), x.shape())
    }
    if !is_on_cpu {
        return fallback::normalize(x, weight, bias, norm, fixed, activation);
    }
    let x = x.contiguous()?;
    let doubles = |tensor: &Tensor| -> Result<Vec<f64>> {
        Ok(tensor.to_vec1::<f32>()?.into_iter().map(f64::from).collect())
    };
    let statistics = match fixed {
        Some([mean, variance]) => Statistics { mean: doubles(mean)?, variance: doubles(variance)? },
        None => norm::statistics(norm, read(&x).numbers()?),
    };
    let constant =
        |numbers: &[f64]| Tensor::from_iter(numbers.iter().map(|number| *number as f32), x.device());
    let used = [constant(&statistics.mean)?, constant(&statistics.variance)?];
    let clamp = Clamp::of(activation);
    let is_fixed = fixed.is_some();
    let operation =
        Normalize { name, norm: *norm, statistics, is_fixed, clamp: clamp.unwrap_or(Clamp::None) };
    let y = apply3([&x, weight, bias], x.shape(), operation)?;
    Ok((if clamp.is_some() { y } else { activate(&y, activation)? }, used))
}

struct Normalize {
    name: &'static str,
    norm: Norm,
    statistics: Statistics,
    /// The statistics are constants, not x's own.
    is_fixed: bool,
    clamp: Clamp,
}

impl Operation<3> for Normalize {
    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(&self, [x, weight, bias]: [&[f32]; 3]) -> Vec<f32> {
        norm::forward(&self.norm, x, &self.statistics, weight, bias, self.clamp)
    }

    fn backward(&self, pass: BackwardPass<'_, 3>) -> [Option<Vec<f32>>; 3] {
        let BackwardPass { inputs: [x, weight, _], output, gradient, wanted } = pass;
        let output = OutputGradient::new(gradient, self.clamp, output);
        let (norm, statistics) = (&self.norm, &self.statistics);
        let sums = norm::gradient_sums(norm, x, statistics, weight, output);
        let moving = (!self.is_fixed).then_some(&sums);
        let of_x = wanted[0].then(|| norm::input_gradient(norm, x, statistics, weight, output, moving));
        [of_x, Some(sums.weight), Some(sums.bias)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, random};
    use candle_core::Device;

    const EPSILON: f64 = 1e-5;

    #[test]
    fn gradients_match_finite_differences() -> Result<()> {
        let vars = [random((3, 2, 3, 4), 1)?, random(4, 2)?, random(4, 3)?];
        let [mean, variance] =
            [random(4, 4)?, Var::from_tensor(&(random(4, 5)?.as_tensor().detach() + 2.0)?)?];
        for activation in [Activation::None, Activation::Silu] {
            assert_gradients(&vars, |vars| {
                Ok(batch_norm(&vars[0], &vars[1], &vars[2], EPSILON, activation)?.0)
            })?;
            assert_gradients(&vars, |vars| group_norm(&vars[0], &vars[1], &vars[2], 2, EPSILON, activation))?;
            assert_gradients(&vars, |vars| {
                let statistics = [mean.as_tensor(), variance.as_tensor()];
                batch_norm_running(&vars[0], &vars[1], &vars[2], statistics, EPSILON, activation)
            })?;
        }
        assert_gradients(&vars, |vars| layer_norm(&vars[0], &vars[1], &vars[2], EPSILON))
    }

    #[test]
    fn an_activation_along_is_one_after() -> Result<()> {
        let vars = [random((5, 3, 2, 7), 1)?, random(7, 2)?, random(7, 3)?];
        let run = |activation| batch_norm(&vars[0], &vars[1], &vars[2], EPSILON, activation);
        let bits = |y: &Tensor| -> Result<_> {
            let grads = y.sqr()?.sum_all()?.backward()?;
            let tensors = [y, grads.get(&vars[0]).unwrap(), grads.get(&vars[1]).unwrap()];
            tensors
                .map(|tensor| tensor.flatten_all()?.to_vec1::<f32>())
                .into_iter()
                .collect::<Result<Vec<_>>>()
        };
        for activation in [Activation::Relu, Activation::Relu6] {
            let after = activate(&run(Activation::None)?.0, activation)?;
            assert_eq!(bits(&run(activation)?.0)?, bits(&after)?);
        }
        Ok(())
    }

    #[test]
    fn running_statistics_are_those_of_pytorch() -> Result<()> {
        let x = Tensor::new(&[[1f32, 10.], [3., 10.], [8., 40.]], &Device::Cpu)?;
        let (ones, zeros) =
            (Tensor::new(&[1f32, 1.], &Device::Cpu)?, Tensor::new(&[0f32, 0.], &Device::Cpu)?);
        let (_, batch) = batch_norm(&x, &ones, &zeros, EPSILON, Activation::None)?;
        let (mean, variance) = (Var::from_tensor(&zeros)?, Var::from_tensor(&ones)?);
        batch.update(&mean, &variance, 0.1)?;
        let near = |actual: &Var, expected: [f32; 2]| -> Result<()> {
            let actual = actual.to_vec1::<f32>()?;
            assert!(actual.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5 * b), "{actual:?}");
            Ok(())
        };
        // variances 13 and 300 over two degrees of freedom
        near(&mean, [0.4, 2.0])?;
        near(&variance, [0.9 + 1.3, 0.9 + 30.0])
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let (x, four, three) = (random((2, 4), 1)?, random(4, 2)?, random(3, 3)?);
        assert!(batch_norm(&x, &four, &three, EPSILON, Activation::None).is_err());
        assert!(batch_norm(&x.narrow(0, 0, 1)?, &four, &four, EPSILON, Activation::None).is_err());
        assert!(batch_norm_running(&x, &four, &four, [&four, &three], EPSILON, Activation::None).is_err());
        for groups in [0, 3] {
            assert!(group_norm(&x, &four, &four, groups, EPSILON, Activation::None).is_err());
        }
        assert!(layer_norm(&x.narrow(0, 0, 0)?, &four, &four, EPSILON).is_err());
        assert!(layer_norm(&x, &three, &four, EPSILON).is_err());
        Ok(())
    }
}
