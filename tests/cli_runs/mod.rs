//! What is done with runs from a shell: listed, compared, marked, deleted and brought back; what can be set; and what a run
//! would take.
use super::*;
use std::io::Write as _;

/// Two runs of a small network that differ in their learning rate.
fn two_runs(fixture: &Fixture) -> (PathBuf, [String; 2]) {
    let home = fixture.home();
    let ids = [["learning_rate=0.001", "name=Slow"], ["learning_rate=0.01", "name=Fast"]].map(|set| {
        let small = ["encoder=mlp", "hidden_size=16", "depth=1"];
        let arguments = train(fixture, &[&small[..], &set].concat());
        let last = objects(&run(&home, &strs(&arguments))).pop().unwrap();
        last["run"].as_str().unwrap().to_owned()
    });
    (home, ids)
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn runs_are_listed_by_what_differs_filtered_sorted_marked_and_deleted() {
    let fixture = Fixture::new();
    let (home, [slow, fast]) = two_runs(&fixture);
    let listed = |arguments: &[&str]| -> Vec<String> {
        let found = objects(&run(&home, &[&["runs", "--json"], arguments].concat()));
        found.iter().map(|run| run["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(&[]), ["Slow", "Fast"], "in order of time");
    assert_eq!(listed(&["lr>0.001", "state=finished", "files"]), ["Fast"]);
    assert_eq!(listed(&["--sort", "lr", "--reverse"]), ["Fast", "Slow"]);
    let table = text(&run(&home, &["runs"]));
    let head = table.lines().next().unwrap();
    assert!(
        head.contains("Learning rate") && head.contains("Objective") && !head.contains("Epochs"),
        "{table}"
    );
    assert!(!table.contains("Test") && text(&run(&home, &["runs", "--test"])).contains("Test"), "{table}");
    refused(&run(&home, &["runs", "--sort", "test"]), "add --test");
    refused(&run(&home, &["runs", "learnin_rate=1"]), "did you mean learning_rate?");
    refused(&run(&home, &["runs", "--columns", "nothing"]), "is not known");
    assert!(text(&run(&home, &["runs", "--columns", "epochs,seed"])).contains("Epochs"));

    for arguments in
        [&["tag", "best", &fast][..], &["star", &fast], &["archive", &slow], &["rename", &fast, "Faster"]]
    {
        text(&run(&home, &[&["runs"], arguments].concat()));
    }
    assert_eq!(listed(&["tag:best", "star"]), ["Faster"]);
    assert_eq!(listed(&[]), ["Faster"]);
    assert_eq!(listed(&["--archived"]).len(), 2);
    assert!(text(&run(&home, &["runs"])).contains("1 more were put away"));
    refused(&run(&home, &["runs", "tag", "two words", &fast]), "join them with a dash");
    let long = home.join("note.md");
    fs::write(&long, "x".repeat(10_000_000)).unwrap();
    refused(&run(&home, &["runs", "note", &fast, "--file", long.to_str().unwrap()]), "larger than");
    text(&run(&home, &["runs", "note", &fast, "# Why"]));
    assert_eq!(text(&run(&home, &["runs", "note", &fast])), "# Why\n");

    text(&run(&home, &["runs", "delete", &slow, &fast]));
    assert_eq!(listed(&["--archived"]).len(), 0);
    let trash = objects(&run(&home, &["trash", "--json"]));
    assert_eq!(trash.len(), 2);
    assert!(trash[0]["bytes"].as_u64().unwrap() > 10_000);
    text(&run(&home, &["trash", "restore", &fast]));
    assert_eq!(listed(&["tag:best"]), ["Faster"], "as it was");
    assert_eq!(run_json(&home, &["trash", "empty"])["removed"], 1);
    refused(&run(&home, &["trash", "restore", &slow]), "No deleted run begins with");
    refused(&run(&home, &["runs", "delete", &format!("{fast}@10")]), "No run begins with");
}

#[test]
fn a_run_is_shown_with_its_settings_and_as_the_command_that_makes_one_like_it() {
    let fixture = Fixture::new();
    let (home, [slow, fast]) = two_runs(&fixture);
    let shown = run_json(&home, &["runs", "show", &fast, "--against", &slow]);
    let setting = |key: &str| {
        let all = shown["settings"].as_array().unwrap();
        all.iter().find(|setting| setting["key"] == key).unwrap().clone()
    };
    let rate = setting("optimizer.learning_rate");
    assert_eq!([&rate["value"], &rate["default"], &rate["other"]], ["0.01", "0.001", "0.001"]);
    let checkpoints = shown["checkpoints"].as_array().unwrap();
    assert!(!checkpoints.is_empty() && checkpoints.iter().all(|it| it["figure"].is_f64()), "{checkpoints:?}");
    assert_eq!(checkpoints.iter().filter(|it| it["best"] == true).count(), 1);
    let provenance = &shown["provenance"];
    assert!(provenance["command"].as_str().unwrap().contains("train"), "{provenance}");
    assert_eq!(provenance["data"].as_str().unwrap().len(), 16);
    let words = text(&run(&home, &["runs", "show", &fast]));
    assert!(
        words.contains("(best loss)") && words.contains("default 0.001") && !words.contains("Test"),
        "{words}"
    );
    assert!(text(&run(&home, &["runs", "show", &fast, "--test"])).contains("Test accuracy"));

    // the command and the TOML make the same run again
    let recipe = text(&run(&home, &["runs", "show", &fast, "--toml"]));
    let mut child = headstart(&home, &["train", "-", "--json", "--name", "Again"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(recipe.as_bytes()).unwrap();
    let again = objects(&child.wait_with_output().unwrap()).pop().unwrap();
    let metrics = |id: &str| fs::read(home.join("runs").join(id).join("metrics.csv")).unwrap();
    assert_eq!(metrics(again["run"].as_str().unwrap()), metrics(&fast));
    let command = text(&run(&home, &["runs", "show", &fast, "--command"]));
    let shell = format!("{} --home '{}' --quiet", command.trim_end(), home.display());
    let shell = shell.replacen("headstart", env!("CARGO_BIN_EXE_headstart"), 1);
    let output = Command::new("sh").arg("-c").arg(&shell).output().unwrap();
    assert_eq!(text(&output), "", "--quiet prints nothing: {shell}");
    let newest = objects(&run(&home, &["runs", "--json"])).pop().unwrap();
    assert_eq!(newest["name"], "Fast");
    assert_eq!(metrics(newest["run"].as_str().unwrap()), metrics(&fast));
}

#[test]
fn a_checkpoint_is_named_wherever_a_run_is() {
    let fixture = Fixture::new();
    let (home, [_, fast]) = two_runs(&fixture);
    let shown = run_json(&home, &["runs", "show", &fast]);
    let checkpoints = shown["checkpoints"].as_array().unwrap();
    let first = checkpoints[0]["step"].as_u64().unwrap();
    let best = checkpoints.iter().find(|it| it["best"] == true).unwrap()["step"].as_u64().unwrap();
    let at = |step: &str| format!("{fast}@{step}");
    let evaluated = run_json(&home, &["evaluate", &at(&first.to_string())]);
    assert_eq!(evaluated["step"], first);
    assert_eq!(run_json(&home, &["evaluate", &at("best")])["step"], best);
    let picture = seven(&fixture, 0);
    let read = run_json(&home, &["predict", &at(&first.to_string()), picture.to_str().unwrap()]);
    assert!(read["prediction"].is_u64());
    let out = home.join("weights.safetensors");
    let exported = run_json(&home, &["export", &at("best"), "--out", out.to_str().unwrap()]);
    assert_eq!(exported["step"], best);
    refused(&run(&home, &["evaluate", &at("7")]), "no checkpoint of step 7: choose one of");
}

#[test]
fn what_can_be_set_is_said_and_a_dry_run_trains_nothing() {
    let fixture = Fixture::new();
    let home = fixture.home();
    let keys = objects(&run(&home, &["keys", "--json"]));
    assert!(keys.len() > 50, "{}", keys.len());
    let momentum = run_json(&home, &["keys", "momentum"]);
    assert_eq!((&momentum["min"], &momentum["components"][0]), (&0.0.into(), &"sgd".into()));
    let words = text(&run(&home, &["keys", "momentum"]));
    assert!(words.contains("optimizer.momentum") && words.contains("belongs to optimizer=sgd"), "{words}");
    assert!(text(&run(&home, &["keys", "sgd"])).contains("momentum"));
    refused(&run(&home, &["keys", "momentun"]), "did you mean momentum?");

    let arguments = train(&fixture, &["encoder=mlp", "epochs=3"]);
    let dry = objects(&run(&home, &[&strs(&arguments)[..], &["--dry-run"]].concat())).remove(0);
    assert!(dry["secs"].as_f64().unwrap() > 0.0 && dry["parameters"].as_u64().unwrap() > 10_000, "{dry}");
    assert!(dry["spec"].as_str().unwrap().contains("epochs = 3"));
    assert_eq!(run_folders(&home).len(), 0, "it left a run");

    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(text(&run(&home, &["completions", shell])).contains("headstart"), "{shell}");
    }
    assert!(text(&run(&home, &["man"])).starts_with(".ie"));
    let pages = home.join("man");
    text(&run(&home, &["man", "--out", pages.to_str().unwrap()]));
    assert!(pages.join("headstart-runs-show.1").is_file());
}

#[test]
fn what_goes_wrong_is_json_where_json_is_spoken() {
    let fixture = Fixture::new();
    let home = fixture.home();
    let error = |arguments: &[&str]| -> Value {
        let output = run(&home, arguments);
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
        let text = String::from_utf8(output.stderr).unwrap();
        serde_json::from_str(text.lines().last().unwrap()).unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    let wrong = error(&["evaluate", "nobody", "--json"]);
    assert!(wrong["error"].as_str().unwrap().contains("No run begins with"), "{wrong}");
    assert!(wrong["place"].as_str().unwrap().starts_with("Folder: "), "{wrong}");
    assert!(
        error(&["train", "mlp", "--set", "lr=1", "--json"])["error"]
            .as_str()
            .unwrap()
            .contains("learning_rate")
    );
    assert!(error(&["sing", "--json"])["message"].as_str().unwrap().contains("unrecognized"));
}

#[test]
fn data_that_have_changed_since_are_noticed() {
    let fixture = Fixture::new();
    let (home, [slow, _]) = two_runs(&fixture);
    let said = |home: &Path| String::from_utf8(run(home, &["evaluate", &slow]).stderr).unwrap();
    assert!(!said(&home).contains("have changed"), "{}", said(&home));
    let labels = fs::read_dir(fixture.data()).unwrap().map(|entry| entry.unwrap().path());
    let labels = labels.filter(|path| path.to_string_lossy().contains("train-labels")).next().unwrap();
    let mut bytes = fs::read(&labels).unwrap();
    let last = bytes.len() - 1;
    bytes[last] = (bytes[last] + 1) % 10;
    fs::write(&labels, bytes).unwrap();
    let now = said(&home);
    assert!(now.contains("data have changed since it was trained"), "{now}");
}
