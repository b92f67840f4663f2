//! Forks go on from a moment of another run, and scripts make live changes again: both to the bit.
mod support;

use headstart::{
    engine,
    protocol::{Command, Control, Finding, Phase, Question, RunId},
    session::{Run, Session, catalog},
    spec::{Branch, Change, Planned, RunSpec, Section, script::script},
};
use std::fs;
use support::{Fixture, finished, start, until, wait, weights};

/// What a run measured after a step, byte by byte.
fn metrics_after(run: &Run, step: u64) -> Vec<String> {
    let text = fs::read_to_string(run.folder.join("metrics.csv")).unwrap();
    let is_later = |line: &&str| line.split(',').next().unwrap().parse::<u64>().is_ok_and(|at| at > step);
    text.lines().filter(is_later).map(String::from).collect()
}

fn branch(parent: &RunId, step: Option<u64>) -> Option<Branch> {
    Some(Branch { run: parent.to_string(), step })
}

/// A run that goes on from a checkpoint of `parent`, and what was said about it.
fn forked(
    fixture: &Fixture,
    parent: &Run,
    step: u64,
    change: impl FnOnce(&mut RunSpec),
) -> (Run, Vec<String>) {
    let mut spec = RunSpec { branch: branch(&parent.id, Some(step)), ..parent.spec.clone() };
    change(&mut spec);
    let mut session = fixture.session();
    let id = start(&mut session, spec);
    let run = until(&mut session, &id, |run| !run.phase.is_active());
    let said = session.state.notices.iter().map(|notice| notice.text.clone()).collect();
    session.close();
    (run, said)
}

/// Why a run cannot be forked.
fn refused(session: &mut Session, spec: RunSpec) -> String {
    session.send(Command::Start(Box::new(spec)));
    wait(session, |session| session.state.notices.pop()).text
}

#[test]
fn an_unchanged_fork_of_every_component_has_its_parents_bits() {
    let (fixture, catalog) = (Fixture::with_images(200, 20), catalog());
    for section in [Section::Encoder, Section::Objective, Section::Optimizer, Section::Schedule] {
        for info in catalog.section(section) {
            let chosen = format!("{}={}", section.id(), info.id);
            let size = if section == Section::Encoder { 28 } else { 16 };
            let needed = catalog.needed_augmentation.get(info.id).copied().unwrap_or_default();
            let needed = needed.iter().map(|(key, value)| format!("augmentation.{key}={value}"));
            let set: Vec<String> =
                [chosen.clone(), format!("image_size={size}"), "keep_checkpoints=9".into()]
                    .into_iter()
                    .chain(needed)
                    .collect();
            let parent = fixture.train(&set.iter().map(String::as_str).collect::<Vec<_>>());
            assert!(finished(&parent), "{chosen}: {:?}", parent.phase);
            let step = parent.progress.steps / 2;
            let (fork, said) = forked(&fixture, &parent, step, |_| {});
            assert!(finished(&fork) && said.is_empty(), "{chosen}: {:?} {said:?}", fork.phase);
            assert!(weights(&fork) == weights(&parent), "{chosen}: other weights");
            let measured = metrics_after(&fork, 0);
            assert!(
                !measured.is_empty() && measured == metrics_after(&parent, step),
                "{chosen}: other metrics"
            );
        }
    }
}

#[test]
fn runs_that_labelled_images_or_stopped_early_are_forked_to_the_bit() {
    let fixture = Fixture::new();
    for set in [
        &["init_from=mnist_contrastive", "encoder=compact_cnn", "labels_per_class=2", "self_labels=90"][..],
        &["encoder=mlp", "patience=2", "epochs=20", "learning_rate=0.05"],
    ] {
        let parent = fixture.train(&[set, &["keep_checkpoints=99"]].concat());
        let step = *checkpoints(&parent).iter().rev().nth(1).unwrap();
        let (fork, said) = forked(&fixture, &parent, step, |_| {});
        assert!(said.iter().all(|text| text.starts_with("Stopped early")), "{said:?}");
        assert_eq!(
            (weights(&fork), metrics_after(&fork, 0)),
            (weights(&parent), metrics_after(&parent, step))
        );
    }
}

