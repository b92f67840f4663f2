//! What in an image speaks for a class, by several methods: one file and one word here for each.
use super::{Inspection, PartialFinding};
use crate::{
    engine::model::Model,
    evaluation::argmax,
    explanation::{Attribution, Explanation},
    ops,
    protocol::Finding,
    registry,
    sample::Sample,
    spec::ComponentInfo,
};
use anyhow::{Context as _, Result, ensure};
use candle_core::{Tensor, Var};
use std::sync::Arc;

mod parts;

registry!("explanation", ExplanationEntry: gradient_input, integrated_gradients, grad_cam, occlusion, rollout);

/// A way to find out what a network looks at. It is done in one portion, which is about as long as a batch.
pub struct ExplanationEntry {
    pub info: ComponentInfo,
    /// One number a pixel, row by row; none where the network has nothing that the method looks at.
    pub explain: fn(&Explained) -> Result<Option<Vec<f32>>>,
    /// Whether people expect it of any network, so that it is said where there is nothing to look at. Others are left out.
    pub is_expected: bool,
}

/// An image and what is asked of it.
pub struct Explained {
    pub model: Arc<Model>,
    /// (1, height, width, channels), from 0 to 1.
    pub image: Tensor,
    pub class: u16,
    pub instead_of: Option<u16>,
}

/// Begins to explain why an image is taken for a class, by default for the most probable one.
///
/// # Errors
/// Where the network learns without labels or has no such classes, or the image has other bytes than its shape says.
pub fn begin(
    model: &Arc<Model>,
    image: &Sample,
    class: Option<u16>,
    instead_of: Option<u16>,
) -> Result<Box<dyn Inspection>> {
    let class_names = model.class_names().to_vec();
    for named in [class, instead_of].into_iter().flatten() {
        ensure!(
            usize::from(named) < class_names.len(),
            "There is no class {named}: the network knows the classes 0 to {}",
            class_names.len() - 1
        );
    }
    let seen = model.fitted(std::slice::from_ref(image))?;
    let image = model.batch(&seen, &[0])?.inputs;
    let logits = ops::on_pool(|| model.logits(&image))?.squeeze(0)?.to_vec1::<f32>()?;
    let predicted = argmax(&logits) as u16;
    let class = class.unwrap_or(predicted);
    ensure!(instead_of != Some(class), "A class cannot be explained instead of itself: choose another one");
    let explained = Explained { model: model.clone(), image, class, instead_of };
    let shape = explained.model.image_shape()?;
    let outputs = explained.outputs(&Tensor::cat(&[&explained.image, &explained.empty()?], 0)?)?;
    let explanation = Explanation {
        class_names,
        class,
        instead_of,
        predicted,
        shape,
        pixels: seen.image(0)?.into(),
        output: outputs[0],
        empty_output: outputs[1],
        without: parts::without(&explained, seen.image(0)?.as_ref())?,
        attributions: vec![],
    };
    Ok(Box::new(Explaining { explained, done: 0, explanation }))
}

struct Explaining {
    explained: Explained,
    /// Methods that are done.
    done: usize,
    explanation: Explanation,
}

impl Inspection for Explaining {
    fn advance(&mut self) -> Result<PartialFinding> {
        if let Some(entry) = ALL.get(self.done) {
            let values = (entry.explain)(&self.explained).with_context(|| entry.info.label)?;
            let ComponentInfo { id, label, help, .. } = entry.info;
            if values.is_some() || entry.is_expected {
                self.explanation.attributions.push(Attribution { id, label, help, values });
            }
            self.done += 1;
        }
        let share_done = self.done as f32 / ALL.len() as f32;
        let finding = Finding::Explanation(Arc::new(self.explanation.clone()));
        Ok(PartialFinding { share_done, finding: Some(finding) })
    }
}

impl Explained {
    /// (images): what is explained, for some images.
    ///
    /// # Errors
    /// Where the images do not fit the model.
    pub fn outputs(&self, images: &Tensor) -> Result<Vec<f32>> {
        ops::on_pool(|| Ok(self.output(&self.model.logits(images)?)?.to_vec1()?))
    }

    /// The gradients of what is explained by the pixels of some images, in their shape.
    ///
    /// # Errors
    /// As [`outputs`](Self::outputs).
    pub fn gradients(&self, images: &Tensor) -> Result<Tensor> {
        self.gradients_by(images, |images| self.model.logits(images))
    }

    /// As [`gradients`](Self::gradients), by whatever `logits` is made from.
    ///
    /// # Errors
    /// As [`outputs`](Self::outputs).
    pub fn gradients_by(
        &self,
        tensor: &Tensor,
        logits: impl FnOnce(&Tensor) -> Result<Tensor> + Send,
    ) -> Result<Tensor> {
        let var = Var::from_tensor(tensor)?;
        ops::on_pool(|| {
            // each output depends on its own image alone, so that the gradient of their sum has all of theirs
            let sum = self.output(&logits(&var)?)?.sum_all()?;
            let mut gradients = sum.backward()?;
            gradients.remove(&var).map_or_else(|| Ok(tensor.zeros_like()?), Ok)
        })
    }

    /// An image without anything in it.
    ///
    /// # Errors
    /// candle's own.
    pub fn empty(&self) -> Result<Tensor> {
        Ok(self.image.zeros_like()?)
    }

    /// (images, classes) to (images): the logit of the class, less that of the other one.
    fn output(&self, logits: &Tensor) -> Result<Tensor> {
        let of = |class: u16| logits.narrow(1, usize::from(class), 1)?.squeeze(1);
        let output = of(self.class)?;
        Ok(self.instead_of.map_or(Ok(output.clone()), |other| output - of(other)?)?)
    }
}

/// (1, height, width, channels) to one number a pixel: the sum over its channels.
fn per_pixel(attribution: &Tensor) -> Result<Vec<f32>> {
    Ok(attribution.sum(3)?.flatten_all()?.to_vec1()?)
}

#[cfg(test)]
mod tests;
