//! Label propagation: the labels of a few examples are passed on, from neighbour to neighbour among the embeddings, to
//! examples without labels.
//!
//! Each example is joined with those whose embeddings are most like its own. Over this graph, F ← α S F + (1 − α) Y is
//! repeated, where Y holds the known labels and S = D^(−1/2) W D^(−1/2) the weights of the edges; an example's label is then
//! the largest number in its row of F (Zhou, Bousquet, Lal, Weston and Schölkopf, "Learning with local and global
//! consistency", 2004; weights as in Iscen et al., "Label propagation for deep semi-supervised learning", 2019).
use super::model::Model;
use crate::{
    data::{Dataset, Draw},
    errors::At as _,
    evaluation::argmax,
    models::tensors,
    ops::unit_rows,
};
use anyhow::{Context as _, Result, ensure};
use candle_core::{DType, Device, Tensor};
use rayon::prelude::*;
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

/// Examples that are joined with each.
const NEIGHBOURS: usize = 15;
/// The power to which the cosine of two embeddings is raised to weigh their edge.
const SHARPNESS: i32 = 3;
/// α: how much of an example's label comes from its neighbours in each round, and the number of rounds.
const ALPHA: f32 = 0.99;
const ROUNDS: usize = 60;
/// Examples embedded or compared in one portion: the longest that a drawing waits.
const PORTION: usize = 256;

/// The labels of the training examples, given and propagated.
#[derive(Clone, Debug, PartialEq)]
pub struct SelfLabels {
    by_example: BTreeMap<usize, u16>,
}

/// Computes [`SelfLabels`], one portion per call.
pub struct Spreading {
    /// Labelled examples first.
    examples: Vec<usize>,
    known: Vec<u16>,
    classes: usize,
    portions: Vec<Tensor>,
    /// (examples, features), each row at length 1.
    unit: Option<Tensor>,
    /// Of each example so far: those most like it, and the weights of the edges.
    nearest: Vec<Vec<(usize, f32)>>,
    /// Once these are known of all.
    flow: Option<Flow>,
}

/// Propagates labels over the edges of the graph, one round per call.
struct Flow {
    edges: Vec<Vec<(usize, f32)>>,
    /// Of each class, for each example.
    scores: Vec<Vec<f32>>,
    rounds: usize,
}

impl Spreading {
    /// From the labels of `labelled` examples to `others`.
    pub fn new(dataset: &Dataset, labelled: &[usize], others: &[usize]) -> Self {
        Self {
            examples: [labelled, others].concat(),
            known: labelled.iter().map(|example| dataset.train.labels()[*example]).collect(),
            classes: dataset.info.classes(),
            portions: vec![],
            unit: None,
            nearest: vec![],
            flow: None,
        }
    }

    /// What is being done, examples done, and examples in all: each is embedded, and then compared with the others.
    pub fn progress(&self) -> (&'static str, usize, usize) {
        let count = self.examples.len();
        let embedded = if self.unit.is_some() { count } else { count.min(self.portions.len() * PORTION) };
        ("Labelling examples", (embedded + self.nearest.len()) / 2, count)
    }

    /// Looks at one portion of the examples, or passes labels on by one round; at the end returns the labels, and the share
    /// of right ones among those that were not known: the true labels are used for nothing else.
    ///
    /// # Errors
    /// candle's own.
    pub fn advance(&mut self, model: &Model, dataset: &Dataset) -> Result<Option<(SelfLabels, f64)>> {
        let Some(unit) = &self.unit else {
            self.embed(model, dataset)?;
            return Ok(None);
        };
        if let Some(flow) = &mut self.flow {
            flow.pass_on(&self.known);
            if flow.rounds < ROUNDS {
                return Ok(None);
            }
            let labels = flow.labels(&self.known);
            return Ok(Some(self.labels(&labels, dataset)));
        }
        let begin = self.nearest.len();
        let rows = unit.narrow(0, begin, PORTION.min(self.examples.len() - begin))?;
        let cosines = rows.contiguous()?.matmul(&unit.t()?)?.to_vec2::<f32>()?;
        let nearest = cosines.par_iter().enumerate().map(|(row, cosines)| nearest(cosines, begin + row));
        self.nearest.extend(nearest.collect::<Vec<_>>());
        self.flow =
            (self.nearest.len() == self.examples.len()).then(|| Flow::new(&self.nearest, self.classes));
        Ok(None)
    }

    /// The labels as they are kept, and the share of right ones among those that were not known.
    fn labels(&self, labels: &[u16], dataset: &Dataset) -> (SelfLabels, f64) {
        let given = || self.examples.iter().zip(labels).skip(self.known.len());
        let right = given().filter(|(example, label)| dataset.train.labels()[**example] == **label).count();
        let accuracy = right as f64 / given().count().max(1) as f64;
        let by_example = self.examples.iter().copied().zip(labels.iter().copied()).collect();
        (SelfLabels { by_example }, accuracy)
    }

