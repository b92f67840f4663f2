//! How well a run reads what people write, by the command that they would use:
//! `cargo bench --bench reading -- --run RUN --data FOLDER [--keep FOLDER]
//! [--program PATH]`; and whether it notices what is no digit:
//! `cargo bench --bench reading -- outsiders --run RUN --data FOLDER [--step STEP]`.
//!
//! FOLDER holds `hwd-1000` and `usps`, from whose ink pictures of paper are made. `--keep` leaves these pictures there,
//! named by what is on them, to be looked at.
use anyhow::{Context as _, Result};
use asking::Reader;
use clap::Parser;
use std::path::PathBuf;

mod asking;
mod ink;
mod kinds;
mod outsiders;
mod paper;
mod photograph;
mod subject;

#[derive(Parser)]
struct Arguments {
    /// What is measured: `paper` or `outsiders`.
    #[arg(default_value = "paper")]
    part: String,
    /// The run that is measured, by its name.
    #[arg(long)]
    run: String,
    /// The folder with the digits of `hwd-1000` and `usps`.
    #[arg(long)]
    data: PathBuf,
    /// Of `outsiders`: the checkpoint of this step, judged as in training.
    #[arg(long)]
    step: Option<u64>,
    /// The program that reads: another build of it, to compare.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_headstart"))]
    program: PathBuf,
    /// Leaves the pictures in this folder.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.part == "outsiders" {
        let subject = subject::Subject::open(&arguments.run, arguments.step)?;
        return outsiders::measure(&subject, &arguments.data);
    }
    let folder = match arguments.keep {
        Some(folder) => folder,
        None => std::env::temp_dir().join(format!("headstart-reading-{}", std::process::id())),
    };
    std::fs::create_dir_all(&folder).context("Could not make the folder for the pictures")?;
    let reader = Reader { program: arguments.program, run: arguments.run };
    paper::measure(&reader, &arguments.data, &folder)
}
