//! Holds the reference network against PyTorch 2.15. The constants are printed by
//! tests/support/seed_cnn_by_pytorch.py.
use super::*;
use crate::{
    data::DatasetInfo,
    engine::Model,
    errors::{Place, message},
    models::{Changes, Pass, Weights, encoders, load_weights},
    objectives::Batch,
    sample::Modality,
    session::catalog,
    spec::{Choice, RunSpec},
};
use candle_core::{DType, Device};
use std::{fs, path::PathBuf};

const IMAGE: ImageShape = ImageShape { height: 28, width: 28, channels: 1 };
const CLASSES: usize = 10;

#[rustfmt::skip]
const LOGITS: [[f64; CLASSES]; 4] = [
    [0.567537, 0.176638, 0.110646, 0.340529, 0.012191, -0.356493, -0.079297, 0.143957, -0.356111, -0.490348],
    [0.660874, -0.626180, -0.465036, -0.066972, -0.372599, -0.570037, 0.224921, 0.721009, -0.201770, -0.018411],
    [0.208630, -0.006077, 0.129324, 0.648808, 0.151395, -0.141360, 0.159179, 0.263136, -0.447323, -0.344463],
    [0.739318, -0.016059, -0.172293, -0.125518, -0.490376, -0.542026, -0.271602, 0.330175, -0.166629, -0.049852],
];

/// Of each gradient the largest number, the length, and the numbers at a third, at half, and at the end.
#[rustfmt::skip]
const GRADIENTS: [(&str, [f64; 5]); 8] = [
    ("conv1.weight", [1.77433307e-01, 7.99596035e-01, 1.33033303e-01, 3.45337087e-02, -6.66503669e-03]),
    ("conv1.bias", [2.05909878e-01, 4.15323501e-01, 2.05909878e-01, -5.87795242e-02, -3.29994053e-02]),
    ("conv2.weight", [1.76566969e-01, 4.90353179e+00, 2.62027810e-02, -7.53805917e-02, -1.12457434e-02]),
    ("conv2.bias", [9.55531704e-02, 2.80805049e-01, -4.94587206e-02, 1.82317901e-02, 1.13048919e-02]),
    ("fc1.weight", [3.13057360e-01, 5.50162821e+01, 5.89335603e-04, -6.10674365e-02, -1.21744822e-01]),
    ("fc1.bias", [1.77841916e-01, 7.09063050e-01, 3.69620062e-02, -4.22013710e-02, -9.41080099e-02]),
    ("head.weight", [3.77553105e-01, 1.98707303e+00, -3.73954013e-02, 8.52737508e-03, 1.50286142e-02]),
    ("head.bias", [4.11902739e-01, 5.43564861e-01, -1.29165997e-01, 6.42522668e-02, 7.78991417e-02]),
];

/// As in the script.
fn scattered(shape: &[usize], seed: usize, scale: f64) -> Tensor {
    let number = |index: usize| (((index * 7919 + seed * 101) % 10007) as f64 / 10007.0 - 0.5) * scale;
    let numbers: Vec<f32> = (0..shape.iter().product()).map(|index| number(index) as f32).collect();
    Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
}

/// What `torch.save_file` would write of the script's module.
fn reference_tensors() -> HashMap<String, Tensor> {
    let shapes: [&[usize]; 8] =
        [&[32, 1, 3, 3], &[32], &[64, 32, 3, 3], &[64], &[128, 9216], &[128], &[10, 128], &[10]];
    let tensor = |(seed, ((name, _), shape)): (usize, (&(&str, _), &[usize]))| {
        let fan_in: usize = shape[1..].iter().product();
        let scale = if shape.len() > 1 { 6.0 / (fan_in as f64).sqrt() } else { 0.2 };
        ((*name).to_owned(), scattered(shape, seed, scale))
    };
    GRADIENTS.iter().zip(shapes).enumerate().map(tensor).collect()
}

