//! The program's own log: a file in the home, and with `--verbose` standard error. A line that cannot be written is left
//! out: the log never ends or fails anything else.
use super::{Args, home};
use crate::{kernels::simd::SimdLevel, runs};
use std::{backtrace::Backtrace, env::consts, io, panic, thread};
use sysinfo::System;
use tracing::{error, info, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer as _, filter::Targets, fmt, layer::SubscriberExt as _, registry, util::SubscriberInitExt as _,
};

/// Starts the log, with which program runs where. Of other libraries only warnings are kept.
pub fn start_log(args: &Args) {
    let file = home(&args.common).ok().and_then(|home| runs::program_log(&home).ok());
    let lines = || fmt::layer().with_ansi(false).with_target(false).log_internal_errors(false);
    let kept = Targets::new().with_default(LevelFilter::WARN).with_target("headstart", LevelFilter::INFO);
    let file = file.map(|file| lines().with_writer(file).boxed());
    let terminal = args.common.verbose.then(|| lines().with_writer(io::stderr).boxed());
    let layers: Vec<_> = file.into_iter().chain(terminal).collect();
    let _only_one = registry().with(kept).with(layers).try_init();
    log_panics();
    info!(
        version = env!("CARGO_PKG_VERSION"),
        system = System::long_os_version().unwrap_or_else(|_| consts::OS.into()),
        processor = consts::ARCH,
        simd = ?SimdLevel::current(),
        threads = thread::available_parallelism().map_or(1, usize::from),
        command = ?args.command,
        "started"
    );
}

/// Logs a panic with its backtrace before it is reported as usual.
fn log_panics() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |fault| {
        let thread = thread::current();
        error!(thread = thread.name(), "{fault}\n{}", Backtrace::force_capture());
        report(fault);
    }));
}
