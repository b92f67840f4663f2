//! A map of examples by their embeddings: PCA at once, then t-SNE, a step or a few between any two batches.
use super::{Inspection, PartialFinding, Subject};
use crate::{
    data::{Dataset, thumbnails},
    embedding::{Embedded, Gaps, Map, MapMethod, Neighbourhood, Pca},
    engine::model::Model,
    metrics::Split,
    protocol::Finding,
    sample::Sample,
};
use anyhow::{Result, ensure};
use candle_core::{D, Device, Tensor};
use rayon::prelude::*;
use std::sync::Arc;
use tsne::Tsne;

mod pca;
mod tsne;

/// Examples embedded, or compared with all others, at once.
const PORTION: usize = 128;
/// t-SNE compares all pairs of examples in each step.
const MOST_WITH_TSNE: usize = 10_000;
/// Pairs of points that are compared in one portion, about.
const PAIRS: usize = 25_000_000;
/// The map is shown again after so many portions of t-SNE.
const SHOWN_EVERY: usize = 8;
/// The longest side of a thumbnail.
const THUMBNAIL: usize = 32;
/// Shares of the work: embedding, comparing, and t-SNE the rest.
const EMBEDDING: f32 = 0.2;
const COMPARING: f32 = 0.1;

/// Begins a map of `count` examples of a split, evenly drawn; of all where it is 0.
///
/// # Errors
/// Where there are too many examples for the method, or none.
pub fn begin(subject: Subject, split: Split, count: usize, method: MapMethod) -> Result<Box<dyn Inspection>> {
    let Subject { model, dataset, partition, .. } = subject;
    let all = partition.examples(split, dataset.test.len());
    let places = evenly(&all, count);
    ensure!(!places.is_empty(), "The {} part has no examples", split.id());
    ensure!(
        method != MapMethod::Tsne || places.len() <= MOST_WITH_TSNE,
        "t-SNE compares every example with every other one, {} examples are too many: ask for {MOST_WITH_TSNE} at most, or \
         for PCA",
        places.len()
    );
    Ok(Box::new(Mapping { model, dataset, split, places, method, rows: vec![], stage: Stage::Embedding }))
}

/// `count` of them, evenly drawn; all where it is 0.
fn evenly(all: &[usize], count: usize) -> Vec<usize> {
    if count == 0 || count >= all.len() {
        return all.to_vec();
    }
    (0..count).map(|at| all[at * all.len() / count]).collect()
}

struct Mapping {
    model: Arc<Model>,
    dataset: Arc<Dataset>,
    split: Split,
    places: Vec<usize>,
    method: MapMethod,
    /// Embeddings so far, (examples, dimensions) each.
    rows: Vec<Tensor>,
    stage: Stage,
}

enum Stage {
    Embedding,
    /// Looking for the neighbours of each example, those of the first ones known.
    Comparing {
        base: Base,
        neighbours: Vec<Vec<(usize, f32)>>,
    },
    /// By t-SNE.
    Moving {
        base: Base,
        tsne: Tsne,
    },
}

/// What a map is drawn on.
#[derive(Clone)]
struct Base {
    embedded: Arc<Embedded>,
    pca: Pca,
    /// (examples, dimensions), and the square of the length of each.
    rows: Tensor,
    squares: Tensor,
    neighbourhood: Option<Arc<Neighbourhood>>,
}

impl Inspection for Mapping {
    fn advance(&mut self) -> Result<PartialFinding> {
        match std::mem::replace(&mut self.stage, Stage::Embedding) {
            Stage::Embedding => self.embed(),
            Stage::Comparing { base, neighbours } => self.compare(base, neighbours),
            Stage::Moving { base, tsne } => Ok(self.r#move(base, tsne)),
        }
    }
}

impl Mapping {
    fn examples(&self) -> &crate::data::Examples {
        if self.split == Split::Test { &self.dataset.test } else { &self.dataset.train }
    }

