//! Commands whose output is closed or lost, and the figures that each objective's run prints.
use super::*;
use headstart::{metrics, session::catalog, spec::Section};
use std::{
    fs::{File, OpenOptions},
    io::{BufRead as _, BufReader},
};

fn small(fixture: &Fixture, overrides: &[&str]) -> Vec<String> {
    let quick = [&["encoder=mlp", "epochs=2"][..], overrides].concat();
    train(fixture, &quick)
}

fn listed(home: &Path) -> Value {
    objects(&run(home, &["runs", "--json"])).remove(0)
}

#[test]
fn training_goes_on_without_a_reader() {
    let fixture = Fixture::new();
    let home = fixture.home();
    let mut child = headstart(&home, &strs(&small(&fixture, &[])))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // As `| head -1` does, and a closed standard error beside it.
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    drop(child.stderr.take());
    assert!(first.contains("\"started\""), "{first}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!((&listed(&home)["state"], &listed(&home)["step"]), (&"finished".into(), &32.into()));
}

#[cfg(target_os = "linux")]
#[test]
fn lost_output_is_reported_and_training_continues() {
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let fixture = Fixture::new();
    let home = fixture.home();
    let lost = |arguments: &[&str], to: File| {
        let output = headstart(&home, arguments).stdout(to).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, error) = lost(&strs(&small(&fixture, &[])), full());
    assert!(code == Some(1) && error.contains("the disk is full"), "{code:?} {error}");
    assert_eq!(error.matches("cannot be written to").count(), 1, "said once");
    assert_eq!(listed(&home)["state"], "finished");
    for arguments in [&["runs"][..], &["data"], &["--help"]] {
        assert_eq!(lost(arguments, full()).0, Some(1), "{arguments:?}");
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let closed = headstart(&home, &["runs"]).stdout(writer).output().unwrap();
    assert!(closed.status.success() && closed.stderr.is_empty(), "{closed:?}");
}

#[test]
fn every_objective_prints_its_headline_figure() {
    let fixture = Fixture::new();
    let catalog = catalog();
    for objective in catalog.section(Section::Objective) {
        let home = fixture.data().join(objective.id);
        let chosen = format!("objective={}", objective.id);
        let needed = catalog.needed_augmentation.get(objective.id).copied().unwrap_or_default();
        let needed: Vec<String> =
            needed.iter().map(|(key, value)| format!("augmentation.{key}={value}")).collect();
        let base = ["encoder=compact_cnn", "epochs=1", &chosen];
        let set: Vec<&str> = base.into_iter().chain(needed.iter().map(String::as_str)).collect();
        let arguments = train(&fixture, &set);
        let lines = objects(&run(&home, &strs(&arguments)));
        let headline = catalog.headlines[objective.id];
        let (validation, test) = (format!("validation_{}", headline.id), format!("test_{}", headline.id));
        let validated = lines.iter().filter(|line| line["event"] == "validated").collect::<Vec<_>>();
        assert!(!validated.is_empty(), "{}", objective.id);
        let last = lines.last().unwrap();
        for line in validated.iter().copied().chain([last]) {
            assert_eq!(line["headline"], headline.id);
            assert!(line[&validation].is_f64() && line["validation_loss"].is_f64(), "{line}");
        }
        assert_eq!(validated.last().unwrap()[&validation], last[&validation]);

        let shown = headline.written(last[&validation].as_f64().unwrap());
        let plain = run(&home, &["runs"]);
        let plain = String::from_utf8(plain.stdout).unwrap();
        assert!(plain.contains(&headline.name()), "{plain}");
        assert_eq!(listed(&home)["headline"], headline.id);
        assert_eq!(listed(&home)["test"], last[&test]);
        assert!(listed(&home)["best_validation"].is_f64());
        let words: Vec<String> = arguments.into_iter().filter(|word| word != "--json").collect();
        let words = String::from_utf8(run(&home, &strs(&words)).stdout).unwrap();
        let figure = format!("validation {} {shown}", headline.name());
        assert!(words.matches(&figure).count() >= 2, "{figure} in {words}");
        assert!(metrics::ALL.iter().any(|info| info.id == headline.id));
    }
}

#[test]
fn values_without_effect_are_refused_before_anything_is_made() {
    let fixture = Fixture::new();
    let home = fixture.home();
    let train = |set: &str| run(&home, &["train", "mlp", "--set", set]);
    for (set, message) in [
        ("momentum=0.9", "it belongs to optimizer=sgd"),
        ("dataset.path=/nowhere", "does nothing with dataset=mnist"),
        ("freeze_stages=99", "mlp has 2 stages"),
        ("lr=0.1", "did you mean learning_rate?"),
    ] {
        let output = train(set);
        refused(&output, message);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("--set") && !error.contains("Preset:") && !error.contains("File:"), "{error}");
    }
    refused(&run(&home, &["train", "see_cnn"]), "did you mean seed_cnn?");
    refused(&run(&home, &["data", "fetch", "fashin"]), "did you mean fashion_mnist?");
    refused(&run(&home, &["train", "head_start"]), "compare head_start");
    refused(&run(&home, &["compare", "seed_cnn"]), "train seed_cnn");
    refused(&run(&home, &["train", "/nowhere.toml"]), "there is no such file or folder");
    assert_eq!(fs::read_dir(home.join("runs")).map_or(0, Iterator::count), 0);
}

#[test]
fn encoders_without_a_head_are_exported_but_not_tuned_on_digits() {
    let fixture = Fixture::new();
    let home = fixture.home();
    let arguments = train(&fixture, &["encoder=compact_cnn", "objective=rotation", "epochs=1"]);
    assert!(run(&home, &strs(&arguments)).status.success());
    let id = only_run(&home).file_name().unwrap().to_str().unwrap().to_owned();
    let path = fixture.data().join("weights.safetensors");
    let exported = run_json(&home, &["export", &id, "--out", path.to_str().unwrap()]);
    assert_eq!((&exported["head"], &exported["tensors"]), (&false.into(), &20.into()));
    refused(&run(&home, &["handwriting", "tune", &id]), "learns without labels");
    only_run(&home);
}

#[test]
fn names_steer_no_terminal() {
    let fixture = Fixture::new();
    let home = fixture.home();
    let hostile = home.join("runs/2001-01-01-0000-\u{1b}[2J-a\u{9b}31m");
    fs::create_dir_all(&hostile).unwrap();
    fs::write(hostile.join("spec.toml"), "name = \"\u{1b}]0;x\u{7}\"\n\u{1b}[31m = 1").unwrap();
    let shown = |arguments: &[&str]| {
        let output = run(&home, arguments);
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).unwrap();
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        text
    };
    assert!(shown(&["runs"]).contains("\\u001b[2J"));
    for path in ["\u{1b}[2J.png", "\u{1b}[2J.toml"] {
        shown(&["predict", "nobody\u{1b}[2J", path]);
        shown(&["train", path]);
        shown(&["data", "check", path]);
    }
    let long = "x".repeat(100_000);
    fs::write(home.join("long.toml"), format!("{long} = {long}")).unwrap();
    let file = home.join("long.toml").display().to_string();
    for arguments in [&["train", &file][..], &["train", "mlp", "--set", &format!("{long}=1")]] {
        assert!(shown(arguments).len() < 3000, "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_screen_it_says_so_and_trains_in_the_terminal() {
    let home = Fixture::new().home();
    let mut command = headstart(&home, &[]);
    for screen in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
        command.env_remove(screen);
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let run = said.next().unwrap();
    assert!(home.join("runs").join(&run).is_dir(), "{run}");
    signal(&child, "-INT");
    let rest: Vec<String> = said.collect();
    assert!(rest.last().unwrap().contains(&format!("resume {run}")), "{rest:?}");
    assert!(
        rest.iter().all(|line| !line.contains('\u{1b}')),
        "no curves where there is no terminal: {rest:?}"
    );
    let ended = child.wait_with_output().unwrap();
    let error = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{error}");
    assert!(error.contains("window") && error.contains("trains the preset drawing"), "{error}");
    assert!(!error.contains(".rs:"), "no library's source: {error}");
}
