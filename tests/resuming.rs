//! Runs that were killed, damaged, deleted or diverged: nothing is lost, duplicated or invented.
mod support;

use headstart::{
    engine,
    metrics::{LEARNING_RATE, LOSS, Split},
    protocol::{Command, Control, Finding, Level, Phase, Question, RunId},
    sample::Image,
    session::Run,
    spec::Section,
};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};
use support::{Fixture, finished, forget_the_end, newest_checkpoint, start, until, wait, weights};

/// A run that was killed between steps 16 and 24 of 32, and the metrics and weights that it would have ended with.
fn killed_at_16(fixture: &Fixture) -> (RunId, PathBuf, (String, Vec<u8>)) {
    let run = fixture.train(&["encoder=mlp", "keep_checkpoints=4"]);
    let undisturbed = (metrics(&run), weights(&run));
    for step in [24, 32] {
        fs::remove_dir_all(run.folder.join(format!("checkpoints/step-{step:06}"))).unwrap();
    }
    forget_the_end(&run.folder);
    (run.id, run.folder, undisturbed)
}

/// Resumes a run and waits for its end; also returns the notices.
fn resumed(fixture: &Fixture, id: &RunId) -> (Run, Vec<String>) {
    let mut session = fixture.session();
    session.send(Command::Resume(id.clone()));
    wait(&mut session, |session| session.state.newest.clone());
    let run = until(&mut session, id, |run| !run.phase.is_active());
    let notices = session.state.notices.iter().map(|notice| notice.text.clone()).collect();
    session.close();
    (run, notices)
}

fn metrics(run: &Run) -> String {
    fs::read_to_string(run.folder.join("metrics.csv")).unwrap()
}

#[test]
fn a_short_metrics_file_is_reported_and_training_continues() {
    let fixture = Fixture::new();
    let (id, folder, (whole, weights_then)) = killed_at_16(&fixture);
    let saved = whole.find("17,train,").unwrap();
    let kept = whole.lines().take(9).map(|line| format!("{line}\n")).collect::<String>();
    fs::write(folder.join("metrics.csv"), format!("{kept}3,tra")).unwrap();
    let (run, notices) = resumed(&fixture, &id);
    assert!(finished(&run));
    let said =
        format!("metrics.csv ended at byte {}, and the checkpoint of step 16 says {saved}", kept.len());
    assert!(notices.iter().any(|notice| notice.contains(&said)), "{notices:?}");
    assert_eq!((metrics(&run), weights(&run)), (format!("{kept}{}", &whole[saved..]), weights_then));
    assert!(fs::read_to_string(folder.join("log.jsonl")).unwrap().contains(&said));
}

#[test]
fn the_test_images_are_scored_once_whatever_was_written_last() {
    for keep in ["keep_checkpoints=1", "keep_checkpoints=3"] {
        let fixture = Fixture::new();
        let run = fixture.train(&["encoder=mlp", keep]);
        let undisturbed = (metrics(&run), weights(&run));
        // The checkpoint was written, but not that the run is finished.
        forget_the_end(&run.folder);
        let (again, _) = resumed(&fixture, &run.id);
        assert!(finished(&again));
        assert_eq!((metrics(&again), weights(&again)), undisturbed, "{keep}");
        // The metrics were written, but not the checkpoint that refers to them.
        let state = newest_checkpoint(&run.folder).join("state.toml");
        let text = fs::read_to_string(&state).unwrap();
        let before = undisturbed.0.find("32,test,").unwrap();
        let length = text.lines().find(|line| line.starts_with("metrics_bytes")).unwrap();
        fs::write(&state, text.replace(length, &format!("metrics_bytes = {before}"))).unwrap();
        forget_the_end(&run.folder);
        let (again, _) = resumed(&fixture, &run.id);
        assert_eq!((metrics(&again), weights(&again)), undisturbed, "{keep}");
    }
}

#[test]
fn a_disk_that_fails_at_the_very_end_loses_and_doubles_nothing() {
    let fixture = Fixture::new();
    let straight = fixture.train(&["encoder=mlp"]);
    let mut session = fixture.session();
    let id = start(&mut session, fixture.spec(&["encoder=mlp"]));
    // This obstructs only the last checkpoint, which replaces one of the same step.
    let in_the_way = session.state.runs[&id].folder.join("checkpoints/step-000032.old.gone.partial");
    fs::write(&in_the_way, "no folder").unwrap();
    until(&mut session, &id, |run| run.phase == Phase::Paused);
    fs::remove_file(&in_the_way).unwrap();
    session.send(Command::Control(id.clone(), Control::Continue));
    let run = until(&mut session, &id, finished);
    session.close();
    assert_eq!((metrics(&run), weights(&run)), (metrics(&straight), weights(&straight)));
}