    fn embed(&mut self) -> Result<PartialFinding> {
        let done = self.rows.len() * PORTION;
        let portion = &self.places[done..(done + PORTION).min(self.places.len())];
        let rows = self.model.embed(self.examples(), portion)?;
        self.rows.push(rows.to_device(&Device::Cpu)?);
        let done = done + portion.len();
        if done < self.places.len() {
            let whole = if self.method == MapMethod::Tsne { EMBEDDING } else { 1.0 };
            let share_done = (whole * done as f32 / self.places.len() as f32).min(0.99);
            return Ok(PartialFinding { share_done, finding: None });
        }
        let base = self.base()?;
        let positions = match self.method {
            MapMethod::None => vec![],
            _ => base
                .embedded
                .rows
                .chunks_exact(base.embedded.dimensions)
                .map(|row| base.pca.place(row))
                .collect(),
        };
        let method = if self.method == MapMethod::None { MapMethod::None } else { MapMethod::Pca };
        let finding = Some(base.map(method, positions));
        if self.method != MapMethod::Tsne {
            return Ok(PartialFinding { share_done: 1.0, finding });
        }
        self.stage = Stage::Comparing { base, neighbours: vec![] };
        Ok(PartialFinding { share_done: EMBEDDING, finding })
    }

    /// All that a map is drawn on, once every example has been embedded.
    fn base(&mut self) -> Result<Base> {
        let rows = Tensor::cat(&std::mem::take(&mut self.rows), 0)?;
        let pca = if self.method == MapMethod::None { Pca::default() } else { pca::fit(&rows)? };
        let shape = self.model.image_shape()?;
        let small = |example: &usize| -> Result<Vec<u8>> {
            Ok(thumbnails::small(&self.examples().image(*example)?, shape, THUMBNAIL))
        };
        let thumbnails = if self.method == MapMethod::None {
            vec![]
        } else {
            self.places.par_iter().map(small).collect::<Result<Vec<_>>>()?.concat()
        };
        let embedded = Embedded {
            split: self.split,
            class_names: self.dataset.info.class_names.clone(),
            examples: self.places.iter().map(|example| *example as u32).collect(),
            labels: self.places.iter().map(|example| self.examples().labels()[*example]).collect(),
            dimensions: rows.dim(1)?,
            rows: rows.flatten_all()?.to_vec1()?,
            thumbnail_shape: thumbnails::small_shape(shape, THUMBNAIL),
            thumbnails,
        };
        let squares = rows.sqr()?.sum_keepdim(D::Minus1)?;
        Ok(Base { embedded: Arc::new(embedded), pca, rows, squares, neighbourhood: None })
    }

    /// A portion of the examples with all.
    fn compare(&mut self, mut base: Base, mut neighbours: Vec<Vec<(usize, f32)>>) -> Result<PartialFinding> {
        let (begin, count) = (neighbours.len(), self.places.len());
        neighbours.extend(base.neighbours(begin, PORTION.min(count - begin))?);
        let share_done = EMBEDDING + COMPARING * neighbours.len() as f32 / count as f32;
        self.stage = if neighbours.len() < count {
            Stage::Comparing { base, neighbours }
        } else {
            base.neighbourhood = neighbourhood(&neighbours, &base.embedded.labels).map(Arc::new);
            let rows = base.embedded.rows.chunks_exact(base.embedded.dimensions);
            let start: Vec<_> = rows.map(|row| base.pca.place(row)).collect();
            Stage::Moving { base, tsne: Tsne::new(&neighbours, &start) }
        };
        Ok(PartialFinding { share_done, finding: None })
    }

