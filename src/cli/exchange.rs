//! `export` and `import`: weights to and from PyTorch.
use super::{
    Common, Outcome,
    output::{complain, line},
};
use crate::{
    engine::exchange,
    models::{Rename, Taken, TakenPart},
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
    let taken = &found.taken;
    if common.json {
        line(json!({
            "run": run, "folder": folder.path, "tensors": found.tensors, "parameters": found.parameters,
            "loaded": taken.loaded.iter().map(|loaded| json!({
                "name": loaded.name, "from": loaded.from, "shape": loaded.shape,
            })).collect::<Vec<_>>(),
            "left_out": taken.left_out.iter().map(|left| json!({ "name": left.name, "why": left.why })).collect::<Vec<_>>(),
            "remarks": taken.remarks,
        }));
    } else {
        line(format!("{run}\n{}", folder.path.display()));
        line(format!("{} tensors, {} parameters", found.tensors, found.parameters));
        table(taken).iter().for_each(line);
        taken.remarks.iter().for_each(line);
    }
    Ok(Outcome::Done)
}

/// A line for each part of the network: where it was in the file, how many tensors, and numbers in them; and what was left
/// out.
fn table(taken: &Taken) -> Vec<String> {
    let parts = taken.by_part();
    let width = |text: fn(&TakenPart) -> &str, head: &str| {
        parts.iter().map(|part| text(part).chars().count()).chain([head.len()]).max().unwrap_or_default()
    };
    let (here, there) = (width(|part| &part.name, "layer"), width(|part| &part.from, "in the file"));
    let mut lines = vec![format!("{:here$}  {:there$}  tensors  parameters", "layer", "in the file")];
    lines.extend(parts.iter().map(|part| {
        format!("{:here$}  {:there$}  {:>7}  {:>10}", part.name, part.from, part.tensors, part.numbers)
    }));
    lines.extend(
        taken.left_out_by_reason().iter().map(|(why, names)| format!("Left out, as it {why}: {names}")),
    );
    lines
}

fn parse(rename: &str) -> Result<Rename> {
    let (theirs, ours) = rename
        .split_once('=')
        .filter(|(theirs, _)| !theirs.is_empty())
        .with_context(|| format!("--rename {rename} names no two layers: write it as fc2=head"))?;
    Ok(Rename { theirs: theirs.into(), ours: ours.into() })
}
