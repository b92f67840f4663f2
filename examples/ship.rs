//! Makes `assets/example`, the run that comes with the program, of a run of the shipped recipe that has ended.
//!
//! ```sh
//! headstart train configs/drawing.toml
//! cargo run --release --example ship FOLDER OF THE RUN
//! ```
use anyhow::{Context as _, Result, ensure};
use headstart::{
    metrics::{Point, Split},
    runs::{CheckpointState, MetricsFile, RunFolder, SHIPPED_NAME},
    session::catalog,
    spec::RunSpec,
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Steps at the beginning of which every loss is kept: a test compares them.
const FIRST: u64 = 24;
/// Of the later ones, each of so many.
const EVERY: u64 = 32;

fn main() -> Result<()> {
    let run = PathBuf::from(std::env::args().nth(1).context("the folder of the run is missing")?);
    let (run, folder) = (RunFolder::new(run), assets());
    let step = *run.checkpoints().last().context("the run has no checkpoint")?;
    let state = run.checkpoint_state(step)?;
    ensure!(state.trained, "the run has not ended");
    for made in ["checkpoints", "metrics.csv"].map(|name| folder.path.join(name)) {
        let _was_there = if made.is_dir() { fs::remove_dir_all(made) } else { fs::remove_file(made) };
    }
    let spec = run.spec(&catalog())?;
    let shipped = Some(spec.name.clone());
    folder.write_spec(&RunSpec { name: SHIPPED_NAME.into(), shipped, ..spec }, &catalog())?;
    for name in ["data.toml", "log.jsonl"] {
        fs::copy(run.path.join(name), folder.path.join(name))?;
    }
    let state = CheckpointState { metrics_bytes: metrics(&run, &folder)?, ..state };
    let weights = |folder: &Path| folder.join("model.safetensors");
    folder.save_checkpoint(&state, |checkpoint| {
        Ok(fs::copy(weights(&run.checkpoint(step)), weights(checkpoint)).map(drop)?)
    })
}

fn assets() -> RunFolder {
    RunFolder::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/example"))
}

/// Copies some points of a run's curves; gives how many bytes they take.
fn metrics(from: &RunFolder, to: &RunFolder) -> Result<u64> {
    let mut file = MetricsFile::open(to, 0)?;
    let is_kept = |Point { step, split, .. }: &Point| {
        *split != Split::Train || *step <= FIRST || step.is_multiple_of(EVERY)
    };
    from.each_point(|point| {
        if is_kept(&point) {
            file.push(&[point]);
        }
    })?;
    file.sync()
}
