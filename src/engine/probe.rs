//! Probes of the embeddings of labelled examples: whether an encoder learns anything, whatever its objective.
use crate::{
    evaluation::argmax,
    metrics::{EFFECTIVE_RANK, FEATURE_SPREAD, KNN_ACCURACY, LINEAR_ACCURACY},
    ops::unit_rows,
};
use anyhow::Result;
use candle_core::{D, Tensor};

/// The most embeddings that are probed: similarities are computed in pairs.
pub const MAX_EXAMPLES: usize = 2000;
/// Neighbours that vote.
const NEIGHBOURS: usize = 20;
/// The ridge penalty of the linear probe, as a share of the mean squared feature.
const RIDGE: f64 = 1e-3;

/// Metrics of embeddings (examples, features) and the labels of their examples.
///
/// # Errors
/// candle's own.
pub fn metrics(embeddings: &Tensor, labels: &[u32]) -> Result<Vec<(&'static str, f64)>> {
    let unit = unit_rows(embeddings)?;
    Ok(vec![
        (KNN_ACCURACY, knn_accuracy(&unit, labels)?),
        (LINEAR_ACCURACY, linear_accuracy(&unit, labels)?),
        (EFFECTIVE_RANK, effective_rank(embeddings)?),
        (FEATURE_SPREAD, feature_spread(&unit)?),
    ])
}

/// The share of rows that the majority of their nearest other rows, by the cosine, would label right.
fn knn_accuracy(unit: &Tensor, labels: &[u32]) -> Result<f64> {
    let similarities = unit.matmul(&unit.t()?)?.to_vec2::<f32>()?;
    let classes = labels.iter().max().map_or(0, |label| *label as usize + 1);
    let is_right = |(row, similarities): (usize, &Vec<f32>)| {
        let mut others: Vec<usize> = (0..labels.len()).filter(|other| *other != row).collect();
        let nearest = NEIGHBOURS.min(others.len());
        // ties are settled by position, so that the same embeddings give the same answer
        let order = |a: &usize, b: &usize| similarities[*b].total_cmp(&similarities[*a]).then(a.cmp(b));
        if nearest < others.len() {
            others.select_nth_unstable_by(nearest, order);
        }
        let mut votes = vec![0; classes];
        others[..nearest].iter().for_each(|other| votes[labels[*other] as usize] += 1);
        let winner = (0..classes).rev().max_by_key(|class| votes[*class]);
        winner == Some(labels[row] as usize)
    };
    let right = similarities.iter().enumerate().filter(|row| is_right((row.0, row.1))).count();
    Ok(right as f64 / labels.len().max(1) as f64)
}

/// The share of the second half of the rows that a linear layer, fitted to the first half, labels right: ridge
/// regression onto the labels as vectors of zeros and a one, W = Xᵀ(XXᵀ + λ)⁻¹Y = (XᵀX + λ)⁻¹XᵀY, whichever is smaller
/// (Hastie, Tibshirani and Friedman, "The elements of statistical learning", 2009, sections 3.4.1, 4.2 and 18.3.5).
fn linear_accuracy(unit: &Tensor, labels: &[u32]) -> Result<f64> {
    let fitted = labels.len() / 2;
    let classes = labels.iter().max().map_or(0, |label| *label as usize + 1);
    if fitted == 0 {
        return Ok(0.0);
    }
    let ones = Tensor::ones((labels.len(), 1), unit.dtype(), unit.device())?;
    let x = Tensor::cat(&[unit, &ones], 1)?;
    let (seen, unseen) = (x.narrow(0, 0, fitted)?, x.narrow(0, fitted, labels.len() - fitted)?);
    let targets: Vec<f32> = labels[..fitted]
        .iter()
        .flat_map(|label| (0..classes).map(move |class| f32::from(class == *label as usize)))
        .collect();
    let targets = Tensor::from_vec(targets, (fitted, classes), unit.device())?;
    let transposed = seen.t()?.contiguous()?;
    let weights = if x.dim(1)? <= fitted {
        solve(&transposed.matmul(&seen)?, &transposed.matmul(&targets)?)?
    } else {
        transposed.matmul(&solve(&seen.contiguous()?.matmul(&transposed)?, &targets)?)?
    };
    let scores = unseen.contiguous()?.matmul(&weights)?.to_vec2::<f32>()?;
    let right = scores.iter().zip(&labels[fitted..]).filter(|(row, label)| argmax(row) == **label as usize);
    Ok(right.count() as f64 / (labels.len() - fitted) as f64)
}

/// (A + λ)⁻¹B for A (n, n), symmetric and without negative eigenvalues, and B (n, m), by Cholesky's decomposition; λ is
/// [`RIDGE`] times the mean of A's diagonal.
fn solve(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (n, m) = b.dims2()?;
    let doubles = |tensor: &Tensor| -> Result<Vec<Vec<f64>>> {
        let rows = tensor.to_vec2::<f32>()?;
        Ok(rows.into_iter().map(|row| row.into_iter().map(f64::from).collect()).collect())
    };
    let (mut lower, mut x) = (doubles(a)?, doubles(b)?);
    let ridge = RIDGE * (0..n).map(|i| lower[i][i]).sum::<f64>() / n as f64 + f64::MIN_POSITIVE.sqrt();
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for i in 0..n {
        lower[i][i] += ridge;
        for j in 0..=i {
            let rest = lower[i][j] - dot(&lower[i][..j], &lower[j][..j]);
            lower[i][j] = if i == j { rest.max(ridge).sqrt() } else { rest / lower[j][j] };
        }
    }
    // row = (row − Σ factor · other) / pivot
    let eliminate = |row: &mut [f64], others: &[Vec<f64>], factors: &dyn Fn(usize) -> f64, pivot: f64| {
        for (at, other) in others.iter().enumerate() {
            row.iter_mut().zip(other).for_each(|(number, other)| *number -= factors(at) * other);
        }
        row.iter_mut().for_each(|number| *number /= pivot);
    };
    for (i, factors) in lower.iter().enumerate() {
        let (before, rest) = x.split_at_mut(i);
        eliminate(&mut rest[0], before, &|k| factors[k], factors[i]);
    }
    for i in (0..n).rev() {
        let (rest, after) = x.split_at_mut(i + 1);
        eliminate(&mut rest[i], after, &|k| lower[i + 1 + k][i], lower[i][i]);
    }
    let numbers: Vec<f32> = x.into_iter().flatten().map(|number| number as f32).collect();
    Ok(Tensor::from_vec(numbers, (n, m), b.device())?)
}

