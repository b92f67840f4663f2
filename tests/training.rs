//! Runs from start to end: the same bits whatever happens in between.
//!
//! Long, as each test file is a program of its own, which takes long to link.
mod support;

use headstart::{
    engine,
    evaluation::LabelCounts,
    metrics::{ACCURACY, KNN_ACCURACY, LEARNING_RATE, LOSS, SELF_LABEL_ACCURACY, Split},
    protocol::{
        Command, Confidence, Control, Familiarity, Finding, Level, Phase, Prediction, Question, RunId,
    },
    runs::Home,
    sample::Image,
    session::{Session, catalog, fitting},
    shape::ImageShape,
    spec::{Choice, RunSpec, Section},
};
use std::{collections::BTreeMap, fs, sync::Arc};
use support::{Fixture, finished, newest_checkpoint, start, until, wait, weights};

fn predict(request: u64, run: &RunId, pixels: Vec<u8>) -> Command {
    let question = Question::Prediction { sample: Image::drawing(pixels).into() };
    Command::Ask { request, run: run.clone(), question }
}

/// What has been found so far, and the step whose weights were asked.
fn found(session: &Session, request: u64) -> Option<(Finding, u64)> {
    let answer = session.state.answers.get(&request)?;
    Some((answer.finding.clone()?.ok()?, answer.step))
}

fn prediction(session: &mut Session, request: u64) -> (Arc<Prediction>, u64) {
    wait(session, |session| match found(session, request)? {
        (Finding::Prediction(found), step) => Some((found, step)),
        other => panic!("{other:?}"),
    })
}

/// The last answer about pixels: the network is calibrated.
fn judged(session: &mut Session, request: u64, run: &RunId, pixels: &[u8]) -> (Familiarity, LabelCounts) {
    session.send(predict(request, run, pixels.to_vec()));
    wait(session, |session| match found(session, request)?.0 {
        Finding::Prediction(found) => match found.confidence {
            Confidence::Calibrated { labels } => Some((found.familiarity, labels)),
            Confidence::Pending | Confidence::Raw => None,
        },
        other => panic!("{other:?}"),
    })
}

#[test]
fn drawings_are_judged_while_training_goes_on() {
    let fixture = Fixture::new();
    let mut session = fixture.session();
    let run =
        start(&mut session, fixture.spec(&["epochs=1000", "epoch_steps=1000", "learning_rate=0.00001"]));
    session.send(predict(1, &run, vec![255; 784]));
    let (first, _) = prediction(&mut session, 1);
    assert_eq!((first.confidence, first.familiarity), (Confidence::Pending, Familiarity::NotYet));
    until(&mut session, &run, |run| run.progress.step > 60);
    let labels = LabelCounts { training: 500, calibration: 100 };
    assert_eq!(judged(&mut session, 2, &run, &[255; 784]), (Familiarity::Outside, labels));
    let known = support::digits(&fixture.data(), 1);
    let inside = known
        .iter()
        .zip(3..)
        .filter(|(image, request)| judged(&mut session, *request, &run, image).0 == Familiarity::Inside);
    assert!(inside.count() * 10 >= known.len() * 8);
    assert_eq!(session.state.runs[&run].phase, Phase::Running);
    session.close();
}

