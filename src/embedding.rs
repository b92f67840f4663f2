//! Embeddings of examples, a two-dimensional map of them, and the positions of further examples on it.
use crate::{metrics::Split, shape::ImageShape};
use std::sync::Arc;

/// How embeddings are projected to two dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapMethod {
    /// No map: the embeddings as they are.
    None,
    /// The two directions in which embeddings differ most.
    Pca,
    /// Neighbours stay neighbours.
    Tsne,
}

impl MapMethod {
    /// Every method.
    pub const ALL: [MapMethod; 3] = [MapMethod::None, MapMethod::Pca, MapMethod::Tsne];

    /// The name used on the command line and in files.
    pub fn id(self) -> &'static str {
        match self {
            MapMethod::None => "none",
            MapMethod::Pca => "pca",
            MapMethod::Tsne => "tsne",
        }
    }

    /// Looks a method up by its name.
    pub fn find(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.id() == id)
    }
}

/// Examples with their embeddings.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded {
    /// Where the examples are from.
    pub split: Split,
    /// What each label stands for.
    pub class_names: Vec<String>,
    /// Places in the part of the data set that the split belongs to.
    pub examples: Vec<u32>,
    /// The label of each example.
    pub labels: Vec<u16>,
    /// Numbers of an embedding.
    pub dimensions: usize,
    /// One embedding after another.
    pub rows: Vec<f32>,
    /// Of each example in small: height, width, channels.
    pub thumbnail_shape: ImageShape,
    /// (examples, height, width, channels).
    pub thumbnails: Vec<u8>,
}

/// A map of examples.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// The examples and their embeddings.
    pub embedded: Arc<Embedded>,
    /// What the positions were made by.
    pub method: MapMethod,
    /// One an example; none where no map was asked for.
    pub positions: Vec<[f32; 2]>,
    /// The principal axes, by which further examples are placed.
    pub pca: Pca,
    /// None before all images have been compared.
    pub neighbourhood: Option<Arc<Neighbourhood>>,
}

/// What lies nearest to the images of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbourhood {
    /// How far each image's embedding is from the nearest other one.
    pub gaps: Gaps,
    /// Share of the images whose nearest other image has the same label.
    pub alike: f32,
}

/// How far each of some images is from its nearest neighbour, rising: a scale for any distance of that kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gaps(Vec<f32>);

impl Gaps {
    /// In any order.
    pub fn new(mut distances: Vec<f32>) -> Self {
        distances.sort_unstable_by(f32::total_cmp);
        Self(distances)
    }

    /// The share of the images whose neighbour is farther away than `distance`; none where there are no images.
    pub fn farther(&self, distance: f32) -> Option<f32> {
        let nearer = self.0.partition_point(|gap| *gap <= distance);
        (!self.0.is_empty()).then(|| 1.0 - nearer as f32 / self.0.len() as f32)
    }

    /// "closest 5 %" where only 5 % of the images have a neighbour as near as that, "farthest 1 %" where only 1 % have one as
    /// far away.
    pub fn rank(&self, distance: f32) -> Option<String> {
        let farther = self.farther(distance)? * 100.0;
        let (end, share) = if farther < 50.0 { ("farthest", farther) } else { ("closest", 100.0 - farther) };
        Some(format!("{end} {:.0} %", share.ceil().max(1.0)))
    }
}

/// The two directions in which embeddings differ most.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pca {
    /// The mean embedding, (dimensions).
    pub mean: Vec<f32>,
    /// At length 1, one number a dimension.
    pub axes: [Vec<f32>; 2],
}

impl Pca {
    /// Where an embedding lies along the axes.
    pub fn place(&self, embedding: &[f32]) -> [f32; 2] {
        let centred = || embedding.iter().zip(&self.mean).map(|(number, mean)| number - mean);
        self.axes.each_ref().map(|axis| centred().zip(axis).map(|(number, axis)| number * axis).sum())
    }
}

/// An example's place among the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// Where it lies on the map.
    pub position: [f32; 2],
    /// The nearest examples, by their number on the map, and how far their embeddings are; the nearest first.
    pub nearest: Vec<(usize, f32)>,
}

/// Examples that pull an example that is not on the map to their places.
const PULLING: usize = 5;

impl Embedded {
    /// The embedding of an example, (dimensions).
    pub fn row(&self, example: usize) -> &[f32] {
        &self.rows[example * self.dimensions..][..self.dimensions]
    }

