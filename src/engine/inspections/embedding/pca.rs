//! Principal component analysis: the two directions in which rows differ most.
use crate::{embedding::Pca, rng::rng};
use anyhow::Result;
use candle_core::Tensor;
use rand::RngExt as _;

/// Rounds of the power method at most, and how little an axis has to move in the last one.
const ROUNDS: usize = 1000;
const STILL: f64 = 1e-7;

/// Of (rows, dimensions).
///
/// # Errors
/// candle's own.
pub fn fit(rows: &Tensor) -> Result<Pca> {
    let mean = rows.mean_keepdim(0)?;
    let centred = rows.broadcast_sub(&mean)?;
    let covariance = centred.t()?.matmul(&centred)?.affine(1.0 / rows.dim(0)?.max(1) as f64, 0.0)?;
    let covariance: Vec<Vec<f64>> = covariance
        .to_vec2::<f32>()?
        .into_iter()
        .map(|row| row.into_iter().map(f64::from).collect())
        .collect();
    let first = axis(&covariance, &[], 0);
    let second = axis(&covariance, std::slice::from_ref(&first), 1);
    let axes = [first, second].map(|axis| axis.into_iter().map(|number| number as f32).collect());
    Ok(Pca { mean: mean.flatten_all()?.to_vec1()?, axes })
}

/// The direction of the largest variance at right angles to `others`, by the power method.
fn axis(covariance: &[Vec<f64>], others: &[Vec<f64>], index: u64) -> Vec<f64> {
    let mut rng = rng(0, "pca", index);
    let mut axis: Vec<f64> = covariance.iter().map(|_| rng.random_range(-1.0..1.0)).collect();
    straighten(&mut axis, others);
    for _ in 0..ROUNDS {
        let mut next: Vec<f64> = covariance.iter().map(|row| dot(row, &axis)).collect();
        straighten(&mut next, others);
        let moved: f64 = next.iter().zip(&axis).map(|(a, b)| (a - b) * (a - b)).sum();
        axis = next;
        if moved < STILL * STILL {
            break;
        }
    }
    // of the two directions along it, the one whose largest number is positive: maps do not turn over
    let largest = axis.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or_default();
    axis.into_iter().map(|number| number * if largest < 0.0 { -1.0 } else { 1.0 }).collect()
}

/// At right angles to others, and at length 1.
fn straighten(axis: &mut [f64], others: &[Vec<f64>]) {
    for other in others {
        let along = dot(axis, other);
        axis.iter_mut().zip(other).for_each(|(number, other)| *number -= along * other);
    }
    let length = dot(axis, axis).sqrt();
    if length > 0.0 {
        axis.iter_mut().for_each(|number| *number /= length);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    /// ```python
    /// import numpy as np; from sklearn.decomposition import PCA
    /// X = np.array([[2, 0, 1], [4, 1, 3], [1, 5, 2], [7, 3, 3], [3, 2, 8.]]); p = PCA(2).fit(X)
    /// print(p.components_, p.transform(X)[1])
    /// ```
    #[test]
    fn axes_are_those_of_scikit_learn() -> Result<()> {
        let rows = [[2f32, 0.0, 1.0], [4.0, 1.0, 3.0], [1.0, 5.0, 2.0], [7.0, 3.0, 3.0], [3.0, 2.0, 8.0]];
        let pca = fit(&Tensor::new(&rows, &Device::Cpu)?)?;
        let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
        assert!(close(&pca.axes[0], &AXES[0]) && close(&pca.axes[1], &AXES[1]), "{:?}", pca.axes);
        assert!(close(&pca.place(&rows[1]), &PLACE), "{:?}", pca.place(&rows[1]));
        // where nothing differs, every axis is as good
        let same = fit(&Tensor::new(&[[1f32, 2.0], [1.0, 2.0]], &Device::Cpu)?)?;
        assert_eq!(same.place(&[1.0, 2.0]), [0.0, 0.0]);
        Ok(())
    }

    // with signs as they are chosen here
    const AXES: [[f32; 3]; 2] = [[0.330059, 0.006718, 0.943936], [0.912507, -0.258254, -0.317232]];
    const PLACE: [f32; 2] = [-0.187600, 0.984301];
}
