//! Holds a small ResNet against PyTorch 2.15, by PyTorch's names. The constants are printed by
//! tests/support/residual_by_pytorch.py.
use crate::{
    data::DatasetInfo,
    models::{
        Builder, Changes, Flow, Network, Pass, Pytorch, Scope, Vars,
        blocks::{
            BatchNormalization, Block as _, Convolution, GlobalAveragePooling, MaxPooling, Padding, Residual,
            Sequence, run,
        },
    },
    objectives::{self, Batch},
    ops::{self, Activation, PoolShape, SgdStep, testing::assert_gradients},
    shape::{ImageShape, Shape},
    spec::{Choice, LiveParams},
};
use candle_core::{Device, Tensor, Var};
use std::{collections::HashMap, sync::Arc};

const IMAGE: Shape = Shape::Image(ImageShape { height: 9, width: 9, channels: 2 });

const TRAINING: f64 = -0.577668;
const EVALUATION: f64 = 0.415064;
/// Of each gradient, its sum weighted by scattered numbers.
const GRADIENTS: [(&str, f64); 18] = [
    ("conv1.weight", 0.429369),
    ("bn1.weight", 0.0124142),
    ("bn1.bias", 0.0033662),
    ("layer1.0.conv1.weight", 0.153201),
    ("layer1.0.bn1.weight", -0.0316868),
    ("layer1.0.bn1.bias", 0.0156129),
    ("layer1.0.conv2.weight", 0.454551),
    ("layer1.0.bn2.weight", -0.19942),
    ("layer1.0.bn2.bias", 0.0214492),
    ("layer2.0.conv1.weight", 0.105566),
    ("layer2.0.bn1.weight", -0.182496),
    ("layer2.0.bn1.bias", -0.318711),
    ("layer2.0.conv2.weight", -0.346559),
    ("layer2.0.bn2.weight", 0.25977),
    ("layer2.0.bn2.bias", 1.85729),
    ("layer2.0.downsample.0.weight", 0.123063),
    ("layer2.0.downsample.1.weight", 0.456275),
    ("layer2.0.downsample.1.bias", 1.85729),
];

fn convolution(channels: usize, kernel: usize, stride: usize) -> Convolution {
    let (padding, activation) = (kernel / 2, Activation::None);
    Convolution {
        stride,
        padding: Padding::Around(padding),
        has_bias: false,
        activation,
        ..Convolution::new(channels, kernel)
    }
}

fn norm(activation: Activation) -> BatchNormalization {
    BatchNormalization::new(activation)
}

fn residual(channels: usize, stride: usize) -> Residual {
    let body = Sequence::new()
        .named("conv1", convolution(channels, 3, stride))
        .named("bn1", norm(Activation::Relu))
        .named("conv2", convolution(channels, 3, 1))
        .named("bn2", norm(Activation::None));
    let shortcut = match stride {
        1 => Sequence::new(),
        _ => Sequence::new()
            .named("downsample.0", convolution(channels, 1, stride))
            .named("downsample.1", norm(Activation::None)),
    };
    Residual { body, shortcut, activation: Activation::Relu }
}

fn encoder() -> Sequence {
    Sequence::new()
        .named("conv1", convolution(4, 3, 1))
        .named("bn1", norm(Activation::Relu))
        .then(MaxPooling(PoolShape { size: 3, stride: 2, padding: 1 }))
        .named("layer1.0", residual(4, 1))
        .named("layer2.0", residual(6, 2))
        .then(GlobalAveragePooling)
}

fn built(seed: u64) -> (Network, Vars) {
    let mut vars = Vars::new(seed, Device::Cpu);
    let network = Network::build(&encoder(), IMAGE, &mut vars).unwrap();
    (network, vars)
}

/// As in the script.
fn scattered(shape: &[usize], seed: usize) -> Tensor {
    let number = |index: usize| ((index * 7919 + seed * 101) % 10007) as f64 / 5003.5 - 1.0;
    let numbers: Vec<f32> = (0..shape.iter().product()).map(|index| number(index) as f32).collect();
    Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
}

/// (3, 9, 9, 2)
fn images() -> Tensor {
    scattered(&[3, 9, 9, 2], 99)
}

fn weighted_sum(numbers: &Tensor, seed: usize) -> Tensor {
    (numbers * scattered(numbers.dims(), seed)).unwrap().sum_all().unwrap()
}

fn training(live: &LiveParams, frozen_stages: usize) -> Pass<'_> {
    Pass::Training { seed: 1, step: 0, live, frozen_stages, changes: Changes::All }
}

