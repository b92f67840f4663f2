use super::operation::{BackwardPass, Operation};
use super::{apply1, apply2, fallback, is_on_cpu};
use crate::kernels::contrastive::{self, NtXent};
use crate::kernels::loss::{self, IGNORED, Targets};
use crate::kernels::pair_loss::{self, PairLoss};
use candle_core::{D, Result, Tensor, bail};

/// The mean cross-entropy in nats, a scalar, of logits (…, classes) and `u32` labels (…), with PyTorch's label smoothing
/// in [0, 1]. Where a label is [`IGNORED_LABEL`](super::IGNORED_LABEL), its logits do not count: the mean is over the
/// others, and 0, with a gradient of zeros, if there are none.
///
/// # Errors
/// When shapes do not fit, a label is not a class, the smoothing is out of range, or the logits are not `f32`.
pub fn cross_entropy(logits: &Tensor, labels: &Tensor, label_smoothing: f64) -> Result<Tensor> {
    weighted_cross_entropy(logits, labels, label_smoothing, None)
}

/// As [`cross_entropy`], each class counting for its weight, as `torch.nn.CrossEntropyLoss(weight=…)`: the mean is over
/// the weights of the labels.
///
/// # Errors
/// As there, and when there is not one weight for each class.
pub fn weighted_cross_entropy(
    logits: &Tensor,
    labels: &Tensor,
    label_smoothing: f64,
    class_weights: Option<&[f32]>,
) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("cross_entropy", [logits])?;
    let Some((&classes, leading)) = logits.dims().split_last() else {
        bail!("cross_entropy: logits {:?} have no classes", logits.shape())
    };
    if labels.dims() != leading || logits.elem_count() == 0 {
        bail!("cross_entropy: labels {:?} do not fit logits {:?}", labels.shape(), logits.shape())
    }
    let labels = labels.flatten_all()?.to_vec1::<u32>()?;
    if let Some(label) = labels.iter().find(|label| **label as usize >= classes && **label != IGNORED) {
        bail!("cross_entropy: label {label} is not one of {classes} classes")
    }
    if !(0.0..=1.0).contains(&label_smoothing) {
        bail!("cross_entropy: the label smoothing must be from 0 to 1, got {label_smoothing}")
    }
    if class_weights.is_some_and(|weights| weights.len() != classes) {
        bail!("cross_entropy: the weights do not fit {classes} classes")
    }
    if !is_on_cpu {
        return fallback::cross_entropy(logits, labels, label_smoothing, class_weights);
    }
    let class_weights = class_weights.map(<[f32]>::to_vec);
    apply1(logits, (), CrossEntropy { labels, classes, label_smoothing, class_weights })
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
    class_weights: Option<Vec<f32>>,
}

impl CrossEntropy {
    fn targets(&self) -> Targets<'_> {
        Targets {
            labels: &self.labels,
            classes: self.classes,
            label_smoothing: self.label_smoothing,
            class_weights: self.class_weights.as_deref(),
        }
    }
}

impl Operation<1> for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn forward(&self, [logits]: [&[f32]; 1]) -> Vec<f32> {
        vec![loss::cross_entropy(logits, self.targets())]
    }

    fn backward(&self, pass: BackwardPass<'_, 1>) -> [Option<Vec<f32>>; 1] {
        [Some(loss::cross_entropy_gradient(pass.inputs[0], self.targets(), pass.gradient[0]))]
    }
}

/// The mean binary cross-entropy in nats, a scalar, of logits against targets in [0, 1] of the same shape: as
/// `torch.nn.BCEWithLogitsLoss`. The targets are constants.
///
/// # Errors
/// When shapes do not fit, or a tensor is not `f32`.
pub fn binary_cross_entropy(logits: &Tensor, targets: &Tensor) -> Result<Tensor> {
    pair_loss("binary_cross_entropy", PairLoss::BinaryCrossEntropy, logits, &targets.detach())
}

/// The mean of (x − targets)², a scalar; shapes are the same. Both have gradients.
///
/// # Errors
/// When shapes do not fit, or a tensor is not `f32`.
pub fn mean_squared_error(x: &Tensor, targets: &Tensor) -> Result<Tensor> {
    pair_loss("mean_squared_error", PairLoss::SquaredError, x, targets)
}

fn pair_loss(name: &'static str, loss: PairLoss, x: &Tensor, targets: &Tensor) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu(name, [x, targets])?;
    if x.shape() != targets.shape() || x.elem_count() == 0 {
        bail!("{name}: {:?} and targets {:?} do not fit", x.shape(), targets.shape())
    }
    if !is_on_cpu {
        return fallback::pair_loss(loss, x, targets);
    }
    apply2([x, targets], (), PairLossOp { name, loss })
}

struct PairLossOp {
    name: &'static str,
    loss: PairLoss,
}

impl Operation<2> for PairLossOp {
    fn name(&self) -> &'static str {
        self.name
    }

    fn forward(&self, [x, targets]: [&[f32]; 2]) -> Vec<f32> {
        vec![pair_loss::mean(self.loss, x, targets)]
    }

    fn backward(&self, pass: BackwardPass<'_, 2>) -> [Option<Vec<f32>>; 2] {
        let [x, targets] = pass.inputs;
        let of_x = pair_loss::gradient(self.loss, x, targets, pass.gradient[0]);
        // only the squared error has targets with gradients, and it is symmetric
        let of_targets = pass.wanted[1].then(|| of_x.iter().map(|number| -number).collect());
        [Some(of_x), of_targets]
    }
}

