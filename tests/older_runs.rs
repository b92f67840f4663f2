//! Run folders that older versions wrote can still be listed, evaluated, queried and resumed.
//!
//! Each folder of `tests/data/homes` is a home as the program of that day wrote it, in which `DATA` stands for the folder of
//! [`Program`]'s digits, with `expected.toml`: the state and the scores of each run, and how it ends. Before the format of
//! run folders changes, this writes another, `tests/data/homes/new`, to be named after the day:
//!
//! ```sh
//! cargo test --release --test older_runs -- --ignored
//! ```
#[path = "support/program.rs"]
mod program;
mod support;

use headstart::{
    runs::Home,
    spec::{Choice, Edit},
};
use program::{Golden, HAS_GOLDEN_BITS, Program, differences, golden, id};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use support::{digits, forget_the_end};

/// The placeholder for the folder of the digits.
const DATA: &str = "DATA";

/// The accuracy of a single test image, which rounding may change on another machine.
const ONE_IMAGE: f64 = 1.0 / 39.0;

/// By the names of the runs.
type Expected = BTreeMap<String, Was>;

/// A run as it was written.
#[derive(Serialize, Deserialize)]
struct Was {
    name: String,
    state: String,
    /// The loss of its newest weights on the test images, and a classifier's accuracy.
    loss: f64,
    accuracy: Option<f64>,
    /// How it ends, where it was not finished.
    end: Option<Golden>,
}

#[test]
fn every_run_is_listed_as_it_was() {
    for (program, expected) in homes() {
        let output = program.output(&["runs"]);
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
        let listed = objects(&String::from_utf8(output.stdout).unwrap());
        let listed: Vec<_> =
            listed.iter().map(|run| ["run", "name", "state"].map(|key| text(run, key))).collect();
        let expected: Vec<_> =
            expected.iter().map(|(id, was)| [id, &was.name, &was.state].map(Clone::clone)).collect();
        assert_eq!(sorted(listed), sorted(expected));
    }
}

#[test]
fn every_run_scores_the_test_images_as_it_did() {
    for (program, expected) in homes() {
        for (id, was) in expected {
            let (loss, accuracy) = evaluated(&program, &id);
            let name = &was.name;
            assert!(
                (loss - was.loss).abs() <= 1e-3 * was.loss,
                "{name}: the loss was {} and is {loss}",
                was.loss
            );
            assert_eq!(accuracy.is_some(), was.accuracy.is_some(), "{name}");
            let off = accuracy.unwrap_or_default() - was.accuracy.unwrap_or_default();
            assert!(off.abs() <= ONE_IMAGE, "{name}: the accuracy is off by {off}");
        }
    }
}

#[test]
fn every_run_that_was_not_finished_goes_on_to_where_it_would_have_come() {
    for (program, expected) in homes() {
        for (id, was) in expected {
            let Some(end) = was.end else { continue };
            let now = gone_on(&program, &id, &was.state);
            if HAS_GOLDEN_BITS {
                assert_eq!(differences(&was.name, &end, &now), [""; 0]);
            }
        }
    }
}

#[test]
fn every_network_can_be_asked() {
    for (program, expected) in homes() {
        let seven = program.data().join("seven.png");
        let pixels = digits(&program.data(), 7).swap_remove(0);
        image::GrayImage::from_raw(28, 28, pixels).unwrap().save(&seven).unwrap();
        let [seven, out] = [seven, program.data().join("out")].map(|path| path.display().to_string());
        for run in objects(&program.run(&["runs"])) {
            let id = text(&run, "run");
            program.run(&["embed", &id, "--split", "test", "--out", &out]);
            program.run(&["export", &id, "--out", &out]);
            match text(&run, "objective").as_str() {
                "classify" => {
                    program.run(&["predict", &id, &seven]);
                    program.run(&["history", &id, &seven]);
                }
                "variational" | "adversarial" => {
                    let folder = format!("{out}-{id}");
                    program.run(&["sample", &id, "--count", "2", "--out", &folder]);
                }
                _ => {}
            }
        }
        let from = expected.iter().find(|(_, was)| was.name == "contrastive").unwrap().0;
        program.train(&["encoder=mlp", "hidden_size=12", "image_size=8", &format!("init_from={from}")]);
    }
}