fn model(encoder: &str) -> Model {
    let spec = RunSpec { encoder: Choice::new(encoder), ..RunSpec::default() };
    let class_names = (0..CLASSES).map(|class| class.to_string()).collect();
    Model::build(&spec, &DatasetInfo { shape: IMAGE.into(), class_names }).unwrap()
}

fn pytorch(model: &Model) -> Pytorch<'_> {
    Pytorch::new(&model.vars, Scope::All).unwrap()
}

/// A file of tensors in a folder that lasts as long as the first.
fn file(tensors: &HashMap<String, Tensor>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    candle_core::safetensors::save(tensors, &path).unwrap();
    (folder, path)
}

/// The reference network with the script's weights.
fn reference() -> Model {
    let model = model("seed_cnn");
    let (_folder, path) = file(&reference_tensors());
    pytorch(&model).import(&path, &[]).unwrap();
    model
}

fn images() -> Tensor {
    // One channel: PyTorch's order is ours.
    (scattered(&[LOGITS.len(), 28, 28, 1], 99, 1.0) + 0.5).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn imported_weights_score_as_in_pytorch() {
    let probabilities = reference().objective.predict(&images()).unwrap().unwrap().to_vec2::<f32>().unwrap();
    for (probabilities, logits) in probabilities.iter().zip(LOGITS) {
        let scale = logits.iter().map(|logit| logit.exp()).sum::<f64>().ln();
        for (probability, logit) in probabilities.iter().zip(logits) {
            let found = f64::from(*probability).ln() + scale;
            assert!((found - logit).abs() < 1e-5, "{found} instead of {logit}");
        }
    }
}

#[test]
fn gradients_are_those_of_pytorch() {
    let model = reference();
    let labels = Tensor::new(&[3u32, 1, 4, 1], &Device::Cpu).unwrap();
    let (spec, catalog) = (RunSpec::default(), catalog());
    let mut live = catalog.live_params(&spec);
    let dropouts = catalog.params(&spec).filter(|(_, param)| param.key.ends_with("dropout"));
    dropouts.for_each(|(section, param)| live.set(section, param, 0.0));
    let pass = Pass::Training { seed: 1, step: 0, live: &live, frozen_stages: 0, changes: Changes::All };
    let loss = model
        .objective
        .loss(
            &Batch {
                inputs: images(),
                labels: Some(labels),
                class_weights: None,
                outsiders: None,
                stages_done: 0,
            },
            &pass,
        )
        .unwrap()
        .loss;
    let gradients = model.vars.backward(&loss).unwrap();
    let pytorch = pytorch(&model);
    for (part, (name, [largest, norm, some @ ..])) in pytorch.parts.iter().zip(GRADIENTS) {
        assert_eq!(part.name, name);
        let gradient = part.layout.theirs(gradients.get(part.var).unwrap()).unwrap();
        let found: Vec<f64> = values(&gradient).into_iter().map(f64::from).collect();
        let len = found.len();
        for (at, expected) in [len / 3, len / 2, len - 1].into_iter().zip(some) {
            let error = (found[at] - expected).abs() / largest;
            assert!(
                error < 1e-5,
                "{name} at {at}: {} instead of {expected}, {error:.1e} of the largest",
                found[at]
            );
        }
        let found_norm = found.iter().map(|number| number * number).sum::<f64>().sqrt();
        assert!((found_norm / norm - 1.0).abs() < 1e-5, "{name}: length {found_norm} instead of {norm}");
        let found_largest = found.iter().fold(0.0f64, |largest, number| largest.max(number.abs()));
        assert!((found_largest / largest - 1.0).abs() < 1e-5, "{name}: {found_largest} instead of {largest}");
    }
}

#[test]
fn what_was_imported_is_exported_to_the_bit() {
    let model = reference();
    let (_folder, path) = file(&HashMap::new());
    pytorch(&model).export(&path).unwrap();
    let exported = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
    let reference = reference_tensors();
    assert_eq!(exported.len(), reference.len());
    for (name, tensor) in &reference {
        assert_eq!(
            (exported[name].dims(), values(&exported[name])),
            (tensor.dims(), values(tensor)),
            "{name}"
        );
    }
}

#[test]
fn every_encoder_goes_there_and_back() {
    for encoder in encoders::serving(Modality::Images).map(|entry| entry.info.id) {
        let (one, other) = (model(encoder), model(encoder));
        let (_folder, path) = file(&HashMap::new());
        pytorch(&one).export(&path).unwrap();
        for (_, var) in other.vars.all() {
            var.set(&var.as_tensor().zeros_like().unwrap()).unwrap();
        }
        pytorch(&other).import(&path, &[]).unwrap();
        for ((name, var), (_, back)) in one.vars.all().zip(other.vars.all()) {
            assert_eq!(values(var), values(back), "{encoder} {name}");
        }
    }
}

/// What importing these tensors into the reference network says; nothing is changed then.
fn refusal(tensors: HashMap<String, Tensor>, renames: &[Rename]) -> String {
    let (_folder, path) = file(&tensors);
    refusal_of(&path, renames)
}

fn refusal_of(path: &Path, renames: &[Rename]) -> String {
    let (model, untouched) = (model("seed_cnn"), model("seed_cnn"));
    let error = message(&pytorch(&model).import(path, renames).unwrap_err());
    for ((name, var), (_, before)) in model.vars.all().zip(untouched.vars.all()) {
        assert_eq!(values(var), values(before), "{name}");
    }
    assert!(error.ends_with(&Place::from(path).to_string()), "{error}");
    error
}

fn rename(theirs: &str, ours: &str) -> Rename {
    Rename { theirs: theirs.into(), ours: ours.into() }
}

#[test]
fn every_tensor_that_does_not_fit_is_named() {
    let mut tensors = reference_tensors();
    let narrow = Tensor::zeros((128, 3136), DType::F32, &Device::Cpu).unwrap();
    tensors.insert("fc1.weight".into(), narrow);
    tensors.insert("fc1.bias".into(), Tensor::new(vec![f32::NAN; 128], &Device::Cpu).unwrap());
    tensors.insert("conv2.bias".into(), Tensor::new(vec![1i64; 64], &Device::Cpu).unwrap());
    let moved = tensors.remove("head.bias").unwrap();
    tensors.insert("fc2.\u{1b}[1m".into(), moved);
    let error = refusal(tensors, &[]);
    for expected in [
        "4 of the 8 tensors that this network needs fit",
        "fc1.weight is [128, 3136] where [128, 9216] is needed",
        "fc1.bias holds numbers that are not finite",
        "conv2.bias holds I64 where F32 is needed",
        "head.bias is missing: [10] is needed",
        "fc2.\\u{1b}[1m has no place in this network",
        "--rename",
    ] {
        assert!(error.contains(expected), "{expected:?} is not in: {error}");
    }
    let many: HashMap<_, _> = (0..100).map(|at| (format!("layer{at}"), images())).collect();
    assert!(refusal(many, &[]).contains("and 96 more"));
}

#[test]
fn layers_can_be_renamed_and_what_means_nothing_is_passed_over() {
    let mut tensors: HashMap<String, Tensor> = reference_tensors()
        .into_iter()
        .map(|(name, tensor)| (format!("net.{}", name.replace("head", "fc2")), tensor))
        .collect();
    tensors.insert("net.bn.num_batches_tracked".into(), Tensor::new(7i64, &Device::Cpu).unwrap());
    let (_folder, path) = file(&tensors);
    let model = model("seed_cnn");
    let renames = [rename("net.fc2", "head"), rename("net", "")];
    pytorch(&model).import(&path, &renames).unwrap();
    assert!(refusal(tensors.clone(), &[rename("net", "")]).contains("fc2.bias has no place"));
    let twice = [rename("net.conv1", "conv2"), rename("net", "")];
    assert!(refusal(tensors, &twice).contains("net.conv1.bias and net.conv2.bias have the same name here"));
}

#[test]
fn halves_and_doubles_are_read() {
    for kind in [DType::F16, DType::BF16, DType::F64] {
        let tensors =
            reference_tensors().into_iter().map(|(name, tensor)| (name, tensor.to_dtype(kind).unwrap()));
        let (_folder, path) = file(&tensors.collect());
        pytorch(&model("seed_cnn")).import(&path, &[]).unwrap();
    }
}

#[test]
fn files_of_another_kind_are_refused_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    let whole = {
        let (_folder, path) = file(&reference_tensors());
        fs::read(path).unwrap()
    };
    let header = |length: u64, text: &str| [&length.to_le_bytes()[..], text.as_bytes()].concat();
    let huge = r#"{"conv1.weight":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#;
    let cases = [
        (b"PK\x03\x04 a zip archive".to_vec(), "cut short or damaged"),
        (vec![0x80, 2, 0x8a, 10], "cut short"),
        (vec![], "neither safetensors nor"),
        (b"no tensors at all".to_vec(), "neither safetensors nor"),
        (header(u64::MAX, "{}"), "no whole safetensors file"),
        (header(90_000_000, "{}"), "no whole safetensors file"),
        (header(huge.len() as u64, huge), "cut short or damaged"),
        (whole[..whole.len() - 1].to_vec(), "cut short or damaged"),
        (vec![b' '; 1 << 20], "neither safetensors nor"),
    ];
    for (bytes, expected) in cases {
        fs::write(&path, bytes).unwrap();
        let error = refusal_of(&path, &[]);
        assert!(error.contains(expected), "{expected:?} is not in: {error}");
    }
    assert!(refusal_of(folder.path(), &[]).contains("The folder holds no weights"));
    assert!(refusal_of(Path::new("/nowhere"), &[]).contains("Could not read the weights"));
}