    fn embed(&mut self, model: &Model, dataset: &Dataset) -> Result<()> {
        let begin = self.portions.len() * PORTION;
        let end = (begin + PORTION).min(self.examples.len());
        let embeddings = model.embed(&dataset.train, &self.examples[begin..end])?;
        self.portions.push(unit_rows(&embeddings)?.to_device(&Device::Cpu)?);
        if end == self.examples.len() {
            self.unit = Some(Tensor::cat(&std::mem::take(&mut self.portions), 0)?);
        }
        Ok(())
    }
}

/// The places with the largest cosines but `own`, and the weights of the edges to them.
fn nearest(cosines: &[f32], own: usize) -> Vec<(usize, f32)> {
    let mut nearest: Vec<(usize, f32)> = Vec::with_capacity(NEIGHBOURS + 1);
    for (other, cosine) in cosines.iter().copied().enumerate() {
        let is_full = nearest.len() == NEIGHBOURS;
        if other == own || is_full && nearest.last().is_some_and(|(_, least)| cosine <= *least) {
            continue;
        }
        let place = nearest.partition_point(|(_, larger)| *larger >= cosine);
        nearest.insert(place, (other, cosine));
        nearest.truncate(NEIGHBOURS);
    }
    nearest.into_iter().map(|(other, cosine)| (other, cosine.max(0.0).powi(SHARPNESS))).collect()
}

impl Flow {
    fn new(nearest: &[Vec<(usize, f32)>], classes: usize) -> Self {
        let edges = normalised(nearest);
        Self { scores: vec![vec![0.0; classes]; edges.len()], edges, rounds: 0 }
    }

    /// One round: each example takes up what its neighbours have, and the first ones their known labels.
    fn pass_on(&mut self, known: &[u16]) {
        let pass_on = |(example, edges): (usize, &Vec<(usize, f32)>)| {
            let mut sums = vec![0.0; self.scores[example].len()];
            for (other, weight) in edges {
                let scores = &self.scores[*other];
                sums.iter_mut().zip(scores).for_each(|(sum, score)| *sum += ALPHA * weight * score);
            }
            if let Some(label) = known.get(example) {
                sums[usize::from(*label)] += 1.0 - ALPHA;
            }
            sums
        };
        self.scores = self.edges.par_iter().enumerate().map(pass_on).collect();
        self.rounds += 1;
    }

    /// The label of each example: the first ones' are known, the others' have come over the edges. An example that none of
    /// them has reached takes the first class.
    fn labels(&self, known: &[u16]) -> Vec<u16> {
        let others = self.scores.iter().skip(known.len()).map(|scores| argmax(scores) as u16);
        known.iter().copied().chain(others).collect()
    }
}

/// The edges of each example, both ways and divided by the roots of both ends' sums of weights.
fn normalised(nearest: &[Vec<(usize, f32)>]) -> Vec<Vec<(usize, f32)>> {
    let mut edges = nearest.to_vec();
    for (example, nearest) in nearest.iter().enumerate() {
        nearest.iter().for_each(|(other, weight)| edges[*other].push((example, *weight)));
    }
    let sum = |edges: &Vec<(usize, f32)>| edges.iter().map(|(_, weight)| weight).sum::<f32>().max(1e-9);
    let roots: Vec<f32> = edges.iter().map(|edges| sum(edges).sqrt()).collect();
    for (edges, root) in edges.iter_mut().zip(&roots) {
        edges.iter_mut().for_each(|(other, weight)| *weight /= root * roots[*other]);
    }
    edges
}

impl SelfLabels {
    /// One label for each draw.
    pub fn of(&self, draws: &[Draw]) -> Vec<u32> {
        draws.iter().map(|draw| u32::from(self.of_example(draw.example))).collect()
    }

    pub fn of_example(&self, example: usize) -> u16 {
        self.by_example[&example]
    }

