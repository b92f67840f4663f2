//! `trash`: what was deleted.
use crate::{
    cli::{Common, Outcome, output::line},
    disk,
    errors::name,
    runs::{Home, Trashed},
    session::catalog,
};
use anyhow::Result;
use serde_json::json;

#[allow(missing_docs, reason = "clap would show it as the help of the command above")]
#[derive(clap::Subcommand, Debug)]
pub enum TrashCommand {
    /// Bring a deleted run back
    Restore {
        /// Its folder's name, or a unique beginning of it
        run: String,
    },
    /// Remove all that is in the trash for good
    Empty,
}

/// Lists the trash, or does something with it.
///
/// # Errors
/// Where a run is not there, or something cannot be moved or removed.
pub fn trash(command: Option<&TrashCommand>, common: &Common) -> Result<Outcome> {
    let home = Home::open(crate::cli::home(common)?)?;
    match command {
        None => list(&home, common),
        Some(TrashCommand::Restore { run }) => restore(&home, run, common),
        Some(TrashCommand::Empty) => empty(&home, common),
    }
}

fn list(home: &Home, common: &Common) -> Result<Outcome> {
    let all = home.trashed(&catalog())?;
    if all.is_empty() && !common.json {
        line("The trash is empty");
    }
    for Trashed { id, name: called, is_comparison, bytes } in &all {
        let kind = if *is_comparison { "comparison" } else { "run" };
        line(if common.json {
            json!({ "id": id, "name": called, "kind": kind, "bytes": bytes }).to_string()
        } else {
            let called = called.as_deref().map_or("–".into(), name);
            format!("{:<44} {kind:<10} {:>9}  {called}", name(id), disk::size(*bytes))
        });
    }
    Ok(Outcome::Done)
}

fn restore(home: &Home, run: &str, common: &Common) -> Result<Outcome> {
    let id = home.find_trashed(run)?;
    let is_comparison = home.trashed(&catalog())?.iter().any(|it| it.id == id && it.is_comparison);
    if is_comparison {
        home.restore_comparison(&id)?
    } else {
        home.restore(&id)?
    }
    let text = if common.json { json!({ "id": id }).to_string() } else { format!("{id} is back") };
    line(text);
    Ok(Outcome::Done)
}

fn empty(home: &Home, common: &Common) -> Result<Outcome> {
    let all = home.trashed(&catalog())?;
    let bytes: u64 = all.iter().map(|it| it.bytes).sum();
    home.empty_trash()?;
    line(if common.json {
        json!({ "removed": all.len(), "bytes": bytes }).to_string()
    } else {
        format!("{} removed for good, {} are free again", all.len(), disk::size(bytes))
    });
    Ok(Outcome::Done)
}
