//! Rotation prediction: each image is turned by 0, 90, 180 and 270 degrees, and the network says by how much: minimise
//! E[−log p(r | rotate(x, r))] (Gidaris, Singh and Komodakis, "Unsupervised representation learning by predicting image
//! rotations", 2018).
use super::{Batch, Looks, Loss, Objective, ObjectiveEntry, TensorStrip, classify::accuracy};
use crate::{
    evaluation::argmax,
    metrics::ROTATION_ACCURACY,
    models::{Network, Pass, Vars},
    ops::{self, Activation},
    protocol::Caption,
    sample::Modality,
    spec::{ComponentInfo, LiveParams},
};
use anyhow::{Result, ensure};
use candle_core::Tensor;
use std::sync::Arc;

pub(crate) const ENTRY: ObjectiveEntry = ObjectiveEntry {
    info: ComponentInfo {
        id: "rotation",
        label: "Rotation",
        help: "Learn without labels: images are turned by quarters, and the network says by how many. To know, it must see which way up things are.",
        params: &[],
    },
    serves: &[Modality::Images],
    needs_labels: false,
    headline: ROTATION_ACCURACY,
    augmentation: &[],
    build: |_, encoder, data, vars| {
        let shape = data.shape.image()?;
        ensure!(
            shape.height == shape.width,
            "Rotation needs square images: these are {} by {} pixels. Choose another objective",
            shape.width,
            shape.height
        );
        Ok(Box::new(Rotation::new(encoder, vars)?))
    },
};

const QUARTERS: usize = 4;

struct Rotation {
    encoder: Arc<Network>,
    weight: Tensor,
    bias: Tensor,
}

impl Rotation {
    fn new(encoder: Arc<Network>, vars: &mut Vars) -> Result<Self> {
        let features = encoder.embed_dim();
        Ok(Self {
            encoder,
            weight: vars.weight("objective.head.weight", &[features, QUARTERS], features)?,
            bias: vars.weight("objective.head.bias", &[QUARTERS], features)?,
        })
    }
}

impl Rotation {
    fn logits(&self, images: &Tensor, pass: &Pass<'_>) -> Result<Tensor> {
        let embedding = self.encoder.forward(images, pass)?;
        Ok(ops::linear(&embedding, &self.weight, Some(&self.bias), Activation::None)?)
    }
}

impl Objective for Rotation {
    fn loss(&self, batch: &Batch, pass: &Pass<'_>) -> Result<Loss> {
        let images = batch.inputs.dim(0)?;
        let quarters: Vec<u32> = (0..QUARTERS).flat_map(|r| vec![r as u32; images]).collect();
        let quarters = Tensor::new(quarters, batch.inputs.device())?;
        let logits = self.logits(&turned(&batch.inputs)?, pass)?;
        let loss = ops::cross_entropy(&logits, &quarters, 0.0)?;
        Ok(Loss { loss, metrics: vec![(ROTATION_ACCURACY, accuracy(&logits, &quarters)?)] })
    }

    fn looks(&self, batch: &Batch, _: &LiveParams) -> Result<Looks> {
        let images = batch.inputs.dim(0)?;
        // One image in all its turns, or each of several in one.
        let quarters: Vec<usize> = (0..images.max(QUARTERS)).map(|at| at % QUARTERS).collect();
        let places: Vec<u32> = quarters
            .iter()
            .enumerate()
            .map(|(at, quarter)| (quarter * images + at % images) as u32)
            .collect();
        let places = Tensor::new(places, batch.inputs.device())?;
        let shown = turned(&batch.inputs)?.index_select(&places, 0)?;
        let guesses = self.logits(&shown, &Pass::Evaluation)?.to_vec2::<f32>()?;
        let caption = |(guess, quarter): (&Vec<f32>, &usize)| Caption {
            text: format!("{}°", 90 * argmax(guess)),
            is_right: Some(argmax(guess) == *quarter),
        };
        let captions = guesses.iter().zip(&quarters).map(caption).collect();
        let help = "Each image is turned counterclockwise by quarters; beneath it is by how much the network thinks it was.";
        Ok(vec![TensorStrip { captions, ..TensorStrip::new("Turned", help, shown) }].into())
    }
}

/// Square images (batch, side, side, channels) as they are, then all turned by a quarter, a half, and three quarters.
fn turned(images: &Tensor) -> Result<Tensor> {
    let (batch, side, _, channels) = images.dims4()?;
    let pixels = images.reshape((batch, side * side, channels))?;
    let all: Vec<Tensor> = (0..QUARTERS)
        .map(|quarters| {
            let from: Vec<u32> = (0..side * side)
                .map(|pixel| {
                    let (mut y, mut x) = (pixel / side, pixel % side);
                    (0..quarters).for_each(|_| (y, x) = (x, side - 1 - y));
                    (y * side + x) as u32
                })
                .collect();
            pixels.index_select(&Tensor::new(from, images.device())?, 1)
        })
        .collect::<candle_core::Result<_>>()?;
    Ok(Tensor::cat(&all, 0)?.reshape((QUARTERS * batch, side, side, channels))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn images_are_turned_counterclockwise() -> Result<()> {
        let image = Tensor::new(&[1f32, 2., 3., 4.], &Device::Cpu)?.reshape((1, 2, 2, 1))?;
        let turned = turned(&image)?.reshape((4, 4))?.to_vec2::<f32>()?;
        assert_eq!(turned, [[1., 2., 3., 4.], [2., 4., 1., 3.], [4., 3., 2., 1.], [3., 1., 4., 2.]]);
        Ok(())
    }
}
