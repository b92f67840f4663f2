//! Runs as other programs read them, and as files that are sent to somebody, by the built program.
mod support;

use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};
use support::Fixture;

fn headstart(home: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_headstart")).args(arguments).arg("--home").arg(home).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_run_that_was_sent_answers_in_another_home() {
    let fixture = Fixture::new();
    let run = fixture.train(&["encoder=mlp"]);
    let folder = tempfile::tempdir().unwrap();
    let (file, there) = (folder.path().join("a.headstart"), folder.path().join("there"));
    let path = file.to_str().unwrap();
    let packed = headstart(&fixture.home(), &["export", &run.id, "--bundle", path]);
    assert!(packed.status.success(), "{}", said(&packed));
    let received = headstart(&there, &["import", path, "--json"]);
    let object: Value = serde_json::from_slice(&received.stdout).unwrap();
    assert_eq!(object["run"], *run.id);
    let scored = |home: &Path| {
        let output = headstart(home, &["evaluate", &run.id, "--json"]);
        assert!(output.status.success(), "{}", said(&output));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["accuracy"].clone()
    };
    assert_eq!(scored(&there), scored(&fixture.home()));

    // a byte of the weights is turned into no number
    let mut bytes = fs::read(&file).unwrap();
    let name = b"model.safetensors";
    let at = bytes.windows(name.len()).position(|window| window == name).unwrap() + 600;
    bytes[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&file, bytes).unwrap();
    let refused = headstart(&folder.path().join("elsewhere"), &["import", path]);
    assert!(
        !refused.status.success() && said(&refused).contains("Could not open the run"),
        "{}",
        said(&refused)
    );
    let left = fs::read_dir(folder.path().join("elsewhere/runs")).unwrap();
    assert!(left.map(|entry| entry.unwrap().file_name()).all(|name| name == ".lock"));
    for (arguments, reason) in [
        (&["export", &run.id, "--bundle", "a.zip"][..], "ends in .headstart"),
        (&["export", &run.id, "--table", "a.xlsx"], ".csv, .json or .parquet"),
        (&["export", &run.id], "required"),
        (&["import", "/nowhere.headstart"], "Could not open the file"),
    ] {
        let output = headstart(&fixture.home(), arguments);
        assert!(
            !output.status.success() && said(&output).contains(reason),
            "{arguments:?}: {}",
            said(&output)
        );
    }
}

#[test]
fn curves_of_several_runs_are_one_table() {
    let fixture = Fixture::new();
    let runs = ["encoder=mlp", "encoder=compact_cnn"].map(|encoder| fixture.train(&[encoder]));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let arguments = ["export", &runs[0].id, &runs[1].id, "--table", path.to_str().unwrap()];
    let output = headstart(&fixture.home(), &arguments);
    assert!(output.status.success(), "{}", said(&output));
    let measured = |run: &headstart::session::Run| run.curves.values().map(Vec::len).sum::<usize>();
    let lines = fs::read_to_string(path).unwrap().lines().count();
    assert_eq!(lines, 1 + runs.iter().map(measured).sum::<usize>());
}

/// Reads an event file as TensorBoard does; prints the points as JSON.
const READER: &str = r#"
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0})
events.Reload()
tags = events.Tags()
print(json.dumps({
    "scalars": {tag: [[s.step, s.value, s.wall_time] for s in events.Scalars(tag)] for tag in tags["scalars"]},
    "images": {tag: [[i.step, i.width, i.height] for i in events.Images(tag)] for tag in tags["images"]},
    "plugins": {tag: events.summary_metadata[tag].plugin_data.plugin_name for tag in events.summary_metadata},
}))
from tensorboard.plugins.hparams import metadata
start = metadata.parse_session_start_info_plugin_data(
    events.summary_metadata["_hparams_/session_start_info"].plugin_data.content)
print(json.dumps({key: start.hparams[key].number_value for key in start.hparams if "learning_rate" in key}))
"#;

#[test]
#[ignore = "needs TensorBoard: pip install tensorboard, then cargo test --release --test sharing -- --ignored"]
fn tensorboard_reads_every_scalar() {
    let fixture = Fixture::new();
    let run = fixture.train(&["encoder=mlp"]);
    let logdir = tempfile::tempdir().unwrap();
    let arguments = ["export", &run.id, "--tensorboard", logdir.path().to_str().unwrap(), "--follow"];
    let output = headstart(&fixture.home(), &arguments);
    assert!(output.status.success(), "{}", said(&output));
    let read =
        Command::new("python3").args(["-c", READER]).arg(logdir.path().join(&*run.id)).output().unwrap();
    let text = String::from_utf8(read.stdout).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found = lines.next().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&read.stderr)));
    for ((metric, split), curve) in &run.curves {
        let read = found["scalars"][format!("{metric}/{}", split.id())].as_array().unwrap();
        assert_eq!(read.len(), curve.len(), "{metric}");
        for (read, [step, value]) in read.iter().zip(curve) {
            let number = |at: usize| read[at].as_f64().unwrap();
            assert_eq!(number(0), *step);
            assert!(
                (number(1) - value).abs() <= 1e-6 * value.abs().max(1.0),
                "{metric}: {} {value}",
                number(1)
            );
        }
    }
    assert!(!found["images"].as_object().unwrap().is_empty(), "{found}");
    assert_eq!(lines.next().unwrap()["optimizer.learning_rate"], 0.001);
}
