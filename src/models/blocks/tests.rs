//! Shows with a toy block, [`Vectors`], that a network knows all of a block from the block alone.
use super::*;
use crate::{
    models::{Builder, Changes, Flow, Network, Places, Pytorch, Scope, Vars},
    ops::testing::assert_gradients,
    shape::Shape,
    spec::LiveParams,
};
use candle_core::{Device, Var};

const TOKENS: Shape = Shape::Tokens { length: 3, vocabulary: 5 };

fn encoder() -> Sequence {
    Sequence::new()
        .named("tokens", Vectors { features: 4 })
        .named("fc1", Linear::new(6, Activation::Tanh))
        .then(GlobalAveragePooling)
        .named("fc2", Linear::new(2, Activation::None))
}

/// (2, 3)
fn batch() -> Tensor {
    Tensor::new(&[[2u32, 0, 2], [4, 2, 0]], &Device::Cpu).unwrap()
}

fn training(live: &LiveParams, frozen_stages: usize) -> Pass<'_> {
    Pass::Training { seed: 1, step: 0, live, frozen_stages, changes: Changes::All }
}

#[test]
fn the_summary_has_its_row_and_the_variables_its_names() {
    let rows = encoder().describe(Flow::of(TOKENS), "").unwrap();
    let found: Vec<_> =
        rows.iter().map(|row| (row.name.as_str(), row.output_shape.as_slice(), row.parameters)).collect();
    let expected: [(&str, &[usize], u64); 4] =
        [("tokens", &[3, 4], 20), ("fc1", &[3, 6], 30), ("", &[6], 0), ("fc2", &[2], 14)];
    assert_eq!(found, expected);
    // at each of the three places
    assert_eq!(rows[1].flops, 3 * 2 * 4 * 6);

    let mut vars = Vars::new(1, Device::Cpu);
    Network::build(&encoder(), TOKENS, &mut vars).unwrap();
    assert!(vars.all().any(|(name, _)| name == "encoder.tokens.weight"));
    let tensors = Pytorch::new(&vars, Scope::All).unwrap().tensors().unwrap();
    let mut shapes: Vec<_> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor.dims())).collect();
    shapes.sort_unstable();
    let expected: [(&str, &[usize]); 5] = [
        ("fc1.bias", &[6]),
        ("fc1.weight", &[6, 4]),
        ("fc2.bias", &[2]),
        ("fc2.weight", &[2, 6]),
        ("tokens.weight", &[5, 4]),
    ];
    assert_eq!(shapes, expected);
}

#[test]
fn its_gradient_is_right_with_and_without_a_chain() {
    let (mut vars, live) = (Vars::new(1, Device::Cpu), LiveParams::default());
    let steps = encoder().build(Flow::of(TOKENS), &mut Builder::encoder(&mut vars)).unwrap();
    let trained: Vec<Var> = vars.trained().map(|(_, var)| var.clone()).collect();
    let forward = |_: &[Var]| run(&steps, &batch(), &training(&live, 0));
    assert_gradients(&trained, forward).unwrap();

    let alone = forward(&[]).unwrap().sqr().unwrap().sum_all().unwrap().backward().unwrap();
    let mut same = Vars::new(1, Device::Cpu);
    let network = Network::build(&encoder(), TOKENS, &mut same).unwrap();
    let embedding = network.forward(&batch(), &training(&live, 0)).unwrap();
    let chained = same.backward(&embedding.sqr().unwrap().sum_all().unwrap()).unwrap();
    let bits = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    for ((name, var), (_, other)) in vars.trained().zip(same.trained()) {
        assert_eq!(bits(alone.get(var).unwrap()), bits(chained.get(other).unwrap()), "{name}");
    }
}

#[test]
fn it_freezes_with_the_stage_that_it_stands_in() {
    let (mut vars, live) = (Vars::new(1, Device::Cpu), LiveParams::default());
    let network = Network::build(&encoder(), TOKENS, &mut vars).unwrap();
    assert_eq!(network.stages(), 2);
    let loss = network.forward(&batch(), &training(&live, 1)).unwrap().sum_all().unwrap();
    let gradients = vars.backward(&loss).unwrap();
    let learns = vars.trained().filter(|(_, var)| gradients.get(var).is_some());
    assert_eq!(learns.map(|(name, _)| name).collect::<Vec<_>>(), ["encoder.fc2.bias", "encoder.fc2.weight"]);
}

#[test]
fn a_sequence_is_encoded_place_by_place() {
    let mut vars = Vars::new(1, Device::Cpu);
    let network = Network::build(&encoder(), TOKENS, &mut vars).unwrap();
    let encoded = network.encode(&batch()).unwrap();
    assert_eq!(encoded.embedding.dims(), [2, 2]);
    let Some(Places::Sequence(places)) = &encoded.places else { panic!("tokens have places in a sequence") };
    assert_eq!(places.dims(), [2, 3, 6]);
    assert_eq!(encoded.look().unwrap().dims(), [2, 6]);
    let rows = places.to_vec3::<f32>().unwrap();
    let mean = (rows[1][0][5] + rows[1][1][5] + rows[1][2][5]) / 3.0;
    assert!((encoded.look().unwrap().to_vec2::<f32>().unwrap()[1][5] - mean).abs() < 1e-6);
    assert!(network.maps(&batch()).unwrap().is_empty() && network.last_map(&batch()).unwrap().is_none());
}

#[test]
fn what_does_not_fit_says_so() {
    let error = |input: Shape| encoder().output(Flow::of(input)).unwrap_err().to_string();
    assert!(error(Shape::Features(3)).contains("Vectors { features: 4 } cannot follow Features(3)"));
    let pooled = GlobalAveragePooling.output(Flow::of(Shape::Features(3))).unwrap_err().to_string();
    assert!(pooled.contains("cannot follow"), "{pooled}");
    let (mut vars, unknown) = (Vars::new(1, Device::Cpu), Tensor::new(&[[9u32, 0, 0]], &Device::Cpu));
    let network = Network::build(&encoder(), TOKENS, &mut vars).unwrap();
    let error = network.forward(&unknown.unwrap(), &Pass::Evaluation).unwrap_err().to_string();
    assert!(error.contains("id 9"), "{error}");
}
