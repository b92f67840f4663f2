//! Tensors in several files, which an index names: `model.safetensors.index.json`.
use super::{Recognised, Source, TensorFile, shown};
use crate::errors::{At as _, Place};
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};

/// Longer ones are refused.
const MOST_BYTES: u64 = 32 << 20;
/// Files of one set of weights, at most.
const MOST_SHARDS: usize = 1000;
/// What weights in a folder are called, the first that is there.
const KNOWN: [&str; 4] = [
    "model.safetensors.index.json",
    "model.safetensors",
    "pytorch_model.bin.index.json",
    "pytorch_model.bin",
];
const ENDINGS: [&str; 6] = [".safetensors", ".pt", ".pth", ".th", ".bin", ".index.json"];

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The file of weights in a folder; a file is itself.
///
/// # Errors
/// Where a folder has none, or several between which it cannot be told.
pub fn within(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.into());
    }
    if let Some(known) = KNOWN.iter().map(|name| path.join(name)).find(|path| path.is_file()) {
        return Ok(known);
    }
    let name = |entry: fs::DirEntry| entry.file_name().into_string().ok();
    let names = fs::read_dir(path).context("Could not read the weights").at(path)?;
    let names: BTreeSet<String> = names
        .filter_map(|entry| name(entry.ok()?))
        .filter(|name| ENDINGS.iter().any(|ending| name.ends_with(ending)))
        .collect();
    match names.len() {
        0 => Err(anyhow!(
            "The folder holds no weights: choose a file that ends in {}",
            ENDINGS[..5].join(", ")
        )),
        1 => Ok(path.join(names.first().map_or("", String::as_str))),
        _ => {
            let some: Vec<_> = names.iter().take(5).map(|name| shown(name)).collect();
            Err(anyhow!("The folder holds several files of weights: choose one, such as {}", some.join(", ")))
        }
    }
    .at(path)
}

/// Opens the files that an index names.
pub fn open(path: &Path, index: &Source) -> Result<TensorFile> {
    ensure!(index.len() <= MOST_BYTES, "it is too long for an index of weights: choose another file");
    let Index { weight_map } = serde_json::from_slice(&index.bytes(0, index.len())?)
        .map_err(|error| anyhow!("it is no index of weights ({error}): choose the file of weights itself"))?;
    let names: BTreeSet<&str> = weight_map.values().map(String::as_str).collect();
    ensure!(!names.is_empty(), "the index names no tensors: get it again");
    ensure!(names.len() <= MOST_SHARDS, "the index names more than {MOST_SHARDS} files: get it again");
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut all = TensorFile {
        sources: vec![],
        tensors: BTreeMap::new(),
        format: super::Format::Safetensors,
        said: BTreeMap::new(),
        remarks: vec![],
    };
    for name in names {
        let shard = folder.join(plain(name)?);
        if !shard.is_file() {
            bail!(
                anyhow!("{} is missing, which the index names: put it beside the index", shown(name))
                    .at(Place::File(path.into()))
            );
        }
        let read = || {
            let source = Source::open(&shard)?;
            Recognised::of(&source)?.open(source)
        };
        let shard = read().at(&shard)?;
        all.format = shard.format;
        let place = all.sources.len();
        all.sources.extend(shard.sources);
        all.remarks.extend(shard.remarks);
        for (tensor, mut stored) in shard.tensors {
            if weight_map.get(&tensor).is_some_and(|own| own == name) {
                stored.source += place;
                all.tensors.insert(tensor, stored);
            }
        }
    }
    let missing = weight_map.keys().find(|tensor| !all.tensors.contains_key(*tensor));
    if let Some(tensor) = missing {
        bail!(
            "{} is not in {}, where the index says: get both again",
            shown(tensor),
            shown(&weight_map[tensor])
        );
    }
    Ok(all)
}

/// A file beside the index, and nothing elsewhere.
fn plain(name: &str) -> Result<&Path> {
    let path = Path::new(name);
    let mut parts = path.components();
    let is_plain = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
    ensure!(
        is_plain && !name.contains(['\\', '/', '\0', ':']),
        "the index names {}, which is not beside it: get it from where it is published",
        shown(name)
    );
    Ok(path)
}
