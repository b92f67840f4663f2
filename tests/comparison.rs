//! Comparisons as users run them: started, interrupted, resumed, deleted.
use headstart::{
    experiment::{Cell, Experiment, Setting},
    metrics::{ACCURACY, Split},
    protocol::{Command, ComparisonId, Control, Order, Phase},
    session::{Session, catalog},
};
use std::{collections::BTreeMap, fs};

mod support;
use support::{Fixture, wait};

fn comparison(fixture: &Fixture) -> Experiment {
    let text = include_str!("../configs/transfer_in_three_minutes.toml");
    let data = [
        "dataset=files".to_owned(),
        format!("dataset.path={}", fixture.data().display()),
        "dataset.validation_images=100".into(),
    ];
    let small = [
        "run.epochs=1",
        "run.epoch_steps=6",
        "run.batch_size=16",
        "pretrain.epochs=1",
        "seeds=[1, 2]",
        "labels_per_class=[1]",
    ];
    let both = data.iter().flat_map(|pair| [format!("run.{pair}"), format!("pretrain.{pair}")]);
    let pairs: Vec<String> = both.chain(small.map(String::from)).collect();
    Experiment::from_toml(text, &pairs, &catalog()).unwrap()
}

fn start(session: &mut Session, experiment: &Experiment) -> ComparisonId {
    session.send(Command::Compare(Box::new(experiment.clone())));
    wait(session, |session| session.state.newest_comparison.clone())
}

fn until_ended(session: &mut Session, id: &ComparisonId) -> Phase {
    wait(session, |session| {
        Some(session.state.comparisons.get(id)?.phase.clone()).filter(|phase| !phase.is_active())
    })
}

/// Test accuracies by cell.
fn accuracies(session: &Session, id: &ComparisonId) -> BTreeMap<Cell, Option<f64>> {
    let info = &session.state.comparisons[id];
    let entrants = session.state.entrants(info);
    entrants.into_iter().map(|(cell, run)| (cell, run.latest(ACCURACY, Split::Test))).collect()
}

#[test]
fn a_comparison_that_is_stopped_and_reopened_loses_nothing() {
    let fixture = Fixture::new();
    let comparison = comparison(&fixture);
    let mut session = fixture.session();
    let whole = start(&mut session, &comparison);
    assert_eq!(until_ended(&mut session, &whole), Phase::Finished);
    let expected = accuracies(&session, &whole);
    assert_eq!(expected.len(), 1 + 2 * 6);
    let csv = fs::read_to_string(session.state.comparisons[&whole].folder.join("results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 2 * 6);
    let info = &session.state.comparisons[&whole];
    let results = session.state.results(info);
    assert!(results.points[0].arms.iter().all(|arm| arm.values.len() == 2));
    assert_eq!(results.conclusions(&info.experiment).len(), 3 + 1);

    session.state.newest_comparison = None;
    let cut = start(&mut session, &comparison);
    wait(&mut session, |session| {
        let entrants = session.state.entrants(&session.state.comparisons[&cut]);
        let racing =
            entrants.iter().any(|(cell, run)| matches!(cell, Cell::Arm { .. }) && run.progress.step > 1);
        racing.then_some(())
    });
    session.send(Command::Order(cut.clone(), Order::Control(Control::Stop)));
    assert_eq!(until_ended(&mut session, &cut), Phase::Stopped);
    session.close();

    let mut session = fixture.session();
    wait(&mut session, |session| {
        session.state.comparisons.get(&cut).map(|info| assert_eq!(info.phase, Phase::Stopped))
    });
    session.send(Command::Order(cut.clone(), Order::Resume));
    wait(&mut session, |session| (session.state.comparisons[&cut].phase == Phase::Running).then_some(()));
    assert_eq!(until_ended(&mut session, &cut), Phase::Finished);
    wait(&mut session, |session| (session.state.runs.len() == 26).then_some(()));
    assert_eq!(accuracies(&session, &cut), expected);

    session.send(Command::Order(cut.clone(), Order::Delete));
    wait(&mut session, |session| {
        (session.state.runs.len() == 14 && session.state.comparisons.len() == 1).then_some(())
    });
    session.send(Command::Order(cut.clone(), Order::Restore));
    wait(&mut session, |session| {
        (session.state.runs.len() == 26 && session.state.comparisons.len() == 2).then_some(())
    });
    assert_eq!(accuracies(&session, &cut), expected);
    session.close();
}

#[test]
fn what_cannot_be_raced_says_so_at_once() {
    let fixture = Fixture::new();
    let refused = |change: &dyn Fn(&mut Experiment), reason: &str| {
        let mut session = fixture.session();
        let mut comparison = comparison(&fixture);
        change(&mut comparison);
        session.send(Command::Compare(Box::new(comparison)));
        let notice = wait(&mut session, |session| session.state.notices.pop());
        assert!(notice.text.contains(reason), "{}", notice.text);
        session.close();
        assert_eq!(fs::read_dir(fixture.home().join("comparisons")).unwrap().count(), 0);
    };
    refused(&|c| c.base.objective.id = "contrastive".into(), "choose classify");
    refused(
        &|c| c.arms[3].settings[0] = Setting::InitFrom(Some("nowhere".into())),
        "no shipped encoder (mnist_contrastive",
    );
    refused(&|c| c.seeds.clear(), "one seed at least");
}

#[test]
fn a_sweep_trains_every_combination_and_measures_it_on_validation_images() {
    let fixture = Fixture::new();
    let text = "
        name = 'Rates and batches'
        seeds = [1, 2]
        axes = { learning_rate = [0.0001, 0.001], batch_size = [16, 32] }
        run = { encoder = { id = 'mlp' }, training = { epochs = 1, epoch_steps = 4 } }
    ";
    let path = format!("run.dataset.path={}", fixture.data().display());
    let pairs = ["run.dataset=files", &path, "run.dataset.validation_images=100"].map(String::from);
    let sweep = Experiment::from_toml(text, &pairs, &catalog()).unwrap();
    let mut session = fixture.session();
    let id = start(&mut session, &sweep);
    assert_eq!(until_ended(&mut session, &id), Phase::Finished);
    let info = &session.state.comparisons[&id];
    let csv = fs::read_to_string(info.folder.join("results.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "arm,learning_rate,batch_size,seed,validation_accuracy");
    assert_eq!(lines.len(), 1 + 8);
    assert!(lines[7].starts_with("\"Rates and batches\",0.001,16,2,"), "{}", lines[7]);
    for run in session.state.runs.values() {
        let [rate, batch] = [run.spec.optimizer.values["learning_rate"], run.spec.training["batch_size"]];
        let accuracy = run.latest(ACCURACY, Split::Validation).unwrap();
        let line = format!("{rate},{batch},{},{accuracy}", run.spec.seed);
        assert!(lines.iter().any(|known| known.ends_with(&line)), "{line}");
    }
    let results = session.state.results(info);
    assert!(results.points[0].arms[0].difference.is_none());
    assert_eq!(results.points[3].arms[0].difference.unwrap().races, 2);
    session.close();
}
