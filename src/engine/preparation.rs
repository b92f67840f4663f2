//! Preparing training examples: which ones a step sees, how they are augmented, and that they are ready in time.
use crate::{
    data::{self, Dataset, Draw, Examples, Gathered, Numbers, augment::Augmentation},
    shape::Shape,
    spec::{BATCH_SIZE, EPOCH_STEPS, RunSpec},
};
use anyhow::Result;
use std::sync::Arc;

/// How the training examples of a run are augmented.
pub struct Preparation {
    pub augmentation: Augmentation,
    pub seed: u64,
    pub shape: Shape,
    /// Augmented views of each example in a batch.
    pub views: usize,
}

impl Preparation {
    /// Examples as training sees them, augmented.
    ///
    /// # Errors
    /// Where an example is on disk and cannot be read any more.
    pub fn gather(&self, examples: &Examples, draws: &[Draw]) -> Result<Gathered> {
        if self.augmentation.is_none() {
            return examples.gather(&draws.iter().map(|draw| draw.example).collect::<Vec<_>>());
        }
        examples.gather_views(draws, self.shape.image()?, &self.augmentation, self.seed, self.views)
    }
}

/// The examples of one training step, ready.
pub struct Portion {
    pub step: u64,
    pub draws: Vec<Draw>,
    /// None where what frozen stages make of them is known.
    pub numbers: Option<Result<Gathered>>,
    /// Those that are of none of the classes.
    pub outsiders: Option<Result<Gathered>>,
}

/// Images of none of the classes, and which of them each step has.
pub struct Outsiders {
    examples: Arc<Examples>,
    batches: Batches,
    all: Vec<usize>,
}

impl Outsiders {
    /// So many of them to each step, all of them in turn.
    pub fn new(examples: Examples, each_step: u64, seed: u64) -> Self {
        let batches =
            Batches { batch_size: each_step, steps_per_pass: None, seed, labels: None, order: None };
        Self { all: (0..examples.len()).collect(), examples: Arc::new(examples), batches }
    }

    /// Those of a step.
    pub fn draws(&mut self, step: u64) -> (Arc<Examples>, Vec<Draw>) {
        (self.examples.clone(), self.batches.draws(&self.all, step))
    }
}

/// What it takes to prepare the examples of a step, on any thread.
pub struct Upcoming {
    pub step: u64,
    pub draws: Vec<Draw>,
    pub dataset: Arc<Dataset>,
    /// None where what frozen stages make of the examples is known.
    pub preparation: Option<Arc<Preparation>>,
    pub outsiders: Option<(Arc<Examples>, Vec<Draw>)>,
}

impl Upcoming {
    pub fn prepare(self) -> Portion {
        let Self { step, draws, .. } = self;
        let Some(preparation) = self.preparation else {
            return Portion { step, draws, numbers: None, outsiders: None };
        };
        let numbers = preparation.gather(&self.dataset.train, &draws);
        let outsiders = self.outsiders.map(|(examples, draws)| {
            let mut outsiders = preparation.gather(&examples, &draws)?;
            if let Ok(own) = &numbers {
                write_over(&mut outsiders, own, draws.len(), step as usize);
            }
            Ok(outsiders)
        });
        Portion { step, draws, numbers: Some(numbers), outsiders }
    }
}

/// One of so many outsiders is written over an example of the classes.
const WRITTEN_OVER: usize = 4;

/// Writes some of the outsiders of a step over examples of the classes: of each pixel the brighter one is seen. Otherwise a
/// network would know outsiders by how their ink looks, which is drawn where most digits are scanned, and would take for one
/// whatever is written with another pen.
fn write_over(outsiders: &mut Gathered, own: &Gathered, count: usize, step: usize) {
    let (Numbers::Floats(pixels), Numbers::Floats(own)) = (&mut outsiders.inputs, &own.inputs) else {
        return;
    };
    let size = pixels.len() / count.max(1);
    let Some(others) = own.len().checked_div(size).filter(|others| *others > 0) else { return };
    let first = step % WRITTEN_OVER;
    for (at, outsider) in pixels.chunks_exact_mut(size).enumerate().skip(first).step_by(WRITTEN_OVER) {
        let beneath = (step + at) % others * size;
        let beneath = &own[beneath..beneath + size];
        outsider.iter_mut().zip(beneath).for_each(|(over, under)| *over = over.max(*under));
    }
}