#[test]
fn a_damaged_header_is_refused_or_harmless() {
    let model = model("mlp");
    let pytorch = pytorch(&model);
    let (_folder, path) = file(&pytorch.tensors().unwrap());
    let whole = fs::read(&path).unwrap();
    for at in (0..600).step_by(7) {
        for byte in [0, b'9', b'"', 0xff] {
            let mut damaged = whole.clone();
            damaged[at] = byte;
            fs::write(&path, damaged).unwrap();
            if let Err(error) = pytorch.import(&path, &[]) {
                assert!(message(&error).contains("File: "), "{error}");
            }
        }
    }
}

#[test]
fn a_file_that_cannot_be_written_says_so() {
    let model = model("mlp");
    let error = message(&pytorch(&model).export(Path::new("/nowhere/w.safetensors")).unwrap_err());
    assert!(
        error.contains("Could not write the weights") && error.ends_with("File: /nowhere/w.safetensors"),
        "{error}"
    );
}

/// The text of the Python class that `pytorch_modules.py` lists for an encoder.
fn python_class(encoder: &str) -> String {
    const MODULES: &str = include_str!("../../../benches/pytorch_modules.py");
    let listed = MODULES.split("\nENCODERS = {").nth(1).unwrap();
    let listed = listed.split(&format!("\"{encoder}\": ")).nth(1);
    let listed = listed.unwrap_or_else(|| panic!("pytorch_modules.py lists no {encoder}"));
    let class = format!("class {}(", listed.split([',', '}']).next().unwrap());
    let text = MODULES.split(&class).nth(1).unwrap_or_else(|| panic!("there is no {class}"));
    text.split("\nclass ").next().unwrap().into()
}

