//! Sweeps as users run them: stopped and gone on with, changed while they run, and past one machine.
use headstart::{
    experiment::{Experiment, Found, Standing},
    protocol::{Command, ComparisonId, Control, Order, Phase},
    runs::Home,
    session::{Session, catalog},
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{self, Stdio},
};

mod support;
use support::{Fixture, wait};

/// Two groups of four; of each two come to half of their 16 steps, and one to the end.
const HALVING: &str = "{ trials = 8, halving = 2, at_once = 4 }";

fn sweep(fixture: &Fixture, search: &str) -> Experiment {
    let text = format!(
        "
        name = 'A search'
        seeds = [1]
        search = {search}
        [axes]
        learning_rate = '0.0001..0.1 log'
        batch_size = [16, 32]
        [run]
        encoder = {{ id = 'mlp' }}
        training = {{ epochs = 2, epoch_steps = 8 }}
        "
    );
    let path = format!("run.dataset.path={}", fixture.data().display());
    let pairs = ["run.dataset=files", &path, "run.dataset.validation_images=100"].map(String::from);
    Experiment::from_toml(&text, &pairs, &catalog()).unwrap()
}

fn start(session: &mut Session, experiment: &Experiment) -> ComparisonId {
    session.state.newest_comparison = None;
    session.send(Command::Compare(Box::new(experiment.clone())));
    wait(session, |session| session.state.newest_comparison.clone())
}

fn until_ended(session: &mut Session, id: &ComparisonId) -> Phase {
    wait(session, |session| {
        Some(session.state.comparisons.get(id)?.phase.clone()).filter(|phase| !phase.is_active())
    })
}

/// The settings that were chosen, and the curves of their runs.
fn came_to(session: &Session, id: &ComparisonId) -> (Vec<String>, Vec<Vec<[f64; 2]>>) {
    let info = &session.state.comparisons[id];
    let drawn = &info.experiment.search.as_ref().unwrap().drawn;
    let drawn =
        drawn.iter().map(|settings| settings.iter().map(|setting| setting.label()).collect()).collect();
    (drawn, session.state.found(info).into_values().map(|run| run.curve).collect())
}

fn standings(experiment: &Experiment, found: &Found) -> Vec<Standing> {
    let search = experiment.search.as_ref().unwrap();
    (0..search.drawn.len()).map(|trial| experiment.standing(search, trial, found)).collect()
}

#[test]
fn a_sweep_that_is_stopped_goes_on_to_the_same_trials_and_figures() {
    let fixture = Fixture::new();
    let experiment = sweep(&fixture, HALVING);
    let mut session = fixture.session();
    let whole = start(&mut session, &experiment);
    assert_eq!(until_ended(&mut session, &whole), Phase::Finished);
    let expected = came_to(&session, &whole);
    let info = &session.state.comparisons[&whole];
    let standings = standings(&info.experiment, &session.state.found(info));
    let count = |wanted| standings.iter().filter(|standing| **standing == wanted).count();
    assert_eq!((count(Standing::Finished), count(Standing::StoppedEarly)), (2, 6));
    let mut lengths: Vec<f64> = expected.1[..4].iter().map(|curve| curve.last().unwrap()[0]).collect();
    lengths.sort_by(f64::total_cmp);
    assert_eq!(lengths, [4.0, 4.0, 8.0, 16.0], "stopped right after the validation at their rung");
    let csv = fs::read_to_string(info.folder.join("results.csv")).unwrap();
    assert!(
        csv.starts_with("trial,learning_rate,batch_size,seed,state,step,steps,validation_accuracy\n")
            || csv.starts_with("trial,batch_size,learning_rate,seed,state,step,steps,validation_accuracy\n"),
        "{csv}"
    );
    assert_eq!((csv.lines().count(), csv.matches("stopped early").count()), (1 + 8, 6));

    let cut = start(&mut session, &experiment);
    wait(&mut session, |session| {
        let info = &session.state.comparisons[&cut];
        let found = session.state.found(info);
        (found.len() > 4 && found.values().last().unwrap().step > 1).then_some(())
    });
    session.send(Command::Order(cut.clone(), Order::Control(Control::Stop)));
    assert_eq!(until_ended(&mut session, &cut), Phase::Stopped);
    session.close();
    let mut session = fixture.session();
    wait(&mut session, |session| session.state.comparisons.get(&cut).map(|_| ()));
    session.send(Command::Order(cut.clone(), Order::Resume));
    wait(&mut session, |session| (session.state.comparisons[&cut].phase == Phase::Running).then_some(()));
    assert_eq!(until_ended(&mut session, &cut), Phase::Finished);
    wait(&mut session, |session| (session.state.runs.len() == 16).then_some(()));
    assert_eq!(came_to(&session, &cut), expected);
    session.close();
}

