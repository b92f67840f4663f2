//! t-SNE: a map of points on which the neighbours of each stay near (van der Maaten and Hinton, "Visualizing data using
//! t-SNE", 2008), by gradient descent with the settings of scikit-learn. Affinities are of the nearest neighbours alone (van
//! der Maaten, "Accelerating t-SNE using tree-based algorithms", 2014); repulsion is summed up over all pairs, which at the
//! sizes of a map is as fast as approximating it.
use crate::kernels::repulsion::repulsion;
use rayon::prelude::*;

/// How many neighbours each point has, softly counted.
const PERPLEXITY: f64 = 30.0;
/// Neighbours that are looked at.
pub const NEIGHBOURS: usize = 90;
/// Steps in all, and those at the beginning in which neighbours attract each other so many times as much.
pub const STEPS: usize = 1000;
const EXAGGERATED_STEPS: usize = 250;
const EXAGGERATION: f32 = 12.0;
/// How much of a step is kept up in the next one, while they attract more and afterwards.
const MOMENTUM: [f32; 2] = [0.5, 0.8];
/// The spread of the points along the first axis at the start.
const START: f32 = 1e-4;

/// Points, and what each of them is to another one: the square of a distance, or an affinity.
type Row = Vec<(usize, f32)>;

/// A map in the making.
pub struct Tsne {
    /// Of each point its neighbours and their affinities, which add up to 1 over all points.
    affinities: Vec<Row>,
    /// All numbers of the points by axis.
    positions: [Vec<f32>; 2],
    velocities: [Vec<f32>; 2],
    gains: [Vec<f32>; 2],
    steps: usize,
}

impl Tsne {
    /// Begins at positions, of which only the proportions matter. `neighbours` are the nearest other points of each with
    /// the squares of their distances.
    pub fn new(neighbours: &[Row], start: &[[f32; 2]]) -> Self {
        let count = start.len();
        let spread = start.iter().map(|point| point[0] * point[0]).sum::<f32>() / count.max(1) as f32;
        let scale = START / spread.sqrt().max(f32::MIN_POSITIVE);
        Self {
            affinities: symmetric(neighbours.iter().map(|row| conditional(row)).collect()),
            positions: [0, 1].map(|axis| start.iter().map(|point| point[axis] * scale).collect()),
            velocities: [0, 1].map(|_| vec![0.0; count]),
            gains: [0, 1].map(|_| vec![1.0; count]),
            steps: 0,
        }
    }

    pub fn is_done(&self) -> bool {
        self.steps >= STEPS
    }

    pub fn steps(&self) -> usize {
        self.steps
    }

    pub fn positions(&self) -> Vec<[f32; 2]> {
        let [xs, ys] = &self.positions;
        xs.iter().zip(ys).map(|(x, y)| [*x, *y]).collect()
    }

    /// One step down the Kullback-Leibler divergence.
    pub fn step(&mut self) {
        let is_exaggerated = self.steps < EXAGGERATED_STEPS;
        let exaggeration = if is_exaggerated { EXAGGERATION } else { 1.0 };
        let momentum = MOMENTUM[usize::from(!is_exaggerated)];
        let count = self.affinities.len();
        let learning_rate = (count as f32 / EXAGGERATION / 4.0).max(50.0);
        let gradients = self.gradients(exaggeration);
        for axis in 0..2 {
            for (point, gradient) in gradients.iter().enumerate() {
                let (velocity, gain) = (&mut self.velocities[axis][point], &mut self.gains[axis][point]);
                // as Jacobs's delta-bar-delta has it: faster while the direction stays, slower when it turns
                let turns = *velocity * gradient[axis] > 0.0;
                *gain = if turns { (*gain * 0.8).max(0.01) } else { *gain + 0.2 };
                *velocity = momentum * *velocity - learning_rate * *gain * gradient[axis];
                self.positions[axis][point] += *velocity;
            }
        }
        self.steps += 1;
    }

    /// Of each point: 4 Σⱼ (p − q) q' (i − j), where q' = 1 / (1 + |i − j|²), q = q' / Σ q' and p is the affinity, times
    /// `exaggeration`.
    fn gradients(&self, exaggeration: f32) -> Vec<[f32; 2]> {
        let [xs, ys] = &self.positions;
        let pushes = repulsion(xs, ys);
        let total = pushes.iter().map(|push| f64::from(push[0])).sum::<f64>().max(f64::MIN_POSITIVE) as f32;
        let gradient = |point: usize| {
            let (neighbours, push) = (&self.affinities[point], &pushes[point]);
            let mut pull = [0.0; 2];
            for (other, affinity) in neighbours {
                let [dx, dy] = [xs[point] - xs[*other], ys[point] - ys[*other]];
                let strength = affinity / (1.0 + dx * dx + dy * dy);
                pull = [pull[0] + strength * dx, pull[1] + strength * dy];
            }
            [0, 1].map(|axis| 4.0 * (exaggeration * pull[axis] - push[axis + 1] / total))
        };
        (0..pushes.len()).into_par_iter().map(gradient).collect()
    }
}

/// Of one point: exp(−β d²) of its neighbours, adding up to 1, with β such that their perplexity is as wanted.
fn conditional(neighbours: &[(usize, f32)]) -> Row {
    let nearest = neighbours.iter().map(|(_, square)| *square).fold(f32::INFINITY, f32::min);
    let squares: Vec<f64> = neighbours.iter().map(|(_, square)| f64::from(square - nearest)).collect();
    let wanted = PERPLEXITY.min(neighbours.len() as f64).ln();
    let (mut beta, mut low, mut high) = (1.0, 0.0, f64::INFINITY);
    let mut shares = vec![];
    for _ in 0..100 {
        shares = squares.iter().map(|square| (-beta * square).exp()).collect();
        let total: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= total);
        let mean: f64 = shares.iter().zip(&squares).map(|(share, square)| share * square).sum();
        let entropy = total.ln() + beta * mean;
        if (entropy - wanted).abs() < 1e-5 {
            break;
        }
        if entropy > wanted {
            low = beta
        } else {
            high = beta
        }
        beta = if high.is_finite() { f64::midpoint(low, high) } else { beta * 2.0 };
    }
    neighbours.iter().zip(shares).map(|((other, _), share)| (*other, share as f32)).collect()
}

