//! Which training examples an encoder takes to be most like a drawing. A few thousand are embedded in small portions
//! between batches, and again when the weights have moved on.
use super::{model::Model, preview};
use crate::{
    data::{Dataset, Examples, Partition, evenly},
    embedding::Gaps,
    ops::unit_rows,
    protocol::{Caption, RunId, Strip},
};
use anyhow::Result;
use candle_core::Tensor;
use std::time::{Duration, Instant};

/// Embedded at once: a drawing waits no longer than that takes.
const PORTION: usize = 128;
/// How many are shown.
const NEAREST: usize = 8;
/// Validation images, of which is known how near the nearest training image is: the scale of distances.
const MEASURED: usize = 256;
/// Embeddings of older weights than that are computed again.
const MAX_AGE: Duration = Duration::from_secs(4);
/// The time until they are computed again, as a multiple of the time that they took.
const PAUSE: u32 = 25;

/// Embeddings of training examples, those that answer and those that are being made.
#[derive(Default)]
pub struct Neighbours {
    grown: Option<Grown>,
    growing: Option<Growing>,
}

/// All embeddings at some weights.
struct Grown {
    run: RunId,
    step: u64,
    examples: Vec<usize>,
    /// (examples, features), each row at length 1.
    unit: Tensor,
    /// Of validation images.
    gaps: Gaps,
    /// When they were finished, and how long that took.
    at: Instant,
    took: Duration,
}

struct Growing {
    run: RunId,
    step: u64,
    /// Those that are compared, `compared` in number, and those that are only measured.
    examples: Vec<usize>,
    compared: usize,
    portions: Vec<Tensor>,
    took: Duration,
}

impl Neighbours {
    /// Training examples that are compared, at most.
    pub const EXAMPLES: usize = 3000;

    /// The training examples that are compared, then the validation examples that are measured, all evenly drawn; and how many
    /// are compared.
    pub fn choose(partition: &Partition) -> (Vec<usize>, usize) {
        let compared = evenly(&partition.train, Self::EXAMPLES);
        let count = compared.len();
        ([compared, evenly(&partition.validation, MEASURED)].concat(), count)
    }

    /// How much of what is to be embedded is done, from 0 to 1.
    pub fn share_done(&self) -> f32 {
        self.growing.as_ref().map_or(1.0, |growing| {
            let done = (growing.portions.len() * PORTION) as f32;
            (done / growing.examples.len().max(1) as f32).min(0.999)
        })
    }

    /// The examples nearest to a drawing by the cosine of their embeddings, with their labels; none before any have been
    /// embedded.
    ///
    /// # Errors
    /// Where the drawing does not fit the model.
    pub fn strip(
        &self,
        run: &RunId,
        model: &Model,
        drawing: &Examples,
        data: &Dataset,
    ) -> Result<Option<Strip>> {
        let Some(grown) = self.grown.as_ref().filter(|grown| grown.run == *run) else { return Ok(None) };
        let embedding = unit_rows(&model.embed(drawing, &[0])?)?;
        let cosines = grown.unit.matmul(&embedding.t()?)?.flatten_all()?.to_vec1::<f32>()?;
        let mut order: Vec<usize> = (0..cosines.len()).collect();
        order.sort_by(|a, b| cosines[*b].total_cmp(&cosines[*a]));
        order.truncate(NEAREST);
        let nearest: Vec<usize> = order.iter().map(|at| grown.examples[*at]).collect();
        let caption = |at: &usize| {
            let class = &data.info.class_names[usize::from(data.train.labels()[grown.examples[*at]])];
            let rank = grown.gaps.rank(1.0 - cosines[*at]);
            let text = rank.map_or(class.clone(), |rank| format!("{class} · {rank}"));
            Caption { text, is_right: None }
        };
        let captions = order.iter().map(caption).collect();
        let help = "The training images that look most like this one to the network, by the angles between embeddings, with their labels. Closest 5 %: of the validation images, only 5 % have a training image as near as this one is to what you show.";
        let bytes = data.train.bytes(&nearest)?;
        let strip = preview::strip_of("Nearest training images", help, data.info.shape.image()?, bytes);
        Ok(Some(Strip { captions, ..strip }))
    }

    /// Begins again where the embeddings are of another run, or of weights that have gone.
    pub fn refresh(&mut self, run: &RunId, step: u64, (examples, compared): (Vec<usize>, usize)) {
        let is_fresh = self.grown.as_ref().is_some_and(|grown| {
            let rest = MAX_AGE.max(grown.took * PAUSE);
            grown.run == *run && (grown.step == step || grown.at.elapsed() < rest)
        });
        let is_growing = self.growing.as_ref().is_some_and(|growing| growing.run == *run);
        if !is_growing {
            let (portions, took) = (vec![], Duration::ZERO);
            let begin = || Growing { run: run.clone(), step, examples, compared, portions, took };
            self.growing = (!is_fresh).then(begin);
        }
    }

    /// Embeds one portion, if there is anything to be embedded.
    ///
    /// # Errors
    /// candle's own.
    pub fn grow(&mut self, model: &Model, data: &Dataset) -> Result<()> {
        let Some(mut growing) = self.growing.take() else { return Ok(()) };
        let began = Instant::now();
        let done = growing.portions.len() * PORTION;
        let portion = &growing.examples[done..(done + PORTION).min(growing.examples.len())];
        growing.portions.push(unit_rows(&model.embed(&data.train, portion)?)?);
        growing.took += began.elapsed();
        if done + PORTION < growing.examples.len() {
            self.growing = Some(growing);
            return Ok(());
        }
        let Growing { run, step, examples, compared, portions, took } = growing;
        let all = Tensor::cat(&portions, 0)?;
        let unit = all.narrow(0, 0, compared)?;
        let gaps = gaps(&unit, &all.narrow(0, compared, examples.len() - compared)?)?;
        self.grown = Some(Grown { run, step, examples, unit, gaps, at: Instant::now(), took });
        Ok(())
    }
}

/// How far each of some embeddings, (measured, features), is from the nearest of others, (images, features).
fn gaps(unit: &Tensor, measured: &Tensor) -> Result<Gaps> {
    if unit.dim(0)? == 0 || measured.dim(0)? == 0 {
        return Ok(Gaps::default());
    }
    let nearest = measured.matmul(&unit.t()?)?.max(1)?.to_vec1::<f32>()?;
    Ok(Gaps::new(nearest.into_iter().map(|cosine| 1.0 - cosine).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn measured_images_have_their_distance_from_the_nearest() {
        let unit = Tensor::new(&[[1f32, 0.0], [0.0, 1.0]], &Device::Cpu).unwrap();
        let measured = Tensor::new(&[[0.6f32, 0.8], [-1.0, 0.0], [0.0, 1.0]], &Device::Cpu).unwrap();
        let found = gaps(&unit, &measured).unwrap();
        assert_eq!(found, Gaps::new(vec![1.0 - 0.8, 1.0, 0.0]));
        assert_eq!(gaps(&unit, &unit.narrow(0, 0, 0).unwrap()).unwrap(), Gaps::default());
    }
}