#[test]
fn a_sweep_is_extended_and_a_trial_skipped_and_gone_on_with() {
    let fixture = Fixture::new();
    let mut session = fixture.session();
    let id = start(&mut session, &sweep(&fixture, HALVING));
    // another program asks for more, as the command line does
    let folder = Home::open(fixture.home()).unwrap().comparison(&id);
    folder
        .request(&sweep(&fixture, "{ trials = 12, halving = 2, at_once = 4, skipped = [0] }"), &catalog())
        .unwrap();
    assert_eq!(until_ended(&mut session, &id), Phase::Finished);
    let info = session.state.comparisons[&id].clone();
    let found = session.state.found(&info);
    let now = standings(&info.experiment, &found);
    assert_eq!((now.len(), now[0]), (12, Standing::Skipped));

    // one that was stopped early is trained to its end
    let stopped = now.iter().position(|standing| *standing == Standing::StoppedEarly).unwrap();
    let cell = info.experiment.cells_of(stopped).next().unwrap();
    let run = session.state.entrants(&info)[&cell].id.clone();
    session.send(Command::Resume(run.clone()));
    support::until(&mut session, &run, support::finished);
    assert_eq!(standings(&info.experiment, &session.state.found(&info))[stopped], Standing::Finished);

    // a finished sweep has more to do once it may try more
    let mut wanted = info.experiment.clone();
    wanted.search.as_mut().unwrap().trials = 13;
    session.send(Command::Order(id.clone(), Order::Revise(Box::new(wanted))));
    session.send(Command::Order(id.clone(), Order::Resume));
    wait(&mut session, |session| (session.state.comparisons[&id].phase == Phase::Running).then_some(()));
    assert_eq!(until_ended(&mut session, &id), Phase::Finished);
    let search = session.state.comparisons[&id].experiment.search.clone().unwrap();
    assert_eq!(search.drawn.len(), 13);
    session.close();
}