    /// As many steps as take about as long as a portion of anything else.
    fn r#move(&mut self, base: Base, mut tsne: Tsne) -> PartialFinding {
        let steps = (PAIRS / self.places.len().pow(2).max(1)).clamp(1, 100);
        for _ in 0..steps {
            if !tsne.is_done() {
                tsne.step();
            }
        }
        let is_done = tsne.is_done();
        let is_shown = is_done || (tsne.steps() / steps).is_multiple_of(SHOWN_EVERY);
        let finding = is_shown.then(|| base.map(MapMethod::Tsne, tsne.positions()));
        let before = EMBEDDING + COMPARING;
        let moved = tsne.steps() as f32 / tsne::STEPS as f32;
        let share_done = if is_done { 1.0 } else { (before + (1.0 - before) * moved).min(0.999) };
        self.stage = Stage::Moving { base, tsne };
        PartialFinding { share_done, finding }
    }
}

impl Base {
    fn map(&self, method: MapMethod, positions: Vec<[f32; 2]>) -> Finding {
        Finding::Map(Arc::new(Map {
            embedded: self.embedded.clone(),
            method,
            positions,
            pca: self.pca.clone(),
            neighbourhood: self.neighbourhood.clone(),
        }))
    }

    /// The nearest other examples of some, with the squares of their distances: |a|² + |b|² − 2ab.
    fn neighbours(&self, begin: usize, count: usize) -> Result<Vec<Vec<(usize, f32)>>> {
        let some = self.rows.narrow(0, begin, count)?;
        let products = some.matmul(&self.rows.t()?)?;
        let squares = (products * -2.0)?
            .broadcast_add(&self.squares.narrow(0, begin, count)?)?
            .broadcast_add(&self.squares.t()?)?
            .to_vec2::<f32>()?;
        let nearest = |(at, row): (usize, Vec<f32>)| {
            let others = row.into_iter().enumerate().filter(|(other, _)| *other != begin + at);
            let mut others: Vec<(usize, f32)> =
                others.map(|(other, square)| (other, square.max(0.0))).collect();
            let order = |a: &(usize, f32), b: &(usize, f32)| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0));
            if tsne::NEIGHBOURS < others.len() {
                others.select_nth_unstable_by(tsne::NEIGHBOURS, order);
                others.truncate(tsne::NEIGHBOURS);
            }
            others
        };
        Ok(squares.into_par_iter().enumerate().map(nearest).collect())
    }
}

/// What is nearest to each example, by its neighbours and the squares of their distances; none where an example is alone.
fn neighbourhood(neighbours: &[Vec<(usize, f32)>], labels: &[u16]) -> Option<Neighbourhood> {
    let nearest = |others: &Vec<(usize, f32)>| {
        others.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)))
    };
    let nearest: Vec<(usize, f32)> = neighbours.iter().map(nearest).collect::<Option<_>>()?;
    let alike = nearest.iter().zip(labels).filter(|((other, _), label)| labels[*other] == **label).count();
    let alike = alike as f32 / nearest.len().max(1) as f32;
    let gaps = Gaps::new(nearest.into_iter().map(|(_, square)| square.sqrt()).collect());
    Some(Neighbourhood { gaps, alike })
}

/// The embedding of a sample.
///
/// # Errors
/// Where it has other bytes than its shape says.
pub fn of_one(model: &Model, sample: &Sample) -> Result<Vec<f32>> {
    Ok(model.embed(&model.fitted(std::slice::from_ref(sample))?, &[0])?.squeeze(0)?.to_vec1()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_drawn_evenly() {
        let all: Vec<usize> = (10..20).collect();
        assert_eq!(evenly(&all, 0), all);
        assert_eq!(evenly(&all, 99), all);
        assert_eq!(evenly(&all, 3), [10, 13, 16]);
    }

    #[test]
    fn the_nearest_of_each_image_is_counted() {
        let neighbours = [vec![(1, 9.0), (2, 4.0)], vec![(0, 9.0)], vec![(0, 4.0), (1, 16.0)]];
        let found = neighbourhood(&neighbours, &[7, 7, 3]).unwrap();
        assert_eq!(found.alike, 1.0 / 3.0);
        assert_eq!(found.gaps, Gaps::new(vec![2.0, 3.0, 2.0]));
        assert!(neighbourhood(&[vec![]], &[1]).is_none(), "it has no neighbour");
    }
}