#[test]
fn every_encoder_has_a_module_with_the_names_that_are_exported() {
    for encoder in encoders::serving(Modality::Images).map(|entry| entry.info.id) {
        let (model, class) = (model(encoder), python_class(encoder));
        let names: Vec<String> = pytorch(&model).tensors().unwrap().into_keys().collect();
        for name in names.iter().filter(|name| !name.starts_with("head.")) {
            let layer = name.split('.').next().unwrap();
            assert!(class.contains(&format!("self.{layer}")), "the module of {encoder} has no {layer}");
        }
    }
}

#[test]
fn an_encoder_that_learnt_without_labels_goes_to_pytorch_without_a_head() {
    for entry in crate::objectives::ALL.iter().filter(|entry| !entry.needs_labels) {
        let augmentation = entry.augmentation.iter().map(|(key, value)| ((*key).to_owned(), *value));
        let spec = RunSpec {
            augmentation: augmentation.collect(),
            encoder: Choice::new("compact_cnn"),
            objective: Choice::new(entry.info.id),
            ..RunSpec::default()
        };
        let class_names = vec!["0".into(), "1".into()];
        let model = Model::build(&spec, &DatasetInfo { shape: IMAGE.into(), class_names }).unwrap();
        let alone = Pytorch::new(&model.vars, Scope::Encoder).unwrap();
        let whole = self::model("compact_cnn");
        let whole = pytorch(&whole);
        let names = |pytorch: &Pytorch<'_>| {
            pytorch.tensors().unwrap().into_keys().collect::<std::collections::BTreeSet<_>>()
        };
        let mut expected = names(&whole);
        expected.retain(|name| !name.starts_with("head."));
        assert_eq!(names(&alone), expected, "{}", entry.info.id);
    }
}