#[test]
fn live_values_are_those_of_the_checkpoint_and_of_the_log_after_it_and_are_checked() {
    let fixture = Fixture::new();
    let mut session = fixture.session();
    let id = start(&mut session, fixture.spec(&["encoder=mlp"]));
    session.send(Command::Control(id.clone(), Control::Pause));
    let run = until(&mut session, &id, |run| run.phase == Phase::Paused);
    let tuned = |rate: f64| {
        let mut live = run.live.clone();
        live.set(Section::Optimizer, &engine::LEARNING_RATE, rate);
        live
    };
    session.send(Command::Tune(id.clone(), tuned(0.0005)));
    until(&mut session, &id, |run| !run.changes.is_empty());
    session.send(Command::Control(id.clone(), Control::Stop));
    let stopped = until(&mut session, &id, |run| run.phase == Phase::Stopped);
    session.close();
    let log = stopped.folder.join("log.jsonl");
    let step = stopped.saved.unwrap();
    let line = |at: u64, rate: f64| {
        let values = serde_json::to_string(&tuned(rate)).unwrap();
        format!("{{\"event\":\"tuned\",\"step\":{at},\"values\":{values}}}\n")
    };
    for wrong in [-1.0, 5000.0] {
        fs::write(&log, line(step + 1, wrong)).unwrap();
        let mut session = fixture.session();
        session.send(Command::Resume(id.clone()));
        let notice = wait(&mut session, |session| session.state.notices.pop());
        assert!(
            notice.text.contains("Learning rate") && notice.text.contains("out of range"),
            "{}",
            notice.text
        );
        session.close();
    }
    // Without the log the checkpoint's values stay; entries before the checkpoint's step do not count.
    for lost in [String::new(), line(0, 0.002).repeat(usize::from(step > 0)), "garbage\n".into()] {
        fs::write(&log, lost).unwrap();
        let mut session = fixture.session();
        let shown = until(&mut session, &id, |_| true);
        assert_eq!(shown.live.get(Section::Optimizer, &engine::LEARNING_RATE), 0.0005);
        session.send(Command::Resume(id.clone()));
        wait(&mut session, |session| session.state.newest.clone());
        let run = &session.state.runs[&id];
        assert_eq!(run.live.get(Section::Optimizer, &engine::LEARNING_RATE), 0.0005);
        session.close();
    }
}

#[test]
fn random_weights_never_replace_a_lost_checkpoint() {
    let fixture = Fixture::new();
    let run = fixture.train(&["encoder=mlp"]);
    let log = run.folder.join("log.jsonl");
    fs::write(&log, "").unwrap();
    fs::remove_dir_all(run.folder.join("checkpoints")).unwrap();
    let refused = |command: Command| {
        let mut session = fixture.session();
        session.send(command);
        let notice = wait(&mut session, |session| session.state.notices.pop());
        session.close();
        notice.text
    };
    let from = |overrides: &[&str]| Command::Start(Box::new(fixture.spec(overrides)));
    let init = format!("init_from={}", run.id);
    for command in [predict(&run.id), Command::Resume(run.id.clone()), from(&["encoder=mlp", &init])] {
        let text = refused(command);
        assert!(text.contains("its checkpoints are gone"), "{text}");
    }
    // A run that was killed before its first checkpoint begins again.
    fs::remove_file(run.folder.join("metrics.csv")).unwrap();
    let text = refused(predict(&run.id));
    assert!(text.contains("no checkpoint yet"), "{text}");
    let before = metrics(&fixture.train(&["encoder=mlp"]));
    let (again, notices) = resumed(&fixture, &run.id);
    assert!(notices.iter().any(|notice| notice.contains("begins again at step 0")), "{notices:?}");
    assert_eq!(metrics(&again), before);
}

