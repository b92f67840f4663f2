use super::{expect_f32_on_cpu, gradient_of, numbers, output, read};
use crate::kernels::loss::{self, Targets};
use candle_core::{CpuStorage, CustomOp1, D, Layout, Result, Shape, Tensor, bail};

/// The mean cross-entropy in nats, a scalar, of logits (batch, classes) and `u32` labels (batch), with PyTorch's label
/// smoothing in [0, 1].
///
/// # Errors
/// When shapes do not fit, a label is not a class, the smoothing is out of range, or the logits are not `f32` on the
/// CPU.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor, label_smoothing: f64) -> Result<Tensor> {
    expect_f32_on_cpu("cross_entropy", &[logits])?;
    let (batch, classes) = logits.dims2()?;
    let labels = labels.to_vec1::<u32>()?;
    if labels.len() != batch || logits.elem_count() == 0 {
        bail!("cross_entropy: {} labels do not fit logits {:?}", labels.len(), logits.shape())
    }
    if let Some(label) = labels.iter().find(|label| **label as usize >= classes) {
        bail!("cross_entropy: label {label} is not one of {classes} classes")
    }
    if !(0.0..=1.0).contains(&label_smoothing) {
        bail!("cross_entropy: the label smoothing must be from 0 to 1, got {label_smoothing}")
    }
    logits.contiguous()?.apply_op1(CrossEntropy { labels, classes, label_smoothing })
}

/// The probabilities of logits (…, classes) along their last dimension.
///
/// # Errors
/// candle's own.
pub fn softmax(logits: &Tensor) -> Result<Tensor> {
    candle_nn::ops::softmax(logits, D::Minus1)
}

struct CrossEntropy {
    labels: Vec<u32>,
    classes: usize,
    label_smoothing: f64,
}

impl CrossEntropy {
    fn targets(&self) -> Targets<'_> {
        Targets { labels: &self.labels, classes: self.classes, label_smoothing: self.label_smoothing }
    }
}

impl CustomOp1 for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        output(vec![loss::cross_entropy(numbers(logits, layout)?, self.targets())], ())
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let scale = gradient.to_scalar::<f32>()?;
        let reader = read(logits);
        gradient_of(logits, loss::cross_entropy_gradient(reader.numbers()?, self.targets(), scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::testing::{assert_gradients, random};
    use candle_core::Device;

    #[test]
    fn matches_candle_without_smoothing() -> Result<()> {
        let logits = random((6, 10), 1)?;
        let labels = Tensor::new(&[3u32, 9, 0, 0, 7, 5], &Device::Cpu)?;
        let expected = candle_nn::loss::cross_entropy(&logits, &labels)?;
        let loss = cross_entropy(&logits, &labels, 0.0)?;
        assert!((loss.to_scalar::<f32>()? - expected.to_scalar::<f32>()?).abs() < 1e-6);
        let (grads, expected) = (loss.backward()?, expected.backward()?);
        let difference = (grads.get(&logits).unwrap() - expected.get(&logits).unwrap())?;
        assert!(difference.abs()?.max_all()?.to_scalar::<f32>()? < 1e-6);
        Ok(())
    }

    #[test]
    fn gradients_match_finite_differences_with_smoothing() -> Result<()> {
        let labels = Tensor::new(&[2u32, 0, 3], &Device::Cpu)?;
        assert_gradients(&[random((3, 4), 1)?], |vars| cross_entropy(&vars[0], &labels, 0.2)? * 2.5)
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let logits = random((2, 3), 1)?;
        let labels = |labels: &[u32]| Tensor::new(labels, &Device::Cpu);
        assert!(cross_entropy(&logits, &labels(&[0, 2])?, 0.0).is_ok());
        assert!(cross_entropy(&logits, &labels(&[0, 3])?, 0.0).is_err());
        assert!(cross_entropy(&logits, &labels(&[0])?, 0.0).is_err());
        assert!(cross_entropy(&logits, &labels(&[0, 2])?, 1.5).is_err());
        assert!(cross_entropy(&logits, &Tensor::new(&[0f32, 1.], &Device::Cpu)?, 0.0).is_err());
        Ok(())
    }
}
