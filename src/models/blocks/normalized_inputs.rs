//! Pixels as the network's weights were trained on them.
use super::{Block, Module, Step, row};
use crate::{
    models::{Builder, Flow, InputScale, Pass},
    ops::{self, Activation},
    protocol::LayerInfo,
};
use anyhow::Result;
use candle_core::Tensor;

/// Subtracts a mean from each channel, and divides by a deviation. It is a part of the network, so that all images, from
/// wherever they come, are seen alike; it learns nothing.
#[derive(Clone, Copy, Debug)]
pub struct NormalizedInputs(pub &'static InputScale);

impl Block for NormalizedInputs {
    fn output(&self, input: Flow) -> Result<Flow> {
        input.image(self)?;
        Ok(input)
    }

    fn describe(&self, input: Flow, name: &str) -> Result<Vec<LayerInfo>> {
        let flops = 2 * input.image(self)?.len() as u64;
        Ok(vec![LayerInfo { flops, ..row(name, format!("Pixels: {}", self.0.label), input) }])
    }

    fn build(&self, input: Flow, at: &mut Builder<'_>) -> Result<Vec<Step>> {
        let channels = input.image(self)?.channels;
        let [mean, deviation] = [self.0.mean, self.0.deviation].map(|numbers| of_channels(numbers, channels));
        let variance: Vec<f32> = deviation.iter().map(|deviation| deviation * deviation).collect();
        let constant = |numbers: &[f32]| Tensor::new(numbers, at.device());
        let built = Built {
            mean: constant(&mean)?,
            variance: constant(&variance)?,
            ones: constant(&vec![1.0; channels])?,
            zeros: constant(&vec![0.0; channels])?,
        };
        Ok(vec![Step::new(built, self.output(input)?)])
    }
}

/// Grey images have the average of red, green and blue.
fn of_channels(colours: [f32; 3], channels: usize) -> Vec<f32> {
    if channels == 3 { colours.into() } else { vec![colours.iter().sum::<f32>() / 3.0; channels] }
}

/// (channels) each.
struct Built {
    mean: Tensor,
    variance: Tensor,
    ones: Tensor,
    zeros: Tensor,
}

impl Module for Built {
    fn forward(&self, x: &Tensor, _: &Pass<'_>) -> candle_core::Result<Tensor> {
        let Self { mean, variance, ones, zeros } = self;
        ops::batch_norm_running(x, ones, zeros, [mean, variance], 0.0, Activation::None)
    }
}