/// The contrastive loss of SimCLR, a scalar, of embeddings (2 × pairs, features) whose rows i and i + pairs are two views
/// of one example: the mean cross-entropy, in nats, of picking a row's partner among all other rows by their cosine
/// similarities divided by the temperature.
///
/// Chen et al., "A simple framework for contrastive learning of visual representations", 2020, equation 1.
///
/// # Errors
/// When the rows are odd in number or none, the temperature is not above zero, or the embeddings are not `f32`.
pub fn nt_xent(embeddings: &Tensor, temperature: f64) -> Result<Tensor> {
    let is_on_cpu = is_on_cpu("nt_xent", [embeddings])?;
    let (rows, features) = embeddings.dims2()?;
    if embeddings.elem_count() == 0 || !rows.is_multiple_of(2) {
        bail!("nt_xent: embeddings {:?} are not pairs of rows", embeddings.shape())
    }
    if !(temperature > 0.0 && temperature.is_finite()) {
        bail!("nt_xent: the temperature must be above 0, got {temperature}")
    }
    if !is_on_cpu {
        return fallback::nt_xent(embeddings, temperature);
    }
    apply1(embeddings, (), NtXentOp(NtXent { pairs: rows / 2, features, temperature }))
}

struct NtXentOp(NtXent);

impl Operation<1> for NtXentOp {
    fn name(&self) -> &'static str {
        "nt_xent"
    }

    fn forward(&self, [embeddings]: [&[f32]; 1]) -> Vec<f32> {
        vec![contrastive::forward(&self.0, embeddings)]
    }

    fn backward(&self, pass: BackwardPass<'_, 1>) -> [Option<Vec<f32>>; 1] {
        [Some(contrastive::backward(&self.0, pass.inputs[0], pass.gradient[0]))]
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
    fn a_label_that_is_ignored_counts_for_nothing() -> Result<()> {
        let logits = random((2, 3, 4), 1)?;
        let labels = Tensor::new(&[[2u32, IGNORED, 0], [3, 1, IGNORED]], &Device::Cpu)?;
        assert_gradients(std::slice::from_ref(&logits), |vars| cross_entropy(&vars[0], &labels, 0.2)? * 2.5)?;
        let counted = logits.flatten_to(1)?.index_select(&Tensor::new(&[0u32, 2, 3, 4], &Device::Cpu)?, 0)?;
        let expected = cross_entropy(&counted, &Tensor::new(&[2u32, 0, 3, 1], &Device::Cpu)?, 0.2)?;
        let loss = cross_entropy(&logits, &labels, 0.2)?;
        assert_eq!(loss.to_scalar::<f32>()?, expected.to_scalar::<f32>()?);
        let none = cross_entropy(&logits, &Tensor::full(IGNORED, (2, 3), &Device::Cpu)?, 0.2)?;
        assert_eq!(none.to_scalar::<f32>()?, 0.0);
        let gradient = none.backward()?.get(&logits).unwrap().flatten_all()?.to_vec1::<f32>()?;
        assert!(gradient.iter().all(|number| *number == 0.0));
        Ok(())
    }

    #[test]
    fn wrong_input_is_an_error() -> Result<()> {
        let logits = random((2, 3), 1)?;
        let labels = |labels: &[u32]| Tensor::new(labels, &Device::Cpu);
        assert!(cross_entropy(&logits, &labels(&[0, 2])?, 0.0).is_ok());
        assert!(cross_entropy(&logits, &labels(&[0, 3])?, 0.0).is_err());
        assert!(cross_entropy(&logits, &labels(&[0])?, 0.0).is_err());
        assert!(cross_entropy(&logits.unsqueeze(0)?, &labels(&[0, 2])?, 0.0).is_err());
        assert!(cross_entropy(&logits, &labels(&[0, 2])?, 1.5).is_err());
        assert!(cross_entropy(&logits, &Tensor::new(&[0f32, 1.], &Device::Cpu)?, 0.0).is_err());
        Ok(())
    }

    #[test]
    fn gradients_of_the_other_losses_match_finite_differences() -> Result<()> {
        let vars = [random((4, 6), 1)?, random((4, 6), 2)?];
        let targets = vars[1].as_tensor().detach().abs()?;
        assert_gradients(&vars[..1], |vars| binary_cross_entropy(&vars[0], &targets)? * 20.0)?;
        assert_gradients(&vars, |vars| mean_squared_error(&vars[0], &vars[1])? * 20.0)?;
        assert_gradients(&vars[..1], |vars| mean_squared_error(&targets, &vars[0])? * 20.0)?;
        assert_gradients(&vars[..1], |vars| nt_xent(&vars[0], 0.5)? * 4.0)
    }

    #[test]
    fn wrong_input_to_the_other_losses_is_an_error() -> Result<()> {
        let (x, odd) = (random((4, 6), 1)?, random((3, 6), 2)?);
        assert!(binary_cross_entropy(&x, &odd).is_err());
        assert!(mean_squared_error(&x, &x.t()?).is_err());
        assert!(mean_squared_error(&x.narrow(0, 0, 0)?, &x.narrow(0, 0, 0)?).is_err());
        assert!(nt_xent(&odd, 0.5).is_err());
        assert!(nt_xent(&x.narrow(0, 0, 0)?, 0.5).is_err());
        assert!([0.0, -1.0, f64::NAN].iter().all(|temperature| nt_xent(&x, *temperature).is_err()));
        Ok(())
    }
}