fn checkpoints(run: &Run) -> Vec<u64> {
    let entries = fs::read_dir(run.folder.join("checkpoints")).unwrap();
    let step = |name: String| name.strip_prefix("step-").unwrap().parse().unwrap();
    let mut steps: Vec<u64> =
        entries.map(|entry| step(entry.unwrap().file_name().into_string().unwrap())).collect();
    steps.sort_unstable();
    steps
}

#[test]
fn a_run_in_training_is_forked_where_it_is() {
    let fixture = Fixture::new();
    let mut session = fixture.session();
    let parent = start(&mut session, fixture.spec(&["encoder=mlp", "epochs=8"]));
    until(&mut session, &parent, |run| run.progress.step >= 3);
    session.send(Command::Control(parent.clone(), Control::Pause));
    let paused = until(&mut session, &parent, |run| run.phase == Phase::Paused);
    let mut spec = paused.spec.clone();
    spec.branch = branch(&parent, None);
    let same = start(&mut session, spec.clone());
    spec.set(Section::Optimizer, &engine::LEARNING_RATE, 0.01);
    let other = start(&mut session, spec);
    session.send(Command::Control(parent.clone(), Control::Continue));
    let [parent, same, other] = [parent, same, other].map(|id| until(&mut session, &id, finished));
    session.close();
    let step = paused.progress.step;
    assert_eq!(same.spec.branch, branch(&parent.id, Some(step)));
    assert_eq!((weights(&same), metrics_after(&same, 0)), (weights(&parent), metrics_after(&parent, step)));
    assert_ne!(weights(&other), weights(&parent));
    assert_eq!(metrics_after(&other, 0).len(), metrics_after(&parent, step).len());
}

#[test]
fn a_fork_that_was_killed_goes_on_and_never_begins_again() {
    let fixture = Fixture::new();
    let parent = fixture.train(&["encoder=mlp", "keep_checkpoints=9"]);
    let (fork, _) = forked(&fixture, &parent, 16, |_| {});
    fs::remove_dir_all(fork.folder.join("checkpoints/step-000032")).unwrap();
    support::forget_the_end(&fork.folder);
    let mut session = fixture.session();
    session.send(Command::Resume(fork.id.clone()));
    wait(&mut session, |session| session.state.newest.clone());
    let again = until(&mut session, &fork.id, finished);
    session.close();
    assert_eq!((weights(&again), metrics_after(&again, 0)), (weights(&parent), metrics_after(&parent, 16)));
    fs::remove_dir_all(fork.folder.join("checkpoints")).unwrap();
    fs::remove_file(fork.folder.join("metrics.csv")).unwrap();
    support::forget_the_end(&fork.folder);
    let mut session = fixture.session();
    session.send(Command::Resume(fork.id.clone()));
    let said = wait(&mut session, |session| session.state.notices.pop()).text;
    assert!(said.contains("cannot begin again"), "{said}");
}

#[test]
fn what_is_not_carried_over_is_said_and_training_goes_on() {
    let fixture = Fixture::new();
    let parent = fixture.train(&["encoder=mlp", "keep_checkpoints=9"]);
    let (fork, said) = forked(&fixture, &parent, 16, |spec| {
        spec.optimizer = headstart::spec::Choice::new("sgd");
        spec.set(Section::Training, &headstart::spec::EPOCHS, 3.0);
    });
    assert!(finished(&fork) && said.len() == 1 && said[0].contains("adam has gathered"), "{said:?}");
    assert_eq!((fork.progress.step, metrics_after(&fork, 0)[0].split(',').next()), (48, Some("17")));
    let losses = fork.curve("loss", headstart::metrics::Split::Train);
    assert!(losses.iter().all(|point| point[1] < 2.0), "it knows what its parent knew");
}

#[test]
fn what_cannot_be_forked_is_refused_and_leaves_no_folder() {
    let fixture = Fixture::new();
    let parent = fixture.train(&["encoder=mlp", "keep_checkpoints=9"]);
    let mut session = fixture.session();
    let mut refused = |step, change: &dyn Fn(&mut RunSpec)| {
        let mut spec = RunSpec { branch: branch(&parent.id, Some(step)), ..parent.spec.clone() };
        change(&mut spec);
        refused(&mut session, spec)
    };
    assert!(refused(17, &|_| {}).contains("no checkpoint of step 17: choose one of [8, 16, 24, 32]"));
    assert!(refused(16, &|spec| spec.seed = 7).contains("examples that its weights have learnt"));
    assert!(
        refused(16, &|spec| spec.encoder = headstart::spec::Choice::new("seed_cnn"))
            .contains("would not fit")
    );
    assert!(
        refused(16, &|spec| spec.branch = branch(&"nowhere".into(), None)).contains("No run begins with")
    );
    fs::write(parent.folder.join("checkpoints/step-000016/model.safetensors"), "no weights").unwrap();
    assert!(refused(16, &|_| {}).contains("No checkpoint of this run can be used"));
    let runs = fs::read_dir(parent.folder.parent().unwrap()).unwrap();
    let names: Vec<_> = runs.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names.iter().filter(|name| !name.starts_with('.')).count(), 1, "{names:?}");
}

