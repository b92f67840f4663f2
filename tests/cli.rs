//! The built program, called as from a shell.
//!
//! Long, as each test file is a program of its own, which takes long to link.
mod cli_output;
mod cli_pictures;
mod cli_runs;
mod support;

use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};
use support::Fixture;

fn headstart(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headstart"));
    command.args(arguments).arg("--home").arg(home).stdin(Stdio::null());
    command
}

fn run(home: &Path, arguments: &[&str]) -> Output {
    headstart(home, arguments).output().unwrap()
}

/// The arguments that train on the small data set of a fixture.
fn train(fixture: &Fixture, overrides: &[&str]) -> Vec<String> {
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/configs/seed_cnn.toml");
    let path = format!("dataset.path={}", fixture.data().display());
    let base = ["dataset=files", &path, "dataset.validation_images=100", "batch_size=32", "epochs=2"];
    let set = base.iter().chain(overrides).flat_map(|pair| ["--set".to_owned(), (*pair).to_owned()]);
    ["train".to_owned(), config.to_owned(), "--json".to_owned()].into_iter().chain(set).collect()
}

fn strs(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// Standard output, which must be one JSON object a line.
fn objects(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// Beside them lies the lock file for making them.
fn run_folders(home: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.join("runs")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

fn only_run(home: &Path) -> PathBuf {
    let mut runs = run_folders(home);
    assert_eq!(runs.len(), 1);
    runs.pop().unwrap()
}

fn weights(folder: &Path) -> Vec<u8> {
    fs::read(support::newest_checkpoint(folder).join("model.safetensors")).unwrap()
}

fn signal(child: &std::process::Child, name: &str) {
    Command::new("kill").arg(name).arg(child.id().to_string()).status().unwrap();
}

#[test]
fn train_evaluate_predict_and_list_speak_json() {
    let fixture = Fixture::new();
    let home = fixture.home();
    let output = run(&home, &strs(&train(&fixture, &[])));
    assert!(output.status.success(), "{output:?}");
    let lines = objects(&output);
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["event"], &last["step"], &last["epoch"]),
        (&"finished".into(), &32.into(), &2.0.into())
    );
    assert!(last["run"].is_string() && last["elapsed_secs"].as_f64().unwrap() > 0.0);
    assert!(
        last["validation_accuracy"].as_f64().unwrap() > 0.5 && last["test_accuracy"].as_f64().unwrap() > 0.5
    );

    let id = last["run"].as_str().unwrap();
    let folder = only_run(&home).display().to_string();
    for name in [id, &id[..12], &folder] {
        let evaluated = &objects(&run(&home, &["evaluate", name, "--split", "test", "--json"]))[0];
        assert_eq!((&evaluated["accuracy"], &evaluated["images"]), (&last["test_accuracy"], &200.into()));
    }

    let data = fixture.data().display().to_string();
    let judged = run_json(&home, &["evaluate", id, "--split", "test", "--outsiders", &data]);
    let confusion: Vec<Vec<u64>> = serde_json::from_value(judged["confusion"].clone()).unwrap();
    assert_eq!(confusion.iter().flatten().sum::<u64>(), 200);
    let right: u64 = (0..10).map(|class| confusion[class][class]).sum();
    assert!((right as f64 / 200.0 - judged["accuracy"].as_f64().unwrap()).abs() < 1e-9);
    let zero = &judged["classes"][0];
    let recall = confusion[0][0] as f64 / confusion[0].iter().sum::<u64>() as f64;
    assert_eq!((zero["name"].as_str(), zero["recall"].as_f64()), (Some("0"), Some(recall)));
    let calibration = &judged["calibration"];
    assert!(calibration["temperature"].as_f64().unwrap() > 0.0);
    let bins = calibration["reliability_after"].as_array().unwrap();
    assert_eq!((bins.len(), bins.iter().map(|bin| bin["images"].as_u64().unwrap()).sum::<u64>()), (15, 200));
    let outsiders = &judged["outsiders"];
    // The test images themselves as outsiders: both shares are of the same images.
    assert_eq!(
        (&outsiders["outsiders"], &outsiders["outsiders_flagged"]),
        (&200.into(), &outsiders["flagged"])
    );

    let picture = fixture.data().join("seven.png");
    digit().save(&picture).unwrap();
    let predicted = &objects(&run(&home, &["predict", id, picture.to_str().unwrap(), "--json"]))[0];
    assert_eq!((&predicted["calibrated"], predicted["outsider"].is_boolean()), (&true.into(), true));
    let probabilities: Vec<f64> =
        predicted["probabilities"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
    assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-5 && probabilities.len() == 10);
    assert_eq!(
        predicted["confidence"].as_f64().unwrap(),
        probabilities[predicted["prediction"].as_u64().unwrap() as usize]
    );

    let photograph = fixture.data().join("two.png");
    support::photograph_of_two(&photograph);
    let two = &objects(&run(&home, &["predict", id, photograph.to_str().unwrap(), "--json"]))[0];
    let digits = two["digits"].as_array().unwrap();
    let text: String = digits.iter().map(|digit| digit["class"].as_str().unwrap()).collect();
    assert_eq!((digits.len(), &two["text"]), (2, &text.into()));
    let edge = |digit: usize, at: usize| digits[digit]["bounds"][at].as_f64().unwrap();
    assert!(edge(0, 2) < edge(1, 0) && edge(1, 2) < 1.0, "{two}");
    fs::remove_file(&photograph).unwrap();

    let folder = fixture.data().join("drawings");
    fs::create_dir(&folder).unwrap();
    for name in ["1.png", "2.png"] {
        fs::copy(&picture, folder.join(name)).unwrap();
    }
    let labels = format!("file,label\n1.png,{0}\n2.png,{1}\n", predicted["prediction"], 9);
    fs::write(folder.join("labels.csv"), labels).unwrap();
    // a run that cannot be opened is reported, and does not fail the prediction
    let unopened = home.join("runs/2000-01-01-0000-broken");
    fs::create_dir(&unopened).unwrap();
    fs::write(unopened.join("spec.toml"), "seed = [").unwrap();
    let read = objects(&run(&home, &["predict", id, folder.to_str().unwrap(), "--json"]));
    fs::remove_dir_all(&unopened).unwrap();
    let right = if predicted["prediction"] == 9 { 2 } else { 1 };
    assert_eq!((&read[2]["images"], &read[2]["right"]), (&2.into(), &right.into()));
    assert_eq!((&read[1]["label"], &read[1]["prediction"]), (&9.into(), &predicted["prediction"]));
    assert_eq!(read[2]["accuracy"].as_f64().unwrap(), f64::from(right) / 2.0);
    fs::write(folder.join("labels.csv"), "file,label\n1.png,11\n2.png,0\n").unwrap();
    let unknown = objects(&run(&home, &["predict", id, folder.to_str().unwrap(), "--json"]));
    assert_eq!((&unknown[0]["label"], &unknown[0]["label_class"]), (&Value::Null, &"11".into()));
    let counts = unknown.last().unwrap();
    assert_eq!((&counts["images"], &counts["labelled"]), (&2.into(), &1.into()));
    assert_eq!(counts["unknown_classes"][0], "11");
    fs::remove_file(folder.join("labels.csv")).unwrap();
    let loose = objects(&run(&home, &["predict", id, folder.to_str().unwrap(), "--json"]));
    assert_eq!(loose.len(), 3);
    for (key, value) in predicted.as_object().unwrap().iter().filter(|(key, _)| *key != "image") {
        assert_eq!(&loose[0][key], value, "{key} is as for one picture");
    }
    assert_eq!((&loose[2]["images"], &loose[2]["accuracy"]), (&2.into(), &Value::Null));

    let listed = &objects(&run(&home, &["runs", "--json"]))[0];
    assert_eq!((&listed["run"], &listed["state"]), (&last["run"], &"finished".into()));
    assert_eq!(objects(&run(&home, &["data", "--json"]))[0]["id"], "mnist");
    let by_environment = Command::new(env!("CARGO_BIN_EXE_headstart"))
        .args(["runs", "--json"])
        .env("HEADSTART_HOME", &home)
        .output();
    assert_eq!(objects(&by_environment.unwrap()).len(), 1);
}

#[test]
fn the_shipped_example_is_installed_once_and_reads_a_picture() {
    let fixture = Fixture::new();
    let home = fixture.home();
    let [first, second] = [(); 2].map(|()| run_json(&home, &["example"]));
    assert_eq!([&first["is_new"], &second["is_new"]], [&Value::from(true), &Value::from(false)]);
    assert_eq!(first["run"], second["run"]);
    let id = first["run"].as_str().unwrap();
    assert_eq!(only_run(&home), Path::new(first["folder"].as_str().unwrap()));
    let picture = seven(&fixture, 0);
    let read = run_json(&home, &["predict", id, picture.to_str().unwrap()]);
    assert_eq!((&read["prediction"], &read["calibrated"]), (&7.into(), &true.into()));
    let listed = run_json(&home, &["runs"]);
    assert_eq!((&listed["shipped"], &listed["state"]), (&true.into(), &"finished".into()));
    let refused = run(&home, &["resume", id]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("The run is finished"), "{refused:?}");
}

/// Ink on white: a seven.
fn digit() -> image::GrayImage {
    image::GrayImage::from_fn(60, 80, |x, y| {
        let bar = (12..48).contains(&x) && (12..18).contains(&y);
        let stem = (12..70).contains(&y) && (x as i32 - (46 - (y as i32 - 12) / 3)).abs() < 4;
        image::Luma([if bar || stem { 0 } else { 255 }])
    })
}

/// A picture of one of the sevens of the data set, ink on white.
fn seven(fixture: &Fixture, at: usize) -> PathBuf {
    let ink = support::digits(&fixture.data(), 7).swap_remove(at);
    let paper = ink.into_iter().map(|value| 255 - value).collect();
    let path = fixture.home().with_file_name(format!("seven {at}.png"));
    image::GrayImage::from_raw(28, 28, paper).unwrap().save(&path).unwrap();
    path
}

/// A run keeps an absolute path to its images.
#[test]
fn a_run_of_a_relative_path_is_scored_from_any_folder() {
    let fixture = Fixture::new();
    let (home, data) = (fixture.home(), fixture.data());
    let arguments = train(&fixture, &["epochs=1", "dataset.path=data"]);
    let output = headstart(&home, &strs(&arguments)).current_dir(data.parent().unwrap()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let spec = fs::read_to_string(only_run(&home).join("spec.toml")).unwrap();
    assert!(spec.contains(&format!("path = \"{}\"", data.display())), "{spec}");
    let name = only_run(&home).display().to_string();
    let scored = headstart(&home, &["evaluate", &name, "--json"]).current_dir("/").output().unwrap();
    assert!(scored.status.success(), "{scored:?}");
}

#[test]
fn drawings_are_followed_through_time_kept_and_fine_tuned_on() {
    let fixture = Fixture::new();
    let home = fixture.home();
    let trained = objects(&run(&home, &strs(&train(&fixture, &[]))));
    let id = trained.last().unwrap()["run"].as_str().unwrap().to_owned();
    let picture = fixture.data().join("seven.png");
    digit().save(&picture).unwrap();
    let picture = picture.to_str().unwrap();
    let predicted = run_json(&home, &["predict", &id, picture]);
    let past = objects(&run(&home, &["history", &id, picture, "--json"]));
    assert_eq!(
        (&past[0]["step"], &past.last().unwrap()["step"]),
        (&0.into(), &trained.last().unwrap()["step"])
    );
    assert_eq!(past.last().unwrap()["prediction"], predicted["prediction"]);
    for figure in ["confidence", "raw_confidence", "calibrated", "outsider", "probabilities"] {
        assert_eq!(past.last().unwrap()[figure], predicted[figure], "{figure} of the same weights");
    }
    assert_eq!((&past[0]["calibrated"], &past[0]["confidence"]), (&false.into(), &past[0]["raw_confidence"]));
    assert!(predicted["raw_confidence"] != predicted["confidence"] && predicted["calibrated"] == true);
    refused(&run(&home, &["handwriting", "tune", &id]), "keep 10 more");
    let sevens: Vec<String> = (0..11).map(|at| seven(&fixture, at).display().to_string()).collect();
    let add = |pictures: &[&str]| {
        let added = run(&home, &[&["handwriting", "add", "--label", "7"], pictures].concat());
        assert!(added.status.success(), "{added:?}");
        let kept = run_json(&home, &["handwriting"]);
        let count = |part: &str| kept[part][7].as_u64().unwrap();
        assert_eq!((count("to_train_on"), count("held_out")), (6, 5));
        String::from_utf8(added.stderr).unwrap()
    };
    assert_eq!(add(&strs(&sevens)), "");
    assert!(add(&[sevens[3].as_str(); 2]).contains("kept already as test/7/0004.png"));
    let tuned = objects(&run(&home, &["handwriting", "tune", &id, "--json"]));
    let tuned = tuned.last().unwrap();
    assert_eq!((&tuned["event"], &tuned["held_out"]), (&"tuned".into(), &5.into()));
    // It was fine-tuned on sevens alone.
    assert_eq!(tuned["handwriting_after"], 1.0);
    let validated = &trained.last().unwrap()["validation_accuracy"];
    assert_eq!(&tuned["validation_before"], validated);
}

#[test]
fn killed_and_interrupted_runs_end_with_the_same_bytes() {
    let fixture = Fixture::new();
    let straight_home = fixture.data().join("straight");
    assert!(run(&straight_home, &strs(&train(&fixture, &["epochs=3"]))).status.success());
    let straight = only_run(&straight_home);
    for (index, (name, milliseconds)) in
        [("-KILL", 300), ("-KILL", 700), ("-INT", 450), ("-KILL", 1100)].into_iter().enumerate()
    {
        let home = fixture.data().join(format!("home {index}"));
        let mut child =
            headstart(&home, &strs(&train(&fixture, &["epochs=3"]))).stdout(Stdio::null()).spawn().unwrap();
        while fs::read_dir(home.join("runs")).map_or(0, Iterator::count) == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(milliseconds));
        signal(&child, name);
        let ended = child.wait().unwrap();
        let folder = only_run(&home);
        if !ended.success() {
            assert!(name == "-KILL" || ended.code() == Some(130), "{ended:?}");
            let output = run(&home, &["resume", folder.to_str().unwrap(), "--json"]);
            assert!(output.status.success(), "{output:?}");
        }
        assert_eq!(weights(&folder), weights(&straight), "{name} after {milliseconds} ms");
        assert_eq!(
            fs::read(folder.join("metrics.csv")).unwrap(),
            fs::read(straight.join("metrics.csv")).unwrap()
        );
    }
}

#[test]
fn bad_specs_and_bad_data_are_refused_in_plain_words() {
    let fixture = Fixture::new();
    let home = fixture.home();
    let damaged = |name: &str, change: &dyn Fn(&Path)| {
        let folder = fixture.home().with_file_name(name);
        fs::create_dir(&folder).unwrap();
        support::small_mnist(&folder, 50, 20);
        change(&folder);
        format!("dataset.path={}", folder.display())
    };
    let write = |file: &'static str, bytes: Vec<u8>| {
        move |folder: &Path| fs::write(folder.join(file), &bytes).unwrap()
    };
    let images = "train-images-idx3-ubyte";
    let wrong_label = [&[0, 0, 8, 1, 0, 0, 0, 20][..], &[200; 20]].concat();
    let fewer_labels = [&[0, 0, 8, 1, 0, 0, 0, 3][..], &[1, 2, 3]].concat();
    let packed =
        fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/mnist/train-images-idx3-ubyte.gz")).unwrap();
    let cases = [
        ("learning_rte=1".to_owned(), "did you mean learning_rate?"),
        ("learning_rate=100".into(), "out of range"),
        ("epochs=true".into(), "not a whole number"),
        ("encoder=transformer".into(), "choose one of seed_cnn, compact_cnn, mlp"),
        (
            "dataset.path=/nowhere".into(),
            "There is nothing to be read here: choose a folder or a file that is there",
        ),
        (
            damaged("empty", &|folder| {
                fs::read_dir(folder).unwrap().for_each(|file| fs::remove_file(file.unwrap().path()).unwrap())
            }),
            "This is no data set that can be read",
        ),
        (damaged("magic", &write(images, b"not an IDX file at all".to_vec())), "no IDX file of images"),
        (
            damaged("short", &write(images, vec![0, 0, 8, 3, 0, 0, 0, 50, 0, 0, 0, 28, 0, 0, 0, 28, 1])),
            "cut short",
        ),
        (damaged("gzip", &write(images, packed[..90_000].to_vec())), "cut short"),
        (
            damaged("huge", &write(images, vec![0, 0, 8, 3, 255, 255, 255, 255, 0, 0, 15, 0, 0, 0, 15, 0])),
            "more than 4 GiB",
        ),
        (
            damaged("label", &write("t10k-labels-idx1-ubyte", wrong_label)),
            "A label is 200, but there are only 10 classes",
        ),
        (
            damaged("counts", &write("t10k-labels-idx1-ubyte", fewer_labels)),
            "There are 20 images, but 3 labels",
        ),
    ];
    for (set, message) in cases {
        let output = run(&home, &strs(&train(&fixture, &[&set])));
        refused(&output, message);
        assert_eq!(fs::read_dir(home.join("runs")).map_or(0, Iterator::count), 0, "{set} left a folder");
    }
    refused(&run(&home, &["train", "/nowhere.toml"]), "/nowhere.toml");
    let broken = fixture.data().join("broken.toml");
    fs::write(&broken, "[encoder\n").unwrap();
    refused(&run(&home, &["train", broken.to_str().unwrap()]), "broken.toml");
}

