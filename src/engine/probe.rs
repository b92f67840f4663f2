//! Whether an encoder learns anything, whatever its objective: what its embeddings of labelled images are like.
use crate::metrics::{EFFECTIVE_RANK, FEATURE_SPREAD, KNN_ACCURACY};
use anyhow::Result;
use candle_core::{D, Tensor};

/// Embeddings that are looked at, at most: their similarities are worked out in pairs.
pub const MAX_IMAGES: usize = 2000;
/// Neighbours that vote.
const NEIGHBOURS: usize = 20;

/// Metrics of embeddings (images, features) and the labels of their images.
///
/// # Errors
/// candle's own.
pub fn metrics(embeddings: &Tensor, labels: &[u32]) -> Result<Vec<(&'static str, f64)>> {
    let lengths = (embeddings.sqr()?.sum_keepdim(D::Minus1)? + 1e-24)?.sqrt()?;
    let unit = embeddings.broadcast_div(&lengths)?;
    Ok(vec![
        (KNN_ACCURACY, knn_accuracy(&unit, labels)?),
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

/// How many directions the embeddings use: (Σ λ)² / Σ λ² for the eigenvalues λ of their covariance, which is 1 on a line
/// and the number of features where all directions are used alike (the participation ratio).
fn effective_rank(embeddings: &Tensor) -> Result<f64> {
    let centred = embeddings.broadcast_sub(&embeddings.mean_keepdim(0)?)?;
    let covariance = centred.t()?.contiguous()?.matmul(&centred)?;
    let squares = f64::from(covariance.sqr()?.sum_all()?.to_scalar::<f32>()?);
    let trace = f64::from(centred.sqr()?.sum_all()?.to_scalar::<f32>()?);
    Ok(if squares > 0.0 { trace * trace / squares } else { 0.0 })
}

/// The root of the summed variances of embeddings of length 1: 0 where all images look the same to the encoder, towards
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