#[test]
fn a_script_makes_the_changes_of_a_hand_again() {
    let fixture = Fixture::new();
    let rate = |value| {
        let mut live = headstart::spec::LiveParams::default();
        live.set(Section::Optimizer, &engine::LEARNING_RATE, value);
        live
    };
    let planned = [(5, 0.01), (16, 0.0002)].map(|(step, value)| Planned { step, values: rate(value) });
    let spec = RunSpec { changes: planned.into(), ..fixture.spec(&["encoder=mlp", "keep_checkpoints=9"]) };
    let mut session = fixture.session();
    let id = start(&mut session, spec.clone());
    let scripted = until(&mut session, &id, finished);
    session.close();
    let made: Vec<_> =
        scripted.changes.iter().map(|Change { step, from, to, .. }| (*step, *from, *to)).collect();
    assert_eq!(made, [(5, 0.001, 0.01), (16, 0.01, 0.0002)]);
    assert_eq!(script(&scripted.changes), spec.changes);

    // by hand, one step at a time
    let mut session = fixture.session();
    let by_hand = start(&mut session, RunSpec { changes: vec![], ..spec.clone() });
    session.send(Command::Control(by_hand.clone(), Control::Pause));
    let mut at = until(&mut session, &by_hand, |run| run.phase == Phase::Paused).progress.step;
    let is_in_time = at < 5;
    for (step, value) in [(5, 0.01), (16, 0.0002)] {
        while at < step {
            session.send(Command::Control(by_hand.clone(), Control::Step));
            at = until(&mut session, &by_hand, |run| run.progress.step > at && run.phase == Phase::Paused)
                .progress
                .step;
        }
        let mut live = session.state.runs[&by_hand].live.clone();
        live.update(&rate(value));
        session.send(Command::Tune(by_hand.clone(), live));
    }
    session.send(Command::Control(by_hand.clone(), Control::Continue));
    let by_hand = until(&mut session, &by_hand, finished);
    session.close();
    assert!(is_in_time, "the run was paused too late to be compared");
    assert_eq!(
        (weights(&by_hand), metrics_after(&by_hand, 0)),
        (weights(&scripted), metrics_after(&scripted, 0))
    );

    // killed between the two changes
    for step in [16, 24, 32] {
        fs::remove_dir_all(scripted.folder.join(format!("checkpoints/step-{step:06}"))).unwrap();
    }
    support::forget_the_end(&scripted.folder);
    let whole = (weights(&by_hand), metrics_after(&by_hand, 0));
    let mut session = fixture.session();
    session.send(Command::Resume(scripted.id.clone()));
    wait(&mut session, |session| session.state.newest.clone());
    let again = until(&mut session, &scripted.id, finished);
    session.close();
    assert_eq!((weights(&again), metrics_after(&again, 0)), whole);
}

#[test]
fn a_finished_run_that_gets_more_epochs_becomes_the_run_that_had_them() {
    let fixture = Fixture::new();
    for patience in ["patience=0", "patience=1"] {
        let short = fixture.train(&["encoder=mlp", patience]);
        let mut session = fixture.session();
        let longer = |epochs| Command::Rewind {
            run: short.id.clone(),
            step: short.progress.step,
            live: short.live.clone(),
            epochs: Some(epochs),
        };
        session.send(longer(1));
        let said = wait(&mut session, |session| session.state.notices.pop()).text;
        assert!(said.contains("choose more epochs"), "{said}");
        session.send(longer(4));
        wait(&mut session, |session| session.state.newest.clone());
        let long = until(&mut session, &short.id, finished);
        session.close();
        assert_eq!((long.progress.step, long.spec.training(&headstart::spec::EPOCHS)), (64, 4.0));
        if patience == "patience=0" {
            let straight = fixture.train(&["encoder=mlp", "epochs=4"]);
            assert_eq!(weights(&long), weights(&straight));
            let measured = metrics_after(&long, 0).into_iter().filter(|line| !line.starts_with("32,test,"));
            assert_eq!(measured.collect::<Vec<_>>(), metrics_after(&straight, 0));
        }
        // killed right after it was asked to go on, it still knows that
        let spec = fs::read_to_string(long.folder.join("spec.toml")).unwrap();
        assert!(spec.contains("epochs = 4\n"));
    }
}