/// Exit code 1, nothing on standard output, the message on standard error, and no panic.
fn refused(output: &Output, message: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains(message), "expected {message:?} in: {error}");
    assert!(output.stdout.is_empty() && !error.contains("panicked"), "{output:?}");
}

#[test]
fn bad_pictures_and_bad_runs_are_refused_in_plain_words() {
    let fixture = Fixture::new();
    let home = fixture.home();
    assert!(run(&home, &strs(&train(&fixture, &["encoder=mlp", "epochs=1"]))).status.success());
    let folder = only_run(&home);
    let id = folder.file_name().unwrap().to_str().unwrap().to_owned();
    let file = |name: &str, bytes: &[u8]| {
        let path = fixture.data().join(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let good = fixture.data().join("good.png");
    digit().save(&good).unwrap();
    let good = good.display().to_string();
    let blank = fixture.data().join("blank.png");
    image::GrayImage::from_pixel(30, 30, image::Luma([255])).save(&blank).unwrap();
    // A PNG's signature and header, with 30,000 by 30,000 pixels; its checksum is right.
    let wide = [
        &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x75\x30\0\0\x75\x30\x08\0\0\0\0"[..],
        &crc(b"IHDR\0\0\x75\x30\0\0\x75\x30\x08\0\0\0\0").to_be_bytes(),
    ]
    .concat();
    let cases = [
        ("/nowhere.png".to_owned(), "There is nothing to be read here"),
        (file("text.png", b"hello"), "The picture cannot be read: use PNG, JPEG, WebP or BMP"),
        (file("nothing.png", b""), "The picture cannot be read: use PNG, JPEG, WebP or BMP"),
        (file("wide.png", &wide), "at most 20,000 pixels a side"),
        (blank.display().to_string(), "no ink"),
        (fixture.data().display().to_string(), "no pictures in files of their own"),
    ];
    for (picture, message) in cases {
        let output = run(&home, &["predict", &id, &picture, "--json"]);
        refused(&output, message);
        assert!(String::from_utf8_lossy(&output.stderr).contains(&picture));
        let both = run(&home, &["predict", &id, &picture, &good, "--json"]);
        assert_eq!(
            (both.status.code(), objects(&both).len()),
            (Some(1), 1),
            "a good picture beside a bad one is scored"
        );
    }

    refused(&run(&home, &["resume", &id]), "finished");
    refused(&run(&home, &["evaluate", "2001", "--json"]), "No run begins with");
    let spec = fs::read_to_string(folder.join("spec.toml")).unwrap();
    for (text, message) in [("version = 99", "update Headstart"), ("seed = [", "TOML")] {
        fs::write(folder.join("spec.toml"), text).unwrap();
        refused(&run(&home, &["evaluate", &id, "--json"]), message);
    }
    fs::write(folder.join("spec.toml"), spec).unwrap();
    fs::write(folder.join("checkpoints/step-000016/model.safetensors"), "no tensors").unwrap();
    let older = run(&home, &["predict", &id, &good, "--json"]);
    assert!(older.status.success() && objects(&older).len() == 1, "{older:?}");
    assert!(
        String::from_utf8_lossy(&older.stderr).contains("Step 8 is used instead of step 16"),
        "{older:?}"
    );
    fs::write(folder.join("checkpoints/step-000008/model.safetensors"), "no tensors").unwrap();
    let file = fixture.data().join("weights").display().to_string();
    for command in [
        &["predict", &id, &good, "--json"][..],
        &["evaluate", &id, "--json"],
        &["history", &id, &good, "--json"],
        &["export", &id, "--out", &file, "--json"],
        &["embed", &id, "--out", &file, "--json"],
    ] {
        refused(&run(&home, command), "No checkpoint of this run can be used");
    }
}

#[test]
fn exported_weights_come_back_as_a_run_that_scores_the_same() {
    let fixture = Fixture::new();
    let home = fixture.home();
    let data = format!("dataset.path={}", fixture.data().display());
    let evaluate = |run: &str| {
        let output = run_json(&home, &["evaluate", run, "--split", "test"]);
        (output["accuracy"].clone(), output["loss"].clone())
    };
    assert!(run(&home, &strs(&train(&fixture, &["encoder=mlp", "encoder.depth=3"]))).status.success());
    let trained = only_run(&home).file_name().unwrap().to_str().unwrap().to_owned();
    let path = fixture.data().join("weights.safetensors");
    let file = path.to_str().unwrap();
    let exported = run_json(&home, &["export", &trained, "--out", file]);
    assert_eq!((&exported["tensors"], &exported["step"]), (&8.into(), &32.into()));

    let import = ["import", file, "--encoder", "mlp", "--set", "dataset=files", "--set", &data];
    let fits = [&import[..], &["--set", "encoder.depth=3"]].concat();
    let imported = run_json(&home, &fits);
    assert_eq!(evaluate(imported["run"].as_str().unwrap()), evaluate(&trained));
    let listed = objects(&run(&home, &["runs", "--json"]));
    let listed = listed.iter().find(|listed| listed["run"] == imported["run"]).unwrap();
    assert_eq!((&listed["state"], &listed["name"]), (&"finished".into(), &"weights".into()));

    refused(&run(&home, &import), "fc3.weight has no place in this network");
    refused(&run(&home, &[&fits[..], &["--rename", "fc3=fc9"]].concat()), "fc3.weight is missing");
    refused(&run(&home, &[&fits[..], &["--rename", "fc3"]].concat()), "write it as fc2=head");
    refused(
        &run(&home, &["import", file, "--encoder", "transformer"]),
        "choose one of seed_cnn, compact_cnn, mlp",
    );
    refused(&run(&home, &["import", "/nowhere"]), "File: /nowhere");
    refused(&run(&home, &["export", &trained, "--out", "/nowhere/weights"]), "File: /nowhere/weights");
    assert_eq!(run_folders(&home).len(), 2, "a refused import left a folder");
}

/// The only line that a command prints.
#[test]
fn samples_are_painted_alike_each_time_and_judged() {
    let fixture = Fixture::new();
    let home = fixture.home();
    let ids =
        [&["objective=variational", "encoder=compact_cnn", "name=painter"][..], &["epochs=4", "name=judge"]]
            .map(|overrides| {
                let output = run(&home, &strs(&train(&fixture, overrides)));
                objects(&output).last().unwrap()["run"].as_str().unwrap().to_owned()
            });
    let folders = ["one", "two", "other"].map(|name| home.with_file_name(name));
    for (folder, seed) in folders.iter().zip(["0", "0", "1"]) {
        let out = folder.display().to_string();
        let arguments =
            ["sample", &ids[0], "--out", &out, "--count", "3", "--seed", seed, "--judge", &ids[1], "--json"];
        let found = objects(&run(&home, &arguments));
        assert_eq!((&found[0]["images"], &found[0]["step"]), (&3.into(), &32.into()));
        let by_class = found[1]["by_class"].as_array().unwrap();
        let sure: f64 = by_class.iter().map(|count| count.as_f64().unwrap()).sum();
        assert!((found[1]["recognised"].as_f64().unwrap() - sure / 3.0).abs() < 1e-9 && by_class.len() == 10);
    }
    let [one, two, other] = folders.map(|folder| fs::read(folder.join("00002.png")).unwrap());
    assert!(one == two && one != other);
    let out = home.with_file_name("none").display().to_string();
    refused(&run(&home, &["sample", &ids[1], "--out", &out]), "variational or adversarial");
    refused(&run(&home, &["sample", &ids[0], "--out", &out, "--judge", &ids[0]]), "judge by a classifier");
}

fn run_json(home: &Path, arguments: &[&str]) -> Value {
    let output = run(home, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{output:?}");
    objects(&output).remove(0)
}

#[test]
fn data_sets_are_listed_and_fetching_says_why_it_cannot() {
    let fixture = Fixture::new();
    let home = fixture.home();
    let listed = objects(&run(&home, &["data", "--json"]));
    let of = |id: &str| listed.iter().find(|set| set["id"] == id).unwrap();
    assert_eq!((&of("mnist")["present"], &of("files")["present"]), (&true.into(), &false.into()));
    assert_eq!((&of("kmnist")["present"], &of("kmnist")["bytes"]), (&false.into(), &21_240_888.into()));

    let nowhere = fixture.data().display().to_string();
    refused(&run(&home, &["data", "fetch", "kmnist", "--path", &nowhere, "--json"]), "--path FOLDER");
    refused(
        &run(&home, &["data", "fetch", "kmnist", "--mirror", "http://127.0.0.1:9"]),
        "http://127.0.0.1:9/",
    );
    refused(&run(&home, &["data", "fetch", "kmnist", "--mirror", "127.0.0.1"]), "write the address");
    refused(&run(&home, &["data", "fetch", "mnist"]), "needs no fetching");
    refused(&run(&home, &["data", "fetch", "nothing"]), "choose one of mnist, fashion_mnist");

    let missing = "headstart data fetch kmnist";
    let train = |overrides: &[&str]| run(&home, &strs(&train(&fixture, overrides)));
    let digits = concat!("dataset.path=", env!("CARGO_MANIFEST_DIR"), "/assets/mnist");
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/configs/mnist_to_fashion.toml");
    refused(&run(&home, &["train", "seed_cnn", "--set", "dataset=kmnist"]), missing);
    refused(&run(&home, &["compare", config, "--set", "run.dataset=kmnist"]), missing);
    // A folder of one's own, which holds digits.
    let copied = train(&["dataset=kmnist", digits, "encoder=mlp", "epochs=1", "labels_per_class=2"]);
    assert!(copied.status.success(), "{copied:?}");
}

#[test]
fn bench_measures_the_machine_and_every_encoder() {
    let home = Fixture::new().home();
    let output = run(&home, &["bench", "--secs", "0.01", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let lines = objects(&output);
    assert!(lines[0]["gemm_gflops"].as_f64().unwrap() > 0.0);
    assert_eq!(lines[1]["encoder"], "seed_cnn");
    for line in &lines[1..] {
        for key in ["train_images_per_sec", "infer_images_per_sec", "latency_us", "train_gemm_share"] {
            assert!(line[key].as_f64().unwrap() > 0.0, "{key} in {line}");
        }
    }
    refused(&run(&home, &["bench", "--encoder", "transformer"]), "choose one of seed_cnn, compact_cnn, mlp");
    refused(&run(&home, &["bench", "--secs", "0"]), "--secs");
}

/// CRC-32 as PNG uses it.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

#[test]
fn predictions_are_explained_and_embeddings_written() {
    let fixture = Fixture::new();
    let home = fixture.home();
    run(&home, &strs(&train(&fixture, &[])));
    let id = only_run(&home).file_name().unwrap().to_string_lossy().into_owned();
    let picture = fixture.data().join("seven.png");
    digit().save(&picture).unwrap();
    let folder = fixture.data().join("explained");
    let (picture, out) = (picture.to_str().unwrap(), folder.to_str().unwrap());
    let why = ["predict", &id, picture, "--explain", out, "--class", "7", "--instead-of", "1", "--json"];
    let lines = objects(&run(&home, &why));
    let methods: Vec<_> = lines[1..].iter().map(|line| line["method"].as_str().unwrap()).collect();
    assert_eq!(methods, ["gradient_input", "integrated_gradients", "grad_cam", "occlusion"]);
    for line in &lines[1..] {
        assert_eq!((&line["class"], &line["instead_of"]), (&7.into(), &1.into()));
        let written = image::open(line["picture"].as_str().unwrap()).unwrap().to_rgb8();
        assert_eq!(written.dimensions(), (310, 280));
        assert!(written.pixels().any(|pixel| pixel[0] > pixel[2]), "nothing speaks for it");
    }
    let number = |line: &Value, key: &str| line[key].as_f64().unwrap();
    let sum = number(&lines[2], "for") + number(&lines[2], "against");
    let difference = number(&lines[2], "output") - number(&lines[2], "empty_output");
    assert!((sum - difference).abs() <= 0.01 * difference.abs(), "{sum} {difference}");
    let wrong = run(&home, &["predict", &id, picture, "--explain", out, "--class", "10"]);
    let error = String::from_utf8_lossy(&wrong.stderr);
    assert!(error.contains("There is no class 10: the network knows the classes 0 to 9"), "{error}");
    assert_eq!(wrong.status.code(), Some(1));

    let table = fixture.data().join("embeddings.csv");
    let table = table.to_str().unwrap();
    for (method, images, columns) in [("none", "50", 131), ("pca", "0", 5), ("tsne", "150", 5)] {
        let told = run_json(
            &home,
            &["embed", &id, "--out", table, "--split", "test", "--method", method, "--images", images],
        );
        let mut reader = csv::Reader::from_path(table).unwrap();
        assert_eq!(reader.headers().unwrap().len(), columns, "{method}");
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let wanted = if images == "0" { 200 } else { images.parse().unwrap() };
        assert_eq!((rows.len() as u64, told["images"].as_u64()), (wanted, Some(wanted)));
        assert!(
            rows.iter()
                .all(|row| row.iter().skip(3).all(|number| number.parse::<f32>().unwrap().is_finite()))
        );
        assert_eq!(rows[0][1], rows[0][2]);
    }
}

#[test]
fn the_log_says_what_was_trained_and_what_was_refused() {
    let fixture = Fixture::new();
    let home = fixture.home();
    let trained = run(&home, &strs(&train(&fixture, &["encoder=mlp", "epochs=1"])));
    assert!(trained.status.success() && !String::from_utf8_lossy(&trained.stderr).contains("INFO"));
    let refused = run(&home, &["train", "see_cnn", "--verbose"]);
    let logs: Vec<_> = fs::read_dir(home.join("logs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let log: String = logs.iter().map(|log| fs::read_to_string(log).unwrap()).collect();
    let id = only_run(&home).file_name().unwrap().to_str().unwrap().to_owned();
    let of_run: Vec<_> = log.lines().filter(|line| line.contains(&id)).collect();
    assert!(of_run[0].contains("INFO started") && of_run[0].ends_with("step=0"), "{log}");
    assert!(of_run.last().unwrap().contains("INFO finished") && of_run.len() < 8, "{log}");
    assert!(log.contains(concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"")), "{log}");
    let (_, refusal) = log.lines().find_map(|line| line.split_once("ERROR")).unwrap();
    assert!(refusal.contains("did you mean seed_cnn?"), "{log}");
    assert!(log.lines().last().unwrap().ends_with("ended code=1"), "{log}");
    assert!(String::from_utf8(refused.stderr).unwrap().contains(refusal));
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let fixture = Fixture::new();
    let home = fixture.home();
    fs::create_dir(&home).unwrap();
    fs::write(home.join("logs"), "").unwrap();
    let listed = run(&home, &["runs", "--json"]);
    assert!(listed.status.success() && listed.stderr.is_empty(), "{listed:?}");
}
