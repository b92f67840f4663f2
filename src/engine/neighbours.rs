//! Which training examples an encoder takes to be most like a drawing. A few thousand are embedded in small portions
//! between batches, and again when the weights have moved on.
use super::{model::Model, preview};
use crate::{
    data::{Dataset, Examples},
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
    /// When they were finished, and how long that took.
    at: Instant,
    took: Duration,
}

struct Growing {
    run: RunId,
    step: u64,
    examples: Vec<usize>,
    portions: Vec<Tensor>,
    took: Duration,
}

impl Neighbours {
    /// Training examples that are compared, at most.
    pub const EXAMPLES: usize = 3000;

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
            Caption { text: format!("{class} · {:.2}", (1.0 - cosines[*at]).max(0.0)), is_right: None }
        };
        let captions = order.iter().map(caption).collect();
        let help = "The training images that look most like this one to the network, with their labels and distances: 0 is the same direction of embedding, 1 at right angles.";
        let bytes = data.train.bytes(&nearest)?;
        let strip = preview::strip_of("Nearest training images", help, data.info.shape.image()?, bytes);
        Ok(Some(Strip { captions, ..strip }))
    }

    /// Begins again where the embeddings are of another run, or of weights that have gone.
    pub fn refresh(&mut self, run: &RunId, step: u64, examples: Vec<usize>) {
        let is_fresh = self.grown.as_ref().is_some_and(|grown| {
            let rest = MAX_AGE.max(grown.took * PAUSE);
            grown.run == *run && (grown.step == step || grown.at.elapsed() < rest)
        });
        let is_growing = self.growing.as_ref().is_some_and(|growing| growing.run == *run);
        if !is_growing {
            let begin =
                || Growing { run: run.clone(), step, examples, portions: vec![], took: Duration::ZERO };
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
        let Growing { run, step, examples, portions, took } = growing;
        let unit = Tensor::cat(&portions, 0)?;
        self.grown = Some(Grown { run, step, examples, unit, at: Instant::now(), took });
        Ok(())
    }
}