/// How many directions the embeddings use: (Σ λ)² / Σ λ² for the eigenvalues λ of their covariance, which is 1 on a line
/// and the number of features where all directions are used alike (the participation ratio).
fn effective_rank(embeddings: &Tensor) -> Result<f64> {
    let centred = embeddings.broadcast_sub(&embeddings.mean_keepdim(0)?)?;
    let covariance = centred.t()?.contiguous()?.matmul(&centred)?;
    let squares = f64::from(covariance.sqr()?.sum_all()?.to_scalar::<f32>()?);
    let trace = f64::from(centred.sqr()?.sum_all()?.to_scalar::<f32>()?);
    Ok(if squares > 0.0 { trace * trace / squares } else { 0.0 })
}

/// The root of the summed variances of embeddings of length 1: 0 where all examples look the same to the encoder, towards
/// 1 where they point all ways (Chen and He, "Exploring simple Siamese representation learning", 2021, section 4.1).
fn feature_spread(unit: &Tensor) -> Result<f64> {
    let centred = unit.broadcast_sub(&unit.mean_keepdim(0)?)?;
    Ok(f64::from(centred.sqr()?.sum(D::Minus1)?.mean_all()?.to_scalar::<f32>()?).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn found(rows: &[[f32; 2]], labels: &[u32]) -> [f64; 3] {
        let embeddings = Tensor::from_slice(rows.as_flattened(), (rows.len(), 2), &Device::Cpu).unwrap();
        let found = metrics(&embeddings, labels).unwrap();
        [KNN_ACCURACY, EFFECTIVE_RANK, FEATURE_SPREAD]
            .map(|id| found.iter().find(|(metric, _)| *metric == id).unwrap().1)
    }

    #[test]
    fn collapsed_embeddings_are_seen() {
        let [_, rank, spread] = found(&[[0.6, 0.8]; 4], &[0, 1, 0, 1]);
        assert!(rank < 1.5 && spread < 1e-3, "{rank} {spread}");
        let [_, rank, spread] = found(&[[1., 0.], [-1., 0.], [0., 1.], [0., -1.]], &[0, 1, 0, 1]);
        assert!((rank - 2.0).abs() < 1e-5 && (spread - 1.0).abs() < 1e-5, "{rank} {spread}");
    }

    #[test]
    fn a_linear_layer_is_scored_on_others_than_it_is_fitted_on() {
        // the class is the side of a line, among features that say nothing; more features than rows, and fewer
        for features in [3, 60] {
            let number = |at: usize| ((at * 7919 + at * at * 31) % 1009) as f32 / 1009.0 - 0.5;
            let rows: Vec<f32> = (0..80 * features).map(number).collect();
            let label = |row: &[f32]| u32::from(row[0] > row[1]);
            let mut labels: Vec<u32> = rows.chunks(features).map(label).collect();
            let x = Tensor::from_slice(&rows, (80, features), &Device::Cpu).unwrap();
            let right = linear_accuracy(&x, &labels).unwrap();
            assert!(right > if features == 3 { 0.9 } else { 0.6 }, "{features}: {right}");
            labels[40..].iter_mut().for_each(|label| *label = 1 - *label);
            let wrong = linear_accuracy(&x, &labels).unwrap();
            assert!((right + wrong - 1.0).abs() < 1e-9, "{right} {wrong}");
        }
        assert_eq!(
            linear_accuracy(&Tensor::ones((1, 2), candle_core::DType::F32, &Device::Cpu).unwrap(), &[1])
                .unwrap(),
            0.0
        );
    }

    #[test]
    fn a_system_is_solved() {
        let tensor =
            |rows: &[[f32; 2]]| Tensor::from_slice(rows.as_flattened(), (2, 2), &Device::Cpu).unwrap();
        let x = solve(&tensor(&[[4., 2.], [2., 3.]]), &tensor(&[[8., 4.], [8., 2.]])).unwrap();
        let x = x.to_vec2::<f32>().unwrap();
        for (found, wanted) in x.iter().flatten().zip([1., 1., 2., 0.]) {
            assert!((found - wanted).abs() < 0.01, "{x:?}");
        }
    }

    #[test]
    fn neighbours_vote() {
        let rows: Vec<[f32; 2]> =
            (0..80).map(|i| if i < 40 { [1., 0.01 * i as f32] } else { [-1., 0.01 * i as f32] }).collect();
        let labels: Vec<u32> = (0..80).map(|i| u32::from(i >= 40)).collect();
        assert_eq!(found(&rows, &labels)[0], 1.0);
        let mut wrong = labels.clone();
        wrong[3] = 1;
        assert!((found(&rows, &wrong)[0] - 79.0 / 80.0).abs() < 1e-9);
    }
}