#[test]
fn whatever_is_damaged_of_a_checkpoint_it_gives_way_to_the_one_before() {
    for file in ["state.toml", "optimizer.safetensors", "model.safetensors"] {
        let fixture = Fixture::new();
        let (id, folder, undisturbed) = killed_at_16(&fixture);
        fs::write(folder.join("checkpoints/step-000016").join(file), "short").unwrap();
        let (run, notices) = resumed(&fixture, &id);
        assert!(
            notices.iter().any(|notice| notice.contains("Step 8 is used instead of step 16")),
            "{notices:?}"
        );
        assert_eq!((metrics(&run), weights(&run)), undisturbed, "{file}");
    }
}

#[test]
fn a_diverged_run_goes_on_from_its_last_good_checkpoint() {
    let fixture = Fixture::new();
    let mut session = fixture.session();
    let id = start(&mut session, fixture.spec(&["encoder=mlp", "optimizer=sgd", "learning_rate=0.01"]));
    session.send(Command::Control(id.clone(), Control::Pause));
    let run = until(&mut session, &id, |run| run.phase == Phase::Paused);
    let mut live = run.live.clone();
    while session.state.runs[&id].saved.is_none() {
        session.send(Command::Control(id.clone(), Control::Step));
        session.wait(Duration::from_millis(5));
    }
    until(&mut session, &id, |run| run.phase == Phase::Paused);
    live.set(Section::Optimizer, &engine::LEARNING_RATE, 10.0);
    live.set(Section::Optimizer, &engine::WEIGHT_DECAY, 1.0);
    session.send(Command::Tune(id.clone(), live.clone()));
    session.send(Command::Control(id.clone(), Control::Continue));
    let run = until(&mut session, &id, |run| !run.phase.is_active());
    let Phase::Failed(message) = &run.phase else { panic!("{:?}", run.phase) };
    let remedy = run.remedy.unwrap();
    assert_eq!((remedy.learning_rate, Some(remedy.step)), (1.0, run.saved));
    let advice =
        format!("Go on from step {} with a tenth of the learning rate (1 instead of 10)", remedy.step);
    assert!(message.contains(&advice), "{message}");
    session.close();

    let mut session = fixture.session();
    let found = until(&mut session, &id, |run| matches!(run.phase, Phase::Failed(_)));
    assert_eq!((found.remedy, found.saved), (run.remedy, run.saved));
    let rewind = |step, rate| {
        let mut live = live.clone();
        live.set(Section::Optimizer, &engine::LEARNING_RATE, rate);
        Command::Rewind { run: id.clone(), step, live, epochs: None }
    };
    for (command, reason) in [
        (rewind(7, 0.01), "no checkpoint of step 7: choose one of [8"),
        (rewind(8, -1.0), "Learning rate: -1 is out of range"),
    ] {
        session.send(command);
        let notice = wait(&mut session, |session| session.state.notices.pop());
        assert!(notice.text.contains(reason), "{}", notice.text);
        assert_eq!(
            newest_checkpoint(&run.folder),
            run.folder.join(format!("checkpoints/step-{:06}", remedy.step))
        );
    }
    session.send(rewind(8, 0.01));
    wait(&mut session, |session| session.state.newest.clone());
    let run = until(&mut session, &id, |run| !run.phase.is_active());
    assert!(finished(&run), "{:?}", run.phase);
    assert_eq!(run.latest(LEARNING_RATE, Split::Train), Some(0.01));
    let [change] = &run.changes[..] else { panic!("{:?}", run.changes) };
    assert_eq!((change.step, change.key.as_str(), change.to), (8, "optimizer.weight_decay", 1.0));
    // The curves have every step once.
    let steps: Vec<_> = run.curve(LOSS, Split::Train).iter().map(|point| point[0] as u64).collect();
    assert_eq!(steps, (1..=32).collect::<Vec<_>>());
    session.send(rewind(8, 0.001));
    let notice = wait(&mut session, |session| session.state.notices.pop());
    assert!(notice.text.contains("finished"), "{}", notice.text);
}

#[test]
fn a_run_whose_folder_goes_away_ends_and_leaves_nothing_behind() {
    let fixture = Fixture::new();
    let mut session = fixture.session();
    let id = start(&mut session, fixture.spec(&["encoder=mlp", "epochs=500"]));
    let run = until(&mut session, &id, |run| run.progress.step > 3);
    let elsewhere = fixture.home().join("elsewhere");
    fs::rename(&run.folder, &elsewhere).unwrap();
    let ended = until(&mut session, &id, |run| !run.phase.is_active());
    let Phase::Failed(message) = &ended.phase else { panic!("{:?}", ended.phase) };
    assert!(message.contains("was deleted or moved while it trained"), "{message}");
    session.close();
    assert!(!run.folder.exists());
}

