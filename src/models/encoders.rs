//! Encoders: what turns an input into an embedding. Each is a tree of blocks, from which the network and its summary are
//! both made.
use super::{
    Flow,
    blocks::{Block, Linear, NormalizedInputs, Sequence},
    input_scale,
};
use crate::{
    ops::Activation,
    protocol::LayerInfo,
    registry,
    sample::Modality,
    shape::Shape,
    spec::{Choice, ComponentInfo},
};
use anyhow::Result;

registry!(
    "encoder",
    EncoderEntry:
    seed_cnn,
    compact_cnn,
    mlp,
    resnet,
    vgg,
    mobilenet_v2,
    efficientnet_lite0,
    vit,
    #[cfg(test)]
    toy,
);

/// A kind of encoder.
pub struct EncoderEntry {
    /// Its name, help and hyperparameters.
    pub info: ComponentInfo,
    /// The kinds of data that its blocks take.
    pub serves: &'static [Modality],
    /// The network, for given hyperparameters.
    pub blocks: fn(&Choice) -> Sequence,
}

/// The encoders that take a kind of data.
pub fn serving(data: Modality) -> impl Iterator<Item = &'static EncoderEntry> {
    ALL.iter().filter(move |entry| entry.serves.contains(&data))
}

/// The name of the layer that a classifier puts on top of an encoder.
pub const HEAD: &str = "head";

/// The layer that a classifier puts on top of an encoder.
pub fn head(classes: usize) -> Linear {
    Linear::new(classes, Activation::None)
}

/// The blocks of the encoder that a choice names, after those that normalise its inputs, if any do.
///
/// # Errors
/// Where it is unknown.
pub fn blocks(choice: &Choice) -> Result<Sequence> {
    let encoder = (find(&choice.id)?.blocks)(choice);
    Ok(match input_scale(choice) {
        Some(scale) => Sequence::new().then(NormalizedInputs(scale)).then(encoder),
        None => encoder,
    })
}

/// How many convolutions and linear layers an encoder has.
///
/// # Errors
/// Where the encoder is unknown.
pub fn stages(choice: &Choice) -> Result<usize> {
    Ok(blocks(choice)?.stages())
}

/// The layers of a classifier, from input to prediction, without building it.
///
/// # Errors
/// Where the encoder is unknown, or its blocks do not fit the input.
pub fn summary(encoder: &Choice, input: Shape, classes: usize) -> Result<Vec<LayerInfo>> {
    let (encoder, input) = (blocks(encoder)?, Flow::of(input));
    let mut rows = encoder.describe(input, "")?;
    rows.extend(head(classes).describe(encoder.output(input)?, HEAD)?);
    Ok(rows)
}

#[cfg(test)]
mod pytorch_tests;
#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{
        models::{Network, Pass, Vars},
        shape::ImageShape,
    };
    use candle_core::{DType, Device, Tensor};

    /// An encoder with some of its hyperparameters.
    pub fn chosen(id: &str, values: &[(&str, f64)]) -> Choice {
        let values = values.iter().map(|(key, value)| (key.to_string(), *value)).collect();
        Choice { values, ..Choice::new(id) }
    }

    /// Parameters, and multiplications by convolutions and linear layers, of a classifier of 1,000 classes for colour images
    /// of this many pixels on each side.
    pub fn published(encoder: &Choice, side: usize) -> (u64, u64) {
        let rows = summary(encoder, ImageShape::new(side, side, 3).into(), 1000).unwrap();
        let products =
            rows.iter().filter(|row| ["onvolution", "Linear"].iter().any(|kind| row.kind.contains(kind)));
        (rows.iter().map(|row| row.parameters).sum(), products.map(|row| row.flops).sum::<u64>() / 2)
    }

    const MNIST: Shape = Shape::Image(ImageShape { height: 28, width: 28, channels: 1 });

    fn built(encoder: &str) -> (Network, Vars) {
        let mut vars = Vars::new(1, Device::Cpu);
        let network = Network::build(&blocks(&Choice::new(encoder)).unwrap(), MNIST, &mut vars).unwrap();
        (network, vars)
    }

    #[test]
    fn stages_are_counted_from_the_last_with_their_norms() {
        let (network, vars) = built("compact_cnn");
        assert_eq!((network.stages(), stages(&Choice::new("compact_cnn")).unwrap()), (4, 4));
        let layers = |count| {
            let names = vars.last_stages(count).into_iter();
            let mut layers: Vec<_> = names.filter_map(|name| Some(name.rsplit_once('.')?.0)).collect();
            layers.dedup();
            layers
        };
        assert!(layers(0).is_empty());
        assert_eq!(layers(2), ["encoder.conv3", "encoder.norm3", "encoder.fc"]);
        assert_eq!(layers(100).len(), 7);
        assert_eq!(vars.last_stages(100).len(), vars.all().count());
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
        for entry in serving(Modality::Images) {
            let choice = Choice::new(entry.info.id);
            let rows = summary(&choice, MNIST, 10).unwrap();
            let (network, vars) = built(entry.info.id);
            let encoder: u64 = rows[..rows.len() - 1].iter().map(|row| row.parameters).sum();
            assert_eq!(
                vars.trained().map(|(_, var)| var.elem_count() as u64).sum::<u64>(),
                encoder,
                "{}",
                entry.info.id
            );
            let image = Tensor::zeros((2, 28, 28, 1), DType::F32, &Device::Cpu).unwrap();
            let embedding = network.forward(&image, &Pass::Evaluation).unwrap();
            assert_eq!(embedding.dims(), [2, network.embed_dim()]);
        }
    }

    #[test]
    fn receptive_fields_grow_from_layer_to_layer() {
        let maps = |encoder| built(encoder).0.map_infos().to_vec();
        let seed = maps("seed_cnn");
        assert_eq!(
            seed.iter().map(|map| (map.name.as_str(), map.filters)).collect::<Vec<_>>(),
            [("conv1", 32), ("conv2", 64)]
        );
        assert_eq!([seed[0].field.at(0, 25), seed[1].field.at(2, 3)], [[0, 25, 3], [2, 3, 5]]);
        // two strides of 2 with padding: 3, then 3 + 2 × 2, then 7 + 2 × 4
        let compact = maps("compact_cnn");
        let first: Vec<_> = compact.iter().map(|map| map.field.at(0, 1)).collect();
        assert_eq!(first, [[-1, 1, 3], [-3, 1, 7], [-7, -3, 15]]);
        assert!(maps("mlp").is_empty());
    }

    #[test]
    fn images_that_are_too_small_are_refused() {
        let tiny = ImageShape { height: 4, width: 4, channels: 1 };
        let error = summary(&Choice::new("seed_cnn"), tiny.into(), 10).unwrap_err().to_string();
        assert!(error.contains("too small"), "{error}");
    }
}