#[test]
fn a_comparison_that_was_cut_short_finds_what_it_would_have_found() {
    for (program, expected) in homes() {
        let comparison = program.folders("comparisons").remove(0);
        let results = comparison.join("results.csv");
        let before = fs::read_to_string(&results).unwrap();
        fs::remove_file(&results).unwrap();
        let (last, _) =
            expected.iter().find(|(_, was)| was.name.starts_with("Pretrained, fine-tuned")).unwrap();
        fs::remove_dir_all(program.home().join("runs").join(last)).unwrap();
        program.run(&["resume", id(&comparison)]);
        let after = fs::read_to_string(&results).unwrap();
        assert_eq!(after.lines().count(), before.lines().count());
        assert!(after == before || !HAS_GOLDEN_BITS, "{before}\n{after}");
    }
}

#[test]
fn corrections_and_drawings_are_found() {
    for (program, _) in homes() {
        let home = Home::open(program.home()).unwrap();
        assert_eq!(home.edits(&Choice::new("mnist")).unwrap(), corrected().edits);
        let drawings = objects(&program.run(&["handwriting"]));
        assert!(!drawings.is_empty());
    }
}

/// Every home that is kept, copied beside the digits that its runs learnt from.
fn homes() -> Vec<(Program, Expected)> {
    let all = fs::read_dir(kept()).unwrap().map(|entry| entry.unwrap().path());
    let opened = |home: PathBuf| {
        let program = Program::new();
        let data = program.data().display().to_string().replace('\\', "/");
        copy(&home, &program.home(), &|text| text.replace(DATA, &data));
        let expected = fs::read_to_string(home.join("expected.toml")).unwrap();
        (program, toml::from_str(&expected).unwrap())
    };
    let homes: Vec<_> = all.map(opened).collect();
    assert!(!homes.is_empty());
    homes
}

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/homes")
}

/// Copies a folder, and changes the text of what is no tensor, metric or picture in it.
fn copy(from: &Path, to: &Path, change: &dyn Fn(&str) -> String) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy(&path, &to, change);
        } else if path.extension().is_some_and(|extension| extension == "toml" || extension == "jsonl") {
            fs::write(to, change(&fs::read_to_string(path).unwrap())).unwrap();
        } else if path.file_name().is_some_and(|name| name != "lock" && name != ".lock") {
            fs::copy(path, to).unwrap();
        }
    }
}

fn objects(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text(object: &Value, key: &str) -> String {
    object[key].as_str().unwrap().to_owned()
}

fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort();
    all
}

/// Loss and accuracy on the test images.
fn evaluated(program: &Program, run: &str) -> (f64, Option<f64>) {
    let found = &objects(&program.run(&["evaluate", run, "--split", "test"]))[0];
    (found["loss"].as_f64().unwrap(), found["accuracy"].as_f64())
}

/// Resumes a run to its end.
fn gone_on(program: &Program, run: &str, state: &str) -> Golden {
    let smaller: &[&str] = if state == "failed" { &["--set", "learning_rate=0.01"] } else { &[] };
    program.run(&[&["resume", run][..], smaller].concat());
    golden(&program.home().join("runs").join(run))
}

#[test]
#[ignore = "writes tests/data/homes/new"]
fn make_a_home() {
    let program = Program::new();
    let mut ends = BTreeMap::new();
    let mut cut_short = |run: &Path| {
        ends.insert(id(run).to_owned(), golden(run));
        fs::remove_dir_all(run.join("checkpoints/step-000012")).unwrap();
        forget_the_end(run);
    };
    let pretrained =
        train(&program, &["name=contrastive", "objective=contrastive", "augmentation.rotation=10"]);
    let from = format!("init_from={}", id(&pretrained));
    train(&program, &["name=finished"]);
    train(&program, &["name=digits of the program", "dataset=mnist"]);
    for set in [
        &["name=killed"][..],
        &["name=rotation", "objective=rotation", "optimizer=adamw"],
        &["name=masked", "objective=masked", "optimizer=sgd"],
        &["name=variational", "objective=variational", "optimizer=sgd", "learning_rate=0.001"],
        &["name=adversarial", "objective=adversarial", "optimizer=sgd"],
        &["name=fine-tuned", &from, "freeze_stages=1", "unfreeze_every=8", "schedule=one_cycle"],
        &["name=self-labelled", &from, "labels_per_class=1", "self_labels=60"],
    ] {
        cut_short(&train(&program, set));
    }
    for (name, version) in [("name=corrected", 2), ("name=split as in version 1", 1)] {
        cut_short(&program.train_corrected(version, 8, &[&SMALLER[..], &[name]].concat()));
    }
    cut_short(&pretrained);
    stopped(&program);
    diverged(&program);
    imported(&program);
    let of_both = SMALLER.iter().flat_map(|pair| [format!("run.{pair}"), format!("pretrain.{pair}")]);
    program.compare(&of_both.collect::<Vec<_>>());
    Home::open(program.home()).unwrap().keep_edits(&corrected()).unwrap();
    let seven = program.data().join("seven.png");
    image::GrayImage::from_raw(28, 28, digits(&program.data(), 7).swap_remove(0))
        .unwrap()
        .save(&seven)
        .unwrap();
    program.run(&["handwriting", "add", "--label", "7", &seven.display().to_string()]);
    write(&program, ends);
}

