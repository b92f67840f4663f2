//! What a person says of runs, and putting them away.
use crate::{
    cli::{
        Common, Outcome,
        output::{complain, line},
    },
    disk,
    errors::{At as _, message},
    protocol::{Mark, RunId},
    runs::Home,
    session::catalog,
    spec::RunSpec,
};
use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use std::{
    io::{Read as _, stdin},
    path::Path,
};

/// The most bytes of a note that are read.
const MOST_NOTE: u64 = 1 << 20;

pub fn rename(home: &Home, run: &str, name: &str, common: &Common) -> Result<Outcome> {
    ensure!(!name.trim().is_empty(), "A name needs at least one letter");
    let (id, catalog) = (home.find(run)?, catalog());
    let folder = home.folder(&id);
    let spec = RunSpec { name: name.trim().into(), ..folder.spec(&catalog)? };
    folder.write_spec(&spec, &catalog)?;
    said(&id, &format!("is called {} now", spec.name), common);
    Ok(Outcome::Done)
}

pub fn tag(home: &Home, runs: &[String], tag: &str, remove: bool, common: &Common) -> Result<Outcome> {
    let (mark, what) = match remove {
        true => (Mark::Untag(tag.into()), format!("has no tag {tag} any more")),
        false => (Mark::Tag(tag.into()), format!("has the tag {tag}")),
    };
    mark_all(home, runs, &mark, &what, common)
}

pub fn star(home: &Home, runs: &[String], star: bool, common: &Common) -> Result<Outcome> {
    let what = if star { "has a star" } else { "has no star any more" };
    mark_all(home, runs, &Mark::Star(star), what, common)
}

pub fn archive(home: &Home, runs: &[String], archived: bool, common: &Common) -> Result<Outcome> {
    let what = if archived { "is put away" } else { "is listed again" };
    mark_all(home, runs, &Mark::Archived(archived), what, common)
}

pub fn note(
    home: &Home,
    run: &str,
    text: Option<&str>,
    file: Option<&Path>,
    common: &Common,
) -> Result<Outcome> {
    let id = home.find(run)?;
    let text = match (text, file) {
        (_, Some(file)) => disk::read_text(file, MOST_NOTE).context("Could not read the text").at(file)?,
        (Some("-"), None) => read_stdin()?,
        (Some(text), None) => text.into(),
        (None, None) => {
            let note = home.folder(&id).marks()?.note;
            line(if common.json { json!({ "run": id, "note": note }).to_string() } else { note });
            return Ok(Outcome::Done);
        }
    };
    let what = if text.is_empty() { "has no note any more" } else { "has the note" };
    home.folder(&id).mark(&Mark::Note(text))?;
    said(&id, what, common);
    Ok(Outcome::Done)
}

fn read_stdin() -> Result<String> {
    let mut text = String::new();
    stdin().lock().take(MOST_NOTE + 1).read_to_string(&mut text).context("Could not read standard input")?;
    Ok(text)
}

pub fn delete(home: &Home, runs: &[String], common: &Common) -> Result<Outcome> {
    each(home, runs, |id| {
        home.delete(id)?;
        said(id, "is in the trash", common);
        Ok(())
    })
}

fn mark_all(home: &Home, runs: &[String], mark: &Mark, what: &str, common: &Common) -> Result<Outcome> {
    each(home, runs, |id| {
        home.folder(id).mark(mark)?;
        said(id, what, common);
        Ok(())
    })
}

/// Does something to each of several runs, once all of their names are understood. What fails with one is no reason to
/// leave the others out.
fn each(home: &Home, runs: &[String], work: impl Fn(&RunId) -> Result<()>) -> Result<Outcome> {
    let ids = runs.iter().map(|run| home.find(run)).collect::<Result<Vec<RunId>>>()?;
    let mut outcome = Outcome::Done;
    for id in ids {
        if let Err(error) = work(&id) {
            complain(message(&error));
            outcome = Outcome::Failed;
        }
    }
    Ok(outcome)
}

fn said(id: &RunId, what: &str, common: &Common) {
    line(if common.json { json!({ "run": id, "said": what }).to_string() } else { format!("{id} {what}") });
}
