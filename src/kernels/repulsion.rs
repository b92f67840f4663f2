//! The repulsive forces of t-SNE, between every two points of a plane.
use super::simd::{Kernel, SimdLevel, Vector};
use rayon::prelude::*;

/// Lanes in which forces are summed, whatever the instruction set: the same numbers everywhere.
const LANES: usize = 16;

/// Of each point i, with q = 1 / (1 + |i − j|²): Σⱼ q over the other points, and Σⱼ q² (i − j) in x and in y.
pub fn repulsion(xs: &[f32], ys: &[f32]) -> Vec<[f32; 3]> {
    let level = SimdLevel::current();
    let row = |(x, y): (&f32, &f32)| level.run(Pushes { xs, ys, x: *x, y: *y });
    xs.par_iter().zip(ys).map(row).collect()
}

/// Of one point.
struct Pushes<'a> {
    xs: &'a [f32],
    ys: &'a [f32],
    x: f32,
    y: f32,
}

impl Kernel for Pushes<'_> {
    type Output = [f32; 3];

    #[inline(always)]
    fn run<V: Vector, const ROWS: usize>(self) -> [f32; 3] {
        let mut sums = [[0.0; LANES]; 3];
        let (xs, x_rest) = self.xs.as_chunks::<LANES>();
        let (ys, y_rest) = self.ys.as_chunks::<LANES>();
        for (xs, ys) in xs.iter().zip(ys) {
            for lane in 0..LANES {
                let push = push(self.x - xs[lane], self.y - ys[lane]);
                for (sum, push) in sums.iter_mut().zip(push) {
                    sum[lane] += push;
                }
            }
        }
        let mut totals = sums.map(|lanes| lanes.iter().sum::<f32>());
        for (x, y) in x_rest.iter().zip(y_rest) {
            for (total, push) in totals.iter_mut().zip(push(self.x - x, self.y - y)) {
                *total += push;
            }
        }
        // it does not push itself
        totals[0] -= 1.0;
        totals
    }
}

#[inline(always)]
fn push(dx: f32, dy: f32) -> [f32; 3] {
    let near = 1.0 / (1.0 + dx * dx + dy * dy);
    [near, near * near * dx, near * near * dy]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_pushes_as_the_formula_says() {
        let points: Vec<f32> = (0..77).map(|i| (i as f32 * 1.7).sin() * 3.0).collect();
        let (xs, ys) = (&points[..38], &points[39..]);
        for level in SimdLevel::available() {
            let found = level.with(|| repulsion(xs, ys));
            for (i, found) in found.iter().enumerate() {
                let mut expected = [0.0f64; 3];
                for j in (0..xs.len()).filter(|j| *j != i) {
                    let [dx, dy] = [xs[i] - xs[j], ys[i] - ys[j]].map(f64::from);
                    let near = 1.0 / (1.0 + dx * dx + dy * dy);
                    expected[0] += near;
                    expected[1] += near * near * dx;
                    expected[2] += near * near * dy;
                }
                for (found, expected) in found.iter().zip(expected) {
                    assert!((f64::from(*found) - expected).abs() < 1e-4, "{level:?}: {found}, {expected}");
                }
            }
        }
        assert_eq!(repulsion(&[1.0], &[2.0]), [[0.0, 0.0, 0.0]]);
    }
}