/// Mean of both directions, adding up to 1 over all points.
fn symmetric(rows: Vec<Row>) -> Vec<Row> {
    let scale = 1.0 / (2 * rows.len().max(1)) as f32;
    let mut both: Vec<Row> = vec![vec![]; rows.len()];
    for (point, row) in rows.into_iter().enumerate() {
        for (other, share) in row {
            both[point].push((other, share * scale));
            both[other].push((point, share * scale));
        }
    }
    both.into_par_iter().map(merged).collect()
}

/// Each neighbour once.
fn merged(mut row: Row) -> Row {
    row.sort_by_key(|(other, _)| *other);
    row.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 += later.1;
        }
        same
    });
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::rng;
    use rand::RngExt as _;

    /// Two heaps of points in five dimensions, far from each other, and the neighbours of each.
    fn heaps(count: usize) -> (Vec<Row>, Vec<[f32; 2]>) {
        let mut rng = rng(1, "heaps", 0);
        let points: Vec<[f32; 5]> = (0..count)
            .map(|point| [0; 5].map(|_| rng.random_range(-1.0..1.0) + if point % 2 == 0 { 0.0 } else { 9.0 }))
            .collect();
        let square =
            |a: &[f32; 5], b: &[f32; 5]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
        let near = |point: usize| {
            let mut others: Vec<(usize, f32)> = (0..count)
                .filter(|other| *other != point)
                .map(|other| (other, square(&points[point], &points[other])))
                .collect();
            others.sort_by(|a, b| a.1.total_cmp(&b.1));
            others.truncate(NEIGHBOURS);
            others
        };
        let start = points.iter().map(|point| [point[0], point[1]]).collect();
        ((0..count).map(near).collect(), start)
    }

    #[test]
    fn affinities_have_the_perplexity_and_add_up() {
        let (neighbours, _) = heaps(200);
        let row = conditional(&neighbours[3]);
        let entropy: f64 = row.iter().map(|(_, p)| -f64::from(*p) * f64::from(*p).max(1e-300).ln()).sum();
        assert!((entropy.exp() - PERPLEXITY).abs() < 0.01, "{}", entropy.exp());
        let all = symmetric(neighbours.iter().map(|row| conditional(row)).collect());
        let total: f32 = all.iter().flatten().map(|(_, affinity)| affinity).sum();
        assert!((total - 1.0).abs() < 1e-4, "{total}");
        let of =
            |a: usize, b: usize| all[a].iter().find(|(other, _)| *other == b).map(|(_, affinity)| *affinity);
        assert!(all[0].iter().all(|(other, affinity)| of(*other, 0) == Some(*affinity)));
    }

    #[test]
    fn gradients_are_those_of_the_divergence() {
        let (neighbours, start) = heaps(40);
        let mut tsne = Tsne::new(&neighbours, &start);
        for axis in 0..2 {
            tsne.positions[axis] = start.iter().map(|point| point[axis]).collect();
        }
        // KL(p ‖ q), but for what does not depend on the positions
        let divergence = |tsne: &Tsne| {
            let positions: Vec<[f64; 2]> =
                tsne.positions().iter().map(|point| point.map(f64::from)).collect();
            let near = |a: usize, b: usize| {
                let [dx, dy] = [0, 1].map(|axis| positions[a][axis] - positions[b][axis]);
                1.0 / (1.0 + dx * dx + dy * dy)
            };
            let count = positions.len();
            let total: f64 = (0..count)
                .flat_map(|a| (0..count).filter(move |b| *b != a).map(move |b| (a, b)))
                .map(|(a, b)| near(a, b))
                .sum();
            let cost = |(a, row): (usize, &Row)| {
                row.iter().map(|(b, p)| -f64::from(*p) * (near(a, *b) / total).ln()).sum::<f64>()
            };
            tsne.affinities.iter().enumerate().map(cost).sum::<f64>()
        };
        let gradients = tsne.gradients(1.0);
        for (point, axis) in [(0, 0), (7, 1), (39, 0)] {
            let at = tsne.positions[axis][point];
            let mut moved = |by: f32| {
                tsne.positions[axis][point] = at + by;
                let cost = divergence(&tsne);
                tsne.positions[axis][point] = at;
                cost
            };
            let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
            let found = f64::from(gradients[point][axis]);
            assert!((slope - found).abs() < 1e-4 + 1e-2 * slope.abs(), "{found} is not {slope}");
        }
    }

    #[test]
    fn heaps_stay_apart_on_the_map() {
        let (neighbours, start) = heaps(200);
        let run = || {
            let mut tsne = Tsne::new(&neighbours, &start);
            while !tsne.is_done() {
                tsne.step();
            }
            tsne.positions()
        };
        let positions = run();
        let distance =
            |a: usize, b: usize| (positions[a][0] - positions[b][0]).hypot(positions[a][1] - positions[b][1]);
        let nearest = |a: usize| {
            (0..200).filter(|b| *b != a).min_by(|b, c| distance(a, *b).total_cmp(&distance(a, *c)))
        };
        assert!((0..200).all(|a| nearest(a).unwrap() % 2 == a % 2));
        assert!(positions.iter().flatten().all(|number| number.is_finite()));
        assert_eq!(positions, run());
    }
}
