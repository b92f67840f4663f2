//! Embedding lookup: the rows of a table by their ids.

use super::simd::SimdLevel;
use super::tile::AddRows;
use super::{PIECE, build_chunks};

/// The rows of a table (vocabulary, features) that the ids name, (ids, features).
///
/// # Panics
/// When an id is not below the vocabulary, or the table holds no whole rows.
pub fn forward(ids: &[u32], table: &[f32], features: usize) -> Vec<f32> {
    assert!(table.len().is_multiple_of(features));
    let rows = (PIECE / features).max(1);
    build_chunks(ids.len() * features, rows * features, |index, y| {
        for (y, id) in y.chunks_exact_mut(features).zip(&ids[index * rows..]) {
            y.copy_from_slice(&table[*id as usize * features..][..features]);
        }
    })
}

/// The gradient of a table of `vocabulary` rows: each is the sum of the output's gradient (ids, features) over the uses
/// of its id, added up in their order.
///
/// # Panics
/// When an id is not below the vocabulary, or the gradient does not have the shape.
pub fn backward(ids: &[u32], gradient: &[f32], vocabulary: usize, features: usize) -> Vec<f32> {
    assert_eq!(gradient.len(), ids.len() * features);
    let (level, uses) = (SimdLevel::current(), Uses::of(ids, vocabulary));
    let rows = (PIECE / features).max(1);
    build_chunks(vocabulary * features, rows * features, |index, table| {
        for (id, sums) in (index * rows..).zip(table.chunks_exact_mut(features)) {
            for position in uses.of_id(id) {
                level.run(AddRows { rows: &gradient[position * features..][..features], sums });
            }
        }
    })
}

/// Where each id is used.
struct Uses {
    /// Grouped by id, in order.
    positions: Vec<usize>,
    /// Where the positions of each id start, and those of the last end.
    starts: Vec<usize>,
}

impl Uses {
    /// By a counting sort.
    fn of(ids: &[u32], vocabulary: usize) -> Self {
        let mut starts = vec![0; vocabulary + 1];
        for id in ids {
            starts[*id as usize + 1] += 1;
        }
        for id in 0..vocabulary {
            starts[id + 1] += starts[id];
        }
        let (mut next, mut positions) = (starts.clone(), vec![0; ids.len()]);
        for (position, id) in ids.iter().enumerate() {
            let next = &mut next[*id as usize];
            positions[*next] = position;
            *next += 1;
        }
        Uses { positions, starts }
    }

    fn of_id(&self, id: usize) -> &[usize] {
        &self.positions[self.starts[id]..self.starts[id + 1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Random, Reference, at_every_level, same_bits_on_any_threads};

    #[test]
    fn forward_and_backward_match_the_reference() {
        let mut random = Random::new(1);
        for _ in 0..40 {
            let (count, vocabulary, features) =
                (1 + random.below(300), 1 + random.below(40), 1 + random.below(67));
            let ids: Vec<u32> = (0..count).map(|_| random.below(vocabulary) as u32).collect();
            let table = random.numbers(vocabulary * features);
            let reference = Reference::new(&mut random, &[&table], |x| {
                ids.iter().flat_map(|id| &x[0][*id as usize * features..][..features]).copied().collect()
            });
            at_every_level(|| {
                let what = format!("{count} of {vocabulary}, {features} features");
                reference.assert_value(&forward(&ids, &table, features), &what);
                let gradient = backward(&ids, &reference.output_gradient, vocabulary, features);
                reference.assert_gradients(&[&gradient], &what);
            });
        }
    }

    #[test]
    fn an_id_that_is_not_used_gets_no_gradient() {
        assert_eq!(backward(&[2, 0, 2], &[1., 2., 10., 20., 3., 4.], 3, 2), [10., 20., 0., 0., 4., 6.]);
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let mut random = Random::new(2);
        let ids: Vec<u32> = (0..5000).map(|_| random.below(700) as u32 / 3).collect();
        let (table, gradient) = (random.numbers(700 * 96), random.numbers(5000 * 96));
        same_bits_on_any_threads(|| vec![forward(&ids, &table, 96), backward(&ids, &gradient, 700, 96)]);
    }
}
