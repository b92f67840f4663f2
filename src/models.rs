//! Encoders: what turns an image into an embedding. Each is a list of layers, from which the network and its summary
//! are both made.
use crate::{
    protocol::LayerInfo,
    registry,
    shape::{ImageShape, Shape},
    spec::{Choice, ComponentInfo},
};
use anyhow::Result;

mod batch_norm;
mod layers;
mod network;
mod pytorch;
pub mod shipped;
mod transfer;
mod vars;
mod windows;
pub use batch_norm::BatchNorm;
pub use layers::Layer;
pub use network::{Changes, Network, Pass};
pub use pytorch::{Pytorch, Rename};
pub use transfer::{Part, Weights, check, load_part};
pub use vars::{Vars, tensors};
pub use windows::Window;

registry!("encoder", EncoderEntry: seed_cnn, compact_cnn, mlp);

/// A kind of encoder.
pub struct EncoderEntry {
    pub info: ComponentInfo,
    pub layers: fn(&Choice) -> Vec<Layer>,
}

/// The layers of the encoder that a choice names.
///
/// # Errors
/// Where it is unknown.
pub fn layers(choice: &Choice) -> Result<Vec<Layer>> {
    Ok((find(&choice.id)?.layers)(choice))
}

/// How many convolutions and linear layers an encoder has.
///
/// # Errors
/// Where the encoder is unknown.
pub fn stages(encoder: &Choice) -> Result<usize> {
    let is_stage = |layer: &&Layer| matches!(layer, Layer::Conv { .. } | Layer::Linear { .. });
    Ok(layers(encoder)?.iter().filter(is_stage).count())
}

/// What the names of an encoder's variables begin with, for its last `count` convolutions and linear layers, each with
/// the normalisation behind it.
///
/// # Errors
/// Where the encoder is unknown.
pub fn last_stages(encoder: &Choice, count: usize) -> Result<Vec<String>> {
    let mut stages: Vec<Vec<String>> = vec![];
    for layer in layers(encoder)? {
        match layer {
            Layer::Conv { name, .. } | Layer::Linear { name, .. } => {
                stages.push(vec![format!("encoder.{name}.")]);
            }
            Layer::BatchNorm { name, .. } => {
                stages.last_mut().into_iter().for_each(|stage| stage.push(format!("encoder.{name}.")));
            }
            _ => {}
        }
    }
    let first = stages.len().saturating_sub(count);
    Ok(stages.drain(first..).flatten().collect())
}

/// The layers of a classifier, from image to prediction, without building it.
///
/// # Errors
/// Where the encoder is unknown, or its layers do not fit the images.
pub fn summary(encoder: &Choice, image: ImageShape, classes: usize) -> Result<Vec<LayerInfo>> {
    let mut shape = Shape::from(image);
    let mut rows = vec![];
    for layer in layers(encoder)?.iter().chain(&[layers::head(classes)]) {
        let row = layer.describe(shape)?;
        shape = layer.output(shape)?;
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MNIST: ImageShape = ImageShape { height: 28, width: 28, channels: 1 };

    #[test]
    fn stages_are_counted_from_the_last_with_their_norms() {
        let stages = |count| last_stages(&Choice::new("compact_cnn"), count).unwrap();
        assert!(stages(0).is_empty());
        assert_eq!(stages(2), ["encoder.conv3.", "encoder.norm3.", "encoder.fc."]);
        assert_eq!(stages(100).len(), 7);
        assert_eq!(super::stages(&Choice::new("compact_cnn")).unwrap(), 4);
    }

    #[test]
    fn the_reference_classifier_has_its_parameters() {
        let rows = summary(&Choice::new("seed_cnn"), MNIST, 10).unwrap();
        assert_eq!(rows.iter().map(|row| row.parameters).sum::<u64>(), 1_199_882);
        // 24.0 MFLOP to score an image: 2 × (26²×9×32 + 24²×288×64 + 9216×128 + 1280)
        assert_eq!(rows.iter().map(|row| row.flops).sum::<u64>(), 23_984_896);
        assert!(rows.iter().any(|row| row.output_shape == [12, 12, 64]));
    }

    #[test]
    fn every_encoder_builds_as_its_summary_says() {
        for entry in ALL {
            let choice = Choice::new(entry.info.id);
            let rows = summary(&choice, MNIST, 10).unwrap();
            let mut vars = Vars::new(1, candle_core::Device::Cpu);
            let layers = layers(&choice).unwrap();
            let network = Network::build(&layers, MNIST, "encoder", &mut vars).unwrap();
            let encoder: u64 = rows[..rows.len() - 1].iter().map(|row| row.parameters).sum();
            assert_eq!(
                vars.trained().map(|(_, var)| var.elem_count() as u64).sum::<u64>(),
                encoder,
                "{}",
                entry.info.id
            );
            let image = candle_core::Tensor::zeros(
                (2, 28, 28, 1),
                candle_core::DType::F32,
                &candle_core::Device::Cpu,
            );
            let embedding = network.forward(&image.unwrap(), &Pass::Evaluation).unwrap();
            assert_eq!(embedding.dims(), [2, network.embed_dim()]);
        }
    }

    #[test]
    fn images_that_are_too_small_are_refused() {
        let tiny = ImageShape { height: 4, width: 4, channels: 1 };
        let error = summary(&Choice::new("seed_cnn"), tiny, 10).unwrap_err().to_string();
        assert!(error.contains("too small"), "{error}");
    }
}
