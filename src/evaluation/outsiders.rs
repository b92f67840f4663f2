//! Telling what looks like nothing that a network was trained on, by how strange it is. Where a network has not learnt to say
//! so itself, that is the distance of an example's features from those of the nearest class, in the directions and units in
//! which features of a class vary (Lee et al., "A simple unified framework for detecting out-of-distribution samples and
//! adversarial attacks", 2018, eq. 1 and 2).

/// Added to the variances, as a share of their mean, so that features that never vary divide nothing by zero.
const RIDGE: f64 = 1e-3;

/// Features of training examples, summed up: a mean for each class and one covariance for all.
#[derive(Clone, Debug, PartialEq)]
pub struct Insiders {
    /// Lower triangle of the Cholesky factor of the covariance, row by row.
    factor: Vec<Vec<f64>>,
    /// Each class's mean, whitened.
    means: Vec<Vec<f64>>,
}

impl Insiders {
    /// Sums up features of training examples; none where there are too few to do so.
    pub fn fit<'a>(
        features: impl Iterator<Item = &'a Vec<f32>> + Clone,
        labels: &[u16],
        classes: usize,
    ) -> Option<Self> {
        let dims = features.clone().next()?.len();
        let means = class_means(features.clone(), labels, classes, dims);
        let mut covariance = vec![vec![0.0; dims]; dims];
        for (row, label) in features.zip(labels) {
            let mean = means[usize::from(*label)].as_ref()?;
            let off: Vec<f64> = row.iter().zip(mean).map(|(value, mean)| f64::from(*value) - mean).collect();
            for (i, off_i) in off.iter().enumerate() {
                covariance[i][..=i].iter_mut().zip(&off).for_each(|(sum, off_j)| *sum += off_i * off_j);
            }
        }
        let count = labels.len() as f64;
        covariance.iter_mut().flatten().for_each(|sum| *sum /= count);
        let trace: f64 = (0..dims).map(|i| covariance[i][i]).sum();
        (0..dims).for_each(|i| covariance[i][i] += RIDGE * trace / dims as f64 + f64::MIN_POSITIVE);
        let factor = cholesky(covariance)?;
        let means = means.into_iter().flatten().map(|mean| whiten(&factor, mean.into_iter())).collect();
        Some(Self { factor, means })
    }

    /// The squared Mahalanobis distance of features from the nearest class.
    pub fn distance(&self, features: &[f32]) -> f64 {
        let white = whiten(&self.factor, features.iter().map(|value| f64::from(*value)));
        let from = |mean: &Vec<f64>| mean.iter().zip(&white).map(|(a, b)| (a - b) * (a - b)).sum();
        self.means.iter().map(from).fold(f64::INFINITY, f64::min)
    }
}

/// The strangeness from which on an example is an outsider: of each of several parts of the known examples, this share at
/// least is less strange. None where there are none.
pub fn threshold(parts: &[Vec<f64>], kept: f64) -> Option<f64> {
    let known = parts.iter().filter(|part| !part.is_empty());
    known.map(|part| quantile(part.clone(), kept)).reduce(f64::max)
}

/// The value up to which a share of some values lies.
fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (share * values.len() as f64).ceil() as usize;
    values.get(at.saturating_sub(1)).copied().unwrap_or_default()
}

/// None for a class without examples.
fn class_means<'a>(
    features: impl Iterator<Item = &'a Vec<f32>>,
    labels: &[u16],
    classes: usize,
    dims: usize,
) -> Vec<Option<Vec<f64>>> {
    let mut sums = vec![(vec![0.0; dims], 0); classes];
    for (row, label) in features.zip(labels) {
        let (sum, count) = &mut sums[usize::from(*label)];
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
        *count += 1;
    }
    let mean = |(sum, count): (Vec<f64>, usize)| {
        (count > 0).then(|| sum.into_iter().map(|sum| sum / count as f64).collect())
    };
    sums.into_iter().map(mean).collect()
}

/// L of A = L Lᵀ, for the lower triangle of A; none where A is not positive definite.
fn cholesky(mut a: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    for i in 0..a.len() {
        for j in 0..=i {
            let (rows_j, row_i) = (a[j].clone(), &a[i]);
            let dot: f64 = row_i[..j].iter().zip(&rows_j[..j]).map(|(x, y)| x * y).sum();
            let rest = a[i][j] - dot;
            a[i][j] = if i == j { rest.sqrt() } else { rest / rows_j[j] };
        }
        if !(a[i][i] > 0.0 && a[i][i].is_finite()) {
            return None;
        }
    }
    Some(a)
}

/// L⁻¹x: features in which those of a class vary alike in every direction.
fn whiten(factor: &[Vec<f64>], features: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut white: Vec<f64> = Vec::with_capacity(factor.len());
    for (row, value) in factor.iter().zip(features) {
        let at = white.len();
        let dot: f64 = row[..at].iter().zip(&white).map(|(l, w)| l * w).sum();
        white.push((value - dot) / row[at]);
    }
    white
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scikit-learn 1.9: `EmpiricalCovariance(assume_centered=True).fit(x - means[y]).mahalanobis(q - mean)`, the least
    /// over both classes.
    #[test]
    fn distances_are_those_of_scikit_learn() {
        let x =
            [[1.0, 2.0], [1.5, 1.0], [2.0, 3.0], [0.5, 2.5], [6.0, 1.0], [7.0, 2.0], [6.5, 0.0], [8.0, 1.5]];
        let x = x.map(|row| row.map(|value: f32| value).to_vec());
        let insiders = Insiders::fit(x.iter(), &[0, 0, 0, 0, 1, 1, 1, 1], 3).unwrap();
        for (query, expected) in
            [([1.0, 2.0], 0.148_467), ([4.0, 2.0], 19.931_786), ([0.0, -3.0], 48.079_679)]
        {
            let found = insiders.distance(&query);
            // the ridge makes distances smaller by about a thousandth
            assert!((found / expected - 1.0).abs() < 4e-3 && found < expected, "{found} {expected}");
        }
    }

    #[test]
    fn what_cannot_be_summed_up_is_refused_and_constant_features_do_no_harm() {
        assert_eq!(Insiders::fit([].iter(), &[], 2), None);
        let constant = [vec![1.0, 5.0], vec![2.0, 5.0], vec![4.0, 5.0]];
        let insiders = Insiders::fit(constant.iter(), &[0, 0, 1], 2).unwrap();
        assert!(insiders.distance(&[1.5, 5.0]) < 1.0 && insiders.distance(&[1.5, 6.0]) > 100.0);
        assert_eq!(Insiders::fit([vec![f32::NAN]].iter(), &[0], 1), None);
        let distances: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(quantile(distances, 0.97), 97.0);
        assert_eq!(quantile(vec![], 0.97), 0.0);
    }

    #[test]
    fn of_each_part_of_the_known_examples_a_share_is_kept() {
        let [common, stranger] = [0..100, 100..110].map(|range| range.map(f64::from).collect::<Vec<_>>());
        assert_eq!(threshold(&[common.clone(), vec![]], 0.9), Some(89.0));
        assert_eq!(threshold(&[common, stranger], 0.9), Some(108.0));
        assert_eq!(threshold(&[vec![]], 0.9), None);
    }
}