fn tensors(vars: &Vars) -> HashMap<String, Tensor> {
    Pytorch::new(vars, Scope::All).unwrap().tensors().unwrap()
}

/// Reads what PyTorch would have saved.
fn import(vars: &Vars, tensors: &HashMap<String, Tensor>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    candle_core::safetensors::save(tensors, &path).unwrap();
    Pytorch::new(vars, Scope::All).unwrap().import(&path, &[]).unwrap();
}

/// The script's network.
fn reference() -> (Network, Vars) {
    let (network, vars) = built(1);
    let mut tensors = tensors(&vars);
    for (index, (name, _)) in GRADIENTS.iter().enumerate() {
        let tensor = tensors.get_mut(*name).unwrap_or_else(|| panic!("there is no {name}"));
        let offset = if tensor.rank() == 1 { 0.5 } else { 0.0 };
        *tensor = (scattered(tensor.dims(), index) * 0.5).unwrap().affine(1.0, offset).unwrap();
    }
    import(&vars, &tensors);
    (network, vars)
}

fn assert_close(found: &Tensor, expected: f64, what: &str) {
    let found = f64::from(found.to_scalar::<f32>().unwrap());
    assert!(
        (found - expected).abs() < 1e-5 * expected.abs().max(1.0),
        "{what}: {found} instead of {expected}"
    );
}

#[test]
fn a_small_resnet_is_that_of_pytorch() {
    let ((network, vars), live) = (reference(), LiveParams::default());
    assert_eq!(vars.trained().count(), GRADIENTS.len());
    let value = weighted_sum(&network.forward(&images(), &training(&live, 0)).unwrap(), 98);
    assert_close(&value, TRAINING, "training");
    let gradients = vars.backward(&value).unwrap();
    assert_close(
        &weighted_sum(&network.forward(&images(), &Pass::Evaluation).unwrap(), 98),
        EVALUATION,
        "evaluation",
    );
    // Gradients in place of weights are laid out as PyTorch's.
    vars.trained().for_each(|(_, var)| var.set(gradients.get(var).unwrap()).unwrap());
    let gradients = tensors(&vars);
    for (name, expected) in GRADIENTS {
        assert_close(&weighted_sum(&gradients[name], 97), expected, name);
    }
}

#[test]
fn gradients_match_finite_differences_through_both_ways() {
    let (mut vars, live) = (Vars::new(1, Device::Cpu), LiveParams::default());
    let smooth = Residual {
        body: Sequence::new()
            .named("conv1", Convolution { activation: Activation::Tanh, ..convolution(3, 3, 2) }),
        shortcut: Sequence::new().named("downsample.0", convolution(3, 1, 2)),
        activation: Activation::Gelu,
    };
    let steps = smooth.build(Flow::of(IMAGE), &mut Builder::encoder(&mut vars)).unwrap();
    let trained: Vec<Var> = vars.trained().map(|(_, var)| var.clone()).collect();
    assert_eq!(trained.len(), 2);
    assert_gradients(&trained, |_| run(&steps, &images(), &training(&live, 0))).unwrap();
}

#[test]
fn the_summary_shows_both_ways_and_their_sum() {
    let rows = residual(6, 2).describe(Flow::of(IMAGE), "layer2.0").unwrap();
    let names: Vec<_> = rows.iter().map(|row| row.name.strip_prefix("layer2.0").unwrap()).collect();
    assert_eq!(names, [".conv1", ".bn1", ".conv2", ".bn2", ".downsample.0", ".downsample.1", ""]);
    let sum = rows.last().unwrap();
    assert_eq!(
        (sum.kind.as_str(), sum.output_shape.as_slice(), sum.parameters),
        ("Sum with the shortcut, ReLU", &[5, 5, 6][..], 0)
    );
    assert_eq!(rows[4].parameters, 2 * 6);
}

#[test]
fn a_sum_depends_on_what_either_way_depends_on() {
    let field = |residual: Residual| residual.output(Flow::of(IMAGE)).unwrap().field;
    // 3, then 3 + 2 × 2; padding of 1 and 2
    assert_eq!(field(residual(6, 2)).at(0, 1), [-3, -1, 7]);
    assert_eq!(field(residual(2, 1)).at(0, 1), [-2, -1, 5]);
    let wide_shortcut = Residual {
        body: Sequence::new().named("conv1", convolution(2, 1, 1)),
        shortcut: Sequence::new().named("conv2", convolution(2, 5, 1)),
        activation: Activation::None,
    };
    assert_eq!(field(wide_shortcut).at(0, 1), [-2, -1, 5]);
}