/// Weights so large that their sums overflow, as an older version saved them.
#[test]
fn a_network_that_answers_with_nan_says_so() {
    let fixture = Fixture::new();
    let run = fixture.train(&["encoder=mlp", "epochs=1"]);
    let path = newest_checkpoint(&run.folder).join("model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let begin = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[begin..].chunks_exact_mut(4).for_each(|number| number.copy_from_slice(&1e38_f32.to_le_bytes()));
    fs::write(&path, bytes).unwrap();
    let mut session = fixture.session();
    session.send(predict(&run.id));
    let notice = wait(&mut session, |session| {
        session.state.notices.pop().filter(|notice| notice.level == Level::Error)
    });
    assert!(notice.text.contains("answers with no numbers"), "{}", notice.text);
    let images = std::sync::Arc::new(vec![Image::drawing(vec![0; 784]).into()]);
    let question = Question::History { samples: images, after: None };
    session.send(Command::Ask { request: 1, run: run.id.clone(), question });
    let answer = wait(&mut session, |session| {
        session.state.answers.get(&1).filter(|answer| answer.share_done == 1.0).cloned()
    });
    let Finding::History { moments, .. } = answer.finding.unwrap().unwrap() else { panic!("another answer") };
    assert_eq!(moments.iter().map(|moment| moment.step).collect::<Vec<_>>(), [0, 8]);
    let said = wait(&mut session, |session| {
        session.state.notices.pop().filter(|notice| notice.text.contains("Step 16 is left out"))
    });
    assert_eq!(said.level, Level::Warning);
}

#[test]
fn a_long_step_makes_way_for_drawings_and_stops_as_if_it_had_not_begun() {
    let fixture = Fixture::new();
    let small = fixture.train(&["encoder=mlp", "epochs=1"]).id;
    // Its batch normalisation and its averaged generator change with each layer, or before the first one.
    let long = ["objective=adversarial", "batch_size=512", "epochs=1", "epoch_steps=8", "seed=5"];
    let undisturbed = fixture.train(&long);
    let step_secs = undisturbed.progress.elapsed_secs / 8.0;
    let mut session = fixture.session();
    let id = start(&mut session, fixture.spec(&long));
    until(&mut session, &id, |run| run.progress.step == 2);
    let mut latencies: Vec<f64> = (1..=30)
        .map(|request| {
            let began = Instant::now();
            let question = Question::Prediction { sample: Image::drawing(vec![request as u8; 784]).into() };
            session.send(Command::Ask { request, run: small.clone(), question });
            wait(&mut session, |session| session.state.answers.get(&request)?.finding.clone()).unwrap();
            let took = began.elapsed();
            // as a pen that is lifted at times
            std::thread::sleep(Duration::from_millis(40));
            took.as_secs_f64()
        })
        .collect();
    latencies.sort_by(f64::total_cmp);
    assert!(latencies[15] < step_secs / 4.0, "{latencies:?} beside steps of {step_secs} s");
    // Amid the next step.
    let step = session.state.runs[&id].progress.step;
    let step = until(&mut session, &id, |run| run.progress.step > step).progress.step;
    std::thread::sleep(Duration::from_secs_f64(step_secs / 8.0));
    let began = Instant::now();
    session.send(Command::Control(id.clone(), Control::Stop));
    let stopped = until(&mut session, &id, |run| run.phase == Phase::Stopped);
    let took = began.elapsed().as_secs_f64();
    assert!(took < step_secs / 2.0, "stopping took {took} s beside steps of {step_secs} s");
    assert_eq!(stopped.progress.step, step);
    session.close();
    let (resumed, _) = resumed(&fixture, &id);
    assert_eq!(metrics(&resumed), metrics(&undisturbed));
    assert_eq!(weights(&resumed), weights(&undisturbed));
}

fn predict(run: &RunId) -> Command {
    let question = Question::Prediction { sample: Image::drawing(vec![0; 784]).into() };
    Command::Ask { request: 0, run: run.clone(), question }
}
