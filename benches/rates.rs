//! How good the learning-rate finder's suggestion is: the accuracy after an epoch with it, against the best of nine rates.
//!
//! ```sh
//! cargo bench --bench rates -- [--seeds 3] [--encoder mlp]
//! ```
//! A home for the runs is made in the system's folder for temporary files, and removed. With three seeds it takes twenty minutes
//! on two cores.
use headstart::{
    metrics::{ACCURACY, Split},
    protocol::{Command, Finding, Phase, Question, RunId},
    rates::written,
    session::{Session, catalog},
    spec::RunSpec,
};
use std::{env, time::Duration};

const GRID: [f64; 9] = [1e-4, 3.16e-4, 1e-3, 3.16e-3, 0.01, 0.0316, 0.1, 0.316, 1.0];
const ENCODERS: [&str; 3] = ["mlp", "seed_cnn", "compact_cnn"];
const OPTIMIZERS: [&str; 2] = ["adam", "sgd"];

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let value = |key: &str| Some(arguments.get(arguments.iter().position(|word| word == key)? + 1)?.clone());
    let seeds: u64 = value("--seeds").and_then(|seeds| seeds.parse().ok()).unwrap_or(3);
    let only = value("--encoder");
    let home = env::temp_dir().join(format!("headstart-rates-{}", std::process::id()));
    let mut session = Session::open(home.clone(), || {}).unwrap();
    println!("Validation accuracy after one epoch of MNIST: the best of nine rates, and the suggested one");
    for encoder in ENCODERS.into_iter().filter(|encoder| only.as_ref().is_none_or(|only| only == encoder)) {
        for optimizer in OPTIMIZERS {
            let mut differences = vec![];
            for seed in 0..seeds {
                let (line, difference) = measured(&mut session, encoder, optimizer, seed);
                println!("{line}");
                differences.push(difference);
            }
            differences.sort_by(f64::total_cmp);
            let median = differences[differences.len() / 2];
            println!("{encoder:<12} {optimizer:<5} median difference {:+.2} points", 100.0 * median);
        }
    }
    session.close();
    std::fs::remove_dir_all(home).unwrap();
}

/// A line of the table, and by how much the suggestion is better than the best of the grid.
fn measured(session: &mut Session, encoder: &str, optimizer: &str, seed: u64) -> (String, f64) {
    let spec = |rate: Option<f64>| {
        let mut set = vec![
            format!("encoder={encoder}"),
            format!("optimizer={optimizer}"),
            format!("seed={seed}"),
            "epochs=1".into(),
            "evaluations_per_epoch=1".into(),
        ];
        set.extend(rate.map(|rate| format!("learning_rate={rate}")));
        RunSpec::from_toml("", &set, &catalog()).unwrap()
    };
    let (suggested, steps) = suggestion(session, spec(None));
    let accuracy = trained(session, spec(Some(suggested)));
    let grid = GRID.map(|rate| (trained(session, spec(Some(rate))), rate));
    let (best, rate) = grid.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    let line = format!(
        "{encoder:<12} {optimizer:<5} seed {seed}: best {:.2} % at {}, suggested {:.2} % at {} after {steps} steps",
        100.0 * best,
        written(rate),
        100.0 * accuracy,
        written(suggested)
    );
    (line, accuracy - best)
}

/// The suggested rate, and the steps that it took.
fn suggestion(session: &mut Session, spec: RunSpec) -> (f64, usize) {
    let question = Question::LearningRates { spec: Some(Box::new(spec)) };
    session.send(Command::Ask { request: 1, run: "".into(), question });
    loop {
        session.wait(Duration::from_millis(20));
        let Some(answer) = session.state.answers.get(&1).filter(|answer| answer.share_done >= 1.0) else {
            continue;
        };
        let Some(Ok(Finding::LearningRates(test))) = &answer.finding else { panic!("{:?}", answer.finding) };
        let found = (test.suggestion.unwrap().rate, test.points.len());
        session.state.answers.clear();
        return found;
    }
}

/// The validation accuracy of a run at its end; one that diverges has none.
fn trained(session: &mut Session, spec: RunSpec) -> f64 {
    session.state.newest = None;
    session.send(Command::Start(Box::new(spec)));
    loop {
        session.wait(Duration::from_millis(20));
        let Some(id) = session.state.newest.clone() else { continue };
        let run = &session.state.runs[&id];
        if run.phase.is_active() {
            continue;
        }
        let accuracy =
            if run.phase == Phase::Finished { run.latest(ACCURACY, Split::Validation) } else { None };
        forget(session, id);
        return accuracy.unwrap_or(0.0);
    }
}

fn forget(session: &mut Session, id: RunId) {
    session.send(Command::Delete(id.clone()));
    while session.state.runs.contains_key(&id) {
        session.wait(Duration::from_millis(20));
    }
}