#[test]
fn ways_that_end_in_other_shapes_are_refused() {
    let error = Residual { shortcut: Sequence::new(), ..residual(6, 2) }.output(Flow::of(IMAGE)).unwrap_err();
    assert!(error.to_string().contains("cannot add"), "{error}");
}

#[test]
fn feature_maps_are_found_within_and_end_with_the_sum() {
    let (network, _) = reference();
    let names: Vec<_> = network.map_infos().iter().map(|map| map.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "conv1",
            "layer1.0.conv1",
            "layer1.0.conv2",
            "layer2.0.conv1",
            "layer2.0.conv2",
            "layer2.0.downsample.0"
        ]
    );
    let maps = network.maps(&images()).unwrap();
    let shapes: Vec<_> = maps.iter().map(Tensor::dims).collect();
    assert_eq!(shapes[..2], [[3, 9, 9, 4], [3, 5, 5, 4]]);
    assert_eq!(shapes[4..], [[3, 3, 3, 6]; 2]);
    let numbers = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let last = network.last_map(&images()).unwrap().unwrap();
    // where nothing is recorded, normalisations are folded into convolutions
    let pairs = numbers(&maps[4]).into_iter().zip(numbers(&last));
    assert!(
        pairs.clone().count() > 0 && pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-5 * b.abs().max(1.0))
    );
    assert!(numbers(&last).iter().all(|number| *number >= 0.0));
    let embedding = network.forward(&images(), &Pass::Evaluation).unwrap();
    assert_eq!(numbers(&network.after_last_map(&last).unwrap()), numbers(&embedding));
}

#[test]
fn stages_freeze_within() {
    let ((network, vars), live) = (reference(), LiveParams::default());
    assert_eq!(network.stages(), 6);
    let means = || {
        ["layer1.0.bn2", "layer2.0.bn1"]
            .map(|name| tensors(&vars)[&format!("{name}.running_mean")].to_vec1::<f32>().unwrap())
    };
    let [frozen, free] = means();
    let value = weighted_sum(&network.forward(&images(), &training(&live, 3)).unwrap(), 98);
    let gradients = vars.backward(&value).unwrap();
    for (name, var) in vars.trained() {
        let is_frozen = !name.starts_with("encoder.layer2");
        assert_eq!(gradients.get(var).is_none(), is_frozen, "{name}");
    }
    let [frozen_after, free_after] = means();
    assert!(frozen_after == frozen && free_after != free);
}

#[test]
fn a_classifier_of_it_learns_and_goes_to_pytorch_and_back() {
    let data = DatasetInfo { shape: IMAGE, class_names: ["a", "b"].map(String::from).into() };
    let classifier = |seed| {
        let (network, mut vars) = built(seed);
        let build = objectives::find("classify").unwrap().build;
        let objective = build(&Choice::new("classify"), Arc::new(network), &data, &mut vars).unwrap();
        (objective, vars)
    };
    let ((objective, vars), live) = (classifier(1), LiveParams::default());
    let labels = Tensor::new(&[0u32, 1, 0], &Device::Cpu).unwrap();
    let batch = Batch {
        inputs: images(),
        labels: Some(labels),
        class_weights: None,
        outsiders: None,
        stages_done: 0,
    };
    let loss = || objective.loss(&batch, &training(&live, 0)).unwrap().loss;
    let before = loss();
    let gradients = vars.backward(&before).unwrap();
    let step =
        SgdStep { learning_rate: 0.05, momentum: 0.0, weight_decay: 0.0, first: true, grad_scale: 1.0 };
    for (name, var) in vars.trained() {
        let gradient = gradients.get(var).unwrap_or_else(|| panic!("{name} learns nothing"));
        ops::sgd(var, gradient, &mut vec![0.0; var.elem_count()], step).unwrap();
    }
    let number = |loss: &Tensor| loss.to_scalar::<f32>().unwrap();
    assert!(number(&loss()) < number(&before));

    let (other, theirs) = classifier(2);
    import(&theirs, &tensors(&vars));
    let probabilities = |objective: &dyn objectives::Objective| {
        objective.predict(&images()).unwrap().unwrap().to_vec2::<f32>().unwrap()
    };
    assert_eq!(probabilities(&*other), probabilities(&*objective));
}