/// The reference network's tensors as another program might have them: renamed, and with a counter.
fn foreign(prefix: &str, head: &str) -> HashMap<String, Tensor> {
    let renamed =
        |(name, tensor): (String, Tensor)| (format!("{prefix}{}", name.replace("head", head)), tensor);
    let mut tensors: HashMap<String, Tensor> = reference_tensors().into_iter().map(renamed).collect();
    tensors.insert(format!("{prefix}bn.num_batches_tracked"), Tensor::new(7i64, &Device::Cpu).unwrap());
    tensors
}

/// What a run says that begins with these tensors, and its network.
fn begun(tensors: &HashMap<String, Tensor>, scope: Scope, fresh: usize) -> (anyhow::Result<String>, Model) {
    let model = model("seed_cnn");
    let (_folder, path) = file(tensors);
    let said = load_weights(&model.vars, &Weights::File(path), scope, fresh);
    (said, model)
}

#[test]
fn a_run_begins_with_what_pytorch_trained() {
    let reference = reference();
    let of = |model: &Model, name: &str| values(model.vars.all().find(|(own, _)| *own == name).unwrap().1);
    // names that all begin as ours do are no sign of our layout
    for prefix in ["module.", "", "encoder."] {
        let (said, model) = begun(&foreign(prefix, "linear"), Scope::Encoder, 0);
        let said = said.unwrap();
        let expected = format!(
            "The encoder begins with 6 pretrained tensors; left out, as it is the head of another task: {prefix}linear; \
             left out, as it only counts, and is no weight: {prefix}bn. "
        );
        assert!(said.starts_with(&expected), "{said}");
        assert!(said.ends_with("The layer linear was taken for the head"), "{said}");
        for name in ["encoder.conv2.weight", "encoder.fc1.weight", "encoder.fc1.bias"] {
            assert_eq!(of(&model, name), of(&reference, name), "{name}");
        }
        assert_ne!(of(&model, "objective.head.weight"), of(&reference, "objective.head.weight"));
    }
    let (said, model) = begun(&foreign("module.", "linear"), Scope::All, 0);
    assert!(said.unwrap().starts_with("The network begins with 8 pretrained tensors"));
    assert_eq!(of(&model, "objective.head.weight"), of(&reference, "objective.head.weight"));
    let (said, model) = begun(&foreign("module.", "linear"), Scope::Encoder, 1);
    let said = said.unwrap();
    assert!(said.contains("left out, as it starts from random weights: module.fc1"), "{said}");
    assert_eq!(of(&model, "encoder.conv2.weight"), of(&reference, "encoder.conv2.weight"));
    assert_ne!(of(&model, "encoder.fc1.weight"), of(&reference, "encoder.fc1.weight"));
}

