//! Holds every architecture against PyTorch 2.15, torchvision 0.29 and timm 1.0.31, on the same weights. The constants are
//! printed by tests/support/encoders_by_pytorch.py.
use super::{blocks, tests::chosen};
use crate::{
    models::{Changes, Network, Pass, Pytorch, Scope, Vars},
    shape::ImageShape,
    spec::LiveParams,
};
use candle_core::{Device, Tensor};
use std::collections::BTreeMap;

/// An encoder, some of its hyperparameters, and the side of its images; of the embeddings of two images the length, and the
/// sum after multiplying by [`scattered`].
type Expected = (&'static str, &'static [(&'static str, f64)], usize, f64, f64);

#[rustfmt::skip]
const EMBEDDINGS: [Expected; 8] = [
    ("resnet", &[], 32, 1.873245e+00, -4.248953e-02),
    ("resnet", &[("depth", 3.0)], 64, 5.497184e+00, -9.961877e+00),
    ("resnet", &[("depth", 5.0)], 64, 1.889100e+01, -1.759546e+01),
    ("vgg", &[], 32, 4.641208e+00, 1.153731e+01),
    ("mobilenet_v2", &[], 64, 4.269609e+00, 3.642192e+00),
    ("efficientnet_lite0", &[], 64, 6.327820e+00, 2.886934e+00),
    ("efficientnet_lite0", &[], 75, 6.461315e+00, 2.948795e+00),
    ("vit", &[("patch_size", 16.0)], 64, 1.960484e+01, -8.114029e+00),
];

/// In training, of that sum for ResNet-20: of each gradient the length, and the sum after multiplying.
#[rustfmt::skip]
const RESNET_GRADIENTS: [(&str, f64, f64); 13] = [
    ("conv1.weight", 3.891280e+01, 9.924555e-01),
    ("layer2.0.bn1.bias", 1.002021e+00, -1.387296e+00),
    ("layer2.0.bn1.weight", 9.286235e-01, -7.100916e-01),
    ("layer2.0.bn2.bias", 1.540405e+00, -1.783484e+00),
    ("layer2.0.bn2.weight", 1.486203e+00, -1.013683e+00),
    ("layer2.0.conv1.weight", 2.233680e+01, 9.246385e+00),
    ("layer2.0.conv2.weight", 2.501103e+01, -3.355915e+00),
    ("layer3.2.bn1.bias", 4.939383e-01, -2.464080e-01),
    ("layer3.2.bn1.weight", 4.353622e-01, -1.379751e-01),
    ("layer3.2.bn2.bias", 4.005799e+00, 1.154108e+01),
    ("layer3.2.bn2.weight", 1.325178e+00, 2.321745e+00),
    ("layer3.2.conv1.weight", 2.549042e+01, -2.143621e+00),
    ("layer3.2.conv2.weight", 2.222139e+01, -1.679699e+00),
];

/// The same for the vision transformer.
#[rustfmt::skip]
const VIT_GRADIENTS: [(&str, f64, f64); 18] = [
    ("blocks.0.attn.proj.bias", 1.136853e+00, 8.068659e+00),
    ("blocks.0.attn.proj.weight", 9.694057e+01, 1.117556e+01),
    ("blocks.0.attn.qkv.bias", 3.272955e-01, -5.814094e-01),
    ("blocks.0.attn.qkv.weight", 4.549712e+00, 4.268316e-01),
    ("blocks.0.mlp.fc1.bias", 3.053004e-01, 8.113028e-01),
    ("blocks.0.mlp.fc1.weight", 4.303265e+00, 2.968391e+00),
    ("blocks.0.mlp.fc2.bias", 1.094191e+00, 7.730687e+00),
    ("blocks.0.mlp.fc2.weight", 1.900827e+01, 2.637991e+00),
    ("blocks.0.norm1.bias", 1.156660e-01, 1.018181e-01),
    ("blocks.0.norm1.weight", 9.850532e-02, -1.146616e-02),
    ("blocks.0.norm2.bias", 3.214107e-01, 7.527532e-01),
    ("blocks.0.norm2.weight", 3.326403e-01, 3.531599e-02),
    ("cls_token", 1.718139e+00, 8.535191e+00),
    ("norm.bias", 1.454894e+01, 1.054473e+02),
    ("norm.weight", 1.487114e+01, 4.268807e-01),
    ("patch_embed.proj.bias", 1.186763e-01, -2.235792e-01),
    ("patch_embed.proj.weight", 1.847874e+00, -3.793696e-01),
    ("pos_embed", 1.718435e+00, 8.630950e+00),
];

/// As in the script.
fn scattered(shape: &[usize], seed: usize) -> Tensor {
    let number = |index: usize| ((index * 7919 + seed * 101) % 10007) as f64 / 5003.5 - 1.0;
    let numbers: Vec<f32> = (0..shape.iter().product()).map(|index| number(index) as f32).collect();
    Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
}

/// The script's network, and two images.
fn reference((id, values, side, ..): &Expected) -> (Network, Vars, Tensor) {
    let mut vars = Vars::new(1, Device::Cpu);
    let blocks = blocks(&chosen(id, values)).unwrap();
    let network = Network::build(&blocks, ImageShape::new(*side, *side, 3).into(), &mut vars).unwrap();
    let tensors: BTreeMap<String, Tensor> =
        Pytorch::new(&vars, Scope::All).unwrap().tensors().unwrap().into_iter().collect();
    let filled = tensors.into_iter().enumerate().map(|(seed, (name, tensor))| {
        let (scale, offset) = match tensor.dims() {
            _ if name.ends_with("running_var") => (0.5, 1.0),
            [_, rest @ ..] if !rest.is_empty() => ((3.0 / rest.iter().product::<usize>() as f64).sqrt(), 0.0),
            _ if name.ends_with("weight") => (0.2, 1.0),
            _ => (0.2, 0.0),
        };
        let filled = scattered(tensor.dims(), seed).affine(scale, offset).unwrap();
        (name, filled)
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    candle_core::safetensors::save(&filled.collect(), &path).unwrap();
    Pytorch::new(&vars, Scope::All).unwrap().import(&path, &[]).unwrap();
    let images = scattered(&[2, *side, *side, 3], 99).affine(0.5, 0.5).unwrap();
    (network, vars, images)
}

fn weighted_sum(numbers: &Tensor, seed: usize) -> Tensor {
    (numbers * scattered(numbers.dims(), seed)).unwrap().sum_all().unwrap()
}

fn scalar(tensor: &Tensor) -> f64 {
    f64::from(tensor.to_scalar::<f32>().unwrap())
}

fn assert_close(numbers: &Tensor, seed: usize, [norm, weighted]: [f64; 2], what: &str) {
    let found = [
        scalar(&numbers.sqr().unwrap().sum_all().unwrap().sqrt().unwrap()),
        scalar(&weighted_sum(numbers, seed)),
    ];
    for (found, expected) in found.into_iter().zip([norm, weighted]) {
        assert!((found - expected).abs() < 1e-4 * norm, "{what}: {found} instead of {expected}");
    }
}

#[test]
fn every_architecture_answers_as_in_pytorch() {
    for expected in &EMBEDDINGS {
        let (network, _, images) = reference(expected);
        let embeddings = network.forward(&images, &Pass::Evaluation).unwrap();
        assert_close(&embeddings, 98, [expected.3, expected.4], &format!("{expected:?}"));
    }
}

#[test]
fn gradients_of_resnet_and_vit_are_those_of_pytorch() {
    let transformer = EMBEDDINGS.last().unwrap();
    for (expected, gradients) in [(&EMBEDDINGS[0], &RESNET_GRADIENTS[..]), (transformer, &VIT_GRADIENTS)] {
        let (network, vars, images) = reference(expected);
        let live = LiveParams::default();
        let pass = Pass::Training { seed: 1, step: 0, live: &live, frozen_stages: 0, changes: Changes::All };
        let loss = weighted_sum(&network.forward(&images, &pass).unwrap(), 98);
        let found = vars.backward(&loss).unwrap();
        // gradients in place of weights are laid out as PyTorch's
        vars.trained().for_each(|(_, var)| var.set(found.get(var).unwrap()).unwrap());
        let found = Pytorch::new(&vars, Scope::All).unwrap().tensors().unwrap();
        for (name, norm, weighted) in gradients {
            assert_close(&found[*name], 97, [*norm, *weighted], name);
        }
    }
}