#[test]
fn a_network_of_few_labels_says_that_they_cannot_tell() {
    let fixture = Fixture::new();
    let run = fixture.train(&["encoder=mlp", "dataset.labels_per_class=3"]).id;
    let mut session = fixture.session();
    let labels = LabelCounts { training: 30, calibration: 100 };
    let expected = (Familiarity::TooFewLabels(30), labels);
    assert_eq!(judged(&mut session, 1, &run, &[255; 784]), expected);
    session.close();
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_learns() {
    let fixture = Fixture::new();
    let [one, two, other] = [&["seed=3"], &["seed=3"], &["seed=4"]].map(|overrides| fixture.train(overrides));
    let metrics = |run: &headstart::session::Run| fs::read(run.folder.join("metrics.csv")).unwrap();
    assert_eq!(metrics(&one), metrics(&two));
    assert_eq!(weights(&one), weights(&two));
    assert_ne!(metrics(&one), metrics(&other));
    assert!(one.latest(ACCURACY, Split::Test).unwrap() > 0.6);
    assert_eq!(one.curve(LOSS, Split::Validation).len(), 4);
}

#[test]
fn every_component_trains() {
    let fixture = Fixture::new();
    for (section, infos) in headstart::session::catalog().components {
        for info in infos {
            if ["dataset", "device", "augmentation", "training"].contains(&section.id()) {
                continue;
            }
            let chosen = format!("{}={}", section.id(), info.id);
            // A transformer has no idea of neighbourhood: it needs more passes, and a small one is enough to see that it learns.
            let epochs = match info.id {
                "vit" => &["encoder.width=toy", "encoder.depth=2", "learning_rate=0.002", "epochs=12"][..],
                _ => &["epochs=4"],
            };
            let run = fixture.train(&[&[&*chosen, "augmentation.shift=1"], epochs].concat());
            assert!(finished(&run), "{chosen}: {:?}", run.phase);
            // Without labels the embeddings are probed.
            let accuracy = run.latest(ACCURACY, Split::Test);
            let accuracy = accuracy.or(run.latest(KNN_ACCURACY, Split::Validation)).unwrap();
            assert!(accuracy > 0.2, "{chosen}: {accuracy}");
        }
    }
}

#[test]
fn a_stopped_run_resumes_bit_for_bit() {
    resumes_bit_for_bit(&[]);
    resumes_bit_for_bit(&["encoder=compact_cnn", "objective=contrastive", "augmentation.rotation=10"]);
    resumes_bit_for_bit(&["encoder=compact_cnn", "objective=adversarial"]);
    resumes_bit_for_bit(&["dataset.labels_per_class=3", "epoch_steps=11", "augmentation.shift=2"]);
    resumes_bit_for_bit(&["encoder=compact_cnn", "dataset.labels_per_class=2", "self_labels=300"]);
    resumes_bit_for_bit(&[
        "encoder=mlp",
        "class_balance=oversample",
        "rotation=10",
        "scale=0.1",
        "shear=0.2",
        "augmentation.shift=1.5",
        "elastic=1",
        "thickness=0.4",
        "gaussian_noise=0.1",
    ]);
}

fn resumes_bit_for_bit(overrides: &[&str]) {
    let fixture = Fixture::new();
    let straight = fixture.train(overrides);
    let mut session = fixture.session();
    let id = start(&mut session, fixture.spec(overrides));
    for step in [3, 9, 17] {
        until(&mut session, &id, |run| run.progress.step >= step);
        session.send(Command::Control(id.clone(), Control::Stop));
        until(&mut session, &id, |run| run.phase == Phase::Stopped);
        session.close();
        session = fixture.session();
        until(&mut session, &id, |run| run.phase == Phase::Stopped);
        session.send(Command::Resume(id.clone()));
        until(&mut session, &id, |run| run.phase == Phase::Running || finished(run));
    }
    let resumed = until(&mut session, &id, finished);
    assert_eq!(weights(&resumed), weights(&straight));
    assert_eq!(
        fs::read(resumed.folder.join("metrics.csv")).unwrap(),
        fs::read(straight.folder.join("metrics.csv")).unwrap()
    );
    assert_eq!(resumed.curves, straight.curves);
}

#[test]
fn one_session_trains_on_the_first_classes_and_then_on_the_others() {
    let fixture = Fixture::new();
    let mut session = fixture.session();
    let mut train = |overrides: &[&str]| {
        let id = start(&mut session, fixture.spec(overrides));
        let run = until(&mut session, &id, |run| !run.phase.is_active());
        assert!(finished(&run), "{:?}", run.phase);
        let path = newest_checkpoint(&run.folder).join("model.safetensors");
        let weights = candle_core::safetensors::load(path, &candle_core::Device::Cpu).unwrap();
        (run, weights["objective.head.bias"].elem_count())
    };
    let (first, classes) = train(&["encoder=mlp", "dataset.last_class=4"]);
    assert_eq!(classes, 5);
    let from = format!("init_from={}", first.id);
    let (second, classes) = train(&["encoder=mlp", "dataset.first_class=6", &from]);
    assert_eq!(classes, 4);
    assert_ne!(first.progress.steps, second.progress.steps);
    assert!(second.latest(ACCURACY, Split::Test).unwrap() > 0.5);
}

#[test]
fn fine_tuning_begins_with_the_encoder_of_another_run() {
    let fixture = Fixture::new();
    let encoder = |run: &headstart::session::Run| {
        let path = newest_checkpoint(&run.folder).join("model.safetensors");
        let all = candle_core::safetensors::load(path, &candle_core::Device::Cpu).unwrap();
        let numbers = |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let own = all.iter().filter(|(name, _)| name.starts_with("encoder."));
        own.map(|(name, tensor)| (name.clone(), numbers(tensor))).collect::<BTreeMap<_, _>>()
    };
    let common = ["encoder=compact_cnn", "epochs=1", "augmentation.rotation=10"];
    let pretrained = fixture.train(&[&common[..], &["objective=contrastive"]].concat());
    let from = format!("init_from={}", pretrained.id);
    let tune = |overrides: &[&str]| {
        let budget = ["seed=5", "dataset.labels_per_class=2", "epoch_steps=3", from.as_str()];
        encoder(&fixture.train(&[&common[..], &budget, overrides].concat()))
    };
    let before = encoder(&pretrained);
    assert_eq!(tune(&["freeze_stages=4"]), before);
    let most = tune(&["freeze_stages=3"]);
    for (name, numbers) in &most {
        assert_eq!(*numbers != before[name], name.starts_with("encoder.fc."), "{name}");
    }
    let thawed = tune(&["freeze_stages=4", "unfreeze_every=2"]);
    assert!(thawed["encoder.fc.weight"] != before["encoder.fc.weight"]);
    assert_eq!(thawed["encoder.conv3.weight"], before["encoder.conv3.weight"]);
    assert_eq!(tune(&["encoder_lr_factor=0"])["encoder.conv1.weight"], before["encoder.conv1.weight"]);
}

#[test]
fn images_are_brought_to_the_shape_that_a_pretrained_encoder_knows() {
    let fixture = Fixture::new();
    let common = ["encoder=compact_cnn", "epochs=1", "epoch_steps=2"];
    let with = |overrides: &[&str]| fixture.train(&[&common[..], overrides].concat());
    let pretrained = with(&["dataset.image_size=16", "dataset.channels=3"]);
    let from = format!("init_from={}", pretrained.id);
    let tuned = with(&[&from, "dataset.last_class=4"]);
    assert!(finished(&tuned), "{:?}", tuned.phase);
    let shape = |run: &headstart::session::Run| {
        ["image_size", "channels"].map(|key| run.spec.dataset.values.get(key).copied().unwrap_or_default())
    };
    assert_eq!((shape(&pretrained), shape(&tuned)), ([16.0, 3.0], [16.0, 3.0]));
    // images that have the encoder's shape already stay as they are
    let again = with(&["init_from=mnist_contrastive"]);
    assert!(finished(&again), "{:?}", again.phase);
    assert_eq!(shape(&again), [0.0, 0.0]);
}

#[test]
fn what_cannot_begin_says_why_and_leaves_no_folder() {
    let fixture = Fixture::new();
    let other = fixture.train(&["encoder=mlp", "epochs=1"]);
    let mut session = fixture.session();
    wait(&mut session, |session| (session.state.runs.len() == 1).then_some(()));
    for (overrides, reason) in [
        (&["objective=contrastive"][..], "nothing alters them"),
        (&["dataset.labels_per_class=100"], "fewer than the 100 labels"),
        (&["init_from=nowhere"], "no shipped encoder"),
        (&[&format!("init_from={}", other.id)], "tensors of this encoder fit"),
        (&[&format!("init_from={}@7", other.id)], "has no checkpoint of step 7: choose one of ["),
        (&[&format!("init_from={}@16", other.id)], "tensors of this encoder fit"),
    ] {
        session.state.notices.clear();
        session.send(Command::Start(Box::new(fixture.spec(overrides))));
        let notice = wait(&mut session, |session| session.state.notices.pop());
        assert!(notice.text.contains(reason), "{}", notice.text);
    }
    assert_eq!(session.state.runs.len(), 1);
}

#[test]
fn live_changes_are_logged_and_replayed_exactly() {
    let fixture = Fixture::new();
    let mut session = fixture.session();
    let id = start(&mut session, fixture.spec(&[]));
    session.send(Command::Control(id.clone(), Control::Pause));
    let run = until(&mut session, &id, |run| run.phase == Phase::Paused);
    let mut live = run.live.clone();
    live.set(Section::Optimizer, &engine::LEARNING_RATE, 0.0001);
    live.set_key("encoder.dense_dropout", 0.0);
    session.send(Command::Tune(id.clone(), live.clone()));
    let run = until(&mut session, &id, |run| !run.changes.is_empty());
    let changed: Vec<_> = run.changes.iter().map(|one| (one.step, one.key.as_str(), one.to)).collect();
    let step = run.progress.step;
    assert_eq!(changed, [(step, "encoder.dense_dropout", 0.0), (step, "optimizer.learning_rate", 0.0001)]);
    assert_eq!(run.live, live);
    session.send(Command::Control(id.clone(), Control::Continue));
    let tuned = until(&mut session, &id, finished);
    session.close();
    assert_eq!(tuned.latest(LEARNING_RATE, Split::Train), Some(0.0001));
    let metrics = fs::read(tuned.folder.join("metrics.csv")).unwrap();
    let final_weights = weights(&tuned);

    // As if the program had been killed before its first checkpoint.
    fs::remove_dir_all(tuned.folder.join("checkpoints")).unwrap();
    fs::remove_file(tuned.folder.join("metrics.csv")).unwrap();
    let log = fs::read_to_string(tuned.folder.join("log.jsonl")).unwrap();
    let log: Vec<_> = log.lines().filter(|line| !line.contains("finished")).collect();
    fs::write(tuned.folder.join("log.jsonl"), log.join("\n")).unwrap();
    let mut session = fixture.session();
    until(&mut session, &id, |run| run.phase == Phase::Stopped);
    session.send(Command::Resume(id.clone()));
    let replayed = until(&mut session, &id, finished);
    assert_eq!(fs::read(replayed.folder.join("metrics.csv")).unwrap(), metrics);
    assert_eq!(weights(&replayed), final_weights);
    assert_eq!(replayed.changes, tuned.changes);
}

#[test]
fn pausing_stepping_and_drawing_work_together() {
    let fixture = Fixture::new();
    let mut session = fixture.session();
    let id = start(&mut session, fixture.spec(&[]));
    session.send(Command::Control(id.clone(), Control::Pause));
    let paused = until(&mut session, &id, |run| run.phase == Phase::Paused);
    session.send(Command::Control(id.clone(), Control::Step));
    let stepped = until(&mut session, &id, |run| {
        run.phase == Phase::Paused && run.progress.step > paused.progress.step
    });
    assert_eq!(stepped.progress.step, paused.progress.step + 1);
    for request in [1, 2, 3] {
        session.send(predict(request, &id, vec![request as u8; 784]));
    }
    let (answer, step) = prediction(&mut session, 3);
    assert_eq!(step, stepped.progress.step);
    assert!((answer.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    session.send(predict(4, &id, vec![0; 3]));
    let notice = wait(&mut session, |session| session.state.notices.pop());
    assert!(notice.text.contains("28 by 28 pixels in 1 channels cannot have 3 bytes"), "{}", notice.text);
}

#[test]
fn every_objective_shows_its_work_while_it_trains_and_afterwards() {
    let fixture = Fixture::new();
    let mut session = fixture.session();
    let mut drawing = Image::drawing(vec![0; 784]);
    drawing.pixels[300..500].fill(255);
    let paper = Image::drawing(vec![0; 784]);
    let mut request = 0;
    for info in catalog().section(Section::Objective) {
        let objective = format!("objective={}", info.id);
        let overrides = [objective.as_str(), "encoder=compact_cnn", "augmentation.shift=1", "epochs=1"];
        let id = start(&mut session, fixture.spec(&overrides));
        let mut seen = vec![];
        for stopped in [false, true] {
            if stopped {
                until(&mut session, &id, finished);
            }
            for drawings in [vec![], vec![drawing.clone(), paper.clone()]] {
                request += 1;
                let samples = drawings.into_iter().map(Into::into).collect();
                let question = Question::Preview { samples };
                session.send(Command::Ask { request, run: id.clone(), question });
                let (answer, step) = wait(&mut session, |session| match found(session, request)? {
                    (Finding::Preview(found), step) => Some((found, step)),
                    other => panic!("{other:?}"),
                });
                assert!(!answer.strips.is_empty(), "{}", info.id);
                if let Some(original) = answer.strips.iter().find(|strip| strip.name == "Original") {
                    let is_drawn =
                        original.pixels.starts_with(&[&drawing.pixels[..], &paper.pixels].concat());
                    assert_eq!(is_drawn, request % 2 == 0, "{}", info.id);
                }
                for strip in &answer.strips {
                    let images = strip.pixels.len() / 784;
                    assert!(strip.shape == ImageShape::new(28, 28, 1) && strip.pixels.len() == images * 784);
                    assert!(strip.captions.is_empty() || strip.captions.len() == images, "{}", strip.name);
                    assert!((4..=20).contains(&images), "{}: {images} images", strip.name);
                }
                assert_eq!(answer.similarities.is_some(), info.id == "contrastive");
                seen.push((answer, step));
            }
        }
        let step = session.state.runs[&id].progress.step;
        assert_eq!([seen[2].1, seen[3].1], [step; 2], "{}", info.id);
        // A classifier answers with probabilities; the others with images.
        assert_eq!(seen[2].0.strips != seen[3].0.strips, info.id != "classify", "{}", info.id);
        let paints = seen[2].0.strips.iter().any(|strip| strip.name == "Samples");
        assert_eq!(paints, ["variational", "adversarial"].contains(&info.id), "{}", info.id);
    }
    assert!(session.state.notices.is_empty(), "{:?}", session.state.notices);
    session.close();
}

#[test]
fn without_labels_a_drawing_is_shown_and_its_neighbours_are_found() {
    let fixture = Fixture::new();
    let mut session = fixture.session();
    let overrides = ["objective=autoencoder", "encoder=compact_cnn", "noise=0.2", "epochs=1"];
    let id = start(&mut session, fixture.spec(&overrides));
    until(&mut session, &id, finished);
    // one of the training images, so that the nearest of all is known
    let images = fs::read(fixture.data().join("train-images-idx3-ubyte")).unwrap();
    let labels = fs::read(fixture.data().join("train-labels-idx1-ubyte")).unwrap();
    let ask = |session: &mut Session, request, image: usize| {
        let pixels = images[16 + image * 784..][..784].to_vec();
        session.send(predict(request, &id, pixels.clone()));
        let (answer, _) = prediction(session, request);
        let question = Question::Nearest { sample: Image::drawing(pixels).into() };
        session.send(Command::Ask { request: 100 + request, run: id.clone(), question });
        let nearest = wait(session, |session| match found(session, 100 + request)?.0 {
            Finding::Nearest(nearest) => Some(nearest),
            other => panic!("{other:?}"),
        });
        (answer, nearest)
    };
    // Validation images are not among the neighbours: most of ten images are found again.
    let mut found = 0;
    for image in 0..10 {
        let (answer, nearest) = ask(&mut session, image as u64 + 1, image);
        let names: Vec<_> = answer.strips.iter().map(|strip| strip.name).collect();
        assert_eq!(names, ["Original", "Pixels blanked", "Reconstruction"]);
        assert_eq!(answer.strips[0].pixels, images[16 + image * 784..][..784]);
        if nearest.pixels[..784] == images[16 + image * 784..][..784] {
            assert_eq!(nearest.captions[0].text, format!("{} · closest 1 %", labels[8 + image]));
            found += 1;
        }
    }
    assert!(found >= 6, "{found} of 10 images were found again");
    session.close();
}

#[test]
fn contrastive_learning_begins_with_the_augmentation_of_its_config() {
    let catalog = catalog();
    let mut spec = RunSpec { objective: Choice::new("contrastive"), ..RunSpec::default() };
    assert!(catalog.lacks_augmentation(&spec));
    catalog.augment_as_needed(&mut spec);
    let shipped = include_str!("../configs/contrastive.toml");
    let shipped = RunSpec::from_toml(shipped, &[], &catalog).unwrap();
    assert_eq!(spec.augmentation, shipped.augmentation);
    spec.objective = Choice::new("autoencoder");
    catalog.augment_as_needed(&mut spec);
    assert!(spec.augmentation.is_empty());
}

#[test]
fn altered_images_are_altered_as_suits_the_data_set_that_is_chosen() {
    let catalog = catalog();
    let mut spec = RunSpec { dataset: Choice::new("cifar10"), ..RunSpec::default() };
    fitting::augment_as_suits(&mut spec, &catalog);
    assert!(spec.augmentation.is_empty(), "nothing is altered unasked");
    spec.augmentation.insert("rotation".into(), 15.0);
    let written = spec.augmentation.clone();
    for (dataset, objective, is_mirrored) in
        [("cifar10", "contrastive", false), ("files", "classify", false), ("cifar10", "classify", true)]
    {
        (spec.dataset, spec.objective) = (Choice::new(dataset), Choice::new(objective));
        fitting::augment_as_suits(&mut spec, &catalog);
        assert_eq!(spec.augmentation.contains_key("flip"), is_mirrored, "{dataset} {objective}");
        assert_eq!(spec.augmentation == written, !is_mirrored);
    }
}

#[test]
fn a_network_labels_images_itself_and_learns_from_them() {
    let fixture = Fixture::new();
    let few =
        ["encoder=compact_cnn", "init_from=mnist_contrastive", "labels_per_class=1", "encoder_lr_factor=0.1"];
    let own = |count: &str| {
        let run = fixture.train(&[&few[..], &["epoch_steps=20", count]].concat());
        assert!(finished(&run), "{:?}", run.phase);
        run
    };
    let (without, with) = (own("self_labels=0"), own("self_labels=400"));
    assert_eq!(without.latest(SELF_LABEL_ACCURACY, Split::Train), None);
    let right = with.latest(SELF_LABEL_ACCURACY, Split::Train).unwrap();
    assert!(right > 0.7, "{right}");
    let accuracy = |run: &headstart::session::Run| run.latest(ACCURACY, Split::Test).unwrap();
    assert!(accuracy(&with) > accuracy(&without), "{} {}", accuracy(&with), accuracy(&without));
}

const SHIPPED_LOSSES: [f64; 24] = [
    6.1104, 6.0523, 6.0275, 6.0088, 6.0104, 5.9759, 5.9349, 5.8134, 5.8763, 5.7835, 5.7903, 5.6858, 5.7501,
    5.6919, 5.6521, 5.6073, 5.5296, 5.5328, 5.4432, 5.5235, 5.4891, 5.3355, 5.3826, 5.3817,
];

/// The shipped encoder's run is `configs/contrastive.toml`; the numbers are the first losses of its metrics.csv.
#[test]
fn the_shipped_encoder_is_what_its_config_makes() {
    let fixture = Fixture::new();
    let mut session = fixture.session();
    let text = include_str!("../configs/contrastive.toml");
    let id = start(&mut session, RunSpec::from_toml(text, &[], &catalog()).unwrap());
    let run = until(&mut session, &id, |run| run.progress.step >= SHIPPED_LOSSES.len() as u64);
    session.close();
    for ([step, loss], shipped) in run.curve(LOSS, Split::Train).iter().zip(SHIPPED_LOSSES) {
        assert!((loss - shipped).abs() < 0.02, "{loss} where {shipped} was at step {step}");
    }
}

/// The shipped example is a run of `configs/drawing.toml`, with the first losses of its metrics.csv.
#[test]
fn the_shipped_example_is_what_its_config_makes() {
    let fixture = Fixture::new();
    let home = Home::open(fixture.home()).unwrap();
    let shipped = home.folder(&home.install_shipped().unwrap());
    let recipe = RunSpec::from_toml(include_str!("../configs/drawing.toml"), &[], &catalog()).unwrap();
    let spec = shipped.spec(&catalog()).unwrap();
    assert_eq!(spec.shipped.as_ref(), Some(&recipe.name));
    let same = RunSpec { name: recipe.name.clone(), shipped: None, ..spec };
    assert_eq!(same.to_toml(&catalog()), recipe.to_toml(&catalog()));
    let points = shipped.points().unwrap().into_iter();
    let losses: Vec<_> =
        points.filter(|point| (point.metric, point.split) == (LOSS, Split::Train)).take(24).collect();
    assert_eq!(losses.last().unwrap().step, 24);
    let mut session = fixture.session();
    let id = start(&mut session, recipe);
    let run = until(&mut session, &id, |run| run.progress.step >= 24);
    session.close();
    for ([step, loss], shipped) in run.curve(LOSS, Split::Train).iter().zip(losses) {
        assert!((loss - shipped.value).abs() < 0.02, "{loss} where {} was at step {step}", shipped.value);
    }
}

/// What somebody trains by the recipe of the shipped example is a run of their own.
#[test]
fn what_is_trained_by_the_recipe_of_the_shipped_example_is_not_shipped() {
    let fixture = Fixture::new();
    let mut session = fixture.session();
    let spec = RunSpec { shipped: Some("Drawing".into()), ..fixture.spec(&["epochs=1"]) };
    let id = start(&mut session, spec);
    let run = until(&mut session, &id, |run| !run.phase.is_active());
    session.close();
    let written = Home::open(fixture.home()).unwrap().folder(&id).spec(&catalog()).unwrap();
    assert_eq!((run.spec.shipped, written.shipped), (None, None));
}

#[test]
fn runs_that_start_together_advance_in_lock_step() {
    let fixture = Fixture::new();
    let mut session = fixture.session();
    let ids = [0, 1].map(|seed| start(&mut session, fixture.spec(&[&format!("seed={seed}"), "epochs=4"])));
    until(&mut session, &ids[1], |run| run.progress.step >= 30);
    let steps = ids.map(|id| session.state.runs[&id].progress.step);
    assert!(steps[0].abs_diff(steps[1]) < 16, "{steps:?}");
    session.close();
}

#[test]
fn a_diverging_run_stops_with_advice_and_a_dead_run_can_be_deleted_and_brought_back() {
    let fixture = Fixture::new();
    let mut session = fixture.session();
    let id = start(
        &mut session,
        fixture.spec(&["optimizer=sgd", "learning_rate=10", "weight_decay=1", "encoder=mlp"]),
    );
    let run = until(&mut session, &id, |run| !run.phase.is_active());
    let Phase::Failed(message) = &run.phase else { panic!("{:?}", run.phase) };
    assert!(message.contains("diverged") && message.contains("lower learning rate"), "{message}");
    assert_eq!((run.remedy, run.saved), (None, None), "ruined weights were kept");
    session.send(Command::Delete(id.clone()));
    wait(&mut session, |session| (!session.state.runs.contains_key(&id)).then_some(()));
    session.send(Command::Restore(id.clone()));
    until(&mut session, &id, |run| matches!(run.phase, Phase::Failed(_)));
}

#[test]
fn early_stopping_brings_the_best_weights_back() {
    let fixture = Fixture::new();
    // Without dropout, six hundred images are soon overfitted.
    let overrides =
        ["encoder=mlp", "dropout=0", "patience=3", "epochs=200", "keep_checkpoints=1", "learning_rate=0.01"];
    let run = fixture.train(&overrides);
    assert!(finished(&run) && run.progress.step < run.progress.steps);
    let [best, _] = run.best(LOSS, Split::Validation).unwrap();
    assert!((best as u64) < run.progress.step);
    let best =
        fs::read(run.folder.join(format!("checkpoints/step-{:06}/model.safetensors", best as u64))).unwrap();
    assert_eq!(best, weights(&run));
    assert_eq!(fs::read_dir(run.folder.join("checkpoints")).unwrap().count(), 2);
}

#[test]
fn a_disk_that_cannot_be_written_pauses_the_run_and_loses_nothing() {
    let fixture = Fixture::new();
    let straight = fixture.train(&["seed=8"]);
    let mut session = fixture.session();
    let id = start(&mut session, fixture.spec(&["seed=8"]));
    let checkpoints = session.state.runs[&id].folder.join("checkpoints");
    fs::remove_dir_all(&checkpoints).unwrap();
    fs::write(&checkpoints, "in the way").unwrap();
    until(&mut session, &id, |run| run.phase == Phase::Paused);
    let notice = wait(&mut session, |session| session.state.notices.pop());
    assert!(
        notice.level == Level::Error && notice.text.contains("solve that, then continue"),
        "{}",
        notice.text
    );
    assert!(!notice.text.contains("full"), "{}", notice.text);
    fs::remove_file(&checkpoints).unwrap();
    session.send(Command::Control(id.clone(), Control::Continue));
    let run = until(&mut session, &id, finished);
    assert_eq!(weights(&run), weights(&straight));
}

#[test]
fn two_programs_on_one_home_do_not_train_the_same_run() {
    let fixture = Fixture::new();
    let mut first = fixture.session();
    let id = start(&mut first, fixture.spec(&["epochs=100"]));
    let mut second: Session = fixture.session();
    until(&mut second, &id, |run| run.phase == Phase::Elsewhere);
    for command in [Command::Resume(id.clone()), Command::Delete(id.clone())] {
        second.send(command);
        let notice = wait(&mut second, |session| session.state.notices.pop());
        assert!(notice.text.contains("Another Headstart"), "{}", notice.text);
    }
    second.close();
    first.close();
}

#[test]
fn damaged_runs_are_reported_and_do_not_hide_the_others() {
    let fixture = Fixture::new();
    let run = fixture.train(&["epochs=1", "encoder=mlp"]);
    fs::create_dir_all(fixture.home().join("runs/9-damaged")).unwrap();
    fs::write(fixture.home().join("runs/9-damaged/spec.toml"), "seed = [").unwrap();
    // A truncated checkpoint gives way to the one before it, with a notice; without one, to an error.
    let cut_short = |step: u64| {
        let checkpoint = run.folder.join(format!("checkpoints/step-{step:06}"));
        fs::write(checkpoint.join("model.safetensors"), "short").unwrap();
    };
    cut_short(16);
    let mut session = fixture.session();
    until(&mut session, &run.id, finished);
    let notice = wait(&mut session, |session| session.state.notices.pop());
    assert!(notice.text.contains("9-damaged"), "{}", notice.text);
    session.send(predict(1, &run.id, vec![0; 784]));
    let notice = wait(&mut session, |session| session.state.notices.pop());
    assert!(notice.text.contains("Step 8 is used instead of step 16"), "{}", notice.text);
    assert_eq!(prediction(&mut session, 1).1, 8);
    session.close();
    cut_short(8);
    let mut session = fixture.session();
    session.send(predict(2, &run.id, vec![0; 784]));
    let notice = wait(&mut session, |session| {
        session.state.notices.pop().filter(|notice| !notice.text.contains("9-damaged"))
    });
    assert!(notice.text.contains("No checkpoint of this run can be used"), "{}", notice.text);
    assert!(notice.text.contains("step-000016/model.safetensors"), "{}", notice.text);
}