/// The runs of a small home.
const SMALLER: [&str; 5] = [
    "encoder=mlp",
    "encoder.hidden_size=12",
    "image_size=8",
    "keep_checkpoints=2",
    "evaluations_per_epoch=1",
];

fn train(program: &Program, set: &[&str]) -> PathBuf {
    program.train(&[&SMALLER[..], set].concat())
}

fn corrected() -> Choice {
    let edits = [("train-9788854b4978b8df".to_owned(), Edit::Exclude)];
    Choice { edits: edits.into(), ..Choice::new("mnist") }
}

/// A run stopped by Ctrl-C before its end.
fn stopped(program: &Program) {
    let path = format!("dataset.path={}", program.data().display());
    let long =
        ["name=stopped", "dataset=files", &path, "epochs=60", "batch_size=200", "augmentation.elastic=2"];
    let set = SMALLER.iter().chain(&long).flat_map(|pair| ["--set", pair]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_headstart"));
    command.args(["train", "mlp", "--json", "--home"]).arg(program.home()).args(set);
    let mut child = command.env("HEADSTART_SIMD", "portable").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("validated")));
    Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "it was too fast: give it more epochs");
}

/// A run that is resumed with a learning rate at which it diverges.
fn diverged(program: &Program) {
    let run = train(program, &["name=diverged", "optimizer=sgd"]);
    fs::remove_dir_all(run.join("checkpoints/step-000012")).unwrap();
    forget_the_end(&run);
    let ruinous = ["--set", "learning_rate=10", "--set", "weight_decay=1"];
    assert_eq!(program.output(&[&["resume", id(&run)], &ruinous[..]].concat()).status.code(), Some(1));
}

/// From PyTorch's names and layout.
fn imported(program: &Program) {
    let other = Program::new();
    let compact = ["encoder=compact_cnn", "image_size=8"];
    let run = other.train(&compact);
    let file = other.data().join("weights.safetensors").display().to_string();
    other.run(&["export", id(&run), "--out", &file]);
    let path = format!("dataset.path={}", program.data().display());
    let set = ["name=imported", "dataset=files", &path, "image_size=8", "optimizer=sgd"];
    let set = set.iter().flat_map(|pair| ["--set", pair]);
    let arguments = ["import", &file, "--encoder", "compact_cnn"].into_iter().chain(set);
    program.run(&arguments.collect::<Vec<_>>());
}

/// Keeps the program's home, and what is expected of its runs.
fn write(program: &Program, mut ends: BTreeMap<String, Golden>) {
    let new = kept().join("new");
    let data = program.data().display().to_string();
    copy(&program.home(), &new, &|text| text.replace(&data, DATA));
    let mut expected = Expected::new();
    for run in objects(&program.run(&["runs"])) {
        let id = text(&run, "run");
        let (loss, accuracy) = evaluated(program, &id);
        let (name, state) = (text(&run, "name"), text(&run, "state"));
        // Unfinished runs are resumed only now that they have been copied.
        let end = ends.remove(&id).or_else(|| (state != "finished").then(|| gone_on(program, &id, &state)));
        expected.insert(id, Was { name, state, loss, accuracy, end });
    }
    fs::write(new.join("expected.toml"), toml::to_string(&expected).unwrap()).unwrap();
}