    /// The examples whose embeddings are nearest to one by Euclid's distance, with it; the nearest first.
    pub fn nearest(&self, embedding: &[f32], count: usize) -> Vec<(usize, f32)> {
        let distance =
            |row: &[f32]| row.iter().zip(embedding).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt();
        let rows = self.rows.chunks_exact(self.dimensions.max(1));
        let mut all: Vec<(usize, f32)> = rows.map(distance).enumerate().collect();
        let order = |a: &(usize, f32), b: &(usize, f32)| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0));
        if count < all.len() {
            all.select_nth_unstable_by(count, order);
            all.truncate(count);
        }
        all.sort_unstable_by(order);
        all
    }

    /// The name of an example's class; "?" where the class has none.
    pub fn class_name(&self, example: usize) -> &str {
        self.class_names.get(usize::from(self.labels[example])).map_or("?", String::as_str)
    }
}

impl Map {
    /// Where an example belongs that is not on the map, by its embedding: exactly with PCA; else among its nearest, whose
    /// places are weighed by 1 / distance². None where the embedding is another network's, or there is no map.
    pub fn place(&self, embedding: &[f32], count: usize) -> Option<Placement> {
        if self.positions.is_empty() || embedding.len() != self.embedded.dimensions {
            return None;
        }
        let nearest = self.embedded.nearest(embedding, count.max(PULLING));
        let position = match self.method {
            MapMethod::Pca => self.pca.place(embedding),
            MapMethod::Tsne | MapMethod::None => self.among(&nearest[..nearest.len().min(PULLING)]),
        };
        Some(Placement { position, nearest: nearest.into_iter().take(count).collect() })
    }

    fn among(&self, nearest: &[(usize, f32)]) -> [f32; 2] {
        let weight = |distance: f32| 1.0 / f64::from(distance * distance).max(1e-12);
        let total: f64 = nearest.iter().map(|(_, distance)| weight(*distance)).sum();
        let share = |(example, distance): &(usize, f32), axis: usize| {
            f64::from(self.positions[*example][axis]) * weight(*distance) / total
        };
        [0, 1].map(|axis| nearest.iter().map(|near| share(near, axis)).sum::<f64>() as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(method: MapMethod) -> Map {
        let embedded = Embedded {
            split: Split::Train,
            class_names: vec!["a".into(), "b".into()],
            examples: vec![10, 20, 30],
            labels: vec![0, 1, 1],
            dimensions: 2,
            rows: vec![0.0, 0.0, 3.0, 4.0, 0.0, 10.0],
            thumbnail_shape: ImageShape::new(1, 1, 1),
            thumbnails: vec![0; 3],
        };
        let pca = Pca { mean: vec![1.0, 2.0], axes: [vec![0.0, 1.0], vec![1.0, 0.0]] };
        let positions = vec![[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]];
        Map { embedded: Arc::new(embedded), method, positions, pca, neighbourhood: None }
    }

    #[test]
    fn an_example_lies_where_its_neighbours_lie() {
        let map = map(MapMethod::Tsne);
        let at = map.place(&[0.0, 0.0], 2).unwrap();
        assert_eq!(at.nearest, [(0, 0.0), (1, 5.0)]);
        assert!(at.position[0].abs() < 1e-6 && at.position[1].abs() < 1e-6, "{at:?}");
        // as far from the first as from the second, and √(9 + 49) from the third
        let [x, y] = map.place(&[3.0, 0.0], 3).unwrap().position;
        let weights = [1.0 / 9.0, 1.0 / 16.0, 1.0 / 109.0];
        let total: f32 = weights.iter().sum();
        assert!((x - 10.0 * weights[1] / total).abs() < 1e-4 && (y - 10.0 * weights[2] / total).abs() < 1e-4);
        assert_eq!(map.embedded.class_name(2), "b");
    }

    #[test]
    fn pca_places_exactly_and_strangers_nowhere() {
        let map = map(MapMethod::Pca);
        assert_eq!(map.place(&[4.0, 7.0], 1).unwrap().position, [5.0, 3.0]);
        assert_eq!(map.place(&[4.0, 7.0, 1.0], 1), None);
        assert_eq!(Map { positions: vec![], ..map }.place(&[4.0, 7.0], 1), None);
    }

    #[test]
    fn a_distance_is_read_among_those_of_others() {
        let gaps = Gaps::new((1..=100).rev().map(|gap| gap as f32).collect());
        assert_eq!(gaps.farther(5.0), Some(0.95));
        let ranks = [0.0, 5.0, 50.0, 60.5, 98.5, 500.0].map(|distance| gaps.rank(distance).unwrap());
        let expected =
            ["closest 1 %", "closest 5 %", "closest 50 %", "farthest 40 %", "farthest 2 %", "farthest 1 %"];
        assert_eq!(ranks, expected);
        assert_eq!((Gaps::default().farther(1.0), Gaps::default().rank(1.0)), (None, None));
    }
}
