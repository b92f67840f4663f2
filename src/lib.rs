//! Headstart trains real networks in front of you.
//!
//! Dependencies run strictly downwards: `ui` and `cli` are two faces over [`session`]; below it lie the librarian,
//! the engine, objectives, models, ops and kernels; then data, runs and the plain data that all of them share. ARCHITECTURE.md is
//! the page to read first.
#![warn(missing_docs)]
#![deny(clippy::print_stdout, clippy::print_stderr, reason = "both can be closed: cli::output survives that")]

pub mod cli;
pub mod data;
pub mod disk;
pub mod embedding;
pub mod engine;
pub mod errors;
pub mod evaluation;
pub mod experiment;
pub mod explanation;
pub mod export;
pub mod inside;
pub mod kernels;
mod librarian;
pub mod listing;
pub mod metrics;
pub mod models;
mod nearest;
pub mod noise;
pub mod objectives;
pub mod ops;
pub mod pickle;
pub mod presets;
pub mod protocol;
pub mod rates;
mod registry;
pub mod rng;
pub mod runs;
pub mod sample;
mod service;
pub mod session;
pub mod shape;
pub mod spec;
pub mod weights;

#[cfg(feature = "window")]
pub mod ui;
