//! Whether TPE with successive halving finds as good a setting as a grid of 36, in a third of its training steps: on MNIST
//! with 1,000 labels, over five seeds, in pairs with the same seed. `cargo bench --bench sweep`, some minutes.
//!
//! Validation chooses in both. The test accuracy of what was chosen is read afterwards, once.
use headstart::{
    experiment::{Experiment, Search},
    metrics::{ACCURACY, Split},
    protocol::{Command, Phase},
    session::{Session, catalog},
};
use std::time::{Duration, Instant};

const SEEDS: u64 = 5;

/// Learning rate and dropout of a small network; 16 steps an epoch, 9 epochs.
const RECIPE: &str = "
[run]
dataset = { id = 'mnist', labels_per_class = 100, validation_images = 2000 }
encoder = { id = 'mlp' }
training = { epochs = 9, batch_size = 64, evaluations_per_epoch = 1 }
";
const GRID: &str = "
search = { kind = 'grid', at_once = 36 }
[axes]
learning_rate = '0.0001..0.1:log:6'
dropout = '0..0.75:6'
";
/// A group of nine takes as many steps as two and a third whole runs.
const TPE: &str = "
search = { kind = 'tpe', trials = 45, halving = 3, at_once = 9, seed = SEED }
[axes]
learning_rate = '0.0001..0.1 log'
dropout = '0..0.75'
";

/// What a sweep came to.
struct Outcome {
    settings: usize,
    steps: u64,
    best: String,
    validation: f64,
    test: f64,
}

fn main() {
    println!(
        "{:4} {:5} {:>8} {:>6} {:>10} {:>7}  chosen",
        "seed", "kind", "settings", "steps", "validation", "test"
    );
    let mut pairs = vec![];
    for seed in 1..=SEEDS {
        let [grid, tpe] = [("grid", GRID), ("tpe", TPE)].map(|(kind, search)| {
            let began = Instant::now();
            let outcome = swept(search, seed);
            let Outcome { settings, steps, best, validation, test } = &outcome;
            let [validation, test] = [validation, test].map(|share| 100.0 * share);
            let secs = began.elapsed().as_secs();
            println!(
                "{seed:4} {kind:5} {settings:8} {steps:6} {validation:8.2} % {test:5.2} %  {best} ({secs} s)"
            );
            outcome
        });
        pairs.push((grid, tpe));
    }
    let share =
        pairs.iter().map(|(grid, tpe)| tpe.steps as f64 / grid.steps as f64).sum::<f64>() / SEEDS as f64;
    println!("steps: {:.1} % of the grid's", 100.0 * share);
    report("validation", pairs.iter().map(|(grid, tpe)| tpe.validation - grid.validation).collect());
    report("test", pairs.iter().map(|(grid, tpe)| tpe.test - grid.test).collect());
}

/// The mean of paired differences, with its 95 % interval by Student's t.
fn report(what: &str, differences: Vec<f64>) {
    let count = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / count;
    let variance = differences.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    // four degrees of freedom
    let margin = 2.776 * (variance / count).sqrt();
    let each: Vec<String> = differences.iter().map(|value| format!("{:+.2}", 100.0 * value)).collect();
    println!(
        "{what}: TPE and halving minus the grid, in points: {} · mean {:+.2} (95 % interval {:+.2} to {:+.2})",
        each.join(" "),
        100.0 * mean,
        100.0 * (mean - margin),
        100.0 * (mean + margin)
    );
}

fn swept(search: &str, seed: u64) -> Outcome {
    let home = std::env::temp_dir().join(format!("headstart-sweep-{}-{seed}", std::process::id()));
    let text =
        format!("name = 'Sweep'\nseeds = {seed}\n{}{RECIPE}", search.replace("SEED", &seed.to_string()));
    let experiment = Experiment::from_toml(&text, &[], &catalog()).expect("the recipe is right");
    let mut session = Session::open(home.clone(), || {}).expect("a home");
    session.send(Command::Compare(Box::new(experiment)));
    let info = loop {
        session.wait(Duration::from_millis(100));
        for notice in std::mem::take(&mut session.state.notices) {
            eprintln!("{}", notice.text);
        }
        match session.state.comparisons.values().next() {
            Some(info) if info.phase == Phase::Finished => break info.clone(),
            Some(info) if !info.phase.is_active() => panic!("{:?}", info.phase),
            _ => {}
        }
    };
    let (experiment, found) = (&info.experiment, session.state.found(&info));
    let search: &Search = experiment.search.as_ref().expect("it has a search");
    let best = experiment.best(search, &found).expect("a trial was trained to its end");
    let cell = experiment.cells_of(best).next().expect("it has a run");
    let test = session.state.entrants(&info)[&cell].latest(ACCURACY, Split::Test).expect("it was tested");
    let outcome = Outcome {
        settings: search.drawn.len(),
        steps: found.values().map(|run| run.step).sum(),
        best: experiment.point_label(best),
        validation: experiment.value_at(best, 1.0, &found).expect("it was validated"),
        test,
    };
    session.close();
    let _left_behind = std::fs::remove_dir_all(home);
    outcome
}
