//! `completions` and `man`: what shells and manuals know of the command line, made from its own definition.
use super::{
    Args, Outcome,
    output::{line, raw},
};
use crate::errors::{At as _, Place};
use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::path::Path;

/// Prints a script that completes commands, options and values in a shell.
pub fn completions(shell: Shell) -> Outcome {
    let mut script = vec![];
    clap_complete::generate(shell, &mut Args::command(), "headstart", &mut script);
    raw(&script);
    Outcome::Done
}

/// Prints the manual page, or writes one for each command into a folder.
///
/// # Errors
/// Where they cannot be written.
pub fn man(folder: Option<&Path>) -> Result<Outcome> {
    let Some(folder) = folder else {
        let mut page = vec![];
        clap_mangen::Man::new(Args::command()).render(&mut page)?;
        raw(&page);
        return Ok(Outcome::Done);
    };
    let write = || {
        std::fs::create_dir_all(folder)?;
        clap_mangen::generate_to(Args::command(), folder)
    };
    write().context("Could not write the manual pages: choose another folder").at(Place::folder(folder))?;
    line(format!("man -l {}", folder.join("headstart.1").display()));
    Ok(Outcome::Done)
}
