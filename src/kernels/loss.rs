//! Softmax cross-entropy with label smoothing, as `torch.nn.CrossEntropyLoss` defines it: the target is
//! (1 − ε) of the label and ε spread evenly over all classes (Szegedy et al., "Rethinking the Inception
//! architecture for computer vision", 2016, section 7).

use super::build_pieces;
use rayon::prelude::*;

/// The label of a row that does not count, as PyTorch's `ignore_index`.
pub const IGNORED: u32 = u32::MAX;

/// What logits (labels.len(), classes) are compared with.
#[derive(Clone, Copy)]
pub struct Targets<'a> {
    /// Classes, or [`IGNORED`].
    pub labels: &'a [u32],
    /// Logits of one example.
    pub classes: usize,
    /// ε, in [0, 1].
    pub label_smoothing: f64,
    /// What each class counts for; all the same where there are none.
    pub class_weights: Option<&'a [f32]>,
}

/// The mean over the rows that count of −Σ target · log softmax(logits), in nats; 0 where none counts. With weights every
/// term is multiplied by its class's, and the sum divided by those of the labels.
///
/// # Panics
/// When the logits do not have the shape, or a label is neither below `classes` nor [`IGNORED`].
pub fn cross_entropy(logits: &[f32], targets: Targets) -> f32 {
    targets.check(logits);
    if targets.counted().next().is_none() {
        return 0.0;
    }
    let (classes, smoothing) = (targets.classes, targets.label_smoothing);
    let losses: Vec<f64> = (logits.par_chunks(classes), targets.labels)
        .into_par_iter()
        .with_min_len(64)
        .map(|(row, label)| {
            if *label == IGNORED {
                return 0.0;
            }
            let log_sum = log_sum_exp(row);
            let of_label = log_sum - row[*label as usize] as f64;
            let of_label = targets.weight(*label as usize) * of_label;
            // each term alone, so that an impossible class costs nothing without smoothing
            if smoothing == 0.0 {
                return of_label;
            }
            let of_mean = match targets.class_weights {
                None => log_sum - row.iter().map(|x| *x as f64).sum::<f64>() / classes as f64,
                Some(weights) => {
                    let costs =
                        row.iter().zip(weights).map(|(x, weight)| *weight as f64 * (log_sum - *x as f64));
                    costs.sum::<f64>() / classes as f64
                }
            };
            (1.0 - smoothing) * of_label + smoothing * of_mean
        })
        .collect();
    (losses.iter().sum::<f64>() / targets.weight_of_labels()) as f32
}

/// The gradient of `scale` × [`cross_entropy`] with respect to the logits: without weights `scale` (softmax − target) /
/// rows that count, and zeros for the others.
///
/// # Panics
/// As [`cross_entropy`].
pub fn cross_entropy_gradient(logits: &[f32], targets: Targets, scale: f32) -> Vec<f32> {
    targets.check(logits);
    let (classes, smoothing) = (targets.classes, targets.label_smoothing);
    let scale = scale as f64 / targets.weight_of_labels();
    let spread = smoothing / classes as f64;
    let weight_of_all = targets.class_weights.map(|weights| weights.iter().map(|x| *x as f64).sum::<f64>());
    build_pieces(targets.labels.len(), classes, |index, gradient| {
        if targets.labels[index] == IGNORED {
            return;
        }
        let row = &logits[index * classes..][..classes];
        let (log_sum, label) = (log_sum_exp(row), targets.labels[index] as usize);
        let of_label = (1.0 - smoothing) * targets.weight(label);
        // what the target's weights add up to
        let mass = weight_of_all.map_or(1.0, |all| of_label + spread * all);
        for (class, (gradient, x)) in gradient.iter_mut().zip(row).enumerate() {
            let probability = ((*x as f64 - log_sum) as f32).exp() as f64;
            *gradient = (scale * (mass * probability - spread * targets.weight(class))) as f32;
        }
        gradient[label] -= (scale * of_label) as f32;
    })
}

impl Targets<'_> {
    fn weight(&self, class: usize) -> f64 {
        self.class_weights.map_or(1.0, |weights| weights[class] as f64)
    }

    fn weight_of_labels(&self) -> f64 {
        self.counted().map(|label| self.weight(label)).sum()
    }

    fn counted(&self) -> impl Iterator<Item = usize> {
        self.labels.iter().filter(|label| **label != IGNORED).map(|label| *label as usize)
    }

    fn check(&self, logits: &[f32]) {
        assert_eq!(logits.len(), self.labels.len() * self.classes);
        assert!(self.counted().all(|label| label < self.classes), "a label is out of range");
        assert!(self.class_weights.is_none_or(|weights| weights.len() == self.classes));
    }
}

