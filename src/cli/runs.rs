//! `runs`: what there is, which of them was best and what made it so, and what a person says of them.
use super::{Common, Outcome};
use crate::runs::Home;
use anyhow::{Context as _, Result};
use std::path::PathBuf;

mod marking;
mod show;
mod table;
pub mod trash;

#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Runs {
    /// What to do with runs; lists them where nothing is given.
    #[command(subcommand)]
    command: Option<RunsCommand>,
    /// Which runs, and how they are listed.
    #[command(flatten)]
    list: table::List,
}

#[allow(missing_docs, reason = "clap would show it as the help of the command above")]
#[derive(clap::Subcommand, Debug)]
enum RunsCommand {
    /// All that is known of a run: every hyperparameter, what was changed while it trained, and its checkpoints
    Show(show::Show),
    /// Give a run another name
    Rename {
        /// A run's folder, or a unique beginning of its name
        run: String,
        /// What it is to be called
        name: String,
    },
    /// Put a tag on runs, or take it off
    Tag {
        /// A single word
        tag: String,
        /// Runs' folders, or unique beginnings of their names
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<String>,
        /// Take it off
        #[arg(long)]
        remove: bool,
    },
    /// Put a star on runs, or take it off
    Star {
        /// Runs' folders, or unique beginnings of their names
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<String>,
        /// Take it off
        #[arg(long)]
        remove: bool,
    },
    /// Write a note on a run, in Markdown; prints the one that is there where none is given
    Note {
        /// A run's folder, or a unique beginning of its name
        run: String,
        /// The whole note; empty to remove it, - to read it from standard input
        text: Option<String>,
        /// Read it from a file
        #[arg(long, value_name = "FILE", conflicts_with = "text")]
        file: Option<PathBuf>,
    },
    /// Put runs away, so that lists leave them out, or bring them back
    Archive {
        /// Runs' folders, or unique beginnings of their names
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<String>,
        /// Bring them back
        #[arg(long)]
        remove: bool,
    },
    /// Move runs to the trash, from where `headstart trash restore` brings them back
    Delete {
        /// Runs' folders, or unique beginnings of their names
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<String>,
    },
}

/// Lists runs, or does something with them.
///
/// # Errors
/// Where a run is not there, what is asked for is not understood, or nothing can be written.
pub fn runs(args: &Runs, common: &Common) -> Result<Outcome> {
    let home = Home::open(super::home(common)?)?;
    match &args.command {
        None => table::list(&home, &args.list, common),
        Some(RunsCommand::Show(args)) => show::show(&home, args, common),
        Some(RunsCommand::Rename { run, name }) => marking::rename(&home, run, name, common),
        Some(RunsCommand::Tag { tag, runs, remove }) => marking::tag(&home, runs, tag, *remove, common),
        Some(RunsCommand::Star { runs, remove }) => marking::star(&home, runs, !remove, common),
        Some(RunsCommand::Archive { runs, remove }) => marking::archive(&home, runs, !remove, common),
        Some(RunsCommand::Note { run, text, file }) => {
            let file = file.as_deref();
            marking::note(&home, run, text.as_deref(), file, common).context("The note is not written")
        }
        Some(RunsCommand::Delete { runs }) => marking::delete(&home, runs, common),
    }
}