#[test]
fn a_run_begins_with_nothing_that_does_not_fit() {
    let said = |tensors: &HashMap<String, Tensor>| message(&begun(tensors, Scope::Encoder, 0).0.unwrap_err());
    let mut deeper = foreign("", "linear");
    deeper.insert("conv3.weight".into(), Tensor::zeros((64, 64, 3, 3), DType::F32, &Device::Cpu).unwrap());
    let refused = said(&deeper);
    assert!(refused.contains("conv3.weight has no place in this network"), "{refused}");
    let mut beside = foreign("", "linear");
    beside.insert("pooler.weight".into(), Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap());
    let begins = begun(&beside, Scope::Encoder, 0).0.unwrap();
    assert!(begins.contains("left out, as it is no part of this encoder: pooler"), "{begins}");
    let mut other = foreign("", "linear");
    let (folder, path) = file(&HashMap::new());
    other.insert("fc1.bias".into(), Tensor::zeros(64, DType::F32, &Device::Cpu).unwrap());
    let refused = said(&other);
    assert!(
        refused.contains("5 of the 6 tensors") && refused.contains("fc1.bias is [64] where [128]"),
        "{refused}"
    );
    // a file of ours is told so by our names
    model("compact_cnn").vars.save(&path).unwrap();
    let whole = model("seed_cnn");
    let refused = message(&load_weights(&whole.vars, &Weights::File(path), Scope::Encoder, 0).unwrap_err());
    assert!(refused.contains("encoder.fc1.weight is missing"), "{refused}");
    drop(folder);
}

#[test]
fn a_file_of_ours_is_still_one_of_ours() {
    let (one, other) = (model("seed_cnn"), model("seed_cnn"));
    one.vars.all().for_each(|(_, var)| var.set(&(var.as_tensor() + 1.0).unwrap()).unwrap());
    let (_folder, path) = file(&HashMap::new());
    one.vars.save(&path).unwrap();
    let said = load_weights(&other.vars, &Weights::File(path), Scope::Encoder, 0).unwrap();
    assert_eq!(said, "The encoder begins with 6 pretrained tensors; 2 of the old objective were left out");
    for ((name, var), (_, came)) in one.vars.all().zip(other.vars.all()) {
        assert_eq!(values(var) == values(came), name.starts_with("encoder."), "{name}");
    }
}

#[test]
fn a_rename_that_would_fit_is_suggested() {
    let suggested = refusal(foreign("module.", "answer"), &[]);
    assert!(suggested.contains("headstart import FILE --rename module.answer=head"), "{suggested}");
    let (_folder, path) = file(&foreign("module.", "answer"));
    pytorch(&model("seed_cnn")).import(&path, &[rename("module.answer", "head")]).unwrap();
    let suggested = message(&begun(&foreign("", "fc1x"), Scope::All, 0).0.unwrap_err());
    assert!(suggested.contains("--rename fc1x=head"), "{suggested}");
}

#[test]
fn numbers_of_no_use_are_not_taken_for_another_network() {
    let mut tensors = reference_tensors();
    tensors.insert("fc1.bias".into(), Tensor::zeros(128, DType::I64, &Device::Cpu).unwrap());
    let error = refusal(tensors, &[]);
    assert!(error.contains("fc1.bias holds I64") && error.contains("in floating point"), "{error}");
    assert!(!error.contains("--encoder"), "{error}");
    // of many, some of both sides are shown
    let others = (0..100).map(|at| (format!("layer{at}"), images())).collect();
    let error = refusal(others, &[]);
    assert!(error.contains("conv1.weight is missing") && error.contains("layer0 has no place"), "{error}");
}

#[test]
fn what_was_taken_is_told_by_the_parts_of_the_network() {
    let (_folder, path) = file(&foreign("module.", "linear"));
    let taken = pytorch(&model("seed_cnn")).import(&path, &[]).unwrap();
    let parts: Vec<_> =
        taken.by_part().into_iter().map(|part| (part.name, part.from, part.tensors, part.numbers)).collect();
    let part = |name: &str, from: &str, numbers| (name.to_owned(), from.to_owned(), 2, numbers);
    let expected = [
        part("conv1", "module.conv1", 320),
        part("conv2", "module.conv2", 18_496),
        part("fc1", "module.fc1", 1_179_776),
        part("head", "module.linear", 1290),
    ];
    assert_eq!(parts, expected);
    assert_eq!(taken.loaded.len(), 8);
    let left: Vec<_> = taken.left_out.iter().map(|left| (left.name.as_str(), left.why)).collect();
    assert_eq!(left, [("module.bn.num_batches_tracked", "only counts, and is no weight")]);
}