fn headstart(home: &Path, arguments: &[&str]) -> Vec<Value> {
    let mut command = process::Command::new(env!("CARGO_BIN_EXE_headstart"));
    let output = command.args(arguments).arg("--json").arg("--home").arg(home).stdin(Stdio::null()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Does the job of a Slurm array.
fn job(round: &Path, task: usize) {
    let mut command = process::Command::new("bash");
    command
        .arg(round.join("array.sh"))
        .env("SLURM_ARRAY_TASK_ID", task.to_string())
        .env("SLURM_CPUS_PER_TASK", "2");
    command.env("HEADSTART", env!("CARGO_BIN_EXE_headstart")).stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The rounds that were planned, and how many jobs the last one has.
fn rounds(folder: &Path) -> (Vec<PathBuf>, usize) {
    let mut rounds: Vec<PathBuf> =
        fs::read_dir(folder.join("rounds")).unwrap().map(|entry| entry.unwrap().path()).collect();
    rounds.sort();
    let script = fs::read_to_string(rounds.last().unwrap().join("array.sh")).unwrap();
    (rounds, script.matches(") exec ").count())
}

#[test]
fn an_array_of_jobs_of_which_some_are_lost_is_gathered_and_gone_on_with() {
    let fixture = Fixture::new();
    let folder = fixture.home().with_file_name("a plan");
    let path = format!("dataset.path={}", fixture.data().display());
    let mut arguments =
        vec!["sweep", "mlp", "--trials", "4", "--halving", "2", "--plan", folder.to_str().unwrap()];
    for pair in [
        "dataset=files",
        &path,
        "validation_images=100",
        "epochs=2",
        "epoch_steps=8",
        "learning_rate=0.0001..0.1:log",
    ] {
        arguments.extend(["--set", pair]);
    }
    let said = headstart(&fixture.home(), &arguments);
    assert_eq!((said[0]["event"].as_str(), said[0]["jobs"].as_u64()), (Some("planned"), Some(4)));
    let gather = || headstart(&fixture.home(), &["sweep", "--gather", folder.to_str().unwrap()]);
    let (planned, _) = rounds(&folder);
    // the second job never begins, and the third is killed before its first checkpoint
    [1, 3, 4].into_iter().for_each(|task| job(&planned[0], task));
    let third = fs::read_dir(folder.join("runs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|run| run.is_dir());
    let third =
        third.max_by_key(|run| fs::metadata(run.join("log.jsonl")).unwrap().created().unwrap()).unwrap();
    fs::write(third.join("metrics.csv"), "step,split,metric,value\n").unwrap();
    fs::remove_dir_all(third.join("checkpoints")).unwrap();
    fs::create_dir(third.join("checkpoints")).unwrap();

    gather();
    let (planned, jobs) = rounds(&folder);
    let script = fs::read_to_string(planned[1].join("array.sh")).unwrap();
    assert_eq!(
        (jobs, script.matches(" resume ").count(), script.matches(" train ").count()),
        (2, 1, 1),
        "{script}"
    );
    [1, 2].into_iter().for_each(|task| job(&planned[1], task));
    for left in [2, 1] {
        let said = gather();
        let (planned, jobs) = rounds(&folder);
        assert_eq!(jobs, left, "{said:?}");
        (1..=jobs).for_each(|task| job(planned.last().unwrap(), task));
    }
    let said = gather();
    assert_eq!(said.last().unwrap()["event"], "finished");
    let states: Vec<&str> =
        said[0]["trials"].as_array().unwrap().iter().map(|trial| trial["state"].as_str().unwrap()).collect();
    assert_eq!(states.iter().filter(|state| **state == "stopped early").count(), 3, "{states:?}");
    assert_eq!(said[0]["ranked"].as_array().unwrap().len(), 4);
    assert_eq!(rounds(&folder).0.len(), 4);
}

#[test]
fn a_finished_sweep_is_extended_from_the_command_line() {
    let fixture = Fixture::new();
    let home = fixture.home();
    let path = format!("dataset.path={}", fixture.data().display());
    let mut arguments = vec!["sweep", "mlp", "--search", "random", "--trials", "2", "--at-once", "2"];
    for pair in
        ["dataset=files", &path, "validation_images=100", "epochs=1", "epoch_steps=4", "dropout=0..0.5"]
    {
        arguments.extend(["--set", pair]);
    }
    let said = headstart(&home, &arguments);
    let last = said.last().unwrap();
    assert_eq!((last["event"].as_str(), last["trials"].as_array().unwrap().len()), (Some("sweep"), 2));
    let id = last["comparison"].as_str().unwrap().to_owned();
    process::Command::new(env!("CARGO_BIN_EXE_headstart"))
        .args(["revise", &id, "--trials", "3", "--skip", "1", "--set", "dropout=0.4..0.5", "--home"])
        .arg(&home)
        .status()
        .unwrap();
    headstart(&home, &["resume", &id]);
    let said = headstart(&home, &["sweep", "--results", &id]);
    let trials = said[0]["trials"].as_array().unwrap();
    assert_eq!((trials.len(), trials[0]["state"].as_str()), (3, Some("skipped")));
    let dropout = trials[2]["settings"]["encoder.dropout"].as_f64().unwrap();
    assert!((0.4..=0.5).contains(&dropout), "{dropout}");
    let refused = process::Command::new(env!("CARGO_BIN_EXE_headstart"))
        .args(["revise", &id, "--set", "learning_rate=0.1,0.2", "--home"])
        .arg(&home)
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is not varied by this sweep"));
}

#[test]
fn what_cannot_be_swept_is_said_before_anything_is_made() {
    let fixture = Fixture::new();
    let refused = |arguments: &[&str]| {
        let mut command = process::Command::new(env!("CARGO_BIN_EXE_headstart"));
        let output = command.arg("sweep").args(arguments).arg("--home").arg(fixture.home()).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&["mlp"]).contains("Nothing is varied"));
    assert!(refused(&["mlp", "--set", "learning_rate=0.1..0.001"]).contains("smaller end first"));
    assert!(refused(&["mlp", "--set", "learning_rate=0..0.1:log"]).contains("start above 0"));
    let many = refused(&["mlp", "--set", "learning_rate=0.001..0.1", "--trials", "1000000000"]);
    assert!(many.contains("choose 5000 at most"), "{many}");
    assert!(refused(&["mlp", "--set", "learning_rate=0.1..0.2:log:1000000000"]).contains("2 to 1000 values"));
    assert!(refused(&["mlp", "--set", "learning_rte=0.1,0.2"]).contains("did you mean learning_rate?"));
    assert!(refused(&["--gather", "nowhere"]).contains("Nothing is planned there"));
    assert!(
        !fixture.home().join("comparisons").exists()
            || fs::read_dir(fixture.home().join("comparisons")).unwrap().count() == 0
    );
}