/// `ln Σ exp(x)`, with the largest taken out so that nothing overflows.
fn log_sum_exp(row: &[f32]) -> f64 {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if largest == f32::NEG_INFINITY {
        return row.iter().copied().sum::<f32>() as f64;
    }
    let sum: f32 = row.iter().map(|x| (x - largest).exp()).sum();
    largest as f64 + (sum as f64).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, Reference, same_bits_on_any_threads};

    #[test]
    fn uniform_logits_cost_the_log_of_the_classes() {
        let targets = Targets { labels: &[0, 3], classes: 4, label_smoothing: 0.0, class_weights: None };
        assert!((cross_entropy(&[5.0; 8], targets) - 4f32.ln()).abs() < 1e-6);
        let smoothed = Targets { label_smoothing: 0.3, ..targets };
        assert!((cross_entropy(&[5.0; 8], smoothed) - 4f32.ln()).abs() < 1e-6);
    }

    fn plain(logits: &[f64], targets: Targets) -> f64 {
        let Targets { labels, classes, label_smoothing, class_weights } = targets;
        let weight = |class: usize| class_weights.map_or(1.0, |weights| weights[class] as f64);
        let of_row = |(row, label): (&[f64], &u32)| {
            let sum: f64 = row.iter().map(|x| x.exp()).sum();
            let cost = |class: usize| {
                let spread = label_smoothing / classes as f64;
                let target = spread + if class == *label as usize { 1.0 - label_smoothing } else { 0.0 };
                -target * weight(class) * (row[class].exp() / sum).ln()
            };
            (0..classes).map(cost).sum::<f64>()
        };
        let counts = |label: &u32| *label != IGNORED;
        let weights = labels.iter().filter(|label| counts(label)).map(|label| weight(*label as usize));
        let rows = logits.chunks_exact(classes).zip(labels).filter(|(_, label)| counts(label));
        rows.map(of_row).sum::<f64>() / weights.sum::<f64>()
    }

    #[test]
    fn forward_and_backward_match_the_reference() {
        let mut random = Random::new(5);
        for round in 0..30 {
            let (batch, classes) = (1 + random.below(9), 1 + random.below(67));
            let mut labels: Vec<u32> = (0..batch).map(|_| random.below(classes) as u32).collect();
            if round % 5 == 0 {
                labels[1..].iter_mut().step_by(2).for_each(|label| *label = IGNORED);
            }
            let label_smoothing = [0.0, 0.1, 1.0][round % 3];
            let weights: Vec<f32> = random.numbers(classes).iter().map(|x| 0.1 + x.abs()).collect();
            let class_weights = (round % 2 == 0).then_some(&*weights);
            let targets = Targets { labels: &labels, classes, label_smoothing, class_weights };
            let logits: Vec<f32> = random.numbers(batch * classes).iter().map(|x| 8.0 * x).collect();
            let reference = Reference::new(&mut random, &[&logits], |x| vec![plain(&x[0], targets)]);
            let what = format!("{batch} x {classes}, smoothing {label_smoothing}, weights {class_weights:?}");
            reference.assert_value(&[cross_entropy(&logits, targets)], &what);
            let gradient = cross_entropy_gradient(&logits, targets, reference.output_gradient[0]);
            reference.assert_gradients(&[&gradient], &what);
        }
    }

    #[test]
    fn where_no_label_counts_nothing_is_learnt() {
        let targets =
            Targets { labels: &[IGNORED; 2], classes: 2, label_smoothing: 0.1, class_weights: None };
        assert_eq!(cross_entropy(&[1.0, 2.0, 3.0, f32::INFINITY], targets), 0.0);
        assert_eq!(cross_entropy_gradient(&[1.0, 2.0, 3.0, f32::INFINITY], targets, 1.0), [0.0; 4]);
    }

    #[test]
    fn huge_logits_stay_finite() {
        let targets = Targets { labels: &[0, 1], classes: 2, label_smoothing: 0.0, class_weights: None };
        let logits = [3e4, -3e4, 3e4, -3e4];
        assert_eq!(cross_entropy(&logits, targets), 3e4);
        assert_eq!(cross_entropy_gradient(&logits, targets, 1.0), [0.0, 0.0, 0.5, -0.5]);
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let logits = Random::new(6).numbers(1000 * 10);
        let labels: Vec<u32> = (0..1000).map(|index| index * 7 % 10).collect();
        let targets = Targets { labels: &labels, classes: 10, label_smoothing: 0.1, class_weights: None };
        same_bits_on_any_threads(|| {
            vec![vec![cross_entropy(&logits, targets)], cross_entropy_gradient(&logits, targets, 1.0)]
        });
    }
}
