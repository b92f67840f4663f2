//! `export` and `import`: weights to and from PyTorch.
use super::{
    Common, Outcome,
    output::{complain, line},
};
use crate::{
    engine::exchange,
    models::Rename,
    runs::Home,
    session::catalog,
    spec::{RunSpec, Section},
};
use anyhow::{Context as _, Result};
use serde_json::json;
use std::path::Path;

pub fn export(run: &str, out: &Path, common: &Common) -> Result<Outcome> {
    let home = Home::open(super::home(common)?)?;
    let run = home.find_at(run)?;
    let found = exchange::export(&home.folder(&run), &catalog(), out)?;
    found.passed_over.iter().for_each(complain);
    if common.json {
        line(json!({
            "run": run, "step": found.step, "tensors": found.tensors, "parameters": found.parameters, "file": out,
            "head": found.has_head,
        }));
    } else {
        line(format!(
            "{} tensors, {} parameters, of step {}{}: {}",
            found.tensors,
            found.parameters,
            found.step,
            if found.has_head { "" } else { ", the encoder alone" },
            out.display()
        ));
    }
    Ok(Outcome::Done)
}

pub fn import(
    file: &Path,
    encoder: &str,
    set: &[String],
    renames: &[String],
    common: &Common,
) -> Result<Outcome> {
    let catalog = catalog();
    let renames = renames.iter().map(|rename| parse(rename)).collect::<Result<Vec<_>>>()?;
    let overrides: Vec<String> =
        [format!("{}={encoder}", Section::Encoder.id())].into_iter().chain(set.iter().cloned()).collect();
    let mut spec = RunSpec::from_toml("", &overrides, &catalog).context("The network cannot be made")?;
    if !set.iter().any(|pair| pair.starts_with("name=")) {
        spec.name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    }
    let home = Home::open(super::home(common)?)?;
    let (run, folder, found) = exchange::import(&home, &spec, &catalog, file, &renames)?;
    if common.json {
        line(json!({
            "run": run, "folder": folder.path, "tensors": found.tensors, "parameters": found.parameters,
        }));
    } else {
        line(format!("{run}\n{}", folder.path.display()));
        line(format!("{} tensors, {} parameters", found.tensors, found.parameters));
    }
    Ok(Outcome::Done)
}

fn parse(rename: &str) -> Result<Rename> {
    let (theirs, ours) = rename
        .split_once('=')
        .filter(|(theirs, _)| !theirs.is_empty())
        .with_context(|| format!("--rename {rename} names no two layers: write it as fc2=head"))?;
    Ok(Rename { theirs: theirs.into(), ours: ours.into() })
}