    /// Writes them as safetensors: `labels`, and under the name `images`, as ever, the indices of their examples.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let examples: Vec<u32> = self.by_example.keys().map(|example| *example as u32).collect();
        let labels: Vec<u32> = self.by_example.values().map(|label| u32::from(*label)).collect();
        let tensors = HashMap::from([
            ("images", Tensor::new(examples, &Device::Cpu)?),
            ("labels", Tensor::new(labels, &Device::Cpu)?),
        ]);
        Ok(candle_core::safetensors::save(&tensors, path)?)
    }

    /// Reads back the labels of `examples`, which rise.
    ///
    /// # Errors
    /// Where the file cannot be read or holds labels of other examples.
    pub fn load(path: &Path, examples: &[usize], classes: usize) -> Result<Self> {
        let read = || -> Result<Self> {
            let tensors = tensors(path, 2 * examples.len(), &Device::Cpu)?;
            let tensor = |name: &str| tensors.get(name).with_context(|| format!("There are no {name}"));
            let of = tensor("images")?.to_vec1::<u32>()?;
            let labels = tensor("labels")?.to_dtype(DType::U32)?.to_vec1::<u32>()?;
            let is_same = of.iter().map(|example| *example as usize).eq(examples.iter().copied());
            ensure!(is_same && labels.len() == examples.len(), "They are labels of other examples");
            ensure!(labels.iter().all(|label| (*label as usize) < classes), "A label is out of range");
            Ok(Self {
                by_example: examples.iter().copied().zip(labels.iter().map(|label| *label as u16)).collect(),
            })
        };
        read().context("Could not read the labels that the network gave itself").at(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{DatasetInfo, Examples},
        shape::ImageShape,
        spec::{Choice, RunSpec},
    };

    fn spread(nearest: &[Vec<(usize, f32)>], known: &[u16], classes: usize) -> Vec<u16> {
        let mut flow = Flow::new(nearest, classes);
        (0..ROUNDS).for_each(|_| flow.pass_on(known));
        flow.labels(known)
    }

    /// Half of the examples are white, and one of each kind has a label.
    #[test]
    fn labelling_says_how_far_it_is_and_takes_many_turns() {
        let info = DatasetInfo {
            shape: ImageShape::new(4, 4, 1).into(),
            class_names: vec!["black".into(), "white".into()],
        };
        let pixels = (0..600 * 16)
            .map(|at: u32| if (at / 16).is_multiple_of(2) { at as u8 % 9 } else { 255 - at as u8 % 9 });
        let labels = (0..600).map(|example| example % 2);
        let part = || Examples::images(pixels.clone().collect(), labels.clone().collect());
        let dataset = Dataset::new(info, part(), part()).unwrap();
        let spec = RunSpec { encoder: Choice::new("mlp"), ..RunSpec::default() };
        let model = Model::build(&spec, &dataset.info).unwrap();
        let mut spreading = Spreading::new(&dataset, &[0, 1], &(2..600).collect::<Vec<_>>());
        let mut done = vec![];
        let (labels, accuracy) = loop {
            let (what, now, all) = spreading.progress();
            assert_eq!((what, all), ("Labelling examples", 600));
            done.push(now);
            if let Some(found) = spreading.advance(&model, &dataset).unwrap() {
                break found;
            }
        };
        assert_eq!(
            ([0, 1].map(|example| labels.of_example(example)), labels.by_example.len()),
            ([0, 1], 600)
        );
        assert!(accuracy > 0.5, "{accuracy}");
        assert_eq!(done[..7], [0, 128, 256, 300, 428, 556, 600]);
        assert_eq!(done.len(), 6 + ROUNDS, "each round is a turn: it can be stopped between any two");
    }

    /// Two rings of examples whose embeddings touch nowhere, one known label in each.
    #[test]
    fn labels_stay_within_what_hangs_together() {
        let count = 60;
        let ring = |example: usize| {
            let turn = (example / 2) as f32 / (count / 2) as f32 * std::f32::consts::TAU;
            let place = [turn.cos(), turn.sin()];
            if example.is_multiple_of(2) {
                [place[0], place[1], 0.0, 0.0]
            } else {
                [0.0, 0.0, place[0], place[1]]
            }
        };
        let cosine = |a: usize, b: usize| ring(a).iter().zip(ring(b)).map(|(a, b)| a * b).sum::<f32>();
        let row = |a: usize| (0..count).map(|b| cosine(a, b)).collect::<Vec<_>>();
        let edges: Vec<_> = (0..count).map(|example| nearest(&row(example), example)).collect();
        assert!(edges.iter().enumerate().all(|(example, edges)| {
            edges.len() == NEIGHBOURS
                && edges.iter().all(|(other, weight)| *other != example && *weight >= 0.0)
        }));
        let labels = spread(&edges, &[2, 1], 3);
        assert!(
            labels
                .iter()
                .enumerate()
                .all(|(example, label)| *label == if example.is_multiple_of(2) { 2 } else { 1 })
        );
    }

    /// A chain of three: the first one's label reaches the last over the second.
    #[test]
    fn edges_go_both_ways_and_are_normalised() {
        let edges = normalised(&[vec![(1, 2.0)], vec![(2, 2.0)], vec![]]);
        assert_eq!(edges[0], [(1, 0.5_f32.sqrt())]);
        let mut weights = edges[1].clone();
        weights.sort_by_key(|(other, _)| *other);
        assert_eq!(weights, [(0, 0.5_f32.sqrt()), (2, 0.5_f32.sqrt())]);
        assert_eq!(spread(&[vec![(1, 2.0)], vec![(2, 2.0)], vec![]], &[1], 2), [1, 1, 1]);
    }

    #[test]
    fn they_are_written_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("self_labels.safetensors");
        let labels = SelfLabels { by_example: [(3, 1), (5, 0), (9, 2)].into() };
        labels.save(&path).unwrap();
        assert_eq!(SelfLabels::load(&path, &[3, 5, 9], 3).unwrap(), labels);
        let draws = [9, 3].map(|example| Draw { example, epoch: 0 });
        assert_eq!(labels.of(&draws), [2, 1]);
        for (examples, classes) in [(vec![3, 5], 3), (vec![3, 5, 8], 3), (vec![3, 5, 9], 2)] {
            assert!(SelfLabels::load(&path, &examples, classes).is_err());
        }
        std::fs::write(&path, b"nothing").unwrap();
        let error = format!("{:#}", SelfLabels::load(&path, &[3, 5, 9], 3).unwrap_err());
        assert!(error.contains("gave itself") && error.contains("self_labels.safetensors"), "{error}");
    }
}
