use super::*;
use crate::{
    data::{DatasetInfo, Examples, partition},
    models::{Changes, Pass},
    shape::ImageShape,
    spec::{Choice, LiveParams, Section},
};

fn dataset() -> Dataset {
    let info = DatasetInfo {
        shape: ImageShape::new(12, 12, 1).into(),
        class_names: vec!["dark".into(), "bright".into()],
    };
    let pixels = (0..50 * 144u32).map(|at| (at / 144 % 2 * 100 + at * 7 % 50) as u8).collect::<Vec<_>>();
    let part = || Examples::images(pixels.clone(), (0..50).map(|example| example % 2).collect());
    Dataset::new(info, part(), part()).unwrap()
}

fn spec(frozen: f64) -> RunSpec {
    let mut spec = RunSpec { encoder: Choice::new("compact_cnn"), ..RunSpec::default() };
    spec.objective = Choice::new("classify");
    spec.set(Section::Training, &FREEZE_STAGES, frozen);
    spec
}

fn features(spec: &RunSpec, dataset: &Dataset) -> (Model, Option<FrozenFeatures>) {
    let model = Model::build(spec, &dataset.info).unwrap();
    let split = partition(&spec.dataset, &dataset.train, 2, spec.seed, true).unwrap();
    let features = FrozenFeatures::new(spec, &model, &split).unwrap();
    (model, features)
}

#[test]
fn a_batch_of_features_has_the_loss_of_its_examples_to_the_bit() {
    let dataset = dataset();
    for frozen in [1.0, 3.0, 9.0] {
        let spec = spec(frozen);
        let (model, features) = features(&spec, &dataset);
        let mut features = features.unwrap();
        let mut done = vec![];
        while !features.is_complete() {
            done.push(features.progress().1);
            features.advance(&model, &dataset).unwrap();
        }
        assert_eq!(done, [0, 16, 32, 48]);
        let live = LiveParams::default();
        let stages = frozen.min(4.0) as usize;
        let training =
            Pass::Training { seed: 1, step: 3, live: &live, frozen_stages: stages, changes: Changes::All };
        for pass in [Pass::Evaluation, training] {
            let examples = [7, 3, 41, 12, 5];
            let loss = |batch: Batch| {
                let loss = model.objective.loss(&batch, &pass).unwrap().loss;
                let gradients = model.vars.backward(&loss).unwrap();
                let learns = model.vars.trained().filter_map(|(_, var)| gradients.get(var));
                let bits = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                (loss.to_scalar::<f32>().unwrap(), learns.map(bits).collect::<Vec<_>>())
            };
            let known = loss(features.batch(&model, &dataset, &examples).unwrap());
            assert_eq!(known, loss(model.batch(&dataset.train, &examples).unwrap()));
        }
    }
}

#[test]
fn what_changes_is_not_kept() {
    let dataset = dataset();
    assert!(features(&spec(0.0), &dataset).1.is_none());
    let mut thawed = spec(4.0);
    thawed.set(Section::Training, &UNFREEZE_EVERY, 10.0);
    assert!(features(&thawed, &dataset).1.is_none());
    let mut altered = spec(4.0);
    altered.augmentation.insert("rotation".into(), 10.0);
    assert!(features(&altered, &dataset).1.is_none());
}
