//! The training loop alone: no window, no thread, no run folder. Those are all built around these calls.
//!
//! ```sh
//! cargo run --release --example train
//! cargo run --release --example train encoder=seed_cnn epochs=1 learning_rate=0.002
//! ```
use anyhow::Result;
use headstart::{
    data::{self, watch::Watch},
    engine::{self, Advance, LEARNING_RATE, Origin, Trainer},
    metrics::Point,
    spec::{RunSpec, Section},
};
use std::path::Path;

/// Steps between two lines about training.
const REPORT_EVERY: u64 = 100;
/// The step from which the learning rate is a tenth.
const SLOWER_FROM: u64 = 600;

fn main() -> Result<()> {
    // All components, and a recipe: what its text leaves out has its default, and key=value pairs override it.
    let catalog = engine::catalog();
    let overrides: Vec<String> = std::env::args().skip(1).collect();
    let spec =
        RunSpec::from_toml("encoder = { id = 'mlp' }\ntraining = { epochs = 1 }", &overrides, &catalog)?;

    // MNIST is part of the program; others are read from a path, or from the folder of fetched data sets.
    let dataset = data::open(&spec.dataset, Path::new("data"), &Watch::default())?;
    println!("{} training images of {}", dataset.train.len(), dataset.info.shape);

    let live = catalog.live_params(&spec);
    let mut trainer = Trainer::new(spec, live, dataset, Origin::Fresh)?;
    loop {
        // One batch of training or of scoring. There are no callbacks: the return value says what was done.
        match trainer.advance()? {
            Advance::Trained { points, .. } => {
                if trainer.state.step.is_multiple_of(REPORT_EVERY) {
                    show(&points);
                }
                // Live hyperparameters may change between any two batches, as when a slider moves.
                if trainer.state.step == SLOWER_FROM {
                    let rate = trainer.live.get(Section::Optimizer, &LEARNING_RATE);
                    trainer.live.set(Section::Optimizer, &LEARNING_RATE, 0.1 * rate);
                }
            }
            Advance::Labelled { .. } | Advance::Scored | Advance::Interrupted => {}
            Advance::Validated { points, .. } => show(&points),
            Advance::Finished { points } => break show(&points),
        }
    }
    Ok(())
}

/// "step 100: train loss 0.3021, train accuracy 0.9063".
fn show(points: &[Point]) {
    let step = points.first().map_or(0, |point| point.step);
    let figure = |point: &Point| format!("{} {} {:.4}", point.split.id(), point.metric, point.value);
    println!("step {step}: {}", points.iter().map(figure).collect::<Vec<_>>().join(", "));
}