/// Which examples each step has. Where an epoch is one pass over the examples, its last batch may be smaller; otherwise batches
/// run on from one pass into the next.
pub struct Batches {
    batch_size: u64,
    /// Where an epoch is one pass over the examples.
    steps_per_pass: Option<u64>,
    seed: u64,
    /// Labels of the examples, where each class is to be seen as often as any other.
    labels: Option<Vec<u16>>,
    /// The order of the examples in a pass over them, kept while it lasts.
    order: Option<(u64, Vec<Draw>)>,
}

impl Batches {
    /// The batches of a run on this many training examples.
    pub fn new(spec: &RunSpec, examples: usize) -> Self {
        let batch_size = spec.training(&BATCH_SIZE) as u64;
        let is_pass = spec.training(&EPOCH_STEPS) == 0.0;
        let steps_per_pass = is_pass.then(|| (examples as u64).div_ceil(batch_size));
        Self { batch_size, steps_per_pass, seed: spec.seed, labels: None, order: None }
    }

    /// From now on each class is seen as often as any other; `labels` are those of the examples.
    pub fn balance(&mut self, labels: Vec<u16>) {
        self.labels = Some(labels);
        self.order = None;
    }

    pub fn draws(&mut self, train: &[usize], step: u64) -> Vec<Draw> {
        let (size, examples) = (self.batch_size, train.len() as u64);
        let places = match self.steps_per_pass {
            None => step * size..(step + 1) * size,
            Some(steps) => {
                let (pass, within) = (step / steps, step % steps);
                pass * examples + within * size..pass * examples + ((within + 1) * size).min(examples)
            }
        };
        places.map(|place| self.order(train, place / examples)[(place % examples) as usize]).collect()
    }

    /// The order of a pass over the examples.
    fn order(&mut self, train: &[usize], pass: u64) -> &[Draw] {
        let (seed, labels) = (self.seed, self.labels.as_deref());
        let order = || match labels {
            Some(labels) => data::balanced_order(train, labels, seed, pass),
            None => data::order(train, seed, pass),
        };
        let kept = self.order.take().filter(|(of, _)| *of == pass);
        &self.order.insert(kept.unwrap_or_else(|| (pass, order()))).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Section;

    fn batches(batch_size: f64, epoch_steps: f64, examples: usize) -> Batches {
        let mut spec = RunSpec::default();
        spec.set(Section::Training, &BATCH_SIZE, batch_size);
        spec.set(Section::Training, &EPOCH_STEPS, epoch_steps);
        Batches::new(&spec, examples)
    }

    #[test]
    fn one_outsider_of_four_is_written_over_an_example() {
        let gathered = |pixels: Vec<f32>| Gathered { inputs: Numbers::Floats(pixels), labels: None };
        let own = gathered(vec![0.0, 1.0, 0.5, 0.5]);
        let mut outsiders = gathered([0.6, 0.2].repeat(8));
        write_over(&mut outsiders, &own, 8, 1);
        let expected = [[0.6, 0.2], [0.6, 1.0], [0.6, 0.2], [0.6, 0.2]].concat().repeat(2);
        assert_eq!(outsiders, gathered(expected));
    }

    #[test]
    fn a_pass_sees_each_example_once_and_its_last_batch_takes_what_is_left() {
        let train: Vec<usize> = (10..20).collect();
        let mut batches = batches(4.0, 0.0, train.len());
        let steps: Vec<_> = (0..6).map(|step| batches.draws(&train, step)).collect();
        assert_eq!(steps.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2, 4, 4, 2]);
        for (epoch, pass) in steps.chunks(3).enumerate() {
            let mut examples: Vec<_> = pass.concat().iter().map(|draw| draw.example).collect();
            examples.sort_unstable();
            assert!(examples == train && pass.concat().iter().all(|draw| draw.epoch == epoch as u64));
        }
        assert_eq!(batches.draws(&train, 1), steps[1], "a step has its examples, whichever came before");
    }

    #[test]
    fn few_examples_are_gone_through_again_and_again() {
        let train = [3, 5, 8];
        let mut batches = batches(4.0, 7.0, train.len());
        let draws: Vec<_> = (0..3).flat_map(|step| batches.draws(&train, step)).collect();
        assert_eq!(
            draws.iter().map(|draw| draw.epoch).collect::<Vec<_>>(),
            [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
        );
        assert!(
            draws
                .chunks(3)
                .all(|pass| train.iter().all(|example| pass.iter().any(|draw| draw.example == *example)))
        );
    }
}