#[test]
fn the_command_line_forks_replays_and_trains_on() {
    let fixture = Fixture::new();
    let parent = fixture.train(&["encoder=mlp", "keep_checkpoints=9"]);
    let headstart = |arguments: &[&str]| {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_headstart"));
        let output =
            program.args(arguments).arg("--json").arg("--home").arg(fixture.home()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let last = text.lines().last().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        (last, String::from_utf8(output.stderr).unwrap())
    };
    let folder = |last: Option<serde_json::Value>| {
        let run = last.unwrap()["run"].as_str().unwrap().to_owned();
        parent.folder.with_file_name(run)
    };
    let weights = |folder: &std::path::Path| {
        fs::read(support::newest_checkpoint(folder).join("model.safetensors")).unwrap()
    };
    let at = format!("{}@16", parent.id);
    let fork = folder(headstart(&["fork", &at]).0);
    let replay = folder(headstart(&["replay", &parent.id]).0);
    assert!(weights(&fork) == weights(&parent.folder) && weights(&replay) == weights(&parent.folder));
    let other = folder(headstart(&["fork", &at, "--set", "learning_rate=0.1", "--set", "name=Faster"]).0);
    assert_ne!(weights(&other), weights(&parent.folder));
    let spec = fs::read_to_string(other.join("spec.toml")).unwrap();
    assert!(spec.contains(&format!("branch = \"{at}\"")) && spec.contains("name = \"Faster\""), "{spec}");
    headstart(&["resume", &parent.id, "--set", "epochs=3"]);
    assert!(parent.folder.join("checkpoints/step-000048").exists());
    for (arguments, reason) in [
        (&["fork", &format!("{}@17", parent.id)][..], "choose one of [8, 16, 24, 32, 40, 48]"),
        (&["fork", &at, "--set", "encoder=seed_cnn"], "encoder: cannot change here"),
        (&["replay", "nowhere"], "No run begins with"),
        (&["resume", &parent.id], "is finished: it goes on with more epochs"),
    ] {
        let (_, said) = headstart(arguments);
        assert!(said.contains(reason), "{arguments:?}: {said}");
    }
}

#[test]
fn the_learning_rate_finder_takes_few_steps_in_a_copy_and_leaves_the_run_as_it_is() {
    let fixture = Fixture::new();
    let undisturbed = fixture.train(&["encoder=mlp", "epochs=8"]);
    let mut session = fixture.session();
    let id = start(&mut session, fixture.spec(&["encoder=mlp", "epochs=8"]));
    until(&mut session, &id, |run| run.progress.step >= 9);
    let mut ask = |run: RunId, spec| {
        let question = Question::LearningRates { spec };
        session.send(Command::Ask { request: 7, run, question });
        let found = wait(&mut session, |session| {
            let answer = session.state.answers.get(&7).filter(|answer| answer.share_done >= 1.0)?;
            match answer.finding.clone()?.unwrap() {
                Finding::LearningRates(test) => Some(test),
                other => panic!("{other:?}"),
            }
        });
        session.state.answers.clear();
        found
    };
    let during = ask(id.clone(), None);
    let recipe = ask("".into(), Some(Box::new(fixture.spec(&["encoder=mlp"]))));
    for found in [during, recipe] {
        assert!(found.points.len() < 200);
        assert!(
            found.suggestion.is_some_and(|found| (1e-4..0.1).contains(&found.rate)),
            "{:?}",
            found.suggestion
        );
    }
    let run = until(&mut session, &id, finished);
    session.close();
    assert_eq!(
        (weights(&run), metrics_after(&run, 0)),
        (weights(&undisturbed), metrics_after(&undisturbed, 0))
    );
}
