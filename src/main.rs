//! No arguments: the window; otherwise the command line. The only file that names eframe.
use clap::Parser as _;
use headstart::cli::{self, Args};
use std::process::ExitCode;

/// The default allocator maps and faults every large tensor anew.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    prepare_threads();
    let args = Args::parse();
    let ended = match args.command {
        Some(command) => cli::run(command, &args.common),
        None => window(&args.common),
    };
    match ended {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// candle reads /proc/cpuinfo at every matrix product unless RAYON_NUM_THREADS is set.
fn prepare_threads() {
    if std::env::var_os("RAYON_NUM_THREADS").is_none() {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        // SAFETY: there is no other thread yet that could read the environment.
        unsafe { std::env::set_var("RAYON_NUM_THREADS", threads.to_string()) };
    }
}

#[cfg(not(feature = "window"))]
fn window(_: &cli::Common) -> anyhow::Result<cli::Outcome> {
    anyhow::bail!("This build has no window: see headstart --help for its commands")
}

#[cfg(feature = "window")]
fn window(_: &cli::Common) -> anyhow::Result<cli::Outcome> {
    todo!()
}