#[test]
fn layouts_go_there_and_back() {
    let ours = scattered(&[3, 3, 8], 1, 1.0);
    let theirs = Layout::Depthwise.theirs(&ours).unwrap();
    assert_eq!(theirs.dims(), [8, 1, 3, 3]);
    assert_eq!(values(&theirs.get(5).unwrap())[4], values(&ours.get(1).unwrap().get(1).unwrap())[5]);
    assert_eq!(values(&Layout::Depthwise.ours(&theirs).unwrap()), values(&ours));
    let positions = scattered(&[5, 8], 1, 1.0);
    let theirs = Layout::Leading(1).theirs(&positions).unwrap();
    assert_eq!(theirs.dims(), [1, 5, 8]);
    assert_eq!(Layout::Leading(1).ours(&theirs).unwrap().dims(), [5, 8]);
}

/// Every network that others published weights of, by the names of those who did: tests/data/names.
#[test]
fn encoders_take_the_names_of_published_weights() {
    let depth = |place: f64| vec![("depth", place)];
    for (names, encoder, values) in [
        ("torchvision-resnet18", "resnet", depth(3.0)),
        ("hugging-resnet18", "resnet", depth(3.0)),
        ("listed-resnet18", "resnet", depth(3.0)),
        ("hugging-resnet50", "resnet", depth(5.0)),
        ("torchvision-vgg11_bn", "vgg", vec![]),
        ("timm-vgg11_bn", "vgg", vec![]),
        ("torchvision-mobilenet_v2", "mobilenet_v2", vec![]),
        ("timm-mobilenet_v2", "mobilenet_v2", vec![]),
        ("timm-efficientnet_lite0", "efficientnet_lite0", vec![]),
        ("efficientnet_pytorch-lite0", "efficientnet_lite0", vec![]),
        ("timm-vit", "vit", vec![("depth", 2.0), ("patch_size", 16.0)]),
        ("torchvision-vit", "vit", vec![("depth", 2.0), ("patch_size", 16.0)]),
        ("hugging-vit", "vit", vec![("depth", 2.0), ("patch_size", 16.0)]),
    ] {
        let values = values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let blocks = encoders::blocks(&Choice { values, ..Choice::new(encoder) }).unwrap();
        let mut vars = Vars::new(1, Device::Cpu);
        let image = ImageShape { height: 224, width: 224, channels: 3 };
        crate::models::Network::build(&blocks, image.into(), &mut vars).unwrap();
        let pytorch = Pytorch::new(&vars, Scope::Encoder).unwrap();
        let wanted: Wanted<'_> = pytorch.parts.iter().map(|part| (part.name, part.shape())).collect();
        let listed = names::tests::listed(names);
        let file = listed.iter().map(|(name, info)| (name.as_str(), info));
        let mut matched = names::matched(file, &wanted, &[]);
        for (name, shape) in &wanted {
            let from = matched.sources.remove(*name).unwrap_or_else(|| panic!("{names} has no {name}"));
            let theirs: Vec<_> =
                from.iter().map(|name| listed.iter().find(|(own, _)| own == name).unwrap()).collect();
            match &theirs[..] {
                [(_, info)] => assert!(names::fits(&info.shape, shape), "{names}: {name}"),
                several => assert_eq!(several.len(), 3, "{names}: {name}"),
            }
        }
        let (left, strays) = pytorch.left_out(&matched);
        assert!(strays.is_empty(), "{names}: {strays:?}");
        let heads = left.iter().filter(|left| left.why == "is the head of another task").count();
        assert_eq!(heads, 2, "{names}");
    }
}
